"""Promise 14: quotes with a fault are repaired, which is said by its name, or refused; through whole commands.

Faults are put into a random walk that is known: what is forecast has to begin at its last price, where that is whole.
"""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from seqlab.data.series import yahoo
from seqlab.data.series.series import FIELDS
from tests.conftest import Outcome
from tests.reliability.conftest import Tried

Cli = Callable[..., Outcome]
Fault = Callable[[pd.DataFrame, np.random.Generator], pd.DataFrame | None]
ROWS = 480


def walk(chance: np.random.Generator) -> pd.DataFrame:
    """Daily quotes as Yahoo Finance gives them, without a fault."""
    days = pd.bdate_range("2022-03-01", periods=ROWS).astype("datetime64[ns]")
    close = 80 * np.exp(np.cumsum(0.012 * chance.standard_normal(ROWS)))
    opened = close * np.exp(0.004 * chance.standard_normal(ROWS))
    spread = np.exp(0.01 * np.abs(chance.standard_normal((2, ROWS))))
    high, low = np.maximum(opened, close) * spread[0], np.minimum(opened, close) / spread[1]
    volume = chance.integers(10_000, 90_000, ROWS).astype(float)
    columns = dict(zip(FIELDS, (opened, high, low, close, close * 0.97, volume), strict=True))
    return pd.DataFrame({"date": days, **columns})


def put(columns: list[str], rows: slice | list[int], value: float) -> Fault:
    def fault(frame: pd.DataFrame, chance: np.random.Generator) -> None:
        frame.loc[frame.index[rows], columns] = value

    return fault


def scaled(columns: list[str], rows: slice, factor: float) -> Fault:
    def fault(frame: pd.DataFrame, chance: np.random.Generator) -> None:
        frame.loc[frame.index[rows], columns] *= factor

    return fault


def without(rows: slice) -> Fault:
    return lambda frame, chance: frame.drop(frame.index[rows])


def swapped(one: str, other: str) -> Fault:
    def fault(frame: pd.DataFrame, chance: np.random.Generator) -> None:
        rows = frame.index[100:110]
        frame.loc[rows, [one, other]] = frame.loc[rows, [other, one]].to_numpy()

    return fault


def moved(rows: slice, days: int) -> Fault:
    def fault(frame: pd.DataFrame, chance: np.random.Generator) -> None:
        frame.loc[frame.index[rows], "date"] += pd.Timedelta(days, "D")

    return fault


QUICK = ("--horizon=1", "--origins=1", "--json", "--threads=1")
PRICES = ["open", "high", "low", "close", "adj_close"]
CLOSES = ["close", "adj_close"]
MIDDLE, MANY = slice(150, 153), slice(40, 300, 7)

# what is wrong with the answer of Yahoo Finance, and what of it has to be said
FAULTS: dict[str, tuple[Fault, str]] = {
    "no close on three days": (put(CLOSES, MIDDLE, np.nan), "3 without a value"),
    "no close on many days": (put(CLOSES, MANY, np.nan), "38 without a value"),
    "no adjusted close": (put(["adj_close"], MIDDLE, np.nan), "3 without a value"),
    "no close at all": (put(CLOSES, slice(None), np.nan), "no usable price"),
    "an infinite close": (put(["close"], MIDDLE, np.inf), "3 without a value"),
    "an infinite adjusted close": (put(["adj_close"], MIDDLE, -np.inf), "3 without a value"),
    "a close of zero": (put(CLOSES, MIDDLE, 0.0), "3 with a price not above zero"),
    "a close of minus zero": (put(CLOSES, MIDDLE, -0.0), "3 with a price not above zero"),
    "a close below zero": (put(CLOSES, MIDDLE, -37.6), "3 with a price not above zero"),
    "an adjusted close below zero": (put(["adj_close"], slice(0, 20), -1.0), "20 with a price not above zero"),
    "all closes zero": (put(CLOSES, slice(None), 0.0), "no usable price"),
    "the last close missing": (put(CLOSES, slice(-1, None), np.nan), "1 without a value"),
    "high and low swapped": (swapped("high", "low"), "10 rows contradict the close"),
    "high and close swapped": (swapped("high", "close"), "rows contradict the close"),
    "a high below all": (put(["high"], MIDDLE, 0.01), "3 rows contradict the close"),
    "a low above all": (put(["low"], MIDDLE, 1e6), "3 rows contradict the close"),
    "an open far away": (put(["open"], MIDDLE, 1e9), "3 rows contradict the close"),
    "every day twice": (lambda frame, _: pd.concat([frame, frame]), "480 rows of a date that comes again"),
    "a day three times": (lambda f, _: pd.concat([f, f[90:91], f[90:91]]), "2 rows of a date that comes again"),
    "a day with two prices": (lambda f, _: pd.concat([f[:90], f[89:90], f[90:]]), "1 row of a date that comes again"),
    "the newest day first": (lambda frame, _: frame[::-1], "not in order"),
    "in any order": (lambda frame, chance: frame.iloc[chance.permutation(ROWS)], "not in order"),
    "no dates": (lambda frame, _: frame.assign(date=pd.NaT), "no usable price"),
    "some dates missing": (lambda f, _: f.assign(date=f["date"].mask(f.index % 50 == 7)), "10 rows without a date"),
    "a split of 100 for 1, unadjusted": (scaled(PRICES, slice(200, None), 0.01), "unadjusted split of 100 for 1"),
    "a split of 2 for 1, unadjusted": (scaled(PRICES, slice(200, None), 0.5), "unadjusted split of 2 for 1"),
    "a split of 1 for 10, unadjusted": (scaled(PRICES, slice(200, None), 10.0), "unadjusted split of 1 for 10"),
    "pence and pounds mixed": (scaled(PRICES, slice(200, 204), 100.0), "unadjusted split"),
    "a hole of half a year": (without(slice(100, 230)), "no rows from"),
    "several holes": (lambda f, _: f.drop(f.index[[*range(50, 70), *range(150, 180)]]), "2 gaps of more than 14 days"),
    "a hole of 40 years": (moved(slice(0, 150), -14_610), "no rows from"),
    "halted for a month": (lambda f, _: f.assign(adj_close=f["adj_close"].mask((f.index > 99) & (f.index < 122), 77.7)),
                           "the price is the same on 22 days"),
    "a volume below zero": (put(["volume"], MANY, -5.0), "the volume of 38 rows is below zero"),
    "ranges of zero": (put(["open", "high", "low"], MANY, 0.0), "of 38 rows is no price"),
    "nothing but closes": (put(["open", "high", "low", "volume"], slice(None), np.nan), ""),
    "two rows": (lambda frame, _: frame[:2], "has 2 days, too few"),
    "no rows": (lambda frame, _: frame[:0], "no usable price"),
    "an infinite high": (put(["high"], MIDDLE, np.inf), "of 3 rows is no price"),
    "one price of a millionth": (scaled(CLOSES, slice(300, 301), 1e-6), "by a factor of more than 200 in a day"),
    "one huge price": (put(CLOSES, MIDDLE, 1e300), "by a factor of more than 200 in a day 2 times"),
}  # fmt: skip


Text = Callable[[list[str]], list[str]]  # the lines of a file of dates and closes, and what becomes of them


def at(places: slice, change: Callable[[str, str], str]) -> Text:
    def fault(lines: list[str]) -> list[str]:
        lines[places] = [change(*line.split(",")) for line in lines[places]]
        return lines

    return fault


TEXTS: dict[str, tuple[Text, str]] = {
    "words for prices": (
        at(MIDDLE, lambda day, price: f"{day},closed"),
        "3 of 480 entries are no numbers: left out, as 'closed'",
    ),
    "marks for prices": (at(MIDDLE, lambda day, price: f"{day},n/a"), "taken as missing: 'n/a' (3 entries"),
    "nothing but words": (at(slice(1, None), lambda day, price: f"{day},closed"), "has no numbers: it holds 'closed'"),
    "a currency's sign": (at(MIDDLE, lambda day, price: f"{day},$ {price}"), "signs of currency are left out"),
    "zones mixed": (
        at(slice(1, None, 2), lambda day, price: f"{day}T23:30:00+09:00,{price}"),
        "480 rows to 2024-01-01; none left out",
    ),
    "zones of every kind": (
        at(MIDDLE, lambda day, price: f"{day}T00:00:00Z,{price}"),
        "480 rows to 2024-01-01; none left out",
    ),
    "a day that is none": (at(MIDDLE, lambda day, price: f"2022-02-31,{price}"), "3 without a date"),
    "a header again": (lambda lines: [*lines[:200], lines[0], *lines[200:]], "1 without a date"),
    "a total at the end": (lambda lines: [*lines, "Total,123456"], "1 without a date"),
    "zeros for missing": (at(MIDDLE, lambda day, price: f"{day},0"), "3 with a price not above zero"),
    "below zero": (at(MIDDLE, lambda day, price: f"{day},-{price}"), "3 with a price not above zero"),
    "infinite": (at(MIDDLE, lambda day, price: f"{day},inf"), "3 without a value"),
    "too long a number": (at(MIDDLE, lambda day, price: f"{day},{'9' * 400}"), "3 without a value"),
}


@pytest.fixture
def answered(monkeypatch: pytest.MonkeyPatch) -> Callable[[pd.DataFrame], None]:
    """Has Yahoo Finance answer with a frame."""
    monkeypatch.delenv("SEQLAB_OFFLINE")

    def answer(frame: pd.DataFrame) -> None:
        monkeypatch.setattr(yahoo, "_history", lambda ticker, seconds, since: yahoo.Answer(frame, "NMS"))

    return answer


@pytest.mark.parametrize("name", FAULTS)
def test_a_faulty_answer_is_repaired_and_said_or_refused(
    name: str, answered: Callable[[pd.DataFrame], None], cli: Cli, tried: Tried
) -> None:
    fault, words = FAULTS[name]
    chance = np.random.default_rng(0)
    frame = walk(chance)
    changed = fault(frame, chance)
    frame = (frame if changed is None else changed).reset_index(drop=True)
    whole = frame[np.isfinite(frame[CLOSES]).all(axis=1) & (frame[CLOSES] > 0).all(axis=1) & frame["date"].notna()]
    answered(frame)
    check(cli("forecast", "ACME", *QUICK), words, whole.sort_values("date", kind="stable")["close"])
    tried(14)


@pytest.mark.parametrize("name", TEXTS)
def test_a_faulty_file_is_repaired_and_said_or_refused(name: str, tmp_path: Path, cli: Cli, tried: Tried) -> None:
    fault, words = TEXTS[name]
    frame = walk(np.random.default_rng(0))
    rows = [f"{day.date()},{close:.2f}" for day, close in zip(frame["date"], frame["close"], strict=True)]
    (tmp_path / "acme.csv").write_text("\n".join(fault(["Date,Close", *rows])) + "\n")
    check(cli("forecast", tmp_path / "acme.csv", *QUICK), words, frame["close"].round(2))
    tried(14)


def check(done: Outcome, words: str, closes: pd.Series) -> None:
    """What a command with a fault in its quotes has to say and to give; closes: those that are whole."""
    if done.status:
        done.fails(1, words)
        return
    assert words in done.err and "Traceback" not in done.err, done.err
    (one,) = done.json["forecasts"]
    assert one["last_close"] == pytest.approx(closes.iloc[-1])
    assert one["as_of"] == done.err.split(" to ")[1][:10]
    for row in one["quantiles"]:
        values = [value for name, value in row.items() if name != "date"]
        assert np.isfinite(values).all() and min(values) > 0 and values == sorted(values)
    moved = np.log(np.array([one["quantiles"][0]["q05"], one["quantiles"][0]["q95"]]) / one["last_close"])
    assert (np.abs(moved) < 1).all() or "factor" in words or "split" in words
