"""What the general forecaster knows beside a series, and what of the series that explains at each time."""

from dataclasses import dataclass, field, replace

import numpy as np

from seqlab.data.series.calendar import next_dates
from seqlab.data.series.public_holidays import ANY
from seqlab.data.series.seasons import seasons_of
from seqlab.data.series.series import Series
from seqlab.forecasting.effects import Effects, estimated
from seqlab.forecasting.results import Forecast


@dataclass(frozen=True, eq=False)
class Explained:
    """Covariates (N + H, K) of a series by their names (K,), and their effects by how many rows were known; None where
    these were too few."""

    series: Series
    names: list[str]
    covariates: np.ndarray
    effects: dict[int, Effects | None] = field(default_factory=dict)

    def without(self, values: np.ndarray, origin: int) -> np.ndarray:
        """Values (L,) of a panel, in which the series ends last, without the effects that were known at `origin`, a row
        of the panel. Rows that were filled had none."""
        first = len(values) - len(self.series)
        effects = self._known_at(origin - first)
        if effects is None:
            return values
        made, observed = values.copy(), self._observed
        own = effects.without(self.series.adjusted, self.covariates[: len(self.series)])
        made[first:] = np.where(observed, own, self.series.adjusted)
        return made

    def put_back(self, quantiles: np.ndarray, origins: list[int], length: int) -> np.ndarray:
        """Quantiles (O, H, Q) from `origins` (O,), rows of a panel of so many, with the effects that `without` took out
        for the first of them."""
        first = length - len(self.series)
        effects = self._known_at(origins[0] - first)
        if effects is None:
            return quantiles
        rows = np.array(origins)[:, None] - first + np.arange(quantiles.shape[1])  # (O, H)
        return effects.put_back(quantiles, self.covariates[np.maximum(rows, 0)])

    def said_in(self, forecast: Forecast) -> Forecast:
        """The forecast with the sizes of the effects, and from when on its backtest knew some."""
        last = self.effects[len(self.series)]
        known = [rows for rows, effects in self.effects.items() if effects is not None and rows < len(self.series)]
        begun = self.series.dates[min(known) - 1] if known else None
        count = len(forecast.backtest.origins)
        blind = count if begun is None else int((forecast.backtest.origins < begun).sum())
        if last is None:
            return replace(forecast, effects={}, without_effects=count)
        sizes = dict(zip(self.names, last.in_units.tolist(), strict=True))
        if ANY in sizes:  # a holiday is one of any, too
            at = self.names.index(ANY)
            both = replace(last, sizes=last.sizes + last.sizes[at]).in_units
            sizes |= {name: float(both[k]) for k, name in enumerate(self.names) if k > at}
        return replace(forecast, effects=sizes, effects_in_percent=last.in_logs, without_effects=blind)

    @property
    def _observed(self) -> np.ndarray:
        filled = self.series.filled
        return np.ones(len(self.series), bool) if filled is None else ~filled

    def _known_at(self, rows: int) -> Effects | None:
        if rows not in self.effects:
            count = max(rows, 0)
            known = self.series.adjusted[:count], self.covariates[:count]
            self.effects[rows] = estimated(*known, seasons_of(self.series), self._observed[:count])
        return self.effects[rows]


def explained(series: Series, horizon: int) -> Explained:
    """What is known beside a complete series, which has covariates. Raises DataError where it lacks a row ahead."""
    assert series.covariates is not None
    ahead = next_dates(series.dates, horizon, exchange=series.exchange)
    return Explained(series, *series.covariates.beside(series.dates, ahead))
