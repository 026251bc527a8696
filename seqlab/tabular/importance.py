"""Which columns a trained net depends on."""

from statistics import mean, stdev
from typing import Any

import numpy as np

from seqlab.data.tables.reader import Table
from seqlab.errors import DataError, UsageError
from seqlab.machine import DeviceConfig, use_threads
from seqlab.tabular.predictor import Predictor, in_words
from seqlab.tabular.prepare import known_rows

MOST_ROWS = 10_000


def importance(
    predictor: Predictor, table: Table, chosen: DeviceConfig, *, repeats: int = 5, seed: int = 0
) -> list[dict[str, Any]]:
    """{column, importance, deviation} of every column that the net reads, the most important first.

    importance: by how much the accuracy, or R2, falls when the column's values are dealt anew to the rows (Breiman
    2001, section 10), the mean over `repeats` deals; deviation: between them. Of at most 10,000 rows. Columns that tell
    the same share what they tell. Raises DataError for fewer than two rows with a target.
    """
    if repeats < 2:
        raise UsageError(f"{repeats} repeats tell nothing of the deviation between them", "use 2 or more")
    target, encoder, random = predictor.target, predictor.encoder, np.random.default_rng(seed)
    frame, truth = known_rows(table, target)
    if len(frame) < 2:
        raise DataError(f"{len(frame)} rows of {table.name} have a '{target.name}'", "use more rows")
    if len(frame) > MOST_ROWS:
        some = np.sort(random.choice(len(frame), MOST_ROWS, replace=False))
        frame, truth = frame.iloc[some].reset_index(drop=True), truth[some]
    x = encoder.encode(frame)
    net, sources = predictor.model.to(chosen.device), np.array(encoder.sources)

    def score(inputs: np.ndarray) -> float:
        found = in_words(net, inputs, target)
        if target.classes:
            return float((found.argmax(1) == truth).mean())
        return 1 - float(np.square(found - truth).mean() / (truth.var() or 1.0))

    result = []
    with use_threads(chosen.threads):
        whole = score(x)
        for number, column in enumerate(encoder.columns):
            own, falls = np.flatnonzero(sources == number), []
            for _ in range(repeats):
                dealt = x.copy()
                dealt[:, own] = x[random.permutation(len(x))][:, own]
                falls.append(whole - score(dealt))
            result.append({"column": column.name, "importance": mean(falls), "deviation": stdev(falls)})
    return sorted(result, key=lambda one: -one["importance"])
