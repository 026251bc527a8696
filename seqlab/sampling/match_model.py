"""The match model, one token at a time: the part of the engine beside the products.

The arithmetic is that of `models.recurrent.MatchModel`, for one place of a few sequences, over the slots that have a
candidate.
"""

import copy
from collections.abc import Callable, Mapping
from typing import Protocol

import numpy as np
from torch import Tensor

LARGEST_GATE = 10.0  # as in the model


class Cache(Protocol):
    """A text as it is read, and the candidates for its next token: S tokens and S confidences, 0 for none. Frozen, it
    keeps nothing more."""

    frozen: bool

    def append(self, token: int) -> None: ...
    def candidates(self) -> tuple[list[int], list[int]]: ...


class MatchModel:
    """The n-gram caches of a batch of sequences, and what the net makes of their candidates.

    weights: the state dict of a model with a `match_model`, as float32 on the CPU; new_cache: makes an empty one.
    """

    def __init__(self, weights: Mapping[str, Tensor], new_cache: Callable[[], Cache]) -> None:
        self.new_cache = new_cache
        own = {name: weights[f"match_model.{name}"].numpy() for name in ("strength", "copy_logits")}
        self.strength, self.copy_logits = own["strength"], own["copy_logits"]
        self.embedding = weights["match_model.embedding.weight"]
        self.vocab_size, size = self.embedding.shape
        into = weights["layers.weight_ih_l0"][:, -size:].T  # (E, G): the input's last part is the match model's
        self.tokens = (self.embedding @ into).numpy()  # (V, G)
        table = (weights["match_model.confidence.weight"] @ into).numpy()  # (S * C, G)
        self.slots = len(weights["match_model.gate.bias"])
        self.confidences = len(table) // self.slots
        self.offsets = np.arange(0, len(table), self.confidences)
        empty = table[self.offsets]  # what a slot without a candidate adds
        self.confident = table - np.repeat(empty, self.confidences, 0)  # what a confidence adds to that
        self.empty = empty.sum(0)  # (G,)
        self.reset(1)

    def reset(self, batch_size: int) -> None:
        self.caches = [self.new_cache() for _ in range(batch_size)]

    def repeat(self, batch_size: int) -> None:
        """The text so far is what is cached: what each of the sequences generates now is context only."""
        self.caches[0].frozen = True
        self.caches = [copy.copy(self.caches[0]) for _ in range(batch_size)]

    def read(self, tokens: np.ndarray) -> np.ndarray:
        """tokens (B,) are appended -> what the candidates for the next add to the first layer's gates (B, G)."""
        added = np.empty((len(tokens), len(self.empty)), np.float32)
        self.found: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = []
        for row, (cache, token) in enumerate(zip(self.caches, tokens.tolist(), strict=True)):
            cache.append(token)
            candidates, confidences = (np.array(part) for part in cache.candidates())
            (slots,) = confidences.nonzero()
            candidates, places = candidates[slots], self.offsets[slots] + confidences[slots]
            added[row] = self.empty + self.strength[places] @ self.tokens[candidates] + self.confident[places].sum(0)
            self.found.append((slots, candidates, places))
        return added

    def add_copy_logits(self, outputs: np.ndarray) -> np.ndarray:
        """Logits and the slots' gates (B, V + S) -> logits (B, V) with those of the candidates that `read` found."""
        logits = outputs[:, : self.vocab_size].copy()
        gate = np.exp(np.minimum(outputs[:, self.vocab_size :], LARGEST_GATE))
        for row, (slots, candidates, places) in enumerate(self.found):
            np.add.at(logits[row], candidates, self.copy_logits[places] * gate[row, slots])
        return logits
