"""Cross-validation: every training image is held out once, by a net that was not shown it."""

import hashlib
from collections.abc import Iterator
from dataclasses import replace
from statistics import mean, stdev
from typing import Any

import torch

from seqlab.data.batches import seeded
from seqlab.data.images.image_set import ImageSet
from seqlab.errors import DataError


def folds(data: ImageSet, count: int, seed: int) -> Iterator[ImageSet]:
    """`count` sets of the training images of `data`: each has another part of them as its test images.

    Stratified: the parts have the same share of every class, to an image. Which image is in which is a function of
    the seed. The test images of `data` are in none. Raises DataError for a class with fewer images than parts.
    """
    part = torch.empty(len(data.labels), dtype=torch.int64)
    for label, name in enumerate(data.classes):
        rows = (data.labels == label).nonzero().flatten()
        if len(rows) < count:
            raise DataError(
                f"class '{name}' of {data.name} has {len(rows)} images, too few for {count} folds",
                "choose fewer folds, or leave that class out",
            )
        order = torch.randperm(len(rows), generator=seeded(seed, label))
        part[rows[order]] = (torch.arange(len(rows)) + label) % count  # not all remainders into the first part
    for number in range(count):
        out = part == number
        yield replace(
            data,
            images=data.images[~out],
            labels=data.labels[~out],
            test_images=data.images[out],
            test_labels=data.labels[out],
            sha256=hashlib.sha256(f"{data.sha256} fold {number} of {count}, seed {seed}".encode()).hexdigest(),
        )


def summary(metrics: list[dict[str, Any]]) -> dict[str, Any]:
    """The mean of each share over the folds, its standard deviation between them (n - 1), and each fold's own."""
    shares = {name: [one[name] for one in metrics] for name in ("top1", "top1_views", "top5", "nll")}
    return {
        **{name: mean(values) for name, values in shares.items()},
        "deviation": {name: stdev(values) for name, values in shares.items()},
        "images": sum(one["images"] for one in metrics),
        "folds": {"accuracy": shares["top1"], **shares},
    }
