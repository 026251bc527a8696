"""GoogLeNet: Szegedy et al. 2015, "Going deeper with convolutions".

A stem, nine inception modules, the mean over the map, dropout and a linear layer. A module looks through 1x1,
3x3 and 5x5 filters and a maximum over 3x3 side by side, and 1x1 filters keep the wide ones cheap. As in the form
that is trained today there is batch normalisation after every convolution (Ioffe and Szegedy 2015) instead of the
stem's local response normalisation, and 3x3 where the paper has 5x5. Weights begin as in He et al. 2015.

The auxiliary heads classify after modules 4a and 4d, in training only, where each counts 0.3 in the
loss: `forward_with_auxiliary` gives their logits beside those of the net.

Fitted to 32x32: half of the maps, and a stem that keeps the side: its first filter is 3x3 without stride
instead of 7x7 with a stride of two, and the pooling behind it is left out, so that the modules see maps of side
16, 8 and 4 instead of 28, 14 and 7. There is no dropout: so small a net is short of maps, not of images.
"""

import torch
from torch import Tensor, nn

from seqlab.models.init import he_normal

# table 1 of the paper: maps of 1x1, of 1x1 before 3x3, of 3x3, of 1x1 before 5x5, of 5x5, of 1x1 after the maximum
MODULES = {
    "3a": (64, 96, 128, 16, 32, 32),
    "3b": (128, 128, 192, 32, 96, 64),
    "4a": (192, 96, 208, 16, 48, 64),
    "4b": (160, 112, 224, 24, 64, 64),
    "4c": (128, 128, 256, 24, 64, 64),
    "4d": (112, 144, 288, 32, 64, 64),
    "4e": (256, 160, 320, 32, 128, 128),
    "5a": (256, 160, 320, 32, 128, 128),
    "5b": (384, 192, 384, 48, 128, 128),
}
HALVED_BEFORE = ("3a", "4a", "5a")
AUXILIARY_AFTER = ("4a", "4d")


class Convolution(nn.Sequential):
    """x (B, C_in, H, W) -> (B, C_out, H / stride, W / stride), normalised and rectified."""

    def __init__(self, in_channels: int, out_channels: int, size: int, stride: int = 1) -> None:
        super().__init__(
            nn.Conv2d(in_channels, out_channels, size, stride, padding=size // 2, bias=False),
            nn.BatchNorm2d(out_channels),
            nn.ReLU(),
        )


class Inception(nn.Module):
    """x (B, C, H, W) -> four views of it side by side (B, ones + threes + fives + pooled, H, W)."""

    def __init__(
        self, channels: int, ones: int, before_threes: int, threes: int, before_fives: int, fives: int, pooled: int
    ) -> None:
        super().__init__()
        self.ones = Convolution(channels, ones, 1)
        self.threes = nn.Sequential(Convolution(channels, before_threes, 1), Convolution(before_threes, threes, 3))
        self.fives = nn.Sequential(Convolution(channels, before_fives, 1), Convolution(before_fives, fives, 3))
        self.pooled = nn.Sequential(nn.MaxPool2d(3, 1, padding=1), Convolution(channels, pooled, 1))

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([self.ones(x), self.threes(x), self.fives(x), self.pooled(x)], 1)


class GoogLeNet(nn.Module):
    """Images (B, 3, 224, 224) -> logits (B, classes); 6,624,904 parameters for a thousand classes.

    auxiliary: with the two heads that only training uses, 13,004,888. Other sides from 32 on work too. small:
    the fitting to images (B, 3, 32, 32).
    """

    def __init__(self, classes: int = 1000, *, auxiliary: bool = False, small: bool = False) -> None:
        super().__init__()
        share = 2 if small else 1
        self.stem = nn.Sequential(
            Convolution(3, 64 // share, 3) if small else Convolution(3, 64, 7, stride=2),
            nn.Identity() if small else _halving(),
            Convolution(64 // share, 64 // share, 1),
            Convolution(64 // share, 192 // share, 3),
        )
        self.inceptions = nn.ModuleDict()
        self.heads = nn.ModuleDict()
        channels = 192 // share
        for name, widths in MODULES.items():
            ones, _, threes, _, fives, pooled = scaled = [width // share for width in widths]
            self.inceptions[name] = Inception(channels, *scaled)
            channels = ones + threes + fives + pooled
            if auxiliary and name in AUXILIARY_AFTER:
                self.heads[name] = _head(channels, 128 // share, 1024 // share, classes)
        self.halving = _halving()
        self.dropout = nn.Dropout(0 if small else 0.4)
        self.output = nn.Linear(channels, classes)
        he_normal(self)

    def forward(self, images: Tensor) -> Tensor:
        return self._forward(images, {})[0]

    def forward_with_auxiliary(self, images: Tensor) -> list[Tensor]:
        """Images (B, 3, H, W) -> the net's logits, then those of its heads from below, each (B, classes).

        The paper's loss is that of the first and 0.3 times that of each of the others.
        """
        return self._forward(images, dict(self.heads.items()))

    def _forward(self, images: Tensor, heads: dict[str, nn.Module]) -> list[Tensor]:
        x = self.stem(images)  # (B, 192, 56, 56), small: (B, 96, 32, 32)
        logits = []
        for name, inception in self.inceptions.items():
            x = inception(self.halving(x) if name in HALVED_BEFORE else x)
            if name in heads:
                logits.append(heads[name](x))
        x = self.dropout(x.mean((2, 3)))  # (B, 1024), small: (B, 512)
        return [self.output(x), *logits]  # each (B, classes)


def _halving() -> nn.Module:
    return nn.MaxPool2d(3, 2, ceil_mode=True)


def _head(channels: int, reduced: int, hidden: int, classes: int) -> nn.Module:
    return nn.Sequential(
        nn.AdaptiveAvgPool2d(4),
        Convolution(channels, reduced, 1),
        nn.Flatten(),
        nn.Linear(reduced * 4 * 4, hidden),
        nn.ReLU(),
        nn.Dropout(0.7),
        nn.Linear(hidden, classes),
    )
