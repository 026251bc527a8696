"""Layers are counted on the longest way, and a dense head by its formula."""

import pytest
import torch
from torch import nn

from seqlab.lab import depth_history
from seqlab.models.vgg import _three_layers
from seqlab.training import count_parameters
from seqlab.vision.zoo import MODELS, size


@pytest.mark.parametrize(("name", "layers"), [("lenet5", 5), ("alexnet", 8), ("googlenet", 22), ("resnet20", 20)])
def test_layers_and_sizes_are_those_of_the_papers(name: str, layers: int) -> None:
    found = depth_history.count(name, "mean")
    assert found["layers"] == layers
    assert (found["parameters"], found["multiply_adds"]) == size(MODELS[name], 10)


def test_the_longest_of_two_ways_counts() -> None:
    short, long = nn.Linear(3, 3), nn.Sequential(nn.Linear(3, 3), nn.ReLU(), nn.Linear(3, 3), nn.Linear(3, 3))
    x = torch.ones(2, 3)
    assert depth_history.longest(short(x) + long(x)) == 3
    assert depth_history.longest(short(long(x))) == 4


def test_a_dense_head_has_the_parameters_of_one() -> None:
    entry = MODELS["resnet20"]
    with torch.device("meta"):
        head = _three_layers(64 * 8 * 8, 10)
    in_vgg = count_parameters(head)
    quarter = (4096 + 1) * 1024 + (1024 + 1) * 1024 + (1024 + 1) * 10
    assert depth_history.count("resnet20", "dense")["dense"] == quarter < in_vgg
    assert depth_history.count("resnet20", "dense")["parameters"] == size(entry, 10)[0] - 650 + quarter
