"""Performance grows with experience: the learning curve of a table, a text and a set of images.

A program learns from experience E with respect to tasks T and performance P, if P at T grows with E (Mitchell 1997).
Here E is how many rows, characters or images a net learns from, and P its error on others, the same for every E.
On logarithmic axes such curves are nearly straight over a wide range,

    error = a E^(-b)

with b between 0.07 and 0.35 for nets of four domains (Hestness et al. 2017); twice the experience then leaves
2^(-b) of the error, 95 % to 78 % of it. The three:

table: Friedman's (1991) function of five of ten columns with noise, a feedforward net; error: share of the
    variance left unexplained
text: C code as a grammar writes it, a feedforward net that predicts a character from the five before it (as Bengio
    et al. 2003 do words); error: cross-entropy
images: digits of 8 x 8, a feedforward net; error: share of wrong answers

Every net takes the same number of steps, so that E alone differs; a fifth of its E says when its weights were best.
"""

from typing import NamedTuple

import numpy as np
import torch
from matplotlib.figure import Figure
from torch import Tensor, nn
from torch.nn import functional as F

from seqlab import training
from seqlab.data.batches import ShuffledBatches
from seqlab.lab.c_code import write
from seqlab.lab.drawing import COLOURS, over_seeds, panels
from seqlab.lab.experiment import Experiment, Inequality, Knob, Measured, Rows
from seqlab.models.mlp import MLP
from seqlab.training.optimizers import adamw
from seqlab.training.schedules import warmup_cosine

VAL_SHARE, EVALUATIONS, BATCH, CONTEXT, HIDDEN = 0.2, 10, 64, 5, 64
LR = {"table": 0.01, "text": 0.03, "images": 0.01}
TEST = 597  # rows, characters and images that no net learns from: all of the images but 1200


class _Scale(NamedTuple):
    table: tuple[int, ...]  # rows
    text: tuple[int, ...]  # characters
    images: tuple[int, ...]
    steps: int


SCALES = {
    "small": _Scale((25, 100, 400), (500, 2000, 8000), (40, 160, 640), 80),
    "default": _Scale((50, 100, 200, 400, 800), (1000, 2000, 4000, 8000, 16_000), (75, 150, 300, 600, 1200), 300),
    "full": _Scale(
        tuple(50 * 2**n for n in range(12)),
        tuple(1000 * 2**n for n in range(9)),
        (75, 150, 300, 600, 1200),
        20_000,
    ),
}

POWER = "the flattest power of Hestness et al., that of words; without anything to learn it is 0"

EXPERIMENT = Experiment(
    name="experience",
    claim="performance on data not seen grows with experience, for a table, a text and images, at least as "
    "fast as the flattest power that Hestness et al. found",
    source="Mitchell (1997), Machine learning, section 1.1; the power: Hestness et al. (2017), Deep learning scaling "
    "is predictable, empirically",
    refuted_by="a set whose error does not fall with its size, or falls more slowly than any of Hestness et al.",
    inequalities=(
        *(
            Inequality(f"{name}_slope", f"slope of log error over log experience, {name}", POWER, below=-0.07)
            for name in ("table", "text", "images")
        ),
        Inequality(
            "order",
            "largest rank correlation of error and experience, of the three",
            "-1 is a fall at every size, -0.8 of five sizes allows two neighbours that differ by chance; 0 is no trend",
            below=-0.8,
        ),
    ),
    knobs={"labels": Knob("true", ("shuffled",), "whether what is to be learned belongs to what it is learned from")},
    seconds=12,
    note="A power fits over a range only: it ends where noise does (of the table a share of 0.04 cannot be explained) "
    "and where the net is too small. Five sizes cannot tell a power from another falling curve.",
)


def measure(seed: int, scale: str, labels: str = "true") -> Measured:
    """Rows: the error of each set at each size, and the slope of each."""
    from scipy.stats import spearmanr

    size, shuffled = SCALES[scale], labels == "shuffled"
    table, text = _table(size.table[-1], seed, shuffled), _text(size.text[-1], seed, shuffled)
    points = {
        "table": _curve(*table, size.table, size.steps, LR["table"], seed),
        "text": _curve(*text, size.text, size.steps, LR["text"], seed),
        "images": _curve(*_images(seed, shuffled), size.images, size.steps, LR["images"], seed, wrong=True),
    }
    rows: Rows = []
    values, order = {}, []
    for name, sizes in (("table", size.table), ("text", size.text), ("images", size.images)):
        errors = points[name]
        rows += [
            {"part": "point", "set": name, "experience": count, "error": error}
            for count, error in zip(sizes, errors, strict=True)
        ]
        values[f"{name}_slope"] = float(np.polyfit(np.log(sizes), np.log(np.maximum(errors, 1e-4)), 1)[0])
        rows.append({"part": "slope", "set": name, "slope": values[f"{name}_slope"]})
        order.append(float(spearmanr(sizes, errors).statistic) if np.ptp(errors) > 0 else 0.0)
    return Measured(rows, values | {"order": max(order)})


def draw(rows: Rows) -> Figure:
    """Error over experience of each set, with the power that fits best."""
    titles = {
        "table": "Table: share of variance unexplained",
        "text": "Text: nats per character",
        "images": "Images: share of wrong answers",
    }
    units = {"table": "rows", "text": "characters", "images": "images"}
    figure, panel = panels(*titles.values(), height=2.5)
    for axes, name, colour in zip(panel, titles, COLOURS, strict=False):
        mine = [row for row in rows if row["part"] == "point" and row["set"] == name]
        places, mean, low, high = over_seeds(mine, "experience", "error")
        slope, level = np.polyfit(np.log(places), np.log(mean), 1)
        axes.fill_between(places, low, high, color=colour, alpha=0.18, linewidth=0)
        axes.plot(places, mean, "o", color=colour, markersize=5)
        axes.plot(places, np.exp(level + slope * np.log(places)), color=colour, linewidth=1.2)
        axes.set(xscale="log", yscale="log", xlabel=units[name])
        axes.set_xticks(places, [f"{place:,.0f}" for place in places])
        ticks = [tick for tick in (0.02, 0.05, 0.1, 0.2, 0.5, 1, 1.5, 2, 2.5, 3) if low.min() < tick < high.max()]
        axes.set_yticks(ticks, [f"{tick:g}" for tick in ticks])
        axes.minorticks_off()
        axes.annotate(f"power {slope:.2f}", (0.97, 0.86), xycoords="axes fraction", ha="right", color=colour)
    return figure


def _table(most: int, seed: int, shuffled: bool) -> tuple[Tensor, Tensor]:
    from sklearn.datasets import make_friedman1

    x, y = make_friedman1(most + TEST, noise=1.0, random_state=seed)
    y = (y - 14.4) / 5  # its mean and deviation, about
    if shuffled:
        y = np.random.default_rng(seed).permutation(y)
    return torch.from_numpy(2 * x - 1).float(), torch.from_numpy(y).float()


def _images(seed: int, shuffled: bool) -> tuple[Tensor, Tensor]:
    from sklearn.datasets import load_digits

    random = np.random.default_rng(seed)
    images, labels = load_digits(return_X_y=True)
    order = random.permutation(len(labels))
    labels = random.permutation(labels) if shuffled else labels[order]
    return torch.from_numpy(images[order] / 8 - 1).float(), torch.from_numpy(labels)


def _text(most: int, seed: int, shuffled: bool) -> tuple[Tensor, Tensor]:
    """The CONTEXT characters before each of a text, one-hot (N, CONTEXT V), and which it is (N,)."""
    characters = np.array(list(write(most + TEST + CONTEXT, seed))[: most + TEST + CONTEXT])
    if shuffled:
        characters = np.random.default_rng(seed).permutation(characters)
    vocabulary, numbers = np.unique(characters, return_inverse=True)
    tokens = torch.from_numpy(numbers)
    return F.one_hot(tokens.unfold(0, CONTEXT, 1)[:-1], len(vocabulary)).flatten(1).float(), tokens[CONTEXT:]


def _curve(
    x: Tensor, y: Tensor, sizes: tuple[int, ...], steps: int, lr: float, seed: int, wrong: bool = False
) -> list[float]:
    """The error on the last TEST rows of nets that learn from the first rows, as many as each of `sizes` says: the
    share of variance for numbers, else the cross-entropy, or the share of wrong answers."""
    errors = []
    for count in sizes:
        val = round(VAL_SHARE * count)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            net = MLP(x.shape[1], (HIDDEN,), 1 if y.is_floating_point() else int(y.max()) + 1)
            batches = ShuffledBatches(x[val:count], y[val:count], batch_size=min(BATCH, count - val), seed=seed)
            _fit(net, batches, (x[:val], y[:val]), steps, lr)
        with torch.no_grad():
            outputs, truth = net(x[-TEST:]), y[-TEST:]
            error = float((outputs.argmax(1) != truth).float().mean()) if wrong else float(_loss(outputs, truth))
        errors.append(error / float(truth.var()) if y.is_floating_point() else error)
    return errors


def _loss(outputs: Tensor, targets: Tensor) -> Tensor:
    if targets.is_floating_point():
        return F.mse_loss(outputs[:, 0], targets)
    return F.cross_entropy(outputs, targets)


def _objective(net: nn.Module, batch: training.Batch, state: training.State) -> tuple[Tensor, training.State]:
    return _loss(net(batch[0]), batch[1]), None


def _fit(net: nn.Module, batches: ShuffledBatches, val: tuple[Tensor, Tensor], steps: int, lr: float) -> None:
    """Train, and go back to the weights that had the lowest loss on `val`."""
    best, weights = np.inf, net.state_dict()
    run = training.Run(net, _objective, batches, adamw(net, lr, 0.01), warmup_cosine(lr, 0, steps), steps)
    for step in training.train(run):
        if step.step % (steps // EVALUATIONS) == 0:
            net.eval()
            with torch.no_grad():
                found = float(_loss(net(val[0]), val[1]))
            if found < best:
                best, weights = found, {name: value.clone() for name, value in net.state_dict().items()}
    net.load_state_dict(weights)
    net.eval()
