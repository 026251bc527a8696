"""Promise 15: whatever a server answers, few tries in a short time, and then what is kept here, with its age.

The answers come from a real server on this machine, byte by byte as they stand here: plain for downloads, behind TLS
for quotes, which the real client asks for. Times are a thirtieth of the program's own, which are checked themselves.
"""

import contextlib
import gzip
import hashlib
import json
import os
import random
import shutil
import socketserver
import ssl
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from seqlab.data.fetch import answers, cache, transfer
from seqlab.data.fetch.downloads import Download
from seqlab.data.fetch.sources import fetch
from seqlab.data.series import quotes, yahoo
from seqlab.errors import NetworkError
from seqlab.tasks import Task
from tests.conftest import start_python
from tests.reliability.conftest import Tried

GOOD = gzip.compress(random.Random(0).randbytes(30_000))
PAGE = b"<html><body>Please log in to use this network.</body></html>"
Send = Callable[[bytes], None]


def head(status: int, length: int, *more: str) -> bytes:
    lines = [f"HTTP/1.1 {status} -", f"Content-Length: {length}", "Connection: close", *more]
    return "\r\n".join(lines).encode() + b"\r\n\r\n"


def plain(status: int, body: bytes, *more: str) -> Callable[[Send], None]:
    return lambda send: send(head(status, len(body), *more) + body)


def stalling(data: bytes) -> Callable[[Send], None]:
    def answer(send: Send) -> None:
        send(data)
        time.sleep(8)

    return answer


def dripping(data: bytes, drop: bytes, pause: float) -> Callable[[Send], None]:
    def answer(send: Send) -> None:
        send(data)
        end = time.monotonic() + 8
        while time.monotonic() < end:
            send(drop)
            time.sleep(pause)

    return answer


BAD: dict[str, Callable[[Send], None]] = {
    "closes without a byte": lambda send: None,
    "never answers": stalling(b""),
    "stalls in the headers": stalling(b"HTTP/1.1 200 OK\r\nContent-Le"),
    "stalls in the body": stalling(head(200, len(GOOD)) + GOOD[:9000]),
    "headers byte by byte": dripping(b"HTTP/1.1 200 OK\r\nX: ", b"x", 0.02),
    "body byte by byte": dripping(head(200, len(GOOD)), b"x", 0.02),
    "a body without an end": dripping(b"HTTP/1.1 200 OK\r\n\r\n" + GOOD[:100], bytes(1 << 15), 0.01),
    "404": plain(404, PAGE),
    "403": plain(403, PAGE),
    "429": plain(429, b"Too Many Requests"),
    "500": plain(500, PAGE),
    "503": plain(503, PAGE, "Retry-After: 86400"),
    "a page": plain(200, PAGE, "Content-Type: text/html"),
    "nothing": plain(200, b""),
    "cut": lambda send: send(head(200, len(GOOD)) + GOOD[:100]),
    "cut, of no stated length": lambda send: send(b"HTTP/1.1 200 OK\r\n\r\n" + GOOD[:-9000]),
    "no HTTP": lambda send: send(bytes(range(256)) * 8),
    "a length that is none": lambda send: send(b"HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n" + PAGE),
    "sends on in a circle": plain(302, b"", "Location: /sent-on"),
    "sends on to nobody": plain(302, b"", "Location: https://127.0.0.1:9/x"),
}
ELSEWHERE = ("ftp://127.0.0.1:{port}/x", "http://localhost:{port}/good", "file:///etc/hostname", "data:,x")


class Server(socketserver.ThreadingTCPServer):
    """Answers a path by what `told` says of it, and counts how often it was asked."""

    daemon_threads, allow_reuse_address, request_queue_size = True, True, 64

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        super().__init__(("127.0.0.1", 0), Asked)
        self.tls, self.asked = tls, Counter[str]()
        self.told: dict[str, Callable[[Send], None]] = {}
        self.port: int = self.server_address[1]

    def handle_error(self, *_: Any) -> None:
        """A client that has given up is no error."""


class Asked(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        server, connection, lines = self.server, self.request, self.rfile
        assert isinstance(server, Server)
        if server.tls:
            while lines.readline().strip():  # CONNECT
                pass
            connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
            connection = server.tls.wrap_socket(connection, server_side=True)
            lines = connection.makefile("rb")
        path = lines.readline().decode().split()[1].partition("?")[0]
        while lines.readline().strip():
            pass
        server.asked[path] += 1
        server.told.get(path, plain(404, b""))(connection.sendall)
        with contextlib.suppress(OSError):
            connection.close()


@contextlib.contextmanager
def running(server: Server) -> Iterator[Server]:
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def test_the_times_of_a_download_are_under_a_minute() -> None:
    assert transfer.ATTEMPTS == 4
    pauses = sum(transfer.PAUSE * 2**number for number in range(transfer.ATTEMPTS - 1))
    assert transfer.STALL + pauses < 60 and answers.TIMEOUT < transfer.STALL
    assert transfer.WORTH / transfer.STALL == 1000  # bytes a second
    assert transfer.LONGEST <= 60 and 130e6 / transfer.SLOWEST > 3600  # a slow line is no fault
    assert yahoo.MOST_TRIES == 4 and max(quotes.SECONDS_WITHOUT, quotes.SECONDS_WITH_FALLBACK) <= 60


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    for name in ("SEQLAB_OFFLINE", "SEQLAB_MIRROR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("no_proxy", "127.0.0.1,localhost")
    for name, seconds in {"STALL": 1.0, "WORTH": 1000, "LONGEST": 2.0, "PAUSE": 0.03, "LARGEST": 3_000_000}.items():
        monkeypatch.setattr(transfer, name, seconds)
    for module in (transfer, answers):
        monkeypatch.setattr(module, "TIMEOUT", 0.5)
    monkeypatch.setattr(answers, "LOOK", 0.02)
    with running(Server()) as server:
        yield server


def wanted(server: Server, name: str, path: str) -> Download:
    """A file that no checksum is known of."""
    return Download(name, f"{name}.tar.gz", f"http://127.0.0.1:{server.port}/{path}", "", 0, "a test")


def refused(download: Download) -> tuple[float, NetworkError]:
    """Check that nothing of it is kept; the seconds that took, and what was said."""
    start = time.monotonic()
    with pytest.raises(NetworkError) as raised:
        Task(fetch(download)).result()
    took = time.monotonic() - start
    assert cache.cached(download) is None
    assert not any(path.exists() for path in cache.places(download))
    return took, raised.value


def test_no_answer_to_a_download_holds_it_or_is_kept(quick: Server, tried: Tried) -> None:
    names = {f"n{number}": kind for number, kind in enumerate(BAD)}
    quick.told = {f"/{name}": BAD[kind] for name, kind in names.items()} | {"/sent-on": BAD["sends on in a circle"]}
    found: dict[str, tuple[float, NetworkError]] = {}

    def one(name: str) -> None:
        found[name] = refused(wanted(quick, name, name))

    threads = [threading.Thread(target=one, args=(name,)) for name in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert found.keys() == names.keys()
    for name, (took, problem) in found.items():
        assert took < 12, names[name]
        assert 1 <= quick.asked[f"/{name}"] <= 4, names[name]
        assert f"/{name}: " in problem.message and problem.hint, names[name]
    said = {names[name]: problem.message for name, (_, problem) in found.items()}
    assert "too slow" in said["body byte by byte"] and "no .gz file" in said["a page"]
    assert "damaged" in said["cut, of no stated length"] and "more than 3 MB" in said["a body without an end"]
    tried(15, len(found))


def test_a_download_is_sent_on_to_https_or_within_its_host_alone(quick: Server, tried: Tried) -> None:
    quick.told = {"/good": plain(200, GOOD), "/own": plain(302, b"", "Location: /good")}
    for number, place in enumerate(ELSEWHERE):
        quick.told[f"/{number}"] = plain(302, b"", f"Location: {place.format(port=quick.port)}")
        took, problem = refused(wanted(quick, f"e{number}", str(number)))
        assert took < 5
        if place.startswith(("http", "ftp")):
            assert "not https" in problem.message
    assert quick.asked["/good"] == quick.asked["/x"] == 0
    got = Task(fetch(wanted(quick, "own", "own"))).result()
    assert got.path.read_bytes() == GOOD and quick.asked["/good"] == 1
    tried(15, len(ELSEWHERE) + 1)


def test_a_slow_mirror_gives_way_to_the_public_address(
    quick: Server, monkeypatch: pytest.MonkeyPatch, tried: Tried
) -> None:
    quick.told = {"/good": plain(200, GOOD)}
    bad = ["never answers", "headers byte by byte", "body byte by byte", "500", "sends on in a circle"]
    for number, kind in enumerate(bad):
        quick.told[f"/m{number}/SHA256SUMS"] = BAD[kind]
        monkeypatch.setenv("SEQLAB_MIRROR", f"http://127.0.0.1:{quick.port}/m{number}")
        start = time.monotonic()
        got = Task(fetch(wanted(quick, f"m{number}", "good"))).result()
        assert got.sha256 == hashlib.sha256(GOOD).hexdigest() and got.origin.endswith("/good")
        assert time.monotonic() - start < 2
    tried(15, len(bad))


def test_a_page_that_was_kept_as_an_archive_is_fetched_again(quick: Server, tried: Tried) -> None:
    quick.told = {"/good": plain(200, GOOD)}
    download = wanted(quick, "kept", "good")
    (path, *_) = cache.places(download)
    path.parent.mkdir(parents=True)
    path.write_bytes(PAGE)
    note = {"origin": download.url, "sha256": hashlib.sha256(PAGE).hexdigest(), "bytes": len(PAGE), "checked": False}
    cache.note_of(path).write_text(json.dumps(note))
    assert Task(fetch(download)).result().path.read_bytes() == GOOD
    tried(15)


# Quotes

ASK = """
import json, sys, threading, time
from datetime import UTC, datetime, timedelta
import pandas as pd
import yfinance  # whose import is not to count as waiting
from seqlab.data.series import quote_store, quotes, yahoo
from seqlab.data.series.series import FIELDS
from seqlab.errors import SeqlabError
yahoo.PAUSE, yahoo.SHORTEST_TRY = 0.03, 0.6
quotes.SECONDS_WITHOUT = quotes.SECONDS_WITH_FALLBACK = 2.0
tickers, found, tries = sys.argv[1:], {}, {}
days = pd.bdate_range("2020-01-01", periods=40).astype("datetime64[ns]")
real = yahoo._try
def counted(ticker, *more):
    tries[ticker] = tries.get(ticker, 0) + 1
    return real(ticker, *more)
yahoo._try = counted
def one(ticker):
    frame = pd.DataFrame({"date": days} | {field: 100.0 + pd.Series(range(40)) for field in FIELDS})
    if not ticker.endswith("X"):
        quote_store.store(ticker, frame, asked_at=datetime.now(UTC) - timedelta(days=3))
    start = time.monotonic()
    try:
        series = quotes.load_series(ticker)
        said = {"source": series.source, "origin": series.origin, "notes": series.notes, "rows": len(series)}
    except SeqlabError as problem:
        said = {"source": "none", "notes": [problem.message]}
    found[ticker] = said | {"seconds": time.monotonic() - start}
for begin in range(0, len(tickers), 7):
    threads = [threading.Thread(target=one, args=(ticker,)) for ticker in tickers[begin : begin + 7]]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
print(json.dumps([found, tries]))
"""


@pytest.fixture
def local_yahoo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("the openssl command is missing, which makes the certificate")
    names = "subjectAltName=DNS:*.finance.yahoo.com,DNS:*.yahoo.com,DNS:finance.yahoo.com"
    command = f"{openssl} req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=test -addext {names}".split()
    subprocess.run([*command, "-keyout", "key.pem", "-out", "cert.pem"], cwd=tmp_path, check=True, capture_output=True)
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(tmp_path / "cert.pem", tmp_path / "key.pem")
    for name in [name for name in os.environ if name.lower().endswith("_proxy")]:
        monkeypatch.delenv(name)
    monkeypatch.delenv("SEQLAB_OFFLINE")
    for name in ("SSL_CERT_FILE", "CURL_CA_BUNDLE", "REQUESTS_CA_BUNDLE"):
        monkeypatch.setenv(name, str(tmp_path / "cert.pem"))
    with running(Server(tls)) as server:
        monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{server.port}")
        yield server


def test_without_quotes_in_an_answer_those_of_the_store_are_taken_with_their_age(
    local_yahoo: Server, tried: Tried
) -> None:
    kinds = {f"T{number}": kind for number, kind in enumerate(BAD)}
    absent = {"T7X": "404", "T9X": "429", "T1X": "never answers", "T12X": "a page"}
    charts = "/v8/finance/chart/"
    local_yahoo.told = {f"{charts}{ticker}": BAD[kind] for ticker, kind in (kinds | absent).items()}
    local_yahoo.told |= {"/v1/test/getcrumb": plain(200, b"crumb"), "/sent-on": BAD["sends on in a circle"]}
    process = start_python(ASK, *kinds, *absent)
    out, _ = process.communicate(timeout=120)
    assert process.returncode == 0
    found, tries = json.loads(out)
    for ticker, kind in kinds.items():
        one = found[ticker]
        assert (one["source"], one["rows"]) == ("store", 40), (kind, one)
        assert "fetched 3 days ago" in one["origin"] and "Yahoo Finance" in one["notes"][0], (kind, one)
        assert 1 <= tries[ticker] <= 4 and one["seconds"] < 4, (kind, one, tries[ticker])
    for ticker in absent:
        assert found[ticker]["source"] == "none" and f"'{ticker}'" in found[ticker]["notes"][0]
        assert tries[ticker] <= 4 and found[ticker]["seconds"] < 4
    tried(15, len(kinds) + len(absent))


def test_a_certificate_that_nobody_signed_is_not_taken(
    local_yahoo: Server, monkeypatch: pytest.MonkeyPatch, tried: Tried
) -> None:
    for name in ("SSL_CERT_FILE", "CURL_CA_BUNDLE", "REQUESTS_CA_BUNDLE"):
        monkeypatch.delenv(name)
    local_yahoo.told = {"/v8/finance/chart/T0": plain(200, b"{}"), "/x.tar.gz": plain(200, GOOD)}
    process = start_python(ASK, "T0")
    found, tries = json.loads(process.communicate(timeout=60)[0])
    assert found["T0"]["source"] == "store" and tries["T0"] == 1
    assert "could not be reached" in found["T0"]["notes"][0]
    took, problem = refused(Download("x", "x.tar.gz", "https://finance.yahoo.com/x.tar.gz", "", 0, ""))
    assert took < 10 and "certificate" in problem.message.lower()
    assert not local_yahoo.asked
    tried(15, 2)
