"""Where a download comes from: the cache, else a mirror, else its public address.

`$SEQLAB_MIRROR` (a folder or a base URL) is tried before the public address. If it holds a SHA256SUMS, that
counts instead of the published checksum, and the origin kept beside the file says so.
"""

import http.client
import os
import time
from collections.abc import Generator

from seqlab.data.fetch.cache import Fetched, Transfer, cache_folder, cached, expanded, is_offline, kept_as
from seqlab.data.fetch.disk import writing
from seqlab.data.fetch.downloads import Download
from seqlab.data.fetch.transfer import NotThere, mirror_checksums, reason_of, transfer
from seqlab.errors import NetworkError
from seqlab.files import try_lock


def fetch(download: Download, *, offline: bool = False) -> Generator[Transfer, None, Fetched]:
    """The file of a download: from the cache, else the mirror, else its public address, checked.

    A generator: it yields a Transfer as bytes arrive and returns the Fetched file. A broken transfer goes on where
    it stopped, in this process and in the next; of several processes one fetches and the others wait for it.
    Raises NetworkError where no source answers (or `offline` forbids one), DataError where the checksum is wrong or
    the cache cannot be written.
    """
    here = cached(download)
    if here is not None:
        return here
    folder = cache_folder() / "downloads"
    with writing(folder):
        (folder / download.file).parent.mkdir(parents=True, exist_ok=True)
        lock = (folder / f"{download.file}.lock").open("a")
    with lock:
        while not try_lock(lock):
            yield Transfer(f"{download.file} (another process is fetching it)", "", 0, 0)
            time.sleep(0.2)
        here = cached(download)
        if here is not None:
            return here
        return (yield from _from_sources(download, offline or is_offline()))


def _from_sources(download: Download, offline: bool) -> Generator[Transfer, None, Fetched]:
    """Try the sources in their order. The caller is the only process that does."""
    mirror = os.environ.get("SEQLAB_MIRROR", "")
    is_url = mirror.startswith(("http://", "https://"))
    problems: list[str] = []
    sums: dict[str, str] | None = None
    for name in (download.file, *download.mirror_files) if mirror and not (is_url and offline) else ():
        source = f"{mirror.rstrip('/')}/{name}" if is_url else str(expanded(mirror) / name)
        kept = kept_as(download, name)
        published = download.checksum if kept == download.file else ""
        try:
            sums = mirror_checksums(mirror, is_url) if sums is None else sums
            return (yield from transfer(kept, source, is_url, sums.get(name, published)))
        except (NotThere, FileNotFoundError) as problem:  # it may have it under its other name
            problems.append(f"{source}: {reason_of(problem)}")
        except (OSError, http.client.HTTPException, NetworkError) as problem:
            problems.append(f"{source}: {reason_of(problem)}")
            break
    if offline:
        tried = f" ({'; '.join(problems)})" if problems else ""
        raise NetworkError(
            f"{download.file} is not in the cache and --offline forbids to fetch it{tried}",
            "run without --offline, or name a mirror folder in SEQLAB_MIRROR",
        )
    try:
        return (yield from transfer(download.file, download.url, True, download.checksum))
    except (OSError, http.client.HTTPException, NetworkError) as problem:
        problems.append(f"{download.url}: {reason_of(problem)}")
    raise NetworkError(
        f"{download.file} could not be fetched: " + "; ".join(problems),
        "run the command again to go on where it stopped, or name a mirror in SEQLAB_MIRROR",
    )
