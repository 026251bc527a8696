"""seqlab forecast TICKER|FILE.csv ..."""

import csv
import shlex
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from seqlab.cli.options import Common, common_options, from_command_line, series_options
from seqlab.cli.output import Bar, result, result_json, say
from seqlab.errors import DataError, UsageError

if TYPE_CHECKING:
    from seqlab.data.csv_series import Kind
    from seqlab.data.series import Series
    from seqlab.forecasting import Forecast, Forecaster
    from seqlab.scoring.backtest import Backtest

SHOWN_LEVELS = (0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95)
WRITTEN_LEVELS = (0.05, 0.1, 0.2, 0.25, 0.3, 0.4, 0.5, 0.6, 0.7, 0.75, 0.8, 0.9, 0.95)
CHARTS = (".png", ".svg", ".pdf")


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
    from seqlab.data.quotes import load_many

    for written in (common.output, backtest):
        if written and written.suffix.lower() not in (*CHARTS, ".csv"):
            raise UsageError(f"{written} has no ending that can be written", f"use .csv or {', '.join(CHARTS)}")
    bar, loaded = Bar(common), []
    bar.show(", ".join(names))
    # before the checkpoint, so that a wrong name is reported at once
    for series in load_many(names, columns=columns, kind=kind, offline=common.offline):
        if as_of is not None:
            series = series.until(as_of)
        bar.clear()
        say_series(common, series)
        loaded.append(series)
        bar.show(f"{', '.join(names)} (after {series.name})")
    bar.clear()

    from seqlab.scoring.backtest import steps

    answers = _answers(
        common, bar, loaded, model, refit, horizon=horizon, origins=origins, stride=stride, garch=baselines == "all"
    )
    forecasts = [answer.forecast for answer in answers]
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
            _write_backtest(backtest, forecasts)
        else:
            _draw_backtest(backtest, forecasts)
        say(common, f"backtest written to {backtest}")
        if len(names) == 1 and not columns and not any(answer.on_the_spot for answer in answers):
            say(common, f"its scores: {shlex.join(['seqlab', 'evaluate', model, names[0]])}")
    if common.output is not None:
        if common.output.suffix.lower() == ".csv":
            _write_table(common.output, forecasts)
            purpose, other = "draw it", common.output.with_suffix(".png")
        else:
            from seqlab.cli.fan_chart import draw

            draw(forecasts, common.output)
            purpose, other = "its numbers", common.output.with_suffix(".csv")
        given = {"--as-of": as_of, "--model": model if model != "quotes" else None}
        options = [word for flag, value in given.items() if value is not None for word in (flag, value)]
        options += [word for column in columns for word in ("--column", column)]
        options += [f"--{kind}"] if kind != "auto" else []
        options += ["--refit"] if refit else []
        again = shlex.join(["seqlab", "forecast", *names, "--horizon", str(horizon), *options, "-o", str(other)])
        say(common, f"written to {common.output}\n{purpose}: {again}")
    if common.json:
        result_json({"forecasts": [_as_json(answer, horizon) for answer in answers]})
    elif common.output is None or not common.quiet:
        for one in forecasts:
            result("\n".join(_lines(one)))


class Made(NamedTuple):
    """A forecast, what made it, and how that came about: shipped, refit or fresh."""

    forecast: "Forecast"
    by: "Forecaster"
    trained: str
    on_the_spot: bool


def _answers(
    common: Common, bar: Bar, series: Sequence["Series"], model: str, refit: bool, **options: Any
) -> list[Made]:
    """A forecast of each series, those that one model can forecast in one batch.

    The model that is there is for daily prices that it has not seen the future of; a model that was named is for all.
    For the others one is trained on the spot, one for each spacing of rows.
    """
    from seqlab import checkpoint, forecasting
    from seqlab.data.calendar import spacing

    named = from_command_line(click.get_current_context(), "model")
    ready = None
    if named or any(one.is_daily_prices for one in series):
        saved = checkpoint.find(model, common.checkpoint_folders(), "forecasting")
        ready, trained = forecasting.load(saved), "shipped" if saved.is_shipped else "fresh"
    batches: dict[Any, list[int]] = {}
    for place, one in enumerate(series):
        usable = named or (ready and one.is_daily_prices and one.dates[-1] >= ready.learned_to)
        key = "ready" if usable else (spacing(one.dates).unit, one.additive, one.is_daily_prices)
        batches.setdefault(key, []).append(place)
    if list(batches) == ["ready"] and not refit and from_command_line(click.get_current_context(), "set_"):
        raise UsageError("--set has no meaning here: nothing is trained", "add --refit to adapt the model")
    made: dict[int, Made] = {}  # by the series' place
    for key, places in batches.items():
        batch = [series[place] for place in places]
        if key == "ready":
            assert ready is not None
            using, how = ready, trained
            say(common, f"checkpoint {saved.folder} ({how}), cut at {using.cut}")
            if refit:
                using, how = _fit(common, bar, batch, options["horizon"], "adapted", ready), "refit"
        else:
            why = "no daily prices"
            if ready and batch[0].is_daily_prices:
                why = f"prices that end before {ready.learned_to}, to which '{model}' has learned"
            using, how = _fit(common, bar, batch, options["horizon"], f"{why}: trained on the spot"), "fresh"
        running = forecasting.forecast_all(using, batch, **options)
        try:
            for done, place in enumerate(places):
                said = f"{series[place].name}: forecast and backtest ({done + 1} of {len(places)})"
                bar.show(said, done, len(places))
                made[place] = Made(next(running), using, how, using is not ready)
        except ImportError as problem:
            raise UsageError(
                f"--baselines all needs the package arch: {problem}", "install it beside seqlab: pip install arch"
            ) from problem
        finally:
            bar.clear()
    return [made[place] for place in range(len(series))]


def _fit(
    common: Common, bar: Bar, series: Sequence["Series"], horizon: int, what: str, start: "Forecaster | None" = None
) -> "Forecaster":
    """A forecaster trained on the spot, or adapted from `start`. what: the beginning of what is said of it."""
    from seqlab import forecasting

    began = time.monotonic()
    settings = common.resolve(forecasting.ForecastSettings, **(forecasting.ADAPTED if start else forecasting.FRESH))
    names = ", ".join(one.name for one in series[:3]) + (f" and {len(series) - 3} more" if len(series) > 3 else "")
    running = forecasting.fit_to(series, settings, horizon=horizon, compute=common.compute(), start=start)
    while True:
        try:
            progress = next(running)
        except StopIteration as end:
            bar.clear()
            taken = time.monotonic() - began
            say(common, f"{names}: {what}, on what was known at {end.value.cut}, in {taken:.0f} s")
            return end.value
        bar.show(f"training on {names}", progress.step, progress.max_steps)


def say_series(common: Common, series: "Series") -> None:
    """Where a series came from, to which day, and what was repaired in it or is odd."""
    from seqlab.data.calendar import spacing

    end = str(series.dates[-1])
    to = "" if end in series.origin else f" to {end}"
    rows = "days" if spacing(series.dates).unit == "day" else "rows"
    say(common, f"{series.name}: {len(series.dates):,} {rows}{to}, {series.origin}")
    for note in series.notes:
        say(common, f"{series.name}: {note}")


def _price(value: float) -> str:
    """A price as it is written to a file: ten digits lose no cent of a hundred million."""
    return f"{value:.10g}"


def _levels(levels: Sequence[float]) -> dict[str, int]:
    from seqlab.scoring import LEVELS

    return {f"q{round(100 * level):02d}": LEVELS.index(level) for level in levels}


def _as_json(answer: Made, horizon: int) -> dict[str, Any]:
    from seqlab.scoring.backtest import summary, verdict

    one = answer.forecast
    places = _levels(SHOWN_LEVELS)
    return {
        "ticker": one.series.name,
        "source": one.series.source,
        "as_of": str(one.series.dates[-1]),
        "last_close": float(one.series.close[-1]),
        "model": answer.by.checkpoint.name,
        "trained": answer.trained,
        "cut": str(answer.by.cut),
        "horizon": horizon,
        "quantiles": [
            {"date": str(date), **{name: float(prices[place]) for name, place in places.items()}}
            for date, prices in zip(one.dates, one.prices, strict=True)
        ],
        "backtest": summary(one.backtest),
        "verdict": verdict(one.backtest),
    }


def _lines(one: "Forecast") -> list[str]:
    from seqlab.cli.terminal_chart import for_stdout
    from seqlab.scoring.backtest import verdict

    places = _levels(SHOWN_LEVELS)
    series, backtest = one.series, one.backtest
    lines = [
        "",
        f"{series.name}, last close {series.close[-1]:,.3f} on {series.dates[-1]} ({series.source})",
        *for_stdout(one),
        f"{'day':12}" + "".join(f"{name:>11}" for name in places),
    ]
    for date, prices in zip(one.dates, one.prices, strict=True):
        lines.append(f"{date!s:12}" + "".join(f"{prices[place]:>11,.3f}" for place in places.values()))
    walk = one.random_walk[-1]
    lines.append(
        f"{'random walk':12}" + "".join(f"{walk[place]:>11,.3f}" for place in places.values()) + "  on the last day"
    )
    lines += backtest_lines(backtest)
    return [*lines, "", verdict(backtest)]


def backtest_lines(backtest: "Backtest") -> list[str]:
    """Each method's CRPS and coverage by horizon, as a table."""
    days = backtest.origins
    if not len(days):
        return []
    step = f" {backtest.step[0]}" if backtest.step[0].isalpha() else ""
    heads = "".join(f"{f'{h}{step}':>9}" for h in backtest.horizons)
    lines = ["", f"backtest: {len(days)} forecasts from {days.min()} to {days.max()}", ""]
    lines.append(f"{'':14}{'CRPS %' if backtest.in_percent else 'CRPS':>8}{heads}   {'in 80 %':>8}{heads}")
    for method in backtest.quantiles:
        scores = backtest.scores(method)
        crps = "".join(f"{value:>9.3f}" for value in scores.crps)
        covered = "".join(f"{value:>9.2f}" for value in scores.coverage80)
        lines.append(f"{method:22}{crps}{'':11}{covered}")
    without_drift = [("skill without drift, %", True)] if backtest.only_width else []
    for label, at_last_price in [("skill, %", False), *without_drift]:
        lines.append(f"{label:22}" + "".join(f"{v:>+9.2f}" for v in backtest.skill(at_last_price=at_last_price)))
    return lines


def _draw_backtest(path: Path, forecasts: Sequence["Forecast"]) -> None:
    """One chart, of all series pooled. Raises DataError where there is nothing to draw."""
    from seqlab.cli.backtest_chart import draw
    from seqlab.scoring.backtest import pool

    tested = [one for one in forecasts if len(one.backtest.origins)]
    if not tested:
        raise DataError(
            f"{path} cannot be drawn: no forecast can be scored, for no day after the model's cut has an outcome",
            "leave out --backtest, or forecast a series that goes on after the cut for longer than --horizon",
        )
    draw(pool([one.backtest for one in tested]), [one.series.name for one in tested], path)


def _write_table(path: Path, forecasts: Sequence["Forecast"]) -> None:
    places = _levels(WRITTEN_LEVELS)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["ticker", "date", *places])
        for one in forecasts:
            for date, prices in zip(one.dates, one.prices, strict=True):
                writer.writerow([one.series.name, date, *(_price(prices[place]) for place in places.values())])


def _write_backtest(path: Path, forecasts: Sequence["Forecast"]) -> None:
    """One row per ticker, method, origin and horizon; prices are the origin's close times exp(return)."""
    import numpy as np

    places = _levels(WRITTEN_LEVELS)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["ticker", "method", "origin", "horizon", "date", "last_close", "outcome", *places])
        for one in forecasts:
            series, backtest = one.series, one.backtest
            for method, quantiles in backtest.quantiles.items():
                for o, row in enumerate(np.searchsorted(series.dates, backtest.origins)):
                    close = series.close[row]
                    for k, h in enumerate(backtest.horizons):
                        prices = series.moved(quantiles[o, k], row)
                        outcome = float(series.moved(backtest.outcomes[o, k], row))
                        writer.writerow(
                            [
                                series.name,
                                method,
                                series.dates[row],
                                h,
                                series.dates[row + h],
                                _price(close),
                                _price(outcome),
                            ]
                            + [_price(prices[place]) for place in places.values()]
                        )
