"""An n-gram cache: what followed in a text when its last characters stood there before.

The last characters are a context in several ways: the last n of them, for each of ORDERS; the word so far, wherever it
begins; and the word so far after the same word before, whatever stands between the two. Each is looked up in what has
been read; CANDIDATES characters that followed it are kept: the latest, and the latest other one before it, each with a
confidence. These are the match, run and word models of the PAQ compressors (Mahoney 2005) as input to a network: a
cache (Grave et al. 2017) that costs no training and no weights, and fits the text at hand.

A cache reaches back WINDOW characters from the last multiple of BLOCK, so that one sort serves a whole block.
"""

from collections.abc import Iterable, Iterator

import numpy as np

from seqlab.data.batches import Tokens

ORDERS = (2, 3, 4, 5, 6, 8, 11, 16, 24)
CONTEXTS = len(ORDERS) + 2  # and the two of words
LONGEST_WORD = 32  # letters; a longer one is no context
CANDIDATES = 2  # characters per context
SLOTS = CONTEXTS * CANDIDATES
CONFIDENCES = 16  # 0: no candidate; else 1 + 2 * bucket of the run, + 1 where there is another candidate too
WINDOW = 1 << 18
BLOCK = 1 << 17

_LONGEST_RUN = 33
_BUCKET = np.digitize(np.arange(_LONGEST_RUN + 1), [2, 3, 5, 9, 17, 33]).astype(np.uint8)  # run -> 0..6
_POSITION_BITS = np.uint64(21)  # a history and its block; the other bits are the hash of a context
_POSITION = np.uint64((1 << 21) - 1)
_FACTOR = 0x9E3779B97F4A7C15  # odd, and so invertible modulo 2^64
_INVERSE = pow(_FACTOR, -1, 1 << 64)
_SECOND = np.uint64(0x632BE59BD9B4E019)


def candidates_at(
    tokens: Tokens, start: int, stop: int, since: int, letters: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """What a cache that began to read at `since` holds for each of the tokens at start..stop-1, when it has read all
    before that token.

    tokens (N,) integers; letters (V,): which of them words are made of -> candidates (stop - start, SLOTS) in their
    type, and confidences (stop - start, SLOTS) as uint8, 0 where there is no candidate. Slots: the latest candidate of
    each context, then the other one of each. Contexts are compared by 43 bits of a hash: in a hundred blocks one is
    taken for another. At most 2^21 tokens.
    """
    read = np.asarray(tokens[since:stop])
    candidates = np.zeros((stop - start, SLOTS), read.dtype)
    confidences = np.zeros((stop - start, SLOTS), np.uint8)
    for slot, (places, hashes) in enumerate(_hashed_contexts(read, letters)):
        if len(places) > 1:
            _look_up(read, places, hashes, start - since, candidates[:, slot::CONTEXTS], confidences[:, slot::CONTEXTS])
    return candidates, confidences


def _hashed_contexts(read: np.ndarray, letters: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Of each context: the places in a text (N,) that are preceded by one, in their order, and its hash there."""
    size = len(read)
    hashes = np.zeros(size, np.uint64)  # of the n tokens before each
    power, reach = 1, 0
    codes = read.astype(np.uint64) + np.uint64(1)
    for order in ORDERS:
        while reach < min(order, size):
            power, reach = power * _FACTOR % 2**64, reach + 1
            hashes[reach:] += codes[: size - reach] * np.uint64(power)
        yield np.arange(order, size, dtype=np.uint64), hashes[order:]
    sums = np.zeros(size + 1, np.uint64)
    np.cumsum(codes * _powers(_FACTOR, size), out=sums[1:])
    inverse = _powers(_INVERSE, size + 1)
    index, is_letter = np.arange(size + 1), letters[read]
    starts, ends = np.zeros((2, size + 1), np.int64)
    starts[1:][~is_letter] = index[1:][~is_letter]
    starts = np.maximum.accumulate(starts)  # of the word before each place: the place itself where there is none
    ends[1:-1][is_letter[:-1] & ~is_letter[1:]] = index[1:-1][is_letter[:-1] & ~is_letter[1:]]
    ends = np.maximum.accumulate(ends)  # of the last word that is whole, 0 without one
    word = (sums - sums[starts]) * inverse[starts]
    length = index - starts
    end_before = ends[starts]
    start_before = starts[end_before]
    before = word[end_before] * _SECOND
    is_short = length <= LONGEST_WORD
    has_before = (end_before > 0) & (end_before - start_before <= LONGEST_WORD)
    for known, context in ((is_short & (length > 0), word), (is_short & has_before, word + before + _SECOND)):
        places = np.flatnonzero(known[:-1])
        yield places.astype(np.uint64), context[places]


def _powers(base: int, count: int) -> np.ndarray:
    powers = np.full(count, base, np.uint64)
    powers[:1] = 1
    return np.cumprod(powers, out=powers)


def _look_up(
    read: np.ndarray,
    at: np.ndarray,
    hashes: np.ndarray,
    offset: int,
    candidates: np.ndarray,
    confidences: np.ndarray,
) -> None:
    """Fill in the two candidates of one context and their confidences, (N, 2) each, for the tokens from `offset` on."""
    mixed = hashes ^ (hashes >> np.uint64(32))
    mixed *= np.uint64(_FACTOR)
    keys = np.sort((mixed & ~_POSITION) | at)
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
    candidates[rows, 0] = followed[before]
    confidences[rows, 0] = _confidence(run, has_other)
    candidates[rows, 1] = np.where(has_other, followed[last_other], 0)
    confidences[rows, 1] = np.where(has_other, _confidence(other_run, run > 1), 0)


def _confidence(run: np.ndarray, other: np.ndarray) -> np.ndarray:
    return 1 + 2 * _BUCKET[np.minimum(run, _LONGEST_RUN)] + other


_CONFIDENCE = [[1 + 2 * int(bucket) + other for other in (0, 1)] for bucket in _BUCKET]


def window_start(position: int) -> int:
    """Where the text begins that a cache holds at a position."""
    return max(0, position // BLOCK * BLOCK - WINDOW)


Context = str | tuple[str, str] | None


class NgramCache:
    """A text as it is read, token by token: `candidates` is what `candidates_at` gives for the next.

    letters: as there. `frozen`: what is appended from now on is context only, and not kept.
    """

    def __init__(self, letters: np.ndarray, tokens: Iterable[int] = ()) -> None:
        self._letters = letters.tolist()
        self._text: list[int] = []
        self.frozen = False
        self._clear()
        for token in tokens:
            self.append(token)

    def _clear(self) -> None:
        # of each context: what it is -> (latest, its run, other, other run)
        self._tables: list[dict[Context, tuple[int, int, int, int]]] = [{} for _ in range(CONTEXTS)]
        self._tail = self._word = self._before = ""  # the last characters, the word so far, and the one before it

    def append(self, token: int) -> None:
        if self.frozen:
            self._go_on(token)
            return
        self._text.append(token)
        self._add(token)
        if window_start(len(self._text)) > window_start(len(self._text) - 1):  # what is older goes, block by block
            self._clear()
            for kept in self._text[window_start(len(self._text)) :]:
                self._add(kept)

    def _add(self, token: int) -> None:
        for context, table in zip(self._contexts(), self._tables, strict=True):
            if context is not None:
                latest, run, other, other_run = table.get(context, (token, 0, 0, 0))
                if latest == token:
                    table[context] = (token, run + 1, other, other_run)
                else:
                    table[context] = (token, 1, latest, run)
        self._go_on(token)

    def _go_on(self, token: int) -> None:
        char = chr(token)
        self._tail = (self._tail + char)[-ORDERS[-1] :]
        if self._letters[token]:
            self._word = (self._word + char)[: LONGEST_WORD + 1]
        elif self._word:
            self._before, self._word = self._word, ""

    def _contexts(self) -> list[Context]:
        """Each of the contexts that the next token stands in, or None."""
        tail, word, before = self._tail, self._word, self._before
        found: list[Context] = [tail[-order:] if len(tail) >= order else None for order in ORDERS]
        is_short = len(word) <= LONGEST_WORD
        found.append(word if word and is_short else None)
        found.append((before, word) if 0 < len(before) <= LONGEST_WORD and is_short else None)
        return found

    def candidates(self) -> tuple[list[int], list[int]]:
        """The candidates and confidences (SLOTS,) for the next token."""
        candidates, confidences = [0] * SLOTS, [0] * SLOTS
        for slot, (context, table) in enumerate(zip(self._contexts(), self._tables, strict=True)):
            if context is not None and (found := table.get(context)) is not None:
                latest, run, other, other_run = found
                candidates[slot], confidences[slot] = latest, _CONFIDENCE[min(run, _LONGEST_RUN)][other_run > 0]
                if other_run:
                    candidates[CONTEXTS + slot] = other
                    confidences[CONTEXTS + slot] = _CONFIDENCE[min(other_run, _LONGEST_RUN)][run > 1]
        return candidates, confidences
