"""Locality: a convolutional net against a feedforward one of as many parameters, on digits that are not in the middle.

A convolution computes the same little function at every place: with T a shift of the image and away from its edges

    conv(T x) = T conv(x)            relu(T x) = T relu(x)            max over all places of T x = that of x

so a net of convolutions that ends in the maximum over each map gives a shifted image the logits of the image. A
dense layer has a weight of its own for every pixel: what it learned of one place it does not know of another.

Both read scikit-learn's handwritten digits of 8 x 8 pixels on a black canvas of 18 x 18. They are trained on digits in
the middle and tested on shifted ones; then trained on shifted ones, too, so that the feedforward net has seen all
places. At the full scale the digits are those of MNIST.
"""

from typing import Any, NamedTuple

import torch
from matplotlib.figure import Figure
from torch import Tensor, nn
from torch.nn import functional as F

from seqlab import training
from seqlab.data.batches import ShuffledBatches, seeded
from seqlab.data.images.sets import load_images
from seqlab.lab.drawing import COLOURS, panels
from seqlab.lab.experiment import Experiment, Inequality, Knob, Measured, Rows
from seqlab.models.mlp import MLP
from seqlab.plots.style import GREY
from seqlab.tasks import Task
from seqlab.training.schedules import warmup_cosine
from seqlab.vision.prepare import class_loss

MAPS, CLASSES, LR, BATCH = (8, 16, 16), 10, 1e-2, 32
MARGIN = 2  # pixels that stay black around a digit however it is shifted


class _Scale(NamedTuple):
    shift: int  # pixels at most, each way; the canvas is wider by it, and by MARGIN, on every side
    train: int
    test: int
    passes: int


SCALES = {"small": _Scale(3, 400, 200, 10), "default": _Scale(3, 1200, 500, 5), "full": _Scale(6, 60_000, 10_000, 8)}

EXPERIMENT = Experiment(
    name="locality",
    claim="a convolutional net trained on digits in the middle reads shifted ones, as it computes the same at every "
    "place and takes the maximum over all; a feedforward net of as many parameters does not",
    source="LeCun, Bottou, Bengio and Haffner (1998), Gradient-based learning applied to document recognition, "
    "section II",
    refuted_by="a feedforward net that loses no more on shifted digits, or a convolutional one that loses much",
    inequalities=(
        Inequality(
            "parameters",
            "|parameters of the feedforward net / those of the convolutional one - 1|",
            "else the comparison is not fair; whole units allow no better",
            below=0.05,
        ),
        Inequality(
            "equivariance",
            "largest difference of conv(shifted image) from shifted conv(image), in units of the largest value",
            "an equality away from the edge, up to rounding in float32",
            below=1e-4,
        ),
        Inequality(
            "convolutional_loss",
            "accuracy on centred less that on shifted digits, of the convolutional net trained on centred ones",
            "by theory nothing but what the edges of the canvas do",
            below=0.05,
        ),
        Inequality(
            "feedforward_loss",
            "the same of the feedforward net",
            "it has not seen most places: a third of all digits is many times what the other may lose",
            above=0.33,
        ),
        Inequality(
            "advantage",
            "accuracy of the convolutional less that of the feedforward net, both trained and tested on shifted digits",
            "even where it has seen all places, the feedforward net has to learn each by itself, so it is behind",
            above=0,
        ),
    ),
    knobs={
        "pooling": Knob("maximum", ("none",), "what ends the maps: their maximum, or a dense layer on all their places")
    },
    seconds=8,
    note="Without the maximum a dense layer reads the map, with fifteen times the weights, and places count again. "
    "The nets are small (11 hidden units of the feedforward one), and the digits black at the edge: in photographs "
    "what comes in at the edge is new. The maximum over all places forgets where a thing was, which is right for "
    "one digit and wrong for two.",
)


def measure(seed: int, scale: str, pooling: str = "maximum") -> Measured:
    """Rows: the accuracies of both nets by what they were trained and tested on, and by the length of the shift."""
    size = SCALES[scale]
    images, labels = _digits(size, scale, seed)
    side = images.shape[-1]
    generator = seeded(seed, 1)
    shifts = torch.randint(-size.shift, size.shift + 1, (len(images), 2), generator=generator)
    shifted = moved(images, shifts)
    of_shared = training.count_parameters(convolutional(side, "maximum"))
    rows: Rows = []
    accuracy: dict[tuple[str, str, str], float] = {}
    for kind in ("convolutional", "feedforward"):
        for trained_on, x in (("centred", images), ("shifted", shifted)):
            with torch.random.fork_rng(devices=[]):
                torch.manual_seed(seed)
                net = convolutional(side, pooling) if kind == "convolutional" else feedforward(side, of_shared)
            _train(net, x[: size.train], labels[: size.train], size.passes, seed)
            for tested_on, y in (("centred", images), ("shifted", shifted)):
                right = _right(net, y[size.train :], labels[size.train :])
                accuracy[kind, trained_on, tested_on] = right.mean().item()
                rows.append(
                    {"part": "accuracy", "net": kind, "trained_on": trained_on, "tested_on": tested_on}
                    | {"accuracy": right.mean().item(), "parameters": training.count_parameters(net)}
                )
            if trained_on == "centred":
                length = shifts[size.train :].abs().amax(1)
                rows += _by_shift(kind, _right(net, shifted[size.train :], labels[size.train :]), length)
            if (kind, trained_on) == ("convolutional", "centred"):
                equivariance = _equivariance(net, images[size.train :][:50], size.shift)
    others = training.count_parameters(feedforward(side, of_shared))
    values = {"parameters": abs(others / of_shared - 1), "equivariance": equivariance}
    for kind in ("convolutional", "feedforward"):
        values[f"{kind}_loss"] = accuracy[kind, "centred", "centred"] - accuracy[kind, "centred", "shifted"]
    both = (accuracy[kind, "shifted", "shifted"] for kind in ("convolutional", "feedforward"))
    return Measured(rows, values | {"advantage": next(both) - next(both)})


def draw(rows: Rows) -> Figure:
    """Accuracy by shift of the nets trained on centred digits, and all accuracies on shifted ones."""
    figure, (by_shift, on_shifted) = panels("Trained on centred digits", "Tested on shifted digits")
    kinds = ("convolutional", "feedforward")
    for kind, colour in zip(kinds, COLOURS, strict=False):
        mine = [row for row in rows if row["part"] == "shift" and row["net"] == kind]
        places = sorted({row["shift"] for row in mine})
        means = [_mean([row["accuracy"] for row in mine if row["shift"] == place]) for place in places]
        by_shift.plot(places, means, "o-", color=colour, markersize=4, linewidth=1.6)
        by_shift.annotate(kind, (places[-1], means[-1]), (-4, 6), textcoords="offset points", ha="right", color=colour)
    by_shift.set(xlabel="shift (pixels)", ylabel="accuracy", ylim=(0, 1.08), xticks=places)
    for place, (kind, trained_on) in enumerate((kind, on) for on in ("centred", "shifted") for kind in kinds):
        found = [
            row["accuracy"]
            for row in rows
            if row["part"] == "accuracy"
            and (row["net"], row["trained_on"], row["tested_on"]) == (kind, trained_on, "shifted")
        ]
        on_shifted.bar(place, _mean(found), width=0.6, color=COLOURS[kinds.index(kind)], alpha=0.55)
        on_shifted.plot([place] * len(found), found, "o", color=GREY, markersize=3)
    on_shifted.set_xticks(range(4), [f"{kind}\n{on}" for on in ("centred", "shifted") for kind in kinds], fontsize=8)
    on_shifted.set(xlabel="net, and what it was trained on", ylabel="accuracy", ylim=(0, 1.08))
    return figure


def convolutional(side: int, pooling: str) -> nn.Sequential:
    """Images (B, 1, S, S) -> logits (B, 10), by three layers of 3x3 filters. Without biases black stays black."""
    layers: list[nn.Module] = []
    channels = 1
    for maps in MAPS:
        layers += [nn.Conv2d(channels, maps, 3, padding=1, bias=False), nn.ReLU()]
        channels = maps
    if pooling == "maximum":
        return nn.Sequential(*layers, nn.AdaptiveMaxPool2d(1), nn.Flatten(), nn.Linear(channels, CLASSES))
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(channels * side * side, CLASSES))


def feedforward(side: int, parameters: int) -> nn.Sequential:
    """Images (B, 1, S, S) -> logits (B, 10), by one hidden layer that makes about so many parameters."""
    hidden = round((parameters - CLASSES) / (side * side + 1 + CLASSES))
    return nn.Sequential(nn.Flatten(), MLP(side * side, [hidden], CLASSES))


def moved(images: Tensor, shifts: Tensor) -> Tensor:
    """Images (N, 1, S, S), each shifted by (down, right) of shifts (N, 2); what goes over an edge comes in opposite."""
    pairs = zip(images, shifts.tolist(), strict=True)
    return torch.stack([image.roll((down, right), (1, 2)) for image, (down, right) in pairs])


def _digits(size: _Scale, scale: str, seed: int) -> tuple[Tensor, Tensor]:
    """Digits in the middle of a black canvas (N, 1, S, S), those to train on first, and labels (N,)."""
    from sklearn.datasets import load_digits

    if scale == "full":
        data = Task(load_images("mnist")).result()
        pixels = torch.cat([data.images, data.test_images])[:, :1].float() / 255
        return F.pad(pixels, [size.shift] * 4), torch.cat([data.labels, data.test_labels])
    pixels, labels = load_digits(return_X_y=True)
    chosen = torch.randperm(len(labels), generator=seeded(seed, 2))[: size.train + size.test]
    images = torch.tensor(pixels, dtype=torch.float32).view(-1, 1, 8, 8)[chosen] / 16
    return F.pad(images, [size.shift + MARGIN] * 4), torch.tensor(labels)[chosen]


def _train(net: nn.Module, x: Tensor, y: Tensor, passes: int, seed: int) -> None:
    batches = ShuffledBatches(x, y, BATCH, seed, drop_last=True)
    steps = passes * len(batches)
    optimizer = training.adamw(net, LR, 0.0)
    run = training.Run(net, class_loss, batches, optimizer, warmup_cosine(LR, 20, steps), steps, clip_norm=1.0)
    for _ in training.train(run):
        pass


@torch.no_grad()
def _right(net: nn.Module, x: Tensor, y: Tensor) -> Tensor:
    """1.0 for each image that is classified rightly, 0.0 for the others."""
    return torch.cat([net(part) for part in x.split(250)]).argmax(1).eq(y).float()


def _by_shift(kind: str, right: Tensor, length: Tensor) -> list[dict[str, Any]]:
    """The accuracy by the larger of both shifts."""
    return [
        {"part": "shift", "net": kind, "shift": int(pixels), "accuracy": right[length == pixels].mean().item()}
        for pixels in length.unique()
    ]


@torch.no_grad()
def _equivariance(net: nn.Sequential, images: Tensor, shift: int) -> float:
    """How far the first layer's map of a shifted image is from the shifted map, of 1 that it can be."""
    layer = net[0]
    by = torch.tensor([[shift, -shift]]).expand(len(images), 2)
    of_shifted, shifted = layer(moved(images, by)), moved(layer(images), by)
    return float((of_shifted - shifted).abs().max() / shifted.abs().max())


def _mean(values: list[float]) -> float:
    return sum(values) / len(values)
