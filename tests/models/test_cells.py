"""The written-out cells against their equations, computed here with numpy, and numerical gradients."""

import numpy as np
import pytest
import torch
from torch import nn

from seqlab.models.cells import CELLS, Cell, GRUCell, LSTMCell, RNNCell, hidden_states, unroll

INPUT, HIDDEN, BATCH, TIME = 3, 4, 2, 5

pytestmark = pytest.mark.usefixtures("float64")


def logistic(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))


def gate(cell: Cell, number: int, x: np.ndarray, h: np.ndarray) -> np.ndarray:
    """W_I x + W_R h + b of one gate: its rows of the weights."""
    rows = slice(number * HIDDEN, (number + 1) * HIDDEN)
    w_i, w_r, b_i, b_r = (parameter.detach().numpy()[rows] for parameter in cell.parameters())
    return np.einsum("hi,bi->bh", w_i, x) + np.einsum("hk,bk->bh", w_r, h) + b_i + b_r


def rnn_equations(cell: Cell, x: np.ndarray, h: np.ndarray) -> tuple[np.ndarray, ...]:
    return (np.tanh(gate(cell, 0, x, h)),)


def lstm_equations(cell: Cell, x: np.ndarray, h: np.ndarray, c: np.ndarray) -> tuple[np.ndarray, ...]:
    i, f, o = (logistic(gate(cell, number, x, h)) for number in (0, 1, 3))
    c = f * c + i * np.tanh(gate(cell, 2, x, h))
    return o * np.tanh(c), c


def gru_equations(cell: Cell, x: np.ndarray, h: np.ndarray) -> tuple[np.ndarray, ...]:
    r, z = logistic(gate(cell, 0, x, h)), logistic(gate(cell, 1, x, h))
    rows = slice(2 * HIDDEN, 3 * HIDDEN)
    w_i, w_r, b_i, b_r = (parameter.detach().numpy()[rows] for parameter in cell.parameters())
    n = np.tanh(x @ w_i.T + b_i + r * (h @ w_r.T + b_r))
    return ((1 - z) * n + z * h,)


EQUATIONS = {"rnn": rnn_equations, "gru": gru_equations, "lstm": lstm_equations}


def drawn(*shape: int) -> torch.Tensor:
    return torch.randn(*shape, dtype=torch.float64)


def drawn_cell(kind: str) -> Cell:
    """A cell whose biases are all different, so that a mixed-up gate shows."""
    cell = CELLS[kind](INPUT, HIDDEN)
    for parameter in cell.parameters():
        nn.init.normal_(parameter)
    return cell


@pytest.mark.parametrize("kind", CELLS)
def test_a_step_is_the_equations(kind: str) -> None:
    cell = drawn_cell(kind)
    x, state = drawn(BATCH, INPUT), tuple(drawn(BATCH, HIDDEN) for _ in range(cell.state_parts))
    expected = EQUATIONS[kind](cell, x.numpy(), *(part.numpy() for part in state))
    for got, wanted in zip(cell(x, state), expected, strict=True):
        np.testing.assert_allclose(got.detach().numpy(), wanted, rtol=0, atol=1e-14)


def test_the_simple_cell_takes_any_activation() -> None:
    cell = RNNCell(INPUT, HIDDEN, activation=torch.relu)
    x, h = drawn(BATCH, INPUT), drawn(BATCH, HIDDEN)
    expected = np.maximum(gate(cell, 0, x.numpy(), h.numpy()), 0)
    np.testing.assert_allclose(cell(x, (h,))[0].detach().numpy(), expected, atol=1e-14)


@pytest.mark.parametrize("kind", CELLS)
def test_gradients_are_those_of_finite_differences(kind: str) -> None:
    cell = drawn_cell(kind)
    names = [name for name, _ in cell.named_parameters()]

    def two_steps(x: torch.Tensor, *rest: torch.Tensor) -> torch.Tensor:
        state, values = rest[: cell.state_parts], rest[cell.state_parts :]
        weights = dict(zip(names, values, strict=True))
        for _ in range(2):
            state = torch.func.functional_call(cell, weights, (x, state))
        return torch.cat(state)

    state = [drawn(BATCH, HIDDEN).requires_grad_() for _ in range(cell.state_parts)]
    parameters = [parameter.detach().clone().requires_grad_() for parameter in cell.parameters()]
    assert torch.autograd.gradcheck(two_steps, (drawn(BATCH, INPUT).requires_grad_(), *state, *parameters))


@pytest.mark.parametrize("kind", CELLS)
def test_unroll_returns_every_state_with_its_graph(kind: str) -> None:
    cell = drawn_cell(kind)
    x = drawn(BATCH, TIME, INPUT).requires_grad_()
    states = unroll(cell, x)
    assert len(states) == TIME
    expected = tuple(np.zeros((BATCH, HIDDEN)) for _ in range(cell.state_parts))
    for t, state in enumerate(states):
        expected = EQUATIONS[kind](cell, x[:, t].detach().numpy(), *expected)
        assert len(state) == cell.state_parts
        for got, wanted in zip(state, expected, strict=True):
            np.testing.assert_allclose(got.detach().numpy(), wanted, atol=1e-13)
    np.testing.assert_array_equal(hidden_states(states)[:, 2].detach(), states[2][0].detach())
    # the graph runs through all of them: from the last state to the third, and to every input up to it
    to_state, to_x = torch.autograd.grad(states[-1][0].sum(), [states[2][0], x], retain_graph=True)
    assert to_state.abs().min() > 0
    assert (to_x.abs().sum(dim=(0, 2)) > 0).all()
    # and not backwards in time: what comes later cannot have had an influence
    (of_third,) = torch.autograd.grad(states[2][0].sum(), x)
    assert (of_third[:, :3].abs().sum(dim=(0, 2)) > 0).all()
    assert (of_third[:, 3:] == 0).all()


@pytest.mark.parametrize("kind", CELLS)
def test_unroll_goes_on_from_a_state(kind: str) -> None:
    cell = drawn_cell(kind)
    x = drawn(BATCH, TIME, INPUT)
    whole = unroll(cell, x)
    rest = unroll(cell, x[:, 2:], whole[1])
    for at_once, in_two in zip(whole[2:], rest, strict=True):
        for one, other in zip(at_once, in_two, strict=True):
            torch.testing.assert_close(one, other, rtol=0, atol=0)


def test_an_lstm_begins_by_remembering() -> None:
    cell = LSTMCell(INPUT, HIDDEN)
    biases = (cell.bias_ih + cell.bias_hh).detach()
    assert (biases[HIDDEN : 2 * HIDDEN] == 1).all()
    others = torch.cat([biases[:HIDDEN], biases[2 * HIDDEN :]])
    assert (others.abs() <= 2 / HIDDEN**0.5).all() and others.unique().numel() == 3 * HIDDEN


@pytest.mark.parametrize("kind", [RNNCell, GRUCell, LSTMCell])
def test_weights_begin_as_torch_begins_them(kind: type[Cell]) -> None:
    size = 100
    cell = kind(size, size)
    for weight in (cell.weight_ih, cell.weight_hh):
        assert weight.abs().max() <= 1 / size**0.5
        # uniform on (-a, a): standard deviation a / sqrt(3)
        assert weight.std().item() == pytest.approx(1 / (3 * size) ** 0.5, rel=0.05)
