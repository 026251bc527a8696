"""What is odd in a series of prices and cannot be mended: said, so that nobody takes it for the market's doing."""

import numpy as np

SPLITS = (2, 3, 4, 5, 6, 7, 8, 10, 15, 20, 25, 30, 50, 100)  # for one; 3 for 2 is too near what news can do
CLOSE = 0.03  # relative: how near a jump must be to a split's, as the day's own return comes on top
UNUSUAL = 10  # times the size of a usual return, above which a jump is none of them
LONG_GAP = 14  # days without a price in a series of days; the longest holidays of exchanges are eleven
LONG_HALT = 10  # days with one and the same close


def oddities(days: np.ndarray, adjusted: np.ndarray) -> list[str]:
    """Sentences on jumps that look like splits, long gaps and long halts; none where nothing is odd.

    days: datetime64[D], ascending; adjusted: prices, (N,) each.
    """
    if len(days) < 3:
        return []
    gaps = np.diff(days).astype(int)
    spacing = float(np.median(gaps))
    return [*_jumps(days, adjusted), *(_gaps(days, gaps) if spacing <= 4 else []), *_halts(days, adjusted)]


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


def _gaps(days: np.ndarray, gaps: np.ndarray) -> list[str]:
    longest = int(gaps.argmax())
    count = int((gaps > LONG_GAP).sum())
    if not count:
        return []
    where = f"from {days[longest]} to {days[longest + 1]}"
    if count == 1:
        return [f"there are no prices {where}"]
    return [f"there are {count:,} gaps of more than {LONG_GAP} days, the longest {where}"]


def _halts(days: np.ndarray, adjusted: np.ndarray) -> list[str]:
    """Runs of one price. Of a price of few digits they mean little, so only their length and place is said."""
    starts = np.flatnonzero(np.append(True, adjusted[1:] != adjusted[:-1]))
    lengths = np.diff(np.append(starts, len(adjusted)))
    longest = int(lengths.argmax())
    if lengths[longest] < LONG_HALT:
        return []
    first, last = starts[longest], starts[longest] + lengths[longest] - 1
    return [f"the price is the same on {lengths[longest]:,} days, from {days[first]} to {days[last]}"]
