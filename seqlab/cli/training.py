"""What the train commands share: where the result goes, the command that repeats it, and what is said at the end."""

import shlex
import sys
from pathlib import Path

from seqlab.cli.options import Common
from seqlab.cli.output import say
from seqlab.errors import CheckpointError

import click


def run_options(command):  # type: ignore[no-untyped-def]
    """--minutes, --epochs, --resume and --overwrite."""
    command = click.option("--overwrite", is_flag=True, help="Replace the checkpoint that is there.")(command)
    command = click.option("--resume", is_flag=True, help="Continue the checkpoint that is there.")(command)
    command = click.option("--minutes", type=click.FloatRange(min=0, min_open=True), help="Train about so long.")(command)
    return click.option("--epochs", type=click.FloatRange(min=0, min_open=True), help="Train so many passes.")(command)


def target_folder(common: Common, name: str, *, resume: bool, overwrite: bool) -> Path:
    """Where a train command writes. Raises CheckpointError for a folder in use without --resume or --overwrite."""
    from seqlab import checkpoint

    folder = common.output or common.checkpoints / name
    if resume:
        if not (folder / "config.json").exists():
            raise CheckpointError(f"{folder} holds no checkpoint to resume", "leave out --resume to start one")
    elif not (overwrite and (folder / "config.json").exists()):
        if folder.exists():
            checkpoint.refuse_existing(folder)
    return folder


def repeating_command() -> str:
    """This command as a checkpoint records it: inputs by name, not by path, and without where it was written."""
    words, skip = ["seqlab"], False
    for word in sys.argv[1:]:
        if skip:
            skip = False
        elif word in ("-o", "--output", "--checkpoints"):
            skip = True
        elif word not in ("--resume", "--overwrite", "-q", "--quiet", "--json") and not word.startswith(("--output=", "--checkpoints=")):
            words.append(Path(word).name if "/" in word or "\\" in word else word)
    return shlex.join(words)


def resume_command() -> str:
    return shlex.join(["seqlab", *(word for word in sys.argv[1:] if word not in ("--resume", "--overwrite")), "--resume"])


def say_stopped(common: Common, folder: Path) -> None:
    say(common, f"stopped; saved in {folder}\ncontinue with: {resume_command()}")
