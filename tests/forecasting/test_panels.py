"""The windows of a panel: units, what is known of the rules, and that nothing is known too early."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from seqlab.forecasting import rules
from seqlab.forecasting.panels import CALENDAR, ROWS, TOLD, Panel, calendar, windows


def panel(rows: int = 200, count: int = 2, horizon: int = 9, seed: int = 0) -> Panel:
    random = np.random.default_rng(seed)
    values = 80 + random.normal(0, 1, (count, rows)).cumsum(1) + 6 * np.sin(2 * np.pi * np.arange(rows) / 7)
    dates = np.datetime64("2021-03-01T00:00:00") + np.arange(rows + horizon) * np.timedelta64(1, "D")
    return Panel(values, np.tile(dates, (count, 1)), (7, 364), horizon, of_days=True)


INPUTS = ("rules", "there", "errors", "past", "told", "scale", "centre")


@given(origin=st.integers(30, 150), seed=st.integers(0, 99))
@settings(max_examples=10, deadline=None)
def test_a_window_knows_nothing_of_what_comes_after_it(origin: int, seed: int) -> None:
    whole = panel(seed=seed)
    later = whole.values.copy()
    later[:, origin:] = 1e6
    one, other = (windows(each, [origin]) for each in (whole, replace(whole, values=later)))
    for name in INPUTS:
        torch.testing.assert_close(one[name], other[name], equal_nan=True, rtol=0, atol=0)
    assert not torch.equal(one["outcome"], other["outcome"])


@given(factor=st.floats(1e-3, 1e3), seed=st.integers(0, 99))
@settings(max_examples=10, deadline=None)
def test_what_the_net_reads_does_not_depend_on_the_unit(factor: float, seed: int) -> None:
    whole = panel(seed=seed)
    one, other = (windows(each, [150]) for each in (whole, replace(whole, values=factor * whole.values)))
    for name in INPUTS[:-2]:
        torch.testing.assert_close(one[name], other[name], equal_nan=True, rtol=1e-3, atol=1e-3)
    torch.testing.assert_close(factor * one["scale"], other["scale"], rtol=1e-4, atol=0)


def test_the_errors_are_those_of_the_rules_so_far() -> None:
    """At the first horizon: means of what missed by one row, and by two as far as these are known, the newer more."""
    whole, origin = panel(count=1), 120
    (window,) = windows(whole, [origin])["errors"]  # (H, R)
    total = weight = np.zeros(rules.RULES)
    for k, before in enumerate(whole.judged_from(origin)):
        ahead = rules.forecasts(whole.values, whole.seasons, [before], whole.horizon)[0, 0]
        for h in (0, 1):
            if before + h < origin:
                miss = np.abs(ahead[:, h] - whole.values[0, before + h])
                total = total + np.where(np.isnan(miss), 0, 0.95**k * miss)
                weight = weight + 0.95**k * ~np.isnan(miss)
    scale = windows(whole, [origin])["scale"].numpy()
    known = weight > 0
    np.testing.assert_allclose(window[0].numpy()[known], (total[known] / weight[known]) / scale, rtol=1e-4)
    assert np.isnan(window[0].numpy()[~known]).all()


def test_the_scale_is_that_of_seasonal_differences() -> None:
    whole = panel(count=1)
    last = whole.values[0, 150 - 47 : 150]  # forty rows, and a week before
    (scale,) = windows(whole, [150])["scale"].numpy()
    assert scale == pytest.approx(np.abs(last[7:] - last[:-7]).mean(), rel=1e-5)


def test_rows_that_were_missing_are_no_outcomes() -> None:
    whole = panel()
    known = np.ones(whole.values.shape, bool)
    known[0, 152] = False
    found = windows(replace(whole, known=known), [150])
    assert found["outcome"][0].isnan().nonzero().flatten().tolist() == [2] and found["outcome"][1].isfinite().all()


def test_a_short_past_is_marked_and_shapes_are_those_that_are_told() -> None:
    whole = panel(rows=40)
    found = windows(whole, [20, 40])
    assert found["past"].shape == (4, ROWS, 2 + CALENDAR) and found["told"].shape == (4, 9, TOLD)
    assert found["past"][0, :, 0].tolist() == [0.0] * 28 + [1.0] * 20
    assert found["origin"].tolist() == [20, 20, 40, 40] and found["outcome"][2:].isnan().all()


def test_the_calendar_tells_weekdays_and_the_place_in_the_year() -> None:
    found = calendar(panel(rows=400, count=1))[0]
    assert (found[:, -7:].sum(1) == 1).all() and found[0, -7] == 1  # a Monday
    np.testing.assert_allclose(found[0, 0], np.sin(2 * np.pi * 59 / 365.25), rtol=1e-4)  # the first of March
    np.testing.assert_allclose(found[365:, :4], found[: len(found) - 365, :4], atol=0.02)  # a year later
