"""seqlab structure FILE.csv|TICKER ..."""

import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from seqlab.cli.charts import write_chart
from seqlab.cli.options import (
    CHARTS,
    Common,
    check_writable,
    common_options,
    from_command_line,
    series_options,
    series_words,
)
from seqlab.cli.output import result, result_json, say
from seqlab.cli.progress import follow
from seqlab.errors import UsageError
from seqlab.files import replacing
from seqlab.settings import StructureSettings, described

if TYPE_CHECKING:
    from seqlab.data.series.kinds import Kind
    from seqlab.unsupervised.structure import Structure


@click.command("structure", epilog=described(StructureSettings))
@click.argument("names", nargs=-1, required=True, metavar="FILE.csv|TICKER...")
@series_options
@click.option("--top", type=click.IntRange(1), default=10, show_default=True, help="How many unusual rows to list.")
@common_options
def command(
    common: Common, names: tuple[str, ...], columns: tuple[str, ...], kind: "Kind", freq: str | None, top: int
) -> None:
    """What unlabeled data is made of: a map of it, and its most unusual rows or days.

    An autoencoder encodes each row of a table, or each day of several series with the days before it, as a code of two
    numbers. Rows that it cannot reconstruct from the code are unlike the rest. Principal components do the same beside
    it. With -o FILE the map is drawn (.png, .svg, .pdf) or the codes and errors of all rows are written (.csv). Rows
    count from 1 below the head.

    One file is a table; tickers, several files, and one with --column are series, joined by their dates, and files are
    read as `seqlab forecast` reads them.
    """
    if common.output is not None:
        if common.output.suffix.lower() not in (*CHARTS, ".csv"):
            raise UsageError(f"{common.output} has no ending that can be written", f"use .csv or {', '.join(CHARTS)}")
        check_writable(common.output, "-o")
        if _is_one_of(common.output, names):
            raise UsageError(f"{common.output} is read here: it would be replaced", "name another file to write")
    from seqlab import api
    from seqlab.cli.reports.structure import lines

    given = {**common.given(StructureSettings), **common.device_options}
    found = follow(
        common, api.structure_task(names, columns=columns, kind=kind, freq=freq, offline=common.offline, **given)
    )
    if common.output is not None:
        purpose, other = _write(common, common.output, found, top)
        if _is_one_of(other, names):
            other = other.with_stem(f"{other.stem}-structure")
        read = series_words(columns, kind, freq)
        again = shlex.join(["seqlab", "structure", *names, *read, *_options(common, top), "-o", str(other)])
        say(common, f"written to {common.output}\n{purpose}: {again}")
    if common.json:
        result_json(found.to_dict(top))
    elif common.output is None or not common.quiet:
        result("\n".join(lines(found, top)))


def _is_one_of(path: Path, names: Sequence[str]) -> bool:
    return any(path.resolve() == Path(name).resolve() for name in names)


def _options(common: Common, top: int) -> list[str]:
    """Those of this call that its result depends on, to be given again: the same codes are found only with them."""
    context = click.get_current_context()
    options = ["--top", str(top)] if from_command_line(context, "top") else []
    options += [] if common.seed is None else ["--seed", str(common.seed)]
    options += [word for name, value in common.settings.items() for word in ("--set", f"{name}={value}")]
    return options + (["--offline"] if from_command_line(context, "offline") else [])


def _write(common: Common, path: Path, found: "Structure", top: int) -> tuple[str, Path]:
    """Write the map, or the numbers of all rows: what the other one is for, and a file to write it to."""
    if path.suffix.lower() != ".csv":
        write_chart(common, found.plot(top), path)
        return "its numbers", path.with_suffix(".csv")
    frame = found.to_frame()
    frame[found.kind] = [str(place) for place in found.places]
    with replacing(path) as new:
        frame.to_csv(new, index=False, float_format="%.6g", lineterminator="\n")
    return "draw it", path.with_suffix(".png")
