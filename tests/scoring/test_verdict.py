"""The verdict: a decision table, the sentence of every combination held against rules, and backtests of every kind."""

import itertools
import re
from dataclasses import replace

import numpy as np
import pytest

from seqlab import scoring
from seqlab.scoring import baselines
from seqlab.scoring.backtest import Backtest, steps
from seqlab.scoring.verdict import STATES, Finding, claims, findings, verdict

CURVE = baselines.normal(np.ones(1), np.ones(1, int), scoring.LEVELS)[0, 0]
RIVALS = {"random_walk": "a random walk", "seasonal_naive": "repeating the last season"}
UNITS = ("day", "month", "hour", "30 minutes")

# miscalibrated, too few, p < 0.05, better: the state
TABLE = {
    (False, False, False, False): "not shown",
    (False, False, False, True): "not shown",
    (False, False, True, False): "worse",
    (False, False, True, True): "better",
    (False, True, False, False): "too few",
    (False, True, False, True): "too few",
    (False, True, True, False): "too few",
    (False, True, True, True): "too few",
    (True, False, False, False): "badly calibrated",
    (True, False, False, True): "badly calibrated",
    (True, False, True, False): "badly calibrated",
    (True, False, True, True): "badly calibrated",
    (True, True, False, False): "badly calibrated",
    (True, True, False, True): "badly calibrated",
    (True, True, True, False): "badly calibrated",
    (True, True, True, True): "badly calibrated",
}


def finding(horizon: int, facts: tuple[bool, bool, bool, bool]) -> Finding:
    miscalibrated, few, significant, better = facts
    return Finding(
        horizon,
        skill=12.34 if better else -5.67,
        p=0.001 if significant and better else 0.048 if significant else 0.0501,
        coverage=0.0 if miscalibrated else 0.81,
        is_miscalibrated=miscalibrated,
        days=99 if few else 100,
        fewest=100,
    )


@pytest.mark.parametrize("facts", TABLE)
def test_each_row_of_the_table(facts):
    assert finding(1, facts).state == TABLE[facts]


def check(said: str, found: list[Finding], rival: str, step: str) -> None:
    """What no sentence may break, whatever its words."""
    claim, _, figures = said.partition(": ")
    at = {one.horizon: steps(one.horizon, step) for one in found}
    for state, words in {
        "badly calibrated": "badly calibrated",
        "better": "knew more",
        "worse": "knew less",
        "not shown": "not shown to know more",
        "too few": "cannot be judged",
    }.items():
        ours = [one for one in found if one.state == state]
        assert claim.count(words) == bool(ours), said
        if ours and len(ours) < len(found):  # else it is said of all
            *before, last = [str(one.horizon) for one in ours]
            together = steps(f"{', '.join(before)} and {last}" if before else last, step)
            assert together in claim or all(f"outcomes at {at[one.horizon]}" in claim for one in ours), said
    first = next(state for state in STATES if any(one.state == state for one in found))
    assert claim.startswith(
        {
            "badly calibrated": "was badly calibrated",
            "better": "knew more",
            "worse": "knew less",
            "not shown": "is not shown",
            "too few": "cannot be judged",
        }[first]
    )
    for one in found:
        way = "better" if one.skill > 0 else "worse"
        figure = re.search(
            rf"[\d.]+ % {way} at {re.escape(at[one.horizon])}(?: \(p ([<=]) ([\d.]+)\))?(?:,|$)", figures
        )
        assert (figure is not None) == (one.state != "badly calibrated"), said  # its figure would mislead
        if figure is not None:  # a p where there is a judgement, and on the side of 0.05 where the claim is
            assert (figure[1] is not None) == (one.state != "too few"), said
            if figure[1] is not None:
                assert (float(figure[2]) < 0.05) == (one.state in ("better", "worse")), said
    if any(one.state != "badly calibrated" for one in found):
        assert said.count(rival) == 1  # else "better" than what?
    assert not re.search(r"price|close|invest|\. |nan", said)
    assert step == "day" or "day" not in said


@pytest.mark.parametrize("step", UNITS)
@pytest.mark.parametrize("rival", RIVALS.values())
def test_no_combination_of_up_to_three_horizons_contradicts_itself(rival, step):
    for count in (1, 2, 3):
        for facts in itertools.product(TABLE, repeat=count):
            found = [finding(h, one) for h, one in zip((1, 5, 20), facts, strict=False)]
            check(claims(found, rival, step), found, rival, step)


def test_each_horizon_says_how_many_it_needs_where_they_differ():
    few = [
        replace(finding(h, (False, True, True, True)), fewest=n, days=50) for h, n in ((1, 100), (5, 100), (20, 200))
    ]
    said = claims(few, "a random walk", "day")
    assert said.startswith("cannot be judged at 1, 5 and 20 days by fewer than 100, 100 and 200 days: beside a random")
    assert claims(few[:2], "a random walk", "day").startswith("cannot be judged by fewer than 100 days: ")


def made(kinds: tuple[str, ...], days: int = 400, rival: str = "random_walk") -> Backtest:
    """A backtest whose model is of a kind at each horizon: of sizes that come in two, known to one or to none of them.

    All are calibrated but the "narrow": who does not know which size it is has the quantiles of both together.
    """
    random = np.random.default_rng(0)
    size = np.where(random.random((days, len(kinds))) < 0.5, 0.5, 2.0)
    outcomes = size * random.normal(size=size.shape)
    ignorant = np.tile(IGNORANT, (*size.shape, 1))
    knowing = size[..., None] * CURVE
    jitter = np.exp(0.1 * random.normal(size=(*size.shape, 1)))
    ours = {"better": knowing, "worse": ignorant, "even": knowing * jitter, "narrow": 0.1 * knowing}
    theirs = {"better": ignorant, "worse": knowing, "even": knowing / jitter, "narrow": ignorant}
    quantiles = {
        "model": np.stack([ours[kind][:, k] for k, kind in enumerate(kinds)], axis=1),
        rival: np.stack([theirs[kind][:, k] for k, kind in enumerate(kinds)], axis=1),
    }
    if rival != "random_walk":
        quantiles["random_walk"] = 20 * ignorant
    return Backtest((1, 2, 3)[: len(kinds)], np.arange(days), outcomes, quantiles)


SAMPLE = np.random.default_rng(1).normal(size=100_000)
IGNORANT = np.quantile(np.concatenate([0.5 * SAMPLE, 2.0 * SAMPLE]), scoring.LEVELS)
OF_KIND = {"better": "better", "worse": "worse", "even": "not shown", "narrow": "badly calibrated"}


@pytest.mark.parametrize("rival", RIVALS)
@pytest.mark.parametrize("kinds", [kinds for n in (1, 3) for kinds in itertools.product(OF_KIND, repeat=n)])
def test_a_backtest_is_judged_by_what_it_is_and_in_words_that_fit(kinds, rival):
    backtest = made(kinds, rival=rival)
    found = findings(backtest, rival)
    assert [one.state for one in found] == [OF_KIND[kind] for kind in kinds]
    for step, of_prices, only_width in (("day", True, True), ("day", False, False), ("month", False, False)):
        said = verdict(replace(backtest, step=step, of_prices=of_prices, only_width=only_width))
        assert said.startswith("In 400 forecasts from past ") and said.endswith(".") and ". " not in said
        assert said.count("the model ") == 1
        check(
            said.partition("the model ")[2].partition("; it ")[0].removesuffix(".").replace("without drift ", ""),
            found,
            RIVALS[rival],
            step,
        )
        assert said.endswith("is no investment advice.") == of_prices == ("investment" in said)
        assert ("not where it goes" in said) == only_width
        assert step == "day" or "day" not in said


@pytest.mark.parametrize(
    ("horizon", "stride", "fewest"), [(1, 1, 100), (5, 1, 100), (20, 1, 200), (60, 1, 600), (20, 5, 100)]
)
def test_as_many_days_as_its_horizon_needs_are_enough_and_one_less_is_not(horizon, stride, fewest):
    backtest = replace(made(("better",), fewest), horizons=(horizon,), stride=stride)
    assert findings(backtest, "random_walk")[0].state == "better"
    less = Backtest(
        (horizon,),
        backtest.origins[1:],
        backtest.outcomes[1:],
        {name: values[1:] for name, values in backtest.quantiles.items()},
        stride=stride,
    )
    assert findings(less, "random_walk")[0].state == "too few"
    assert f"cannot be judged by fewer than {fewest} days: beside a random walk its CRPS was" in verdict(less)


def test_as_many_tests_as_horizons_make_each_harder():
    """Bonferroni: the same differences at three horizons are the evidence of one, tested three times."""
    once = made(("even",))
    p = once.p_values()[0]
    thrice = replace(
        once,
        horizons=(1, 2, 3),
        outcomes=np.repeat(once.outcomes, 3, 1),
        quantiles={name: np.repeat(values, 3, 1) for name, values in once.quantiles.items()},
    )
    assert findings(once, "random_walk")[0].p == pytest.approx(p)
    assert [one.p for one in findings(thrice, "random_walk")] == pytest.approx([min(1.0, 3 * p)] * 3)


def test_where_only_the_width_is_said_the_drift_is_not_tested():
    """A drift that the outcomes have makes a model better; not one that says it does not know where it goes."""
    even = made(("even",))
    drifting = replace(
        even,
        outcomes=even.outcomes + 1.0,
        quantiles={"model": even.quantiles["random_walk"] + 1.0, "random_walk": even.quantiles["random_walk"]},
        only_width=False,
    )
    assert findings(drifting, "random_walk")[0].state == "better" and "without drift" not in verdict(drifting)
    centred = replace(drifting, only_width=True)
    assert findings(centred, "random_walk")[0].state == "not shown"
    assert "its CRPS without drift was" in verdict(centred) and "without drift" not in verdict(even)
    assert findings(centred, "random_walk")[0].p == centred.p_values(at_last_price=True)[0]
    assert [findings(one, "random_walk")[0].skill for one in (centred, drifting)] == [
        *centred.skill(at_last_price=True),
        *drifting.skill(),
    ]
    assert findings(drifting, "random_walk")[0].p == drifting.p_values()[0] < 0.001


def test_where_gaps_leave_no_origin_it_does_not_say_that_nothing_came_after_the_cut():
    none = replace(
        made(("even",)), origins=np.arange(0), outcomes=np.zeros((0, 1)), quantiles={"model": np.zeros((0, 1, 19))}
    )
    for step, past in (("day", "day"), ("hour", "time")):
        said = verdict(replace(none, step=step, of_prices=False))
        assert said.endswith(f"no {past} after the model's cut can be forecast from and has all its outcomes.")


@pytest.mark.parametrize("days", [1, 2, 3, 7])
def test_a_backtest_of_a_few_days_has_numbers_and_a_sentence(days):
    few = made(("even", "narrow"), days)
    assert all(0 <= p <= 1 for p in few.p_values())
    said = verdict(few)
    assert "cannot be judged" in said and "nan" not in said
    assert said.startswith(f"In {days} forecasts from" if days > 1 else "In 1 forecast from")


def test_what_all_horizons_share_is_said_once_however_many_days_each_needs():
    for facts, claim in (
        ((False, False, False, True), "is not shown to know more than a random walk"),
        ((False, False, True, True), "knew more than a random walk"),
        ((False, False, True, False), "knew less than a random walk"),
    ):
        found = [replace(finding(h, facts), fewest=n, days=400) for h, n in ((1, 100), (20, 200))]
        assert claims(found, "a random walk", "day").startswith(f"{claim}: its CRPS was")


def test_bad_calibration_is_said_with_the_share_that_was_held():
    found = [replace(finding(1, (True, False, False, True)), coverage=0.96), finding(5, (True, True, True, True))]
    assert claims(found, "a random walk", "day") == (
        "was badly calibrated (its 80 % interval held 96 % of outcomes at 1 day and 0 % of outcomes at 5 days)"
    )


def test_the_best_of_the_other_forecasts_is_named_where_it_was_better_than_the_model():
    backtest = made(("even", "better", "even"))
    ours, theirs = backtest.quantiles["model"], backtest.quantiles["random_walk"]
    first, last = (np.array([k == place for k in range(3)])[:, None] for place in (0, 2))
    alike = backtest.outcomes[..., None] + 0.01 * CURVE  # knows what comes
    others = {"har": np.where(first | last, alike, 9 + theirs), "ewma": np.where(last, alike + 0.1, 9 + theirs)}
    worse = {"drift": 9 + theirs}
    assert "did better" not in verdict(backtest)
    assert "did better" not in verdict(replace(backtest, quantiles={**backtest.quantiles, **worse}))
    said = verdict(replace(backtest, quantiles={"model": ours, "random_walk": theirs, **worse, **others}))
    assert ", and other simple forecasts did better than it: har at 1 and 3 days; it " in said
