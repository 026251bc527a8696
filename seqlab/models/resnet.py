"""Residual nets for 32x32 images: He, Zhang, Ren and Sun 2016, "Deep residual learning for image recognition".

Section 4.2: a 3x3 convolution, three stages of n blocks of two 3x3 convolutions with 16, 32 and 64 maps of
side 32, 16 and 8, the mean over the map, and a linear layer: 6n + 2 layers with weights. The shortcuts are
the identity; where a stage halves the side they take every other pixel and pad the new maps with zeros (the
paper's option A), so they have no parameters. Weights begin as in He et al. 2015 (normal, variance 2 / fan).
"""

from torch import Tensor, nn
from torch.nn import functional as F

STAGES = (16, 32, 64)


class Block(nn.Module):
    """x (B, C_in, H, W) -> relu(x + F(x)), (B, C_out, H / stride, W / stride)."""

    def __init__(self, in_channels: int, out_channels: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, out_channels, 3, stride, padding=1, bias=False)
        self.norm1 = nn.BatchNorm2d(out_channels)
        self.conv2 = nn.Conv2d(out_channels, out_channels, 3, padding=1, bias=False)
        self.norm2 = nn.BatchNorm2d(out_channels)
        self.stride, self.new_channels = stride, out_channels - in_channels

    def forward(self, x: Tensor) -> Tensor:
        residual = F.relu(self.norm1(self.conv1(x)))
        residual = self.norm2(self.conv2(residual))
        return F.relu(residual + self.shortcut(x))

    def shortcut(self, x: Tensor) -> Tensor:
        """Option A: the identity where the shape stays, else every other pixel and new maps of zeros."""
        if self.stride == 1 and self.new_channels == 0:
            return x
        x = x[:, :, :: self.stride, :: self.stride]
        return F.pad(x, (0, 0, 0, 0, 0, self.new_channels))  # (B, C_out, H / stride, W / stride)


class ResNet(nn.Module):
    """Images (B, 3, 32, 32) -> logits (B, classes). depth: 6n + 2; 20 has 269,722 parameters for ten classes."""

    def __init__(self, depth: int = 20, classes: int = 10) -> None:
        super().__init__()
        blocks, rest = divmod(depth - 2, 6)
        if rest or blocks < 1:
            raise ValueError(f"a residual net for 32x32 images has 6n + 2 layers, not {depth}")
        self.conv = nn.Conv2d(3, STAGES[0], 3, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(STAGES[0])
        layers, channels = [], STAGES[0]
        for stage, width in enumerate(STAGES):
            for block in range(blocks):
                layers.append(Block(channels, width, stride=2 if stage and block == 0 else 1))
                channels = width
        self.blocks = nn.Sequential(*layers)
        self.output = nn.Linear(channels, classes)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, images: Tensor) -> Tensor:
        x = F.relu(self.norm(self.conv(images)))  # (B, 16, 32, 32)
        x = self.blocks(x)  # (B, 64, 8, 8)
        return self.output(x.mean((2, 3)))  # (B, classes)
