"""Checks of a series: what looks wrong and cannot be repaired is reported, lest it pass for the market's doing."""

import numpy as np

from seqlab.data.series.spacing import RECENT, Spacing, month_rule, spacing

SPLITS = (2, 3, 4, 5, 6, 7, 8, 10, 15, 20, 25, 30, 50, 100)  # for one; 3 for 2 is too near what news can do
CLOSE = 0.03  # relative: how near a jump must be to a split's, as the day's own return comes on top
MOST = 200  # times the price of the day before: more is an error, whatever is split
UNUSUAL = 10  # times the size of a usual return, above which a jump is none of them
LONG_GAP = 14  # days without a row in a series of days; the longest holidays of exchanges are eleven
LONG_HALT = 10  # days with one and the same close


def check(dates: np.ndarray, adjusted: np.ndarray, *, is_price: bool = True) -> list[str]:
    """Sentences on dates that follow no rule, on long gaps, and on jumps of prices that look like splits and long
    halts; none where nothing looks wrong. What a month or what is no price may do is not judged.

    dates: datetime64[D] or [m], ascending; adjusted: (N,) each; is_price: they are prices.
    """
    if len(dates) < 3:
        return []
    found = spacing(dates)
    notes = []
    if found.rows_per_day > 1 or found.unit == "day":
        if is_price:
            notes += _jumps(dates, adjusted) + _leaps(dates, adjusted)
        notes += _gaps(dates)
        if is_price and found.rows_per_day == 1:
            notes += _halts(dates, adjusted)
    if not found.regular:
        notes.append(_irregular(dates, found))
    elif found.weeks:
        notes.append(f"months are of {', '.join(map(str, sorted(found.weeks)))} weeks, as retailers count them")
    elif found.rows_per_day == 1 and np.datetime_data(found.step)[0] == "M":
        notes += _moving_days(np.unique(dates.astype("datetime64[D]"))[-RECENT:])
    return notes


def _jumps(days: np.ndarray, adjusted: np.ndarray) -> list[str]:
    returns = np.diff(np.log(adjusted))
    moved = np.abs(returns[returns != 0])
    usual = 1.48 * float(np.median(moved)) if len(moved) else 0.0  # a standard deviation that no jump can move
    found = []
    for place in np.flatnonzero(np.abs(returns) > UNUSUAL * usual):
        for ratio in SPLITS:
            if abs(abs(returns[place]) - np.log(ratio)) < CLOSE:
                way = f"{ratio} for 1" if returns[place] < 0 else f"1 for {ratio}"
                found.append(f"the price jumps on {days[place + 1]} like an unadjusted split of {way}")
                break
    if len(found) > 3:
        found[2:] = [f"{len(found) - 2} more jumps look like unadjusted splits"]
    return found


def _leaps(days: np.ndarray, adjusted: np.ndarray) -> list[str]:
    far = 1 + np.flatnonzero(np.abs(np.diff(np.log(adjusted))) > np.log(MOST))
    if not len(far):
        return []
    times = "once" if len(far) == 1 else f"{len(far):,} times"
    return [f"the price changes by a factor of more than {MOST} in a day {times}, first on {days[far[0]]}"]


def _gaps(dates: np.ndarray) -> list[str]:
    gaps = np.diff(dates) / np.timedelta64(1, "D")
    longest = int(gaps.argmax())
    count = int((gaps > LONG_GAP).sum())
    if not count:
        return []
    where = f"from {dates[longest]} to {dates[longest + 1]}"
    if count == 1:
        return [f"there are no rows {where}"]
    return [f"there are {count:,} gaps of more than {LONG_GAP} days, the longest {where}"]


def _irregular(dates: np.ndarray, found: Spacing) -> str:
    gaps = np.diff(dates[-RECENT:])
    apart = f"the last rows are {_in_words(gaps.min())} to {_in_words(gaps.max())} apart"
    if found.weekdays and found.rows_per_day == 1:
        return f"dates are irregular: {apart}"
    return f"dates are irregular: {apart}; the forecast's are {_in_words(found.step)} apart, as usual"


def _moving_days(recent: np.ndarray) -> list[str]:
    """Said where the rows of months keep no day of theirs."""
    if month_rule(recent)[1] >= 0.8:
        return []
    days = (recent - recent.astype("datetime64[M]").astype("datetime64[D]")).astype(int) + 1
    return [f"the rows are on other days of each month, {days.min()} to {days.max()}: the forecast's are on the last"]


def _in_words(span: np.timedelta64) -> str:
    days = span / np.timedelta64(1, "D")
    count, unit = (days, "day") if days >= 1 else (days * 24, "hour") if days * 24 >= 1 else (days * 24 * 60, "minute")
    return f"{count:.3g} {unit}{'' if count == 1 else 's'}"


def _halts(days: np.ndarray, adjusted: np.ndarray) -> list[str]:
    """Runs of one price. Of a price of few digits they mean little, so only their length and place are reported."""
    starts = np.flatnonzero(np.append(True, adjusted[1:] != adjusted[:-1]))
    lengths = np.diff(np.append(starts, len(adjusted)))
    longest = int(lengths.argmax())
    if lengths[longest] < LONG_HALT:
        return []
    first, last = starts[longest], starts[longest] + lengths[longest] - 1
    return [f"the price is the same on {lengths[longest]:,} days, from {days[first]} to {days[last]}"]
