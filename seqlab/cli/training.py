"""What the train commands share: where the result goes, the command that repeats it, and what is said at the end."""

import shlex
import sys
from pathlib import Path

import click

from seqlab.cli.options import Common
from seqlab.cli.output import say
from seqlab.errors import CheckpointError, UsageError


def run_options(command):  # type: ignore[no-untyped-def]
    """--minutes, --epochs, --resume and --overwrite."""
    command = click.option("--overwrite", is_flag=True, help="Replace the checkpoint that is there.")(command)
    command = click.option("--resume", is_flag=True, help="Continue the checkpoint that is there.")(command)
    command = click.option("--minutes", type=click.FloatRange(min=0, min_open=True), help="Train about so long.")(
        command
    )
    return click.option("--epochs", type=click.FloatRange(min=0, min_open=True), help="Train so many passes.")(command)


def target_folder(common: Common, name: str, *, resume: bool, overwrite: bool) -> Path:
    """Where a train command writes. Raises CheckpointError for a folder in use without --resume or --overwrite."""
    from seqlab import checkpoint

    if resume and overwrite:
        raise UsageError("--resume continues what --overwrite replaces", "give one of them")
    folder = common.output or common.checkpoints / name
    if resume:
        if not (folder / "config.json").exists():
            raise CheckpointError(f"{folder} holds no checkpoint to resume", "leave out --resume to start one")
    elif folder.exists() and not (overwrite and (folder / "config.json").exists()):
        checkpoint.refuse_existing(folder)
    return folder


def repeating_command() -> str:
    """This command as a checkpoint records it: inputs by name, not by path, and without where it was written."""
    words, skip = ["seqlab"], False
    for word in sys.argv[1:]:
        option, equals, value = word.partition("=") if word.startswith("-") else ("", "", word)
        if skip:
            skip = False
        elif word in ("-o", "--output", "--checkpoints"):
            skip = True
        elif option not in ("--resume", "--overwrite", "-q", "--quiet", "--json", "--output", "--checkpoints"):
            words.append(option + equals + (Path(value).name if "/" in value or "\\" in value else value))
    return shlex.join(words).encode(errors="replace").decode()  # it is written down: a file's name may be any bytes


def resume_command() -> str:
    return shlex.join(
        ["seqlab", *(word for word in sys.argv[1:] if word not in ("--resume", "--overwrite")), "--resume"]
    )


def say_stopped(common: Common, folder: Path) -> None:
    say(common, f"stopped; saved in {folder}\ncontinue with: {resume_command()}")
