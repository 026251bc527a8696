"""Single cells of a trained character model that say where in the code it is: quotes, brackets, indentation, column.

Every memory cell of the shipped Linux model reads C code that it was not trained on, and tanh(c), what its output gate
may let out, is compared with what a lexer finds for every character. The best cell of each property is chosen on the
first half and measured on the second, beside the best of an untrained net of the same shape, chosen in the same way:
among hundreds of random cells some follow anything a little. A cell that follows comments would pass for one that
follows brackets, of which comments have none that count; so those are measured in code alone.

The text begins as files do, because the beginning decides: after `int i;` this net follows the same properties with
other cells, for thousands of characters on.
"""

from typing import Any

import numpy as np
import torch
from matplotlib.figure import Figure
from torch import Tensor, nn

from seqlab import checkpoint, language
from seqlab.lab import c_code
from seqlab.lab.cells_page import Shown, page
from seqlab.lab.drawing import panels
from seqlab.lab.experiment import Experiment, Inequality, Knob, Measured, Rows
from seqlab.models.cells import LSTMCell, unroll
from seqlab.models.recurrent import RecurrentLanguageModel
from seqlab.plots.style import MODEL, WALK

MARGIN = 0.1  # by which a trained cell has to beat an untrained one
SHOWN = 4_000  # how much of the text the page shows
TITLES = {
    "string": "inside a string",
    "comment": "inside a comment",
    "brackets": "depth of brackets",
    "indentation": "indentation of the line",
    "column": "position in the line",
}
CHARACTERS = {"small": 1_500, "default": 12_000, "full": 50_000}

EXPERIMENT = Experiment(
    name="cells",
    claim="single cells of a character model follow most of strings, comments, brackets, indentation and column",
    source="Karpathy, Johnson and Li (2015), Visualizing and understanding recurrent networks",
    refuted_by="an untrained net of the same shape whose best cells follow most of them as well",
    inequalities=(
        Inequality(
            "followed",
            f"properties of five that a trained cell follows better by {MARGIN:g} than any untrained one",
            "most of five is three or more",
            above=2.5,
        ),
    ),
    knobs={"weights": Knob("trained", ("untrained",), "of the net that is read: the shipped ones, or random ones")},
    seconds=4,
)


def measure(seed: int, scale: str, weights: str = "trained") -> Measured:
    """Rows: for each property the best trained cell and the best untrained one, both scored on text kept apart."""
    shipped = language.load(checkpoint.load(checkpoint.shipped_folder() / "linux"))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        untrained, other = (RecurrentLanguageModel(**shipped.checkpoint.config["model"]) for _ in range(2))
    text = c_code.write(CHARACTERS[scale], seed)
    places = c_code.places(text)
    truths: dict[str, np.ndarray] = places._asdict()
    tokens = shipped.vocab.encode(text).long()
    memories = memory(shipped.model if weights == "trained" else other, tokens)
    chance = memory(untrained, tokens)
    half = len(text) // 2
    begin = text.index("\n\n", half) + 2  # the page begins with a function
    everywhere = np.ones(len(text), bool)
    in_code = ~(places.string | places.comment)
    rows, shown = [], []
    for name, truth in truths.items():
        where = in_code if name == "brackets" else everywhere
        (layer, cell, sign), score = _best(memories, truth, where, half)
        _, base = _best(chance, truth, where, half)
        measure = "AUC" if truth.dtype == bool else "Spearman"
        row: dict[str, Any] = {"property": name, "measure": measure, "layer": layer + 1, "cell": cell}
        rows.append(row | {"trained": score, "untrained": base})
        title = f"{TITLES[name]}: layer {layer + 1}, cell {cell}, {measure} {score:.2f} (untrained {base:.2f})"
        shown.append(Shown(title, sign * memories[layer, begin : begin + SHOWN, cell]))
    followed = sum(row["trained"] - row["untrained"] > MARGIN for row in rows)
    shown_page = page(EXPERIMENT.claim, text[begin : begin + SHOWN], shown)
    return Measured(rows, {"followed": float(followed)}, shown_page)


def draw(rows: Rows) -> Figure:
    """How well the best cells follow each property, trained and untrained."""
    figure, (axes,) = panels("How well the best cell follows (AUC; Spearman for numbers)")
    for place, name in enumerate(TITLES):
        for kind, colour, shift in (("trained", MODEL, -0.1), ("untrained", WALK, 0.1)):
            values = [row[kind] for row in rows if row["property"] == name]
            label = kind if place == 0 else None
            axes.plot([place + shift] * len(values), values, "o", color=colour, markersize=4, label=label)
    axes.set_xticks(range(len(TITLES)), list(TITLES))
    axes.legend(frameon=False, fontsize=9)
    return figure


def memory(model: RecurrentLanguageModel, tokens: Tensor) -> np.ndarray:
    """tanh(c) of every cell of an LSTM that reads tokens (T): (L, T, H)."""
    layers = model.layers
    assert isinstance(layers, nn.LSTM)
    kept = []
    with torch.no_grad():
        x = model.embedding(tokens[None])  # (1, T, E)
        for layer in range(layers.num_layers):
            # torch's kernel keeps only the last c
            cell = LSTMCell(x.shape[2], layers.hidden_size)
            cell.load_state_dict({name: getattr(layers, f"{name}_l{layer}") for name in cell.state_dict()})
            h, c = (torch.stack(part, 1) for part in zip(*unroll(cell, x), strict=True))  # each (1, T, H)
            kept.append(torch.tanh(c[0]).numpy())
            x = h
    return np.stack(kept)


def _best(memories: np.ndarray, truth: np.ndarray, where: np.ndarray, half: int) -> tuple[tuple[int, int, int], float]:
    """Of memories (L, T, H) the layer, cell and sign that follow truth (T) best before `half`, and how well after;
    only where it is to be measured (T)."""
    before, after = where.copy(), where.copy()
    before[half:], after[:half] = False, False
    scores = np.stack([follows(layer[before], truth[before]) for layer in memories])  # (L, H)
    chance = 0.5 if truth.dtype == bool else 0.0
    layer, cell = np.unravel_index(np.abs(scores - chance).argmax(), scores.shape)
    sign = 1 if scores[layer, cell] >= chance else -1
    score = follows(sign * memories[layer, after, cell, None], truth[after])[0]
    return (int(layer), int(cell), sign), float(score)


def follows(values: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """How well each column of values (T, H) follows truth (T): the area under the ROC curve where it is yes or no
    (0.5 is chance, 1 apart), else Spearman's rank correlation (0 is chance, also for a column of one value)."""
    ranks = np.apply_along_axis(_ranks, 0, values)  # (T, H)
    if truth.dtype == bool:
        yes = truth.sum()
        return (ranks[truth].sum(0) - yes * (yes + 1) / 2) / (yes * (len(truth) - yes))
    of_truth = _ranks(truth)
    ranks, of_truth = ranks - ranks.mean(0), of_truth - of_truth.mean()
    spread = np.sqrt((of_truth**2).sum() * (ranks**2).sum(0))
    return of_truth @ ranks / np.where(spread > 0, spread, 1)


def _ranks(values: np.ndarray) -> np.ndarray:
    """Ranks from 1; equal values share their mean rank."""
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    return (counts.cumsum() - (counts - 1) / 2)[inverse]
