"""LeNet-5: LeCun, Bottou, Bengio and Haffner 1998, "Gradient-based learning applied to document recognition".

Two convolutions, each followed by a subsampling by two, then three layers that see all of the image. What
differs from the paper: three colours instead of one; rectified units instead of a scaled tanh; the maximum of
four units instead of their trainable average; every map of the second convolution sees every map of the first
(the paper's table I leaves some out, to break the symmetry and save time); a linear output with softmax
instead of radial units.
"""

from torch import Tensor, nn


class LeNet5(nn.Module):
    """Images (B, 3, 32, 32) -> logits (B, classes); 62,006 parameters for ten classes."""

    def __init__(self, classes: int = 10) -> None:
        super().__init__()
        self.c1 = nn.Conv2d(3, 6, 5)
        self.c3 = nn.Conv2d(6, 16, 5)
        self.c5 = nn.Linear(16 * 5 * 5, 120)  # in the paper a convolution whose map is one pixel
        self.f6 = nn.Linear(120, 84)
        self.output = nn.Linear(84, classes)
        self.pool = nn.MaxPool2d(2)
        self.relu = nn.ReLU()

    def forward(self, images: Tensor) -> Tensor:
        x = self.pool(self.relu(self.c1(images)))  # (B, 6, 14, 14)
        x = self.pool(self.relu(self.c3(x)))  # (B, 16, 5, 5)
        x = self.relu(self.c5(x.flatten(1)))  # (B, 120)
        return self.output(self.relu(self.f6(x)))  # (B, classes)
