"""Which nets there are, whose they are, and the settings each is trained with."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from torch import nn

from seqlab.errors import UsageError, did_you_mean
from seqlab.models.fast import FastNet
from seqlab.models.lenet import LeNet5
from seqlab.models.resnet import ResNet

DEFAULT_MODEL = "fast"


@dataclass(frozen=True)
class Architecture:
    """How a net for 32x32 images is built for a number of classes, whose it is, the settings it trains with."""

    build: Callable[[int], nn.Module]
    paper: str
    defaults: dict[str, Any]
    epochs: float = 20.0  # how long it trains where nobody says


FAST = {
    "optimizer": "muon",
    "schedule": "one_cycle",
    "batch_size": 1000,
    "lr": 0.17,
    "weight_decay": 0.012,
    "warmup_steps": 0,
    "clip_norm": None,  # Muon's steps have one length whatever the gradient's
    "label_smoothing": 0.2,
    "crop": 2,
    "reflect": True,
    "start_side": 20,
}

MODELS = {
    "fast": Architecture(partial(FastNet, (64, 256, 256)), "Jordan 2024", FAST, epochs=8.0),
    "lenet5": Architecture(LeNet5, "LeCun et al. 1998", {"lr": 0.05, "crop": 0}),
    "resnet20": Architecture(partial(ResNet, 20), "He et al. 2016", {}),
}


def architecture(name: str) -> Architecture:
    """The entry of MODELS. Raises UsageError, with the closest name, where there is none."""
    if name not in MODELS:
        raise UsageError(f"there is no model '{name}'", did_you_mean(name, MODELS))
    return MODELS[name]
