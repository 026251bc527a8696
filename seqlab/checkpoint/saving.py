"""Writing a checkpoint, so that a kill at any point leaves the old one or the new one.

New files are written under new names and synced, then `config.json` is replaced: that is the commit mark. Then the
log takes its name and the old files go. All names are listed in files.new before they are written, so that what a
killed or failed save left is known for its own and swept. No file of anybody else's is touched.
"""

import hashlib
import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import seqlab
from seqlab.checkpoint.loading import FORMAT, Checkpoint, Config, digest_of, load, log_digest, not_finite, text_of
from seqlab.checkpoint.lock import LOCK
from seqlab.checkpoint.rebuilding import rebuilt
from seqlab.checkpoint.schema import TENSOR_FILE, check
from seqlab.errors import CheckpointError, DivergenceError

if TYPE_CHECKING:
    from torch import Tensor

# the tensor files of a save, a line each, from before they are written until the old ones are gone
_WRITTEN = "files.new"
_UNFINISHED = (_WRITTEN, "config.json.new", "log.jsonl.new")


def save(
    folder: Path,
    config: Config,
    weights: "dict[str, Tensor]",
    training: "dict[str, Tensor] | None" = None,
    records: Sequence[dict[str, Any]] = (),
) -> Checkpoint:
    """Write a whole checkpoint, replacing the one that may be there, atomically.

    config: JSON values; `format`, `seqlab`, `files`, `log_sha256` and `sha256` are filled in here. training=None
    leaves out what only `--resume` needs. records: the lines of log.jsonl. Raises DivergenceError for a tensor that is
    not finite and CheckpointError where the folder cannot be written to; then what was there is there still, and
    nothing of this save.
    """
    parts = {"model": weights} if training is None else {"model": weights, "training": training}
    for kind, tensors in parts.items():
        bad = not_finite(tensors)
        if bad is not None:
            raise DivergenceError(f"'{bad}' of the {kind} is not finite, and was not saved", "train with a smaller lr")
    log = "".join(json.dumps(record) + "\n" for record in records).encode()
    with _writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
        sweep(folder)
        data = {kind: _as_bytes(tensors) for kind, tensors in parts.items()}
        files = {kind: _entry(folder, kind, config["position"]["step"], content) for kind, content in data.items()}
        _write_synced(folder / _WRITTEN, "\n".join(_named(folder) | _file_names(files)).encode())
        for kind, content in data.items():
            if not _holds(folder / files[kind]["name"], content):
                _write_synced(folder / files[kind]["name"], content)
        _write_synced(folder / "log.jsonl.new", log)
        return _commit(folder, {**config, "files": files, "log_sha256": log_digest(log)})


def amend(checkpoint: Checkpoint, **entries: Any) -> Checkpoint:
    """Replace top-level entries of the config (its metrics, say); the tensors stay. Raises CheckpointError where the
    folder cannot be written to."""
    with _writing(checkpoint.folder):
        return _commit(checkpoint.folder, {**checkpoint.config, **entries})


def sweep(folder: Path) -> None:
    """End what a killed or failed save began: what it had committed is finished, the rest of it deleted.

    Only files that are certainly its own are touched: none where config.json is damaged.
    """
    try:
        config = load(folder).config
    except CheckpointError:
        if (folder / "config.json").exists() or not (folder / _WRITTEN).exists():
            return
        config = {"files": {}}
    log = folder / "log.jsonl.new"
    if log.is_file():
        if log_digest(log.read_bytes()) == config.get("log_sha256"):
            log.replace(folder / "log.jsonl")
        else:
            log.unlink()
    for name in _listed(folder) - _file_names(config["files"]):
        (folder / name).unlink(missing_ok=True)
    for name in ("config.json.new", _WRITTEN):
        (folder / name).unlink(missing_ok=True)


@contextmanager
def _writing(folder: Path) -> Iterator[None]:
    """Around what is written to a folder: if it fails, nothing of it stays. Raises CheckpointError for an OSError."""
    made = not folder.exists()
    try:
        yield
    except BaseException as problem:
        with suppress(OSError):
            sweep(folder)
        if made:
            with suppress(OSError):  # it stays where something is in it
                folder.rmdir()
        if not isinstance(problem, OSError):
            raise
        kept = "; what was saved before is unchanged" if (folder / "config.json").exists() else ""
        raise CheckpointError(
            f"{folder} cannot be written to: {problem.strerror or problem}{kept}",
            "free some space or mend its permissions, then "
            + ("go on with --resume, or begin again with --overwrite" if kept else "begin again"),
        ) from problem


def export(checkpoint: Checkpoint, folder: Path) -> Checkpoint:
    """Copy what is needed to use a checkpoint, weights in half precision, without what only --resume needs.

    Raises CheckpointError for a folder in use, and for a weight that half precision cannot hold.
    """
    refuse_existing(folder, "write to another folder with -o FOLDER")
    checkpoint, found, records = rebuilt(checkpoint, lambda now: (now, now.weights(), now.log()))
    weights = {name: t.half() if t.is_floating_point() else t for name, t in found.items()}
    for name, tensor in weights.items():
        if not tensor.isfinite().all():
            raise CheckpointError(
                f"checkpoint '{checkpoint.name}' does not fit into half precision: '{name}' has values above 65,504",
                f"copy the folder {checkpoint.folder} as it is",
            )
    config = {k: v for k, v in checkpoint.config.items() if k not in ("files", "sha256", "source")}
    return save(folder, config, weights, records=records)


def refuse_existing(
    folder: Path,
    hint: str = "continue it with --resume, replace it with --overwrite, or write elsewhere with -o FOLDER",
) -> None:
    """Raise CheckpointError if `folder` holds anything but what a first save left that was killed. hint: the ways on
    where it is a checkpoint."""
    if not folder.exists() or _is_free(folder):
        return
    if is_checkpoint(folder):
        raise CheckpointError(f"{folder} already holds a checkpoint", hint)
    raise CheckpointError(f"{folder} exists and is no checkpoint", "write elsewhere with -o FOLDER")


def _is_free(folder: Path) -> bool:
    """Whether a folder holds nothing but what a first save left that was killed, itself or in folders of folds."""
    if not folder.is_dir():
        return False
    own = {LOCK, *_UNFINISHED, *_listed(folder)} if (folder / _WRITTEN).exists() else {LOCK}
    return all(path.name in own or (not path.is_symlink() and _is_free(path)) for path in folder.iterdir())


def is_checkpoint(folder: Path) -> bool:
    """Whether a folder holds a checkpoint, whole or damaged: the config.json of another program is none."""
    try:
        config = json.loads((folder / "config.json").read_bytes())
    except (OSError, ValueError):
        return (folder / "config.json").exists()
    return isinstance(config, dict) and not {"format", "files", "sha256"}.isdisjoint(config)


def remove(checkpoint: Checkpoint) -> None:
    """Delete a checkpoint's own files, and its folder where nothing else is in it."""
    folder = checkpoint.folder
    for name in {"config.json", "log.jsonl", LOCK, *_UNFINISHED, *_named(folder)}:
        (folder / name).unlink(missing_ok=True)
    if not any(folder.iterdir()) and not folder.is_symlink():
        folder.rmdir()


def _as_bytes(tensors: "dict[str, Tensor]") -> bytes:
    import safetensors.torch

    return safetensors.torch.save({name: t.detach().cpu().contiguous() for name, t in tensors.items()})


def _entry(folder: Path, kind: str, step: int, content: bytes) -> dict[str, Any]:
    """A file of tensors as the config names it."""
    digest = hashlib.sha256(content).hexdigest()
    name = f"{kind}-{step}.safetensors"
    if os.path.lexists(folder / name) and not _holds(folder / name, content):
        # the name is taken by other content (an --overwrite at the same step): it must live until the commit
        name = f"{kind}-{step}-{digest[:8]}.safetensors"
    return {"name": name, "bytes": len(content), "sha256": digest}


def _holds(path: Path, content: bytes) -> bool:
    return path.is_file() and path.read_bytes() == content


def _listed(folder: Path) -> set[str]:
    """The tensor files that _WRITTEN lists: of a save that goes on, or was killed."""
    written = folder / _WRITTEN
    return set(TENSOR_FILE.findall(written.read_text(errors="replace"))) if written.exists() else set()


def _file_names(files: dict[str, dict[str, Any]]) -> set[str]:
    """The names that a config gives its tensor files: nothing else is deleted, whatever an altered one says."""
    return {str(entry["name"]) for entry in files.values() if TENSOR_FILE.fullmatch(str(entry["name"]))}


def _named(folder: Path) -> set[str]:
    """The tensor files of the checkpoint in a folder, if there is a whole one, and of saves that were killed."""
    try:
        return _listed(folder) | _file_names(load(folder).config["files"])
    except CheckpointError:
        return _listed(folder)


def _commit(folder: Path, config: Config) -> Checkpoint:
    import torch

    config = {**config, "format": FORMAT, "seqlab": seqlab.__version__, "torch": torch.__version__}
    config = json.loads(json.dumps(config))  # as it will be read: tuples are lists, keys are strings
    check(config, folder / "config.json")
    config["sha256"] = digest_of(config)
    temporary = folder / "config.json.new"
    _write_synced(temporary, text_of(config).encode())
    temporary.replace(folder / "config.json")
    _sync_folder(folder)
    log = folder / "log.jsonl.new"
    if log.exists() and log_digest(log.read_bytes()) == config.get("log_sha256"):
        log.replace(folder / "log.jsonl")
    for name in _listed(folder) - _file_names(config["files"]):
        (folder / name).unlink(missing_ok=True)
    (folder / _WRITTEN).unlink(missing_ok=True)
    return Checkpoint(folder, config)


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
