"""Kernels: what the filters of a first layer become, and that a shifted image gives a shifted map.

A convolution of an image x with a filter w has, at the place p,

    y(p) = sum over q of w(q) x(p + q)        so with (T x)(p) = x(p - d):  (T x) * w = T (x * w)

wherever the filter does not reach over the edge: the map moves with the image. A dense layer has no such law.

The gradient of w is a sum of pieces of images, each times how much that place should have counted. In photographs and
in handwriting neighbouring pixels are alike, so neighbouring weights become alike: out of noise come strokes, edges
and spots. How alike they are is measured for each filter, less its mean, by

    r = mean of w(q) w(q') over neighbours q, q'  /  mean of w(q)^2

which is Moran's I: a little below 0 for noise (its mean taken off), near 1 for what hardly changes from pixel to pixel.
Where the pixels of all images change places in one and the same way, no pixel is lost, but neighbours are alike no
more.
"""

from typing import Any, NamedTuple

import numpy as np
import torch
from matplotlib.figure import Figure
from torch import Tensor, nn
from torch.nn import functional as F

from seqlab import training
from seqlab.data.batches import ShuffledBatches, seeded
from seqlab.data.images.sets import load_images
from seqlab.lab.drawing import panels
from seqlab.lab.experiment import Experiment, Inequality, Knob, Measured, Rows
from seqlab.plots.style import INK
from seqlab.tasks import Task
from seqlab.training.schedules import warmup_cosine
from seqlab.vision.prepare import class_loss

SIDE, FILTERS, WIDTH = 16, 16, 5
LR, BATCH, WEIGHT_DECAY, DEVIATION = 3e-3, 32, 0.5, 0.02  # the last of the first weights: noise that may be outgrown
SHIFT = 2  # pixels


class _Scale(NamedTuple):
    images: int
    passes: int


SCALES = {"small": _Scale(600, 4), "default": _Scale(1797, 8), "full": _Scale(60_000, 8)}

EXPERIMENT = Experiment(
    name="kernels",
    claim="the filters of a first layer, noise before training, become smooth strokes and edges, as neighbouring "
    "pixels are alike; and a shifted image gives a shifted map, which a dense layer does not",
    source="LeCun et al. (1998), Gradient-based learning applied to document recognition; Krizhevsky, Sutskever and "
    "Hinton (2012), ImageNet classification with deep convolutional neural networks, figure 3",
    refuted_by="trained filters as rough as noise, or a map that does not move with the image",
    inequalities=(
        Inequality(
            "untrained",
            "likeness r of neighbouring weights before training, mean over the filters",
            "noise of 25 weights less their mean has -1/24",
            below=0.05,
        ),
        Inequality(
            "trained",
            "the same after training",
            "a filter of noise lies above 0.15 in one case of ten, a mean of sixteen never",
            above=0.15,
        ),
        Inequality(
            "shifted_map",
            "largest difference of the shifted image's map from the shifted map, in units of the largest value",
            "an equality away from the edge, up to rounding in float32",
            below=1e-4,
        ),
        Inequality(
            "dense",
            "the same of a dense layer, whose units are laid out as the map",
            "it has no such law: the difference is as large as the map",
            above=0.5,
        ),
    ),
    knobs={
        "pixels": Knob("kept", ("shuffled",), "shuffled: the pixels of all images change places in one way"),
        "weights": Knob("trained", ("untrained",), "whether the filters are trained"),
        "stride": Knob("1", ("3",), "pixels from a place of the map to the next; 3 loses a shift by 2"),
    },
    seconds=3,
    note="Smooth is not yet oriented: of so few digits the filters are strokes, corners and spots. A weight decay that "
    "is strong for so short a training takes away the noise that each began with.",
)


def measure(seed: int, scale: str, pixels: str = "kept", weights: str = "trained", stride: str = "1") -> Measured:
    """Rows: the weights of the filters before and after training, and how alike neighbours are in each."""
    size = SCALES[scale]
    images, labels = _digits(scale, size, pixels == "shuffled", seed)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        net = classifier(int(stride))
        dense = nn.Linear(SIDE * SIDE, SIDE * SIDE)
    first = net[0]
    assert isinstance(first, nn.Conv2d)
    before = first.weight.detach().clone()
    if weights == "trained":
        _train(net, images, labels, size.passes, seed)
    after = first.weight.detach()
    rows: Rows = []
    for when, filters in (("before", before), ("after", after)):
        for number, (one, alike) in enumerate(zip(filters, likeness(filters).tolist(), strict=True)):
            row: dict[str, Any] = {"when": when, "filter": number, "likeness": alike}
            rows.append(row | {f"w{place}": round(float(w), 4) for place, w in enumerate(one.flatten())})
    some = images[:50]
    values = {
        "untrained": likeness(before).mean().item(),
        "trained": likeness(after).mean().item(),
        "shifted_map": shift_error(first, some),
        "dense": shift_error(lambda x: dense(x.flatten(1)).view(-1, 1, SIDE, SIDE), some),
    }
    return Measured(rows, values)


def draw(rows: Rows) -> Figure:
    """The filters of the first seed before and after training; blue weights are positive, red ones negative."""
    figure, panes = panels("Before training", "After training", height=2.2)
    first = rows[0].get("seed")
    for axes, when in zip(panes, ("before", "after"), strict=True):
        mine = [row for row in rows if row["when"] == when and row.get("seed") == first]
        axes.imshow(_sheet(mine), cmap="RdBu", vmin=-1, vmax=1, interpolation="nearest")
        axes.set(xticks=[], yticks=[])
        axes.grid(visible=False)
        axes.spines["bottom"].set_visible(False)
        every = [row["likeness"] for row in rows if row["when"] == when]
        axes.set_xlabel(f"likeness of neighbouring weights: {np.mean(every):.2f} over all seeds", color=INK)
    return figure


def classifier(stride: int) -> nn.Sequential:
    """Images (B, 1, 16, 16) -> logits (B, 10)."""
    first = nn.Conv2d(1, FILTERS, WIDTH, stride, padding=WIDTH // 2)
    nn.init.normal_(first.weight, std=DEVIATION)
    return nn.Sequential(
        first,
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(FILTERS, 32, 3),
        nn.ReLU(),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(32, 10),
    )


def likeness(filters: Tensor) -> Tensor:
    """Moran's I of each filter (N, 1, K, K) over pairs of neighbours in a row or a column: (N,)."""
    w = filters[:, 0] - filters[:, 0].mean((1, 2), keepdim=True)
    pairs = (w[:, :, 1:] * w[:, :, :-1]).mean((1, 2)) + (w[:, 1:] * w[:, :-1]).mean((1, 2))
    return pairs / (2 * w.square().mean((1, 2)))


@torch.no_grad()
def shift_error(layer: Any, images: Tensor) -> float:
    """How far the map of images shifted down is from the map shifted by as many places as fit best, away from the
    edges, of its largest value."""
    of_shifted, before = layer(images.roll(SHIFT, 2)), layer(images)
    edge = slice(SHIFT + WIDTH // 2, of_shifted.shape[2] - WIDTH // 2)
    if of_shifted.shape[2] < SIDE:  # with a stride the map is small
        edge = slice(2, -1)
    moved = [(of_shifted - before.roll(places, 2))[:, :, edge, edge].abs().max() for places in range(SHIFT + 1)]
    return float(min(moved) / before.abs().max())


def _digits(scale: str, size: _Scale, shuffled: bool, seed: int) -> tuple[Tensor, Tensor]:
    """Normalised digits on a black canvas (N, 1, 16, 16) and labels (N,); full: those of MNIST, made smaller."""
    from sklearn.datasets import load_digits

    if scale == "full":
        data = Task(load_images("mnist")).result()
        images, labels = F.avg_pool2d(data.images[:, :1].float(), 2) / 255, data.labels
    else:
        pixels, numbers = load_digits(return_X_y=True)
        chosen = torch.randperm(len(numbers), generator=seeded(seed, 2))[: size.images]
        images = F.pad(torch.tensor(pixels, dtype=torch.float32).view(-1, 1, 8, 8)[chosen], [4] * 4)
        labels = torch.tensor(numbers)[chosen]
    if shuffled:
        order = torch.randperm(SIDE * SIDE, generator=seeded(seed, 3))
        images = images.flatten(2)[:, :, order].view_as(images)
    return (images - images.mean()) / images.std(), labels


def _train(net: nn.Module, x: Tensor, y: Tensor, passes: int, seed: int) -> None:
    batches = ShuffledBatches(x, y, BATCH, seed, drop_last=True)
    steps = passes * len(batches)
    optimizer = training.adamw(net, LR, WEIGHT_DECAY)
    run = training.Run(net, class_loss, batches, optimizer, warmup_cosine(LR, 5, steps), steps)
    for _ in training.train(run):
        pass


def _sheet(rows: Rows) -> np.ndarray:
    """Filters side by side in two rows, each scaled by its largest weight, with a pixel between them."""
    across = FILTERS // 2
    sheet = np.full((2 * (WIDTH + 1) - 1, across * (WIDTH + 1) - 1), np.nan)
    for row in rows:
        weights = np.array([row[f"w{place}"] for place in range(WIDTH**2)]).reshape(WIDTH, WIDTH)
        top, left = (WIDTH + 1) * (row["filter"] // across), (WIDTH + 1) * (row["filter"] % across)
        sheet[top : top + WIDTH, left : left + WIDTH] = weights / max(np.abs(weights).max(), 1e-9)
    return sheet
