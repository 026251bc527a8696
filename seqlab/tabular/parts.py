"""Which rows each net learns from, is stopped by and is evaluated on, and how it is given them."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from seqlab.data.tables.encoder import Encoder
from seqlab.tabular.batched import Part
from seqlab.tabular.examples import Examples
from seqlab.tabular.folds import Split, folds, hold_out
from seqlab.tabular.intervals import Scale

HELD_OUT = 0.2  # of the rows, where there are neither folds nor test rows
MOST_VAL_ROWS = 20_000  # rows say when to stop as well as more


def split_rows(data: Examples, count: int | None, tested: bool, seed: int) -> list[Split]:
    """For each net that is kept in the end the rows it learns from, and those it is evaluated on; the last one is the
    net to use. With folds it is evaluated on none: it learns from all."""
    rows = np.arange(len(data.values))
    whole = rows, rows[:0]
    if count is not None:
        return [*folds(count, len(rows), seed, **data.about(rows)), whole]
    return [whole if tested else hold_out(HELD_OUT, len(rows), seed, **data.about(rows))]


def parts_of(
    data: Examples,
    encoders: Sequence[Encoder],
    train_rows: Sequence[np.ndarray],
    val_share: float,
    seed: int,
    quantiles: bool = True,
) -> tuple[np.ndarray, list[Part]]:
    """The parts of a table that learn from these rows, each with its own encoder; where the target is a number, after
    them as many that learn its quantiles, if wanted.

    The first is x float32 (encoders, N, features of the widest), all rows as each sees them; each part is a view of it.
    """
    x = np.zeros((len(encoders), len(data.values), max(len(one.features) for one in encoders)), np.float32)
    parts = []
    for whole, encoder, rows in zip(x, encoders, train_rows, strict=True):
        y, target = data.scaled(rows)
        val_rows = val_rows_of(data, rows, val_share, seed)
        own = encoder.encode(data.inputs, whole[:, : len(encoder.features)])
        parts.append(Part(own, y, target, rows, val_rows))
    return x, parts if data.classes or not quantiles else [*parts, *quantile_parts(data, parts)]


def quantile_parts(data: Examples, parts: Sequence[Part]) -> list[Part]:
    """Of parts whose target is a number those whose nets learn its quantiles, from the same rows."""
    scales = [Scale.of(data.values[part.train_rows]) for part in parts]
    return [
        replace(part, y=scale.scaled(data.values).astype(np.float32), scale=scale)
        for part, scale in zip(parts, scales, strict=True)
    ]


def val_rows_of(data: Examples, train_rows: np.ndarray, val_share: float, seed: int) -> np.ndarray:
    """Of the rows to learn from those whose loss says when to stop: later ones or other groups, as those held out are,
    if there are two. Raises DataError where none can be kept back."""
    about = data.about(train_rows)
    for name in ("groups", "time"):
        values = about[name]
        if values is not None and (values == values[0]).all():
            about[name] = None
    share = min(val_share, MOST_VAL_ROWS / len(train_rows))
    return train_rows[hold_out(share, len(train_rows), seed, **about)[1]]
