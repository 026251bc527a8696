"""Labelled images as uint8 tensors, and what their channels are like."""

from dataclasses import dataclass, field

import torch
from torch import Tensor

from seqlab.data.images.depth import Ranges


@dataclass(frozen=True)
class ImageSet:
    """Labelled images, split as their publisher split them, or else as a rule of ours does (`drawn`).

    images (N, 3, H, W) uint8, labels (N,) int64 < len(classes). sha256 is that of the records, those to train
    on first: it does not depend on how they were packed. notes: what was repaired or left out when they were read.
    ranges: what was black and white in pictures of more than 8 bits.
    """

    name: str
    origin: str
    classes: tuple[str, ...]
    images: Tensor
    labels: Tensor
    test_images: Tensor
    test_labels: Tensor
    sha256: str
    drawn: bool = False
    notes: tuple[str, ...] = ()
    ranges: Ranges = field(default_factory=dict)


def channel_statistics(images: Tensor) -> tuple[list[float], list[float]]:
    """Mean and standard deviation of each channel of images (N, C, H, W) uint8 on the CPU, as shares of 255."""
    total = torch.zeros(images.shape[1], dtype=torch.float64)
    squares = torch.zeros_like(total)
    for part in images.split(1024):
        shares = part.transpose(0, 1).flatten(1).float() / 255  # (C, n H W)
        total += shares.sum(1)
        squares += shares.square().sum(1)
    count = images.numel() / images.shape[1]
    mean = total / count
    deviation = (squares / count - mean.square()).clamp_min(1e-12).sqrt()
    return mean.tolist(), deviation.tolist()
