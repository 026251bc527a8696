"""What the gates of an LSTM do where a text says so: write, keep, erase and read a fact.

    i, f, o = sigmoid(W_I x_t + W_R h_(t-1) + b),   g = tanh(...)
    c_t = f * c_(t-1) + i * g        keep where f is near 1, erase where it is near 0, write where |i g| is large
    h_t = o * tanh(c_t)              what is read

The text comes from a small grammar. A name sets who is spoken of; words follow that say nothing about it; after
`because` there comes `she` or `he`, as the last name asks; then, at some time, another name. Between them brackets
open, hold a few words and close. A net of one LSTM cell learns to predict the next word. Then its gates are read on a
new text, word by word. The one unit of its memory that follows the fact best is chosen on the first half of that text
and measured on the second; of an untrained net a unit is chosen alike.

A good next word needs `she` or `he` after `because`, so the unit must hold the fact over words that differ every time:
there its forget gate should be near 1, and where a name comes it should close and the input gate should write. The
same for brackets: a unit that opens at `(` and is erased at `)`.
"""

from typing import NamedTuple

import numpy as np
import torch
from matplotlib.figure import Figure
from torch import Tensor, nn
from torch.nn import functional as F

from seqlab import training
from seqlab.data.batches import StreamBatches
from seqlab.lab.cells import follows
from seqlab.lab.drawing import panels
from seqlab.lab.experiment import Experiment, Inequality, Knob, Measured, Rows
from seqlab.lab.grammar import BECAUSE, CLOSE, HE, MEN, OPEN, SHE, WORDS, Text, write
from seqlab.models.cells import LSTMCell, State, hidden_states, unroll
from seqlab.plots.style import GREY, MODEL, OTHERS, WALK
from seqlab.training import Batch

BATCH, SEQ_LEN, LR, CLIP_NORM = 64, 20, 0.03, 1.0
SHOWN = 36  # words of the figure


class _Scale(NamedTuple):
    hidden: int
    training_steps: int
    longest: int  # run of plain words
    brackets: float  # how often a clause has some
    test_words: int


SCALES = {
    "small": _Scale(12, 150, 2, 0.3, 800),
    "default": _Scale(16, 900, 4, 0.4, 3000),
    "full": _Scale(64, 20_000, 20, 0.5, 20_000),
}


EXPERIMENT = Experiment(
    name="gates",
    claim="an LSTM that learned to predict a text writes a fact into its memory where the text states it, keeps it "
    "with a forget gate that is more open over the words between, and erases it with one less open where it ends",
    source="Gers, Schmidhuber and Cummins (2000), Learning to forget: continual prediction with LSTM; Karpathy, "
    "Johnson and Li (2015), Visualizing and understanding recurrent networks",
    refuted_by="no unit that follows who is spoken of or whether a bracket is open, or one whose gates are the same "
    "where the text states the fact and where it does not",
    inequalities=(
        Inequality(
            "pronouns",
            "share of pronouns said right after `because`",
            "guessing gives 0.5, the grammar leaves no doubt; a net that has not learned the fact shows nothing",
            above=0.9,
        ),
        Inequality(
            "fact",
            "area under the ROC curve of the best unit of memory for who is spoken of, on the other half of the text",
            "0.5 is chance, 1 is one value for a woman and another for a man; at 0.9 nearly all of the fact is there",
            above=0.9,
        ),
        Inequality(
            "lead",
            "that area over the one of the best unit of the untrained net",
            "an untrained unit follows a little by chance; less than a twentieth more would not be learning",
            above=0.05,
        ),
        Inequality(
            "keep",
            "forget gate of that unit over words between over that at a name",
            "untrained gates differ by some hundredths; of a gate between 0 and 1 a sixth is visible by eye",
            above=0.15,
        ),
        Inequality(
            "write",
            "how far tanh(c) of that unit moves at a name that turns who is spoken of, over its moves at words between",
            "a fact that is turned round at once moves it by 2; a quarter of that more is a fact written at its name",
            above=0.5,
        ),
        Inequality(
            "bracket",
            "area under the ROC curve of the best unit of memory for an open bracket, on the other half",
            "as for who is spoken of; a bracket is easier, as it is short",
            above=0.9,
        ),
        Inequality(
            "erase",
            "forget gate of that unit inside a bracket over that at `)`",
            "as for the forget gate: what is over has to be erased, or the next bracket is not told from none",
            above=0.15,
        ),
    ),
    knobs={
        "weights": Knob("trained", ("untrained",), "whether the net learned the text before its gates are read"),
        "forget": Knob("learned", ("closed",), "the forget gate; closed: it stays at 0, so nothing is kept in c"),
    },
    seconds=20,
    note="With 500 steps one net of seeds 0 to 4 had not learned the pronouns (64 % right), and the claim was not "
    "confirmed; the steps were raised to 900, and no inequality was changed. Of reading there is no inequality: in "
    "pilots the output gate was wider open at `because` in some nets, and open all the time in others. Nothing forces "
    "it to close, as the next layer can wait for `because` itself. The input gate need not close either: units write "
    "the same again over the words between. A fact may be spread over several units: only the best one is judged.",
)


class Net(nn.Module):
    """Predicts the next word with one LSTM cell."""

    def __init__(self, hidden: int, seed: int, closed: bool) -> None:
        super().__init__()
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.cell = LSTMCell(len(WORDS), hidden)
            self.output = nn.Linear(hidden, len(WORDS))
        if closed:  # at -1000 a sigmoid is 0 and so is its slope: the gate stays closed
            with torch.no_grad():
                self.cell.bias_ih[hidden : 2 * hidden] = -1000.0

    def forward(self, words: Tensor, state: State | None) -> tuple[Tensor, State]:
        states = unroll(self.cell, one_hot(words), state)
        return self.output(hidden_states(states)), states[-1]  # (B, T, V)


def one_hot(words: Tensor) -> Tensor:
    return F.one_hot(words, len(WORDS)).float()


def _objective(model: nn.Module, batch: Batch, state: training.State) -> tuple[Tensor, training.State]:
    logits, state = model(batch[0], state)
    return F.cross_entropy(logits.flatten(0, 1), batch[1].flatten()), state


def train(net: Net, size: _Scale, seed: int) -> None:
    """Predict the next word of one long text, once through."""
    steps = size.training_steps
    text = write(BATCH * SEQ_LEN * steps + 1, size.longest, size.brackets, seed)
    optimizer = torch.optim.Adam(net.parameters(), LR)
    batches = StreamBatches(text.words, BATCH, SEQ_LEN)
    for _ in training.train(
        training.Run(
            net, _objective, batches, optimizer, lambda step: LR * (1 - step / steps), steps, clip_norm=CLIP_NORM
        )
    ):
        pass


class Gates(NamedTuple):
    """Of every word and unit (N, H): input, forget, candidate, output, memory; and the logits (N, V)."""

    i: np.ndarray
    f: np.ndarray
    g: np.ndarray
    o: np.ndarray
    c: np.ndarray
    logits: np.ndarray


@torch.inference_mode()
def read(net: Net, words: np.ndarray) -> Gates:
    """The gates along a text, from the state before each word; the state moves on by the cell itself."""
    cell, inputs = net.cell, one_hot(torch.from_numpy(words))[:, None]  # (N, 1, V)
    state = cell.zero_state(1)
    seen = []
    for x in inputs:
        drive = x @ cell.weight_ih.T + cell.bias_ih + state[0] @ cell.weight_hh.T + cell.bias_hh  # (1, 4H)
        i, f, g, o = drive.chunk(4, dim=1)
        state = cell(x, state)
        seen.append((i.sigmoid(), f.sigmoid(), g.tanh(), o.sigmoid(), state[1], net.output(state[0])))
    return Gates(*(torch.cat(part).numpy() for part in zip(*seen, strict=True)))


def measure(seed: int, scale: str, weights: str = "trained", forget: str = "learned") -> Measured:
    """Rows: what the two chosen units do where; then the unit of the fact, word by word."""
    size = SCALES[scale]
    text = write(size.test_words, size.longest, size.brackets, seed + 1_000_000)
    half = len(text.words) // 2
    later = Text(*(part[half:] for part in text))
    untrained = read(Net(size.hidden, seed, forget == "closed"), text.words)
    net = Net(size.hidden, seed, forget == "closed")
    if weights == "trained":
        train(net, size, seed)
    gates = read(net, text.words)
    after = Gates(*(part[half:] for part in gates))

    name, asked = later.words <= MEN[-1], later.words == BECAUSE
    silent = ~name & (later.words != SHE) & (later.words != HE)  # words that do not say who is spoken of
    inside = later.inside & (later.words != OPEN)
    unit, sign, fact = _best(gates.c, text.woman, text.words > MEN[-1], half)
    bracket_unit, _, bracket = _best(gates.c, text.inside, np.ones(2 * half, bool), half)
    places = {"a name": name, "words between": silent & ~asked, "because": asked}
    rows = _means("who", unit, after, places)
    rows += _means(
        "bracket", bracket_unit, after, {"(": later.words == OPEN, "inside": inside, ")": later.words == CLOSE}
    )
    moved = np.abs(np.diff(np.tanh(gates.c[half - 1 :, unit]), axis=0))  # at each word of the second half
    turn = name & (later.woman != text.woman[half - 1 : -1])
    said = after.logits[asked, SHE] > after.logits[asked, HE]
    of = {(row["fact"], row["place"]): row for row in rows}
    new, between, closing, within = (
        of[key] for key in (("who", "a name"), ("who", "words between"), ("bracket", ")"), ("bracket", "inside"))
    )
    values = {
        "pronouns": float((said == later.woman[asked]).mean()),
        "fact": fact,
        "lead": fact - _best(untrained.c, text.woman, text.words > MEN[-1], half)[2],
        "keep": between["forget"] - new["forget"],
        "write": float(moved[turn].mean() - moved[silent & ~asked].mean()),
        "bracket": bracket,
        "erase": within["forget"] - closing["forget"],
    }
    return Measured(rows + _steps(later, after, unit, sign), values)


def _best(memory: np.ndarray, truth: np.ndarray, where: np.ndarray, half: int) -> tuple[int, int, float]:
    """The unit of memory (N, H) that follows the truth best in the first half of the text, 1 or -1 for whether it
    rises with it, and how well it does in the second; both only of the words in `where`."""
    first, second = np.flatnonzero(where[:half]), half + np.flatnonzero(where[half : 2 * half])
    area = follows(memory[first], truth[first])
    unit = int(np.abs(area - 0.5).argmax())
    sign = 1 if area[unit] > 0.5 else -1
    return unit, sign, float(follows(sign * memory[second, unit, None], truth[second])[0])


def _means(fact: str, unit: int, gates: Gates, places: dict[str, np.ndarray]) -> Rows:
    """The unit's mean gates at the words of each place."""
    of_unit = {
        "input": gates.i[:, unit],
        "written": np.abs(gates.i * gates.g)[:, unit],
        "forget": gates.f[:, unit],
        "output": gates.o[:, unit],
    }
    return [
        {"part": "means", "fact": fact, "unit": unit, "place": place}
        | {gate: float(values[where].mean()) for gate, values in of_unit.items()}
        for place, where in places.items()
    ]


def _steps(text: Text, gates: Gates, unit: int, sign: int) -> Rows:
    """The unit from a name on whose story is followed by one of the other sex, SHOWN words."""
    name = text.words <= MEN[-1]
    places = np.flatnonzero(name)
    turns = places[:-1][text.woman[places[1:]] != text.woman[places[:-1]]]
    start = int(turns[0])
    return [
        {
            "part": "step",
            "step": t - start,
            "word": WORDS[text.words[t]],
            "woman": bool(text.woman[t]),
            "memory": float(sign * np.tanh(gates.c[t, unit])),
            "forget": float(gates.f[t, unit]),
            "written": float(sign * (gates.i * gates.g)[t, unit]),
            "output": float(gates.o[t, unit]),
        }
        for t in range(start, min(start + SHOWN, len(text.words)))
    ]


def draw(rows: Rows) -> Figure:
    """The unit that holds who is spoken of, word by word, of the first seed."""
    titles = ("Memory tanh(c): up for a woman", "Write: i g", "Keep or erase: forget gate f", "Read: output gate o")
    figure, axes = panels(*titles, height=1.5)
    steps = [row for row in rows if row["part"] == "step" and row["seed"] == rows[0]["seed"]]
    places = [row["step"] for row in steps]
    kinds = ("memory", "written", "forget", "output")
    for one, kind, colour in zip(axes, kinds, (GREY, MODEL, WALK, OTHERS[0]), strict=True):
        colours = [OTHERS[1] if row["woman"] else OTHERS[2] for row in steps] if kind == "memory" else colour
        one.bar(places, [row[kind] for row in steps], color=colours, width=0.8)
        one.set_xticks([])
        signed = kind in ("memory", "written")
        one.set_ylim(-1.05 if signed else 0, 1.05)
        one.set_yticks([-1, 0, 1] if signed else [0, 1])
        for row in steps:
            if row["word"] in WORDS[: MEN[-1] + 1]:
                one.axvline(row["step"] - 0.5, color=GREY, linewidth=0.8, linestyle=":")
    axes[-1].set_xticks(places, [row["word"] for row in steps], rotation=90, fontsize=8)
    axes[-1].set_xlabel("one word after the other; a dotted line before each name")
    return figure
