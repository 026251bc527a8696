"""Batches of uint8 images on their way into a net: random windows and sides, and normalisation."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F


@dataclass(frozen=True)
class Normalise:
    """uint8 images (B, C, H, W) -> float32, each channel with mean 0 and deviation 1 over the images trained on."""

    mean: list[float]
    std: list[float]

    def __call__(self, images: Tensor) -> Tensor:
        mean = images.new_tensor(self.mean, dtype=torch.float32)[:, None, None] * 255  # (C, 1, 1)
        std = images.new_tensor(self.std, dtype=torch.float32)[:, None, None] * 255
        return images.float().sub_(mean).div_(std).contiguous(memory_format=torch.channels_last)


@dataclass(frozen=True)
class Augment:
    """The training batch of He et al. 2016, section 4.2: a window of the padded image, mirrored half of the time.

    crop: pixels of black on each side (0: no crop). Every image of a batch draws its own window and side, from
    the generator alone. uint8 images (B, C, H, W) -> `then` of them.
    """

    crop: int
    flip: bool
    then: Callable[[Tensor], Tensor]

    def __call__(self, images: Tensor, generator: torch.Generator) -> Tensor:
        if self.crop:
            images = random_crop(images, self.crop, generator)
        if self.flip:
            images = random_flip(images, generator)
        return self.then(images)


def random_crop(images: Tensor, padding: int, generator: torch.Generator) -> Tensor:
    """A window of the size of the image, at a random place in it with `padding` black pixels on each side."""
    batch, _, height, width = images.shape
    top, left = torch.randint(0, 2 * padding + 1, (2, batch), generator=generator).to(images.device)
    padded = F.pad(images, (padding,) * 4)
    windows = padded.unfold(2, height, 1).unfold(3, width, 1)  # (B, C, 2p+1, 2p+1, H, W), a view
    return windows[torch.arange(batch, device=images.device), :, top, left]  # (B, C, H, W)


def random_flip(images: Tensor, generator: torch.Generator) -> Tensor:
    """Each image mirrored left to right, or not, with probability one half."""
    mirrored = torch.rand(len(images), generator=generator) < 0.5
    rows = mirrored.nonzero().squeeze(1).to(images.device)
    return images.index_copy(0, rows, images.index_select(0, rows).flip(3))
