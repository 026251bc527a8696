"""What the train commands share: the options of a run, the command that repeats it, and what is said at the end."""

import functools
import shlex
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from seqlab.cli.options import Common, from_command_line
from seqlab.cli.output import Bar, result, result_json, say
from seqlab.cli.progress import follow
from seqlab.cli.signals import Interrupted, Stop, graceful_stop
from seqlab.cli.tensorboard import Board

if TYPE_CHECKING:
    from seqlab.checkpoint import Checkpoint
    from seqlab.tasks import Task

# Where a run was written, how it was begun and what it said: nothing that its result depends on.
UNRECORDED = {"output", "checkpoints", "offline", "resume", "overwrite", "tensorboard", "quiet", "json_", "set_"}
RUN = ("epochs", "minutes", "resume", "overwrite", "tensorboard")


def run_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add --minutes, --epochs, --resume, --overwrite and --tensorboard, which the command gets as one dict, `run`."""

    @functools.wraps(command)
    def wrapped(*args: Any, **given: Any) -> Any:
        return command(*args, run={name: given.pop(name) for name in RUN}, **given)

    for add in (
        click.option(
            "--tensorboard",
            type=click.Path(path_type=Path),
            metavar="FOLDER",
            callback=Board.checked,
            help="Write its curves for TensorBoard, too.",
        ),
        click.option("--overwrite", is_flag=True, help="Replace the checkpoint that is there."),
        click.option("--resume", is_flag=True, help="Continue the checkpoint that is there."),
        click.option("--minutes", type=click.FloatRange(min=0, min_open=True), help="Train about so long."),
        click.option("--epochs", type=click.FloatRange(min=0, min_open=True), help="Train so many passes."),
    ):
        wrapped = add(wrapped)
    return wrapped


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


def train(
    common: Common,
    start: "Callable[..., Task[Any]]",
    run: dict[str, Any],
    unit: str,
    describe: Callable[[dict[str, Any]], str],
    lines: "Callable[[Checkpoint], list[str]]",
    next_command: Callable[[str], str],
) -> None:
    """Run a training to its end, or to Ctrl-C, and report it.

    start: makes the Task, given the options of the run; unit, describe: see `follow`; lines: the result for a person;
    next_command: what uses the checkpoint of that name. A signal during the last measurement ends that: the report is
    given of the part of a text that was read, else --resume measures again.
    """
    board = Board(run["tensorboard"])
    Bar(common).show("starting")  # torch alone takes seconds
    with graceful_stop(common) as stop:
        model = followed(common, start(**of_run(common, run, stop)), unit, describe, stop, board)
        if model is None:
            say(common, f"continue with: {resume_command()}")
            return
        done = model.checkpoint
        board.finish(done.config["metrics"])
        if common.json:
            result_json(model.to_dict())
        else:
            result("\n".join(lines(done)))
        elsewhere = common.output or from_command_line(click.get_current_context(), "checkpoints")
        name = shlex.quote(str(done.folder) if elsewhere else done.folder.name)
        say(common, f"saved in {done.folder}\nuse it: {next_command(name)}")


def followed(
    common: Common,
    task: "Task[Any]",
    unit: str,
    describe: Callable[[dict[str, Any]], str],
    stop: Stop,
    board: Board,
) -> Any:
    """`follow` for a training. Where a signal ends its last measurement it says what goes on with that."""
    try:
        return follow(common, task, unit, describe, stop, board.see)
    except Interrupted:
        if stop.is_saved:
            say(common, f"trained and saved, but not measured; measure it with: {resume_command()}")
        raise


def of_run(common: Common, run: dict[str, Any], stop: Stop) -> dict[str, Any]:
    """The options of a run and its device, as keyword arguments of the library."""
    asked = {name: value for name, value in run.items() if name != "tensorboard"}
    return {**asked, "folder": common.output, "command": repeating_command(), "stop": stop, **common.device_options}
