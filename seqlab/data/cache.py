"""What can be fetched again: the cache folder, verified and resumable downloads, mirrors, offline.

`$SEQLAB_MIRROR` (a folder or a base URL) is tried before the public address. If it holds a SHA256SUMS, that counts
instead of the published checksum, and the origin kept beside the file says so.
"""

import hashlib
import json
import os
import shutil
import time
import urllib.error
import urllib.request
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import seqlab
from seqlab.errors import DataError, NetworkError

CHUNK = 1 << 20
TIMEOUT = 30.0  # seconds without a byte
ATTEMPTS = 4
USER_AGENT = f"seqlab/{seqlab.__version__}"


@dataclass(frozen=True)
class Download:
    """A published file. `checksum` is `sha256:...`, `md5:...`, or empty where its bytes may change."""

    name: str
    file: str
    url: str
    checksum: str
    size: int
    about: str
    mirror_files: tuple[str, ...] = ()  # other names it may have on a mirror


DOWNLOADS = {
    d.name: d
    for d in (
        Download(
            "linux",
            "linux-6.1.tar.xz",
            "https://cdn.kernel.org/pub/linux/kernel/v6.x/linux-6.1.tar.xz",
            "sha256:2ca1f17051a430f6fed1196e4952717507171acfd97d96577212502703b25deb",
            134_728_520,
            "Linux 6.1, GPL-2.0",
        ),
        Download(
            "stacks",
            "stacks-project.tar.gz",
            "https://github.com/stacks/stacks-project/archive/4ac4815d5a00dc2eacab7824cf4e4baafe2773ac.tar.gz",
            "",  # an archive made on demand: its bytes may change, the corpus's sha256 may not
            0,
            "the Stacks project, GFDL 1.2",
            mirror_files=("stacks-project.tar.xz",),
        ),
        Download(
            "cifar10",
            "cifar-10-binary.tar.gz",
            "https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz",
            "sha256:c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd",
            170_052_171,
            "CIFAR-10 (Krizhevsky 2009)",
        ),
    )
}


@dataclass(frozen=True)
class Transfer:
    """How far a download is. total is 0 where the server does not say."""

    file: str
    origin: str
    done: int
    total: int


@dataclass(frozen=True)
class Fetched:
    """A file in the cache, where it came from and what it is."""

    path: Path
    origin: str
    sha256: str

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
        note = path.with_name(path.name + ".json")
        if path.exists() and note.exists():
            try:
                entry = json.loads(note.read_text(encoding="utf-8"))
                if path.stat().st_size == entry["bytes"]:
                    return Fetched(path, entry["origin"], entry["sha256"])
            except (ValueError, KeyError):
                continue
    return None


def fetch(download: Download, *, offline: bool = False) -> Generator[Transfer, None, Fetched]:
    """The file of a download: from the cache, else the mirror, else its public address, checked.

    A generator: it yields a Transfer about every MiB and returns the Fetched file. A broken transfer goes on where it
    stopped, in this process and in the next. Raises NetworkError where no source answers (or `offline` forbids one)
    and DataError where the checksum is wrong.
    """
    here = cached(download)
    if here is not None:
        return here
    offline = offline or is_offline()
    mirror = os.environ.get("SEQLAB_MIRROR", "")
    problems: list[str] = []
    for name in (download.file, *download.mirror_files) if mirror else ():
        is_url = mirror.startswith(("http://", "https://"))
        source = f"{mirror.rstrip('/')}/{name}" if is_url else str(Path(mirror).expanduser() / name)
        if is_url and offline:
            continue
        try:
            checksum = _mirror_checksums(mirror, is_url).get(name, download.checksum)
            return (yield from _transfer(download, name, source, is_url, checksum))
        except (OSError, NetworkError) as problem:
            problems.append(f"{source}: {getattr(problem, 'message', problem)}")
    if offline:
        raise NetworkError(
            f"{download.file} is not in the cache and --offline forbids to fetch it",
            "run without --offline, or name a mirror folder in SEQLAB_MIRROR",
        )
    try:
        return (yield from _transfer(download, download.file, download.url, True, download.checksum))
    except (OSError, NetworkError) as problem:
        problems.append(f"{download.url}: {getattr(problem, 'message', problem)}")
    raise NetworkError(
        f"{download.file} could not be fetched: " + "; ".join(problems),
        "run the command again to go on where it stopped, or name a mirror in SEQLAB_MIRROR",
    )


def finish(fetching: Generator[Transfer, None, Fetched]) -> Fetched:
    """Run a fetch to its end without looking at its progress."""
    while True:
        try:
            next(fetching)
        except StopIteration as end:
            return end.value


def _places(download: Download) -> list[Path]:
    folder = cache_folder() / "downloads"
    return [folder / name for name in (download.file, *download.mirror_files)]


def _mirror_checksums(mirror: str, is_url: bool) -> dict[str, str]:
    """The mirror's SHA256SUMS as {file: "sha256:..."}; empty where it has none."""
    try:
        if is_url:
            with _open(f"{mirror.rstrip('/')}/SHA256SUMS", 0) as response:
                text = response.read().decode()
        else:
            text = (Path(mirror).expanduser() / "SHA256SUMS").read_text()
    except OSError:
        return {}
    pairs = (line.split(maxsplit=1) for line in text.splitlines() if line.strip())
    return {name.strip().lstrip("*"): f"sha256:{digest}" for digest, name in pairs}


def _transfer(
    download: Download, name: str, source: str, is_url: bool, checksum: str
) -> Generator[Transfer, None, Fetched]:
    folder = cache_folder() / "downloads"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as problem:
        raise DataError(
            f"the cache folder {folder} cannot be made: {problem.strerror}", "name a writable one in SEQLAB_CACHE"
        ) from problem
    path, part = folder / name, folder / (name + ".part")
    if is_url:
        yield from _download(source, part, name)
    else:
        yield from _copy(Path(source), part, name, source)
    digests = _digests(part)
    kind, _, expected = checksum.partition(":")
    if expected and digests[kind] != expected:
        part.unlink()
        raise DataError(
            f"{source} has the wrong {kind}: {digests[kind]}, not {expected}",
            "it was removed; fetch it again, or from another mirror (SEQLAB_MIRROR)",
        )
    note = {"origin": source, "sha256": digests["sha256"], "bytes": part.stat().st_size, "checked": bool(expected)}
    temporary = path.with_name(name + ".json.new")
    temporary.write_text(json.dumps(note) + "\n", encoding="utf-8")
    part.replace(path)
    temporary.replace(path.with_name(name + ".json"))
    return Fetched(path, source, digests["sha256"])


def _copy(source: Path, part: Path, name: str, origin: str) -> Iterator[Transfer]:
    total, done = source.stat().st_size, 0
    with source.open("rb") as incoming, part.open("wb") as outgoing:
        while chunk := incoming.read(CHUNK):
            outgoing.write(chunk)
            done += len(chunk)
            yield Transfer(name, origin, done, total)


def _download(url: str, part: Path, name: str) -> Iterator[Transfer]:
    """Append to `part` until it is whole, going on after a broken connection."""
    for attempt in range(1, ATTEMPTS + 1):
        have = part.stat().st_size if part.exists() else 0
        try:
            with _open(url, have) as response:
                resumed = response.status == 206
                length = int(response.headers.get("Content-Length") or 0)
                done = have if resumed else 0
                total = done + length if length else 0
                with part.open("ab" if resumed else "wb") as outgoing:
                    while chunk := response.read(CHUNK):
                        outgoing.write(chunk)
                        done += len(chunk)
                        yield Transfer(name, url, done, total)
                if total and done < total:
                    raise OSError(f"the connection ended after {done:,} of {total:,} bytes")
            return
        except urllib.error.HTTPError as problem:
            if problem.code == 416 and have:  # nothing is left to send: the part was whole, or is of something else
                return
            if problem.code < 500 and problem.code != 429:
                raise NetworkError(f"HTTP {problem.code} {problem.reason}", "check the address") from problem
            error: Exception = problem
        except (OSError, ValueError) as problem:  # URLError, timeouts, cut bodies
            error = problem
            if isinstance(problem, urllib.error.URLError) and isinstance(problem.reason, OSError) and have == 0:
                raise  # no connection at all: waiting will not help
        if attempt < ATTEMPTS:
            time.sleep(2 ** (attempt - 1))
    raise NetworkError(str(error), "try again later")


def _open(url: str, start: int):  # type: ignore[no-untyped-def]
    request = urllib.request.Request(url, headers={"User-Agent": USER_AGENT, "Accept-Encoding": "identity"})
    if start:
        request.add_header("Range", f"bytes={start}-")
    return urllib.request.urlopen(request, timeout=TIMEOUT)


def _digests(path: Path) -> dict[str, str]:
    with path.open("rb") as file:
        sha256 = hashlib.file_digest(_rewound(file), "sha256").hexdigest()
        md5 = hashlib.file_digest(_rewound(file), lambda: hashlib.md5(usedforsecurity=False)).hexdigest()
    return {"sha256": sha256, "md5": md5}


def _rewound(file: BinaryIO) -> BinaryIO:
    file.seek(0)
    return file


def free_bytes() -> int:
    """Free space where the cache is, or will be."""
    folder = cache_folder()
    while not folder.exists():
        folder = folder.parent
    return shutil.disk_usage(folder).free
