"""seqlab lab list | run NAME|all"""

import csv
import io
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from seqlab.cli.layout import SENTENCE, fitted, room
from seqlab.cli.options import CHARTS, Common, check_writable, common_options
from seqlab.cli.output import result, result_json, say
from seqlab.cli.progress import follow
from seqlab.cli.redirect import result_options, result_to_output
from seqlab.errors import DataError, UsageError
from seqlab.files import replacing

if TYPE_CHECKING:
    from seqlab.lab.experiment import Finding, Result


@click.group("lab")
def command() -> None:
    """Run the experiments of the seminar: one claim each, measured on this machine."""


@command.command("list", short_help="Claims, seconds of a seed, knobs that break them.")
@result_options
def list_(common: Common) -> None:
    """The experiments: what they claim, seconds of one seed, and the knobs that break them."""
    from seqlab import lab

    found = [lab.find(name) for name in lab.EXPERIMENTS]
    if common.json:
        result_json(
            {
                "experiments": [
                    {
                        "name": one.name,
                        "claim": one.claim,
                        "source": one.source,
                        "seconds": one.seconds,
                        "seeds": one.seeds,
                        "knobs": {name: [knob.default, *knob.breaks] for name, knob in one.knobs.items()},
                    }
                    for one in found
                ]
            }
        )
        return
    for one in found:
        knobs = "".join(f"; breaks with {name}={value}" for each in one.contrasts() for name, value in each.items())
        result(f"{one.name}: {one.seeds} seeds of {one.seconds:g} s{knobs}")
        result(_wrapped(f"    {one.claim}"))


@command.command(short_help="Run the experiment NAME, or all.")
@click.argument("name")
@click.option("--seeds", type=click.IntRange(1), help="How many seeds, from --seed on.  [default: see lab list]")
@click.option(
    "--scale",
    type=click.Choice(["small", "default", "full"]),
    default="default",
    show_default=True,
    help="Seconds, a minute or two, or a night.",
)
@common_options
def run(common: Common, name: str, seeds: int | None, scale: str) -> int:
    """Run the experiment NAME of `seqlab lab list`, or all. The exit status is 1 if a claim did not hold.

    Each is run again with its cause taken away, where the claim has to fail; with --set KNOB=VALUE of `seqlab lab
    list` that alone is run. -o FILE.html writes a report, of `cells` a page of coloured text; -o FOLDER the report
    with rows (CSV), figures (SVG) and results.json.
    """
    from seqlab import lab
    from seqlab.lab.runner import run_all
    from seqlab.machine import physical_cores

    if name == "all" and common.settings:
        raise UsageError("knobs belong to one experiment", "name it: seqlab lab run NAME --set ...")
    names = lab.EXPERIMENTS if name == "all" else (name,)
    output = common.output
    as_folder = output is not None and (output.is_dir() or not output.suffix)
    as_page = output is not None and not as_folder and output.suffix.lower() == ".html"
    if output is not None and not as_folder and output.suffix.lower() in CHARTS:
        raise UsageError(f"{output} is no place for a result with rows", "-o FOLDER writes the figures, too")
    if as_page and common.json:
        raise UsageError("--json and a page with -o FILE.html exclude each other", "write both with -o FOLDER")
    done: list[Result] = []
    task = run_all(
        names,
        common.seed or 0,
        seeds=seeds,
        scale=scale,
        knobs=common.settings,
        workers=common.threads or physical_cores(),
        keep=done.append,
    )
    if output is not None:
        _check(output, as_folder)
    try:
        follow(common, task)
    finally:  # also what there is when somebody has stopped it
        stopped = len(done) < len(names)
        if stopped and len(names) > 1:
            say(common, f"stopped after {len(done)} of {len(names)}")
        if done and output is not None and as_page:
            _write_text(output, _page(done, stopped))
            say(common, f"written to {output}")
        elif done and output is not None and as_folder:
            _write(done, output, stopped)
            say(common, f"written to {output}: open {output / 'report.html'}")
    if common.json or not as_page:
        with result_to_output(common, to_file=not (as_page or as_folder)):
            _print(common, done, is_all=name == "all")
    return 0 if all(one.holds for one in done) else 1


def _check(output: Path, as_folder: bool) -> None:
    if not as_folder:
        check_writable(output, "-o")
        return
    try:
        output.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=output).close()  # before minutes are spent on what cannot be written
    except OSError as problem:
        raise DataError(f"{output} cannot be written: {problem.strerror}", "name a folder with -o FOLDER") from problem


def _page(results: Sequence["Result"], stopped: bool) -> str:
    from seqlab.lab.report import page

    return results[0].page if len(results) == 1 and results[0].page else page(results, stopped)


def _write(results: Sequence["Result"], folder: Path, stopped: bool) -> None:
    import json

    from seqlab.lab.report import page

    _write_text(folder / "report.html", page(results, stopped))
    written = {"schema": 1, "results": [one.to_dict() for one in results]}
    _write_text(folder / "results.json", json.dumps(written, allow_nan=False))
    for one in results:
        if not one.rows:
            continue
        columns = list(dict.fromkeys(name for row in one.rows for name in row))
        text = io.StringIO()
        table = csv.DictWriter(text, columns, lineterminator="\n")
        table.writeheader()
        table.writerows(one.rows)
        _write_text(folder / f"{one.name}.csv", text.getvalue())
        one.plot(folder / f"{one.name}.svg")
        if one.page:
            _write_text(folder / f"{one.name}.html", one.page)


def _write_text(path: Path, text: str) -> None:
    with replacing(path) as new:
        new.write_text(text, encoding="utf-8")


def _print(common: Common, results: Sequence["Result"], is_all: bool) -> None:
    if common.json:
        written = [one.to_dict() for one in results]
        result_json({"results": written} if is_all else written[0])
        return
    for number, one in enumerate(results):
        result("\n" * (number > 0) + _wrapped(f"{one.name}: {one.experiment.claim}"))
        result(_wrapped(f"after {one.experiment.source}"))
        if one.seeds > 1:
            result(f"{one.seeds} seeds: the mean, in parentheses where it lies with 95 % confidence")
        result("")
        for finding in one.findings:
            result(_line(finding))
        for contrast in one.contrasts:
            result(f"\nwith {contrast.setting} the claim {contrast.word}:")
            for finding in contrast.telling or contrast.findings:
                result(_line(finding))
        result(f"\n{one.verdict}" + (f"\n{_wrapped(one.experiment.note)}" if one.experiment.note else ""))


def _line(finding: "Finding") -> str:
    spread = f" ({finding.low:.4g} to {finding.high:.4g})" if finding.low != finding.high else ""
    word = finding.word if finding.holds else finding.word.upper()
    return _wrapped(f"  {word:9}  {finding.text}: {finding.mean:.4g}{spread}, asked {finding.bound}", 13)


def _wrapped(text: str, hang: int | None = None) -> str:
    """Text in lines as wide as the terminal, or as a sentence may be."""
    return fitted(text, min(room() or SENTENCE, SENTENCE), hang)
