"""Multilayer recurrent networks over torch's fused kernels, and the language model made of one."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from seqlab.errors import UsageError, did_you_mean
from seqlab.models.cells import State, open_forget_gate

# tokens (B, T), candidates of an n-gram cache and their confidences (B, T, S), and which rows begin anew (B,)
CachedInput = tuple[Tensor, Tensor, Tensor, Tensor]

LARGEST_GATE = 10.0  # as a logarithm: more would only overflow

KINDS: dict[str, type[nn.RNN] | type[nn.GRU] | type[nn.LSTM]] = {
    "rnn": nn.RNN,
    "gru": nn.GRU,
    "lstm": nn.LSTM,
}


def recurrent_layers(cell: str, input_size: int, hidden_size: int, num_layers: int, dropout: float = 0.0) -> nn.RNNBase:
    """torch's batch-first recurrent network of that cell (`rnn`, `gru`, `lstm`), with an LSTM's forget gates open.

    Its parameters are those of `models.cells`, with the layer appended: `weight_ih_l0`, ... Dropout stands between
    layers (Zaremba et al. 2014). Raises UsageError for an unknown cell.
    """
    if cell not in KINDS:
        raise UsageError(f"unknown cell '{cell}'", did_you_mean(cell, KINDS))
    between = dropout if num_layers > 1 else 0.0
    layers = KINDS[cell](input_size, hidden_size, num_layers, batch_first=True, dropout=between)
    if cell == "lstm":
        for layer in range(num_layers):
            open_forget_gate(getattr(layers, f"bias_ih_l{layer}"), getattr(layers, f"bias_hh_l{layer}"))
    return layers


def run_layers(layers: nn.RNNBase, x: Tensor, state: State | None) -> tuple[Tensor, State]:
    """x (B, T, I) -> outputs (B, T, H) and the state as a tuple, each (L, B, H), whatever the cell."""
    if isinstance(layers, nn.LSTM):
        outputs, (h, c) = layers(x, state)
        return outputs, (h, c)
    outputs, h = layers(x, None if state is None else state[0])
    return outputs, (h,)


class RecurrentLanguageModel(nn.Module):
    """Predicts the next token of a sequence: embedding, recurrent layers, a linear layer to logits.

    With `slots` it also reads, for each place, what an n-gram cache holds for its next token: so many candidates, each
    with a confidence (`seqlab.data.text.ngram_cache`). They come in with the embedding, so that the recurrent layers
    know what to expect, and the match model adds to their logits, each as much as the layers open its slot's gate.
    """

    def __init__(
        self,
        vocab_size: int,
        cell: str = "lstm",
        embedding_size: int = 64,
        hidden_size: int = 512,
        num_layers: int = 2,
        dropout: float = 0.0,
        slots: int = 0,
        confidences: int = 0,
    ) -> None:
        super().__init__()
        self.cell = cell
        self.embedding = nn.Embedding(vocab_size, embedding_size)
        self.match_model = MatchModel(vocab_size, embedding_size, hidden_size, slots, confidences) if slots else None
        inputs = 2 * embedding_size if slots else embedding_size
        self.layers = recurrent_layers(cell, inputs, hidden_size, num_layers, dropout)
        self.dropout = nn.Dropout(dropout)
        self.output = nn.Linear(hidden_size, vocab_size)

    def forward(self, inputs: Tensor | CachedInput, state: State | None = None) -> tuple[Tensor, State]:
        """Tokens (B, T) -> logits of the token after each (B, T, V), and the state to carry on with."""
        if self.match_model is None:
            assert isinstance(inputs, Tensor)
            outputs, state = run_layers(self.layers, self.embedding(inputs), state)  # (B, T, H)
            return self.output(self.dropout(outputs)), state
        tokens, candidates, confidences, reset_mask = inputs
        if state is not None:
            state = tuple(part.masked_fill(reset_mask[:, None], 0.0) for part in state)  # (L, B, H)
        rows = self.match_model.rows(confidences)
        expected = self.match_model.embed(candidates, confidences, rows)  # (B, T, E)
        outputs, state = run_layers(self.layers, torch.cat([self.embedding(tokens), expected], -1), state)
        outputs = self.dropout(outputs)
        logits = self.output(outputs)
        return self.match_model.add_copy_logits(logits, outputs, candidates, confidences, rows), state


class MatchModel(nn.Module):
    """What a network makes of an n-gram cache's candidates: an input, and a part of the logits.

    candidates (B, T, S), tokens in S slots, and confidences (B, T, S), 0 where there is none.
    """

    def __init__(self, vocab_size: int, embedding_size: int, hidden_size: int, slots: int, confidences: int) -> None:
        super().__init__()
        self.slots, self.confidences = slots, confidences
        self.embedding = nn.Embedding(vocab_size, embedding_size)
        self.confidence = nn.Embedding(slots * confidences, embedding_size)
        for table in (self.embedding, self.confidence):
            nn.init.normal_(table.weight, std=0.3)  # eighteen of them add up
        self.strength = nn.Parameter(torch.full((slots * confidences,), 0.3))
        self.copy_logits = nn.Parameter(torch.zeros(slots * confidences))
        self.gate = nn.Linear(hidden_size, slots)
        nn.init.zeros_(self.gate.weight)
        nn.init.zeros_(self.gate.bias)

    def rows(self, confidences: Tensor) -> Tensor:
        """The row of (slot, confidence) in the tables (B, T, S)."""
        return confidences + torch.arange(0, self.slots * self.confidences, self.confidences, device=confidences.device)

    def embed(self, candidates: Tensor, confidences: Tensor, rows: Tensor) -> Tensor:
        """The input (B, T, E): the candidates, each as strong as its confidence, and the confidences."""
        weights = self.strength[rows] * (confidences > 0)
        tokens = F.embedding_bag(
            candidates.flatten(0, 1), self.embedding.weight, mode="sum", per_sample_weights=weights.flatten(0, 1)
        )
        certainty = F.embedding_bag(rows.flatten(0, 1), self.confidence.weight, mode="sum")
        return (tokens + certainty).unflatten(0, candidates.shape[:2])

    def add_copy_logits(
        self, logits: Tensor, outputs: Tensor, candidates: Tensor, confidences: Tensor, rows: Tensor
    ) -> Tensor:
        """logits (B, T, V) and those of the candidates: by slot and confidence, times the gate that the layers'
        `outputs` (B, T, H) open."""
        gate = torch.exp(self.gate(outputs).float().clamp(max=LARGEST_GATE))  # (B, T, S)
        return logits.float().scatter_add(2, candidates, self.copy_logits[rows] * (confidences > 0) * gate)
