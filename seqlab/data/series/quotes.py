"""Series by name: daily prices from Yahoo Finance, what was fetched before, the embedded quotes, or a CSV.

A ticker is looked for in that order, and the Series says which of them it came from, how old it is and what was
repaired. Raw `Close` carries splits in many sources, so returns are those of `adjusted`.
"""

import difflib
import re
import sqlite3
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import numpy as np
import pandas as pd

from seqlab import files
from seqlab.data.fetch.cache import is_offline
from seqlab.data.series.covariates import CovariateNames, Covariates
from seqlab.data.series.files import read_csv
from seqlab.data.series.kinds import Kind
from seqlab.data.series.long_table import Long
from seqlab.data.series.quote_store import StoredQuotes, age, read_stored, store, store_path
from seqlab.data.series.quote_update import OVERLAP, agrees, in_order, joined
from seqlab.data.series.repairs import noted, series_of
from seqlab.data.series.series import Series
from seqlab.data.series.yahoo import NoAnswer, Yahoo
from seqlab.data.tables.unpack import is_file_name, stem_of
from seqlab.errors import DataError, UsageError, did_you_mean

SECONDS_WITH_FALLBACK = 15.0  # that Yahoo Finance gets where other quotes are at hand
SECONDS_WITHOUT = 60.0  # and where there are none
TICKER = re.compile(r"[A-Za-z0-9^][A-Za-z0-9.^=&_-]{0,19}")


def load_series(
    name: str, *, column: str | None = None, kind: Kind = "auto", freq: str | None = None, offline: bool = False
) -> Series:
    """The daily prices of a ticker, or the series of a CSV file, or of the CSV on standard input (`-`).

    A ticker comes from Yahoo Finance, else from what was fetched of it before, else from the embedded quotes.
    column: the column of a file to take, and kind: what it holds, see `read_csv`; files only. offline: open no socket
    (so does SEQLAB_OFFLINE). Raises DataError, naming file, column or ticker, where there is nothing usable.
    """
    return next(load_many([name], columns=() if column is None else [column], kind=kind, freq=freq, offline=offline))


def load_many(
    names: Sequence[str],
    *,
    columns: Sequence[str] = (),
    kind: Kind = "auto",
    freq: str | None = None,
    as_of: np.datetime64 | None = None,
    long: Long = Long(),
    covariates: CovariateNames = CovariateNames(),
    offline: bool = False,
) -> Iterator[Series]:
    """The Series of several tickers and files, in the order of `names`, as load_series gives them.

    Of each file all `columns` are taken, in their order; of several columns and files the file's name comes first in
    a series' name. Files are read first, so that nothing is fetched before a name that is wrong. All tickers are asked
    for in one paced queue: without a connection it is tried once, not once a ticker. as_of: the day or the time up to
    which they are read; the prices of tickers are adjusted for splits and dividends that came later, which scales them
    and changes none of their returns. long: the columns of long tables, see `long_table`. covariates: columns of files
    that stand beside their series, see `covariate_columns`, and a country's holidays.
    """
    files = {
        name: read_csv(
            sys.stdin.buffer if name == "-" else Path(name), _stem(name), columns, kind, freq, as_of, long, covariates
        )
        for name in names
        if name == "-" or is_file_name(name)
    }
    for name in names:
        if name not in files and not TICKER.fullmatch(name):
            raise DataError(f"'{name}' is neither a ticker nor a file", "name a ticker like AAPL, or a CSV file")
        if name not in files and covariates.columns:
            raise UsageError(
                f"{name} is a ticker: it has no column '{covariates.columns[0]}'", "name covariates of files alone"
            )
    yahoo = None if offline or is_offline() else Yahoo()
    for name in names:
        if name in files:
            several = len(files) > 1 and len(files[name]) > 1
            yield from (replace(one, name=f"{_stem(name)}.{one.name}") if several else one for one in files[name])
            continue
        series = _load_ticker(name.upper(), yahoo)
        series = series if as_of is None else series.until(as_of)
        if covariates.holidays is not None:
            series = replace(series, covariates=Covariates(country=covariates.holidays))
        options = [f"--column {column}" for column in columns] + ([] if kind == "auto" else [f"--kind {kind}"])
        options += [] if freq is None else [f"--freq {freq}"]
        options += [" ".join(one) for one in long.options()]
        if options:
            verb = "is" if len(options) == 1 else "are"
            said = f"{', '.join(options)} {verb} for files: the adjusted close was taken"
            series = replace(series, notes=(*series.notes, said))
        yield series


def _stem(name: str) -> str:
    return "stdin" if name == "-" else stem_of(Path(name))


def _load_ticker(ticker: str, yahoo: Yahoo | None) -> Series:
    """yahoo: the queue to ask in; None where no socket may be opened."""
    embedded = snapshot_tickers()
    notes: list[str] = []
    stored: StoredQuotes | None = None
    try:
        stored = read_stored(ticker)
    except (sqlite3.Error, OSError, ValueError) as problem:
        notes.append(f"the quotes stored before cannot be read: {_fault_of_store(problem)}")
    if yahoo is not None:
        at_hand = stored is not None or ticker in embedded
        try:
            return _fetch(ticker, stored, yahoo, SECONDS_WITH_FALLBACK if at_hand else SECONDS_WITHOUT, notes)
        except (NoAnswer, DataError) as problem:
            notes.append(problem.message)
    if stored is not None:
        origin = f"Yahoo Finance, fetched {age(stored.fetched_at)}"
        return noted(series_of(ticker, "store", origin, stored.frame, notes, exchange=stored.exchange))
    if ticker in embedded:
        return snapshot(ticker, notes)
    tried = "; ".join(notes) or "none were stored before, and offline none can be fetched"
    close = difflib.get_close_matches(ticker, embedded, n=1, cutoff=0.6)
    raise DataError(
        f"there are no quotes of '{ticker}': {tried}",
        did_you_mean(ticker, embedded) if close else f"name a CSV file, or one of {', '.join(embedded)}",
    )


def _fetch(ticker: str, stored: StoredQuotes | None, yahoo: Yahoo, seconds: float, notes: list[str]) -> Series:
    """The Series as of now: of what is new where the stored past has not changed, else of everything; stored again.

    seconds: how long to try. notes: what is to be said, added to. Raises NoAnswer, DataError.
    """
    asked_at, start = datetime.now(UTC), time.monotonic()
    answer = None
    if stored is not None and len(stored.frame) > OVERLAP:
        answer = yahoo.ask(ticker, seconds, stored.frame["date"].iloc[-OVERLAP].date())
        if not agrees(stored.frame, answer.frame):
            answer = None
            notes.append("the stored past has changed (a split, a dividend or a correction): all is asked for again")
    partial = answer is not None
    if answer is None:
        answer = yahoo.ask(ticker, seconds - (time.monotonic() - start))
    ordered, repairs = in_order(answer.frame)
    said = [*notes, *answer.notes, *repairs]
    series_of(ticker, "yahoo", "", ordered, [])  # what is unusable is not stored
    try:
        frame, kept = store(ticker, ordered, exchange=answer.exchange, asked_at=asked_at)
    except (sqlite3.Error, OSError) as problem:
        before = ordered.iloc[:0] if stored is None else stored.frame
        frame, kept = joined(before, ordered)
        said.append(f"the quotes could not be stored: {_fault_of_store(problem)}")
    if kept and not partial:
        first = ordered["date"].iloc[0].date()
        said.append(
            f"Yahoo Finance's answer ({len(ordered):,} days from {first} on) lacks {kept:,} "
            f"{'day' if kept == 1 else 'days'} stored before: kept, on its scale"
        )
    exchange = answer.exchange or (stored.exchange if stored is not None else "")
    return noted(series_of(ticker, "yahoo", "Yahoo Finance, fetched now", frame, said, exchange=exchange))


def _fault_of_store(problem: Exception) -> str:
    remedy = ": remove it, quotes can be fetched again" if type(problem) is sqlite3.DatabaseError else ""  # damaged
    return f"{getattr(problem, 'strerror', None) or problem} ({store_path()}{remedy})"


def shipped_data() -> Path:
    """Where the data that ships with seqlab is: in the wheel, or in the repository of a checkout."""
    return files.shipped("data")


def snapshot_tickers() -> list[str]:
    """The tickers of the embedded quotes; none where that file is missing."""
    path = shipped_data() / "quotes" / "close.csv"
    if not path.exists():
        return []
    with path.open(encoding="utf-8") as file:
        return file.readline().strip().split(",")[1:]


def snapshot(ticker: str, notes: Sequence[str] = ()) -> Series:
    """The embedded quotes of one of `snapshot_tickers()`. notes: what is to be said before their own."""
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
    origin = f"the quotes embedded in seqlab, adjusted closes that end on {last}, {years:.1f} years ago"
    notes = list(notes)
    known = frame.loc[frame["high"].notna(), "date"]
    if not len(known):
        notes.append("closes only: open, high, low and volume are not known")
    elif known.iloc[-1].date() < last:
        first, end = known.iloc[0].date(), known.iloc[-1].date()
        notes.append(f"open, high, low and volume are known from {first} to {end} only")
    return noted(series_of(ticker, "snapshot", origin, frame, notes, exchange="NYQ"))  # all are US stocks
