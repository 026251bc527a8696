"""A checkpoint is a folder without pickles that says how it was made, proves it is whole, and continues.

    config.json                 everything that is not a tensor, and the names and sha256 of the files below
    model-<step>.safetensors    the weights that are used
    training-<step>.safetensors last weights, optimizer moments, random and recurrent state: for --resume only
    log.jsonl                   one line per evaluation, of which config.json has the sha256

New files are written under new names and synced, then `config.json` is replaced: that is the commit mark. Then the
log takes its name and the old files go: those that the old config named, and those that a killed save left, which are
listed in files.new before they are written. A kill at any point leaves the old checkpoint or the new one, and no file
of anybody else's is touched. safetensors has no checksum of its own, so ours is checked on every load. This room knows
no model: a job rebuilds its own from `config`.
"""

import hashlib
import json
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import safetensors
import safetensors.torch
import torch
from torch import Tensor

import seqlab
from seqlab.errors import CheckpointError, did_you_mean
from seqlab.formatting import html_table

FORMAT = 1
LONGEST_NAME = 200  # bytes of a folder's: what is written beside it has room for an ending
_WRITTEN = (
    "files.new"  # the tensor files of a save, a line each, from before they are written until the old ones are gone
)
_TENSOR_FILES = re.compile(r"^(?:model|training)-\d+(?:-[0-9a-f]{8})?\.safetensors$", re.M)
Config = dict[str, Any]


@dataclass(frozen=True)
class Checkpoint:
    """A folder whose `config` was read and found unaltered. The tensors are read, and checked, when asked for.

    renamed: parts of tensors' names in checkpoints of earlier versions, and what they are called now; of each name the
    first that it has is replaced.
    """

    folder: Path
    config: Config
    renamed: Mapping[str, str] = field(default_factory=dict)

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

    def summary(self) -> dict[str, Any]:
        """What a finished training run says last: its last evaluation, where it is kept, and its metrics."""
        end = {"final": True, "checkpoint": str(self.folder), "best_step": self.config["position"]["best_step"]}
        return {**self.log()[-1], **end, **self.config.get("metrics", {})}

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

    def weights(self) -> dict[str, Tensor]:
        """The weights in use, as float32 whatever they are stored as. Raises CheckpointError if they are damaged."""
        return {name: t.float() if t.is_floating_point() else t for name, t in self._tensors("model").items()}

    def training(self) -> dict[str, Tensor]:
        """What `--resume` needs. Raises CheckpointError if it is damaged or was left out."""
        if "training" not in self.config["files"]:
            raise CheckpointError(
                f"checkpoint '{self.name}' holds no training state: it was exported to be used, not continued",
                "train a new one with -o FOLDER, by the command that `seqlab checkpoints show` prints",
            )
        return self._tensors("training")

    def log(self) -> list[dict[str, Any]]:
        """The records of the evaluations up to the saved step. Raises CheckpointError if they are damaged."""
        expected = self.config.get("log_sha256")
        for name in ("log.jsonl", "log.jsonl.new"):  # a kill may have come between the commit and the renaming
            path = self.folder / name
            data = path.read_bytes() if path.exists() else b""
            if expected in (None, _log_digest(data)):
                return [json.loads(line) for line in data.splitlines()]
        raise CheckpointError(
            f"{self.folder / 'log.jsonl'} is damaged: its sha256 is not the recorded one", _restore_hint(self.folder)
        )

    def _tensors(self, kind: str) -> dict[str, Tensor]:
        entry = self.config["files"][kind]
        path = self.folder / entry["name"]
        try:
            data = path.read_bytes()
        except OSError as problem:
            raise CheckpointError(f"{path} cannot be read: {problem.strerror}", _restore_hint(self.folder)) from problem
        if hashlib.sha256(data).hexdigest() != entry["sha256"]:
            size = f"{len(data):,} bytes" + (f" of {entry['bytes']:,}" if len(data) != entry["bytes"] else "")
            raise CheckpointError(
                f"{path} is damaged: its sha256 is not the recorded one ({size})", _restore_hint(self.folder)
            )
        return {self._current(name): tensor for name, tensor in safetensors.torch.load(data).items()}

    def _current(self, name: str) -> str:
        old = next((old for old in self.renamed if old in name), None)
        return name if old is None else name.replace(old, self.renamed[old], 1)


def _restore_hint(folder: Path) -> str:
    return f"restore the folder {folder} from a copy, or train it again with --overwrite"


def load(folder: Path) -> Checkpoint:
    """Read and check `config.json`. Raises CheckpointError if it is missing, altered or of a newer format."""
    path = folder / "config.json"
    try:
        text = path.read_bytes().replace(b"\r\n", b"\n").decode()
        config = json.loads(text)
    except FileNotFoundError as problem:
        raise CheckpointError(
            f"{folder} is no checkpoint: it has no config.json", "name a checkpoint folder"
        ) from problem
    except (OSError, ValueError) as problem:
        raise CheckpointError(f"{path} cannot be read: {problem}", _restore_hint(folder)) from problem
    # compared as text too: a changed blank or a digit beyond a float's precision is damage like any other
    if not isinstance(config, dict) or config.get("sha256") != _digest(config) or text != _text(config):
        raise CheckpointError(f"{path} is damaged: its sha256 is not the recorded one", _restore_hint(folder))
    if config["format"] > FORMAT:
        raise CheckpointError(f"{path} is of format {config['format']}, newer than this seqlab reads", "upgrade seqlab")
    return Checkpoint(folder, config)


def save(
    folder: Path,
    config: Config,
    weights: dict[str, Tensor],
    training: dict[str, Tensor] | None = None,
    records: Sequence[dict[str, Any]] = (),
) -> Checkpoint:
    """Write a whole checkpoint, replacing the one that may be there, atomically.

    config: JSON values; `format`, `seqlab`, `files`, `log_sha256` and `sha256` are filled in here. training=None
    leaves out what only `--resume` needs. records: the lines of log.jsonl.
    """
    folder.mkdir(parents=True, exist_ok=True)
    step = config.get("position", {}).get("step", 0)
    parts = {"model": weights} if training is None else {"model": weights, "training": training}
    data = {kind: _as_bytes(tensors) for kind, tensors in parts.items()}
    files = {kind: _entry(folder, kind, step, content) for kind, content in data.items()}
    _write_synced(folder / _WRITTEN, "\n".join(_named(folder) | _file_names(files)).encode())
    for kind, content in data.items():
        if not _holds(folder / files[kind]["name"], content):
            _write_synced(folder / files[kind]["name"], content)
    log = "".join(json.dumps(record) + "\n" for record in records).encode()
    _write_synced(folder / "log.jsonl.new", log)
    return _commit(folder, {**config, "files": files, "log_sha256": _log_digest(log)})


def amend(checkpoint: Checkpoint, **entries: Any) -> Checkpoint:
    """Replace top-level entries of the config (its metrics, say); the tensors stay."""
    return _commit(checkpoint.folder, {**checkpoint.config, **entries})


def verify(checkpoint: Checkpoint) -> list[str]:
    """Read every file of a checkpoint and return their names. Raises CheckpointError at the first that is not whole."""
    whole = ["config.json"]
    for kind, entry in checkpoint.config["files"].items():
        checkpoint._tensors(kind)
        whole.append(entry["name"])
    checkpoint.log()
    return [*whole, "log.jsonl"]


def export(checkpoint: Checkpoint, folder: Path) -> Checkpoint:
    """Copy what is needed to use a checkpoint, weights in half precision, without what only --resume needs.

    Raises CheckpointError for a folder in use, and for a weight that half precision cannot hold.
    """
    refuse_existing(folder, "write to another folder with -o FOLDER")
    weights = {name: t.half() if t.is_floating_point() else t for name, t in checkpoint.weights().items()}
    for name, tensor in weights.items():
        if not tensor.isfinite().all():
            raise CheckpointError(
                f"checkpoint '{checkpoint.name}' does not fit into half precision: '{name}' has values above 65,504",
                f"copy the folder {checkpoint.folder} as it is",
            )
    config = {k: v for k, v in checkpoint.config.items() if k not in ("files", "sha256")}
    return save(folder, config, weights, records=checkpoint.log())


def refuse_existing(
    folder: Path,
    hint: str = "continue it with --resume, replace it with --overwrite, or write elsewhere with -o FOLDER",
) -> None:
    """Raise CheckpointError if `folder` holds anything. hint: the ways on where it is a checkpoint."""
    if folder.is_dir() and not any(folder.iterdir()):
        return
    if (folder / "config.json").exists():
        raise CheckpointError(f"{folder} already holds a checkpoint", hint)
    if folder.exists():
        raise CheckpointError(f"{folder} exists and is no checkpoint", "write elsewhere with -o FOLDER")


class RunFolder:
    """The keeper of a training run: each save is a whole checkpoint.

    Nothing is touched before the first save, so an --overwrite that fails early has lost nothing.
    """

    def __init__(self, folder: Path, config: Config, records: list[dict[str, Any]] | None = None) -> None:
        self.folder, self.config = folder, config
        self.records = list(records or [])

    def log(self, record: dict[str, Any]) -> None:
        self.records.append(record)

    def save(self, weights: dict[str, Tensor], training: dict[str, Tensor], position: dict[str, Any]) -> None:
        save(self.folder, {**self.config, "position": position}, weights, training, self.records)

    def finish(self, metrics: dict[str, Any]) -> Checkpoint:
        """Add the final metrics to what was saved last."""
        return amend(load(self.folder), metrics=metrics)


def folder_name(name: str) -> str:
    """The one rule for every name of a file or a series that becomes that of a folder: one step below another.

    Separators and what no system takes become `-`, dots and blanks at the ends go, so that `..` is no way up and no
    folder is hidden; of nothing is left `unnamed`.
    """
    kept = re.sub(r'[/\\:*?"<>|\x00-\x1f\x7f]+', "-", name).strip(". ")
    return os.fsencode(kept)[:LONGEST_NAME].decode(errors="ignore").rstrip(". ") or "unnamed"


def find(name: str, folders: list[Path] | None = None, job: str | None = None) -> Checkpoint:
    """The checkpoint of that name in the first of `folders` (by default `search_folders()`) that has one, or at that
    path.

    Raises CheckpointError where there is none, suggesting one of `job` if that is given.
    """
    folders = search_folders() if folders is None else folders
    for folder in folders:
        if name == folder_name(name) and (folder / name / "config.json").exists():
            return load(folder / name)
    for folder in (*folders, Path()):
        if (folder / name / "fold-1" / "config.json").exists():
            raise CheckpointError(f"{folder / name} holds a net for each fold", f"name one: {folder / name / 'fold-1'}")
    if Path(name).is_dir():
        return load(Path(name))
    there = [found for found in listing(folders) if isinstance(found, Checkpoint)]
    known = {found.name for found in there if job in (None, found.config["job"])}
    raise CheckpointError(
        f"there is no checkpoint '{name}'", f"{did_you_mean(name, known)}; or train one, see `seqlab --help`"
    )


def listing(folders: list[Path]) -> list[Checkpoint | CheckpointError]:
    """Every checkpoint in the folders, in order of name within each; an error stands for one that cannot be read."""
    found: list[Checkpoint | CheckpointError] = []
    for folder in folders:
        for path in sorted(folder.glob("*/config.json")):
            try:
                found.append(load(path.parent))
            except CheckpointError as problem:
                found.append(problem)
    return found


def checkpoints_folder() -> Path:
    """Where what is trained here goes: `$SEQLAB_CHECKPOINTS`, else ./checkpoints. It need not exist."""
    return Path(os.environ.get("SEQLAB_CHECKPOINTS") or "checkpoints")


def search_folders() -> list[Path]:
    """Where checkpoints are looked for by name: what was trained here, then what ships with seqlab."""
    here, shipped = checkpoints_folder(), shipped_folder()
    return [here] if here.resolve() == shipped.resolve() else [here, shipped]


def shipped_folder() -> Path:
    """Where the checkpoints that ship with seqlab are: in the wheel, or in the repository of a checkout."""
    package = Path(seqlab.__file__).parent
    inside = package / "_shipped" / "checkpoints"
    return inside if inside.is_dir() else package.parent / "checkpoints"


def _as_bytes(tensors: dict[str, Tensor]) -> bytes:
    return safetensors.torch.save({name: t.detach().cpu().contiguous() for name, t in tensors.items()})


def _entry(folder: Path, kind: str, step: int, content: bytes) -> dict[str, Any]:
    """A file of tensors as the config names it."""
    digest = hashlib.sha256(content).hexdigest()
    name = f"{kind}-{step}.safetensors"
    if (folder / name).exists() and not _holds(folder / name, content):
        # the name is taken by other content (an --overwrite at the same step): it must live until the commit
        name = f"{kind}-{step}-{digest[:8]}.safetensors"
    return {"name": name, "bytes": len(content), "sha256": digest}


def _holds(path: Path, content: bytes) -> bool:
    return path.exists() and path.read_bytes() == content


def _listed(folder: Path) -> set[str]:
    """The tensor files that _WRITTEN lists: of a save that goes on, or was killed."""
    written = folder / _WRITTEN
    return set(_TENSOR_FILES.findall(written.read_text())) if written.exists() else set()


def _file_names(files: dict[str, dict[str, Any]]) -> set[str]:
    """The names that a config gives its tensor files: nothing else is deleted, whatever an altered one says."""
    return {str(entry["name"]) for entry in files.values() if _TENSOR_FILES.fullmatch(str(entry["name"]))}


def _named(folder: Path) -> set[str]:
    """The tensor files of the checkpoint in a folder, if there is a whole one, and of saves that were killed."""
    try:
        return _listed(folder) | _file_names(load(folder).config["files"])
    except CheckpointError:
        return _listed(folder)


def _commit(folder: Path, config: Config) -> Checkpoint:
    config = {**config, "format": FORMAT, "seqlab": seqlab.__version__, "torch": torch.__version__}
    config = json.loads(json.dumps(config))  # as it will be read: tuples are lists, keys are strings
    config["sha256"] = _digest(config)
    temporary = folder / "config.json.new"
    _write_synced(temporary, _text(config).encode())
    temporary.replace(folder / "config.json")
    _sync_folder(folder)
    log = folder / "log.jsonl.new"
    if log.exists() and _log_digest(log.read_bytes()) == config.get("log_sha256"):
        log.replace(folder / "log.jsonl")
    for name in _listed(folder) - _file_names(config["files"]):
        (folder / name).unlink(missing_ok=True)
    (folder / _WRITTEN).unlink(missing_ok=True)
    return Checkpoint(folder, config)


def _text(config: Config) -> str:
    return json.dumps(config, indent=1, ensure_ascii=False) + "\n"


def _log_digest(log: bytes) -> str:
    return hashlib.sha256(log.replace(b"\r\n", b"\n")).hexdigest()


def _digest(config: Config) -> str:
    rest = {key: value for key, value in config.items() if key != "sha256"}
    return hashlib.sha256(json.dumps(rest, sort_keys=True).encode()).hexdigest()


def _write_synced(path: Path, data: bytes) -> None:
    with path.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _sync_folder(folder: Path) -> None:
    if os.name == "posix":
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
