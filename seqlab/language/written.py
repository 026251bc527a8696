"""What comes of writing and scoring with a character model: its texts, and the log-probabilities of one."""

import math
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from seqlab.formatting import html_table
from seqlab.language.copies import TrainingText
from seqlab.language.generate import Character
from seqlab.machine import use_threads


@dataclass(frozen=True)
class Sample:
    """A text that was written. log_likelihood_per_char: its mean log-probability in nats, None of no character.

    longest_copy: the longest run of it that also stands in the training text, where that was asked for.
    """

    text: str
    log_likelihood_per_char: float | None
    longest_copy: dict[str, Any] | None = None

    def to_dict(self) -> dict[str, Any]:
        copy = {} if self.longest_copy is None else {"longest_copy": self.longest_copy}
        return {"text": self.text, "log_likelihood_per_char": self.log_likelihood_per_char, **copy}


@dataclass(frozen=True)
class Generated:
    """What a model wrote. Printed, it is its first text."""

    checkpoint: str
    prompt: str
    seed: int
    samples: tuple[Sample, ...]
    chars_per_second: float

    @property
    def text(self) -> str:
        return self.samples[0].text

    def __str__(self) -> str:
        return self.prompt + self.text

    def to_dict(self) -> dict[str, Any]:
        """What `seqlab generate --json` prints."""
        return {
            "checkpoint": self.checkpoint,
            "seed": self.seed,
            "samples": [sample.to_dict() for sample in self.samples],
            "chars_per_second": self.chars_per_second,
        }

    def _repr_html_(self) -> str:
        rows = [[self.prompt + sample.text] for sample in self.samples]
        return f'<div style="white-space: pre; font-family: monospace">{html_table(self.checkpoint, [], rows)}</div>'


@dataclass(frozen=True)
class Scored:
    """How probable a text is: log_probs (N,) in nats, one for each character."""

    text: str
    log_probs: np.ndarray

    @property
    def nats_per_char(self) -> float:
        return -float(self.log_probs.sum()) / len(self.text)

    @property
    def bits_per_char(self) -> float:
        return self.nats_per_char / math.log(2)

    def chars(self) -> Iterator[dict[str, Any]]:
        for char, one in zip(self.text, self.log_probs, strict=True):
            yield {"char": char, "log_prob": float(one)}

    def to_dict(self) -> dict[str, Any]:
        """What `seqlab score --json` prints."""
        return {"nats_per_char": self.nats_per_char, "bits_per_char": self.bits_per_char, "chars": list(self.chars())}

    def report(self, path: str | Path, command: str = "") -> None:
        """Write it as a page, the text coloured by surprise: one HTML file that needs nothing else. command: what made
        it, for who reads it. Raises DataError where it cannot be written."""
        from seqlab.plots.pages import page, score

        page.write(Path(path), score.page(self.text, self.log_probs, command))

    def _repr_html_(self) -> str:
        rows = [["bits per character", self.bits_per_char], ["characters", len(self.text)]]
        return html_table("score", [], rows)


@dataclass(frozen=True)
class Writing:
    """Characters as they are drawn, to be iterated; `result()` is what was written so far."""

    checkpoint: str
    prompt: str
    seed: int
    drawing: Iterator[Character]
    threads: int
    written: list[list[Character]]
    start: float = field(default_factory=time.perf_counter)

    def __iter__(self) -> Iterator[Character]:
        with use_threads(self.threads):
            for character in self.drawing:
                self.written[character.sample].append(character)
                yield character

    def result(self, training: TrainingText | None = None) -> Generated:
        seconds = time.perf_counter() - self.start
        samples = []
        for one in self.written:
            text, log_probs = "".join(char.text for char in one), [char.log_prob for char in one]
            mean = sum(log_probs) / len(log_probs) if log_probs else None  # a text may stop before its first character
            samples.append(Sample(text, mean, training.longest_copy(text) if training else None))
        count = sum(map(len, self.written))
        return Generated(self.checkpoint, self.prompt, self.seed, tuple(samples), count / seconds)
