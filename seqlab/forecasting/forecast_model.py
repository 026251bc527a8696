"""A trained forecaster as a library user holds it: it forecasts, and is evaluated."""

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from seqlab.checkpoint import Checkpoint, Source, source_at
from seqlab.data.series.about import FEW, about_all, said_once
from seqlab.data.series.covariates import CovariateNames
from seqlab.data.series.frames import SeriesData, load_data
from seqlab.data.series.grid import complete
from seqlab.data.series.kinds import Kind
from seqlab.data.series.long_table import Long
from seqlab.data.series.quotes import load_many, snapshot, snapshot_tickers
from seqlab.data.series.series import Series
from seqlab.export import export
from seqlab.forecasting.answers import forecast_series, forecasts_of
from seqlab.forecasting.evaluation import ForecastEvaluation
from seqlab.forecasting.forecast import end_of
from seqlab.forecasting.graph import graph
from seqlab.forecasting.models import AnyForecaster, model_of
from seqlab.forecasting.provenance import describe
from seqlab.forecasting.results import Forecasts
from seqlab.machine import Compute
from seqlab.scoring.backtest import pool, pool_scaled
from seqlab.tasks import Event, Note, Status, Task


@dataclass(frozen=True)
class ForecastModel:
    """A forecaster and its checkpoint. compute: what it is to be adapted with; forecasting itself takes no time."""

    forecaster: AnyForecaster
    compute: Compute = Compute()

    @classmethod
    def of(cls, saved: Checkpoint, compute: Compute = Compute()) -> "ForecastModel":
        """The model of a checkpoint. Raises CheckpointError if it is of another job, or damaged."""
        return cls(model_of(saved), compute)

    @property
    def checkpoint(self) -> Checkpoint:
        return self.forecaster.checkpoint

    def forecast(
        self,
        data: SeriesData | Sequence[SeriesData],
        horizon: int = 20,
        *,
        columns: Sequence[str] = (),
        kind: Kind = "auto",
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
        refit: bool = False,
        offline: bool = False,
        **given: Any,
    ) -> Forecasts:
        """`seqlab.forecast` by this model, whatever the series are. given: settings to adapt it with, where `refit`."""
        running = forecast_series(
            data,
            horizon,
            columns=columns,
            kind=kind,
            freq=freq,
            long=Long(id, time, target),
            covariates=CovariateNames.of(known, past, holidays),
            quantiles=quantiles,
            as_of=as_of,
            origins=origins,
            stride=stride,
            baselines=baselines,
            model=self.forecaster,
            refit=refit,
            offline=offline,
            compute=self.compute,
            given=given,
        )
        return Task(running).result()

    def evaluate(
        self,
        data: SeriesData | Sequence[SeriesData] | None = None,
        *,
        columns: Sequence[str] = (),
        kind: Kind = "auto",
        freq: str | None = None,
        id: str | None = None,
        time: str | None = None,
        target: str | None = None,
        offline: bool = False,
    ) -> ForecastEvaluation:
        """A backtest on days after the cut: of `data`, or of the series that it was trained on."""
        task = self.evaluate_task(
            data, columns=columns, kind=kind, freq=freq, id=id, time=time, target=target, offline=offline
        )
        return task.result()

    def evaluate_task(
        self,
        data: SeriesData | Sequence[SeriesData] | None = None,
        *,
        columns: Sequence[str] = (),
        kind: Kind = "auto",
        freq: str | None = None,
        id: str | None = None,
        time: str | None = None,
        target: str | None = None,
        offline: bool = False,
    ) -> Task[ForecastEvaluation]:
        """`evaluate`, with what is going on."""
        return Task(self._evaluate(data, columns, kind, freq, Long(id, time, target), offline))

    def _evaluate(
        self,
        data: SeriesData | Sequence[SeriesData] | None,
        columns: Sequence[str],
        kind: Kind,
        freq: str | None,
        long: Long,
        offline: bool,
    ) -> Generator[Event, None, ForecastEvaluation]:
        if data is None:
            series = yield from self._trained_on(columns, kind, freq, long, offline)
        else:
            loaded = load_data(data, columns=columns, kind=kind, freq=freq, long=long, offline=offline)
            series = [complete(one) for one in loaded]
            yield from map(Note, about_all([one for one in series if one.column]))
        forecasts, running = [], forecasts_of(self.forecaster, series)
        for done, one in enumerate(series):
            yield Status(f"{one.name}: backtest ({done + 1} of {len(series)})", done, len(series))
            forecasts.append(next(running))
        said = [
            (one.series.name, f"{len(one.backtest.origins)} days after the cut, {one.series.origin}")
            for one in forecasts
        ]
        yield from map(Note, said_once(said, len(series)))
        names = tuple(one.name for one in series)
        return ForecastEvaluation(
            self.checkpoint.name,
            names,
            (pool_scaled if len(series) > FEW else pool)([one.backtest for one in forecasts]),
        )

    def _trained_on(
        self, columns: Sequence[str], kind: Kind, freq: str | None, long: Long, offline: bool
    ) -> Generator[Event, None, list[Series]]:
        """The series that it was trained on, as they are now. Raises DataError where their place is not kept."""
        origins = {one["name"]: one["origin"] for one in self.checkpoint.config["data"]["series"]}
        for name, origin in origins.items():
            if origin in ("file", "frame"):
                whose = "" if self.checkpoint.is_shipped else " of yours"
                source = source_at(self.checkpoint, f"a {origin}{whose}, {name}")
                return (yield from self._from_files(source, columns, kind, freq, long, offline))
        embedded = [name for name, origin in origins.items() if origin == "snapshot" and name in snapshot_tickers()]
        others = [name for name in origins if name not in embedded]
        return [*map(snapshot, embedded), *load_many(others, columns=columns, kind=kind, freq=freq, offline=offline)]

    def _from_files(
        self, source: Source, columns: Sequence[str], kind: Kind, freq: str | None, long: Long, offline: bool
    ) -> Generator[Event, None, list[Series]]:
        """The series of the files that it was trained on, read as they were, or as it is said now."""
        yield Note(f"read again from {', '.join(source['paths'])}")
        as_then = {"columns": source.get("columns", ()), "kind": source.get("kind", "auto"), "freq": source.get("freq")}
        said = {"columns": columns, "kind": None if kind == "auto" else kind, "freq": freq}
        read = as_then | {name: value for name, value in said.items() if value}
        long = long if long.is_said else Long(**source.get("long", {}))
        series = [complete(one) for one in load_data(source["paths"], **read, long=long, offline=offline)]
        then = {one["name"]: one["sha256"] for one in self.checkpoint.config["data"]["series"]}
        cut = end_of(np.datetime64(self.checkpoint.config["cut"]), series[0].dates)
        changed = [
            one.name for one in series if one.dates[0] > cut or describe(one, cut)["sha256"] != then.get(one.name)
        ]
        if changed:
            more = f" and {len(changed) - FEW:,} more" if changed[FEW:] else ""
            yield Note(f"not as in training, up to the cut {cut} too: {', '.join(changed[:FEW])}{more}")
        return series

    def export(self, folder: str | Path, *, onnx: bool = False) -> Checkpoint:
        """Write it to a new folder in half precision, with a model card; onnx: and as `model.onnx`, see `export`."""
        return export(self.checkpoint, folder, graph(self.forecaster) if onnx else None)

    def to_dict(self) -> dict[str, Any]:
        """What `seqlab train-forecaster --json` prints last."""
        return self.checkpoint.summary()

    def __repr__(self) -> str:
        return self.checkpoint.in_words("ForecastModel")

    def _repr_html_(self) -> str:
        return self.checkpoint.to_html()
