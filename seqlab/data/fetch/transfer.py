"""One source's file, brought into the cache whole and checked: a copy, or a download that goes on where it stopped.

A file NAME grows as NAME.<source>.part, is checked, and only then gets its name; NAME.json beside it says what it is
and where it came from. A kill at any point leaves the whole file or a part that the next try goes on with.
"""

import hashlib
import http.client
import json
import time
import urllib.error
import urllib.request
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

import seqlab
from seqlab.data.fetch.cache import Fetched, Transfer, cache_folder, note_of
from seqlab.data.fetch.disk import digest, need_space, opened, write, writing
from seqlab.errors import DataError, NetworkError

CHUNK = 1 << 20
TIMEOUT = 30.0  # seconds without a byte
ATTEMPTS = 4  # in a row that bring nothing new
PAUSE = 1.0  # seconds before the second attempt; twice as long before each further one
USER_AGENT = f"seqlab/{seqlab.__version__}"


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
    digests = {k: digest(part, k) for k in {kind or "sha256", "sha256"}}
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
    with writing(folder):
        temporary.write_text(json.dumps(entry) + "\n", encoding="utf-8")
        temporary.replace(note_of(path))  # without the file it describes it counts for nothing
        part.replace(path)
        for other in folder.glob(f"{name}.*.part"):  # of other sources, given up before
            other.unlink()
    return Fetched(path, source, digests["sha256"], bool(expected), checksum)


def _copy(source: Path, part: Path, name: str) -> Iterator[Transfer]:
    done, total = 0, source.stat().st_size
    with source.open("rb") as incoming, opened(part, "wb") as outgoing:
        need_space(part.parent, total)
        while chunk := incoming.read(CHUNK):
            write(outgoing, chunk)
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
                    raise OSError("the server sent another part than was requested")
                length = int(response.headers.get("Content-Length") or 0)
                done = have if resumed else 0
                total = done + length if length else 0
                need_space(part.parent, length)
                with opened(part, "ab" if resumed else "wb") as outgoing:
                    while chunk := response.read1(CHUNK):  # what has come: a kill loses no more
                        write(outgoing, chunk)
                        done += len(chunk)
                        yield Transfer(name, url, done, total)
                if done < total:
                    raise OSError(f"the connection ended after {done:,} of {total:,} bytes")
            return
        except urllib.error.HTTPError as problem:
            if problem.code == 416 and have:  # nothing is left to send: the part was whole, or is of something else
                return
            if problem.code < 500 and problem.code != 429:
                raise NetworkError(reason_of(problem), "check the address") from problem
            error: Exception = problem
        except (OSError, ValueError, http.client.HTTPException) as problem:  # no route, timeouts, cut bodies
            if isinstance(problem, urllib.error.URLError) and not have:
                raise  # no connection at all: waiting will not help
            error = problem
        now = part.stat().st_size if part.exists() else 0
        failures = 1 if now > best else failures + 1
        if failures >= ATTEMPTS:
            raise NetworkError(reason_of(error), "try again later") from error
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
