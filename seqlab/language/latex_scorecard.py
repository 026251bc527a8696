r"""Whether written LaTeX holds together: environments that their \end closes, math and braces that pair up."""

import re
from collections.abc import Iterator, Sequence

CUT = 2  # environments that may be open at the end of a sample, which is cut off there, and do not count

ENVIRONMENT = re.compile(r"\\(begin|end)\{([a-zA-Z*]+)\}")
ESCAPED = re.compile(r"\\[$%{}\\]")
NO_PROSE = re.compile(r"\\[a-zA-Z]+|\$[^$]*\$")


def scores(samples: Sequence[str]) -> dict[str, float]:
    r"""environments: how many are opened, less those that the end of a sample cuts off; closed: the share of them that
    an \end of their name closes, with nothing open inside; math: the share of $ and of $$ that pair up within their
    paragraph; braces: the share of lines after which no more {} are closed in the paragraph than were open.

    The first and the last paragraph of a sample are left out of math and braces: they are cut. A share of nothing is 0.
    """
    opened, closed = environments(samples)
    parts = list(paragraphs(samples))
    lines = [within for part in parts for within in _lines_within_braces(part)]
    return {
        "environments": opened,
        "closed": closed / max(1, opened),
        "math": paired_dollars(parts),
        "braces": sum(lines) / max(1, len(lines)),
    }


def environments(samples: Sequence[str]) -> tuple[int, int]:
    """How many are opened, and how many of these are closed."""
    opened = closed = 0
    for sample in samples:
        still_open: list[str] = []
        for found in ENVIRONMENT.finditer(sample):
            if found[1] == "begin":
                opened += 1
                still_open.append(found[2])
            elif still_open[-1:] == [found[2]]:
                closed += 1
                still_open.pop()
        opened -= min(CUT, len(still_open))
    return opened, closed


def paragraphs(samples: Sequence[str]) -> Iterator[str]:
    """The whole paragraphs of all samples, without escaped characters."""
    for sample in samples:
        yield from ESCAPED.sub("", sample).split("\n\n")[1:-1]


def paired_dollars(parts: Sequence[str]) -> float:
    """The share of $$, and of the $ beside them, that have a partner in their paragraph."""
    counts = [count for part in parts for count in (part.count("$$"), part.replace("$$", "").count("$"))]
    return sum(count - count % 2 for count in counts) / max(1, sum(counts))


def prose(text: str) -> str:
    """The text less its commands and its math."""
    return NO_PROSE.sub(" ", text)


def _lines_within_braces(paragraph: str) -> Iterator[bool]:
    """Of each line whether it closes no more braces than are open in the paragraph."""
    depth = 0
    for line in paragraph.split("\n"):
        depth += line.count("{") - line.count("}")
        yield depth >= 0
        depth = max(depth, 0)
