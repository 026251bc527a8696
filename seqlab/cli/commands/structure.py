"""seqlab structure FILE.csv|TICKER ..."""

import csv
import shlex
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from seqlab.cli.options import CHARTS, Common, check_writable, common_options, from_command_line, series_options
from seqlab.cli.output import Bar, result, result_json, say
from seqlab.data.tables.unpack import is_file_name
from seqlab.errors import UsageError

if TYPE_CHECKING:
    import numpy as np

    from seqlab.data.series.files import Kind
    from seqlab.training import Progress
    from seqlab.unsupervised import Structure, View


@dataclass(frozen=True)
class Answer:
    """What was found of a table or of series, and how its rows are called.

    kind: `row` or `date`; places: the name of each; columns: the names of what was encoded; sizes: the mean absolute
    return of each day, None of a table.
    """

    name: str
    kind: str
    places: "range | np.ndarray"
    columns: Sequence[str]
    found: "Structure"
    sizes: "np.ndarray | None" = None


@click.command("structure")
@click.argument("names", nargs=-1, required=True, metavar="FILE.csv|TICKER...")
@series_options
@click.option("--top", type=click.IntRange(1), default=10, show_default=True, help="How many unusual rows to tell.")
@common_options
def command(common: Common, names: tuple[str, ...], columns: tuple[str, ...], kind: "Kind", top: int) -> None:
    """What unlabeled data is made of: a map of it, and its most unusual rows or days.

    An autoencoder tells each row of a table, or each day of several series with the days before it, by a code of two
    numbers. What comes back badly from the code is unlike the rest. Principal components do the same beside it. With -o
    FILE the map is drawn (.png, .svg, .pdf) or the codes and errors of all rows are written (.csv). Rows count from 1
    below the head.

    One file is a table; tickers, several files, and one with --column are series, joined by their dates, and files are
    read as `seqlab forecast` reads them.
    """
    if common.output is not None:
        if common.output.suffix.lower() not in (*CHARTS, ".csv"):
            raise UsageError(f"{common.output} has no ending that can be written", f"use .csv or {', '.join(CHARTS)}")
        check_writable(common.output, "-o")
    files = [Path(name) for name in names if _is_table(name)]
    for path in files:
        if common.output is not None and common.output.resolve() == path.resolve():
            raise UsageError(f"{path} is read here: it would be replaced", "name another file to write")
    if len(names) == len(files) == 1 and not columns and kind == "auto":
        answer = _of_table(common, files[0])
    else:
        unique = dict.fromkeys(name if _is_table(name) else name.upper() for name in names)
        answer = _of_series(common, list(unique), columns, kind)
    if common.output is not None:
        if common.output.suffix.lower() == ".csv":
            _write(common.output, answer)
            purpose, ending = "draw it", ".png"
        else:
            from seqlab.plots.structure_map import draw

            draw(
                answer.name,
                answer.found.autoencoder,
                answer.found.pca,
                [str(place) for place in answer.places],
                top,
                common.output,
            )
            purpose, ending = "its numbers", ".csv"
        other = common.output.with_suffix(ending)
        if other.resolve() in [path.resolve() for path in files]:
            other = other.with_stem(f"{other.stem}-structure")
        read = [word for column in columns for word in ("--column", column)] + ([] if kind == "auto" else [f"--{kind}"])
        again = shlex.join(["seqlab", "structure", *names, *read, *_options(common, top), "-o", str(other)])
        say(common, f"written to {common.output}\n{purpose}: {again}")
    if common.json:
        result_json(_as_json(answer, top))
    elif common.output is None or not common.quiet:
        result("\n".join(_lines(answer, top)))


def _options(common: Common, top: int) -> list[str]:
    """Those of this call that its result depends on, to be given again: the same codes are found only with them."""
    context = click.get_current_context()
    options = ["--top", str(top)] if from_command_line(context, "top") else []
    options += [] if common.seed is None else ["--seed", str(common.seed)]
    options += [word for name, value in common.settings.items() for word in ("--set", f"{name}={value}")]
    return options + (["--offline"] if from_command_line(context, "offline") else [])


def _is_table(name: str) -> bool:
    if name == "-":
        raise UsageError("structure reads no standard input", "name files, or tickers like AAPL MSFT")
    return is_file_name(name)


def _of_table(common: Common, path: Path) -> Answer:
    from seqlab.data.tables.encoder import fit_encoder
    from seqlab.data.tables.reader import read_table
    from seqlab.unsupervised import StructureSettings, structure_of_rows

    settings = common.resolve(StructureSettings)
    table = read_table(path)
    encoder, notes = fit_encoder(table.frame)
    for note in (*table.notes, *notes):
        say(common, f"{table.name}: {note}")
    running = structure_of_rows(encoder.encode(table.frame), settings, compute=common.compute())
    found = _run(common, running, table.name)
    return Answer(table.name, "row", range(1, len(table.frame) + 1), encoder.features, found)


def _of_series(common: Common, names: Sequence[str], columns: Sequence[str], kind: "Kind") -> Answer:
    from seqlab.data.series.quotes import load_many
    from seqlab.unsupervised import DAYS, StructureSettings, join, structure_of_days

    settings = common.resolve(StructureSettings, **DAYS)
    series = list(load_many(names, columns=columns, kind=kind, offline=common.offline))
    said: dict[str, list[str]] = {}  # what is true of many is said once
    for one in series:
        for text in (f"{len(one):,} days, {one.origin}", *one.notes):
            said.setdefault(text, []).append(one.name)
    for text, named in said.items():
        say(common, f"{', '.join(named)}: {text}")
    returns = join(series)
    for note in returns.notes:
        say(common, note)
    lead = settings.window - 1
    first, last = returns.dates[0], returns.dates[-1]
    say(common, f"joined: {len(returns.dates):,} days of {len(series)} series, {first} to {last}; {lead} lead in")
    running = structure_of_days(returns, settings, compute=common.compute())
    found = _run(common, running, f"{len(series)} series")
    name = ", ".join(one.name for one in series)
    return Answer(name, "date", returns.dates[lead:], returns.names, found, returns.sizes()[lead:])


def _run(common: Common, running: "Generator[Progress, None, Structure]", name: str) -> "Structure":
    bar = Bar(common)
    try:
        while True:
            progress = next(running)
            bar.show(f"learning from {name}", progress.step, progress.max_steps)
    except StopIteration as end:
        return end.value
    finally:
        bar.clear()


def _place(answer: Answer, row: int) -> int | str:
    place = answer.places[row]
    return place if answer.kind == "row" else str(place)


def _described(answer: Answer, view: "View", row: int) -> dict[str, Any]:
    return {
        answer.kind: _place(answer, row),
        "error": float(view.errors[row]),
        "worst": answer.columns[view.worst[row]],
        "code": [float(number) for number in view.codes[row]],
    }


def _largest(sizes: "np.ndarray", top: int) -> list[int]:
    return (-sizes).argsort(kind="stable")[:top].tolist()


def _as_json(answer: Answer, top: int) -> dict[str, Any]:
    net, pca = answer.found.autoencoder, answer.found.pca
    value: dict[str, Any] = {
        "rows": len(net.codes),
        "columns": len(answer.columns),
        "code_size": net.codes.shape[1],
        "explained": {"autoencoder": net.explained, "pca": pca.explained},
        "unusual": [_described(answer, net, row) for row in net.unusual(top)],
        "pca_unusual": [_described(answer, pca, row) for row in pca.unusual(top)],
    }
    if answer.sizes is not None:
        value["largest_moves"] = [
            {"date": _place(answer, row), "move": float(answer.sizes[row])} for row in _largest(answer.sizes, top)
        ]
    return value


def _lines(answer: Answer, top: int) -> list[str]:
    """The result for a person: what the code holds, and the most unusual beside what else picks them."""
    net, pca = answer.found.autoencoder, answer.found.pca
    what = "rows" if answer.kind == "row" else "days"
    size = net.codes.shape[1]
    columns = f"{len(answer.columns):,} {'encoded columns' if answer.sizes is None else 'series'}"
    lines = [
        f"{len(net.codes):,} {what} of {columns}, each as a code of {size} {'number' if size == 1 else 'numbers'}",
        f"variance explained on {what} not learned from: autoencoder {net.explained:.1%}, PCA {pca.explained:.1%}",
        *([] if net.explained > pca.explained else ["here the net found no more than lies in a plane: look at PCA"]),
        "",
        f"the most unusual {what}",
    ]
    width = max(len(str(answer.kind)), max(len(str(_place(answer, row))) for row in net.unusual(top)))
    moves = "" if answer.sizes is None else f"{'mean |log return|':>19}"
    lines.append(f"{answer.kind:>{width}}{'error':>10}{moves}  {'code':{9 * size}}  mostly")
    for row in net.unusual(top):
        code = "".join(f"{number:9.2f}" for number in net.codes[row])
        move = "" if answer.sizes is None else f"{answer.sizes[row]:19.4f}"
        worst = " ".join(answer.columns[net.worst[row]].split())
        lines.append(f"{_place(answer, row):>{width}}{net.errors[row]:10.3g}{move}  {code}  {worst}")
    picked = ", ".join(str(_place(answer, row)) for row in pca.unusual(top))
    lines += ["", f"by PCA: {picked}"]
    if answer.sizes is not None:
        largest = _largest(answer.sizes, top)
        lines.append(f"by mean |log return|: {', '.join(str(_place(answer, row)) for row in largest)}")
        shared = [len({*largest} & {*view.unusual(top).tolist()}) for view in (net, pca)]
        lines.append(f"of these {len(largest)} the autoencoder has {shared[0]}, PCA {shared[1]}")
    return lines


def _write(path: Path, answer: Answer) -> None:
    """Codes and errors of all rows as CSV, the autoencoder's and PCA's."""
    net, pca = answer.found.autoencoder, answer.found.pca
    numbers = range(1, net.codes.shape[1] + 1)
    head = [answer.kind, "error", *(f"code_{k}" for k in numbers), "pca_error", *(f"pca_{k}" for k in numbers)]
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(head + (["mean_abs_return"] if answer.sizes is not None else []))
        for row in range(len(net.codes)):
            said = [_place(answer, row)]
            for view in (net, pca):
                said += [f"{number:.6g}" for number in (view.errors[row], *view.codes[row])]
            writer.writerow(said + ([f"{answer.sizes[row]:.6g}"] if answer.sizes is not None else []))
