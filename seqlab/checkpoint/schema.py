"""What config.json has to hold: the right sum says that it is as it was written, not that a training wrote it."""

import re
from collections.abc import Mapping
from typing import Any

from seqlab.errors import CheckpointError

# the names of a save's tensor files: no others are read, and no others deleted
TENSOR_FILE = re.compile(r"^(?:model|training)-\d+(?:-[0-9a-f]{8})?\.safetensors$", re.M)

DEVICE = re.compile(r"cpu|mps|cuda(:\d{1,3})?")

Entries = Mapping[str, type | tuple[type, ...]]  # path of an entry, `?` after it where it may be missing -> its kind
WORDS: dict[type, str] = {str: "text", int: "a whole number", float: "a number", bool: "true or false"}
WORDS |= {dict: "an object", list: "a list", type(None): "null"}

HINT = "use a checkpoint that seqlab wrote: train it again, or copy it from where it was made"
FILE: Entries = {"name": str, "bytes": int, "sha256": str}
ENTRIES: Entries = {  # what is in the checkpoint of every job, and read whatever the job is
    "job": str,
    "command": str,
    "parameters": int,
    "position.step": int,
    "position.max_steps": int,
    "position.best_step?": int,
    "files.model": dict,
    "log_sha256?": str,
    "torch?": str,
    "settings?": dict,
    "environment?": dict,
    "environment.device?": str,
    "environment.precision?": str,
    "environment.threads?": int,
    "data?": dict,
    "model?": dict,
    "metrics?": dict,
    "from?": (dict, type(None)),
    "source?": (dict, type(None)),
}


def check(config: Mapping[str, Any], path: object) -> None:
    """Raise CheckpointError, naming the entry, where the config read from `path` lacks what ENTRIES say, or names a
    file that is none of a checkpoint's."""
    require(config, ENTRIES, path)
    if not set(config["files"]) <= {"model", "training"}:
        raise CheckpointError(f"{path} is damaged: its entry 'files' names others than model and training", HINT)
    for kind, entry in config["files"].items():
        require(config, {f"files.{kind}.{name}": one for name, one in FILE.items()}, path)
        if not TENSOR_FILE.fullmatch(entry["name"]):
            raise CheckpointError(f"{path} is damaged: its entry 'files.{kind}.name' is no name of such a file", HINT)
    if not DEVICE.fullmatch(config.get("environment", {}).get("device", "cpu")):
        raise CheckpointError(f"{path} is damaged: its entry 'environment.device' is no device", HINT)
    before, number = config.get("from"), 0
    while before is not None:
        number += 1
        require(before, {"data?": dict, "from?": (dict, type(None))}, f"{path}, 'from' number {number},")
        before = before.get("from")


def require(config: Mapping[str, Any], entries: Entries, path: object) -> None:
    """Raise CheckpointError, naming the entry, where the config read from `path` lacks one or has another kind of it.

    A whole number is a number too; true and false are neither.
    """
    for place, kind in entries.items():
        name, kinds = place.rstrip("?"), kind if isinstance(kind, tuple) else (kind,)
        value: Any = config
        for step in name.split("."):
            value = value.get(step, _MISSING) if isinstance(value, dict) else _MISSING
        if value is _MISSING and not place.endswith("?"):
            raise CheckpointError(f"{path} is damaged: it has no entry '{name}'", HINT)
        if value is not _MISSING and not any(_is(value, one) for one in kinds):
            words = " or ".join(WORDS[one] for one in kinds)
            raise CheckpointError(f"{path} is damaged: its entry '{name}' is not {words}", HINT)


_MISSING = object()


def _is(value: Any, kind: type) -> bool:
    if isinstance(value, bool):
        return kind is bool
    return isinstance(value, kind) or (kind is float and isinstance(value, int))
