"""Forecasters for other programs: what seqlab computes of a series in, quantiles of what comes out."""

import copy
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from seqlab import scoring
from seqlab.data.series.features import INPUTS, LONGEST
from seqlab.export import Graph
from seqlab.forecasting.forecaster import Forecaster
from seqlab.forecasting.general import GeneralForecaster
from seqlab.forecasting.models import AnyForecaster
from seqlab.forecasting.panels import CALENDAR, ROWS, TOLD
from seqlab.forecasting.rules import RULES
from seqlab.models.rule_mixture import RuleMixture

OF_PRICES = """\
import numpy as np
import onnxruntime
from seqlab.data.series.features import features_of
from seqlab.data.series.quotes import snapshot

session = onnxruntime.InferenceSession("model.onnx")
found = features_of(snapshot("AAPL"), "{kind}")
(quantiles,) = session.run(None, {{"features": found.values[None].astype(np.float32)}})
returns = found.mean_forecast[-1][:, None] + quantiles[0] * found.volatility[-1]  # cumulative, logarithms
print(np.exp(returns[19, [0, 9, 18]]))  # 5, 50 and 95 % of the price in 20 rows, in terms of the last
"""
OF_OTHERS = """\
import numpy as np
import onnxruntime
from seqlab.data.series.frames import load_data
from seqlab.forecasting.general import panel_of
from seqlab.forecasting.panels import windows

session = onnxruntime.InferenceSession("model.onnx")
panel = panel_of([*load_data("visitors.csv")], 12)
read = {{name: one.numpy() for name, one in windows(panel, [panel.values.shape[1]]).items()}}
(quantiles,) = session.run(None, {{one.name: read[one.name] for one in session.get_inputs()}})
print(read["centre"][:, None, None] + quantiles * read["scale"][:, None, None])  # (series, rows to come, quantiles)
"""


def graph(forecaster: AnyForecaster) -> Graph:
    """The graph of either kind of forecaster, before what `forecast` corrects by the outcomes known so far."""
    return _general(forecaster) if isinstance(forecaster, GeneralForecaster) else _of_prices(forecaster)


class _Widths(nn.Module):
    """Features (B, T, F) -> quantiles of the cumulative return over 1 .. LONGEST rows after the last, (B, LONGEST, Q),
    in units of volatility: `scales` and `QuantileForecaster.quantiles`."""

    mean: Tensor
    std: Tensor

    def __init__(self, forecaster: Forecaster) -> None:
        super().__init__()
        self.net = copy.deepcopy(forecaster.model).cpu()
        std = np.array(forecaster.scaler.std)
        self.register_buffer("mean", torch.tensor(forecaster.scaler.mean, dtype=torch.float32))
        self.register_buffer("std", torch.from_numpy(np.where(std > 0, std, np.inf)).float())

    def forward(self, features: Tensor) -> tuple[Tensor]:
        scaled = ((features - self.mean) / self.std).clamp(-6, 6)
        log_scale, _ = self.net(torch.where(features.isnan(), 0.0, scaled))
        return (self.net.quantiles(log_scale[:, -1], LONGEST),)


def _of_prices(forecaster: Forecaster) -> Graph:
    names, random = INPUTS[forecaster.kind].names, torch.Generator().manual_seed(0)
    mean, std = (torch.tensor(part, dtype=torch.float32) for part in (forecaster.scaler.mean, forecaster.scaler.std))

    def example(batch: int, time: int) -> tuple[Tensor, ...]:
        drawn = mean + std * torch.randn(batch, time, len(names), generator=random)
        return (drawn.masked_fill(torch.rand(drawn.shape, generator=random) < 0.05, torch.nan),)

    about = {
        "features": names,
        "levels": forecaster.model.levels,
        "inputs": "features of each row, the oldest first, as seqlab.data.series.features computes them; NaN where one "
        "is not known",
        "outputs": f"quantiles of the sum of returns over 1 to {LONGEST} rows after the last, in units of the last "
        "row's volatility and less its mean forecast",
    }
    return Graph(
        _Widths(forecaster),
        {"features": ("batch", "time", len(names))},
        {"quantiles": ("batch", LONGEST, len(forecaster.model.levels))},
        (example(2, 40), example(3, 70)),
        about,
        OF_PRICES.format(kind=forecaster.kind),
    )


class _Mixed(nn.Module):
    """`RuleMixture`, of tensors by place instead of by name."""

    names = ("rules", "there", "errors", "phase", "history", "still", "past", "told")

    def __init__(self, net: RuleMixture) -> None:
        super().__init__()
        self.net = copy.deepcopy(net).cpu()

    def forward(self, *inputs: Tensor) -> tuple[Tensor]:
        return (self.net(dict(zip(self.names, inputs, strict=True))),)


def _general(forecaster: GeneralForecaster) -> Graph:
    random = torch.Generator().manual_seed(0)
    ahead = ("batch", "horizon", RULES)
    inputs: dict[str, Any] = dict.fromkeys(("rules", "there", "errors", "phase"), ahead)
    inputs |= {"history": ("batch", len(scoring.LEVELS)), "still": ("batch", 2)}
    inputs |= {"past": ("batch", ROWS, 2 + CALENDAR), "told": ("batch", "horizon", TOLD)}

    def example(batch: int, horizon: int) -> tuple[Tensor, ...]:
        sizes = {"batch": batch, "horizon": horizon}
        drawn = {
            name: torch.randn([sizes.get(one, one) for one in axes], generator=random) for name, axes in inputs.items()
        }
        drawn["there"] = (drawn["there"] > -1).float()
        for name in ("errors", "phase"):
            drawn[name] = drawn[name].abs().masked_fill(drawn[name] < -1, torch.nan)
        drawn["history"], drawn["still"] = drawn["history"].sort(-1).values, drawn["still"].abs()
        return tuple(drawn[name] for name in _Mixed.names)

    about = {
        "levels": list(scoring.LEVELS),
        "inputs": "windows of series as seqlab.forecasting.panels computes them: what each rule expects, whether it "
        "knows and how wrong it was, lately and at this place of the season, quantiles of all that was, the last rows, "
        "and the calendar of those to come",
        "outputs": "quantiles of each row to come, in units of the window's scale around its centre",
    }
    quantiles = {"quantiles": ("batch", "horizon", len(scoring.LEVELS))}
    examples = (example(2, 6), example(3, 20))
    return Graph(_Mixed(forecaster.model), inputs, quantiles, examples, about, OF_OTHERS.format())
