"""What was fetched of quotes before: one SQLite file in the cache folder, safe for concurrent runs."""

import hashlib
import json
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pandas as pd

from seqlab.data.fetch.cache import cache_folder, is_there
from seqlab.data.series.quote_update import joined
from seqlab.data.series.series import FIELDS
from seqlab.errors import DataError

VERSION = 3  # of the tables
T = TypeVar("T")


class Damaged(sqlite3.DatabaseError):
    """The rows of a ticker are not those that were written."""


@dataclass(frozen=True)
class Stored:
    """One ticker of the store: its days and when they were fetched."""

    ticker: str
    rows: int
    first: str
    last: str
    fetched_at: datetime


@dataclass(frozen=True)
class StoredQuotes:
    """A ticker's rows, columns `date` and FIELDS, when they were asked for, and Yahoo's code of the exchange."""

    frame: pd.DataFrame
    fetched_at: datetime
    exchange: str


def store_path() -> Path:
    """The SQLite file of the quotes fetched so far. It need not exist."""
    return cache_folder() / "quotes.sqlite"


def stored_tickers() -> list[Stored]:
    """What the store holds, in order of ticker. Raises DataError if it cannot be read."""
    if not is_there(store_path()):
        return []
    query = (
        "SELECT ticker, count(*), min(date), max(date), fetched_at FROM quotes JOIN fetched USING (ticker) "
        "GROUP BY ticker ORDER BY ticker"
    )
    try:
        rows = _asked(lambda database: database.execute(query).fetchall())
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
        if _version(database) < VERSION:
            database.execute("BEGIN IMMEDIATE")
            if _version(database) < 1:  # another process may have been faster
                database.execute(
                    "CREATE TABLE quotes (ticker TEXT, date TEXT, open REAL, high REAL, low REAL,"
                    " close REAL, adj_close REAL, volume REAL, PRIMARY KEY (ticker, date)) WITHOUT ROWID"
                )
                database.execute("CREATE TABLE fetched (ticker TEXT PRIMARY KEY, fetched_at TEXT)")
            if _version(database) < 2:
                database.execute("ALTER TABLE fetched ADD COLUMN exchange TEXT NOT NULL DEFAULT ''")
            if _version(database) < 3:
                database.execute("ALTER TABLE fetched ADD COLUMN digest TEXT NOT NULL DEFAULT ''")
            database.execute(f"PRAGMA user_version = {VERSION}")
            database.execute("COMMIT")
        with suppress(sqlite3.OperationalError):  # the one step that does not wait for others: the next to open it may
            database.execute("PRAGMA journal_mode = WAL")
        yield database
    finally:
        database.close()


def _asked(question: Callable[[sqlite3.Connection], T]) -> T:
    """The answer of the store; also where SQLite can write nothing beside it: a folder of others', a full disk."""
    try:
        with _database() as database:
            database.execute("BEGIN")  # all tables as of the same moment
            return question(database)
    except sqlite3.OperationalError:
        path = store_path().absolute()
        log = path.with_name(path.name + "-wal")
        mode = "mode=ro" if log.exists() and log.stat().st_size else "immutable=1"
        with closing(sqlite3.connect(f"{path.as_uri()}?{mode}", uri=True)) as database:
            return question(database)


def _version(database: sqlite3.Connection) -> int:
    return database.execute("PRAGMA user_version").fetchone()[0]


def store(
    ticker: str, frame: pd.DataFrame, *, exchange: str = "", asked_at: datetime | None = None
) -> tuple[pd.DataFrame, int]:
    """Join an answer with a ticker's rows, all in one transaction; the result and how many rows only the store had.

    asked_at: when the answer was asked for, now where it is not said. What another process stored of a later answer
    in the meantime is the newer one.
    """
    when = asked_at or datetime.now(UTC)
    with _database() as database:
        database.execute("BEGIN IMMEDIATE")
        try:
            before = _read(database, ticker)
        except Damaged:
            before = None  # what is written now takes its place
        kept = 0
        if before is None:
            whole, _ = joined(frame.iloc[:0], frame)
        elif before.fetched_at > when:
            whole, _ = joined(frame, before.frame)
            when, exchange = before.fetched_at, before.exchange
        else:
            whole, kept = joined(before.frame, frame)
            exchange = exchange or before.exchange
        days = whole["date"].dt.strftime("%Y-%m-%d")
        table = [
            (ticker, day, *(None if np.isnan(value) else value + 0.0 for value in values))  # SQLite has no -0.0
            for day, values in zip(days, whole[list(FIELDS)].to_numpy(np.float64).tolist(), strict=True)
        ]
        database.execute("DELETE FROM quotes WHERE ticker = ?", (ticker,))
        database.executemany("INSERT INTO quotes VALUES (?, ?, ?, ?, ?, ?, ?, ?)", table)
        about = ticker, when.isoformat(), exchange
        database.execute("INSERT OR REPLACE INTO fetched VALUES (?, ?, ?, ?)", (*about, _digest(about, table)))
        database.execute("COMMIT")
    return whole, kept


def read_stored(ticker: str) -> StoredQuotes | None:
    """A ticker's stored rows; None where there are none. Raises sqlite3.Error, OSError or ValueError for a damaged
    store, and Damaged for rows that are not as they were written: SQLite itself has no checksums."""
    if not store_path().exists():
        return None
    return _asked(lambda database: _read(database, ticker))


def _read(database: sqlite3.Connection, ticker: str) -> StoredQuotes | None:
    fetched = database.execute("SELECT * FROM fetched WHERE ticker = ?", (ticker,)).fetchone()
    select = f"SELECT ticker, date, {', '.join(FIELDS)} FROM quotes WHERE ticker = ? ORDER BY date"
    table = database.execute(select, (ticker,)).fetchall()
    if fetched is None or not table:
        return None
    fetched_at, exchange, digest = (*fetched[1:], "", "")[:3]  # an old store that cannot be written lacks the last two
    if digest and digest != _digest((ticker, fetched_at, exchange), table):
        raise Damaged(f"the rows of {ticker} are not as they were written")
    rows = [values for _, *values in table]
    frame = pd.DataFrame(rows, columns=["date", *FIELDS])
    frame["date"] = pd.to_datetime(frame["date"], format="%Y-%m-%d")
    frame[list(FIELDS)] = frame[list(FIELDS)].astype(np.float64)  # a column that is NULL throughout too
    return StoredQuotes(frame, datetime.fromisoformat(fetched_at), exchange)


def _digest(about: tuple[str, ...], table: list[tuple[Any, ...]]) -> str:
    return hashlib.sha256(json.dumps([about, table], default=repr).encode()).hexdigest()


def age(then: datetime) -> str:
    """'3 days ago', with the date."""
    hours = max((datetime.now(UTC) - then).total_seconds() / 3600, 0)
    count, unit = (int(hours // 24), "day") if hours >= 24 else (int(hours), "hour")
    if count == 0:
        return "less than an hour ago"
    return f"{count} {unit}{'' if count == 1 else 's'} ago, on {then.date()}"
