"""Degradation: beyond some depth a plain net trains worse the deeper it is, and shortcuts cure it.

A block of two convolutions computes F(x). A plain net passes on relu(F(x)), a residual one relu(F(x) + x): to leave x
as it is, the first has to learn the identity, the second only F = 0. In the gradient, with relu left out, the same:

    dL/dx = dL/dy (dF/dx + 1)        y = F(x) + x

so that through any number of blocks a part of it comes back unchanged. He et al. (figure 6) compare 20 and 56 layers
on CIFAR-10: the deeper plain net has the larger error on the images it is trained on. That is no overfitting, of
which the training loss could only fall: the deeper net holds the shallower one, with identities on top.

Here the same nets, of 16, 32 and 64 maps, read handwritten digits of 8 x 8 pixels for some steps, all four with the
same rule. At the full scale they read CIFAR-10 in ten passes.
"""

from typing import Any, NamedTuple

import torch
from matplotlib.figure import Figure
from torch import Tensor

from seqlab import training
from seqlab.data.batches import ShuffledBatches
from seqlab.data.images.sets import load_images
from seqlab.lab.drawing import lines, panels
from seqlab.lab.experiment import Experiment, Inequality, Knob, Measured, Rows
from seqlab.machine import Compute
from seqlab.models.resnet import ResNet
from seqlab.plots.style import GREY
from seqlab.settings import VisionSettings
from seqlab.tasks import Task
from seqlab.training.optimizers import sgd
from seqlab.training.schedules import SCHEDULES, constant
from seqlab.vision.prepare import class_loss, prepare

LR, WEIGHT_DECAY = 0.02, 1e-4
CIFAR_PASSES = 10
POINTS = 40  # of a curve


class _Scale(NamedTuple):
    depths: tuple[int, int]
    batch_size: int
    steps: int  # 0: CIFAR_PASSES of CIFAR-10


SCALES = {"small": _Scale((8, 32), 16, 24), "default": _Scale((20, 56), 32, 120), "full": _Scale((20, 56), 128, 0)}
REASON = "half a nat is more than a fifth of the ln 10 = 2.3 that there is to learn"

EXPERIMENT = Experiment(
    name="degradation",
    claim="in its first 120 steps a plain net of 56 layers has a larger training loss than one of 20, which is no "
    "overfitting; with shortcuts the deeper net trains about as well",
    source="He, Zhang, Ren and Sun (2016), Deep residual learning for image recognition, figure 6",
    refuted_by="a plain net of 56 layers that trains as well as one of 20, or a residual one that falls as far behind",
    inequalities=(
        Inequality(
            "plain_loss",
            "training loss of the deep plain net, in nats, less that of the shallow one",
            REASON,
            above=0.5,
        ),
        Inequality(
            "residual_loss",
            "training loss of the deep residual net, in nats, less that of the shallow one",
            "the same half nat: in so few steps it need not be better, as it is in the paper",
            below=0.5,
        ),
        Inequality(
            "shallow_loss",
            "training loss of the shallow plain net, in nats",
            "the rule of training suits a plain net that is not deep, which learns much of ln 10 = 2.3",
            below=1.7,
        ),
    ),
    knobs={"shortcut": Knob("identity", ("off",), "what is added to the output of a block in the residual nets")},
    seconds=50,
    seeds=3,
    note="The losses are those of the last sixth of the run. In so few steps the deeper residual net may still be "
    "behind the shallow one: that it ends below, as in the paper, takes CIFAR-10 and many more passes. Nor does "
    "a plain net of 56 layers stay where it is here: after the paper's 164 passes it trains too, only worse.",
)


def measure(seed: int, scale: str, shortcut: str = "identity") -> Measured:
    """Rows: the training loss of each net over the run (in `part` curve), and that of its last sixth."""
    size = SCALES[scale]
    nets: dict[tuple[int, bool], list[float]] = {}
    last, rows = {}, []
    for kind, shortcuts in (("plain", False), ("residual", shortcut == "identity")):
        for depth in size.depths:
            if (depth, shortcuts) not in nets:  # with shortcuts off both kinds are the same nets
                nets[depth, shortcuts] = _losses(depth, shortcuts, size, seed)
            losses = nets[depth, shortcuts]
            last[kind, depth] = _mean(losses[-max(1, len(losses) // 6) :])
            rows += [{"part": "curve", "kind": kind, "depth": depth} | point for point in _thinned(losses)]
            rows.append({"part": "end", "kind": kind, "depth": depth, "training_loss": last[kind, depth]})
    shallow, deep = size.depths
    values = {f"{kind}_loss": last[kind, deep] - last[kind, shallow] for kind in ("plain", "residual")}
    return Measured(rows, values | {"shallow_loss": last["plain", shallow]})


def draw(rows: Rows) -> Figure:
    """Figure 6 of the paper: the training loss of the plain nets, and of the residual ones."""
    figure, both = panels("Plain nets", "Residual nets")
    for axes, kind in zip(both, ("plain", "residual"), strict=True):
        curves = [
            row | {"": f"{row['depth']} layers"} for row in rows if row["part"] == "curve" and row["kind"] == kind
        ]
        lines(axes, curves, "step", "training_loss", "")
        axes.axhline(2.303, color=GREY, linewidth=0.8, linestyle=":")
        axes.set(xlabel="step", ylabel="training loss (nats)", ylim=(0, 3))
    return figure


def _losses(depth: int, shortcuts: bool, size: _Scale, seed: int) -> list[float]:
    """The loss of every step of a run."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        run = (
            _digits_run(ResNet(depth, shortcuts=shortcuts), size, seed)
            if size.steps
            else _cifar_run(depth, shortcuts, seed)
        )
        return [step.loss for step in training.train(run)]


def _digits_run(net: ResNet, size: _Scale, seed: int) -> training.Run:
    images, labels = digits()
    batches = ShuffledBatches(images, labels, size.batch_size, seed, drop_last=True)
    net.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return training.Run(net, class_loss, batches, sgd(net, LR, WEIGHT_DECAY), constant(LR, 0, size.steps), size.steps)


def digits() -> tuple[Tensor, Tensor]:
    """The 1,797 digits of scikit-learn in three equal channels (N, 3, 8, 8), normalised, and their labels (N,)."""
    from sklearn.datasets import load_digits

    pixels, labels = load_digits(return_X_y=True)
    images = torch.tensor(pixels, dtype=torch.float32).view(-1, 1, 8, 8)
    images = ((images - images.mean()) / images.std()).expand(-1, 3, -1, -1)
    return images.contiguous(memory_format=torch.channels_last), torch.tensor(labels)


def _cifar_run(depth: int, shortcuts: bool, seed: int) -> training.Run:
    """As `seqlab train-cnn cifar10 --model resnet56 --epochs 10` trains."""
    settings = VisionSettings(seed=seed)
    name = f"{'resnet' if shortcuts else 'plain'}{depth}"
    data = Task(load_images("cifar10")).result()
    prepared, _ = prepare(data, settings, Compute(device="cpu", threads=1), name)
    steps = CIFAR_PASSES * len(prepared.batches)
    if prepared.on_length is not None:
        prepared.on_length(steps)
    rate = SCHEDULES[settings.schedule](settings.lr, settings.warmup_steps, steps)
    return training.Run(
        prepared.model,
        prepared.objective,
        prepared.batches,
        prepared.optimizer,
        rate,
        steps,
        clip_norm=settings.clip_norm,
    )


def _thinned(losses: list[float]) -> list[dict[str, Any]]:
    """The curve in a few points, each the mean of the steps up to it."""
    width = max(1, len(losses) // POINTS)
    return [
        {"step": end, "training_loss": _mean(losses[end - width : end])} for end in range(width, len(losses) + 1, width)
    ]


def _mean(losses: list[float]) -> float:
    return sum(losses) / len(losses)
