"""seqlab beside other forecasting libraries: the same origins, the same scores, the same clock. See README.md here.

    python benchmarks/forecast.py            every method, the table in Markdown on standard output
    python benchmarks/forecast.py -m seqlab_shipped -m gluonts_deepar --seeds 0

Each method is a function below: it gets a Task, and returns quantiles of the cumulative log return over the next 1, 5
and 20 days for every ticker and origin. It runs in a process of its own, in a temporary folder, and tells its Clock
what is import, fit and predict.
"""

import argparse
import json
import logging
import math
import os
import platform
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pandas as pd

from seqlab import scoring
from seqlab.data.series.quotes import snapshot
from seqlab.data.series.series import Series
from seqlab.scoring import baselines
from seqlab.scoring.garch import garch

TICKERS = ("AAPL", "JPM", "JNJ", "XOM", "WMT")  # five sectors, all of them whole from 1990 to the end
CUT = np.datetime64("2021-12-31")  # the shipped model's own: all that is scored comes after it for everybody
HORIZONS = (1, 5, 20)
LONGEST = HORIZONS[-1]
STRIDE = 2  # days between two origins
CONTEXT = 60  # days that a peer's network reads before an origin: three times the longest horizon
PATHS = 500  # sampled per origin; with the usual 100 the noise of the quantiles alone costs up to 1 % of CRPS
STEPS = 5000  # of the optimizer, for those that count otherwise: what DeepAR's defaults come to
BEGIN, END = "<!-- results -->", "<!-- end of results -->"  # of the table in README.md


@dataclass(frozen=True)
class Task:
    """What every method gets. log_price, returns (S, N): of S tickers on the same N days, the first return none, 0;
    rows (O,): the days forecast from, from the cut on; a method may look at day t's row and those before it."""

    series: list[Series]
    log_price: np.ndarray
    returns: np.ndarray
    rows: np.ndarray

    @classmethod
    def load(cls) -> "Task":
        """From the embedded quotes, whatever else is stored on this machine."""
        series = [snapshot(ticker) for ticker in TICKERS]
        assert all((one.dates == series[0].dates).all() for one in series)
        log_price = np.log(np.stack([one.adjusted for one in series]))
        dates = series[0].dates
        rows = np.arange(len(dates) - 1 - LONGEST, np.searchsorted(dates, CUT) - 1, -STRIDE)[::-1]
        return cls(series, log_price, np.diff(log_price, axis=1, prepend=log_price[:, :1]), rows)

    @property
    def known(self) -> int:
        """The number of days up to and including the cut: what may be learned from."""
        return int(np.searchsorted(self.series[0].dates, CUT, side="right"))

    def outcomes(self) -> np.ndarray:
        """What came: cumulative log returns (S, O, K)."""
        return np.stack([self.log_price[:, self.rows + h] - self.log_price[:, self.rows] for h in HORIZONS], axis=2)

    def origins(self) -> Iterator[tuple[int, int]]:
        """(ticker, row) of every forecast, in the order of the result."""
        return ((s, int(row)) for s in range(len(self.series)) for row in self.rows)

    def quantiles_of_paths(self, paths: np.ndarray) -> np.ndarray:
        """Sampled daily log returns, (S * O, paths, days), as quantiles (S, O, K, Q)."""
        total = np.cumsum(paths, axis=2)[:, :, np.array(HORIZONS) - 1]  # (S * O, paths, K)
        quantiles = np.moveaxis(np.quantile(total, scoring.LEVELS, axis=1), 0, -1)  # (S * O, K, Q)
        return quantiles.reshape(len(self.series), len(self.rows), len(HORIZONS), -1)


class Clock(dict[str, float]):
    """Seconds by what they went to: on the wall as `fit`, and of a processor as `fit cpu`."""

    @contextmanager
    def __call__(self, what: str) -> Iterator[None]:
        begin, cpu = time.perf_counter(), time.process_time()
        yield
        self[what] = self.get(what, 0.0) + time.perf_counter() - begin
        self[f"{what} cpu"] = self.get(f"{what} cpu", 0.0) + time.process_time() - cpu


# --- seqlab


def seqlab_shipped(task: Task, clock: Clock, seed: int) -> np.ndarray:
    """The checkpoint that comes with seqlab, trained on all 22 embedded tickers; these five are its market here."""
    with clock("import"):
        from seqlab import checkpoint, forecasting
    with clock("predict"):  # loading it included
        forecaster = forecasting.load(checkpoint.find("quotes", [checkpoint.shipped_folder()]))
        assert forecaster.cut == CUT, "the shipped model has seen days that are scored here"
        return _backtest(
            task, forecasting.forecast_all(forecaster, task.series, horizon=LONGEST, origins=10_000, stride=STRIDE)
        )


def seqlab_fresh(task: Task, clock: Clock, seed: int) -> np.ndarray:
    """Trained here on the five tickers, all settings at their defaults."""
    with clock("import"):
        from seqlab import checkpoint, forecasting
        from seqlab.runs import RunOptions
        from seqlab.settings import ForecastSettings
    folder = Path("fresh")
    with clock("fit"):  # the backtest that training ends with included
        settings = ForecastSettings(seed=seed)
        for _ in forecasting.train(task.series, settings, RunOptions(folder), cut=CUT):
            pass
    with clock("predict"):
        forecaster = forecasting.load(checkpoint.load(folder))
        return _backtest(
            task, forecasting.forecast_all(forecaster, task.series, horizon=LONGEST, origins=10_000, stride=STRIDE)
        )


def _backtest(task: Task, forecasts: Iterator) -> np.ndarray:
    """The model's quantiles out of seqlab's own backtests, which score its baselines on the way."""
    found = [one.backtest for one in forecasts]
    for one in found:
        assert one.horizons == HORIZONS
        assert (one.origins == task.series[0].dates[task.rows]).all()
    return np.stack([one.quantiles["model"] for one in found])


def seqlab_baseline(name: str) -> Callable[[Task, Clock, int], np.ndarray]:
    """One of the classical forecasts that seqlab puts beside its model; numpy alone, but for GARCH."""

    def method(task: Task, clock: Clock, seed: int) -> np.ndarray:
        horizons, levels = np.array(HORIZONS), scoring.LEVELS
        unknown = np.full(task.returns.shape[1], np.nan)  # one ticker alone has ranges, and none after 2013
        result = []
        if name == "gjr":
            with clock("import"):
                import arch.univariate  # noqa: F401
        with clock("predict"):
            for returns in task.returns:
                if name == "random_walk":
                    one = baselines.normal(baselines.volatility(returns)[task.rows], horizons, levels)
                elif name == "ewma":  # with the decay of RiskMetrics
                    variance = pd.Series(returns[1:] ** 2).ewm(alpha=1 - 0.94).mean()
                    one = baselines.normal(np.sqrt(variance.to_numpy())[task.rows - 1], horizons, levels)
                elif name == "har":
                    one = baselines.har(returns, unknown, task.rows, horizons, levels)
                else:
                    one = garch(returns, task.rows, horizons, levels, asymmetric=True)
                result.append(one)
        return np.stack(result)

    return method


# --- peers


def gluonts_deepar(task: Task, clock: Clock, seed: int) -> np.ndarray:
    """GluonTS: DeepAR (Salinas et al. 2020) with Student-t steps, 2 x 40 LSTM, 5,000 steps, all of them its defaults.

    A context of 20 days is its default too, beside which it sees returns of up to 780 days ago. Not its default: PATHS.
    Its calendar knows no exchange's holidays, so trading days are numbered on as
    business days, and the features of the calendar are left out, which would be wrong then.
    """
    with clock("import"):
        import lightning.pytorch as lightning
        from gluonts.dataset.common import ListDataset
        from gluonts.torch import DeepAREstimator
    lightning.seed_everything(seed)
    start = pd.Period("1990-01-02", freq="B")

    def dataset(ends: Iterator[tuple[int, int]]) -> ListDataset:
        return ListDataset([{"start": start, "target": task.returns[s, 1 : row + 1]} for s, row in ends], freq="B")

    with clock("fit"):
        estimator = DeepAREstimator(
            freq="B",
            prediction_length=LONGEST,
            time_features=[],
            num_parallel_samples=PATHS,
            trainer_kwargs={"enable_progress_bar": False, "enable_model_summary": False, "logger": False},
        )
        predictor = estimator.train(dataset((s, task.known - 1) for s in range(len(task.series))))
    with clock("predict"):
        forecasts = predictor.predict(dataset(task.origins()))
        return task.quantiles_of_paths(np.stack([one.samples for one in forecasts]))


def darts_lstm(task: Task, clock: Clock, seed: int) -> np.ndarray:
    """Darts: RNNModel with an LSTM of its default size (1 x 25) and normal steps, on standardised returns."""
    size = task.returns[:, 1 : task.known].std(axis=1)[:, None]
    paths = _darts(task, clock, seed, task.returns / size)
    return task.quantiles_of_paths(paths * np.repeat(size, len(task.rows))[:, None, None])


def darts_lstm_on_prices(task: Task, clock: Clock, seed: int) -> np.ndarray:
    """The popular habit, as a warning: the same network on prices scaled to 0 .. 1."""
    prices = np.exp(task.log_price)
    low = prices[:, : task.known].min(axis=1)[:, None]
    span = prices[:, : task.known].max(axis=1)[:, None] - low
    paths = _darts(task, clock, seed, (prices - low) / span)  # (S * O, paths, days)
    count = len(task.rows)
    paths = np.repeat(low, count)[:, None, None] + paths * np.repeat(span, count)[:, None, None]
    last = prices[:, task.rows].reshape(-1, 1, 1)
    log_return = np.log(np.maximum(paths, 0.01 * last) / last)  # a normal step may lead below zero
    return task.quantiles_of_paths(np.diff(log_return, axis=2, prepend=0.0))


def _darts(task: Task, clock: Clock, seed: int, values: np.ndarray) -> np.ndarray:
    """values (S, N) -> sampled paths (S * O, PATHS, LONGEST) of an LSTM fitted to those up to the cut.

    An epoch of Darts is every window of every series; its default is 100 of them, which would be 125,000 steps here.
    """
    with clock("import"):
        from darts import TimeSeries
        from darts.models import RNNModel
        from darts.utils.likelihood_models import GaussianLikelihood
    values = values.astype(np.float32)
    batch_size, epochs = 32, 4
    with clock("fit"):
        model = RNNModel(
            model="LSTM",
            input_chunk_length=CONTEXT,
            training_length=CONTEXT + LONGEST,
            likelihood=GaussianLikelihood(),
            batch_size=batch_size,
            n_epochs=epochs,
            random_state=seed,
            pl_trainer_kwargs={
                "accelerator": "cpu",
                "enable_progress_bar": False,
                "enable_model_summary": False,
                "logger": False,
                "enable_checkpointing": False,
            },
        )
        model.fit(
            [TimeSeries.from_values(one[: task.known]) for one in values],
            max_samples_per_ts=STEPS * batch_size // (epochs * len(values)),
        )
    with clock("predict"):
        until = [TimeSeries.from_values(values[s, row + 1 - CONTEXT : row + 1]) for s, row in task.origins()]
        forecasts = model.predict(LONGEST, series=until, num_samples=PATHS, batch_size=64)
        return np.stack([one.all_values()[:, 0].T for one in forecasts])


def neuralforecast_lstm(task: Task, clock: Clock, seed: int) -> np.ndarray:
    """NeuralForecast: LSTM (2 x 128) with Student-t outputs for each of the next 20 days at once, all its defaults.

    Its days ahead come as marginals; the paths are those of its own `simulate`, which orders them like the past (the
    Schaake shuffle). Its default, a Gaussian copula, takes the correlation of the differences, and that without its
    sign: about 0.5 for returns, which have none.
    """
    with clock("import"):
        from neuralforecast import NeuralForecast
        from neuralforecast.losses.pytorch import DistributionLoss
        from neuralforecast.models import LSTM

    def frame(ends: Iterator[tuple[int, int]], length: int) -> pd.DataFrame:
        return pd.concat(
            [
                pd.DataFrame({"unique_id": i, "ds": np.arange(begin, row + 1), "y": task.returns[s, begin : row + 1]})
                for i, (s, row) in enumerate(ends)
                for begin in [max(1, row + 1 - length)]
            ]
        )

    with clock("fit"):
        model = LSTM(
            h=LONGEST,
            input_size=CONTEXT,
            loss=DistributionLoss("StudentT"),
            random_seed=seed + 1,
            accelerator="cpu",
            enable_progress_bar=False,
            enable_model_summary=False,
            logger=False,
            enable_checkpointing=False,
        )
        forecaster = NeuralForecast([model], freq=1)
        forecaster.fit(frame(((s, task.known - 1) for s in range(len(task.series))), task.known))
    with clock("predict"):
        paths = forecaster.simulate(
            frame(task.origins(), 4 * baselines.YEAR), n_paths=PATHS, seed=seed + 1, method="schaake_shuffle"
        )
        paths = paths.sort_values(["unique_id", "sample_id", "ds"])["LSTM"].to_numpy()
        return task.quantiles_of_paths(paths.reshape(-1, PATHS, LONGEST))


def statsforecast_garch(task: Task, clock: Clock, seed: int) -> np.ndarray:
    """statsforecast: GARCH(1,1), fitted anew at each origin to the ten years before it.

    What it forecasts as the mean is one random path, and its intervals take the variance for a standard deviation. So
    only its coefficients are taken: the variance over h days follows from them in closed form; normal quantiles.
    """
    with clock("import"):
        from statsforecast.models import GARCH
    result = np.zeros((len(task.series) * len(task.rows), len(HORIZONS)))
    for i, (s, row) in enumerate(task.origins()):
        percent = 100 * task.returns[s, row + 1 - 10 * baselines.YEAR : row + 1]
        with clock("fit"):
            fitted = GARCH(1, 1).fit(percent).model_
        with clock("predict"):
            base, alpha, beta = fitted["coeff"]
            ahead = base + alpha * percent[-1] ** 2 + beta * fitted["sigma2_vals"][-1]
            variance = np.empty(LONGEST)
            for day in range(LONGEST):
                variance[day] = ahead
                ahead = base + (alpha + beta) * ahead
            result[i] = np.sqrt(np.cumsum(variance)[np.array(HORIZONS) - 1]) / 100
    shape = (len(task.series), len(task.rows), len(HORIZONS), len(scoring.LEVELS))
    curve = baselines.normal(np.ones(1), np.ones(1), scoring.LEVELS)[0, 0]  # (Q,)
    return (result[..., None] * curve).reshape(shape)


Method = Callable[[Task, Clock, int], np.ndarray]
METHODS: dict[str, tuple[str, Method, tuple[str, ...]]] = {  # name: title, function, packages
    "random_walk": ("random walk, 252 days", seqlab_baseline("random_walk"), ()),
    "ewma": ("EWMA 0.94 (seqlab's baseline)", seqlab_baseline("ewma"), ()),
    "har": ("HAR (seqlab's baseline)", seqlab_baseline("har"), ()),
    "gjr": ("GJR-GARCH, Student-t (seqlab's baseline, by arch)", seqlab_baseline("gjr"), ("arch",)),
    "seqlab_shipped": ("**seqlab, shipped model**", seqlab_shipped, ("seqlab",)),
    "seqlab_fresh": ("**seqlab, trained on the five**", seqlab_fresh, ("seqlab",)),
    "gluonts_deepar": ("GluonTS DeepAR", gluonts_deepar, ("gluonts",)),
    "darts_lstm": ("Darts RNNModel LSTM", darts_lstm, ("darts",)),
    "neuralforecast_lstm": ("NeuralForecast LSTM, Student-t", neuralforecast_lstm, ("neuralforecast",)),
    "statsforecast_garch": ("statsforecast GARCH(1,1)", statsforecast_garch, ("statsforecast",)),
    "darts_lstm_on_prices": ("Darts LSTM on prices: a habit, not advice", darts_lstm_on_prices, ("darts",)),
}
PARTS = ("import", "fit", "predict")
SEEDED = ("seqlab_fresh", "gluonts_deepar", "darts_lstm", "neuralforecast_lstm", "darts_lstm_on_prices")


def run_here(name: str, seed: int, result: Path) -> None:
    """One method in this process: its quantiles and seconds go to the file `result`."""
    warnings.filterwarnings("ignore")
    logging.disable(logging.WARNING)
    clock = Clock()
    quantiles = METHODS[name][1](Task.load(), clock, seed)
    np.savez(result, quantiles=quantiles, seconds=json.dumps(clock))


def run_apart(name: str, seed: int, threads: int) -> tuple[np.ndarray, dict[str, float]]:
    """One method in a process of its own, in a folder that goes away with all that libraries like to leave behind."""
    variables = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS")
    environment = {**os.environ, **dict.fromkeys(variables, str(threads))}
    with tempfile.TemporaryDirectory() as folder:
        result = Path(folder) / "result.npz"
        command = [sys.executable, str(Path(__file__).resolve()), "--child", str(result), "-m", name]
        done = subprocess.run(
            [*command, "--seeds", str(seed)], cwd=folder, env=environment, stdout=subprocess.DEVNULL, check=False
        )
        if done.returncode:
            raise SystemExit(f"{name} failed with exit status {done.returncode}")
        with np.load(result) as saved:
            return saved["quantiles"], json.loads(str(saved["seconds"]))


@dataclass
class Result:
    """One method's runs, a seed each: quantiles (S, O, K, Q), and seconds by what they went to."""

    quantiles: list[np.ndarray]
    seconds: list[dict[str, float]]

    def crps(self, outcomes: np.ndarray) -> np.ndarray:
        """(S, O, K), the mean over the seeds."""
        return np.mean([scoring.crps(one, outcomes) for one in self.quantiles], axis=0)

    def coverage(self, outcomes: np.ndarray, k: int) -> float:
        return float(np.mean([scoring.coverage(one[:, :, k], outcomes[:, :, k], 0.8) for one in self.quantiles]))

    def median(self, *parts: str) -> float:
        """Seconds that the parts took together, the median over the seeds; 0 where a method has none of them."""
        return float(np.median([sum(one.get(part, 0.0) for part in parts) for one in self.seconds]))


def report(task: Task, results: dict[str, Result], threads: int, seeds: list[int]) -> str:
    """The table, and under it what is sure, what was claimed and what it ran on, in Markdown."""
    outcomes, horizons = task.outcomes(), np.array(HORIZONS)
    sizes = [baselines.volatility(one)[task.rows] for one in task.returns]
    walk = np.stack([baselines.normal(size, horizons, scoring.LEVELS) for size in sizes])
    naive = scoring.crps(walk, outcomes)  # (S, O, K)
    lines = ["| | import, s | fit, s | predict, s | CRPS, % | skill, % | in 80 % |", "|---|---|---|---|---|---|---|"]
    unlike = []
    for name, result in results.items():
        crps = result.crps(outcomes)
        skill = 100 * (1 - crps.mean((0, 1)) / naive.mean((0, 1)))
        cells = [METHODS[name][0], *(_seconds(result.median(part)) for part in PARTS)]
        cells.append(" / ".join(f"{100 * one:.3f}" for one in crps.mean((0, 1))))
        cells.append(" / ".join(f"{one:+.2f}" for one in skill))
        cells.append(" / ".join(f"{result.coverage(outcomes, k):.2f}" for k in range(len(HORIZONS))))
        lines.append("| " + " | ".join(cells) + " |")
        for k, h in enumerate(HORIZONS):  # a test in origins, so the horizon too
            p = scoring.diebold_mariano((crps - naive)[:, :, k].mean(axis=0), math.ceil(h / STRIDE))
            if p < 0.05:
                unlike.append(f"{name} at {h} d ({'better' if skill[k] > 0 else 'worse'}, p = {p:.3f})")
    days = task.series[0].dates[task.rows]
    lines += [
        "",
        f"{len(TICKERS)} x {len(days)} forecasts, made from {days[0]} to {days[-1]}, over 1 / 5 / 20 days; "
        f"seeds: {', '.join(map(str, seeds))}; threads: {threads}.",
        "",
        "Unlike the random walk by Diebold and Mariano's test of the daily mean over the tickers, each for itself "
        f"(p < 0.05, {len(results) * len(HORIZONS)} tests): {', '.join(unlike) or 'none'}.",
        "",
        *claims(results),
        "",
        machine(results),
    ]
    wall = sum(one.median("fit", "predict") for one in results.values())
    cpu = sum(one.median("fit cpu", "predict cpu") for one in results.values())
    if cpu < 0.9 * wall:
        lines += [
            "",
            f"**The machine was busy:** {wall:.0f} s went by for {cpu:.0f} s of work: the times are too long.",
        ]
    return "\n".join(lines)


def _seconds(value: float) -> str:
    if value == 0:
        return "–"
    return "< 0.1" if value < 0.1 else f"{value:.1f}"


def claims(results: dict[str, Result]) -> list[str]:
    """What seqlab would like to be able to say, and whether this run says it. Without imports."""
    wanted = [
        ("seqlab_shipped", "gluonts_deepar", 10),
        ("seqlab_fresh", "gluonts_deepar", 1),
        ("seqlab_fresh", "darts_lstm", 2),
    ]
    lines = []
    for ours, theirs, factor in wanted:
        if ours in results and theirs in results:
            mine, other = (results[name].median("fit", "predict") for name in (ours, theirs))
            lines.append(
                f"- {ours} against {theirs}, fit and predict: {mine:.1f} s against {other:.1f} s, {other / mine:.1f} "
                f"times as fast (claimed: {factor}; {'holds' if other >= factor * mine else 'does not hold'})"
            )
    return lines


def machine(results: dict[str, Result]) -> str:
    """What it ran on, and with which versions."""
    processor = platform.processor() or platform.machine()
    if Path("/proc/cpuinfo").exists():
        facts = dict(
            (part.strip() for part in line.split(":", 1))
            for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
            if ":" in line
        )
        processor = f"{facts.get('model name', processor)} (family {facts.get('cpu family')})"
    packages = dict.fromkeys(["torch", "numpy", *(package for name in results for package in METHODS[name][2])])
    return (
        f"{processor}, {os.cpu_count()} cores; {platform.system()}, Python {platform.python_version()}; "
        f"{', '.join(f'{package} {version(package)}' for package in packages)}."
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-m", "--method", action="append", choices=METHODS, help="default: all")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0], help="of what is trained; default: 0")
    parser.add_argument("--threads", type=int, default=1, help="for every library; default: 1")
    parser.add_argument("--write", action="store_true", help="put the table into README.md here, too")
    parser.add_argument("--child", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    names = list(METHODS) if options.method is None else options.method
    if options.child:
        run_here(names[0], options.seeds[0], options.child)
        return
    results: dict[str, Result] = {name: Result([], []) for name in names}
    for seed in options.seeds:
        for name in names:
            if name in SEEDED or not results[name].seconds:
                quantiles, seconds = run_apart(name, seed, options.threads)
                results[name].quantiles.append(quantiles)
                results[name].seconds.append(seconds)
                told = ", ".join(f"{part} {value:.1f} s" for part, value in seconds.items())
                print(f"{name}, seed {seed}: {told}", file=sys.stderr, flush=True)
    table = report(Task.load(), results, options.threads, options.seeds)
    print(table)
    if options.write:
        readme = Path(__file__).with_name("README.md")
        before, _, rest = readme.read_text(encoding="utf-8").partition(BEGIN)
        _, _, after = rest.partition(END)
        readme.write_text(f"{before}{BEGIN}\n{table}\n{END}{after}", encoding="utf-8")


if __name__ == "__main__":
    main()
