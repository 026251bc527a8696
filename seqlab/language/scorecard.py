"""What a model writes, scored beside equally long pieces of text that was held out: bits per character do not tell.

A model that predicts well may write badly: it reads what people wrote when it is measured, and itself when it writes.
C and LaTeX have scores of their own; all text is scored for what it repeats, copies and spells.
"""

from collections.abc import Callable, Collection, Generator, Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from seqlab.data.batches import Tokens
from seqlab.data.text.corpus import Corpus
from seqlab.errors import DataError
from seqlab.formatting import html_table
from seqlab.language import c_scorecard, latex_scorecard
from seqlab.language.copies import WORD, TrainingText
from seqlab.language.written import Writing
from seqlab.tasks import Event, Note, Status

LONG_LINE = 20  # characters; shorter ones are alike in any text
WINDOW, STRIDE = 50, 10  # characters that count as a copy, and from one place where that is looked at to the next
PROSE: dict[str, Callable[[str], str]] = {"c": c_scorecard.comments, "latex": latex_scorecard.prose, "text": str}
MEANINGS = {
    "characters": "in all samples",
    "functions": "defined at the top level",
    "parse": "of the code without a syntax error",
    "functions_ok": "of functions without a syntax error",
    "undeclared": "of names used as variables, declared nowhere",
    "unused": "of local declarations, never used",
    "environments": "opened",
    "closed": "of environments that the right \\end closes",
    "math": "of $ and $$ that pair up in their paragraph",
    "braces": "of lines that close no brace too many",
    "distinct": "of lines that the sample does not repeat",
    "copied50": "of 50 characters found in the training text",
    "words": "of words that the training text has",
}


@dataclass(frozen=True)
class Scorecard:
    """Scores by name (see MEANINGS; shares are 0-1) of what a model wrote, and of text that was held out.

    kind: `c`, `latex` or `text`. samples, length: how many texts were scored, of how many characters each. seed: of
    what was drawn, in writing and of the held-out text.
    """

    checkpoint: str
    corpus: str
    kind: str
    samples: int
    length: int
    seed: int
    written: dict[str, float]
    held_out: dict[str, float]

    def to_dict(self) -> dict[str, Any]:
        """What `seqlab evaluate --writing --json` prints."""
        return asdict(self)

    def _repr_html_(self) -> str:
        rows = [[name, value, self.held_out[name], MEANINGS[name]] for name, value in self.written.items()]
        return html_table(f"what {self.checkpoint} writes", ["", "written", "held out", ""], rows)


def scorecard(
    writing: Writing, corpus: Corpus, length: int, training: TrainingText | None
) -> Generator[Event, None, Scorecard]:
    """Have a model write, and score that beside the held-out tenth of a corpus. A generator of what is going on.

    writing: of texts of `length` characters. training: None where it is not at hand: what is copied is not scored then.
    Raises DataError for a corpus too short, and UsageError where a package is missing, before anything is written.
    """
    kind, samples, seed = corpus.kind, len(writing.written), writing.seed
    if kind == "c":
        c_scorecard.parser()
    held_out = pieces(corpus.codes("test"), samples, length, seed, corpus.name)
    yield Note(f"writing {samples:,} texts of {length:,} characters as `seqlab generate` does, seed {seed}")
    for place, _ in enumerate(writing):
        if place % samples == 0:
            yield Status(f"writing: {place // samples:,} of {length:,} characters each", place, samples * length)
    yield Status("scoring what was written")
    written = [sample.text for sample in writing.result().samples]
    known = training.vocabulary() if training else frozenset()
    scored = [scores(texts, kind, training, known) for texts in (written, held_out)]
    return Scorecard(writing.checkpoint, corpus.name, kind, samples, length, seed, *scored)


def pieces(codes: Tokens, count: int, length: int, seed: int, name: str) -> list[str]:
    """So many pieces of a text of code points (N,), each from the beginning of a line on, at places drawn by the seed.

    Raises DataError for a text shorter than a piece.
    """
    last = len(codes) - length
    if last < 0:
        raise DataError(
            f"the last tenth of {name} has {len(codes):,} characters, and texts of {length:,} are compared with it",
            "use more text, or in Python a shorter length",
        )
    found = []
    for start in np.random.default_rng(seed).integers(last + 1, size=count):
        text = _text(codes[start : start + 2 * length])
        begin = text.find("\n", 0, len(text) - length) + 1  # 0 where no line begins
        found.append(text[begin : begin + length])
    return found


def scores(
    samples: Sequence[str], kind: str, training: TrainingText | None = None, known: Collection[str] = ()
) -> dict[str, float]:
    """All scores of samples of a kind. known: the words of the training text; without that, `copied50` and `words` are
    left out."""
    own = {"c": c_scorecard.scores, "latex": latex_scorecard.scores}
    found: dict[str, float] = {"characters": sum(map(len, samples))}
    if kind in own:
        found |= own[kind](samples)
    found["distinct"] = distinct(samples)
    if training is not None:
        copied = training.has(windows(samples))
        found["copied50"] = copied.sum().item() / max(1, len(copied))
        found["words"] = known_words(map(PROSE[kind], samples), known)
    return found


def distinct(samples: Sequence[str]) -> float:
    """The share of longer lines that do not stand in the same sample before."""
    lines = [[line.strip() for line in sample.split("\n") if len(line.strip()) >= LONG_LINE] for sample in samples]
    return sum(len(set(each)) for each in lines) / max(1, sum(map(len, lines)))


def known_words(texts: Iterable[str], known: Collection[str]) -> float:
    """The share of words of four letters and more that are `known`."""
    words = [word for text in texts for word in WORD.findall(text.lower())]
    return sum(word in known for word in words) / max(1, len(words))


def windows(samples: Sequence[str]) -> np.ndarray:
    """What may be copied: of each sample WINDOW code points, from every STRIDE-th on; (N, WINDOW)."""
    rows = [sample[k : k + WINDOW] for sample in samples for k in range(0, len(sample) - WINDOW, STRIDE)]
    return np.frombuffer("".join(rows).encode("utf-32-le"), np.uint32).reshape(-1, WINDOW)


def _text(codes: np.ndarray) -> str:
    return codes.astype(np.uint32).tobytes().decode("utf-32-le")
