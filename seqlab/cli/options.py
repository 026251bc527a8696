"""The options that mean the same in every command, and how settings are resolved.

Precedence: option, then environment (SEQLAB_SEED, ...), then `--config FILE.toml`, then default. Click follows that
order by itself once the file is its default map.
"""

import functools
import os
import types
import typing
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import click

from seqlab import files
from seqlab.cli.config import has_settings, read_config
from seqlab.errors import DataError, UsageError
from seqlab.settings import Settings, field_of

CHARTS = (".png", ".svg", ".pdf")  # how the name of a file ends that is drawn


@dataclass(frozen=True)
class Common:
    """The values of the common options. `settings` are those of --config under those of --set, as written."""

    quiet: bool = False
    json: bool = False
    seed: int | None = None
    device: str = "auto"
    threads: int | None = None
    precision: str = "auto"
    output: Path | None = None
    offline: bool = False
    checkpoints: Path = Path("checkpoints")
    settings: dict[str, Any] = field(default_factory=dict)

    @property
    def device_options(self) -> dict[str, Any]:
        """What to compute with, as keyword arguments of the library."""
        return {"device": self.device, "precision": self.precision, "threads": self.threads}

    @property
    def compute(self) -> Any:
        """The same as a `machine.Compute`."""
        from seqlab.machine import Compute

        return Compute(**self.device_options)

    def given(self, kind: type[Settings]) -> dict[str, Any]:
        """What --config, --set and --seed say of a job's settings, as values of their types.

        Raises UsageError for a name that is none of its fields, or a value that is not of the field's type.
        """
        hints = typing.get_type_hints(kind)
        values = {}
        for name, written in self.settings.items():
            today = field_of(kind, name)
            values[today] = _parse(name, written, hints[today])
        return values if self.seed is None else values | {"seed": self.seed}


_PARAMETERS = [
    click.option("-q", "--quiet", is_flag=True, help="Only the result and errors."),
    click.option("--json", "json_", is_flag=True, help="The result as one JSON object."),
    click.option("--seed", type=click.IntRange(0, 2**63 - 1), metavar="INTEGER", envvar="SEQLAB_SEED",
                 help="Seed of everything random."),
    click.option("--device", metavar="auto|cpu|cuda[:N]|mps", envvar="SEQLAB_DEVICE", default="auto"),
    click.option("--threads", type=int, envvar="SEQLAB_THREADS",
                 help="Threads to compute with.  [default: by model size]"),
    click.option("--precision", metavar="auto|fp32|bf16", envvar="SEQLAB_PRECISION", default="auto"),
    click.option("-o", "--output", type=click.Path(path_type=Path), help="Where to write the result."),
    click.option("--set", "set_", multiple=True, metavar="NAME=VALUE", help="Change a setting; may be repeated."),
    click.option("--config", type=click.Path(path_type=Path), is_eager=True, expose_value=False,
                 callback=lambda ctx, _, path: read_config(ctx, path), help="TOML file of defaults for all these."),
    click.option("--checkpoints", type=click.Path(path_type=Path), envvar="SEQLAB_CHECKPOINTS",
                 default=Path("checkpoints"), help="Folder of trained models.  [default: ./checkpoints]"),
    click.option("--offline", is_flag=True, envvar="SEQLAB_OFFLINE", help="Never open a socket."),
]  # fmt: skip


def common_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the common options to a click command, which gets them as its first argument, a `Common`.

    What it does with -o/--output is its own affair; see `redirect.result_options`.
    """

    @functools.wraps(command)
    def wrapped(**given: Any) -> Any:
        settings = _settings(click.get_current_context(), given)
        if given["output"] == Path("-"):
            raise UsageError("-o names a file or a folder, and - is none", "leave it out for standard output")
        offline = given.pop("offline")
        if offline:
            os.environ["SEQLAB_OFFLINE"] = "1"
        os.environ["SEQLAB_CHECKPOINTS"] = str(given["checkpoints"])  # where the library looks, too
        common = Common(
            quiet=given.pop("quiet"),
            json=given.pop("json_"),
            offline=offline,
            settings=settings,
            **{name: given.pop(name) for name in ("seed", "device", "threads", "precision", "output", "checkpoints")},
        )
        if (common.device, common.threads, common.precision) != ("auto", None, "auto"):
            common.compute.resolve(0)  # a wrong value is refused also where nothing is computed
        if "run" not in given and from_command_line(click.get_current_context(), "checkpoints"):
            _check_there(common.checkpoints)
        folder = common.output or common.checkpoints
        if "run" in given and (why := files.unwritable(folder)):
            raise DataError(f"{folder} cannot be written: {why}", "name another folder with -o FOLDER")
        return command(common, **given)

    for add in reversed(_PARAMETERS):
        wrapped = add(wrapped)
    return wrapped


def _check_there(folder: Path) -> None:
    """Raise UsageError for a --checkpoints that is no folder where nothing is trained: what ships with seqlab would be
    taken for what was meant to be in it."""
    if not folder.is_dir():
        raise UsageError(
            f"--checkpoints {folder}: there is no such folder", "check the path; the models that ship need no folder"
        )


def check_writable(path: Path, option: str) -> None:
    """Raise DataError where `path`, the value of an option, is a folder, or is in none that can be written to: before
    anything is computed."""
    why = ""
    if path.is_dir() or not path.parent.is_dir():
        why = "it is a folder" if path.is_dir() else "its folder does not exist"
    elif not os.access(path if path.exists() and not path.is_file() else path.resolve().parent, os.W_OK):
        why = "no permission to write there"
    if why:
        raise DataError(f"{path} cannot be written: {why}", f"name a file with {option} FILE")


def series_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add --column, --kind and --freq: how files are read, as `columns`, `kind` and `freq` of `api.forecast_task`."""

    @functools.wraps(command)
    def wrapped(*args: Any, levels: bool, returns: bool, kind: str | None, **given: Any) -> Any:
        said = {one for one, is_said in (("levels", levels), ("returns", returns), (kind, kind)) if is_said}
        if len(said) > 1:
            flags = " and ".join(f"--kind {one}" if one == kind else f"--{one}" for one in sorted(map(str, said)))
            raise UsageError(f"{flags} exclude each other", "give the one that the columns hold")
        return command(*args, kind=said.pop() if said else "auto", **given)

    for add in (
        click.option(
            "--freq", metavar="FREQ", help="How often there is a row: D, B, W, M, Q, Y, h, 30min; else it is read."
        ),
        click.option("--returns", is_flag=True, help="Short for --kind returns."),
        click.option("--levels", is_flag=True, help="Short for --kind levels."),
        click.option(
            "--kind",
            type=click.Choice(["prices", "levels", "returns", "counts"]),
            help="What the columns hold; else it is read. Of levels differences are forecast; of returns 0.01 is 1 %.",
        ),
        click.option("--column", "columns", multiple=True, metavar="NAME", help="A file's column; may be repeated."),
    ):
        wrapped = add(wrapped)
    return wrapped


def long_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add --id, --time and --target: the columns of a long table, as `id`, `time` and `target` of
    `api.forecast_task`, in one dict `long`."""

    @functools.wraps(command)
    def wrapped(*args: Any, id_: str | None, time: str | None, target: str | None, **given: Any) -> Any:
        return command(*args, long={"id": id_, "time": time, "target": target}, **given)

    for add in (
        click.option("--target", metavar="COLUMN", help="Of a long table, the values.  [default: y]"),
        click.option("--time", metavar="COLUMN", help="Of a long table, the dates.  [default: ds]"),
        click.option("--id", "id_", metavar="COLUMN", help="Of a long table, what names its series: unique_id."),
    ):
        wrapped = add(wrapped)
    return wrapped


def covariate_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add --known, --past and --holidays: what stands beside a series, as `api.forecast_task` takes it, in one dict
    `covariates`."""

    @functools.wraps(command)
    def wrapped(*args: Any, known: tuple[str, ...], past: tuple[str, ...], holidays: str | None, **given: Any) -> Any:
        return command(*args, covariates={"known": known, "past": past, "holidays": holidays}, **given)

    for add in (
        click.option("--holidays", metavar="CODE", help="A country whose holidays are covariates: DE, US, ..."),
        click.option("--past", multiple=True, metavar="COLUMN", help="A covariate known up to now; may be repeated."),
        click.option(
            "--known",
            multiple=True,
            metavar="COLUMN",
            help="A covariate given for the rows ahead too; may be repeated.",
        ),
    ):
        wrapped = add(wrapped)
    return wrapped


def covariate_words(covariates: Mapping[str, Any]) -> list[str]:
    """The words of a command line that name the same covariates again."""
    words = [word for name in ("known", "past") for column in covariates[name] for word in (f"--{name}", column)]
    return words + ([] if covariates["holidays"] is None else ["--holidays", covariates["holidays"]])


def series_words(columns: Sequence[str], kind: str, freq: str | None, long: Mapping[str, str | None] = {}) -> list[str]:
    """The words of a command line that read a file in the same way again."""
    words = [word for column in columns for word in ("--column", column)]
    words += [word for name, column in long.items() if column is not None for word in (f"--{name}", column)]
    words += [] if kind == "auto" else ["--kind", kind]
    return words + ([] if freq is None else ["--freq", freq])


def data_dir_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add --data-dir, as `data_dir` of `api.train_cnn`."""
    return click.option(
        "--data-dir",
        type=click.Path(path_type=Path),
        metavar="FOLDER",
        help="Where the published files lie: nothing is downloaded.",
    )(command)


def _settings(context: click.Context, given: dict[str, Any]) -> dict[str, Any]:
    """The settings of --config under those of --set, in harmony with the options that say the same.

    Values in `given` that a setting goes before become None. Raises UsageError for a --set that says nothing, or
    says what another option says otherwise.
    """
    file = context.meta.get("seqlab.settings", {})
    run = given.get("run", {})  # of a training: see training.run_options
    said = {}
    for assignment in given.pop("set_"):
        name, equals, value = assignment.partition("=")
        if not equals:
            raise UsageError(f"--set {assignment} sets nothing", "write --set NAME=VALUE")
        if not has_settings(context.command):
            raise UsageError(f"--set {name} has no meaning here: nothing is trained", "see --help for the options")
        said[name.strip().replace("-", "_")] = value.strip()
    settings = {**file, **said}
    if "seed" in said and not from_command_line(context, "seed"):
        given["seed"] = None  # --set is an option too: it goes before the environment and the file
    for name in ("epochs", "minutes"):
        if run.get(name) is None or "max_steps" not in settings:
            continue
        if from_command_line(context, name) == ("max_steps" in said):
            raise UsageError(f"max_steps and --{name} both say how long to train", "give one of them")
        if "max_steps" in said:
            run[name] = None
        else:
            del settings["max_steps"]
    context.params.update({"seed": given["seed"], **{name: run[name] for name in ("epochs", "minutes") if run}})
    context.meta["seqlab.settings"] = settings
    return settings


def from_command_line(context: click.Context, name: str) -> bool:
    return context.get_parameter_source(name) is click.core.ParameterSource.COMMANDLINE


def _parse(name: str, written: Any, hint: Any) -> Any:
    """A value of --set or of a TOML file as the field's type: int, float, bool or str, with or without None."""
    choices = [hint]
    if isinstance(hint, types.UnionType) or typing.get_origin(hint) is typing.Union:
        choices = [part for part in typing.get_args(hint) if part is not type(None)]
        if isinstance(written, str) and written.lower() == "none":
            return None
    (kind,) = choices
    try:
        if kind is bool:
            return {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}[str(written).lower()]
        if kind is int and float(written) != int(float(written)):
            raise ValueError
        return int(float(written)) if kind is int else kind(written)
    except (ValueError, KeyError, OverflowError, TypeError) as problem:
        article = {"int": "a whole number", "float": "a number", "bool": "true or false"}.get(
            kind.__name__, kind.__name__
        )
        raise UsageError(f"setting '{name}' is {article}, not '{written}'", f"write --set {name}=VALUE") from problem
