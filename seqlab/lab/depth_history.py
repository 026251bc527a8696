"""From LeNet-5 to ResNet: how deep the nets became, and where their parameters are.

A convolution of k x k from C to C' maps has k k C C' weights, whatever the side of its maps, and uses each at every
place: H W k k C C' multiply-adds. A dense layer of N units on a map has H W C N weights and uses each once. So the
first three layers that see all of a 7 x 7 map (AlexNet, VGG) hold most of a net's parameters, and its convolutions do
most of its work. GoogLeNet and ResNet take the mean over each map instead, then one linear layer: their depth is paid
for in work, not in parameters.

Counted here, on the nets as they are built: parameters, multiply-adds, and the longest way through layers with weights
(in the graph by which autograd goes back). Published errors and accuracies measured before stand beside them, by name.
"""

from functools import cache
from itertools import pairwise
from typing import Any, NamedTuple

import torch
from matplotlib.figure import Figure
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from seqlab.lab.drawing import panels
from seqlab.lab.experiment import Experiment, Inequality, Knob, Measured, Rows
from seqlab.models import vgg
from seqlab.plots.style import GREY, INK, MODEL, PALE, WALK
from seqlab.vision.zoo import MODELS, Architecture, size


class _Net(NamedTuple):
    """A net of the history by its names in MODELS: at its paper's size and at CIFAR's."""

    title: str
    year: int
    own: str
    small: str
    top5: float | None = None  # per cent wrong of ImageNet's test images, of what the authors submitted
    submitted: str = ""
    one_net: float | None = None  # of one net alone


HISTORY = (
    _Net("LeNet-5", 1998, "lenet5", "lenet5"),
    _Net(
        "AlexNet",
        2012,
        "alexnet-224",
        "alexnet",
        15.3,
        "seven nets, two of them pretrained on the Fall 2011 release",
        18.2,
    ),
    _Net("VGG-16", 2014, "vgg16-224", "vgg16", 7.3, "seven nets; two better ones gave 6.8 after the contest", 7.0),
    _Net("GoogLeNet", 2014, "googlenet-224", "googlenet", 6.7, "seven nets", 7.9),
    _Net("ResNet-152", 2015, "resnet152", "resnet20", 3.6, "six nets of different depth", 4.5),
)

# Figures of the papers that the count has to meet: layers, parameters and multiply-adds, where they give them.
PUBLISHED = (
    ("alexnet-224", "layers", 8, "Krizhevsky et al. 2012"),
    ("alexnet-224", "parameters", 60e6, "Krizhevsky et al. 2012"),
    ("vgg16-224", "layers", 16, "Simonyan and Zisserman 2015, table 1"),
    ("vgg16-224", "parameters", 138e6, "Simonyan and Zisserman 2015, table 2"),
    ("googlenet-224", "layers", 22, "Szegedy et al. 2015"),
    ("googlenet-224", "multiply_adds", 1.5e9, "Szegedy et al. 2015"),
    ("resnet152", "layers", 152, "He et al. 2016, table 1"),
    ("resnet152", "multiply_adds", 11.3e9, "He et al. 2016, table 1"),
    ("resnet20", "layers", 20, "He et al. 2016, table 6"),
    ("resnet20", "parameters", 0.27e6, "He et al. 2016, table 6"),
)
MEASURED = "measured earlier, one seed, choices made on test images: seqlab train-cnn cifar10 --model {}"

EXPERIMENT = Experiment(
    name="depth-history",
    claim="from LeNet-5 to ResNet the nets became 30 times deeper, and after VGG not larger: a mean over each map took "
    "the place of the dense layers that held the parameters",
    source="Simonyan and Zisserman (2015), Szegedy et al. (2015), He et al. (2016)",
    refuted_by="a later net that is less deep than one before it, a ResNet with more parameters than AlexNet, or "
    "counts that are not those of the papers",
    inequalities=(
        Inequality(
            "published",
            "largest difference of a count from the paper's figure, as a share of it",
            "the papers round to two or three digits, and two nets are variants of theirs",
            below=0.05,
        ),
        Inequality(
            "deeper", "least ratio of a net's layers to those of the one before it", "each went deeper", above=1
        ),
        Inequality(
            "parameters",
            "parameters of ResNet-152 over those of AlexNet, each at its paper's size",
            "19 times as many layers, and no more parameters",
            below=1,
        ),
        Inequality(
            "small_parameters",
            "parameters of ResNet-20 over those of the smaller of AlexNet and VGG-16, fitted to CIFAR-10",
            "a fifth, with more layers than either, is no accident of rounding",
            below=0.2,
        ),
        Inequality(
            "dense_before",
            "smaller share of AlexNet's and VGG-16's parameters that is in dense layers",
            "most: there is where they can be saved",
            above=0.8,
        ),
        Inequality("dense_after", "share of ResNet-152's parameters that is in dense layers", "hardly any", below=0.1),
    ),
    knobs={"head": Knob("mean", ("dense",), "how GoogLeNet and ResNet end: in the mean of each map, or dense layers")},
    seconds=3,
    note="Counts are the same for every seed. The accuracies on CIFAR-10 are measured at the full scale alone: else "
    "they are those of seqlab's earlier trainings, one seed, chosen on the test images (see the lab diary). "
    "ImageNet's errors are of ensembles, as submitted: seven nets for AlexNet's 15.3 %, two of them pretrained on"
    " more images; seven for VGG's 7.3 and for GoogLeNet's 6.7; six for ResNet's 3.6. One net alone had 18.2 "
    "(validation), 7.0, 7.9 (validation) and 4.5 (validation). That errors fell with depth is history, no experiment: "
    "augmentation, normalisation and machines changed too. Only parameters were saved: ResNet-152 takes 16 times "
    "the multiply-adds of AlexNet.",
    slip="The slides date VGG to 2013: it is of 2014. They show LeNet-5 on CIFAR10: it read handwritten digits in "
    "1998, CIFAR-10 is of 2009. They give AlexNet 15.4 %: that is its error on the validation images, on the test "
    "images it is 15.3 %.",
)


def measure(seed: int, scale: str, head: str = "mean") -> Measured:
    """Rows: each net at its paper's size and at CIFAR's, counted; what the papers say; accuracies, by their source."""
    counted = {name: count(name, head) for net in HISTORY for name in (net.own, net.small)}
    rows: Rows = []
    for net in HISTORY:
        for where, name in (("paper", net.own), ("cifar", net.small)):
            rows.append({"part": where, "net": net.title, "model": name, "year": net.year} | counted[name])
        if net.top5 is not None:
            rows.append(
                {"part": "imagenet", "net": net.title, "year": net.year, "top5_error": net.top5}
                | {"submitted": net.submitted, "one_net_top5_error": net.one_net}
            )
        rows.append({"part": "accuracy", "net": net.title, "model": net.small} | _accuracy(net.small, seed, scale))
    for name, what, value, paper in PUBLISHED:
        rows.append(
            {"part": "published", "model": name, "what": what, "published": value, "counted": counted[name][what]}
        )
        rows[-1]["paper"] = paper
    own = [counted[net.own] for net in HISTORY]
    _, alexnet, vgg16, _, resnet = own
    smaller = min(counted[name]["parameters"] for name in ("alexnet", "vgg16"))
    values = {
        "published": max(abs(row["counted"] / row["published"] - 1) for row in rows if row["part"] == "published"),
        "deeper": min(after["layers"] / before["layers"] for before, after in pairwise(own)),
        "parameters": resnet["parameters"] / alexnet["parameters"],
        "small_parameters": counted["resnet20"]["parameters"] / smaller,
        "dense_before": min(net["dense"] / net["parameters"] for net in (alexnet, vgg16)),
        "dense_after": resnet["dense"] / resnet["parameters"],
    }
    return Measured(rows, values)


def draw(rows: Rows) -> Figure:
    """ImageNet's errors as published, parameters at the papers' size by where they are, accuracy against work."""
    rows = [row for row in rows if row["seed"] == rows[0]["seed"]] if "seed" in rows[0] else rows
    figure, (errors, parameters, accuracy) = panels(
        "ImageNet: top-5 error of what was submitted (%), published",
        "Parameters, millions",
        "CIFAR-10: accuracy (its source is in the rows) and work",
    )
    found = [row for row in rows if row["part"] == "imagenet"]
    depth = {row["net"]: row["layers"] for row in rows if row["part"] == "paper"}
    bars = errors.bar(range(len(found)), [row["top5_error"] for row in found], width=0.6, color=WALK, alpha=0.6)
    errors.bar_label(bars, [f"{row['top5_error']:.1f}" for row in found], fontsize=9)
    errors.set_xticks(
        range(len(found)), [f"{row['net']}\n{row['year']}, {depth[row['net']]} layers" for row in found], fontsize=8
    )
    found = [row for row in rows if row["part"] == "paper"]
    dense = [row["dense"] / 1e6 for row in found]
    others = [(row["parameters"] - row["dense"]) / 1e6 for row in found]
    parameters.bar(range(len(found)), others, width=0.6, color=MODEL, label="convolutions")
    bars = parameters.bar(range(len(found)), dense, width=0.6, bottom=others, color=PALE, label="dense layers")
    parameters.bar_label(bars, [f"{(a + b):.3g}" for a, b in zip(dense, others, strict=True)], fontsize=9)
    parameters.set_xticks(range(len(found)), [row["net"] for row in found], fontsize=8)
    parameters.legend(frameon=False, fontsize=9, loc="upper left")
    work = {row["model"]: row["multiply_adds"] / 1e6 for row in rows if row["part"] == "cifar"}
    for row in rows:
        if row["part"] == "accuracy":
            place = (work[row["model"]], 100 * row["accuracy"])
            accuracy.plot(*place, "o", color=INK, markersize=5)
            beside = (0, 6) if row["model"] == "vgg16" else (0, -12)
            accuracy.annotate(
                row["model"], place, beside, textcoords="offset points", ha="center", fontsize=8, color=GREY
            )
    errors.set(ylim=(0, 17))
    parameters.set(ylim=(0, 155))
    accuracy.set(xscale="log", xlabel="multiply-adds, millions", ylabel="% right", ylim=(65, 95), xlim=(0.4, 300))
    return figure


def count(name: str, head: str) -> dict[str, Any]:
    """Layers with weights on the longest way, parameters, those of dense layers, multiply-adds of a net of MODELS.

    head: `dense` counts GoogLeNet and ResNet with the three dense layers of VGG on their last map, at CIFAR's size with
    a quarter of their units, instead of the mean and one linear layer.
    """
    found, side, classes, channels = _as_built(name)
    if head == "mean" or not name.startswith(("googlenet", "resnet")):
        return dict(found)
    inputs = channels * (side // (4 if side == 32 else 32)) ** 2
    hidden = vgg.HIDDEN // (4 if side == 32 else 1)
    units = (inputs, hidden, hidden, classes)
    weights = sum(before * after for before, after in pairwise(units))
    dense = weights + sum(units[1:])
    return {
        "layers": found["layers"] + 2,
        "parameters": found["parameters"] - found["dense"] + dense,
        "dense": dense,
        "multiply_adds": found["multiply_adds"] - channels * classes + weights,
    }


@cache
def _as_built(name: str) -> tuple[dict[str, int], int, int, int]:
    """The counts of a net of MODELS, the side of its images, its classes, and the inputs of its last layer."""
    entry = MODELS[name]
    classes = 10 if entry.side == 32 else 1000
    with _Undrawn():
        parameters, multiply_adds = size(entry, classes)
    with _Undrawn(), torch.device("meta"):
        net = entry.build(classes).eval()
        for layer in net.modules():
            if isinstance(layer, nn.BatchNorm2d):
                layer.forward = nn.Identity().forward  # type: ignore[method-assign]  # no layer of its own
        linear = [layer for layer in net.modules() if isinstance(layer, nn.Linear)]
        dense = sum(layer.weight.numel() + layer.bias.numel() for layer in linear)
        layers = longest(net(torch.empty(1, 3, entry.side, entry.side)))
    found = {"layers": layers, "parameters": parameters, "dense": dense, "multiply_adds": multiply_adds}
    return found, entry.side, classes, linear[-1].in_features


class _Undrawn(TorchFunctionMode):
    """Weights are not drawn: to count them they need no values."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if func in (Tensor.normal_, Tensor.uniform_):
            return args[0]
        return func(*args, **(kwargs or {}))


def longest(output: Tensor) -> int:
    """The most convolutions and matrix products on one way back from an output to its inputs."""
    known: dict[Any, int] = {None: 0}
    waiting = [output.grad_fn]
    while waiting:
        node = waiting[-1]
        before = [one for one, _ in node.next_functions] if node is not None else []
        unknown = [one for one in before if one not in known]
        if unknown:
            waiting += unknown
            continue
        waiting.pop()
        if node is not None:
            own = node.name().startswith(("ConvolutionBackward", "AddmmBackward"))
            known[node] = own + max((known[one] for one in before), default=0)
    return known[output.grad_fn]


def _accuracy(name: str, seed: int, scale: str) -> dict[str, Any]:
    """On CIFAR-10's test images: measured where the scale is full, else what was measured before, by its source."""
    entry: Architecture = MODELS[name]
    if scale != "full":
        assert entry.expected is not None and entry.expected[1] == "measured"
        return {"accuracy": entry.expected[0], "source": MEASURED.format(name), "measured_now": False}
    found, seconds = _trained(name, seed)
    return {"accuracy": found, "source": "this run", "measured_now": True, "training_seconds": seconds}


def _trained(name: str, seed: int) -> tuple[float, float]:
    """Train a net on CIFAR-10 as `seqlab train-cnn cifar10 --model NAME` does; its accuracy, and how long it took."""
    import tempfile
    import time
    from pathlib import Path

    from seqlab.runs import RunOptions
    from seqlab.tasks import Task
    from seqlab.vision.train import train_cnn

    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        done = Task(train_cnn("cifar10", RunOptions(folder=Path(folder) / name), {"seed": seed}, model=name)).result()
        return done.config["metrics"]["top1"], time.perf_counter() - start
