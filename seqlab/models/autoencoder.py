"""Autoencoders: nets that must say what they saw again, through a code of a few numbers.

What the code cannot hold is lost, so the code keeps what many rows have in common, and a row that comes back badly is
unlike the others (Rumelhart, Hinton and Williams 1986; Hinton and Salakhutdinov 2006).
"""

from itertools import pairwise

from torch import Tensor, nn

from seqlab.models.recurrent import recurrent_layers, run_layers


class Autoencoder(nn.Module):
    """A feedforward net that narrows to a code, and its mirror image that widens again.

    Between are `num_layers` hidden layers of `hidden_size` units on each side, with GELU. The code is linear, so that
    it may lie anywhere in the plane, and so is what comes out, so that it may have any size.
    """

    def __init__(self, input_size: int, hidden_size: int = 128, num_layers: int = 2, code_size: int = 2) -> None:
        super().__init__()
        hidden = [hidden_size] * num_layers
        self.encoder = layers([input_size, *hidden, code_size])
        self.decoder = layers([code_size, *hidden, input_size])

    def encode(self, x: Tensor) -> Tensor:
        """Rows (B, F) -> codes (B, K)."""
        return self.encoder(x)

    def forward(self, x: Tensor) -> Tensor:
        """Rows (B, F) -> the same rows, rebuilt from their codes (B, F)."""
        return self.decoder(self.encode(x))


def layers(sizes: list[int]) -> nn.Sequential:
    """Linear layers between these sizes, with GELU after all but the last; weights after He et al. (2015)."""
    net = nn.Sequential()
    for inputs, outputs in pairwise(sizes):
        if len(net):
            net.append(nn.GELU())
        linear = nn.Linear(inputs, outputs)
        nn.init.kaiming_normal_(linear.weight, nonlinearity="relu")
        nn.init.zeros_(linear.bias)
        net.append(linear)
    return net


class SequenceAutoencoder(nn.Module):
    """An LSTM that reads a window into a code, and an LSTM that writes the window from it (Srivastava et al. 2015).

    The code is a linear layer on what the reader knows after the last row. The writer gets it at every row and
    nothing else, so that all it knows of the window is the code.
    """

    def __init__(self, input_size: int, hidden_size: int = 64, num_layers: int = 1, code_size: int = 2) -> None:
        super().__init__()
        self.reader = recurrent_layers("lstm", input_size, hidden_size, num_layers)
        self.code = nn.Linear(hidden_size, code_size)
        self.writer = recurrent_layers("lstm", code_size, hidden_size, num_layers)
        self.output = nn.Linear(hidden_size, input_size)

    def encode(self, x: Tensor) -> Tensor:
        """Windows (B, T, F) -> codes (B, K)."""
        outputs, _ = run_layers(self.reader, x, None)  # (B, T, H)
        return self.code(outputs[:, -1])

    def forward(self, x: Tensor) -> Tensor:
        """Windows (B, T, F) -> the same windows, rebuilt from their codes (B, T, F)."""
        code = self.encode(x)[:, None].expand(-1, x.shape[1], -1)  # (B, T, K)
        outputs, _ = run_layers(self.writer, code, None)  # (B, T, H)
        return self.output(outputs)
