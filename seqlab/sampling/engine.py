"""A recurrent language model stepped one character at a time.

Through `nn.LSTM` a single character costs a repacking of all weights, 20 times the arithmetic. The engine folds
embedding and first input product into a table (a row per token), merges all products of a layer's state into one, and
keeps their weights in int8: one character is generated as fast as its weights are read. The recurrences are those of
`models.cells`; their small sums are numpy's, whose calls cost a third of torch's.
"""

from collections.abc import Callable, Mapping

import numpy as np
import torch
from torch import Tensor

from seqlab.sampling.match_model import Cache, MatchModel
from seqlab.sampling.products import Product, choose_product


class Engine:
    """A recurrent language model stepped one token at a time, for batches of any size.

    cell: `rnn`, `gru` or `lstm`; weights: the state dict of a `RecurrentLanguageModel`; precision: of the products;
    new_cache: of a net with a match model, makes an empty cache (`seqlab.data.text.ngram_cache.NgramCache`); without,
    the net predicts alone.
    `fp32` and `bf16` are what they say, but without bf16 in hardware its place is taken by fp16 weights, which are more
    exact, where torch has kernels for them. `auto` is int8 for a layer large enough to gain by it (bf16 where torch has
    no int8 kernels and the processor has bf16), fp32 for a smaller one.

    `step` gives the logits of the model itself up to rounding. With int8, row r of a product of h is off by at most
    (|h|_1 s_r + |W_r|_1 / 127) / 2 + H s_r / 508, with s = `int8_step(W)`. In the shipped `linux` that costs less than
    0.005 bits per character, and 0.25 nats or less for 99 characters in 100; in some ten thousand characters a
    memory cell may tip over, and a few of them get another probability altogether. fp16 is exact to 0.001 nats.
    """

    def __init__(
        self,
        cell: str,
        weights: Mapping[str, Tensor],
        precision: str = "auto",
        new_cache: Callable[[], Cache] | None = None,
    ) -> None:
        product = choose_product(precision)
        weights = {name: tensor.detach().float().cpu() for name, tensor in weights.items()}
        if cell == "lstm":
            weights = {name: _sigmoids_first(t) if name.startswith("layers.") else t for name, t in weights.items()}
        count = sum(name.startswith("layers.weight_hh") for name in weights)
        inputs = [(weights[f"layers.weight_ih_l{n}"], weights[f"layers.bias_ih_l{n}"]) for n in range(count)]
        outputs = [(weights["output.weight"], weights["output.bias"])]
        if new_cache is not None:
            outputs.append((weights["match_model.state.weight"], weights["match_model.state.bias"]))
        inputs.append((torch.cat([w for w, _ in outputs]), torch.cat([b for _, b in outputs])))  # of all above
        embedding = weights["embedding.weight"]
        self.table = (embedding @ inputs[0][0].T + inputs[0][1]).numpy()  # (V, G)
        self.match_model = MatchModel(weights, new_cache) if new_cache is not None else None
        self.layers: list[_Layer] = []
        for n, (w_above, b_above) in enumerate(inputs[1:]):
            w_hh, b_hh = weights[f"layers.weight_hh_l{n}"], weights[f"layers.bias_hh_l{n}"]
            merged = product(torch.cat([w_hh, w_above]), torch.cat([b_hh, b_above]))
            self.layers.append(_Layer(cell, merged, *w_hh.shape))
        self.reset(1)

    def reset(self, batch_size: int = 1) -> None:
        """Back to the zero state, for so many sequences."""
        for layer in self.layers:
            layer.start(batch_size)
        if self.match_model:
            self.match_model.reset(batch_size)

    def repeat(self, batch_size: int) -> None:
        """Go on with so many sequences, each in the state of the first; what they generate is not cached."""
        for layer in self.layers:
            layer.start(batch_size, layer.h[:1].copy(), layer.c[:1].copy())
        if self.match_model:
            self.match_model.repeat(batch_size)

    def step(self, tokens: Tensor) -> Tensor:
        """tokens (B,) -> logits (B, V) of the token after each, as float32; the state moves on."""
        x = self.table[tokens.numpy()]  # (B, G)
        for layer in self.layers:
            x = layer.step(x)
        return torch.from_numpy(self.match_model.mix(tokens.numpy(), x) if self.match_model else x)


def _sigmoids_first(rows: Tensor) -> Tensor:
    """An LSTM's weights or biases with the rows of its gates i, f, g, o in the order i, f, o, g."""
    i, f, g, o = rows.chunk(4)
    return torch.cat([i, f, o, g])


class _Layer:
    """One recurrent layer with its state, h and (of an LSTM) c, (B, H).

    product: h (B, H) -> (B, G + A), side by side what its own gates get from the new state at the next step, and what
    the layer above, or the logits, get from it at this one. So each layer has one product, and no input to copy.
    """

    def __init__(self, cell: str, product: Product, gates: int, hidden_size: int) -> None:
        self.product, self.gates, self.hidden_size = product, gates, hidden_size
        self.advance = {"rnn": self._rnn, "gru": self._gru, "lstm": self._lstm}[cell]

    def start(self, batch_size: int, h: np.ndarray | float = 0.0, c: np.ndarray | float = 0.0) -> None:
        """Take this state, for so many sequences. All views of the buffers are made here: each costs time in a step."""
        size = self.hidden_size
        self.h_tensor = torch.empty(batch_size, size)
        self.h = self.h_tensor.numpy()  # the same memory
        room = torch.empty(batch_size, 5 * size)  # of an LSTM: i, f, o, g and c
        self.sigmoids, self.room = room[:, : (3 if self.gates == 4 * size else 2) * size], room.numpy()
        self.i, self.f, self.o, self.g, self.c = np.split(self.room, 5, axis=1)
        self.if_, self.ifog, self.gc = self.room[:, : 2 * size], self.room[:, : 4 * size], self.room[:, 3 * size :]
        self.h[:], self.c[:] = h, c
        self.own = self.product(self.h_tensor).numpy()[:, : self.gates]

    def step(self, below: np.ndarray) -> np.ndarray:
        """below: the gates' part from the layer's input (B, G) -> that of the layer above, or the logits (B, A)."""
        self.advance(below, self.own)
        both = self.product(self.h_tensor).numpy()
        self.own = both[:, : self.gates]
        return both[:, self.gates :]

    def _rnn(self, below: np.ndarray, own: np.ndarray) -> None:
        np.add(below, own, out=self.h)
        np.tanh(self.h, out=self.h)

    def _gru(self, below: np.ndarray, own: np.ndarray) -> None:
        two, h, r, z = 2 * self.hidden_size, self.h, self.i, self.f
        np.add(below[:, :two], own[:, :two], out=self.if_)
        torch.sigmoid_(self.sigmoids)
        n = own[:, two:]  # its bias is inside, as torch has it
        n *= r
        n += below[:, two:]
        np.tanh(n, out=n)
        h -= n
        h *= z
        h += n

    def _lstm(self, below: np.ndarray, own: np.ndarray) -> None:
        np.add(below, own, out=self.ifog)
        torch.sigmoid_(self.sigmoids)
        np.tanh(self.g, out=self.g)
        self.if_ *= self.gc  # i g and f c, in one stroke
        np.add(self.i, self.f, out=self.c)
        np.tanh(self.c, out=self.g)
        np.multiply(self.o, self.g, out=self.h)
