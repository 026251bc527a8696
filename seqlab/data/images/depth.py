"""What is black and what is white in pictures of one channel with more than 8 bits: floats, and 16 or 32 bit integers.

Such a file does not say it: floats run from 0 to 1 or to 255, a camera of 12 bits writes them into 16. So it is found
once for all pictures trained on, by what they hold, and kept with the net: one range for a whole set, so that a dark
picture stays darker than a bright one, and the pictures that are predicted later are scaled alike.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from PIL import Image

Range = tuple[float, float]  # the values that are black and white
Ranges = Mapping[str, Range]  # of `floats` and of `integers`, as far as there are such pictures

# The first that holds all values is taken. Where they fill less than LEAST of it, or of the part below zero, it is
# their own range, from 0 where they come near it.
NATURAL: tuple[Range, ...] = ((0, 1), (-1, 1), (0, 255), (0, 1023), (0, 4095), (0, 16383), (0, 65535))
LEAST = 1 / 8
STRIP = 256  # rows that are looked at at a time
ABSURD = 1e30  # a larger float is a mark for a missing value


@dataclass(frozen=True)
class Extent:
    """The values of a picture: `floats` or `integers`, the lowest, the highest, and how many are NaN or infinite.

    Without any other value low is infinite, and high minus infinity.
    """

    kind: str
    low: float
    high: float
    unusable: int


def extent_of(image: "Image.Image") -> Extent | None:
    """What values a picture holds; None for one of 8 bits or fewer, and for one in colour."""
    kind = "floats" if image.mode == "F" else "integers" if image.mode.startswith("I") else ""
    if not kind:
        return None
    values = np.asarray(image)
    low, high, count = np.inf, -np.inf, 0
    for rows in range(0, len(values), STRIP):
        part = values[rows : rows + STRIP]
        usable = part[np.abs(part) < ABSURD] if kind == "floats" else part.ravel()  # NaN is below nothing
        count += usable.size
        if usable.size:
            low, high = min(low, float(usable.min())), max(high, float(usable.max()))
    return Extent(kind, low, high, values.size - count)


def find_ranges(extents: Iterable[Extent]) -> dict[str, Range]:
    """What is black and white in pictures of those extents: a range for each kind."""
    kinds: dict[str, list[Extent]] = {}
    for one in extents:
        kinds.setdefault(one.kind, []).append(one)
    return {
        kind: _range(min(one.low for one in group), max(one.high for one in group)) for kind, group in kinds.items()
    }


def _range(low: float, high: float) -> Range:
    for black, white in NATURAL:
        is_filled = high - low >= LEAST * (white - black) and (black == 0 or low < LEAST * black)
        if black <= low and high <= white and is_filled:
            return float(black), float(white)
    if 0 < low < LEAST * high:
        low = 0.0
    return (low, high) if low < high else (low, low + 1) if low == high else (0.0, 1.0)


def is_outside(extent: Extent, ranges: Ranges) -> bool:
    """Whether a picture holds values below black or above white."""
    black, white = ranges[extent.kind]
    return extent.low < black or extent.high > white


def remarks(extent: Extent, ranges: Ranges) -> list[str]:
    """What a person who has such a picture predicted needs to know of how it is read, by a net with those ranges."""
    found = []
    if extent.kind not in ranges:
        found.append(f"{in_words(extent.kind, find_ranges([extent])[extent.kind])}; no such picture was trained on")
    elif is_outside(extent, ranges):
        black, white = ranges[extent.kind]
        found.append(
            f"its values, {number(extent.low)} to {number(extent.high)}, are cut off at the {number(black)} to "
            f"{number(white)} of the pictures trained on"
        )
    if extent.unusable:
        found.append(f"{extent.unusable:,} of its values are NaN or infinite: NaN is read as black")
    return found


def in_words(kind: str, black_and_white: Range) -> str:
    black, white = map(number, black_and_white)
    return f"{'floats' if kind == 'floats' else 'integers of more than 8 bits'}: {black} is black, {white} is white"


def number(value: float) -> str:
    return f"{value:,.6g}"


def to_bytes(image: "Image.Image", black_and_white: Range) -> "Image.Image":
    """The picture with 8 bits: black is 0, white is 255, what is outside is cut off; NaN is black."""
    from PIL import Image

    black, white = black_and_white
    pixels = np.asarray(image)
    found = np.empty(pixels.shape, np.uint8)
    for rows in range(0, len(pixels), STRIP):  # as a whole it would be there several times, eight bytes each
        values = pixels[rows : rows + STRIP].astype(np.float32 if image.mode == "F" else np.float64)
        shares = (np.nan_to_num(values.clip(black, white), nan=black) - black) / (white - black)
        found[rows : rows + STRIP] = (shares * 255).round()
    return Image.fromarray(found)
