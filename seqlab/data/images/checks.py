"""What a person needs to know of the images of a folder: how deep ones were read, and which show nothing."""

from pathlib import Path

import torch
from torch import Tensor

from seqlab.data.images.depth import Ranges, in_words, is_outside, number
from seqlab.data.images.layout import printable
from seqlab.data.images.test_split import Picture, count
from seqlab.errors import DataError

NEARLY = 4  # of 255: an image whose values differ by less looks as if of one colour
DARK = 16  # of 255: lower values look black
MOST_BRIGHT = 0.001  # of the values of dark images are brighter, as by a broken pixel of a camera


def check_depths(pictures: list[Picture], ranges: Ranges, notes: list[str]) -> None:
    """Lines on pictures of more than 8 bits and how they were read, and on pages that were not."""
    deep = [(one, one.extent) for one in pictures if one.extent]
    for kind, black_and_white in ranges.items():
        if held := [extent for _, extent in deep if extent.kind == kind]:
            low, high = min(one.low for one in held), max(one.high for one in held)
            values = f", of values from {number(low)} to {number(high)}" if low <= high else ""
            notes.append(f"{count(len(held), 'picture')} of {in_words(kind, black_and_white)}{values}")
    total = len(pictures)
    outside = [one for one, extent in deep if is_outside(extent, ranges)]
    _note("with values outside of that, which are cut off", outside, total, notes)
    _note("with NaN, read as black, or infinite values", [one for one, extent in deep if extent.unusable], total, notes)
    paged = [one for one in pictures if one.has_pages]
    _note("with several pages or frames, of which the first is read", paged, total, notes)


def check_colours(folder: Path, images: Tensor, pictures: list[Picture], notes: list[str]) -> None:
    """Lines on images (N, 3, H, W) uint8 that show nothing. Raises DataError where all are of the same colour."""
    low = torch.cat([part.flatten(2).amin(2) for part in images.split(1024)])  # (N, 3)
    high = torch.cat([part.flatten(2).amax(2) for part in images.split(1024)])
    if torch.equal(low.amin(0), high.amax(0)):
        colour = ", ".join(str(value) for value in low[0].tolist())
        raise DataError(
            f"all {len(images):,} images in {folder} are of one and the same colour, ({colour}) of 255",
            "look at one of them in a viewer: there is nothing in them to learn from",
        )
    bright = sum(int((part >= DARK).sum()) for part in images.split(1024))
    is_dark = bright < MOST_BRIGHT * images.numel()
    flat = ((high - low).amax(1) < (1 if is_dark else NEARLY)).tolist()
    found = [one for one, is_flat in zip(pictures, flat, strict=True) if is_flat]
    _note("of one colour" + ("" if is_dark else ", or nearly so"), found, len(images), notes)
    if is_dark:
        brightest = int(high.max())
        which = "no value" if bright == 0 else f"not one value in {round(1 / MOST_BRIGHT):,}"
        notes.append(f"the images are nearly black: {which} is above {DARK - 1} of 255, the highest is {brightest}")


def _note(what: str, found: list[Picture], total: int, notes: list[str]) -> None:
    """A line that such pictures were found, how many of all, and an example."""
    if found:
        example = printable("/".join(found[0].path.parts[-2:]))
        notes.append(f"{what}: {len(found):,} of {count(total, 'picture')}, as {example}")
