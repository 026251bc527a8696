"""A forecast and its backtest written down: as text, and as tables of a file."""

import csv
import math
import shutil
import sys
import textwrap
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seqlab.files import replacing

if TYPE_CHECKING:
    from seqlab.forecasting import Forecast
    from seqlab.scoring.backtest import Backtest


def lines(one: "Forecast") -> list[str]:
    """The forecast for a person: the picture where there is a terminal, the table, the backtest, the verdict."""
    import numpy as np

    from seqlab.cli.reports.terminal_chart import for_stdout
    from seqlab.forecasting.results import level_places

    places = list(level_places().items())
    series, backtest, last = one.series, one.backtest, one.series.close[-1]
    shown = np.vstack([one.prices, one.random_walk[-1:]])[:, [place for _, place in places]]
    spread = float(shown.max() - shown.min())
    decimals = min(max(4 - math.floor(math.log10(spread)), 0), 10) if spread > 0 else 3
    decimals = 0 if series.kind == "counts" else decimals
    written = [[f"{value:,.{decimals}f}" for value in row] for row in shown]
    wide = max(11, 2 + max(len(value) for row in written for value in row))
    rows = [*map(str, one.dates), "random walk"]
    first = max(12, 1 + max(map(len, rows)))
    table = [
        f"{row:{first}}{''.join(f'{v:>{wide}}' for v in values)}" for row, values in zip(rows, written, strict=True)
    ]
    lines = [
        "",
        f"{series.name}, {series.last_in_words} {last:,.{decimals}f} on {series.dates[-1]} ({series.source})",
        *for_stdout(one),
        f"{backtest.step:{first}}" + "".join(f"{name:>{wide}}" for name, _ in places),
        *table[:-1],
        f"{table[-1]}  on the last {backtest.step}",
    ]
    lines += backtest_lines(backtest)
    verdict = one.verdict
    if sys.stdout.isatty():  # a terminal would break it within words
        verdict = textwrap.fill(verdict, max(40, shutil.get_terminal_size().columns - 1))
    return [*lines, "", verdict]


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
    lines.append(f"{'skill, %':22}" + "".join(f"{v:>+9.2f}" for v in backtest.skill()))
    return lines


def training(config: dict[str, Any]) -> list[str]:
    """The lines of `seqlab train-forecaster`. config: that of the checkpoint."""
    count, taken = len(config["data"]["series"]), config["position"]["step"]
    found = [f"trained on {count} series to {config['cut']}, {taken:,} steps"]
    backtest = config["metrics"]["backtest"]
    if backtest["origins"]:
        skill = ", ".join(
            f"{s:+.2f} % at {h} d" for s, h in zip(backtest["skill_vs_random_walk"], backtest["horizons"], strict=True)
        )
        found.append(
            f"on {backtest['origins']:,} forecasts of days after the cut, skill against the random walk: {skill}"
        )
    return found


def write_table(path: Path, forecasts: "Sequence[Forecast]") -> None:
    """A row for each ticker and date."""
    from seqlab.forecasting.results import WRITTEN_LEVELS

    rows = (
        {"ticker": row.pop("unique_id"), "date": row.pop("ds"), **row}
        for one in forecasts
        for row in one.rows(WRITTEN_LEVELS)
    )
    _write(path, rows)


def write_backtest(path: Path, forecasts: "Sequence[Forecast]") -> None:
    """A row for each ticker, method, origin and horizon."""
    _write(path, (row for one in forecasts for row in one.backtest_rows()))


def _write(path: Path, rows: Iterator[dict[str, Any]]) -> None:
    """A CSV file; ten digits of a price lose no cent of a hundred million."""
    with replacing(path) as new, new.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        for number, row in enumerate(rows):
            if number == 0:
                writer.writerow(row)
            writer.writerow([f"{value:.10g}" if isinstance(value, float) else value for value in row.values()])
