"""What is said of text: bits per character, how it is written, and whether it was copied."""

import math
from typing import TYPE_CHECKING, Any

from seqlab.cli.layout import table

if TYPE_CHECKING:
    from seqlab.language.scorecard import Scorecard


def bits(metrics: dict[str, Any], part: str) -> list[str]:
    """Its figures on that part of a text: with its n-gram cache and, as it writes, without."""
    on = f"on {part}, {metrics['chars']:,} characters"
    if "of_chars" in metrics:
        on = f"on the first {metrics['chars']:,} of {metrics['of_chars']:,} characters of {part}"
        if "interval" in metrics:
            low, high = metrics["interval"]["bits_per_char"]
            on += f"; all of it, 95 %: {low:.4f} to {high:.4f} bits"
        on += " (`seqlab evaluate` reads it all)"
    if metrics["adapted"]:
        on += ", learning from each 128 once read"
    figure = (
        f"{metrics['bits_per_char']:.4f} bits per character ({metrics['nats_per_char']:.4f} nats, "
        f"perplexity {metrics['perplexity']:.4g})"
    )
    if "bits_per_char_alone" not in metrics:  # it has no cache, or it was left empty
        return [figure, on]
    alone = f"{metrics['bits_per_char_alone']:.4f} bits per character ({metrics['nats_per_char_alone']:.4f} nats)"
    return [f"{figure} with its n-gram cache", f"{alone} without it: the net alone, as it writes", on]


def evaluation(metrics: dict[str, Any], vocab_size: int) -> list[str]:
    """The lines of `seqlab evaluate`."""
    return [
        *bits(metrics, "its last tenth" if metrics["split"] == "test" else "all of it"),
        f"a character drawn at random from the vocabulary: {math.log2(vocab_size):.2f} bits",
    ]


def sample_line(text: str, width: int) -> str:
    """The beginning of what a model writes while it trains, in one line of at most so many columns, as Python's repr:
    its newlines and control characters are seen."""
    from rich.cells import cell_len

    while text and cell_len(f"  writes {text!r}") > width:
        text = text[:-1]
    return f"  writes {text!r}"


def scorecard(found: "Scorecard") -> list[str]:
    """The lines of `seqlab evaluate --writing`: counts and shares, each with what it is of."""
    from seqlab.language.scorecard import MEANINGS

    rows = [["", "written", "held out", ""]]
    for name in found.written:
        written, held_out = (_figure(scores[name]) for scores in (found.written, found.held_out))
        rows.append([name, written, held_out, f"  {MEANINGS[name]}"])
    return table(rows, [-12, 9, 9, 0])


def _figure(value: float) -> str:
    return f"{value:,}" if isinstance(value, int) else f"{value:.3f}"


def copy(found: dict[str, Any]) -> str:
    """The longest run of a text that also stands in the training text."""
    name = found["corpus"]
    if not found["length"]:
        return f"no character of it stands in the training text of {name}"
    return (
        f"longest run that also stands in the training text: {found['length']:,} characters, from character "
        f"{found['offset']:,} of {name}: {found['text']!r}"
    )
