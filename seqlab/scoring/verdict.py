"""What a backtest shows, in one sentence: a decision per horizon, and the words for it."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from seqlab import scoring
from seqlab.scoring.backtest import Backtest, steps

EXACT = 1e-6  # of the size of outcomes, below which a mean error is none
LEVEL = 0.05  # the chance of a claim where nothing is known, of all horizons together


@dataclass(frozen=True)
class Finding:
    """What a backtest shows at one horizon, against a rival.

    skill: percent, NaN where the rival was exact; p: of equal losses, times the number of horizons that were tested
    (Bonferroni); coverage: the share of outcomes in the 80 % interval, and whether it is none of 80 %; fewest: as many
    days as it takes to judge, which `days` may not be.
    """

    horizon: int
    skill: float
    p: float
    coverage: float
    is_miscalibrated: bool
    days: int
    fewest: int

    @property
    def state(self) -> str:
        """The decision: the first of these that holds."""
        if self.is_miscalibrated:
            return "badly calibrated"
        if self.days < self.fewest:
            return "too few"
        if self.p >= LEVEL:
            return "not shown"
        return "better" if self.skill > 0 else "worse"


STATES = ("badly calibrated", "better", "worse", "not shown", "too few")  # in the order in which they are said
WORDS = {"better": "knew more", "worse": "knew less", "not shown": "is not shown to know more"}


def verdict(backtest: Backtest) -> str:
    """One sentence on how good the model was beside the random walk, and on how certain that is.

    Where a series repeats itself so much that repeating the last season is better than a random walk, that is what the
    model must know more than. Where the model says only how wide the future is, it is tested with its medians at the
    last price, as the random walk's are.
    """
    count = len(backtest.origins)
    if count == 0:
        return _of_no_forecast(backtest)
    if not backtest.outcomes.any():
        return f"It does not move: there is nothing to forecast{_advice(backtest, ', and it is')}."
    rival = rival_of(backtest)
    name = {"random_walk": "a random walk", "seasonal_naive": "repeating the last season"}[rival]
    if max(backtest.scores(rival).crps) <= EXACT * backtest.factor * float(np.abs(backtest.outcomes).mean()):
        return f"In {count:,} forecasts from past times {name} was exact: there is nothing more to know."
    found = findings(backtest, rival)
    forecasts = f"{count:,} forecasts" if count > 1 else "1 forecast"
    says = "says how wide the future is, not where it goes" if backtest.only_width else ""
    tail = [one for one in (says, _advice(backtest, "is")) if one]
    return (
        f"In {forecasts} from past {_past(backtest)}s that it had not seen the model "
        f"{claims(found, name, backtest.step, without_drift=_has_drift(backtest))}"
        f"{_beaten_by(backtest, rival)}{'; it ' if tail else ''}{', and '.join(tail)}."
    )


def rival_of(backtest: Backtest) -> str:
    """The method that the model must know more than: see `verdict`."""
    if "seasonal_naive" in backtest.quantiles and np.mean(backtest.skill("seasonal_naive")) > 0:
        return "seasonal_naive"
    return "random_walk"


def shown_against(backtest: Backtest) -> str:
    """The method that skill is shown over: that of the verdict, but the random walk where that one was exact."""
    rival = rival_of(backtest)
    return rival if np.isfinite(backtest.skill(against=rival)).all() else "random_walk"


def findings(backtest: Backtest, rival: str) -> list[Finding]:
    """What a backtest of at least one forecast shows against a rival, per horizon."""
    tests = len(backtest.horizons)
    skills = backtest.skill(against=rival, at_last_price=backtest.only_width)
    p_values = backtest.p_values(rival, at_last_price=backtest.only_width)
    covered, off = backtest.scores("model").coverage80, backtest.miscalibrated(LEVEL / tests)
    return [
        Finding(h, skills[k], min(1.0, tests * p_values[k]), covered[k], off[k], backtest.days, backtest.fewest(h))
        for k, h in enumerate(backtest.horizons)
    ]


def claims(found: Sequence[Finding], rival: str, step: str, *, without_drift: bool = False) -> str:
    """What is said of the model, and the figures that it rests on; of bad calibration first."""
    said, than = [], f" than {rival}"
    for state in STATES:
        ours = [one for one in found if one.state == state]
        fewest = [one.fewest for one in ours]
        if not ours:
            continue
        are_all_alike = len(ours) == len(found) and (state != "too few" or len(set(fewest)) == 1)
        at = "" if are_all_alike else f" at {steps(_listed([one.horizon for one in ours]), step)}"
        if state == "badly calibrated":
            held = [f"{100 * one.coverage:.0f} % of outcomes at {steps(one.horizon, step)}" for one in ours]
            said.append(f"was badly calibrated (its 80 % interval held {_listed(held)})")
        elif state == "too few":
            few = fewest[:1] if len(set(fewest)) == 1 else fewest
            said.append(f"cannot be judged{at} by fewer than {steps(_listed(few), step)}")
        else:
            said.append(f"{WORDS[state]}{than}{at}")
            than = ""
    figures = [_figure(one, step) for one in found if one.state != "badly calibrated" and not np.isnan(one.skill)]
    if not figures:
        return _listed(said)
    beside = f"beside {rival} its" if than else "its"
    return f"{_listed(said)}: {beside} CRPS {'without drift ' if without_drift else ''}was {', '.join(figures)}"


def _figure(one: Finding, step: str) -> str:
    size = f"{abs(one.skill):.1f} %" if abs(one.skill) >= 0.05 else "less than 0.1 %"
    figure = f"{size} {'better' if one.skill > 0 else 'worse'} at {steps(one.horizon, step)}"
    if one.state == "too few":
        return figure
    if one.p < 0.01:
        return f"{figure} (p < 0.01)"
    return f"{figure} (p = {one.p:.3f})" if one.p < 0.1 else f"{figure} (p = {one.p:.2f})"


def _listed(values: Sequence[object]) -> str:
    """'1', '1 and 5', '1, 5 and 20'."""
    *before, last = map(str, values)
    return f"{', '.join(before)} and {last}" if before else last


def _past(backtest: Backtest) -> str:
    return "day" if backtest.step == "day" else "time"


def _advice(backtest: Backtest, before: str) -> str:
    """What is said of prices alone."""
    return f"{before} no investment advice" if backtest.of_prices else ""


def _has_drift(backtest: Backtest) -> bool:
    """Whether the model says where it goes, which does not count where it is to say only how wide the future is."""
    return backtest.only_width and bool(backtest.quantiles["model"][..., scoring.MEDIAN].any())


def _of_no_forecast(backtest: Backtest) -> str:
    if backtest.hindsight is not None:
        last, learned_to = backtest.hindsight
        return (
            f"This is hindsight and no forecast: the model learned from days up to {learned_to}, after the last "
            f"one here, {last}, so how well it fits what came is no evidence of skill"
            f"{_advice(backtest, ', and it is')}."
        )
    return (
        f"Nothing is known of how good this forecast is: no {_past(backtest)} after the model's cut can be forecast "
        f"from and has all its outcomes{_advice(backtest, '; it is')}."
    )


def _beaten_by(backtest: Backtest, rival: str) -> str:
    """Which baselines but the one spoken of were best at a horizon, and better than the model: a clause, or none."""
    ours = backtest.crps("model", backtest.only_width).mean(0)
    others = {name: backtest.crps(name).mean(0) for name in backtest.quantiles if name not in ("model", rival)}
    horizons: dict[str, list[int]] = {}
    for k, h in enumerate(backtest.horizons if others else ()):
        best = min(others, key=lambda name: others[name][k])
        if others[best][k] < ours[k]:
            horizons.setdefault(best, []).append(h)
    better = [f"{name} at {steps(_listed(ahead), backtest.step)}" for name, ahead in horizons.items()]
    return f", and other simple forecasts did better than it: {', '.join(better)}" if better else ""
