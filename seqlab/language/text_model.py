"""A trained character model as a library user holds it: it writes, scores, and is evaluated."""

from collections.abc import Generator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from seqlab.checkpoint import Checkpoint, source_at
from seqlab.data.text.charset import BYTE_ORDER_MARK
from seqlab.data.text.corpus import OWN, Corpus, load_corpus
from seqlab.errors import DataError, UsageError
from seqlab.export import export
from seqlab.language import model as models
from seqlab.language.copies import TrainingText, training_text, training_text_with
from seqlab.language.evaluate import measuring, score
from seqlab.language.generate import generate
from seqlab.language.graph import graph
from seqlab.language.scorecard import Scorecard, scorecard
from seqlab.language.written import Generated, Scored, Writing
from seqlab.machine import Compute
from seqlab.results import Evaluation
from seqlab.sampling import Sampling
from seqlab.settings import TEMPERATURE
from seqlab.tasks import Event, Note, Task

FEW_SAMPLES = 16  # below, the arithmetic of a character is too short to share between threads


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
        prompt: str | None = None,
        length: int = 1000,
        *,
        temperature: float = TEMPERATURE,
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
        if prompt is None:
            prompt = "" if adapt else models.beginning(self.checkpoint)
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
        self, prompt: str | None = None, length: int = 1000, *, check_copies: str | None = None, **options: Any
    ) -> Generated:
        """Up to `length` characters after `prompt` (less a byte order mark), in each of so many samples.

        Without a prompt a text begins as those of a published corpus do, else as after a newline; "" is no prompt.
        temperature: below 1 safer, above 1 wilder, 0 the likeliest character always. top_k, top_p, min_p: draw among
        the k likeliest, among the likeliest that together have that probability, among those at least so many times
        as probable as the likeliest. stop: a sample ends before this string. samples: texts to write at once. seed:
        the same writes the same. adapt: learn from the prompt first. cache: keep a list of what was declared and
        opened, of C and LaTeX, and go by it; without, the net writes alone. check_copies: find the longest run of each
        text that also stands in the training text, which is read from that path ("": from the corpus that the model
        names). Raises UsageError for characters that the model has never seen.
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
        corpus, same = yield from self._corpus(data, offline)
        part = "test" if same or data is None else "all"
        tokens = corpus.encoded(part, self.model.vocab)
        device_config = self.compute.resolve(self.checkpoint.config["parameters"])
        net = self.model.model.to(device_config.device)
        metrics = yield from measuring(net, self.model.vocab, tokens, device_config, adapt=adapt, cache=cache)
        return Evaluation(self.checkpoint.name, corpus.name, metrics | {"split": part})

    def scorecard(
        self,
        data: str | Corpus | None = None,
        *,
        samples: int = 64,
        length: int = 3000,
        seed: int = 0,
        offline: bool = False,
    ) -> Scorecard:
        """What it writes, scored beside pieces of the held-out tenth of its corpus that are as many and as long.

        data: the text it was trained on, as `evaluate` takes it. It writes so many texts of so many characters, as
        `generate` does with that seed. Raises DataError for a held-out part shorter than a text, UsageError where
        scores of C lack a package.
        """
        return self.scorecard_task(data, samples=samples, length=length, seed=seed, offline=offline).result()

    def scorecard_task(
        self,
        data: str | Corpus | None = None,
        *,
        samples: int = 64,
        length: int = 3000,
        seed: int = 0,
        offline: bool = False,
    ) -> Task[Scorecard]:
        """`scorecard`, with what is going on."""
        return Task(self._scorecard(data, samples, length, seed, offline))

    def _scorecard(
        self, data: str | Corpus | None, samples: int, length: int, seed: int, offline: bool
    ) -> Generator[Event, None, Scorecard]:
        for name, count in (("samples", samples), ("length", length)):
            if count < 1:
                raise UsageError(f"{count} is no {name} to score", "use 1 or more")
        corpus, same = yield from self._corpus(data, offline)
        training = None
        if same:
            training = yield from training_text_with(self.checkpoint, corpus, offline)
        else:
            yield Note("what is copied is not scored, as the text it was trained on is not at hand")
        return (yield from scorecard(self.write(None, length, samples=samples, seed=seed), corpus, length, training))

    def _corpus(self, data: str | Corpus | None, offline: bool) -> Generator[Event, None, tuple[Corpus, bool]]:
        """The corpus that is meant, None: the one it was trained on; and whether it is that one."""
        trained_on = self.checkpoint.config["data"]
        if data is None and trained_on["origin"] in OWN:
            (data,) = source_at(self.checkpoint, f"a {trained_on['origin']} of yours")["paths"]
            yield Note(f"read again from {data}")
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
        return corpus, same

    def _check_cache(self, cache: bool) -> None:
        if not cache and self.model.model.match_model is None:
            raise UsageError(f"checkpoint '{self.checkpoint.name}' reads no n-gram cache", "leave out --no-cache")

    def training_text_task(self, path: str = "", *, offline: bool = False) -> Task[TrainingText]:
        """The text it was trained on, from `path`, or where that is empty from the corpus it names: for
        `TrainingText.longest_copy`."""
        return Task(training_text(self.checkpoint, path, offline))

    def export(self, folder: str | Path, *, onnx: bool = False) -> Checkpoint:
        """Write it to a new folder in half precision, with a model card; onnx: and as `model.onnx`, see `export`."""
        return export(self.checkpoint, folder, graph(self.model) if onnx else None)

    def to_dict(self) -> dict[str, Any]:
        """What `seqlab train-text --json` prints last."""
        return self.checkpoint.summary()

    def __repr__(self) -> str:
        return self.checkpoint.in_words("TextModel")

    def _repr_html_(self) -> str:
        return self.checkpoint.to_html()
