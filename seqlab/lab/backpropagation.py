"""Backpropagation written out by hand for a feedforward net, beside what autograd finds.

For f = g_h o ... o g_1 with z_l = a_(l-1) W_l + b_l, a_l = s(z_l), a_0 = x, and the loss L of the last z, the chain
rule goes from the last layer to the first (equations BP1 to BP4 of Nielsen 2015, chapter 2):

    d_h = dL/dz_h                       softmax - one-hot, or the slope of the distance, over the number of rows
    dL/dW_l = a_(l-1)' d_l              dL/db_l = the sum of d_l over the rows
    d_(l-1) = (d_l W_l') * s'(z_(l-1))

and gamma times the sum of squared weights adds 2 gamma W_l to dL/dW_l, and nothing to dL/db_l. In float64 they agree
with autograd as far as rounding allows.
"""

import math
from typing import Any

import torch
from matplotlib.figure import Figure
from torch import Tensor
from torch.nn import functional as F

from seqlab.data.batches import seeded
from seqlab.lab.drawing import panels
from seqlab.lab.experiment import Experiment, Inequality, Knob, Measured, Rows
from seqlab.models.mlp import ACTIVATIONS, MLP
from seqlab.plots.style import FAINT, MODEL, WALK

ROWS, INPUTS, HIDDEN, OUTPUTS, GAMMA = 17, 6, (8, 7, 5), 4, 0.01
LOSSES = ("cross_entropy", "squared", "distance")

EXPERIMENT = Experiment(
    name="backpropagation",
    claim="gradients by the chain rule, written out layer by layer, are those that autograd finds",
    source="Rumelhart, Hinton and Williams (1986), Learning representations by back-propagating errors",
    refuted_by="one gradient of one layer that differs by more than rounding",
    inequalities=(
        Inequality(
            "largest_difference",
            "largest difference of a gradient, in units of its layer's largest",
            "float64 has 16 digits; four layers lose a few of them",
            below=1e-10,
        ),
    ),
    knobs={"slope": Knob("exact", ("one",), "s'(z), the slope of the activation: left out, it is 1")},
    seconds=0.2,
)


def measure(seed: int, scale: str, slope: str = "exact") -> Measured:
    """Rows: for each activation and loss the largest difference of a gradient, in units of its layer's largest."""
    rows = [_compare(activation, loss, seed, slope == "exact") for activation in ACTIVATIONS for loss in LOSSES]
    return Measured(rows, {"largest_difference": max(row["largest_difference"] for row in rows)})


def draw(rows: Rows) -> Figure:
    """The largest difference by activation and loss."""
    figure, (axes,) = panels("Largest difference from autograd, relative")
    names = list(dict.fromkeys(f"{row['activation']}, {row['loss']}" for row in rows))
    for place, name in enumerate(names):
        values = [row["largest_difference"] for row in rows if f"{row['activation']}, {row['loss']}" == name]
        axes.plot(values, [place] * len(values), "o", color=MODEL, markersize=4)
    axes.set_yticks(range(len(names)), names)
    axes.set(xscale="log", xlim=(1e-17, 1e-9))
    axes.axvline(1e-10, color=WALK, linewidth=1)
    axes.grid(axis="x", color=FAINT)
    return figure


def gradients(
    net: MLP, x: Tensor, y: Tensor, loss: str, gamma: float, *, slopes: bool = True
) -> list[tuple[Tensor, Tensor]]:
    """(dL/dW_l, dL/db_l) of every layer l of a net without dropout, the first first: (in, out) and (out,).

    x (B, in); y (B,) class numbers for cross_entropy, else (B, out); L is the mean over the rows of -log softmax, of
    the squared Euclidean distance, or of the distance, plus gamma times the sum of squared weights. slopes: whether
    s'(z) is in it, as it should.
    """
    weights = [weight.detach()[0] for weight in net.weights]
    biases = [bias.detach()[0, 0] for bias in net.biases]
    activation = ACTIVATIONS[net.activation]
    inputs, drives = [x], []  # a_(l-1) and z_l
    for weight, bias in zip(weights, biases, strict=True):
        drives.append(inputs[-1] @ weight + bias)  # (B, out)
        inputs.append(activation(drives[-1]))
    delta = _loss_slope(drives[-1], y, loss)  # (B, out)
    found = []
    for layer in reversed(range(len(weights))):
        found.append((inputs[layer].T @ delta + 2 * gamma * weights[layer], delta.sum(0)))
        if layer:
            delta = delta @ weights[layer].T
            if slopes:
                delta = delta * slope(net.activation, drives[layer - 1])
    return found[::-1]


def slope(activation: str, z: Tensor) -> Tensor:
    """s'(z) of an activation, by its formula."""
    if activation == "relu":
        return (z > 0).to(z)
    if activation == "tanh":
        return 1 - torch.tanh(z) ** 2
    if activation == "sigmoid":
        return torch.sigmoid(z) * (1 - torch.sigmoid(z))
    # gelu: s(z) = z P(z) with P the normal distribution's share below z
    share = (1 + torch.erf(z / math.sqrt(2))) / 2
    return share + z * torch.exp(-(z**2) / 2) / math.sqrt(2 * math.pi)


def _loss_slope(z: Tensor, y: Tensor, loss: str) -> Tensor:
    """dL/dz of the last layer, without the weights' part."""
    if loss == "cross_entropy":
        return (z.softmax(1) - F.one_hot(y, z.shape[1])) / len(z)
    error = z - y
    if loss == "squared":
        return 2 * error / len(z)
    return error / error.norm(dim=1, keepdim=True) / len(z)


def _loss(z: Tensor, y: Tensor, loss: str) -> Tensor:
    if loss == "cross_entropy":
        return F.cross_entropy(z, y)
    distance = (z - y).norm(dim=1)
    return (distance.square() if loss == "squared" else distance).mean()


def _compare(activation: str, loss: str, seed: int, slopes: bool) -> dict[str, Any]:
    generator = seeded(seed, 7)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        net = MLP(INPUTS, HIDDEN, OUTPUTS, activation).double()
    with torch.no_grad():
        for bias in net.biases:
            bias.normal_(std=0.3, generator=generator)
    x = torch.randn(ROWS, INPUTS, generator=generator, dtype=torch.float64)
    y = torch.randint(OUTPUTS, (ROWS,), generator=generator)
    if loss != "cross_entropy":
        y = torch.randn(ROWS, OUTPUTS, generator=generator, dtype=torch.float64)
    by_hand = gradients(net, x, y, loss, GAMMA, slopes=slopes)
    total = _loss(net(x), y, loss) + GAMMA * torch.stack([weight.square().sum() for weight in net.weights]).sum()
    parameters = [*net.weights, *net.biases]
    found = torch.autograd.grad(total, parameters)
    layers = len(net.weights)
    differences = []
    for layer, (weight, bias) in enumerate(by_hand):
        pairs = ((weight, found[layer][0]), (bias, found[layers + layer][0, 0]))
        differences.append(max(float((mine - its).abs().max() / its.abs().max()) for mine, its in pairs))
    return {
        "activation": activation,
        "loss": loss,
        "layers": layers,
        "largest_difference": max(differences),
    }
