"""The job of text: train a character model on a corpus, measure it, and write with it."""

import math
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from seqlab import runs, training
from seqlab.checkpoint import Checkpoint
from seqlab.data.batches import StreamBatches
from seqlab.data.text import Corpus, Vocab
from seqlab.errors import CheckpointError, UsageError, did_you_mean
from seqlab.machine import Compute, Resolved, use_threads
from seqlab.models.recurrent import KINDS, RecurrentLanguageModel
from seqlab.sampling import Engine, Sampling, sample
from seqlab.training import Batch, Progress, State

# A character the vocabulary lacks is scored as UNKNOWN and then as any of Unicode's code points, all alike.
NATS_PER_UNKNOWN = math.log(0x110000)
EVALUATION_LENGTH = 256
VALIDATION_STREAMS = 8  # choosing weights may read in parallel; what is reported is read once, from the beginning
SHAPE = ("cell", "embedding_size", "hidden_size", "num_layers", "dropout")


@dataclass(kw_only=True)
class LanguageSettings(training.Settings):
    """A character model and its training. A reason per number: see docs/lab-diary.md."""

    cell: str = "lstm"
    embedding_size: int = 64
    hidden_size: int = 384
    num_layers: int = 2
    dropout: float = 0.0
    batch_size: int = 32
    seq_len: int = 128  # the length of truncated backpropagation through time
    lr: float = 4e-3
    val_chars: int = 200_000  # how much of the validation tenth each evaluation reads

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.cell not in KINDS:
            raise UsageError(f"setting 'cell' is '{self.cell}'", did_you_mean(self.cell, KINDS))
        sizes = ("embedding_size", "hidden_size", "num_layers", "seq_len")
        training.require(self, "1 or more", lambda value: value >= 1, *sizes)
        training.require(self, "from 0 to below 1", lambda value: 0 <= value < 1, "dropout")
        training.require(self, "2 or more", lambda value: value >= 2, "val_chars")


@dataclass(frozen=True)
class LanguageModel:
    """A trained character model, ready to use."""

    model: RecurrentLanguageModel
    vocab: Vocab
    checkpoint: Checkpoint


def next_token_loss(model: nn.Module, batch: Batch, state: State) -> tuple[Tensor, State]:
    """The objective: mean cross-entropy in nats of the next token, over tokens and targets (B, T)."""
    tokens, targets = batch
    logits, state = model(tokens, state)  # (B, T, V)
    return F.cross_entropy(logits.float().flatten(0, 1), targets.flatten(), ignore_index=training.IGNORE_INDEX), state


def train(
    corpus: Corpus,
    folder: Path,
    settings: LanguageSettings,
    *,
    compute: Compute = Compute(),
    minutes: float | None = None,
    epochs: float | None = None,
    start: Checkpoint | None = None,
    resume: bool = False,
    command: str = "",
    stop: Callable[[], bool] = lambda: False,
) -> Generator[Progress, None, Checkpoint | None]:
    """Train on the first eight tenths of a corpus, choose by the ninth, measure on the last.

    A generator of the run's progress that returns the finished checkpoint, or None if `stop()` ended it early. Length:
    `settings.max_steps`, else `epochs`, else `minutes` (by default 10) of training as measured on this machine.
    `start` is another text model, of the same shape, to begin with the weights and the vocabulary of. `resume`
    continues what is in `folder` with the settings saved there. Raises DataError for too little text and
    CheckpointError for a checkpoint that does not fit.
    """
    saved = None
    if resume:
        saved, settings, compute = runs.reopen(folder, "language", LanguageSettings)
        if saved.config["data"]["sha256"] != corpus.sha256:
            raise CheckpointError(
                f"{folder} was trained on another text than this '{corpus.name}'",
                "resume with the corpus it was trained on, or write elsewhere with -o FOLDER",
            )
    torch.manual_seed(settings.seed)
    earlier = saved or start
    vocab = Vocab(earlier.config["vocab"]) if earlier else Vocab.of(corpus.split("train"))
    shape = {k: getattr(settings, k) for k in SHAPE}
    model = RecurrentLanguageModel(len(vocab), **shape)
    if start is not None and saved is None:
        _begin_with(model, load(start))
    chosen = compute.resolve(training.count_parameters(model))
    model.to(chosen.device)
    with use_threads(chosen.threads):
        run = training.Run(
            model,
            next_token_loss,
            StreamBatches(vocab.encode(corpus.split("train")).to(chosen.device), settings.batch_size, settings.seq_len),
            training.adamw(model, settings.lr, settings.weight_decay),
            learning_rate=lambda step: settings.lr,
            max_steps=0,
            clip_norm=settings.clip_norm,
            precision=chosen.precision,
        )
        held_out = evaluation_batches(
            vocab, corpus.split("val")[: settings.val_chars], chosen.device, VALIDATION_STREAMS
        )

        def validate() -> dict[str, float]:
            nats = training.evaluate(model, next_token_loss, held_out, chosen.precision)
            return {"val_loss": nats, "val_bits_per_char": nats / math.log(2)}

        settings.max_steps = training.choose_max_steps(
            run, settings.max_steps, epochs=epochs, minutes=minutes, default_minutes=10.0, validate=validate
        )
        config = {
            "job": "language",
            "command": command,
            "data": describe(corpus),
            "model": {"vocab_size": len(vocab), **shape},
            "vocab": vocab.characters,
            "from": saved.config.get("from") if saved else start and start.lineage(),
            "environment": chosen.record(),
        }
        keeper = yield from runs.conduct(run, folder, settings, config, saved, validate=validate, stop=stop)
        if keeper is None:
            return None
        return keeper.finish(evaluate(model, vocab, corpus.split("test"), chosen))


def _begin_with(model: RecurrentLanguageModel, other: LanguageModel) -> None:
    """Give a new model the weights of another. Raises CheckpointError where their shapes differ."""
    try:
        model.load_state_dict(other.model.state_dict())
    except RuntimeError as problem:
        shape = ", ".join(f"{k}={other.checkpoint.config['model'].get(k)}" for k in SHAPE)
        raise CheckpointError(
            f"checkpoint '{other.checkpoint.name}' has another shape than the model to train",
            f"it has {shape}: set the same with --set",
        ) from problem


def describe(corpus: Corpus) -> dict[str, Any]:
    """What a checkpoint notes of its corpus: enough to know it again, and no path."""
    return {
        "name": corpus.name,
        "origin": corpus.origin,
        "files": corpus.files,
        "characters": len(corpus.text),
        "sha256": corpus.sha256,
    }


def evaluation_batches(vocab: Vocab, text: str, device: torch.device, streams: int = 1) -> StreamBatches:
    """A text in so many parallel streams with carried state, fewer for a short one.

    Every stream but the first begins in the middle of a file with a zero state, which a net that was trained on long
    streams hardly knows: it may take tens of thousands of characters to recover.
    """
    streams = max(1, min(streams, len(text) // (4 * EVALUATION_LENGTH)))
    return StreamBatches(vocab.encode(text).to(device), streams, EVALUATION_LENGTH)


def evaluate(model: RecurrentLanguageModel, vocab: Vocab, text: str, chosen: Resolved) -> dict[str, Any]:
    """Cross-entropy of every character of `text` but the first, in nats and bits, and its perplexity."""
    with use_threads(chosen.threads):
        batches = evaluation_batches(vocab, text, chosen.device)
        known = training.evaluate(model, next_token_loss, batches, chosen.precision)
    chars = len(text) - 1
    unknown = sum(text[1:].count(char) for char in vocab.missing(text))
    nats = known + unknown * NATS_PER_UNKNOWN / chars
    return {
        "split": "test",
        "adapted": False,
        "nats_per_char": nats,
        "bits_per_char": nats / math.log(2),
        "perplexity": math.exp(min(nats, 700.0)),  # beyond that a float has no room
        "chars": chars,
        "unknown_chars": unknown,
    }


def score(language: LanguageModel, text: str, chosen: Resolved) -> Iterator[np.ndarray]:
    """The log-probability in nats of every character of `text`, in pieces (n,) as they are computed, one stream.

    The first character is scored as the first that `generate` writes without a prompt: after a newline. A character
    that the vocabulary lacks costs what `evaluate` charges for it, so that the sum is minus its cross-entropy of a
    newline and `text`, times the characters.
    """
    codes = np.frombuffer(text.encode("utf-32-le"), np.uint32)
    unknown = np.isin(codes, [ord(char) for char in language.vocab.missing(text)])
    batches = evaluation_batches(language.vocab, opening(language.vocab) + text, chosen.device)
    language.model.eval()
    done, state = 0, None
    for tokens, targets in batches.epoch(0):
        # set and left anew for every piece: between two of them the caller computes as it likes
        with use_threads(chosen.threads), torch.inference_mode(), training.autocast(chosen.device, chosen.precision):
            logits, state = language.model(tokens, state)  # (1, T, V)
            log_probs = logits[0].double().log_softmax(1).gather(1, targets[0, :, None])[:, 0].cpu().numpy()  # (T,)
        yield log_probs - NATS_PER_UNKNOWN * unknown[done : done + len(log_probs)]
        done += len(log_probs)


def opening(vocab: Vocab) -> str:
    """The character that a text begins after where nothing else stands before it: a newline, if the model knows it."""
    return next(char for char in "\n " + vocab.characters if char in vocab.characters)


def load(saved: Checkpoint) -> LanguageModel:
    """The model of a checkpoint. Raises CheckpointError if it is of another job, or damaged."""
    if saved.config["job"] != "language":
        raise CheckpointError(
            f"checkpoint '{saved.name}' is no text model: its job is {saved.config['job']}",
            "see `seqlab checkpoints list` for the text models",
        )
    model = RecurrentLanguageModel(**saved.config["model"])
    model.load_state_dict(saved.weights())
    return LanguageModel(model.eval(), Vocab(saved.config["vocab"]), saved)


def generate(
    language: LanguageModel,
    *,
    prompt: str = "",
    length: int = 1000,
    sampling: Sampling = Sampling(),
    seed: int = 0,
    precision: str = "auto",
) -> Iterator[tuple[str, float]]:
    """Write `length` characters after `prompt`, one at a time: each with its log-probability in nats under the model.

    Without a prompt the text begins as after a newline. The log-probability is the model's own, before temperature,
    top-k and top-p. Raises UsageError, before anything is drawn, for a prompt with characters the vocabulary lacks.
    """
    vocab = language.vocab
    if missing := vocab.missing(prompt):
        names = ", ".join(f"{char!r} (U+{ord(char):04X})" for char in missing[:8])
        raise UsageError(
            f"the prompt has characters that checkpoint '{language.checkpoint.name}' has never seen: {names}",
            "leave them out, or train a model on a text that has them",
        )
    start = prompt or opening(vocab)
    engine = Engine(language.model.cell, language.model.state_dict(), precision)
    prompted = vocab.encode(start).tolist()
    drawn = sample(engine, prompted, length, sampling, seed=seed, never=(vocab.unknown,))
    return ((vocab.characters[token], log_prob) for token, log_prob in drawn)
