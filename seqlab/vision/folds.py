"""Cross-validation: every training image is held out once, by a net that is not trained on it."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import mean, stdev
from typing import TYPE_CHECKING, Any

import torch

from seqlab.data.batches import seeded
from seqlab.data.images.image_set import ImageSet
from seqlab.errors import DataError
from seqlab.formatting import html_table

if TYPE_CHECKING:
    import pandas as pd

SHARES = ("top1", "top1_views", "top5", "nll")  # what is averaged over folds


@dataclass(frozen=True)
class FoldedImages:
    """The figures of a cross-validation, as `summary` gives them, and the folder with a net for each fold."""

    folder: Path
    metrics: dict[str, Any]

    def __getitem__(self, name: str) -> Any:
        return self.metrics[name]

    def to_dict(self) -> dict[str, Any]:
        """What `seqlab train-cnn --folds --json` prints last."""
        return {"final": True, "checkpoint": str(self.folder), **self.metrics}

    def to_frame(self) -> "pd.DataFrame":
        """A row for each fold, numbered from 1: top1, top1_views, top5, nll."""
        import pandas as pd

        shares = {name: self.metrics["folds"][name] for name in SHARES}
        return pd.DataFrame(shares, index=pd.RangeIndex(1, len(shares["top1"]) + 1, name="fold"))

    def _repr_html_(self) -> str:
        rows = [[name, self.metrics[name], self.metrics["deviation"][name]] for name in SHARES]
        return html_table(self.folder.name, ["", "mean over folds", "deviation"], rows)


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
    shares = {name: [one[name] for one in metrics] for name in SHARES}
    return {
        **{name: mean(values) for name, values in shares.items()},
        "deviation": {name: stdev(values) for name, values in shares.items()},
        "images": sum(one["images"] for one in metrics),
        "folds": {"accuracy": shares["top1"], **shares},
    }
