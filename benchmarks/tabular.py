"""Feedforward nets on tables: seqlab beside scikit-learn's, on the same folds, in one run.

    python benchmarks/tabular.py [sets] [--seeds 0 1 2] [--threads 1]
    python benchmarks/tabular.py folds [--threads 1]
    python benchmarks/tabular.py large [--rows 1000000] [--columns 50]
    python benchmarks/tabular.py intervals [--seeds 0 1 2] [--folds 5] [--tables diamonds ...]

`sets`: five-fold scores and wall time on scikit-learn's own tables, written to CSV. seqlab is `train-mlp --folds 5`
with no other option, timed from reading the file to the finished checkpoint: encoders, baselines and the net that
learns from all rows are in it. scikit-learn is a pipeline of StandardScaler and MLPClassifier or MLPRegressor (its
target scaled), five folds and a net of all rows. `best` is the best mean score of a few settings, three penalties
with two rates for each of the two; nobody knows it beforehand. Seconds: of that one setting, and of all of them.
`folds`: what ten folds cost beside one held-out part. `large`: a CSV of many rows through the command line, in a
process of its own: peak memory and rows a second. Imports are not timed; no data is needed. `intervals`: a third of
the rows is scored by 90 % intervals of a net that has never seen them: coverage, in all and by fifths of the
prediction, width, and the interval score; tables that come with plotnine and statsmodels (skipped where they are not
installed), and made ones whose noise is known.
"""

import argparse
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

import seqlab
from seqlab.tabular.folds import folds

SETS: dict[str, Callable[..., Any]] = {
    "digits": datasets.load_digits,
    "breast_cancer": datasets.load_breast_cancer,
    "wine": datasets.load_wine,
    "iris": datasets.load_iris,
    "diabetes": datasets.load_diabetes,
}
NUMBERS = ("diabetes",)
MADE = ("even", "spread", "skewed", "counts")
REAL = ("diabetes", "food", "houses", "sales", "visits", "diamonds")
PENALTIES, RATES = (1e-4, 1e-2, 1.0), (1e-3, 5e-3)  # theirs
L2_OF_A_ROW, LR = (0.5, 2.0, 8.0), (2e-3, 5e-3)  # ours; 2.0 (12.0 of numbers) and 5e-3 are the defaults


def written(name: str, folder: Path) -> Path:
    path = folder / f"{name}.csv"
    SETS[name](as_frame=True).frame.to_csv(path, index=False)
    return path


def ours(path: Path, seed: int, threads: int, count: int | None, **settings: float) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        how: dict[str, Any] = {"folder": Path(folder) / "run", "seed": seed, "device": "cpu", "threads": threads}
        model = seqlab.train_mlp(path, "target", folds=count, **how, **settings).result()
        metrics: dict[str, Any] = model.checkpoint.config["metrics"]
        return metrics


def theirs(path: Path, numbers: bool, seed: int, **setting: float) -> float:
    """Mean score of five folds, then a net of all rows."""
    frame = pd.read_csv(path)
    x, y = frame.drop(columns="target").to_numpy(), frame["target"].to_numpy()

    def model() -> Any:
        if numbers:
            net = make_pipeline(StandardScaler(), MLPRegressor(random_state=seed, **setting))
            return TransformedTargetRegressor(net, transformer=StandardScaler())
        return make_pipeline(StandardScaler(), MLPClassifier(random_state=seed, **setting))

    scores = []
    for train_rows, out in folds(5, len(x), seed, classes=None if numbers else y):
        scores.append(model().fit(x[train_rows], y[train_rows]).score(x[out], y[out]))
    model().fit(x, y)
    return statistics.mean(scores)


def timed(run: Callable[..., Any], *given: Any) -> tuple[Any, float]:
    start = time.perf_counter()
    return run(*given), time.perf_counter() - start


def compare(seeds: list[int], threads: int, folder: Path) -> None:
    print(f"five folds, {threads} threads, seeds {seeds}: mean score +- deviation between seeds, median seconds")
    for name in SETS:
        path, numbers = written(name, folder), name in NUMBERS
        metric, rows = "r2" if numbers else "accuracy", len(pd.read_csv(path))
        scale = 6 if numbers else 1  # of the penalties of numbers
        linear = []

        def own(seed: int, setting: dict[str, float]) -> float:
            metrics = ours(path, seed, threads, 5, **setting)  # noqa: B023
            linear.append(metrics["baselines"]["linear"][metric])  # noqa: B023
            return float(metrics[metric])  # noqa: B023

        def other(seed: int, setting: dict[str, float]) -> float:
            return theirs(path, numbers, seed, **setting)  # noqa: B023

        tried: list[tuple[str, Callable[[int, dict[str, float]], float], list[dict[str, float]]]] = [
            ("seqlab, defaults", own, [{}]),
            ("seqlab, best", own, [{"l2": scale * l2 / rows, "lr": lr} for l2 in L2_OF_A_ROW for lr in LR]),
            (
                "scikit-learn, best",
                other,
                [{"alpha": one, "learning_rate_init": rate} for one in PENALTIES for rate in RATES],
            ),
        ]
        for kind, run, settings in tried:
            runs = [[timed(run, seed, setting) for seed in seeds] for setting in settings]
            best = max(range(len(runs)), key=lambda i: statistics.mean(score for score, _ in runs[i]))
            seconds = [statistics.median(second for _, second in one) for one in runs]
            print(
                f"{name:14} {kind:19} {spread([score for score, _ in runs[best]])}  {seconds[best]:6.2f} s"
                f"  all {sum(seconds):6.2f} s  {settings[best] or ''}",
                flush=True,
            )
        print(f"{name:14} {'linear':19} {statistics.mean(linear):.4f}", flush=True)


def spread(values: list[float]) -> str:
    return f"{statistics.mean(values):.4f} +- {statistics.stdev(values) if len(values) > 1 else 0:.4f}"


def cost_of_folds(threads: int, folder: Path) -> None:
    print(f"ten folds beside one held-out part, {threads} threads, medians of five rounds, seconds")
    for name in SETS:
        path = written(name, folder)
        rounds: dict[int | None, list[float]] = {None: [], 10: []}
        for seed in range(5):
            for count, seconds in rounds.items():
                seconds.append(timed(ours, path, seed, threads, count)[1])
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


def made(name: str) -> pd.DataFrame:
    """4,000 rows whose noise is known: `spread`, which is left out before training."""
    random = np.random.default_rng(0)
    x = random.normal(size=(4000, 6))
    frame, noise = pd.DataFrame(x.round(4), columns=[f"x{number}" for number in range(6)]), random.normal(size=4000)
    if name == "spread":  # the noise depends on what the mean does not
        frame["spread"] = 0.2 + np.abs(x[:, 2])
        frame["target"] = x[:, 0] + np.sin(2 * x[:, 1]) + frame["spread"] * noise
    elif name == "skewed":  # positive, over two orders of magnitude
        frame["spread"] = np.where(x[:, 2] > 0, 0.6, 0.2)
        frame["target"] = np.exp(5 + 0.8 * x[:, 0] + 0.5 * x[:, 1] + frame["spread"] * noise)
    elif name == "counts":
        frame["spread"] = np.exp(1 + 0.8 * x[:, 0])
        frame["target"] = random.poisson(frame["spread"]) + 0.0
        frame["target"] += 0.5 * (frame.index == 0)  # not classes
    else:  # as it suits intervals of one width
        frame["spread"] = 1.0
        frame["target"] = x[:, 0] + np.sin(2 * x[:, 1]) + noise
    return frame


def real(name: str) -> pd.DataFrame:
    """A regression table that comes with a package, `target` its number. Raises ImportError without the package."""
    if name == "diabetes":
        return datasets.load_diabetes(as_frame=True).frame
    if name in ("visits", "food"):
        from statsmodels.datasets import engel, randhie

        column = {"visits": "mdvis", "food": "foodexp"}[name]
        return {"visits": randhie, "food": engel}[name].load_pandas().data.rename(columns={column: "target"})
    import plotnine.data

    table, column = {
        "diamonds": ("diamonds", "price"),
        "sales": ("txhousing", "volume"),
        "houses": ("txhousing", "median"),
    }[name]
    frame = getattr(plotnine.data, table).rename(columns={column: "target"}).dropna(subset="target")
    words = frame.select_dtypes("category").columns
    return frame.astype(dict.fromkeys(words, str)).drop(columns=["date"], errors="ignore")


def score_intervals(seed: int, frame: pd.DataFrame, threads: int, count: int | None) -> dict[str, Any]:
    """90 % intervals of a third of the rows, drawn by the seed; the net learns from the others."""
    scored = frame.sample(frac=1 / 3, random_state=seed)
    rest = frame.drop(index=scored.index).drop(columns="spread", errors="ignore").reset_index(drop=True)
    with tempfile.TemporaryDirectory() as folder:
        how: dict[str, Any] = {"folder": Path(folder) / "run", "seed": seed, "device": "cpu", "threads": threads}
        start = time.perf_counter()
        model = seqlab.train_mlp(rest, "target", folds=count, task="regression", **how).result()
        seconds = time.perf_counter() - start
        found = model.predict_frame(scored.reset_index(drop=True), level=0.9).to_frame()
    truth = scored["target"].to_numpy(np.float64)
    predicted, low, high = (found[name].to_numpy() for name in ("prediction", "low", "high"))
    inside = (low <= truth) & (truth <= high)
    missed = np.maximum(low - truth, 0) + np.maximum(truth - high, 0)
    by = {"prediction": predicted} | ({"spread": scored["spread"].to_numpy()} if "spread" in scored else {})
    return {
        "r2": 1 - np.square(truth - predicted).mean() / truth.var(),
        "coverage": inside.mean(),
        **{name: [inside[part].mean() for part in np.array_split(np.argsort(one), 5)] for name, one in by.items()},
        "width": (high - low).mean() / truth.std(),
        "score": ((high - low) + 2 / 0.1 * missed).mean() / truth.std(),  # Gneiting and Raftery 2007, equation 43
        "below 0": (low < 0).mean() if truth.min() >= 0 else 0.0,
        "outside": ((predicted < low) | (predicted > high)).mean(),
        "seconds": seconds,
    }


def intervals(seeds: list[int], threads: int, count: int | None, names: list[str]) -> None:
    print(f"90 % intervals of a third of the rows, {f'{count} folds' if count else 'a fifth held out'}, seeds {seeds}")
    for name in names or [*MADE, *REAL]:
        try:
            frame = made(name) if name in MADE else real(name)
        except ImportError as missing:
            print(f"{name:9} skipped: {missing}")
            continue
        each = [score_intervals(seed, frame, threads, count) for seed in seeds]
        mean = {key: np.mean([one[key] for one in each], axis=0) for key in each[0]}
        fifths = {key: " ".join(f"{100 * one:5.1f}" for one in mean[key]) for key in mean if mean[key].ndim}
        print(
            f"{name:9} {len(frame):6,} rows  R2 {mean['r2']:.4f}  coverage {mean['coverage']:.1%}  by fifths of the "
            f"prediction {fifths['prediction']}  width {mean['width']:.3f}  score {mean['score']:.3f}  "
            f"low below 0 {mean['below 0']:.1%}  prediction outside {mean['outside']:.1%}  {mean['seconds']:.1f} s"
            + (f"\n{'':9} by fifths of the noise {fifths['spread']}" if "spread" in fifths else ""),
            flush=True,
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", nargs="?", choices=["sets", "folds", "large", "intervals"], default="sets")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--columns", type=int, default=50)
    parser.add_argument("--folds", type=int)
    parser.add_argument("--tables", nargs="+", choices=[*MADE, *REAL], default=[])
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    warnings.filterwarnings("ignore", module="sklearn")  # that 200 passes were not enough
    with threadpool_limits(given.threads), tempfile.TemporaryDirectory() as folder:
        if given.what == "sets":
            compare(given.seeds, given.threads, Path(folder))
        elif given.what == "folds":
            cost_of_folds(given.threads, Path(folder))
        elif given.what == "intervals":
            intervals(given.seeds, given.threads, given.folds, given.tables)
        else:
            large(given.rows, given.columns, given.threads, Path(folder))


if __name__ == "__main__":
    main()
