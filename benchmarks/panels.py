"""Many series: seqlab's general forecaster beside other libraries, on data sets and windows of GIFT-Eval's short term.

    python benchmarks/panels.py forecast seqlab FOLDER OUT --sets hospital_M      or auto_ets, auto_arima, flair, nhits
    python benchmarks/panels.py score FOLDER OUT/seqlab OUT/auto_ets

FOLDER holds NAME.csv.gz with unique_id, ds, y; each method writes OUT/METHOD/NAME.parquet with unique_id, cutoff, ds,
q10 ... q90 and prints its seconds. Each of the last windows is forecast from everything before it. MASE is of the
median, in units of the mean seasonal difference of what was known; CRPS is twice the mean pinball loss of nine deciles
over the summed outcomes; both also as geometric means of their ratio to seasonal naive, whose figures are GIFT-Eval's.
"""

import argparse
import math
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd

LEVELS = [f"q{10 * k}" for k in range(1, 10)]
# name: horizon, season of MASE, season of models, windows (None: a tenth of the shortest series), MASE and CRPS of
# seasonal naive, how often there is a row
SETS = {
    "m4_hourly": (48, 24, 24, 1, 1.1932, 0.0376, "h"),
    "m4_weekly": (13, 1, 52, 1, 2.7773, 0.0609, "W"),
    "hospital_M": (12, 12, 12, None, 0.9205, 0.0625, "MS"),
    "car_parts_M": (12, 12, 12, None, 1.2015, 1.7217, "MS"),
    "saugeen_D": (30, 1, 7, None, 3.413, 0.585, "D"),
    "saugeen_W": (8, 1, 52, None, 1.9907, 0.734, "W"),
    "saugeen_M": (12, 12, 12, None, 0.9764, 0.4451, "MS"),
    "us_births_D": (30, 1, 7, None, 1.8648, 0.1195, "D"),
    "us_births_W": (8, 1, 52, None, 1.5634, 0.0193, "W"),
    "us_births_M": (12, 12, 12, None, 0.7605, 0.0168, "MS"),
}


def read(folder: Path, name: str) -> pd.DataFrame:
    return pd.read_csv(folder / f"{name}.csv.gz", parse_dates=["ds"], dtype={"unique_id": str})


def windows(name: str, frame: pd.DataFrame) -> int:
    horizon, shortest = SETS[name][0], int(frame.groupby("unique_id").size().min())
    return SETS[name][3] or min(max(1, math.ceil(0.1 * shortest / horizon)), 20)


def cuts(name: str, frame: pd.DataFrame) -> Iterator[tuple[str, np.ndarray, np.ndarray, int]]:
    """unique_id, dates, values and the rows known, of every window of every series."""
    horizon, count = SETS[name][0], windows(name, frame)
    for key, part in frame.groupby("unique_id", sort=False):
        for window in range(count):
            yield str(key), part["ds"].to_numpy(), part["y"].to_numpy(float), len(part) - horizon * (count - window)


def by_seqlab(folder: Path, name: str, frame: pd.DataFrame, out: Path) -> None:
    horizon, count = SETS[name][0], windows(name, frame)
    options = ["--horizon", str(horizon), "--origins", str(count), "--stride", str(horizon), "--offline", "-q"]
    command = [sys.executable, "-m", "seqlab", "forecast", str(folder / f"{name}.csv.gz"), *options]
    subprocess.run([*command, "--backtest", str(out), "-o", str(out.with_suffix(".ahead.parquet"))], check=True)


def by_ets(folder: Path, name: str, frame: pd.DataFrame, out: Path) -> None:
    by_statsforecast("AutoETS", name, frame, out)


def by_arima(folder: Path, name: str, frame: pd.DataFrame, out: Path) -> None:
    by_statsforecast("AutoARIMA", name, frame, out)


def by_statsforecast(model: str, name: str, frame: pd.DataFrame, out: Path) -> None:
    from statsforecast import StatsForecast, models

    horizon, _, season, _, _, _, freq = SETS[name]
    freq = f"W-{frame['ds'].iloc[-1]:%a}".upper() if freq == "W" else freq
    made = StatsForecast([getattr(models, model)(season_length=season)], freq=freq, n_jobs=1).cross_validation(
        df=frame, h=horizon, step_size=horizon, n_windows=windows(name, frame), level=[20, 40, 60, 80]
    )
    sides = {10: "lo-80", 20: "lo-60", 30: "lo-40", 40: "lo-20", 60: "hi-20", 70: "hi-40", 80: "hi-60", 90: "hi-80"}
    quantiles = {f"q{q}": made[f"{model}-{side}"] for q, side in sides.items()}
    pd.DataFrame({**made[["unique_id", "cutoff", "ds"]], "q50": made[model], **quantiles}).to_parquet(out)


def by_flair(folder: Path, name: str, frame: pd.DataFrame, out: Path) -> None:
    from flaircast import forecast

    horizon, freq, rows = SETS[name][0], {"h": "H", "MS": "M"}.get(SETS[name][-1], SETS[name][-1]), []
    for key, dates, values, known in cuts(name, frame):
        samples = forecast(values[:known], horizon, freq, n_samples=200, seed=0)
        quantiles = np.quantile(samples, np.arange(1, 10) / 10, axis=0).T
        ahead = pd.DataFrame(quantiles, columns=LEVELS)
        rows.append(ahead.assign(unique_id=key, cutoff=dates[known - 1], ds=dates[known : known + horizon]))
    pd.concat(rows).to_parquet(out)


def by_nhits(folder: Path, name: str, frame: pd.DataFrame, out: Path) -> None:
    from neuralforecast import NeuralForecast
    from neuralforecast.losses.pytorch import MQLoss
    from neuralforecast.models import NHITS

    horizon, freq = SETS[name][0], SETS[name][-1]
    freq = f"W-{frame['ds'].iloc[-1]:%a}".upper() if freq == "W" else freq
    deciles = [round(k / 10, 1) for k in range(1, 10)]
    net = NHITS(h=horizon, input_size=3 * horizon, loss=MQLoss(quantiles=deciles), scaler_type="robust", random_seed=0)
    count = windows(name, frame)
    made = NeuralForecast([net], freq=freq).cross_validation(frame, n_windows=count, step_size=horizon).reset_index()
    names = [column for column in made.columns if column.startswith("NHITS")]
    order = sorted(names, key=lambda column: made[column].mean())
    columns = dict(zip(LEVELS, (made[column] for column in order), strict=True))
    pd.DataFrame({**made[["unique_id", "cutoff", "ds"]], **columns}).to_parquet(out)


METHODS = {"seqlab": by_seqlab, "auto_ets": by_ets, "auto_arima": by_arima, "flair": by_flair, "nhits": by_nhits}


def score(name: str, frame: pd.DataFrame, made: pd.DataFrame) -> tuple[float, float, float]:
    """MASE, CRPS, and the share of outcomes within q10 to q90."""
    horizon, season = SETS[name][:2]
    if "method" in made:
        made = made[made["method"] == "model"]
    table = made.astype({"unique_id": str}).set_index(["unique_id", "cutoff", "ds"])[LEVELS].sort_index()
    levels = np.arange(1, 10) / 10
    error = count = loss = weight = inside = total = 0.0
    for key, dates, values, known in cuts(name, frame):
        quantiles = table.loc[(key, pd.Timestamp(dates[known - 1]))].loc[dates[known : known + horizon]].to_numpy(float)
        outcome, history = values[known : known + horizon], values[:known]
        gap = outcome[:, None] - quantiles
        loss += 2 * np.maximum(levels * gap, (levels - 1) * gap).sum() / 9
        weight += np.abs(outcome).sum()
        inside += ((outcome >= quantiles[:, 0]) & (outcome <= quantiles[:, -1])).sum()
        total += horizon
        scale = np.abs(history[season:] - history[:-season]).mean() if len(history) > season else 0.0
        if scale > 0:
            error, count = error + np.abs(outcome - quantiles[:, 4]).sum() / scale, count + horizon
    return error / count, loss / weight, inside / total


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="what", required=True)
    one, two = commands.add_parser("forecast"), commands.add_parser("score")
    one.add_argument("method", choices=METHODS)
    for command in (one, two):
        command.add_argument("folder", type=Path)
        command.add_argument("--sets", nargs="+", choices=SETS)
    one.add_argument("out", type=Path)
    two.add_argument("made", type=Path, nargs="+")
    given = parser.parse_args()
    names = given.sets or [name for name in SETS if (given.folder / f"{name}.csv.gz").exists()]
    if given.what == "forecast":
        (given.out / given.method).mkdir(parents=True, exist_ok=True)
        for name in names:
            begun = time.perf_counter()
            METHODS[given.method](
                given.folder, name, read(given.folder, name), given.out / given.method / f"{name}.parquet"
            )
            print(f"{given.method} {name}: {time.perf_counter() - begun:.0f} s", flush=True)
        return
    for folder in given.made:
        ratios = []
        for name in (name for name in names if (folder / f"{name}.parquet").exists()):
            mase, crps, inside = score(name, read(given.folder, name), pd.read_parquet(folder / f"{name}.parquet"))
            ratios.append((mase / SETS[name][4], crps / SETS[name][5]))
            print(f"{folder.name:12}{name:12} MASE {mase:.4f}  CRPS {crps:.4f}  in 80 % {inside:.3f}")
        means = np.exp(np.log(ratios).mean(0))
        print(f"{folder.name:12}{len(ratios)} sets, beside seasonal naive: MASE {means[0]:.3f}, CRPS {means[1]:.3f}")


if __name__ == "__main__":
    main()
