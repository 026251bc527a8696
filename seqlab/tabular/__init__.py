"""The job of tables: train a feedforward net to tell one column from the others, measure it, and apply it to rows."""

from seqlab.tabular.curve import learning_curve
from seqlab.tabular.folds import folds, hold_out
from seqlab.tabular.importance import importance
from seqlab.tabular.predictor import LEVELS, Predictor, evaluate, held_out, load, predict, seen
from seqlab.tabular.prepare import describe
from seqlab.tabular.train import TableSettings, train

__all__ = [
    "LEVELS",
    "Predictor",
    "TableSettings",
    "describe",
    "evaluate",
    "folds",
    "held_out",
    "hold_out",
    "importance",
    "learning_curve",
    "load",
    "predict",
    "seen",
    "train",
]
