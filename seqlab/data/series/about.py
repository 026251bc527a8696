"""What was read of many series, in few lines: what several share is said once, with their number."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from seqlab.data.series.series import Series
from seqlab.data.series.spacing import spacing
from seqlab.formatting import dates_in_words

FEW = 8  # series that are each told of by themselves
DIGITS = re.compile(r"\d(?:[\d.,:T-]*\d)?")


def about_all(series: Sequence[Series]) -> list[str]:
    """What was read, and what was repaired or looks wrong: of few series what `Series.about` says of each, of a table
    of more than FEW one line, and one for each thing that is to be said of some of them."""
    tables: dict[str, list[Series]] = {}
    for place, one in enumerate(series):
        tables.setdefault(one.panel or f"\0{place}", []).append(one)
    lines: list[str] = []
    for name, members in tables.items():
        if len(members) <= FEW:
            lines += [line for one in members for line in one.about()]
            continue
        lines.append(f"{name}: {_read_in_words(members)}")
        lines += said_once([(one.name, note) for one in members for note in one.notes], len(members), f"{name}: ")
    return lines


def said_once(said: Iterable[tuple[str, str]], count: int, before: str = "") -> list[str]:
    """Sentences on series, (name, sentence): each behind its name where the series are few; of more than FEW those that
    differ in numbers alone together, with how many series they are of and the first of them as an example.

    count: how many series there are. before: what a line begins with where it is of several.
    """
    said = list(said)
    if count <= FEW:
        return [f"{name}: {sentence}" for name, sentence in said]
    alike: dict[str, dict[str, str]] = {}
    for name, sentence in said:
        alike.setdefault(DIGITS.sub("#", sentence), {}).setdefault(name, sentence)
    return [line for found in alike.values() for line in _together(found, count, before)]


def _together(found: dict[str, str], count: int, before: str) -> Iterator[str]:
    """found: {name: sentence}, all alike but for numbers."""
    (name, first), *_ = found.items()
    if len(found) == 1:
        yield f"{name}: {first}"
    elif len(set(found.values())) == 1:
        yield f"{before}{first}" if len(found) == count else f"{before}{len(found):,} series, as {name}: {first}"
    else:
        yield f"{before}{len(found):,} series, as {name}: {first}"


def _read_in_words(members: Sequence[Series]) -> str:
    read = [one.read() for one in members]
    rows = sorted(one["rows"] for one in read)
    length = f"{rows[0]:,}" if rows[0] == rows[-1] else f"{rows[0]:,} to {rows[-1]:,}"
    dropped: Counter[str] = Counter()
    for one in members:
        for entry in one.dropped:
            number, _, why = entry.partition(" ")
            dropped[why] += int(number.replace(",", ""))
    left = ", ".join(f"{number:,} {why}" for why, number in dropped.items())
    missing = sum(one["missing"] for one in read)
    units = {spacing(one.dates).unit for one in members}
    ends = min(one.dates[0] for one in members), max(one.dates[-1] for one in members)
    first, last = dates_in_words(ends, units.pop() if len(units) == 1 else "day")
    return (
        f"{len(members):,} series of {length} rows, by the {_counted(one['step'] for one in read)}, "
        f"season {_counted(one['season'] or 'none' for one in read)}, kind {_counted(one['kind'] for one in read)}, "
        f"{first} to {last}; "
        + (f"rows left out: {left}" if left else "none left out")
        + (f"; missing, with their places kept: {missing:,}" if missing else "")
    )


def _counted(values: Iterable[str]) -> str:
    """One word for all, or each with its number: counts, or counts (700), levels (67)."""
    counts = Counter(values).most_common()
    return counts[0][0] if len(counts) == 1 else ", ".join(f"{value} ({number:,})" for value, number in counts)
