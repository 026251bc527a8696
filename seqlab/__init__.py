"""seqlab: sequence models with honest numbers. Importing it does not import torch.

answer = seqlab.forecast("AAPL", horizon=20)
seqlab.load("linux").generate(prompt="static int", length=500, seed=1)
seqlab.train_text("notes.txt", minutes=5).result().generate()
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from seqlab.errors import (
    CheckpointError,
    DataError,
    DivergenceError,
    NetworkError,
    SeqlabError,
    UsageError,
)

if TYPE_CHECKING:
    from seqlab.api import (
        forecast,
        learning_curve,
        load,
        structure,
        train_cnn,
        train_forecaster,
        train_mlp,
        train_text,
    )
    from seqlab.data.text.corpus import Corpus
    from seqlab.tasks import Note, Status, Task

__version__ = "0.1.0"

_HOME = {
    **dict.fromkeys(
        ("forecast", "learning_curve", "load", "structure", "train_cnn", "train_forecaster", "train_mlp", "train_text"),
        "seqlab.api",
    ),
    **dict.fromkeys(("Note", "Status", "Task"), "seqlab.tasks"),
    "Corpus": "seqlab.data.text.corpus",
}  # where the public names are: imported when they are first asked for

__all__ = [
    "CheckpointError",
    "Corpus",
    "DataError",
    "DivergenceError",
    "NetworkError",
    "Note",
    "SeqlabError",
    "Status",
    "Task",
    "UsageError",
    "forecast",
    "learning_curve",
    "load",
    "structure",
    "train_cnn",
    "train_forecaster",
    "train_mlp",
    "train_text",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'seqlab' has no attribute '{name}'")
    value = getattr(importlib.import_module(_HOME[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
