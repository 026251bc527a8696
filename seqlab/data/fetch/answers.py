"""What a server answers, opened and read in a thread of its own: whatever a server does, the program goes on.

A name that does not resolve, a handshake, headers or a body that come byte by byte: no timeout of a socket covers them
all, and none of them ends a wait for a queue.
"""

import queue
import threading
import urllib.request
from collections.abc import Generator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import seqlab
from seqlab.errors import NetworkError

CHUNK = 1 << 20
TIMEOUT = 15.0  # seconds without a byte, after which a connection is broken
LOOK = 0.2  # seconds after which the caller may look at its clock
USER_AGENT = f"seqlab/{seqlab.__version__}"


@dataclass(frozen=True)
class Head:
    """What comes before the bytes. length: how many will come, 0 where it is not said. begins_at: the place in the
    file of the first of them, None where that is not said."""

    status: int
    length: int
    begins_at: int | None


def answer(url: str, start: int = 0) -> Generator[Head | bytes | None, None, None]:
    """The answer to a GET of `url` from byte `start` on: its Head, then its bytes as they come, and a None whenever
    LOOK seconds have brought nothing.

    Raises OSError or HTTPException as opening and reading do, NetworkError for what is no address.
    """
    said: queue.Queue[Head | bytes | Exception] = queue.Queue(4)
    left = threading.Event()

    def put(one: Head | bytes | Exception) -> bool:
        while not left.is_set():
            with suppress(queue.Full):
                said.put(one, timeout=LOOK)
                return True
        return False

    def ask() -> None:
        try:
            with _open(url, start) as response:
                put(_head(response))
                while chunk := response.read1(CHUNK):  # what has come: a kill loses no more
                    if not put(chunk):
                        return
            put(b"")
        except Exception as problem:
            put(problem)

    threading.Thread(target=ask, daemon=True).start()
    try:
        while True:
            try:
                one = said.get(timeout=LOOK)
            except queue.Empty:
                yield None
                continue
            if isinstance(one, Exception):
                raise one
            if one == b"":
                return
            yield one
    finally:
        left.set()


def _open(url: str, start: int) -> Any:
    try:
        request = urllib.request.Request(url, headers={"User-Agent": USER_AGENT, "Accept-Encoding": "identity"})
        if start:
            request.add_header("Range", f"bytes={start}-")
        return urllib.request.build_opener(_Redirects).open(request, timeout=TIMEOUT)
    except ValueError as problem:  # http.client.InvalidURL is one too
        raise NetworkError(f"{url} is no address: {problem}", "check SEQLAB_MIRROR") from problem


def _head(response: Any) -> Head:
    unit, _, begin = response.headers.get("Content-Range", "").partition("-")[0].partition(" ")
    length = response.headers.get("Content-Length") or "0"
    if not length.isdecimal():
        raise OSError(f"the server says a length of '{length[:20]}'")
    is_part = response.status == 206 and unit == "bytes" and begin.isdecimal()
    return Head(response.status, int(length), int(begin) if is_part else None)


class _Redirects(urllib.request.HTTPRedirectHandler):
    """Follows to https, and on the scheme and host that were named; to nothing else."""

    def redirect_request(self, req: Any, fp: Any, code: int, msg: str, headers: Any, newurl: str) -> Any:
        """As urllib's own. Raises NetworkError for another scheme than https, or another host without it."""
        named, next_one = urlsplit(req.full_url), urlsplit(newurl)
        is_own = (next_one.scheme, next_one.netloc) == (named.scheme, named.netloc)
        if next_one.scheme != "https" and not is_own:
            where = f"{next_one.scheme}://{next_one.netloc}"
            raise NetworkError(f"the server sends on to {where}, which is not https", "name another mirror")
        return super().redirect_request(req, fp, code, msg, headers, newurl)
