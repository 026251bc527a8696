"""What a job makes of a checkpoint, whatever its config says and whoever writes a new one meanwhile."""

from collections.abc import Callable
from typing import TypeVar

from seqlab.checkpoint.loading import Checkpoint, load
from seqlab.checkpoint.schema import HINT, Entries, require
from seqlab.errors import CheckpointError

T = TypeVar("T")
NOTHING: Entries = {}
TRIES = 5  # a training that saves without end is not waited for


def rebuilt(saved: Checkpoint, make: Callable[[Checkpoint], T], entries: Entries = NOTHING) -> T:
    """`make(saved)`, or of the checkpoint that a training has put in its place while it was read.

    entries: what `make` reads of the config, see `schema.require`. Raises CheckpointError for whatever goes wrong: the
    values of a config with the right sum may be any.
    """
    for tried in range(1, TRIES + 1):
        try:
            require(saved.config, entries, saved.folder / "config.json")
            return make(saved)
        except CheckpointError:
            now = load(saved.folder)
            if tried == TRIES or now.config["sha256"] == saved.config["sha256"]:
                raise
            saved = now
        except Exception as problem:
            reason = " ".join(str(problem).split())[:200]
            raise CheckpointError(
                f"{saved.folder / 'config.json'} describes what this seqlab cannot make "
                f"({type(problem).__name__}: {reason})",
                HINT,
            ) from problem
    raise AssertionError  # the last try returns or raises


def verify(checkpoint: Checkpoint) -> list[str]:
    """Read every file of a checkpoint and return their names. Raises CheckpointError at the first that is not whole."""
    return rebuilt(checkpoint, _verified)


def _verified(saved: Checkpoint) -> list[str]:
    whole = ["config.json"]
    for kind, entry in saved.config["files"].items():
        saved.weights() if kind == "model" else saved.tensors(kind)
        whole.append(entry["name"])
    saved.log()
    return [*whole, "log.jsonl"]
