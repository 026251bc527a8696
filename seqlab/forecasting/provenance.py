"""What a checkpoint notes of the series that it was trained on."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from seqlab.checkpoint import Checkpoint
from seqlab.data.series.series import Series
from seqlab.errors import CheckpointError


def describe(series: Series, cut: np.datetime64) -> dict[str, Any]:
    """What a checkpoint notes of a series: the part of it that was used, by name, origin and sha256."""
    used = series.until(cut)
    return {
        "name": series.name,
        "origin": series.source,
        "first": str(used.dates[0]),
        "last": str(used.dates[-1]),
        "days": len(used.dates),
        "sha256": used.sha256,
    }


def require_same(saved: Checkpoint, described: Sequence[dict[str, Any]]) -> None:
    """Raises CheckpointError where a run was trained on other series than those described."""
    if [one["sha256"] for one in saved.config["data"]["series"]] != [one["sha256"] for one in described]:
        raise CheckpointError(
            f"{saved.folder} was trained on other series than these", "resume with those it was trained on"
        )


def name_of(series: Sequence[Series]) -> str:
    """What a checkpoint of these series is called: as they are, of more than three as the first two and a number."""
    names = list(dict.fromkeys(one.name for one in series))
    if len(names) > 3:
        names[2:] = ["and", str(len(names) - 2), "more"]
    return "-".join(names)
