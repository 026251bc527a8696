"""Which net a forecaster has, with what settings, and on which inputs."""

from collections.abc import Sequence
from typing import Any

from seqlab import scoring
from seqlab import settings as all_settings
from seqlab.data.series.features import INPUTS
from seqlab.data.series.series import Series
from seqlab.errors import UsageError
from seqlab.forecasting.forecaster import HORIZONS
from seqlab.forecasting.models import AnyForecaster
from seqlab.settings import ForecastSettings

ADAPTED = {"max_steps": 60, "lr": 1e-3}  # settings to go on with from a forecaster that is trained
FRESH = {"val_share": 0.25}  # settings of one that has few rows to learn from
OF_WINDOWS = ("cell", "num_layers", "dropout", "context", "burn_in", "range_dropout", "market_dropout", "val_share")
SHAPE = ("cell", "hidden_size", "num_layers", "dropout")  # of the recurrent layers


def settings_for(
    series: Sequence[Series], given: dict[str, Any], start: AnyForecaster | None = None, **defaults: Any
) -> ForecastSettings:
    """The settings of a forecaster of these series: what was `given`, over `defaults`, over those of its net.

    The net is that of `start`, the forecaster to go on from, or linear for daily prices and rules for others. Raises
    UsageError for a setting that this net has no use for.
    """
    all_settings.make(ForecastSettings, given)  # what is wrong by itself is said first
    begun = net_of(start.checkpoint.config["model"]) if start else None
    usual = "linear" if all(one.is_daily_prices for one in series) else "rules"
    net = given.get("net", begun or usual)
    if begun and net != begun:
        raise UsageError(
            f"the forecaster to go on from has the net '{begun}', not '{net}'",
            "leave out --set net, or begin with another forecaster",
        )
    unused = sorted(given.keys() & set(SHAPE))
    if unused and start:
        raise UsageError(
            f"--set {unused[0]} has no meaning here: '{start.checkpoint.name}' has its shape", "leave it out"
        )
    if net == "rules" and (others := sorted(given.keys() & set(OF_WINDOWS))):
        raise UsageError(f"--set {others[0]} has no meaning here: the net mixes rules", "leave it out")
    if unused and net == "linear":
        raise UsageError(
            f"--set {unused[0]} has no meaning here: the net is linear", "add --set net=recurrent, or net=both"
        )
    defaults = {**all_settings.NETS.get(net, {}), **defaults, "net": net}
    if start:
        shape = start.checkpoint.config["model"]
        defaults |= {name: shape[name] for name in SHAPE if name in shape and net != "linear"}
    settings = all_settings.make(ForecastSettings, given, **defaults)
    if "dropout" in given and settings.num_layers == 1 and settings.dropout:
        raise UsageError("dropout is between recurrent layers, and there is one", "add --set num_layers=2")
    return settings


def net_of(shape: dict[str, Any]) -> str:
    """The net of a QuantileForecaster, or a RuleMixture, with these arguments."""
    if "rules" in shape:
        return "rules"
    if not shape.get("linear", True):
        return "recurrent"
    return "both" if shape["num_layers"] else "linear"


def inputs_of(settings: ForecastSettings) -> str:
    """The kind of inputs of a net: recurrent layers alone read the rows as they are."""
    return "rows" if settings.net == "recurrent" else "features"


def net_config(settings: ForecastSettings) -> dict[str, Any]:
    """The arguments of a `QuantileForecaster` with these settings, as a checkpoint keeps them."""
    inputs = INPUTS[inputs_of(settings)]
    shape = {"num_layers": 0} if settings.net == "linear" else {name: getattr(settings, name) for name in SHAPE}
    return {
        "input_size": len(inputs.names),
        "own_size": len(inputs.own),
        "horizons": list(HORIZONS),
        "levels": list(scoring.LEVELS),
        "linear": settings.net != "recurrent",
        **shape,
    }
