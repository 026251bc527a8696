"""Batches of data that fits in memory, as a function of (seed, epoch, index) alone.

Both kinds answer `epoch(number, start)` with an iterator over that epoch's batches from `start` on, so the
place in the data is two integers and resuming needs nothing else.
"""

from collections.abc import Callable, Iterator

import torch
from torch import Tensor

from seqlab.errors import DataError

IGNORE_INDEX = -100  # the target that no loss counts: torch's own default for cross-entropy


class StreamBatches:
    """One long sequence of tokens cut into parallel streams whose state carries from batch to batch.

    tokens (N,) -> batches of inputs and next tokens, each (batch_size, seq_len); the last of an epoch may be
    shorter. Every token but the first is a target exactly once an epoch: the streams are padded at the end with
    IGNORE_INDEX. Raises DataError if there are too few tokens to give every stream one.
    """

    def __init__(self, tokens: Tensor, batch_size: int, seq_len: int) -> None:
        targets = len(tokens) - 1
        if targets < batch_size:
            raise DataError(
                f"{len(tokens)} characters are too few for {batch_size} parallel streams",
                "use more text or a smaller batch_size",
            )
        width = -(-targets // batch_size)
        padding = width * batch_size - targets
        inputs, outputs = tokens[:-1], tokens[1:].long()
        self.inputs = torch.cat([inputs, inputs.new_zeros(padding)]).view(batch_size, width)
        self.outputs = torch.cat([outputs, outputs.new_full((padding,), IGNORE_INDEX)]).view(batch_size, width)
        self.seq_len = seq_len

    def __len__(self) -> int:
        return -(-self.inputs.shape[1] // self.seq_len)

    def epoch(self, number: int, start: int = 0) -> Iterator[tuple[Tensor, Tensor]]:
        """The batches of an epoch in the order of the text. `number` does not matter: a stream has one order."""
        for index in range(start, len(self)):
            span = slice(index * self.seq_len, (index + 1) * self.seq_len)
            yield self.inputs[:, span].long(), self.outputs[:, span]  # (B, T), (B, T)


class ShuffledBatches:
    """Independent examples in an order that is a function of (seed, epoch).

    inputs (N, ...), targets (N, ...) on one device. `augment(inputs, generator)` changes a training batch; its
    generator is seeded by (seed, epoch, index). `drop_last` leaves out an incomplete last batch (batch norm
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
        augment: Callable[[Tensor, torch.Generator], Tensor] | None = None,
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
                inputs = self.augment(inputs, seeded(self.seed, number, index))
            yield inputs, self.targets[chosen]


def seeded(*numbers: int) -> torch.Generator:
    """A CPU generator whose stream is a function of all the numbers (an FNV-1a hash of them)."""
    mixed = 0xCBF29CE484222325
    for number in numbers:
        mixed = ((mixed ^ (number & 0xFFFFFFFFFFFFFFFF)) * 0x100000001B3) & 0xFFFFFFFFFFFFFFFF
    return torch.Generator().manual_seed(mixed & 0x7FFFFFFFFFFFFFFF)
