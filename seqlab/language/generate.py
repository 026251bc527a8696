"""Generating text with a character model."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from seqlab.data.text.corpus import Vocab
from seqlab.errors import UsageError
from seqlab.language.evaluate import adapted
from seqlab.language.memory import MEMORIES, Memories
from seqlab.language.model import LanguageModel, kind, opening, read_first
from seqlab.machine import Compute, use_threads
from seqlab.models.cells import State
from seqlab.models.recurrent import RecurrentLanguageModel
from seqlab.sampling import Engine, Sampling, sample
from seqlab.settings import TEMPERATURE
from seqlab.training import count_parameters

WRITING = Sampling(TEMPERATURE)  # how it writes where nothing else is asked for


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
    sampling: Sampling = WRITING,
    seed: int = 0,
    precision: str = "auto",
    adapt: bool = False,
    cache: bool = True,
) -> Iterator[Character]:
    """Write up to `length` characters after `prompt`, one at a time, in each of so many samples at once.

    Without a prompt the text begins as after a newline. A sample ends before the string `stop`; what may become it is
    held back until it is clear. It is written without an n-gram cache, which would send it in circles; of C and LaTeX a
    memory holds what was declared and opened (`language.memory`), but without `cache` the net writes alone. `adapt`:
    the model learns from the prompt first, see `evaluate.adapted`. The log-probability is the model's own, before
    memory, temperature, top-k, top-p and min-p.
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
    model = language.model
    if adapt:
        learned = vocab.encode(prompt)
        if len(learned) < 2:
            raise UsageError("--adapt has nothing to learn from", "give a --prompt, or leave --adapt out")
        device_config = Compute("cpu", "fp32").resolve(count_parameters(model))
        model, _ = adapted(model, learned.numpy(), device_config)
    engine = Engine(model.cell, model.state_dict(), precision)
    prompted = vocab.encode(read_first(language.checkpoint, vocab, prompt))
    written = kind(language.checkpoint)
    pointer = Memories(written, vocab, prompt, samples) if cache and written in MEMORIES else None
    drawn = sample(
        engine, prompted.tolist(), length, sampling,
        samples=samples, seed=seed, never=(vocab.unknown,), pointer=pointer,
    )  # fmt: skip
    return _until(stop, vocab, drawn, samples)


def first_characters(model: RecurrentLanguageModel, vocab: Vocab, length: int) -> str:
    """What `generate` writes first with these weights, by its defaults in fp32, without a cache. It draws nothing of
    torch's random numbers."""
    on_cpu = next(model.parameters()).device.type == "cpu"
    was_training = model.training
    with use_threads(1), torch.inference_mode():
        engine = Engine(model.cell, model.state_dict(), "fp32") if on_cpu else OnDevice(model.eval())
        drawn = sample(engine, vocab.encode(opening(vocab)).tolist(), length, WRITING, never=(vocab.unknown,))
        text = "".join(vocab.characters[tokens[0]] for tokens, _ in drawn)
    model.train(was_training)
    return text


class OnDevice:
    """A net stepped as it is, for `sample`: to a GPU it is less work than to bring its weights to the engine."""

    def __init__(self, model: RecurrentLanguageModel) -> None:
        self.model, self.device = model, next(model.parameters()).device

    def reset(self, batch_size: int = 1) -> None:
        self.state: State | None = None

    def repeat(self, batch_size: int) -> None:
        assert self.state is not None
        self.state = tuple(part.repeat(1, batch_size, 1) for part in self.state)

    def step(self, tokens: Tensor) -> Tensor:
        logits, self.state = self.model(tokens[:, None].to(self.device), self.state)
        return logits[:, 0].float().cpu()  # (B, V)


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
