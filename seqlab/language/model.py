"""A character model: its settings, its net, its objective, and how it comes out of a checkpoint."""

from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn
from torch.nn import functional as F

from seqlab import training
from seqlab.checkpoint import Checkpoint
from seqlab.data.text.corpus import Vocab
from seqlab.data.text.ngram_cache import CONFIDENCES, SLOTS
from seqlab.errors import CheckpointError, UsageError, did_you_mean
from seqlab.models.recurrent import KINDS, RecurrentLanguageModel
from seqlab.training import Batch, State

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
    forget: float = 0.5  # the share of stretches that begin as a text does; a third of them recall nothing at all
    batch_size: int = 32
    seq_len: int = 128  # the length of truncated backpropagation through time
    lr: float = 4e-3
    val_chars: int = 100_000  # how much of the validation tenth each evaluation reads

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.cell not in KINDS:
            raise UsageError(f"setting 'cell' is '{self.cell}'", did_you_mean(self.cell, KINDS))
        sizes = ("embedding_size", "hidden_size", "num_layers", "seq_len")
        training.require(self, "1 or more", lambda value: value >= 1, *sizes)
        training.require(self, "from 0 to below 1", lambda value: 0 <= value < 1, "dropout")
        training.require(self, "from 0 to 1", lambda value: 0 <= value <= 1, "forget")
        training.require(self, "2 or more", lambda value: value >= 2, "val_chars")


def net_config(settings: LanguageSettings, vocab_size: int) -> dict[str, Any]:
    """The arguments of a `RecurrentLanguageModel` with these settings, as a checkpoint keeps them."""
    recalled = {"slots": SLOTS, "confidences": CONFIDENCES} if settings.recall else {}
    return {"vocab_size": vocab_size, **{name: getattr(settings, name) for name in SHAPE}, **recalled}


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
    model = RecurrentLanguageModel(**saved.config["model"])
    model.load_state_dict(saved.weights())
    return LanguageModel(model.eval(), Vocab(saved.config["vocab"]), saved)


def next_token_loss(model: nn.Module, batch: Batch, state: State) -> tuple[Tensor, State]:
    """The objective: mean cross-entropy in nats of the next token, over tokens and targets (B, T)."""
    reading, targets = batch
    logits, state = model(reading, state)  # (B, T, V)
    return F.cross_entropy(logits.float().flatten(0, 1), targets.flatten(), ignore_index=training.IGNORE_INDEX), state


def opening(vocab: Vocab) -> str:
    """The character that a text begins after where nothing else stands before it: a newline, if the model knows it."""
    return next(char for char in "\n " + vocab.characters if char in vocab.characters)
