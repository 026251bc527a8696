"""Nets side by side learn what each learns alone."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.nn import functional as F

from seqlab.models.mlp import MLP
from seqlab.tabular.batched import BatchedMLP, RowBatches, mean_loss


@pytest.mark.parametrize(("closes", "weighted"), [(False, False), (True, False), (True, True)])
def test_a_net_among_others_learns_what_it_learns_alone(closes: bool, weighted: bool) -> None:
    torch.manual_seed(0)
    x, y = torch.randn(3, 40, 5), torch.randint(2, (3, 40))
    rows = [torch.arange(30), torch.arange(10, 40), torch.arange(7)]
    weights = torch.tensor([[0.1, 3.0], [2.0, 0.5], [1.0, 1.0]]) if weighted else None
    together = BatchedMLP(MLP(5, [8], 2, members=3), 3)
    trained = []
    for net, alone in ((together, None), (BatchedMLP(together.mlp.member(1), 1), 1)):
        batches = RowBatches(x, y, rows, 4, seed=3, nets=None if alone else net)
        optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
        for number in range(2):
            for inputs, targets in batches.epoch(number):
                if alone is not None:
                    inputs, targets = inputs[alone : alone + 1], targets.view(3, -1)[alone]
                optimizer.zero_grad()
                own = weights if weights is None or alone is None else weights[alone : alone + 1]
                loss, _ = mean_loss(net, (inputs, targets), None, loss="cross_entropy", l2=0.01, weights=own)
                (loss * net.mlp.members).backward()
                optimizer.step()
            if closes and alone is None:
                net.open[0] = False
        trained.append([parameter[1 if alone is None else 0].detach() for parameter in net.mlp.parameters()])
    for one, other in zip(*trained, strict=True):
        torch.testing.assert_close(one, other)


@given(counts=st.lists(st.integers(1, 12), min_size=1, max_size=3), size=st.integers(1, 6), start=st.integers(0, 3))
def test_each_net_goes_through_all_its_rows_again_and_again(counts: list[int], size: int, start: int) -> None:
    x = torch.arange(12.0).view(1, 12, 1)
    rows = [torch.arange(count) for count in counts]
    batches = RowBatches(x, x[..., 0], rows, size, seed=1)
    seen = torch.cat([inputs[..., 0] for number in range(4) for inputs, _ in batches.epoch(number)], 1)
    for order, count in zip(seen, counts, strict=True):
        for turn in order[: len(order) // count * count].view(-1, count):
            assert sorted(turn.tolist()) == list(range(count))
    start = min(start, len(batches))
    whole, later = list(batches.epoch(1)), list(batches.epoch(1, start))
    assert all(torch.equal(a[0], b[0]) for a, b in zip(whole[start:], later, strict=True))


def test_the_objective_is_the_loss_plus_gamma_times_the_squared_weights() -> None:
    net = BatchedMLP(MLP(3, [4], 2), 1)
    for bias in net.mlp.biases:
        torch.nn.init.ones_(bias)
    x, y = torch.randn(1, 6, 3), torch.tensor([0, 0, 0, 0, 0, 1])
    squares = sum(float(weight.detach().square().sum()) for weight in net.mlp.weights)
    loss, _ = mean_loss(net, (x, y), None, loss="cross_entropy", l2=0.1, weights=None)
    assert loss.item() == pytest.approx(F.cross_entropy(net(x)[0], y).item() + 0.1 * squares, rel=1e-5)
    counts = torch.tensor([[0.6, 3.0]])
    loss, _ = mean_loss(net, (x, y), None, loss="cross_entropy", l2=0.0, weights=counts)
    assert loss.item() == pytest.approx(F.cross_entropy(net(x)[0], y, weight=counts[0]).item(), rel=1e-5)
