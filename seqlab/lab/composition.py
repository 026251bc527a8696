"""Depth as composition: what a deep narrow net folds that a shallow one cannot with as many parameters.

The tent t(x) = 2x below 1/2 and 2 - 2x above it is a layer of two rectified units: t(x) = 2 relu(x) - 4 relu(x - 1/2).
It folds the line once. Layer upon layer, t o t o ... o t folds it k times: a sawtooth of 2^k straight pieces from
6k + 1 parameters, exactly.

A net of one hidden layer of w rectified units has at most w + 1 pieces, and 3w + 1 parameters. At the 2^k + 1 places
i / 2^k the sawtooth is 0 and 1 by turns. A continuous function of n pieces crosses 1/2 at most n times, so it lies
on one side of it in at most n + 1 runs of places, and in each run of them every other one is wrong: at least
(2^k - n) / 2 places are, whatever the weights (the counting of Telgarsky's lemma). This is measured with nets that
are trained, of which the best counts. A shallow net that is exact exists: it needs 2^k units.
"""

import math
from typing import NamedTuple

import numpy as np
import torch
from matplotlib.figure import Figure
from torch import Tensor, nn
from torch.nn import functional as F

from seqlab import training
from seqlab.data.batches import ShuffledBatches
from seqlab.lab.drawing import panels
from seqlab.lab.experiment import Experiment, Inequality, Knob, Measured, Rows
from seqlab.models.mlp import MLP
from seqlab.plots.style import GREY, MODEL, WALK
from seqlab.training import Batch, State, count_parameters

GRID = 2**12  # places between two neighbours of which the pattern of active units is compared
LR = 0.01


class _Scale(NamedTuple):
    folds: int  # k
    members: int  # nets trained from different starts
    steps: int


SCALES = {"small": _Scale(6, 4, 150), "default": _Scale(7, 8, 300), "full": _Scale(9, 32, 20000)}

EXPERIMENT = Experiment(
    name="composition",
    claim="a deep narrow net folds the line k times and has 2^k straight pieces; a shallow one with as many parameters "
    "has too few, and is wrong at two places of five whatever its weights",
    source="Telgarsky (2016), Benefits of depth in neural networks",
    refuted_by="a deep net that is not the sawtooth, or a shallow net with as many parameters that is right at more of "
    "the places than the bound allows",
    inequalities=(
        Inequality(
            "exact",
            "largest difference between the deep net of k layers and the sawtooth",
            "halves and doubles are exact in binary numbers",
            below=1e-12,
        ),
        Inequality("pieces", "its straight pieces, of the 2^k", "each fold doubles them", above=0.999),
        Inequality(
            "parameters",
            "parameters of the shallow nets over its own",
            "the shallow ones may have more, not less",
            above=0.99,
        ),
        Inequality(
            "shallow_pieces",
            "most straight pieces of a trained shallow net, of the 2^k",
            "at most one more than its 2k units: 20 % at k = 6",
            below=0.25,
        ),
        Inequality(
            "shallow_wrong",
            "least share of places where a trained shallow net is on the wrong side",
            "the bound is (2^k - 2k - 1) / 2 of 2^k + 1: 0.39 at k = 6, 0.44 at k = 7",
            above=0.39,
        ),
        Inequality(
            "wide",
            "largest difference between the shallow net of 2^k units and the sawtooth",
            "depth is cheaper, not the only way",
            below=1e-9,
        ),
        Inequality(
            "price",
            "parameters of that shallow net over those of the deep one",
            "3 (2^k) + 1 over 6k + 1 is 5.2 at k = 6",
            above=5,
        ),
    ),
    knobs={"depth": Knob("deep", ("shallow",), "the net that is to fold: k layers of 2 units, or 1 of 2k, trained")},
    seconds=3,
    note="The deep net is written down, not learned: trained from random weights one of its shape does not find the "
    "sawtooth either (the rows have it). That a net can hold a function and that descent finds it are two claims.",
)


def measure(seed: int, scale: str, depth: str = "deep") -> Measured:
    """Rows: the deep net, the exact shallow one, the trained ones, and what each makes of the line."""
    size = SCALES[scale]
    k = size.folds
    deep, wide = tent_net(k), sawtooth_net(k)
    width = math.ceil((count_parameters(deep) - 1) / 3)
    shallow = _trained((width,), size, seed)
    random_deep = _trained((2,) * k, size, seed)
    folding = deep if depth == "deep" else min(shallow, key=lambda net: _wrong(net, k))
    line = torch.linspace(0, 1, 2 ** (k + 3) + 1, dtype=torch.float64)
    nets = {"deep": [folding], "shallow, exact": [wide], "shallow, trained": shallow, "deep, trained": random_deep}
    rows: Rows = [
        {
            "part": "net",
            "net": name,
            "parameters": count_parameters(net),
            "pieces": pieces(net),
            "share": pieces(net) / 2**k,
            "wrong": _wrong(net, k),
            "error": float((_answer(net, line) - sawtooth(line, k)).abs().max()),
        }
        for name, each in nets.items()
        for net in each
    ]
    of = {name: [row for row in rows if row["net"] == name] for name in nets}
    values = {
        "exact": of["deep"][0]["error"],
        "pieces": of["deep"][0]["share"],
        "parameters": count_parameters(shallow[0]) / of["deep"][0]["parameters"],
        "shallow_pieces": max(row["share"] for row in of["shallow, trained"]),
        "shallow_wrong": min(row["wrong"] for row in of["shallow, trained"]),
        "wide": of["shallow, exact"][0]["error"],
        "price": count_parameters(wide) / of["deep"][0]["parameters"],
    }
    best = min(shallow, key=lambda net: _wrong(net, k))
    shown = torch.linspace(0, 1, 2**k + 1, dtype=torch.float64)
    for name, net in (("deep", folding), ("shallow, trained", best)):
        drawn = zip(shown.tolist(), _answer(net, shown).tolist(), strict=True)
        rows += [{"part": "line", "net": name, "x": x, "y": y} for x, y in drawn]
    return Measured(rows, {name: float(value) for name, value in values.items()})


def draw(rows: Rows) -> Figure:
    """The two nets on the line, those of the first seed, and which share of places nets are wrong at."""
    figure, (line, wrong) = panels(
        "The deep net, and the best of the trained shallow ones", "Share of places on the wrong side"
    )
    figure.set_figheight(7)
    first = [row for row in rows if row["seed"] == rows[0]["seed"] and row["part"] == "line"]
    for name, colour, wide in (("deep", MODEL, 0.9), ("shallow, trained", WALK, 2.0)):
        places = [(row["x"], row["y"]) for row in first if row["net"] == name]
        line.plot(*zip(*places, strict=True), color=colour, linewidth=wide, label=name)
    line.set(xlabel="x", ylabel="f(x)")
    line.legend(frameon=False, fontsize=9, ncols=2, loc="upper center", bbox_to_anchor=(0.5, -0.18))
    nets = [row for row in rows if row["part"] == "net"]
    kinds = list(dict.fromkeys(row["net"] for row in nets))
    for place, kind in enumerate(kinds):
        shares = [row["wrong"] for row in nets if row["net"] == kind]
        scatter = np.linspace(-0.2, 0.2, len(shares)) if len(shares) > 1 else [0]
        wrong.plot(place + np.asarray(scatter), shares, "o", color=MODEL, markersize=4, alpha=0.6)
    labels = [f"{kind}\n{next(row['parameters'] for row in nets if row['net'] == kind)} parameters" for kind in kinds]
    wrong.set_xticks(range(len(kinds)), [label.replace(", ", ",\n") for label in labels], fontsize=9)
    wrong.set(ylim=(-0.03, 0.6), xlim=(-0.5, len(kinds) - 0.5))
    wrong.axhline(0.5, color=GREY, linewidth=1, linestyle=":")
    wrong.text(-0.45, 0.51, "guessing", fontsize=9, color=GREY)
    return figure


def sawtooth(x: Tensor, k: int) -> Tensor:
    """The tent, k times: by its definition."""
    for _ in range(k):
        x = torch.where(x < 0.5, 2 * x, 2 - 2 * x)
    return x


@torch.no_grad()
def tent_net(k: int) -> MLP:
    """k layers of two rectified units, by hand: each reads 2 relu(x) - 4 relu(x - 1/2) of the layer before."""
    net = MLP(1, (2,) * k, 1).double()
    fold = torch.tensor([[2.0], [-4.0]], dtype=torch.float64)
    for number, (weight, bias) in enumerate(zip(net.weights, net.biases, strict=True)):
        into = torch.ones(1, 1, dtype=torch.float64) if number == 0 else fold
        weight[0] = into if number == k else into.expand(-1, 2)
        if number < k:
            bias[0, 0] = torch.tensor([0.0, -0.5])
    return net.eval()


@torch.no_grad()
def sawtooth_net(k: int) -> MLP:
    """One hidden layer of 2^k units, by hand: each turns the slope at one of the sawtooth's corners."""
    net = MLP(1, (2**k,), 1).double()
    net.weights[0].fill_(1)
    net.biases[0][0, 0] = -torch.arange(2**k, dtype=torch.float64) / 2**k
    slopes = 2.0 ** (k + 1) * torch.tensor([1.0, -1.0], dtype=torch.float64).repeat(2 ** (k - 1))
    slopes[0] = 2.0**k
    net.weights[1][0, :, 0] = slopes
    return net.eval()


@torch.no_grad()
def pieces(net: MLP) -> int:
    """Straight pieces between 0 and 1: places where a unit begins or ceases to be active, and one."""
    x = ((torch.arange(GRID, dtype=torch.float64) + 0.5) / GRID)[:, None]  # between the corners
    patterns = []
    for weight, bias in list(zip(net.weights, net.biases, strict=True))[:-1]:
        x = torch.relu(x @ weight[0] + bias[0])
        patterns.append(x > 0)
    pattern = torch.cat(patterns, 1)
    return 1 + int((pattern[1:] != pattern[:-1]).any(1).sum())


def _trained(hidden: tuple[int, ...], size: _Scale, seed: int) -> list[MLP]:
    """Nets from random weights whose corners lie between 0 and 1, trained on the sawtooth."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        nets = MLP(1, hidden, 1, members=size.members).double()
        with torch.no_grad():
            corners = torch.rand(size.members, hidden[0], dtype=torch.float64)
            nets.biases[0][:, 0] = -nets.weights[0][:, 0] * corners
    x = torch.linspace(0, 1, 2**size.folds + 1, dtype=torch.float64)[:, None]
    batches = ShuffledBatches(x, sawtooth(x, size.folds), len(x), shuffle=False)

    def objective(model: nn.Module, batch: Batch, state: State) -> tuple[Tensor, State]:
        inputs, targets = (part.expand(size.members, -1, 1) for part in batch)
        return F.mse_loss(model(inputs), targets) * size.members, None

    optimizer = torch.optim.Adam(nets.parameters(), lr=LR)
    for _ in training.train(training.Run(nets, objective, batches, optimizer, lambda step: LR, size.steps)):
        pass
    return [nets.member(number).double() for number in range(size.members)]


@torch.no_grad()
def _answer(net: MLP, x: Tensor) -> Tensor:
    return net(x[:, None])[:, 0]


def _wrong(net: MLP, k: int) -> float:
    """The share of the places i / 2^k at which a net is on the other side of 1/2 than the sawtooth."""
    x = torch.arange(2**k + 1, dtype=torch.float64) / 2**k
    return float(((_answer(net, x) > 0.5) != (sawtooth(x, k) > 0.5)).double().mean())
