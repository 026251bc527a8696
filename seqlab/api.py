"""The library in a few functions: what `import seqlab` offers, and what the command line calls.

Long jobs come as a `Task`. Keyword arguments that a function does not name are those of `RunOptions` (folder, epochs,
minutes, resume, overwrite, command, stop) where a model is kept, of the device (device, precision, threads) and of the
job's settings (`seqlab.settings`: hidden_size, lr, seed, ...). Only the job that is asked for is imported.
"""

from collections.abc import Collection, Generator, Sequence
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seqlab import checkpoint, runs
from seqlab.checkpoint import Checkpoint
from seqlab.errors import CheckpointError, UsageError, did_you_mean
from seqlab.machine import Compute
from seqlab.runs import RunOptions
from seqlab.settings import (
    ForecastSettings,
    LanguageSettings,
    Settings,
    StructureSettings,
    TableSettings,
    VisionSettings,
    names_of,
    today,
)
from seqlab.tasks import Event, Task

if TYPE_CHECKING:
    import pandas as pd

    from seqlab.data.images.image_set import ImageSet
    from seqlab.data.series.kinds import Kind
    from seqlab.data.series.series import Series
    from seqlab.data.tables.reader import Table
    from seqlab.data.text.corpus import Corpus
    from seqlab.forecasting.forecast_model import ForecastModel
    from seqlab.forecasting.results import Forecasts
    from seqlab.language.text_model import TextModel
    from seqlab.tabular.table_model import TableModel
    from seqlab.unsupervised.structure import Structure

    SeriesData = str | Path | pd.Series | pd.DataFrame | Series
    TableData = str | Path | pd.DataFrame

DEVICE = ("device", "precision", "threads")
MODELS = {  # imported where one is asked for
    "language": ("seqlab.language.text_model", "TextModel"),
    "forecasting": ("seqlab.forecasting.forecast_model", "ForecastModel"),
    "vision": ("seqlab.vision.image_model", "ImageModel"),
    "tabular": ("seqlab.tabular.table_model", "TableModel"),
}


def load(name: str | Path, *, job: str | None = None, **device: Any) -> Any:
    """A trained model, by its name or its folder: one trained here, else one that ships with seqlab.

    It is a `TextModel` (`linux`, `stacks`), a `ForecastModel` (`quotes`), an `ImageModel` (`cifar10`) or a
    `TableModel`. device, precision, threads: what it computes with. job: what it has to be for (`language`,
    `forecasting`, `vision`, `tabular`). Raises CheckpointError where there is none, it is damaged, or of another job,
    and UsageError for a device that is not there.
    """
    compute = Compute(**device)
    compute.resolve(0)
    return model_of(checkpoint.find(str(name), job=job), compute, job)


def model_of(saved: Checkpoint, compute: Compute = Compute(), job: str | None = None) -> Any:
    """The object of a checkpoint's job. Raises CheckpointError if it is of another than `job`, or of none known."""
    job = job or saved.config["job"]
    if job not in MODELS:
        raise CheckpointError(f"checkpoint '{saved.name}' is of an unknown job, {job}", "upgrade seqlab")
    module, name = MODELS[job]
    return getattr(import_module(module), name).of(saved, compute)


def forecast(data: "SeriesData | Sequence[SeriesData]", horizon: int = 20, **options: Any) -> "Forecasts":
    """The next `horizon` rows of each series as distributions, with a backtest beside simple baselines.

    data: a ticker, a file, a pandas Series, a DataFrame (a column of values for each series, or long with the columns
    unique_id, ds and y), or several of these. Other options: `forecast_task`. Raises DataError where it cannot.
    """
    return forecast_task(data, horizon, **options).result()


def forecast_task(
    data: "SeriesData | Sequence[SeriesData]",
    horizon: int = 20,
    *,
    columns: Sequence[str] = (),
    kind: "Kind" = "auto",
    freq: str | None = None,
    id: str | None = None,
    time: str | None = None,
    target: str | None = None,
    known: Sequence[str] = (),
    past: Sequence[str] = (),
    holidays: str | None = None,
    quantiles: Sequence[float] | None = None,
    as_of: str | None = None,
    origins: int | None = None,
    stride: int = 1,
    baselines: str = "cheap",
    model: str | None = None,
    refit: bool = False,
    offline: bool = False,
    **options: Any,
) -> "Task[Forecasts]":
    """`forecast`, with what is going on.

    columns: of files and frames; kind: what they hold, `prices`, `levels`, `returns`, `counts` or `auto`; freq: how
    often there is a row, D, B, W, M, Q, Y, h, 30min, ...; read where it is not given. id, time, target: the columns of
    a long table, where these are not unique_id, ds and y. known, past: columns that are covariates, given beyond the
    last y too or not; holidays: a country's code, as DE. quantiles: levels from 0.01 to 0.99 of the result's tables;
    None: the deciles with 5, 25, 75 and 95 %. as_of: forecast from a day in the past. origins, stride: days of the
    backtest at most, and days between them. baselines: `all` adds GARCH and GJR to prices, AutoETS and Theta to other
    series. model: a forecaster's checkpoint, for all series; None: `quotes` for daily prices, and `general` for
    others. refit: adapt the model to these series first. offline: open no socket.
    """
    from seqlab.data.series.covariates import CovariateNames
    from seqlab.data.series.long_table import Long
    from seqlab.forecasting.answers import forecast_series

    run, settings = divided(options, ForecastSettings, of_run=())
    read: dict[str, Any] = {"columns": columns, "kind": kind, "freq": freq, "long": Long(id, time, target)}
    read |= {"covariates": CovariateNames.of(known, past, holidays), "as_of": as_of, "offline": offline}
    asked: dict[str, Any] = {"origins": origins, "stride": stride, "baselines": baselines, "quantiles": quantiles}
    using: dict[str, Any] = {"model": model, "refit": refit, "compute": run.compute, "given": settings}
    return Task(forecast_series(data, horizon, **read, **asked, **using))


def train_text(
    corpus: "str | Path | Corpus", *, start: str | None = None, offline: bool = False, **options: Any
) -> "Task[TextModel | None]":
    """Train a character model: on `linux`, `stacks`, a file, a folder, an archive, a pattern, or a `Corpus.of(text)`.

    start: begin with the weights of another text model. In the minutes given (ten, unless steps or epochs are), with a
    net of the size that they are best spent on. The Task's result is the model, None if `stop()` ended it early.
    """
    from seqlab.language.train import train_text as steps

    run, settings = divided(options, LanguageSettings)
    return _trained(steps(corpus, run, settings, start=start, offline=offline), run)


def train_forecaster(
    data: "SeriesData | Sequence[SeriesData]" = (),
    *,
    cut: str | None = None,
    columns: Sequence[str] = (),
    kind: "Kind" = "auto",
    freq: str | None = None,
    id: str | None = None,
    time: str | None = None,
    target: str | None = None,
    start: str | None = None,
    offline: bool = False,
    **options: Any,
) -> "Task[ForecastModel | None]":
    """Train one forecaster for all the series given, as `forecast` takes them; the embedded quotes where none is.

    cut: use nothing after this day, outcomes included; what comes later is its backtest. start: begin with the weights
    of another forecaster. The Task's result is the model, None if `stop()` ended it early.
    """
    from seqlab.data.series.long_table import Long
    from seqlab.forecasting.train import train_forecaster as steps

    run, settings = divided(options, ForecastSettings)
    read: dict[str, Any] = {"columns": columns, "kind": kind, "freq": freq, "long": Long(id, time, target)}
    return _trained(steps(data, run, settings, cut=cut, start=start, offline=offline, **read), run)


def train_cnn(
    data: "str | Path | ImageSet",
    *,
    model: str | None = None,
    folds: int | None = None,
    size: int | None = None,
    data_dir: Path | None = None,
    offline: bool = False,
    **options: Any,
) -> "Task[Any]":
    """Train an image classifier on `cifar10`, `cifar100`, `mnist`, `fashion-mnist` or a folder of images.

    model: one of `vision.zoo.MODELS`; None: the default. folds: cross-validate, a net for each of so many parts. size:
    pixels a side of a folder's images. data_dir: where a published set's files lie. The Task's result is an
    `ImageModel`, with folds a `FoldedImages`; None if `stop()` ended it early.
    """
    from seqlab.vision.train import train_cnn as steps

    run, settings = divided(options, VisionSettings)
    made = steps(data, run, settings, model=model, folds=folds, size=size, data_dir=data_dir, offline=offline)
    return Task(made) if folds is not None else _trained(made, run)


def train_mlp(
    data: "TableData | Table",
    target: str,
    *,
    task: str = "auto",
    folds: int | None = None,
    groups: str | None = None,
    time: str | None = None,
    test: "TableData | None" = None,
    **options: Any,
) -> "Task[TableModel | None]":
    """Train a feedforward net to predict column `target` of a table from the others: a file or a DataFrame.

    task: `classification`, `regression`, or `auto`. folds: cross-validate; the net that is kept learns from all rows.
    groups: a column whose equal values stay on one side of every split. time: split by time, hold out the latest rows.
    test: a separate table, used only for the final evaluation. The Task's result is the model, None if `stop()` ended
    it early.
    """
    from seqlab.tabular.train import train_mlp as steps

    run, settings = divided(options, TableSettings)
    made = steps(data, str(target), run, settings, task=task, folds=folds, groups=groups, time=time, test=test)
    return _trained(made, run)


def learning_curve(
    data: "TableData | Table",
    target: str,
    *,
    task: str = "auto",
    folds: int = 5,
    groups: str | None = None,
    time: str | None = None,
    **options: Any,
) -> "Task[list[dict[str, Any]]]":
    """What more training rows are worth: {rows, accuracy | r2, deviation, nets} for growing numbers of them.

    As `train_mlp` otherwise, but that nothing is kept: of the options of a run there is `stop` alone. The Task's result
    is empty if `stop()` ended it early.
    """
    from seqlab.tabular.curve import learning_curve as steps

    run, settings = divided(options, TableSettings, of_run=("stop",))
    return Task(steps(data, str(target), run, settings, task=task, folds=folds, groups=groups, time=time))


def structure(data: "TableData | Sequence[SeriesData]", **options: Any) -> "Structure":
    """What unlabeled data is made of: an autoencoder's map of it, and its most unusual rows or days.

    data: one table, a file or a DataFrame; or several tickers, files and Series, joined by their dates. Other options:
    those of `structure_task`.
    """
    return structure_task(data, **options).result()


def structure_task(
    data: "TableData | Sequence[SeriesData]",
    *,
    columns: Sequence[str] = (),
    kind: "Kind" = "auto",
    freq: str | None = None,
    offline: bool = False,
    **options: Any,
) -> "Task[Structure]":
    """`structure`, with what is going on. columns, kind and freq, where a file holds series: see `forecast_task`."""
    from seqlab.unsupervised.structure import find_structure as find

    run, settings = divided(options, StructureSettings, of_run=())
    return Task(find(data, settings, columns=columns, kind=kind, freq=freq, offline=offline, compute=run.compute))


def _trained(steps: Generator[Event, None, Checkpoint | None], run: RunOptions) -> Task[Any]:
    """A training, and then the model that was trained."""

    def finished() -> Generator[Event, None, Any]:
        done = yield from steps
        return None if done is None else model_of(done, run.compute)

    return Task(finished())


def divided(
    options: dict[str, Any], kind: type[Settings], of_run: Collection[str] | None = None
) -> tuple[RunOptions, dict[str, Any]]:
    """Keyword arguments as the options of a run and what is given of the settings.

    of_run: those of RunOptions that have a meaning, None: all; what is kept nowhere has no folder. Raises UsageError
    for a name that is none of these, for a device that is not there, and where two say how long to train.
    """
    of_run = runs.names() - {"compute"} if of_run is None else of_run
    known = {*of_run, *DEVICE, *names_of(kind)}
    for name in today(options):
        if name not in known:
            raise UsageError(f"there is no option or setting '{name}'", did_you_mean(name, known))
    given = {name: value for name, value in options.items() if name not in DEVICE and name not in runs.names()}
    run = {name: value for name, value in options.items() if name in runs.names()}
    if run.get("folder") is not None:
        run["folder"] = Path(run["folder"])
    for name in ("epochs", "minutes"):
        if run.get(name) is not None and given.get("max_steps") is not None:
            raise UsageError(f"max_steps and --{name} both say how long to train", "give one of them")
    compute = Compute(**{name: value for name, value in options.items() if name in DEVICE})
    compute.resolve(0)
    return RunOptions(**run, compute=compute), given
