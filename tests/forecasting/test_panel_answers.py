"""Many forecasts as tables: of series and windows made by hand, whose quantiles an equation gives."""

from dataclasses import replace
from statistics import NormalDist

import numpy as np
import pandas as pd
import pytest

from seqlab import scoring
from seqlab.cli.reports.forecast_tables import all_lines, write_backtest, write_table
from seqlab.data.series.frames import load_data
from seqlab.forecasting.results import Forecast, Forecasts, Windows
from seqlab.scoring.backtest import Backtest, pool_scaled

Z = np.array([NormalDist().inv_cdf(level) for level in scoring.LEVELS])
HOURS = pd.date_range("2024-01-01", periods=120, freq="h")
HORIZON, ORIGINS = 6, 4
COURSE = np.arange(120) + 0.5 + 4 * (np.arange(120) % 3 == 0)  # up and down


def forecasts(count: int, *, kept: bool = True, levels: tuple[float, ...] = (0.1, 0.5, 0.9)) -> Forecasts:
    """Of series with values 100 i + COURSE, i from 1 on; the quantiles of a step h are the truth and z times h."""
    long = pd.DataFrame(
        {
            "unique_id": np.repeat([f"s{i}" for i in range(1, count + 1)], 120),
            "ds": [*HOURS] * count,
            "y": (100 * np.arange(1, count + 1)[:, None] + COURSE).ravel(),
        }
    )
    found = []
    for one in load_data(long, kind="levels"):
        steps = np.arange(1, HORIZON + 1)
        rows = 119 - HORIZON * np.arange(1, ORIGINS + 1)[::-1]
        outcomes = one.close[rows[:, None] + steps]
        quantiles = outcomes[..., None] + Z * steps[:, None]
        walk = one.close[rows][:, None, None] + Z * 3 * steps[:, None]
        windows = Windows(rows, outcomes, {"model": quantiles, "random_walk": walk})
        horizons, size = (1, HORIZON), float(one.name[1:])
        changes = size * (outcomes - one.close[rows, None])[:, [0, -1]]
        backtest = Backtest(
            horizons,
            one.dates[rows],
            changes,
            {"model": changes[..., None] + size * Z, "random_walk": size * 3 * Z + 0 * changes[..., None]},
            np.full(changes.shape, size),
            step="hour",
            in_percent=False,
            only_width=False,
            of_prices=False,
        )
        prices = one.close[-1] + steps[:, None] + Z * steps[:, None]
        dates = one.dates[-1] + np.timedelta64(60, "m") * steps
        found.append(Forecast(one, dates, prices, prices, backtest, windows=windows if kept else None))
    return Forecasts(tuple(found), levels)


def test_the_table_of_a_panel_is_long_and_holds_the_levels_that_are_asked_for(tmp_path) -> None:
    answer = forecasts(2, levels=(0.025, 0.5, 0.99))
    write_table(tmp_path / "out.csv", answer)
    table = pd.read_csv(tmp_path / "out.csv", parse_dates=["ds"])
    assert list(table) == ["unique_id", "ds", "q2.5", "q50", "q99"] and len(table) == 2 * HORIZON
    steps = np.tile(np.arange(1, HORIZON + 1), 2)
    middle = np.repeat([219.5, 319.5], HORIZON) + steps
    np.testing.assert_allclose(table["q2.5"], middle - 1.959964 * steps, atol=1e-4)
    np.testing.assert_allclose(table["q99"], middle + 2.326348 * steps, atol=1e-4)
    assert table["ds"][0] == HOURS[-1] + pd.Timedelta(hours=1)
    pd.testing.assert_frame_equal(answer.to_frame(), table, check_dtype=False)
    (first, _) = answer.to_dict()["forecasts"]
    assert [*first["quantiles"][0]] == ["date", "q2.5", "q50", "q99"]


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_every_step_of_every_window_is_written_as_it_is_scored(tmp_path, ending) -> None:
    if ending == "parquet":
        pytest.importorskip("pyarrow")
    answer = forecasts(3)
    path = tmp_path / f"windows.{ending}"
    write_backtest(path, answer)
    table = pd.read_csv(path) if ending == "csv" else pd.read_parquet(path)
    deciles = [f"q{10 * k}" for k in range(1, 10)]
    assert list(table) == ["unique_id", "cutoff", "ds", "method", "y", *deciles]
    assert len(table) == 3 * 2 * ORIGINS * HORIZON
    table = table.assign(ds=pd.to_datetime(table["ds"]), cutoff=pd.to_datetime(table["cutoff"]))
    ours = table[table["method"] == "model"].set_index(["unique_id", "cutoff", "ds"]).sort_index()
    for number in (1, 2, 3):
        values = pd.Series(100 * number + COURSE, HOURS)
        for window in range(ORIGINS):
            end = 120 - HORIZON * window
            asked, known = HOURS[end - HORIZON : end], HOURS[end - HORIZON - 1]
            part = ours.loc[(f"s{number}", known)].loc[asked]
            np.testing.assert_allclose(part["y"], values[asked])
            np.testing.assert_allclose(part["q50"], values[asked])
            np.testing.assert_allclose(part["q90"] - part["q10"], 2 * 1.2815516 * np.arange(1, 7), rtol=1e-6)


def test_missing_outcomes_are_empty_cells(tmp_path) -> None:
    answer = forecasts(1)
    outcomes = answer[0].windows.outcomes.copy()
    outcomes[0, 2] = np.nan
    answer = Forecasts((replace(answer[0], windows=replace(answer[0].windows, outcomes=outcomes)),))
    write_backtest(tmp_path / "w.csv", answer)
    assert "nan" not in (tmp_path / "w.csv").read_text()
    assert pd.read_csv(tmp_path / "w.csv")["y"].isna().sum() == 2  # of two methods


def test_where_no_windows_are_kept_the_rows_are_those_of_the_horizons(tmp_path) -> None:
    write_backtest(tmp_path / "w.csv", forecasts(2, kept=False))
    table = pd.read_csv(tmp_path / "w.csv")
    assert list(table)[:5] == ["ticker", "method", "origin", "horizon", "date"] and len(table) == 2 * 2 * 2 * ORIGINS


def test_counts_stay_whole_and_nothing_goes_where_the_series_cannot() -> None:
    (one,) = forecasts(1)
    low = one.prices - one.prices[:, :1]  # its lowest quantile is zero
    made = replace(one, series=replace(one.series, kind="counts"), prices=np.round(low))
    found = made.at_levels((0.01, 0.33, 0.99))
    assert (found == np.round(found)).all() and (found >= 0).all() and (np.diff(found) >= 0).all()
    below = replace(one, series=replace(one.series, adjusted=one.series.adjusted - 200), prices=low)
    assert (below.at_levels((0.01,)) < 0).all()  # it has been below zero


def test_many_series_are_shown_in_one_table_with_one_backtest_in_units_of_each() -> None:
    answer = forecasts(14)
    text = "\n".join(all_lines(answer))
    assert "14 series, 6 steps ahead" in text and "... and 4 more: -o FILE.csv writes all" in text
    assert all(f"\ns{i} " in text for i in range(1, 11)) and "\ns11 " not in text
    assert text.count("backtest:") == 1 and text.endswith(answer.verdict) and "\n" not in answer.verdict
    assert len(all_lines(forecasts(8))) > 8 * 12


def test_pooled_scores_do_not_depend_on_the_units_of_a_series() -> None:
    backtests = [one.backtest for one in forecasts(5)]
    pooled = pool_scaled(backtests)
    for one, size in zip(backtests, range(1, 6), strict=True):
        np.testing.assert_allclose(one.scores("model").crps, np.array(backtests[0].scores("model").crps) * size)
    np.testing.assert_allclose(pooled.scores("model").crps, backtests[0].scores("model").crps)
    np.testing.assert_allclose(pooled.skill(), backtests[0].skill())
    still = replace(backtests[0], naive_error=0 * backtests[0].outcomes)
    assert len(pool_scaled([*backtests, still]).origins) == 5 * ORIGINS
