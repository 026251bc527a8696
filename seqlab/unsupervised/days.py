"""Days of several series: their returns side by side, windows of them, and an error for each day."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce

import numpy as np
import torch
from torch import Tensor

from seqlab.data.series.series import Series
from seqlab.errors import DataError


@dataclass(frozen=True, eq=False)
class Returns:
    """The changes of several series from one date that all of them have to the next: log returns of prices.

    names: of the S series; dates (N,): on which each change ended; values (N, S). notes: what was left out.
    """

    names: tuple[str, ...]
    dates: np.ndarray
    values: np.ndarray
    notes: tuple[str, ...] = ()

    def sizes(self) -> np.ndarray:
        """The mean absolute return of each day (N,): how large a day was, without any net."""
        return np.abs(self.values).mean(1)

    def standardised(self) -> Tensor:
        """The returns of each series with mean 0 and deviation 1, float32 (N, S); one that never moves stays 0."""
        centred = self.values - self.values.mean(0)
        deviation = centred.std(0)
        return torch.from_numpy((centred / np.where(deviation > 0, deviation, 1.0)).astype(np.float32))


def join(series: Sequence[Series]) -> Returns:
    """The returns of series on the dates that they have in common. Raises DataError where there are not two."""
    common = reduce(np.intersect1d, [one.dates for one in series])
    if len(common) < 2:
        spans = ", ".join(f"{one.name} {one.dates[0]} to {one.dates[-1]}" for one in series)
        raise DataError(
            f"these {len(series)} series have {len(common)} dates in common", f"name series of the same days: {spans}"
        )
    paths = np.stack([one.path()[np.isin(one.dates, common)] for one in series], 1)  # (N + 1, S)
    longest = max(series, key=len)
    notes = []
    if len(longest) > len(common):
        shortest = min(series, key=len)
        notes.append(
            f"{len(common):,} of the {len(longest):,} days of {longest.name} are days of all {len(series)} series "
            f"({shortest.name} has {len(shortest):,}, from {shortest.dates[0]} on)"
        )
    return Returns(tuple(one.name for one in series), common[1:], np.diff(paths, axis=0), tuple(notes))


def windows(x: Tensor, length: int) -> Tensor:
    """All windows of `length` days of x (N, S), one for each day that ends one: (N - length + 1, length, S), a view."""
    return x.unfold(0, length, 1).transpose(1, 2)


def day_errors(errors: np.ndarray) -> np.ndarray:
    """The error of each day that ends a window (M,): its mean over the windows it is in. errors (M, T), by window."""
    count, length = errors.shape
    total, times = np.zeros(count + length - 1), np.zeros(count + length - 1)
    for place in range(length):
        total[place : place + count] += errors[:, place]
        times[place : place + count] += 1
    return (total / times)[length - 1 :]


def split_windows(count: int, length: int, share: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """The windows to train on and those held out, of `count`: stretches of days, so that they share none.

    About `share` of stretches of five windows' length are held out; windows that reach into one are in neither.
    """
    stretches = np.arange(count) // (5 * length)
    number = int(stretches[-1]) + 1
    drawn = np.random.default_rng(seed).permutation(number)[: max(1, round(share * number))]
    held = np.isin(stretches, drawn)
    near = np.convolve(held, np.ones(2 * length - 1), "same")[:count] > 0.5
    return np.flatnonzero(~near), np.flatnonzero(held)
