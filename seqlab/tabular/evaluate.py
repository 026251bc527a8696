"""The metrics of a finished run: the nets on the rows held out from each, with the baselines beside them."""

from collections.abc import Sequence

import numpy as np

from seqlab.data.tables.target import Target
from seqlab.models.mlp import MLP
from seqlab.tabular import baselines
from seqlab.tabular.batched import Part
from seqlab.tabular.examples import Examples
from seqlab.tabular.folds import Split
from seqlab.tabular.metrics import Metrics, class_metrics, number_metrics, summary
from seqlab.tabular.predictions import half_widths, outputs_in_units


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
    `widths`: half the width of intervals of numbers, by level, from the rows held out."""
    held_out = [  # the number of a net, inputs and truth of the rows held out from it
        (number, parts[number].x[out], data.values[out]) for number, (_, out) in enumerate(splits) if len(out)
    ]
    tested = [] if test is None else [(len(parts) - 1, *test)]
    cases = held_out or tested
    found = [outputs_in_units(nets.member(number), x, parts[number].target) for number, x, _ in cases]
    result = _together([metrics_of(one, truth, data.target) for one, (_, _, truth) in zip(found, cases, strict=True)])
    result["baselines"] = _baselines(data, splits, parts, cases)
    if held_out and tested:
        ((number, x, truth),) = tested
        result["test"] = metrics_of(outputs_in_units(nets.member(number), x, parts[number].target), truth, data.target)
    if not data.classes:
        errors = [one - truth for one, (_, _, truth) in zip(found, cases, strict=True)]
        result["widths"] = half_widths(np.concatenate(errors))
    return result


def _baselines(
    data: Examples,
    splits: Sequence[Split],
    parts: Sequence[Part],
    cases: Sequence[tuple[int, np.ndarray, np.ndarray]],
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
