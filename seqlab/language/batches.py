"""The batches that a character model learns from."""

from seqlab.data.batches import StreamBatches, Tokens
from seqlab.data.text.ngram_batches import NgramBatches
from seqlab.models.recurrent import RecurrentLanguageModel
from seqlab.settings import LanguageSettings
from seqlab.training import Batches


def training_batches(tokens: Tokens, settings: LanguageSettings, model: RecurrentLanguageModel) -> Batches:
    """The batches of an epoch over the tokens (N,) of a text, on the model's device, with what the n-gram cache holds
    where it uses one."""
    device = next(model.parameters()).device
    streams = (tokens, settings.batch_size, settings.seq_len)
    if model.match_model is None:
        return StreamBatches(*streams, device)
    letters = model.match_model.letters.cpu().numpy()
    return NgramBatches(*streams, letters, device, reset_prob=settings.reset_prob, seed=settings.seed)
