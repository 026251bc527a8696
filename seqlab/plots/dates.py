"""Dates along an axis: each tick's own part, and under it the month, year or day that it is in where that changes."""

from collections.abc import Sequence
from datetime import datetime

import numpy as np
from matplotlib.axes import Axes
from matplotlib.dates import AutoDateLocator, num2date
from matplotlib.ticker import Formatter


def tick_labels(times: Sequence[datetime]) -> list[str]:
    """Labels of one or two lines for ascending times: 15, 1 over Oct, 15, 1 over Nov 2022."""
    if all((one.month, one.day, one.hour, one.minute, one.second) == (1, 1, 0, 0, 0) for one in times):
        return [f"{one.year}" for one in times]
    if all((one.day, one.hour, one.minute, one.second) == (1, 0, 0, 0) for one in times):
        parts = [(f"{one:%b}", "", f"{one.year}") for one in times]
    elif all((one.hour, one.minute, one.second) == (0, 0, 0) for one in times):
        parts = [(f"{one.day}", f"{one:%b}", f"{one.year}") for one in times]
    else:
        clock = "%H:%M:%S" if any(one.second for one in times) else "%H:%M"
        parts = [(f"{one:{clock}}", f"{one.day} {one:%b}", f"{one.year}") for one in times]
    labels, before = [], ("", "")
    for own, inner, year in parts:
        under = f"{inner} {year}".strip() if year != before[1] else inner if inner != before[0] else ""
        labels.append(f"{own}\n{under or ' '}")  # all of two lines, else their first lines are not level
        before = inner, year
    return labels


class _DateFormatter(Formatter):
    """`tick_labels` of the ticks that are inside the axis."""

    def format_ticks(self, values: list[float]) -> list[str]:
        assert self.axis is not None
        low, high = sorted(self.axis.get_view_interval())
        inside = [value for value in values if low <= value <= high]
        labels = dict(zip(inside, tick_labels([num2date(value) for value in inside]), strict=True))
        return [labels.get(value, "") for value in values]

    def __call__(self, x: float, pos: int | None = None) -> str:
        return f"{num2date(x):%Y-%m-%d}"


def places(axes: Axes, dates: np.ndarray) -> np.ndarray:
    """Where on the axis each row is: at its date, or, where nights and weekends within the day's rows would take up
    the axis, at its number. The axis gets the ticks for it."""
    gaps = np.diff(dates).astype(int)
    if dates.dtype == "datetime64[D]" or gaps.max() <= 3 * np.median(gaps):
        axes.xaxis.set_major_locator(AutoDateLocator(maxticks=8))
        axes.xaxis.set_major_formatter(_DateFormatter())
        return dates
    rows = np.arange(len(dates))
    ticks = rows[:: max(1, len(rows) // 6)]
    axes.set_xticks(ticks, tick_labels([dates[row].astype("datetime64[s]").item() for row in ticks]))
    return rows
