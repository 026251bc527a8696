"""Covariates: what stands beside a series and may explain it, brought to its rows and to those that are forecast."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from seqlab.data.series.public_holidays import ANY, COUNT, holiday_columns
from seqlab.data.series.spacing import Spacing, spacing
from seqlab.errors import DataError, UsageError

Columns = dict[str, np.ndarray]


@dataclass(frozen=True)
class CovariateNames:
    """Which covariates are asked for: columns of the table that are known beyond the last value, those that are known
    only so far, and a country whose holidays count."""

    known: tuple[str, ...] = ()
    past: tuple[str, ...] = ()
    holidays: str | None = None

    @classmethod
    def of(cls, known: Sequence[str], past: Sequence[str], holidays: str | None) -> "CovariateNames":
        """Raises UsageError for one name in the place of several."""
        for option, names in (("known", known), ("past", past)):
            if isinstance(names, str):
                raise UsageError(f"{option} is one name, '{names}'", f"write {option}=['{names}']")
        return cls(tuple(known), tuple(past), holidays)

    @property
    def columns(self) -> tuple[str, ...]:
        return (*self.known, *self.past)

    def __bool__(self) -> bool:
        return bool(self.columns or self.holidays)


@dataclass(frozen=True, eq=False)
class Covariates:
    """What is known beside one series: of each of `dates` (M,), in any order, known and past {name: (M,)}, NaN where
    nothing is. Names are those of columns, of words `column=word`. country: whose holidays count too, or None. where:
    what an error calls the table."""

    dates: np.ndarray = field(default_factory=lambda: np.array([], "datetime64[s]"))
    known: Columns = field(default_factory=dict)
    past: Columns = field(default_factory=dict)
    country: str | None = None
    where: str = ""

    def beside(self, dates: np.ndarray, ahead: np.ndarray) -> tuple[list[str], np.ndarray]:
        """The names (K,) and the values (N + H, K) of all covariates on the rows of a series, which are `dates` (N,),
        and on those to come, `ahead` (H,).

        What is known only so far tells what it was H rows ago. A missing value is the last before it, and at the
        beginning the first. Raises DataError where one of what is known is missing on a row to come.
        """
        rows, count = np.concatenate([dates, ahead]), len(dates)
        found: Columns = {}
        for name, values in self.known.items():
            on = on_rows(self.dates, values, rows, spacing(dates))
            if np.isnan(on[count:]).any():
                day = rows[count + int(np.argmax(np.isnan(on[count:])))]
                raise DataError(
                    f"column '{name.partition('=')[0]}' of {self.where} has no value on {day}, which is to be forecast",
                    f"fill it in for all {len(ahead)} rows after {dates[-1]}, shorten --horizon, or use --past",
                )
            found[name] = _filled(on)
        for name, values in self.past.items():
            on = _filled(on_rows(self.dates, values, dates, spacing(dates)))
            found[name] = _filled(np.concatenate([np.full(len(ahead), np.nan), on]))[: len(rows)]
        if self.country is not None:
            found |= holiday_columns(self.country, rows, count)
        return [*found], np.stack([*found.values()], 1) if found else np.zeros((len(rows), 0))

    def in_words(self, dates: np.ndarray) -> str:
        """What there is beside a series with rows on `dates` (N,), in a line."""
        said = []
        for columns, known in ((self.known, True), (self.past, False)):
            for label in dict.fromkeys(name.partition("=")[0] for name in columns):
                seen = np.isfinite(next(one for name, one in columns.items() if name.partition("=")[0] == label))
                to = str(self.dates[seen].max().astype(dates.dtype)) if seen.any() else "never"
                said.append(f"{label} (known to {to})" if known else f"{label} (past)")
        if self.country is not None:
            names = [*holiday_columns(self.country, dates, len(dates))]
            count = "" if names == [COUNT] else f"{len([name for name in names if name != ANY])} "
            said.append(f"{count}holidays of {self.country.upper()}")
        return f"covariates: {', '.join(said)}"


def on_rows(dates: np.ndarray, values: np.ndarray, rows: np.ndarray, step: Spacing) -> np.ndarray:
    """Values (M,) of `dates` (M,) on `rows` (R,), ascending dates: NaN where there is none. A date that is no row's own
    belongs to the one whose step it is in, which a frequency that was asked for may have moved."""
    found = np.full(len(rows), np.nan)
    there = np.isfinite(values) & ~np.isnat(dates)
    order = np.argsort(dates[there], kind="stable")
    when, values = dates[there][order].astype("datetime64[s]"), values[there][order]
    own = rows.astype("datetime64[s]")
    if np.datetime_data(step.step)[0] == "M":
        size = step.step.astype(int)
        mine, theirs = (one.astype("datetime64[M]").astype(int) // size for one in (own, when))
        place = np.searchsorted(mine, theirs)
        within = (place < len(rows)) & (mine[np.minimum(place, len(rows) - 1)] == theirs)
    elif step.rows_per_day > 1:
        place = np.searchsorted(own, when, side="right") - 1
        within = (place >= 0) & (when < own[-1] + step.step.astype("timedelta64[s]"))
    else:
        days, theirs = own.astype("datetime64[D]"), when.astype("datetime64[D]")
        place = np.searchsorted(days, theirs)
        within = (place < len(rows)) & (theirs >= days[0])
    found[place[within]] = values[within]  # of several the last
    place = np.minimum(np.searchsorted(own, when), len(rows) - 1)
    same = own[place] == when
    found[place[same]] = values[same]
    return found


def _filled(values: np.ndarray) -> np.ndarray:
    """Values (R,) with the last before each that is missing, and the first at the beginning."""
    return pd.Series(values).ffill().bfill().fillna(0.0).to_numpy()
