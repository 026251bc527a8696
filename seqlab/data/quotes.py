"""Daily prices as a Series: from Yahoo Finance, what was fetched before, the embedded quotes, or a CSV.

A ticker is looked for in that order, and the Series says which of them it came from, how old it is and
what was repaired. Raw `Close` carries splits in many sources, so returns are those of `adjusted`.
"""

import difflib
import hashlib
import json
import logging
import re
import sqlite3
import sys
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from io import StringIO
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import pandas as pd

import seqlab
from seqlab.data.cache import cache_folder, is_offline
from seqlab.errors import DataError, UsageError, did_you_mean

SECONDS_WITH_FALLBACK = 15.0  # that Yahoo Finance gets where other quotes are at hand
SECONDS_WITHOUT = 60.0  # and where there are none
TICKER = re.compile(r"[A-Za-z0-9^][A-Za-z0-9.^=&_-]{0,19}")
FIELDS = ("open", "high", "low", "close", "adj_close", "volume")
DATE_NAMES = {"date", "datetime", "time", "timestamp", "day", "month", "ds"}
NEEDS = "it needs a header, and rows with a date and a price"
ISO_DATE = r"^\s*(\d{4})[-/]?(\d{2})(?:[-/]?(\d{2}))?(?!\d)"


@dataclass(frozen=True, eq=False)
class Series:
    """Daily prices of one ticker or file, oldest first; every array has one entry per day, (N,).

    name: ticker, or file stem.
    source: `yahoo`, `store`, `snapshot` or `file`.
    origin: where from and how old, for a person.
    close: the origin's own.
    adjusted: what returns are taken of; splits and dividends removed where the origin knows them.
    open, high, low: on the scale of `adjusted`; NaN where unknown.
    volume: as the origin counts it; NaN where unknown.
    notes: what was repaired or is worth saying.
    """

    name: str
    source: str
    origin: str
    dates: np.ndarray  # datetime64[D], strictly increasing
    close: np.ndarray
    adjusted: np.ndarray
    open: np.ndarray
    high: np.ndarray
    low: np.ndarray
    volume: np.ndarray
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.dates)

    def log_returns(self) -> np.ndarray:
        """Daily log returns of `adjusted`, (N - 1,): entry i is from day i to day i + 1."""
        return np.diff(np.log(self.adjusted))

    @property
    def sha256(self) -> str:
        """Of the numbers alone, whatever they are called and wherever they came from."""
        digest = hashlib.sha256(self.dates.astype("<i8").tobytes())
        for values in (self.close, self.adjusted, self.open, self.high, self.low, self.volume):
            digest.update(np.where(np.isnan(values), np.nan, values).astype("<f8").tobytes())
        return digest.hexdigest()

    def until(self, last: str | date | np.datetime64) -> "Series":
        """The part up to and including the day `last`.

        Raises UsageError if that is no date, DataError if nothing is left.
        """
        try:
            end = np.datetime64(datetime.fromisoformat(str(last)).date(), "D")
        except ValueError as problem:
            raise UsageError(f"'{last}' is no date", "write it like 2022-12-28") from problem
        count = int(np.searchsorted(self.dates, end, side="right"))
        if count == 0:
            raise DataError(f"{self.name} has no prices up to {end}", f"they begin on {self.dates[0]}")
        arrays = ("dates", "close", "adjusted", "open", "high", "low", "volume")
        return replace(self, **{name: getattr(self, name)[:count] for name in arrays})


def load_series(name: str, *, column: str | None = None, offline: bool = False) -> Series:
    """The daily prices of a ticker, of a CSV file, or of the CSV on standard input (`-`).

    A ticker comes from Yahoo Finance, else from what was fetched of it before, else from the embedded quotes.
    column: the column of a file to take; files only. offline: open no socket (so does SEQLAB_OFFLINE).
    Raises DataError, naming file, column or ticker, where there is nothing usable.
    """
    if name == "-":
        return read_csv(sys.stdin.buffer, "stdin", column)
    path = Path(name)
    # a name longer than any file's would be an error of the system to is_file()
    if name.lower().endswith(".csv") or "/" in name or "\\" in name or (len(name) < 256 and path.is_file()):
        return read_csv(path, path.stem, column)
    if not TICKER.fullmatch(name):
        raise DataError(f"'{name}' is neither a ticker nor a file", "name a ticker like AAPL, or a CSV file")
    series = _load_ticker(name.upper(), offline=offline or is_offline())
    if column is not None:
        said = f"--column {column} is for files: the adjusted close was taken"
        series = replace(series, notes=(*series.notes, said))
    return series


def _load_ticker(ticker: str, *, offline: bool) -> Series:
    embedded = snapshot_tickers()
    notes: list[str] = []
    stored: tuple[pd.DataFrame, datetime] | None = None
    try:
        stored = _read_stored(ticker)
    except (sqlite3.Error, OSError, ValueError) as problem:
        notes.append(f"the quotes stored before cannot be read: {problem}")
    if not offline:
        at_hand = stored is not None or ticker in embedded
        try:
            frame, said = _ask_yahoo(ticker, SECONDS_WITH_FALLBACK if at_hand else SECONDS_WITHOUT)
            series = _series(ticker, "yahoo", "Yahoo Finance, fetched now", frame, [*notes, *said])
        except (_NoAnswer, DataError) as problem:
            notes.append(problem.message if isinstance(problem, DataError) else str(problem))
        else:
            try:
                _store(ticker, frame)
            except (sqlite3.Error, OSError) as problem:
                series = replace(series, notes=(*series.notes, f"the quotes could not be stored: {problem}"))
            return series
    if stored is not None:
        frame, fetched_at = stored
        origin = f"Yahoo Finance, fetched {_age(fetched_at)}"
        return _series(ticker, "store", origin, frame, notes)
    if ticker in embedded:
        return _read_snapshot(ticker, notes)
    tried = "; ".join(notes) or "none were stored before, and offline none can be fetched"
    close = difflib.get_close_matches(ticker, embedded, n=1, cutoff=0.6)
    raise DataError(
        f"there are no quotes of '{ticker}': {tried}",
        did_you_mean(ticker, embedded) if close else f"name a CSV file, or one of {', '.join(embedded)}",
    )


# ---- any table of prices -> Series


def _series(name: str, source: str, origin: str, frame: pd.DataFrame, notes: list[str]) -> Series:
    """A Series of a table with columns `date` (datetime64, NaT allowed) and FIELDS, in any order of days.

    What is unusable is dropped and said in the notes. Raises DataError if nothing is left.
    """
    notes = list(notes)
    frame = frame.reset_index(drop=True)
    values = frame[list(FIELDS)].to_numpy(np.float64)
    days = frame["date"].to_numpy().astype("datetime64[D]")
    days, values = _keep(~np.isnat(days), days, values, notes, "without a date")
    prices = values[:, [FIELDS.index("close"), FIELDS.index("adj_close")]]
    usable = (np.isfinite(prices) & (prices > 0)).all(axis=1)
    days, values = _keep(usable, days, values, notes, "with a missing, zero or negative price")
    if (np.diff(days) < np.timedelta64(0)).any():
        notes.append("the dates were not in order: sorted")
        order = np.argsort(days, kind="stable")
        days, values = days[order], values[order]
    last_of_day = np.append(days[1:] != days[:-1], True)[: len(days)]
    days, values = _keep(last_of_day, days, values, notes, "of a date that comes again")
    if not len(days):
        raise DataError(f"{name} has no usable price", "; ".join(notes) or NEEDS)
    close, adjusted, volume = (values[:, FIELDS.index(field)] for field in ("close", "adj_close", "volume"))
    with np.errstate(over="ignore", invalid="ignore"):  # an absurd range is no range
        ranges = _possible_ranges(values[:, :3] * (adjusted / close)[:, None], adjusted, notes)
    volume = np.where(np.isfinite(volume) & (volume >= 0), volume, np.nan)
    opened, high, low = ranges.T.copy()
    return Series(
        name, source, origin, days, close.copy(), adjusted.copy(), opened, high, low, volume, tuple(notes)
    )


def _keep(
    mask: np.ndarray, days: np.ndarray, values: np.ndarray, notes: list[str], what: str
) -> tuple[np.ndarray, np.ndarray]:
    if mask.all():
        return days, values
    dropped = int((~mask).sum())
    notes.append(f"{dropped:,} {'row' if dropped == 1 else 'rows'} {what} dropped")
    return days[mask], values[mask]


def _possible_ranges(ranges: np.ndarray, close: np.ndarray, notes: list[str]) -> np.ndarray:
    """Open, high, low (N, 3), low <= open, close <= high: rounding is mended, the impossible made NaN."""
    ranges = np.where(np.isfinite(ranges) & (ranges > 0), ranges, np.nan)
    opened, high, low = ranges.T
    top, bottom = np.fmax(opened, close), np.fmin(opened, close)  # fmax: an unknown open says nothing
    impossible = (high < top * (1 - 1e-3)) | (low > bottom * (1 + 1e-3))
    if impossible.any():
        notes.append(f"open, high and low of {impossible.sum():,} days contradict the close: left out")
    mended = np.stack([opened, np.maximum(high, top), np.minimum(low, bottom)], axis=1)
    mended[impossible] = np.nan
    return mended


# ---- CSV


def read_csv(source: Path | BinaryIO, name: str, column: str | None = None) -> Series:
    """The Series of a CSV: a date column, and open, high, low, close, adj close, volume in any case.

    Without a close, its only numeric column, or the one called `column`, is the series. Dates are ISO, the
    day as written, whatever its zone. Raises DataError naming what is missing or unreadable.
    """
    where = str(source) if isinstance(source, Path) else "standard input"
    table = _read_table(source, where)
    dated = _date_column(table, where)
    days = _dates(table[dated])
    rest = [label for label in table.columns if label != dated]
    known = {_normal(label): label for label in reversed(rest)}
    if column is not None:
        taken = _named_column(column, rest, where)
    elif "adj_close" in known or "close" in known:
        taken = known.get("adj_close", known.get("close", ""))
    else:
        numeric = [label for label in rest if _numbers(table[label]).notna().sum() > len(table) / 2]
        if len(numeric) != 1:
            found = f"several ({', '.join(numeric)})" if numeric else "none"
            raise DataError(
                f"{where} has no column 'Close', and of columns with numbers {found}",
                "name one with --column NAME",
            )
        taken = numeric[0]
    if not _numbers(table[taken]).notna().any():
        raise DataError(f"column '{taken}' of {where} has no numbers", "name another with --column NAME")
    # the columns named open, high, ... belong to the closes, not to another column that was asked for
    is_price = _normal(taken) in ("adj_close", "close")
    fields = {field: known[field] for field in FIELDS if is_price and field in known}
    fields["adj_close"] = taken
    fields["close"] = fields.get("close", taken) if _normal(taken) == "adj_close" else taken
    frame = pd.DataFrame({"date": days})
    for field in FIELDS:
        frame[field] = _numbers(table[fields[field]]) if field in fields else np.nan
    series = _series(name, "file", "", frame, [])
    return replace(series, origin=f"the file's column {taken}, which ends on {series.dates[-1]}")


def _read_table(source: Path | BinaryIO, where: str) -> pd.DataFrame:
    try:
        data = source.read_bytes() if isinstance(source, Path) else source.read()
        text = data.decode("utf-8-sig")
    except FileNotFoundError as problem:
        raise DataError(f"there is no file {where}", "check the path") from problem
    except OSError as problem:
        raise DataError(f"{where} cannot be read: {problem.strerror}", "check the path") from problem
    except UnicodeDecodeError as problem:
        raise DataError(f"{where} is no text in UTF-8 (byte {problem.start})", "name a CSV file") from problem
    if not text.strip():
        raise DataError(f"{where} is empty", NEEDS)
    header = text.lstrip().partition("\n")[0]
    separator = max(",;\t", key=header.count)  # the comma where there is none
    try:
        with warnings.catch_warnings():  # rows longer than the header would be cut, with a warning only
            warnings.simplefilter("error", pd.errors.ParserWarning)
            table = pd.read_csv(
                StringIO(text), sep=separator, skipinitialspace=True, index_col=False, low_memory=False
            )
    except (pd.errors.ParserError, pd.errors.ParserWarning, ValueError) as problem:
        said = str(problem).strip().splitlines()[0]
        raise DataError(f"{where} is no CSV: {said}", "name a CSV file with a header") from problem
    table.columns = [str(label).strip() for label in table.columns]
    if not len(table):
        raise DataError(f"{where} has a header and no rows", NEEDS)
    return table.loc[:, ~table.columns.duplicated()]


def _normal(label: str) -> str:
    """A column's name as one of FIELDS where it is one: 'Adj Close', 'Adjusted Close' -> 'adj_close'."""
    words = re.sub(r"[^a-z]+", " ", label.lower()).split()
    joined = "_".join("adj" if word == "adjusted" else word for word in words)
    return {"adjclose": "adj_close", "close_adj": "adj_close", "vol": "volume"}.get(joined, joined)


def _numbers(values: pd.Series) -> pd.Series:
    return pd.to_numeric(values, errors="coerce").astype(np.float64)


def _named_column(column: str, labels: list[str], where: str) -> str:
    for same in (str, str.lower):
        for label in labels:
            if same(label) == same(column):
                return label
    raise DataError(f"{where} has no column '{column}'", did_you_mean(column, labels))


def _dates(values: pd.Series) -> pd.Series:
    """The day each entry begins with, as it is written there (whatever its zone); NaT where there is none."""
    parts = values.astype("string").str.extract(ISO_DATE)
    written = parts[0] + "-" + parts[1] + "-" + parts[2].fillna("01")
    return pd.to_datetime(written, errors="coerce", format="%Y-%m-%d")


def _date_column(table: pd.DataFrame, where: str) -> str:
    """The column named date, time, ..., else the first of text that holds dates."""
    labels = list(table.columns)
    named = [label for label in labels if label.lower() in DATE_NAMES]
    texts = [label for label in labels if not pd.api.types.is_numeric_dtype(table[label])]
    for label in (*named, *texts):
        if _dates(table[label]).notna().mean() > 0.5:
            return label
    if named:
        raise DataError(
            f"column '{named[0]}' of {where} holds no ISO dates: '{table[named[0]].iloc[0]}'",
            "write dates like 2024-01-31",
        )
    raise DataError(
        f"{where} has no column with dates (it has {', '.join(labels[:8])})",
        "add one named Date, with entries like 2024-01-31",
    )


# ---- Yahoo Finance


class _NoAnswer(Exception):
    """Yahoo Finance gave no quotes; the message is a sentence."""


def _ask_yahoo(ticker: str, seconds: float) -> tuple[pd.DataFrame, list[str]]:
    """All daily rows of a ticker with columns `date` and FIELDS, and what was left out. Raises _NoAnswer.

    In a thread of its own, since no timeout of the client's covers its whole work.
    """
    answer: list[tuple[pd.DataFrame, list[str]]] = []
    failure: list[Exception] = []

    def ask() -> None:
        try:
            answer.append(_yahoo_history(ticker, seconds))
        except Exception as problem:
            failure.append(problem)

    asking = threading.Thread(target=ask, daemon=True)
    asking.start()
    asking.join(seconds)
    if failure:
        raise _NoAnswer(_reason(ticker, failure[0])) from failure[0]
    if not answer:
        raise _NoAnswer(f"Yahoo Finance did not answer within {seconds:.0f} s")
    return answer[0]


def _yahoo_history(ticker: str, seconds: float) -> tuple[pd.DataFrame, list[str]]:
    import yfinance  # here, since it takes half a second

    logging.getLogger("yfinance").setLevel(logging.CRITICAL)  # what it logs, it also raises
    warnings.filterwarnings("ignore", module="yfinance")  # deprecations inside it are not the user's business
    yfinance.config.debug.hide_exceptions = False
    folder = cache_folder() / "yfinance"
    folder.mkdir(parents=True, exist_ok=True)
    yfinance.set_tz_cache_location(str(folder))
    client = yfinance.Ticker(ticker)
    history = client.history(period="max", auto_adjust=False, actions=False, timeout=seconds)
    if history.empty:
        raise _NoAnswer(f"Yahoo Finance has no prices of {ticker}")
    frame = history.rename(columns=_normal)[list(FIELDS)].astype(np.float64)
    here = history.index.tz
    frame.insert(0, "date", history.index.tz_localize(None).normalize().to_numpy())
    frame = frame.reset_index(drop=True)
    now = pd.Timestamp.now(here)
    closes = _end_of_trading(client, now)
    if frame["date"].iloc[-1] == now.tz_localize(None).normalize() and now < closes:
        return frame.iloc[:-1], [f"today's unfinished bar ({now.date()}) dropped"]
    return frame, []


def _end_of_trading(client: Any, now: pd.Timestamp) -> pd.Timestamp:
    """When today's trading ends, on the exchange's clock; the end of the day where that is not known."""
    try:
        end = pd.Timestamp(client.history_metadata["currentTradingPeriod"]["regular"]["end"])
        if end.tz_convert(now.tz).date() == now.date():
            return end
    except (KeyError, TypeError, ValueError):
        pass
    return now.normalize() + pd.Timedelta(days=1)


def _reason(ticker: str, problem: Exception) -> str:
    """What went wrong at Yahoo Finance, as a sentence."""
    from yfinance.exceptions import YFRateLimitError, YFTickerMissingError

    status = getattr(getattr(problem, "response", None), "status_code", None)
    if isinstance(problem, _NoAnswer):
        return str(problem)
    if isinstance(problem, YFRateLimitError) or status == 429:
        return "Yahoo Finance answers that there were too many requests (429)"
    if isinstance(problem, YFTickerMissingError) or status == 404:
        return f"Yahoo Finance has no prices of {ticker}"
    if isinstance(problem, json.JSONDecodeError):
        return "Yahoo Finance answers with a page that is no quotes"
    said = (str(problem).strip().splitlines() or [""])[0].partition(". See http")[0][:200]
    said = said or type(problem).__name__
    if isinstance(problem, OSError):  # as the errors of its HTTP client are
        return f"Yahoo Finance could not be reached ({said})"
    return f"Yahoo Finance's answer holds no quotes ({said})"


# ---- the store of what was fetched


@dataclass(frozen=True)
class Stored:
    """One ticker of the store: its days and when they were fetched."""

    ticker: str
    rows: int
    first: str
    last: str
    fetched_at: datetime


def store_path() -> Path:
    """The SQLite file of the quotes fetched so far. It need not exist."""
    return cache_folder() / "quotes.sqlite"


def stored_tickers() -> list[Stored]:
    """What the store holds, in order of ticker. Raises DataError if it cannot be read."""
    if not store_path().exists():
        return []
    query = (
        "SELECT ticker, count(*), min(date), max(date), fetched_at FROM quotes JOIN fetched USING (ticker) "
        "GROUP BY ticker ORDER BY ticker"
    )
    try:
        with _database() as database:
            rows = database.execute(query).fetchall()
    except (sqlite3.Error, OSError) as problem:
        hint = f"remove {store_path()}: quotes can be fetched again"
        raise DataError(f"the store of quotes cannot be read: {problem}", hint) from problem
    return [
        Stored(ticker, count, first, last, datetime.fromisoformat(when))
        for ticker, count, first, last, when in rows
    ]


@contextmanager
def _database() -> Iterator[sqlite3.Connection]:
    """The store, made where it is missing. Many processes may have it open: a writer waits for the other."""
    path = store_path()
    path.parent.mkdir(parents=True, exist_ok=True)
    database = sqlite3.connect(path, timeout=30, isolation_level=None)
    try:
        database.execute(
            "PRAGMA synchronous = NORMAL"
        )  # with WAL a power cut may lose the last fetch, no more
        if database.execute("PRAGMA user_version").fetchone()[0] == 0:
            database.execute("PRAGMA journal_mode = WAL")
            database.execute("BEGIN IMMEDIATE")
            database.execute(
                "CREATE TABLE IF NOT EXISTS quotes (ticker TEXT, date TEXT, open REAL, high REAL, low REAL,"
                " close REAL, adj_close REAL, volume REAL, PRIMARY KEY (ticker, date)) WITHOUT ROWID"
            )
            database.execute("CREATE TABLE IF NOT EXISTS fetched (ticker TEXT PRIMARY KEY, fetched_at TEXT)")
            database.execute("PRAGMA user_version = 1")
            database.execute("COMMIT")
        yield database
    finally:
        database.close()


def _store(ticker: str, frame: pd.DataFrame) -> None:
    """Replace a ticker's rows, all in one transaction: a split or a dividend changes the past too."""
    rows = frame.drop_duplicates("date", keep="last")
    days = rows["date"].dt.strftime("%Y-%m-%d")
    table = [
        (ticker, day, *(None if np.isnan(value) else value for value in values))
        for day, values in zip(days, rows[list(FIELDS)].to_numpy(np.float64).tolist(), strict=True)
    ]
    with _database() as database:
        database.execute("BEGIN IMMEDIATE")
        database.execute("DELETE FROM quotes WHERE ticker = ?", (ticker,))
        database.executemany("INSERT INTO quotes VALUES (?, ?, ?, ?, ?, ?, ?, ?)", table)
        now = datetime.now(UTC).isoformat(timespec="seconds")
        database.execute("INSERT OR REPLACE INTO fetched VALUES (?, ?)", (ticker, now))
        database.execute("COMMIT")


def _read_stored(ticker: str) -> tuple[pd.DataFrame, datetime] | None:
    """A ticker's stored rows and when they were fetched; None where there are none."""
    if not store_path().exists():
        return None
    with _database() as database:
        database.execute("BEGIN")  # both tables as of the same moment
        when = database.execute("SELECT fetched_at FROM fetched WHERE ticker = ?", (ticker,)).fetchone()
        select = f"SELECT date, {', '.join(FIELDS)} FROM quotes WHERE ticker = ? ORDER BY date"
        rows = database.execute(select, (ticker,)).fetchall()
    if when is None or not rows:
        return None
    frame = pd.DataFrame(rows, columns=["date", *FIELDS])
    frame["date"] = pd.to_datetime(frame["date"], format="%Y-%m-%d")
    return frame, datetime.fromisoformat(when[0])


def _age(then: datetime) -> str:
    """'3 days ago', with the date."""
    hours = max((datetime.now(UTC) - then).total_seconds() / 3600, 0)
    count, unit = (int(hours // 24), "day") if hours >= 24 else (int(hours), "hour")
    if count == 0:
        return "less than an hour ago"
    return f"{count} {unit}{'' if count == 1 else 's'} ago, on {then.date()}"


# ---- the embedded quotes


def shipped_data() -> Path:
    """Where the data that ships with seqlab is: in the wheel, or in the repository of a checkout."""
    package = Path(seqlab.__file__).parent
    inside = package / "_shipped" / "data"
    return inside if inside.is_dir() else package.parent / "data"


def snapshot_tickers() -> list[str]:
    """The tickers of the embedded quotes; none where that file is missing."""
    path = shipped_data() / "quotes" / "close.csv"
    if not path.exists():
        return []
    with path.open(encoding="utf-8") as file:
        return file.readline().strip().split(",")[1:]


def _read_snapshot(ticker: str, notes: list[str]) -> Series:
    folder = shipped_data() / "quotes"
    closes = pd.read_csv(folder / "close.csv", usecols=["date", ticker]).dropna()
    ranges = pd.read_csv(folder / "ranges.csv")
    frame = closes.merge(ranges[ranges["ticker"] == ticker], on="date", how="left")
    frame["close"] = frame["adj_close"] = frame[ticker]
    for field in ("open", "high", "low"):  # stored as ratios to the day's close
        frame[field] *= frame["close"]
    frame["date"] = pd.to_datetime(frame["date"], format="%Y-%m-%d")
    last = frame["date"].iloc[-1].date()
    years = (date.today() - last).days / 365.25
    origin = f"the quotes embedded in seqlab, which end on {last}, {years:.1f} years ago"
    notes = [*notes, f"ends on {last}"]
    known = frame.loc[frame["high"].notna(), "date"]
    if not len(known):
        notes.append("closes only: open, high, low and volume are not known")
    elif known.iloc[-1].date() < last:
        first, end = known.iloc[0].date(), known.iloc[-1].date()
        notes.append(f"open, high, low and volume are known from {first} to {end} only")
    return _series(ticker, "snapshot", origin, frame, notes)
