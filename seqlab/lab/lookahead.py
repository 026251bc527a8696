"""Four ways of fooling oneself with forecasts of prices, each tried where nothing can be forecast.

The logarithm of the price is a random walk, p_t = p_(t-1) + e_t, of independent steps e_t of 1 % with mean zero: the
best forecast of any later price is today's, and whoever finds skill has made a mistake. Skill is the share of the
squared error that a forecast f saves against "no change",

    1 - sum (r - f)^2 / sum r^2          r: the change to be forecast

on days that were not learned from. It is 0 for "no change", and below 0 for what only adds noise. The sins:

scaling: prices are scaled to 0 ... 1, each by the least and the greatest of its whole series, the days to be
    forecast included. A price near 1 is then known not to rise much further, one near 0 not to fall.
same day: today's change is forecast from today's high and low, which are known only when today is over.
tuning: of 200 settings the one is reported that does best on the test days; the best of many numbers without
    meaning is large. On days after these it has nothing to show.
lag: the curve of one-step forecasts of the price lies on the true one, with an R^2 of 0.9 and more against the mean.
    Shifted by a day it lies there still better: the forecast repeats yesterday's price.

Each has an honest version beside it: scaled by what was known, yesterday's high and low, fresh days, and skill
against "no change" instead of R^2.
"""

from typing import NamedTuple

import numpy as np
from matplotlib.figure import Figure

from seqlab.lab.drawing import panels
from seqlab.lab.experiment import Experiment, Inequality, Knob, Measured, Rows
from seqlab.plots.style import GREY, INK, MODEL, WALK

TICKS, STEP = 16, 0.01  # prices within a day, and the deviation of a day's change
LEARN, TEST, FRESH = 750, 125, 500  # days: three years, half a year, and those on which what was chosen is tried again
HORIZON, WARM_UP = 60, 250  # days ahead, of the forecast from the scaled price, and before the first such forecast
SETTINGS, LAGS = 200, 20  # of tuning: how many are tried, and how far back their features reach
SHOWN = 60  # days in the figure
SINS = ("scaling", "same day", "tuning", "lag")


class _Scale(NamedTuple):
    walks: int


SCALES = {"small": _Scale(120), "default": _Scale(400), "full": _Scale(4000)}

HONEST = "a random walk has none, and a fitted forecast only adds noise; 0.005 is room for chance"

EXPERIMENT = Experiment(
    name="lookahead",
    claim="scaling by the whole series (tried on other walks), features of the same day, tuning on the test days "
    "and a plot of one-step forecasts each show skill on a random walk, which has none; done honestly each shows "
    "none",
    source="Kaufman, Rosset and Perlich (2011), Leakage in data mining; the tuning: White (2000), A reality check for "
    "data snooping",
    refuted_by="a sin that shows no skill where there is none to find, or an honest version that shows some",
    inequalities=(
        Inequality(
            "scaling",
            "false skill of scaling by the whole series, 60 days ahead, on walks not learned from",
            "of real returns an R^2 of 0.01 would be worth money (Campbell and Thompson 2008)",
            above=0.01,
        ),
        Inequality(
            "same_day",
            "false skill of the same day's high and low",
            "the middle of a day's range has a correlation of about 0.9 with its close; half is far below that",
            above=0.5,
        ),
        Inequality("tuning", "false skill of the best of 200 settings on the test days", "as for scaling", above=0.01),
        Inequality("lag", "R^2 of one-step forecasts of the price", "what is called excellent in a paper", above=0.9),
        Inequality("honest_scaling", "skill when scaled by what had been until then", HONEST, below=0.005),
        Inequality("honest_same_day", "skill of the day before's high and low", HONEST, below=0.005),
        Inequality("honest_tuning", "skill of the best setting on fresh days", HONEST, below=0.005),
        Inequality("honest_lag", "skill of the one-step forecasts against yesterday's price", HONEST, below=0.005),
        Inequality(
            "repeats",
            "share of walks whose one-step forecasts lie nearer to yesterday's price than to the one forecast",
            "a forecast that repeats does so everywhere",
            above=0.9,
        ),
    ),
    knobs={"look": Knob("ahead", ("honest",), "whether the four look at what they could not have known")},
    seconds=1.5,
    note="Scaling by the whole series is tested on other walks than were learned from. On later days of the same walks "
    "its skill is about zero (rows 'later days'): near its end a walk is often at its least or greatest, so that less "
    "of it turns back than was learned. All forecasts are linear, by least squares; the skill is of all walks' days "
    "together. Tuning's is small beside the others', but it is what a very good forecast of real returns has.",
)


def measure(seed: int, scale: str, look: str = "ahead") -> Measured:
    """Rows: each sin's false skill and that of its honest version; some days of one walk and of their forecasts."""
    random = np.random.default_rng(seed)
    prices, high, low = walks(SCALES[scale].walks, LEARN + TEST + FRESH, random)
    forecasts, r_squared, level_skill, repeats = one_step(prices)
    (ahead, ahead_later), (past, past_later) = scaled(prices, whole=True), scaled(prices, whole=False)
    pairs = {
        "scaling": (ahead, past),
        "same day": (from_range(prices, high, low, 0), from_range(prices, high, low, 1)),
        "tuning": tuned(np.diff(prices), random),
        "lag": (r_squared, level_skill),
    }
    if look == "honest":
        pairs = {sin: (honest, honest) for sin, (_, honest) in pairs.items()}
    rows: Rows = [
        {"part": "skill", "sin": sin, "false": false, "honest": honest} for sin, (false, honest) in pairs.items()
    ]
    rows.append({"part": "later days", "sin": "scaling", "false": ahead_later, "honest": past_later})
    shown = np.exp([prices[0, LEARN : LEARN + SHOWN], forecasts[0, :SHOWN]]).T
    rows += [
        {"part": "days", "day": day, "price": float(price), "forecast": float(forecast)}
        for day, (price, forecast) in enumerate(shown)
    ]
    values = {sin.replace(" ", "_"): false for sin, (false, _) in pairs.items()}
    values |= {f"honest_{sin.replace(' ', '_')}": honest for sin, (_, honest) in pairs.items()}
    return Measured(rows, values | {"repeats": repeats})


def draw(rows: Rows) -> Figure:
    """The skills, and the curve that convinces: one-step forecasts on the price."""
    figure, (skills, days) = panels("Skill on a random walk", "One-step forecasts of a price: the plot that lags")
    for number, (kind, colour) in enumerate((("false", WALK), ("honest", MODEL))):
        for place, sin in enumerate(SINS):
            found = [row[kind] for row in rows if row["part"] == "skill" and row["sin"] == sin]
            at = place + 0.38 * number - 0.19
            label = ("as it is reported", "done honestly")[number] if place == 0 else None
            skills.bar(at, np.mean(found), width=0.34, color=colour, alpha=0.55, label=label)
            skills.plot(np.full(len(found), at), found, "o", color=GREY, markersize=2.5)
            skills.annotate(
                f"{np.mean(found):.2f}".replace("-0.00", "0.00"),
                (at, max(0, *found)),
                (0, 4),
                textcoords="offset points",
                ha="center",
                fontsize=8,
            )
    skills.set_xticks(
        range(len(SINS)),
        ["scaling by the\nwhole series", "same-day\nfeatures", "tuning on\nthe test", "R² of\nthe price"],
    )
    skills.set(ylabel="share of squared error saved", ylim=(-0.12, 1.25))
    skills.legend(frameon=False, fontsize=9, ncols=2, loc="upper left")
    first = [row for row in rows if row["part"] == "days" and row["seed"] == rows[0]["seed"]]
    days.plot([row["day"] for row in first], [row["price"] for row in first], color=INK, linewidth=1.6, label="price")
    days.plot(
        [row["day"] for row in first],
        [row["forecast"] for row in first],
        color=WALK,
        linewidth=1.3,
        label="forecast of the day before",
    )
    days.set(xlabel="day", ylabel="price")
    bottom, top = days.get_ylim()
    days.set_ylim(bottom, top + 0.2 * (top - bottom))
    days.legend(frameon=False, fontsize=9, ncols=2, loc="upper left")
    return figure


def walks(count: int, days: int, random: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Logarithms of `count` prices at the end of each day (W, T), and each day's highest and lowest."""
    ticks = random.normal(0, STEP / np.sqrt(TICKS), (count, days * TICKS)).cumsum(1).reshape(count, days, TICKS)
    close = ticks[..., -1]
    opening = np.hstack([np.zeros((count, 1)), close[:, :-1]])
    return close, np.maximum(ticks.max(2), opening), np.minimum(ticks.min(2), opening)


def skill(forecasts: np.ndarray, outcomes: np.ndarray, other: float | np.ndarray = 0.0) -> float:
    """The share of squared error that forecasts save against forecasting `other`."""
    return float(1 - np.square(outcomes - forecasts).sum() / np.square(outcomes - other).sum())


def scaled(prices: np.ndarray, whole: bool) -> tuple[float, float]:
    """The skill of forecasting HORIZON days ahead from the price scaled by the least and the greatest of its whole
    series, or of those until then: on other walks than were learned from, and on later days of the same."""
    low, high = np.minimum.accumulate(prices, 1), np.maximum.accumulate(prices, 1)
    if whole:
        low, high = low[:, -1:], high[:, -1:]
    position = ((prices - low) / np.maximum(high - low, STEP))[:, WARM_UP:-HORIZON, None]  # (W, T, 1)
    change = (prices[:, HORIZON:] - prices[:, :-HORIZON])[:, WARM_UP:]
    half, days = len(prices) // 2, change.shape[1] // 2
    walks_apart = (slice(half), slice(None)), (slice(half, None), slice(None))
    days_apart = (slice(None), slice(days - HORIZON)), (slice(None), slice(days, None))
    found = []
    for learn, test in (walks_apart, days_apart):
        weights = _fit(position[learn].reshape(-1, 1), change[learn].ravel())
        found.append(skill(_apply(weights, position[test]), change[test]))
    return found[0], found[1]


def from_range(prices: np.ndarray, high: np.ndarray, low: np.ndarray, lag: int) -> float:
    """The skill of forecasting a day's change from the high and the low of the day `lag` days before."""
    change = np.diff(prices)  # of the days from 1 on, whose opening is the price of the day before
    features = np.stack([high[:, 1:] - prices[:, :-1], low[:, 1:] - prices[:, :-1]], 2)  # (W, T, 2)
    features, change = features[:, : features.shape[1] - lag], change[:, lag:]
    weights = _fit(features[:, :LEARN].reshape(-1, 2), change[:, :LEARN].ravel())
    return skill(_apply(weights, features[:, LEARN:]), change[:, LEARN:])


def tuned(change: np.ndarray, random: np.random.Generator) -> tuple[float, float]:
    """The skill of the best of SETTINGS on the test days, and on those after; a walk each for itself. A setting is
    which five of the last LAGS changes a day's change is forecast from."""
    past, outcome = _windows(change)
    ends = np.cumsum([LEARN - LAGS, TEST])
    (learn_x, test_x, fresh_x), (learn_y, test_y, fresh_y) = np.split(past, ends, 1), np.split(outcome, ends, 1)
    gram, moments = learn_x.transpose(0, 2, 1) @ learn_x, learn_x.transpose(0, 2, 1) @ learn_y[..., None]
    best = np.full(len(change), np.inf)  # squared error on the test days
    forecasts = np.zeros((2, len(change), max(TEST, fresh_y.shape[1])))
    for _ in range(SETTINGS):
        lags = random.choice(LAGS, 5, replace=False)
        weights = np.linalg.solve(gram[:, lags[:, None], lags], moments[:, lags])  # (W, 5, 1)
        on_test = (test_x[..., lags] @ weights)[..., 0]
        error = np.square(test_y - on_test).sum(1)
        better = error < best
        best[better] = error[better]
        forecasts[0, better, :TEST] = on_test[better]
        forecasts[1, better, : fresh_y.shape[1]] = (fresh_x[better][..., lags] @ weights[better])[..., 0]
    return skill(forecasts[0, :, :TEST], test_y), skill(forecasts[1, :, : fresh_y.shape[1]], fresh_y)


def one_step(prices: np.ndarray) -> tuple[np.ndarray, float, float, float]:
    """Forecasts of the test days' prices (W, TEST), each from the LAGS before it; their R^2 against the mean, their
    skill against the day before, and the share of walks where they lie nearer to the day before."""
    past, outcome = _windows(prices[:, : LEARN + TEST])
    learn = LEARN - LAGS
    forecasts = np.stack([_apply(_fit(x[:learn], y[:learn]), x[learn:]) for x, y in zip(past, outcome, strict=True)])
    test, before = outcome[:, learn:], past[:, learn:, -1]
    nearer = np.square(forecasts - before).sum(1) < np.square(forecasts - test).sum(1)
    r_squared = skill(forecasts, test, test.mean(1, keepdims=True))
    return forecasts, r_squared, skill(forecasts, test, before), float(nearer.mean())


def _windows(series: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Of series (W, T) the LAGS values before each (W, T - LAGS, LAGS), and the value (W, T - LAGS)."""
    return np.lib.stride_tricks.sliding_window_view(series, LAGS, 1)[:, :-1], series[:, LAGS:]


def _fit(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Least squares of y (N,) on x (N, F): the constant and F weights."""
    return np.linalg.lstsq(np.hstack([np.ones((len(x), 1)), x]), y, rcond=None)[0]


def _apply(weights: np.ndarray, x: np.ndarray) -> np.ndarray:
    return weights[0] + x @ weights[1:]
