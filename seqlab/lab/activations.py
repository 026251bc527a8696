"""How large the gradient of the first layer is in a deep feedforward net, and what keeps it from vanishing.

The gradient goes down through a layer by d_(l-1) = (d_l W_l') * s'(z_(l-1)). With weights of variance v / n, where n is
the number of units, the mean square of d is multiplied by v times the mean of s'(z)^2 at each layer:

    sigmoid, v = 1          s' is at most 1/4                           a factor of at most 1/4 a layer
    relu, v = 1             s' is 0 or 1, half of the time each         sqrt(1/2) a layer
    relu, v = 2             the same                                    1 a layer: He et al. 2015, equation 10
    tanh, v = 1             s' is near 1 as the signal becomes small    falls slowly
    relu with batch norm    divided by the drive's deviation as well    sqrt(pi / (pi - 1)) = 1.21 a layer

The last: relu(z) of a normal z has the variance (pi - 1) / (2 pi), a gradient is halved in the square and divided by
this, so whatever v is, it explodes: batch norm is the cause (Yang et al. 2019). A shortcut, x + s(x W), adds 1 to the
slope of each layer, and with it even sigmoid's gradient arrives, and that of batch norm no longer explodes.
"""

import math
from typing import NamedTuple

import numpy as np
import torch
from matplotlib.figure import Figure
from torch import Tensor, nn
from torch.nn import functional as F

from seqlab import training
from seqlab.data.batches import ShuffledBatches, seeded
from seqlab.errors import DivergenceError
from seqlab.lab.drawing import bars, lines, panels
from seqlab.lab.experiment import Experiment, Inequality, Knob, Measured, Rows
from seqlab.models.mlp import ACTIVATIONS, MLP
from seqlab.training import Batch, State

UNITS, BATCH, CLASSES, TEST = 64, 128, 10, 500
RATES = (0.1, 0.03)
RELU_HALVES = math.log10(0.5) / 2  # decades a layer
NORM_GROWS = math.log10(math.pi / (math.pi - 1)) / 2


class _Scale(NamedTuple):
    depths: tuple[int, ...]
    draws: int
    trained: int  # layers of the nets that are trained
    steps: int


SCALES = {
    "small": _Scale((2, 50), 1, 10, 40),
    "default": _Scale((2, 10, 20, 35, 50), 2, 12, 60),
    "full": _Scale((2, 5, 10, 20, 50, 100, 200), 20, 50, 2000),
}


class _Kind(NamedTuple):
    name: str
    activation: str
    variance: float | None  # of a weight, times its inputs; None: as He et al. or Glorot and Bengio say
    norm: bool = False
    shortcut: bool = False


EXPERIMENT = Experiment(
    name="activations",
    claim="the first layer's gradient vanishes with depth for sigmoid and for ReLU with weights that are too small; "
    "He's weights keep it for ReLU and a shortcut for sigmoid, and batch norm without a shortcut makes it explode",
    source="He et al. (2015), Delving deep into rectifiers; Yang et al. (2019), A mean field theory of batch "
    "normalization",
    refuted_by="a sigmoid net whose gradient arrives, a He net or a shortcut whose gradient does not, or a net of 50 "
    "layers with batch norm and no shortcut whose gradient stays",
    inequalities=(
        Inequality(
            "sigmoid",
            "decades by which a layer changes the first layer's gradient, for sigmoid",
            "its slope is at most 1/4, -0.6 decades; random weights scatter it by a tenth",
            below=-0.5,
        ),
        Inequality(
            "relu_small",
            "the same for ReLU with weights of variance 1 / n, over the law's -0.15, less 1: its size",
            "half of the units are off; the product of 50 random layers scatters",
            below=0.25,
        ),
        Inequality(
            "relu_he",
            "size in decades of what 50 layers change for ReLU with He's weights",
            "no change is expected; the other ReLU loses 7, sigmoid 30",
            below=1.5,
        ),
        Inequality(
            "norm",
            "decades by which 50 layers with batch norm and no shortcut change it",
            "1.21^48 is 4 decades; a quarter is left to small widths and batches",
            above=3,
        ),
        Inequality(
            "norm_shortcut",
            "the same with a shortcut",
            "half of that: it grows by a power of depth, 50^(pi / (2 pi - 2)) is 1.2 decades",
            below=2,
        ),
        Inequality(
            "sigmoid_shortcut",
            "size in decades of what 50 layers of sigmoid with a shortcut change",
            "the slope of a layer is 1 and a little; without it 30 decades are lost",
            below=1.5,
        ),
        Inequality(
            "stuck",
            "test accuracy on digits of the deep sigmoid net, at the better of two rates",
            "no gradient, no learning: guessing gives 0.1",
            below=0.3,
        ),
        Inequality(
            "learned",
            "that of ReLU with He's weights",
            "half of the digits, in so few steps; guessing gives 0.1",
            above=0.5,
        ),
        Inequality(
            "learned_shortcut",
            "that of sigmoid with a shortcut",
            "half of the digits, in so few steps; guessing gives 0.1",
            above=0.5,
        ),
    ),
    knobs={
        "init": Knob(
            "he", ("small",), "the weights of the ReLU net that is to keep its gradient: small ones have 1 / n"
        ),
        "shortcut": Knob("on", ("off",), "whether the nets that are cured by a shortcut have one"),
    },
    seconds=4,
    note="ReLU with He's weights and a shortcut, but no batch norm, doubles the signal's square at each layer (the "
    "rows have it): a shortcut wants batch norm or a branch that is scaled down. tanh loses little in 50 layers. The "
    "gradients are those before training; Yang et al. found that one step changes much of them.",
)


def measure(seed: int, scale: str, init: str = "he", shortcut: str = "on") -> Measured:
    """Rows: the first layer's gradient by depth before training, and test accuracy after a few steps."""
    size = SCALES[scale]
    cure = shortcut == "on"
    he = _Kind("ReLU, He", "relu", None if init == "he" else 1.0)
    sigmoid, sigmoid_shortcut = (
        _Kind("sigmoid", "sigmoid", 1.0),
        _Kind("sigmoid, shortcut", "sigmoid", 1.0, False, cure),
    )
    normed = _Kind("ReLU, batch norm", "relu", None, True)
    kinds = (
        sigmoid,
        _Kind("tanh", "tanh", 1.0),
        _Kind("ReLU, small weights", "relu", 1.0),
        he,
        sigmoid_shortcut,
        normed,
        _Kind("ReLU, batch norm, shortcut", "relu", None, True, cure),
        _Kind("ReLU, He, shortcut", "relu", None, False, cure),
    )
    data = _digits(seed)
    rows: Rows = []
    slopes, decades = {}, {}
    for kind in kinds:
        found = [_first_gradient(kind, depth, size.draws, data, seed) for depth in size.depths]
        slopes[kind.name] = np.polyfit(size.depths, found, 1)[0]
        decades[kind.name] = found[-1] - found[0]
        for depth, log in zip(size.depths, found, strict=True):
            rows.append({"part": "gradient", "net": kind.name, "depth": depth, "log10_gradient": log})
    accuracy = {
        kind.name: max(_accuracy(kind, lr, size, data, seed) for lr in RATES)
        for kind in (sigmoid, he, sigmoid_shortcut)
    }
    rows += [{"part": "trained", "net": name, "depth": size.trained, "accuracy": a} for name, a in accuracy.items()]
    values = {
        "sigmoid": slopes["sigmoid"],
        "relu_small": abs(slopes["ReLU, small weights"] / RELU_HALVES - 1),
        "relu_he": abs(decades["ReLU, He"]),
        "norm": decades["ReLU, batch norm"],
        "norm_shortcut": decades["ReLU, batch norm, shortcut"],
        "sigmoid_shortcut": abs(decades["sigmoid, shortcut"]),
        "stuck": accuracy["sigmoid"],
        "learned": accuracy["ReLU, He"],
        "learned_shortcut": accuracy["sigmoid, shortcut"],
    }
    return Measured(rows, {name: float(value) for name, value in values.items()})


def draw(rows: Rows) -> Figure:
    """The first layer's gradient by depth, what vanishes and what is kept, what explodes; accuracies."""
    figure, (vanish, explode, trained) = panels(
        "Gradient of the first layer: what vanishes, what is kept",
        "The same: what explodes",
        "Test accuracy after a few steps",
    )
    gradients = [row for row in rows if row["part"] == "gradient"]
    kept = ("sigmoid", "tanh", "ReLU, small weights", "ReLU, He", "sigmoid, shortcut")
    lines(
        vanish,
        [row for row in gradients if row["net"] in kept],
        "depth",
        "log10_gradient",
        "net",
        marker="o",
        markersize=3,
    )
    lines(
        explode,
        [row for row in gradients if "norm" in row["net"] or "He" in row["net"]],
        "depth",
        "log10_gradient",
        "net",
        marker="o",
        markersize=3,
    )
    for axes in (vanish, explode):
        axes.set(xlabel="layers", ylabel="log10 |dL/dW|")
        axes.legend(frameon=False, fontsize=9, ncols=2, loc="upper center", bbox_to_anchor=(0.45, -0.2))
    named = [row | {"net": row["net"].replace(", ", ",\n")} for row in rows if row["part"] == "trained"]
    bars(trained, named, "accuracy", "net")
    trained.set(ylim=(0, 1.02))
    figure.set_figheight(11)
    return figure


class DeepNet(MLP):
    """An MLP that can have batch norm before each activation, and a shortcut around each hidden layer but the first."""

    def __init__(self, kind: _Kind, depth: int) -> None:
        super().__init__(UNITS, (UNITS,) * (depth - 1), CLASSES, kind.activation)
        self.kind = kind
        if kind.variance is not None:
            with torch.no_grad():
                for weight in self.weights:
                    weight.normal_(std=math.sqrt(kind.variance / weight.shape[1]))

    def forward(self, x: Tensor, which: Tensor | None = None) -> Tensor:
        if not (self.kind.norm or self.kind.shortcut):
            return super().forward(x, which)
        layers = list(zip(self.weights, self.biases, strict=True))
        for number, (weight, bias) in enumerate(layers[:-1]):
            drive = x @ weight[0] + bias[0]
            if self.kind.norm:
                drive = F.batch_norm(drive, None, None, training=True)
            out = ACTIVATIONS[self.activation](drive)
            x = x + out if self.kind.shortcut and number > 0 else out
        return x @ layers[-1][0][0] + layers[-1][1][0]


class _Data(NamedTuple):
    x: Tensor
    y: Tensor
    x_test: Tensor
    y_test: Tensor


def _digits(seed: int) -> _Data:
    """The digits of scikit-learn, each pixel standardized."""
    from sklearn.datasets import load_digits

    x, y = load_digits(return_X_y=True)
    order = np.random.default_rng(seed).permutation(len(y))
    x, y = x[order], y[order]
    scaled = (x - x[TEST:].mean(0)) / (x[TEST:].std(0) + 0.1)
    inputs, classes = torch.from_numpy(scaled).float().clamp(-4, 4), torch.from_numpy(y).long()
    return _Data(inputs[TEST:], classes[TEST:], inputs[:TEST], classes[:TEST])


def _net(kind: _Kind, depth: int, *seed: int) -> DeepNet:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(int(torch.randint(2**31, (), generator=seeded(*seed, depth))))
        return DeepNet(kind, depth)


def _first_gradient(kind: _Kind, depth: int, draws: int, data: _Data, seed: int) -> float:
    """The mean over draws of log10 |dL/dW_1|, in float64: sigmoid's is 30 decades small."""
    logs = []
    for draw in range(draws):
        net = _net(kind, depth, seed, draw).double()
        loss = F.cross_entropy(net(data.x[:BATCH].double()), data.y[:BATCH])
        (gradient,) = torch.autograd.grad(loss, [net.weights[0]])
        logs.append(math.log10(max(float(gradient.norm()), 1e-200)))
    return float(np.mean(logs))


def _objective(model: nn.Module, batch: Batch, state: State) -> tuple[Tensor, State]:
    return F.cross_entropy(model(batch[0]), batch[1]), None


def _accuracy(kind: _Kind, lr: float, size: _Scale, data: _Data, seed: int) -> float:
    """On test digits, after a few steps; of a net that diverged that of guessing."""
    net = _net(kind, size.trained, seed, 0)
    optimizer = torch.optim.SGD(net.parameters(), lr=lr, momentum=0.9)
    batches = ShuffledBatches(data.x, data.y, BATCH, seed, drop_last=True)
    try:
        for _ in training.train(training.Run(net, _objective, batches, optimizer, lambda step: lr, size.steps)):
            pass
    except DivergenceError:
        return 1 / CLASSES
    with torch.no_grad():
        return float((net(data.x_test).argmax(1) == data.y_test).double().mean())
