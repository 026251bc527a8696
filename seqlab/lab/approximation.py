"""A net comes as close as you like to a function of one variable; the true formula, where it is known, comes closer.

The function is a damped oscillation, f(t) = a e^(-g t) cos(w t + p), for t from 0 to 4. A net of one hidden layer of n
rectified units, by hand, is the broken line through n + 1 points of f at distances h = 4 / n, and that is nowhere
further from f than h^2 / 8 times the largest |f''|: four times closer with twice the units (Cybenko 1989 shows that
any continuous function can be approached, with any sigmoid). Nets of tanh units that are trained follow, as far as
descent gets.

The physicist knows the formula and fits its four numbers. Both get the same few points with noise. The net's width is
chosen by its distance from the truth, which nobody has: in its favour. Past the last point the formula goes on, and the
net does not.
"""

import math
from collections.abc import Callable
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
from seqlab.plots.style import GREY, INK, MODEL, WALK
from seqlab.training import Batch, State

Function = Callable[[np.ndarray], np.ndarray]

END, NOISE, LR = 4.0, 0.05, 0.03
BY_HAND = (8, 16, 32, 64, 128)


class _Scale(NamedTuple):
    hidden: tuple[tuple[int, ...], ...]  # nets that are trained without noise
    widths: tuple[int, ...]  # nets that are trained on the few points
    points: int
    steps: int


SCALES = {
    "small": _Scale(((2,), (32,)), (8,), 20, 250),
    "default": _Scale(((2,), (8,), (32,), (4, 4), (16, 16)), (8, 16), 20, 400),
    "full": _Scale(tuple((n,) * d for n in (2, 4, 8, 16, 32, 64) for d in (1, 2, 3)), (2, 4, 8, 16, 32, 64), 20, 50000),
}

EXPERIMENT = Experiment(
    name="approximation",
    claim="weights set by hand come four times closer to a function of one variable with twice the units, and trained "
    "nets closer with more; where the true formula is known its fit is closer from few points, and goes on where there "
    "are none",
    source="Cybenko (1989), Approximation by superpositions of a sigmoidal function",
    refuted_by="a net that stays as far with more units, or one that is as close as the formula from few points, or "
    "right outside of them",
    inequalities=(
        Inequality(
            "order",
            "power of the number of units by which the distance falls, by hand",
            "the law of broken lines gives -2",
            below=-1.8,
        ),
        Inequality(
            "bound",
            "how far the distance of these nets goes beyond the law's h^2 max|f''| / 8, as a share of it",
            "no broken line through points of f is further, up to rounding",
            below=1e-3,
        ),
        Inequality(
            "trained",
            "distance of the widest trained net, of that of 2 units",
            "half at most: two units bend twice, the oscillation six times; descent does not find the best weights",
            below=0.5,
        ),
        Inequality(
            "formula",
            "the formula's distance from the truth over the best net's, from 20 points with noise",
            "four numbers average more noise away than a dozen or more; sqrt(4 / 13) is 0.55",
            below=0.8,
        ),
        Inequality(
            "formula_outside",
            "the formula's distance outside of the points, in typical sizes of f there",
            "half would be a poor prediction",
            below=0.5,
        ),
        Inequality(
            "net_outside",
            "the best net's distance there, in the same unit, counted as 3 at most",
            "half of the variance is missed; 1 is that of always answering 0",
            above=0.7,
        ),
    ),
    knobs={
        "net": Knob("nonlinear", ("linear",), "whether the nets have an activation: without it, layers are one matrix"),
        "formula": Knob(
            "true", ("undamped",), "the formula that is fitted: an oscillation without its damping is wrong"
        ),
    },
    seconds=7,
    note="The bound by hand was first put as distance / bound < 1.001. On seeds 0 to 4 every share was below 1, but so "
    "close to it that the interval of their mean, which knows no bound, reached 1.004. Put as what goes beyond, with "
    "the same 0.001, it was tried on seeds 100 to 104, which nobody had seen. The law by hand is of what a net can "
    "hold: wide trained nets stay far above it, for that weights exist does not say that descent finds them.",
)


def measure(seed: int, scale: str, net: str = "nonlinear", formula: str = "true") -> Measured:
    """Rows: distances by width, by hand and trained; the fits of few points; curves of both."""
    size = SCALES[scale]
    numbers = _numbers(seed)
    is_net = net == "nonlinear"
    t = np.linspace(0, END, 2001)
    truth = oscillation(t, *numbers)
    rows: Rows = []
    shares = []
    for units in BY_HAND:
        by_hand = _function(broken_line(numbers, units)) if is_net else np.poly1d(np.polyfit(t, truth, 1))
        distance = np.abs(by_hand(t) - truth).max()
        shares.append(distance / ((END / units) ** 2 / 8 * _bend(t, numbers)))
        rows.append({"part": "by hand", "net": "by hand, largest", "units": units, "distance": float(distance)})
    many = np.linspace(0, END, 200)
    trained = {}
    for hidden in size.hidden:
        model = _trained(many, oscillation(many, *numbers), hidden if is_net else (), size.steps, seed)
        trained[hidden] = _rms(model(t) - truth)
        kind = f"trained, {len(hidden)} layer{'s' if len(hidden) > 1 else ''}"
        rows.append({"part": "trained", "net": kind, "units": sum(hidden), "distance": trained[hidden]})
    few = np.linspace(0, END, size.points)
    noisy = oscillation(few, *numbers) + np.random.default_rng([seed, 1]).normal(0, NOISE, size.points)
    nets = [_trained(few, noisy, (n,) if is_net else (), size.steps, seed) for n in size.widths]
    best = min(nets, key=lambda each: _rms(each(t) - truth))
    fitted = fit(few, noisy, damped=formula == "true")
    outside = np.linspace(END, 1.5 * END, 500)
    beyond = oscillation(outside, *numbers)
    widest = max(hidden for hidden in size.hidden if len(hidden) == 1)
    logs = np.log([[row["units"], row["distance"]] for row in rows if row["part"] == "by hand"])
    values = {
        "order": np.polyfit(logs[:, 0], logs[:, 1], 1)[0],
        "bound": max(0.0, max(shares) - 1),
        "trained": trained[widest] / trained[2,],
        "formula": _rms(oscillation(t, *fitted) - truth) / _rms(best(t) - truth),
        "formula_outside": min(_rms(oscillation(outside, *fitted) - beyond) / _rms(beyond), 1e6),
        "net_outside": min(_rms(best(outside) - beyond) / _rms(beyond), 3.0),
    }
    shown = np.linspace(0, 1.5 * END, 61)
    curves = {"truth": oscillation(shown, *numbers), "net": best(shown), "formula": oscillation(shown, *fitted)}
    rows += [{"part": "points", "t": float(x), "y": float(y)} for x, y in zip(few, noisy, strict=True)]
    for name, curve in curves.items():
        rows += [
            {"part": "curve", "net": name, "t": float(x), "y": float(y)} for x, y in zip(shown, curve, strict=True)
        ]
    return Measured(rows, {name: float(value) for name, value in values.items()})


def draw(rows: Rows) -> Figure:
    """Distances by units; both fits of the first seed, inside and outside of the points."""
    figure, (distance, fits) = panels("Distance from the function", "Fits of 20 points with noise, and on from there")
    lines(distance, [row for row in rows if "distance" in row], "units", "distance", "net", marker="o", markersize=3.5)
    distance.set(xscale="log", yscale="log", xlabel="hidden units", ylabel="distance")
    distance.legend(frameon=False, fontsize=9, ncols=2, loc="upper center", bbox_to_anchor=(0.45, -0.18))
    first = [row for row in rows if row["seed"] == rows[0]["seed"]]
    fits.axvspan(END, 1.5 * END, color=GREY, alpha=0.08, linewidth=0)
    for name, colour, style in (("truth", INK, ":"), ("net", WALK, "-"), ("formula", MODEL, "-")):
        places = [(row["t"], row["y"]) for row in first if row["part"] == "curve" and row["net"] == name]
        fits.plot(*zip(*places, strict=True), style, color=colour, linewidth=1.6, label=name)
    places = [(row["t"], row["y"]) for row in first if row["part"] == "points"]
    fits.plot(*zip(*places, strict=True), "o", color=GREY, markersize=3.5)
    fits.set(xlabel="t (grey: no points there)", ylim=(-2, 2))
    fits.legend(frameon=False, fontsize=9, ncols=3, loc="upper center", bbox_to_anchor=(0.5, -0.18))
    figure.set_figheight(7.5)
    return figure


def oscillation(t: np.ndarray, a: float, g: float, w: float, p: float) -> np.ndarray:
    return np.asarray(a * np.exp(-g * t) * np.cos(w * t + p))


def fit(t: np.ndarray, y: np.ndarray, damped: bool = True) -> np.ndarray:
    """a, g, w, p by least squares, the best from several first guesses of w; without damping g is 0."""
    from scipy.optimize import curve_fit

    def undamped(t: np.ndarray, a: float, w: float, p: float) -> np.ndarray:
        return oscillation(t, a, 0.0, w, p)

    formula = oscillation if damped else undamped
    found, least = np.zeros(4), math.inf
    for w in (2.0, 3.0, 4.0, 5.0, 6.0):
        try:
            numbers, _ = curve_fit(formula, t, y, (1.0, 0.2, w, 0.0) if damped else (1.0, w, 0.0), maxfev=2000)
        except RuntimeError:  # no minimum from this guess
            continue
        error = float(np.square(formula(t, *numbers) - y).sum())
        if error < least:
            found, least = numbers, error
    return found if damped else np.insert(found, 1, 0.0)


@torch.no_grad()
def broken_line(numbers: tuple[float, ...], units: int) -> MLP:
    """A net of rectified units, by hand, through units + 1 points of the oscillation."""
    corners = np.linspace(0, END, units + 1)
    y = oscillation(corners, *numbers)
    slopes = np.diff(y) / np.diff(corners)
    net = MLP(1, (units,), 1).double()
    net.weights[0].fill_(1)
    net.biases[0][0, 0] = -torch.from_numpy(corners[:-1])
    net.weights[1][0, :, 0] = torch.from_numpy(np.diff(slopes, prepend=0))
    net.biases[1].fill_(float(y[0]))
    return net.eval()


def _numbers(seed: int) -> tuple[float, float, float, float]:
    """a, g, w, p of this seed's oscillation."""
    random = np.random.default_rng([seed, 0]).random(4)
    return 1 + 0.5 * random[0], 0.2 + 0.1 * random[1], 3.5 + random[2], 2 * math.pi * random[3]


def _bend(t: np.ndarray, numbers: tuple[float, float, float, float]) -> float:
    """The largest |f''|: f is the real part of a e^(ip) e^(st) with s = -g + iw, so f'' is that of s^2 times it."""
    a, g, w, p = numbers
    s = complex(-g, w)
    return float(np.abs((s**2 * a * np.exp(1j * p) * np.exp(s * t)).real).max())


def _trained(t: np.ndarray, y: np.ndarray, hidden: tuple[int, ...], steps: int, seed: int) -> Function:
    """A net of tanh units, by Adam on all points with a rate that falls to 0."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        net = MLP(1, hidden, 1, "tanh").double()
        with torch.no_grad():
            if hidden:  # units whose steep part lies among the points
                net.weights[0].uniform_(-3, 3)
                net.biases[0][0, 0] = -net.weights[0][0, 0] * (2 * torch.rand(hidden[0], dtype=torch.float64) - 1)
    x, targets = torch.from_numpy(t / (END / 2) - 1)[:, None], torch.from_numpy(y)[:, None]

    def objective(model: nn.Module, batch: Batch, state: State) -> tuple[Tensor, State]:
        return F.mse_loss(model(batch[0]), batch[1]), None

    optimizer = torch.optim.Adam(net.parameters(), lr=LR)
    run = training.Run(
        net,
        objective,
        ShuffledBatches(x, targets, len(x), shuffle=False),
        optimizer,
        lambda step: LR * (1 + math.cos(math.pi * step / steps)) / 2,
        steps,
    )
    for _ in training.train(run):
        pass
    answer = _function(net.eval())
    return lambda t: answer(t / (END / 2) - 1)


def _function(net: MLP) -> Function:
    @torch.no_grad()
    def answer(t: np.ndarray) -> np.ndarray:
        return np.asarray(net(torch.from_numpy(t)[:, None])[:, 0].numpy())

    return answer


def _rms(error: np.ndarray) -> float:
    return float(np.sqrt(np.square(error).mean()))
