"""What people write where a value is missing: NA, ?, a dash, -999. Whether it is missing is decided by its column."""

import re
from collections import Counter
from collections.abc import Mapping

import numpy as np
import pandas as pd

NONE = "none"
SIGNS = ("-", "--", "---", "–", "—", ".", "..", "...", "…", "*", "**", "***", ":")
BY_HAND = ("?", "n.a.", "missing", "na", "n/a")
BY_PROGRAMS = ("#n/a", "#na", "null", "(null)", "\\n", "nan", "-nan", "<na>", "1.#qnan", "-1.#ind", "1.#ind")
EXCEL = ("#div/0!", "#value!", "#ref!", "#name?", "#num!", "#null!")
MARKS = frozenset((NONE, *SIGNS, *BY_HAND, *BY_PROGRAMS, *EXCEL))
PARTS = {  # of the entries of a column of words, from which on such a mark is a word
    **dict.fromkeys(SIGNS, 0.2),
    **dict.fromkeys(BY_HAND, 0.5),
    NONE: 0.05,
}
REGIONS = {"EU", "EMEA", "APAC", "LATAM"}  # beside which NA is North America
SENTINELS = (-99.0, -999.0, -9999.0, -99999.0, -999999.0)
AGAIN = 3  # times that a word or number comes which is no slip


def are_marks(text: pd.Series) -> pd.Series:
    """Which entries of a column of text, blanks around them taken away, are marks of what is missing."""
    return text.str.lower().isin(MARKS)


def is_mark(word: str) -> bool:
    """Whether a word without blanks around it is one."""
    return word.lower() in MARKS


def marks_that_are_words(counts: Mapping[str, int]) -> set[str]:
    """Of a column of words, {word: rows}, the marks that are words there: those that are a good part of all entries, a
    sign or None beside one other word alone, and NA among codes of two letters, as those of countries."""
    marks = {word: rows for word, rows in counts.items() if is_mark(word)}
    others = counts.keys() - marks.keys()
    known = sum(counts.values())
    if not marks or (not others and len(marks) == 1):
        return set()
    found = {mark for mark, rows in marks.items() if rows >= PARTS.get(mark.lower(), 2) * known}
    signs = {mark for mark in marks if mark.lower() in (NONE, *SIGNS)}
    if len(others) == 1 or found & signs:  # a class and what is not of it; grades as -, -- and +
        found |= {mark for mark in signs if marks[mark] > 1 or mark in found}
    return found | {mark for mark in marks if mark.lower() == "na" and _is_code(mark, others)}


def _is_code(mark: str, others: set[str]) -> bool:
    """Whether NA, or na, stands among codes like it, or Na among signs of elements."""
    like = {"NA": r"[A-Z]{2}", "na": r"[a-z]{2}", "Na": r"[A-Z][a-z]?"}.get(mark, "(?!)")
    return bool(REGIONS & others) or (len(others) >= 3 and all(re.fullmatch(like, word) for word in others))


def sentinels_in(values: np.ndarray) -> dict[float, int]:
    """Numbers as -999 that stand for what is missing in a column of them, {number: rows}: so far below all others that
    these are near each other, or below them again and again where none else is below zero."""
    lowest = values.min() if values.dtype.kind in "iu" and len(values) else np.fmin.reduce(values, initial=np.inf)
    if lowest not in SENTINELS:
        return {}
    others = values[~(np.isnan(values) | np.isin(values, SENTINELS))]
    if not len(others):
        return {}
    low, high = float(others.min()), float(others.max())
    found = {}
    for number in SENTINELS:
        rows, gap = int((values == number).sum()), low - number
        again = rows >= AGAIN
        if rows and 2 * low > number and (gap > (1 if again else 10) * (high - low) or (again and low >= 0)):
            found[number] = rows
    return found


def in_words(found: dict[str, dict[str, int]]) -> list[str]:
    """What is to be said of marks that were taken as missing: {column: {mark: entries}}."""
    columns: dict[str, list[str]] = {}
    entries = Counter[str]()
    for name, counts in found.items():
        for mark, count in counts.items():
            columns.setdefault(mark, []).append(name)
            entries[mark] += count
    said = []
    for mark, names in columns.items():
        where = f"column {names[0]}" if len(names) == 1 else f"{len(names):,} columns"
        said.append(f"'{mark}' ({entries[mark]:,} {'entry' if entries[mark] == 1 else 'entries'} of {where})")
    return [f"taken as missing: {', '.join(said)}"] if said else []
