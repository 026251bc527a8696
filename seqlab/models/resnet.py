"""Residual nets: He, Zhang, Ren and Sun 2016, "Deep residual learning for image recognition".

ResNet is that of section 4.2, for 32x32 images: a 3x3 convolution, three stages of n blocks of two 3x3
convolutions with 16, 32 and 64 maps of side 32, 16 and 8, the mean over the map, and a linear layer: 6n + 2 layers
with weights. The shortcuts are the identity; where a stage halves the side they take every other pixel and pad the
new maps with zeros (the paper's option A), so they have no parameters. Without its shortcuts it is the plain net
of the same section.

ImageNetResNet is that of section 4.1, for 224x224 images: a 7x7 convolution and a pooling, four stages of blocks,
which from 50 layers on are bottlenecks of 1x1, 3x3 and 1x1, and shortcuts that are a 1x1 convolution where the
shape changes (option B). A bottleneck that halves the side does so in its 3x3 convolution, as all do today; in the
paper it was the 1x1 before.

Weights begin as in He et al. 2015.
"""

from torch import Tensor, nn
from torch.nn import functional as F

from seqlab.models.init import he_normal

STAGES = (16, 32, 64)
IMAGENET_STAGES = (64, 128, 256, 512)
IMAGENET_BLOCKS = {18: (2, 2, 2, 2), 34: (3, 4, 6, 3), 50: (3, 4, 6, 3), 101: (3, 4, 23, 3), 152: (3, 8, 36, 3)}


class PaddedShortcut(nn.Module):
    """Option A: the identity where the shape stays, else every other pixel and new maps of zeros."""

    def __init__(self, in_channels: int, out_channels: int, stride: int) -> None:
        super().__init__()
        self.stride, self.new_channels = stride, out_channels - in_channels

    def forward(self, x: Tensor) -> Tensor:
        if self.stride == 1 and self.new_channels == 0:
            return x
        x = x[:, :, :: self.stride, :: self.stride]
        return F.pad(x, (0, 0, 0, 0, 0, self.new_channels))  # (B, C_out, H / stride, W / stride)


def projection(in_channels: int, out_channels: int, stride: int) -> nn.Module:
    """Option B: the identity where the shape stays, else a 1x1 convolution."""
    if stride == 1 and in_channels == out_channels:
        return nn.Identity()
    return nn.Sequential(
        nn.Conv2d(in_channels, out_channels, 1, stride, bias=False),
        nn.BatchNorm2d(out_channels),
    )


class Block(nn.Module):
    """x (B, C_in, H, W) -> relu(F(x) + shortcut(x)), (B, C_out, H / stride, W / stride); a plain one: relu(F(x))."""

    def __init__(self, in_channels: int, out_channels: int, stride: int, shortcut: nn.Module | None) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, out_channels, 3, stride, padding=1, bias=False)
        self.norm1 = nn.BatchNorm2d(out_channels)
        self.conv2 = nn.Conv2d(out_channels, out_channels, 3, padding=1, bias=False)
        self.norm2 = nn.BatchNorm2d(out_channels)
        self.shortcut = shortcut

    def forward(self, x: Tensor) -> Tensor:
        residual = F.relu(self.norm1(self.conv1(x)))
        residual = self.norm2(self.conv2(residual))
        return F.relu(residual if self.shortcut is None else residual + self.shortcut(x))


class Bottleneck(nn.Module):
    """x (B, C_in, H, W) -> relu(F(x) + shortcut(x)), (B, C_out, H / stride, W / stride), through C_out / 4 maps."""

    def __init__(self, in_channels: int, out_channels: int, stride: int, shortcut: nn.Module) -> None:
        super().__init__()
        width = out_channels // 4
        self.conv1 = nn.Conv2d(in_channels, width, 1, bias=False)
        self.norm1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, stride, padding=1, bias=False)
        self.norm2 = nn.BatchNorm2d(width)
        self.conv3 = nn.Conv2d(width, out_channels, 1, bias=False)
        self.norm3 = nn.BatchNorm2d(out_channels)
        self.shortcut = shortcut

    def forward(self, x: Tensor) -> Tensor:
        residual = F.relu(self.norm1(self.conv1(x)))
        residual = F.relu(self.norm2(self.conv2(residual)))
        residual = self.norm3(self.conv3(residual))
        return F.relu(residual + self.shortcut(x))


class ResNet(nn.Module):
    """Images (B, 3, 32, 32) -> logits (B, classes). depth: 6n + 2; 20 has 269,722 parameters for ten classes.

    shortcuts: False is the plain net of the same layers and parameters.
    """

    def __init__(self, depth: int = 20, classes: int = 10, *, shortcuts: bool = True) -> None:
        super().__init__()
        blocks, rest = divmod(depth - 2, 6)
        if rest or blocks < 1:
            raise ValueError(f"a residual net for 32x32 images has 6n + 2 layers, not {depth}")
        self.conv = nn.Conv2d(3, STAGES[0], 3, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(STAGES[0])
        layers, channels = [], STAGES[0]
        for stage, width in enumerate(STAGES):
            for block in range(blocks):
                stride = 2 if stage and block == 0 else 1
                shortcut = PaddedShortcut(channels, width, stride) if shortcuts else None
                layers.append(Block(channels, width, stride, shortcut))
                channels = width
        self.blocks = nn.Sequential(*layers)
        self.output = nn.Linear(channels, classes)
        he_normal(self)

    def forward(self, images: Tensor) -> Tensor:
        x = F.relu(self.norm(self.conv(images)))  # (B, 16, 32, 32)
        x = self.blocks(x)  # (B, 64, 8, 8)
        return self.output(x.mean((2, 3)))  # (B, classes)


class ImageNetResNet(nn.Module):
    """Images (B, 3, 224, 224) -> logits (B, classes). depth: 18, 34, 50, 101 or 152.

    For a thousand classes 11,689,512, 21,797,672, 25,557,032, 44,549,160 and 60,192,808 parameters. Other sides
    from 32 on work too.
    """

    def __init__(self, depth: int = 50, classes: int = 1000) -> None:
        super().__init__()
        if depth not in IMAGENET_BLOCKS:
            raise ValueError(
                f"a residual net for ImageNet has {', '.join(map(str, IMAGENET_BLOCKS))} layers, not {depth}"
            )
        kind, expansion = (Block, 1) if depth < 50 else (Bottleneck, 4)
        channels = IMAGENET_STAGES[0]
        self.conv = nn.Conv2d(3, channels, 7, 2, padding=3, bias=False)
        self.norm = nn.BatchNorm2d(channels)
        self.pool = nn.MaxPool2d(3, 2, padding=1)
        layers: list[nn.Module] = []
        for stage, (width, blocks) in enumerate(zip(IMAGENET_STAGES, IMAGENET_BLOCKS[depth], strict=True)):
            for block in range(blocks):
                stride, out_channels = (2 if stage and block == 0 else 1), width * expansion
                layers.append(kind(channels, out_channels, stride, projection(channels, out_channels, stride)))
                channels = out_channels
        self.blocks = nn.Sequential(*layers)
        self.output = nn.Linear(channels, classes)
        he_normal(self)

    def forward(self, images: Tensor) -> Tensor:
        x = self.pool(F.relu(self.norm(self.conv(images))))  # (B, 64, 56, 56)
        x = self.blocks(x)  # (B, 512 or 2048, 7, 7)
        return self.output(x.mean((2, 3)))  # (B, classes)
