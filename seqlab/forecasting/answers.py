"""Which model forecasts which series: that of daily prices or the general one, adapted to them or not."""

import time
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from numbers import Integral
from typing import Any

from seqlab import checkpoint
from seqlab import settings as all_settings
from seqlab.data.series.about import about_all, said_once
from seqlab.data.series.calendar import next_dates
from seqlab.data.series.covariates import CovariateNames
from seqlab.data.series.features import LONGEST
from seqlab.data.series.frames import SeriesData, listed, load_data
from seqlab.data.series.grid import complete
from seqlab.data.series.kinds import Kind
from seqlab.data.series.long_table import Long
from seqlab.data.series.moments import moment_of
from seqlab.data.series.series import Series
from seqlab.data.series.spacing import spacing
from seqlab.errors import UsageError
from seqlab.forecasting import effects, general
from seqlab.forecasting.forecast import ORIGINS, end_of, forecast_all, require_packages
from seqlab.forecasting.forecaster import Forecaster
from seqlab.forecasting.general import GeneralForecaster
from seqlab.forecasting.models import AnyForecaster, model_of
from seqlab.forecasting.nets import ADAPTED, FRESH, settings_for
from seqlab.forecasting.results import WRITTEN_LEVELS, Forecast, Forecasts
from seqlab.forecasting.train import fit_to
from seqlab.machine import Compute
from seqlab.scoring.backtest import steps
from seqlab.scoring.levels import checked
from seqlab.settings import ForecastSettings
from seqlab.tasks import Event, Note, Status

DEFAULT_MODEL = "quotes"
VINTAGES = ("quotes-2005", "quotes-2009", "quotes-2013", "quotes-2017")  # the same, as of the ends of these years
FEWEST_TO_LEARN = 600  # daily prices: a year is warm-up, a quarter is held out
BASELINES = ("cheap", "all")
WORTH_SAYING = 2.0  # seconds that a backtest may take without a word

Fit = Callable[..., Generator[Event, None, AnyForecaster]]


@dataclass(frozen=True)
class Batch:
    """Series that one model forecasts together, by their places among those given. model: None: one that is trained on
    the spot. earlier: those that forecast from the older days of its backtest, see `forecast_all`."""

    places: tuple[int, ...]
    model: AnyForecaster | None
    earlier: tuple[Forecaster, ...] = ()


def forecast_series(
    data: SeriesData | Sequence[SeriesData],
    horizon: int = 20,
    *,
    columns: Sequence[str] = (),
    kind: Kind = "auto",
    freq: str | None = None,
    long: Long = Long(),
    covariates: CovariateNames = CovariateNames(),
    quantiles: Sequence[float] | None = None,
    as_of: str | None = None,
    origins: int | None = None,
    stride: int = 1,
    baselines: str = "cheap",
    model: str | AnyForecaster | None = None,
    refit: bool = False,
    offline: bool = False,
    compute: Compute = Compute(),
    given: dict[str, Any] | None = None,
) -> Generator[Event, None, Forecasts]:
    """A forecast of each series, those that one model can forecast in one batch.

    model: for all series; None: `quotes`, for daily prices that it was not trained on the future of, and `general` for
    others. given: settings of what is adapted. The other arguments are those of `seqlab.api.forecast_task`. Raises
    UsageError for values that have no meaning.
    """
    given = given or {}
    all_settings.make(ForecastSettings, given)  # what is wrong by itself is said before anything is read
    _refuse(horizon, origins, stride, baselines)
    levels = WRITTEN_LEVELS if quantiles is None else checked(quantiles)
    read: dict[str, Any] = {"columns": columns, "kind": kind, "freq": freq, "long": long, "covariates": covariates}
    series = yield from _read(data, as_of, {**read, "offline": offline})
    if baselines == "all":
        require_packages(series)  # before anything is computed
    ready = _ready(series, model)
    batches = _batches(series, ready, for_all=model is not None)
    if covariates:
        _refuse_covariates(series, batches)
    unused = sorted(given.keys() - {"seed"})
    if unused and not refit and all(batch.model is not None for batch in batches):
        raise UsageError(f"--set {unused[0]} has no meaning here: nothing is trained", "add --refit to adapt the model")
    fit = partial(_fit, given=given, held=(origins or ORIGINS) * stride + horizon, compute=compute)
    answers: dict[int, Forecast] = {}  # by the series' place
    for batch in batches:
        together = [series[place] for place in batch.places]
        using, marks = yield from _forecaster_for(together, batch.model, ready, refit, fit)
        _refuse_horizon(using, horizon)
        slow = baselines == "all"
        running = forecasts_of(using, together, horizon, origins, stride, slow, () if marks else batch.earlier)
        for done, place in enumerate(batch.places):
            count = len(batch.places)
            yield Status(f"{series[place].name}: forecast and backtest ({done + 1} of {count})", done, count)
            begun = time.monotonic()
            answers[place] = replace(next(running), **marks)
            if baselines == "all" and (took := time.monotonic() - begun) > WORTH_SAYING:
                yield Status(f"{series[place].name}: beside all baselines in {took:.0f} s", done + 1, count)
    found = Forecasts(tuple(answers[place] for place in range(len(series))), levels)
    yield from _remarks(found, origins)
    return found


def forecasts_of(
    using: AnyForecaster,
    series: Sequence[Series],
    horizon: int = 20,
    origins: int | None = None,
    stride: int = 1,
    slow: bool = False,
    earlier: Sequence[Forecaster] = (),
) -> Iterator[Forecast]:
    """The forecasts of series by one model, in their order. slow: beside all baselines."""
    if isinstance(using, GeneralForecaster):
        return general.forecast_all(using, series, horizon=horizon, origins=origins, stride=stride, all_baselines=slow)
    return forecast_all(
        using, series, horizon=horizon, origins=origins, stride=stride, all_baselines=slow, earlier=earlier
    )


def _refuse(horizon: int, origins: int | None, stride: int, baselines: str) -> None:
    """Raise UsageError for a value without meaning."""
    for name, value in (("horizon", horizon), ("origins", origins), ("stride", stride)):
        if value is not None and not isinstance(value, Integral):
            raise UsageError(f"{name} is {value!r}", "use a whole number")
    if not 1 <= horizon <= general.LONGEST:
        raise UsageError(f"a horizon of {horizon} cannot be forecast", f"use 1 to {general.LONGEST} rows")
    for name, value in (("origins", origins), ("stride", stride)):
        if value is not None and value < 1:
            raise UsageError(f"{name} is {value}", "use 1 or more")
    if baselines not in BASELINES:
        raise UsageError(f"there are no baselines '{baselines}'", f"use {' or '.join(BASELINES)}")


def _refuse_horizon(using: AnyForecaster, horizon: int) -> None:
    """Raise UsageError for one that the forecaster of prices does not reach."""
    if isinstance(using, Forecaster) and horizon > LONGEST:
        raise UsageError(
            f"a horizon of {horizon} is not forecast by '{using.checkpoint.name}'",
            f"use 1 to {LONGEST}, or --model {general.NAME}",
        )


def _refuse_covariates(series: Sequence[Series], batches: Sequence[Batch]) -> None:
    """Raise UsageError where a model of prices is asked to know more than prices."""
    for batch in batches:
        if not isinstance(batch.model, GeneralForecaster):
            name = series[batch.places[0]].name
            raise UsageError(
                f"{name} is forecast by a model of quotes, which takes no covariates",
                f"leave out --known, --past and --holidays, or say --kind levels or --model {general.NAME}",
            )


def _read(
    data: SeriesData | Sequence[SeriesData], as_of: str | None, options: dict[str, Any]
) -> Generator[Event, None, list[Series]]:
    """The series, read up to the day from which they are forecast: of what came later nothing is known but covariates.
    options: those of `load_data`."""
    items, series = listed(data), []
    if not items:
        raise UsageError("there is nothing to forecast", "give a ticker, a file, a pandas Series or DataFrame")
    names = ", ".join(item if isinstance(item, str) else type(item).__name__ for item in items)
    yield Status(names)
    for known in load_data(items, as_of=as_of, **options):
        series.append(complete(known))
        yield Status(f"{names} (after {known.name})")
    yield from map(Note, about_all(series))
    beside = [(one.name, one.covariates.in_words(one.dates)) for one in series if one.covariates is not None]
    yield from map(Note, said_once(beside, len(series)))
    late = []
    for one in series if as_of is not None else ():
        if end_of(moment_of(str(as_of)), one.dates) >= next_dates(one.dates, 1)[0]:
            late.append((one.name, f"--as-of {as_of} is later than its last price, of {one.dates[-1]}"))
    yield from map(Note, said_once(late, len(series)))
    return series


def _ready(series: Sequence[Series], model: str | AnyForecaster | None) -> tuple[AnyForecaster, ...]:
    """The forecaster that was named, or that of daily prices where there are some, the last; before it those of the
    same kind with earlier cuts, the oldest first."""
    if model is None and not any(one.is_daily_prices for one in series):
        return ()
    found = model
    if not isinstance(found, AnyForecaster):
        found = model_of(checkpoint.find(found or DEFAULT_MODEL, job="forecasting"))
    if found.checkpoint.name != DEFAULT_MODEL or not found.checkpoint.is_shipped:
        return (found,)
    return (*(model_of(checkpoint.find(name)) for name in VINTAGES), found)


def _batches(series: Sequence[Series], ready: Sequence[AnyForecaster], for_all: bool) -> list[Batch]:
    """Which series are forecast together, and by which model: the last of `ready` where it is for all. Else daily
    prices by the newest of these that has not learned what came, where there is none by one that is trained on the
    spot, and all others by the general one."""
    of_prices = tuple(one for one in ready if isinstance(one, Forecaster))
    general_model = ready[-1] if for_all and not of_prices else None
    groups: dict[tuple[Any, ...], list[int]] = {}
    for place, one in enumerate(series):
        alike: tuple[Any, ...] = (spacing(one.dates).unit, one.additive)
        if general_model is not None or not (for_all or one.is_daily_prices):
            groups.setdefault(("general",), []).append(place)
            continue
        unknown = [k for k, each in enumerate(of_prices) if one.dates[-1] >= each.learned_to]
        which = max(unknown, default=-1)
        if for_all or (which < 0 and len(one) < FEWEST_TO_LEARN):
            which = len(of_prices) - 1
        # on the spot those are trained on together that end together: what is held out is the end
        own = (one.dates[-1].astype("datetime64[M]"),) if which < 0 else ()
        groups.setdefault((which, *alike, *own), []).append(place)
    if ("general",) in groups and general_model is None:
        general_model = model_of(checkpoint.find(general.NAME, job="forecasting"))
    found = []
    for (which, *_), places in groups.items():
        if which == "general":
            found.append(Batch(tuple(places), general_model))
        else:
            found.append(Batch(tuple(places), of_prices[which] if which >= 0 else None, of_prices[: max(which, 0)]))
    return found


def _forecaster_for(
    series: Sequence[Series],
    using: AnyForecaster | None,
    ready: Sequence[AnyForecaster],
    refit: bool,
    fit: Fit,
) -> Generator[Event, None, tuple[AnyForecaster, dict[str, Any]]]:
    """The forecaster of a batch, with what its forecasts say of how it was trained: one that is there, as it is or
    adapted, or one that is trained on the spot."""
    if using is None:
        oldest = ready[0]
        assert isinstance(oldest, Forecaster)  # it has learned what came
        why = f"prices that end before {oldest.learned_to}, to which '{oldest.checkpoint.name}' has learned"
        return (yield from fit(series, f"{why}: trained on the spot")), {"trained": "fresh", "on_the_spot": True}
    saved = using.checkpoint
    learned = "trained on other series" if using.cut is None else f"cut at {using.cut}"
    yield Note(f"checkpoint {saved.where}{'' if saved.is_shipped else ' (fresh)'}, {learned}")
    if not refit:
        return using, {}
    return (yield from fit(series, "adapted", using)), {"trained": "refit", "on_the_spot": True}


def _fit(
    series: Sequence[Series],
    what: str,
    start: AnyForecaster | None = None,
    *,
    given: dict[str, Any],
    held: int,
    compute: Compute,
) -> Generator[Event, None, AnyForecaster]:
    """A forecaster trained on the spot, or adapted from `start`. what: the beginning of what is noted of it."""
    began = time.monotonic()
    defaults = FRESH if start is None else ADAPTED if isinstance(start, Forecaster) else {}
    settings = settings_for(series, given, start, **defaults)
    done = yield from fit_to(series, settings, held=held, compute=compute, start=start)
    names = ", ".join(one.name for one in series[:3]) + (f" and {len(series) - 3} more" if len(series) > 3 else "")
    seconds = time.monotonic() - began
    yield Note(f"{names}: {what}, on what was known at {done.cut}, in {seconds:.0f} s")
    return done


def _remarks(forecasts: Forecasts, origins: int | None) -> Iterator[Note]:
    """What a reader should know of how they came about."""
    if sum(one.series.is_daily_prices for one in forecasts) > 1:
        yield Note("series that are forecast together are each other's market: alone each would differ a little")
    said = []
    for one in forecasts:
        count, name = len(one.backtest.origins), one.series.name
        if one.backtest.hindsight is not None:
            last, learned_to = one.backtest.hindsight
            about = f"hindsight, not a forecast: it ends on {last}, and the model learned from days up to {learned_to}"
            said.append((name, about))
        elif count < (origins or (ORIGINS if one.cut is not None else 0)):
            why = "the series is no longer" if one.cut is None else "more would lie before the model's cut"
            past = steps(count, f"past {one.backtest.step}")
            said.append((name, f"{past} to test on, not {origins or ORIGINS}: {why}"))
        if one.without_effects:
            few = f"before which fewer than {effects.FEWEST} rows were known"
            said.append((name, f"covariates tell nothing in {one.without_effects} of {count} past forecasts, {few}"))
    yield from map(Note, said_once(said, len(forecasts)))
