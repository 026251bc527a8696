"""A forecast and its backtest written down: as text, and as tables of a file."""

import csv
import math
from collections.abc import Iterator
from datetime import date
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seqlab.cli.layout import table
from seqlab.errors import UsageError
from seqlab.files import replacing
from seqlab.formatting import dates_in_words

if TYPE_CHECKING:
    from seqlab.data.series.series import Series
    from seqlab.forecasting import Forecast, Forecasts
    from seqlab.scoring.backtest import Backtest

MOST_EFFECTS = 8  # that are shown
SHOWN = 10  # of many series, that are shown one a line
PARQUET = ".parquet"


def all_lines(forecasts: "Forecasts") -> list[str]:
    """The forecasts for a person: each by itself where they are few."""
    from seqlab.data.series.about import FEW

    if len(forecasts) > FEW:
        return panel_lines(forecasts)
    return [line for one in forecasts for line in lines(one)]


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
    rows = [*series.in_words(one.dates), "random walk"]
    first = max(12, 1 + max(map(len, rows)))
    cells = [
        [backtest.step, *(name for name, _ in places), ""],
        *([row, *values, ""] for row, values in zip(rows, written, strict=True)),
    ]
    now = series.in_words(series.dates[-1:])[0]
    cells[-1][-1] = f"  on the last {backtest.step}"
    outer = len(places)
    printed = table(
        cells, [-first, *[wide] * outer, -2], [[outer + 1], [1, outer], [3, outer - 2]], more=": -o FILE.csv has all"
    )
    lines = [
        "",
        f"{series.name}, {series.last_in_words} {last:,.{decimals}f} on {now}{age_of(series)} ({series.source})",
        *for_stdout(one),
        *printed,
        *effect_lines(one),
    ]
    lines += backtest_lines(backtest)
    return [*lines, "", one.verdict]


def age_of(series: "Series") -> str:
    """How old the last quote is, where that is more than a week: it changes what a forecast means."""
    days = (date.today() - series.dates[-1].astype("datetime64[D]").item()).days
    if series.source not in ("yahoo", "store", "snapshot") or days <= 7:
        return ""
    return f", {days / 365.25:.1f} years ago" if days > 365 else f", {days} days ago"


def effect_lines(one: "Forecast") -> list[str]:
    """What one more of each covariate does, in a line; none where none was asked for."""
    if one.effects is None:
        return []
    found = {name: size for name, size in one.effects.items() if size}
    if not found:
        return ["", "effects: none that can be told from chance"]
    unit = " %" if one.effects_in_percent else ""
    said = [f"{name} {size:+,.3g}{unit}" for name, size in found.items()]
    more = f", and {len(said) - MOST_EFFECTS} more" if len(said) > MOST_EFFECTS else ""
    return ["", f"effects of one more of each: {', '.join(said[:MOST_EFFECTS])}{more}"]


def backtest_lines(backtest: "Backtest", unit: str = "") -> list[str]:
    """Each method's CRPS and coverage by horizon, as a table, and the model's skill over the random walk and what its
    verdict compares it with. unit: a sentence on what CRPS is in."""
    from seqlab.scoring.verdict import shown_against

    days = backtest.origins
    if not len(days):
        return []
    first, last = dates_in_words([days.min(), days.max()], backtest.step)
    step = f" {backtest.step[0]}" if backtest.step[0].isalpha() else ""
    heads = [f"{h}{step}" for h in backtest.horizons]
    count = f"{len(days):,} forecast{'' if len(days) == 1 else 's'}"
    lines = ["", f"backtest: {count} from {first} to {last}{f'; {unit}' if unit else ''}", ""]
    rows = [[f"{'CRPS %' if backtest.in_percent else 'CRPS':>22}", *heads, "in 80 %", *heads]]
    for method in backtest.quantiles:
        scores = backtest.scores(method)
        crps = [f"{value:.3f}" if backtest.in_percent else f"{value:.4g}" for value in scores.crps]
        rows.append([method, *crps, "", *(f"{value:.2f}" for value in scores.coverage80)])
    if backtest.outcomes.any():  # of what never moves a share is no skill
        for rival in dict.fromkeys(("random_walk", shown_against(backtest))):
            skill = [f"{value:+.2f}" for value in backtest.skill(against=rival)]
            rows.append([f"over {rival}, %", *skill, "", *[""] * len(heads)])
    covered = range(1 + len(heads), 2 + 2 * len(heads))
    lines += table(rows, [-22, *[9] * len(heads), 11, *[9] * len(heads)], [covered], below=True)
    return lines


def training(config: dict[str, Any]) -> list[str]:
    """The lines of `seqlab train-forecaster`. config: that of the checkpoint."""
    count, taken = len(config["data"]["series"]), config["position"]["step"]
    found = [f"trained on {count} series to {config['cut']}, {taken:,} steps"]
    backtest = config["metrics"]["backtest"]
    if backtest["origins"]:
        step = backtest.get("step", "day")[0]
        skill = ", ".join(
            f"{s:+.2f} % at {h} {step}"
            for s, h in zip(backtest["skill_vs_random_walk"], backtest["horizons"], strict=True)
        )
        found.append(
            f"on {backtest['origins']:,} forecasts of days after the cut, skill against the random walk: {skill}"
        )
    return found


def panel_lines(forecasts: "Forecasts") -> list[str]:
    """Many forecasts for a person: the first of them at the last step, and how good all were together."""
    from seqlab.forecasting.results import level_places

    low, median, high = level_places((0.1, 0.5, 0.9)).values()
    rows = [["", "last value", "", "median", "q10", "q90"]]
    for one in forecasts[:SHOWN]:
        at_end = [one.prices[-1, place] for place in (median, low, high)]
        values = [f"{value:,.6g}" for value in (one.series.close[-1], *at_end)]
        rows.append([one.series.name, values[0], one.series.in_words(one.dates[-1:])[0], *values[1:]])
    wide = [max(map(len, column)) + 2 for column in zip(*rows, strict=True)]
    lines = table(
        rows,
        [2 - wide[0], *wide[1:]],
        [[2], [1]],
        names=["", "last value", "date", "", "", ""],
        more=": -o FILE.csv has all",
    )
    more = len(forecasts) - SHOWN
    lines = ["", f"{len(forecasts):,} series, {len(forecasts[0].dates)} steps ahead", "", *lines]
    lines += [f"... and {more:,} more: -o FILE.csv writes all"] if more > 0 else []
    pooled = forecasts.pooled()
    if pooled is not None:
        lines += backtest_lines(pooled, "CRPS is in units of what each series changed by on average")
    return [*lines, "", forecasts.verdict]


def require_parquet(path: Path) -> None:
    """Raises UsageError where nothing installed here writes Parquet."""
    if find_spec("pyarrow") is None:
        raise UsageError(f"{path} is Parquet, and nothing installed here writes it", "pip install pyarrow, or use .csv")


def write_table(path: Path, forecasts: "Forecasts") -> None:
    """A row for each date of each series, under unique_id and ds; of tickers under ticker and date."""
    names = {} if forecasts.are_long else {"unique_id": "ticker", "ds": "date"}
    tables = (one.columns(forecasts.levels) for one in forecasts)
    _write(path, ({names.get(name, name): cells for name, cells in table.items()} for table in tables))


def write_backtest(path: Path, forecasts: "Forecasts") -> None:
    """A row for each step of each window and method, or for each ticker, method, origin and horizon."""
    if forecasts.have_windows:
        _write(path, (one.window_columns() for one in forecasts))
        return
    rows = (row for one in forecasts for row in one.backtest_rows())
    _write(path, ({name: [cell] for name, cell in row.items()} for row in rows))


def _write(path: Path, tables: "Iterator[dict[str, Any]]") -> None:
    """Tables {name: cells} after each other as one file: CSV, in which ten digits of a price lose no cent of a hundred
    million, or Parquet."""
    if path.suffix.lower() == PARQUET:
        import pandas as pd

        frame = pd.concat(map(pd.DataFrame, tables), ignore_index=True)
        with replacing(path) as new:
            frame.to_parquet(new, index=False)
        return
    with replacing(path) as new, new.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        for number, table in enumerate(tables):
            if number == 0:
                writer.writerow(table)
            writer.writerows([_written(cell) for cell in row] for row in zip(*table.values(), strict=True))


def _written(cell: Any) -> Any:
    if not isinstance(cell, float):
        return cell
    return "" if math.isnan(cell) else f"{cell:.10g}"
