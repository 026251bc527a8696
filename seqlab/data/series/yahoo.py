"""Daily prices from Yahoo Finance, through yfinance: one paced queue of questions."""

import functools
import json
import logging
import random
import sqlite3
import threading
import time
import warnings
from contextlib import closing
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from seqlab.data.fetch.cache import cache_folder
from seqlab.data.series.series import FIELDS, field_name

if TYPE_CHECKING:
    from seqlab.data.series.yahoo_session import ChartSession

PACE = 0.25  # seconds between two questions, half of it to one and a half: what a person with a browser may ask
PAUSE = 1.0  # seconds before the second try; twice as long before each further one
MOST_TRIES = 4  # for one ticker: more would be asking too often
SHORTEST_TRY = 5.0  # seconds: a try gets a third of the time there is, but no less than this
LATE = pd.Timedelta(30, "min")  # Yahoo's quotes come up to twenty minutes late: until then a close is not the last
NO_CONNECTION = {5, 6, 7, 60, 77}  # curl's codes: a name that does not resolve, nobody listens, a wrong certificate


class NoAnswer(Exception):
    """Yahoo Finance gave no quotes; the message is a sentence.

    passing: it may be better in a moment. down: no other ticker will do better. alone: another one may well.
    """

    def __init__(self, message: str, *, passing: bool = False, down: bool = False, alone: bool = False) -> None:
        super().__init__(message)
        self.message, self.passing, self.down, self.alone = message, passing, down, alone


@dataclass(frozen=True)
class Answer:
    """What Yahoo Finance said of a ticker.

    frame: columns `date` and FIELDS, one row per finished day. exchange: its code there, like NMS or GER; empty where
    it is not said. notes: what was left out.
    """

    frame: pd.DataFrame
    exchange: str
    notes: tuple[str, ...] = ()


class Yahoo:
    """Asks for one ticker after the other, and remembers for the next what went wrong with the last.

    A connection that is not there is found out once. Time lost on answers that did not come is lost for all tickers
    together, until one comes. Where the fault may be one ticker's, the others are then asked for once each.
    """

    def __init__(self) -> None:
        self._lost = 0.0
        self._given_up: NoAnswer | None = None
        self._next = 0.0

    def ask(self, ticker: str, seconds: float, since: date | None = None) -> Answer:
        """The daily rows of a ticker, from the day `since` on or all. Raises NoAnswer, after `seconds` at most.

        Tries again after 429, errors of the server, timeouts and broken connections, with random pauses that grow.
        """
        enough = min(1.0, seconds / 4)  # for another try to say more than that it was cut off
        once = self._given_up is not None and self._lost > seconds - enough
        if self._given_up is not None and (self._given_up.down or (once and not self._given_up.alone)):
            raise NoAnswer(f"{self._given_up.message}: not asked again")
        start, tries = time.monotonic(), 0
        deadline = start + seconds - self._lost
        while True:
            time.sleep(max(self._next - time.monotonic(), 0.0))
            self._next = time.monotonic() + PACE * random.uniform(0.5, 1.5)
            tries += 1
            longest = max(seconds / 3, SHORTEST_TRY)
            if not once:
                longest = min(longest, max(deadline - time.monotonic(), 0.1))
            try:
                answer = _try(ticker, longest, since)
            except NoAnswer as problem:
                pause = PAUSE * 2 ** (tries - 1) * random.uniform(0.5, 1.5)
                may = problem.passing and not once and tries < MOST_TRIES
                if may and time.monotonic() + pause + enough < deadline:
                    time.sleep(pause)
                    continue
                taken = time.monotonic() - start
                if problem.passing:
                    problem.message += f" ({tries} {'try' if tries == 1 else 'tries'} in {taken:.0f} s)"
                    self._lost = max(self._lost + taken, seconds)  # the pause that no longer fits is lost too
                if problem.passing or problem.down:
                    self._given_up = problem
                raise
            self._lost, self._given_up = 0.0, None
            return answer


def _try(ticker: str, seconds: float, since: date | None) -> Answer:
    """One question. In a thread of its own, since no timeout of the client's covers its whole work."""
    answers: list[Answer] = []
    failures: list[Exception] = []

    def ask() -> None:
        try:
            answers.append(_history(ticker, seconds, since))
        except Exception as problem:
            failures.append(problem)

    asking = threading.Thread(target=ask, daemon=True)
    asking.start()
    asking.join(seconds)
    if failures:
        raise _no_answer(ticker, failures[0]) from failures[0]
    if not answers:
        raise NoAnswer("Yahoo Finance did not answer", passing=True)
    return answers[0]


def _history(ticker: str, seconds: float, since: date | None) -> Answer:
    import yfinance  # here, since it takes half a second

    logging.getLogger("yfinance").setLevel(logging.CRITICAL)  # what it logs, it also raises
    warnings.filterwarnings("ignore", module="yfinance")  # deprecations inside it are not the user's business
    yfinance.config.debug.hide_exceptions = False
    yfinance.set_tz_cache_location(str(_client_folder()))
    session = _session()
    session.seconds = seconds
    client = yfinance.Ticker(ticker, session=session)
    span: dict[str, Any] = {"period": "max"} if since is None else {"start": since.isoformat()}
    # keepna: a bar of nothing is told by us
    history = client.history(**span, auto_adjust=False, actions=False, keepna=True, timeout=seconds)
    if history.empty:
        raise NoAnswer(f"Yahoo Finance has no prices of {ticker}")
    frame = history.rename(columns=field_name)[list(FIELDS)].astype(np.float64)
    here = history.index.tz
    frame.insert(0, "date", history.index.tz_localize(None).normalize().to_numpy())
    frame = frame.reset_index(drop=True)
    exchange = str(client.history_metadata.get("exchangeName") or "")
    now = pd.Timestamp.now(here)
    notes = _disorder(session.stamps(), now)
    today = now.tz_localize(None).normalize()
    if frame["date"].iloc[-1] == today and now < _end_of_trading(client, now):
        return Answer(frame.iloc[:-1], exchange, (*notes, f"today's unfinished bar ({now.date()}) dropped"))
    return Answer(frame, exchange, notes)


@functools.cache
def _client_folder() -> Path:
    """Where yfinance keeps cookies and time zones; a file where it cannot, and then it does without.

    It would take a full disk, or a database of its that is damaged, for an answer without quotes.
    """
    folder = cache_folder() / "yfinance"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name in ("tkr-tz.db", "cookies.db"):
            with closing(sqlite3.connect(folder / name, timeout=1)) as database:
                database.execute("PRAGMA user_version = 1")  # a page that is written, whether it changes or not
    except (OSError, sqlite3.Error):
        return Path(__file__)
    return folder


@functools.cache
def _session() -> "ChartSession":
    """One for the whole process, as yfinance's crumb belongs to its cookies."""
    from seqlab.data.series.yahoo_session import ChartSession

    return ChartSession()


def _disorder(stamps: list[int], now: pd.Timestamp) -> tuple[str, ...]:
    """What yfinance mended without a word: bars in the wrong order, and days that come again before today."""
    days = pd.to_datetime(stamps, unit="s", utc=True).tz_convert(now.tz).normalize()
    notes = [] if days.is_monotonic_increasing else ["the dates were not in order: sorted"]
    again = int(days[days < now.normalize()].duplicated().sum())
    if again:
        notes.append(f"{again:,} {'row' if again == 1 else 'rows'} of a date that comes again dropped")
    return tuple(notes)


def _end_of_trading(client: Any, now: pd.Timestamp) -> pd.Timestamp:
    """When today's last price is here, on the exchange's clock; the end of the day where that is not known."""
    tomorrow = now.normalize() + pd.DateOffset(days=1)
    try:
        end = pd.Timestamp(client.history_metadata["currentTradingPeriod"]["regular"]["end"])
        if end.tz_convert(now.tz).date() == now.date():
            return min(end + LATE, tomorrow)
    except (KeyError, TypeError, ValueError):
        pass
    return tomorrow


def _no_answer(ticker: str, problem: Exception) -> NoAnswer:
    """What went wrong at Yahoo Finance, as a sentence."""
    if isinstance(problem, NoAnswer):
        return problem
    said = (str(problem).strip().splitlines() or [""])[0].partition(". See http")[0][:200]
    said = said.removeprefix("Failed to perform, ") or type(problem).__name__
    if isinstance(problem, ImportError):
        return NoAnswer(f"yfinance cannot be used ({said})", down=True)
    from yfinance.exceptions import YFRateLimitError, YFTickerMissingError

    status = getattr(getattr(problem, "response", None), "status_code", 0)
    if isinstance(problem, YFRateLimitError) or status == 429:
        return NoAnswer("Yahoo Finance answers that there were too many requests (429)", passing=True)
    if isinstance(problem, YFTickerMissingError) or status == 404:
        return NoAnswer(f"Yahoo Finance has no prices of {ticker}")
    if status >= 500:
        return NoAnswer(f"Yahoo Finance answers with an error of its own ({status})", passing=True, alone=True)
    if status >= 400:
        return NoAnswer(f"Yahoo Finance refuses to answer ({status})")
    if isinstance(problem, json.JSONDecodeError):
        return NoAnswer("Yahoo Finance answers with a page that is no quotes", passing=True, alone=True)
    if type(problem).__module__ == "peewee":  # its database, when many start at once
        return NoAnswer(f"yfinance's own cache cannot be used ({said})", passing=True)
    if isinstance(problem, OSError):  # as the errors of its HTTP client are
        code = getattr(problem, "code", None)
        if code == 28:
            return NoAnswer("Yahoo Finance did not answer", passing=True)
        if code in NO_CONNECTION or "tunnel failed" in said:
            return NoAnswer(f"Yahoo Finance could not be reached ({said})", down=True)
        return NoAnswer(f"the connection to Yahoo Finance broke ({said})", passing=True)
    return NoAnswer(f"Yahoo Finance's answer holds no quotes ({type(problem).__name__}: {said})")
