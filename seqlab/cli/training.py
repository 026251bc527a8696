"""What the train commands share: where the result goes, the command that repeats it, and what is said at the end."""

import shlex
import sys
from collections.abc import Callable, Generator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from seqlab.cli.options import Common, from_command_line
from seqlab.cli.output import graceful_stop, result, result_json, say, show_training
from seqlab.errors import CheckpointError, UsageError

if TYPE_CHECKING:
    from seqlab.checkpoint import Checkpoint
    from seqlab.training import Progress

# Where a run was written, how it was begun and what it said: nothing that its result depends on.
UNRECORDED = {"output", "checkpoints", "offline", "resume", "overwrite", "quiet", "json_", "set_"}


def run_options(command):  # type: ignore[no-untyped-def]
    """--minutes, --epochs, --resume and --overwrite."""
    command = click.option("--overwrite", is_flag=True, help="Replace the checkpoint that is there.")(command)
    command = click.option("--resume", is_flag=True, help="Continue the checkpoint that is there.")(command)
    command = click.option("--minutes", type=click.FloatRange(min=0, min_open=True), help="Train about so long.")(
        command
    )
    return click.option("--epochs", type=click.FloatRange(min=0, min_open=True), help="Train so many passes.")(command)


def target_folder(common: Common, name: str, *, resume: bool, overwrite: bool, first: str = "") -> Path:
    """Where a train command writes; first: the folder in it that is the first checkpoint of several.

    Raises CheckpointError for a folder in use without --resume or --overwrite.
    """
    from seqlab import checkpoint

    if resume and overwrite:
        raise UsageError("--resume continues what --overwrite replaces", "give one of them")
    folder = common.output or common.checkpoints / checkpoint.folder_name(name)
    if resume:
        if not (folder / first / "config.json").exists():
            raise CheckpointError(f"{folder} holds no checkpoint to resume", "leave out --resume to start one")
        position = checkpoint.load(folder / first).config["position"]
        if position["step"] >= position["max_steps"] and not first:
            say(common, f"the run there came to its end after {position['step']:,} steps; a longer one is a new one")
        context = click.get_current_context()
        if any(from_command_line(context, name) for name in ("set_", "seed", "l2", "epochs", "minutes")):
            say(common, "resumed with the settings that were saved; those of this command are not looked at")
    elif folder.exists() and not (overwrite and (folder / first / "config.json").exists()):
        checkpoint.refuse_existing(folder)
    return folder


def repeating_command() -> str:
    """This command as a checkpoint records it: inputs by name, not by path, and without where it was written.

    What came from the environment and from --config is in it as options, so it stands for itself.
    """
    context = click.get_current_context()
    arguments, options = [], []
    for parameter in context.command.params:
        value = context.params.get(str(parameter.name))
        if parameter.name in UNRECORDED or value is None or value is False or value == ():
            continue
        if isinstance(parameter, click.Argument):
            arguments += [_name(one) for one in (value if isinstance(value, tuple) else (value,))]
        elif context.get_parameter_source(str(parameter.name)) is not ParameterSource.DEFAULT:
            options.append(max(parameter.opts, key=len))
            if value is not True:
                options.append(_name(value) if isinstance(parameter.type, click.Path) else str(value))
    for name, value in context.meta["seqlab.settings"].items():
        options += ["--set", f"{name}={value}"]
    words = [*context.command_path.split(), *arguments, *options]
    return shlex.join(words).encode(errors="replace").decode()  # it is written down: a file's name may be any bytes


def _name(value: str) -> str:
    return Path(value).name or Path(value).resolve().name


def resume_command() -> str:
    return shlex.join(
        ["seqlab", *(word for word in sys.argv[1:] if word not in ("--resume", "--overwrite")), "--resume"]
    )


def conduct(
    common: Common,
    folder: Path,
    start: "Callable[[Callable[[], bool]], Generator[Progress, None, Checkpoint | None]]",
    unit: str,
    describe: Callable[[dict[str, Any]], str],
    lines: "Callable[[Checkpoint], list[str]]",
    next_command: Callable[[str], str],
) -> None:
    """Run a training to its end, or to Ctrl-C, and report it.

    start: makes the run, given what tells it to stop; unit, describe: see show_training; lines: the result for a
    person; next_command: what uses the checkpoint of that name. The report is given also where a signal came during
    the last measurement.
    """
    with graceful_stop(common) as stop:
        done = show_training(common, start(stop), unit, describe)
        if done is None:
            say(common, f"stopped; saved in {folder}\ncontinue with: {resume_command()}")
            return
        if common.json:
            end = {"final": True, "checkpoint": str(folder), "best_step": done.config["position"]["best_step"]}
            result_json({**done.log()[-1], **end, **done.config["metrics"]})
        else:
            result("\n".join(lines(done)))
        elsewhere = common.output or from_command_line(click.get_current_context(), "checkpoints")
        name = shlex.quote(str(folder) if elsewhere else folder.name)
        say(common, f"saved in {folder}\nuse it: {next_command(name)}")
