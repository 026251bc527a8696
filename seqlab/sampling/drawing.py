"""How the next token is drawn: temperature, what is cut of the distribution, and many samples in one batch."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from seqlab.errors import UsageError

DRAWS = 64  # whose random numbers are made at a time


@dataclass(frozen=True)
class Sampling:
    """How the next token is drawn. Temperature 0 takes the likeliest. The others cut the distribution's tail, in this
    order and after the temperature: the top_k likeliest, the likeliest of mass top_p (Holtzman et al. 2020), those
    of at least min_p times the probability of the likeliest (Nguyen et al. 2024). Raises UsageError for values
    without meaning."""

    temperature: float = 1.0
    top_k: int | None = None
    top_p: float | None = None
    min_p: float | None = None

    def __post_init__(self) -> None:
        if not 0 <= self.temperature < float("inf"):
            raise UsageError(f"--temperature {self.temperature} has no meaning", "use 0 (the likeliest) or more")
        if self.top_k is not None and self.top_k < 1:
            raise UsageError(f"--top-k {self.top_k} has no meaning", "use 1 or more")
        for option, share in (("--top-p", self.top_p), ("--min-p", self.min_p)):
            if share is not None and not 0 < share <= 1:
                raise UsageError(f"{option} {share} has no meaning", "use a share above 0 and at most 1")

    @property
    def cuts(self) -> bool:
        """Whether anything but the temperature changes the distribution."""
        return any(cut is not None for cut in (self.top_k, self.top_p, self.min_p))

    def probabilities(self, logits: np.ndarray) -> np.ndarray:
        """logits (V,) or (B, V) -> the probabilities to draw from, as large; each row adds up to 1."""
        if self.temperature == 0:
            certain = np.zeros(logits.shape)
            np.put_along_axis(certain, logits.argmax(-1, keepdims=True), 1.0, -1)
            return certain
        p = logits - logits.max(-1, keepdims=True)
        if self.temperature != 1:
            with np.errstate(over="ignore"):  # next to a temperature of 0 the others are infinitely far behind
                p /= self.temperature
        np.exp(p, out=p)
        if self.top_k is not None or self.top_p is not None:
            self._cut(p, logits)
        if self.min_p is not None:
            p[p < self.min_p * p.max(-1, keepdims=True)] = 0.0
        p /= p.sum(-1, keepdims=True)
        return p

    def _cut(self, p: np.ndarray, logits: np.ndarray) -> None:
        order = np.argsort(-logits, axis=-1, kind="stable")  # by logits: two of them may have one probability, rounded
        falling = np.take_along_axis(p, order, -1)
        if self.top_k is not None:
            falling[..., self.top_k :] = 0.0
        if self.top_p is not None and self.top_p < 1:
            before = np.cumsum(falling, -1) - falling  # the mass of all that are likelier
            falling[before >= self.top_p * falling.sum(-1, keepdims=True)] = 0.0
        np.put_along_axis(p, order, falling, -1)


class Stepped(Protocol):
    """A model stepped one token at a time, as an `Engine`."""

    def reset(self, batch_size: int = 1) -> None: ...
    def repeat(self, batch_size: int) -> None: ...
    def step(self, tokens: Tensor) -> Tensor: ...


class Pointer(Protocol):
    """Told the tokens (N,) that were drawn, it says which are likelier next: sample, token, and by how many nats."""

    def append(self, tokens: np.ndarray) -> None: ...
    def added(self) -> list[tuple[int, int, float]]: ...


def sample(
    engine: Stepped,
    prompt: Sequence[int],
    length: int,
    sampling: Sampling,
    *,
    samples: int = 1,
    seed: int = 0,
    never: Sequence[int] = (),
    pointer: Pointer | None = None,
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Draw `length` tokens after `prompt` (at least one token) for each of N samples, all in one batch: yields the
    tokens (N,) of one place after the other, and their log-probabilities (N,) under the model.

    Tokens in `never` are not drawn. pointer: adds to the log-probabilities that are drawn from. Drawn is
    argmax(log p + T g) with standard Gumbel noise g, which is a draw from softmax(log p / T) (Maddison et al. 2014)
    without a sum at any step. The noise of sample k depends on the seed and k alone, not on how many samples there are.
    """
    root = np.random.SeedSequence(seed)
    streams = [np.random.Generator(np.random.PCG64(child)) for child in (root, *root.spawn(samples - 1))]
    excluded, rows = list(never), np.arange(samples)
    engine.reset(1)
    for token in prompt:
        logits = engine.step(torch.tensor([token]))
    engine.repeat(samples)
    logits = logits.expand(samples, -1)
    for n in range(length):
        if n % DRAWS == 0:
            chances = np.stack([stream.standard_exponential((DRAWS, logits.shape[1])) for stream in streams], 1)
            noise = -min(sampling.temperature, 1e30) * np.log(chances)  # (DRAWS, N, V); beyond 1e30 all are alike
            noise[..., excluded] = -np.inf
        log_probs = torch.log_softmax(logits, 1).numpy()
        drawn_from = log_probs
        if pointer is not None and (added := pointer.added()):  # mostly there is nothing
            drawn_from = log_probs.copy()
            for k, token, nats in added:
                drawn_from[k, token] += nats
        scores = drawn_from + noise[n % DRAWS]
        if sampling.cuts:
            allowed = drawn_from.astype(np.float64)
            allowed[:, excluded] = -np.inf
            scores[sampling.probabilities(allowed) == 0] = -np.inf
        tokens = scores.argmax(1)
        yield tokens, log_probs[rows, tokens]
        if pointer is not None:
            pointer.append(tokens)
        logits = engine.step(torch.from_numpy(tokens))
