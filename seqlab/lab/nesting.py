r"""What written text still knows of what it opened: braces and brackets that it closes, and \end that fit.

A closing mark closes the last open one of its kind; what was opened in between has then been forgotten, and stays
unclosed. One that closes nothing is passed over. Of what is still open at the end of a sample the last CUT openings do
not count: the text was cut off inside them.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from seqlab.lab import c_code
from seqlab.language.latex_scorecard import CUT, ENVIRONMENT, ESCAPED

PAIRS = {"}": "{", ")": "(", "]": "["}


class Mark(NamedTuple):
    """Something that opens or closes: of which kind, and which of the two."""

    kind: str
    opens: bool


Marks = Callable[[str], Iterator[Mark]]  # those of a sample, in their order


def latex(samples: Iterable[str]) -> dict[str, float]:
    r"""blocks: of { that are closed; ends: of all \end those of the innermost environment that is open."""
    samples = list(samples)
    plain = [ESCAPED.sub("  ", sample) for sample in samples]
    return {"blocks": closed(plain, _braces), "ends": fitting(samples, _environments)}


def c(samples: Iterable[str]) -> dict[str, float]:
    """blocks: of { that are closed; brackets: of ( and [, all outside strings and comments."""
    code = []
    for sample in samples:
        found = c_code.places(sample)
        quoted = found.string | found.comment
        code.append("".join(" " if inside else char for char, inside in zip(sample, quoted, strict=True)))
    return {"blocks": closed(code, _braces), "brackets": closed(code, _round_and_square)}


def closed(samples: Iterable[str], marks: Marks) -> float:
    """The share of what is opened that is closed; 0 where nothing is opened."""
    opened = done = 0
    for sample in samples:
        still_open: list[Mark] = []
        for mark in marks(sample):
            if mark.opens:
                opened += 1
                still_open.append(mark)
            elif any(one.kind == mark.kind for one in still_open):
                while still_open.pop().kind != mark.kind:
                    pass
                done += 1
        opened -= min(CUT, len(still_open))
    return done / opened if opened else 0.0


def fitting(samples: Iterable[str], marks: Marks) -> float:
    """The share of closing marks that close what was opened last and is still open; 0 where nothing closes."""
    every = fits = 0
    for sample in samples:
        still_open: list[str] = []
        for mark in marks(sample):
            if mark.opens:
                still_open.append(mark.kind)
                continue
            every += 1
            fits += still_open[-1:] == [mark.kind]
            if mark.kind in still_open:
                while still_open.pop() != mark.kind:
                    pass
    return fits / every if every else 0.0


def _environments(sample: str) -> Iterator[Mark]:
    for found in ENVIRONMENT.finditer(sample):
        yield Mark(found[2], found[1] == "begin")


def _braces(sample: str) -> Iterator[Mark]:
    return _brackets(sample, "{}")


def _round_and_square(sample: str) -> Iterator[Mark]:
    return _brackets(sample, "()[]")


def _brackets(sample: str, which: str) -> Iterator[Mark]:
    for char in sample:
        if char in which:
            yield Mark(PAIRS.get(char, char), char not in PAIRS)
