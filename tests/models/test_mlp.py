"""The feedforward net against the functions it is composed of, and several in one against each alone."""

import math

import pytest
import torch
from torch import nn

from seqlab.models.mlp import ACTIVATIONS, MLP
from seqlab.training import optimizers


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_the_net_is_its_layers_one_after_the_other(activation: str) -> None:
    torch.manual_seed(0)
    net = MLP(3, [5, 4], 2, activation)
    for bias in net.biases:
        nn.init.normal_(bias)
    x = torch.randn(7, 3)
    named = {"relu": nn.ReLU(), "gelu": nn.GELU(), "tanh": nn.Tanh(), "sigmoid": nn.Sigmoid()}[activation]
    expected = x
    for number, (weight, bias) in enumerate(zip(net.weights, net.biases, strict=True)):
        expected = expected @ weight[0] + bias[0]
        if number < 2:
            expected = named(expected)
    torch.testing.assert_close(net(x), expected)
    torch.testing.assert_close(net(x[None])[0], expected)


def test_nets_side_by_side_know_nothing_of_each_other() -> None:
    torch.manual_seed(0)
    net = MLP(3, [5], 2, members=4)
    x = torch.randn(4, 6, 3)
    together = net(x)
    assert together.shape == (4, 6, 2)
    for number in range(4):
        torch.testing.assert_close(net.member(number)(x[number]), together[number])
    torch.testing.assert_close(net(x[:2]), together[:2])
    (gradient,) = torch.autograd.grad(together[1].square().sum(), net.weights[0])
    assert gradient[1].abs().sum() > 0 and gradient[[0, 2, 3]].abs().sum() == 0
    assert not torch.equal(net.weights[0][0], net.weights[0][1])


def test_no_hidden_layer_is_a_linear_model() -> None:
    net = MLP(3, [], 2)
    x = torch.randn(5, 3)
    torch.testing.assert_close(net(x), x @ net.weights[0][0] + net.biases[0][0])


@pytest.mark.parametrize("activation", ["relu", "tanh"])
def test_what_goes_in_keeps_its_size_through_many_layers(activation: str) -> None:
    torch.manual_seed(0)
    net, x = MLP(256, [256] * 10, 256, activation), torch.randn(200, 256)
    for weight in net.weights[:-1]:
        x = ACTIVATIONS[activation](x @ weight[0])
    assert 0.1 < float(x.detach().square().mean().sqrt()) < 2


def test_weights_are_initialized_as_the_papers_say() -> None:
    torch.manual_seed(0)
    rectified = MLP(400, [300], 10, "relu").weights[0]
    assert float(rectified.detach().std()) == pytest.approx(math.sqrt(2 / 400), rel=0.02)
    glorot = MLP(400, [300], 10, "tanh").weights[0].detach()
    assert float(glorot.abs().max()) <= math.sqrt(6 / 700)
    assert float(glorot.std()) == pytest.approx(math.sqrt(2 / 700), rel=0.02)


def test_inputs_that_are_never_there_do_not_count() -> None:
    torch.manual_seed(0)
    net = MLP(400, [300], 10, "relu")
    net.init(0, inputs=100)
    assert float(net.weights[0].detach().std()) == pytest.approx(math.sqrt(2 / 100), rel=0.02)


def test_dropout_is_of_training_only_and_keeps_the_mean() -> None:
    torch.manual_seed(0)
    net, x = MLP(4, [2000], 1, dropout=0.5), torch.randn(1, 4)
    said = torch.stack([net(x) for _ in range(400)])
    assert float(said.detach().std()) > 0
    net.eval()
    assert said.mean().item() == pytest.approx(net(x).item(), abs=4 * said.std().item() / 20)
    assert torch.equal(net(x), net(x))


def test_biases_are_not_decayed() -> None:
    matrices, vectors = optimizers.decay_matrices(MLP(3, [4], 2, members=3), 0.1)
    assert [tuple(p.shape) for p in matrices["params"]] == [(3, 3, 4), (3, 4, 2)]
    assert [tuple(p.shape) for p in vectors["params"]] == [(3, 1, 4), (3, 1, 2)]
