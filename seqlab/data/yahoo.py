"""Daily prices from Yahoo Finance, through yfinance."""

import json
import logging
import threading
import warnings
from typing import Any

import numpy as np
import pandas as pd

from seqlab.data.cache import cache_folder
from seqlab.data.series import FIELDS, field_name


class NoAnswer(Exception):
    """Yahoo Finance gave no quotes; the message is a sentence."""


def ask_yahoo(ticker: str, seconds: float) -> tuple[pd.DataFrame, list[str]]:
    """All daily rows of a ticker with columns `date` and FIELDS, and what was left out. Raises NoAnswer.

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
        raise NoAnswer(_reason(ticker, failure[0])) from failure[0]
    if not answer:
        raise NoAnswer(f"Yahoo Finance did not answer within {seconds:.0f} s")
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
        raise NoAnswer(f"Yahoo Finance has no prices of {ticker}")
    frame = history.rename(columns=field_name)[list(FIELDS)].astype(np.float64)
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
    if isinstance(problem, NoAnswer):
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
