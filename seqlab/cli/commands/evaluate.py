"""seqlab evaluate CHECKPOINT [DATA]"""

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from seqlab.cli.charts import is_page, write_chart, write_page
from seqlab.cli.options import CHARTS, Common, check_writable, data_dir_option, long_options, series_options
from seqlab.cli.output import result, result_json, say
from seqlab.cli.progress import follow
from seqlab.cli.redirect import page_options
from seqlab.errors import UsageError

if TYPE_CHECKING:
    from seqlab.data.series.kinds import Kind


@click.command("evaluate")
@click.argument("checkpoint")
@click.argument("data", required=False)
@click.option("--adapt", is_flag=True, help="A text model goes on learning from what it has read.")
@click.option("--no-cache", is_flag=True, help="Leave the n-gram cache of a text model empty: the net alone.")
@click.option("--writing", is_flag=True, help="Score what a text model writes, beside held-out text.")
@data_dir_option
@click.option(
    "--plot",
    type=click.Path(path_type=Path),
    help="Draw which classes of images are confused, and the worst mistakes (.png, .svg, .pdf).",
)
@series_options
@long_options
@page_options
def command(
    common: Common,
    checkpoint: str,
    data: str | None,
    adapt: bool,
    no_cache: bool,
    writing: bool,
    data_dir: Path | None,
    plot: Path | None,
    columns: tuple[str, ...],
    kind: "Kind",
    freq: str | None,
    long: dict[str, str | None],
) -> None:
    """Measure CHECKPOINT on held-out data: DATA, or the held-out part of what it was trained on. With -o FILE.html
    the figures are written as a report."""
    if plot is not None:
        if plot.suffix.lower() not in CHARTS:
            raise UsageError(f"{plot} has no ending that can be drawn", f"use {', '.join(CHARTS)}")
        check_writable(plot, "--plot")
    from seqlab import api
    from seqlab import checkpoint as checkpoints

    saved = checkpoints.find(checkpoint)
    say(common, f"checkpoint {saved.where}")
    job = saved.config["job"]
    _refuse_others(
        saved,
        {
            "--adapt": ("language", adapt),
            "--no-cache": ("language", no_cache),
            "--writing": ("language", writing),
            "--data-dir": ("vision", data_dir),
            "--plot": ("vision", plot),
        },
    )
    if writing:
        for option in (option for option, given in {"--adapt": adapt, "--no-cache": no_cache}.items() if given):
            raise UsageError(f"{option} has no meaning with --writing", f"leave {option} out")
        _score_writing(common, checkpoint, api.model_of(saved, common.compute), data)
        return
    own: dict[str, dict[str, Any]] = {
        "language": {"adapt": adapt, "cache": not no_cache, "offline": common.offline},
        "forecasting": {"columns": columns, "kind": kind, "freq": freq, **long, "offline": common.offline},
        "vision": {"data_dir": data_dir, "worst": plot is not None, "offline": common.offline},
    }
    model = api.model_of(saved, common.compute)
    found = follow(common, model.evaluate_task(data, **own.get(job, {})))
    if plot is not None:
        from seqlab.plots import confusion

        write_chart(common, found.plot(), plot, confusion.NOTE)
        say(common, f"drawn in {plot}")
    if common.json:
        result_json(found.to_dict())
    else:
        result("\n".join(_lines(job, model, found)))
    if is_page(common.output):
        write_page(common, found.report if job == "forecasting" else lambda path, made: _report(path, found, made))


def _report(path: Path, found: Any, made: str) -> None:
    from seqlab.plots.pages import evaluation, page

    page.write(path, evaluation.page(found.model, found.data, found.metrics, made))


def _report_writing(path: Path, found: Any, made: str) -> None:
    from seqlab.language.scorecard import MEANINGS
    from seqlab.plots.pages import evaluation, page

    rows = [(name, value, found.held_out[name], MEANINGS[name]) for name, value in found.written.items()]
    about = f"{found.samples:,} texts of {found.length:,} characters, and as many pieces of held-out text"
    page.write(path, evaluation.scorecard(found.checkpoint, found.corpus, rows, f"{about}.", made))


def _score_writing(common: Common, checkpoint: str, model: Any, data: str | None) -> None:
    """Print the scorecard of what the text model of a checkpoint writes."""
    from seqlab.cli.reports import text

    found = follow(common, model.scorecard_task(data, seed=common.seed or 0, offline=common.offline))
    if common.json:
        result_json(found.to_dict())
    else:
        result("\n".join(text.scorecard(found)))
    if is_page(common.output):
        write_page(common, lambda path, made: _report_writing(path, found, made))
    again = ["--corpus", checkpoint, "--samples", str(found.samples), "--length", str(found.length)]
    say(common, f"the same texts: {shlex.join(['seqlab', 'generate', *again, '--seed', str(found.seed)])}")


def _refuse_others(saved: Any, options: dict[str, tuple[str, Any]]) -> None:
    """Raise UsageError for an option that is given and is of another job."""
    for option, (job, given) in options.items():
        if given and saved.config["job"] != job:
            raise UsageError(
                f"{option} has no meaning for '{saved.name}': its job is {saved.config['job']}", f"leave {option} out"
            )


def _lines(job: str, model: Any, found: Any) -> list[str]:
    """The result for a person."""
    if job == "language":
        from seqlab.cli.reports import text

        return text.evaluation(found.metrics, len(model.model.vocab))
    if job == "vision":
        from seqlab.cli.reports import images

        return images.figures(found.metrics)
    if job == "tabular":
        from seqlab.cli.reports import tables

        return tables.evaluation(found.metrics)
    from seqlab.cli.reports import forecast_tables

    return [*forecast_tables.backtest_lines(found.backtest), "", found.verdict]
