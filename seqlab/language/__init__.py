"""The job of text: train a character model on a corpus, measure it, and write with it."""

from seqlab.language.batches import training_batches
from seqlab.language.evaluate import NATS_PER_UNKNOWN, adapted, evaluate, evaluation_batches, score
from seqlab.language.generate import Character, generate
from seqlab.language.model import (
    SHAPE,
    LanguageModel,
    load,
    net_config,
    next_token_loss,
    next_token_losses,
    opening,
    training_loss,
)
from seqlab.language.recipe import choose
from seqlab.language.train import train

__all__ = [
    "NATS_PER_UNKNOWN",
    "SHAPE",
    "Character",
    "LanguageModel",
    "adapted",
    "choose",
    "evaluate",
    "evaluation_batches",
    "generate",
    "load",
    "net_config",
    "next_token_loss",
    "next_token_losses",
    "opening",
    "score",
    "train",
    "training_batches",
    "training_loss",
]
