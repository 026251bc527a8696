"""The cache folder: what can be fetched again, and what of it is there."""

import json
import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from seqlab.data.fetch.downloads import Download

MAGIC = {".gz": b"\x1f\x8b", ".xz": b"\xfd7zXZ\0"}  # how a packed file begins


@dataclass(frozen=True)
class Transfer:
    """How far a download is. total is 0 where the server does not say."""

    file: str
    origin: str
    done: int
    total: int


@dataclass(frozen=True)
class Fetched:
    """A file in the cache, where it came from and what it is.

    checked: against the published checksum or a mirror's. checksum: the one it was, as in Download, empty where it
    was not or is not known.
    """

    path: Path
    origin: str
    sha256: str
    checked: bool
    checksum: str = ""

    def provenance(self, download: Download) -> str:
        """The origin as a checkpoint may record it: a mirror's address or path is nobody's business but its owner's."""
        if self.origin == download.url:
            return self.origin
        return f"{self.path.name} of a mirror, sha256 {self.sha256}"


def cache_folder() -> Path:
    """`$SEQLAB_CACHE`, else `$XDG_CACHE_HOME/seqlab`, else `~/.cache/seqlab`. It need not exist.

    Where the system knows no home it is below a device: nothing is there, and nothing can be written there.
    """
    if folder := os.environ.get("SEQLAB_CACHE"):
        return expanded(folder)
    home = expanded("~")
    own = Path(os.devnull) if home == Path("~") else home / ".cache"
    return Path(os.environ.get("XDG_CACHE_HOME") or own) / "seqlab"


def expanded(path: str) -> Path:
    """The path with `~` as the home; as it is where the system knows no such home."""
    try:
        return Path(path).expanduser()
    except RuntimeError:
        return Path(path)


def is_there(path: Path) -> bool:
    """Whether there is such a file or folder, as far as this user can see."""
    try:
        return path.exists()
    except OSError:  # in a folder of others' that cannot be looked into
        return False


def is_offline() -> bool:
    """Whether `SEQLAB_OFFLINE` asks for no network."""
    return os.environ.get("SEQLAB_OFFLINE", "").lower() not in ("", "0", "false", "no")


def cached(download: Download) -> Fetched | None:
    """What is in the cache of a download, if it is there whole."""
    for path in places(download):
        try:
            entry = json.loads(note_of(path).read_text(encoding="utf-8"))
            if path.stat().st_size == entry["bytes"] and (entry["checked"] or begins_as_named(path, path.name)):
                return Fetched(path, entry["origin"], entry["sha256"], entry["checked"], entry.get("checksum", ""))
        except (OSError, ValueError, KeyError, TypeError):
            continue
    return None


def places(download: Download) -> list[Path]:
    """Where the file of a download may lie in the cache, under its own name and those that mirrors give it."""
    return [cache_folder() / "downloads" / kept_as(download, name) for name in (download.file, *download.mirror_files)]


def kept_as(download: Download, name: str) -> str:
    """A file of that name on a mirror, in the cache: its ending says how it is packed, its folder is the download's."""
    return str(Path(download.file).with_name(Path(name).name))


def note_of(path: Path) -> Path:
    """The file beside it that says what it is and where it came from."""
    return path.with_name(path.name + ".json")


def begins_as_named(path: Path, name: str) -> bool:
    """Whether a file begins as one that is packed as the ending of `name` says. Raises OSError."""
    expected = MAGIC.get(Path(name).suffix, b"")
    with path.open("rb") as file:
        return file.read(len(expected)) == expected


def free_bytes(folder: Path) -> int:
    """Free space where a folder is, or will be."""
    folder = folder.absolute()
    while not is_there(folder):
        folder = folder.parent
    return shutil.disk_usage(folder).free
