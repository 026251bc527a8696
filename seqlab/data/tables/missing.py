"""What people write where a value is missing: NA, ?, a dash. Whether it is missing is decided by its column."""

from collections import Counter

import pandas as pd

DASHES = ("-", "--", "–", "—", ".", "none")  # are words where they are a good part of a column of words
EXCEL = ("#div/0!", "#value!", "#ref!", "#name?", "#num!", "#null!")
CODES = ("?", "n.a.", "missing", "na", "n/a", "#n/a", "#na", "null", "nan", "-nan", "<na>", "1.#qnan", "-1.#ind")
MARKS = frozenset((*DASHES, *CODES, *EXCEL))
PART = 0.2  # of a column's entries: a dash or None of more of them is a word


def are_marks(text: pd.Series) -> pd.Series:
    """Which entries of a column of text, blanks around them taken away, are marks of what is missing."""
    return text.str.lower().isin(MARKS)


def marks_that_are_words(text: pd.Series, marked: pd.Series) -> set[str]:
    """Of a column of words the marks that are words there: a dash or None where it is a good part of all entries, NA
    among codes of two capitals, as those of countries."""
    others = set(text[~marked].dropna())
    counts = Counter(text[marked])
    known = int(text.notna().sum())
    codes = len(others) >= 3 and all(len(word) == 2 and word.isalpha() and word.isupper() for word in others)
    return {
        mark
        for mark, count in counts.items()
        if (mark.lower() in DASHES and count >= PART * known and (others or len(counts) > 1))
        or (mark == "NA" and codes)
    }


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
