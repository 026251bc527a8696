"""How well written text holds together: what it opens and closes, its words, and whether it repeats itself.

All shares are of many samples together, 1 is best, and real text comes close to it. A closing mark closes the last
open one of its kind; what was opened in between has then been forgotten, and stays unclosed. One that closes nothing
is passed over. Of what is still open at the end of a sample the last CUT openings do not count: the text was cut off
inside them.
"""

import random
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from typing import NamedTuple

from seqlab.lab import c_code

CUT = 2
PAIRS = {"}": "{", ")": "(", "]": "["}
WORD = re.compile(r"[A-Za-z]{4,}")
LONG_LINE = 20  # characters; shorter ones are alike in any text


class Mark(NamedTuple):
    """Something that opens or closes: of which kind, and which of the two."""

    kind: str
    opens: bool


Marks = Callable[[str], Iterator[Mark]]  # those of a sample, in their order


def latex(samples: Sequence[str], known: Collection[str]) -> dict[str, float]:
    """environments: closed by the \\end of their own name; ends: of all \\end those of the innermost environment that
    is open; braces: closed; math: the share of $ that pair up within a paragraph; words of the prose that are `known`;
    distinct lines."""
    plain = [re.sub(r"\\[\\{}$%]", "  ", sample) for sample in samples]
    prose = [re.sub(r"\\(begin|end|label|ref|cite)\{[^}]*\}|\\[A-Za-z]+|\$[^$]*\$", " ", sample) for sample in samples]
    return {
        "environments": closed(samples, _environments),
        "ends": fitting(samples, _environments),
        "braces": closed(plain, _braces),
        "math": _paired_dollars(plain),
        "words": _known_words(prose, known),
        "distinct": distinct(samples),
    }


def c(samples: Sequence[str], known: Collection[str]) -> dict[str, float]:
    """blocks: of { that are closed; brackets: of ( and [, all outside strings and comments; words of the comments that
    are `known`; distinct lines."""
    code, comments = [], []
    for sample in samples:
        found = c_code.places(sample)
        quoted = found.string | found.comment
        code.append("".join(" " if inside else char for char, inside in zip(sample, quoted, strict=True)))
        comments.append("".join(char if inside else " " for char, inside in zip(sample, found.comment, strict=True)))
    return {
        "blocks": closed(code, _braces),
        "brackets": closed(code, _round_and_square),
        "words": _known_words(comments, known),
        "distinct": distinct(samples),
    }


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


def distinct(samples: Iterable[str]) -> float:
    """The share of longer lines that do not stand in the same sample before."""
    lines = [[line.strip() for line in sample.split("\n") if len(line.strip()) >= LONG_LINE] for sample in samples]
    return sum(len(set(each)) for each in lines) / max(1, sum(map(len, lines)))


def vocabulary(text: str) -> frozenset[str]:
    """The words of a text, of four letters and more."""
    return frozenset(WORD.findall(text.lower()))


def markov(text: str, order: int, length: int, seed: int = 0) -> str:
    """A chain whose every character is drawn from those that follow its last `order` characters in a text."""
    followers: dict[str, list[str]] = {}
    for place in range(len(text) - order):
        followers.setdefault(text[place : place + order], []).append(text[place + order])
    rng = random.Random(seed)
    written = text[:order]
    while len(written) < length:
        written += rng.choice(followers.get(written[-order:], [text[0]]))
    return written


def _environments(sample: str) -> Iterator[Mark]:
    for found in re.finditer(r"\\(begin|end)\{([A-Za-z*]+)\}", sample):
        yield Mark(found[2], found[1] == "begin")


def _braces(sample: str) -> Iterator[Mark]:
    return _brackets(sample, "{}")


def _round_and_square(sample: str) -> Iterator[Mark]:
    return _brackets(sample, "()[]")


def _brackets(sample: str, which: str) -> Iterator[Mark]:
    for char in sample:
        if char in which:
            yield Mark(PAIRS.get(char, char), char not in PAIRS)


def _paired_dollars(samples: Iterable[str]) -> float:
    counts = [part.count("$") for sample in samples for part in sample.split("\n\n")]
    return sum(count - count % 2 for count in counts) / max(1, sum(counts))


def _known_words(samples: Iterable[str], known: Collection[str]) -> float:
    words = [word for sample in samples for word in WORD.findall(sample.lower())]
    return sum(word in known for word in words) / max(1, len(words))
