"""Single cells of a trained character model that say where in the code it is: quotes, brackets, indentation, column.

Every memory cell of the shipped Linux model reads C code that it was not trained on, and tanh(c), what its output gate
may let out, is compared with what a lexer finds for every character. The best cell of each property is chosen on the
first half and measured on the second, beside the best of an untrained net of the same shape, chosen in the same way:
among hundreds of random cells some follow anything a little. A cell that follows comments would pass for one that
follows brackets, of which comments have none that count; so those are measured in code alone.

The text begins as files do, because the beginning decides: after `int i;` this net follows the same properties with
other cells, for thousands of characters on.
"""

import numpy as np
import torch
from torch import Tensor, nn

from seqlab import checkpoint, language
from seqlab.lab import EXPERIMENTS, Result, c_code
from seqlab.lab.cells_page import Shown, page
from seqlab.models.cells import LSTMCell, unroll
from seqlab.models.recurrent import RecurrentLanguageModel

SOURCE = "Karpathy, Johnson and Li (2015), Visualizing and understanding recurrent networks"
CHARACTERS = 12_000
MARGIN = 0.1  # by which a trained cell has to beat an untrained one
SHOWN = 4_000  # how much of the text the page shows
TITLES = {
    "string": "inside a string",
    "comment": "inside a comment",
    "brackets": "depth of brackets",
    "indentation": "indentation of the line",
    "column": "position in the line",
}


def run(seed: int = 0) -> Result:
    """Rows: for each property the best trained cell and the best untrained one, both scored on text kept apart."""
    trained = language.load(checkpoint.load(checkpoint.shipped_folder() / "linux"))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        untrained = RecurrentLanguageModel(**trained.checkpoint.config["model"])
    text = c_code.write(CHARACTERS, seed)
    truths = c_code.places(text)._asdict()
    tokens = trained.vocab.encode(text).long()
    memories = memory(trained.model, tokens)
    chance = memory(untrained, tokens)
    half = len(text) // 2
    begin = text.index("\n\n", half) + 2  # the page begins with a function
    everywhere, in_code = np.ones(len(text), bool), ~(truths["string"] | truths["comment"])
    rows, shown, gains = [], [], []
    for name, truth in truths.items():
        where = in_code if name == "brackets" else everywhere
        (layer, cell, sign), score = _best(memories, truth, where, half)
        _, untrained_score = _best(chance, truth, where, half)
        measure = "AUC" if truth.dtype == bool else "Spearman"
        gains.append(score - untrained_score)
        rows.append(
            {
                "property": name,
                "measure": measure,
                "layer": layer + 1,
                "cell": cell,
                "trained": score,
                "untrained": untrained_score,
            }
        )
        title = (
            f"{TITLES[name]}: layer {layer + 1}, cell {cell}, {measure} {score:.2f} (untrained {untrained_score:.2f})"
        )
        shown.append(Shown(title, sign * memories[layer, begin : begin + SHOWN, cell]))
    holds = sum(gain > MARGIN for gain in gains) > len(gains) / 2
    claim = EXPERIMENTS["cells"]
    return Result("cells", claim, SOURCE, holds, rows, page(claim, text[begin : begin + SHOWN], shown))


def memory(model: RecurrentLanguageModel, tokens: Tensor) -> np.ndarray:
    """tanh(c) of every cell of an LSTM that reads tokens (T): (L, T, H). Its n-gram cache, if it has one, is empty."""
    layers = model.layers
    assert isinstance(layers, nn.LSTM)
    kept = []
    with torch.no_grad():
        x = model.embedding(tokens[None])  # (1, T, E)
        if model.match_model is not None:
            none = tokens.new_zeros(1, len(tokens), model.match_model.slots)
            x = torch.cat([x, model.match_model.embed(none, none, model.match_model.rows(none))], -1)
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
