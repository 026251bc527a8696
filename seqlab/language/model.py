"""A character model: its net, its objective, and how it comes out of a checkpoint."""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from seqlab import training
from seqlab.checkpoint import Checkpoint, rebuilt
from seqlab.checkpoint.nets import net_of
from seqlab.data.text.corpus import OWN, Vocab
from seqlab.data.text.ngram_cache import CONFIDENCES, SLOTS
from seqlab.data.text.published import PUBLISHED, Published
from seqlab.errors import CheckpointError
from seqlab.models.recurrent import RecurrentLanguageModel
from seqlab.settings import LanguageSettings
from seqlab.training import Batch, State

EVIDENCE = 64  # numbers by which the match model weighs what the cache holds
ENTRIES = {"model": dict, "vocab": str, "data.name?": str, "data.sha256?": str, "data.origin?": str, "data.kind?": str}
SHAPE = ("cell", "embedding_size", "hidden_size", "num_layers", "dropout")


def net_config(settings: LanguageSettings, vocab_size: int) -> dict[str, Any]:
    """The arguments of a `RecurrentLanguageModel` with these settings, as a checkpoint keeps them."""
    cache = {"slots": SLOTS, "confidences": CONFIDENCES, "evidence_size": EVIDENCE} if settings.ngram_cache else {}
    return {"vocab_size": vocab_size, **{name: getattr(settings, name) for name in SHAPE}, **cache}


@dataclass(frozen=True)
class LanguageModel:
    """A trained character model, ready to use."""

    model: RecurrentLanguageModel
    vocab: Vocab
    checkpoint: Checkpoint


def load(saved: Checkpoint) -> LanguageModel:
    """The model of a checkpoint. Raises CheckpointError if it is of another job, or damaged."""
    if saved.config["job"] != "language":
        raise CheckpointError(
            f"checkpoint '{saved.name}' is no text model: its job is {saved.config['job']}",
            "see `seqlab checkpoints list` for the text models",
        )
    return rebuilt(saved, _load, ENTRIES)


def _load(saved: Checkpoint) -> LanguageModel:
    shape = saved.config["model"]
    if "slots" in shape and "evidence_size" not in shape:
        raise CheckpointError(
            f"checkpoint '{saved.name}' is of an earlier version, whose nets read their n-gram cache otherwise",
            "train it again",
        )
    model = net_of(saved, lambda: RecurrentLanguageModel(**shape))
    return LanguageModel(model.eval(), Vocab(saved.config["vocab"]), saved)


def training_loss(model: nn.Module, batch: Batch, state: State) -> tuple[Tensor, State]:
    """The objective: the mean of `next_token_losses`; a net with a cache learns to predict with it and alone."""
    losses, state = next_token_losses(model, batch, state)
    return losses.mean(), state


def next_token_losses(model: nn.Module, batch: Batch, state: State) -> tuple[Tensor, State]:
    """What is measured: the mean cross-entropy in nats of the next token, over tokens and targets (B, T).

    (2,) where the batch has a cache: with it, and of the net alone. Else (1,).
    """
    assert isinstance(model, RecurrentLanguageModel)
    reading, targets = batch
    alone, mixed, state = model.alone_and_mixed(reading, state)  # (B, T, V)
    both = [mixed] if alone is mixed else [mixed, alone]
    return torch.stack([cross_entropy(logits, targets) for logits in both]), state


def next_token_loss(model: nn.Module, batch: Batch, state: State) -> tuple[Tensor, State]:
    """The first of `next_token_losses`, of any module: with the cache where the batch has one."""
    reading, targets = batch
    logits, state = model(reading, state)
    return cross_entropy(logits, targets), state


def cross_entropy(logits: Tensor, targets: Tensor) -> Tensor:
    """logits (B, T, V), targets (B, T) -> their mean, in nats."""
    return F.cross_entropy(logits.float().flatten(0, 1), targets.flatten(), ignore_index=training.IGNORE_INDEX)


def beginning(saved: Checkpoint) -> str:
    """What a text begins with where nothing is asked for: for a model of a published corpus as those texts may."""
    known = _published(saved)
    return known.beginning if known else ""


def read_first(saved: Checkpoint, vocab: Vocab, prompt: str) -> str:
    """What is read before anything is written: the prompt, or the character that a text begins after; of a published
    corpus after what puts the net in a state as in the middle of it."""
    known = _published(saved)
    return known.opening + prompt if known else prompt or opening(vocab)


def kind(saved: Checkpoint) -> str:
    """The kind of text that a model writes, as of the `Corpus` that it was trained on."""
    known = _published(saved)
    return known.kind if known else saved.config.get("data", {}).get("kind", "text")


def _published(saved: Checkpoint) -> Published | None:
    trained_on = saved.config.get("data", {})
    return None if trained_on.get("origin") in OWN else PUBLISHED.get(trained_on.get("name", ""))


def opening(vocab: Vocab) -> str:
    """The character that a text begins after where nothing else stands before it: a newline, if the model knows it."""
    return next(char for char in "\n " + vocab.characters if char in vocab.characters)
