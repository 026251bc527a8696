"""Recurrent cells written out from their equations: for reading, for tests of equality, and for the lab.

Parameters have torch's names and gate order, so that weights move freely between these and `nn.LSTM`: W_I is
`weight_ih`, W_R is `weight_hh`, and the bias b is the sum of `bias_ih` and `bias_hh`.
"""

import math
from collections.abc import Callable

import torch
from torch import Tensor, nn

State = tuple[Tensor, ...]


class Cell(nn.Module):
    """Weights of a cell with `gates` gates: weight_ih (gates*H, I), weight_hh (gates*H, H), two biases (gates*H)."""

    state_parts = 1  # h; the LSTM carries (h, c)

    def __init__(self, input_size: int, hidden_size: int, gates: int) -> None:
        super().__init__()
        self.input_size, self.hidden_size = input_size, hidden_size
        self.weight_ih = nn.Parameter(torch.empty(gates * hidden_size, input_size))
        self.weight_hh = nn.Parameter(torch.empty(gates * hidden_size, hidden_size))
        self.bias_ih = nn.Parameter(torch.empty(gates * hidden_size))
        self.bias_hh = nn.Parameter(torch.empty(gates * hidden_size))
        bound = 1 / math.sqrt(hidden_size)
        for parameter in self.parameters():
            nn.init.uniform_(parameter, -bound, bound)

    def zero_state(self, batch_size: int) -> State:
        """State before the first step: zeros, each (B, H)."""
        return tuple(self.weight_hh.new_zeros(batch_size, self.hidden_size) for _ in range(self.state_parts))


class RNNCell(Cell):
    """h_t = g(W_I x_t + W_R h_(t-1) + b): the simple recurrent cell (Elman 1990), g = tanh by default."""

    def __init__(self, input_size: int, hidden_size: int, activation: Callable[[Tensor], Tensor] = torch.tanh) -> None:
        super().__init__(input_size, hidden_size, gates=1)
        self.activation = activation

    def forward(self, x: Tensor, state: State) -> State:
        """x (B, I), state (h,) with h (B, H) -> the next state."""
        (h,) = state
        drive = x @ self.weight_ih.T + self.bias_ih + h @ self.weight_hh.T + self.bias_hh  # (B, H)
        return (self.activation(drive),)


class LSTMCell(Cell):
    """Long short-term memory (Hochreiter and Schmidhuber 1997) with a forget gate (Gers et al. 2000).

    i, f, o = sigmoid(W_I x_t + W_R h_(t-1) + b), one set of weights each; g = tanh(...) likewise
    c_t = f * c_(t-1) + i * g        the memory: kept by the forget gate, written by the input gate
    h_t = o * tanh(c_t)              what the output gate lets out
    """

    state_parts = 2

    def __init__(self, input_size: int, hidden_size: int) -> None:
        super().__init__(input_size, hidden_size, gates=4)
        open_forget_gate(self.bias_ih, self.bias_hh)

    def forward(self, x: Tensor, state: State) -> State:
        """x (B, I), state (h, c), each (B, H) -> the next state."""
        h, c = state
        gates = x @ self.weight_ih.T + self.bias_ih + h @ self.weight_hh.T + self.bias_hh  # (B, 4H)
        i, f, g, o = gates.chunk(4, dim=1)
        c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
        return torch.sigmoid(o) * torch.tanh(c), c


class GRUCell(Cell):
    """The gated recurrent unit (Cho et al. 2014), in the form whose reset gate comes after the product, as in cuDNN.

    r, z = sigmoid(W_I x_t + W_R h_(t-1) + b)
    n = tanh(W_I x_t + b_I + r * (W_R h_(t-1) + b_R))
    h_t = (1 - z) * n + z * h_(t-1)
    """

    def __init__(self, input_size: int, hidden_size: int) -> None:
        super().__init__(input_size, hidden_size, gates=3)

    def forward(self, x: Tensor, state: State) -> State:
        """x (B, I), state (h,) with h (B, H) -> the next state."""
        (h,) = state
        from_input = x @ self.weight_ih.T + self.bias_ih  # (B, 3H)
        from_state = h @ self.weight_hh.T + self.bias_hh  # (B, 3H)
        r_input, z_input, n_input = from_input.chunk(3, dim=1)
        r_state, z_state, n_state = from_state.chunk(3, dim=1)
        r, z = torch.sigmoid(r_input + r_state), torch.sigmoid(z_input + z_state)
        n = torch.tanh(n_input + r * n_state)
        return ((1 - z) * n + z * h,)


CELLS: dict[str, type[Cell]] = {"rnn": RNNCell, "gru": GRUCell, "lstm": LSTMCell}


def open_forget_gate(bias_ih: Tensor, bias_hh: Tensor) -> None:
    """Set an LSTM's forget-gate bias to 1, so that it remembers before it has learned to (Jozefowicz et al. 2015).

    The two biases (4H,) are added by the cell; the second is set to zero there.
    """
    hidden_size = len(bias_ih) // 4
    with torch.no_grad():
        bias_ih[hidden_size : 2 * hidden_size] = 1.0
        bias_hh[hidden_size : 2 * hidden_size] = 0.0


def unroll(cell: Cell, x: Tensor, state: State | None = None) -> list[State]:
    """Run a cell along x (B, T, I) and return the state after every step: T tuples of (B, H).

    The graph through all of them is kept, so `torch.autograd.grad` can ask for the gradient at any step.
    """
    state = cell.zero_state(x.shape[0]) if state is None else state
    states = []
    for t in range(x.shape[1]):
        state = cell(x[:, t], state)
        states.append(state)
    return states


def hidden_states(states: list[State]) -> Tensor:
    """The h of every step, as one tensor (B, T, H)."""
    return torch.stack([state[0] for state in states], dim=1)
