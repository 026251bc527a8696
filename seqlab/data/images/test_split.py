"""A test part for images that have none.

Of each class it is the fifth of its pictures whose sha256 is the lowest. So it depends on neither names nor order,
copies of a picture are on one side, and pictures that are added move few others.
"""

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from seqlab.data.images.depth import Extent

SHARE = 5  # one in so many


@dataclass(frozen=True)
class Picture:
    """An image file, its class, the sha256 of its bytes, its values where they are of more than 8 bits, and whether it
    has more pages or frames than the first."""

    path: Path
    label: int
    digest: str
    extent: Extent | None = None
    has_pages: bool = False


def split(pictures: list[Picture], notes: list[str]) -> tuple[list[Picture], list[Picture]]:
    """Those to train on, and a fifth of each class to test with, both in the order given.

    Never a class's only picture, nor one that is in two classes; `notes` gets a line where there are such.
    """
    labels: dict[str, set[int]] = {}
    for one in pictures:
        labels.setdefault(one.digest, set()).add(one.label)
    several = {digest for digest, held in labels.items() if len(held) > 1}
    if several:
        notes.append(f"{count(len(several), 'picture')} in two classes or more: to train on only")
    sizes = Counter(label for held in labels.values() for label in held)  # copies count once
    left = {label: max(1, size // SHARE) if size > 1 else 0 for label, size in sizes.items()}
    tested = set()
    for digest, held in sorted(labels.items()):
        label = min(held)
        if digest not in several and left[label] > 0:
            tested.add(digest)
            left[label] -= 1
    train = [one for one in pictures if one.digest not in tested]
    test = [one for one in pictures if one.digest in tested]
    if alone := sorted({one.label for one in train} - {one.label for one in test}):
        notes.append(f"{count(len(alone), 'class', 'classes')} of one picture only, which is not held out")
    return train, test


def count(number: int, one: str, several: str = "") -> str:
    return f"{number:,} {one if number == 1 else several or one + 's'}"
