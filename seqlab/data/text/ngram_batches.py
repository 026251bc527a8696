"""Batches of a text with what an n-gram cache holds for each target, so that a net learns to use it."""

import math
import os
import tempfile
from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

from seqlab.data.batches import StreamBatches, Tokens, seeded
from seqlab.data.text.ngram_cache import BLOCK, SLOTS, candidates_at, window_start
from seqlab.errors import DataError


class NgramBatches:
    """StreamBatches of a whole text with the candidates of an n-gram cache for each target beside its input.

    tokens (N,), read from its beginning -> ((tokens, candidates, confidences, reset_mask), targets): (B, T), two times
    (B, T, SLOTS) as of `candidates_at`, and which streams begin anew (B,). The candidates are kept in a temporary file,
    a block per stream. letters (V,): which tokens words are made of. reset_prob: the share of stretches of STRETCH
    batches that begin as a text does, with an empty cache: a net that never met that could not begin. Which ones is a
    function of (seed, epoch, stretch).
    """

    STRETCH = 64

    def __init__(
        self,
        tokens: Tokens,
        batch_size: int,
        seq_len: int,
        letters: np.ndarray,
        device: torch.device | str = "cpu",
        *,
        reset_prob: float = 0.0,
        seed: int = 0,
    ) -> None:
        self.streams = StreamBatches(tokens, batch_size, seq_len, device)
        self.tokens, self.letters, self.reset_prob, self.seed = tokens, letters, reset_prob, seed
        shape = (batch_size, min(self.streams.width, BLOCK), SLOTS)
        spool = tempfile.TemporaryFile()  # noqa: SIM115 - it stays as long as it is mapped
        _reserve(spool.fileno(), math.prod(shape) * (np.dtype(tokens.dtype).itemsize + 1))
        candidates = np.memmap(spool, tokens.dtype, shape=shape)
        confidences = np.memmap(spool, np.uint8, offset=candidates.nbytes, shape=shape)
        self.firsts = [1 + row * self.streams.width for row in range(batch_size)]  # the first target of each stream
        lasts = [min(first + self.streams.width, len(tokens)) for first in self.firsts]
        self.readers = [
            _Reader(tokens, letters, *each) for each in zip(self.firsts, lasts, candidates, confidences, strict=True)
        ]

    def __len__(self) -> int:
        return len(self.streams)

    def epoch(self, number: int, start: int = 0) -> Iterator[tuple[tuple[Tensor, Tensor, Tensor, Tensor], Tensor]]:
        """The batches of an epoch in the order of the text; `number` chooses the stretches that begin anew."""
        batch_size, stretch = self.streams.batch_size, self.STRETCH * self.streams.seq_len
        emptied: dict[int, _Reader] = {}
        for index, (inputs, targets) in enumerate(self.streams.epoch(number, start), start):
            reset_mask = torch.zeros(batch_size, dtype=torch.bool)
            if index % self.STRETCH == 0 or index == start:
                chance = torch.rand(batch_size, generator=seeded(self.seed, number, index // self.STRETCH))
                resets = chance < self.reset_prob
                offset = index // self.STRETCH * stretch
                emptied = {
                    row: _Reader.emptied(self.tokens, self.letters, first := self.firsts[row] + offset, first + stretch)
                    for row in resets.nonzero().flatten().tolist()
                }
                reset_mask = resets if index % self.STRETCH == 0 else reset_mask
            offset, length = index * self.streams.seq_len, inputs.shape[1]
            parts = [
                emptied.get(row, self.readers[row]).read(self.firsts[row] + offset, length) for row in range(batch_size)
            ]
            candidates, confidences = (torch.from_numpy(np.stack(part)).long() for part in zip(*parts, strict=True))
            device = inputs.device
            yield (inputs, candidates.to(device), confidences.to(device), reset_mask.to(device)), targets


def _reserve(file: int, size: int) -> None:
    """Take the room now, where a system can: a mapped file that finds none later kills the process without a word."""
    try:
        if hasattr(os, "posix_fallocate"):
            os.posix_fallocate(file, 0, size)
    except OSError as problem:
        raise DataError(
            f"a temporary file of {size >> 20} MiB in {tempfile.gettempdir()} cannot be written: {problem.strerror}",
            "free some space there, or name another folder in TMPDIR",
        ) from problem


class _Reader:
    """The candidates along one stream, tokens[first:last], worked out a block at a time into the two arrays."""

    def __init__(
        self,
        tokens: Tokens,
        letters: np.ndarray,
        first: int,
        last: int,
        candidates: np.ndarray,
        confidences: np.ndarray,
    ) -> None:
        self.tokens, self.letters, self.last = tokens, letters, last
        self.candidates, self.confidences = candidates, confidences
        self.start = self.stop = first  # what the arrays hold

    @classmethod
    def emptied(cls, tokens: Tokens, letters: np.ndarray, first: int, last: int) -> "_Reader":
        """One whose cache is empty at `first`."""
        last = min(last, len(tokens))
        first = min(first, last)
        candidates, confidences = candidates_at(tokens, first, last, first, letters)
        reader = cls(tokens, letters, first, last, candidates, confidences)
        reader.stop = last
        return reader

    def read(self, position: int, length: int) -> tuple[np.ndarray, np.ndarray]:
        """For the tokens at position..position+length-1: candidates and confidences (length, SLOTS), 0 past the end."""
        candidates = np.zeros((length, SLOTS), self.candidates.dtype)
        confidences = np.zeros((length, SLOTS), np.uint8)
        done = 0
        while done < length and (here := position + done) < self.last:
            if not self.start <= here < self.stop:
                self.start, self.stop = here, min(self.last, (here // BLOCK + 1) * BLOCK, here + len(self.candidates))
                held = slice(0, self.stop - here)
                found = candidates_at(self.tokens, here, self.stop, window_start(here), self.letters)
                self.candidates[held], self.confidences[held] = found
            count = min(length - done, self.stop - here)
            held = slice(here - self.start, here - self.start + count)
            candidates[done : done + count] = self.candidates[held]
            confidences[done : done + count] = self.confidences[held]
            done += count
        return candidates, confidences
