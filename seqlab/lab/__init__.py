"""Experiments: one file per claim of a deep-learning seminar. Each measures, and finds whether the claim holds."""

import importlib
from dataclasses import dataclass, field
from typing import Any

from seqlab.errors import UsageError, did_you_mean

# name -> what is claimed, in a line
EXPERIMENTS = {
    "backpropagation": "gradients by the chain rule, written out layer by layer, are those that autograd finds",
    "explosion": "gradients through time grow or vanish by a power of the recurrent weights; clipping bounds the step",
    "cells": "single cells of a character model follow most of strings, comments, brackets, indentation and column",
}
PAGES = {"cells"}  # those whose result has a page


@dataclass(frozen=True)
class Result:
    """What an experiment measured. rows: one dict per setting; holds: whether the claim did, here and now;
    page: one of HTML that shows it, for those of PAGES."""

    name: str
    claim: str
    source: str
    holds: bool
    rows: list[dict[str, Any]] = field(default_factory=list)
    page: str = ""


def run(name: str, seed: int = 0) -> Result:
    """Run an experiment of EXPERIMENTS on one thread, on the CPU. Raises UsageError for an unknown name."""
    if name not in EXPERIMENTS:
        raise UsageError(f"there is no experiment '{name}'", did_you_mean(name, EXPERIMENTS))
    from seqlab.machine import use_threads

    with use_threads(1):
        return importlib.import_module(f"seqlab.lab.{name}").run(seed)
