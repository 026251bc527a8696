"""Writing one character at a time: the engine that steps a recurrent model, and how the next token is drawn.

Through `nn.LSTM` a single character costs a repacking of all weights, 20 times the arithmetic. The engine folds
embedding and first input product into a table (a row per token), merges the two products of every further layer
into one, and packs the weights once for oneDNN. The recurrences are those of `models.cells`.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from seqlab.errors import UsageError
from seqlab.machine import choose_precision


@dataclass(frozen=True)
class Sampling:
    """How the next token is drawn. Temperature 0 takes the likeliest; top_k and top_p cut the distribution's tail
    (Holtzman et al. 2020), after the temperature. Raises UsageError for values without meaning."""

    temperature: float = 1.0
    top_k: int | None = None
    top_p: float | None = None

    def __post_init__(self) -> None:
        if not 0 <= self.temperature < float("inf"):
            raise UsageError(f"--temperature {self.temperature} has no meaning", "use 0 (the likeliest) or more")
        if self.top_k is not None and self.top_k < 1:
            raise UsageError(f"--top-k {self.top_k} has no meaning", "use 1 or more")
        if self.top_p is not None and not 0 < self.top_p <= 1:
            raise UsageError(f"--top-p {self.top_p} has no meaning", "use a share above 0 and at most 1")

    def probabilities(self, logits: np.ndarray) -> np.ndarray:
        """logits (V,) -> the probabilities (V,) to draw from; they add up to 1."""
        if self.temperature == 0:
            certain = np.zeros(len(logits))
            certain[np.argmax(logits)] = 1.0
            return certain
        with np.errstate(over="ignore"):  # next to a temperature of 0 the others are infinitely far behind
            p = np.exp((logits - logits.max()) / self.temperature)
        p /= p.sum()
        if self.top_k is None and self.top_p is None:
            return p
        order = np.argsort(-logits, kind="stable")  # by logits: two of them may have one probability, rounded
        if self.top_k is not None and self.top_k < len(p):
            p[order[self.top_k :]] = 0.0
        if self.top_p is not None and self.top_p < 1:
            before = np.cumsum(p[order]) - p[order]  # the mass of all that are likelier
            p[order[before >= self.top_p * p.sum()]] = 0.0
        return p / p.sum()


class Engine:
    """A recurrent language model stepped one token at a time, for batches of a few sequences.

    cell: `rnn`, `gru` or `lstm`; weights: the state dict of a `RecurrentLanguageModel`; precision: of the packed
    products (`auto`: bf16 where the processor has it). `step` gives logits that agree with the model's own.
    """

    def __init__(self, cell: str, weights: Mapping[str, Tensor], precision: str = "auto") -> None:
        self.cell = cell
        self.dtype = choose_precision(precision, torch.device("cpu")).value
        weights = {name: tensor.detach().float().cpu() for name, tensor in weights.items()}
        self.layers: list[_Layer] = []
        self.hidden_size = weights["layers.weight_hh_l0"].shape[1]
        while f"layers.weight_hh_l{len(self.layers)}" in weights:
            n = len(self.layers)
            w_ih, w_hh, b_ih, b_hh = (
                weights[f"layers.{name}_l{n}"] for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
            )
            self.layers.append(_Layer(w_ih, w_hh, b_ih, b_hh, self.dtype, gru=cell == "gru", first=n == 0))
        first = weights["layers.weight_ih_l0"]
        self.table = weights["embedding.weight"] @ first.T + weights["layers.bias_ih_l0"]  # (V, gates * H)
        if cell != "gru":
            self.table = self.table + weights["layers.bias_hh_l0"]
        self.output = _Packed(weights["output.weight"], weights["output.bias"], self.dtype)
        self.state: list[tuple[Tensor, ...]] = []
        self.reset(1)

    def reset(self, batch_size: int = 1) -> None:
        """Back to the zero state, for so many sequences."""
        parts = 2 if self.cell == "lstm" else 1
        zero = torch.zeros(batch_size, self.hidden_size)
        self.state = [tuple(zero.clone() for _ in range(parts)) for _ in self.layers]

    @torch.inference_mode()
    def step(self, tokens: Tensor) -> Tensor:
        """tokens (B,) -> logits (B, V) of the token after each, as float32; the state moves on."""
        x = self.table[tokens]
        for n, layer in enumerate(self.layers):
            self.state[n] = layer.step(self.cell, x, self.state[n])
            x = self.state[n][0]
        return self.output(x)


class _Layer:
    """One recurrent layer. The first gets its input product from the table, so only W_R is packed."""

    def __init__(
        self, w_ih: Tensor, w_hh: Tensor, b_ih: Tensor, b_hh: Tensor, dtype: torch.dtype, *, gru: bool, first: bool
    ) -> None:
        self.first = first
        # the GRU's reset gate multiplies the recurrent product alone, so its two products stay apart
        self.from_state = _Packed(w_hh, b_hh if gru else torch.zeros_like(b_hh), dtype) if first or gru else None
        self.from_input = _Packed(w_ih, b_ih, dtype) if gru and not first else None
        self.merged = None if first or gru else _Packed(torch.cat([w_ih, w_hh], 1), b_ih + b_hh, dtype)

    def step(self, cell: str, x: Tensor, state: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        h = state[0]
        if cell == "gru":
            assert self.from_state is not None
            r_input, z_input, n_input = (self.from_input(x) if self.from_input else x).chunk(3, dim=1)
            r_state, z_state, n_state = self.from_state(h).chunk(3, dim=1)
            r, z = torch.sigmoid(r_input + r_state), torch.sigmoid(z_input + z_state)
            n = torch.tanh(n_input + r * n_state)
            return (torch.lerp(n, h, z),)
        if self.merged is not None:
            gates = self.merged(torch.cat([x, h], 1))  # (B, gates * H)
        else:
            assert self.from_state is not None
            gates = x + self.from_state(h)
        if cell == "rnn":
            return (torch.tanh(gates),)
        hidden_size = h.shape[1]
        i_f = torch.sigmoid_(gates[:, : 2 * hidden_size])
        g = torch.tanh_(gates[:, 2 * hidden_size : 3 * hidden_size])
        o = torch.sigmoid_(gates[:, 3 * hidden_size :])
        c = torch.addcmul(i_f[:, hidden_size:] * state[1], i_f[:, :hidden_size], g)
        return o * torch.tanh(c), c


class _Packed:
    """x -> x W' + b with W in the layout and precision that oneDNN multiplies fastest, packed once."""

    def __init__(self, weight: Tensor, bias: Tensor, dtype: torch.dtype) -> None:
        self.dtype = dtype
        self.bias = bias.to(dtype)
        # oneDNN packs bf16 for AVX-512 and later only
        can = dtype != torch.bfloat16 or torch.ops.mkldnn._is_mkldnn_bf16_supported()
        self.is_packed = torch.backends.mkldnn.is_available() and can
        self.weight: Any = weight.to(dtype)
        if self.is_packed:
            self.weight = torch.ops.mkldnn._reorder_linear_weight(self.weight, 1)

    def __call__(self, x: Tensor) -> Tensor:
        x = x.to(self.dtype)
        if self.is_packed:
            return torch.ops.mkldnn._linear_pointwise(x, self.weight, self.bias, "none", [], "").float()
        return torch.nn.functional.linear(x, self.weight, self.bias).float()


def sample(
    engine: Engine,
    prompt: Sequence[int],
    length: int,
    sampling: Sampling,
    *,
    seed: int = 0,
    never: Sequence[int] = (),
) -> Iterator[tuple[int, float]]:
    """Draw `length` tokens after `prompt` (at least one token), each with its log-probability under the model.

    Tokens in `never` are not drawn. The draws depend on the seed and the logits alone.
    """
    random = np.random.Generator(np.random.PCG64(seed))
    engine.reset(1)
    for token in prompt:
        logits = engine.step(torch.tensor([token]))
    for _ in range(length):
        values = logits[0].numpy().astype(np.float64)
        highest = values.max()
        log_normaliser = highest + np.log(np.exp(values - highest).sum())
        allowed = values.copy()
        allowed[list(never)] = -np.inf
        cumulative = np.cumsum(sampling.probabilities(allowed))
        token = int(np.searchsorted(cumulative, random.random() * cumulative[-1], side="right"))
        yield token, float(values[token] - log_normaliser)
        logits = engine.step(torch.tensor([token]))
