"""Daily prices by name: from Yahoo Finance, what was fetched before, the embedded quotes, or a CSV.

A ticker is looked for in that order, and the Series says which of them it came from, how old it is and what was
repaired. Raw `Close` carries splits in many sources, so returns are those of `adjusted`.
"""

import difflib
import re
import sqlite3
import sys
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path

import pandas as pd

import seqlab
from seqlab.data.cache import is_offline
from seqlab.data.price_csv import read_csv
from seqlab.data.quote_store import age, read_stored, store
from seqlab.data.series import Series, series_of
from seqlab.data.yahoo import NoAnswer, ask_yahoo
from seqlab.errors import DataError, did_you_mean

SECONDS_WITH_FALLBACK = 15.0  # that Yahoo Finance gets where other quotes are at hand
SECONDS_WITHOUT = 60.0  # and where there are none
TICKER = re.compile(r"[A-Za-z0-9^][A-Za-z0-9.^=&_-]{0,19}")


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
        stored = read_stored(ticker)
    except (sqlite3.Error, OSError, ValueError) as problem:
        notes.append(f"the quotes stored before cannot be read: {problem}")
    if not offline:
        at_hand = stored is not None or ticker in embedded
        try:
            frame, said = ask_yahoo(ticker, SECONDS_WITH_FALLBACK if at_hand else SECONDS_WITHOUT)
            series = series_of(ticker, "yahoo", "Yahoo Finance, fetched now", frame, [*notes, *said])
        except (NoAnswer, DataError) as problem:
            notes.append(problem.message if isinstance(problem, DataError) else str(problem))
        else:
            try:
                store(ticker, frame)
            except (sqlite3.Error, OSError) as problem:
                series = replace(series, notes=(*series.notes, f"the quotes could not be stored: {problem}"))
            return series
    if stored is not None:
        frame, fetched_at = stored
        origin = f"Yahoo Finance, fetched {age(fetched_at)}"
        return series_of(ticker, "store", origin, frame, notes)
    if ticker in embedded:
        return snapshot(ticker, notes)
    tried = "; ".join(notes) or "none were stored before, and offline none can be fetched"
    close = difflib.get_close_matches(ticker, embedded, n=1, cutoff=0.6)
    raise DataError(
        f"there are no quotes of '{ticker}': {tried}",
        did_you_mean(ticker, embedded) if close else f"name a CSV file, or one of {', '.join(embedded)}",
    )


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
    origin = f"the quotes embedded in seqlab, which end on {last}, {years:.1f} years ago"
    notes = [*notes, f"ends on {last}"]
    known = frame.loc[frame["high"].notna(), "date"]
    if not len(known):
        notes.append("closes only: open, high, low and volume are not known")
    elif known.iloc[-1].date() < last:
        first, end = known.iloc[0].date(), known.iloc[-1].date()
        notes.append(f"open, high, low and volume are known from {first} to {end} only")
    return series_of(ticker, "snapshot", origin, frame, notes)
