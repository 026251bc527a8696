"""Which columns a trained net depends on."""

from statistics import mean, stdev
from typing import Any

import numpy as np
import pandas as pd

from seqlab.data.tables.encoder import Encoder
from seqlab.data.tables.target import Target
from seqlab.models.mlp import MLP
from seqlab.tabular.predictions import outputs_in_units

MOST_ROWS = 10_000


def importance(
    net: MLP, encoder: Encoder, target: Target, frame: pd.DataFrame, truth: np.ndarray, *, repeats: int, seed: int
) -> list[dict[str, Any]]:
    """{column, importance, deviation} of every column of the rows `frame` that the net reads, the most important first.

    importance: by how much the accuracy, or R2, falls when the column is shuffled between the rows (permutation
    importance; Breiman 2001, section 10), the mean over `repeats` shuffles; deviation: between them.
    """
    random = np.random.default_rng(seed)
    if len(frame) > MOST_ROWS:
        some = np.sort(random.choice(len(frame), MOST_ROWS, replace=False))
        frame, truth = frame.iloc[some].reset_index(drop=True), truth[some]
    x, sources = encoder.encode(frame), np.array(encoder.sources)

    def score(inputs: np.ndarray) -> float:
        found = outputs_in_units(net, inputs, target)
        if target.classes:
            return float((found.argmax(1) == truth).mean())
        return 1 - float(np.square(found - truth).mean() / (truth.var() or 1.0))

    whole, result = score(x), []
    for number, column in enumerate(encoder.columns):
        own, falls = np.flatnonzero(sources == number), []
        for _ in range(repeats):
            shuffled = x.copy()
            shuffled[:, own] = x[random.permutation(len(x))][:, own]
            falls.append(whole - score(shuffled))
        result.append({"column": column.name, "importance": mean(falls), "deviation": stdev(falls)})
    return sorted(result, key=lambda one: -one["importance"])
