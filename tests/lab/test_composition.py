"""The sawtooth's nets, against its definition, and the bound on shallow nets with weights that are not trained."""

import pytest
import torch

from seqlab import lab
from seqlab.lab import composition
from seqlab.models.mlp import MLP


@pytest.mark.parametrize("k", [1, 3, 6])
def test_both_nets_by_hand_are_the_sawtooth(k: int) -> None:
    x = torch.rand(500, dtype=torch.float64)
    deep, wide = composition.tent_net(k), composition.sawtooth_net(k)
    expected = 1 - ((x * 2**k) % 2 - 1).abs()  # a triangle wave
    for net in (deep, wide):
        torch.testing.assert_close(composition._answer(net, x), expected, atol=1e-12, rtol=0)
        assert composition.pieces(net) == 2**k
    assert sum(parameter.numel() for parameter in deep.parameters()) == 6 * k + 1


def test_no_weights_of_a_shallow_net_beat_the_bound() -> None:
    torch.manual_seed(5)
    k, width = 5, 8
    for _ in range(50):
        net = MLP(1, (width,), 1).double()
        with torch.no_grad():
            net.biases[0][0, 0] = -net.weights[0][0, 0] * torch.rand(width)
            net.weights[1].mul_(20)
            net.biases[1].fill_(0.5)
        assert composition.pieces(net) <= width + 1
        assert composition._wrong(net, k) >= (2**k - width - 1) / 2 / (2**k + 1)


def test_the_claim_fails_where_units_are_not_rectified(monkeypatch: pytest.MonkeyPatch) -> None:
    from seqlab.models import mlp

    monkeypatch.setitem(mlp.ACTIVATIONS, "relu", lambda drive: drive)
    assert not lab.run("composition", scale="small", seeds=1, contrasts=False).holds
