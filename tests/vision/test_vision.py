"""The job of images, end to end on a made-up archive: train, resume, measure, predict."""

import copy
import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor, nn
from torch.nn import functional as F

from seqlab import checkpoint, training, vision
from seqlab.data.fetch.cache import finish
from seqlab.data.images.augment import Normalise
from seqlab.data.images.image_set import ImageSet
from seqlab.data.images.sets import load_images
from seqlab.errors import CheckpointError, DataError, UsageError
from seqlab.machine import Compute
from seqlab.vision import Classifier, VisionSettings
from seqlab.vision.train import record_graphs
from tests.data.images.cifar_files import NAMES, cifar_files, write_mirror

FP32 = Compute(device="cpu", precision="fp32", threads=1)
RUN = ["--threads", 1, "--device", "cpu", "--set", "batch_size=20", "--set", "val_images=0"]


@pytest.fixture(scope="session")
def made_mirror(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A mirror with 400 training and 80 test images that are easy to tell apart."""
    return write_mirror(tmp_path_factory.mktemp("mirror"), cifar_files(80))


@pytest.fixture
def mirror(made_mirror: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SEQLAB_MIRROR", str(made_mirror))
    return made_mirror


@pytest.fixture
def data(mirror: Path) -> ImageSet:
    return finish(load_images("cifar10"))  # type: ignore[arg-type, return-value]


@pytest.fixture(scope="session")
def trained_folder(made_mirror: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the checkpoint `cifar10-lenet5`, trained until it knows the made-up classes. Not to be changed."""
    folder = tmp_path_factory.mktemp("vision")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SEQLAB_MIRROR", str(made_mirror))
        patch.setenv("SEQLAB_CACHE", str(folder / "cache"))
        patch.setenv("SEQLAB_OFFLINE", "1")
        images: Any = finish(load_images("cifar10"))  # type: ignore[arg-type]
    settings = VisionSettings(
        **{**vision.MODELS["lenet5"].defaults, "batch_size": 20, "max_steps": 200, "crop": 0, "flip": False}
    )
    running = vision.train(images, folder / "cifar10-lenet5", settings, model="lenet5", compute=FP32)
    for _ in running:
        pass
    return folder


@pytest.fixture
def trained(trained_folder: Path, mirror: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("SEQLAB_CHECKPOINTS", str(trained_folder))
    return "cifar10-lenet5"


def run_out(running: Iterator[Any]) -> None:
    for _ in running:
        pass


# --- train


def test_train_cnn_prints_a_line_per_epoch_and_a_last_one_with_the_test_images(
    cli: Callable[..., Any], mirror: Path, tmp_path: Path
) -> None:
    outcome = cli("train-cnn", "cifar10", "--model", "lenet5", "--epochs", 2, "--json", *RUN)
    assert outcome.status == 0, outcome.err
    first, second, last = outcome.lines
    assert (first["step"], first["epoch"], second["step"], second["epoch"]) == (20, 0, 40, 1)
    assert first["val_loss"] is None and first["rate"] > 0 and first["schema"] == 1
    folder = tmp_path / "checkpoints" / "cifar10-lenet5"
    assert (last["final"], last["checkpoint"], last["best_step"]) == (True, str(folder), 40)
    assert last["images"] == 80 and 0 <= last["top1"] <= last["top5"] <= 1
    assert list(last["per_class"]) == NAMES
    assert np.sum(last["confusion"]) == 80
    assert np.trace(last["confusion"]) == round(80 * last["top1"])
    assert "seqlab predict cifar10-lenet5" in outcome.err


def test_the_checkpoint_says_how_it_was_made_and_names_no_path(
    cli: Callable[..., Any], mirror: Path, tmp_path: Path
) -> None:
    assert cli("train-cnn", "cifar10", "--set", "max_steps=2", "--seed", 7, *RUN).status == 0
    saved = checkpoint.load(tmp_path / "checkpoints" / "cifar10")  # no model was named
    config = saved.config
    assert (config["job"], config["model"]["name"], config["parameters"]) == ("vision", "fast", 1_972_768)
    assert (config["classes"], config["settings"]["seed"]) == (NAMES, 7)
    assert (
        config["command"].startswith("seqlab train-cnn cifar10 --seed 7 ") and "--set max_steps=2" in config["command"]
    )
    assert len(config["data"]["sha256"]) == 64
    assert "cifar-10-binary.tar.gz" in config["data"]["origin"]
    text = (saved.folder / "config.json").read_text()
    assert str(mirror) not in text and str(tmp_path) not in text
    assert "config.json" in checkpoint.verify(saved)


def test_a_net_learns_what_can_be_learnt(trained_folder: Path) -> None:
    saved = checkpoint.load(trained_folder / "cifar10-lenet5")
    assert saved.config["metrics"]["top1"] > 0.9


@pytest.mark.parametrize(
    ("name", "optimizer", "precision"),
    [
        ("lenet5", "adamw", "fp32"),
        ("lenet5", "sgd", "fp32"),
        ("lenet5", "sgd", "bf16"),  # ten times as slow where it is emulated: once is enough
        ("resnet20", "sgd", "fp32"),
        ("fast", "muon", "fp32"),
    ],
)
def test_a_resumed_run_is_the_uninterrupted_one_to_the_bit(
    data: ImageSet, tmp_path: Path, name: str, optimizer: str, precision: str
) -> None:
    settings = {
        **vision.MODELS[name].defaults,
        "optimizer": optimizer,
        "batch_size": 32,
        "max_steps": 6,
        "eval_every": 2,
        "val_images": 200,
        "ema_decay": 0.9,
    }
    compute = Compute("cpu", precision, 1)
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    run_out(vision.train(data, whole, VisionSettings(**settings), model=name, compute=compute))
    for stop_at in (3, 4):  # in the middle of an epoch of six batches, between and at evaluations
        steps = iter(range(stop_at))
        running = vision.train(
            data,
            broken,
            VisionSettings(**settings),
            model=name,
            compute=compute,
            resume=broken.exists(),
            stop=lambda steps=steps: next(steps, None) is None,  # type: ignore[misc]
        )
        run_out(running)
    run_out(vision.train(data, broken, VisionSettings(), resume=True))
    one, other = checkpoint.load(whole), checkpoint.load(broken)
    assert one.config["files"] == other.config["files"]  # names and checksums of all tensors
    assert one.config["metrics"] == other.config["metrics"]
    assert one.config["position"] == other.config["position"]
    untimed = [[{**r, "rate": 0, "seconds": 0} for r in saved.log()] for saved in (one, other)]
    assert untimed[0] == untimed[1]


def test_with_val_images_the_best_weights_are_kept_and_the_held_out_are_not_trained_on(
    data: ImageSet, tmp_path: Path
) -> None:
    settings = VisionSettings(
        batch_size=20, max_steps=24, eval_every=4, val_images=100, lr=0.02, warmup_steps=0, optimizer="adamw"
    )
    run_out(vision.train(data, tmp_path / "a", settings, model="lenet5", compute=FP32))
    saved = checkpoint.load(tmp_path / "a")
    log = saved.log()
    best = min(log, key=lambda record: record["val_loss"])
    assert saved.config["position"]["best_step"] == best["step"]
    classifier = vision.load(saved)
    logits = classifier.logits(data.images[300:], FP32.resolve(1))
    truth = data.labels[300:]
    assert nn.functional.cross_entropy(logits, truth).item() == pytest.approx(best["val_loss"], rel=1e-5)
    assert (logits.argmax(1) == truth).float().mean().item() == pytest.approx(best["val_top1"])
    # other pixels and labels in the held-out images change nothing in the training
    data.images[300:] = 0
    data.labels[300:] = 3
    again = VisionSettings(**{**saved.config["settings"]})
    run_out(vision.train(data, tmp_path / "b", again, model="lenet5", compute=FP32))
    losses = [record["train_loss"] for record in checkpoint.load(tmp_path / "b").log()]
    assert losses == [record["train_loss"] for record in log]


def test_without_val_images_the_last_weights_are_kept(trained_folder: Path) -> None:
    saved = checkpoint.load(trained_folder / "cifar10-lenet5")
    used, tensors = saved.weights(), saved.training()
    assert all(torch.equal(used[name], tensors[f"model.{name}"]) for name in used)
    assert saved.config["position"]["best_step"] == 200


def test_the_list_of_models_has_their_size_and_what_to_expect(cli: Callable[..., Any]) -> None:
    models = {entry.pop("name"): entry for entry in cli("train-cnn", "--list", "--json").json["models"]}
    assert set(models) == set(vision.MODELS)
    assert (models["lenet5"]["parameters"], models["vgg16-224"]["parameters"]) == (62_006, 138_357_544)
    resnet = models["resnet20"]
    assert (resnet["side"], resnet["classes"], resnet["multiply_adds"]) == (32, 10, 40_551_040)
    assert (models["resnet56"]["cifar10_top1"], models["resnet56"]["cifar10_source"]) == (0.9303, "paper")
    assert (models["vgg16"]["side"], models["resnet152"]["classes"]) == (32, 1000)
    lines = cli("train-cnn", "--list").out.splitlines()
    assert len(lines) == 1 + len(models) and max(map(len, lines)) <= 100
    (line,) = [line for line in lines if line.startswith("resnet20 ")]
    assert "269,722" in line and "40.6 M" in line and "91.3 % measured" in line


def test_bad_input_is_an_error_with_a_hint(
    cli: Callable[..., Any], mirror: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cli("train-cnn").fails(2, "data set", "cifar10")
    cli("train-cnn", "cifar11").fails(2, "cifar11", "did you mean 'cifar10'?")
    cli("train-cnn", "cifar10", "--model", "lenett5").fails(2, "lenett5", "did you mean 'lenet5'?")
    cli("train-cnn", "cifar10", "--set", "crops=1").fails(2, "crops", "did you mean 'crop'?")
    cli("train-cnn", "cifar10", "--set", "optimizer=adam").fails(2, "adam", "did you mean 'adamw'?")
    cli("train-cnn", "cifar10", "--set", "crop=-1").fails(2, "crop")
    cli("train-cnn", "cifar10", "--set", "val_images=400").fails(2, "val_images")
    cli("train-cnn", "cifar10", "--model", "vgg16", "--set", "start_side=20").fails(2, "start_side=20", "vgg16")
    cli("train-cnn", "cifar10", "--set", "crop=32").fails(2, "crop=32", "reflect")
    cli("train-cnn", "cifar10", "--set", "batch_size=1000").fails(1, "batch of 1000", "batch_size")
    assert not (tmp_path / "checkpoints").exists()
    # without a SHA256SUMS the published checksum counts, which this archive has not
    other = tmp_path / "other"
    shutil.copytree(mirror, other, ignore=shutil.ignore_patterns("SHA256SUMS"))
    monkeypatch.setenv("SEQLAB_MIRROR", str(other))
    monkeypatch.setenv("SEQLAB_CACHE", str(tmp_path / "empty"))
    cli("train-cnn", "cifar10").fails(1, "wrong sha256")
    monkeypatch.delenv("SEQLAB_MIRROR")
    cli("train-cnn", "cifar10").fails(1, "cifar-10-binary.tar.gz", "SEQLAB_MIRROR")


def test_resume_refuses_another_model_other_images_and_another_job(data: ImageSet, trained_folder: Path) -> None:
    folder = trained_folder / "cifar10-lenet5"
    with pytest.raises(CheckpointError, match="holds a lenet5"):
        next(vision.train(data, folder, VisionSettings(), model="resnet20", resume=True))
    with pytest.raises(UsageError, match="lenet6"):
        next(vision.train(data, folder, VisionSettings(), model="lenet6"))
    changed = ImageSet(**{**data.__dict__, "sha256": "0" * 64})
    with pytest.raises(CheckpointError, match="other images"):
        next(vision.train(changed, folder, VisionSettings(), resume=True))


# --- evaluate


class FirstPixels(nn.Module):
    """Its logits are the first red pixels: what it predicts is written into the images."""

    def forward(self, images: Tensor) -> Tensor:
        return images[:, 0, 0, :7] + 0 * self.weight

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(()))


def test_the_figures_are_those_counted_by_hand() -> None:
    classifier = Classifier(FirstPixels(), tuple("abcdefg"), Normalise([0.5] * 3, [0.2] * 3), 32, 32)
    images = torch.randint(0, 256, (1203, 3, 32, 32), dtype=torch.uint8)
    images[:, 0, 0, :7] = torch.rand(1203, 7).argsort(1).to(torch.uint8)  # no two alike
    labels = torch.randint(0, 6, (1203,))  # there is no g
    metrics = vision.evaluate(classifier, images, labels, FP32.resolve(1))
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


def test_images_of_other_classes_cannot_be_measured(data: ImageSet, trained_folder: Path) -> None:
    classifier = vision.load(checkpoint.load(trained_folder / "cifar10-lenet5"))
    vision.check_classes(classifier, data)
    with pytest.raises(DataError, match="other classes"):
        vision.check_classes(classifier, ImageSet(**{**data.__dict__, "classes": tuple(reversed(NAMES))}))


# --- predict


def test_predict_names_what_is_in_png_and_jpeg_files_of_any_size(
    cli: Callable[..., Any], data: ImageSet, trained: str, tmp_path: Path
) -> None:
    chosen = [int((data.test_labels == label).nonzero()[0]) for label in (1, 8)]
    files = [tmp_path / "car [bold].png", tmp_path / "ship.jpg"]
    for index, file in zip(chosen, files, strict=True):
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


def test_predict_draws_where_the_net_looked(
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
    files[3] = tmp_path
    several = cli("predict", trained, *files)
    assert several.out.count("\n") == 501 and f"{tmp_path} is a folder" in several.err and "2 of 503" in several.err
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


def test_the_temperature_comes_from_validation_images_where_there_are_some(data: ImageSet, tmp_path: Path) -> None:
    settings = VisionSettings(batch_size=20, max_steps=40, val_images=100, lr=0.001, optimizer="adamw")
    run_out(vision.train(data, tmp_path / "a", settings, model="lenet5", compute=FP32))
    saved = checkpoint.load(tmp_path / "a")
    fitted = saved.config["metrics"]["calibration"]
    classifier = vision.load(saved)
    logits = classifier.logits(data.images[300:], FP32.resolve(1))
    assert fitted["fitted_on"] == classifier.fitted_on == "validation"
    least = F.cross_entropy(logits / fitted["temperature"], data.labels[300:])
    assert all(least < F.cross_entropy(logits / (fitted["temperature"] * by), data.labels[300:]) for by in (0.9, 1.1))
    assert classifier.mirrors and saved.config["metrics"]["views"] == 6
    assert vision.evaluate(classifier, data.test_images, data.test_labels, FP32.resolve(1)) == saved.config["metrics"]


def test_an_exported_classifier_still_works(cli: Callable[..., Any], trained: str, tmp_path: Path) -> None:
    assert cli("checkpoints", "export", trained, "-o", tmp_path / "half").status == 0
    before = cli("evaluate", trained, "--json").json
    after = cli("evaluate", tmp_path / "half", "--json").json
    assert abs(before["top1"] - after["top1"]) < 0.03
    assert "training" not in json.loads((tmp_path / "half" / "config.json").read_text())["files"]


@pytest.mark.mirror
def test_a_short_run_on_the_real_images_is_far_above_chance(tmp_path: Path) -> None:
    images: Any = finish(load_images("cifar10"))  # type: ignore[arg-type]
    settings = VisionSettings(**{**vision.MODELS["lenet5"].defaults, "max_steps": 150})
    run_out(vision.train(images, tmp_path / "a", settings, model="lenet5", compute=FP32))
    assert checkpoint.load(tmp_path / "a").config["metrics"]["top1"] > 0.38
    assert training.count_parameters(vision.MODELS["lenet5"].build(10)) == 62_006


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_the_recorded_passes_of_a_net_are_its_own() -> None:
    images = torch.randn(16, 3, 32, 32, device="cuda").contiguous(memory_format=torch.channels_last)
    labels = torch.randint(10, (16,), device="cuda")
    net: nn.Module = vision.MODELS["resnet20"].build(10).to("cuda", memory_format=torch.channels_last)  # type: ignore[call-overload]
    recorded = copy.deepcopy(net)
    record_graphs(recorded, images, torch.float32)
    for each in (net, recorded):
        for shift in (0.0, 1.0):
            each.zero_grad()
            F.cross_entropy(each(images + shift), labels).backward()
    for one, other in zip(net.parameters(), recorded.parameters(), strict=True):
        torch.testing.assert_close(one.grad, other.grad, rtol=1e-2, atol=1e-3)
    torch.testing.assert_close(net.state_dict(), recorded.state_dict(), rtol=1e-2, atol=1e-3)


@pytest.mark.mirror
def test_the_shipped_classifier_knows_images_it_has_not_seen(tmp_path: Path) -> None:
    saved = checkpoint.load(checkpoint.shipped_folder() / "cifar10")
    metrics = saved.config["metrics"]
    assert metrics["top1"] >= 0.932 and metrics["top1_views"] >= 0.94
    assert sum(file.stat().st_size for file in saved.folder.iterdir()) <= 5 << 20
    data: Any = finish(load_images("cifar10"))  # type: ignore[arg-type]
    images, labels = data.test_images[:1000], data.test_labels[:1000]
    logits = vision.load(saved).logits(images, FP32.resolve(0))
    assert abs((logits.argmax(1) == labels).double().mean() - metrics["top1"]) < 0.02  # 2.6 deviations of a thousand
