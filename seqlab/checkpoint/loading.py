"""Reading a checkpoint: every file of it is checked against the recorded sha256."""

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seqlab import files
from seqlab.checkpoint.folders import shipped_folder
from seqlab.checkpoint.schema import HINT, check, require
from seqlab.errors import CheckpointError, DataError
from seqlab.formatting import html_table

if TYPE_CHECKING:
    from torch import Tensor

FORMAT = 1
LARGEST_CONFIG = 256 << 20  # bytes: the largest part are the categories of a table's columns
Config = dict[str, Any]


@dataclass(frozen=True)
class Checkpoint:
    """A folder whose `config` was read and found unaltered. The tensors are read, and checked, when asked for."""

    folder: Path
    config: Config

    @property
    def name(self) -> str:
        return self.folder.name

    @property
    def is_shipped(self) -> bool:
        """Whether it is one of those that come with seqlab: the same to the byte, wherever it was found (in a
        checkout, ./checkpoints holds them too)."""
        try:
            return load(shipped_folder() / self.name).config["sha256"] == self.config["sha256"]
        except CheckpointError:
            return False

    @property
    def where(self) -> str:
        """For people: its folder, but of one that ships its name, as it is deep in a folder of libraries."""
        if not self.is_shipped:
            return str(self.folder)
        return f"{self.name if self.folder.parent == shipped_folder() else self.folder} (shipped)"

    def summary(self) -> dict[str, Any]:
        """What a finished training run says last: its last evaluation, where it is kept, and its metrics."""
        end = {"final": True, "checkpoint": str(self.folder), "best_step": self.config["position"]["best_step"]}
        return {**self.log()[-1], **end, **self.config.get("metrics", {})}

    def to_dict(self) -> dict[str, Any]:
        """What `seqlab checkpoints list --json` prints of it."""
        position = self.config.get("position", {})
        return {
            "name": self.name,
            "folder": str(self.folder),
            "job": self.config["job"],
            "parameters": self.config["parameters"],
            "step": position.get("step"),
            "max_steps": position.get("max_steps"),
            "resumable": "training" in self.config["files"],
            "bytes": sum(entry["bytes"] for entry in self.config["files"].values()),
            "metrics": self.config.get("metrics"),
        }

    def in_words(self, kind: str) -> str:
        """One line for a prompt: a model of that kind."""
        return f"<{kind} '{self.name}', {self.config['parameters']:,} parameters, in {self.folder}>"

    def to_html(self) -> str:
        """For a notebook: how it was made, and its figures."""
        shown = {"job": self.config["job"], "parameters": self.config["parameters"], "folder": self.folder}
        metrics = self.config.get("metrics", {}).items()
        shown |= {name: value for name, value in metrics if isinstance(value, int | float | str)}
        return html_table(self.name, [], [[name, value] for name, value in shown.items()])

    def lineage(self) -> Config:
        """What a checkpoint that began with this one notes of it: enough to make it again."""
        kept = ("command", "data", "settings", "environment", "from")
        return {"name": self.name, "sha256": self.config["files"]["model"]["sha256"]} | {
            key: self.config.get(key) for key in kept
        }

    def weights(self) -> "dict[str, Tensor]":
        """The weights in use, as float32 whatever they are stored as. Raises CheckpointError if they are damaged, or if
        they are not finite: earlier versions kept those of runs that had diverged."""
        found = {name: t.float() if t.is_floating_point() else t for name, t in self.tensors("model").items()}
        bad = not_finite(found)
        if bad is not None:
            raise CheckpointError(
                f"the weights in {self.folder} are of no use: '{bad}' is not finite, its training had diverged",
                "train it again with --overwrite and a smaller lr",
            )
        return found

    def training(self) -> "dict[str, Tensor]":
        """What `--resume` needs. Raises CheckpointError if it is damaged or was left out."""
        if "training" not in self.config["files"]:
            raise CheckpointError(
                f"checkpoint '{self.name}' holds no training state: it was exported to be used, not continued",
                "train a new one with -o FOLDER, by the command that `seqlab checkpoints show` prints",
            )
        return self.tensors("training")

    def log(self) -> list[dict[str, Any]]:
        """The records of the evaluations up to the saved step. Raises CheckpointError if they are damaged."""
        expected = self.config.get("log_sha256")
        # a kill may have come between the commit and the renaming; or the renaming between our looking at both
        for name in ("log.jsonl", "log.jsonl.new", "log.jsonl"):
            path = self.folder / name
            data = b""
            try:
                data = _read(path, self.folder)
            except CheckpointError:
                if os.path.lexists(path):
                    raise
            if expected in (None, log_digest(data)):
                return _records(data, path)
        raise CheckpointError(
            f"{self.folder / 'log.jsonl'} is damaged: its sha256 is not the recorded one", _restore_hint(self.folder)
        )

    def tensors(self, kind: str) -> "dict[str, Tensor]":
        """What is in a file of the config. Raises CheckpointError if it is damaged."""
        import safetensors.torch

        entry = self.config["files"][kind]
        path = self.folder / entry["name"]
        data = _read(path, self.folder)
        if hashlib.sha256(data).hexdigest() != entry["sha256"]:
            size = f"{len(data):,} bytes" + (f" of {entry['bytes']:,}" if len(data) != entry["bytes"] else "")
            raise CheckpointError(
                f"{path} is damaged: its sha256 is not the recorded one ({size})", _restore_hint(self.folder)
            )
        try:
            return safetensors.torch.load(data)
        except Exception as problem:  # safetensors raises many kinds for what it did not write
            raise CheckpointError(f"{path} holds no tensors: {problem}", HINT) from problem


def _read(path: Path, folder: Path, largest: int = files.LARGEST) -> bytes:
    try:
        return files.read(path, largest)
    except DataError as problem:
        raise CheckpointError(problem.message, _restore_hint(folder)) from problem
    except OSError as problem:  # a commit took it away after it was found to be there
        raise CheckpointError(f"{path} cannot be read: {problem.strerror}", _restore_hint(folder)) from problem


def _records(data: bytes, path: Path) -> list[dict[str, Any]]:
    try:
        records = [json.loads(line) for line in data.splitlines()]
    except (ValueError, RecursionError) as problem:
        raise CheckpointError(f"{path} is damaged: it has a line that is no JSON", HINT) from problem
    if not all(isinstance(record, dict) for record in records):
        raise CheckpointError(f"{path} is damaged: it has a line that is no record", HINT)
    return records


def not_finite(tensors: "Mapping[str, Tensor]") -> str | None:
    """The name of the first tensor with a NaN or an infinity in it, if there is one."""
    return next((name for name, tensor in tensors.items() if not tensor.isfinite().all()), None)


def _restore_hint(folder: Path) -> str:
    return f"restore the folder {folder} from a copy, or train it again with --overwrite"


def load(folder: Path) -> Checkpoint:
    """Read and check `config.json`. Raises CheckpointError if it is missing, altered, of a newer format, or lacks what
    the config of every checkpoint has."""
    path = folder / "config.json"
    try:
        path.lstat()
    except (FileNotFoundError, NotADirectoryError) as problem:
        raise CheckpointError(
            f"{folder} is no checkpoint: it has no config.json", "name a checkpoint folder"
        ) from problem
    except (OSError, ValueError) as problem:
        raise CheckpointError(f"{path} cannot be read: {problem}", _restore_hint(folder)) from problem
    try:
        text = _read(path, folder, LARGEST_CONFIG).replace(b"\r\n", b"\n").decode()
        config = json.loads(text)
        # compared as text too: a changed blank or a digit beyond a float's precision is damage like any other
        whole = isinstance(config, dict) and config.get("sha256") == digest_of(config) and text == text_of(config)
    except (ValueError, RecursionError) as problem:  # no UTF-8, no JSON, or nested without end
        raise CheckpointError(f"{path} cannot be read: {problem}", _restore_hint(folder)) from problem
    if not whole:
        raise CheckpointError(f"{path} is damaged: its sha256 is not the recorded one", _restore_hint(folder))
    require(config, {"format": int}, path)
    if config["format"] > FORMAT:
        raise CheckpointError(f"{path} is of format {config['format']}, newer than this seqlab reads", "upgrade seqlab")
    check(config, path)
    return Checkpoint(folder, config)


def text_of(config: Config) -> str:
    """config.json, as it is written."""
    return json.dumps(config, indent=1, ensure_ascii=False) + "\n"


def log_digest(log: bytes) -> str:
    """The sha256 of log.jsonl, whatever its line ends became."""
    return hashlib.sha256(log.replace(b"\r\n", b"\n")).hexdigest()


def digest_of(config: Config) -> str:
    """The sha256 of all entries but that of this sum."""
    rest = {key: value for key, value in config.items() if key != "sha256"}
    return hashlib.sha256(json.dumps(rest, sort_keys=True).encode()).hexdigest()
