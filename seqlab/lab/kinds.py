"""The three kinds of learning side by side: what each is told, and what it makes of it.

Supervised: a feedforward net is told of every digit which it is, and names digits that it has not seen. It is compared
with always saying the commonest class.

Unsupervised: an autoencoder is told nothing but the images, and passes them through a code of a few numbers. Its error
on images that it has not seen is divided by that of the mean image, and k-means groups their codes: the adjusted Rand
index (Hubert and Arabie 1985) of groups and true classes is 0 by chance and 1 where they are the same.

Reinforcement: a policy is told only for how long it kept a pole upright on a cart. REINFORCE moves its parameters w
about along the gradient of the expected return

    d/dw E[R] ~ E[ sum_t (R_t - b_t) d/dw log p(a_t | what was seen) ],    R_t = r_t + 0.99 R_(t+1)

with a baseline b_t, the mean return from step t on. The velocities are hidden, so that one look does not say whether
the pole rises or falls: a recurrent policy can remember the look before, and the same cell that begins at every step
from zeros cannot.
"""

from typing import NamedTuple

import numpy as np
import torch
from matplotlib.figure import Figure
from torch import Tensor, nn
from torch.nn import functional as F

from seqlab import training
from seqlab.data.batches import ShuffledBatches, seeded
from seqlab.lab.cartpole import Policy, Trials, loss, play
from seqlab.lab.drawing import bars, lines, panels
from seqlab.lab.experiment import Experiment, Inequality, Knob, Measured, Rows
from seqlab.models.autoencoder import Autoencoder
from seqlab.models.mlp import MLP
from seqlab.plots.style import GREY, MODEL, WALK
from seqlab.training import Batch, State

CLASSES, PIXELS, CODE = 10, 64, 8
HELD_OUT, BATCH, LR = 500, 64, 0.003
TRIED, LONGEST = 64, 200  # episodes after training, and their steps at the most


class _Scale(NamedTuple):
    epochs: int  # of each net over the digits
    updates: int  # of a policy
    episodes: int  # in each
    steps: int  # of the longest
    hidden_size: int
    lr: float


SCALES = {
    "small": _Scale(epochs=11, updates=30, episodes=16, steps=80, hidden_size=16, lr=0.03),
    "default": _Scale(epochs=30, updates=60, episodes=16, steps=100, hidden_size=16, lr=0.03),
    "full": _Scale(epochs=100, updates=2000, episodes=64, steps=500, hidden_size=64, lr=0.003),
}

EXPERIMENT = Experiment(
    name="kinds",
    claim="from labels a net learns to name digits, from digits alone what they have in common, and from reward alone "
    "to balance a pole, for which it needs memory where it sees no velocities",
    source="Williams (1992), Simple statistical gradient-following algorithms for connectionist reinforcement "
    "learning; memory for what is hidden: Hausknecht and Stone (2015), Deep recurrent Q-learning for partially "
    "observable MDPs; the pole: Barto, Sutton and Anderson (1983)",
    refuted_by="a net that names digits no better than the commonest class, codes whose groups have nothing to do with "
    "the classes, or a policy without memory that balances nearly as long as one with it",
    inequalities=(
        Inequality(
            "supervised",
            "accuracy on digits that were not seen, less that of the commonest class",
            "ten classes of equal size leave 0.9 to gain; half of all digits is far beyond luck",
            above=0.5,
        ),
        Inequality(
            "rebuilt",
            "squared error of rebuilt digits over that of the mean digit",
            "1 is what nothing learned gives; below a half most of what tells digits apart is in the code",
            below=0.5,
        ),
        Inequality(
            "groups",
            "adjusted Rand index of groups in the code and the classes, which were never told",
            "0 is chance, by its definition, with a spread of some thousandths; 0.2 is no accident",
            above=0.2,
        ),
        Inequality(
            "learned",
            "steps a recurrent policy balances, in those of a random one",
            "twice as long is more than luck: 64 episodes have a standard error of about 7 %",
            above=2,
        ),
        Inequality(
            "memory",
            "the same, in those of the policy without memory",
            "memory that is needed shows as much longer balance; by a half is more than the spread of the trials",
            above=1.5,
        ),
    ),
    knobs={
        "memory": Knob("on", ("off",), "whether the recurrent policy keeps its state from step to step"),
        "velocity": Knob("hidden", ("shown",), "whether the policies see the velocities: then one look is enough"),
    },
    seconds=15,
    note="That groups agree with the classes is no work of the autoencoder: in raw pixels they do as well (0.6 to "
    "0.7), and in the code of an untrained one with 0.25. What it learned is to rebuild. The first two are told of "
    "the same 1,297 digits and tried on the other 500. An episode ends after 200 steps at the latest, so that the "
    "best that can be measured is 200; CartPole-v1 goes on to 500.",
)


def measure(seed: int, scale: str, memory: str = "on", velocity: str = "hidden") -> Measured:
    """Rows: what each kind was told and reached; the length of the episodes by update, of both policies."""
    size = SCALES[scale]
    (x, y), (unseen, truth) = _digits(seed)
    named, commonest = _supervised(x, y, unseen, truth, size, seed)
    error, groups = _unsupervised(x, unseen, truth, size, seed)
    without, curve = _reinforced(_policy(velocity, False, size, seed), size, seed)
    rows: Rows = [{"part": "curve", "policy": "without memory", **point} for point in curve]
    with_memory = without
    if memory == "on":
        with_memory, curve = _reinforced(_policy(velocity, True, size, seed), size, seed)
    rows += [{"part": "curve", "policy": "recurrent", **point} for point in curve]
    chance = _tried(_policy(velocity, False, size, seed), seed)
    reached = {
        "supervised": (("net", named), ("commonest class", commonest)),
        "rebuilt": (("autoencoder", error), ("mean digit", 1.0)),
        "groups": (("k-means on codes", groups), ("chance", 0.0)),
        "reinforcement": (("recurrent", with_memory), ("without memory", without), ("random", chance)),
    }
    rows += [{"part": part, "who": who, "value": value} for part, each in reached.items() for who, value in each]
    return Measured(
        rows,
        {
            "supervised": named - commonest,
            "rebuilt": error,
            "groups": groups,
            "learned": with_memory / chance,
            "memory": with_memory / without,
        },
    )


def draw(rows: Rows) -> Figure:
    """What supervised and unsupervised learning reached beside what no learning does, and the policies' episodes."""
    titles = (
        "Supervised: share of unseen digits named",
        "Unsupervised: error of rebuilt unseen digits",
        "Unsupervised: groups like classes (Rand index)",
        "Reinforcement: steps balanced in training",
    )
    figure, (named, rebuilt, groups, balanced) = panels(*titles, height=2.3)
    for axes, part in ((named, "supervised"), (rebuilt, "rebuilt"), (groups, "groups")):
        bars(axes, [row for row in rows if row["part"] == part], "value", "who")
        axes.set_ylim(0, 1.05)
    curves = [row for row in rows if row["part"] == "curve"]
    lines(balanced, sorted(curves, key=lambda row: str(row["policy"])), "update", "steps", "policy")
    legend = balanced.get_legend()
    assert legend is not None
    legend.remove()  # the lines are labelled where they end
    end = max(row["update"] for row in curves)
    chance = [row["value"] for row in rows if row["part"] == "reinforcement" and row["who"] == "random"]
    balanced.plot([0, end], [np.mean(chance)] * 2, color=GREY, linewidth=1, linestyle=":")
    for who, colour in (("recurrent", MODEL), ("without memory", WALK), ("random", GREY)):
        at = [row["steps"] for row in curves if row["policy"] == who and row["update"] == end] or chance
        balanced.annotate(who, (end, np.mean(at)), (4, 0), textcoords="offset points", color=colour, va="center")
    balanced.set(xlabel="update", ylim=(0, None), xlim=(0, 1.45 * end))
    return figure


def _digits(seed: int) -> tuple[tuple[Tensor, Tensor], tuple[Tensor, Tensor]]:
    """Images (N, 64), in [0, 1], and classes (N,): those to learn from, and those held out."""
    from sklearn.datasets import load_digits

    images, classes = load_digits(return_X_y=True)
    x, y = torch.tensor(images / 16, dtype=torch.float32), torch.tensor(classes)
    order = torch.randperm(len(x), generator=seeded(seed))
    rest, held_out = order[HELD_OUT:], order[:HELD_OUT]
    return (x[rest], y[rest]), (x[held_out], y[held_out])


def _fit(net: nn.Module, objective: training.Objective, batches: training.Batches, lr: float, epochs: int) -> None:
    """Train with Adam."""
    steps = epochs * len(batches)
    optimizer = torch.optim.Adam(net.parameters(), lr)
    run = training.Run(net, objective, batches, optimizer, lambda step: lr, steps, clip_norm=1.0)
    for _ in training.train(run):
        pass


def _supervised(x: Tensor, y: Tensor, unseen: Tensor, truth: Tensor, size: _Scale, seed: int) -> tuple[float, float]:
    """The share of unseen digits that the net names, and the share that the commonest class is."""

    def objective(net: nn.Module, batch: Batch, state: State) -> tuple[Tensor, State]:
        return F.cross_entropy(net(batch[0]), batch[1]), None

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        net = MLP(PIXELS, (32,), CLASSES)
    _fit(net, objective, ShuffledBatches(x, y, BATCH, seed), LR, size.epochs)
    with torch.no_grad():
        named = (net(unseen).argmax(1) == truth).float().mean().item()
    return named, (y.mode().values == truth).float().mean().item()


def _unsupervised(x: Tensor, unseen: Tensor, truth: Tensor, size: _Scale, seed: int) -> tuple[float, float]:
    """The error of rebuilt unseen digits in that of the mean, and how alike groups of codes and classes are."""
    from sklearn.cluster import KMeans
    from sklearn.metrics import adjusted_rand_score

    def objective(net: nn.Module, batch: Batch, state: State) -> tuple[Tensor, State]:
        return F.mse_loss(net(batch[0]), batch[1]), None

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        net = Autoencoder(PIXELS, hidden_size=64, num_layers=1, code_size=CODE)
    _fit(net, objective, ShuffledBatches(x, x, BATCH, seed), LR, size.epochs)
    with torch.no_grad():
        error = F.mse_loss(net(unseen), unseen) / F.mse_loss(x.mean(0).expand_as(unseen), unseen)
        groups = KMeans(CLASSES, n_init=5, random_state=seed).fit_predict(net.encode(unseen).numpy())
    return error.item(), float(adjusted_rand_score(truth.numpy(), groups))


def _policy(velocity: str, memory: bool, size: _Scale, seed: int) -> Policy:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return Policy(velocity == "shown", memory, size.hidden_size)


def _reinforced(policy: Policy, size: _Scale, seed: int) -> tuple[float, Rows]:
    """A policy is trained -> for how long it then balances, and for how long it did by update, about 60 points."""
    lengths = []

    def objective(net: nn.Module, batch: Batch, state: State) -> tuple[Tensor, State]:
        episodes = play(net, *batch)
        lengths.append(episodes.lengths.mean().item())
        return loss(episodes), None

    _fit(policy, objective, Trials(size.updates, size.episodes, size.steps, seed), size.lr, 1)
    width = max(1, size.updates // 20)
    curve = [
        {"update": at + width, "steps": float(np.mean(lengths[at : at + width]))}
        for at in range(0, size.updates - width + 1, width)
    ]
    return _tried(policy, seed), curve


def _tried(policy: Policy, seed: int) -> float:
    """The mean length of episodes that it was not trained on."""
    starts, luck = next(Trials(1, TRIED, LONGEST, seed).epoch(1))
    with torch.no_grad():
        return play(policy, starts, luck).lengths.mean().item()
