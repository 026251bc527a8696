"""A backtest as parts of a page: scores beside baselines, and whether the forecasts were calibrated."""

import math
from collections.abc import Callable, Sequence

import numpy as np

from seqlab import scoring
from seqlab.plots.pages.chart import Chart, Line, document, figure
from seqlab.plots.pages.page import command_section, folded, section, table, text
from seqlab.plots.style import NO_ADVICE
from seqlab.scoring.backtest import Backtest, steps
from seqlab.scoring.verdict import shown_against

COLOURS = ("model", "green", "purple", "ochre")  # of horizons
SHARES = tuple(round(0.1 * k, 1) for k in range(1, 10))  # of central intervals
FEWEST_DRAWN = 20  # forecasts of which a histogram shows anything


def page(model: str, names: Sequence[str], backtest: Backtest, verdict: str, command: str = "") -> str:
    """How good a forecaster was on past days of `names`, as a page."""
    whose = ", ".join(names) if len(names) < 5 else f"{', '.join(names[:3])} and {len(names) - 3:,} more"
    body = [section("Backtest", scores(backtest), name="backtest"), command_section(command)]
    body.insert(1, calibration(backtest, whose))
    note = NO_ADVICE if backtest.of_prices else ""
    return document(f"{model} on {whose}", "Evaluation", body, lead=verdict, note=note)


def scores(backtest: Backtest, unit: str = "") -> str:
    """Tables of CRPS, coverage and skill by method and horizon. unit: a sentence on what CRPS is in."""
    days = backtest.origins
    if not len(days):
        return "<p>No past day can be forecast from and has all its outcomes: there is nothing to score.</p>\n"
    heads = ["", *(steps(h, backtest.step) for h in backtest.horizons)]
    of = {method: backtest.scores(method) for method in backtest.quantiles}
    many = f"{len(days):,} forecasts" if len(days) > 1 else "1 forecast"
    said = f"<p>{many} from {days.min()} to {days.max()}, of days that the model had not seen. {text(unit)}</p>\n"

    def by_method(caption: str, cell: Callable[[str], Sequence[str]]) -> str:
        rows = [[_name(method), *cell(method)] for method in of]
        return table(heads, rows, caption=caption, ours="model")

    crps = "CRPS, % (small is good)" if backtest.in_percent else "CRPS (small is good)"
    shown = [
        by_method(crps, lambda m: [f"{v:.3f}" if backtest.in_percent else f"{v:.4g}" for v in of[m].crps]),
        by_method("Outcomes inside the 80 % band", lambda m: [f"{100 * v:.0f} %" for v in of[m].coverage80]),
    ]
    if backtest.outcomes.any():
        rival = shown_against(backtest)
        caption = f"Skill over the {_name(rival)}, %"
        shown.append(by_method(caption, lambda m: [_signed(v) for v in backtest.skill(m, against=rival)]))
        shown.append(_against(backtest, rival))
    return f'{said}<div class="grid">{"".join(shown)}</div>\n'


def brief(backtest: Backtest) -> str:
    """The model beside what its verdict compares it with, a row for each horizon."""
    if not len(backtest.origins):
        return "<p>No past day can be forecast from and has all its outcomes.</p>\n"
    rival = shown_against(backtest)
    ours, theirs, skills = backtest.scores("model"), backtest.scores(rival), backtest.skill(against=rival)
    each = zip(backtest.horizons, ours.crps, theirs.crps, skills, ours.coverage80, strict=True)
    rows = [
        [steps(h, backtest.step), f"{ours:.4g}", f"{other:.4g}", _signed(skill), f"{100 * held:.0f} %"]
        for h, ours, other, skill, held in each
    ]
    crps = "CRPS, %" if backtest.in_percent else "CRPS"
    return table(["ahead", crps, f"of the {_name(rival)}", "skill, %", "in the 80 % band"], rows)


def _against(backtest: Backtest, rival: str) -> str:
    """How certain the model's skill is."""
    skills, p_values = backtest.skill(against=rival), backtest.p_values(rival)
    rows = [
        [steps(h, backtest.step), _signed(skill), "-" if math.isnan(low) else f"{low:+.1f} to {high:+.1f}", _chance(p)]
        for h, skill, (low, high), p in zip(
            backtest.horizons, skills, backtest.skill_intervals(against=rival), p_values, strict=True
        )
    ]
    head = ["ahead", "skill, %", "95 % interval", "p"]
    return table(head, rows, caption="The model's skill, and how certain it is at each horizon for itself")


def calibration(backtest: Backtest, whose: str) -> str:
    """A section of charts: how many outcomes were inside intervals of each size, and in which tenth they fell."""
    count = len(backtest.origins)
    if count < FEWEST_DRAWN:
        return ""
    quantiles, outcomes = backtest.quantiles["model"], backtest.outcomes
    held = np.array([scoring.inside(quantiles, outcomes, share).mean(0) for share in SHARES])  # (S, K)
    horizons = [steps(h, backtest.step) for h in backtest.horizons]
    percent = 100 * np.array(SHARES)
    lines = [
        Line(f"{ahead} ahead", 100 * held[:, k], COLOURS[k % len(COLOURS)], 2.2) for k, ahead in enumerate(horizons)
    ]
    lines.append(Line("ideal", percent, "grey", 1.4, is_dashed=True))
    about = f"Calibration of the forecasts of {whose}: the 80 % band held "
    about += ", ".join(f"{100 * held[7, k]:.0f} % of outcomes {ahead} ahead" for k, ahead in enumerate(horizons)) + "."
    reliable = Chart(about, percent, lines, x_name="band of, %", decimals=0, suffix=" %", height=300, from_zero=True)
    found = [
        "<h3>Outcomes inside bands of each size</h3>",
        figure(reliable, "On the dashed line a band held as many outcomes as it says: above it bands were too wide."),
        "<h3>In which tenth of the forecast the outcome fell</h3>",
        f'<div class="grid three">{"".join(_tenths(backtest, k, whose) for k in range(len(horizons)))}</div>',
    ]
    rows = [[f"{100 * share:.0f} %", *(f"{100 * v:.1f} %" for v in held[s])] for s, share in enumerate(SHARES)]
    found.append(folded("The figures", table(["band of", *horizons], rows, caption="Outcomes inside")))
    return section("Calibration", *found, name="calibration")


def _tenths(backtest: Backtest, k: int, whose: str) -> str:
    shares = 100 * scoring.pit_histogram(backtest.quantiles["model"][:, k], backtest.outcomes[:, k])
    ahead = steps(backtest.horizons[k], backtest.step)
    about = f"Of the outcomes of {whose} {ahead} ahead the lowest tenth of the forecast held {shares[0]:.0f} %, the "
    about += f"highest {shares[-1]:.0f} %; each holds 10 % of ideal forecasts."
    bars = [Line("outcomes", shares, "pale")]
    chart = Chart(
        about, np.arange(1, 11), bars, x_name="tenth", decimals=1, suffix=" %", bars=True, from_zero=True, height=190,
        keys=False,
    )  # fmt: skip
    return figure(chart, f"{ahead} ahead; 1 is the lowest tenth, and each ideally has 10 %")


def _chance(p: float) -> str:
    return "< 0.001" if p < 0.001 else f"{p:.3f}"


def _name(method: str) -> str:
    return method.replace("_", " ")


def _signed(value: float) -> str:
    return "-" if math.isnan(value) else f"{value:+.2f}"
