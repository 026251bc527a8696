"""What is found out while a character model trains: how well it predicts a text held out, and what it writes."""

import math
from typing import Any

from seqlab import training
from seqlab.data.batches import Tokens
from seqlab.data.text.corpus import Vocab
from seqlab.language.evaluate import evaluation_batches
from seqlab.language.generate import first_characters
from seqlab.language.model import next_token_losses
from seqlab.machine import DeviceConfig
from seqlab.models.recurrent import RecurrentLanguageModel

STREAMS = 8  # choosing weights may read in parallel; what is reported is read once, from the beginning
SAMPLES = 20  # in a run, about
SAMPLE_LENGTH = 80  # characters


class Validation:
    """An evaluation of a run, called with its step. tokens (N,): the text to measure on.

    eval_every: how many steps apart the evaluations are; None: as many as make SAMPLES of them.
    """

    def __init__(
        self,
        model: RecurrentLanguageModel,
        vocab: Vocab,
        tokens: Tokens,
        device_config: DeviceConfig,
        eval_every: int | None,
    ) -> None:
        self.model, self.vocab, self.device_config, self.eval_every = model, vocab, device_config, eval_every
        self.batches = evaluation_batches(model, tokens, STREAMS)
        self.set_length(1)

    def set_length(self, max_steps: int) -> None:
        self.max_steps, self.sample_every = max_steps, max(1, max_steps // SAMPLES)

    def __call__(self, step: int) -> dict[str, Any]:
        """The figures with the cache and without; the weights to keep are the best at both. `sample`: what it writes,
        at the first evaluation in each SAMPLES-th of the run, and at the last."""
        nats, *alone = training.evaluate_each(self.model, next_token_losses, self.batches, self.device_config.precision)
        found: dict[str, Any] = {"val_loss": nats, "val_bits_per_char": nats / math.log(2)}
        for one in alone:
            found |= {"val_bits_per_char_alone": one / math.log(2), "val_lowest": (nats + one) / 2}
        if step % self.sample_every < (self.eval_every or self.sample_every) or step == self.max_steps:
            found["sample"] = first_characters(self.model, self.vocab, SAMPLE_LENGTH)
        return found
