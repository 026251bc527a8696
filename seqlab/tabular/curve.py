"""Performance against experience: what more rows to learn from are worth (Mitchell 1997, section 1.1)."""

from collections.abc import Callable, Generator
from dataclasses import replace
from pathlib import Path
from statistics import mean, stdev
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from seqlab.data.tables.encoder import fit_encoder
from seqlab.data.tables.reader import Table
from seqlab.errors import DataError
from seqlab.machine import Compute
from seqlab.tabular.folds import folds as split_into
from seqlab.tabular.parts import parts_of, rows_that_stop
from seqlab.tabular.predictor import in_words
from seqlab.tabular.prepare import prepare
from seqlab.tabular.results import measure
from seqlab.tabular.train import TableSettings, fit_parts
from seqlab.training import Progress

SHARES = (1 / 16, 1 / 8, 1 / 4, 1 / 2, 1.0)  # of the rows that there are to learn from
FEWEST = 10
MOST_ROWS = 20_000


def learning_curve(
    table: Table,
    target: str,
    settings: TableSettings,
    *,
    task: str = "auto",
    folds: int = 5,
    groups: str | None = None,
    time: str | None = None,
    compute: Compute = Compute(),
    stop: Callable[[], bool] = lambda: False,
) -> Generator[Progress, None, list[dict[str, Any]]]:
    """{rows, accuracy | r2, deviation, nets} for growing numbers of rows to learn from: the mean over the folds, each
    measured on the rows held out from it whatever it learnt from, and the deviation between them.

    A sixteenth of a fold's rows to all of them, chosen at random, each choice in the next; by time the latest ones.
    Where they are too few to learn from, they are left out. All nets are trained side by side and kept nowhere; of a
    large table at most 20,000 rows are used. A generator of progress; an empty list if `stop()` ended it early. Raises
    as `train` does.
    """
    random = np.random.default_rng(settings.seed)
    if len(table.frame) > MOST_ROWS:
        chosen = np.sort(random.choice(len(table.frame), MOST_ROWS, replace=False))
        table = replace(table, frame=table.frame.iloc[chosen].reset_index(drop=True))
    data = prepare(table, target, task, groups, time)
    rows = np.arange(len(data.values))
    tried, too_few = [], set()  # (step of the curve, rows to learn from, rows held out, encoder)
    for learns, out in split_into(folds, len(rows), settings.seed, **data.about(rows)):
        order = random.permutation(learns)
        if data.time is not None:
            order = order[np.argsort(data.time[order], kind="stable")[::-1]]
        sizes = [max(FEWEST, round(share * len(order))) for share in SHARES]
        for step, (share, size) in enumerate(zip(SHARES, sizes, strict=True)):
            if size in sizes[step + 1 :]:  # the same rows again
                too_few.add(step)
                continue
            chosen = np.sort(order[:size])
            try:
                encoder = fit_encoder(data.inputs.iloc[chosen])[0]
                rows_that_stop(data, chosen, settings.val_share, settings.seed)
            except DataError:  # nothing differs between them, or each is of another class
                if share == 1:
                    raise
                too_few.add(step)
                continue
            tried.append((step, chosen, out, encoder))
    kept = [one for one in tried if one[0] not in too_few]
    places, learnt, encoders = [(one[0], one[2]) for one in kept], [one[1] for one in kept], [one[3] for one in kept]
    x, parts, meanings = parts_of(data, encoders, learnt, settings.val_share, settings.seed)
    with TemporaryDirectory(prefix="seqlab-") as folder:
        done = yield from fit_parts(
            x, parts, data.classes, Path(folder) / "curve", settings, {"job": "tabular"}, None, compute, stop=stop
        )
    if done is None:
        return []
    nets, metric = done[1].best(), "accuracy" if data.classes else "r2"
    found: list[list[float]] = [[] for _ in SHARES]
    counts: list[list[int]] = [[] for _ in SHARES]
    for number, (step, out) in enumerate(places):
        said = in_words(nets.member(number), parts[number].x[out], meanings[number])
        value = measure(said, data.values[out], data.target)[metric]
        if value is not None:
            found[step].append(value)
            counts[step].append(len(parts[number].learns))
    return [
        {
            "rows": round(mean(count)),
            metric: mean(values),
            "deviation": stdev(values) if len(values) > 1 else None,
            "nets": len(values),
        }
        for count, values in zip(counts, found, strict=True)
        if values
    ]
