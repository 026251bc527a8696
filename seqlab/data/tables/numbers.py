"""Numbers as people write them in a column: 1,234.5, 1.234,5, 1 234, 12 %, $5, (3), 1.2K, 12 kWh, beside some words."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from functools import lru_cache

import numpy as np
import pandas as pd

from seqlab.data.tables.entries import Entries
from seqlab.data.tables.number_signs import CURRENCY, SIZES, limited, sized, with_unit

MOST = 0.9  # of a column's entries are numbers: then it is one of numbers
LONGEST = 60  # letters of a number that is not digits alone
FEW_NUMBERS = 20  # different ones: a word that comes again among them is a value
_POINT = re.compile(
    r"[-+]?(?:[1-9]\d{0,2}(?:,\d{2,3})*,\d{3}(?:\.\d*)?|\d+(?:\.\d*)?(?:e[-+]?\d+)?|\.\d+(?:e[-+]?\d+)?|inf|infinity)",
    re.I,
)
_COMMA = re.compile(
    r"[-+]?(?:[1-9]\d{0,2}(?:\.\d{3})+(?:,\d*)?|\d+(?:,\d*)?(?:e[-+]?\d+)?|,\d+(?:e[-+]?\d+)?|inf|infinity)", re.I
)
_PLAIN = re.compile(r"[-+]?\d+(?:\.\d+)?", re.ASCII)
_BLANK = r"[\s\u00a0\u202f]"
# blanks, apostrophes and underscores part thousands, and nothing else: `1 2,5` is no number; signs say of what
_SIGNS = re.compile(
    rf"{CURRENCY}|(?<=\d)(?:{_BLANK}|['’_])(?=\d{{3}}(?!\d))|(?<!\d){_BLANK}+|{_BLANK}+(?!\d)|%(?=\)?$)"
)
_CURRENCY = re.compile(CURRENCY)
_IN_PARENTHESES, _MINUS_BEHIND = re.compile(r"\(([\d.,]+)\)"), re.compile(r"([\d.,]+)-")
_PARTED = re.compile(r"\d[\s\u00a0\u202f'’]\d{3}")
_LIKE_NUMBERS, _DIGIT, _DECIMALS = re.compile(r"\d|inf", re.I), re.compile(r"\d"), re.compile(r"\d[.,]\d")


@dataclass(frozen=True)
class Numbers:
    """What a column holds: values (N,) float64, NaN where an entry is no number; notes on how it was read, and the mark
    before its decimals, if its entries show it; lost: the words that are no numbers, and how many rows have each."""

    values: np.ndarray
    notes: tuple[str, ...]
    decimal: str
    lost: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class _Reading:
    """A word as a number: its text alone, its value with a decimal point and with a decimal comma, the letter or word
    that says by what it is multiplied, its unit, and whether it is only a limit, as <5."""

    text: str = ""
    point: float | None = None
    comma: float | None = None
    size: str = ""
    unit: str = ""
    is_limit: bool = False

    @property
    def is_number(self) -> bool:
        return self.point is not None or self.comma is not None

    def value(self, style: str) -> float:
        """NaN where it is none in this style."""
        number = self.point if style == "." else self.comma
        if number is None:
            return np.nan
        return round(number * SIZES[self.size], 6) if self.size else number


def is_number(cell: str) -> bool:
    """Whether a cell alone is a number in one of these writings, but for those with sizes, units and limits."""
    bare = _bare(cell.strip())
    return _POINT.fullmatch(bare) is not None or _COMMA.fullmatch(bare) is not None


def read_numbers(
    written: pd.Series | Entries, decimal: str = ".", *, most: float = MOST, is_known: bool = False
) -> Numbers | None:
    """The numbers of a column of text, or None where a smaller share of its entries than `most` are some.

    decimal: the mark, for entries like 1,234 that can be read in two ways. 12 % is 12. is_known: it is a column of
    numbers: entries like 65+ and <0.5 are the number alone, as they are in any case beside many different numbers, and
    a unit may stand beside a few.
    """
    entries = written if isinstance(written, Entries) else Entries.of(written)
    if not entries.words or entries.share(_LIKE_NUMBERS.search) < most:
        return None  # a look is enough for words
    readings = _that_count({word: _reading(word) for word in entries.words}, entries, is_known)
    fits = {
        ".": sum(entries.counts[word] for word, one in readings.items() if one.point is not None),
        ",": sum(entries.counts[word] for word, one in readings.items() if one.comma is not None),
    }
    style = decimal if fits[","] == fits["."] else max(fits, key=lambda mark: fits[mark])
    if not fits[style] or fits[style] < most * entries.known:
        return None
    values = {word: one.value(style) for word, one in readings.items()}
    lost = {word: entries.counts[word] for word, value in values.items() if value != value}
    read = {word: one for word, one in readings.items() if word not in lost}
    notes = _repairs(read, values, style, entries)
    if lost:
        entries_said = f"{sum(lost.values()):,} of {entries.known:,} entries"
        notes.append(f"{entries_said} are no numbers and taken as missing, as '{next(iter(lost))[:30]}'")
    grouped = any(("," if style == "." else ".") in one.text for one in read.values())
    shown = style if fits[","] != fits["."] or grouped else ""
    return Numbers(entries.spread([*values.values()], np.nan, np.float64), tuple(notes), shown, lost)


def like_numbers(words: Iterable[str]) -> list[str]:
    """Of some words those that are numbers, whatever their unit and mark."""
    return [word for word in words if _reading(word).is_number]


@lru_cache(1 << 16)
def _bare(word: str) -> str:
    """A word without what stands around numbers, with a minus as computers write it, and for (3) and 3- too."""
    if len(word) > LONGEST or _PLAIN.fullmatch(word):
        return word
    if not word.isascii():
        word = "".join(str(int(sign)) if sign.isdecimal() else sign for sign in word).replace("\u2212", "-")
        word = re.sub(r"^[\u2010-\u2013](?=[\d.,$€£])", "-", word)
    if word.startswith('="') and word.endswith('"'):  # as Excel keeps what it would change
        word = word[2:-1]
    bare = _SIGNS.sub("", word)
    found = _IN_PARENTHESES.fullmatch(bare) or _MINUS_BEHIND.fullmatch(bare)
    return f"-{found[1]}" if found else bare


def _reading(word: str) -> _Reading:
    bare = _bare(word)
    if (found := _number(bare)).is_number or len(word) > LONGEST:
        return found
    inner = limited(bare)
    for number, size in ((inner, ""), sized(inner or bare, _CURRENCY.search(word) is not None)):
        if number and (found := _number(number)).is_number:
            return replace(found, size=size, is_limit=bool(inner))
    number, unit = with_unit(inner or bare)
    return replace(_number(number), unit=unit, is_limit=bool(inner)) if number else _Reading()


def _number(text: str) -> _Reading:
    if _PLAIN.fullmatch(text):
        value = float(text)
        if "." not in text:
            return _Reading(text, value, value)
        return _Reading(text, value, float(text.replace(".", "")) if _COMMA.fullmatch(text) else None)
    point = float(text.replace(",", "")) if _POINT.fullmatch(text) else None
    comma = float(text.replace(".", "").replace(",", ".")) if _COMMA.fullmatch(text) else None
    return _Reading(text, point, comma)


def _that_count(readings: dict[str, _Reading], entries: Entries, is_known: bool) -> dict[str, _Reading]:
    """The readings without those that the column as a whole does not bear out: sizes where no decimals show that they
    are numbers, for 5K and 10K alone may be names; units that differ; and limits beside few numbers, or that would be
    the same as others."""
    numbers = {word: one for word, one in readings.items() if one.is_number}
    by_size = any(one.size and (len(one.size) > 2 or _DECIMALS.search(one.text)) for one in numbers.values())
    with_unit = sum(entries.counts[word] for word, one in numbers.items() if one.unit)
    by_unit = len({one.unit for one in numbers.values()} - {""}) == 1 and (is_known or 2 * with_unit >= entries.known)
    rest = {word: one for word, one in numbers.items() if (by_size or not one.size) and (by_unit or not one.unit)}
    limited = [word for word, one in rest.items() if one.is_limit]
    if limited and not is_known:
        others = {one.text for one in rest.values() if not one.is_limit}
        apart = len({one.text for one in rest.values()}) == len(rest)
        mostly = 2 * sum(entries.counts[word] for word in limited) > entries.known
        if len(others) <= FEW_NUMBERS and not (apart and mostly):
            rest = {word: one for word, one in rest.items() if not one.is_limit}
    return {word: rest.get(word, _Reading()) for word in readings}


def _repairs(read: dict[str, _Reading], values: dict[str, float], style: str, entries: Entries) -> list[str]:
    """What was repaired in the words that are numbers, a sentence each."""
    notes = []
    thousands = "," if style == "." else "."
    grouped = [word for word, one in read.items() if thousands in one.text or _PARTED.search(word)]
    if grouped:
        notes.append(f"{grouped[0]} is read as {_shown(values[grouped[0]])}")
    elif style == "," and any("," in one.text for one in read.values()):
        notes.append("numbers are written with a decimal comma")
    sizes = [word for word, one in read.items() if one.size]
    if sizes:
        notes.append(f"{sizes[0]} is read as {_shown(values[sizes[0]])}")
    rows = sum(entries.counts[word] for word in read)
    percent = sum(entries.counts[word] for word in read if word.endswith("%"))
    if percent:
        without = f", and {rows - percent:,} of {rows:,} entries have none" if percent < rows else ""
        notes.append(f"percent signs are left out: 12 % is 12{without}")
    signs = {found[0].strip() for word in read if not _PLAIN.fullmatch(word) and (found := _CURRENCY.search(word))}
    if signs:
        alike = f": {' and '.join(sorted(signs))} are taken as the same" if len(signs) > 1 else ""
        notes.append(f"signs of currency are left out{alike}")
    with_unit = [word for word, one in read.items() if one.unit]
    if with_unit:
        count = sum(entries.counts[word] for word in with_unit)
        some = "" if count == rows else f", in {count:,} of {rows:,} entries"
        notes.append(f"its unit is left out{some}: {with_unit[0]} is read as {_shown(values[with_unit[0]])}")
    limits = [word for word, one in read.items() if one.is_limit]
    if limits:
        count = sum(entries.counts[word] for word in limits)
        notes.append(f"entries like '{limits[0]}', {count:,}, are read as the number alone")
    if any(word.startswith("(") for word in read):
        notes.append("numbers in parentheses are below zero")
    if any(_DIGIT.match(word[-2:]) and word.endswith("-") for word in read):
        notes.append("numbers with a minus behind them are below zero")
    return notes


def _shown(value: float) -> str:
    return f"{value:.15g}"
