"""A feedforward net: f = g_h o ... o g_1, each layer g(x) = activation(x W + b), the last one without activation.

Rumelhart, Hinton and Williams 1986, "Learning representations by back-propagating errors". The weights are initialized
as suits the activation: Glorot and Bengio 2010 for those that are linear around zero, He et al. 2015 for the rectified.
Several nets of one shape can be one module, so that a step of all of them is a few large products instead of many
small ones.
"""

import itertools
from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "relu": torch.relu,
    "gelu": F.gelu,
    "tanh": torch.tanh,
    "sigmoid": torch.sigmoid,
}
RECTIFIED = ("relu", "gelu")


class MLP(nn.Module):
    """`members` nets in one: inputs (K, B, input_size) -> (K, B, outputs), each member from its own inputs.

    With one member, (B, input_size) -> (B, outputs) too; inputs of the first members alone give theirs, and those of
    the members `which` (numbers) theirs. hidden_sizes: units of each layer but the last; dropout: the share of hidden
    units that are left out of a training step.
    """

    def __init__(
        self,
        input_size: int,
        hidden_sizes: Sequence[int],
        outputs: int,
        activation: str = "relu",
        dropout: float = 0.0,
        members: int = 1,
    ) -> None:
        super().__init__()
        self.activation, self.dropout, self.members = activation, dropout, members
        sizes = [input_size, *hidden_sizes, outputs]
        pairs = list(itertools.pairwise(sizes))
        self.weights = nn.ParameterList([nn.Parameter(torch.zeros(members, *pair)) for pair in pairs])
        self.biases = nn.ParameterList([nn.Parameter(torch.zeros(members, 1, after)) for _, after in pairs])
        for member in range(members):
            self.init(member)

    @torch.no_grad()
    def init(self, member: int, inputs: int | None = None) -> None:
        """Draw a member's weights; its biases are zero.

        inputs: how many of the inputs are ever other than zero, where those are fewer: the fan-in counts no others.
        """
        last = len(self.weights) - 1
        for number, (weight, bias) in enumerate(zip(self.weights, self.biases, strict=True)):
            before, after = weight.shape[1:]
            if number == 0 and inputs is not None:
                before = max(1, inputs)
            if self.activation in RECTIFIED and number < last:
                nn.init.normal_(weight[member], std=(2 / before) ** 0.5)  # He et al., equation 10
            else:
                bound = (6 / (before + after)) ** 0.5  # Glorot and Bengio, equation 16
                if self.activation == "sigmoid" and number < last:
                    bound *= 4  # its slope at zero is a quarter of tanh's
                nn.init.uniform_(weight[member], -bound, bound)
            bias[member].zero_()

    def forward(self, x: Tensor, which: Tensor | None = None) -> Tensor:
        if x.dim() == 2:
            return self.forward(x[None])[0]  # (B, outputs)
        nets = slice(len(x)) if which is None else which
        for number, (weight, bias) in enumerate(zip(self.weights, self.biases, strict=True)):
            if number > 0:
                x = F.dropout(ACTIVATIONS[self.activation](x), self.dropout, self.training)
            x = torch.baddbmm(bias[nets], x, weight[nets])  # (K, B, units)
        return x

    @torch.no_grad()
    def member(self, number: int) -> "MLP":
        """One of the nets by itself, a copy."""
        sizes = [weight.shape[2] for weight in self.weights]
        net = MLP(self.weights[0].shape[1], sizes[:-1], sizes[-1], self.activation, self.dropout)
        for mine, its in zip(self.parameters(), net.parameters(), strict=True):
            its.copy_(mine[number : number + 1])
        return net.eval()
