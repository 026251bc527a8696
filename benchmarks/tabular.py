"""Feedforward nets on tables: seqlab beside scikit-learn's, on the same folds, in one run.

    python benchmarks/tabular.py [sets] [--seeds 0 1 2] [--threads 1]
    python benchmarks/tabular.py folds [--threads 1]
    python benchmarks/tabular.py large [--rows 1000000] [--columns 50]

`sets`: five-fold scores and wall time on scikit-learn's own tables, written to CSV. seqlab is `train-mlp --folds 5`
with no other option, timed from reading the file to the finished checkpoint: encoders, baselines and the net that
learns from all rows are in it. scikit-learn is a pipeline of StandardScaler and MLPClassifier or MLPRegressor (its
target scaled), once for each of a few settings; the setting of the best mean score is its score, though nobody knows
it beforehand, and the seconds are those of five folds and of learning from all rows with that one setting.
`folds`: what ten folds cost beside one held-out part. `large`: a CSV of many rows through the command line, in a
process of its own: peak memory and rows a second. Imports are not timed. Wants the `dev` extra; no data is needed.
"""

import argparse
import itertools
import resource
import statistics
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from sklearn import datasets
from sklearn.compose import TransformedTargetRegressor
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits

from seqlab import tabular
from seqlab.data.table import read_table
from seqlab.machine import Compute

SETS: dict[str, Callable[..., Any]] = {
    "digits": datasets.load_digits,
    "breast_cancer": datasets.load_breast_cancer,
    "wine": datasets.load_wine,
    "iris": datasets.load_iris,
    "diabetes": datasets.load_diabetes,
}
NUMBERS = ("diabetes",)
# Those that seqlab's own defaults were chosen among: the penalty and the rate. Its 200 passes and 100 units stay.
SETTINGS = [
    {"alpha": alpha, "learning_rate_init": rate} for alpha, rate in itertools.product((1e-4, 1e-2, 1.0), (1e-3, 5e-3))
]


def written(name: str, folder: Path) -> Path:
    path = folder / f"{name}.csv"
    SETS[name](as_frame=True).frame.to_csv(path, index=False)
    return path


def ours(path: Path, seed: int, threads: int, folds: int | None) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        running = tabular.train(
            read_table(path),
            "target",
            Path(folder) / "run",
            tabular.TableSettings(seed=seed),
            folds=folds,
            compute=Compute("cpu", threads=threads),
        )
        try:
            while True:
                next(running)
        except StopIteration as end:
            metrics: dict[str, Any] = end.value.config["metrics"]
            return metrics


def theirs(path: Path, numbers: bool, seed: int, setting: dict[str, float]) -> float:
    """Mean score of five folds, then a net of all rows."""
    frame = pd.read_csv(path)
    x, y = frame.drop(columns="target").to_numpy(), frame["target"].to_numpy()

    def model() -> Any:
        if numbers:
            net = make_pipeline(StandardScaler(), MLPRegressor(random_state=seed, **setting))
            return TransformedTargetRegressor(net, transformer=StandardScaler())
        return make_pipeline(StandardScaler(), MLPClassifier(random_state=seed, **setting))

    scores = []
    for learns, out in tabular.folds(5, len(x), seed, classes=None if numbers else y):
        scores.append(model().fit(x[learns], y[learns]).score(x[out], y[out]))
    model().fit(x, y)
    return statistics.mean(scores)


def timed(run: Callable[..., Any], *given: Any) -> tuple[Any, float]:
    start = time.perf_counter()
    return run(*given), time.perf_counter() - start


def compare(seeds: list[int], threads: int, folder: Path) -> None:
    print(f"five folds, {threads} threads, seeds {seeds}: mean score +- deviation between seeds, median seconds")
    for name in SETS:
        path, numbers = written(name, folder), name in NUMBERS
        metric = "r2" if numbers else "accuracy"
        own: list[tuple[float, float, float]] = []
        for seed in seeds:
            metrics, seconds = timed(ours, path, seed, threads, 5)
            own.append((metrics[metric], metrics["baselines"]["linear"][metric], seconds))
        found = {}
        for number, setting in enumerate(SETTINGS):
            runs = [timed(theirs, path, numbers, seed, setting) for seed in seeds]
            found[number] = [score for score, _ in runs], statistics.median(seconds for _, seconds in runs)
        best = max(found, key=lambda number: statistics.mean(found[number][0]))
        scores, seconds = found[best]
        tuning = sum(each[1] for each in found.values())
        print(
            f"{name:14} seqlab {spread([one[0] for one in own])} in {statistics.median(one[2] for one in own):5.2f} s"
            f"   scikit-learn {spread(scores)} in {seconds:5.2f} s, {tuning:6.2f} s of all settings"
            f"   linear {statistics.mean(one[1] for one in own):.4f}   {SETTINGS[best]}",
            flush=True,
        )


def spread(values: list[float]) -> str:
    return f"{statistics.mean(values):.4f} +- {statistics.stdev(values) if len(values) > 1 else 0:.4f}"


def cost_of_folds(threads: int, folder: Path) -> None:
    print(f"ten folds beside one held-out part, {threads} threads, medians of five rounds, seconds")
    for name in SETS:
        path = written(name, folder)
        rounds: dict[int | None, list[float]] = {None: [], 10: []}
        for seed in range(5):
            for folds, seconds in rounds.items():
                seconds.append(timed(ours, path, seed, threads, folds)[1])
        one, ten = (statistics.median(seconds) for seconds in rounds.values())
        print(f"{name:14} one {one:5.2f}   ten {ten:5.2f}   {ten / one:.1f}x", flush=True)


def large(rows: int, columns: int, threads: int, folder: Path) -> None:
    """A table whose target is a product of two columns, a threshold and a category, with noise."""
    random = np.random.default_rng(0)
    path = folder / "large.csv"
    for start in range(0, rows, 100_000):
        count = min(100_000, rows - start)
        frame = pd.DataFrame(
            random.normal(size=(count, columns - 3)).round(4), columns=[f"x{number}" for number in range(columns - 3)]
        )
        frame["colour"] = random.choice(["red", "green", "blue", "white"], count)
        frame["day"] = pd.Timestamp("2020-01-01") + pd.to_timedelta(random.integers(1500, size=count), "D")
        raised = frame["x0"] * frame["x1"] + (frame["x2"] > 0) + (frame["colour"] == "red")
        frame["target"] = (raised + 0.5 * random.normal(size=count)).round(4)
        frame.to_csv(path, index=False, mode="a" if start else "w", header=not start)
    print(f"{rows:,} rows of {columns} columns: {path.stat().st_size / 1e6:.0f} MB", flush=True)
    command = [sys.executable, "-m", "seqlab", "train-mlp", str(path), "--target", "target", "-o", str(folder / "run")]
    _, seconds = timed(subprocess.check_call, [*command, "--threads", str(threads)])
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 2**20
    print(f"{seconds:.0f} s of wall time, {peak:.2f} GiB at the peak")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", nargs="?", choices=["sets", "folds", "large"], default="sets")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--columns", type=int, default=50)
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    warnings.filterwarnings("ignore", module="sklearn")  # that 200 passes were not enough
    with threadpool_limits(given.threads), tempfile.TemporaryDirectory() as folder:
        if given.what == "sets":
            compare(given.seeds, given.threads, Path(folder))
        elif given.what == "folds":
            cost_of_folds(given.threads, Path(folder))
        else:
            large(given.rows, given.columns, given.threads, Path(folder))


if __name__ == "__main__":
    main()
