"""Heat maps against the class activation map, whose equation is known, and against where the evidence was put."""

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from seqlab import vision
from seqlab.data.images.augment import Normalise
from seqlab.machine import Compute
from seqlab.plots import grad_cam as heat_chart
from seqlab.plots import style
from seqlab.vision import Classifier, HeatMap, ImagePrediction
from seqlab.vision.inputs import picture_of
from tests.plots.svg import AWKWARD, texts

DEVICE = Compute(device="cpu", precision="fp32", threads=1).resolve(1)


class Pooled(nn.Module):
    """A net whose logits are linear in the mean of its last maps: there the answer is known."""

    def __init__(self, classes: int = 4) -> None:
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(3, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(), nn.Conv2d(8, 16, 3, 2, padding=1), nn.ReLU()
        )
        self.output = nn.Linear(16, classes)

    def forward(self, images: Tensor) -> Tensor:
        return self.output(self.features(images).mean((2, 3)))


def classifier(net: nn.Module, classes: int) -> Classifier:
    return Classifier(net, tuple(map(str, range(classes))), Normalise([0.5] * 3, [0.25] * 3), 32, 32)


def test_for_pooled_maps_it_is_the_class_activation_map() -> None:
    """Zhou et al. 2016, equation 2: the maps, each weighted by the weight that the class gives it."""
    torch.manual_seed(0)
    net = Pooled().train()
    images, classes = torch.randint(0, 256, (8, 3, 32, 32), dtype=torch.uint8), torch.arange(8) % 4
    for _ in range(3):
        net(torch.randn(64, 3, 32, 32))  # the norm has learned something that is not of these images
    before = {name: value.clone() for name, value in net.state_dict().items()}
    got = vision.heat_maps(classifier(net, 4), images, classes, DEVICE)
    assert net.training and all(torch.equal(value, before[name]) for name, value in net.state_dict().items())
    assert all(parameter.grad is None for parameter in net.parameters())
    net.eval()
    maps = net.features((images / 255 - 0.5) / 0.25)  # (8, 16, 16, 16)
    activation = torch.einsum("nk,nkij->nij", net.output.weight[classes], maps).clamp_min(0)[:, None]
    expected = F.interpolate(activation, (32, 32), mode="bilinear")[:, 0]
    expected = expected / expected.amax((1, 2), keepdim=True)
    torch.testing.assert_close(got, expected, atol=1e-4, rtol=1e-3)


@pytest.mark.parametrize("name", [name for name, entry in vision.MODELS.items() if entry.side == 32])
def test_every_net_of_the_zoo_has_a_map(name: str) -> None:
    torch.manual_seed(0)
    net = vision.architecture(name).build(10)
    images = torch.randint(0, 256, (3, 3, 32, 32), dtype=torch.uint8)
    for parameter in net.parameters():
        parameter.requires_grad_(False)  # a net that is not to be trained has its gradients too
    maps = torch.cat(
        [vision.heat_maps(classifier(net, 10), images, torch.full((3,), label), DEVICE) for label in range(10)]
    )
    assert maps.shape == (30, 32, 32)
    assert maps.isfinite().all() and maps.min() >= 0 and maps.max() == pytest.approx(1)
    assert (maps.flatten(1).std(1) > 0.02).any()  # it tells places apart


def patches(count: int, seed: int) -> tuple[Tensor, Tensor, Tensor]:
    """Noise with a patch somewhere whose colour is the class: images, labels, (row, column) of the patch's middle."""
    chance = np.random.default_rng(seed)
    images = chance.integers(0, 64, (count, 3, 32, 32), dtype=np.uint8)
    labels, places = chance.integers(0, 3, count), chance.integers(3, 29, (count, 2))
    for image, label, (row, column) in zip(images, labels, places, strict=True):
        image[label, row - 3 : row + 3, column - 3 : column + 3] += 160
    return torch.from_numpy(images), torch.from_numpy(labels), torch.from_numpy(places)


def test_the_heat_map_of_a_trained_net_is_where_the_class_is() -> None:
    torch.manual_seed(0)
    net = Pooled(3)
    trained = classifier(net, 3)
    images, labels, _ = patches(256, seed=0)
    optimizer = torch.optim.Adam(net.parameters(), 0.02)
    for _ in range(10):
        for part, truth in zip(images.split(32), labels.split(32), strict=True):
            optimizer.zero_grad()
            F.cross_entropy(net(trained.normalise(part)), truth).backward()
            optimizer.step()
    images, labels, places = patches(60, seed=1)
    assert (trained.logits(images, DEVICE).argmax(1) == labels).double().mean() > 0.95
    peaks = vision.heat_maps(trained, images, labels, DEVICE).flatten(1).argmax(1)
    rows, columns = peaks // 32 - places[:, 0], peaks % 32 - places[:, 1]
    assert ((rows.abs() <= 4) & (columns.abs() <= 4)).double().mean() > 0.95  # by chance: a twelfth


@pytest.mark.parametrize("count", [1, 14])
def test_the_heat_maps_are_drawn_with_names_as_they_are(tmp_path, count: int) -> None:  # type: ignore[no-untyped-def]
    from PIL import Image

    files = [tmp_path / f"$a_{place}^{{b <i>.png" for place in range(count)]
    for place, file in enumerate(files):
        Image.fromarray(np.full((40 + 700 * (place % 2), 90, 3), 99, np.uint8)).save(file)
    predictions = [ImagePrediction(file, str(file), ((AWKWARD, 0.876),)) for file in files]
    maps = [HeatMap(one, picture_of(one.image, 32, 32), np.random.rand(32, 32)) for one in predictions]
    style.save(heat_chart.draw(maps), tmp_path / "a.svg", heat_chart.NOTE)
    written = texts(tmp_path / "a.svg")
    assert sum(line.startswith("$a_") and "^{b" in line for line in written) == count
    assert sum(line.endswith("87.6%") for line in written) == count
