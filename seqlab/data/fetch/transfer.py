"""One source's file, brought into the cache whole and checked: a copy, or a download that goes on where it stopped.

A file NAME grows as NAME.<source>.part, is checked, and only then gets its name; NAME.json beside it says what it is
and where it came from. A kill at any point leaves the whole file or a part that the next try goes on with.
"""

import hashlib
import http.client
import json
import lzma
import stat
import time
import urllib.error
import zlib
from collections.abc import Generator, Iterator
from contextlib import closing
from pathlib import Path

from seqlab import files
from seqlab.data.fetch.answers import CHUNK, TIMEOUT, Head, answer
from seqlab.data.fetch.archive import OPENERS
from seqlab.data.fetch.cache import Fetched, Transfer, begins_as_named, cache_folder, expanded, note_of
from seqlab.data.fetch.disk import digest, need_space, opened, write, writing
from seqlab.errors import DataError, NetworkError

ATTEMPTS = 4  # in a row that bring nothing new
PAUSE = 1.0  # seconds before the second attempt; twice as long before each further one
STALL = 30.0  # seconds in which at least WORTH bytes have to come, over all attempts: 1 kB a second
WORTH = 30_000
LONGEST = 60.0  # seconds that a download may take, and one more for each SLOWEST bytes of it
SLOWEST = 16_000
LARGEST = 2 << 30  # bytes of a download, and of what it unpacks to
LARGEST_SUMS = 1 << 20  # bytes of a mirror's SHA256SUMS
MISSING = (403, 404, 410)  # some stores answer 403 for what is not there


class NotThere(NetworkError):
    """A source that answers has not got the file."""


def transfer(name: str, source: str, is_url: bool, checksum: str) -> Generator[Transfer, None, Fetched]:
    """Bring one source's file into the cache, whole and checked, or raise and leave at most a part of it."""
    folder = cache_folder() / "downloads"
    path = folder / name
    part = folder / f"{name}.{hashlib.sha256(source.encode()).hexdigest()[:8]}.part"
    if is_url:
        if not checksum:  # nothing would detect a mixture of two versions
            part.unlink(missing_ok=True)
        yield from _download(source, part, name)
    else:
        yield from _copy(Path(source), part, name)
    kind, _, expected = checksum.partition(":")
    if not expected:
        _refuse_others(part, name)
    digests = {k: digest(part, k) for k in {kind or "sha256", "sha256"}}
    if expected and digests[kind] != expected:
        other = "" if begins_as_named(part, name) else f"; it is no {Path(name).suffix} file"
        part.unlink()
        raise DataError(
            f"{source} has the wrong {kind}: {digests[kind]}, not {expected}{other}",
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
    with writing(folder):
        temporary.write_text(json.dumps(entry) + "\n", encoding="utf-8")
        temporary.replace(note_of(path))  # without the file it describes it counts for nothing
        part.replace(path)
        for given_up in folder.glob(f"{name}.*.part"):  # of other sources
            given_up.unlink()
    return Fetched(path, source, digests["sha256"], bool(expected), checksum)


def _copy(source: Path, part: Path, name: str) -> Iterator[Transfer]:
    there = source.stat()
    if not stat.S_ISREG(there.st_mode):
        raise OSError("it is no file")  # a pipe would never end
    done, total = 0, there.st_size
    with source.open("rb") as incoming, opened(part, "wb") as outgoing:
        need_space(part.parent, total)
        while chunk := incoming.read(CHUNK):
            write(outgoing, chunk)
            done += len(chunk)
            yield Transfer(name, str(source), done, total)


class _Pace:
    """Of one source, over all its connections: NetworkError once it is too slow to be waited for."""

    def __init__(self) -> None:
        self.began = self.moved = time.monotonic()
        self.got = self.counted = 0

    def check(self, new: int = 0) -> None:
        """new: bytes that have come since it was called last."""
        self.got += new
        now = time.monotonic()
        if self.got - self.counted >= WORTH:
            self.counted, self.moved = self.got, now
        if now - self.moved > STALL:
            came = self.got - self.counted
            raise NetworkError(f"{came:,} bytes came in {STALL:.0f} s, too slow to be waited for", "try again later")
        if now - self.began > LONGEST + self.got / SLOWEST:
            raise NetworkError(
                f"{self.got:,} bytes came in {now - self.began:.0f} s, too slow to be waited for", "try again later"
            )


def _download(url: str, part: Path, name: str) -> Iterator[Transfer]:
    """Append to `part` until it is whole, going on after a broken connection."""
    best, failures, pace = 0, 0, _Pace()
    while True:
        have = part.stat().st_size if part.exists() else 0
        best = max(best, have)
        try:
            yield from _append(url, part, name, have, pace)
            return
        except urllib.error.HTTPError as problem:
            if problem.code == 416 and have:  # nothing is left to send: the part was whole, or is of something else
                return
            if problem.code < 500 and problem.code != 429:
                kind = NotThere if problem.code in MISSING else NetworkError
                raise kind(reason_of(problem), "check the address") from problem
            error: Exception = problem
        except (OSError, ValueError, http.client.HTTPException) as problem:  # no route, timeouts, cut bodies
            if isinstance(problem, urllib.error.URLError) and not have:
                raise  # no connection at all: waiting will not help
            error = problem
        now = part.stat().st_size if part.exists() else 0
        failures = 1 if now >= best + WORTH else failures + 1
        if failures >= ATTEMPTS:
            raise NetworkError(reason_of(error), "try again later") from error
        time.sleep(PAUSE * 2 ** (failures - 1))


def _append(url: str, part: Path, name: str, have: int, pace: _Pace) -> Iterator[Transfer]:
    """One connection: what comes from byte `have` on, appended; all of it instead where the server sends that."""
    with closing(answer(url, have)) as coming:
        head = None
        while head is None:
            pace.check()
            head = next(coming)
            yield Transfer(name, url, have, 0)
        assert isinstance(head, Head)
        if head.status == 206 and head.begins_at != have:
            part.unlink(missing_ok=True)
            raise OSError("the server sent another part than was requested")
        done = have if head.status == 206 else 0
        total = done + head.length if head.length else 0
        need_space(part.parent, head.length)
        with opened(part, "ab" if head.status == 206 else "wb") as outgoing:
            for chunk in coming:
                if isinstance(chunk, bytes):
                    write(outgoing, chunk)
                    done += len(chunk)
                if done > LARGEST:
                    raise NetworkError(f"it sends more than {LARGEST / 1e6:,.0f} MB", "name another mirror")
                pace.check(len(chunk) if isinstance(chunk, bytes) else 0)
                yield Transfer(name, url, done, total)
        if done < total:
            raise OSError(f"the connection ended after {done:,} of {total:,} bytes")


def _refuse_others(part: Path, name: str) -> None:
    """Raise NotThere, and remove the part, if what no checksum is known of is not packed as its name says, such as a
    page that asks to log in, or is not whole: it is read through to its end, where the compression has a checksum."""
    suffix, size = Path(name).suffix, 0
    fault = "" if begins_as_named(part, name) else f"what it sends is no {suffix} file"
    if not fault and suffix in OPENERS:
        try:
            with OPENERS[suffix](part, "rb") as content:
                while (chunk := content.read(CHUNK)) and size <= LARGEST:
                    size += len(chunk)
        except (OSError, EOFError, lzma.LZMAError, zlib.error) as problem:
            fault = f"what it sends is damaged: {problem}"
        if size > LARGEST:
            fault = f"it unpacks to more than {LARGEST / 1e6:,.0f} MB"
    if fault:
        part.unlink()
        raise NotThere(fault, "name another mirror in SEQLAB_MIRROR")


def reason_of(problem: Exception) -> str:
    """An error of the network in a few words."""
    if isinstance(problem, NetworkError):
        return problem.message
    if isinstance(problem, urllib.error.HTTPError):
        return f"HTTP {problem.code} {problem.reason}"
    if isinstance(problem, http.client.IncompleteRead):
        return "the connection ended in the middle"
    reason = problem.reason if isinstance(problem, urllib.error.URLError) else problem
    return getattr(reason, "strerror", None) or str(reason) or type(reason).__name__


def mirror_checksums(mirror: str, is_url: bool) -> dict[str, str]:
    """The mirror's SHA256SUMS as {file: "sha256:..."}; empty where it has none.

    Raises OSError or HTTPException if it has no answer, DataError for a file of it that is none.
    """
    try:
        if is_url:
            data = _short(f"{mirror.rstrip('/')}/SHA256SUMS")
        else:
            path = expanded(mirror) / "SHA256SUMS"
            data = files.read(path, LARGEST_SUMS) if path.exists() else b""
    except urllib.error.HTTPError as problem:
        if problem.code in MISSING:
            return {}
        raise
    pairs = (line.split(maxsplit=1) for line in data.decode("utf-8", "replace").splitlines())
    return {
        pair[1].strip().removeprefix("*").removeprefix("./"): f"sha256:{pair[0].lower()}"
        for pair in pairs
        if len(pair) == 2
    }


def _short(url: str) -> bytes:
    """An answer of at most LARGEST_SUMS bytes within TIMEOUT seconds; else OSError."""
    data, began = b"", time.monotonic()
    with closing(answer(url)) as coming:
        for one in coming:
            data += one if isinstance(one, bytes) else b""
            if len(data) > LARGEST_SUMS or time.monotonic() - began > TIMEOUT:
                raise OSError(f"{len(data):,} bytes of SHA256SUMS came in {time.monotonic() - began:.0f} s")
    return data
