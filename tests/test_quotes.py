"""Series from CSV, the embedded quotes, the store, and the real yfinance against a local Yahoo."""

import datetime
import io
import json
import math
import os
import shutil
import socketserver
import ssl
import subprocess
import sys
import threading
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seqlab.data import quote_store, quotes
from seqlab.data.price_csv import read_csv
from seqlab.data.quotes import load_series
from seqlab.data.series import FIELDS, Series
from seqlab.errors import DataError, SeqlabError, UsageError


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("SEQLAB_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("SEQLAB_OFFLINE", raising=False)


def csv(text: str, column: str | None = None) -> Series:
    return read_csv(io.BytesIO(text.encode()), "given", column)


def assert_sound(series: Series) -> None:
    """What every Series promises, whatever it was made from."""
    n = len(series)
    assert n > 0
    for values in (series.close, series.adjusted, series.open, series.high, series.low, series.volume):
        assert values.shape == (n,) and values.dtype == np.float64
    assert series.dates.dtype == np.dtype("datetime64[D]")
    assert (np.diff(series.dates) > np.timedelta64(0)).all()
    assert np.isfinite(series.close).all() and (series.close > 0).all()
    assert np.isfinite(series.adjusted).all() and (series.adjusted > 0).all()
    known = ~np.isnan(series.high)
    assert (series.high[known] >= series.adjusted[known]).all()
    known = ~np.isnan(series.low)
    assert (series.low[known] <= series.adjusted[known]).all() and (series.low[known] > 0).all()


# ---- CSV


def test_adjusted_close_is_the_series_and_scales_the_ranges():
    series = csv(
        "Date,Open,High,Low,Close,Volume,Adj Close\n2020-01-02,10,12,9,11,500,5.5\n2020-01-03,11,13,10,12,600,12\n"
    )
    assert series.close.tolist() == [11, 12]
    assert series.adjusted.tolist() == [5.5, 12]
    assert series.high.tolist() == [6, 13]
    assert series.low.tolist() == [4.5, 10]
    assert series.open.tolist() == [5, 11]
    assert series.volume.tolist() == [500, 600]
    assert series.source == "file" and series.notes == ()
    np.testing.assert_allclose(series.log_returns(), [math.log(12 / 5.5)])


@pytest.mark.parametrize(
    "label", ["Adj Close", "adj_close", "Adjusted Close", "ADJ CLOSE", "AdjClose", "adjusted_close"]
)
def test_every_spelling_of_adjusted_close(label):
    assert csv(f"date,close,{label}\n2020-01-02,10,5\n").adjusted.tolist() == [5]


def test_a_single_numeric_column_needs_no_name():
    assert csv("when,name,value\n2020-01-02,a,1.5\n2020-01-03,b,2.5\n").close.tolist() == [1.5, 2.5]


def test_a_column_that_is_named_is_taken_without_the_ranges_of_another():
    text = "Date,High,Low,Close,Gold\n2020-01-02,2,1,1.5,900\n"
    series = csv(text, "gold")
    assert series.close.tolist() == series.adjusted.tolist() == [900]
    assert np.isnan(series.high).all()
    assert csv(text).high.tolist() == [2]


def test_close_by_name_leaves_adjusted_close_aside():
    series = csv("Date,High,Low,Close,Adj Close\n2020-01-02,12,9,10,5\n", "close")
    assert series.adjusted.tolist() == [10] and series.high.tolist() == [12]


@pytest.mark.parametrize(
    "written",
    [
        "2020-03-05",
        "2020-03-05 00:00:00",
        "2020-03-05T23:59:59Z",
        "2020-03-05 00:00:00+09:00",
        "20200305",
        "2020/03/05",
    ],
)
def test_a_date_is_the_day_as_written_whatever_its_zone(written):
    assert csv(f"Date,Close\n{written},1\n").dates.tolist() == [datetime.date(2020, 3, 5)]


def test_an_unnamed_first_column_of_dates_as_pandas_writes_an_index():
    assert csv(",AAPL\n2020-01-02 00:00:00-05:00,1\n2020-01-03 00:00:00-05:00,2\n").close.tolist() == [1, 2]


@pytest.mark.parametrize("separator", [";", "\t"])
def test_other_separators(separator):
    assert csv("Date,Close\n2020-01-02,1\n".replace(",", separator)).close.tolist() == [1]


def test_repairs_are_made_and_said():
    series = csv(
        "Date,Close\n2020-01-06,4\n2020-01-02,1\n2020-01-03,2\n2020-01-03,3\n2020-01-07,0\n2020-01-08,\n2020-01-09,-1\nnever,5\n"
    )
    assert series.close.tolist() == [1, 3, 4]
    said = "; ".join(series.notes)
    for part in (
        "1 row without a date",
        "3 rows with a missing, zero or negative price",
        "sorted",
        "1 row of a date that comes again",
    ):
        assert part in said


def test_ranges_that_contradict_the_close_are_left_out_and_rounding_is_mended():
    series = csv(
        "Date,Open,High,Low,Close\n2020-01-02,10,9,8,10\n2020-01-03,10,10.0001,9.9999,10.0002\n2020-01-06,0,11,9,10\n"
    )
    assert np.isnan([series.open[0], series.high[0], series.low[0]]).all()
    assert series.high[1] == 10.0002
    assert np.isnan(series.open[2]) and series.high[2] == 11
    assert any("1 days contradict" in note for note in series.notes)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", ["empty"]),
        (" \n", ["empty"]),
        ("Date,Close\n", ["no rows"]),
        ("a,b\n1,2\n", ["no column with dates", "a, b"]),
        ("Date,Close\n01/02/2020,5\n", ["'Date'", "ISO", "01/02/2020"]),
        ("Date,Close\n2020-01-02,x\n", ["'Close'", "no numbers"]),
        ("Date,a,b\n2020-01-02,1,2\n", ["no column 'Close'", "a, b", "--column"]),
        ("Date,name\n2020-01-02,x\n", ["no column 'Close'", "none"]),
        ("Date,Close\n2020-01-02,0\n", ["no usable price", "zero"]),
        ("Date,Close\n2020-01-02,1,5\n2020-01-03,1,6\n", ["no CSV"]),
    ],
)
def test_what_is_wrong_with_a_file_is_named(text, words):
    with pytest.raises(DataError) as raised:
        csv(text)
    for word in words:
        assert word in str(raised.value)
    assert raised.value.hint


def test_a_column_that_is_not_there_is_named_with_a_suggestion():
    with pytest.raises(DataError, match="'Clsoe'") as raised:
        csv("Date,Close,Other\n2020-01-02,1,2\n", "Clsoe")
    assert "Close" in raised.value.hint


def test_paths(tmp_path):
    path = tmp_path / "gold.csv"
    path.write_text("Date,Close\n2020-01-02,1\n")
    assert load_series(str(path)).name == "gold"
    with pytest.raises(DataError, match="there is no file"):
        load_series(str(tmp_path / "silver.csv"))
    with pytest.raises(DataError, match="there is no file"):
        load_series("nowhere.csv")
    with pytest.raises(DataError, match="cannot be read"):
        load_series(str(tmp_path))
    (tmp_path / "image.csv").write_bytes(b"\x89PNG\r\n\xff\xfe")
    with pytest.raises(DataError, match="no text"):
        load_series(str(tmp_path / "image.csv"))


def test_standard_input(monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"Date,Close\n2020-01-02,7\n")))
    assert load_series("-").close.tolist() == [7]


prices = st.floats(min_value=1e-6, max_value=1e9, allow_nan=False)
days = st.dates(min_value=datetime.date(1900, 1, 1), max_value=datetime.date(2100, 1, 1))


@given(st.dictionaries(days, prices, min_size=1, max_size=40), st.randoms(use_true_random=False))
def test_any_order_of_rows_is_the_same_series(rows, random):
    listed = list(rows.items())
    random.shuffle(listed)
    series = csv("Date,Close\n" + "".join(f"{day},{price!r}\n" for day, price in listed))
    assert series.dates.tolist() == sorted(rows)
    # equal up to the last bit: pandas may read a decimal one ulp beside
    np.testing.assert_allclose(series.close, [rows[day] for day in sorted(rows)], rtol=4e-16)
    assert_sound(series)


@given(st.lists(st.tuples(days, *[st.one_of(prices, st.floats(), st.none())] * 6), min_size=1, max_size=20))
def test_whatever_the_numbers_a_series_is_sound_or_refused(rows):
    text = "date,open,high,low,close,volume,adj close\n"
    text += "".join(",".join("" if value is None else str(value) for value in row) + "\n" for row in rows)
    try:
        series = csv(text)
    except DataError:
        return
    assert_sound(series)
    assert len(series) <= len({row[0] for row in rows})


@given(
    st.one_of(
        st.binary(max_size=200),
        st.text(alphabet='Date,Close\n\r"0123456789-;. ', max_size=120).map(str.encode),
    )
)
@settings(max_examples=300)
def test_no_bytes_crash_it(data):
    try:
        assert_sound(read_csv(io.BytesIO(data), "fuzz"))
    except SeqlabError as problem:
        assert problem.message and problem.hint


# ---- Series


def test_until_is_up_to_and_including():
    series = csv("Date,Close\n2020-01-02,1\n2020-01-03,2\n2020-01-06,3\n")
    assert series.until("2020-01-03").close.tolist() == [1, 2]
    assert series.until(datetime.date(2020, 1, 5)).close.tolist() == [1, 2]
    assert series.until(np.datetime64("2020-01-02", "D")).volume.shape == (1,)
    assert series.until("2030-01-01").sha256 == series.sha256
    with pytest.raises(DataError, match="begin on 2020-01-02"):
        series.until("2020-01-01")
    for wrong in ("yesterday", "", "NaT", "2020-02-30"):
        with pytest.raises(UsageError, match="no date"):
            series.until(wrong)


def test_the_sha256_is_of_the_numbers_alone():
    text = "Date,High,Low,Close\n2020-01-02,3,1,2\n2020-01-03,,,2.5\n"
    first, second = csv(text), read_csv(io.BytesIO(text.encode()), "another")
    assert first.sha256 == second.sha256
    assert csv(text.replace("2.5", "2.6")).sha256 != first.sha256
    assert csv(text.replace("3,1,2", "4,1,2")).sha256 != first.sha256
    assert csv(text.replace("01-03", "01-06")).sha256 != first.sha256
    assert first.until("2020-01-02").sha256 != first.sha256


# ---- the embedded quotes


@pytest.mark.parametrize("ticker", quotes.snapshot_tickers())
def test_embedded_quotes_are_sound_and_say_when_they_end(ticker):
    series = load_series(ticker, offline=True)
    assert_sound(series)
    assert series.source == "snapshot"
    last = str(series.dates[-1])
    assert last == ("2013-03-01" if ticker in ("GOOG", "IBM") else "2022-12-28")
    assert last in series.origin and any(f"ends on {last}" in note for note in series.notes)
    assert (series.close == series.adjusted).all()
    assert np.isin(series.dates.astype("datetime64[D]").astype(int) % 7, [4, 5, 6, 0, 1]).all()  # 1970-01-01: Thursday
    # no split is left in (AAPL's own largest is a profit warning), but for one of RRC that the README names
    assert np.abs(series.log_returns()).max() < (1.1 if ticker == "RRC" else 0.75)
    assert not any("contradict" in note for note in series.notes)


def test_embedded_quotes_are_the_published_numbers():
    apple = load_series("aapl", offline=True)
    assert apple.name == "AAPL" and len(apple) == 8313
    day = {str(date): place for place, date in enumerate(apple.dates)}
    assert apple.close[day["1990-01-02"]] == 0.264 and apple.close[day["2022-12-28"]] == 125.674
    # raw 2000-03-01: open 118.56, high 132.06, low 118.5, close 130.31
    place = day["2000-03-01"]
    np.testing.assert_allclose(
        [apple.open[place], apple.high[place], apple.low[place]],
        apple.close[place] * np.array([118.56, 132.06, 118.5]) / 130.31,
        rtol=1e-5,
    )
    assert apple.volume[place] == 9_616_100
    assert np.isnan(apple.high[day["2003-01-29"]])  # a row that repeats the day before in the source
    assert np.isnan(apple.high[day["2013-03-04"] :]).all()
    ibm = load_series("IBM", offline=True)
    assert len(ibm) == 3270 and not np.isnan(ibm.high).any()
    np.testing.assert_allclose(ibm.close[0], 73.667718762847, rtol=1e-6)
    assert len(load_series("GOOG", offline=True)) == 2148


def test_reading_one_ticker_is_quick():
    def seconds() -> float:
        start = time.process_time()
        load_series("MSFT", offline=True)
        return time.process_time() - start

    assert min(seconds() for _ in range(5)) < 0.06


def test_a_ticker_without_quotes_is_named_with_a_suggestion():
    with pytest.raises(DataError, match="'APPL'") as raised:
        load_series("APPL", offline=True)
    assert "AAPL" in raised.value.hint
    with pytest.raises(DataError, match="'ZZZZZ'") as raised:
        load_series("ZZZZZ", offline=True)
    assert "MSFT" in raised.value.hint
    for wrong in ("what is this", "", "X" * 300):
        with pytest.raises(DataError, match="neither a ticker nor a file"):
            load_series(wrong, offline=True)


def test_a_column_asked_of_a_ticker_is_not_ignored_silently():
    assert "--column Open" in load_series("KO", column="Open", offline=True).notes[-1]


def test_offline_loads_no_client_at_all(tmp_path):
    code = (
        "import sys, socket; from seqlab.data.quotes import load_series\n"
        "load_series('AAPL'); assert 'yfinance' not in sys.modules and 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], env={**os.environ, "SEQLAB_OFFLINE": "1"}, check=True, timeout=60)
    assert not (tmp_path / "cache").exists()


# ---- the store


def table(closes, first="2020-01-01"):
    import pandas as pd

    frame = pd.DataFrame({field: np.array(closes, float) for field in FIELDS})
    frame.insert(0, "date", pd.date_range(first, periods=len(closes)))
    return frame


def test_the_store_gives_back_what_it_was_given_and_replaces_it():
    frame = table([1.1, 2.2, 3.3])
    frame.loc[1, "open"] = math.nan
    quote_store.store("ACME", frame)
    series = load_series("acme", offline=True)
    assert series.source == "store" and "less than an hour ago" in series.origin
    assert series.close.tolist() == [1.1, 2.2, 3.3]
    assert np.isnan(series.open[1]) and series.open[0] == 1.1
    quote_store.store("ACME", table([7.0], "2021-01-01"))
    assert load_series("ACME", offline=True).dates.tolist() == [datetime.date(2021, 1, 1)]
    (entry,) = quote_store.stored_tickers()
    assert (entry.ticker, entry.rows, entry.first, entry.last) == ("ACME", 1, "2021-01-01", "2021-01-01")


def test_the_store_comes_before_the_embedded_quotes():
    quote_store.store("AAPL", table([5.0, 6.0]))
    assert load_series("AAPL", offline=True).source == "store"


def test_how_old_stored_quotes_are():
    ago = lambda **kw: quote_store.age(datetime.datetime.now(datetime.UTC) - datetime.timedelta(**kw))  # noqa: E731
    assert ago(minutes=5) == "less than an hour ago"
    assert ago(hours=1, minutes=5).startswith("1 hour ago")
    assert ago(days=3, hours=2).startswith("3 days ago, on 2")
    assert ago(days=-1) == "less than an hour ago"  # a clock that was set back


def test_a_damaged_store_is_said_and_does_not_stop_a_forecast(tmp_path):
    (tmp_path / "cache").mkdir()
    quote_store.store_path().write_bytes(b"this is no database, " * 100)
    series = load_series("AAPL", offline=True)
    assert series.source == "snapshot" and "cannot be read" in series.notes[0]
    with pytest.raises(DataError, match="store of quotes"):
        quote_store.stored_tickers()


def test_processes_that_update_one_store_lose_nothing():
    code = """
import sys
import pandas as pd
from seqlab.data import quote_store, quotes
from seqlab.data.series import FIELDS

def table(value, rows):
    frame = pd.DataFrame({field: [value] * rows for field in FIELDS})
    frame.insert(0, "date", pd.date_range("2020-01-01", periods=rows))
    return frame

sys.stdin.readline()
me = sys.argv[1]
for k in range(8):
    quote_store.store(f"P{me}K{k % 4}", table(k + 1.0, 50))
    quote_store.store("SHARED", table(float(me) + 1, 300))
    closes = quotes.load_series("SHARED", offline=True).close
    assert len(closes) == 300 and len(set(closes)) == 1, "a mixture"
"""
    workers = [
        subprocess.Popen([sys.executable, "-c", code, str(number)], stdin=subprocess.PIPE, env=os.environ)
        for number in range(3)
    ]
    for worker in workers:
        worker.stdin.write(b"go\n")
        worker.stdin.flush()
    assert [worker.wait(60) for worker in workers] == [0] * 3
    stored = {entry.ticker: entry.rows for entry in quote_store.stored_tickers()}
    assert stored == {"SHARED": 300, **{f"P{p}K{k}": 50 for p in range(3) for k in range(4)}}
    for number in range(3):
        assert load_series(f"P{number}K3", offline=True).close[0] == 8


# ---- the real yfinance against a local Yahoo: a proxy that ends TLS itself


DAY = 86400


class LocalYahoo(socketserver.StreamRequestHandler):
    """Answers CONNECT, speaks TLS with its own certificate, and answers by the ticker's name."""

    def handle(self):
        self.rfile.readline()
        while self.rfile.readline().strip():
            pass
        self.wfile.write(b"HTTP/1.1 200 OK\r\n\r\n")
        tls = self.server.tls.wrap_socket(self.request, server_side=True)
        requests = tls.makefile("rb")
        while line := requests.readline().decode():
            path = line.split()[1]
            while requests.readline().strip():
                pass
            if "getcrumb" in path:
                status, body, length = 200, b"crumb", 5
            elif "/chart/" in path:
                status, body, length = chart_answer(path.split("/chart/")[1].split("?")[0])
            else:
                status, body, length = 404, b"<html></html>", 13
            tls.sendall(f"HTTP/1.1 {status} -\r\nContent-Length: {length}\r\n\r\n".encode() + body)
            if length != len(body):
                tls.close()
                return


def chart_answer(ticker: str) -> tuple[int, bytes, int]:
    """Status, body and the length that is promised."""
    if ticker in ("GONE", "AAPL"):
        error = {"code": "Not Found", "description": "No data found, symbol may be delisted"}
        body = json.dumps({"chart": {"result": None, "error": error}}).encode()
        return 404, body, len(body)
    if ticker in ("BUSY", "MSFT"):
        return 429, b"Too Many Requests\r\n", 19
    if ticker == "PAGE":
        return 200, b"<html>hello</html>", 18
    if ticker == "FAIL":
        return 500, b"oops", 4
    if ticker == "STALL":
        time.sleep(20)
    now = int(time.time())
    stamps = [now - 120 - (9 - k) * DAY for k in range(10)]
    closes = [100.0 + k for k in range(10)]
    end = now - 60 if ticker == "DONE" else now + 60
    if ticker == "ACME":
        stamps.pop(), closes.pop()
    period = {"timezone": "EST", "gmtoffset": -18000, "start": now - DAY // 4, "end": end}
    meta = {
        "currency": "USD",
        "symbol": ticker,
        "instrumentType": "EQUITY",
        "exchangeTimezoneName": "America/New_York",
        "firstTradeDate": stamps[0],
        "regularMarketTime": stamps[-1],
        "priceHint": 2,
        "dataGranularity": "1d",
        "validRanges": ["1d", "max"],
        "currentTradingPeriod": {kind: dict(period) for kind in ("pre", "regular", "post")},
    }
    quote = {
        "open": closes, "high": [2 * c for c in closes], "low": [c / 2 for c in closes], "close": closes,
        "volume": [1000 + k for k in range(len(closes))],
    }  # fmt: skip
    indicators = {"quote": [quote], "adjclose": [{"adjclose": [c / 4 for c in closes]}]}
    result = {"meta": meta, "timestamp": stamps, "indicators": indicators}
    body = json.dumps({"chart": {"result": [result], "error": None}}).encode()
    return (200, body[: len(body) // 2], len(body)) if ticker == "CUT" else (200, body, len(body))


@pytest.fixture(scope="module")
def from_yahoo(tmp_path_factory):
    """What a process gets that loads many tickers from the local Yahoo, what it stored, and its cache folder."""
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("the openssl command is missing, which makes the certificate")
    folder = tmp_path_factory.mktemp("yahoo")
    names = "subjectAltName=DNS:*.finance.yahoo.com,DNS:*.yahoo.com,DNS:finance.yahoo.com"
    command = f"{openssl} req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=test -addext {names}".split()
    subprocess.run([*command, "-keyout", "key.pem", "-out", "cert.pem"], cwd=folder, check=True, capture_output=True)
    server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), LocalYahoo)
    server.daemon_threads = True
    server.tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    server.tls.load_cert_chain(folder / "cert.pem", folder / "key.pem")
    threading.Thread(target=server.serve_forever, daemon=True).start()
    code = """
import json, sys, time
from seqlab.data import quotes
from seqlab.errors import SeqlabError
found = {}
for ticker in sys.argv[1:]:
    quotes.SECONDS_WITHOUT = 2 if ticker == "STALL" else 60
    start = time.monotonic()
    try:
        s = quotes.load_series(ticker)
        found[ticker] = {"source": s.source, "origin": s.origin, "notes": s.notes}
        found[ticker] |= {"dates": [str(day) for day in s.dates], "close": s.close.tolist()}
        found[ticker] |= {"adjusted": s.adjusted.tolist(), "high": s.high.tolist()}
    except SeqlabError as problem:
        found[ticker] = {"error": problem.message, "hint": problem.hint}
    found[ticker]["seconds"] = time.monotonic() - start
print(json.dumps(found))
"""
    bundle = str(folder / "cert.pem")
    proxy = f"http://127.0.0.1:{server.server_address[1]}"
    environment = {
        name: value
        for name, value in os.environ.items()
        if not name.lower().endswith("_proxy") and name != "SEQLAB_OFFLINE"
    } | {
        "HTTPS_PROXY": proxy,
        "SSL_CERT_FILE": bundle,
        "CURL_CA_BUNDLE": bundle,
        "REQUESTS_CA_BUNDLE": bundle,
        "SEQLAB_CACHE": str(folder / "cache"),
    }
    tickers = ["ACME", "DONE", "OPEN", "GONE", "AAPL", "BUSY", "MSFT", "PAGE", "FAIL", "CUT", "STALL"]
    done = subprocess.run(
        [sys.executable, "-c", code, *tickers], env=environment, capture_output=True, text=True, timeout=120
    )
    server.shutdown()
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""  # what the client logs and warns of is not for the user
    os.environ["SEQLAB_CACHE"], before = str(folder / "cache"), os.environ.get("SEQLAB_CACHE")
    try:
        offline = {ticker: load_series(ticker, offline=True) for ticker in ("ACME", "OPEN")}
    finally:
        os.environ.pop("SEQLAB_CACHE") if before is None else os.environ.update(SEQLAB_CACHE=before)
    return json.loads(done.stdout), offline, folder / "cache"


def test_yahoo_answers(from_yahoo):
    found, _, cache = from_yahoo
    series = found["ACME"]
    assert series["source"] == "yahoo" and series["notes"] == []
    assert series["close"] == [100.0 + k for k in range(9)]
    assert series["adjusted"] == [(100.0 + k) / 4 for k in range(9)]
    assert series["high"] == [(100.0 + k) / 2 for k in range(9)]  # on the scale of the adjusted close
    assert (cache / "yfinance" / "tkr-tz.db").exists()  # its own cache lies in ours


def test_todays_unfinished_bar_is_dropped_and_said(from_yahoo):
    found, _, _ = from_yahoo
    assert len(found["OPEN"]["close"]) == 9
    assert "unfinished" in found["OPEN"]["notes"][0]
    assert len(found["DONE"]["close"]) == 10 and found["DONE"]["notes"] == []


def test_what_yahoo_gave_is_stored(from_yahoo):
    found, offline, _ = from_yahoo
    for ticker, series in offline.items():
        assert series.source == "store" and "fetched less than an hour ago" in series.origin
        assert series.adjusted.tolist() == found[ticker]["adjusted"]
        assert series.high.tolist() == found[ticker]["high"]


@pytest.mark.parametrize(
    ("ticker", "words"),
    [
        ("GONE", "has no prices of GONE"),
        ("BUSY", "(429)"),
        ("PAGE", "a page that is no quotes"),
        ("FAIL", "a page that is no quotes"),
        ("CUT", "could not be reached"),
        ("STALL", "did not answer within 2 s"),
    ],
)
def test_every_failure_is_a_sentence(from_yahoo, ticker, words):
    found, _, _ = from_yahoo
    assert f"'{ticker}'" in found[ticker]["error"] and words in found[ticker]["error"]
    assert found[ticker]["hint"]
    if ticker == "STALL":
        assert 2 <= found[ticker]["seconds"] < 4


@pytest.mark.parametrize(("ticker", "words"), [("AAPL", "no prices of AAPL"), ("MSFT", "(429)")])
def test_a_failure_falls_back_to_the_embedded_quotes_and_is_said(from_yahoo, ticker, words):
    found, _, _ = from_yahoo
    assert found[ticker]["source"] == "snapshot"
    assert words in found[ticker]["notes"][0]
    assert found[ticker]["dates"][-1] == "2022-12-28"


def test_no_network_at_all_falls_back_and_is_said(monkeypatch):
    code = "from seqlab.data.quotes import load_series as l; s = l('AAPL'); print(s.source, s.notes[0])"
    environment = {**os.environ, "HTTPS_PROXY": "http://127.0.0.1:9"}  # the port of discard: nobody listens
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, timeout=60)
    assert done.stdout.startswith("snapshot Yahoo Finance could not be reached"), done.stdout + done.stderr
    assert done.stderr == ""
