"""The figures of image classifiers against counts by hand, simulations, and symmetries that must hold."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn import functional as F

from seqlab import vision
from seqlab.cli.reports.images import figures
from seqlab.data.images.augment import Normalise
from seqlab.machine import Compute
from seqlab.plots import confusion as confusion_chart
from seqlab.plots import style
from seqlab.scoring.confidence import expected_calibration_error
from seqlab.vision import Classifier
from seqlab.vision.classifier import views
from seqlab.vision.evaluate import calibrated, fit_temperature
from tests.plots.svg import AWKWARD, texts

DEVICE = Compute(device="cpu", precision="fp32", threads=1).resolve(1)
SEEDS = st.integers(0, 2**31)


class PixelReader(nn.Module):
    """Its logits are pixels: `places` (classes, 2) of the first channel."""

    def __init__(self, places: list[tuple[int, int]]) -> None:
        super().__init__()
        self.rows, self.columns = zip(*places, strict=True)

    def forward(self, images: Tensor) -> Tensor:
        return images[:, 0, self.rows, self.columns]


class Symmetric(nn.Module):
    """Its logits are the mean colour: the same for the mirror image, and where what is in the image is moved."""

    def forward(self, images: Tensor) -> Tensor:
        return images.mean((2, 3))


def reader(classes: int = 7, **fields: object) -> Classifier:
    """Reads its logits, as pixel values, from the middle of the first row."""
    net = PixelReader([(0, 8 + place) for place in range(classes)])
    named = tuple(f"class {place}" for place in range(classes))
    return replace(Classifier(net, named, Normalise([0.0] * 3, [1 / 255] * 3), 32, 32), **fields)  # type: ignore[arg-type]


def simulated(seed: int, scale: float, count: int = 4000, classes: int = 5) -> tuple[Tensor, Tensor]:
    """Logits `scale` times too large, and labels drawn from what the right ones say."""
    chance = torch.Generator().manual_seed(seed)
    right = 2 * torch.randn(count, classes, generator=chance, dtype=torch.float64)
    labels = right.softmax(1).multinomial(1, generator=chance).squeeze(1)
    return right * scale, labels


# --- figures


def test_the_figures_are_those_counted_by_hand() -> None:
    classifier = Classifier(
        PixelReader([(0, place) for place in range(7)]), tuple("abcdefg"), Normalise([0.5] * 3, [0.2] * 3), 32, 32
    )
    images = torch.randint(0, 256, (1203, 3, 32, 32), dtype=torch.uint8)
    images[:, 0, 0, :7] = torch.rand(1203, 7).argsort(1).to(torch.uint8)  # no two alike
    labels = torch.randint(0, 6, (1203,))  # there is no g
    metrics = vision.evaluate(classifier, images, labels, DEVICE)
    scores, truth = images[:, 0, 0, :7].numpy().astype(int), labels.numpy()
    first, rank = scores.argmax(1), (scores > scores[np.arange(1203), truth][:, None]).sum(1)
    assert metrics["top1"] == pytest.approx((first == truth).mean())
    assert metrics["top5"] == pytest.approx((rank < 5).mean())
    for index, name in enumerate("abcdef"):
        assert metrics["per_class"][name] == pytest.approx((first[truth == index] == index).mean())
        for column in range(7):
            assert metrics["confusion"][index][column] == ((truth == index) & (first == column)).sum()
    assert metrics["per_class"]["g"] is None
    assert metrics["images"] == 1203


# --- views


def test_the_views_are_the_six_of_the_literature_and_their_weights_sum_to_one() -> None:
    image = torch.arange(3 * 5 * 6.0).view(1, 3, 5, 6)
    below = torch.cat([image[:, :, 1:2], image[:, :, :-1]], 2)  # down by one, the edge reflected
    down_right = torch.cat([below[..., 1:2], below[..., :-1]], 3)
    above = torch.cat([image[:, :, 1:], image[:, :, -2:-1]], 2)
    up_left = torch.cat([above[..., 1:], above[..., -2:-1]], 3)
    expected = [(0.25, image), (0.25, image.flip(3))]
    expected += [(0.125, view) for one in (down_right, up_left) for view in (one, one.flip(3))]
    got = views(image, mirrors=True)
    assert [weight for weight, _ in got] == [weight for weight, _ in expected]
    assert all(torch.equal(view, other) for (_, view), (_, other) in zip(got, expected, strict=True))
    unmirrored = views(image, mirrors=False)
    assert [weight for weight, _ in unmirrored] == [0.5, 0.25, 0.25]
    assert all(
        torch.equal(view, other) for (_, view), other in zip(unmirrored, (image, down_right, up_left), strict=True)
    )


def test_views_change_nothing_for_a_net_that_is_invariant_to_them() -> None:
    chance = np.random.default_rng(0)
    frame = np.zeros((40, 3, 32, 32), np.uint8)
    frame[:, :, 8:24, 8:24] = chance.integers(0, 256, (40, 3, 16, 16))  # moved by one it is still inside
    classifier = Classifier(Symmetric(), ("r", "g", "b"), Normalise([0.5] * 3, [0.2] * 3), 32, 32)
    images = torch.from_numpy(frame)
    plain = classifier.logits(images, DEVICE)
    torch.testing.assert_close(classifier.logits(images, DEVICE, average_views=True), plain)
    probabilities = vision.predict(classifier, images, DEVICE, average_views=True)
    torch.testing.assert_close(probabilities, plain.softmax(1))


def test_the_logits_of_views_are_their_weighted_mean() -> None:
    images = torch.randint(0, 256, (3, 3, 32, 32), dtype=torch.uint8)
    for mirrors in (True, False):
        classifier = reader(mirrors=mirrors)
        shown = classifier.normalise(images)
        expected = sum(weight * classifier.model(view) for weight, view in views(shown, mirrors))
        torch.testing.assert_close(classifier.logits(images, DEVICE, average_views=True), expected)
        plain, averaged = classifier.plain_and_averaged(images, DEVICE)
        torch.testing.assert_close((plain, averaged), (classifier.logits(images, DEVICE), expected))


# --- calibration


def test_the_calibration_error_is_that_computed_by_hand() -> None:
    # by bins of a fifteenth: 0.9 and 0.92 in (13/15, 14/15], one of two right; 0.55 in (8/15, 9/15], right
    probabilities = torch.tensor([[0.9, 0.1], [0.08, 0.92], [0.55, 0.45]], dtype=torch.float64)
    labels = torch.tensor([0, 0, 0])
    by_hand = 2 / 3 * abs(1 / 2 - (0.9 + 0.92) / 2) + 1 / 3 * abs(1 - 0.55)
    assert expected_calibration_error(probabilities, labels) == pytest.approx(by_hand)
    certain = torch.eye(2, dtype=torch.float64)
    assert expected_calibration_error(certain, torch.tensor([0, 1])) == 0
    assert expected_calibration_error(certain, torch.tensor([1, 0])) == 1


@settings(max_examples=25, deadline=None)
@given(SEEDS, st.floats(1.5, 4))
def test_true_probabilities_have_no_calibration_error_and_overconfident_ones_have(seed: int, scale: float) -> None:
    logits, labels = simulated(seed, 1.0)
    # of 15 bins of some 270 images each the mean distance is that of chance: about 0.8 sqrt(p (1 - p) / 270)
    assert expected_calibration_error(logits.softmax(1), labels) < 0.04
    confidence, right = (scale * logits).softmax(1).max(1).values, (logits.argmax(1) == labels).double()
    exaggerated = expected_calibration_error((scale * logits).softmax(1), labels)
    assert exaggerated >= abs(float((confidence - right).mean())) - 1e-9  # no bins can hide what all have in common
    assert exaggerated > 0.04


@settings(max_examples=25, deadline=None)
@given(SEEDS, st.floats(0.2, 8))
def test_the_temperature_is_the_scale_of_the_logits_and_the_likelihood_has_no_better(seed: int, scale: float) -> None:
    logits, labels = simulated(seed, scale)
    temperature = fit_temperature(logits, labels)
    assert temperature == pytest.approx(scale, rel=0.15)

    def cost(temperature: float) -> float:
        likelihood = F.cross_entropy(logits / temperature, labels, reduction="sum").item()
        return likelihood + (1 / temperature - 1) ** 2 / (2 * 3**2)

    assert all(cost(temperature) <= cost(temperature * other) for other in (0.97, 0.999, 1.001, 1.03))


def test_a_few_images_that_are_all_right_make_no_answer_certain() -> None:
    few, many = (fit_temperature(torch.eye(3).repeat(n, 1), torch.arange(3).repeat(n)) for n in (1, 1000))
    assert 0.3 < few < 0.7 and 0.05 < many < 0.2
    wrong = fit_temperature(torch.eye(3).repeat(1000, 1), torch.tensor([1, 2, 0]).repeat(1000))
    assert wrong == pytest.approx(100)


def as_images(logits: Tensor) -> Tensor:
    """Images that `reader` reads these logits in, rounded and moved to the range of pixels."""
    images = torch.zeros(len(logits), 3, 32, 32, dtype=torch.uint8)
    images[:, 0, 0, 8 : 8 + logits.shape[1]] = (logits + 128).round().clamp(0, 255).to(torch.uint8)
    return images


def test_the_temperature_is_the_classifiers_own_whatever_it_is_measured_on() -> None:
    logits, labels = simulated(3, 8.0, 2001)
    images, classifier = as_images(logits), reader(5)
    logits = classifier.logits(images, DEVICE).double()
    without = vision.evaluate(classifier, images, labels, DEVICE)["calibration"]
    assert (without["fitted_on"], without["temperature"], without["temperature_views"]) == ("nothing", 1.0, 1.0)
    assert without["ece"] == without["ece_calibrated"]
    others, theirs = simulated(4, 8.0, 500)
    held_out = calibrated(classifier, as_images(others), theirs, DEVICE, "kept_back")
    assert held_out.temperature == pytest.approx(8, rel=0.3) and held_out.fitted_on == "kept_back"
    assert held_out.temperature == fit_temperature(classifier.logits(as_images(others), DEVICE), theirs)
    averaged = classifier.logits(as_images(others), DEVICE, average_views=True)
    fitted = vision.evaluate(held_out, images, labels, DEVICE)["calibration"]
    assert held_out.temperature_views == fitted["temperature_views"] == fit_temperature(averaged, theirs)
    assert (fitted["fitted_on"], fitted["temperature"]) == ("kept_back", held_out.temperature)
    measured = expected_calibration_error((logits / held_out.temperature).softmax(1), labels)
    assert fitted["ece_calibrated"] == pytest.approx(measured)
    assert fitted["ece"] > 3 * measured
    other_labels = vision.evaluate(held_out, images, labels.flip(0), DEVICE)["calibration"]
    assert (other_labels["temperature"], other_labels["temperature_views"]) == (
        fitted["temperature"],
        fitted["temperature_views"],
    )
    here = vision.evaluate(held_out, images, labels, DEVICE, fitted_here=True)["calibration"]
    assert here == {**fitted, "ece_calibrated": None}


@pytest.mark.parametrize(
    ("fitted_on", "said"),
    [
        ("nothing", "no images were kept back"),
        ("kept_back", "fitted on training images kept back for it"),
        ("validation", "fitted on validation images"),
        ("test", "fitted on test images"),
    ],
)
def test_it_is_said_what_the_temperature_was_fitted_on(fitted_on: str, said: str) -> None:
    logits, labels = simulated(3, 2.0, 50)
    classifier = reader(5, temperature=2.0, fitted_on=fitted_on)
    metrics = vision.evaluate(classifier, as_images(logits), labels, DEVICE)
    assert said in "\n".join(figures(metrics))


def test_the_temperature_changes_probabilities_and_no_class() -> None:
    images = as_images(simulated(5, 8.0, 300)[0])
    logits = reader(5).logits(images, DEVICE)
    cooled = vision.predict(reader(5, temperature=8.0), images, DEVICE)
    torch.testing.assert_close(cooled, (logits / 8).softmax(1))
    assert torch.equal(cooled.argmax(1), logits.argmax(1))


# --- what is confused


def confused() -> tuple[Classifier, Tensor, Tensor]:
    """Seven classes, each image of which says by how much it is of which."""
    chance = torch.Generator().manual_seed(0)
    images = as_images(4 * torch.randn(300, 7, generator=chance))
    return reader(), images, torch.randint(0, 6, (300,), generator=chance)  # there is no class 6


def test_the_worst_mistakes_are_the_most_confident_wrong_answers() -> None:
    classifier, images, labels = confused()
    probabilities = vision.predict(classifier, images, DEVICE)
    got = vision.worst_mistakes(classifier, images, labels, DEVICE)
    assert len(got) == 24
    wrong = sorted(probabilities.max(1).values[probabilities.argmax(1) != labels].tolist(), reverse=True)
    assert [one.probability for one in got] == pytest.approx(wrong[:24])
    for one in got:
        assert (one.predicted, one.truth) == (probabilities[one.index].argmax(), labels[one.index])
        assert one.predicted != one.truth


def test_the_most_frequent_confusions_are_listed() -> None:
    classifier, images, labels = confused()
    metrics = vision.evaluate(classifier, images, labels, DEVICE)
    assert metrics["nll"] == pytest.approx(F.cross_entropy(classifier.logits(images, DEVICE), labels).item(), rel=1e-5)
    metrics["confusion"] = np.eye(7, dtype=int).tolist()
    assert not any("taken for" in line for line in figures(metrics))
    metrics["confusion"][2][5], metrics["confusion"][5][2], metrics["confusion"][0][1] = 1083, 7, 8
    metrics["confusion"][3][4] = 6
    assert figures(metrics)[-3:] == [
        "class 2 taken for class 5: 1,083",
        "class 0 taken for class 1: 8",
        "class 5 taken for class 2: 7",
    ]


@pytest.mark.parametrize("count", [2, 20, 21, 150])
def test_the_matrix_is_drawn_for_few_and_many_classes(tmp_path, count: int) -> None:  # type: ignore[no-untyped-def]
    names = [AWKWARD, "$x_1", *(f"name_{place}^2" for place in range(count - 2))]
    confusion = np.full((count, count), 7)
    metrics = {
        "top1": 0.5, "images": 7 * count**2, "confusion": confusion.tolist(), "per_class": dict.fromkeys(names, 0.5)
    }  # fmt: skip
    mistake = vision.Mistake(0, 0, 1, 0.993)
    figure = confusion_chart.draw(metrics, [(mistake, torch.zeros(3, 32, 32, dtype=torch.uint8))] * 3)
    style.save(figure, tmp_path / "a.svg", confusion_chart.NOTE)
    written = texts(tmp_path / "a.svg")
    assert written.count("7") == (count**2 if count <= 20 else 0)
    named = [line for line in written if line.startswith("name_") or line == "$x_1"]
    assert len(named) == (
        2 * (count - 1) if count <= 100 else 2 * (count // 2 - 1)
    )  # all on both sides, or each second
    assert "true: $x_1" in written and sum("99%" in line for line in written) == 3
    assert not any("advice" in line for line in written)
