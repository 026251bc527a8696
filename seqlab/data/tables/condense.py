"""Sentences on columns, so that a table of thousands is not answered with thousands of lines."""

import re
from collections.abc import Sequence

MOST_ALIKE = 10  # sentences of one kind that are written out
_OF_COLUMN = re.compile(r"(column '.*?'(?=:? ))(.*)", re.DOTALL)
_DETAILS = re.compile(r"'[^']*'|\([^()]*, \.\.\.\)|[\d.,:/-]*\d[\d.,:/-]*")


def condensed(notes: Sequence[str]) -> list[str]:
    """The sentences on columns; of each kind of which there are more than a few, the first stands for all. Of one kind
    are those that differ in the column, numbers and quoted examples alone."""
    kinds: dict[str, list[str]] = {}
    for note in notes:
        found = _OF_COLUMN.fullmatch(note)
        kinds.setdefault(_DETAILS.sub("#", found[2]) if found else note, []).append(note)
    few = {kind: alike for kind, alike in kinds.items() if len(alike) > MOST_ALIKE}
    if not few:
        return [*notes]
    left_out = {note for alike in few.values() for note in alike[1:]}
    firsts = {alike[0]: f"{alike[0]}; likewise {len(alike) - 1:,} other columns" for alike in few.values()}
    return [firsts.get(note, note) for note in notes if note not in left_out]
