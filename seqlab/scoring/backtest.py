"""A backtest: forecasts from past days, scored on what came."""

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from statistics import NormalDist
from typing import Any

import numpy as np

from seqlab import scoring
from seqlab.errors import DataError

TOLERATED = 0.05  # by which the coverage of an 80 % interval may be off, however many forecasts say so
FEWEST_INDEPENDENT = 5  # forecasts whose coverage says anything
TINY = 1e-9  # of the size of outcomes: what rounding may do to them
NO_UNIT = 1e-12  # the unit of the MASE of a series that had never moved


@dataclass(frozen=True)
class Scores:
    """One method's scores per reported horizon.

    crps, pinball (its mean over levels), mae and widths in percent of log return, or in the units of a series whose
    changes are differences; mase: the error of the median against
    that of the last price before the backtest; coverages and the tenths of the PIT histogram are shares; direction: the
    share of outcomes on the median's side of the last price, 0.5 where the median is the last price.
    """

    crps: list[float]
    mae: list[float]
    coverage80: list[float]
    pinball: list[float]
    mase: list[float] | None
    coverage50: list[float]
    coverage90: list[float]
    width50: list[float]
    width80: list[float]
    width90: list[float]
    pit: list[list[float]]
    direction: list[float]


@dataclass(frozen=True)
class Backtest:
    """Forecasts of the model and its baselines from past days, scored on what came.

    origins (O,): days, of one series or of several one after the other; outcomes (O, K): changes, mostly log returns;
    quantiles: {method: (O, K, Q)} of them at scoring.LEVELS. Methods are `model` and the baselines. naive_error (O, K):
    the mean absolute h-day change of the series until its backtest began, what MASE is measured in. hindsight: the last
    day of the series and the last that the model learned from, where that is later: there is no origin then. step: what
    a horizon counts, `day` or `hour`. in_percent: whether changes are log returns, and their scores percent.
    only_width: whether the model says how wide the future is and nothing of where it goes. of_prices: of what is
    traded. stride: rows from one origin to the next.
    """

    horizons: tuple[int, ...]
    origins: np.ndarray
    outcomes: np.ndarray
    quantiles: dict[str, np.ndarray]
    naive_error: np.ndarray | None = None
    hindsight: tuple[np.datetime64, np.datetime64] | None = None
    step: str = "day"
    in_percent: bool = True
    only_width: bool = True
    of_prices: bool = True
    stride: int = 1

    @property
    def days(self) -> int:
        """The number of days, or other rows, that were forecast from: several series on one day count once."""
        return len(np.unique(self.origins))

    def overlap(self, horizon: int) -> int:
        """How many origins in a row a horizon spans, for the Diebold-Mariano test."""
        return -(-horizon // self.stride)

    @property
    def factor(self) -> float:
        """What changes are multiplied by where they are shown."""
        return 100.0 if self.in_percent else 1.0

    def scores(self, method: str) -> Scores:
        quantiles, outcomes = self.quantiles[method], self.outcomes
        median = quantiles[..., scoring.MEDIAN]
        error = np.abs(outcomes - median)
        mase = None if self.naive_error is None else (error / self.naive_error).mean(0).tolist()
        covered = {
            share: [scoring.coverage(quantiles[:, k], outcomes[:, k], share) for k in range(len(self.horizons))]
            for share in (0.5, 0.8, 0.9)
        }
        wide = {share: (self.factor * scoring.width(quantiles, share).mean(0)).tolist() for share in covered}
        return Scores(
            crps=(self.factor * scoring.crps(quantiles, outcomes).mean(0)).tolist(),
            mae=(self.factor * error.mean(0)).tolist(),
            coverage80=covered[0.8],
            pinball=(self.factor * scoring.pinball(quantiles, outcomes).mean((0, 2))).tolist(),
            mase=mase,
            coverage50=covered[0.5],
            coverage90=covered[0.9],
            width50=wide[0.5],
            width80=wide[0.8],
            width90=wide[0.9],
            pit=[scoring.pit_histogram(quantiles[:, k], outcomes[:, k]).tolist() for k in range(len(self.horizons))],
            direction=(0.5 + 0.5 * np.sign(median) * np.sign(outcomes)).mean(0).tolist(),
        )

    def crps(self, method: str, at_last_price: bool = False) -> np.ndarray:
        """The CRPS of each forecast, (O, K). at_last_price: with every median moved there, so that no drift counts."""
        quantiles = self.quantiles[method]
        if at_last_price:
            quantiles = quantiles - quantiles[..., scoring.MEDIAN, None]
        return scoring.crps(quantiles, self.outcomes)

    def skill(self, method: str = "model", *, against: str = "random_walk", at_last_price: bool = False) -> list[float]:
        """100 (1 - sum CRPS of the method / sum CRPS of another, mostly the random walk), per horizon.

        at_last_price: of the method as in `crps`.
        """
        ours, theirs = self.crps(method, at_last_price).sum(0), self.crps(against).sum(0)
        with np.errstate(divide="ignore", invalid="ignore"):  # of what was exact nothing can be said in percent
            skill = 100 * (1 - ours / theirs)
        return np.where(theirs > 0, skill, np.nan).tolist()

    def p_values(self, other: str = "random_walk", *, at_last_price: bool = False) -> list[float]:
        """Diebold-Mariano p-value of the model against another method, per horizon, each for itself: of as many tests
        as there are horizons the least is small by chance more often.

        at_last_price: of the model as in `crps`, which is what a verdict of `only_width` is about.
        """
        means = self.by_day(self.crps("model", at_last_price) - self.crps(other))
        return [scoring.diebold_mariano(means[:, k], self.overlap(h)) for k, h in enumerate(self.horizons)]

    def skill_intervals(self, method: str = "model", *, against: str = "random_walk") -> list[tuple[float, float]]:
        """The 95 % confidence interval of `skill`, per horizon: that of the mean loss difference, with the variance of
        the Diebold-Mariano test, over the mean loss of the other. It holds zero exactly where that test does not
        reject; where the skill is large it is somewhat too wide. NaN for too few days."""
        theirs = self.crps(against)
        means = self.by_day(self.crps(method) - theirs)
        margins = [
            100 * scoring.margin(means[:, k], self.overlap(h)) / theirs[:, k].mean() if len(means) else math.nan
            for k, h in enumerate(self.horizons)
        ]
        return [
            (s - margin, s + margin) for s, margin in zip(self.skill(method, against=against), margins, strict=True)
        ]

    def fewest(self, horizon: int) -> int:
        """How many days it takes to judge the forecasts of a horizon."""
        return scoring.fewest_to_judge(self.overlap(horizon))

    def miscalibrated(self, share: float = 0.05) -> list[bool]:
        """Whether the model's 80 % interval held too few or too many outcomes to be one of 80 %, per horizon.

        Where its coverage is off by more than TOLERATED, and by more than chance does with probability `share`: more
        than the margin of independent forecasts, of which there is one in the length of a horizon, and, where there are
        days enough, than the margin of the coverage as it came. Outcomes on the edge of the interval, of counts often
        many, speak for it. False where there are fewer than FEWEST_INDEPENDENT.
        """
        slack, level = TINY * float(np.abs(self.outcomes).max(initial=0.0)), 0.8
        quantiles, z = self.quantiles["model"], NormalDist().inv_cdf(1 - share / 2)
        least, most = (self.by_day(scoring.inside(quantiles, self.outcomes, level, by)) for by in (-slack, slack))
        found = []
        for k, h in enumerate(self.horizons):
            independent = self.days / self.overlap(h)
            by_chance = max(TOLERATED, z * math.sqrt(level * (1 - level) / max(1, independent)))
            off = False
            for held, sign in ((most[:, k], -1), (least[:, k], 1)):  # too few; too many
                margin = scoring.margin(held, self.overlap(h), 1 - share) if self.days >= self.fewest(h) else 0.0
                off = off or bool(sign * (held.mean() - level) > max(by_chance, margin))
            found.append(off and independent >= FEWEST_INDEPENDENT)
        return found

    def by_day(self, values: np.ndarray) -> np.ndarray:
        """Values (O, K) of the origins as one per day, in order of time, (D, K): where there are several series they
        are averaged over those of a day, for series move together and a day is to count once."""
        _, place = np.unique(self.origins, return_inverse=True)
        counts = np.bincount(place)
        return np.stack([np.bincount(place, column) / counts for column in values.T], axis=1)


def pool(backtests: Sequence[Backtest]) -> Backtest:
    """The backtests of several series with the same horizons as one, origins one after the other.

    Raises DataError where they are not of one kind: percent and other units have no common mean.
    """
    first = backtests[0]
    if any((one.step, one.in_percent) != (first.step, first.in_percent) for one in backtests):
        raise DataError(
            "backtests of series that are not of one kind cannot be pooled", "look at each series by itself"
        )
    methods = [method for method in first.quantiles if all(method in one.quantiles for one in backtests)]
    return replace(
        first,
        origins=np.concatenate([one.origins for one in backtests]),
        outcomes=np.concatenate([one.outcomes for one in backtests]),
        quantiles={method: np.concatenate([one.quantiles[method] for one in backtests]) for method in methods},
        naive_error=None
        if any(one.naive_error is None for one in backtests)
        else np.concatenate([one.naive_error for one in backtests if one.naive_error is not None]),
        hindsight=next((one.hindsight for one in backtests if one.hindsight), None),
        only_width=all(one.only_width for one in backtests),
        of_prices=any(one.of_prices for one in backtests),
    )


def pool_scaled(backtests: Sequence[Backtest]) -> Backtest:
    """The backtests of many series as one, each in units of what its values had changed by on average, `naive_error`,
    so that those of large numbers do not speak for all; percent are alike, and stay percent.

    Of the series with the step and the horizons that most have; one that had never moved has no such unit, and is left
    out. Raises DataError where none is left.
    """
    usable = [one for one in backtests if len(one.origins) and _has_moved(one)]
    if not usable:
        raise DataError("no series has a forecast from its past that can be scored", "give longer series")
    kinds = [(one.step, one.horizons) for one in usable]
    usual = max(kinds, key=kinds.count)
    alike = [one for one, kind in zip(usable, kinds, strict=True) if kind == usual]
    return pool(alike if all(one.in_percent for one in alike) else list(map(_scaled, alike)))


def _has_moved(one: Backtest) -> bool:
    """Whether the unit of its MASE is known, and is one beside the largest change that came or was forecast."""
    largest = max(float(np.abs(each).max(initial=TINY)) for each in (one.outcomes, *one.quantiles.values()))
    return one.naive_error is not None and bool((one.naive_error > np.maximum(TINY * largest, NO_UNIT)).all())


def _scaled(one: Backtest) -> Backtest:
    unit = one.naive_error
    assert unit is not None
    return replace(
        one,
        outcomes=one.outcomes / unit,
        quantiles={name: quantiles / unit[..., None] for name, quantiles in one.quantiles.items()},
        naive_error=np.ones_like(unit),
        in_percent=False,
    )


def summary(backtest: Backtest) -> dict[str, Any]:
    """The figures of a backtest as JSON values; null where there is no origin to score."""
    days = backtest.origins
    scored = len(days) > 0
    methods = {name: asdict(backtest.scores(name)) if scored else None for name in backtest.quantiles}
    return {
        "origins": len(days),
        "first": str(days.min()) if scored else None,
        "last": str(days.max()) if scored else None,
        "horizons": list(backtest.horizons),
        "step": backtest.step,
        "in_percent": backtest.in_percent,
        "model": methods.pop("model"),
        "baselines": methods,
        "skill_vs_random_walk": backtest.skill() if scored else None,
        "skill_at_last_price": backtest.skill(at_last_price=True) if scored else None,
        "dm_p_value": backtest.p_values() if scored else None,
        "dm_p_value_at_last_price": backtest.p_values(at_last_price=True) if scored else None,
        "dm_p_value_against": {name: backtest.p_values(name) if scored else None for name in methods},
        "always_up": (backtest.outcomes > 0).mean(0).tolist() if scored else None,
    }


def steps(horizon: int | str, step: str) -> str:
    """'1 day', '5 days', '3 x 30 minutes'."""
    if step[0].isdigit():
        return f"{horizon} x {step}"
    return f"{horizon} {step}{'' if str(horizon) == '1' else 's'}"
