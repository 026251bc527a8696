"""Which rows each net learns from, is stopped by and is measured on, and what it is given of the table."""

from collections.abc import Sequence

import numpy as np

from seqlab.data.tables.encoder import Encoder
from seqlab.data.tables.target import Target
from seqlab.tabular.batched import Part
from seqlab.tabular.folds import Split, folds, hold_out
from seqlab.tabular.prepare import Prepared

HELD_OUT = 0.2  # of the rows, where there are neither folds nor test rows
MOST_STOPS = 20_000  # rows say when to stop as well as more


def split_rows(data: Prepared, count: int | None, tested: bool, seed: int) -> list[Split]:
    """For each net that is kept in the end the rows it learns from, and those it is measured on; the last one's is the
    net to use. With folds it has none to be measured on: it learns from all."""
    rows = np.arange(len(data.values))
    whole = rows, rows[:0]
    if count is not None:
        return [*folds(count, len(rows), seed, **data.about(rows)), whole]
    return [whole if tested else hold_out(HELD_OUT, len(rows), seed, **data.about(rows))]


def parts_of(
    data: Prepared, encoders: Sequence[Encoder], learnt: Sequence[np.ndarray], val_share: float, seed: int
) -> tuple[np.ndarray, list[Part], list[Target]]:
    """What nets are given that learn from the rows `learnt`, and what their answers mean.

    The first is x float32 (parts, N, features of the widest), all rows as each part sees them; each part looks into it.
    """
    x = np.zeros((len(encoders), len(data.values), max(len(one.features) for one in encoders)), np.float32)
    parts, targets = [], []
    for whole, encoder, learns in zip(x, encoders, learnt, strict=True):
        kept = rows_that_stop(data, learns, val_share, seed)
        y, target = data.scaled(learns)
        own = encoder.encode(data.inputs, whole[:, : len(encoder.features)])
        parts.append(Part(own, y, learns, kept))
        targets.append(target)
    return x, parts, targets


def rows_that_stop(data: Prepared, learns: np.ndarray, val_share: float, seed: int) -> np.ndarray:
    """Of the rows `learns` those whose loss says when to stop: later ones or other groups, as those held out are, if
    there are two. Raises DataError where none can be kept back."""
    about = data.about(learns)
    for name in ("groups", "time"):
        values = about[name]
        if values is not None and (values == values[0]).all():
            about[name] = None
    share = min(val_share, MOST_STOPS / len(learns))
    return learns[hold_out(share, len(learns), seed, **about)[1]]
