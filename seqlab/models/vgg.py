"""VGG: Simonyan and Zisserman 2015, "Very deep convolutional networks for large-scale image recognition".

Nothing but 3x3 convolutions, in five stages that each end in a maximum over 2x2, then three layers that see all
of the image, two of them with dropout: the configurations A, B, D and E of table 1, named by their layers with
weights. Convolutions begin as in He et al. 2015, without which the deeper ones do not start (the paper first
trained the shallow one and grew the others from it); the linear layers as in the paper, deviation 0.01.

Fitted to 32x32: half of the maps, batch normalisation after every convolution, and, as five halvings leave
one pixel, one linear layer instead of three: VGG-16 then has 14 layers with weights.
"""

from torch import Tensor, nn

from seqlab.models.init import he_normal

STAGES = {11: (1, 1, 2, 2, 2), 13: (2, 2, 2, 2, 2), 16: (2, 2, 3, 3, 3), 19: (2, 2, 4, 4, 4)}  # convolutions
WIDTHS = (64, 128, 256, 512, 512)
HIDDEN = 4096


class VGG(nn.Module):
    """Images (B, 3, 224, 224) -> logits (B, classes). depth: 11, 13, 16 (138,357,544 parameters) or 19 (143,667,240).

    Other sides from 32 on work too. small: the fitting to images (B, 3, 32, 32).
    """

    def __init__(self, depth: int = 16, classes: int = 1000, *, small: bool = False) -> None:
        super().__init__()
        if depth not in STAGES:
            raise ValueError(f"VGG has {', '.join(map(str, STAGES))} layers, not {depth}")
        share = 2 if small else 1
        layers: list[nn.Module] = []
        channels = 3
        for width, count in zip(WIDTHS, STAGES[depth], strict=True):
            for _ in range(count):
                layers.append(nn.Conv2d(channels, width // share, 3, padding=1, bias=not small))
                channels = width // share
                layers += [nn.BatchNorm2d(channels)] * small
                layers.append(nn.ReLU())
            layers.append(nn.MaxPool2d(2))
        self.features = nn.Sequential(*layers)
        self.pool = nn.AdaptiveAvgPool2d(1 if small else 7)  # the identity on images of the side it is made for
        self.classifier = nn.Linear(channels, classes) if small else _three_layers(channels * 7 * 7, classes)
        he_normal(self)
        for module in self.modules():
            if isinstance(module, nn.Linear):
                nn.init.normal_(module.weight, std=0.01)
                nn.init.zeros_(module.bias)

    def forward(self, images: Tensor) -> Tensor:
        x = self.pool(self.features(images))  # (B, 512, 7, 7), small: (B, 256, 1, 1)
        return self.classifier(x.flatten(1))  # (B, classes)


def _three_layers(inputs: int, classes: int) -> nn.Module:
    return nn.Sequential(
        nn.Linear(inputs, HIDDEN),
        nn.ReLU(),
        nn.Dropout(),
        nn.Linear(HIDDEN, HIDDEN),
        nn.ReLU(),
        nn.Dropout(),
        nn.Linear(HIDDEN, classes),
    )
