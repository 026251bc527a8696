"""Checkpoints by name."""

from pathlib import Path

from seqlab.checkpoint.folders import folder_name, search_folders
from seqlab.checkpoint.loading import Checkpoint, load
from seqlab.errors import CheckpointError, did_you_mean


def find(name: str, folders: list[Path] | None = None, job: str | None = None) -> Checkpoint:
    """The checkpoint of that name in the first of `folders` (by default `search_folders()`) that has one, or at that
    path.

    Raises CheckpointError where there is none, suggesting one of `job` if that is given.
    """
    folders = search_folders() if folders is None else folders
    if _can_be_a_path(name):
        for folder in folders:
            if name == folder_name(name) and (folder / name / "config.json").exists():
                return load(folder / name)
        for folder in (*folders, Path()):
            if (folder / name / "fold-1" / "config.json").exists():
                raise CheckpointError(
                    f"{folder / name} holds a net for each fold", f"name one: {folder / name / 'fold-1'}"
                )
        if Path(name).is_dir():
            return load(Path(name))
    there = [found for found in listing(folders) if isinstance(found, Checkpoint)]
    known = {found.name for found in there if job in (None, found.config["job"])}
    raise CheckpointError(
        f"there is no checkpoint '{name[:200]}'", did_you_mean(name, known, "train one, see `seqlab --help`")
    )


def _can_be_a_path(name: str) -> bool:
    """Whether the system can be asked for it: a name may be longer than any, or hold what no name does."""
    try:
        Path(name).is_dir()
    except (OSError, ValueError):
        return False
    return True


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
