"""What a text model should look like for the time there is: its size, batch and dropout, from a measurement.

A wide net learns more from a character and reads fewer of them; which wins depends on the machine and the time. So a
few steps of each size are timed, from the smallest up, and the largest is taken that still reads
CHARACTERS_PER_PARAMETER characters for each of its parameters. docs/lab-diary.md has the figures behind the constants.
"""

import time
from collections.abc import Collection, Generator
from dataclasses import replace
from typing import Any

import numpy as np
import torch

from seqlab import training
from seqlab.language.batches import training_batches
from seqlab.language.model import net_config, training_loss
from seqlab.machine import Compute, use_threads
from seqlab.models.recurrent import RecurrentLanguageModel
from seqlab.settings import LanguageSettings
from seqlab.tasks import Status, Task
from seqlab.training import optimizers

LADDER = ((128, 1), (192, 1), (256, 1), (384, 1), (512, 1), (512, 2), (768, 2), (1024, 2), (1024, 3), (1536, 3))
CHARACTERS_PER_PARAMETER = 8
LONG = 2.0  # seconds, after which a second step is enough
TIMED_STEPS = 4  # of which the first warms up
VAL_CHARS = (20_000, 100_000)  # from how many to how many are read to choose weights: the least for a minute
FEW_STEPS = 400  # fewer than these learn more from half the batch
DROPOUT = ((2.0, 0.1), (4.0, 0.2), (8.0, 0.4), (16.0, 0.5))  # from so many passes through the text on


def choose(
    settings: LanguageSettings,
    fixed: Collection[str],
    vocab_size: int,
    characters: int,
    seconds: float,
    compute: Compute = Compute(),
) -> tuple[LanguageSettings, str]:
    """The settings for so many seconds of training on a text of so many characters, on this machine, and the reason.

    `fixed` names the settings that stay as they are.
    """
    return Task(choosing(settings, fixed, vocab_size, characters, seconds, compute)).result()


def choosing(
    settings: LanguageSettings,
    fixed: Collection[str],
    vocab_size: int,
    characters: int,
    seconds: float,
    compute: Compute,
) -> Generator[Status, None, tuple[LanguageSettings, str]]:
    """`choose`, with what is being tried."""
    reads: float = 0.0
    parameters = 0
    lowest, highest = VAL_CHARS
    val_chars = min(max(lowest, int(lowest * seconds / 60)), highest)  # what is read twenty times takes its share
    taken = _unless_fixed(settings, fixed, val_chars=min(val_chars, settings.val_chars))
    if characters <= settings.batch_size:
        return taken, "too little text to choose anything for"
    for hidden_size, num_layers in LADDER:
        tried = _unless_fixed(taken, fixed, hidden_size=hidden_size, num_layers=num_layers)
        if parameters and tried == taken:
            continue
        if parameters and reads < CHARACTERS_PER_PARAMETER * _parameters(tried, vocab_size):
            break  # a larger one reads no more than this
        yield Status(f"choosing the size: timing {tried.num_layers} x {tried.hidden_size}")
        size, rate = _measure(tried, vocab_size, compute)
        if parameters and rate * seconds < CHARACTERS_PER_PARAMETER * size:
            break
        taken, reads, parameters = tried, rate * seconds, size
    if reads < FEW_STEPS * taken.batch_size * taken.seq_len:
        taken = _unless_fixed(taken, fixed, batch_size=max(1, taken.batch_size // 2))
    steps = int(reads / (taken.batch_size * taken.seq_len))
    taken = _unless_fixed(taken, fixed, warmup_steps=min(taken.warmup_steps, max(1, steps // 10)))
    passes = reads / max(1, characters)
    for least, dropout in DROPOUT:
        if passes >= least:
            taken = _unless_fixed(taken, fixed, dropout=dropout)
    enough = reads >= CHARACTERS_PER_PARAMETER * parameters
    which = "the largest that reads at least" if enough else "the smallest, though it reads less than"
    return taken, (
        f"{taken.num_layers} x {taken.hidden_size} {taken.cell}, {parameters:,} parameters: {which} "
        f"{CHARACTERS_PER_PARAMETER} characters per parameter in the time, here about {reads / 1e6:.1f} million, "
        f"{passes:.2g} passes; batches of {taken.batch_size} x {taken.seq_len}, dropout {taken.dropout:g}"
    )


def _unless_fixed(settings: LanguageSettings, fixed: Collection[str], **values: Any) -> LanguageSettings:
    return replace(settings, **{name: value for name, value in values.items() if name not in fixed})


def _parameters(settings: LanguageSettings, vocab_size: int) -> int:
    with torch.device("meta"):  # that has only shapes
        return training.count_parameters(RecurrentLanguageModel(**net_config(settings, vocab_size)))


def _measure(settings: LanguageSettings, vocab_size: int, compute: Compute) -> tuple[int, float]:
    """Parameters of the net, and the characters a second that it learns from, on a text of nothing in particular."""
    text = np.random.default_rng(0).integers(0, vocab_size, TIMED_STEPS * settings.batch_size * settings.seq_len + 1)
    with torch.random.fork_rng(devices=[]):
        model = RecurrentLanguageModel(**net_config(settings, vocab_size))
        parameters = training.count_parameters(model)
        device_config = compute.resolve(parameters)
        model.to(device_config.device)
        run = training.Run(
            model,
            training_loss,
            training_batches(text, settings, model),
            optimizers.gatewise_muon(model, settings.lr, settings.weight_decay, device_config.precision),
            learning_rate=lambda step: settings.lr,
            max_steps=TIMED_STEPS,
            clip_norm=settings.clip_norm,
            precision=device_config.precision,
        )
        with use_threads(device_config.threads):
            times = []
            for _ in training.train(run):
                times.append(time.perf_counter())
                if len(times) > 1 and times[-1] - times[0] > LONG:
                    break
    return parameters, settings.batch_size * settings.seq_len * (len(times) - 1) / (times[-1] - times[0])
