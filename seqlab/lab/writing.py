r"""What a character LSTM writes, judged by a scorecard: what does it still know of what it opened?

The shipped models write LaTeX (`stacks`) and C (`linux`), a character at a time, each drawn from p^(1/T) with a
temperature T of 0.6. A brace is mostly closed after a few characters, an environment after hundreds: between
\begin{proof} and its \end, which of them has to come stands nowhere but in the state of the net.

The control is the same net with the same weights and the same random numbers, that begins anew, from a state of zeros,
whenever it has read 10 characters, and reads the last 5 of them again: a Markov model of at most 10 characters that
has learned the same spelling. Beside both stands a plain Markov chain of three characters, of what the net wrote, and
real text: at the full scale what was held out of the corpora, else, for C alone, code that a small grammar writes.
"""

import html
import random
from collections.abc import Collection, Sequence
from typing import NamedTuple

import numpy as np
import torch
from matplotlib.figure import Figure
from torch import Tensor

from seqlab import checkpoint, language
from seqlab.data.text.corpus import load_corpus
from seqlab.lab import c_code, nesting
from seqlab.lab.drawing import bars, panels
from seqlab.lab.experiment import Experiment, Inequality, Knob, Measured, Rows
from seqlab.language import LanguageModel, c_scorecard, latex_scorecard
from seqlab.language.copies import vocabulary
from seqlab.language.scorecard import distinct, known_words, pieces
from seqlab.sampling import Engine, Sampling, sample
from seqlab.tasks import Task

WINDOW, KEPT = 10, 5  # characters that the short memory holds at most, and those it reads again when it begins anew
TEMPERATURE, ORDER = 0.6, 3
SHOWN = 800  # characters of each writer on the page
PROMPTS = {"stacks": "\n\\section{", "linux": "\n/*\n * "}
STYLE = """
body { max-width: 60rem; margin: 2rem auto; padding: 0 1rem; font: 1rem/1.5 system-ui, sans-serif; }
pre { overflow-x: auto; padding: .7rem; border: 1px solid #bbb; tab-size: 8; font: .85rem/1.4 ui-monospace, monospace; }
"""
NET, SHORT, CHAIN = "LSTM", "LSTM of 10", "Markov of 3"


class _Scale(NamedTuple):
    samples: int
    lengths: dict[str, int]  # of each, in characters
    corpora: bool  # whether they are fetched, for held-out text and its words


SCALES = {
    "small": _Scale(16, {"stacks": 500}, False),
    "default": _Scale(16, {"stacks": 1000, "linux": 500}, False),
    "full": _Scale(64, {"stacks": 3000, "linux": 3000}, True),
}

EXPERIMENT = Experiment(
    name="writing",
    claim="a character LSTM nearly always closes the brace that it opened a few characters ago, for which it needs its "
    "memory, and rarely ends the environment that is open",
    source="Karpathy (2015), The unreasonable effectiveness of recurrent neural networks, whose net began a proof and "
    "ended a lemma",
    refuted_by="braces left open as often by a net that sees only the last 10 characters, or environments that mostly "
    "end as they began",
    inequalities=(
        Inequality(
            "blocks",
            "share of braces that are closed, in LaTeX that the net writes",
            "real text closes all; one in twenty left open is one in every few lines, which nobody would praise",
            above=0.95,
        ),
        Inequality(
            "gained",
            "the same, less what the net closes with a memory of 10 characters",
            "0 is a memory without use; at some 400 braces a share of 0.92 has a standard error of 0.014",
            above=0.03,
        ),
        Inequality(
            "ends",
            "share of \\end that end the environment that is open",
            "real text has 1; below a half the net is wrong more often than right",
            below=0.5,
        ),
    ),
    knobs={"memory": Knob("all", ("short",), "what the net that writes sees: all before, or the last 10 characters")},
    seconds=10,
    note="About half of the \\end come where nothing is open, and count as wrong: the net invents ends, besides "
    "forgetting what it opened. Held-out text of the corpus closes all braces and environments (32 pieces of 3,000 "
    "characters). The net ends more environments than it opens, so that most of what it opens is closed by some "
    "\\end of their name sooner or later: the share of \\end that fit is what tells. It is a net of 2.6 million "
    "weights that writes alone here; `seqlab generate` keeps a list of what is open beside it, and closes 98 % so.",
)


def measure(seed: int, scale: str, memory: str = "all") -> Measured:
    """Rows: the scores of every writer of both kinds of text."""
    size = SCALES[scale]
    rows: Rows = []
    written = {}
    for name, length in size.lengths.items():
        model = language.load(checkpoint.load(checkpoint.shipped_folder() / name))
        short = write(model, PROMPTS[name], size.samples, length, seed, short=True)
        net = short if memory == "short" else write(model, PROMPTS[name], size.samples, length, seed)
        every = "".join(net)
        chain = [markov(every, ORDER, length, seed + k) for k in range(size.samples)]
        beside, known = _references(name, size, seed)
        for writer, samples in ({NET: net, SHORT: short, CHAIN: chain} | beside).items():
            rows.append({"corpus": name, "writer": writer, **SCORES[name](samples, known)})
            written[f"{name}: {writer}"] = samples[0]
    full, control = (row for row in rows if row["corpus"] == "stacks" and row["writer"] in (NET, SHORT))
    values = {"blocks": full["blocks"], "gained": full["blocks"] - control["blocks"], "ends": full["ends"]}
    return Measured(rows, values, _page(written))


def latex(samples: Sequence[str], known: Collection[str]) -> dict[str, float]:
    """What is closed and fits, and of the scorecard what is of LaTeX, words that are `known`, and distinct lines."""
    own = latex_scorecard.scores(samples)
    words = known_words(map(latex_scorecard.prose, samples), known)
    return {**nesting.latex(samples), **own, "words": words, "distinct": distinct(samples)}


def c(samples: Sequence[str], known: Collection[str]) -> dict[str, float]:
    """What is closed, words of the comments that are `known`, and distinct lines: no parser is needed for that."""
    words = known_words(map(c_scorecard.comments, samples), known)
    return {**nesting.c(samples), "words": words, "distinct": distinct(samples)}


SCORES = {"stacks": latex, "linux": c}


def markov(text: str, order: int, length: int, seed: int = 0) -> str:
    """A chain whose every character is drawn from those that follow its last `order` characters in a text."""
    followers: dict[str, list[str]] = {}
    for place in range(len(text) - order):
        followers.setdefault(text[place : place + order], []).append(text[place + order])
    rng = random.Random(seed)
    written = text[:order]
    while len(written) < length:
        written += rng.choice(followers.get(written[-order:], [text[0]]))
    return written


class ShortMemory(Engine):
    """An engine that begins anew, from a state of zeros, whenever it has read WINDOW characters: it reads the last
    KEPT of them again, and goes on."""

    def reset(self, batch_size: int = 1) -> None:
        super().reset(batch_size)
        self.read: list[Tensor] = []

    def step(self, tokens: Tensor) -> Tensor:
        if len(self.read) == WINDOW:
            again = self.read[-KEPT:]
            self.reset(1)
            self.repeat(len(tokens))
            for earlier in again:
                super().step(earlier.expand(len(tokens)))  # the prompt's is one for all
            self.read = again
        self.read.append(tokens)
        return super().step(tokens)


def write(model: LanguageModel, prompt: str, samples: int, length: int, seed: int, *, short: bool = False) -> list[str]:
    """Texts of `length` characters after a prompt, all drawn in one batch."""
    kind = ShortMemory if short else Engine
    engine = kind(model.model.cell, model.model.state_dict())
    start = model.vocab.encode(prompt).tolist()
    drawn = sample(
        engine, start, length, Sampling(TEMPERATURE), samples=samples, seed=seed, never=(model.vocab.unknown,)
    )
    tokens = torch.tensor([list(place) for place, _ in drawn]).T  # (N, length)
    return [prompt + model.vocab.decode(row) for row in tokens.tolist()]


def draw(rows: Rows) -> Figure:
    r"""What each writer leaves open, which \end fit, and how many of its words are words."""
    titles = {
        ("stacks", "blocks"): "LaTeX: share of braces left open",
        ("stacks", "ends"): "LaTeX: share of \\end that fit what is open",
        ("stacks", "words"): "LaTeX: share of words that a reference text has",
        ("linux", "brackets"): "C: share of ( and [ left open",
    }
    titles = {key: title for key, title in titles.items() if any(row["corpus"] == key[0] for row in rows)}
    figure, every = panels(*titles.values(), height=2.2)
    for axes, ((corpus, score), title) in zip(every, titles.items(), strict=True):
        shown = [row for row in rows if row["corpus"] == corpus]
        if title.endswith("left open"):
            shown = [row | {score: 1 - row[score]} for row in shown]
        else:
            axes.set_ylim(0, 1.05)
        bars(axes, shown, score, "writer")
    return figure


def _references(name: str, size: _Scale, seed: int) -> tuple[dict[str, list[str]], frozenset[str]]:
    """Text to stand beside what is written, and the words of a reference text: of what the model was trained on, or
    where no corpus is fetched of the Python language's documentation, which knows English, but no algebra."""
    if size.corpora:
        corpus = Task(load_corpus(name)).result()
        beside = pieces(corpus.codes("test"), size.samples, size.lengths[name], seed, name)
        return {"held out": beside}, vocabulary(corpus.codes("train"))
    from pydoc_data.topics import topics

    known = vocabulary(np.frombuffer(" ".join(topics.values()).encode("utf-32-le"), np.uint32))
    if name == "stacks":
        return {}, known
    return {"grammar": [c_code.write(size.lengths[name], 1000 * seed + k) for k in range(size.samples)]}, known


def _page(written: dict[str, str]) -> str:
    """The beginnings of what each wrote, as a page."""
    parts = [
        f"<h2>{html.escape(title)}</h2>\n<pre>{html.escape(text[:SHOWN])}</pre>" for title, text in written.items()
    ]
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n<link rel="icon" href="data:,">\n'
        f"<title>What a character LSTM writes</title>\n<style>{STYLE}</style>\n</head>\n<body>\n"
        f"<h1>{html.escape(EXPERIMENT.claim)}</h1>\n{chr(10).join(parts)}\n</body>\n</html>\n"
    )
