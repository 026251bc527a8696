"""The zoo of image nets against their papers and the sizes that are published: nothing here is trained."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn

from seqlab.models.alexnet import AlexNet
from seqlab.models.googlenet import GoogLeNet, Inception
from seqlab.models.resnet import Bottleneck, ImageNetResNet, ResNet
from seqlab.models.vgg import VGG
from seqlab.settings import VisionSettings
from seqlab.training import count_parameters
from seqlab.vision import MODELS, size
from seqlab.vision.zoo import SIZES

# Parameters as torchvision counts them, for a thousand classes; for ten those of section 4.2 of He et al. 2016.
PARAMETERS = {
    "lenet5": 62_006,
    "alexnet": 2_264_346,
    "resnet20": 269_722,
    "resnet56": 853_018,
    "resnet110": 1_727_962,
    "plain20": 269_722,
    "plain56": 853_018,
    "alexnet-224": 61_100_840,
    "vgg11-224": 132_863_336,
    "vgg13-224": 133_047_848,
    "vgg16-224": 138_357_544,
    "vgg19-224": 143_667_240,
    "googlenet-224": 6_624_904,
    "resnet18": 11_689_512,
    "resnet34": 21_797_672,
    "resnet50": 25_557_032,
    "resnet101": 44_549_160,
    "resnet152": 60_192_808,
}
MULTIPLY_ADDS = {  # 1e9 of them, as published with torchvision's weights; resnet20: 40.6 to 41 M
    "alexnet-224": 0.714,
    "vgg11-224": 7.609,
    "vgg16-224": 15.470,
    "vgg19-224": 19.632,
    "googlenet-224": 1.498,
    "resnet18": 1.814,
    "resnet34": 3.664,
    "resnet50": 4.089,
    "resnet101": 7.801,
    "resnet152": 11.514,
    "resnet20": 0.0408,
}
NAMES = {  # of a net's tensors: how many, the first, one from the middle, the last. Saved checkpoints hold them
    "lenet5": (10, "c1.weight", "c5.bias", "output.bias"),
    "alexnet": (41, "features.0.weight", "features.9.num_batches_tracked", "classifier.6.bias"),
    "vgg16": (80, "features.0.weight", "features.21.running_var", "classifier.bias"),
    "googlenet": (344, "stem.0.0.weight", "inceptions.4c.threes.0.1.running_var", "output.bias"),
    "resnet20": (116, "conv.weight", "blocks.4.norm1.running_var", "output.bias"),
    "alexnet-224": (16, "features.0.weight", "features.10.weight", "classifier.6.bias"),
    "vgg16-224": (32, "features.0.weight", "features.19.weight", "classifier.6.bias"),
    "googlenet-224": (344, "stem.0.0.weight", "inceptions.4c.threes.0.1.running_var", "output.bias"),
    "resnet18": (122, "conv.weight", "blocks.4.norm1.weight", "output.bias"),
    "resnet50": (320, "conv.weight", "blocks.7.norm3.running_var", "output.bias"),
}
SMALL = [name for name, entry in MODELS.items() if entry.side == 32]


@pytest.fixture(scope="module")
def sizes() -> dict[str, tuple[int, int]]:
    return {name: size(entry, 10 if entry.side == 32 else 1000) for name, entry in MODELS.items()}


def test_the_listed_sizes_are_those_of_the_nets(sizes: dict[str, tuple[int, int]]) -> None:
    assert sizes == SIZES


@pytest.mark.parametrize("name", PARAMETERS)
def test_a_net_has_the_published_parameters(name: str, sizes: dict[str, tuple[int, int]]) -> None:
    assert sizes[name][0] == PARAMETERS[name]


@pytest.mark.parametrize("name", MULTIPLY_ADDS)
def test_a_net_has_the_published_multiply_adds(name: str, sizes: dict[str, tuple[int, int]]) -> None:
    assert sizes[name][1] / 1e9 == pytest.approx(MULTIPLY_ADDS[name], rel=0.01)


def test_the_multiply_adds_of_lenet_are_those_counted_by_hand(sizes: dict[str, tuple[int, int]]) -> None:
    convolutions = 28 * 28 * 6 * 3 * 25 + 10 * 10 * 16 * 6 * 25
    assert sizes["lenet5"][1] == convolutions + 400 * 120 + 120 * 84 + 84 * 10


def test_the_auxiliary_heads_of_googlenet_have_the_published_parameters() -> None:
    with torch.device("meta"):
        assert count_parameters(GoogLeNet(auxiliary=True)) == 13_004_888


@pytest.mark.parametrize("name", MODELS)
def test_a_net_has_as_many_layers_as_its_name_says(name: str) -> None:
    with torch.device("meta"):
        net = MODELS[name].build(10)
    depth = int("0" + "".join(filter(str.isdigit, name.removesuffix("-224"))))
    layers = [part for part, module in net.named_modules() if isinstance(module, nn.Conv2d | nn.Linear)]
    layers = [part for part in layers if "shortcut" not in part]  # the papers do not count projections
    left_out = 2 if name in SMALL and "vgg" in name else 0
    if depth > 5:
        assert len(layers) == depth - left_out


@pytest.mark.parametrize("name", MODELS)
def test_a_net_keeps_the_names_of_its_tensors_and_takes_them_back(name: str) -> None:
    with torch.device("meta"):
        one, other = MODELS[name].build(7), MODELS[name].build(7)
    names = list(one.state_dict())
    assert len(set(names)) == len(names)
    if name in NAMES:
        assert (len(names), names[0], names[len(names) // 2], names[-1]) == NAMES[name]
    assert not other.load_state_dict(one.state_dict(), assign=True).missing_keys


@pytest.mark.parametrize("name", SMALL)
def test_a_small_net_trains_every_parameter_and_learns_seven_classes(name: str) -> None:
    net = MODELS[name].build(7)
    logits = net(torch.randn(8, 3, 32, 32))
    assert logits.shape == (8, 7)
    logits.logsumexp(1).sum().backward()
    still = [
        part for part, p in net.named_parameters() if p.requires_grad and (p.grad is None or not p.grad.abs().sum() > 0)
    ]
    assert still == []


@pytest.mark.parametrize("name", [name for name in MODELS if name not in SMALL])
def test_a_large_net_runs_forward_and_backward(name: str) -> None:
    """Shapes alone, without memory; the next test has the numbers."""
    with torch.device("meta"):
        net = MODELS[name].build(7)
        logits = net(torch.empty(2, 3, 224, 224))
        assert logits.shape == (2, 7)
        logits.sum().backward()
    assert all(p.grad is not None for p in net.parameters())


@pytest.mark.parametrize("build", [lambda: ImageNetResNet(152), AlexNet, GoogLeNet, lambda: VGG(11)])
def test_a_net_of_each_paper_trains_on_a_large_image(build: Callable[[], nn.Module]) -> None:
    net, images = build(), torch.randn(1, 3, 224, 224)
    logits = net(images)
    assert logits.shape == (1, 1000)
    nn.functional.cross_entropy(logits, torch.tensor([3])).backward()
    for p in net.parameters():
        assert p.grad is not None and p.grad.isfinite().all() and p.grad.any()


@pytest.mark.parametrize("name", [name for name in SMALL if name != "lenet5"])
def test_a_small_net_takes_larger_images(name: str) -> None:
    with torch.device("meta"):
        assert MODELS[name].build(3)(torch.empty(2, 3, 64, 48)).shape == (2, 3)


@pytest.mark.parametrize("name", MODELS)
def test_the_defaults_are_settings(name: str) -> None:
    settings = VisionSettings(**MODELS[name].defaults)
    assert settings.crop < MODELS[name].side // 4


# --- what the papers say of each


@pytest.mark.parametrize("small", [False, True])
def test_without_dropout_vgg_carries_the_size_of_its_signal_to_the_end(small: bool) -> None:
    """He et al. 2015, section 2.2: nets this deep neither die nor burst. With deviation 0.01 VGG-19 dies."""
    net, x = VGG(19, 10, small=True) if small else VGG(19, 10).features, torch.randn(2, 3, 64, 64)
    features = net.features(x) if small else net(x)
    assert 0.01 < features.std().item() < 100


def test_the_plain_net_is_the_residual_net_without_the_addition() -> None:
    residual, plain = ResNet(20).eval(), ResNet(20, shortcuts=False).eval()
    plain.load_state_dict(residual.state_dict())
    x, y = (torch.randn(2, 16, 32, 32) for _ in range(2))
    one, other = residual.blocks[0], plain.blocks[0]
    for block in (one, other):
        block.norm2.bias.data.fill_(9.0)  # so far up that rectifying changes nothing
    torch.testing.assert_close(one(x) - other(x), x)
    assert not torch.equal(other(x), other(y))
    nn.init.zeros_(plain.blocks[4].norm2.weight)
    assert plain(torch.randn(3, 3, 32, 32)).std(0).max() < 1e-6  # nothing leads around a dead block
    assert residual(torch.randn(3, 3, 32, 32)).std(0).max() > 1e-3


def test_a_bottleneck_without_residual_is_its_shortcut() -> None:
    block, x = Bottleneck(16, 16, 1, nn.Identity()), torch.randn(2, 16, 8, 8)
    nn.init.zeros_(block.norm3.weight)
    assert torch.equal(block(x), x.relu())


def test_the_stages_of_an_imagenet_net_are_those_of_table_1() -> None:
    shapes = []
    with torch.device("meta"):
        net = ImageNetResNet(50)
        for block in net.blocks:
            block.register_forward_hook(lambda _, __, output: shapes.append(tuple(output.shape[1:])))
        net(torch.empty(1, 3, 224, 224))
    assert shapes == 3 * [(256, 56, 56)] + 4 * [(512, 28, 28)] + 6 * [(1024, 14, 14)] + 3 * [(2048, 7, 7)]


def test_the_modules_of_googlenet_are_those_of_table_1() -> None:
    shapes = []
    with torch.device("meta"):
        net = GoogLeNet()
        for module in net.modules():
            if isinstance(module, Inception):
                module.register_forward_hook(lambda _, __, output: shapes.append(tuple(output.shape[1:3])))
        net(torch.empty(1, 3, 224, 224))
    maps = [256, 480, 512, 512, 512, 528, 832, 832, 1024]
    assert shapes == list(zip(maps, [28, 28, 14, 14, 14, 14, 14, 7, 7], strict=True))


@pytest.mark.parametrize("small", [False, True])
def test_the_auxiliary_heads_add_logits_and_change_none(small: bool) -> None:
    net = GoogLeNet(7, auxiliary=True, small=small).eval()
    images = torch.randn(2, 3, 32, 32)
    logits = net.forward_with_auxiliary(images)
    assert [part.shape for part in logits] == 3 * [(2, 7)]
    assert torch.equal(logits[0], net(images))
    logits[1].sum().backward()  # 4a's: nothing above it
    trained = {part.split(".")[1] for part, p in net.named_parameters() if p.grad is not None and "inceptions" in part}
    assert trained == {"3a", "3b", "4a"}
    assert len(GoogLeNet(7, small=small).forward_with_auxiliary(images)) == 1


@pytest.mark.parametrize("build", [lambda: VGG(12), lambda: ImageNetResNet(20)])
def test_a_depth_that_no_paper_has_is_refused(build: Callable[[], Any]) -> None:
    with pytest.raises(ValueError, match="layers"):
        build()


def test_the_list_of_models_has_their_size_and_what_to_expect(cli: Callable[..., Any]) -> None:
    models = {entry.pop("name"): entry for entry in cli("train-cnn", "--list", "--json").json["models"]}
    assert set(models) == set(MODELS)
    assert (models["lenet5"]["parameters"], models["vgg16-224"]["parameters"]) == (62_006, 138_357_544)
    resnet = models["resnet20"]
    assert (resnet["side"], resnet["classes"], resnet["multiply_adds"]) == (32, 10, 40_551_040)
    assert (models["resnet56"]["cifar10_top1"], models["resnet56"]["cifar10_source"]) == (0.9303, "paper")
    assert (models["vgg16"]["side"], models["resnet152"]["classes"]) == (32, 1000)
    lines = cli("train-cnn", "--list").out.splitlines()
    assert len(lines) == 1 + len(models) and max(map(len, lines)) <= 100
    (line,) = [line for line in lines if line.startswith("resnet20 ")]
    assert "269,722" in line and "40.6 M" in line and "91.3 % measured" in line
