"""What an experiment states before it runs, and what it finds: inequalities, and where the seeds' means lie.

An experiment is a module of this folder with three names:

    EXPERIMENT                               what is claimed, and the inequalities that decide it
    measure(seed, scale, **knobs) -> Measured    one seed, on one thread; scale is one of SCALES
    draw(rows) -> Figure                     a figure of the rows of all seeds

The inequalities were committed before they were tried on the seeds that count: pilots take seeds from 1000 on.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.special import stdtrit

from seqlab.errors import UsageError, did_you_mean
from seqlab.formatting import html_table

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SCALES = ("small", "default", "full")  # seconds, for the tests; a minute or two; a night
CONFIDENCE = 0.95

Rows = list[dict[str, Any]]


@dataclass(frozen=True)
class Inequality:
    """A condition of the claim: the value `name` that `measure` gives lies above a bound, or below one.

    text: what the value is, as a noun; reason: why there, from theory, a paper or what would be worth nothing.
    """

    name: str
    text: str
    reason: str
    above: float | None = None
    below: float | None = None

    @property
    def bound(self) -> str:
        return f"> {self.above:g}" if self.above is not None else f"< {self.below:g}"

    def holds(self, low: float, high: float) -> bool:
        """Whether all of an interval is on the right side."""
        return bool(low > self.above) if self.above is not None else bool(high < self.below)  # type: ignore[operator]

    def is_refuted(self, values: Sequence[float]) -> bool:
        """Whether the value of every seed is on the wrong side, or is no number."""
        return not any(self.holds(value, value) for value in values)


@dataclass(frozen=True)
class Knob:
    """What can be taken away: --set NAME=VALUE. default: the value with which the claim is made; breaks: those with
    which it must fail, because its cause is gone."""

    default: str
    breaks: tuple[str, ...]
    text: str  # what it changes


@dataclass(frozen=True)
class Experiment:
    """A claim of the seminar, before it is measured.

    refuted_by: what would show that it is wrong; seconds: of one seed at the default scale, on one core; seeds: how
    many by default; note: what the measurement does not show, or why the claim is not confirmed; slip: what the
    seminar's slides say otherwise, and what is right.
    """

    name: str
    claim: str
    source: str
    refuted_by: str
    inequalities: tuple[Inequality, ...]
    knobs: Mapping[str, Knob] = field(default_factory=dict)
    seconds: float = 10.0
    seeds: int = 5
    note: str = ""
    slip: str = ""

    def resolve(self, given: Mapping[str, str]) -> dict[str, str]:
        """All knobs, those of `given` set. Raises UsageError for one that there is not, or a value it has not."""
        for name, value in given.items():
            if name not in self.knobs:
                hint = did_you_mean(name, self.knobs) if self.knobs else "it has none"
                raise UsageError(f"'{self.name}' has no knob '{name}'", hint)
            knob = self.knobs[name]
            if value not in (knob.default, *knob.breaks):
                known = ", ".join((knob.default, *knob.breaks))
                raise UsageError(f"'{name}' of '{self.name}' cannot be '{value}'", f"known: {known}")
        return {name: given.get(name, knob.default) for name, knob in self.knobs.items()}

    def contrasts(self) -> list[dict[str, str]]:
        """The settings with which the claim must fail: one knob at a time."""
        return [{name: value} for name, knob in self.knobs.items() for value in knob.breaks]


@dataclass(frozen=True)
class Measured:
    """What one seed gave. rows: flat, for the table and the figure; values: one for each inequality, finite;
    page: of HTML, for an experiment that shows more than a figure can."""

    rows: Rows
    values: dict[str, float]
    page: str = ""


@dataclass(frozen=True)
class Finding:
    """An inequality and what came of it: the mean over seeds and its interval (of 95 %, by Student's t; of one seed
    there is none, and low and high are the mean)."""

    text: str
    bound: str
    mean: float
    low: float
    high: float
    holds: bool
    refuted: bool  # by every seed; with neither the seeds do not agree, or are too few
    reason: str

    @property
    def word(self) -> str:
        return "holds" if self.holds else "refuted" if self.refuted else "not shown"

    def to_dict(self) -> dict[str, Any]:
        numbers = {name: finite(getattr(self, name)) for name in ("mean", "low", "high")}
        return {
            "text": self.text,
            "bound": self.bound,
            **numbers,
            "holds": self.holds,
            "refuted": self.refuted,
            "reason": self.reason,
        }


@dataclass(frozen=True)
class Contrast:
    """The same measurement with a knob at a value that is to break the claim. holds: whether it did all the same;
    telling: the inequalities that held with the cause and are refuted without it."""

    setting: str  # as written after --set
    holds: bool
    findings: list[Finding]
    telling: list[Finding]

    @property
    def word(self) -> str:
        if self.telling:
            return "fails, as it must"
        return "holds all the same" if self.holds else "is not shown to fail by it"

    def to_dict(self) -> dict[str, Any]:
        return {
            "set": self.setting,
            "holds": self.holds,
            "broken": bool(self.telling),
            "findings": [one.to_dict() for one in self.findings],
        }


@dataclass(frozen=True)
class Result:
    """What an experiment found. holds: whether every inequality did, over all seeds, here and now; None where it
    could not be run, for the reason in `problem`. contrasts: the same with its cause taken away; seconds: of the
    processor, all runs together."""

    experiment: Experiment
    holds: bool | None
    rows: Rows = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    contrasts: list[Contrast] = field(default_factory=list)
    knobs: dict[str, str] = field(default_factory=dict)
    scale: str = "default"
    seed: int = 0  # the first
    seeds: int = 0
    seconds: float = 0.0
    page: str = ""
    problem: str = ""

    @property
    def name(self) -> str:
        return self.experiment.name

    @property
    def word(self) -> str:
        """holds, refuted, not confirmed (the seeds do not agree), or not run."""
        if self.holds is None:
            return "not run"
        refuted = any(one.refuted for one in self.findings)
        return "holds" if self.holds else "refuted" if refuted else "not confirmed"

    @property
    def verdict(self) -> str:
        if self.holds is None:
            return f"not run: {self.problem}"
        word = "holds" if self.holds else f"is {self.word.upper()}"
        changed = {name: value for name, value in self.knobs.items() if value != self.experiment.knobs[name].default}
        with_ = "".join(f" with {name}={value}" for name, value in changed.items())
        return f"the claim {word} here{with_}" + (" (one seed: no interval)" if self.seeds == 1 else "")

    def to_dict(self) -> dict[str, Any]:
        """What `seqlab lab run --json` prints."""
        return {
            "name": self.name,
            "claim": self.experiment.claim,
            "source": self.experiment.source,
            "refuted_by": self.experiment.refuted_by,
            "scale": self.scale,
            "knobs": self.knobs,
            "seed": self.seed,
            "seeds": self.seeds,
            "rows": self.rows,
            "findings": [one.to_dict() for one in self.findings],
            "contrasts": [one.to_dict() for one in self.contrasts],
            "holds": self.holds,
            "verdict": self.verdict,
            "note": self.experiment.note or None,
            "problem": self.problem or None,
            "seconds": self.seconds,
        }

    def plot(self, path: Path | str | None = None) -> "Figure":
        """The figure of its rows; written to a file where a path is given."""
        from seqlab.lab.names import module_of
        from seqlab.plots.style import Chart, save

        figure: Chart = module_of(self.name).draw(self.rows)
        figure.alt = f"Figure of {self.name}: {self.experiment.claim}. {figure.alt}"
        if path is not None:
            save(figure, Path(path))
        return figure

    def _repr_html_(self) -> str:
        rows = [[one.text, one.bound, one.mean, one.low, one.high] for one in self.findings]
        title = f"{self.name}: {self.experiment.claim}"
        return html_table(
            title, ["", "asked", "mean", "from", "to"], rows, f"after {self.experiment.source}; {self.verdict}"
        )


def finite(value: Any) -> Any:
    """A number that is none becomes None, as JSON needs it; all else stays as it is."""
    return None if isinstance(value, float) and not math.isfinite(value) else value


def judge(experiment: Experiment, values: Sequence[Mapping[str, float]]) -> list[Finding]:
    """What came of each inequality, from its values of every seed. A value that is no number holds nowhere."""
    found = []
    for one in experiment.inequalities:
        each = [seed[one.name] for seed in values]
        mean, low, high = interval(each)
        sides = one.holds(low, high), one.is_refuted(each)
        found.append(Finding(one.text, one.bound, mean, low, high, *sides, one.reason))
    return found


def interval(values: Sequence[float]) -> tuple[float, float, float]:
    """The mean and where it lies with 95 % confidence, by Student's t; of one value the value itself."""
    numbers = np.asarray(values, float)
    mean = float(numbers.mean())
    if len(numbers) == 1:
        return mean, mean, mean
    error = float(numbers.std(ddof=1)) / math.sqrt(len(numbers))
    reach = float(stdtrit(len(numbers) - 1, (1 + CONFIDENCE) / 2)) * error
    return mean, mean - reach, mean + reach
