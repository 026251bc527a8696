"""What is no observation is found where it was planted, and nowhere in series that only look wild."""

from collections.abc import Callable

import numpy as np
import pytest

from seqlab.data.series.unusual import left_out

Made = tuple[np.ndarray, np.ndarray]  # dates and values
KINDS: dict[str, Callable[[np.random.Generator, int], Made]] = {}
SMOOTH = ("load", "weekly", "monthly", "rounded_temperature", "growing")  # in which a person sees a fault at once


def kind(make: Callable[[np.random.Generator, int], Made]) -> Callable[[np.random.Generator, int], Made]:
    KINDS[make.__name__] = make
    return make


def days(n: int) -> np.ndarray:
    return np.datetime64("2018-01-01") + np.arange(n)


def hours(n: int) -> np.ndarray:
    return np.datetime64("2023-01-02T00:00") + 60 * np.arange(n)


def months(n: int) -> np.ndarray:
    return (np.datetime64("2005-01") + np.arange(n)).astype("datetime64[D]")


def persistent(rng: np.random.Generator, n: int, keep: float, size: float) -> np.ndarray:
    x = rng.normal(0, size, n)
    for i in range(1, n):
        x[i] += keep * x[i - 1]
    return x


def decaying(shocks: np.ndarray, keep: float) -> np.ndarray:
    x = shocks.copy()
    for i in range(1, len(x)):
        x[i] += keep * x[i - 1]
    return x


def weekday(dates: np.ndarray) -> np.ndarray:
    return (dates.astype("datetime64[D]").astype(int) + 3) % 7


def year_wave(dates: np.ndarray) -> np.ndarray:
    return np.cos(dates.astype("datetime64[D]").astype(int) * 2 * np.pi / 365.25)


def black_fridays(dates: np.ndarray) -> np.ndarray:
    november = (dates.astype("datetime64[Y]").astype("datetime64[M]") + 10).astype("datetime64[D]")
    return dates == november + (4 - weekday(november)) % 7 + 21


@kind
def load(rng, n):
    return hours(n), 100 + 20 * np.sin(np.arange(n) * np.pi / 12) + persistent(rng, n, 0.7, 1)


@kind
def weekly(rng, n):
    week = np.array([100, 90, 85, 88, 110, 160, 140])
    return days(n), np.round(week[weekday(days(n))] * (1 + 0.2 * year_wave(days(n))) + rng.normal(0, 6, n))


@kind
def monthly(rng, n):
    n = min(n, 240)
    return months(n), 200 * np.exp(
        0.005 * np.arange(n) + 0.3 * np.sin(np.arange(n) * np.pi / 6) + rng.normal(0, 0.05, n)
    )


@kind
def rounded_temperature(rng, n):
    return days(n), np.round(30 - 8 * year_wave(days(n)) + persistent(rng, n, 0.7, 1), 1)


@kind
def growing(rng, n):
    return days(n), np.cumsum(rng.poisson(10, n)) + 500.0


@kind
def electricity_price(rng, n):
    spikes = decaying((rng.random(n) < 0.01) * rng.pareto(1.8, n) * 30, 0.5)
    return hours(n), 40 + 15 * np.sin(np.arange(n) * np.pi / 12) + persistent(rng, n, 0.9, 4) + spikes


@kind
def rainfall(rng, n):
    return days(n), np.round((rng.random(n) < 0.3) * rng.gamma(0.7, 8, n), 1)


@kind
def page_views(rng, n):
    bursts = decaying((rng.random(n) < 0.01) * (rng.pareto(1.2, n) + 1) * 300, 0.5)
    return days(n), np.round(300 * np.exp(persistent(rng, n, 0.8, 0.1)) + bursts)


@kind
def gone_viral_once(rng, n):
    burst = np.zeros(n)
    burst[rng.integers(n)] = rng.uniform(3, 40) * 300
    return days(n), np.round(300 * np.exp(persistent(rng, n, 0.8, 0.1)) + decaying(burst, rng.uniform(0.3, 0.7)))


@kind
def intermittent(rng, n):
    return days(n), (rng.random(n) < 0.1) * np.ceil(rng.lognormal(1, 1, n))


@kind
def low_counts(rng, n):
    return hours(n), rng.poisson(6, n).astype(float)


@kind
def closed_on_sundays(rng, n):
    return days(n), rng.poisson(80, n) * (weekday(days(n)) < 6.0)


@kind
def river(rng, n):
    return days(n), 5 + decaying((rng.random(n) < 0.08) * rng.lognormal(2, 1.2, n), 0.8)


@kind
def earthquakes(rng, n):
    return days(n), np.round(2 + rng.exponential(0.43, n), 1)


@kind
def crash(rng, n):
    x = np.cumsum(rng.standard_t(4, n) * 0.01)
    x[rng.integers(n // 4, 3 * n // 4) :] -= rng.uniform(0.3, 1.5)
    return days(n), 100 * np.exp(x)


@kind
def level_shift(rng, n):
    return days(n), 100 + rng.normal(0, 3, n) + rng.choice([-60, 50, 300]) * (np.arange(n) >= rng.integers(5, n - 5))


@kind
def some_days_higher(rng, n):
    x, start = 100 + rng.normal(0, 3, n), rng.integers(5, n - 15)
    x[start : start + rng.integers(4, 10)] += 300
    return days(n), x


@kind
def epidemic(rng, n):
    growth = np.exp(np.minimum(0.06 * np.arange(n), 11))
    return days(n), rng.poisson(growth * np.where(weekday(days(n)) > 4, 0.6, 1)).astype(float)


@kind
def summer_tourism(rng, n):
    n = min(n, 240)
    return months(n), 1000 * np.where(np.isin(np.arange(n) % 12, (6, 7)), 5, 1) * np.exp(rng.normal(0, 0.08, n))


@kind
def weekend_times_ten(rng, n):
    return days(n), rng.poisson(np.where(weekday(days(n)) == 5, 500, 50)).astype(float)


@kind
def shop_with_black_fridays(rng, n):
    dates = days(max(n, 400))
    return dates, rng.poisson(100 * np.where(black_fridays(dates), rng.uniform(4, 9), 1), len(dates)).astype(float)


@kind
def december_times_three(rng, n):
    n = min(n, 240)
    return months(n), 100 * np.where(np.arange(n) % 12 == 11, 3, 1) * np.exp(rng.normal(0, 0.07, n))


@kind
def growth_with_a_rebound(rng, n):
    x, at = 0.6 + rng.normal(0, 0.5, n), rng.integers(n // 2, n - 3)
    x[at], x[at + 1] = -9.0, 7.0
    return (np.datetime64("1950-01") + 3 * np.arange(n)).astype("datetime64[D]"), np.round(x, 1)


@kind
def humidity_at_its_limit(rng, n):
    return hours(n), np.clip(np.round(85 + persistent(rng, n, 0.95, 4)), 0, 100)


@kind
def clipped_sensor(rng, n):
    return hours(n), np.clip(np.round(3000 + persistent(rng, n, 0.9, 300)), 0, 4095)


@kind
def whole_degrees_around_zero(rng, n):
    return hours(n), np.round(persistent(rng, n, 0.9, 1.5))


@kind
def percent_near_hundred(rng, n):
    return days(n), np.clip(np.round(100 - rng.gamma(1, 2, n)), 0, 100)


@kind
def profit_and_loss(rng, n):
    return days(n), np.round(rng.standard_t(4, n) * 200)


@kind
def policy_rate(rng, n):
    return months(n), 3 + np.cumsum((rng.random(n) < 0.08) * rng.choice([-0.25, 0.25, 0.5], n))


@kind
def solar_power(rng, n):
    return hours(n), np.round(np.maximum(0, np.sin((np.arange(n) % 24 - 6) * np.pi / 12)) * 400 * rng.beta(3, 1, n))


@kind
def negative_binomial(rng, n):
    return days(n), rng.negative_binomial(0.5, 0.02, n).astype(float)


@kind
def heavy_tail(rng, n):
    return days(n), 10 * (1 + rng.pareto(3, n))


def made(name: str, seed: int, n: int) -> tuple[np.random.Generator, np.ndarray, np.ndarray]:
    rng = np.random.default_rng([seed, n, *map(ord, name)])
    dates, values = KINDS[name](rng, n)
    return rng, dates, np.asarray(values, float)


@pytest.mark.parametrize("n", [60, 200, 800])
def test_what_only_looks_wild_is_kept(n):
    marked = {
        (name, seed): notes
        for name in KINDS
        for seed in range(10)
        for _, dates, values in [made(name, seed, n)]
        for mask, notes in [left_out(values, dates, False)]
        if mask.any()
    }
    assert len(marked) < 0.015 * 10 * len(KINDS), marked  # which some heavy tails do by chance
    assert {name for name, _ in marked} <= {"electricity_price", "heavy_tail", "profit_and_loss", "page_views"}, marked


def tried(name: str, sizes: tuple[int, ...], fault: Callable[[float], float]) -> tuple[float, float]:
    """The shares of series in which a planted fault is found, and in which something else is taken for one."""
    found = wrong = tries = 0
    for n in sizes:
        for seed in range(20):
            rng, dates, values = made(name, seed, n)
            row = int(rng.integers(3, len(values) - 3))
            values[row] = fault(values[row])
            mask = left_out(values, dates, False)[0]
            tries, found, wrong = tries + 1, found + bool(mask[row]), wrong + bool(mask.sum() > mask[row])
    return found / tries, wrong / tries


@pytest.mark.parametrize("times", [10, 0.1])
@pytest.mark.parametrize("name", SMOOTH)
def test_a_wrong_decimal_point_is_found_and_nothing_else(name, times):
    found, wrong = tried(name, (100, 200, 800), lambda value: times * value)
    assert found >= 0.95 and wrong == 0


@pytest.mark.parametrize("name", ["load", "rounded_temperature"])
def test_twenty_standard_deviations_of_the_noise_are_found(name):
    found, wrong = tried(name, (400, 800), lambda value: value + 20 * 1.4)  # 1 / sqrt(1 - 0.7**2)
    assert found >= 0.95 and wrong == 0


def test_a_lone_outlier_is_said_with_its_day_and_what_it_is_unlike():
    _, dates, values = made("load", 0, 200)
    values[120] = 5000
    mask, (note,) = left_out(values, dates, False)
    assert np.flatnonzero(mask).tolist() == [120]
    others = np.delete(values, 120)
    assert note == (
        f"the value 5000 on 2023-01-07T00:00 is unlike all others ({others.min():.6g} to {others.max():.6g}): left out"
    )


def test_two_rows_and_several_days_of_faults_are_found():
    _, dates, values = made("weekly", 1, 1000)
    values[[100, 101, 200, 300]] = 4000, 4100, 7000, 5500
    mask, notes = left_out(values, dates, False)
    assert np.flatnonzero(mask).tolist() == [100, 101, 200, 300]
    assert "4 values are unlike all others" in notes[0] and "4000 on 2018-04-11" in notes[0]


def test_the_last_value_may_be_the_beginning_of_something_and_is_only_said():
    _, dates, values = made("weekly", 2, 200)
    values[-1] = 5000
    mask, notes = left_out(values, dates, False)
    assert not mask.any()
    assert notes[0].startswith(f"the last value, 5000 on {dates[-1]}, is unlike all before it") and "kept" in notes[0]


def test_rows_without_a_value_hide_no_fault_and_are_not_marked():
    _, dates, values = made("load", 3, 300)
    values[[149, 151, 152, 250]] = np.nan
    values[150] = 5000
    assert np.flatnonzero(left_out(values, dates, False)[0]).tolist() == [150]


# ---- codes


@pytest.mark.parametrize("share", [1, 3, 0.02, 0.3])
@pytest.mark.parametrize(
    "code", [-9999, -999, 9999, 99999, 999.9, 32767, -32768, 65535, 1e20, 1.7e308, -888.88, -999.25, -9999.99]
)
def test_a_code_is_found_once_or_often(code, share):
    for name in ("load", "weekly", "intermittent", "river", "whole_degrees_around_zero", "humidity_at_its_limit"):
        rng, dates, values = made(name, 4, 300)
        rows = rng.choice(len(values), share if share >= 1 else int(share * len(values)), replace=False)
        values[rows] = code
        mask, notes = left_out(values, dates, False)
        assert np.flatnonzero(mask).tolist() == sorted(rows), name
        assert f"{code:.15g}" in notes[0] and "missing" in notes[0] and str(dates[min(rows)]) in notes[0]


@pytest.mark.parametrize("code", [-1, -9, -99])
@pytest.mark.parametrize("name", ["load", "weekly", "low_counts", "negative_binomial", "river"])
def test_a_small_code_among_what_is_never_below_zero(name, code):
    rng, dates, values = made(name, 5, 500)
    rows = np.sort(rng.choice(len(values), 25, replace=False))
    values[rows] = code
    mask, notes = left_out(values, dates, False)
    assert np.flatnonzero(mask).tolist() == rows.tolist()
    assert notes[0] == f"25 values of {code} stand for missing ones: left out, the first on {dates[rows[0]]}"


def test_a_minus_one_to_which_the_series_goes_by_itself_is_a_value():
    dates = days(400)
    values = np.round(6 + 7 * year_wave(dates))  # down to -1 in summer
    assert (values == -1).sum() > 10 and values.min() == -1
    assert left_out(values, dates, False) == (pytest.approx(np.zeros(400)), [])


@pytest.mark.parametrize(
    "values",
    [
        np.arange(9900.0, 10100),  # counted up past 9999
        np.tile([97.0, 98, 99, 100, 96, 95], 40),  # percent
        np.tile([12.0, 700, 999, 4000, 80, 250], 40),  # 999 among its like
        np.r_[np.linspace(0, 950, 200), np.full(30, 999.0)],  # a limit that is reached
        np.tile([0.0, 1, -1, 2, 0, 1, 1], 40),  # changes
    ],
)
def test_a_number_like_a_code_in_its_place_is_a_value(values):
    assert not left_out(values, days(len(values)), False)[0].any()


def test_codes_and_a_fault_beside_each_other():
    _, dates, values = made("load", 6, 500)
    values[::9], values[100], values[301] = -9999, -999, 5000
    mask, notes = left_out(values, dates, False)
    assert set(np.flatnonzero(mask)) == {*range(0, 500, 9), 100, 301}
    assert len(notes) == 3


def test_a_code_of_ones_own_comes_again_far_outside():
    _, dates, values = made("load", 7, 500)
    values[[20, 150, 151, 400]] = -500
    mask, notes = left_out(values, dates, False)
    assert np.flatnonzero(mask).tolist() == [20, 150, 151, 400]
    assert "4 values of -500 are unlike all others" in notes[0]


# ---- zeros


def test_zeros_that_a_sensor_sends_are_told_from_those_that_are_reached():
    rng = np.random.default_rng(0)
    dates = hours(4000)
    values = np.maximum(1, np.round(np.exp(2.5 + persistent(rng, 4000, 0.99, 0.12))))
    high, low = 1000, int(np.flatnonzero((values[1:-1] == 1) & (values[2:] == 1) & (values[:-2] == 1))[0]) + 1
    values[high - 1 : high + 3] = 24, 0, 0, 26
    values[low] = 0
    mask, notes = left_out(values, dates, False)
    assert np.flatnonzero(mask).tolist() == [high, high + 1]
    assert "2 zeros among positive values" in notes[0] and str(dates[high]) in notes[0]


@pytest.mark.parametrize("share", [0.05, 0.5])
def test_many_zeros_are_values(share):
    rng, dates, values = made("weekly", 8, 400)
    values[rng.random(400) < share] = 0
    assert not left_out(values, dates, False)[0].any()


# ---- prices


def prices(seed: int, n: int = 1000) -> np.ndarray:
    return 50 * np.exp(np.cumsum(np.random.default_rng(seed).standard_t(3, n) * 0.012))


@pytest.mark.parametrize("factor", [10, 100, 0.1, 0.01, 3])
def test_a_bad_tick_is_left_out(factor):
    for seed in range(10):
        values = prices(seed)
        values[500] *= factor
        mask, notes = left_out(values, days(1000), True)
        assert np.flatnonzero(mask).tolist() == [500] and "2019-05-16" in notes[0]


def test_crashes_splits_and_rebounds_are_real():
    for seed in range(20):
        values = prices(seed)
        values[300:] *= 0.4
        values[500] *= 0.6
        values[501] *= 0.8  # back in three days
        values[700:] /= 4
        assert left_out(values, days(1000), True)[1] == []


def test_pence_for_pounds_are_only_said():
    values = prices(1)
    values[400:420] *= 100
    mask, (note,) = left_out(values, days(1000), True)
    assert not mask.any()
    assert "from 2019-02-05 to 2019-02-24 are about 100 times those around" in note


# ---- all of them


def test_any_numbers_give_an_answer():
    rng = np.random.default_rng(0)
    for _ in range(300):
        n = int(rng.integers(0, 60))
        values = rng.choice([0, 1, -1, -9999, 1e20, 1.7e308, np.nan, np.inf, -np.inf, 5, 5.5, 6, 7, 8, 9], n)
        for is_price in (True, False):
            mask, notes = left_out(values, days(n), is_price)
            assert mask.shape == (n,) and not mask[~np.isfinite(values)].any() and bool(mask.any()) <= bool(notes)
