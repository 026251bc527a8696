"""The image nets against their papers: parameters, shapes, shortcuts, first weights."""

import math

import pytest
import torch
from torch import nn

from seqlab.models.lenet import LeNet5
from seqlab.models.resnet import Block, PaddedShortcut, ResNet
from seqlab.training import count_parameters


@pytest.mark.parametrize(("depth", "parameters"), [(20, 269_722), (56, 853_018), (110, 1_727_962)])
def test_a_residual_net_has_the_papers_parameters_and_layers(depth: int, parameters: int) -> None:
    net = ResNet(depth)
    assert count_parameters(net) == parameters
    layers = [module for module in net.modules() if isinstance(module, nn.Conv2d | nn.Linear)]
    assert len(layers) == depth


@pytest.mark.parametrize("depth", [-4, 2, 9, 18, 21])
def test_a_depth_that_the_paper_does_not_have_is_refused(depth: int) -> None:
    with pytest.raises(ValueError, match="6n"):
        ResNet(depth)


def test_the_stages_halve_the_side_and_double_the_maps() -> None:
    net, shapes = ResNet(20), []
    for block in net.blocks:
        block.register_forward_hook(lambda _, __, output: shapes.append(tuple(output.shape[1:])))
    assert net(torch.zeros(2, 3, 32, 32)).shape == (2, 10)
    assert shapes == 3 * [(16, 32, 32)] + 3 * [(32, 16, 16)] + 3 * [(64, 8, 8)]


def test_a_shortcut_takes_every_other_pixel_and_adds_maps_of_zeros() -> None:
    block, x = Block(16, 32, 2, PaddedShortcut(16, 32, 2)), torch.randn(2, 16, 8, 8)
    short = block.shortcut(x)
    assert torch.equal(short[:, :16], x[:, :, ::2, ::2])
    assert short.shape == (2, 32, 4, 4)
    assert not short[:, 16:].any()
    convolutions = 16 * 32 * 9 + 32 * 32 * 9
    assert count_parameters(block) == convolutions + 4 * 32  # two norms; nothing is left for the shortcut


def test_a_block_without_residual_is_its_shortcut() -> None:
    block, x = Block(4, 4, 1, PaddedShortcut(4, 4, 1)), torch.randn(2, 4, 8, 8)
    nn.init.zeros_(block.norm2.weight)
    assert torch.equal(block(x), x.relu())


def test_the_first_weights_have_the_variance_of_he_et_al_2015() -> None:
    net = ResNet(20)
    for module in net.modules():
        if isinstance(module, nn.Conv2d):
            expected = math.sqrt(2 / (9 * module.out_channels))
            assert module.weight.std().item() == pytest.approx(expected, rel=0.1)


def test_every_parameter_of_a_residual_net_gets_a_gradient() -> None:
    net = ResNet(20)
    net(torch.randn(4, 3, 32, 32)).square().sum().backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in net.parameters())


def test_lenet_has_the_layers_of_the_paper() -> None:
    net = LeNet5()
    # c1, c3, c5, f6 of figure 2, with three colours and full tables
    layers = [6 * (3 * 25 + 1), 16 * (6 * 25 + 1), 120 * (400 + 1), 84 * (120 + 1), 10 * (84 + 1)]
    assert count_parameters(net) == sum(layers) == 62_006
    assert net(torch.zeros(2, 3, 32, 32)).shape == (2, 10)
    assert LeNet5(classes=7)(torch.zeros(1, 3, 32, 32)).shape == (1, 7)
