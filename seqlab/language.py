"""The job of text: train a character model on a corpus, measure it, and write with it."""

import functools
import math
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from seqlab import runs, training
from seqlab.checkpoint import Checkpoint
from seqlab.data.batches import RecallBatches, StreamBatches
from seqlab.data.recall import CONFIDENCES, LONGEST_OWN, SLOTS, History
from seqlab.data.text import Corpus, Tokens, Vocab
from seqlab.errors import CheckpointError, UsageError, did_you_mean
from seqlab.machine import Compute, Resolved, use_threads
from seqlab.models.recurrent import KINDS, RecurrentLanguageModel
from seqlab.sampling import Engine, Sampling, sample
from seqlab.training import Batch, Progress, State

# A character the vocabulary lacks is scored as UNKNOWN and then as any of Unicode's code points, all alike.
NATS_PER_UNKNOWN = math.log(0x110000)
EVALUATION_LENGTH = 256
COUNTED = 1 << 20  # tokens at a time
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
    recall: bool = True  # whether the net is told what followed when the last characters stood in the text before
    forget: float = 0.5  # the share of training that begins as a text does, with nothing to recall
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
    reading, targets = batch
    logits, state = model(reading, state)  # (B, T, V)
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
    vocab = Vocab(earlier.config["vocab"]) if earlier else corpus.vocab
    shape = {k: getattr(settings, k) for k in SHAPE}
    recalled: dict[str, Any] = {"slots": SLOTS, "confidences": CONFIDENCES} if settings.recall else {}
    model = RecurrentLanguageModel(len(vocab), **shape, **recalled)
    if start is not None and saved is None:
        _begin_with(model, load(start))
    chosen = compute.resolve(training.count_parameters(model))
    model.to(chosen.device)
    streams = (corpus.encoded("train", vocab), settings.batch_size, settings.seq_len, chosen.device)
    batches: training.Batches = (
        RecallBatches(*streams, forget=settings.forget, seed=settings.seed)
        if settings.recall
        else StreamBatches(*streams)
    )
    with use_threads(chosen.threads):
        run = training.Run(
            model,
            next_token_loss,
            batches,
            training.adamw(model, settings.lr, settings.weight_decay),
            learning_rate=lambda step: settings.lr,
            max_steps=0,
            clip_norm=settings.clip_norm,
            precision=chosen.precision,
        )
        held_out = evaluation_batches(model, corpus.encoded("val", vocab)[: settings.val_chars], VALIDATION_STREAMS)

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
            "model": {"vocab_size": len(vocab), **shape, **recalled},
            "vocab": vocab.characters,
            "from": saved.config.get("from") if saved else start and start.lineage(),
            "environment": chosen.record(),
        }
        keeper = yield from runs.conduct(run, folder, settings, config, saved, validate=validate, stop=stop)
        if keeper is None:
            return None
        return keeper.finish(evaluate(model, vocab, corpus.encoded("test", vocab), chosen))


def _begin_with(model: RecurrentLanguageModel, other: LanguageModel) -> None:
    """Give a new model the weights of another. One that recalls may go on from one that does not: it begins by doing
    as that did. Raises CheckpointError where their shapes differ."""
    weights = other.model.state_dict()
    if model.recalled is not None and other.model.recalled is None:
        first = weights["layers.weight_ih_l0"]
        weights["layers.weight_ih_l0"] = torch.cat([first, torch.zeros_like(first)], 1)
        weights |= {f"recalled.{name}": tensor for name, tensor in model.recalled.state_dict().items()}
    try:
        model.load_state_dict(weights)
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
        "characters": len(corpus),
        "sha256": corpus.sha256,
    }


def evaluation_batches(model: RecurrentLanguageModel, tokens: Tokens, streams: int = 1) -> training.Batches:
    """A text in so many parallel streams with carried state, fewer for a short one.

    Every stream but the first begins in the middle of a file with a zero state, which a net that was trained on long
    streams hardly knows: it may take tens of thousands of characters to recover.
    """
    streams = max(1, min(streams, len(tokens) // (4 * EVALUATION_LENGTH)))
    kind = StreamBatches if model.recalled is None else RecallBatches
    return kind(tokens, streams, EVALUATION_LENGTH, next(model.parameters()).device)


def evaluate(model: RecurrentLanguageModel, vocab: Vocab, tokens: Tokens, chosen: Resolved) -> dict[str, Any]:
    """Cross-entropy of every character of a text but the first, in nats and bits, and its perplexity.

    tokens (N,): those of the text in the model's vocabulary.
    """
    with use_threads(chosen.threads):
        batches = evaluation_batches(model, tokens)
        known = training.evaluate(model, next_token_loss, batches, chosen.precision)
    chars = len(tokens) - 1
    starts = range(1, len(tokens), COUNTED)
    unknown = sum(int((tokens[start : start + COUNTED] == vocab.unknown).sum()) for start in starts)
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
    batches = evaluation_batches(language.model, language.vocab.encode(opening(language.vocab) + text).numpy())
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


class Character(NamedTuple):
    """What was written: in which sample, counted from 0, and with which log-probability in nats under the model."""

    sample: int
    text: str
    log_prob: float


def generate(
    language: LanguageModel,
    *,
    prompt: str = "",
    length: int = 1000,
    samples: int = 1,
    stop: str | None = None,
    sampling: Sampling = Sampling(),
    seed: int = 0,
    precision: str = "auto",
    longest: int = LONGEST_OWN,
) -> Iterator[Character]:
    """Write up to `length` characters after `prompt`, one at a time, in each of so many samples at once.

    Without a prompt the text begins as after a newline. A sample ends before the string `stop`; what may become it is
    held back until it is clear. The log-probability is the model's own, before temperature, top-k, top-p and min-p.
    Raises UsageError, before anything is drawn, for a prompt or a stop with characters the vocabulary lacks.
    """
    vocab = language.vocab
    if stop == "":
        raise UsageError("--stop is empty: every text would end before it begins", "give a string, or leave it out")
    for what, text in (("prompt", prompt), ("stop string", stop or "")):
        if missing := vocab.missing(text):
            names = ", ".join(f"{char!r} (U+{ord(char):04X})" for char in missing[:8])
            raise UsageError(
                f"the {what} has characters that checkpoint '{language.checkpoint.name}' has never seen: {names}",
                "leave them out, or train a model on a text that has them",
            )
    start = prompt or opening(vocab)
    recalling = functools.partial(History, longest=longest)
    engine = Engine(language.model.cell, language.model.state_dict(), precision, recalling)
    prompted = vocab.encode(start).tolist()
    drawn = sample(engine, prompted, length, sampling, samples=samples, seed=seed, never=(vocab.unknown,))
    return _until(stop, vocab, drawn, samples)


def _until(
    stop: str | None, vocab: Vocab, drawn: Iterator[tuple[np.ndarray, np.ndarray]], samples: int
) -> Iterator[Character]:
    held: dict[int, list[Character]] = {k: [] for k in range(samples)}  # the beginning of `stop`, in what still runs
    for tokens, log_probs in drawn:
        for k, part in list(held.items()):
            part.append(Character(k, vocab.characters[tokens[k]], float(log_probs[k])))
            while part and not (stop and stop.startswith("".join(char.text for char in part))):
                yield part.pop(0)
            if stop and len(part) == len(stop):
                del held[k]
        if not held:
            return
    for part in held.values():
        yield from part
