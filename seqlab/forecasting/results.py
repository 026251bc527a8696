"""Forecasts and evaluations as a user holds them: as dicts, tables and charts, with a verdict."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, overload

import numpy as np
import pandas as pd

from seqlab import scoring
from seqlab.data.series.about import FEW, said_once
from seqlab.data.series.series import Series
from seqlab.errors import DataError
from seqlab.formatting import html_table
from seqlab.scoring.backtest import Backtest, pool, pool_scaled, summary
from seqlab.scoring.levels import at_levels, name_of
from seqlab.scoring.verdict import verdict

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SHOWN_LEVELS = (0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95)
WRITTEN_LEVELS = (0.05, 0.1, 0.2, 0.25, 0.3, 0.4, 0.5, 0.6, 0.7, 0.75, 0.8, 0.9, 0.95)  # of a backtest's rows


DECILES = tuple(round(0.1 * k, 1) for k in range(1, 10))  # of the rows of windows


def level_places(levels: Sequence[float] = SHOWN_LEVELS) -> dict[str, int]:
    """Where each level is among scoring.LEVELS, by its name: q05 ... q95."""
    return {name_of(level): scoring.LEVELS.index(level) for level in levels}


@dataclass(frozen=True, eq=False)
class Windows:
    """Every step of every forecast from past rows of a series.

    rows (O,): of the series, from which they are; outcomes (O, H): values, NaN where missing; quantiles: {method: (O,
    H, Q)} values at scoring.LEVELS. Methods are `model` and the baselines.
    """

    rows: np.ndarray
    outcomes: np.ndarray
    quantiles: dict[str, np.ndarray]


@dataclass(frozen=True, eq=False)
class Forecast:
    """The future of one series: prices (horizon, Q) at scoring.LEVELS on each of `dates` (horizon,), the random walk's
    beside them, and the backtest.

    model: the name of the checkpoint that made it; trained: `shipped`, `refit` or `fresh`; cut: the last day that it
    was trained on. on_the_spot: it was trained, or adapted, for this forecast alone and is not kept. windows: all steps
    of the backtest, where they are kept. effects: what one more of each covariate does, in percent or in the
    series' units; None where none was asked for. without_effects: how many forecasts of the backtest knew none.
    """

    series: Series
    dates: np.ndarray
    prices: np.ndarray
    random_walk: np.ndarray
    backtest: Backtest
    model: str = ""
    trained: str = "fresh"
    cut: np.datetime64 | None = None
    on_the_spot: bool = False
    windows: Windows | None = None
    effects: dict[str, float] | None = None
    effects_in_percent: bool = False
    without_effects: int = 0

    def history(self, count: int) -> np.ndarray:
        """The last `count` prices as they are drawn: adjusted, on the scale of the last close."""
        past, last = self.series.adjusted[-count:], self.series.close[-1]
        past = past * (last / past[-1]) if past[-1] else past
        return past if self.series.filled is None else np.where(self.series.filled[-count:], np.nan, past)

    @property
    def verdict(self) -> str:
        """How good the model was on past days, in one sentence."""
        return verdict(self.backtest)

    @property
    def notes(self) -> tuple[str, ...]:
        """What was repaired in the series, left out or is odd, a sentence each."""
        return (*(f"rows left out: {one}" for one in self.series.dropped), *self.series.notes)

    def at_levels(self, levels: Sequence[float]) -> np.ndarray:
        """The values at any levels from 0.01 to 0.99, (horizon, L): see `scoring.levels`. Counts stay whole, and beyond
        the model's own levels nothing goes where the series cannot."""
        found = at_levels(self.prices, levels)
        if self.series.kind == "counts":
            found = np.round(found)
        return np.maximum(found, np.minimum(self.series.least, self.prices.min(axis=1))[:, None])

    def columns(self, levels: Sequence[float] = WRITTEN_LEVELS) -> dict[str, np.ndarray]:
        """A long table with a row for each date: unique_id, ds, and the quantiles, q05 ... q95; arrays (horizon,)."""
        values = dict(zip(map(name_of, levels), self.at_levels(levels).T, strict=True))
        return {"unique_id": np.full(len(self.dates), self.series.name, object), "ds": self.dates, **values}

    def window_columns(self) -> dict[str, np.ndarray]:
        """A long table with a row for each step of each window and method: unique_id, cutoff, ds, method, y, q10 ...
        q90; arrays. `windows` must be there."""
        assert self.windows is not None
        rows, outcomes, methods = self.windows.rows, self.windows.outcomes, self.windows.quantiles
        count, horizon = outcomes.shape
        steps = (rows[:, None] + 1 + np.arange(horizon)).ravel()
        found = np.concatenate([each.reshape(count * horizon, -1) for each in methods.values()])
        return {
            "unique_id": np.full(len(found), self.series.name, object),
            "cutoff": np.tile(np.repeat(self.series.dates[rows], horizon), len(methods)),
            "ds": np.tile(self.series.dates[steps], len(methods)),
            "method": np.repeat(np.array([*methods], object), count * horizon),
            "y": np.tile(outcomes.ravel(), len(methods)),
            **{name: found[:, place] for name, place in level_places(DECILES).items()},
        }

    def backtest_rows(self) -> Iterator[dict[str, Any]]:
        """Every forecast of the backtest by method, origin and horizon, and its outcome; all of them prices: the
        origin's close moved by the change."""
        series, places = self.series, level_places(WRITTEN_LEVELS).items()
        origins = np.searchsorted(series.dates, self.backtest.origins)
        for method, quantiles in self.backtest.quantiles.items():
            for o, row in enumerate(origins):
                for k, h in enumerate(self.backtest.horizons):
                    prices = series.moved(quantiles[o, k], row)
                    yield {
                        "ticker": series.name,
                        "method": method,
                        "origin": series.dates[row],
                        "horizon": h,
                        "date": series.dates[row + h],
                        "last_close": float(series.close[row]),
                        "outcome": float(series.moved(self.backtest.outcomes[o, k], row)),
                        **{name: float(prices[place]) for name, place in places},
                    }

    def to_dict(self, levels: Sequence[float] = WRITTEN_LEVELS) -> dict[str, Any]:
        """One entry of what `seqlab forecast --json` prints."""
        names = [name_of(level) for level in levels]
        return {
            "ticker": self.series.name,
            "source": self.series.source,
            "as_of": str(self.series.dates[-1]),
            "last_close": float(self.series.close[-1]),
            "model": self.model,
            "trained": self.trained,
            "cut": None if self.cut is None else str(self.cut),
            "horizon": len(self.dates),
            "read": self.series.read(),
            "quantiles": [
                {"date": str(date), **dict(zip(names, values, strict=True))}
                for date, values in zip(self.dates, self.at_levels(levels).tolist(), strict=True)
            ],
            "backtest": summary(self.backtest),
            "verdict": self.verdict,
            **(
                {} if self.effects is None else {"effects": self.effects, "effects_in_percent": self.effects_in_percent}
            ),
        }

    def _repr_html_(self) -> str:
        one = self.series
        title = f"{one.name}, {one.last_in_words} {one.close[-1]:,.6g} on {one.in_words(one.dates[-1:])[0]}"
        places = level_places()
        rows = [
            [date, *(float(one) for one in prices[list(places.values())])]
            for date, prices in zip(one.in_words(self.dates), self.prices, strict=True)
        ]
        return html_table(
            title, ["", *places], rows, " ".join([self.verdict, *(f"Note: {one}." for one in self.notes)])
        )


@dataclass(frozen=True, eq=False)
class Forecasts(Sequence[Forecast]):
    """The forecasts of one or several series, in the order in which these were given. levels: of their tables."""

    forecasts: tuple[Forecast, ...]
    levels: tuple[float, ...] = WRITTEN_LEVELS

    @overload
    def __getitem__(self, place: int) -> Forecast: ...
    @overload
    def __getitem__(self, place: slice) -> "Forecasts": ...
    def __getitem__(self, place: int | slice) -> "Forecast | Forecasts":
        return replace(self, forecasts=self.forecasts[place]) if isinstance(place, slice) else self.forecasts[place]

    def __len__(self) -> int:
        return len(self.forecasts)

    @property
    def are_long(self) -> bool:
        """Whether they are of a table of series, or of several that are all yours: their tables are long."""
        are_own = all(one.series.source in ("file", "frame") for one in self)
        return are_own and (len(self) > 1 or any(one.series.panel for one in self))

    @property
    def have_windows(self) -> bool:
        """Whether all steps of all backtests are kept."""
        return all(one.windows is not None for one in self)

    @property
    def verdict(self) -> str:
        """How good the models were on past days: a sentence, of several series one a line, behind its name; of many
        one on all of them."""
        if len(self) == 1:
            return self[0].verdict
        if len(self) <= FEW:
            return "\n".join(f"{one.series.name}: {one.verdict}" for one in self)
        pooled = self.pooled()
        return "No series has a forecast from its past that can be scored." if pooled is None else verdict(pooled)

    def pooled(self) -> Backtest | None:
        """The backtests of all series as one, each in units of what its values changed by before (`pool_scaled`); None
        where there is nothing to score."""
        try:
            return pool_scaled([one.backtest for one in self])
        except DataError:
            return None

    @property
    def notes(self) -> tuple[str, ...]:
        """What was repaired, left out or is odd, behind the name of the series; of many what several share once."""
        return tuple(said_once([(one.series.name, note) for one in self for note in one.notes], len(self)))

    def __repr__(self) -> str:
        notes = "".join(f"\nnote: {one}" for one in self.notes)
        shown = _joined(one.columns(SHOWN_LEVELS) for one in self[:FEW]).to_string(index=False)
        more = f"\n... and {len(self) - FEW:,} more series" if len(self) > FEW else ""
        return f"{shown}{more}\n{self.verdict}{notes}"

    def to_dict(self) -> dict[str, Any]:
        """What `seqlab forecast --json` prints."""
        return {"forecasts": [one.to_dict(self.levels) for one in self]}

    def to_frame(self) -> pd.DataFrame:
        """The quantiles as a long table: unique_id, ds, and q05 ... q95, or those that were asked for."""
        return _joined(one.columns(self.levels) for one in self)

    def backtest_frame(self) -> pd.DataFrame:
        """The backtests as a long table: every step of every window, unique_id, cutoff, ds, method, y, q10 ... q90,
        where these are kept; else a row for each ticker, method, origin and horizon, prices."""
        if self.have_windows:
            return _joined(one.window_columns() for one in self)
        return pd.DataFrame([row for one in self for row in one.backtest_rows()])

    def plot(self) -> "Figure":
        """Fan charts: history, the model's bands and the random walk's, a panel for each series, of many the first."""
        from seqlab.plots.fan_chart import draw

        return draw(self)

    def plot_backtest(self) -> "Figure":
        """Calibration, coverage and skill of all series pooled. Raises DataError where there is nothing to draw."""
        from seqlab.plots.backtest_chart import draw

        tested = [one for one in self if len(one.backtest.origins)]
        if not tested:
            raise DataError(
                "the backtest cannot be drawn: no day after the model's cut can be forecast from and has all its "
                "outcomes",
                "leave out --backtest, or forecast a series that goes on after the cut for longer than the horizon",
            )
        pooled = pool_scaled if len(tested) > FEW else pool
        return draw(pooled([one.backtest for one in tested]), [one.series.name for one in tested])

    def report(self, path: str | Path, command: str = "") -> None:
        """Write all this as a page: one HTML file that needs nothing else. command: what made it, for who reads it.
        Raises DataError where it cannot be written."""
        from seqlab.plots.pages import forecasts, page

        pooled = self.pooled() if len(self) > 1 else None
        page.write(Path(path), forecasts.page(self, self.verdict, pooled, command))

    def _repr_html_(self) -> str:
        return "".join(one._repr_html_() for one in self)


def _joined(tables: Iterable[dict[str, np.ndarray]]) -> pd.DataFrame:
    return pd.concat(map(pd.DataFrame, tables), ignore_index=True)
