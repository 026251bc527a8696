"""AlexNet in one column: Krizhevsky 2014, "One weird trick for parallelizing convolutional neural networks".

The net of Krizhevsky, Sutskever and Hinton 2012 without its two halves for two GPUs and without its local
response normalisation: five convolutions, of which the first, second and fifth are followed by a maximum over
overlapping 3x3 windows two apart, then three layers that see all of the image, two of them behind dropout.
Weights begin as in He et al. 2015: the papers' normal numbers of deviation 0.01 need their normalisation and
biases of one to get going.

Fitted to 32x32: a quarter of the maps and of the hidden units; the first filter is 5x5 without stride instead of
11x11 with a stride of four, and each pooling has a pixel of padding, so that the maps have the sides 32, 16, 8 and
4; and every convolution is followed by batch normalisation, which the papers did not have, so that a short training
gets far.
"""

from torch import Tensor, nn

from seqlab.models.init import he_normal

WIDTHS = (64, 192, 384, 256, 256)
HIDDEN = 4096
FILTERS = (11, 5, 3, 3, 3)
POOLED = (0, 1, 4)  # the convolutions before a pooling


class AlexNet(nn.Module):
    """Images (B, 3, 224, 224) or larger -> logits (B, classes); 61,100,840 parameters for a thousand classes.

    small: the fitting to images (B, 3, 32, 32) or larger; 2,264,346 parameters for ten classes.
    """

    def __init__(self, classes: int = 1000, *, small: bool = False) -> None:
        super().__init__()
        share, first, stride, side = (4, 5, 1, 4) if small else (1, FILTERS[0], 4, 6)
        layers: list[nn.Module] = []
        channels = 3
        for index, (width, size) in enumerate(zip(WIDTHS, (first, *FILTERS[1:]), strict=True)):
            layers.append(
                nn.Conv2d(channels, width // share, size, 1 if index else stride, padding=2 if size > 3 else 1)
            )
            channels = width // share
            layers += [nn.BatchNorm2d(channels)] * small
            layers.append(nn.ReLU())
            layers += [nn.MaxPool2d(3, 2, padding=1 if small else 0)] * (index in POOLED)
        self.features = nn.Sequential(*layers)
        self.pool = nn.AdaptiveAvgPool2d(side)  # the identity on images of the side it is made for
        hidden = HIDDEN // share
        self.classifier = nn.Sequential(
            nn.Dropout(),
            nn.Linear(channels * side * side, hidden),
            nn.ReLU(),
            nn.Dropout(),
            nn.Linear(hidden, hidden),
            nn.ReLU(),
            nn.Linear(hidden, classes),
        )
        he_normal(self)

    def forward(self, images: Tensor) -> Tensor:
        x = self.pool(self.features(images))  # (B, 256, 6, 6), small: (B, 64, 4, 4)
        return self.classifier(x.flatten(1))  # (B, classes)
