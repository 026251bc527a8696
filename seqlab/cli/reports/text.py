"""What is said of text: bits per character, how it is written, and whether it was copied."""

import math
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from seqlab.language.scorecard import Scorecard


def bits(metrics: dict[str, Any], part: str) -> str:
    return (
        f"{metrics['bits_per_char']:.4f} bits per character ({metrics['nats_per_char']:.4f} nats) on {part}, "
        f"{metrics['chars']:,} characters"
    )


def evaluation(metrics: dict[str, Any], vocab_size: int) -> list[str]:
    """The lines of `seqlab evaluate`."""
    part = "its last tenth" if metrics["split"] == "test" else "all of it"
    return [
        f"{metrics['bits_per_char']:.4f} bits per character ({metrics['nats_per_char']:.4f} nats, perplexity "
        f"{metrics['perplexity']:.3f}) on {part}, {metrics['chars']:,} characters"
        + (", learning from each 128 when they were read" if metrics["adapted"] else "")
        + (", with its n-gram cache (--no-cache: left empty)" if metrics["ngram_cache"] else ""),
        f"a character drawn at random from the vocabulary: {math.log2(vocab_size):.2f} bits",
    ]


def scorecard(found: "Scorecard") -> list[str]:
    """The lines of `seqlab evaluate --writing`: counts and shares, each with what it is of."""
    from seqlab.language.scorecard import MEANINGS

    lines = [f"{'':12} {'written':>8} {'held out':>8}"]
    for name in found.written:
        written, held_out = (_figure(scores[name]) for scores in (found.written, found.held_out))
        lines.append(f"{name:12} {written:>8} {held_out:>8}  {MEANINGS[name]}")
    return lines


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
