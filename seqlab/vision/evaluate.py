"""How good a classifier is on held-out images, and how good its probabilities are."""

import math
from collections.abc import Generator
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from seqlab.machine import DeviceConfig
from seqlab.scoring.confidence import expected_calibration_error
from seqlab.tasks import Status, Task
from seqlab.vision.classifier import Classifier, FittedOn, evaluation_batch, predict, views

SPREAD = 3.0  # the prior deviation of 1 / temperature from 1
HOTTEST = 100.0  # a temperature at which even a net that has learned nothing is not overconfident


def evaluate(
    classifier: Classifier, images: Tensor, labels: Tensor, device_config: DeviceConfig, *, fitted_here: bool = False
) -> dict[str, Any]:
    """The figures of a classifier on labelled images (N, 3, H, W) that it was not trained on; shares are from 0 to 1.

    top1: the share whose class comes first; top1_views: the same by the mean logits over the test-time `views` of
    each image, of which there are `views`; top5: the share whose class is among the first five. nll: nats per image.
    per_class: the share of each class's images that are predicted right, None where it has none. confusion: counts, a
    row for each true class, a column for each predicted one. All but top1_views are of the plain images.

    calibration: `ece`, the expected calibration error; `temperature`, the classifier's own, `ece_calibrated`, the
    error of the logits divided by it, and `fitted_on`, what it is from; `temperature_views` is that of the mean logits
    over the views. Nothing is fitted here. fitted_here: whether the temperature is from these very images, so that
    `ece_calibrated` would say nothing and is None.
    """
    return Task(measuring(classifier, images, labels, device_config, fitted_here=fitted_here)).result()


def measuring(
    classifier: Classifier, images: Tensor, labels: Tensor, device_config: DeviceConfig, *, fitted_here: bool = False
) -> Generator[Status, None, dict[str, Any]]:
    """`evaluate` as a generator of how far it is."""
    parts: list[list[Tensor]] = []
    for part in images.split(evaluation_batch(images)):
        yield Status("measuring", sum(len(plain) for plain, _ in parts), len(images))
        parts.append([found.cpu() for found in classifier.plain_and_averaged(part, device_config)])
    logits, averaged = (torch.cat(found) for found in zip(*parts, strict=True))
    count = len(classifier.classes)
    predicted = logits.argmax(1)
    ranked = logits.topk(min(5, count)).indices  # (N, 5)
    confusion = (labels * count + predicted).bincount(minlength=count * count).view(count, count)
    per_class = [int(row[index]) / int(row.sum()) if row.sum() else None for index, row in enumerate(confusion)]
    return {
        "top1": (predicted == labels).double().mean().item(),
        "top1_views": (averaged.argmax(1) == labels).double().mean().item(),
        "top5": (ranked == labels[:, None]).any(1).double().mean().item(),
        "nll": F.cross_entropy(logits.double(), labels).item(),
        "calibration": _calibration(classifier, logits, labels, fitted_here),
        "per_class": dict(zip(classifier.classes, per_class, strict=True)),
        "confusion": confusion.tolist(),
        "images": len(images),
        "views": len(views(images[:1].float(), classifier.mirrors)),
    }


def calibrated(
    classifier: Classifier, images: Tensor, labels: Tensor, device_config: DeviceConfig, fitted_on: FittedOn
) -> Classifier:
    """The classifier with the temperatures that minimise the nll of images (N, 3, H, W) that it was not trained on.

    One for plain logits and one for the mean logits over the views, which are less confident (Guo et al. 2017).
    """
    plain, averaged = (
        fit_temperature(logits.cpu(), labels) for logits in classifier.plain_and_averaged(images, device_config)
    )
    return replace(classifier, temperature=plain, temperature_views=averaged, fitted_on=fitted_on)


def _calibration(classifier: Classifier, logits: Tensor, labels: Tensor, fitted_here: bool) -> dict[str, Any]:
    logits = logits.double()
    cooled = None if fitted_here else expected_calibration_error((logits / classifier.temperature).softmax(1), labels)
    return {
        "ece": expected_calibration_error(logits.softmax(1), labels),
        "ece_calibrated": cooled,
        "temperature": classifier.temperature,
        "temperature_views": classifier.temperature_views,
        "fitted_on": classifier.fitted_on,
    }


def fit_temperature(logits: Tensor, labels: Tensor) -> float:
    """The number that divides logits (N, classes) so that the negative log-likelihood of the labels (N,) is least.

    A normal prior counts as well: 1 / temperature is near 1, with a deviation of SPREAD. Thousands of images overrule
    it; two dozen, nearly all predicted right, would else make every answer certain. At most HOTTEST. The sum is convex
    in 1 / temperature, so that the zero of its slope is found by bisection.
    """
    logits = logits.double()
    truth = logits.gather(1, labels[:, None]).squeeze(1)  # (N,)
    low, high = -math.log(HOTTEST), math.log(HOTTEST)  # of the log of 1 / temperature
    while high - low > 1e-9:
        middle = (low + high) / 2
        inverse = math.exp(middle)
        expected = ((logits * inverse).softmax(1) * logits).sum(1)
        if (expected - truth).sum() + (inverse - 1) / SPREAD**2 > 0:  # overconfident
            high = middle
        else:
            low = middle
    return math.exp(-(low + high) / 2)


@dataclass(frozen=True)
class Mistake:
    """A misclassified image: its index, both classes' numbers, the probability of the wrong one."""

    index: int
    predicted: int
    truth: int
    probability: float


def worst_mistakes(
    classifier: Classifier, images: Tensor, labels: Tensor, device_config: DeviceConfig, count: int = 24
) -> list[Mistake]:
    """Up to `count` misclassified images of (N, 3, H, W), the most confident mistake first."""
    probability, predicted = predict(classifier, images, device_config).cpu().max(1)
    wrong = (predicted != labels).nonzero().squeeze(1)
    order = wrong[probability[wrong].argsort(descending=True, stable=True)[:count]].tolist()
    return [Mistake(i, int(predicted[i]), int(labels[i]), float(probability[i])) for i in order]
