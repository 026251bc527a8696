"""The metrics of a finished run: the nets on the rows held out from each, with the baselines beside them."""

from collections.abc import Sequence

import numpy as np

from seqlab.data.tables.target import Target
from seqlab.models.mlp import MLP
from seqlab.tabular import baselines
from seqlab.tabular.batched import Part
from seqlab.tabular.examples import Examples
from seqlab.tabular.folds import Split
from seqlab.tabular.intervals import Intervals, conformal, coverage, crossed, edges_of
from seqlab.tabular.metrics import Metrics, class_metrics, number_metrics, summary
from seqlab.tabular.predictions import outputs_in_units, quantiles_of

MOST_ROWS = 20_000  # by which the groups of the prediction are told apart

Case = tuple[int, np.ndarray, np.ndarray]  # the number of a net, inputs and truth of the rows held out from it


def metrics_of(found: np.ndarray, truth: np.ndarray, target: Target) -> Metrics:
    """Of probabilities and class numbers, or of numbers."""
    return class_metrics(found, truth, target.classes) if target.classes else number_metrics(found, truth)


def run_metrics(
    data: Examples,
    nets: MLP,
    splits: Sequence[Split],
    parts: Sequence[Part],
    test: tuple[np.ndarray, np.ndarray] | None,
) -> Metrics:
    """The metrics of the rows held out, or where none were of `test`, inputs and truth; of folds their mean, deviation,
    interval and each.

    `baselines`: the same of a constant and of a linear model. `test`: of the test rows, where there are folds too.
    Of numbers `intervals`, made by the rows held out, and their `coverage`: of each fold, or random fifth of the rows,
    in intervals made by the others. Of test rows beside folds it is that of the intervals as they are."""
    held_out: list[Case] = [
        (number, parts[number].x[out], data.values[out]) for number, (_, out) in enumerate(splits) if len(out)
    ]
    tested: list[Case] = [] if test is None else [(len(splits) - 1, *test)]
    cases = held_out or tested
    found = [outputs_in_units(nets.member(number), x, parts[number].target) for number, x, _ in cases]
    result = _together([metrics_of(one, truth, data.target) for one, (_, _, truth) in zip(found, cases, strict=True)])
    result["baselines"] = _baselines(data, splits, parts, cases)
    if held_out and tested:
        ((number, x, truth),) = tested
        result["test"] = metrics_of(outputs_in_units(nets.member(number), x, parts[number].target), truth, data.target)
    if not data.classes:
        intervals, covered = _intervals(nets, parts, cases, found)
        result |= {"intervals": intervals.to_dict(), **covered}
        if held_out and tested:
            predicted = outputs_in_units(nets.member(number), x, parts[number].target)
            ends = intervals.ends(predicted, quantiles_of(nets.member(number + len(splits)), x))
            result["test"] |= coverage(ends, predicted, truth)
    return result


def _intervals(
    nets: MLP, parts: Sequence[Part], cases: Sequence[Case], found: Sequence[np.ndarray]
) -> tuple[Intervals, Metrics]:
    """Those of the last net, made by rows held out from each, of which `found` was predicted, and how many of these lie
    in intervals of the others. The nets of the second half of the parts have learned quantiles."""
    last, scale, half = parts[-1], parts[-1].scale, len(parts) // 2
    assert scale is not None
    quantiles = []
    for number, x, _ in cases:
        own = parts[number + half].scale
        assert own is not None
        quantiles.append(scale.scaled(own.in_units(quantiles_of(nets.member(number + half), x))))
    rows = np.concatenate(found), np.concatenate(quantiles), np.concatenate([truth for _, _, truth in cases])
    learned = last.train_rows[:: -(-len(last.train_rows) // MOST_ROWS)]
    edges = edges_of(outputs_in_units(nets.member(half - 1), last.x[learned], last.target), len(rows[0]))
    made = conformal(scale, edges, *rows)
    folds = np.repeat(np.arange(len(cases)), [len(truth) for _, _, truth in cases]) if len(cases) > 1 else None
    return made, crossed(made, *rows, folds)


def _baselines(
    data: Examples,
    splits: Sequence[Split],
    parts: Sequence[Part],
    cases: Sequence[Case],
) -> dict[str, Metrics]:
    """Of the same rows: a constant and a linear model, each fitted on what the net of these rows learned from."""
    found: dict[str, list[Metrics]] = {"constant": [], "linear": []}
    for number, x, truth in cases:
        rows = splits[number][0]
        y = data.values[rows]
        line = baselines.linear(parts[number].x[rows], y, x, data.classes)
        found["constant"].append(metrics_of(baselines.constant(y, len(truth), data.classes), truth, data.target))
        found["linear"].append(metrics_of(line, truth, data.target))
    return {name: _together(one) for name, one in found.items()}


def _together(each: list[Metrics]) -> Metrics:
    return summary(each) if len(each) > 1 else each[0]
