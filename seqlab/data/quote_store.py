"""What was fetched of quotes before: one SQLite file in the cache folder, safe for concurrent runs."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd

from seqlab.data.cache import cache_folder
from seqlab.data.series import FIELDS
from seqlab.errors import DataError


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
        Stored(ticker, count, first, last, datetime.fromisoformat(when)) for ticker, count, first, last, when in rows
    ]


@contextmanager
def _database() -> Iterator[sqlite3.Connection]:
    """The store, made where it is missing. Many processes may have it open: a writer waits for the other."""
    path = store_path()
    path.parent.mkdir(parents=True, exist_ok=True)
    database = sqlite3.connect(path, timeout=30, isolation_level=None)
    try:
        database.execute("PRAGMA synchronous = NORMAL")  # with WAL a power cut may lose the last fetch, no more
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


def store(ticker: str, frame: pd.DataFrame) -> None:
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


def read_stored(ticker: str) -> tuple[pd.DataFrame, datetime] | None:
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


def age(then: datetime) -> str:
    """'3 days ago', with the date."""
    hours = max((datetime.now(UTC) - then).total_seconds() / 3600, 0)
    count, unit = (int(hours // 24), "day") if hours >= 24 else (int(hours), "hour")
    if count == 0:
        return "less than an hour ago"
    return f"{count} {unit}{'' if count == 1 else 's'} ago, on {then.date()}"
