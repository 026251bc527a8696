"""Daily prices from Yahoo Finance, through yfinance: one paced queue of questions."""

import json
import logging
import random
import threading
import time
import warnings
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import pandas as pd

from seqlab.data.cache import cache_folder
from seqlab.data.series import FIELDS, field_name

PACE = 0.25  # seconds between two questions, half of it to one and a half: what a person with a browser may ask
PAUSE = 1.0  # seconds before the second try; twice as long before each further one, up to eight
SHORTEST_TRY = 5.0  # seconds: a try gets a third of the time there is, but no less than this
NO_CONNECTION = {5, 6, 7, 60}  # curl's codes: a name that does not resolve, nobody listens, a wrong certificate


class NoAnswer(Exception):
    """Yahoo Finance gave no quotes; the message is a sentence.

    passing: it may be better in a moment. down: no other ticker will do better.
    """

    def __init__(self, message: str, *, passing: bool = False, down: bool = False) -> None:
        super().__init__(message)
        self.message, self.passing, self.down = message, passing, down


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
    together, until one comes.
    """

    def __init__(self) -> None:
        self._lost = 0.0
        self._given_up: NoAnswer | None = None
        self._next = 0.0

    def ask(self, ticker: str, seconds: float, since: date | None = None) -> Answer:
        """The daily rows of a ticker, from the day `since` on or all. Raises NoAnswer, after `seconds` at most.

        Tries again after 429, timeouts and broken connections, with random pauses that grow.
        """
        if self._given_up is not None and (self._given_up.down or self._lost >= seconds):
            raise NoAnswer(f"{self._given_up.message}: not asked again")
        start, tries = time.monotonic(), 0
        deadline = start + seconds - self._lost
        while True:
            time.sleep(max(self._next - time.monotonic(), 0.0))
            self._next = time.monotonic() + PACE * random.uniform(0.5, 1.5)
            tries += 1
            longest = min(max(seconds / 3, SHORTEST_TRY), max(deadline - time.monotonic(), 0.1))
            try:
                answer = _try(ticker, longest, since)
            except NoAnswer as problem:
                pause = PAUSE * min(2 ** (tries - 1), 8) * random.uniform(0.5, 1.5)
                enough = min(1.0, seconds / 4)  # for another try to say more than that it was cut off
                if problem.passing and time.monotonic() + pause + enough < deadline:
                    time.sleep(pause)
                    continue
                taken = time.monotonic() - start
                if tries > 1:
                    problem.message += f" ({tries} tries in {taken:.0f} s)"
                if problem.passing:  # the pause that no longer fits is lost too
                    self._lost += max(taken, deadline - start)
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
        raise _no_answer(ticker, failures[0], seconds) from failures[0]
    if not answers:
        raise NoAnswer(f"Yahoo Finance did not answer within {seconds:.0f} s", passing=True)
    return answers[0]


def _history(ticker: str, seconds: float, since: date | None) -> Answer:
    import yfinance  # here, since it takes half a second

    logging.getLogger("yfinance").setLevel(logging.CRITICAL)  # what it logs, it also raises
    warnings.filterwarnings("ignore", module="yfinance")  # deprecations inside it are not the user's business
    yfinance.config.debug.hide_exceptions = False
    folder = cache_folder() / "yfinance"
    folder.mkdir(parents=True, exist_ok=True)
    yfinance.set_tz_cache_location(str(folder))
    client = yfinance.Ticker(ticker)
    span: dict[str, Any] = {"period": "max"} if since is None else {"start": since.isoformat()}
    history = client.history(**span, auto_adjust=False, actions=False, timeout=seconds)
    if history.empty:
        raise NoAnswer(f"Yahoo Finance has no prices of {ticker}")
    frame = history.rename(columns=field_name)[list(FIELDS)].astype(np.float64)
    here = history.index.tz
    frame.insert(0, "date", history.index.tz_localize(None).normalize().to_numpy())
    frame = frame.reset_index(drop=True)
    exchange = str(client.history_metadata.get("exchangeName") or "")
    now = pd.Timestamp.now(here)
    closes = _end_of_trading(client, now)
    if frame["date"].iloc[-1] == now.tz_localize(None).normalize() and now < closes:
        return Answer(frame.iloc[:-1], exchange, (f"today's unfinished bar ({now.date()}) dropped",))
    return Answer(frame, exchange)


def _end_of_trading(client: Any, now: pd.Timestamp) -> pd.Timestamp:
    """When today's trading ends, on the exchange's clock; the end of the day where that is not known."""
    try:
        end = pd.Timestamp(client.history_metadata["currentTradingPeriod"]["regular"]["end"])
        if end.tz_convert(now.tz).date() == now.date():
            return end
    except (KeyError, TypeError, ValueError):
        pass
    return now.normalize() + pd.Timedelta(days=1)


def _no_answer(ticker: str, problem: Exception, seconds: float) -> NoAnswer:
    """What went wrong at Yahoo Finance, as a sentence."""
    from yfinance.exceptions import YFRateLimitError, YFTickerMissingError

    status = getattr(getattr(problem, "response", None), "status_code", None)
    if isinstance(problem, NoAnswer):
        return problem
    if isinstance(problem, YFRateLimitError) or status == 429:
        return NoAnswer("Yahoo Finance answers that there were too many requests (429)", passing=True)
    if isinstance(problem, YFTickerMissingError) or status == 404:
        return NoAnswer(f"Yahoo Finance has no prices of {ticker}")
    if isinstance(problem, json.JSONDecodeError):
        return NoAnswer("Yahoo Finance answers with a page that is no quotes")
    said = (str(problem).strip().splitlines() or [""])[0].partition(". See http")[0][:200]
    said = said or type(problem).__name__
    if isinstance(problem, OSError):  # as the errors of its HTTP client are
        code = getattr(problem, "code", None)
        if code == 28:
            return NoAnswer(f"Yahoo Finance did not answer within {seconds:.0f} s", passing=True)
        down = code in NO_CONNECTION or "tunnel failed" in said
        return NoAnswer(f"Yahoo Finance could not be reached ({said})", passing=not down, down=down)
    return NoAnswer(f"Yahoo Finance's answer holds no quotes ({said})")
