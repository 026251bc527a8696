"""What a net that recalls is told while it writes: the part of the engine beside the products.

The arithmetic is that of `models.recurrent.Recalled`, for one place of a few sequences, over the slots that recall
anything.
"""

import copy
from collections.abc import Callable, Mapping
from typing import Protocol

import numpy as np
from torch import Tensor

MOST_TRUST = 10.0  # as in the model


class History(Protocol):
    """A text as it is read, and what it says of its next token: S tokens and S confidences, 0 for none. Closed, it
    remembers nothing more."""

    closed: bool

    def append(self, token: int) -> None: ...
    def recalled(self) -> tuple[list[int], list[int]]: ...


class Memory:
    """The histories of a batch of sequences, and what the net makes of them.

    weights: the state dict of a model with `recalled`, as float32 on the CPU; history: makes an empty one.
    """

    def __init__(self, weights: Mapping[str, Tensor], history: Callable[[], History]) -> None:
        self.history = history
        own = {name: weights[f"recalled.{name}"].numpy() for name in ("strength", "votes")}
        self.strength, self.votes = own["strength"], own["votes"]
        self.embedding = weights["recalled.embedding.weight"]
        self.vocab_size, size = self.embedding.shape
        into = weights["layers.weight_ih_l0"][:, -size:].T  # (E, G): the input's last part is what is recalled
        self.tokens = (self.embedding @ into).numpy()  # (V, G)
        table = (weights["recalled.confidence.weight"] @ into).numpy()  # (S * C, G)
        self.slots = len(weights["recalled.trust.bias"])
        self.confidences = len(table) // self.slots
        self.offsets = np.arange(0, len(table), self.confidences)
        self.unsure = table[self.offsets]  # where a slot recalls nothing
        self.surer = table - np.repeat(self.unsure, self.confidences, 0)  # what a confidence adds to that
        self.nothing = self.unsure.sum(0)  # (G,)
        self.reset(1)

    def reset(self, batch_size: int) -> None:
        self.histories = [self.history() for _ in range(batch_size)]

    def repeat(self, batch_size: int) -> None:
        """The text so far is what is remembered: what each of the sequences writes now is followed only."""
        self.histories[0].closed = True
        self.histories = [copy.copy(self.histories[0]) for _ in range(batch_size)]

    def read(self, tokens: np.ndarray) -> np.ndarray:
        """tokens (B,) are written -> what is recalled for the next adds to the first layer's gates (B, G)."""
        known = np.empty((len(tokens), len(self.nothing)), np.float32)
        self.recalled: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = []
        for row, (history, token) in enumerate(zip(self.histories, tokens.tolist(), strict=True)):
            history.append(token)
            characters, confidences = (np.array(part) for part in history.recalled())
            (slots,) = confidences.nonzero()
            characters, places = characters[slots], self.offsets[slots] + confidences[slots]
            known[row] = self.nothing + self.strength[places] @ self.tokens[characters] + self.surer[places].sum(0)
            self.recalled.append((slots, characters, places))
        return known

    def vote(self, outputs: np.ndarray) -> np.ndarray:
        """Logits and the slots' trust (B, V + S) -> logits (B, V) with the votes of what `read` recalled."""
        logits, trust = (
            outputs[:, : self.vocab_size].copy(),
            np.exp(np.minimum(outputs[:, self.vocab_size :], MOST_TRUST)),
        )
        for row, (slots, characters, places) in enumerate(self.recalled):
            np.add.at(logits[row], characters, self.votes[places] * trust[row, slots])
        return logits
