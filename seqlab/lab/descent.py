"""Gradient descent on two variables: how long a step may be, which minimum it finds, and what momentum and Adam change.

A step is x <- x - lr f'(x). On a bowl f(x) = x'Ax / 2 every eigenvector of A goes its own way: its part of x is
multiplied by 1 - lr lambda at each step. So

    x goes to 0 if and only if lr < 2 / lambda_max
    at the best lr, 2 / (lambda_max + lambda_min), the distance shrinks by (kappa - 1) / (kappa + 1) at each step

with kappa = lambda_max / lambda_min. Momentum, v <- beta v + f'(x), x <- x - lr v, at its best lr and beta, shrinks it
by (sqrt(kappa) - 1) / (sqrt(kappa) + 1): Polyak's heavy ball needs about the square root of the steps. Stochastic
gradient descent reads A (x - c) instead of A x, with another example c each time, of variance 1: it does not come to
rest, and along an eigenvector its variance becomes lr lambda / (2 - lr lambda). Adam divides by the size that
gradients had, so its path is the same whatever f is multiplied by.

Where there are several minima, each start has its own. The function of Styblinski and Tang, the sum of
(x^4 - 16 x^2 + 5 x) / 2 over both variables, has four; short steps stay in the valley they began in.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor

from seqlab.data.batches import seeded
from seqlab.lab.drawing import COLOURS, lines, panels
from seqlab.lab.experiment import Experiment, Inequality, Knob, Measured, Rows
from seqlab.lab.surfaces import Surface, bowls, descend, four_minima
from seqlab.plots.style import FAINT, GREY, INK

NEVER = 1_000_000  # steps: what a descent that did not arrive counts
NEAR = 1e-4  # of the first distance: where a descent counts as done
MARKS = [0, 1, 2, 3, 4, 6, 8, 11, 15, 20, 30, 45, 70, 150]  # steps of a path that are drawn among four minima
SHOWN, MEASURED = 40, 60  # steps of a path: in the figure; in all
VALLEYS = np.sort(np.roots([2, 0, -16, 2.5]).real)  # where the slope of (x^4 - 16 x^2 + 5 x) / 2 is 0: low, ridge, high


class _Scale(NamedTuple):
    conditions: tuple[int, ...]  # kappa
    starts: int  # on the function with four minima
    walkers: int  # of stochastic gradient descent
    walk: int  # their steps


SCALES = {
    "small": _Scale((10, 100), 200, 4000, 100),
    "default": _Scale((10, 30, 100), 400, 4000, 200),
    "full": _Scale((10, 30, 100, 300, 1000, 3000, 10000), 4000, 40000, 2000),
}

EXPERIMENT = Experiment(
    name="descent",
    claim="gradient descent reaches a minimum if its step is shorter than 2 / lambda_max, the one of its own valley; "
    "momentum needs the square root of its steps, and Adam does not mind the scale of the function",
    source="Polyak (1964), Some methods of speeding up the convergence of iteration methods; "
    "Kingma and Ba (2015), Adam: a method for stochastic optimization",
    refuted_by="a longest step other than 2 / lambda_max, short steps that leave their valley, or momentum that is "
    "not much faster in a narrow one",
    inequalities=(
        Inequality(
            "law",
            "relative difference between the longest learning rate that converges and 2 / lambda_max",
            "an equality; the rates that were tried lie 0.0002 apart",
            below=1e-3,
        ),
        Inequality(
            "shrinks",
            "log10 of the distance after 60 steps at nine tenths of 2 / lambda_max, in first distances",
            "the slower direction of a bowl of kappa 10 is multiplied by 0.82 each time: 0.82^60 is 10^-5.2",
            below=-5,
        ),
        Inequality(
            "own_valley",
            "share of starts that end in the minimum of the valley they began in",
            "all, if no step is longer than 1 / lambda_max; a few on a ridge may not have arrived",
            above=0.98,
        ),
        Inequality(
            "lowest",
            "share of starts that end in the lowest minimum",
            "its valley covers 27 % of the square: a minimum is found, not the lowest",
            below=0.5,
        ),
        Inequality(
            "gain",
            "steps without momentum over steps with it, at kappa 100",
            "half the square root of kappa, Polyak's limit for narrow valleys",
            above=5,
        ),
        Inequality(
            "plain_power",
            "distance from 1 of the power of kappa by which steps grow without momentum",
            "the rate (kappa - 1) / (kappa + 1) gives 1",
            below=0.1,
        ),
        Inequality(
            "momentum_power",
            "distance from 1/2 of that power with momentum",
            "the rate (sqrt(kappa) - 1) / (sqrt(kappa) + 1) gives 1/2; the beginning costs a little more",
            below=0.1,
        ),
        Inequality(
            "noise",
            "relative difference between the variance of SGD at rest and lr lambda / (2 - lr lambda)",
            "an equality for walks without end; so many walkers are uncertain by a few hundredths",
            below=0.1,
        ),
        Inequality(
            "adam",
            "largest distance between Adam's paths on f and on 1000 f",
            "nought but for Adam's epsilon of 1e-8; the paths are about 1 long",
            below=1e-3,
        ),
    ),
    knobs={
        "momentum": Knob("heavy_ball", ("off",), "whether the faster of the two descents has momentum"),
        "lr": Knob("fits", ("too_large",), "the step of the descent on the bowl, in 2 / lambda_max: 0.9 or 1.1"),
    },
    seconds=2.5,
    note="The best rates of both rules need lambda_max and lambda_min, which nobody knows of a net: what is compared "
    "is what each can do at most. The laws are of bowls; a net's surface is one only near a minimum.",
)


def measure(seed: int, scale: str, momentum: str = "heavy_ball", lr: str = "fits") -> Measured:
    """Rows: paths on a bowl, steps by kappa, the variance of SGD, and where starts end among four minima."""
    size = SCALES[scale]
    share = 0.9 if lr == "fits" else 1.1
    on_bowl, longest = _on_the_bowl(share, seed)
    last = on_bowl[f"step {share} of 2 / λ"][-1].norm()
    adam, scaled = on_bowl["Adam"], on_bowl.pop("Adam on 1000 f")
    steps = _steps(size.conditions, seed, momentum != "off")
    at_hundred = next(row for row in steps if row["kappa"] == 100)
    valleys, shares = _valleys(size, seed)
    noise = _variances(size, seed)
    logs = np.log([[row["kappa"], row["plain"], row["faster"]] for row in steps])
    values = {
        "law": abs(longest - 1),
        "shrinks": math.log10(min(float(last), 1e9)),
        "own_valley": shares[0],
        "lowest": shares[1],
        "gain": at_hundred["plain"] / at_hundred["faster"],
        "plain_power": abs(np.polyfit(logs[:, 0], logs[:, 1], 1)[0] - 1),
        "momentum_power": abs(np.polyfit(logs[:, 0], logs[:, 2], 1)[0] - 0.5),
        "noise": max(abs(row["variance"] / row["expected"] - 1) for row in noise),
        "adam": float((scaled - adam).norm(dim=1).max()),
    }
    drawn = [row for name, path in on_bowl.items() for row in _path_rows("bowl", name, path)]
    return Measured(drawn + steps + noise + valleys, {name: float(value) for name, value in values.items()})


def draw(rows: Rows) -> Figure:
    """Paths on the bowl and among four minima, both of the first seed, and steps by kappa."""
    first = [row for row in rows if row["seed"] == rows[0]["seed"]]
    figure, (bowl, valleys, steps) = panels(
        "Paths on a bowl of κ = 10",
        "Four minima: each start has its own",
        "Steps until a ten thousandth of the distance",
    )
    figure.set_figheight(12)
    places: np.ndarray
    surface, _ = bowls([10], rows[0]["seed"])
    _contours(bowl, surface, 1.25, np.array([0.02, 0.1, 0.3, 0.7, 1.5, 3, 6, 10]))
    paths = [row for row in first if row.get("part") == "bowl"]
    for name, colour in zip(dict.fromkeys(row["path"] for row in paths), COLOURS, strict=False):
        places = np.array([(row["x"], row["y"]) for row in paths if row["path"] == name][: SHOWN + 1])
        bowl.plot(*places.T, ".-", color=colour, linewidth=1.2, markersize=3.5, label=name)
    bowl.plot(*places[0], "o", color=INK, markersize=5)
    bowl.legend(frameon=False, fontsize=9, ncols=2, loc="upper center", bbox_to_anchor=(0.5, -0.1))
    _contours(valleys, four_minima, 5, np.linspace(-75, 120, 14))
    for name in dict.fromkeys(row["path"] for row in first if row.get("part") == "valleys"):
        places = np.array([(row["x"], row["y"]) for row in first if row.get("path") == name])
        valleys.plot(*places.T, "-", color=COLOURS[0], linewidth=1)
        valleys.plot(*places[0], "o", color=COLOURS[0], markersize=3)
    for x in VALLEYS[[0, 2]]:
        for y in VALLEYS[[0, 2]]:
            valleys.plot(x, y, "*", color=COLOURS[1], markersize=11 if x < 0 and y < 0 else 7)
    counted = [row for row in rows if row.get("part") == "steps"]
    curves = [
        row | {"": name, "n": row[of]} for name, of in (("plain", "plain"), ("momentum", "faster")) for row in counted
    ]
    lines(steps, curves, "kappa", "n", "", marker="o", markersize=3.5)
    kappa = np.array(sorted({row["kappa"] for row in counted}), float)
    for power in (1, 0.5):
        steps.plot(kappa, math.log(1 / NEAR) / 2 * kappa**power, ":", color=GREY, linewidth=1)
    steps.set(xscale="log", yscale="log", xlabel="κ (dotted: the laws, κ and √κ)", ylabel="steps")
    steps.minorticks_off()
    return figure


def _best(kappa: float, momentum: bool) -> tuple[float, float, float]:
    """lr, beta and what the distance is multiplied by at each step, at the best for eigenvalues from 1 to kappa."""
    if not momentum:
        return 2 / (kappa + 1), 0.0, (kappa - 1) / (kappa + 1)
    root = math.sqrt(kappa)
    rate = (root - 1) / (root + 1)
    return 4 / (root + 1) ** 2, rate**2, rate


def _on_the_bowl(share: float, seed: int) -> tuple[dict[str, Tensor], float]:
    """Paths on a bowl of kappa 10, and the longest step that converges, in 2 / lambda_max.

    A step of plain descent is as long on 0.9 f as one at 0.9 of the rate on f, so all rates are tried at once: one
    converges where the last step still brought the bottom nearer.
    """
    surface, start = bowls([10], seed)
    tried = torch.arange(0.8, 1.25, 0.0002, dtype=torch.float64)
    scales = torch.cat([torch.tensor([0.1, share], dtype=torch.float64), tried])
    many = descend(lambda x, c: scales * surface(x, c), start.expand(len(scales), 2), 2 / 10, MEASURED)
    distance = many[-2:, 2:].norm(dim=2)
    lr, beta, _ = _best(10, momentum=True)
    paths = {"step 0.1 of 2 / λ": many[:, 0], f"step {share} of 2 / λ": many[:, 1]}
    paths["momentum"] = descend(surface, start, lr, MEASURED, beta)[:, 0]
    sizes = torch.tensor([1.0, 1000.0], dtype=torch.float64)
    adam = descend(lambda x, c: sizes * surface(x, c), start.expand(2, 2), 0.1, MEASURED, adam=True)
    sgd = descend(surface, start, 0.2 * 2 / 10, MEASURED, variance=0.1, seed=seed)
    paths["SGD"] = sgd[:, 0]
    paths["Adam"], paths["Adam on 1000 f"] = adam[:, 0], adam[:, 1]
    return paths, float(tried[distance[1] < distance[0]].max())


def _steps(kappas: Sequence[int], seed: int, momentum: bool) -> Rows:
    """How many steps it takes to be within NEAR of the minimum for good, at the best rates."""
    surface, start = bowls(kappas, seed)
    scales = torch.tensor([_best(kappa, momentum=False)[0] for kappa in kappas], dtype=torch.float64)
    plain = descend(lambda x, c: scales * surface(x, c), start, 1.0, _enough(max(kappas), False))
    rows: Rows = []
    for number, kappa in enumerate(kappas):
        path = plain[:, number]
        found = {"part": "steps", "kappa": kappa, "plain": _last_far(path), "faster": _last_far(path)}
        if momentum:
            lr, beta, _ = _best(kappa, momentum=True)
            path = descend(bowls([kappa], seed)[0], start[number, None], lr, _enough(kappa, True), beta)[:, 0]
            found["faster"] = _last_far(path)
        rows.append(found)
    return rows


def _enough(kappa: float, momentum: bool) -> int:
    """Steps for a descent at its best; the heavy ball goes up before it comes down."""
    return round((2 if momentum else 1.02) * math.log(NEAR) / math.log(_best(kappa, momentum)[2])) + 10


def _last_far(path: Tensor) -> int:
    far = path.norm(dim=1) > NEAR
    return NEVER if far[-1] else int(far.nonzero().max()) + 1


def _variances(size: _Scale, seed: int) -> Rows:
    """How far SGD's walkers are from the minimum, squared, in the second half of walks on a bowl of kappa 4."""
    rates = (0.125, 0.05)
    surface, _ = bowls([4], seed)
    scales = torch.tensor(rates, dtype=torch.float64).repeat_interleave(size.walkers)
    start = torch.zeros(len(scales), 2, dtype=torch.float64)
    path = descend(lambda x, c: scales * surface(x, c), start, 1.0, size.walk, variance=1.0, seed=seed)
    found = path[size.walk // 2 :].square().sum(2).mean(0).reshape(2, -1).mean(1).tolist()
    expected = [sum(lr * each / (2 - lr * each) for each in (1, 4)) for lr in rates]
    return [
        {"part": "noise", "lr": lr, "variance": mine, "expected": its}
        for lr, mine, its in zip(rates, found, expected, strict=True)
    ]


def _valleys(size: _Scale, seed: int) -> tuple[Rows, tuple[float, float]]:
    """Paths of some starts on the square from -5 to 5; the shares that end in their own and in the lowest minimum."""
    start = 10 * torch.rand(size.starts, 2, generator=seeded(seed, 2), dtype=torch.float64) - 5
    path = descend(four_minima, start, 0.005, 150)
    low, ridge, high = VALLEYS.tolist()
    own = torch.where(start < ridge, low, high)
    near = (path[-1] - own).norm(dim=1) < 0.01
    lowest = (path[-1] - low).norm(dim=1) < 0.01
    rows = [row for each in range(14) for row in _path_rows("valleys", f"start {each}", path[MARKS, each])]
    return rows, (float(near.double().mean()), float(lowest.double().mean()))


def _path_rows(part: str, name: str, path: Tensor) -> Rows:
    """The first steps of a path; where it has left the figure far behind it is not drawn on."""
    inside = [(step, *place) for step, place in enumerate(path[: SHOWN + 1].tolist()) if max(map(abs, place)) < 10]
    return [{"part": part, "path": name, "step": step, "x": x, "y": y} for step, x, y in inside]


def _contours(axes: Axes, surface: Surface, reach: float, levels: np.ndarray) -> None:
    x, y = np.meshgrid(np.linspace(-reach, reach, 121), np.linspace(-reach, reach, 121))
    grid = torch.from_numpy(np.column_stack([x.ravel(), y.ravel()]))
    values = surface(grid, torch.zeros_like(grid)).reshape(x.shape)
    axes.contour(x, y, values, levels=levels, colors=[FAINT], linewidths=1.2)
    axes.set(xlim=(-reach, reach), ylim=(-reach, reach), xlabel="first variable", ylabel="second variable")
    axes.set_aspect("equal")
    axes.grid(False)
