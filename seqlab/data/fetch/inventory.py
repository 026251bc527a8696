"""What is in the cache of each data set, and what it was checked against."""

from pathlib import Path
from typing import Any

from seqlab.data.fetch.cache import cached
from seqlab.data.fetch.downloads import Download, files_of


def row_of(name: str) -> dict[str, Any]:
    """A data set as `seqlab data --json` prints it.

    One of several files has a row of each under `files`, and of itself what is true of all.
    """
    rows = [_file_row(download) for download in files_of(name)]
    if len(rows) == 1:
        return rows[0]
    whole = all(row["cached"] for row in rows)
    return {
        "name": name,
        "about": rows[0]["about"],
        "url": rows[0]["url"].rpartition("/")[0] + "/",
        "cached": whole,
        "checked": all(row["checked"] for row in rows) if whole else None,
        "bytes": sum(row["bytes"] for row in rows) if whole else None,
        "origin": rows[0]["origin"].removesuffix(Path(rows[0]["path"]).name) if whole else None,
        "sha256": None,
        "path": str(Path(rows[0]["path"]).parent) if whole else None,
        "files": rows,
    }


def _file_row(download: Download) -> dict[str, Any]:
    """A file as JSON. bytes: of the cached file, else of the published one, null where that is not known."""
    found = cached(download)
    return {
        "name": download.name,
        "about": download.about,
        "url": download.url,
        "cached": found is not None,
        "checked": found.checked if found else None,
        "bytes": found.path.stat().st_size if found else download.size or None,
        "origin": found.origin if found else None,
        "sha256": found.sha256 if found else None,
        "path": str(found.path) if found else None,
    }


def state_of(files: list[Download]) -> str:
    """Whether the files of a data set are in the cache, and what all of them were checked against."""
    found = [cached(download) for download in files]
    if None in found:
        return "not fetched" if not any(found) else "partly fetched"
    pairs = [(download, file) for download, file in zip(files, found, strict=True) if file is not None]
    if not all(file.checked for _, file in pairs):
        return "not checked"
    published = all(
        file.origin == download.url or download.checksum in (file.checksum, f"sha256:{file.sha256}")
        for download, file in pairs
    )
    return "checked" if published else "mirror's sum"
