"""What truncated backpropagation through time can learn, and what it costs.

A stream has no end, so its gradient is cut: after every k steps the state (h, c) is handed on as a number, without the
graph that made it. The loss of a window is L = sum over t = s+1 .. s+k of L_t, and what h_s owes to earlier steps is
left out:

    dL/dW = sum_t sum_(s < u <= t) dL_t/dh_t (dh_t/dh_u) (dh_u/dW)         instead of all u <= t

A bit that was written at u and is asked for at t = u + d therefore reaches the weights that wrote it only where a
window holds both, that is where k > d; of all places of a window a share (k - d) / k. With k <= d the state may well
be carried, but nothing ever asks the net to write the bit into it.

The stream: bits at every step; a mark says which one to keep, and d steps later a second mark asks for it. The loop is
the one that trains all models of seqlab, whose `state = detach(state)` is the truncation. Nets of all k see the same
stream once, so those of short k take more optimizer steps. The cost is counted, not timed: the bytes that are kept
for the backward pass of one step.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

import torch
from matplotlib.figure import Figure
from torch import Tensor, nn
from torch.nn import functional as F

from seqlab import training
from seqlab.data.batches import IGNORE_INDEX, seeded
from seqlab.errors import DivergenceError
from seqlab.lab.drawing import over_seeds, panels
from seqlab.lab.experiment import Experiment, Inequality, Knob, Measured, Rows
from seqlab.models.recurrent import recurrent_layers, run_layers
from seqlab.plots.style import GREY, MODEL, WALK
from seqlab.training import Batch, State

HIDDEN, BATCH, LR, CLIP_NORM = 32, 32, 0.01, 1.0
TEST_ROWS, TEST_STEPS = 64, 1000


class _Scale(NamedTuple):
    lag: int  # d, from the bit to the question
    lengths: tuple[int, ...]  # k: the first is half of d; the one that is judged as long enough is `enough`
    enough: int
    steps: int  # of the stream


SCALES = {
    "small": _Scale(8, (4, 16), 16, 2000),
    "default": _Scale(12, (6, 12, 24, 48), 24, 7200),
    "full": _Scale(100, (25, 50, 100, 200, 400), 200, 1_000_000),
}

EXPERIMENT = Experiment(
    name="truncation",
    claim="backpropagation through time truncated after k steps learns a dependency that k covers, and not one of "
    "twice that length, though the state is carried on; what it keeps for the backward pass grows with k",
    source="Williams and Peng (1990), An efficient gradient-based algorithm for on-line training of recurrent network "
    "trajectories; Tallec and Ollivier (2017), Unbiasing truncated backpropagation through time",
    refuted_by="a net that learns the dependency with windows of half its length, one that does not with windows of "
    "twice its length, or a backward pass that keeps as little for long windows as for short ones",
    inequalities=(
        Inequality(
            "covered",
            "accuracy of the bit asked for, with windows of twice the lag",
            "half of all questions lie in a window with their bit; to know it nine times in ten is to have learned it",
            above=0.9,
        ),
        Inequality(
            "short",
            "accuracy with windows of half the lag, which had more optimizer steps over the same stream",
            "guessing gives 0.5; what leaks through an untrained memory over the lag is worth less than a tenth",
            below=0.6,
        ),
        Inequality(
            "cost",
            "bytes kept for the backward pass of one step, four times the length over one",
            "every step of a window keeps the same, so the ratio is near 4; below 3 the cost would not grow with k",
            above=3,
        ),
    ),
    knobs={
        "detach": Knob(
            "on",
            ("off",),
            "whether the state is detached after every k steps; off: windows are joined until they are as long as the "
            "one that is long enough, and the gradient goes from one to the next",
        )
    },
    seconds=16,
    note="Windows as long as the lag are one step too short: the bit and its question never stand in the same one. "
    "A short window can still find a long dependency where something shorter leads there, or where a state that "
    "nobody trained happens to keep it; here bits between the two drown that.",
)


def measure(seed: int, scale: str, detach: str = "on") -> Measured:
    """A row for each k: accuracy on another stream, steps, and the bytes kept for the backward pass of one."""
    size = SCALES[scale]
    rows = [_learn(k, size, seed, joined=detach == "off") for k in size.lengths]
    of = {row["k"]: row for row in rows}
    short, covered = of[size.lengths[0]], of[size.enough]
    values = {
        # a run that could not be trained shows nothing: it counts against the claim
        "covered": 0.0 if covered["stopped"] else covered["accuracy"],
        "short": 1.0 if short["stopped"] else short["accuracy"],
        "cost": covered["kept_bytes"] / short["kept_bytes"],
    }
    return Measured(rows, values)


class Recaller(nn.Module):
    """An LSTM that says after each step what the bit asked for was. It reads its input k steps at a time."""

    def __init__(self, k: int, seed: int) -> None:
        super().__init__()
        self.k = k
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.layers = recurrent_layers("lstm", 3, HIDDEN, 1)
            self.output = nn.Linear(HIDDEN, 2)

    def forward(self, x: Tensor, state: State) -> tuple[Tensor, State]:
        outputs = []
        for window in x.split(self.k, dim=1):
            output, state = run_layers(self.layers, window, state)
            outputs.append(output)
        return self.output(torch.cat(outputs, 1)), state  # (B, T, 2)


class Stream:
    """Parallel streams (B, T, 3) of bits, marks that say keep and marks that ask, in batches of `window` steps.

    The target is the bit that was kept `lag` steps before, 1 or 0, where it is asked for.
    """

    def __init__(self, rows: int, steps: int, lag: int, window: int, seed: int) -> None:
        generator = seeded(seed, lag)
        bits = torch.randint(0, 2, (rows, steps), generator=generator)
        gaps = lag + 1 + torch.randint(0, 4, (rows, steps // lag + 1), generator=generator)
        first = torch.randint(0, lag, (rows, 1), generator=generator)
        self.window = window
        self.x = torch.stack([2.0 * bits - 1, torch.zeros(rows, steps), torch.zeros(rows, steps)], 2)
        self.y = torch.full((rows, steps), IGNORE_INDEX)
        places = torch.cat([first, first + gaps.cumsum(1)], 1)
        row, column = (places + lag < steps).nonzero(as_tuple=True)
        place = places[row, column]
        self.x[row, place, 1] = 1.0
        self.x[row, place + lag, 2] = 1.0
        self.y[row, place + lag] = bits[row, place]

    def __len__(self) -> int:
        return self.x.shape[1] // self.window

    def epoch(self, number: int, start: int = 0) -> Iterator[Batch]:
        for index in range(start, len(self)):
            span = slice(index * self.window, (index + 1) * self.window)
            yield self.x[:, span], self.y[:, span]


def _objective(model: nn.Module, batch: Batch, state: State) -> tuple[Tensor, State]:
    x, y = batch
    logits, state = model(x, state)
    total = F.cross_entropy(logits.flatten(0, 1), y.flatten(), ignore_index=IGNORE_INDEX, reduction="sum")
    return total / (y != IGNORE_INDEX).sum().clamp(min=1), state


def _learn(k: int, size: _Scale, seed: int, joined: bool) -> dict[str, Any]:
    model = Recaller(k, seed)
    stream = Stream(BATCH, size.steps, size.lag, max(k, size.enough) if joined else k, seed)
    optimizer = torch.optim.Adam(model.parameters(), LR)
    run = training.Run(model, _objective, stream, optimizer, lambda step: LR, len(stream), clip_norm=CLIP_NORM)
    row: dict[str, Any] = {"k": k, "lag": size.lag, "kept_bytes": _kept_bytes(model, next(stream.epoch(0)))}
    stopped = ""
    try:
        for _ in training.train(run):
            pass
    except (RuntimeError, DivergenceError) as error:
        # a graph that goes on from window to window is freed by the first backward pass, and the next one fails
        stopped = str(error).split(".")[0]
    test = Stream(TEST_ROWS, TEST_STEPS, size.lag, TEST_STEPS, seed + 1_000_000)
    with torch.inference_mode():
        answers = model.output(run_layers(model.layers, test.x, None)[0]).argmax(2)
    asked = test.y != IGNORE_INDEX
    accuracy = (answers == test.y)[asked].float().mean().item()
    return row | {"optimizer_steps": run.step, "accuracy": accuracy, "stopped": stopped}


def _kept_bytes(model: nn.Module, batch: Batch) -> int:
    """Bytes of the tensors that the forward pass of one step keeps for the backward pass, the weights aside."""
    weights = {parameter.untyped_storage().data_ptr() for parameter in model.parameters()}
    kept: dict[int, Tensor] = {}

    def keep(tensor: Tensor) -> Tensor:
        if tensor.untyped_storage().data_ptr() not in weights:
            kept[tensor.untyped_storage().data_ptr()] = tensor
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        _objective(model, batch, None)
    return sum(tensor.untyped_storage().nbytes() for tensor in kept.values())


def draw(rows: Rows) -> Figure:
    """Accuracy against k with the lag marked, and below it what a step keeps."""
    figure, (top, bottom) = panels("The bit asked for, on a new stream", "Kept for the backward pass of a step")
    lag, lengths = rows[0]["lag"], sorted({row["k"] for row in rows})
    places, mean, _, _ = over_seeds(rows, "k", "accuracy")
    top.plot(places, mean, color=MODEL, linewidth=1.6)
    top.plot([row["k"] for row in rows], [row["accuracy"] for row in rows], "o", color=MODEL, markersize=4, alpha=0.6)
    top.axhline(0.5, color=GREY, linewidth=1, linestyle=":")
    top.text(lengths[-1], 0.51, "guessing", color=GREY, fontsize=9, ha="right", va="bottom")
    top.set_ylim(0.4, 1.05)
    top.set_ylabel("accuracy")
    places, mean, _, _ = over_seeds(rows, "k", "kept_bytes")
    bottom.plot(places, mean / 1024, "o-", color=MODEL, linewidth=1.6, markersize=4)
    bottom.set_ylim(0, None)
    bottom.set_ylabel("kilobytes")
    for axes in (top, bottom):
        axes.set_xticks(lengths, [str(length) for length in lengths])
        axes.set_xlabel("k, steps until the state is detached")
        axes.axvline(lag, color=WALK, linewidth=1, linestyle="--")
    top.text(lag * 1.02, 0.75, f" lag {lag}", color=WALK, fontsize=9)
    return figure
