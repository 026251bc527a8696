"""Values of a series that are no observations: codes for missing ones, lone zeros, lone outliers.

They are judged by what they do. What cannot be told from an event, as at the ends of the series, is only said.
"""

import numpy as np

from seqlab.data.series.outliers import bad_ticks, distinct_starts, end_apart, is_often_one_value, lone_rows

FEWEST = 10  # values that it takes to tell what is unlike them
NO_SENSORS = (32767, -32768, 65535, 2147483647, -2147483648, 4294967295, -999.25, -9999.25)  # whole types, well logs
NEAR = 0.15  # share of the values below those beside a code, on average, under which the series goes there by itself
UNITS, UNIT_CLOSE = (10, 100, 1000), 0.2  # pence for pounds; how near the log of a jump must be to one
Found = tuple[np.ndarray, list[str]]  # rows, and what is to be said of them


def left_out(values: np.ndarray, dates: np.ndarray, is_price: bool) -> tuple[np.ndarray, list[str]]:
    """Which values are no observations (N,), and a sentence for each kind of them, as for what is unusual but kept.

    values: (N,), NaN where missing. dates: (N,), datetime64 of any unit, strictly ascending. is_price: closes of a
    market, among which codes and bad ticks are found alone, as crashes are real and zeros are no prices anyway.
    """
    mask, notes = np.zeros(len(values), bool), []
    coarse = [dates.astype(f"datetime64[{unit}]") for unit in "Dms"]
    dates = next((one for one in coarse if (one == dates).all()), coarse[-1])
    for find in (_codes, _bad_ticks) if is_price else (_codes, _repeated, _lone_zeros, _lone_outliers):
        known = np.flatnonzero(np.isfinite(values) & ~mask)
        if len(known) < FEWEST:
            break
        with np.errstate(over="ignore", invalid="ignore"):
            rows, said = find(values, dates, known)
        mask[rows] = True
        notes += said
    return mask, notes


# ---- codes for missing values


def _codes(values: np.ndarray, dates: np.ndarray, known: np.ndarray) -> Found:
    """-9999 and its like where they are far from all that is no code; -1 where nothing else is below zero."""
    v = values[known]
    in_order = np.sort(v)
    distinct = in_order[distinct_starts(in_order)]
    outside = sorted({*distinct[:20].tolist(), *distinct[-20:].tolist()})
    coded = {value: digits for value in outside if (digits := _digits(value))}
    rest = in_order[~np.isin(in_order, list(coded))] if coded else in_order
    rows, notes = known[:0], []
    for code, digits in coded.items():
        at = known[v == code]
        if len(rest) >= FEWEST and _is_code(v, code, digits, len(at), rest):
            rows = np.append(rows, at)
            notes.append(_counted(code, at, dates, "stand for missing ones", "stands for a missing one"))
    return rows, notes


def _digits(value: float) -> int:
    """How many nines (or eights, sevens) make up a number, 9 for what no sensor shows, 1 for -1; 0 if it is no code."""
    if abs(value) >= 1e20 or value in NO_SENSORS:
        return 9
    digits = f"{abs(value):.10g}".replace(".", "")
    if value == -1 or (value < 0 and set(digits) in ({"9"}, {"8"}, {"7"})):
        return len(digits)
    return len(digits) if set(digits) == {"9"} and len(digits) > 1 else 0


def _is_code(v: np.ndarray, code: float, digits: int, count: int, rest: np.ndarray) -> bool:
    """Whether a number that looks like a code is one. rest: all that do not look so, ascending."""
    if rest[0] <= code <= rest[-1] or (code > 0) == (code < rest[0]):
        return False
    if code < 0 <= rest[0] < rest[-1]:  # nothing else is below zero
        fractions = bool((rest != np.rint(rest)).mean() > 0.5)  # among which no whole number comes again
        alone = np.median(rest) >= 3 or (count > 1 and rest[-1] >= 8) or (count > 2 and fractions)
        if digits > 2 or (alone and not _approached(v, v == code, rest)):  # beside 0, 1 and 2 a -1 may be a value
            return True
    out = min(3, len(rest) // 20)  # so many others may be faults themselves
    low, high = float(rest[out]), float(rest[-1 - out])
    spread, gap = high - low, code - high if code > 0 else low - code
    if gap <= max(spread, high if code > 0 else 0):
        return False
    return digits > 2 or code == -99 or (count > 1 and gap > 2 * spread)


def _approached(v: np.ndarray, mask: np.ndarray, rest: np.ndarray) -> bool:
    """Whether the values beside those of the mask are low for the rest, as where the series goes there by itself."""
    others = np.flatnonzero(~mask)
    place = np.searchsorted(others, np.flatnonzero(mask))
    beside = v[others[np.append(np.maximum(place - 1, 0), np.minimum(place, len(others) - 1))]]
    rank = np.searchsorted(rest, beside, "left") + np.searchsorted(rest, beside, "right")
    return bool(rank.mean() / 2 < NEAR * len(rest))


def _repeated(values: np.ndarray, dates: np.ndarray, known: np.ndarray) -> Found:
    """One number far outside that comes again and again for a row or two, among many: a code of somebody's own."""
    v = values[known]
    in_order = np.sort(v)
    starts = distinct_starts(in_order)
    distinct, counts = in_order[starts], np.diff(starts, append=len(v))
    if len(distinct) < 20:
        return known[:0], []
    for code, nearest, count, times in (
        (distinct[-1], distinct[-2], counts[-1], 10),
        (distinct[0], distinct[1], counts[0], 3),
    ):
        spread = distinct[-2] - distinct[0] if code > nearest else distinct[-1] - distinct[1]
        at = np.flatnonzero(v == code)
        in_threes = (np.diff(at, n=2) == 0) & (np.diff(at)[1:] == 1)
        few = 1 < count <= max(3, 0.02 * len(v)) and not in_threes.any() and (np.diff(at) > 1).any()
        if few and abs(code - nearest) > times * spread:
            said = _counted(float(code), known[at], dates, f"are unlike all others ({_range(v[v != code])})", "")
            return known[at], [said]
    return known[:0], []


# ---- lone zeros and outliers


def _lone_zeros(values: np.ndarray, dates: np.ndarray, known: np.ndarray) -> Found:
    """Few zeros, at most three in a row, to which the positive values beside them never fall by themselves."""
    v = values[known]
    zero = v == 0
    if v.min() < 0 or not 0 < zero.sum() <= max(len(v) >= 50, 0.01 * len(v)) or is_often_one_value(np.sort(v)):
        return known[:0], []
    positive = np.flatnonzero(~zero)
    moves = np.sort(np.abs(np.diff(np.log(v[positive]))))
    floor = max(_step(v[positive]) / 2, v[positive].min() / 10)  # zero is below it
    place = np.searchsorted(positive, np.flatnonzero(zero))
    inside = (place > 0) & (place < len(positive))
    before, after = positive[np.maximum(place - 1, 0)], positive[np.minimum(place, len(positive) - 1)]
    drop = np.log(np.minimum(v[before], v[after]) / floor)
    largest = moves[-min(3, len(moves))] + np.log(4)  # but for a fault's two
    rows = known[zero][inside & (after - before <= 4) & (drop > largest)]
    among = f"among positive values ({_range(v[positive])}): left out"
    if len(rows) > 1:
        return rows, [f"{len(rows):,} zeros {among}, the first on {dates[rows[0]]}"]
    return rows, [f"the zero on {dates[row]} {among}" for row in rows]


def _step(values: np.ndarray) -> float:
    """The smallest difference between two values; 0 where there is none."""
    steps = np.diff(np.sort(values))
    return float(steps[steps > 0].min(initial=np.inf)) if steps.any() else 0.0


def _lone_outliers(values: np.ndarray, dates: np.ndarray, known: np.ndarray) -> Found:
    v = _filled(values, known)
    rows = lone_rows(v, dates)
    rows = rows[np.isfinite(values[rows])]
    kept = known[~np.isin(known, rows)]
    return rows, [*_lone(values, dates, rows, kept), *_ends(values, dates, kept)]


def _bad_ticks(values: np.ndarray, dates: np.ndarray, known: np.ndarray) -> Found:
    known = known[values[known] > 0]
    if len(known) < FEWEST:
        return known[:0], []
    rows = known[bad_ticks(values[known])]
    kept = known[~np.isin(known, rows)]
    said = [*_lone(values, dates, rows, kept), *_ends(values, dates, kept)]
    return rows, said + _other_units(values[kept], dates[kept])


def _filled(values: np.ndarray, known: np.ndarray) -> np.ndarray:
    """The values (N,), where none is known the median of the two known before and the two after."""
    filled, is_known = values.copy(), np.zeros(len(values), bool)
    is_known[known] = True
    missing = np.flatnonzero(~is_known)
    place = np.searchsorted(known, missing)[:, None] + np.arange(4)
    filled[missing] = np.median(np.pad(values[known], 2, mode="edge")[place], axis=1)
    return filled


def _other_units(prices: np.ndarray, dates: np.ndarray) -> list[str]:
    """On rows whose prices are ten, a hundred or a thousand times those before and after, and which are too many to be
    bad ticks: pence for pounds."""
    moves = np.diff(np.log(prices))
    jumps = np.sort(np.argsort(-np.abs(moves), kind="stable")[:2])  # there and back
    up, back = moves[jumps]
    largest = float(np.abs(np.delete(moves, jumps)).max())
    for unit in UNITS:
        if abs(up + back) < UNIT_CLOSE and abs(abs(up) - np.log(unit)) < UNIT_CLOSE and abs(up) > 3 * largest:
            times = f"{unit:,} times" if up > 0 else f"1/{unit:,} of"
            said = f"the prices from {dates[jumps[0] + 1]} to {dates[jumps[1]]} are about {times} those around"
            return [f"{said}: are they in another unit?"]
    return []


# ---- in words


def _counted(code: float, rows: np.ndarray, dates: np.ndarray, many: str, one: str) -> str:
    if len(rows) > 1:
        return f"{len(rows):,} values of {code:.15g} {many}: left out, the first on {dates[rows[0]]}"
    return f"the value {code:.15g} on {dates[rows[0]]} {one}: left out"


def _lone(values: np.ndarray, dates: np.ndarray, rows: np.ndarray, kept: np.ndarray) -> list[str]:
    """Of lone rows, what they are unlike: all that is kept (rows), or where they are among those, their neighbours."""
    if not len(rows):
        return []
    others = values[kept]
    outside = ((values[rows] < others.min()) | (values[rows] > others.max())).all()
    first = rows[0]
    place = np.searchsorted(kept, first)
    beside = others[max(place - 2, 0) : place + 2]
    unlike = f"all others ({_range(others)})" if outside else f"those beside ({_range(beside)})"
    if len(rows) == 1:
        return [f"the value {_number(values[first])} on {dates[first]} is unlike {unlike}: left out"]
    some = ", ".join(f"{_number(values[row])} on {dates[row]}" for row in rows[:3])
    return [f"{len(rows):,} values are unlike {unlike if outside else 'those beside'}: left out, as {some}"]


def _ends(values: np.ndarray, dates: np.ndarray, kept: np.ndarray) -> list[str]:
    """On a first or last value that is unlike all others: it may be a fault or the beginning of something."""
    said = []
    for name, order, side in (("first", kept[::-1], "after"), ("last", kept, "before")):
        if end_apart(values[order]):
            value, others = _number(values[order[-1]]), _range(values[order[:-1]])
            said.append(f"the {name} value, {value} on {dates[order[-1]]}, is unlike all {side} it ({others}): kept")
    return said


def _range(values: np.ndarray) -> str:
    return f"{_number(values.min())} to {_number(values.max())}"


def _number(value: float) -> str:
    return f"{value:.6g}" if abs(value) < 1e6 else f"{value:.10g}"
