"""A trained character model as a library user holds it: it writes, scores, and is evaluated."""

import math
import shlex
import time
from collections.abc import Generator, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from seqlab.checkpoint import Checkpoint
from seqlab.data.text.charset import BYTE_ORDER_MARK
from seqlab.data.text.corpus import OWN, Corpus, load_corpus
from seqlab.errors import DataError, UsageError
from seqlab.formatting import html_table
from seqlab.language import model as models
from seqlab.language.copies import TrainingText, training_text
from seqlab.language.evaluate import evaluate, score
from seqlab.language.generate import Character, generate
from seqlab.machine import Compute, use_threads
from seqlab.results import Evaluation
from seqlab.sampling import Sampling
from seqlab.tasks import Event, Note, Task

FEW_SAMPLES = 16  # below, the arithmetic of a character is too short to share between threads


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


@dataclass(frozen=True)
class TextModel:
    """A character model and its checkpoint.

    compute: what it is to compute with; by default what this machine is best at.
    """

    model: models.LanguageModel
    compute: Compute = Compute()

    @classmethod
    def of(cls, saved: Checkpoint, compute: Compute = Compute()) -> "TextModel":
        """The model of a checkpoint. Raises CheckpointError if it is of another job, or damaged."""
        return cls(models.load(saved), compute)

    @property
    def checkpoint(self) -> Checkpoint:
        return self.model.checkpoint

    def write(
        self,
        prompt: str = "",
        length: int = 1000,
        *,
        temperature: float = 1.0,
        top_k: int | None = None,
        top_p: float | None = None,
        min_p: float | None = None,
        stop: str | None = None,
        samples: int = 1,
        seed: int = 0,
        adapt: bool = False,
        cache: bool = True,
    ) -> Writing:
        """`generate`, a character at a time: iterate what it returns."""
        self._check_cache(cache)
        prompt = prompt.removeprefix(BYTE_ORDER_MARK)
        if length < 0:
            raise UsageError(f"a length of {length} has no meaning", "use 0 characters or more")
        few = samples < FEW_SAMPLES and self.compute.threads is None
        parameters = self.checkpoint.config["parameters"]
        threads = 1 if few else self.compute.resolve(parameters).threads
        drawing = generate(
            self.model,
            prompt=prompt,
            length=length,
            samples=samples,
            stop=stop,
            sampling=Sampling(temperature, top_k, top_p, min_p),
            seed=seed,
            precision=self.compute.precision,
            adapt=adapt,
            cache=cache,
        )
        return Writing(self.checkpoint.name, prompt, seed, drawing, threads, [[] for _ in range(samples)])

    def generate(
        self, prompt: str = "", length: int = 1000, *, check_copies: str | None = None, **options: Any
    ) -> Generated:
        """Up to `length` characters after `prompt` (less a byte order mark), in each of so many samples.

        temperature: below 1 safer, above 1 wilder, 0 the likeliest character always. top_k, top_p, min_p: draw among
        the k likeliest, among the likeliest that together have that probability, among those at least so many times
        as probable as the likeliest. stop: a sample ends before this string. samples: texts to write at once. seed:
        the same writes the same. adapt: learn from the prompt first. cache: go by what followed in the prompt, too;
        without, the net writes alone. check_copies: find the longest run of each text that also stands in the training
        text, which is read from that path ("": from the corpus that the model names). Raises UsageError for characters
        that the model has never seen, and where it has no cache to leave out.
        """
        training = None if check_copies is None else self.training_text_task(check_copies).result()
        writing = self.write(prompt, length, **options)
        for _ in writing:
            pass
        return writing.result(training)

    def score(self, text: str) -> Scored:
        """The log-probability of every character of a text, that has at least one.

        A byte order mark at its beginning is no character: it is left out.
        """
        text = text.removeprefix(BYTE_ORDER_MARK)
        return Scored(text, np.concatenate(list(self.score_pieces(text))))

    def score_pieces(self, text: str) -> Iterator[np.ndarray]:
        """`score`, in pieces (n,) as they are computed, of a text as it is."""
        if not text:
            raise DataError("the text is empty", "give a text")
        device_config = self.compute.resolve(self.checkpoint.config["parameters"])
        self.model.model.to(device_config.device)
        return score(self.model, text, device_config)

    def evaluate(
        self, data: str | Corpus | None = None, *, adapt: bool = False, cache: bool = True, offline: bool = False
    ) -> Evaluation:
        """Bits per character of held-out text: `data`, or the last tenth of what it was trained on.

        data: a corpus, or what `seqlab.train_text` takes. adapt: it goes on learning from what it has read. cache: it
        is given what followed in the text so far, and measured alone as well (`bits_per_char_alone`); without, alone
        only. Raises UsageError where the model has no cache to leave out.
        """
        return self.evaluate_task(data, adapt=adapt, cache=cache, offline=offline).result()

    def evaluate_task(
        self, data: str | Corpus | None = None, *, adapt: bool = False, cache: bool = True, offline: bool = False
    ) -> Task[Evaluation]:
        """`evaluate`, with what is going on."""
        return Task(self._evaluate(data, adapt, cache, offline))

    def _evaluate(
        self, data: str | Corpus | None, adapt: bool, cache: bool, offline: bool
    ) -> Generator[Event, None, Evaluation]:
        self._check_cache(cache)
        trained_on = self.checkpoint.config["data"]
        if data is None and trained_on["origin"] in OWN:
            raise DataError(
                f"checkpoint '{self.checkpoint.name}' was trained on a {trained_on['origin']} of yours, whose place is "
                "not kept",
                f"name it: seqlab evaluate {shlex.quote(self.checkpoint.name)} PATH",
            )
        if isinstance(data, Corpus):
            corpus = data
        else:
            corpus = yield from load_corpus(data or trained_on["name"], offline=offline)
        yield Note(f"{corpus.name}: {len(corpus):,} characters, from {corpus.origin}")
        yield from map(Note, corpus.notes)
        same = corpus.sha256 == trained_on["sha256"]
        if not same:
            alike = corpus.name == trained_on["name"]
            yield Note(
                f"this {corpus.name} is another text than the {trained_on['name']} trained on (sha256 "
                f"{corpus.sha256[:12]}, trained on {trained_on['sha256'][:12]})"
                + (": parts of it may have been seen in training" if alike else "")
            )
        part = "test" if same or data is None else "all"
        tokens = corpus.encoded(part, self.model.vocab)
        device_config = self.compute.resolve(self.checkpoint.config["parameters"])
        net = self.model.model.to(device_config.device)
        metrics = evaluate(net, self.model.vocab, tokens, device_config, adapt=adapt, cache=cache)
        return Evaluation(self.checkpoint.name, corpus.name, metrics | {"split": part})

    def _check_cache(self, cache: bool) -> None:
        if not cache and self.model.model.match_model is None:
            raise UsageError(f"checkpoint '{self.checkpoint.name}' reads no n-gram cache", "leave out --no-cache")

    def training_text_task(self, path: str = "", *, offline: bool = False) -> Task[TrainingText]:
        """The text it was trained on, from `path`, or where that is empty from the corpus it names: for
        `TrainingText.longest_copy`."""
        return Task(training_text(self.checkpoint, path, offline))

    def to_dict(self) -> dict[str, Any]:
        """What `seqlab train-text --json` prints last."""
        return self.checkpoint.summary()

    def __repr__(self) -> str:
        return self.checkpoint.in_words("TextModel")

    def _repr_html_(self) -> str:
        return self.checkpoint.to_html()
