"""Lone outliers: rows that leave all others, farther than the others' own tail goes, and come back at once."""

from collections.abc import Callable

import numpy as np

from seqlab.data.series.spacing import spacing

RARE, FEW = 0.005, 3  # lone are at most this share of the rows, or so many rows
CHANCE = 0.01  # that the others' tail, as its largest values let it be guessed, goes as far as a lone one
LEAST, MANY, MOST = 3.0, 10.0, 30.0  # times the largest peak of the others: at least, where there are many, at most
SPAN = 0.25  # of the range of all, which a lone one is at least away from its neighbours
STEPS = 5  # of the smallest difference between two values, that it is away from them
COMPANION = (0.4, 2.5)  # times its peak: a neighbour that left with it
ECHO, REBOUND = 0.1, 0.3  # of its peak, by which its neighbours may be off on the same and on the other side
FEASTS = 12  # times the usual value, up to which the days of sales and feasts may come
YEARS = np.rint(365.25 * np.array([-2, -1, 1, 2])).astype(int)[:, None] + [-8, 9]  # the same days of other years
TICK = (1.5, 2.0)  # factors of a bad tick: the least one, and that from which on twice the other moves are enough
# of the others' peaks, falling, and of the values without the lone
Threshold = Callable[[np.ndarray, np.ndarray], float]


def lone_rows(values: np.ndarray, dates: np.ndarray) -> np.ndarray:
    """The rows of lone outliers, ascending. values: finite, (N,); dates: datetime64[D] or [m], (N,), ascending.

    What comes again each season or year, decays, overshoots or stays is none. High ones among what is above zero have
    to be far by their ratio too: what grows or bursts makes high values by itself.
    """
    found, size = spacing(dates), len(values)
    season = next((rows for rows in (found.season, found.rows_per_day) if 1 < rows <= size / 5), 1)
    in_order = np.sort(values)
    distinct = in_order[distinct_starts(in_order)]
    if len(distinct) < 6:
        return np.empty(0, int)
    often, steps = is_often_one_value(in_order), STEPS * np.diff(distinct).min()

    def threshold(peaks: np.ndarray, rest: np.ndarray) -> float:
        if len(peaks) >= 6:
            return float(peaks[0]) * (MOST if often else _beyond(peaks))
        return MOST * float(np.abs(rest - middle_and_peak(rest)[0]).max()) or np.inf  # smooth, or mostly constant

    def unlike(x: np.ndarray) -> set[int]:
        rows = _apart(x, season, threshold, lambda rows, side, peak: _is_event(values, dates, rows, side, peak))
        few = 1 + size // 100  # may be lone themselves
        ends = np.partition(x, (few, size - 1 - few))
        far = np.abs(x[rows] - middle_and_peak(x)[0][rows]) >= SPAN * (ends[-1 - few] - ends[few])
        far &= np.abs(values[rows] - middle_and_peak(values)[0][rows]) >= steps
        return set(rows[far].tolist())

    plain = unlike(values)
    if values.min() <= 0:
        return np.array(sorted(plain), int)
    by_ratio = unlike(np.log(values))
    low = {row for row in plain | by_ratio if values[row] < np.median(values[max(row - 3, 0) : row + 4])}
    return np.array(sorted((plain & by_ratio) | low), int)


def bad_ticks(prices: np.ndarray) -> np.ndarray:
    """The rows of prices (N,) above zero that are a multiple of those before and after, as no crash and rebound is."""
    x = np.log(prices)
    moves = np.abs(np.diff(x))
    usual = float(np.median(moves[moves > 0])) if moves.any() else 0.0

    def threshold(peaks: np.ndarray, rest: np.ndarray) -> float:
        largest = float(peaks[0]) if len(peaks) else 0.0
        least, double = np.log(TICK)
        return float(max(least, 10 * usual, min(5 * largest, max(2 * largest, double))))

    return np.sort(_apart(x, 1, threshold, lambda rows, side, peak: np.zeros(len(rows), bool)))


def end_apart(values: np.ndarray) -> bool:
    """Whether the last of values (N,) is unlike all before it: whether it comes back cannot be known."""
    if len(values) < 20:
        return False
    before = np.lib.stride_tricks.sliding_window_view(values, 5)
    away = np.abs(before[:, 4] - np.median(before[:, :4], axis=1))
    low, high = values[:-1].min(), values[:-1].max()
    outside = max(low - values[-1], values[-1] - high)
    return bool(away[-1] > 5 * away[:-1].max() and outside > high - low > 0)


def middle_and_peak(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Of the two rows before and the two after each: the median, and how far it is above or below all but one."""
    padded, size = np.concatenate((x[:1], x[:1], x, x[-1:], x[-1:])), len(x)  # np.pad takes longer
    low, high = _middle_two(*(padded[place : place + size] for place in (0, 1, 3, 4)))
    return (low + high) / 2, np.maximum(np.maximum(x - high, low - x), 0)


def is_often_one_value(in_order: np.ndarray) -> bool:
    """Whether one value, as zero or a maximum, makes up a large part of values in order."""
    return bool(np.diff(distinct_starts(in_order), append=len(in_order)).max() > 0.3 * len(in_order))


def _middle_two(a: np.ndarray, b: np.ndarray, c: np.ndarray, d: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The second smallest and the second largest of four, elementwise."""
    lesser = np.maximum(np.minimum(a, b), np.minimum(c, d))
    greater = np.minimum(np.maximum(a, b), np.maximum(c, d))
    return np.minimum(lesser, greater), np.maximum(lesser, greater)


def distinct_starts(in_order: np.ndarray) -> np.ndarray:
    """The places at which a new value begins, of values in order."""
    return np.flatnonzero(np.append(True, in_order[1:] != in_order[:-1]))


def _deseasoned(x: np.ndarray, season: int) -> np.ndarray:
    """Without the median of the same place in the two seasons before and the two after, at the ends in other four."""
    if season == 1:
        return x
    drift = _typical(x[season:] - x[:-season])
    ends = x[3 * season : 5 * season] - 5 * drift, x[-5 * season : -3 * season] + 5 * drift
    padded = np.concatenate([ends[0], x, ends[1]])
    others = (padded[(2 + k) * season : (2 + k) * season + len(x)] - k * drift for k in (-2, -1, 1, 2))
    low, high = _middle_two(*others)
    return x - (low + high) / 2


def _typical(values: np.ndarray) -> float:
    """The median, of many values that of some."""
    return float(np.median(values[:: len(values) // 10_000 + 1]))


def _beyond(peaks: np.ndarray) -> float:
    """Times the largest of peaks (falling) that is beyond them: by the tail's index after Hill (1975)."""
    logs, heavy = np.log(peaks[:11]), 0.0
    for count in (5, 10) if len(peaks) >= 100 else (5,):
        heavy = max(heavy, float(logs[:count].mean() - logs[count]))
    return min(max(CHANCE ** -min(heavy, 1.0), LEAST), MOST)


def _apart(
    x: np.ndarray,
    season: int,
    threshold: Threshold,
    is_event: Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray],
) -> np.ndarray:
    """The rows whose peaks are beyond the threshold that the peaks of all others set, largest first."""
    size = len(x)
    limit = max(FEW, int(RARE * size)) if size >= 40 else 2 if size >= 20 else 1
    pure = _deseasoned(x, season)
    middle, peak = middle_and_peak(pure)
    side = np.sign(pure - middle)
    top = np.argpartition(-peak, min(2 * limit, size - 1))[: 2 * limit]
    top = top[np.argsort(-peak[top], kind="stable")]
    least = LEAST * peak[top[-1]] if len(top) > limit else 0.0
    top = top[(peak[top] > least) & (top > 0) & (top < size - 1)]
    top = top[middle_and_peak(x)[1][top] >= peak[top] / 2]  # no trace of a step in another season
    top = top[_comes_back(pure, middle, peak, side, top)]
    top = top[~is_event(top, side, peak)]
    for count in range(min(limit, len(top)), 0, -1):
        smallest = peak[top[count - 1]]
        if count < len(top) and smallest < 2 * peak[top[count]]:
            continue
        rest = x.copy()
        rest[top[:count]] -= (pure - middle)[top[:count]]
        rest = _deseasoned(rest, season)
        others = middle_and_peak(rest)[1]
        others[top[:count]] = 0
        others = -np.sort(-others[others > 0])
        beyond = threshold(others, rest)
        if smallest > (beyond if count <= FEW or not len(others) else max(beyond, MANY * others[0])):
            return top[:count]
    return top[:0]


def _comes_back(
    pure: np.ndarray, middle: np.ndarray, peak: np.ndarray, side: np.ndarray, rows: np.ndarray
) -> np.ndarray:
    """Whether all around each row but one companion beside it are as usual: neither decaying nor overshooting."""
    usual = _typical(np.abs(np.diff(pure)))
    around = np.clip(rows[:, None] + [-2, -1, 1, 2], 0, len(pure) - 1)
    off = side[rows, None] * (pure[around] - middle[rows, None]) / peak[rows, None]
    companion = (off >= COMPANION[0]) & (off <= COMPANION[1]) & [False, True, True, False]
    noise = 5 * usual / peak[rows, None]
    echo = (off > np.maximum(ECHO, noise)) & ~companion
    return ~(echo | (off < -np.maximum(REBOUND, noise))).any(axis=1) & (companion.sum(axis=1) <= 1)


def _is_event(
    values: np.ndarray, dates: np.ndarray, rows: np.ndarray, side: np.ndarray, peak: np.ndarray
) -> np.ndarray:
    """Which rows have another's value, a like at the same time of another year, or a day of sales or feasts."""
    if not len(rows):
        return np.empty(0, bool)
    days = dates.astype("datetime64[D]")
    in_order = np.sort(values)
    same = np.searchsorted(in_order, values[rows], "right") - np.searchsorted(in_order, values[rows], "left")
    beside = np.clip(rows[:, None] + [-1, 0, 1], 0, len(values) - 1)
    event = same > (values[beside] == values[rows, None]).sum(axis=1)
    starts = distinct_starts(days)  # rows that a day begins with
    for way in (1, -1):
        of_day, these = np.maximum.reduceat(np.where(side == way, peak, 0), starts), np.flatnonzero(side[rows] == way)
        for row in these:
            alike = of_day > 0.2 * peak[rows[row]]
            then = np.searchsorted(days[starts], days[rows[row]] + YEARS)
            if alike.mean() * np.diff(then).max() < 0.5:  # else there is one in such a span by chance
                event[row] |= any(alike[first:last].any() for first, last in then)
    if np.median(np.diff(dates)) == np.timedelta64(1, "D"):
        event |= _is_feast(days[rows]) & (np.abs(values[rows]) < FEASTS * np.median(np.abs(values)))
    return event


def _is_feast(days: np.ndarray) -> np.ndarray:
    """Singles' Day, Black Friday to Cyber Monday, Christmas, the turn of the year."""
    months = days.astype("datetime64[M]")
    month, day = months.astype(int) % 12 + 1, (days - months).astype(int) + 1
    november = (month == 11) & ((day == 11) | (day >= 22))
    return november | (month == 12) & ((day <= 2) | (day >= 23) & (day <= 26) | (day == 31)) | (month == 1) & (day == 1)
