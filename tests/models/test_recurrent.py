"""The fused networks against stacks of the written-out cells: equal in outputs, states and gradients."""

import pytest
import torch
from torch import Tensor, nn

from seqlab.errors import UsageError
from seqlab.models.cells import CELLS, State, hidden_states, unroll
from seqlab.models.recurrent import KINDS, RecurrentLanguageModel, recurrent_layers, run_layers

INPUT, HIDDEN, BATCH, TIME = 3, 5, 2, 9

pytestmark = pytest.mark.usefixtures("float64")


def stacked_cells(layers: nn.RNNBase, kind: str) -> nn.ModuleList:
    """Written-out cells with the weights of fused layers: the same names, with the layer appended."""
    cells = nn.ModuleList(CELLS[kind](INPUT if n == 0 else HIDDEN, HIDDEN) for n in range(layers.num_layers))
    for n, cell in enumerate(cells):
        cell.load_state_dict({name: getattr(layers, f"{name}_l{n}").detach() for name in cell.state_dict()})
    return cells


def run_cells(cells: nn.ModuleList, x: Tensor, state: State) -> tuple[Tensor, State]:
    last = []
    for n, cell in enumerate(cells):
        states = unroll(cell, x, tuple(part[n] for part in state))
        x = hidden_states(states)  # (B, T, H)
        last.append(states[-1])
    return x, tuple(torch.stack(parts) for parts in zip(*last, strict=True))  # each (L, B, H)


@pytest.mark.parametrize("num_layers", [1, 2, 3])
@pytest.mark.parametrize("kind", KINDS)
def test_fused_layers_equal_stacked_cells(kind: str, num_layers: int) -> None:
    layers = recurrent_layers(kind, INPUT, HIDDEN, num_layers)
    for parameter in layers.parameters():
        nn.init.normal_(parameter, std=0.7)
    cells = stacked_cells(layers, kind)
    x = torch.randn(BATCH, TIME, INPUT)
    parts = CELLS[kind].state_parts
    state = tuple(torch.randn(num_layers, BATCH, HIDDEN) for _ in range(parts))
    inputs = [[tensor.clone().requires_grad_() for tensor in (x, *state)] for _ in range(2)]

    outputs, after = run_layers(layers, inputs[0][0], tuple(inputs[0][1:]))
    by_hand, after_by_hand = run_cells(cells, inputs[1][0], tuple(inputs[1][1:]))
    torch.testing.assert_close(outputs, by_hand, rtol=0, atol=1e-10)
    assert len(after) == parts
    for fused, written in zip(after, after_by_hand, strict=True):
        assert fused.shape == (num_layers, BATCH, HIDDEN)
        torch.testing.assert_close(fused, written, rtol=0, atol=1e-10)

    weigh = torch.randn(BATCH, TIME, HIDDEN)  # a loss that tells positions apart, and depends on the last state
    for result, last in ((outputs, after), (by_hand, after_by_hand)):
        ((result * weigh).sum() + sum((part**2).sum() for part in last)).backward()
    for fused, written in zip(*inputs, strict=True):
        torch.testing.assert_close(fused.grad, written.grad, rtol=0, atol=1e-10)
    compared = 0
    for n, cell in enumerate(cells):
        for name, parameter in cell.named_parameters():
            torch.testing.assert_close(getattr(layers, f"{name}_l{n}").grad, parameter.grad, rtol=0, atol=1e-10)
            assert parameter.grad is not None and parameter.grad.abs().max() > 1e-3
            compared += 1
    assert compared == len(list(layers.parameters()))


@pytest.mark.parametrize("kind", KINDS)
def test_without_a_state_it_starts_from_zero(kind: str) -> None:
    layers = recurrent_layers(kind, INPUT, HIDDEN, 2)
    x = torch.randn(BATCH, TIME, INPUT)
    zero = tuple(torch.zeros(2, BATCH, HIDDEN) for _ in range(CELLS[kind].state_parts))
    for one, other in zip(run_layers(layers, x, None)[1], run_layers(layers, x, zero)[1], strict=True):
        assert torch.equal(one, other)


def test_every_layer_of_an_lstm_begins_by_remembering() -> None:
    layers = recurrent_layers("lstm", INPUT, HIDDEN, 3)
    for n in range(3):
        biases = getattr(layers, f"bias_ih_l{n}") + getattr(layers, f"bias_hh_l{n}")
        assert (biases[HIDDEN : 2 * HIDDEN] == 1).all()
        assert (biases[:HIDDEN] != 1).all() and (biases[2 * HIDDEN :] != 1).all()


@pytest.mark.filterwarnings("error")  # torch warns of dropout on one layer; we do not ask for it
@pytest.mark.parametrize("kind", KINDS)
def test_dropout_stands_between_layers_in_training_only(kind: str) -> None:
    x = torch.randn(BATCH, TIME, INPUT)
    single = recurrent_layers(kind, INPUT, HIDDEN, 1, dropout=0.5).train()
    assert torch.equal(run_layers(single, x, None)[0], run_layers(single, x, None)[0])

    double = recurrent_layers(kind, INPUT, HIDDEN, 2, dropout=0.5).train()
    (first, first_state), (second, second_state) = run_layers(double, x, None), run_layers(double, x, None)
    assert not torch.equal(first, second)
    assert torch.equal(first_state[0][0], second_state[0][0])  # the lower layer is before it
    assert not torch.equal(first_state[0][1], second_state[0][1])  # the upper one is behind it
    assert (first != 0).all()  # and none stands after the last layer
    double.eval()
    outputs, _ = run_layers(double, x, None)
    assert torch.equal(outputs, run_layers(double, x, None)[0])
    undropped = recurrent_layers(kind, INPUT, HIDDEN, 2)
    undropped.load_state_dict(double.state_dict())
    assert torch.equal(outputs, run_layers(undropped, x, None)[0])


@pytest.mark.parametrize("kind", KINDS)
def test_the_language_model_in_parts_is_the_language_model_at_once(kind: str) -> None:
    model = RecurrentLanguageModel(7, kind, embedding_size=3, hidden_size=HIDDEN, num_layers=2).eval()
    tokens = torch.randint(0, 7, (BATCH, TIME))
    whole, end = model(tokens)
    assert whole.shape == (BATCH, TIME, 7)
    first, state = model(tokens[:, :4])
    second, state = model(tokens[:, 4:], state)
    torch.testing.assert_close(torch.cat([first, second], 1), whole, rtol=0, atol=1e-12)
    for one, other in zip(state, end, strict=True):
        torch.testing.assert_close(one, other, rtol=0, atol=1e-12)


@pytest.mark.parametrize("kind", KINDS)
def test_the_language_model_does_not_see_the_future(kind: str) -> None:
    model = RecurrentLanguageModel(7, kind, embedding_size=3, hidden_size=HIDDEN).eval()
    tokens = torch.randint(0, 7, (1, TIME))
    changed = tokens.clone()
    changed[0, 5] = (changed[0, 5] + 1) % 7
    before, after = model(tokens)[0], model(changed)[0]
    assert torch.equal(before[:, :5], after[:, :5])
    assert not torch.equal(before[:, 5], after[:, 5])


def test_an_unknown_cell_is_named_with_a_suggestion() -> None:
    with pytest.raises(UsageError, match=r"lstn.*did you mean 'lstm'"):
        recurrent_layers("lstn", INPUT, HIDDEN, 1)


@pytest.mark.parametrize("kind", ["rnn", "gru", "lstm"])
@pytest.mark.parametrize("slots", [0, 3])
def test_a_wider_net_begins_as_the_narrower_one_and_then_uses_its_further_units(kind: str, slots: int) -> None:
    shape = {"cell": kind, "num_layers": 2, "slots": slots, "confidences": 4}
    narrow = RecurrentLanguageModel(11, embedding_size=5, hidden_size=6, **shape).float()
    wide = RecurrentLanguageModel(11, embedding_size=8, hidden_size=9, **shape).float()
    wide.begin_with(narrow.state_dict())
    tokens = torch.randint(11, (2, 20))
    inputs = tokens
    if slots:
        nn.init.normal_(narrow.match_model.gate.weight)
        wide.begin_with(narrow.state_dict())
        known = torch.randint(11, (2, 20, slots)), torch.randint(4, (2, 20, slots)), torch.zeros(2, dtype=torch.bool)
        inputs = tokens, *known
    torch.testing.assert_close(wide(inputs)[0], narrow(inputs)[0], rtol=1e-4, atol=1e-5)
    loss = nn.functional.cross_entropy(wide(inputs)[0].flatten(0, 1), tokens.flatten())
    loss.backward()
    assert wide.output.weight.grad[:, 6:].abs().min() > 0
    with pytest.raises(ValueError, match="smaller"):
        narrow.begin_with(wide.state_dict())
    for other in ({"vocab_size": 12}, {"slots": slots + 1}, {"num_layers": 1}):
        with pytest.raises(ValueError):
            RecurrentLanguageModel(
                **{"vocab_size": 11, "embedding_size": 8, "hidden_size": 9, **shape, **other}
            ).begin_with(narrow.state_dict())
