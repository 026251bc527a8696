"""The metrics of a finished run: the nets on the rows held out from each, with the baselines beside them."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from seqlab.data.tables.target import Target
from seqlab.models.mlp import MLP
from seqlab.tabular import baselines
from seqlab.tabular.batched import Part
from seqlab.tabular.folds import Split
from seqlab.tabular.metrics import Metrics, measure_classes, measure_numbers, summary
from seqlab.tabular.predictor import half_widths, in_words
from seqlab.tabular.prepare import Prepared


def measure(found: np.ndarray, truth: np.ndarray, target: Target) -> Metrics:
    """Of probabilities and class numbers, or of numbers."""
    return measure_classes(found, truth, target.classes) if target.classes else measure_numbers(found, truth)


def metrics_of(
    data: Prepared,
    nets: MLP,
    splits: Sequence[Split],
    parts: Sequence[Part],
    targets: Sequence[Target],
    test: tuple[np.ndarray, np.ndarray] | None,
) -> dict[str, Any]:
    """The metrics of the rows held out, or where none were of `test`, inputs and truth; of folds their mean, deviation,
    interval and each.

    `baselines`: the same of a constant and of a linear model. `test`: of the test rows, where there are folds too.
    `widths`: half the width of intervals of numbers, by level, from the rows held out."""
    each, errors = list[Metrics](), list[np.ndarray]()
    shown = [  # the number of a net, inputs and truth of the rows held out from it
        (number, parts[number].x[out], data.values[out]) for number, (_, out) in enumerate(splits) if len(out)
    ]
    tested = [] if test is None else [(len(parts) - 1, *test)]
    for number, x, truth in shown or tested:
        found = in_words(nets.member(number), x, targets[number])
        each.append(measure(found, truth, data.target))
        if not data.classes:
            errors.append(found - truth)
    learnt = [(parts[number].x[splits[number][0]], data.values[splits[number][0]]) for number, _, _ in shown or tested]
    straight = baselines.linear(
        [(*one, x) for one, (_, x, _) in zip(learnt, shown or tested, strict=True)], data.classes
    )
    beside: dict[str, list[Metrics]] = {"constant": [], "linear": []}
    for (_, y), line, (_, _, truth) in zip(learnt, straight, shown or tested, strict=True):
        beside["constant"].append(measure(baselines.constant(y, len(truth), data.classes), truth, data.target))
        beside["linear"].append(measure(line, truth, data.target))
    result = _together(each)
    result["baselines"] = {name: _together(one) for name, one in beside.items()}
    if shown and tested:
        ((number, x, truth),) = tested
        result["test"] = measure(in_words(nets.member(number), x, targets[number]), truth, data.target)
    if errors:
        result["widths"] = half_widths(np.concatenate(errors))
    return result


def _together(each: list[Metrics]) -> Metrics:
    return summary(each) if len(each) > 1 else each[0]
