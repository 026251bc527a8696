"""Batches, as a function of (seed, epoch, index) alone.

Both kinds answer `epoch(number, start)` with an iterator over that epoch's batches from `start` on, so the
place in the data is two integers and resuming needs nothing else.
"""

import math
import os
import tempfile
from collections.abc import Callable, Iterator

import numpy as np
import torch
from torch import Tensor

from seqlab.data.text.corpus import Tokens
from seqlab.data.text.ngram_cache import BLOCK, LONGEST_WRITING, ORDERS, SLOTS, recall, since
from seqlab.errors import DataError

IGNORE_INDEX = -100  # the target that no loss counts: torch's own default for cross-entropy


class StreamBatches:
    """One long sequence of tokens cut into parallel streams whose state carries from batch to batch.

    tokens (N,) -> batches of inputs and next tokens, each (batch_size, seq_len); the last of an epoch may be
    shorter. Every token but the first is a target exactly once an epoch: the streams are padded at the end with
    IGNORE_INDEX. Only what a batch needs is read of the tokens. Raises DataError if there are too few to give every
    stream one.
    """

    def __init__(self, tokens: Tokens, batch_size: int, seq_len: int, device: torch.device | str = "cpu") -> None:
        targets = len(tokens) - 1
        if targets < batch_size:
            raise DataError(
                f"{len(tokens)} characters are too few for {batch_size} parallel streams",
                "use more text or a smaller batch_size",
            )
        self.tokens, self.batch_size, self.seq_len, self.device = tokens, batch_size, seq_len, device
        self.width = -(-targets // batch_size)  # of a stream

    def __len__(self) -> int:
        return -(-self.width // self.seq_len)

    def epoch(self, number: int, start: int = 0) -> Iterator[tuple[Tensor, Tensor]]:
        """The batches of an epoch in the order of the text. `number` does not matter: a stream has one order."""
        for index in range(start, len(self)):
            offset = index * self.seq_len
            shape = (self.batch_size, min(self.seq_len, self.width - offset))
            inputs, targets = np.zeros(shape, np.int64), np.full(shape, IGNORE_INDEX, np.int64)
            for row in range(self.batch_size):
                first = row * self.width + offset
                read = self.tokens[first : first + shape[1] + 1]
                count = max(len(read) - 1, 0)
                inputs[row, :count], targets[row, :count] = read[:count], read[1:]
            yield torch.from_numpy(inputs).to(self.device), torch.from_numpy(targets).to(self.device)  # (B, T), (B, T)


class RecallBatches:
    """StreamBatches of a whole text with what is recalled for each target beside its input.

    tokens (N,), read from its beginning -> ((tokens, characters, confidences, fresh), targets): (B, T), two times
    (B, T, SLOTS) as `recall` says, and which streams begin anew (B,). `forget`: the share of stretches of STRETCH
    batches that begin as a text does, and then recall nothing, or short contexts, or all: a net that never met that
    could not begin, or do without. Which ones is a function of (seed, epoch, stretch). What is recalled is kept in a
    temporary file, a block per stream.
    """

    STRETCH = 64

    def __init__(
        self,
        tokens: Tokens,
        batch_size: int,
        seq_len: int,
        device: torch.device | str = "cpu",
        *,
        forget: float = 0.0,
        seed: int = 0,
    ) -> None:
        self.streams = StreamBatches(tokens, batch_size, seq_len, device)
        self.tokens, self.forget, self.seed = tokens, forget, seed
        shape = (batch_size, min(self.streams.width, BLOCK), SLOTS)
        spool = tempfile.TemporaryFile()  # noqa: SIM115 - it stays as long as it is mapped
        _reserve(spool.fileno(), math.prod(shape) * (np.dtype(tokens.dtype).itemsize + 1))
        characters = np.memmap(spool, tokens.dtype, shape=shape)
        confidences = np.memmap(spool, np.uint8, offset=characters.nbytes, shape=shape)
        self.firsts = [1 + row * self.streams.width for row in range(batch_size)]  # the first target of each stream
        self.readers = [
            _Reader(tokens, first, min(first + self.streams.width, len(tokens)), characters[row], confidences[row])
            for row, first in enumerate(self.firsts)
        ]

    def __len__(self) -> int:
        return len(self.streams)

    def epoch(self, number: int, start: int = 0) -> Iterator[tuple[tuple[Tensor, Tensor, Tensor, Tensor], Tensor]]:
        """The batches of an epoch in the order of the text; `number` chooses the stretches that begin anew."""
        batch_size, stretch = self.streams.batch_size, self.STRETCH * self.streams.seq_len
        begun: dict[int, _Reader] = {}
        for index, (inputs, targets) in enumerate(self.streams.epoch(number, start), start):
            fresh = torch.zeros(batch_size, dtype=torch.bool)
            if index % self.STRETCH == 0 or index == start:
                chance = torch.rand(batch_size, generator=seeded(self.seed, number, index // self.STRETCH))
                begins = chance < self.forget
                offset = index // self.STRETCH * stretch
                begun = {
                    row: _Reader.afresh(
                        self.tokens,
                        self.firsts[row] + offset,
                        self.firsts[row] + offset + stretch,
                        longest=(0, LONGEST_WRITING, ORDERS[-1])[min(2, int(3 * chance[row] / self.forget))],
                    )
                    for row in begins.nonzero().flatten().tolist()
                }
                fresh = begins if index % self.STRETCH == 0 else fresh
            offset, length = index * self.streams.seq_len, inputs.shape[1]
            parts = [
                begun.get(row, self.readers[row]).read(self.firsts[row] + offset, length) for row in range(batch_size)
            ]
            said, sure = (torch.from_numpy(np.stack(part)).long() for part in zip(*parts, strict=True))
            yield (inputs, said.to(inputs.device), sure.to(inputs.device), fresh.to(inputs.device)), targets


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
    """What is recalled along one stream, tokens[first:last], worked out a block at a time into the two arrays."""

    def __init__(self, tokens: Tokens, first: int, last: int, characters: np.ndarray, confidences: np.ndarray) -> None:
        self.tokens, self.last = tokens, last
        self.characters, self.confidences = characters, confidences
        self.start = self.stop = first  # what the arrays hold

    @classmethod
    def afresh(cls, tokens: Tokens, first: int, last: int, longest: int) -> "_Reader":
        """One that knows nothing of what stands before `first`, and looks for contexts of at most `longest`."""
        last = min(last, len(tokens))
        first = min(first, last)
        characters, confidences = recall(tokens, first, last, first)
        confidences[:, np.tile(np.array(ORDERS) > longest, SLOTS // len(ORDERS))] = 0
        reader = cls(tokens, first, last, characters, confidences)
        reader.stop = last
        return reader

    def read(self, position: int, length: int) -> tuple[np.ndarray, np.ndarray]:
        """For the tokens at position..position+length-1: characters and confidences (length, SLOTS), 0 past the end."""
        characters = np.zeros((length, SLOTS), self.characters.dtype)
        confidences = np.zeros((length, SLOTS), np.uint8)
        done = 0
        while done < length and (here := position + done) < self.last:
            if not self.start <= here < self.stop:
                self.start, self.stop = here, min(self.last, (here // BLOCK + 1) * BLOCK, here + len(self.characters))
                held = slice(0, self.stop - here)
                self.characters[held], self.confidences[held] = recall(self.tokens, here, self.stop, since(here))
            count = min(length - done, self.stop - here)
            held = slice(here - self.start, here - self.start + count)
            characters[done : done + count] = self.characters[held]
            confidences[done : done + count] = self.confidences[held]
            done += count
        return characters, confidences


class ShuffledBatches:
    """Independent examples in an order that is a function of (seed, epoch).

    inputs (N, ...), targets (N, ...) on one device. `augment(inputs, rows, epochs, generator)` changes a training
    batch: rows (B,) are the examples' places, epochs is how many have passed, 1.5 in the middle of the second, and
    the generator is seeded by (seed, epoch, index). `drop_last` leaves out an incomplete last batch (batch norm
    dislikes it); `shuffle=False` keeps the order, for evaluation. Raises DataError if there is not one batch.
    """

    def __init__(
        self,
        inputs: Tensor,
        targets: Tensor,
        batch_size: int,
        seed: int = 0,
        *,
        shuffle: bool = True,
        drop_last: bool = False,
        augment: Callable[[Tensor, Tensor, float, torch.Generator], Tensor] | None = None,
    ) -> None:
        if len(inputs) != len(targets):
            raise ValueError(f"{len(inputs)} inputs but {len(targets)} targets")
        if len(inputs) == 0 or (drop_last and len(inputs) < batch_size):
            raise DataError(
                f"{len(inputs)} examples are too few for a batch of {batch_size}",
                "use more data or a smaller batch_size",
            )
        self.inputs, self.targets = inputs, targets
        self.batch_size, self.seed = batch_size, seed
        self.shuffle, self.drop_last, self.augment = shuffle, drop_last, augment

    def __len__(self) -> int:
        full, rest = divmod(len(self.inputs), self.batch_size)
        return full + (rest > 0 and not self.drop_last)

    def epoch(self, number: int, start: int = 0) -> Iterator[tuple[Tensor, Tensor]]:
        """The batches of epoch `number` from batch `start` on."""
        rows = torch.arange(len(self.inputs))
        if self.shuffle:
            rows = torch.randperm(len(self.inputs), generator=seeded(self.seed, number))
        rows = rows.to(self.inputs.device)
        for index in range(start, len(self)):
            chosen = rows[index * self.batch_size : (index + 1) * self.batch_size]
            inputs = self.inputs.index_select(0, chosen)  # copies whole rows, 15 times as fast as [chosen]
            if self.augment is not None:
                inputs = self.augment(inputs, chosen, number + index / len(self), seeded(self.seed, number, index))
            yield inputs, self.targets[chosen]


def seeded(*numbers: int) -> torch.Generator:
    """A CPU generator whose stream is a function of all the numbers (an FNV-1a hash of them)."""
    mixed = 0xCBF29CE484222325
    for number in numbers:
        mixed = ((mixed ^ (number & 0xFFFFFFFFFFFFFFFF)) * 0x100000001B3) & 0xFFFFFFFFFFFFFFFF
    return torch.Generator().manual_seed(mixed & 0x7FFFFFFFFFFFFFFF)
