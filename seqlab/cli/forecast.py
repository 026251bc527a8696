"""seqlab forecast TICKER|FILE.csv ..."""

import csv
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from seqlab.cli.options import Common, common_options
from seqlab.cli.output import Bar, result, result_json, say
from seqlab.errors import UsageError

if TYPE_CHECKING:
    from seqlab.data.series import Series
    from seqlab.forecasting import Forecast
    from seqlab.scoring.backtest import Backtest

SHOWN_LEVELS = (0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95)
WRITTEN_LEVELS = (0.05, 0.1, 0.2, 0.25, 0.3, 0.4, 0.5, 0.6, 0.7, 0.75, 0.8, 0.9, 0.95)
CHARTS = (".png", ".svg", ".pdf")


@click.command("forecast")
@click.argument("names", nargs=-1, required=True, metavar="TICKER|FILE.csv...")
@click.option("--horizon", type=click.IntRange(1, 60), default=20, show_default=True, help="Trading days ahead.")
@click.option("--as-of", metavar="DATE", help="Forecast from a day in the past, as if it were today.")
@click.option(
    "--origins", type=click.IntRange(1), default=250, show_default=True, help="Days of the backtest, at most."
)
@click.option("--stride", type=click.IntRange(1), default=1, show_default=True, help="Days between them.")
@click.option("--backtest", type=click.Path(path_type=Path), metavar="FILE.csv", help="Write every backtest forecast.")
@click.option(
    "--baselines",
    type=click.Choice(["cheap", "all"]),
    default="cheap",
    show_default=True,
    help="Forecasts to compare with; all adds GARCH and GJR.",
)
@click.option("--column", help="The price column of a CSV file.")
@click.option("--model", default="quotes", show_default=True, help="A forecaster's checkpoint.")
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
    column: str | None,
    model: str,
) -> None:
    """Forecast quotes, or the prices in a CSV file (- reads one from standard input), as distributions.

    Every forecast comes with a backtest on days that the model has not seen, beside a random walk. With -o FILE the
    forecast is written as a chart (.png, .svg, .pdf) or a table (.csv). No investment advice.
    """
    from seqlab.data.quotes import load_many
    from seqlab.data.series import day_of

    if common.output and common.output.suffix.lower() not in (*CHARTS, ".csv"):
        raise UsageError(f"{common.output} has no ending that can be written", f"use .csv or {', '.join(CHARTS)}")
    bar, loaded = Bar(common), []
    asked = load_many(names, column=column, offline=common.offline)
    for done, name in enumerate(names):  # before the checkpoint, so that a wrong name is reported at once
        bar.show(f"{name} ({done + 1} of {len(names)})", done, len(names))
        whole = series = next(asked)
        if as_of is not None:
            series = whole.until(as_of)
        bar.clear()
        say_series(common, series)
        if as_of is not None and day_of(as_of) > whole.dates[-1]:
            say(common, f"{series.name}: --as-of {as_of} is later than its last price, of {whole.dates[-1]}")
        loaded.append(series)

    from seqlab import checkpoint, forecasting

    saved = checkpoint.find(model, common.checkpoint_folders(), "forecasting")
    forecaster = forecasting.load(saved)
    trained = "shipped" if saved.is_shipped else "fresh"
    say(common, f"checkpoint {saved.folder} ({trained}), cut at {forecaster.cut}")
    forecasts: list[Forecast] = []
    running = forecasting.forecast_all(
        forecaster, loaded, horizon=horizon, origins=origins, stride=stride, garch=baselines == "all"
    )
    try:
        for done, series in enumerate(loaded):
            bar.show(f"{series.name}: forecast and backtest ({done + 1} of {len(loaded)})", done, len(loaded))
            forecasts.append(next(running))
    except ImportError as problem:
        raise UsageError(
            f"--baselines all needs the package arch: {problem}", "install it beside seqlab: pip install arch"
        ) from problem
    finally:
        bar.clear()
    for one in forecasts:
        count = len(one.backtest.origins)
        if one.backtest.hindsight is not None:
            say(
                common,
                f"{one.series.name}: hindsight, not a forecast: it ends on {one.series.dates[-1]}, and the model "
                f"learned from days up to {forecaster.learned_to}",
            )
        elif count < origins:
            say(
                common,
                f"{one.series.name}: {count} past days to test on, not {origins}: "
                "more would lie before the model's cut",
            )
    if backtest is not None:
        _write_backtest(backtest, forecasts)
        say(common, f"backtest written to {backtest}")
        if len(names) == 1 and column is None:
            say(common, f"its scores: {shlex.join(['seqlab', 'evaluate', model, names[0]])}")
    if common.output is not None:
        if common.output.suffix.lower() == ".csv":
            _write_table(common.output, forecasts)
            purpose, other = "draw it", common.output.with_suffix(".png")
        else:
            from seqlab.cli.fan_chart import draw

            draw(forecasts, common.output)
            purpose, other = "its numbers", common.output.with_suffix(".csv")
        given = {"--as-of": as_of, "--column": column, "--model": model if model != "quotes" else None}
        options = [word for flag, value in given.items() if value is not None for word in (flag, value)]
        again = shlex.join(["seqlab", "forecast", *names, "--horizon", str(horizon), *options, "-o", str(other)])
        say(common, f"written to {common.output}\n{purpose}: {again}")
    if common.json:
        result_json(
            {"forecasts": [_as_json(one, saved.name, trained, str(forecaster.cut), horizon) for one in forecasts]}
        )
    elif common.output is None or not common.quiet:
        for one in forecasts:
            result("\n".join(_lines(one)))


def say_series(common: Common, series: "Series") -> None:
    """Where a series came from, to which day, and what was repaired in it or is odd."""
    end = str(series.dates[-1])
    to = "" if end in series.origin else f" to {end}"
    say(common, f"{series.name}: {len(series.dates):,} days{to}, {series.origin}")
    for note in series.notes:
        say(common, f"{series.name}: {note}")


def _price(value: float) -> str:
    """A price as it is written to a file: ten digits lose no cent of a hundred million."""
    return f"{value:.10g}"


def _levels(levels: Sequence[float]) -> dict[str, int]:
    from seqlab.scoring import LEVELS

    return {f"q{round(100 * level):02d}": LEVELS.index(level) for level in levels}


def _as_json(one: "Forecast", model: str, trained: str, cut: str, horizon: int) -> dict[str, Any]:
    from seqlab.scoring.backtest import summary, verdict

    places = _levels(SHOWN_LEVELS)
    return {
        "ticker": one.series.name,
        "source": one.series.source,
        "as_of": str(one.series.dates[-1]),
        "last_close": float(one.series.close[-1]),
        "model": model,
        "trained": trained,
        "cut": cut,
        "horizon": horizon,
        "quantiles": [
            {"date": str(date), **{name: float(prices[place]) for name, place in places.items()}}
            for date, prices in zip(one.dates, one.prices, strict=True)
        ],
        "backtest": summary(one.backtest),
        "verdict": verdict(one.backtest),
    }


def _lines(one: "Forecast") -> list[str]:
    from seqlab.scoring.backtest import verdict

    places = _levels(SHOWN_LEVELS)
    series, backtest = one.series, one.backtest
    lines = [
        "",
        f"{series.name}, last close {series.close[-1]:,.3f} on {series.dates[-1]} ({series.source})",
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
    heads = "".join(f"{f'{h} d':>9}" for h in backtest.horizons)
    lines = ["", f"backtest: {len(days)} forecasts from {days.min()} to {days.max()}", ""]
    lines.append(f"{'':14}{'CRPS %':>8}{heads}   {'in 80 %':>8}{heads}")
    for method in backtest.quantiles:
        scores = backtest.scores(method)
        crps = "".join(f"{value:>9.3f}" for value in scores.crps)
        covered = "".join(f"{value:>9.2f}" for value in scores.coverage80)
        lines.append(f"{method:22}{crps}{'':11}{covered}")
    for label, at_last_price in (("skill, %", False), ("skill without drift, %", True)):
        lines.append(f"{label:22}" + "".join(f"{v:>+9.2f}" for v in backtest.skill(at_last_price=at_last_price)))
    return lines


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
                        prices = close * np.exp(quantiles[o, k])
                        outcome = close * np.exp(backtest.outcomes[o, k])
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
