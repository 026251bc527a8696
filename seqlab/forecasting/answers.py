"""Which model forecasts which series: the one that is there, adapted or not, or one that is trained on the spot."""

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
from seqlab.data.series.features import LONGEST
from seqlab.data.series.frames import SeriesData, listed, load_data
from seqlab.data.series.grid import complete
from seqlab.data.series.kinds import Kind
from seqlab.data.series.long_table import Long
from seqlab.data.series.moments import moment_of
from seqlab.data.series.series import Series
from seqlab.data.series.spacing import spacing
from seqlab.errors import UsageError
from seqlab.forecasting.forecast import ORIGINS, end_of, forecast_all, require_packages
from seqlab.forecasting.forecaster import Forecaster, load
from seqlab.forecasting.nets import ADAPTED, FRESH, settings_for
from seqlab.forecasting.results import WRITTEN_LEVELS, Forecast, Forecasts
from seqlab.forecasting.train import fit_to
from seqlab.machine import Compute
from seqlab.scoring.backtest import steps
from seqlab.scoring.levels import checked
from seqlab.settings import ForecastSettings
from seqlab.tasks import Event, Note, Status

DEFAULT_MODEL = "quotes"
FEWEST_TO_LEARN = 600  # daily prices: a year is warm-up, a quarter is held out
BASELINES = ("cheap", "all")
WORTH_SAYING = 2.0  # seconds that a backtest may take without a word

Fit = Callable[..., Generator[Event, None, Forecaster]]


@dataclass(frozen=True)
class Batch:
    """Series that one model forecasts together, by their places among those given. ready: whether it is there."""

    places: tuple[int, ...]
    ready: bool


def forecast_series(
    data: SeriesData | Sequence[SeriesData],
    horizon: int = 20,
    *,
    columns: Sequence[str] = (),
    kind: Kind = "auto",
    freq: str | None = None,
    long: Long = Long(),
    quantiles: Sequence[float] | None = None,
    as_of: str | None = None,
    origins: int = ORIGINS,
    stride: int = 1,
    baselines: str = "cheap",
    model: str | Forecaster | None = None,
    refit: bool = False,
    offline: bool = False,
    compute: Compute = Compute(),
    given: dict[str, Any] | None = None,
) -> Generator[Event, None, Forecasts]:
    """A forecast of each series, those that one model can forecast in one batch.

    model: for all series; None: the one that ships, for daily prices that it was not trained on the future of, and for
    others one is trained on the spot, one for each spacing of rows. given: settings of what is trained. The other
    arguments are those of `seqlab.api.forecast_task`. Raises UsageError for values that have no meaning.
    """
    given = given or {}
    all_settings.make(ForecastSettings, given)  # what is wrong by itself is said before anything is read
    _refuse(horizon, origins, stride, baselines)
    levels = WRITTEN_LEVELS if quantiles is None else checked(quantiles)
    series = yield from _read(data, columns, kind, freq, long, as_of, offline)
    if baselines == "all":
        require_packages(series)  # before anything is trained
    ready: Forecaster | None = None
    if isinstance(model, Forecaster):
        ready = model
    elif model is not None or any(one.is_daily_prices for one in series):
        ready = load(checkpoint.find(model or DEFAULT_MODEL, job="forecasting"))
    batches = _batches(series, ready, for_all=model is not None)
    unused = sorted(given.keys() - {"seed"})
    if unused and not refit and all(batch.ready for batch in batches):
        raise UsageError(f"--set {unused[0]} has no meaning here: nothing is trained", "add --refit to adapt the model")
    fit = partial(_fit, given=given, held=origins * stride + horizon, compute=compute)
    answers: dict[int, Forecast] = {}  # by the series' place
    for batch in batches:
        together = [series[place] for place in batch.places]
        using, marks = yield from _forecaster_for(together, ready, batch.ready, refit, fit)
        slow = baselines == "all"
        running = forecast_all(using, together, horizon=horizon, origins=origins, stride=stride, all_baselines=slow)
        for done, place in enumerate(batch.places):
            count = len(batch.places)
            yield Status(f"{series[place].name}: forecast and backtest ({done + 1} of {count})", done, count)
            begun = time.monotonic()
            answers[place] = replace(next(running), **marks)
            if slow and (took := time.monotonic() - begun) > WORTH_SAYING:
                yield Status(f"{series[place].name}: beside all baselines in {took:.0f} s", done + 1, count)
    found = Forecasts(tuple(answers[place] for place in range(len(series))), levels)
    yield from _remarks(found, origins)
    return found


def _refuse(horizon: int, origins: int, stride: int, baselines: str) -> None:
    """Raise UsageError for a value without meaning."""
    for name, value in (("horizon", horizon), ("origins", origins), ("stride", stride)):
        if not isinstance(value, Integral):
            raise UsageError(f"{name} is {value!r}", "use a whole number")
    if not 1 <= horizon <= LONGEST:
        raise UsageError(f"a horizon of {horizon} cannot be forecast", f"use 1 to {LONGEST} rows")
    for name, value in (("origins", origins), ("stride", stride)):
        if value < 1:
            raise UsageError(f"{name} is {value}", "use 1 or more")
    if baselines not in BASELINES:
        raise UsageError(f"there are no baselines '{baselines}'", f"use {' or '.join(BASELINES)}")


def _read(
    data: SeriesData | Sequence[SeriesData],
    columns: Sequence[str],
    kind: Kind,
    freq: str | None,
    long: Long,
    as_of: str | None,
    offline: bool,
) -> Generator[Event, None, list[Series]]:
    """The series, read up to the day from which they are forecast: of what came later nothing is known."""
    items, series = listed(data), []
    if not items:
        raise UsageError("there is nothing to forecast", "give a ticker, a file, a pandas Series or DataFrame")
    names = ", ".join(item if isinstance(item, str) else type(item).__name__ for item in items)
    yield Status(names)
    for known in load_data(items, columns=columns, kind=kind, freq=freq, as_of=as_of, long=long, offline=offline):
        series.append(complete(known))
        yield Status(f"{names} (after {known.name})")
    yield from map(Note, about_all(series))
    late = []
    for one in series if as_of is not None else ():
        if end_of(moment_of(str(as_of)), one.dates) >= next_dates(one.dates, 1)[0]:
            late.append((one.name, f"--as-of {as_of} is later than its last price, of {one.dates[-1]}"))
    yield from map(Note, said_once(late, len(series)))
    return series


def _batches(series: Sequence[Series], ready: Forecaster | None, for_all: bool) -> list[Batch]:
    """Which series are forecast together, and which of these by the model that is there."""
    groups: dict[tuple[Any, ...], list[int]] = {}
    for place, one in enumerate(series):
        unknown_future = ready is not None and (one.dates[-1] >= ready.learned_to or len(one) < FEWEST_TO_LEARN)
        usable = for_all or (one.is_daily_prices and unknown_future)
        # on the spot those are trained on together that end together: what is held out is the end
        own = () if usable else (one.is_daily_prices, one.dates[-1].astype("datetime64[M]"))
        groups.setdefault((usable, spacing(one.dates).unit, one.additive, *own), []).append(place)
    return [Batch(tuple(places), key[0]) for key, places in groups.items()]


def _forecaster_for(
    series: Sequence[Series], ready: Forecaster | None, is_ready: bool, refit: bool, fit: Fit
) -> Generator[Event, None, tuple[Forecaster, dict[str, Any]]]:
    """The forecaster of a batch, with what its forecasts say of how it was trained: the one that is there, as it is or
    adapted, or one that is trained on the spot."""
    if ready is None or not is_ready:
        why = "no daily prices"
        if ready is not None and series[0].is_daily_prices:
            why = f"prices that end before {ready.learned_to}, to which '{ready.checkpoint.name}' has learned"
        return (yield from fit(series, f"{why}: trained on the spot")), {"trained": "fresh", "on_the_spot": True}
    saved = ready.checkpoint
    yield Note(f"checkpoint {saved.folder} ({'shipped' if saved.is_shipped else 'fresh'}), cut at {ready.cut}")
    if not refit:
        return ready, {}
    return (yield from fit(series, "adapted", ready)), {"trained": "refit", "on_the_spot": True}


def _fit(
    series: Sequence[Series],
    what: str,
    start: Forecaster | None = None,
    *,
    given: dict[str, Any],
    held: int,
    compute: Compute,
) -> Generator[Event, None, Forecaster]:
    """A forecaster trained on the spot, or adapted from `start`. what: the beginning of what is noted of it."""
    began = time.monotonic()
    settings = settings_for(series, given, start, **(ADAPTED if start else FRESH))
    done = yield from fit_to(series, settings, held=held, compute=compute, start=start)
    names = ", ".join(one.name for one in series[:3]) + (f" and {len(series) - 3} more" if len(series) > 3 else "")
    seconds = time.monotonic() - began
    yield Note(f"{names}: {what}, on what was known at {done.cut}, in {seconds:.0f} s")
    return done


def _remarks(forecasts: Forecasts, origins: int) -> Iterator[Note]:
    """What a reader should know of how they came about."""
    if len(forecasts) > 1:
        yield Note("series that are forecast together are each other's market: alone each would differ a little")
    said = []
    for one in forecasts:
        count, name = len(one.backtest.origins), one.series.name
        if one.backtest.hindsight is not None:
            last, learned_to = one.backtest.hindsight
            about = f"hindsight, not a forecast: it ends on {last}, and the model learned from days up to {learned_to}"
            said.append((name, about))
        elif count < origins:
            past = steps(count, f"past {one.backtest.step}")
            said.append((name, f"{past} to test on, not {origins}: more would lie before the model's cut"))
    yield from map(Note, said_once(said, len(forecasts)))
