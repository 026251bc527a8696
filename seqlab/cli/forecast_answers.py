"""Which model forecasts which series: the one that is there, adapted or not, or one that is trained on the spot."""

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from seqlab.cli.options import Common, from_command_line
from seqlab.cli.output import Bar, say
from seqlab.errors import UsageError

FEWEST_TO_LEARN = 600  # daily prices: a year is warm-up, a quarter is held out

if TYPE_CHECKING:
    from seqlab.data.series.series import Series
    from seqlab.forecasting import Forecast, Forecaster


class Made(NamedTuple):
    """A forecast, what made it, and how that came about: shipped, refit or fresh."""

    forecast: "Forecast"
    by: "Forecaster"
    trained: str
    on_the_spot: bool


def answers(
    common: Common, bar: Bar, series: Sequence["Series"], model: str, refit: bool, **options: Any
) -> list[Made]:
    """A forecast of each series, those that one model can forecast in one batch.

    The model that is there is for daily prices that it has not seen the future of; a model that was named is for all.
    For the others one is trained on the spot, one for each spacing of rows.
    """
    from seqlab import checkpoint, forecasting
    from seqlab.data.series.calendar import spacing

    named = from_command_line(click.get_current_context(), "model")
    ready = None
    if named or any(one.is_daily_prices for one in series):
        saved = checkpoint.find(model, common.checkpoint_folders(), "forecasting")
        ready, trained = forecasting.load(saved), "shipped" if saved.is_shipped else "fresh"
    batches: dict[Any, list[int]] = {}
    for place, one in enumerate(series):
        unseen = ready is not None and (one.dates[-1] >= ready.learned_to or len(one) < FEWEST_TO_LEARN)
        usable = named or (one.is_daily_prices and unseen)
        kind = spacing(one.dates).unit, one.additive
        # on the spot those learn together that end together: what is held out is the end
        key = ("ready", *kind) if usable else (*kind, one.is_daily_prices, one.dates[-1].astype("datetime64[M]"))
        batches.setdefault(key, []).append(place)
    if all("ready" in key for key in batches) and not refit and from_command_line(click.get_current_context(), "set_"):
        raise UsageError("--set has no meaning here: nothing is trained", "add --refit to adapt the model")
    held = options["origins"] * options["stride"] + options["horizon"]
    made: dict[int, Made] = {}  # by the series' place
    for key, places in batches.items():
        batch = [series[place] for place in places]
        if "ready" in key:
            assert ready is not None
            using, how = ready, trained
            say(common, f"checkpoint {saved.folder} ({how}), cut at {using.cut}")
            if refit:
                using, how = _fit(common, bar, batch, held, "adapted", ready), "refit"
        else:
            why = "no daily prices"
            if ready and batch[0].is_daily_prices:
                why = f"prices that end before {ready.learned_to}, to which '{model}' has learned"
            using, how = _fit(common, bar, batch, held, f"{why}: trained on the spot"), "fresh"
        running = forecasting.forecast_all(using, batch, **options)
        try:
            for done, place in enumerate(places):
                said = f"{series[place].name}: forecast and backtest ({done + 1} of {len(places)})"
                bar.show(said, done, len(places))
                made[place] = Made(next(running), using, how, using is not ready)
        except ImportError as problem:
            raise UsageError(
                f"--baselines all needs the package arch: {problem}", "install it beside seqlab: pip install arch"
            ) from problem
        finally:
            bar.clear()
    return [made[place] for place in range(len(series))]


def _fit(
    common: Common, bar: Bar, series: Sequence["Series"], held: int, what: str, start: "Forecaster | None" = None
) -> "Forecaster":
    """A forecaster trained on the spot, or adapted from `start`. what: the beginning of what is said of it."""
    from seqlab import forecasting

    began = time.monotonic()
    settings = common.resolve(forecasting.ForecastSettings, **(forecasting.ADAPTED if start else forecasting.FRESH))
    names = ", ".join(one.name for one in series[:3]) + (f" and {len(series) - 3} more" if len(series) > 3 else "")
    running = forecasting.fit_to(series, settings, held=held, compute=common.compute(), start=start)
    while True:
        try:
            progress = next(running)
        except StopIteration as end:
            bar.clear()
            taken = time.monotonic() - began
            say(common, f"{names}: {what}, on what was known at {end.value.cut}, in {taken:.0f} s")
            return end.value
        bar.show(f"training on {names}", progress.step, progress.max_steps)
