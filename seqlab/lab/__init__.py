"""Experiments: one file per claim of a deep-learning seminar. Each measures, and finds whether the claim holds."""

import importlib
import time
from dataclasses import dataclass, field, replace
from typing import Any

from seqlab.errors import UsageError, did_you_mean
from seqlab.formatting import html_table

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
    page: one of HTML that shows it, for those of PAGES; seconds: how long it took."""

    name: str
    claim: str
    source: str
    holds: bool
    rows: list[dict[str, Any]] = field(default_factory=list)
    page: str = ""
    seconds: float = 0.0

    def to_dict(self) -> dict[str, Any]:
        """What `seqlab lab run --json` prints."""
        names = ("name", "claim", "source", "rows", "holds", "seconds")
        return {name: getattr(self, name) for name in names}

    def _repr_html_(self) -> str:
        names = list(dict.fromkeys(name for row in self.rows for name in row))
        rows = [[row.get(name, "") for name in names] for row in self.rows]
        verdict = f"the claim {'holds' if self.holds else 'DOES NOT HOLD'} here"
        return html_table(f"{self.name}: {self.claim}", names, rows, f"after {self.source}; {verdict}")


def run(name: str, seed: int = 0) -> Result:
    """Run an experiment of EXPERIMENTS on one thread, on the CPU. Raises UsageError for an unknown name."""
    if name not in EXPERIMENTS:
        raise UsageError(f"there is no experiment '{name}'", did_you_mean(name, EXPERIMENTS))
    from seqlab.machine import use_threads

    start = time.perf_counter()
    with use_threads(1):
        done: Result = importlib.import_module(f"seqlab.lab.{name}").run(seed)
    return replace(done, seconds=time.perf_counter() - start)
