"""A forecast and its backtest written down: as JSON, as text, and as tables of a file."""

import csv
import math
import shutil
import sys
import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seqlab.cli.forecast_answers import Made

if TYPE_CHECKING:
    from seqlab.forecasting import Forecast
    from seqlab.scoring.backtest import Backtest

SHOWN_LEVELS = (0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95)
WRITTEN_LEVELS = (0.05, 0.1, 0.2, 0.25, 0.3, 0.4, 0.5, 0.6, 0.7, 0.75, 0.8, 0.9, 0.95)


def _price(value: float) -> str:
    """A price as it is written to a file: ten digits lose no cent of a hundred million."""
    return f"{value:.10g}"


def _levels(levels: Sequence[float]) -> dict[str, int]:
    from seqlab.scoring import LEVELS

    return {f"q{round(100 * level):02d}": LEVELS.index(level) for level in levels}


def as_json(answer: Made, horizon: int) -> dict[str, Any]:
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


def lines(one: "Forecast") -> list[str]:
    """The forecast for a person: the picture where there is a terminal, the table, the backtest, the verdict."""
    import numpy as np

    from seqlab.cli.reports.terminal_chart import for_stdout
    from seqlab.scoring.backtest import verdict

    places = list(_levels(SHOWN_LEVELS).items())
    series, backtest = one.series, one.backtest
    shown = np.vstack([one.prices, one.random_walk[-1:]])[:, [place for _, place in places]]
    spread = float(shown.max() - shown.min())
    decimals = min(max(4 - math.floor(math.log10(spread)), 0), 10) if spread > 0 else 3
    written = [[f"{value:,.{decimals}f}" for value in row] for row in shown]
    wide = max(11, 2 + max(len(value) for row in written for value in row))
    rows = [*map(str, one.dates), "random walk"]
    first = max(12, 1 + max(map(len, rows)))
    table = [
        f"{row:{first}}{''.join(f'{v:>{wide}}' for v in values)}" for row, values in zip(rows, written, strict=True)
    ]
    lines = [
        "",
        f"{series.name}, last close {series.close[-1]:,.{decimals}f} on {series.dates[-1]} ({series.source})",
        *for_stdout(one),
        f"{backtest.step:{first}}" + "".join(f"{name:>{wide}}" for name, _ in places),
        *table[:-1],
        f"{table[-1]}  on the last {backtest.step}",
    ]
    lines += backtest_lines(backtest)
    said = verdict(backtest)
    if sys.stdout.isatty():  # a terminal would break it within words
        said = textwrap.fill(said, max(40, shutil.get_terminal_size().columns - 1))
    return [*lines, "", said]


def backtest_lines(backtest: "Backtest") -> list[str]:
    """Each method's CRPS and coverage by horizon, as a table."""
    days = backtest.origins
    if not len(days):
        return []
    step = f" {backtest.step[0]}" if backtest.step[0].isalpha() else ""
    heads = "".join(f"{f'{h}{step}':>9}" for h in backtest.horizons)
    count = f"{len(days)} forecast{'' if len(days) == 1 else 's'}"
    lines = ["", f"backtest: {count} from {days.min()} to {days.max()}", ""]
    lines.append(f"{'':14}{'CRPS %' if backtest.in_percent else 'CRPS':>8}{heads}   {'in 80 %':>8}{heads}")
    for method in backtest.quantiles:
        scores = backtest.scores(method)
        crps = "".join(f"{value:>9.3f}" if backtest.in_percent else f"{value:>9.4g}" for value in scores.crps)
        covered = "".join(f"{value:>9.2f}" for value in scores.coverage80)
        lines.append(f"{method:22}{crps}{'':11}{covered}")
    if not backtest.outcomes.any():  # nothing moves: a share of nothing is no skill
        return lines
    without_drift = [("skill without drift, %", True)] if backtest.only_width else []
    for label, at_last_price in [("skill, %", False), *without_drift]:
        lines.append(f"{label:22}" + "".join(f"{v:>+9.2f}" for v in backtest.skill(at_last_price=at_last_price)))
    return lines


def write_table(path: Path, forecasts: Sequence["Forecast"]) -> None:
    places = _levels(WRITTEN_LEVELS)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["ticker", "date", *places])
        for one in forecasts:
            for date, prices in zip(one.dates, one.prices, strict=True):
                writer.writerow([one.series.name, date, *(_price(prices[place]) for place in places.values())])


def write_backtest(path: Path, forecasts: Sequence["Forecast"]) -> None:
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
