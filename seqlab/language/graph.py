"""A character model for other programs: tokens and state in, logits and state out, so that they can write with it."""

import copy

import torch
from torch import Tensor, nn

from seqlab.export import Graph
from seqlab.language.model import LanguageModel, read_first
from seqlab.models.recurrent import RecurrentLanguageModel
from seqlab.settings import TEMPERATURE

USE = """\
import json
import numpy as np
import onnxruntime

session = onnxruntime.InferenceSession("model.onnx")
about = {{name: json.loads(value) for name, value in session.get_modelmeta().custom_metadata_map.items()}}
vocab, names = about["vocab"], [one.name for one in session.get_inputs()]
state = [np.zeros([one.shape[0], 1, one.shape[2]], np.float32) for one in session.get_inputs()[1:]]
tokens, written, random = [vocab.index(char) for char in about["read_first"]], "", np.random.default_rng(0)
while len(written) < 200:
    logits, *state = session.run(None, dict(zip(names, [np.array([tokens]), *state])))
    chances = np.exp((logits[0, -1] - logits[0, -1].max()).astype(float) / {temperature})
    tokens = [int(random.choice(len(vocab), p=chances / chances.sum()))]
    written += vocab[tokens[0]]
print(written)
"""


class _Alone(nn.Module):
    """The net without an n-gram cache, which is no part of the graph."""

    def __init__(self, net: RecurrentLanguageModel) -> None:
        super().__init__()
        self.net = net

    def forward(self, tokens: Tensor, *state: Tensor) -> tuple[Tensor, ...]:
        logits, state = self.net(tokens, state)
        return (logits, *state)


def graph(model: LanguageModel) -> Graph:
    """tokens (B, T) and the state, each (L, B, H) -> logits of the token after each (B, T, V), and the state."""
    net = copy.deepcopy(model.model).cpu()
    layers, units, letters = net.layers.num_layers, net.layers.hidden_size, len(model.vocab)
    parts = ("h", "c") if net.cell == "lstm" else ("h",)
    shape = (layers, "batch", units)
    random = torch.Generator().manual_seed(0)

    def example(batch: int, time: int) -> tuple[Tensor, ...]:
        tokens = torch.randint(0, letters, (batch, time), generator=random)
        return (tokens, *(torch.rand(layers, batch, units, generator=random) - 0.5 for _ in parts))

    about = {
        "vocab": model.vocab.characters,
        "read_first": read_first(model.checkpoint, model.vocab, ""),
        "inputs": "tokens are places in vocab; the state is zero before the first",
        "outputs": "logits of the token after each, by the net without an n-gram cache; and the state to go on with",
    }
    return Graph(
        _Alone(net),
        {"tokens": ("batch", "time"), **dict.fromkeys(parts, shape)},
        {"logits": ("batch", "time", letters), **{f"{part}_after": shape for part in parts}},
        (example(2, 7), example(3, 1)),
        about,
        USE.format(temperature=TEMPERATURE),
    )
