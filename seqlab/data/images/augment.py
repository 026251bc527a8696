"""Augmentation and normalisation of a batch of images, all at once."""

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
    """A training batch as drawn: shifted, mirrored, with a hole, and small at first.

    crop: a window of the image with so many pixels around it (He et al. 2016, section 4.2: black ones), `reflect`
    fills them with the image mirrored at its edge. flip: mirrored half of the time; in every second epoch, each
    image as it was not in the first, which wastes none (Jordan 2024). cutout: the side of a black square (DeVries
    and Taylor 2017). start_side: pixels a side of the first images; by three quarters of the run, `epochs`, it has
    grown to the full side in steps of four, and a net is spared half of the work. Every draw comes from the
    generator alone. uint8 images (B, C, H, W) -> `then` of them.
    """

    crop: int
    flip: bool
    then: Callable[[Tensor], Tensor]
    reflect: bool = False
    cutout: int = 0
    start_side: int | None = None
    epochs: float = 1.0
    mirrored: Tensor | None = None  # (N,) bool: which of all images are mirrored in the first epoch

    def __call__(self, images: Tensor, rows: Tensor, epochs: float, generator: torch.Generator) -> Tensor:
        if self.crop:
            images = random_crop(images, self.crop, generator, reflect=self.reflect)
        if self.flip and self.mirrored is not None:
            images = flip(images, self.mirrored[rows] ^ (int(epochs) % 2 == 1))
        if self.cutout:
            images = random_cutout(images, self.cutout, generator)
        images = self.then(images)
        side = self.side(images.shape[-1], epochs)
        if side < images.shape[-1]:
            shape = (images.shape[-2] * side // images.shape[-1], side)
            images = F.interpolate(images, shape, mode="bilinear", antialias=True)
        return images

    def side(self, full: int, epochs: float) -> int:
        """The width in pixels of the images when so many epochs have passed."""
        return growing_side(full, self.start_side, epochs / self.epochs)


def growing_side(full: int, start: int | None, done: float) -> int:
    """The width in pixels when that share of the run is done: `full` from three quarters on."""
    if start is None or start >= full:
        return full
    grown = (full - start) * min(1.0, done / 0.75)
    return start + int(grown / 4 + 1e-9) * 4 if grown < full - start else full


def growing_cost(full: int, start: int | None, done: float) -> float:
    """The share of the work of full images that the images are, by their pixels, when that share of the run is done."""
    return (growing_side(full, start, done) / full) ** 2


def random_crop(images: Tensor, padding: int, generator: torch.Generator, *, reflect: bool = False) -> Tensor:
    """A window of the size of the image, at a random place in it with `padding` pixels on each side.

    The pixels around it are black, or those of the image mirrored at its edge.
    """
    batch, _, height, width = images.shape
    top, left = torch.randint(0, 2 * padding + 1, (2, batch), generator=generator).to(images.device)
    padded = F.pad(images, (padding,) * 4, "reflect" if reflect else "constant")
    windows = padded.unfold(2, height, 1).unfold(3, width, 1)  # (B, C, 2p+1, 2p+1, H, W), a view
    return windows[torch.arange(batch, device=images.device), :, top, left]  # (B, C, H, W)


def flip(images: Tensor, mirrored: Tensor) -> Tensor:
    """The images for which `mirrored` (B,) is true turned left to right."""
    rows = mirrored.nonzero().squeeze(1)
    return images.index_copy(0, rows, images.index_select(0, rows).flip(3))


def random_cutout(images: Tensor, side: int, generator: torch.Generator) -> Tensor:
    """Images with a black square of that side, whose middle is anywhere in the image."""
    batch, _, height, width = images.shape
    y = torch.randint(0, height, (batch, 1, 1, 1), generator=generator).to(images.device)
    x = torch.randint(0, width, (batch, 1, 1, 1), generator=generator).to(images.device)
    down, right = torch.arange(height, device=images.device)[:, None], torch.arange(width, device=images.device)
    low, high = side // 2, side - side // 2
    hole = (down >= y - low) & (down < y + high) & (right >= x - low) & (right < x + high)  # (B, 1, H, W)
    return images.masked_fill(hole, 0)
