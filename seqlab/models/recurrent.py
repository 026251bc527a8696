"""Multilayer recurrent networks over torch's fused kernels, and the language model made of one."""

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from seqlab.errors import UsageError, did_you_mean
from seqlab.models.cells import State, open_forget_gate

# tokens (B, T), candidates of an n-gram cache and their confidences (B, T, S), and which rows begin anew (B,)
CachedInput = tuple[Tensor, Tensor, Tensor, Tensor]

LARGEST_GATE = 10.0  # as a logarithm: more would only overflow
LARGEST_LOG = 12.0  # of an improbability
HEARD = ("embedding.weight", "output.weight", "match_model.state.weight")  # by their columns: a unit each

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

    With `slots` it can also be told, for each place, what an n-gram cache holds for its next token: so many candidates,
    each with a confidence (`seqlab.data.text.ngram_cache`). The recurrent layers do not see them; a match model makes
    of their logits those with the cache. So one set of weights predicts with a cache and without.
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
        evidence_size: int = 64,
    ) -> None:
        super().__init__()
        self.cell = cell
        self.embedding = nn.Embedding(vocab_size, embedding_size)
        self.layers = recurrent_layers(cell, embedding_size, hidden_size, num_layers, dropout)
        self.dropout = nn.Dropout(dropout)
        self.output = nn.Linear(hidden_size, vocab_size)
        self.match_model = MatchModel(vocab_size, hidden_size, slots, confidences, evidence_size) if slots else None

    @torch.no_grad()
    def begin_with(self, weights: Mapping[str, Tensor]) -> None:
        """Take the weights of another such net, or of one with fewer units, and compute what that did (Chen et al.
        2016): further units keep the weights they have here, but nothing listens to them before training does.

        Raises ValueError where the shapes differ in more than that.
        """
        mine = self.state_dict()
        if mine.keys() != weights.keys():
            raise ValueError(f"one of them alone has {', '.join(sorted(mine.keys() ^ weights.keys()))}")
        for name, own in mine.items():
            in_layers = name.startswith("layers.")
            gates = len(own) // self.layers.hidden_size if in_layers else 1
            new, old = (tensor.unflatten(0, (gates, -1)) for tensor in (own, weights[name]))
            if any(more < fewer for more, fewer in zip(new.shape, old.shape, strict=True)):
                raise ValueError(f"{name} is smaller")
            if not in_layers and (new.shape[:2] != old.shape[:2] or (new.shape != old.shape and name not in HEARD)):
                raise ValueError(f"{name} is of other tokens or slots")
            rows, heard = old.shape[1], old.shape[2:]
            if heard:
                new[:, :rows, heard[0] :] = 0.0
                new[:, :rows, : heard[0]] = old
            else:
                new[:, :rows] = old

    def forward(self, inputs: Tensor | CachedInput, state: State | None = None) -> tuple[Tensor, State]:
        """Tokens (B, T), alone or with what a cache holds -> logits of the token after each (B, T, V), and the state
        to carry on with."""
        _, logits, state = self.alone_and_mixed(inputs, state)
        return logits, state

    def alone_and_mixed(self, inputs: Tensor | CachedInput, state: State | None = None) -> tuple[Tensor, Tensor, State]:
        """As `forward`, but first the logits of the layers alone, which with no cache are the same."""
        if isinstance(inputs, Tensor):
            outputs, state = self._outputs(inputs, state)
            logits = self.output(outputs)
            return logits, logits, state
        assert self.match_model is not None
        tokens, candidates, confidences, reset_mask = inputs
        if state is not None:
            state = tuple(part.masked_fill(reset_mask[:, None], 0.0) for part in state)  # (L, B, H)
        outputs, state = self._outputs(tokens, state)
        logits = self.output(outputs)
        return logits, self.match_model(logits, outputs, candidates, confidences), state

    def _outputs(self, tokens: Tensor, state: State | None) -> tuple[Tensor, State]:
        outputs, state = run_layers(self.layers, self.embedding(tokens), state)
        return self.dropout(outputs), state  # (B, T, H)


class MatchModel(nn.Module):
    """What becomes of a net's logits when an n-gram cache is read: a mixer as in the PAQ compressors (Mahoney 2005).

    It sums up the evidence, E numbers: the net's state, what each slot holds and how sure it is, and how probable the
    net finds each candidate. From it come a gate for each slot, which scales what its candidate's logit is raised by; a
    scale of the net's own logits; and what is added to all of them. Without a candidate the logits stay as they are.
    """

    def __init__(self, vocab_size: int, hidden_size: int, slots: int, confidences: int, size: int) -> None:
        super().__init__()
        self.slots, self.confidences = slots, confidences
        self.letters: Tensor  # which tokens (V,) the words of the cache are made of
        self.register_buffer("letters", torch.zeros(vocab_size, dtype=torch.bool))
        self.state = nn.Linear(hidden_size, size)
        self.probability = nn.Linear(slots, size, bias=False)
        self.confidence = nn.Embedding(slots * confidences, size)
        self.candidate = nn.Embedding(vocab_size, size)
        for table in (self.confidence, self.candidate):
            nn.init.normal_(table.weight, std=0.1)  # as many as slots add up
        self.strength = nn.Parameter(torch.full((slots * confidences,), 0.3))
        self.copy_logits = nn.Parameter(torch.zeros(slots * confidences))
        self.gate = nn.Linear(size, slots + 1)
        self.correction = nn.Linear(size, vocab_size)
        for layer in (self.gate, self.correction):
            nn.init.zeros_(layer.weight)
            nn.init.zeros_(layer.bias)

    def forward(self, logits: Tensor, outputs: Tensor, candidates: Tensor, confidences: Tensor) -> Tensor:
        """logits (B, T, V) and outputs (B, T, H) of the net; candidates (B, T, S), tokens in S slots, and confidences
        (B, T, S), 0 where there is none -> logits (B, T, V) of both."""
        logits, known = logits.float(), confidences > 0
        rows = confidences + torch.arange(0, self.slots * self.confidences, self.confidences, device=confidences.device)
        log_probs = logits.log_softmax(-1).gather(2, candidates).clamp(min=-LARGEST_LOG) * known
        evidence = self.state(outputs).float() + self.probability(log_probs).float()
        evidence = evidence + _sums(self.confidence.weight, rows)
        evidence = torch.relu(evidence + _sums(self.candidate.weight, candidates, self.strength[rows] * known))
        gates = torch.exp(self.gate(evidence).float().clamp(max=LARGEST_GATE))  # (B, T, S + 1)
        copies = self.copy_logits[rows] * known * gates[..., :-1]
        mixed = logits * gates[..., -1:] + self.correction(evidence).float()
        return torch.where(known.any(-1, keepdim=True), mixed.scatter_add(2, candidates, copies), logits)


def _sums(table: Tensor, rows: Tensor, weights: Tensor | None = None) -> Tensor:
    """table (R, E), rows (B, T, S), perhaps with weights (B, T, S) -> the sums of those rows (B, T, E)."""
    flat = None if weights is None else weights.flatten(0, 1)
    return F.embedding_bag(rows.flatten(0, 1), table, mode="sum", per_sample_weights=flat).unflatten(0, rows.shape[:2])
