"""The deep net of the experiment, against the feedforward net of the library and torch's own layers."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from seqlab import lab
from seqlab.lab import activations
from seqlab.lab.activations import DeepNet, _Kind
from seqlab.models.mlp import MLP


def test_batch_norm_and_shortcut_are_those_of_torch() -> None:
    torch.manual_seed(1)
    net, x = DeepNet(_Kind("", "relu", None, norm=True, shortcut=True), 4), torch.randn(9, activations.UNITS)
    norm = nn.BatchNorm1d(activations.UNITS, affine=False).train()
    first, second, third, last = (weight[0] for weight in net.weights)
    expected = F.relu(norm(x @ first))
    expected = expected + F.relu(norm(expected @ second))
    expected = expected + F.relu(norm(expected @ third))
    torch.testing.assert_close(net(x), expected @ last)


def test_weights_have_the_variance_that_is_asked_for() -> None:
    torch.manual_seed(2)
    small, he = (DeepNet(_Kind("", "relu", variance), 3).weights[1][0] for variance in (1.0, None))
    assert activations.UNITS * small.var().item() == pytest.approx(1, rel=0.1)
    assert activations.UNITS * he.var().item() == pytest.approx(2, rel=0.1)


def test_the_claim_fails_where_the_library_draws_small_weights(monkeypatch: pytest.MonkeyPatch) -> None:
    right = MLP.init

    def small(self: MLP, member: int, inputs: int | None = None) -> None:
        right(self, member, inputs)
        with torch.no_grad():
            for weight in self.weights:
                weight.mul_(0.5**0.5)

    monkeypatch.setattr(MLP, "init", small)
    assert not lab.run("activations", scale="small", seeds=1, contrasts=False).holds
