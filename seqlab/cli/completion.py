"""What a shell offers for the word that is being written: names that are known without torch or pandas.

Click finds the option or argument the word belongs to; here is what stands there. Nothing is ever an error: where a
folder, a store or a file cannot be read, it has no names.
"""

import csv
import json
import os
import shlex
import sqlite3
from collections.abc import Callable, Iterable
from contextlib import closing
from pathlib import Path
from typing import Any

import click
from click.shell_completion import BashComplete, CompletionItem, split_arg_string

from seqlab import files, settings
from seqlab.data.fetch import cache, downloads
from seqlab.data.text.published import PUBLISHED
from seqlab.lab.names import EXPERIMENTS

TABLES = (".csv", ".tsv", ".txt", ".parquet", ".xlsx", ".gz", ".zip")
IMAGE_SETS = tuple(name for name in downloads.data_sets() if name not in PUBLISHED)
MODELS = (
    *("fast", "lenet5", "alexnet", "vgg11", "vgg13", "vgg16", "vgg19", "googlenet", "resnet20", "resnet32", "resnet44"),
    *("resnet56", "resnet110", "plain20", "plain56", "alexnet-224", "vgg11-224", "vgg13-224", "vgg16-224", "vgg19-224"),
    *("googlenet-224", "resnet18", "resnet34", "resnet50", "resnet101", "resnet152"),
)  # those of vision.zoo, which brings torch
SETTINGS: dict[str, type[settings.Settings]] = {
    "train-text": settings.LanguageSettings,
    "train-forecaster": settings.ForecastSettings,
    "forecast": settings.ForecastSettings,
    "train-cnn": settings.VisionSettings,
    "train-mlp": settings.TableSettings,
    "structure": settings.StructureSettings,
}
JOBS = {"train-text": "language", "train-forecaster": "forecasting", "forecast": "forecasting"}
LONGEST_HEADER = 1 << 16  # characters

Names = Callable[[click.Context, str], Iterable[str]]


def offer_values(command: click.Command) -> None:
    """Have click offer names for the options and arguments of a command, beside what it knows by their types."""
    for parameter in command.params:
        names = VALUES.get(max(parameter.opts, key=len))
        if names is not None:
            parameter.shell_complete = _Offer(names, parameter)  # type: ignore[method-assign, assignment]


class _Offer:
    """The names that begin with the word written so far, and files too where they can stand there."""

    def __init__(self, names: Names, parameter: click.Parameter) -> None:
        self.names, self.parameter = names, parameter

    def __call__(self, context: click.Context, written: str) -> list[CompletionItem]:
        try:
            found = [CompletionItem(name) for name in self.names(context, written) if name.startswith(written)]
        except (OSError, ValueError, sqlite3.Error):
            found = []
        may_be_a_file = isinstance(self.parameter, click.Argument) and self.parameter.name not in ("name", "checkpoint")
        return [*([CompletionItem(written, type="file")] if may_be_a_file else []), *found]


def _series(_: click.Context, written: str) -> Iterable[str]:
    """Tickers, of the quotes that ship and of those fetched, and files beside them."""
    with (files.shipped("data") / "quotes" / "close.csv").open(encoding="utf-8") as file:
        tickers = set(file.readline().strip().split(",")[1:])
    store = cache.cache_folder() / "quotes.sqlite"
    if store.is_file():
        with closing(sqlite3.connect(f"{store.absolute().as_uri()}?mode=ro", uri=True, timeout=0.1)) as database:
            tickers |= {ticker for (ticker,) in database.execute("SELECT ticker FROM fetched")}
    return [*sorted(tickers), *_tables(written)]


def _tables(written: str) -> list[str]:
    folder, begin = os.path.split(written)
    found = [path.name for path in Path(folder or ".").iterdir() if path.name.startswith(begin)]
    return sorted(written[: len(written) - len(begin)] + name for name in found if name.endswith(TABLES))


def _checkpoints(context: click.Context, _: str, job: str | None = None) -> Iterable[str]:
    here = context.params.get("checkpoints") or os.environ.get("SEQLAB_CHECKPOINTS") or "checkpoints"
    found = {}
    for folder in (files.shipped("checkpoints"), Path(here)):
        for config in folder.glob("*/config.json"):
            found[config.parent.name] = config
    return sorted(name for name, config in found.items() if job in (None, _job(config)))


def _measured_or_applied(context: click.Context, written: str) -> Iterable[str]:
    """Checkpoints; of `predict` those that say something about files."""
    if context.info_name != "predict":
        return _checkpoints(context, written)
    return sorted([*_checkpoints(context, written, "vision"), *_checkpoints(context, written, "tabular")])


def _job(config: Path) -> str | None:
    try:
        return str(json.loads(config.read_text(encoding="utf-8"))["job"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _texts(context: click.Context, written: str) -> Iterable[str]:
    return _checkpoints(context, written, "language")


def _of_the_same_job(context: click.Context, written: str) -> Iterable[str]:
    return _checkpoints(context, written, JOBS[str(context.info_name)])


def _models(context: click.Context, written: str) -> Iterable[str]:
    return MODELS if context.info_name == "train-cnn" else _of_the_same_job(context, written)


def _names(context: click.Context, _: str) -> Iterable[str]:
    """Of `lab run` and `data fetch`."""
    return (*EXPERIMENTS, "all") if context.info_name == "run" else downloads.data_sets()


def _data(*_: Any) -> Iterable[str]:
    """What `evaluate` measures on by name."""
    return (*IMAGE_SETS, *PUBLISHED)


def _columns(context: click.Context, _: str) -> Iterable[str]:
    """The header of the files that the line names already."""
    words = list(context.args)  # what click had no place for, as an option behind it has no value yet
    for name in ("names", "file", "data"):
        value = context.params.get(name) or ()
        words += value if isinstance(value, tuple) else (value,)
    found: dict[str, None] = {}
    for path in (path for path in map(Path, words) if path.is_file()):
        with path.open(encoding="utf-8-sig", errors="replace", newline="") as file:
            header = file.readline(LONGEST_HEADER)
        separator = max(",;\t|", key=header.count)
        found |= dict.fromkeys(cell.strip() for cell in next(csv.reader([header], delimiter=separator), []))
    return [name for name in found if name]


def _settings(context: click.Context, _: str) -> Iterable[str]:
    kind = SETTINGS.get(str(context.info_name))
    return [f"{name}=" for name in settings.names_of(kind)] if kind else []


VALUES: dict[str, Names] = {
    **dict.fromkeys(("--column", "--target", "--id", "--time", "--known", "--past", "--groups"), _columns),
    "--set": _settings,
    "--device": lambda *_: ("auto", "cpu", "cuda", "mps"),
    "--precision": lambda *_: ("auto", "fp32", "bf16"),
    "--corpus": _texts,
    "--from": _of_the_same_job,
    "--model": _models,
    "checkpoint": _measured_or_applied,
    "corpus": lambda *_: PUBLISHED,
    "data": _data,
    "dataset": lambda *_: IMAGE_SETS,
    "name": _names,
    "names": _series,
}  # by the longest name of the option or argument


class Bash(BashComplete):
    """Click's, for words with blanks and with `=`, which bash breaks at."""

    source_template = """\
%(complete_func)s() {
    local IFS=$'\\n' response type value completion
    response=$(env COMP_WORDS="${COMP_LINE:0:COMP_POINT}" COMP_CWORD=0 %(complete_var)s=bash_complete $1)
    for completion in $response; do
        IFS=',' read -r type value <<< "$completion"
        case $type in
            dir) compopt -o dirnames ;;
            file) compopt -o default ;;
            plain) COMPREPLY+=("$value"); [[ $value == *= ]] && compopt -o nospace ;;
        esac
    done
    return 0
}

complete -o nosort -F %(complete_func)s %(prog_name)s
"""

    def get_completion_args(self) -> tuple[list[str], str]:
        line = os.environ["COMP_WORDS"]
        words = split_arg_string(line)
        incomplete = words.pop() if words and not line[-1].isspace() else ""
        return words[1:], incomplete

    def format_completion(self, item: CompletionItem) -> str:
        return f"{item.type},{shlex.quote(item.value) if item.type == 'plain' else item.value}"
