"""Which nets there are, whose they are, and the settings each is trained with."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from seqlab.errors import UsageError, did_you_mean
from seqlab.models.airbench import AirbenchNet
from seqlab.models.alexnet import AlexNet
from seqlab.models.googlenet import GoogLeNet
from seqlab.models.lenet import LeNet5
from seqlab.models.resnet import ImageNetResNet, ResNet
from seqlab.models.vgg import VGG
from seqlab.training import count_parameters

DEFAULT_MODEL = "fast"


@dataclass(frozen=True)
class Architecture:
    """How a net is built for a number of classes, the side of its images, whose it is, how it trains, what to expect.

    expected: the share of CIFAR-10's test images whose class comes first, and who says so: `paper`, which
    trained for longer, or `measured` with `defaults` and `epochs`.
    """

    build: Callable[[int], nn.Module]
    side: int  # pixels
    paper: str
    defaults: dict[str, Any] = field(default_factory=dict)
    epochs: float = 20.0  # how long it trains by default
    expected: tuple[float, str] | None = None


LECUN, KRIZHEVSKY, SIMONYAN = "LeCun et al. 1998", "Krizhevsky 2014", "Simonyan & Zisserman 2015"
SZEGEDY, HE = "Szegedy et al. 2015", "He et al. 2016"
# The papers' own, for batches a quarter as large where they had 256: a machine that is no server holds 64 images.
LARGE = {"batch_size": 64, "lr": 0.025, "weight_decay": 1e-4, "crop": 28}
LARGE_UNNORMED = {**LARGE, "lr": 0.0025, "weight_decay": 5e-4}

FAST = {
    "optimizer": "muon",
    "schedule": "one_cycle",
    "batch_size": 1000,
    "lr": 0.17,
    "weight_decay": 0.012,
    "warmup_steps": 0,
    "clip_norm": None,  # Muon's steps have one length whatever the gradient's
    "label_smoothing": 0.1,
    "crop": 2,
    "reflect": True,
    "start_side": 20,
}

# By one name the net for 32x32 images; a net that is also built at the size of its paper has that size in its name.
MODELS = {
    "fast": Architecture(
        partial(AirbenchNet, (64, 256, 256)), 32, "Jordan 2024", FAST, epochs=12.0, expected=(0.934, "measured")
    ),
    "lenet5": Architecture(LeNet5, 32, LECUN, {"lr": 0.05, "crop": 0}, expected=(0.718, "measured")),
    "alexnet": Architecture(
        partial(AlexNet, small=True), 32, KRIZHEVSKY, {"lr": 0.1}, epochs=35.0, expected=(0.86, "measured")
    ),
    "vgg11": Architecture(partial(VGG, 11, small=True), 32, SIMONYAN, {"lr": 0.1}),
    "vgg13": Architecture(partial(VGG, 13, small=True), 32, SIMONYAN, {"lr": 0.1}),
    "vgg16": Architecture(partial(VGG, 16, small=True), 32, SIMONYAN, {"lr": 0.1}, expected=(0.903, "measured")),
    "vgg19": Architecture(partial(VGG, 19, small=True), 32, SIMONYAN, {"lr": 0.1}),
    "googlenet": Architecture(
        partial(GoogLeNet, small=True), 32, SZEGEDY, {"start_side": 20}, epochs=14.0, expected=(0.905, "measured")
    ),
    "resnet20": Architecture(partial(ResNet, 20), 32, HE, {}, epochs=46.0, expected=(0.913, "measured")),
    "resnet32": Architecture(partial(ResNet, 32), 32, HE, {}, expected=(0.9249, "paper")),
    "resnet44": Architecture(partial(ResNet, 44), 32, HE, {}, expected=(0.9283, "paper")),
    "resnet56": Architecture(partial(ResNet, 56), 32, HE, {}, expected=(0.9303, "paper")),
    "resnet110": Architecture(partial(ResNet, 110), 32, HE, {}, expected=(0.9357, "paper")),
    "plain20": Architecture(partial(ResNet, 20, shortcuts=False), 32, HE),
    "plain56": Architecture(partial(ResNet, 56, shortcuts=False), 32, HE),
    "alexnet-224": Architecture(AlexNet, 224, KRIZHEVSKY, LARGE_UNNORMED),
    "vgg11-224": Architecture(partial(VGG, 11), 224, SIMONYAN, LARGE_UNNORMED),
    "vgg13-224": Architecture(partial(VGG, 13), 224, SIMONYAN, LARGE_UNNORMED),
    "vgg16-224": Architecture(partial(VGG, 16), 224, SIMONYAN, LARGE_UNNORMED),
    "vgg19-224": Architecture(partial(VGG, 19), 224, SIMONYAN, LARGE_UNNORMED),
    "googlenet-224": Architecture(GoogLeNet, 224, SZEGEDY, LARGE),
    "resnet18": Architecture(partial(ImageNetResNet, 18), 224, HE, LARGE),
    "resnet34": Architecture(partial(ImageNetResNet, 34), 224, HE, LARGE),
    "resnet50": Architecture(partial(ImageNetResNet, 50), 224, HE, LARGE),
    "resnet101": Architecture(partial(ImageNetResNet, 101), 224, HE, LARGE),
    "resnet152": Architecture(partial(ImageNetResNet, 152), 224, HE, LARGE),
}

# Parameters, and multiply-adds of one image, as `size` counts them, with the classes of CIFAR-10 or of ImageNet: to
# build and run all nets takes seconds.
SIZES = {
    "fast": (1_972_768, 118_147_360),
    "lenet5": (62_006, 651_720),
    "alexnet": (2_264_346, 16_803_840),
    "vgg11": (2_310_186, 38_636_032),
    "vgg13": (2_356_458, 57_510_400),
    "vgg16": (3_684_842, 78_744_064),
    "vgg19": (5_013_226, 99_977_728),
    "googlenet": (1_407_258, 113_488_896),
    "resnet20": (269_722, 40_551_040),
    "resnet32": (464_154, 68_862_592),
    "resnet44": (658_586, 97_174_144),
    "resnet56": (853_018, 125_485_696),
    "resnet110": (1_727_962, 252_887_680),
    "plain20": (269_722, 40_551_040),
    "plain56": (853_018, 125_485_696),
    "alexnet-224": (61_100_840, 714_188_480),
    "vgg11-224": (132_863_336, 7_609_090_048),
    "vgg13-224": (133_047_848, 11_308_466_176),
    "vgg16-224": (138_357_544, 15_470_264_320),
    "vgg19-224": (143_667_240, 19_632_062_464),
    "googlenet-224": (6_624_904, 1_498_376_192),
    "resnet18": (11_689_512, 1_814_073_344),
    "resnet34": (21_797_672, 3_663_761_408),
    "resnet50": (25_557_032, 4_089_184_256),
    "resnet101": (44_549_160, 7_801_405_440),
    "resnet152": (60_192_808, 11_513_626_624),
}


def architecture(name: str) -> Architecture:
    """The entry of MODELS. Raises UsageError, with the closest name, where there is none."""
    if name not in MODELS:
        raise UsageError(f"there is no model '{name}'", did_you_mean(name, MODELS))
    return MODELS[name]


def size(entry: Architecture, classes: int) -> tuple[int, int]:
    """Parameters of a net, and its multiply-adds for one image: those of the convolutions and linear layers.

    The net is built and run without memory for its numbers, so that the largest costs no more than the smallest.
    """
    total = 0

    def count(layer: nn.Module, _: Any, output: Tensor) -> None:
        nonlocal total
        total += output.numel() * layer.weight[0].numel()  # type: ignore[index]

    with torch.device("meta"), torch.no_grad():
        net = entry.build(classes).eval()
        for layer in net.modules():
            if isinstance(layer, nn.Conv2d | nn.Linear):
                layer.register_forward_hook(count)
            elif isinstance(layer, nn.BatchNorm2d):
                layer.forward = nn.Identity().forward  # type: ignore[method-assign]  # slow on this device, and not counted
        net(torch.empty(1, 3, entry.side, entry.side))
    return count_parameters(net), total


def listing() -> list[dict[str, Any]]:
    """A row for each of MODELS: its size, how long it trains and what to expect, as `train-cnn --list --json` says."""
    rows = []
    for name, entry in MODELS.items():
        parameters, multiply_adds = SIZES[name]
        top1, source = entry.expected or (None, None)
        rows.append(
            {
                "name": name,
                "side": entry.side,
                "classes": 10 if entry.side == 32 else 1000,  # CIFAR-10's and ImageNet's
                "parameters": parameters,
                "multiply_adds": multiply_adds,
                "epochs": entry.epochs,
                "cifar10_top1": top1,
                "cifar10_source": source,
                "paper": entry.paper,
            }
        )
    return rows


def check_side(name: str, side: int) -> None:
    """Raise UsageError where the net of that name is not one for images of side x side."""
    entry = architecture(name)
    if side == entry.side:
        return
    try:
        with torch.device("meta"), torch.inference_mode():
            entry.build(2).eval()(torch.empty(1, 3, side, side))
    except RuntimeError as problem:  # a kernel larger than what it is laid on, or a linear layer of another size
        raise UsageError(
            f"{name} is a net for images of {entry.side} x {entry.side} pixels, and those are {side} x {side}",
            "choose another of `seqlab train-cnn --list`, or for a folder of images another --size",
        ) from problem
