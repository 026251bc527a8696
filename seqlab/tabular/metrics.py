"""How well rows are predicted that were not learned from, and how far that varies over folds."""

import math
from statistics import mean, stdev
from typing import Any

import numpy as np
import torch

from seqlab.scoring.confidence import expected_calibration_error

Metrics = dict[str, Any]
SHARES = ("accuracy", "f1", "auc", "ece")  # from 0 to 1; of the others r2 alone may be below 0, and it ends at 1


def class_metrics(probabilities: np.ndarray, labels: np.ndarray, classes: tuple[str, ...]) -> Metrics:
    """What probabilities (N, C) are worth where the class numbers are labels (N,); shares are of one.

    accuracy; f1, the mean over the classes that are there or predicted; auc, of the second class where there are two,
    else the mean of each class against the rest, None where there is but one in the rows; nll, nats per row; ece, the
    expected calibration error; per_class, the share of each class's rows that are predicted right; confusion: counts, a
    row for each true class, a column for each predicted one.
    """
    count = len(classes)
    predicted = probabilities.argmax(1)
    confusion = np.bincount(labels * count + predicted, minlength=count * count).reshape(count, count)
    hits, there, named = np.diag(confusion), confusion.sum(1), confusion.sum(0)
    either = there + named > 0
    truth = np.clip(probabilities[np.arange(len(labels)), labels].astype(np.float64), 1e-12, None)
    areas = [_area(probabilities[:, one], labels == one) for one in ([1] if count == 2 else range(count))]
    known = [area for area in areas if area is not None]
    return {
        "accuracy": float(hits.sum() / len(labels)),
        "f1": float((2 * hits[either] / (there + named)[either]).mean()),
        "auc": mean(known) if known else None,
        "nll": float(-np.log(truth).mean()),
        "ece": expected_calibration_error(torch.from_numpy(probabilities), torch.from_numpy(labels)),
        "per_class": {name: hits[i] / there[i] if there[i] else None for i, name in enumerate(classes)},
        "confusion": confusion.tolist(),
        "rows": len(labels),
    }


def number_metrics(predicted: np.ndarray, truth: np.ndarray) -> Metrics:
    """r2, the share of the variance that is explained (None where there is none); rmse and mae in the target's units;
    predicted and truth (N,)."""
    error = predicted.astype(np.float64) - truth
    variance = float(np.square(truth - truth.mean(dtype=np.float64)).mean())
    squared = float(np.square(error).mean())
    return {
        "r2": 1 - squared / variance if variance else None,
        "rmse": math.sqrt(squared),
        "mae": float(np.abs(error).mean()),
        "rows": len(truth),
    }


def summary(each: list[Metrics]) -> Metrics:
    """The mean of each metric over the folds, its deviation between them (n - 1), a 95 % interval of the mean, and each
    fold's own. Confusions are added up. A mean over classes is None where a fold has no row of one that others have.

    The interval is Student's t over the folds. They share rows to learn from, so that it is a little too narrow.
    """
    names = [name for name, value in each[0].items() if name not in ("per_class", "confusion", "rows")]
    own = {name: [one[name] for one in each] for name in names}
    known = {name: values for name, values in own.items() if None not in values}
    if len({tuple(share is None for share in one.get("per_class", {}).values()) for one in each}) > 1:
        known = {name: values for name, values in known.items() if name not in ("f1", "auc")}
    from scipy.special import stdtrit  # the quantile of Student's t, without the second that scipy.stats takes

    reach = float(stdtrit(len(each) - 1, 0.975)) / math.sqrt(len(each))
    found: Metrics = {name: mean(known[name]) if name in known else None for name in names}
    if "confusion" in each[0]:
        confusion = np.sum([one["confusion"] for one in each], axis=0)
        found["per_class"] = {
            name: row[i] / row.sum() if row.sum() else None
            for (i, row), name in zip(enumerate(confusion), each[0]["per_class"], strict=True)
        }
        found["confusion"] = confusion.tolist()
    return found | {
        "rows": sum(one["rows"] for one in each),
        "deviation": {name: stdev(values) for name, values in known.items()},
        "interval": {name: _interval(name, mean(values), reach * stdev(values)) for name, values in known.items()},
        "folds": own,
    }


def _interval(name: str, middle: float, reach: float) -> list[float]:
    """As far as the metric can go."""
    low, high = middle - reach, middle + reach
    return [low if name == "r2" else max(low, 0.0), min(high, 1.0) if name in (*SHARES, "r2") else high]


def _area(scores: np.ndarray, yes: np.ndarray) -> float | None:
    """The area under the ROC curve of one class against the rest; None where there is no row of it, or no other."""
    from sklearn.metrics import roc_auc_score  # here, for it takes a second

    return float(roc_auc_score(yes, scores)) if 0 < yes.sum() < len(yes) else None
