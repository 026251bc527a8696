"""Multilayer recurrent networks over torch's fused kernels, and the language model made of one."""

from torch import Tensor, nn

from seqlab.errors import UsageError, did_you_mean
from seqlab.models.cells import State, open_forget_gate

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
    """Predicts the next token of a sequence: embedding, recurrent layers, a linear layer to logits."""

    def __init__(
        self,
        vocab_size: int,
        cell: str = "lstm",
        embedding_size: int = 64,
        hidden_size: int = 512,
        num_layers: int = 2,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        self.cell = cell
        self.embedding = nn.Embedding(vocab_size, embedding_size)
        self.layers = recurrent_layers(cell, embedding_size, hidden_size, num_layers, dropout)
        self.dropout = nn.Dropout(dropout)
        self.output = nn.Linear(hidden_size, vocab_size)

    def forward(self, tokens: Tensor, state: State | None = None) -> tuple[Tensor, State]:
        """tokens (B, T) -> logits of the token after each (B, T, V), and the state to carry on with."""
        outputs, state = run_layers(self.layers, self.embedding(tokens), state)  # (B, T, H)
        return self.output(self.dropout(outputs)), state
