"""Whether a model writes or copies: the longest run of a text that also stands in the training text."""

import shlex
from collections.abc import Generator
from dataclasses import dataclass
from typing import Any

import numpy as np

from seqlab.checkpoint import Checkpoint
from seqlab.data.batches import Tokens
from seqlab.data.text.copies import longest_common_run
from seqlab.data.text.corpus import OWN, load_corpus
from seqlab.errors import DataError
from seqlab.tasks import Event, Note


@dataclass(frozen=True)
class TrainingText:
    """The part of a corpus that a model was trained on, as code points (N,)."""

    name: str
    codes: Tokens

    def longest_copy(self, text: str) -> dict[str, Any]:
        """The longest run of `text` in it: its length, itself, and its offset in the corpus (None without one)."""
        run = longest_common_run(_codes(text), self.codes)
        copied = text[run.start_in_text : run.start_in_text + run.length]
        return {"length": run.length, "text": copied, "offset": run.start_in_corpus if run.length else None}


def training_text(saved: Checkpoint, path: str, offline: bool) -> Generator[Event, None, TrainingText]:
    """The training text of a checkpoint, read from `path`, or where that is empty from the corpus it names.

    Raises DataError where it was a file or a folder, whose place is not kept, and no path is given.
    """
    trained_on = saved.config["data"]
    if not path and trained_on["origin"] in OWN:
        raise DataError(
            f"checkpoint '{saved.name}' was trained on a {trained_on['origin']} of yours, whose place is not kept",
            f"name it: seqlab generate --corpus {shlex.quote(saved.name)} --check-copies=PATH",
        )
    corpus = yield from load_corpus(path or trained_on["name"], offline=offline)
    yield from map(Note, corpus.notes)
    same = corpus.sha256 == trained_on["sha256"]
    if not same:
        yield Note(f"this {corpus.name} is another text than the {trained_on['name']} trained on: all of it is read")
    return TrainingText(corpus.name, corpus.codes("train" if same else "all"))


def _codes(text: str) -> np.ndarray:
    return np.frombuffer(text.encode("utf-32-le"), np.uint32)
