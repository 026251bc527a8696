"""Promise 16: many processes at one cache at once; nothing is torn, nothing is lost, and one of them does the work."""

import gzip
import hashlib
import http.server
import json
import random
import threading
import time
from collections import Counter
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from seqlab.data.fetch.cache import cache_folder
from seqlab.data.series.quote_store import read_stored, stored_tickers
from tests.conftest import made_up_code, start_python
from tests.reliability.conftest import Tried, many

PROCESSES = many(4, 8)
WRITES = many(8, 50)
GOOD = gzip.compress(random.Random(0).randbytes(400_000))

# all begin once a file is there; they write to tickers of their own, to one that all write whole, and to one that has a
# day that all know and days of each
WORK = """
import json, os, sys, time
import pandas as pd
from seqlab.data.fetch.downloads import Download
from seqlab.data.fetch.sources import fetch
from seqlab.data.series import quote_store
from seqlab.data.series.series import FIELDS
from seqlab.data.text import corpus_files, encoding  # without torch, whose import takes its time
from seqlab.tasks import Task
me, writes, address, text, go = int(sys.argv[1]), int(sys.argv[2]), *sys.argv[3:]

def table(price, first, count):
    days = pd.date_range("2000-01-01", periods=count).astype("datetime64[ns]") + pd.Timedelta(first, "D")
    return pd.DataFrame({"date": days} | {field: price for field in FIELDS})

torn = 0
open(f"{go}{me}", "w").close()
while not os.path.exists(go):
    time.sleep(0.01)
for number in range(writes):
    quote_store.store(f"OWN{me}N{number}", table(1.0 + number, 0, 30))
    quote_store.store("WHOLE", table(1.0 + 100 * me + number, 0, 200))
    day = table(1.0, 1 + 1000 * me + number, 1)
    quote_store.store("SHARED", pd.concat([table(1.0, 0, 1), day], ignore_index=True))
    seen = quote_store.read_stored("WHOLE").frame
    torn += len(seen) != 200 or seen["close"].nunique() != 1
got = Task(fetch(Download("data", "data.gz", address, "", 0, ""))).result()
corpus = Task(encoding.encoded(Task(corpus_files.find(text)).result())).result()
print(json.dumps([torn, got.sha256, corpus.sha256, len(corpus.tokens), list(corpus.notes)]))
"""


class Handler(http.server.BaseHTTPRequestHandler):
    asked: Counter[str] = Counter()

    def do_GET(self) -> None:
        self.asked[self.path] += 1
        self.send_response(200)
        self.send_header("Content-Length", str(len(GOOD)))
        self.end_headers()
        for start in range(0, len(GOOD), 50_000):  # slowly: the others are to come in the middle
            self.wfile.write(GOOD[start : start + 50_000])
            threading.Event().wait(0.05)

    def log_message(self, *_: Any) -> None:
        """Silent."""


@pytest.fixture
def address(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.delenv("SEQLAB_OFFLINE")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=partial(server.serve_forever, 0.05), daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}/data.gz"
    server.shutdown()
    server.server_close()


def test_many_processes_at_one_cache_tear_and_lose_nothing(tmp_path: Path, address: str, tried: Tried) -> None:
    text = made_up_code(20_000)
    (tmp_path / "text.txt").write_text(text)
    go = tmp_path / "go"
    processes = [start_python(WORK, number, WRITES, address, tmp_path / "text.txt", go) for number in range(PROCESSES)]
    while not all((tmp_path / f"go{number}").exists() for number in range(PROCESSES)):
        time.sleep(0.01)
    go.write_text("")
    found = [json.loads(process.communicate(timeout=300)[0]) for process in processes]
    assert [one[0] for one in found] == [0] * PROCESSES  # torn
    kept = hashlib.sha256(GOOD).hexdigest(), hashlib.sha256(text.encode()).hexdigest(), len(text), []
    assert all(tuple(one[1:]) == kept for one in found)
    assert Handler.asked["/data.gz"] == 1
    stored = {entry.ticker: entry.rows for entry in stored_tickers()}
    own = {f"OWN{me}N{number}": 30 for me in range(PROCESSES) for number in range(WRITES)}
    assert stored == own | {"WHOLE": 200, "SHARED": 1 + PROCESSES * WRITES}
    for me in range(PROCESSES):
        last = read_stored(f"OWN{me}N{WRITES - 1}")
        assert last is not None and (last.frame["close"] == WRITES).all()
    assert not [path for path in cache_folder().rglob("*") if path.name.endswith((".part", ".new"))]
    tried(16, PROCESSES * (3 * WRITES + 2))
