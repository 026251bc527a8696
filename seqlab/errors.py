"""Errors on purpose: each names the thing that failed and the next step."""

from __future__ import annotations  # so that an old Python gets as far as what `seqlab.__main__` says of it

import difflib
from collections.abc import Iterable
from typing import ClassVar

LONGEST = 600  # characters of a message: of a longer one, which quotes something huge, the middle is left out


class SeqlabError(Exception):
    """Base of every error seqlab raises on purpose.

    message: what is wrong, naming the file, column, line or option.
    hint: what to do next.
    kind: the same for all errors of a class, for scripts.
    """

    kind: ClassVar[str] = "failed"

    def __init__(self, message: str, hint: str) -> None:
        if len(message) > LONGEST:
            message = f"{message[: LONGEST - 200]} ... {message[-195:]}"
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message} ({self.hint})"

    def __reduce__(self) -> tuple[type, tuple[str, str]]:
        return type(self), (self.message, self.hint)  # as it was made: it may come from another process


class UsageError(SeqlabError):
    """A name, option or setting that does not exist or does not fit."""

    kind = "usage"


class DataError(SeqlabError):
    """Data that is missing, empty, malformed or not what its checksum says."""

    kind = "data"


class NetworkError(SeqlabError):
    """Something could not be fetched and nothing stored can stand in."""

    kind = "network"


class CheckpointError(SeqlabError):
    """A checkpoint that is missing, damaged, or in the way."""

    kind = "checkpoint"


class DivergenceError(SeqlabError):
    """A loss or gradient that is no longer finite. The weights were not touched by it."""

    kind = "diverged"


def did_you_mean(name: str, known: Iterable[str], otherwise: str = "") -> str:
    """A hint that names the closest of `known`, or all of them where none is close, and what else can be done."""
    known = sorted(known)
    close = difflib.get_close_matches(name, known, n=1, cutoff=0.6)
    if close:
        return f"did you mean '{close[0]}'?" + (f" or {otherwise}" if otherwise else "")
    return ("known: " + ", ".join(known) if known else "there are none") + (f"; or {otherwise}" if otherwise else "")
