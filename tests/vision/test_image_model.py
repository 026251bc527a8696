"""A trained classifier as a library user and the command line use it: evaluate, predict, heat maps."""

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch.nn import functional as F

from seqlab import api, checkpoint, vision
from seqlab.data.images.image_set import ImageSet
from seqlab.data.images.sets import load_images
from seqlab.errors import CheckpointError, DataError, UsageError
from seqlab.scoring.confidence import expected_calibration_error
from seqlab.tasks import Status, Task
from seqlab.vision import ImageModel, ImagePrediction
from tests.data.images.cifar_files import NAMES
from tests.vision.conftest import FP32


def test_evaluate_repeats_the_figures_of_the_training(
    cli: Callable[..., Any], trained: str, trained_folder: Path
) -> None:
    metrics = checkpoint.load(trained_folder / trained).config["metrics"]
    how = ["--threads", 1, "--device", "cpu", "--precision", "fp32"]
    assert cli("evaluate", trained, "--json", *how).json == {"schema": 1, **metrics}
    assert cli("evaluate", trained, "cifar10", "--json", *how).json == {"schema": 1, **metrics}
    table = cli("evaluate", trained, *how).out
    assert f"top-1 {metrics['top1']:.2%}" in table and all(name in table for name in NAMES)
    assert f"top-1 {metrics['top1_views']:.2%} averaged over 3 views" in table  # it was trained without mirror images
    cli("evaluate", trained, "cifar1", *how).fails(2, "cifar1", "'cifar10'")


def test_a_temperature_of_an_earlier_version_is_used_and_its_origin_is_said(
    cli: Callable[..., Any], data: ImageSet, trained_folder: Path, tmp_path: Path, mirror: Path
) -> None:
    """It was fitted on test images: on the same ones nothing can be said of it, on others it counts."""
    folder = tmp_path / "cifar10-lenet5"
    shutil.copytree(trained_folder / "cifar10-lenet5", folder)
    saved = checkpoint.load(folder)
    metrics = saved.config["metrics"]
    fitted = {**metrics["calibration"], "temperature": 1.7, "temperature_views": 1.4, "fitted_on": "test"}
    earlier = {name: value for name, value in metrics.items() if name != "split"} | {"calibration": fitted}
    settings = {name: value for name, value in saved.config["settings"].items() if name != "temperature_images"}
    model = ImageModel.of(checkpoint.amend(saved, metrics=earlier, settings=settings), FP32)
    plain, averaged = model.classifier.plain_and_averaged(data.test_images, FP32.resolve(1))
    for logits, temperature, views in ((plain, 1.7, False), (averaged, 1.4, True)):
        expected = (logits[0] / temperature).softmax(0).max().item()
        assert model.predict(data.test_images[0], views=views)[0].probability == pytest.approx(expected, rel=1e-5)
    measured = model.evaluate(data)["calibration"]
    assert measured == {**fitted, "ece": measured["ece"], "ece_calibrated": None}
    assert "fitted on these images" in cli("evaluate", folder, "--device", "cpu", "--precision", "fp32").out
    others = replace(data, sha256="0" * 64)
    error = expected_calibration_error((plain.double() / 1.7).softmax(1), data.test_labels)
    assert model.evaluate(others)["calibration"]["ece_calibrated"] == pytest.approx(error)


def test_images_of_other_classes_cannot_be_evaluated_on(data: ImageSet, trained_folder: Path) -> None:
    classifier = vision.load(checkpoint.load(trained_folder / "cifar10-lenet5"))
    vision.check_classes(classifier, data)
    with pytest.raises(DataError, match="other classes"):
        vision.check_classes(classifier, ImageSet(**{**data.__dict__, "classes": tuple(reversed(NAMES))}))


def test_predict_names_what_is_in_png_and_jpeg_files_of_any_size(
    cli: Callable[..., Any], data: ImageSet, trained: str, tmp_path: Path
) -> None:
    indices = [int((data.test_labels == label).nonzero()[0]) for label in (1, 8)]
    files = [tmp_path / "car [bold].png", tmp_path / "ship.jpg"]
    for index, file in zip(indices, files, strict=True):
        picture = Image.fromarray(data.test_images[index].permute(1, 2, 0).numpy())
        picture.resize((256, 256)).save(file, quality=95) if file.suffix == ".jpg" else picture.save(file)
    answer = cli("predict", trained, *files, "--top", 10, "--json").json
    assert (answer["schema"], answer["checkpoint"]) == (1, trained)
    for entry, file, name in zip(answer["predictions"], files, ("automobile", "ship"), strict=True):
        probabilities = [guess["probability"] for guess in entry["classes"]]
        assert (entry["file"], entry["classes"][0]["class"]) == (str(file), name)
        assert probabilities == sorted(probabilities, reverse=True)
        assert sum(probabilities) == pytest.approx(1, abs=1e-4)
    lines = cli("predict", trained, *files).out.splitlines()
    assert lines[0].startswith(f"{files[0]}: automobile ") and lines[0].count("%") == 3


def test_predict_gives_the_probabilities_of_the_net_itself(
    cli: Callable[..., Any], data: ImageSet, trained: str, trained_folder: Path, tmp_path: Path
) -> None:
    Image.fromarray(data.test_images[5].permute(1, 2, 0).numpy()).save(tmp_path / "a.png")
    answer = cli("predict", trained, tmp_path / "a.png", "--top", 10, "--json", "--precision", "fp32").json
    classifier = vision.load(checkpoint.load(trained_folder / trained))
    pixels = (data.test_images[5:6] / 255 - torch.tensor(classifier.normalise.mean)[:, None, None]) / torch.tensor(
        classifier.normalise.std
    )[:, None, None]
    fitted = checkpoint.load(trained_folder / trained).config["metrics"]["calibration"]
    expected = (classifier.model(pixels) / fitted["temperature"]).softmax(1)[0].tolist()
    for guess in answer["predictions"][0]["classes"]:
        assert guess["probability"] == pytest.approx(expected[NAMES.index(guess["class"])], abs=1e-4)
    views = cli("predict", trained, tmp_path / "a.png", "--views", "--top", 10, "--json", "--precision", "fp32").json
    moved = F.pad(pixels, (1, 1, 1, 1), mode="reflect")
    logits = [classifier.model(view) for view in (pixels, moved[..., :32, :32], moved[..., 2:, 2:])]
    averaged = logits[0] / 2 + logits[1] / 4 + logits[2] / 4
    expected = (averaged / fitted["temperature_views"]).softmax(1)[0].tolist()
    for guess in views["predictions"][0]["classes"]:
        assert guess["probability"] == pytest.approx(expected[NAMES.index(guess["class"])], abs=1e-4)


def test_predict_refuses_what_is_no_image_and_what_is_no_classifier(
    cli: Callable[..., Any], trained: str, shared_checkpoints: Path, tmp_path: Path
) -> None:
    text = tmp_path / "text.png"
    text.write_text("no image")
    cli("predict", trained, text).fails(1, str(text))
    cli("predict", trained, tmp_path / "none.png").fails(1, "none.png")
    cli("predict", trained).fails(2, "FILE")
    cli("predict", shared_checkpoints / "small", text).fails(2, "small", "language")
    with pytest.raises(CheckpointError, match="no image classifier"):
        vision.load(checkpoint.load(shared_checkpoints / "small"))


def test_predict_draws_heat_maps(
    cli: Callable[..., Any], data: ImageSet, trained: str, trained_folder: Path, tmp_path: Path
) -> None:
    image = tmp_path / "$a_{.png"
    Image.fromarray(data.test_images[5].permute(1, 2, 0).numpy()).save(image)
    text = cli("predict", trained, image).out
    for ending, start in {"png": b"\x89PNG", "JPG": b"\xff\xd8", "pdf": b"%PDF", "svg": b"<?xml"}.items():
        drawn = tmp_path / f"heat.{ending}"
        done = cli("predict", trained, image, "-o", drawn)
        assert done.out == text and str(drawn) in done.err
        assert drawn.read_bytes().startswith(start)
    assert cli("predict", trained, image, "-o", tmp_path / "a.txt").out == ""
    assert (tmp_path / "a.txt").read_text() == text
    cli("predict", trained, image, "-o", image).fails(2, str(image), "replaced")
    cli("predict", trained, *[image] * 101, "-o", tmp_path / "b.png").fails(2, "101 images")
    cli("predict", trained, image, "-o", tmp_path / "none" / "b.png").fails(1, "b.png", "-o FILE")
    # the class of the made-up images is the height of a bar in them
    classifier = vision.load(checkpoint.load(trained_folder / trained))
    maps = vision.heat_maps(classifier, data.test_images, data.test_labels, FP32.resolve(1))
    heights = maps.sum(2).argmax(1).numpy()
    assert np.corrcoef(heights, data.test_labels.numpy())[0, 1] > 0.7


def test_predict_reads_many_files_and_names_the_damaged_one(
    cli: Callable[..., Any], data: ImageSet, trained: str, tmp_path: Path
) -> None:
    files = [tmp_path / f"{place}.png" for place in range(503)]
    for place, file in enumerate(files):
        Image.fromarray(data.test_images[place % 80].permute(1, 2, 0).numpy()).save(file)
    answers = cli("predict", trained, *files, "--json").json["predictions"]
    assert [one["file"] for one in answers] == list(map(str, files))
    assert answers[501]["classes"][0]["class"] == answers[21]["classes"][0]["class"]
    files[501].write_bytes(files[501].read_bytes()[:100])
    done = cli("predict", trained, *files)
    assert done.status == 1 and f"{files[501]} cannot be read" in done.err
    assert "error: 1 of 503 files could not be read" in done.err
    assert done.out.count("\n") == 502  # all others
    files[3] = tmp_path / "none.png"
    several = cli("predict", trained, *files)
    assert several.out.count("\n") == 501 and "none.png" in several.err and "2 of 503" in several.err
    files[3] = files[4]
    cli("predict", trained, *files, "--json").fails(1, str(files[501]))  # an object is whole, or not there


def test_evaluate_draws_what_is_confused(cli: Callable[..., Any], trained: str, tmp_path: Path) -> None:
    plain = cli("evaluate", trained, "--json").json
    for ending, start in {"png": b"\x89PNG", "pdf": b"%PDF", "SVG": b"<?xml"}.items():
        drawn = tmp_path / f"a.{ending}"
        done = cli("evaluate", trained, "--plot", drawn, "--json")
        assert done.json == plain and str(drawn) in done.err
        assert drawn.read_bytes().startswith(start)
    assert all(name in (tmp_path / "a.SVG").read_text() for name in NAMES)
    cli("evaluate", trained, "--plot", tmp_path / "a.gif").fails(2, "a.gif", ".png, .svg, .pdf")
    cli("evaluate", trained, "--plot", tmp_path / "none" / "a.png").fails(1, "a.png", "--plot FILE")


def test_an_exported_classifier_still_works(cli: Callable[..., Any], trained: str, tmp_path: Path) -> None:
    assert cli("checkpoints", "export", trained, "-o", tmp_path / "half").status == 0
    before = cli("evaluate", trained, "--json").json
    after = cli("evaluate", tmp_path / "half", "--json").json
    assert abs(before["top1"] - after["top1"]) < 0.03
    assert "training" not in json.loads((tmp_path / "half" / "config.json").read_text())["files"]


@pytest.mark.mirror
def test_the_shipped_classifier_is_as_good_as_it_says(tmp_path: Path) -> None:
    saved = checkpoint.load(checkpoint.shipped_folder() / "cifar10")
    metrics = saved.config["metrics"]
    assert metrics["top1"] >= 0.932 and metrics["top1_views"] >= 0.94
    assert sum(file.stat().st_size for file in saved.folder.iterdir()) <= 5 << 20
    data = Task(load_images("cifar10")).result()
    images, labels = data.test_images[:1000], data.test_labels[:1000]
    logits = vision.load(saved).logits(images, FP32.resolve(0))
    assert abs((logits.argmax(1) == labels).double().mean() - metrics["top1"]) < 0.02  # 2.6 deviations of a thousand


# --- of the library


def test_evaluate_gives_what_the_command_prints_and_a_figure(model: ImageModel, data: ImageSet, mirror: Path) -> None:
    found = model.evaluate(worst=True)
    assert found.to_dict() == found.metrics == model.checkpoint.config["metrics"]
    assert found["top1"] > 0.9 and "top1_views" in found._repr_html_()
    assert len(found.mistakes) == round(80 * (1 - found["top1"]))
    for mistake, image in found.mistakes:
        assert torch.equal(image, data.test_images[mistake.index])
    assert found.plot().axes[0].get_title().startswith(f"{found['top1']:.2%}")
    assert model.evaluate(data).metrics == found.metrics
    with pytest.raises(DataError, match="other classes"):
        model.evaluate(ImageSet(**{**data.__dict__, "classes": tuple(reversed(NAMES))}))


def test_files_arrays_pictures_and_tensors_are_predicted_alike(
    model: ImageModel, data: ImageSet, tmp_path: Path
) -> None:
    tensors = data.test_images[:3]
    arrays = tensors.permute(0, 2, 3, 1).numpy()
    pictures = [Image.fromarray(array) for array in arrays]
    files = [tmp_path / f"{number}.png" for number in range(3)]
    for picture, file in zip(pictures, files, strict=True):
        picture.save(file)
    expected = vision.predict(model.classifier, tensors, FP32.resolve(1))
    for images in (files, list(map(str, files)), arrays, list(arrays), pictures, tensors, iter(tensors)):
        found = model.predict(images, top=10)
        assert [one.label for one in found] == [NAMES[place] for place in expected.argmax(1)]
        assert found[1].probability == pytest.approx(float(expected[1].max()), abs=1e-6)
    for one in (files[0], str(files[0]), arrays[0], pictures[0], tensors[0]):
        (alone,) = model.predict(one)
        assert alone.label == found[0].label and len(alone.classes) == 3
    assert [one.name for one in model.predict(arrays)] == ["image 1", "image 2", "image 3"]
    large = np.asarray(pictures[0].resize((96, 64)))
    assert torch.equal(
        torch.tensor(model.predict(large, top=10)[0].probability),
        torch.tensor(model.predict(Image.fromarray(large), top=10)[0].probability),
    )
    assert model.predict([]).predictions == ()


@pytest.mark.parametrize(
    "wrong",
    [np.zeros((32, 32, 3)), np.zeros((32, 32, 5), np.uint8), np.zeros((0, 32, 3), np.uint8), torch.zeros(3, 8, 8), 7],
)
def test_what_is_no_image_is_refused_with_its_shape_or_type(model: ImageModel, wrong: Any) -> None:
    with pytest.raises(DataError, match="image"):
        model.predict([wrong])


def test_predictions_are_a_dict_a_frame_and_a_table(model: ImageModel, data: ImageSet) -> None:
    found = model.predict(data.test_images[:4], top=2, views=True)
    answer = found.to_dict()
    assert answer["checkpoint"] == "cifar10-lenet5" and len(answer["predictions"]) == len(found) == 4
    frame = found.to_frame()
    assert list(frame.columns) == ["file", "class", "probability", "class_2", "probability_2"]
    assert frame["class_2"].tolist() == [one["classes"][1]["class"] for one in answer["predictions"]]
    assert found[0].label in found._repr_html_()


def test_predictions_come_as_they_are_made_and_damaged_files_can_be_skipped(
    model: ImageModel, data: ImageSet, tmp_path: Path
) -> None:
    Image.fromarray(data.test_images[0].permute(1, 2, 0).numpy()).save(tmp_path / "a.png")
    files = [tmp_path / "a.png", tmp_path / "none.png", tmp_path / "a.png"]
    with pytest.raises(DataError, match="none"):
        model.predict(files)
    task = model.predict_task(files, skip_damaged=True)
    events = list(task)
    assert isinstance(events[0], Status) and "none.png" in task.notes[0]
    found = task.result()
    assert [one for one in events if isinstance(one, ImagePrediction)] == list(found)
    assert (len(found), len(found.failed)) == (2, 1)


def test_heat_maps_are_those_of_the_predicted_classes(model: ImageModel, data: ImageSet) -> None:
    found = model.predict(data.test_images[:5])
    maps = model.grad_cam(found)
    classes = torch.tensor([NAMES.index(one.label) for one in found])
    expected = vision.heat_maps(model.classifier, data.test_images[:5], classes, FP32.resolve(1))
    assert np.array_equal(np.stack([one.heat for one in maps]), expected.numpy())
    assert [one.label for one in model.grad_cam(data.test_images[:5])] == [one.label for one in maps]
    assert np.array_equal(maps[0].picture, data.test_images[0].permute(1, 2, 0).numpy())
    assert len(maps.plot().axes) >= 10 and maps[0].label in maps._repr_html_()
    with pytest.raises(UsageError, match="101 images"):
        model.grad_cam(data.test_images[:1].repeat(101, 1, 1, 1))
    with pytest.raises(DataError, match="no image"):
        model.grad_cam([]).plot()


def test_load_gives_the_model_by_its_name(trained: str, data: ImageSet) -> None:
    model = api.load(trained, device="cpu", threads=1, precision="fp32")
    assert isinstance(model, ImageModel) and model.classes == tuple(NAMES)
    assert model.predict(data.test_images[0]).to_dict()["checkpoint"] == trained
