"""Experiments: one file per claim of a deep-learning seminar. Each measures, and finds whether the claim holds."""

import importlib
from types import ModuleType
from typing import TYPE_CHECKING, Any

from seqlab.errors import UsageError, did_you_mean

if TYPE_CHECKING:
    from seqlab.lab.experiment import Experiment, Result

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


def find(name: str) -> "Experiment":
    """What an experiment claims. Raises UsageError, with the closest name, for one that there is not."""
    if name not in EXPERIMENTS:
        raise UsageError(f"there is no experiment '{name}'", did_you_mean(name, EXPERIMENTS))
    found: Experiment = module_of(name).EXPERIMENT
    return found


def module_of(name: str) -> ModuleType:
    """The module of an experiment, which has EXPERIMENT, measure and draw."""
    return importlib.import_module(f"seqlab.lab.{name.replace('-', '_')}")


def run(
    name: str,
    seed: int = 0,
    *,
    seeds: int | None = None,
    scale: str = "default",
    contrasts: bool = True,
    **knobs: Any,
) -> "Result":
    """Run an experiment of EXPERIMENTS on the CPU: seeds seed, seed + 1, ..., one thread each, one after the other.

    scale: `small`, `default` or `full`; contrasts: whether to repeat it with each of its causes taken away, which is
    not done where knobs are set. Raises UsageError for a name, a scale or a knob that there is not.
    """
    from seqlab.lab.runner import run_all

    (result,) = run_all([name], seed, seeds=seeds, scale=scale, contrasts=contrasts, knobs=knobs).result()
    return result


__all__ = ["EXPERIMENTS", "find", "module_of", "run"]
