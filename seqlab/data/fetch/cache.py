"""What can be fetched again: the cache folder, verified and resumable downloads, mirrors, offline.

`$SEQLAB_MIRROR` (a folder or a base URL) is tried before the public address. If it holds a SHA256SUMS, that
counts instead of the published checksum, and the origin kept beside the file says so.

A file NAME grows as NAME.<source>.part, is checked, and only then gets its name; NAME.json beside it says what it is
and where it came from. A kill at any point leaves the whole file or a part that the next try goes on with.
"""

import hashlib
import http.client
import io
import json
import os
import shutil
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import seqlab
from seqlab.data.fetch.downloads import Download
from seqlab.errors import DataError, NetworkError

R = TypeVar("R")
CHUNK = 1 << 20
TIMEOUT = 30.0  # seconds without a byte
ATTEMPTS = 4  # in a row that bring nothing new
PAUSE = 1.0  # seconds before the second attempt; twice as long before each further one
USER_AGENT = f"seqlab/{seqlab.__version__}"


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
    """`$SEQLAB_CACHE`, else `$XDG_CACHE_HOME/seqlab`, else `~/.cache/seqlab`. It need not exist."""
    if folder := os.environ.get("SEQLAB_CACHE"):
        return Path(folder).expanduser()
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "seqlab"


def is_offline() -> bool:
    """Whether `SEQLAB_OFFLINE` asks for no network."""
    return os.environ.get("SEQLAB_OFFLINE", "").lower() not in ("", "0", "false", "no")


def cached(download: Download) -> Fetched | None:
    """What is in the cache of a download, if it is there whole."""
    for path in _places(download):
        try:
            entry = json.loads(_note(path).read_text(encoding="utf-8"))
            if path.stat().st_size == entry["bytes"]:
                return Fetched(path, entry["origin"], entry["sha256"], entry["checked"], entry.get("checksum", ""))
        except (OSError, ValueError, KeyError, TypeError):
            continue
    return None


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
    with _writing(folder):
        (folder / download.file).parent.mkdir(parents=True, exist_ok=True)
        lock = (folder / f"{download.file}.lock").open("a")
    with lock:
        while not _try_lock(lock):
            yield Transfer(f"{download.file} (another process is fetching it)", "", 0, 0)
            time.sleep(0.2)
        here = cached(download)
        if here is not None:
            return here
        return (yield from _fetch(download, offline or is_offline()))


def finish(fetching: Generator[Transfer, None, R]) -> R:
    """Run a fetch, or what is made of one, to its end without looking at its progress."""
    while True:
        try:
            next(fetching)
        except StopIteration as end:
            return end.value


def _fetch(download: Download, offline: bool) -> Generator[Transfer, None, Fetched]:
    """Try the sources in their order. The caller is the only process that does."""
    mirror = os.environ.get("SEQLAB_MIRROR", "")
    is_url = mirror.startswith(("http://", "https://"))
    problems: list[str] = []
    for name in (download.file, *download.mirror_files) if mirror and not (is_url and offline) else ():
        source = f"{mirror.rstrip('/')}/{name}" if is_url else str(Path(mirror).expanduser() / name)
        kept = _kept_as(download, name)
        published = download.checksum if kept == download.file else ""
        try:
            checksum = _mirror_checksums(mirror, is_url).get(name, published)
            return (yield from _transfer(kept, source, is_url, checksum))
        except (OSError, http.client.HTTPException, NetworkError) as problem:
            problems.append(f"{source}: {_said(problem)}")
    if offline:
        tried = f" ({'; '.join(problems)})" if problems else ""
        raise NetworkError(
            f"{download.file} is not in the cache and --offline forbids to fetch it{tried}",
            "run without --offline, or name a mirror folder in SEQLAB_MIRROR",
        )
    try:
        return (yield from _transfer(download.file, download.url, True, download.checksum))
    except (OSError, http.client.HTTPException, NetworkError) as problem:
        problems.append(f"{download.url}: {_said(problem)}")
    raise NetworkError(
        f"{download.file} could not be fetched: " + "; ".join(problems),
        "run the command again to go on where it stopped, or name a mirror in SEQLAB_MIRROR",
    )


def _places(download: Download) -> list[Path]:
    return [cache_folder() / "downloads" / _kept_as(download, name) for name in (download.file, *download.mirror_files)]


def _kept_as(download: Download, name: str) -> str:
    """A file of that name on a mirror, in the cache: its ending says how it is packed, its folder is the download's."""
    return str(Path(download.file).with_name(Path(name).name))


def _note(path: Path) -> Path:
    return path.with_name(path.name + ".json")


def _mirror_checksums(mirror: str, is_url: bool) -> dict[str, str]:
    """The mirror's SHA256SUMS as {file: "sha256:..."}; empty where it has none. Raises OSError if it has no answer."""
    try:
        if is_url:
            with _open(f"{mirror.rstrip('/')}/SHA256SUMS", 0) as response:
                data = response.read()
        else:
            data = (Path(mirror).expanduser() / "SHA256SUMS").read_bytes()
    except FileNotFoundError:
        return {}
    except urllib.error.HTTPError as problem:
        if problem.code in (403, 404, 410):  # some stores answer 403 for what is not there
            return {}
        raise
    pairs = (line.split(maxsplit=1) for line in data.decode("utf-8", "replace").splitlines())
    return {
        pair[1].strip().removeprefix("*").removeprefix("./"): f"sha256:{pair[0].lower()}"
        for pair in pairs
        if len(pair) == 2
    }


def _transfer(name: str, source: str, is_url: bool, checksum: str) -> Generator[Transfer, None, Fetched]:
    """Bring one source's file into the cache, whole and checked, or raise and leave at most a part of it."""
    folder = cache_folder() / "downloads"
    path = folder / name
    part = folder / f"{name}.{hashlib.sha256(source.encode()).hexdigest()[:8]}.part"
    if is_url:
        if not checksum:  # nothing would tell a mixture of two versions
            part.unlink(missing_ok=True)
        yield from _download(source, part, name)
    else:
        yield from _copy(Path(source), part, name)
    kind, _, expected = checksum.partition(":")
    digests = {k: _digest(part, k) for k in {kind or "sha256", "sha256"}}
    if expected and digests[kind] != expected:
        part.unlink()
        raise DataError(
            f"{source} has the wrong {kind}: {digests[kind]}, not {expected}",
            "it was removed; fetch it again, or from another mirror (SEQLAB_MIRROR)",
        )
    size = part.stat().st_size
    entry = {
        "origin": source,
        "sha256": digests["sha256"],
        "bytes": size,
        "checked": bool(expected),
        "checksum": checksum,
    }
    temporary = folder / f"{name}.json.new"
    with _writing(folder):
        temporary.write_text(json.dumps(entry) + "\n", encoding="utf-8")
        temporary.replace(_note(path))  # without the file it describes it counts for nothing
        part.replace(path)
        for other in folder.glob(f"{name}.*.part"):  # of other sources, given up before
            other.unlink()
    return Fetched(path, source, digests["sha256"], bool(expected), checksum)


def _copy(source: Path, part: Path, name: str) -> Iterator[Transfer]:
    done, total = 0, source.stat().st_size
    with source.open("rb") as incoming, _opened(part, "wb") as outgoing:
        _need_space(part.parent, total)
        while chunk := incoming.read(CHUNK):
            _write(outgoing, chunk)
            done += len(chunk)
            yield Transfer(name, str(source), done, total)


def _download(url: str, part: Path, name: str) -> Iterator[Transfer]:
    """Append to `part` until it is whole, going on after a broken connection."""
    best, failures = 0, 0
    while True:
        have = part.stat().st_size if part.exists() else 0
        best = max(best, have)
        try:
            with _open(url, have) as response:
                resumed = response.status == 206
                if resumed and not response.headers.get("Content-Range", "").startswith(f"bytes {have}-"):
                    part.unlink()
                    raise OSError("the server sent another part than the one asked for")
                length = int(response.headers.get("Content-Length") or 0)
                done = have if resumed else 0
                total = done + length if length else 0
                _need_space(part.parent, length)
                with _opened(part, "ab" if resumed else "wb") as outgoing:
                    while chunk := response.read1(CHUNK):  # what has come: a kill loses no more
                        _write(outgoing, chunk)
                        done += len(chunk)
                        yield Transfer(name, url, done, total)
                if done < total:
                    raise OSError(f"the connection ended after {done:,} of {total:,} bytes")
            return
        except urllib.error.HTTPError as problem:
            if problem.code == 416 and have:  # nothing is left to send: the part was whole, or is of something else
                return
            if problem.code < 500 and problem.code != 429:
                raise NetworkError(_said(problem), "check the address") from problem
            error: Exception = problem
        except (OSError, ValueError, http.client.HTTPException) as problem:  # no route, timeouts, cut bodies
            if isinstance(problem, urllib.error.URLError) and not have:
                raise  # no connection at all: waiting will not help
            error = problem
        now = part.stat().st_size if part.exists() else 0
        failures = 1 if now > best else failures + 1
        if failures >= ATTEMPTS:
            raise NetworkError(_said(error), "try again later") from error
        time.sleep(PAUSE * 2 ** (failures - 1))


def _open(url: str, start: int) -> Any:
    """The response to a GET of `url` from byte `start` on. Raises OSError or HTTPException."""
    try:
        request = urllib.request.Request(url, headers={"User-Agent": USER_AGENT, "Accept-Encoding": "identity"})
        if start:
            request.add_header("Range", f"bytes={start}-")
        return urllib.request.urlopen(request, timeout=TIMEOUT)
    except ValueError as problem:  # http.client.InvalidURL is one too
        raise NetworkError(f"{url} is no address: {problem}", "check SEQLAB_MIRROR") from problem


def _said(problem: Exception) -> str:
    """An error of the network in a few words."""
    if isinstance(problem, NetworkError):
        return problem.message
    if isinstance(problem, urllib.error.HTTPError):
        return f"HTTP {problem.code} {problem.reason}"
    if isinstance(problem, http.client.IncompleteRead):
        return "the connection ended in the middle"
    reason = problem.reason if isinstance(problem, urllib.error.URLError) else problem
    return getattr(reason, "strerror", None) or str(reason) or type(reason).__name__


@contextmanager
def _writing(folder: Path) -> Iterator[None]:
    """Around every write to the cache: what goes wrong there is not the network's fault and no other source helps."""
    try:
        yield
    except OSError as problem:
        raise DataError(
            f"the cache folder {folder} cannot be written: {problem.strerror or problem}",
            "free some space there, or name another folder in SEQLAB_CACHE",
        ) from problem


@contextmanager
def _opened(part: Path, mode: str) -> Iterator[io.FileIO]:
    """`part`, unbuffered, and on the disk for certain when the block has ended well."""
    with _writing(part.parent):
        file = io.FileIO(part, mode)
    with file:
        yield file
        with _writing(part.parent):
            os.fsync(file.fileno())


def _write(file: io.FileIO, chunk: bytes) -> None:
    left = memoryview(chunk)
    with _writing(Path(str(file.name)).parent):
        while left:
            left = left[file.write(left) :]


def _need_space(folder: Path, size: int) -> None:
    free = free_bytes(folder)
    if size > free:
        raise DataError(
            f"{folder} has {free / 1e6:,.0f} MB free, and {size / 1e6:,.0f} MB are needed",
            "free some space there, or name another folder in SEQLAB_CACHE",
        )


def _try_lock(file: Any) -> bool:
    """Whether this process now holds the lock, which ends with the file's being closed, also by a kill."""
    try:
        if sys.platform == "win32":
            import msvcrt

            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError):
        return False
    except OSError:  # a file system without locks: as good as alone
        return True
    return True


def _digest(path: Path, kind: str) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.new(kind, usedforsecurity=False)).hexdigest()


def free_bytes(folder: Path) -> int:
    """Free space where a folder is, or will be."""
    folder = folder.absolute()
    while not folder.exists():
        folder = folder.parent
    return shutil.disk_usage(folder).free
