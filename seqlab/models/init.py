"""The weights that a convolutional net begins with: He, Zhang, Ren and Sun 2015, "Delving deep into rectifiers"."""

from torch import nn


def he_normal(net: nn.Module) -> None:
    """Draw the filters of all convolutions anew, normal with variance 2 / (outputs x height x width); biases are zero.

    So a gradient keeps its size on the way down through rectified layers, however many there are. Linear layers
    are left as they are.
    """
    for module in net.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
            if module.bias is not None:
                nn.init.zeros_(module.bias)
