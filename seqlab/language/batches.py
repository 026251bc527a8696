"""The batches that a character model learns from."""

import torch

from seqlab.data.batches import StreamBatches, Tokens
from seqlab.data.text.ngram_batches import NgramBatches
from seqlab.settings import LanguageSettings
from seqlab.training import Batches


def training_batches(tokens: Tokens, settings: LanguageSettings, device: torch.device) -> Batches:
    """The batches of an epoch over the tokens (N,) of a text, with what the n-gram cache holds where a net reads it."""
    streams = (tokens, settings.batch_size, settings.seq_len, device)
    if settings.ngram_cache:
        return NgramBatches(*streams, reset_prob=settings.reset_prob, seed=settings.seed)
    return StreamBatches(*streams)
