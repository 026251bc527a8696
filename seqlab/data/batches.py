"""Batches, as a function of (seed, epoch, index) alone.

Both kinds answer `epoch(number, start)` with an iterator over that epoch's batches from `start` on, so the
place in the data is two integers and resuming needs nothing else.
"""

from collections.abc import Callable, Iterator
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor

from seqlab.errors import DataError

IGNORE_INDEX = -100  # the target that no loss counts: torch's own default for cross-entropy


class Tokens(Protocol):
    """Whole numbers (N,) that are read a slice at a time: an array, a memory map, or what looks like one."""

    @property
    def dtype(self) -> Any: ...
    def __len__(self) -> int: ...
    def __getitem__(self, span: slice, /) -> Any: ...  # an array


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
