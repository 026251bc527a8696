"""seqlab score FILE --corpus NAME"""

import math
import os
import shlex
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from seqlab import files
from seqlab.cli.charts import is_page, write_page
from seqlab.cli.options import Common
from seqlab.cli.output import Bar, is_read_aloud, result, result_json_list, say
from seqlab.cli.redirect import page_options
from seqlab.data.text.decoding import text_of
from seqlab.errors import DataError
from seqlab.formatting import plain

if TYPE_CHECKING:
    import numpy as np

# bits from which on a character is drawn so: dark letters on a ground that grows redder, in light and dark terminals
STEPS = (
    (2, "black on #ffe9a8"),
    (4, "black on #ffb347"),
    (8, "white on red"),
)


@click.command("score")
@click.argument("file")
@click.option("--corpus", required=True, metavar="NAME", help="A trained corpus, or a checkpoint's name or folder.")
@page_options
def command(common: Common, file: str, corpus: str) -> None:
    """How probable FILE (- for standard input) is under the model trained on a corpus, character by character.

    On a terminal the text is coloured by surprise; elsewhere every line stands after its bits per character. With
    -o FILE.html it is written as a report.
    """
    text, notes = _read(file)
    from seqlab import api  # after the cheap errors: it imports torch

    model = api.load(corpus, job="language", **common.device_options)
    say(common, f"checkpoint {model.checkpoint.where}, {model.checkpoint.config['parameters']:,} parameters")
    for note in notes:
        say(common, note)
    if missing := model.model.vocab.missing(text):
        names = ", ".join(f"{char!r} (U+{ord(char):04X})" for char in missing[:8])
        say(common, f"{len(missing):,} of its characters the model has never seen, 20 bits and more each: {names}")
    kept: list[Any] = []
    pieces = _keeping(model.score_pieces(text), kept) if is_page(common.output) else model.score_pieces(text)
    if common.json:
        _as_json(common, text, pieces)
    else:
        _as_text(common, text, pieces)
    if is_page(common.output):
        import numpy as np

        from seqlab.language.written import Scored

        write_page(common, Scored(text, np.concatenate(kept)).report)


def _keeping(pieces: Iterator["np.ndarray"], kept: list[Any]) -> Iterator["np.ndarray"]:
    for piece in pieces:
        kept.append(piece)
        yield piece


def _as_text(common: Common, text: str, pieces: Iterator["np.ndarray"]) -> None:
    total = _show(common, text, pieces)
    chars = len(text)
    result(f"{total / chars:.4f} bits per character ({total / chars * math.log(2):.4f} nats), {chars:,} characters")


def _read(file: str) -> tuple[str, tuple[str, ...]]:
    """The text of a file, of standard input for `-`, read as a corpus is, and what is to be said of that."""
    path = Path(file)
    if file != "-" and path.is_dir():
        raise DataError(f"{file} is a folder", "name a file, or measure the folder: seqlab evaluate CHECKPOINT FOLDER")
    data = (
        files.read_stream(sys.stdin.buffer, "standard input") if file == "-" else files.read(path, files.LARGEST_TEXT)
    )
    name = "standard input" if file == "-" else shlex.quote(file)
    text, notes = text_of(data, name)
    if not text:
        raise DataError(f"{name} is empty", "give a text")
    return text, notes


def _as_json(common: Common, text: str, pieces: Iterator["np.ndarray"]) -> None:
    import numpy as np

    bar, log_probs, done = Bar(common), np.empty(len(text)), 0
    for piece in pieces:  # the mean stands before the characters
        log_probs[done : done + len(piece)] = piece
        done += len(piece)
        bar.show(f"{done:,} of {len(text):,} characters", done, len(text))
    bar.clear()
    nats = -float(log_probs.sum()) / len(text)
    chars = ({"char": char, "log_prob": float(one)} for char, one in zip(text, log_probs, strict=True))
    result_json_list({"nats_per_char": nats, "bits_per_char": nats / math.log(2)}, "chars", chars)


def _show(common: Common, text: str, pieces: Iterator["np.ndarray"]) -> float:
    """Write the text line by line as it is scored, and a legend. The sum of all bits."""
    colourful = sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
    colourful &= not is_read_aloud()
    write = _coloured_lines() if colourful else _plain_line
    total, place, bar = 0.0, 0, Bar(common)
    line: list[float] = []
    for piece in pieces:
        if common.output is not None:  # else the lines themselves show how far it is
            bar.show(f"{place:,} of {len(text):,} characters", place, len(text))
        for bits in (-piece / math.log(2)).tolist():
            line.append(bits)
            place += 1
            if text[place - 1] == "\n" or place == len(text):
                write(text[place - len(line) : place], line)
                total += math.fsum(line)
                line = []
    bar.clear()
    result("")
    if colourful:
        legend = [("surprise in bits: ", ""), (f"below {STEPS[0][0]}", "")]
        for number, (least, style) in enumerate(STEPS):
            upto = f" to {STEPS[number + 1][0]}" if number + 1 < len(STEPS) else " and more"
            legend += [("  ", ""), (f" {least}{upto} ", style)]
        _console().print(_assembled(legend), soft_wrap=True)
    return total


def _plain_line(line: str, bits: list[float]) -> None:
    result(f"{sum(bits) / len(bits):6.2f}  {line.removesuffix(chr(10))}", as_it_is=True)


def _coloured_lines() -> Any:
    console = _console()

    def write(line: str, bits: list[float]) -> None:
        parts: list[tuple[str, str]] = []
        for char, cost in zip(line, bits, strict=True):
            style = next((style for least, style in reversed(STEPS) if cost >= least), "")
            if char == "\n":
                char = "↵" if style else ""  # a line that ends by surprise
            parts.append((_picture(char), style))
        console.print(_assembled(parts), soft_wrap=True)

    return write


def _console() -> Any:
    from rich.console import Console

    return Console(highlight=False, markup=False, emoji=False)


def _assembled(parts: list[tuple[str, str]]) -> Any:
    from rich.text import Text

    return Text.assemble(*parts)


def _picture(char: str) -> str:
    """A control character as a picture of itself: it costs bits like others, and never reaches the terminal."""
    if plain(char) == char:
        return char
    return chr(0x2400 + ord(char)) if ord(char) < 32 else "␡" if ord(char) == 127 else "\ufffd"
