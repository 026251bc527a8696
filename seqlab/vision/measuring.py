"""How well a classifier knows images it has not seen."""

from typing import Any

from torch import Tensor

from seqlab.machine import Resolved
from seqlab.vision.classifier import Classifier


def evaluate(classifier: Classifier, images: Tensor, labels: Tensor, chosen: Resolved) -> dict[str, Any]:
    """The share of images (N, 3, H, W) whose class comes first, and is among the first five.

    per_class: the share of each class's images that are recognised, None where it has none. confusion:
    counts, a row for each true class, a column for each predicted one.
    """
    logits = classifier.logits(images, chosen).cpu()
    count = len(classifier.classes)
    predicted = logits.argmax(1)
    ranked = logits.topk(min(5, count)).indices  # (N, 5)
    confusion = (labels * count + predicted).bincount(minlength=count * count).view(count, count)
    per_class = [int(row[index]) / int(row.sum()) if row.sum() else None for index, row in enumerate(confusion)]
    return {
        "top1": (predicted == labels).double().mean().item(),
        "top5": (ranked == labels[:, None]).any(1).double().mean().item(),
        "per_class": dict(zip(classifier.classes, per_class, strict=True)),
        "confusion": confusion.tolist(),
        "images": len(images),
    }
