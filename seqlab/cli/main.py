"""The entry: a group whose commands are imported when they are called, and one place where errors become exits.

Exit status: 0 done; 1 failed; 2 usage; 130 interrupted, 143 terminated, both after saving.
"""

import functools
import importlib
import io
import os
import sys
from typing import Any, NoReturn

import click
from click.shell_completion import add_completion_class

import seqlab
from seqlab.cli.output import clear_bar, failure
from seqlab.cli.signals import Interrupted, watch
from seqlab.errors import SeqlabError, UsageError, did_you_mean

# name -> (module of seqlab.cli.commands, what it does in a few words)
COMMANDS = {
    "forecast": ("forecast", "Forecast quotes or any series as distributions."),
    "generate": ("generate", "Write text with a model trained on a corpus."),
    "score": ("score", "The log-probability of a text under a trained model."),
    "train-text": ("train_text", "Train a character model on a corpus, a file or a folder."),
    "train-forecaster": ("train_forecaster", "Train a forecaster of quotes or other series."),
    "train-cnn": ("train_cnn", "Train an image classifier."),
    "train-mlp": ("train_mlp", "Train a feedforward net on a table."),
    "structure": ("structure", "Map unlabeled data and find its most unusual rows."),
    "evaluate": ("evaluate", "Measure a checkpoint on held-out data."),
    "predict": ("predict", "Apply a checkpoint: classes of images, rows of a table."),
    "lab": ("lab", "Run the experiments of the seminar."),
    "data": ("data", "List, fetch and find data sets."),
    "checkpoints": ("checkpoints", "List, show, verify and export trained models."),
    "completion": ("completion", "Complete commands and names in bash, zsh and fish."),
    "doctor": ("doctor", "What this machine computes with, and why."),
}


class ReaderGone(Exception):
    """Nobody reads standard output any more (| head). Click would end that with status 1."""


class LazyGroup(click.Group):
    """Imports a command's module only when that command is called: `--help` must not pay for the others."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except BrokenPipeError as problem:
            raise ReaderGone from problem

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name not in COMMANDS:
            return None
        command: click.Command = importlib.import_module(f"seqlab.cli.commands.{COMMANDS[name][0]}").command
        if "_SEQLAB_COMPLETE" in os.environ:
            from seqlab.cli.completion import offer_values

            for one in command.commands.values() if isinstance(command, click.Group) else (command,):
                offer_values(one)
        return command

    def resolve_command(self, ctx: click.Context, args: list[str]) -> Any:
        if args[0] not in COMMANDS and not args[0].startswith("-"):
            raise UsageError(f"there is no command '{args[0]}'", did_you_mean(args[0], COMMANDS))
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, about) for name, (_, about) in COMMANDS.items()])


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(seqlab.__version__, prog_name="seqlab")
def cli() -> None:
    """Sequence models with honest numbers: forecasts, text, images, and a lab.

    \b
    seqlab forecast AAPL            a forecast with baselines
    seqlab generate --corpus linux  C after the Linux kernel
    seqlab train-cnn cifar10        an image classifier
    """


def main(arguments: list[str] | None = None) -> NoReturn:
    """Run the command line and leave with its exit status."""
    _open_closed_streams()
    watch()
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # what the terminal cannot show is no reason to fail
    words = sys.argv[1:] if arguments is None else arguments
    fail = functools.partial(_fail, "--json" in words)
    try:
        _leave(_run(words))
    except click.exceptions.NoArgsIsHelpError as problem:
        print(problem.format_message(), file=sys.stderr)
        _leave(2)
    except click.UsageError as problem:
        context = problem.ctx.command_path if problem.ctx else "seqlab"
        fail(problem.format_message(), f"see `{context} --help`", UsageError.kind, 2)
    except click.ClickException as problem:
        fail(problem.format_message(), "see `seqlab --help`", SeqlabError.kind, problem.exit_code)
    except (Interrupted, KeyboardInterrupt, click.Abort) as end:
        status = end.status if isinstance(end, Interrupted) else 130
        if "--json" in words:  # a person has seen it
            name = "SIGTERM" if status == 143 else "SIGINT"
            fail(f"interrupted by {name}", "a training that had begun goes on with --resume", "interrupted", status)
        _leave(status)
    except ReaderGone:
        _leave(0)
    except Exception as problem:
        if os.environ.get("SEQLAB_DEBUG") == "1":
            raise
        if isinstance(problem, SeqlabError):
            fail(problem.message, problem.hint, problem.kind, 2 if isinstance(problem, UsageError) else 1)
        if isinstance(problem, OSError):
            where = f"{problem.filename}: " if problem.filename else ""
            hint = "check the path, its permissions and the free space"
            fail(f"{where}{problem.strerror or problem}", hint, "system", 1)
        fail(f"{type(problem).__name__}: {problem}", "see where with SEQLAB_DEBUG=1, and report it", "bug", 1)


def _open_closed_streams() -> None:
    """Give what was started without a standard stream (`<&-`, `>&-`) one without anything in it: the next file that is
    opened would take its number, and get what is written to it. Writing to a closed standard output stays an error."""
    for name, mode, access in (("stdin", "r", os.O_RDONLY), ("stdout", "w", os.O_RDONLY), ("stderr", "w", os.O_WRONLY)):
        if getattr(sys, name) is None:  # the lowest number that is free is taken: its own, if nothing has that already
            setattr(sys, name, os.fdopen(os.open(os.devnull, access), mode, encoding="utf-8"))


def _run(arguments: list[str]) -> int:
    if "_SEQLAB_COMPLETE" in os.environ:
        from seqlab.cli.completion import Bash

        add_completion_class(Bash)
    try:
        outcome = cli.main(args=arguments, prog_name="seqlab", standalone_mode=False)
    finally:
        clear_bar()
    return outcome if isinstance(outcome, int) else 0


def _fail(as_json: bool, message: str, hint: str, kind: str, status: int) -> NoReturn:
    failure(message, hint, kind, as_json)
    _leave(status)


def _leave(status: int) -> NoReturn:
    try:
        sys.stdout.flush()
    except OSError:  # the reader has gone, or the disk is full: what is left has nowhere to go, at the exit either
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    sys.exit(status)
