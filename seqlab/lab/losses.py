"""Which loss tells classes apart: the distance from the one-hot target, or cross-entropy.

With z the logits, p = softmax(z), y the one-hot target and t its class:

    cross-entropy      L = -log p_t          dL/dz = p - y
    squared distance   L = |p - y|^2         dL/dz = 2 J (p - y)
    distance           L = |p - y|           dL/dz = J (p - y) / |p - y|         J = diag(p) - p p'

J is the slope of softmax. A net that is confidently wrong gives nearly all to a wrong class w: p is nearly the one-hot
of w, and J nearly zero. Where w leads by the margin m, the gradient of both distances falls as e^-m, while that of
cross-entropy goes to -1 for t and to 1 for w: it is largest where the net is most wrong.

The second part is a net that has learned handwritten digits with every label one too high, so that it is sure of
them, and is then taught the true labels. The control is a net that begins anew: it learns with either loss. Distances
are tried at three times the rate as well, and the better counts.
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
from seqlab.lab.drawing import lines, panels
from seqlab.lab.experiment import Experiment, Inequality, Knob, Measured, Rows
from seqlab.models.mlp import MLP
from seqlab.training import Batch, Objective, State

CLASSES, HIDDEN, BATCH, LR, TEST = 10, 32, 64, 0.1, 500
MARGINS = (0.0, 2.0, 4.0, 6.0, 8.0, 10.0)
SOON = 100  # steps after which the nets are compared
LEAD = 20.0  # the median margin of the wrong class before the true labels are taught


class _Scale(NamedTuple):
    wrong_steps: int
    steps: int


SCALES = {"small": _Scale(100, 100), "default": _Scale(200, 150), "full": _Scale(1000, 10000)}

EXPERIMENT = Experiment(
    name="losses",
    claim="cross-entropy pulls hardest where a net is confidently wrong, and it recovers soon; the distance from the "
    "one-hot target has almost no gradient there, and it recovers late",
    source="Solla, Levin and Fleisher (1988), Accelerated learning in layered neural networks; Golik, Doetsch and Ney "
    "(2013), Cross-entropy vs. squared error training",
    refuted_by="a gradient of the distance that is not small where the net is confidently wrong, or a net that "
    "recovers with it as with cross-entropy",
    inequalities=(
        Inequality(
            "formula",
            "largest difference between autograd's gradient and the formula",
            "an equality, up to rounding in float64",
            below=1e-12,
        ),
        Inequality(
            "entropy",
            "gradient of the loss in the true class's logit where a wrong one leads by 10",
            "it is 1 - p_t, and p_t is below 0.001",
            above=0.99,
        ),
        Inequality(
            "distance",
            "that gradient of the distance, squared or not, the larger",
            "it is at most a few p_t, and p_t is e^-10",
            below=1e-3,
        ),
        Inequality(
            "power",
            "distance from -1 of the power of e by which the squared distance's gradient falls with the margin",
            "p_t falls as e^-m once m is large",
            below=0.05,
        ),
        Inequality(
            "recovers",
            "test accuracy of the confidently wrong net after 100 steps by the loss that is praised",
            "most digits are right; guessing gives 0.1, and a net that begins anew 0.9",
            above=0.6,
        ),
        Inequality(
            "stays",
            "that accuracy by the squared distance, at the better of two rates",
            "most digits are still wrong",
            below=0.5,
        ),
        Inequality(
            "anew",
            "that accuracy of a net that begins anew, by the squared distance, at the better of two rates",
            "it is the confidence that hurts: from small weights it learns",
            above=0.8,
        ),
    ),
    knobs={"loss": Knob("cross_entropy", ("squared",), "the loss that is praised, in both parts")},
    seconds=3,
    note="It is softmax together with the distance that has no gradient: of a linear output the distance keeps its "
    "slope, and Hui and Belkin (2021) found it as good as cross-entropy in large nets, which is not tried here. "
    "The net does not stay wrong for ever with the distance, but has not recovered after the 150 steps here. The "
    "net is made confidently wrong by hand: its last layer is scaled until a wrong class leads by 20.",
    slip="A slide writes cross-entropy without its minus: that would be made small by the worst guess. It is minus the "
    "logarithm of the probability that was given to the true class.",
)


def measure(seed: int, scale: str, loss: str = "cross_entropy") -> Measured:
    """Rows: gradients by margin, and test accuracy by step of nets that begin wrong or anew."""
    size = SCALES[scale]
    gradients, difference = _gradients(seed)
    at = {(row["loss"], row["margin"]): row["gradient"] for row in gradients}
    data = _digits(seed)
    wrong = _confidently_wrong(data, size, seed)
    curves: Rows = []
    last: dict[str, float] = {}
    for name, start, objective, lr in (
        ("recovers", wrong, loss, LR),
        ("stays", wrong, "squared", LR),
        ("stays", wrong, "squared", 3 * LR),
        ("anew", _net(seed), "squared", LR),
        ("anew", _net(seed), "squared", 3 * LR),
    ):
        curve = _teach(start, data, objective, lr, size.steps, seed)
        which = {"part": "taught", "start": "anew" if name == "anew" else "confidently wrong", "loss": objective}
        curves += [which | {"lr": lr, "step": step, "accuracy": accuracy} for step, accuracy in curve]
        last[name] = max(last.get(name, 0.0), dict(curve)[SOON])
    far = [math.log(at["squared", margin]) for margin in (6.0, 10.0)]
    values = {
        "formula": difference,
        "entropy": at[loss, 10.0],
        "distance": max(at["squared", 10.0], at["distance", 10.0]),
        "power": abs((far[1] - far[0]) / 4 + 1),
        **{name: last[name] for name in ("recovers", "stays", "anew")},
    }
    return Measured(gradients + curves, values)


def draw(rows: Rows) -> Figure:
    """Gradients by margin, and accuracies by step of nets that begin confidently wrong."""
    figure, (slopes, taught) = panels(
        "Gradient in the true class's logit", "Test accuracy of a net that begins confidently wrong"
    )
    names = {"cross_entropy": "cross-entropy", "squared": "squared distance", "distance": "distance"}
    shown = [row | {"": names[row["loss"]]} for row in rows if row["part"] == "gradient"]
    lines(slopes, shown, "margin", "gradient", "", marker="o", markersize=3.5)
    slopes.set(yscale="log", xlabel="by how much a wrong class leads", ylabel="|dL/dz|")
    curves = [row for row in rows if row["part"] == "taught" and row["start"] != "anew"]
    named = [row | {"": f"{names[row['loss']]}, rate {row['lr']:g}"} for row in curves]
    lines(taught, named, "step", "accuracy", "")
    taught.set(xlabel="step with the true labels", ylim=(0, 1.02))
    taught.legend(frameon=False, fontsize=9, loc="upper left", bbox_to_anchor=(0, -0.2))
    return figure


def loss_of(name: str, z: Tensor, y: Tensor) -> Tensor:
    """The loss (B,) of logits z (B, K) where the classes are y (B,)."""
    if name == "cross_entropy":
        return F.cross_entropy(z, y, reduction="none")
    target = F.one_hot(y, z.shape[1]).to(z)
    squared = (z.softmax(1) - target).square().sum(1)
    return squared.sqrt() if name == "distance" else squared


def gradient_of(name: str, z: Tensor, y: Tensor) -> Tensor:
    """Its slope dL/dz (B, K), by the formulas above."""
    p = z.softmax(1)
    error = p - F.one_hot(y, z.shape[1]).to(z)
    if name == "cross_entropy":
        return error
    through = p * error - p * (p * error).sum(1, keepdim=True)  # J (p - y)
    return 2 * through if name == "squared" else through / error.norm(dim=1, keepdim=True)


def _gradients(seed: int) -> tuple[Rows, float]:
    """By loss and margin, and the largest difference from the formula; the other classes' logits are about 0."""
    others = np.random.default_rng(seed).normal(0, 0.3, CLASSES)
    rows: Rows = []
    difference = 0.0
    y = torch.tensor([0])
    for margin in MARGINS:
        z = torch.tensor(others[None])
        z[0, 0], z[0, 1] = 0.0, margin
        for name in ("cross_entropy", "squared", "distance"):
            leaf = z.clone().requires_grad_()
            (found,) = torch.autograd.grad(loss_of(name, leaf, y).sum(), leaf)
            difference = max(difference, float((found - gradient_of(name, z, y)).abs().max()))
            rows.append({"part": "gradient", "loss": name, "margin": margin, "gradient": abs(float(found[0, 0]))})
    return rows, difference


class _Data(NamedTuple):
    x: Tensor
    y: Tensor
    x_test: Tensor
    y_test: Tensor


def _digits(seed: int) -> _Data:
    from sklearn.datasets import load_digits

    x, y = load_digits(return_X_y=True)
    order = np.random.default_rng(seed).permutation(len(y))
    inputs, classes = torch.from_numpy(x[order] / 16).float(), torch.from_numpy(y[order]).long()
    return _Data(inputs[TEST:], classes[TEST:], inputs[:TEST], classes[:TEST])


def _net(seed: int) -> MLP:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return MLP(64, (HIDDEN,), CLASSES)


def _objective(loss: str) -> Objective:
    def objective(model: nn.Module, batch: Batch, state: State) -> tuple[Tensor, State]:
        x, y = batch
        return loss_of(loss, model(x), y).mean(), None

    return objective


def _run(model: MLP, x: Tensor, y: Tensor, loss: str, lr: float, steps: int, seed: int) -> training.Run:
    optimizer = torch.optim.SGD(model.parameters(), lr=lr, momentum=0.9)
    return training.Run(model, _objective(loss), ShuffledBatches(x, y, BATCH, seed), optimizer, lambda step: lr, steps)


def _confidently_wrong(data: _Data, size: _Scale, seed: int) -> MLP:
    """A net that learned every label one too high; its last layer is scaled until the wrong class leads by LEAD."""
    model = _net(seed)
    wrong = (data.y + 1) % CLASSES
    for _ in training.train(_run(model, data.x, wrong, "cross_entropy", LR, size.wrong_steps, seed)):
        pass
    with torch.no_grad():
        z = model(data.x)
        lead = z.gather(1, wrong[:, None]) - z.gather(1, data.y[:, None])
        for parameter in (model.weights[-1], model.biases[-1]):
            parameter.mul_(max(1.0, LEAD / float(lead.median())))
    return model


def _teach(start: MLP, data: _Data, loss: str, lr: float, steps: int, seed: int) -> list[tuple[int, float]]:
    """(step, test accuracy) from before the first step to after the last."""
    model = start.member(0).train()
    curve = [(0, _accuracy(model, data))]
    for step in training.train(_run(model, data.x, data.y, loss, lr, steps, seed + 1)):
        if step.step % (10 if step.step <= SOON else max(10, steps // 50)) == 0:
            curve.append((step.step, _accuracy(model, data)))
    return curve


@torch.no_grad()
def _accuracy(model: MLP, data: _Data) -> float:
    return float((model(data.x_test).argmax(1) == data.y_test).double().mean())
