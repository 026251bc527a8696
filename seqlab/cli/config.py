"""--config FILE.toml: defaults of options and settings, at its top and in a section for each command."""

import tomllib
from pathlib import Path
from typing import Any

import click

from seqlab import files
from seqlab.errors import DataError, UsageError, did_you_mean
from seqlab.settings import RENAMED, Settings, names_of

LARGEST = 1 << 20  # bytes of such a file


def read_config(context: click.Context, path: Path | None) -> None:
    """Names of this command's options become its defaults; all others are settings, as if --set below them.

    Raises UsageError for a name that the command has not, and for a section that no command has.
    """
    if path is None:
        return
    try:
        table = tomllib.loads(files.read(path, LARGEST).decode())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as problem:
        raise DataError(f"{path} is no TOML: {problem}", "write lines like: hidden_size = 512") from problem
    names = {name.replace("-", "_"): value for name, value in _of_command(context, path, table).items()}
    options = {
        flag.lstrip("-").replace("-", "_"): param.name
        for param in context.command.params
        for flag in param.opts
        if isinstance(param, click.Option) and flag.startswith("--")
    }
    settings = {name: value for name, value in names.items() if name not in options}
    known = {*options, *(_settings() if has_settings(context.command) else ())}
    for name in settings:
        if name not in known and context.command.name != "run":  # an experiment knows its knobs
            what = f"no option or setting of `{context.command_path}`"
            raise UsageError(f"{path} has '{name}', which is {what}", did_you_mean(name, known))
    context.default_map = {options[name]: value for name, value in names.items() if name in options}
    context.meta["seqlab.settings"] = settings


def _settings() -> set[str]:
    return {*RENAMED, *(name for kind in Settings.__subclasses__() for name in names_of(kind))}


def has_settings(command: click.Command) -> bool:
    """Whether a command takes --set: a training, resumed or on the spot, has settings, and an experiment of some scale
    its knobs."""
    own = {parameter.name for parameter in command.params}
    return bool(own & {"resume", "refit", "scale"}) or command.name == "structure"


def _of_command(context: click.Context, path: Path, table: dict[str, Any]) -> dict[str, Any]:
    """The names at the top of the file, under those in the section of the command: [train-text], [lab.run]."""
    line = [context]
    while line[0].parent is not None:
        line.insert(0, line[0].parent)
    found: dict[str, Any] = {}
    for here, below in zip(line, [*line[1:], None], strict=True):
        sections = {name: value for name, value in table.items() if isinstance(value, dict)}
        found |= {name: value for name, value in table.items() if name not in sections}
        known = here.command.list_commands(here) if isinstance(here.command, click.Group) else []
        for name in sections:
            if name not in known:
                raise UsageError(
                    f"{path} has a section [{name}], and no command of that name", did_you_mean(name, known)
                )
        table = {} if below is None else sections.get(str(below.info_name), {})
    return found
