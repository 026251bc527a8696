"""Forecasts as a page: fan charts, what they rest on, how good such forecasts were, and where the data came from."""

import math
from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np

from seqlab.data.series.series import Series
from seqlab.formatting import numbers
from seqlab.plots.pages import backtest as backtests
from seqlab.plots.pages.chart import DAY, MINUTE, SECOND, Band, Chart, Line, document, figure
from seqlab.plots.pages.page import command_section, facts, folded, listed, section, table, text, tiles
from seqlab.plots.style import NO_ADVICE, text_of
from seqlab.scoring import LEVELS, MEDIAN
from seqlab.scoring.backtest import Backtest, steps

DRAWN = 8  # series, of more
LISTED = 60  # series of the table, of more
# steps ahead and rows before them of all charts together, and rows of their tables: a page stays below 200 KB
AHEAD, BEFORE, ROWS = 360, 800, 120
BANDS = ((0.5, 0.26), (0.8, 0.18), (0.9, 0.14))  # the share of futures inside, and how dark it adds
WALK_BAND = 0.8
SHOWN = (0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95)
UNITS = {"datetime64[D]": DAY, "datetime64[m]": MINUTE, "datetime64[s]": SECOND}


class Forecast(Protocol):
    """What is shown of one series: `forecasting.Forecast` is one."""

    @property
    def series(self) -> Series: ...
    @property
    def dates(self) -> np.ndarray: ...
    @property
    def prices(self) -> np.ndarray: ...
    @property
    def random_walk(self) -> np.ndarray: ...
    @property
    def backtest(self) -> Backtest: ...
    @property
    def model(self) -> str: ...
    @property
    def trained(self) -> str: ...
    @property
    def cut(self) -> np.datetime64 | None: ...
    @property
    def verdict(self) -> str: ...
    @property
    def notes(self) -> tuple[str, ...]: ...
    @property
    def effects(self) -> dict[str, float] | None: ...
    @property
    def effects_in_percent(self) -> bool: ...
    def history(self, count: int) -> np.ndarray: ...


def page(forecasts: Sequence[Forecast], verdict: str, pooled: Backtest | None, command: str = "") -> str:
    """The report. verdict: on all of them; pooled: the backtests as one, where there is more than one series."""
    drawn, many = forecasts[:DRAWN], len(forecasts) > 1
    names = [text_of(one.series.name, 60) for one in forecasts]
    title = names[0] if not many else f"{', '.join(names[:3])}{f' and {len(names) - 3:,} more' * (len(names) > 3)}"
    first = forecasts[0]
    lead = f"{steps(len(first.dates), first.backtest.step)} ahead"
    lead += f", from {_day(first, first.series.dates[-1])} to {_day(first, first.dates[-1])}." if not many else "."
    body = [_all(forecasts)] if many else []
    body += [_section(one, len(drawn), many) for one in drawn]
    if many and pooled is not None:
        unit = "" if pooled.in_percent else "CRPS is in units of what each series changed by on average."
        said = f"<p>{text(verdict)}</p>" if len(forecasts) > DRAWN else ""
        body.append(section("All series together", said, backtests.scores(pooled, unit), name="backtest"))
        body.append(backtests.calibration(pooled, "all series together"))
    elif not many:
        body.append(section("Backtest", backtests.scores(first.backtest), name="backtest"))
        body.append(backtests.calibration(first.backtest, first.series.name))
    body += [_data(drawn, len(forecasts)), command_section(command)]
    advice = NO_ADVICE if any(one.series.is_price for one in forecasts) else ""
    return document(title, "Forecast", body, lead=lead, note=advice)


def _all(forecasts: Sequence[Forecast]) -> str:
    """A row for each series: where it is, and where it may be at the end."""
    rows = []
    for one in forecasts[:LISTED]:
        end = [one.prices[-1, LEVELS.index(level)] for level in (0.5, 0.1, 0.9)]
        last, median, low, high = numbers([float(one.series.close[-1]), *map(float, end)])
        rows.append([text_of(one.series.name), last, _day(one, one.dates[-1]), median, f"{low} to {high}"])
    found = [table(["", "last value", "forecast for", "median", "80 % band"], rows, words={2})]
    if len(forecasts) > DRAWN:
        listed_here = f"the first {LISTED:,} are" if len(forecasts) > LISTED else "all are"
        said = f"<p>The first {DRAWN} of {len(forecasts):,} series are drawn below, and {listed_here} in this table"
        found.insert(0, f"{said}; <code>-o FILE.csv</code> writes all.</p>")
    return section("At the end", *found, name="all")


def _section(one: Forecast, of: int, many: bool) -> str:
    """What is said of one series, of `of` that are drawn."""
    series, last = one.series, float(one.series.close[-1])
    decimals = _decimals(one)
    edges = [float(one.prices[-1, place]) for place in _edges(0.8)]
    median = float(one.prices[-1, MEDIAN])
    by = f"by {_day(one, one.dates[-1])}"
    in_percent = last > 0 and series.is_price
    change = f"{100 * (median / last - 1):+.1f} %" if in_percent else f"{median - last:+,.{decimals}f}"
    figures = [
        (series.last_in_words, f"{last:,.{decimals}f}", f"on {_day(one, series.dates[-1])}"),
        (f"median {by}", f"{median:,.{decimals}f}", change),
        (f"80 % band {by}", " – ".join(f"{edge:,.{decimals}f}" for edge in edges), "four of five futures are inside"),
    ]
    if count := len(one.backtest.origins):
        held = one.backtest.scores("model").coverage80[-1]
        figures.append(("such bands held", f"{100 * held:.0f} %", f"of what came in {count:,} past forecasts"))
    found = [
        tiles(figures),
        f"<p>{text(one.verdict)}</p>",
        figure(_fan(one, of), "Shaded: what the model holds possible. Dashed: a random walk, which knows nothing."),
        folded("The forecast in numbers", _table(one, max(2, ROWS // of), decimals), is_open=not many),
    ]
    if one.effects is not None:
        found.append(_effects(one))
    if many:
        found.append(folded("Its backtest", backtests.brief(one.backtest)))
    return section(text_of(series.name, 60) if many else "The forecast", *found)


def _fan(one: Forecast, of: int) -> Chart:
    series, ahead = one.series, len(one.dates)
    shown = min(len(series.dates), max(20, 4 * ahead))
    before, steps_kept = _thin(shown, BEFORE // of), _thin(ahead, AHEAD // of)
    past, values = series.dates[-shown:][before], one.history(shown)[before]
    dates = np.concatenate([past, one.dates[steps_kept]])
    last = float(series.close[-1])

    def line(quantiles: np.ndarray, place: int) -> np.ndarray:
        nothing = np.full(len(past) - 1, np.nan)
        return np.concatenate([nothing, [last], quantiles[steps_kept, place]])

    bands = []
    for share, opacity in BANDS:
        low, high = _edges(share)
        bands.append(Band(f"{100 * share:.0f} % band", line(one.prices, low), line(one.prices, high), "model", opacity))
    low, high = _edges(WALK_BAND)
    walk = Band("random walk, 80 %", line(one.random_walk, low), line(one.random_walk, high), "walk", 0)
    bands.append(walk)
    lines = [
        Line(series.last_in_words.split()[-1], np.concatenate([values, np.full(len(steps_kept), np.nan)]), "ink", 1.6),
        Line("median", line(one.prices, MEDIAN), "model", 2.2),
    ]
    decimals = _decimals(one)
    end = [f"{one.prices[-1, place]:,.{decimals}f}" for place in (MEDIAN, *_edges(0.8))]
    now, then = series.in_words(np.array([series.dates[-1], one.dates[-1]]))
    about = (
        f"Fan chart of {series.name}: {last:,.{decimals}f} on {now}; on {then} the median is {end[0]}, the 80 % band "
    )
    about += f"{end[1]} to {end[2]}."
    unit = UNITS[str(dates.dtype)]
    gaps = np.diff(dates).astype(int)
    broken = unit != DAY and len(gaps) and gaps.max() > 3 * np.median(gaps)  # by nights and weekends
    told = series.in_words(dates)
    labels = told if broken or len(told[0]) < 10 else ()  # else they are told by what x is
    x = np.arange(len(dates)) if broken else dates.astype(np.int64)
    return Chart(about, x, lines, bands, unit=0 if broken else unit, labels=labels, decimals=decimals, height=380)


def _table(one: Forecast, most: int, decimals: int) -> str:
    kept = _thin(len(one.dates), most)
    days = one.series.in_words(one.dates[kept])
    places = [LEVELS.index(level) for level in SHOWN]
    heads = ["", *("median" if level == 0.5 else f"{100 * level:.0f} %" for level in SHOWN)]
    rows = [
        [day, *(f"{value:,.{decimals}f}" for value in one.prices[row, places])]
        for day, row in zip(days, kept, strict=True)
    ]
    walk = one.random_walk[-1, places]
    rows.append(["random walk", *(f"{value:,.{decimals}f}" for value in walk)])
    left = len(one.dates) - len(kept)
    caption = f"{len(kept)} of {len(one.dates)} steps; -o FILE.csv writes all" if left else ""
    return table(heads, rows, caption=caption)


def _effects(one: Forecast) -> str:
    assert one.effects is not None
    unit = " %" if one.effects_in_percent else ""
    rows = [[name, f"{size:+,.3g}{unit}"] for name, size in one.effects.items() if size]
    if not rows:
        return "<p>Effects of the covariates: none that can be told from chance.</p>"
    return table(["covariate", "one more of it"], rows[:20], caption="Effects")


def _data(drawn: Sequence[Forecast], count: int) -> str:
    """What was read, from where, how old it is, what was repaired, and what made the forecast."""
    found = []
    for one in drawn:
        series, read = one.series, one.series.read()
        said: list[tuple[str, Any]] = [("source", series.origin)]
        said += [("table", series.panel)] if series.panel else []
        said += [("column", read["column"])] if read["column"] else []
        said.append(("rows", f"{read['rows']:,}, from {_day(one, series.dates[0])} to {_day(one, series.dates[-1])}"))
        said.append(("step, season, kind", f"{read['step']}, {read['season'] or 'no season'}, {read['kind']}"))
        said += [("missing", f"{read['missing']:,}, with their places kept")] if read["missing"] else []
        cut = f", learned from data up to {one.cut}" if one.cut is not None else ""
        said.append(("model", f"{one.model} ({one.trained}){cut}"))
        said.append(("sha256", series.sha256[:16]))
        if count > 1:
            found.append(f"<h3>{text(text_of(series.name, 60))}</h3>")
        found.append(facts(said))
        notes = listed([f"{note[:300]}." for note in one.notes], 40 // len(drawn))
        found.append(f"<p>Repaired, left out, or odd:</p>{notes}" if one.notes else "<p>Nothing was repaired.</p>")
    if count > len(drawn):
        found.append(f"<p>Those of the other {count - len(drawn):,} series are said by the command.</p>")
    return section("The data", *found, name="data")


def _day(one: Forecast, date: np.datetime64) -> str:
    """A date as people write it."""
    return one.series.in_words(np.array([date]))[0]


def _decimals(one: Forecast) -> int:
    if one.series.kind == "counts":
        return 0
    spread = float(one.prices.max() - one.prices.min())
    return min(max(3 - math.floor(math.log10(spread)), 0), 10) if spread > 0 else 3


def _edges(share: float) -> tuple[int, int]:
    return LEVELS.index(round((1 - share) / 2, 2)), LEVELS.index(round((1 + share) / 2, 2))


def _thin(count: int, most: int) -> np.ndarray:
    """So many places of 0 .. count - 1 at most, evenly, with the first and the last."""
    return np.unique(np.linspace(0, count - 1, min(count, most)).astype(int))
