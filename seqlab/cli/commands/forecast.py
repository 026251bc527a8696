"""seqlab forecast TICKER|FILE.csv ..."""

import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from seqlab.cli.forecast_answers import answers as answers_of
from seqlab.cli.options import CHARTS, Common, common_options, from_command_line, series_options
from seqlab.cli.output import Bar, result, result_json, say
from seqlab.cli.reports.forecast_tables import as_json, lines, write_backtest, write_table
from seqlab.errors import DataError, UsageError

if TYPE_CHECKING:
    from seqlab.data.series.files import Kind
    from seqlab.data.series.series import Series
    from seqlab.forecasting import Forecast


@click.command("forecast")
@click.argument("names", nargs=-1, required=True, metavar="TICKER|FILE.csv...")
@click.option("--horizon", type=click.IntRange(1, 60), default=20, show_default=True, help="Days, or rows, ahead.")
@click.option("--as-of", metavar="DATE", help="Forecast from a day in the past, as if it were today.")
@click.option(
    "--origins", type=click.IntRange(1), default=250, show_default=True, help="Days of the backtest, at most."
)
@click.option("--stride", type=click.IntRange(1), default=1, show_default=True, help="Days between them.")
@click.option(
    "--backtest",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help=f"Write every backtest forecast (.csv), or draw how good they were ({', '.join(CHARTS)}).",
)
@click.option(
    "--baselines",
    type=click.Choice(["cheap", "all"]),
    default="cheap",
    show_default=True,
    help="Forecasts to compare with; all adds GARCH and GJR.",
)
@series_options
@click.option("--model", default="quotes", show_default=True, help="A forecaster's checkpoint.")
@click.option("--refit", is_flag=True, help="Adapt the model to these series first.")
@common_options
def command(
    common: Common,
    names: tuple[str, ...],
    horizon: int,
    as_of: str | None,
    origins: int,
    stride: int,
    backtest: Path | None,
    baselines: str,
    columns: tuple[str, ...],
    kind: "Kind",
    model: str,
    refit: bool,
) -> None:
    """Forecast quotes, or any series in a CSV file (- reads one from standard input), as distributions.

    Daily prices are forecast with a model that is there; for any other series one is trained on the spot, in seconds.
    Every forecast comes with a backtest on days that the model has not seen, beside a random walk. On a terminal it is
    drawn too. With -o FILE the forecast is written as a chart (.png, .svg, .pdf) or a table (.csv). No investment
    advice.
    """
    from seqlab.data.series.quotes import load_many
    from seqlab.data.series.series import moment_of

    for written in (common.output, backtest):
        if written and written.suffix.lower() not in (*CHARTS, ".csv"):
            raise UsageError(f"{written} has no ending that can be written", f"use .csv or {', '.join(CHARTS)}")
    _refuse_to_replace(names, common.output, backtest)
    bar, loaded = Bar(common), []
    bar.show(", ".join(names))
    # before the checkpoint, so that a wrong name is reported at once
    for whole in load_many(names, columns=columns, kind=kind, offline=common.offline):
        series = whole
        if as_of is not None:
            series = whole.until(as_of)
        bar.clear()
        say_series(common, series)
        if as_of is not None and moment_of(as_of) > whole.dates[-1].astype(moment_of(as_of).dtype):
            say(common, f"{series.name}: --as-of {as_of} is later than its last price, of {whole.dates[-1]}")
        loaded.append(series)
        bar.show(f"{', '.join(names)} (after {series.name})")
    bar.clear()

    from seqlab.scoring.backtest import steps

    answers = answers_of(
        common, bar, loaded, model, refit, horizon=horizon, origins=origins, stride=stride, garch=baselines == "all"
    )
    forecasts = [answer.forecast for answer in answers]
    if len(forecasts) > 1:
        say(common, "series that are forecast together are each other's market: alone each would differ a little")
    for one, using, *_ in answers:
        count = len(one.backtest.origins)
        if one.backtest.hindsight is not None:
            say(
                common,
                f"{one.series.name}: hindsight, not a forecast: it ends on {one.series.dates[-1]}, and the model "
                f"learned from days up to {using.learned_to}",
            )
        elif count < origins:
            say(
                common,
                f"{one.series.name}: {steps(count, f'past {one.backtest.step}')} to test on, not {origins}: "
                "more would lie before the model's cut",
            )
    if backtest is not None:
        if backtest.suffix.lower() == ".csv":
            write_backtest(backtest, forecasts)
        else:
            _draw_backtest(backtest, forecasts)
        say(common, f"backtest written to {backtest}")
        if len(names) == 1 and not columns and not any(answer.on_the_spot for answer in answers):
            say(common, f"its scores: {shlex.join(['seqlab', 'evaluate', model, names[0]])}")
    if common.output is not None:
        if common.output.suffix.lower() == ".csv":
            write_table(common.output, forecasts)
            purpose, ending = "draw it", ".png"
        else:
            from seqlab.plots.fan_chart import draw

            draw(forecasts, common.output)
            purpose, ending = "its numbers", ".csv"
        other = common.output.with_suffix(ending)
        if _is_one_of(other, names):
            other = other.with_stem(f"{other.stem}-forecast")
        given = {"--as-of": as_of, "--model": model if model != "quotes" else None}
        options = [word for flag, value in given.items() if value is not None for word in (flag, value)]
        options += [word for column in columns for word in ("--column", column)]
        options += [f"--{kind}"] if kind != "auto" else []
        options += ["--refit"] if refit else []
        options += ["--offline"] if from_command_line(click.get_current_context(), "offline") else []
        again = shlex.join(["seqlab", "forecast", *names, "--horizon", str(horizon), *options, "-o", str(other)])
        say(common, f"written to {common.output}\n{purpose}: {again}")
    if common.json:
        result_json({"forecasts": [as_json(answer, horizon) for answer in answers]})
    elif common.output is None or not common.quiet:
        for one in forecasts:
            result("\n".join(lines(one)))


def _is_one_of(path: Path, names: Sequence[str]) -> bool:
    return any(path.resolve() == Path(name).resolve() for name in names if name != "-")


def _refuse_to_replace(names: Sequence[str], output: Path | None, backtest: Path | None) -> None:
    """Raises UsageError where what is written would replace what is read, or each other."""
    for written in (output, backtest):
        if written is not None and _is_one_of(written, names):
            raise UsageError(f"{written} is read here: it would be replaced", "name another file to write")
    if output is not None and backtest is not None and output.resolve() == backtest.resolve():
        raise UsageError(f"-o and --backtest both name {output}", "name two files")


def say_series(common: Common, series: "Series") -> None:
    """Where a series came from, to which day, and what was repaired in it or is odd."""
    from seqlab.data.series.calendar import spacing

    end = str(series.dates[-1])
    to = "" if end in series.origin else f" to {end}"
    rows = "days" if spacing(series.dates).unit == "day" else "rows"
    say(common, f"{series.name}: {len(series.dates):,} {rows}{to}, {series.origin}")
    for note in series.notes:
        say(common, f"{series.name}: {note}")


def _draw_backtest(path: Path, forecasts: Sequence["Forecast"]) -> None:
    """One chart, of all series pooled. Raises DataError where there is nothing to draw."""
    from seqlab.plots.backtest_chart import draw
    from seqlab.scoring.backtest import pool

    tested = [one for one in forecasts if len(one.backtest.origins)]
    if not tested:
        raise DataError(
            f"{path} cannot be drawn: no forecast can be scored, for no day after the model's cut has an outcome",
            "leave out --backtest, or forecast a series that goes on after the cut for longer than --horizon",
        )
    draw(pool([one.backtest for one in tested]), [one.series.name for one in tested], path)
