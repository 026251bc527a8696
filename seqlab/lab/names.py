"""The experiments by name."""

import importlib
from types import ModuleType
from typing import Any

from seqlab.errors import UsageError, did_you_mean

# In the seminar's order, which is that of the report's sections.
EXPERIMENTS = (
    "descent",
    "losses",
    "backpropagation",
    "approximation",
    "composition",
    "activations",
    "overfitting",
    "crossval",
    "experience",
    "kinds",
    "locality",
    "kernels",
    "depth-history",
    "degradation",
    "memory",
    "explosion",
    "truncation",
    "gates",
    "cells",
    "writing",
    "lookahead",
)


def find(name: str) -> Any:
    """What an experiment claims, an `Experiment`. Raises UsageError, with the closest name, where there is none."""
    if name not in EXPERIMENTS:
        raise UsageError(f"there is no experiment '{name}'", did_you_mean(name, EXPERIMENTS))
    return module_of(name).EXPERIMENT


def module_of(name: str) -> ModuleType:
    """The module of an experiment, which has EXPERIMENT, measure and draw."""
    return importlib.import_module(f".{name.replace('-', '_')}", __package__)
