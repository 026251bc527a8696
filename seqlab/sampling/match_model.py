"""The match model, one token at a time: the part of the engine beside the products.

The arithmetic is that of `models.recurrent.MatchModel`, for one place of a few sequences, over the slots that have a
candidate.
"""

import copy
from collections.abc import Callable, Mapping
from typing import Protocol

import numpy as np
from torch import Tensor

LARGEST_GATE, LARGEST_LOG = 10.0, 12.0  # as in the model


class Cache(Protocol):
    """A text as it is read, and the candidates for its next token: S tokens and S confidences, 0 for none. Frozen, it
    keeps nothing more."""

    frozen: bool

    def append(self, token: int) -> None: ...
    def candidates(self) -> tuple[list[int], list[int]]: ...


class MatchModel:
    """The n-gram caches of a batch of sequences, and what they make of the net's logits.

    weights: the state dict of a model with a `match_model`, as float32 on the CPU; new_cache: makes an empty one.
    """

    def __init__(self, weights: Mapping[str, Tensor], new_cache: Callable[[], Cache]) -> None:
        self.new_cache = new_cache
        own = {name.removeprefix("match_model."): t.numpy() for name, t in weights.items() if "match_model." in name}
        self.copy_logits, self.strength = own["copy_logits"], own["strength"]  # (S * C,)
        self.confidence, self.candidate = own["confidence.weight"], own["candidate.weight"]  # (S * C, E), (V, E)
        self.probability = np.ascontiguousarray(own["probability.weight"].T)  # (S, E)
        last = ("gate", "correction")
        self.last = np.ascontiguousarray(np.concatenate([own[f"{name}.weight"] for name in last]).T)  # (E, S + 1 + V)
        self.last_bias = np.concatenate([own[f"{name}.bias"] for name in last])
        self.slots, self.size = self.probability.shape
        confidences = len(self.confidence) // self.slots
        self.offsets = np.arange(0, len(self.confidence), confidences)
        self.reset(1)

    def reset(self, batch_size: int) -> None:
        self.caches = [self.new_cache() for _ in range(batch_size)]

    def repeat(self, batch_size: int) -> None:
        """The text so far is what is cached: what each of the sequences generates now is context only."""
        self.caches[0].frozen = True
        self.caches = [copy.copy(self.caches[0]) for _ in range(batch_size)]

    def mix(self, tokens: np.ndarray, outputs: np.ndarray) -> np.ndarray:
        """tokens (B,) are appended to the caches; the net's logits after them and its part of the evidence
        (B, V + E) -> logits (B, V) with the caches' part."""
        logits, evidence = outputs[:, : -self.size].copy(), outputs[:, -self.size :]
        for row, (cache, token) in enumerate(zip(self.caches, tokens.tolist(), strict=True)):
            cache.append(token)
            candidates, confidences = (np.array(part) for part in cache.candidates())
            (slots,) = confidences.nonzero()
            if not len(slots):
                continue
            candidates, rows = candidates[slots], self.offsets + confidences
            shifted = logits[row] - logits[row].max()
            log_probs = np.maximum(shifted[candidates] - np.log(np.exp(shifted).sum()), -LARGEST_LOG)
            found = evidence[row] + self.confidence[rows].sum(0) + log_probs @ self.probability[slots]
            found += self.strength[rows[slots]] @ self.candidate[candidates]
            last = np.maximum(found, 0) @ self.last + self.last_bias
            gates = np.exp(np.minimum(last[: self.slots + 1], LARGEST_GATE))
            logits[row] = logits[row] * gates[-1] + last[self.slots + 1 :]
            np.add.at(logits[row], candidates, self.copy_logits[rows[slots]] * gates[slots])
        return logits
