"""What of one text also stands in another: did a model write, or did it copy?

Every window of L tokens gets a polynomial hash modulo 2^64, and the corpus's windows are looked up among the text's
(Karp and Rabin 1987): about one pass over the corpus, in pieces, so that it may be a memory map. For the longest run a
match is compared token by token and followed to its end, and from there only longer runs are looked for.
"""

from typing import NamedTuple

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from seqlab.data.batches import Tokens

PIECE = 1 << 18  # windows at a time; small, since the first pieces are looked through again at every better run
BASE = 0x9E3779B97F4A7C15  # odd, and so invertible modulo 2^64
INVERSE = pow(BASE, -1, 1 << 64)


class Run(NamedTuple):
    """A run that two texts share: its length in tokens, and where it begins in each, from 0."""

    length: int
    start_in_text: int
    start_in_corpus: int


def longest_common_run(text: np.ndarray, corpus: Tokens) -> Run:
    """The longest run of tokens of `text` (N,) that also stands in `corpus` (M,), both of unsigned integers.

    Among several of that length it is the first in the corpus, and there the first in the text. Without a common token
    its length is 0. Exact: hashes only propose.
    """
    best, start = Run(0, 0, 0), 0
    while best.length < len(text) and start + best.length < len(corpus):
        found = _longer_run(best.length + 1, text, corpus, start)
        if found is None:
            start += PIECE
        else:
            best = found
    return best


def standing(windows: np.ndarray, corpus: Tokens) -> np.ndarray:
    """Which windows (N, L) of tokens stand somewhere in `corpus` (M,), both of unsigned integers: (N,) of bool.

    Exact: hashes only propose.
    """
    count, length = windows.shape
    windows, found = windows.astype(np.uint32), set()
    hashes = np.unique(windows.astype(np.uint64) @ _powers(BASE, length))
    for start in range(0, len(corpus) - length + 1 if count else 0, PIECE):
        piece = corpus[start : start + PIECE + length - 1]
        seen = _hashes(piece, length)
        hits = np.flatnonzero(hashes[np.searchsorted(hashes, seen).clip(max=len(hashes) - 1)] == seen)
        found |= {window.tobytes() for window in sliding_window_view(piece.astype(np.uint32), length)[hits]}
    return np.array([window.tobytes() in found for window in windows], bool)


def _longer_run(length: int, text: np.ndarray, corpus: Tokens, start: int) -> Run | None:
    """A run of at least `length` that begins within a piece of the corpus from `start` on: the first there, or none."""
    hashes = _hashes(text, length)
    order = np.argsort(hashes, kind="stable")
    hashes = hashes[order]
    seen = _hashes(corpus[start : start + PIECE + length - 1], length)
    places = np.searchsorted(hashes, seen).clip(max=len(hashes) - 1)
    for hit in np.flatnonzero(hashes[places] == seen).tolist():
        in_corpus = start + hit
        for in_text in order[hashes == seen[hit]].tolist():
            common = _common(text[in_text:], corpus[in_corpus : in_corpus + len(text) - in_text])
            if common >= length:
                return Run(common, in_text, in_corpus)
    return None


def _common(one: np.ndarray, other: np.ndarray) -> int:
    """How many tokens at their beginning two texts share."""
    shorter = min(len(one), len(other))
    differ = np.flatnonzero(one[:shorter] != other[:shorter])
    return int(differ[0]) if len(differ) else shorter


def _hashes(tokens: np.ndarray, length: int) -> np.ndarray:
    """The hash of every window of `length` tokens, sum of token * BASE^k over its places k, modulo 2^64."""
    sums = np.zeros(len(tokens) + 1, np.uint64)
    np.cumsum(tokens.astype(np.uint64) * _powers(BASE, len(tokens)), out=sums[1:])
    windows = sums[length:] - sums[:-length]
    return windows * _powers(INVERSE, len(windows))


def _powers(base: int, count: int) -> np.ndarray:
    powers = np.full(count, base, np.uint64)
    powers[:1] = 1
    return np.cumprod(powers, out=powers)
