"""Whether a model writes or copies: what of a text also stands in the training text."""

import re
import string
from collections.abc import Generator
from dataclasses import dataclass
from typing import Any

import numpy as np

from seqlab.checkpoint import Checkpoint, source_at
from seqlab.data.batches import Tokens
from seqlab.data.text.copies import longest_common_run, standing
from seqlab.data.text.corpus import OWN, Corpus, load_corpus
from seqlab.tasks import Event, Note

WORD = re.compile(r"[A-Za-z]{4,}")
READ = 1 << 20  # characters at a time


@dataclass(frozen=True)
class TrainingText:
    """What a model was trained on: of each corpus its name and its training part, as code points (N,)."""

    parts: tuple[tuple[str, Tokens], ...]

    def longest_copy(self, text: str) -> dict[str, Any]:
        """The longest run of `text` in it: its length, itself, its corpus, and its offset there (None without one)."""
        runs = [(longest_common_run(_codes(text), codes), name) for name, codes in self.parts]
        run, name = max(runs, key=lambda found: found[0].length)
        copied = text[run.start_in_text : run.start_in_text + run.length]
        offset = run.start_in_corpus if run.length else None
        return {"length": run.length, "text": copied, "corpus": name, "offset": offset}

    def has(self, windows: np.ndarray) -> np.ndarray:
        """Which windows (N, L) of code points stand in it, (N,) of bool."""
        return np.any([standing(windows, codes) for _, codes in self.parts], axis=0)

    def vocabulary(self) -> frozenset[str]:
        """Its words, of four letters and more, in lower case."""
        return frozenset().union(*(vocabulary(codes) for _, codes in self.parts))


def training_text(saved: Checkpoint, path: str, offline: bool) -> Generator[Event, None, TrainingText]:
    """The training text of a checkpoint, read from `path`, or where that is empty from the corpora that it and those it
    began with name.

    Raises DataError where its own was a file or a folder that is not where it was, and no path is given.
    """
    trained_on = saved.config["data"]
    if not path and trained_on["origin"] in OWN:
        name_it = "seqlab generate --corpus {} --check-copies=PATH"
        (path,) = source_at(saved, f"a {trained_on['origin']} of yours", name_it)["paths"]
    parts = yield from _read({path: trained_on} if path else _corpora(saved.config), offline)
    return TrainingText(tuple(parts))


def training_text_with(saved: Checkpoint, corpus: Corpus, offline: bool) -> Generator[Event, None, TrainingText]:
    """The training text of a checkpoint whose own corpus is at hand: that, and the others that it names."""
    others = {name: known for name, known in _corpora(saved.config).items() if known["sha256"] != corpus.sha256}
    parts = yield from _read(others, offline)
    return TrainingText(((corpus.name, corpus.codes("train")), *parts))


def vocabulary(codes: Tokens) -> frozenset[str]:
    """The words of a text of code points (N,), of four letters and more, in lower case. It is read in pieces."""
    found: set[str] = set()
    begun = ""  # the word that the last piece ended in
    for start in range(0, len(codes), READ):
        text = begun + codes[start : start + READ].astype(np.uint32).tobytes().decode("utf-32-le")
        whole = text.rstrip(string.ascii_letters)
        found.update(WORD.findall(whole.lower()))
        begun = text[len(whole) :]
    return frozenset(found.union(WORD.findall(begun.lower())))


def _read(sources: dict[str, dict[str, Any]], offline: bool) -> Generator[Event, None, list[tuple[str, Tokens]]]:
    """The training parts of corpora, by their name or path, of which is known what a checkpoint has on record."""
    parts: list[tuple[str, Tokens]] = []
    for source, known in sources.items():
        corpus = yield from load_corpus(source, offline=offline)
        yield from map(Note, corpus.notes)
        same = corpus.sha256 == known["sha256"]
        if not same:
            yield Note(f"this {corpus.name} is another text than the {known['name']} trained on: all of it is read")
        parts.append((corpus.name, corpus.codes("train" if same else "all")))
    return parts


def _corpora(config: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """What is on record of each corpus with a name that a checkpoint and those it began with were trained on."""
    found: dict[str, dict[str, Any]] = {}
    earlier: dict[str, Any] | None = config
    while earlier:
        if earlier["data"]["origin"] not in OWN:
            found.setdefault(earlier["data"]["name"], earlier["data"])
        earlier = earlier.get("from")
    return found


def _codes(text: str) -> np.ndarray:
    return np.frombuffer(text.encode("utf-32-le"), np.uint32)
