"""The walks against what is known of them, and skill against its definition; honest features know nothing of later."""

import numpy as np
import pytest
from sklearn.metrics import r2_score

from seqlab.lab import lookahead


def test_a_walk_is_one() -> None:
    prices, high, low = lookahead.walks(200, 500, np.random.default_rng(0))
    changes = np.diff(prices)
    assert changes.std() == pytest.approx(lookahead.STEP, rel=0.01)
    assert abs(np.corrcoef(changes[:, 1:].ravel(), changes[:, :-1].ravel())[0, 1]) < 0.01
    assert (high >= prices).all() and (low <= prices).all()
    assert (high[:, 1:] >= prices[:, :-1]).all() and (low[:, 1:] <= prices[:, :-1]).all()


def test_skill_against_the_mean_is_r_squared() -> None:
    random = np.random.default_rng(0)
    y, guess = random.standard_normal(50), random.standard_normal(50)
    assert lookahead.skill(guess, y, y.mean()) == pytest.approx(r2_score(y, guess))
    assert lookahead.skill(np.zeros(50), y) == 0 and lookahead.skill(y, y) == 1


def test_r_squared_of_repeating_yesterday_is_what_a_walk_gives() -> None:
    prices, _, _ = lookahead.walks(4000, lookahead.TEST, np.random.default_rng(0))
    days = prices.shape[1] - 1
    level = lookahead.skill(prices[:, :-1], prices[:, 1:], prices[:, 1:].mean(1, keepdims=True))
    # the squares about the mean of n prices of a walk are (n^2 - 1) / 6 steps, those of repeating n
    assert level == pytest.approx(1 - 6 * days / (days**2 - 1), abs=0.005)


def test_forecasts_find_what_there_is_to_find() -> None:
    """Where changes do repeat, all of it is skill: it is the walk, not the forecast, that has none."""
    random = np.random.default_rng(0)
    changes = random.normal(0, lookahead.STEP, (20, 1375))
    for day in range(1, changes.shape[1]):
        changes[:, day] += 0.6 * changes[:, day - 1]
    assert lookahead.tuned(changes, random)[1] == pytest.approx(0.36, abs=0.05)
    assert lookahead.one_step(changes.cumsum(1))[2] > 0.25
