"""Intervals of numbers: quantiles that a net has learned, moved as far as rows that were held out ask for.

Conformalised quantile regression (Romano, Patterson and Candès 2019), with a move of its own for each group of the
prediction (Mondrian; Vovk 2012) where enough rows were held out. A row that is exchangeable with those held out from
the same net lies in its interval with probability `level` at least, over the draw of both, in each group. Of folds the
rows held out are from other nets than the one that is used, which learned from more: there it is to be expected, not
proven. Of rows that come later, or from elsewhere, nothing is promised.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

LEVELS = (0.5, 0.8, 0.9, 0.95)  # of the intervals that a checkpoint can give
TAILS = tuple((1 - level) / 2 for level in reversed(LEVELS))
QUANTILES = (*TAILS, *(1 - tail for tail in reversed(TAILS)))  # those that a net learns, ascending
GROUPS, ROWS_OF_A_GROUP = 5, 200  # fifths of the prediction, or fewer parts where so many rows are not held out
CROSSED = 5  # parts of rows, each of which is covered by what the others made
FEWEST = 19  # rows that the widest interval takes
FARTHEST = 700.0  # of a logarithm: beyond is no number


@dataclass(frozen=True)
class Scale:
    """In what a net learns the quantiles of a number: less `mean` and over `deviation`, of its logarithm if `log`.

    floor: no outcome is below it, as none of training was; None: any may be. span: of logarithms, scaled, how far
    quantiles may go, which a net far from its rows would take to any size: a deviation beyond those of training.
    """

    mean: float
    deviation: float
    log: bool = False
    floor: float | None = None
    span: tuple[float, float] | None = None

    @classmethod
    def of(cls, values: np.ndarray) -> "Scale":
        """That of training values (N,): logarithms of positive numbers that are less skewed so."""
        floor = 0.0 if values.min() >= 0 else None
        log = bool(values.min() > 0) and abs(_skewness(np.log(values))) < abs(_skewness(values))
        learned = np.log(values) if log else values
        mean, deviation = float(learned.mean()), float(learned.std()) or 1.0
        ends = (float(learned.min()) - mean) / deviation - 1, (float(learned.max()) - mean) / deviation + 1
        return cls(mean, deviation, log, floor, ends if log else None)

    def scaled(self, values: np.ndarray) -> np.ndarray:
        """Of any shape, float64; minus infinity for what is below the floor."""
        below = np.zeros(values.shape, bool) if self.floor is None else values < self.floor
        with np.errstate(divide="ignore", invalid="ignore"):
            learned = np.log(values) if self.log else values
        return np.where(below, -np.inf, (learned - self.mean) / self.deviation)

    def held(self, quantiles: np.ndarray) -> np.ndarray:
        """Quantiles, scaled, within the span."""
        return quantiles if self.span is None else np.clip(quantiles, *self.span)

    def in_units(self, scaled: np.ndarray) -> np.ndarray:
        """Back from any shape, and not below the floor."""
        values = scaled * self.deviation + self.mean
        if self.log:
            values = np.exp(np.clip(values, -FARTHEST, FARTHEST))
        return values if self.floor is None else np.maximum(values, self.floor)


@dataclass(frozen=True)
class Intervals:
    """edges: of the prediction, between its groups, ascending. moves: by level, how far the ends of each group are
    moved outwards (inwards below 0), in the scale's terms."""

    scale: Scale
    edges: tuple[float, ...]
    moves: dict[float, tuple[float, ...]]

    def ends(self, predicted: np.ndarray, quantiles: np.ndarray) -> dict[float, tuple[np.ndarray, np.ndarray]]:
        """By level low and high (N,) in the target's units, each within the next and around the prediction, from
        predictions (N,) in those units and quantiles (N, QUANTILES), scaled."""
        groups, quantiles = np.searchsorted(self.edges, predicted, side="right"), self.scale.held(quantiles)
        found: dict[float, tuple[np.ndarray, np.ndarray]] = {}
        inner = None
        for level, moves in sorted(self.moves.items()):
            low, high = _pair(quantiles, level)
            move = np.array(moves)[groups]
            low, high = low - move, high + move
            low, high = np.minimum(low, (low + high) / 2), np.maximum(high, (low + high) / 2)
            if inner is not None:
                low, high = np.minimum(low, inner[0]), np.maximum(high, inner[1])
            inner = low, high
            ends = self.scale.in_units(low), self.scale.in_units(high)
            found[level] = np.minimum(ends[0], predicted), np.maximum(ends[1], predicted)
        return found

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        moves = {str(level): list(each) for level, each in self.moves.items()}
        return {"scale": asdict(self.scale), "edges": list(self.edges), "moves": moves}

    @classmethod
    def from_dict(cls, saved: dict[str, Any]) -> "Intervals":
        moves = {float(level): tuple(each) for level, each in saved["moves"].items()}
        scale = Scale(**saved["scale"])
        scale = scale if scale.span is None else replace(scale, span=(scale.span[0], scale.span[1]))
        return cls(scale, tuple(saved["edges"]), moves)

    @classmethod
    def of_one_width(cls, widths: dict[str, float]) -> "Intervals":
        """Of a checkpoint of a version whose nets learned no quantiles: half a width for each level, in units."""
        return cls(Scale(0.0, 1.0), (), {float(level): (width,) for level, width in widths.items()})


def conformal(
    scale: Scale, edges: Sequence[float], predicted: np.ndarray, quantiles: np.ndarray, truth: np.ndarray
) -> Intervals:
    """The intervals that hold on rows not learned from: predictions and truth (N,) in units, quantiles (N, QUANTILES).

    edges: between groups of the prediction, found without these rows. Where they leave a group too few rows, all rows
    are one. A level that takes more rows than a group has is left out.
    """
    groups = np.searchsorted(edges, predicted, side="right")
    if np.bincount(groups, minlength=len(edges) + 1).min() < FEWEST:
        groups, edges = np.zeros(len(predicted), np.int64), ()
    scaled, quantiles, moves = scale.scaled(truth), scale.held(quantiles), dict[float, tuple[float, ...]]()
    for level in LEVELS:
        low, high = _pair(quantiles, level)
        beyond = np.maximum(low - scaled, scaled - high)
        each = [covering(beyond[groups == group], level) for group in range(len(edges) + 1)]
        if np.isfinite(each).all():
            moves[level] = tuple(each)
    return Intervals(scale, tuple(float(edge) for edge in edges), moves)


def covering(scores: np.ndarray, level: float) -> float:
    """What the score of one more row does not exceed with probability `level` at least, if it is exchangeable with
    these (N,): the ceil((N + 1) level)-th smallest; infinity where there are fewer."""
    rank = int(np.ceil(round((len(scores) + 1) * level, 6)))
    return float(np.sort(scores)[rank - 1]) if rank <= len(scores) else np.inf


def edges_of(predicted: np.ndarray, held_out: int) -> list[float]:
    """Between the groups of the prediction, by what is predicted for rows learned from (N,): as many rows in each, and
    as many groups as the number of rows held out gives work to."""
    count = max(1, min(GROUPS, held_out // ROWS_OF_A_GROUP))
    return [float(edge) for edge in np.unique(np.quantile(predicted, np.arange(1, count) / count))]


def coverage(
    ends: dict[float, tuple[np.ndarray, np.ndarray]], predicted: np.ndarray, truth: np.ndarray
) -> dict[str, Any]:
    """coverage: by level the share of rows whose truth (N,) lies in its interval; coverage_by_fifth: the same of the
    rows of each fifth of the prediction, ascending."""
    fifths = np.array_split(np.argsort(predicted, kind="stable"), min(GROUPS, len(predicted)))
    inside = {level: (low <= truth) & (truth <= high) for level, (low, high) in ends.items()}
    return {
        "coverage": {str(level): float(one.mean()) for level, one in inside.items()},
        "coverage_by_fifth": {str(level): [float(one[f].mean()) for f in fifths] for level, one in inside.items()},
    }


def crossed(
    made: Intervals, predicted: np.ndarray, quantiles: np.ndarray, truth: np.ndarray, folds: np.ndarray | None = None
) -> dict[str, Any]:
    """The `coverage` of the rows that made the intervals: those of each fold (N,), or of each fifth drawn at random, in
    intervals that are made by the others in the same groups."""
    if folds is None:
        folds = np.random.default_rng(0).permutation(len(truth)) % CROSSED
    each, ends = [], dict[float, tuple[np.ndarray, np.ndarray]]()
    for fold in np.unique(folds):
        own = folds == fold
        others = conformal(made.scale, made.edges, predicted[~own], quantiles[~own], truth[~own])
        each.append((own, others.ends(predicted[own], quantiles[own])))
    for level in made.moves:
        if all(level in found for _, found in each):
            low, high = np.empty(len(truth)), np.empty(len(truth))
            for own, found in each:
                low[own], high[own] = found[level]
            ends[level] = low, high
    return coverage(ends, predicted, truth)


def _pair(quantiles: np.ndarray, level: float) -> tuple[np.ndarray, np.ndarray]:
    """The two ends (N,) of the central interval; of a net without quantiles twice what it predicts."""
    place = len(LEVELS) - 1 - LEVELS.index(level) if quantiles.shape[1] > 1 else 0
    return quantiles[:, place], quantiles[:, -1 - place]


def _skewness(values: np.ndarray) -> float:
    deviation = values.std()
    return float((((values - values.mean()) / deviation) ** 3).mean()) if deviation else 0.0
