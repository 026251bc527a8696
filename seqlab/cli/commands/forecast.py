"""seqlab forecast TICKER|FILE.csv ..."""

import shlex
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from seqlab.cli.charts import PAGE, is_page, write_chart, write_page
from seqlab.cli.options import (
    CHARTS,
    Common,
    check_writable,
    common_options,
    covariate_options,
    covariate_words,
    from_command_line,
    long_options,
    series_options,
    series_words,
)
from seqlab.cli.output import result, result_json, say
from seqlab.cli.progress import follow
from seqlab.cli.reports.forecast_tables import PARQUET, all_lines, require_parquet, write_backtest, write_table
from seqlab.errors import UsageError
from seqlab.settings import ForecastSettings, described

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from seqlab.data.series.kinds import Kind
    from seqlab.forecasting.results import Forecasts

TABLES = (".csv", PARQUET)


@click.command("forecast", epilog=described(ForecastSettings))
@click.argument("names", nargs=-1, required=True, metavar="TICKER|FILE.csv...")
@click.option("--horizon", type=click.IntRange(1, 720), default=20, show_default=True, help="Days, or rows, ahead.")
@click.option("--as-of", metavar="DATE", help="Forecast from a day in the past, as if it were today.")
@click.option(
    "--origins",
    type=click.IntRange(1),
    help="Days of the backtest, at most.  [default: 250; of quotes 5,000; of more than 16 series fewer]",
)
@click.option("--stride", type=click.IntRange(1), default=1, show_default=True, help="Days between them.")
@click.option(
    "--backtest",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help=f"Write every backtest forecast (.csv, .parquet), or draw how good they were ({', '.join(CHARTS)}).",
)
@click.option(
    "--baselines",
    type=click.Choice(["cheap", "all"]),
    default="cheap",
    show_default=True,
    help="Forecasts to compare with; all adds GARCH and GJR to prices, AutoETS and Theta to others.",
)
@series_options
@long_options
@covariate_options
@click.option(
    "--quantiles",
    metavar="LEVELS",
    help="Those written with -o and --json, as 0.05,0.5,0.99.  [default: 5, 10, 20, 25, 30, ... 75, 80, 90, 95 %]",
)
@click.option(
    "--model",
    default="quotes",
    show_default=True,
    help="A forecaster's checkpoint; of those that ship, quotes is linear and lstm recurrent.",
)
@click.option("--refit", is_flag=True, help="Adapt the model to these series first.")
@common_options
def command(
    common: Common,
    names: tuple[str, ...],
    horizon: int,
    as_of: str | None,
    origins: int | None,
    stride: int,
    backtest: Path | None,
    baselines: str,
    columns: tuple[str, ...],
    kind: "Kind",
    freq: str | None,
    long: dict[str, Any],
    covariates: dict[str, Any],
    quantiles: str | None,
    model: str,
    refit: bool,
) -> None:
    """Forecast quotes, or any series in a CSV file (- reads one from standard input), as distributions.

    Daily prices are forecast by a linear model of volatility features that ships with seqlab, or with --model lstm by a
    recurrent net that reads the rows as they are and is about as good; all other series, one or many, by simple rules
    that a recurrent net mixes, which was trained on many others, and by what covariates explain where these are named.
    Every forecast comes with a backtest on days that the model has not seen, beside a random walk. On a terminal it is
    drawn too. With -o FILE the forecast is written as a report (.html), a chart (.png, .svg, .pdf) or a table (.csv,
    .parquet). No investment advice.
    """
    _check_files(names, common.output, backtest)
    from seqlab import api

    context = click.get_current_context()
    named = None if context.get_parameter_source("model") is ParameterSource.DEFAULT else model
    task = api.forecast_task(
        names,
        horizon,
        columns=columns,
        kind=kind,
        freq=freq,
        **(long | covariates),
        quantiles=_levels(quantiles),
        as_of=as_of,
        origins=origins,
        stride=stride,
        baselines=baselines,
        model=named,
        refit=refit,
        offline=common.offline,
        **common.given(ForecastSettings),
        **common.device_options,
    )
    forecasts = follow(common, task)
    if backtest is not None:
        _write_backtest(common, backtest, forecasts, () if columns or any(covariates.values()) else (model, *names))
    if common.output is not None:
        _write_output(common, forecasts)
        say(common, _other_form(names, common.output, context, kind))
    if common.json:
        result_json(forecasts.to_dict())
    elif common.output is None or not common.quiet:
        result("\n".join(all_lines(forecasts)))


def _write_output(common: Common, forecasts: "Forecasts") -> None:
    assert common.output is not None
    if is_page(common.output):
        write_page(common, forecasts.report)
        return
    _write(common, common.output, forecasts.plot, lambda path: write_table(path, forecasts))
    say(common, f"written to {common.output}")


def _write_backtest(common: Common, path: Path, forecasts: "Forecasts", evaluated: Sequence[str]) -> None:
    """evaluated: what `seqlab evaluate` takes to score the same, if that is two words."""
    _write(common, path, forecasts.plot_backtest, lambda path: write_backtest(path, forecasts))
    say(common, f"backtest written to {path}")
    if len(evaluated) == 2 and not any(one.on_the_spot for one in forecasts):
        say(common, f"its scores: {shlex.join(['seqlab', 'evaluate', *evaluated])}")


def _levels(written: str | None) -> list[float] | None:
    """0.05,0.5,0.99 as numbers."""
    if written is None:
        return None
    try:
        return [float(level) for level in written.split(",")]
    except ValueError as problem:
        raise UsageError(f"--quantiles {written} are no numbers", "write them like 0.05,0.5,0.99") from problem


def _write(common: Common, path: Path, plot: "Callable[[], Figure]", write: Callable[[Path], None]) -> None:
    """Write a chart, or where the file's name ends so the table of its numbers."""
    if path.suffix.lower() in TABLES:
        write(path)
    else:
        write_chart(common, plot(), path)


def _other_form(names: Sequence[str], output: Path, context: click.Context, kind: str) -> str:
    """The command that draws what was written as a table, or writes the numbers of what was drawn."""
    given = context.params
    options = ["--horizon", str(given["horizon"])]
    for flag, name in (("--as-of", "as_of"), ("--model", "model")):
        if context.get_parameter_source(name) is not ParameterSource.DEFAULT:
            options += [flag, given[name]]
    options += [*series_words(given["columns"], kind, given["freq"], _long(given)), *covariate_words(given)]
    options += [] if given["quantiles"] is None else ["--quantiles", given["quantiles"]]
    options += ["--refit"] if given["refit"] else []
    options += ["--offline"] if from_command_line(context, "offline") else []
    purpose, ending = ("draw it", ".png") if output.suffix.lower() in TABLES else ("its numbers", ".csv")
    other = output.with_suffix(ending)
    if _is_one_of(other, names):
        other = other.with_stem(f"{other.stem}-forecast")
    return f"{purpose}: {shlex.join(['seqlab', 'forecast', *names, *options, '-o', str(other)])}"


def _long(given: dict[str, Any]) -> dict[str, str | None]:
    return {"id": given["id_"], "time": given["time"], "target": given["target"]}


def _is_one_of(path: Path, names: Sequence[str]) -> bool:
    return any(path.resolve() == Path(name).resolve() for name in names if name != "-")


def _check_files(names: Sequence[str], output: Path | None, backtest: Path | None) -> None:
    """Raises UsageError where what is written has no ending that can be, or would replace what is read, or each
    other."""
    for option, written in (("-o", output), ("--backtest", backtest)):
        endings = (*TABLES, *CHARTS, PAGE) if option == "-o" else (*TABLES, *CHARTS)
        if written and written.suffix.lower() not in endings:
            raise UsageError(
                f"{written} has no ending that can be written", f"use {', '.join(endings[:-1])} or {endings[-1]}"
            )
        if written and written.suffix.lower() == PARQUET:
            require_parquet(written)
        if written is not None and _is_one_of(written, names):
            raise UsageError(f"{written} is read here: it would be replaced", "name another file to write")
        if written is not None:
            check_writable(written, option)
    if output is not None and backtest is not None and output.resolve() == backtest.resolve():
        raise UsageError(f"-o and --backtest both name {output}", "name two files")
