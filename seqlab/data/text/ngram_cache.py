"""An n-gram cache: what followed in a text when its last characters stood there before.

For each of ORDERS, the last n characters are looked up in what has been read; CANDIDATES characters that followed them
are kept: the latest, and the latest other one before it, each with a confidence. That is the match model and the run
model of the PAQ compressors (Mahoney 2005) as input to a network: a cache (Grave et al. 2017) that costs no training
and no weights, and fits the text at hand.

A cache reaches back WINDOW characters from the last multiple of BLOCK, so that one sort serves a whole block.
"""

from collections.abc import Iterable

import numpy as np

from seqlab.data.batches import Tokens

ORDERS = (2, 3, 4, 5, 6, 8, 11, 16, 24)
GENERATING_ORDER = 6  # the longest context that is looked up in a prompt: longer ones end in copying it
CANDIDATES = 2  # characters per order
SLOTS = len(ORDERS) * CANDIDATES
CONFIDENCES = 16  # 0: no candidate; else 1 + 2 * bucket of the run, + 1 where there is another candidate too
WINDOW = 1 << 18
BLOCK = 1 << 17

_LONGEST_RUN = 33
_BUCKET = np.digitize(np.arange(_LONGEST_RUN + 1), [2, 3, 5, 9, 17, 33]).astype(np.uint8)  # run -> 0..6
_POSITION_BITS = np.uint64(21)  # a history and its block; the other bits are the hash of a context
_POSITION = np.uint64((1 << 21) - 1)
_FACTOR = 0x9E3779B97F4A7C15


def candidates_at(tokens: Tokens, start: int, stop: int, since: int) -> tuple[np.ndarray, np.ndarray]:
    """What a cache that began to read at `since` holds for each of the tokens at start..stop-1, when it has read all
    before that token.

    tokens (N,) integers -> candidates (stop - start, SLOTS) in their type, and confidences (stop - start, SLOTS) as
    uint8, 0 where there is no candidate. Slots: the latest candidate of each order, then the other one of each.
    Contexts are compared by 43 bits of a hash: in a hundred blocks one is taken for another. At most 2^21 tokens.
    """
    read = tokens[since:stop]
    size, offset = len(read), start - since
    candidates = np.zeros((stop - start, SLOTS), tokens.dtype)
    confidences = np.zeros((stop - start, SLOTS), np.uint8)
    hashes = np.zeros(size, np.uint64)  # of the n tokens before each
    power, reach = 1, 0
    codes = read.astype(np.uint64) + np.uint64(1)
    for slot, order in enumerate(ORDERS):
        while reach < min(order, size):
            power, reach = power * _FACTOR % 2**64, reach + 1
            hashes[reach:] += codes[: size - reach] * np.uint64(power)
        if size - order < 2:
            break
        mixed = hashes[order:] ^ (hashes[order:] >> np.uint64(32))
        mixed *= np.uint64(_FACTOR)
        keys = np.sort((mixed & ~_POSITION) | np.arange(order, size, dtype=np.uint64))
        places = (keys & _POSITION).astype(np.int32)  # contexts together, each in the order of the text
        same = (keys[1:] ^ keys[:-1]) <= _POSITION
        followed = read[places]
        index = np.arange(len(keys), dtype=np.int32)
        run_start, context_start = np.zeros_like(index), np.zeros_like(index)
        context_start[1:] = np.where(same, 0, index[1:])
        run_start[1:] = np.where(same & (followed[1:] == followed[:-1]), 0, index[1:])
        np.maximum.accumulate(context_start, out=context_start)
        np.maximum.accumulate(run_start, out=run_start)
        before = np.flatnonzero(same & (places[1:] >= offset))  # the latest occurrence, for each token to look up
        rows = places[before + 1] - offset
        first = run_start[before]
        has_other = first > context_start[before]
        last_other = np.maximum(first - 1, 0)
        run, other_run = before - first + 1, last_other - run_start[last_other] + 1
        candidates[rows, slot] = followed[before]
        confidences[rows, slot] = _confidence(run, has_other)
        candidates[rows, len(ORDERS) + slot] = np.where(has_other, followed[last_other], 0)
        confidences[rows, len(ORDERS) + slot] = np.where(has_other, _confidence(other_run, run > 1), 0)
    return candidates, confidences


def _confidence(run: np.ndarray, other: np.ndarray) -> np.ndarray:
    return 1 + 2 * _BUCKET[np.minimum(run, _LONGEST_RUN)] + other


_CONFIDENCE = [[1 + 2 * int(bucket) + other for other in (0, 1)] for bucket in _BUCKET]


def window_start(position: int) -> int:
    """Where the text begins that a cache holds at a position."""
    return max(0, position // BLOCK * BLOCK - WINDOW)


class NgramCache:
    """A text as it is read, token by token: `candidates` is what `candidates_at` gives for the next.

    max_order: of the contexts that are looked up; longer ones have no candidates. `frozen`: what is appended from now
    on is context only, and not kept.
    """

    def __init__(self, tokens: Iterable[int] = (), max_order: int = ORDERS[-1]) -> None:
        self._orders = [order for order in ORDERS if order <= max_order]
        self._text: list[int] = []
        self.frozen = False
        self._clear()
        for token in tokens:
            self.append(token)

    def _clear(self) -> None:
        # of each order: context -> (latest, its run, other, its run)
        self._tables: list[dict[str, tuple[int, int, int, int]]] = [{} for _ in self._orders]
        self._tail = ""

    def append(self, token: int) -> None:
        if self.frozen:
            self._tail = (self._tail + chr(token))[-ORDERS[-1] :]
            return
        self._text.append(token)
        self._add(token)
        if window_start(len(self._text)) > window_start(len(self._text) - 1):  # what is older goes, block by block
            self._clear()
            for kept in self._text[window_start(len(self._text)) :]:
                self._add(kept)

    def _add(self, token: int) -> None:
        tail = self._tail
        for order, table in zip(self._orders, self._tables, strict=True):
            if len(tail) < order:
                break
            context = tail[-order:]
            latest, run, other, other_run = table.get(context, (token, 0, 0, 0))
            if latest == token:
                table[context] = (token, run + 1, other, other_run)
            else:
                table[context] = (token, 1, latest, run)
        self._tail = (tail + chr(token))[-ORDERS[-1] :]

    def candidates(self) -> tuple[list[int], list[int]]:
        """The candidates and confidences (SLOTS,) for the next token."""
        candidates, confidences = [0] * SLOTS, [0] * SLOTS
        tail = self._tail
        for slot, (order, table) in enumerate(zip(self._orders, self._tables, strict=True)):
            if len(tail) < order or (found := table.get(tail[-order:])) is None:
                break  # where a context is new, longer ones are
            latest, run, other, other_run = found
            candidates[slot], confidences[slot] = latest, _CONFIDENCE[min(run, _LONGEST_RUN)][other_run > 0]
            if other_run:
                candidates[len(ORDERS) + slot] = other
                confidences[len(ORDERS) + slot] = _CONFIDENCE[min(other_run, _LONGEST_RUN)][run > 1]
        return candidates, confidences
