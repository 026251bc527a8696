"""Every training's settings, a reason per number: the names of `--set`, and of the API's keyword arguments.

A block for each job. Whoever wants to know what can be changed, or what a number is, looks here; docs/lab-diary.md has
the measurements behind them. This file imports no torch, so that `--help` can list the names.
"""

import dataclasses
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from seqlab.errors import UsageError, did_you_mean

S = TypeVar("S", bound="Settings")

CELLS = ("rnn", "gru", "lstm")
OPTIMIZERS = ("sgd", "adamw", "muon")
SCHEDULES = ("cosine", "one_cycle", "staircase")
ACTIVATIONS = ("relu", "gelu", "tanh", "sigmoid")
FORECASTERS = ("linear", "recurrent", "both", "rules")
LOSSES = ("auto", "cross_entropy", "squared", "distance")
SMALLEST_SIDE = 12  # pixels: below it, no net of ours has anything left after its pooling
TEMPERATURE = 0.7  # what is written is drawn at: by the scorecard of the shipped models, see docs/lab-diary.md
RENAMED = {"recall": "ngram_cache", "forget": "reset_prob"}  # names in the runs and commands of earlier versions


def one_of(default: str, choices: tuple[str, ...]) -> Any:
    """A field whose value is one of some names."""
    return field(default=default, metadata={"choices": choices})


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What every training run has; the jobs add their own."""

    max_steps: int | None = None  # optimizer steps; None: from --epochs, --minutes or the job's default
    batch_size: int = 64
    lr: float = 1e-3
    weight_decay: float = 0.01
    warmup_steps: int = 100
    clip_norm: float | None = 1.0  # largest L2 norm of the gradient; None: no clipping
    eval_every: int | None = None  # steps between evaluations; None: twenty in a run
    seed: int = 0

    def __post_init__(self) -> None:
        """Raises UsageError for a value without meaning, naming it."""
        for one in dataclasses.fields(self):
            choices, value = one.metadata.get("choices"), getattr(self, one.name)
            if choices is not None and value not in choices:
                raise UsageError(f"setting '{one.name}' is '{value}'", did_you_mean(str(value), choices))
        self.require("1 or more", lambda v: v is None or v >= 1, "max_steps", "batch_size", "eval_every")
        self.require("a number above 0", lambda v: 0 < v < math.inf, "lr")
        self.require("a number above 0, or none", lambda v: v is None or 0 < v < math.inf, "clip_norm")
        self.require("0 or more", lambda v: 0 <= v < math.inf, "weight_decay", "warmup_steps")
        self.require("from 0 to 2^63 - 1", lambda v: 0 <= v < 2**63, "seed")

    def require(self, meaning: str, holds: Callable[[Any], bool], *names: str) -> None:
        """Raise UsageError for the first of the named settings whose value does not hold."""
        for name in names:
            value = getattr(self, name)
            try:
                fits = holds(value)
            except TypeError:  # text from a library user: the command line has made it a number
                raise UsageError(f"setting '{name}' is {value!r}", f"it must be a number, {meaning}") from None
            if not fits:
                raise UsageError(f"setting '{name}' is {value}", f"it must be {meaning}: --set {name}=VALUE")


def names_of(kind: type[Settings]) -> list[str]:
    return sorted(one.name for one in dataclasses.fields(kind))


def today(values: Mapping[str, Any]) -> dict[str, Any]:
    """Settings under the names that they have today."""
    return {RENAMED.get(name, name): value for name, value in values.items()}


def field_of(kind: type[Settings], name: str) -> str:
    """The name of a job's field, today's for an earlier one. Raises UsageError where there is none."""
    known = names_of(kind)
    if RENAMED.get(name, name) not in known:
        raise UsageError(f"there is no setting '{name}' here", did_you_mean(name, known))
    return RENAMED.get(name, name)


def described(kind: type[Settings]) -> str:
    """The names of a job's settings in one sentence, with the choices of those that have some."""
    shown = []
    for one in sorted(dataclasses.fields(kind), key=lambda one: one.name):
        choices = one.metadata.get("choices")
        shown.append(f"{one.name} ({', '.join(choices)})" if choices else one.name)
    return f"Names for --set: {', '.join(shown)}."


def make(kind: type[S], given: Mapping[str, Any], **defaults: Any) -> S:
    """A job's settings: its own defaults, over them `defaults`, over these what was given.

    Raises UsageError for a name that is none of its fields, and for a value without meaning.
    """
    for name in given:
        field_of(kind, name)
    return kind(**{**defaults, **today(given)})


def saved(kind: type[S], config: Mapping[str, Any]) -> S:
    """The settings that a checkpoint's config holds, under the names that they have today."""
    return kind(**today(config["settings"]))


@dataclass(frozen=True, kw_only=True)
class LanguageSettings(Settings):
    """A character model and its training."""

    cell: str = one_of("lstm", CELLS)
    embedding_size: int = 64
    hidden_size: int = 384
    num_layers: int = 2
    dropout: float = 0.0
    ngram_cache: bool = True  # whether it also learns to use what followed when the last characters stood there before
    reset_prob: float = 0.1  # the share of stretches that begin as a text does
    batch_size: int = 32
    seq_len: int = 128  # the length of truncated backpropagation through time
    lr: float = 4e-3
    schedule: str = one_of("cosine", SCHEDULES)
    val_chars: int = 100_000  # how much of the validation tenth each evaluation reads

    def __post_init__(self) -> None:
        super().__post_init__()
        self.require("1 or more", lambda v: v >= 1, "embedding_size", "hidden_size", "num_layers", "seq_len")
        self.require("from 0 to below 1", lambda v: 0 <= v < 1, "dropout")
        self.require("from 0 to 1", lambda v: 0 <= v <= 1, "reset_prob")
        self.require("2 or more", lambda v: v >= 2, "val_chars")


@dataclass(frozen=True, kw_only=True)
class ForecastSettings(Settings):
    """A forecaster and its training; each net has defaults of its own, see NETS."""

    net: str = one_of("linear", FORECASTERS)  # of daily prices; other series have rules, mixed by a recurrent net
    # of recurrent layers, which a linear net has none of; a net of rules has a hidden_size alone:
    cell: str = one_of("lstm", CELLS)
    hidden_size: int = 8
    num_layers: int = 2
    dropout: float = 0.0
    context: int = 192  # days in a training window, of which the first `burn_in` are no targets
    burn_in: int = 64
    range_dropout: float = 0.5  # share of windows that are trained as if only closes were known
    market_dropout: float = 0.25  # and as if no other series were at hand
    val_share: float = (
        0.0  # of the rows, the last before the cut: they choose the weights; 0: the last weights are kept
    )
    max_steps: int | None = 250
    batch_size: int = 32
    lr: float = 3e-3
    warmup_steps: int = 40

    def __post_init__(self) -> None:
        super().__post_init__()
        self.require("1 or more", lambda v: v >= 1, "hidden_size", "num_layers")
        self.require("0 or more", lambda v: v >= 0, "burn_in")
        self.require(f"above burn_in, {self.burn_in}", lambda v: v > self.burn_in, "context")
        self.require("from 0 to below 1", lambda v: 0 <= v < 1, "dropout", "val_share")
        self.require("from 0 to 1", lambda v: 0 <= v <= 1, "range_dropout", "market_dropout")


# a linear model of volatility features; recurrent layers on the rows as they are; small ones beside the linear model;
# or simple rules that a recurrent net mixes, which goes on from the general forecaster
NETS: dict[str, dict[str, Any]] = {
    "linear": {},
    "recurrent": {"hidden_size": 32, "num_layers": 1, "max_steps": 300},
    "both": {},
    "rules": {"hidden_size": 96, "max_steps": 300, "batch_size": 192, "lr": 3e-4},
}


@dataclass(frozen=True, kw_only=True)
class VisionSettings(Settings):
    """The training of an image classifier; each model has defaults of its own, see `vision.zoo.MODELS`."""

    optimizer: str = one_of("sgd", OPTIMIZERS)
    schedule: str = one_of("cosine", SCHEDULES)
    batch_size: int = 128
    lr: float = 0.2
    weight_decay: float = 5e-4
    warmup_steps: int = 400  # at most a tenth of the run, half of it in one_cycle
    clip_norm: float | None = 5.0  # a guard: a healthy gradient stays below it
    label_smoothing: float = 0.0  # the share of a label that is spread over all classes
    ema_decay: float = 0.0  # what the average of the weights keeps at each step; 0: no average
    crop: int = 4  # pixels around the image for the random crop; 0: none
    reflect: bool = False  # those pixels are the image mirrored at its edge, not black
    flip: bool = True
    cutout: int = 0  # the side of a black square in pixels; 0: none
    start_side: int | None = None  # pixels a side of the first images, which then grow; None: full size throughout
    val_images: int = 0  # the last so many training images choose the weights; 0: all train, the last stay
    temperature_images: int = 0  # the last so many training images fit the temperature alone; 0: there is none
    patience: int | None = None  # evaluations without a lower val_loss that end the run; None: it goes to its end

    def __post_init__(self) -> None:
        super().__post_init__()
        self.require("0 or more", lambda v: v >= 0, "crop", "cutout", "val_images", "temperature_images")
        self.require("from 0 to below 1", lambda v: 0 <= v < 1, "label_smoothing", "ema_decay")
        self.require(f"{SMALLEST_SIDE} or more, or none", lambda v: v is None or v >= SMALLEST_SIDE, "start_side")
        self.require("1 or more, or none", lambda v: v is None or v >= 1, "patience")
        if self.patience is not None and not self.val_images:
            raise UsageError(
                "patience says when to stop by the images held out, and none are",
                "hold some out: --set val_images=5000",
            )
        if self.val_images and self.temperature_images:
            raise UsageError(
                "val_images fit the temperature too, so temperature_images have nothing to do",
                "give one of them",
            )


@dataclass(frozen=True, kw_only=True)
class TableSettings(Settings):
    """The training of a feedforward net on a table."""

    hidden_size: int = 100
    num_layers: int = 1  # of hidden units; 0: a linear model
    activation: str = one_of("relu", ACTIVATIONS)
    dropout: float = 0.0
    loss: str = one_of("auto", LOSSES)  # cross_entropy for classes; squared or distance for numbers
    class_weights: bool = False  # every class counts alike, however few its rows
    l2: float | None = None  # times the sum of squared weights, added to the loss, biases left out; None: by the rows
    val_share: float = 0.2  # of the training rows: their loss says when to stop
    patience: int = 10  # evaluations without a lower loss that end the run
    batch_size: int | None = None  # type: ignore[assignment]  # None: by the rows
    lr: float = 5e-3
    weight_decay: float = 0.0  # AdamW's own, which is no part of the loss
    warmup_steps: int = 20
    clip_norm: float | None = None  # of the gradients of all folds together

    def __post_init__(self) -> None:
        super().__post_init__()
        self.require("1 or more", lambda v: v >= 1, "hidden_size", "patience")
        self.require("0 or more", lambda v: v >= 0, "num_layers")
        self.require("0 or more, or none", lambda v: v is None or v >= 0, "l2")
        self.require("from 0 to below 1", lambda v: 0 <= v < 1, "dropout")
        self.require("above 0 and below 1", lambda v: 0 < v < 1, "val_share")


@dataclass(frozen=True, kw_only=True)
class StructureSettings(Settings):
    """The training of an autoencoder; that of days has defaults of its own, see DAYS."""

    max_steps: int | None = 3000  # at most; fewer where patience ends it
    lr: float = 3e-3
    eval_every: int | None = 25  # a small table is learned in a hundred steps
    hidden_size: int = 128
    num_layers: int = 2  # hidden layers on each side of the code
    code_size: int = 2
    window: int = 20  # days that are read together, of tickers
    val_share: float = 0.1  # of the examples, held out to choose how long to learn
    patience: int = 10  # evaluations without a lower val_loss that end the learning

    def __post_init__(self) -> None:
        super().__post_init__()
        self.require("a number of steps", lambda v: v is not None, "max_steps")
        self.require("1 or more", lambda v: v >= 1, "hidden_size", "num_layers", "code_size", "patience")
        self.require("2 or more", lambda v: v >= 2, "window")
        self.require("above 0 and at most 0.5", lambda v: 0 < v <= 0.5, "val_share")


# a step of an LSTM takes longer, and most of what there is to learn of days is learned soon
DAYS: dict[str, Any] = {"hidden_size": 32, "num_layers": 1, "max_steps": 1500, "eval_every": 50}
