"""How image classifiers are trained, on a made-up archive: length, resuming, validation images, errors."""

import copy
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from seqlab import api, checkpoint, training, vision
from seqlab.data.images.augment import growing_cost
from seqlab.data.images.image_set import ImageSet
from seqlab.data.images.sets import load_images
from seqlab.errors import CheckpointError, UsageError
from seqlab.machine import Compute
from seqlab.settings import VisionSettings
from seqlab.tasks import Task
from seqlab.vision.device import record_graphs
from seqlab.vision.prepare import for_temperature, in_order_of_classes
from tests.data.images.cifar_files import NAMES
from tests.vision.conftest import FP32, trained_in

RUN = ["--threads", 1, "--device", "cpu", "--set", "batch_size=20", "--set", "val_images=0"]


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


def test_a_net_learns_what_can_be_learned(trained_folder: Path) -> None:
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
    trained_in(whole, data, VisionSettings(**settings), name, compute=compute)
    for stop_at in (3, 4):  # in the middle of an epoch of six batches, between and at evaluations
        steps = iter(range(stop_at))
        trained_in(
            broken,
            data,
            VisionSettings(**settings),
            name,
            compute=compute,
            resume=broken.exists(),
            stop=lambda steps=steps: next(steps, None) is None,  # type: ignore[misc]
        )
    trained_in(broken, data, VisionSettings(), resume=True)
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
    trained_in(tmp_path / "a", data, settings, "lenet5")
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
    trained_in(tmp_path / "b", data, again, "lenet5")
    losses = [record["train_loss"] for record in checkpoint.load(tmp_path / "b").log()]
    assert losses == [record["train_loss"] for record in log]


def test_without_val_images_the_last_weights_are_kept(trained_folder: Path) -> None:
    saved = checkpoint.load(trained_folder / "cifar10-lenet5")
    used, tensors = saved.weights(), saved.training()
    assert all(torch.equal(used[name], tensors[f"model.{name}"]) for name in used)
    assert saved.config["position"]["best_step"] == 200


@pytest.mark.parametrize(("name", "fitted_on"), [("val_images", "validation"), ("temperature_images", "kept_back")])
def test_the_temperature_is_the_likeliest_of_images_that_were_held_out(
    data: ImageSet, tmp_path: Path, name: str, fitted_on: str
) -> None:
    settings = VisionSettings(batch_size=20, max_steps=40, lr=0.001, optimizer="adamw", **{name: 100})
    trained_in(tmp_path / "a", data, settings, "lenet5")
    saved = checkpoint.load(tmp_path / "a")
    metrics = saved.config["metrics"]
    fitted = metrics["calibration"]
    classifier = vision.load(saved)
    logits = classifier.logits(data.images[300:], FP32.resolve(1))
    assert fitted["fitted_on"] == classifier.fitted_on == fitted_on
    least = F.cross_entropy(logits / fitted["temperature"], data.labels[300:])
    assert all(least < F.cross_entropy(logits / (fitted["temperature"] * by), data.labels[300:]) for by in (0.9, 1.1))
    assert classifier.mirrors and metrics["views"] == 6
    # one that chose the weights is measured on those images, any other on the test images
    chosen = name == "val_images"
    images, labels = (data.images[300:], data.labels[300:]) if chosen else (data.test_images, data.test_labels)
    measured = vision.evaluate(classifier, images, labels, FP32.resolve(1), fitted_here=chosen)
    assert metrics == {"split": "validation" if chosen else "test", **measured}


@pytest.mark.parametrize("held_out", [{"val_images": 100}, {"temperature_images": 100}, {}])
def test_no_test_image_or_label_has_a_say_in_what_is_trained(
    data: ImageSet, tmp_path: Path, held_out: dict[str, int]
) -> None:
    settings = VisionSettings(batch_size=20, max_steps=20, eval_every=5, lr=0.002, optimizer="adamw", **held_out)
    trained_in(tmp_path / "a", data, settings, "lenet5")
    planted = replace(
        data, test_images=255 - data.test_images.flip(0), test_labels=(data.test_labels + 3) % len(data.classes)
    )
    trained_in(tmp_path / "b", planted, settings, "lenet5")
    one, other = checkpoint.load(tmp_path / "a"), checkpoint.load(tmp_path / "b")
    assert one.config["files"] == other.config["files"]  # names and checksums of all tensors
    assert one.config["input"] == other.config["input"]
    untimed = [[{**r, "rate": 0, "seconds": 0} for r in saved.log()] for saved in (one, other)]
    assert untimed[0] == untimed[1]
    fitted = [
        {
            name: saved.config["metrics"]["calibration"][name]
            for name in ("temperature", "temperature_views", "fitted_on")
        }
        for saved in (one, other)
    ]
    assert fitted[0] == fitted[1]
    assert (one.config["metrics"] == other.config["metrics"]) == ("val_images" in held_out)  # else they were measured


def test_images_kept_back_for_the_temperature_change_nothing_else(data: ImageSet, tmp_path: Path) -> None:
    settings = VisionSettings(batch_size=20, max_steps=20, temperature_images=100)
    trained_in(tmp_path / "a", data, settings, "lenet5")
    fewer = replace(data, images=data.images[:300], labels=data.labels[:300])
    trained_in(tmp_path / "b", fewer, replace(settings, temperature_images=0), "lenet5")
    a, b = vision.load(checkpoint.load(tmp_path / "a")), vision.load(checkpoint.load(tmp_path / "b"))
    assert all(torch.equal(one, b.model.state_dict()[name]) for name, one in a.model.state_dict().items())
    assert (b.temperature, b.temperature_views, b.fitted_on) == (1.0, 1.0, "nothing")


def test_a_twentieth_of_many_images_is_kept_back_and_none_of_few() -> None:
    assert [for_temperature(images) for images in (400, 1_999, 2_000, 19_999, 20_000, 50_000)] == [
        0, 0, 100, 999, 1_000, 1_000
    ]  # fmt: skip


def many(data: ImageSet, count: int) -> ImageSet:
    """The images over and over."""
    rows = torch.arange(count) % len(data.images)
    return replace(data, images=data.images[rows], labels=data.labels[rows])


def test_the_library_keeps_them_back_and_says_so(data: ImageSet, tmp_path: Path) -> None:
    how: dict[str, Any] = {"model": "lenet5", "max_steps": 2, "device": "cpu", "threads": 1}
    task = api.train_cnn(many(data, 2_000), **how, folder=tmp_path / "a")
    saved = task.result().checkpoint
    assert saved.config["settings"]["temperature_images"] == 100
    assert saved.config["metrics"]["calibration"]["fitted_on"] == "kept_back"
    assert any("100 training images do not train" in note for note in task.notes)
    for number, (given, kept) in enumerate([({"val_images": 50}, 0), ({"temperature_images": 7}, 7)]):
        made = api.train_cnn(many(data, 2_000), **how, **given, folder=tmp_path / str(number)).result()
        assert made.checkpoint.config["settings"]["temperature_images"] == kept
    few = api.train_cnn(data, **how, folder=tmp_path / "few").result().checkpoint.config
    assert (few["settings"]["temperature_images"], few["metrics"]["calibration"]["fitted_on"]) == (0, "nothing")


def test_images_that_stand_class_by_class_are_no_sample_of_all(data: ImageSet, tmp_path: Path) -> None:
    how: dict[str, Any] = {"model": "lenet5", "max_steps": 1, "device": "cpu", "threads": 1}
    rows = many(data, 2_000).labels.argsort()
    sorted_ = replace(data, images=many(data, 2_000).images[rows], labels=many(data, 2_000).labels[rows])
    task = api.train_cnn(sorted_, **how, folder=tmp_path / "a")
    assert task.result().checkpoint.config["settings"]["temperature_images"] == 0
    assert any("class by class" in note for note in task.notes)
    for name in ("val_images", "temperature_images"):
        with pytest.raises(UsageError, match=f"{name}=500 are the last"):
            api.train_cnn(sorted_, **how, **{name: 500}, folder=tmp_path / "b").result()
    assert not in_order_of_classes(data.labels)
    assert not in_order_of_classes(torch.tensor([0, 0, 1, 1])) and not in_order_of_classes(torch.zeros(50))


def test_a_run_of_an_earlier_version_goes_on_as_it_began(data: ImageSet, tmp_path: Path) -> None:
    """Its settings do not name images for the temperature: none are kept back, whatever is the default today."""
    data = many(data, 2_000)
    how: dict[str, Any] = {"model": "lenet5", "device": "cpu", "threads": 1, "temperature_images": 0, "max_steps": 12}
    whole = api.train_cnn(data, **how, folder=tmp_path / "whole").result().checkpoint
    steps = iter(range(4))
    api.train_cnn(data, **how, folder=tmp_path / "b", stop=lambda: next(steps, None) is None).result()
    stopped = checkpoint.load(tmp_path / "b")
    settings = {name: value for name, value in stopped.config["settings"].items() if name != "temperature_images"}
    checkpoint.amend(stopped, settings=settings)
    task = api.train_cnn(data, folder=tmp_path / "b", resume=True)
    resumed = task.result().checkpoint
    assert not any("do not train" in note for note in task.notes)
    assert resumed.config["files"] == whole.config["files"]
    assert resumed.config["metrics"] == whole.config["metrics"]


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
        trained_in(folder, data, VisionSettings(), "resnet20", resume=True)
    with pytest.raises(UsageError, match="lenet6"):
        trained_in(folder, data, VisionSettings(), "lenet6")
    changed = ImageSet(**{**data.__dict__, "sha256": "0" * 64})
    with pytest.raises(CheckpointError, match="other images"):
        trained_in(folder, changed, VisionSettings(), resume=True)


@pytest.mark.mirror
def test_a_short_run_on_the_real_images_is_far_above_chance(tmp_path: Path) -> None:
    images = Task(load_images("cifar10")).result()
    settings = VisionSettings(**{**vision.MODELS["lenet5"].defaults, "max_steps": 150})
    trained_in(tmp_path / "a", images, settings, "lenet5")
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


def test_the_decisions_of_the_command_are_those_of_the_library(data: ImageSet, tmp_path: Path) -> None:
    """The batch of a small set, the model's defaults, digits that are not mirrored, and the length in epochs."""
    found = api.train_cnn(data, model="lenet5", epochs=0.2, folder=tmp_path / "a", device="cpu", threads=1)
    model = found.result()
    settings = model.checkpoint.config["settings"]
    assert (settings["batch_size"], settings["max_steps"], settings["eval_every"]) == (20, 4, 20)
    assert (settings["lr"], settings["crop"], settings["flip"]) == (0.05, 0, True)
    assert found.notes[0].startswith("cifar10: 400 training and 80 test images of 10 classes")
    digits = replace(data, name="mnist")
    model = api.train_cnn(digits, max_steps=1, model="lenet5", threads=1, device="cpu").result()
    assert not model.checkpoint.config["settings"]["flip"]
    assert model.checkpoint.folder == checkpoint.checkpoints_folder() / "mnist-lenet5"
    assert model.to_dict() == model.checkpoint.summary() and "top1" in model.to_dict()
    assert "parameters" in model._repr_html_()
    with pytest.raises(UsageError, match="size and data_dir"):
        api.train_cnn(data, model="lenet5", size=32, folder=tmp_path / "b").result()
    with pytest.raises(UsageError, match="alexnet-224"):
        api.train_cnn(data, model="alexnet-224", folder=tmp_path / "b").result()


@pytest.mark.parametrize(
    ("count", "given", "batch_size", "max_steps"),
    [
        (24, {}, 12, 200),  # half of them: a pass of two steps, and a hundred passes
        (144, {}, 16, 200),  # nine steps a pass
        (400, {}, 20, 20 * 20),  # the model's twenty passes
        (24, {"epochs": 3.0}, 12, 6),  # what is asked for counts
        (24, {"batch_size": 8}, 8, 20 * 3),
    ],
)
def test_few_images_are_passed_over_more_often(
    data: ImageSet, tmp_path: Path, count: int, given: dict[str, Any], batch_size: int, max_steps: int
) -> None:
    rows = torch.randperm(len(data.images), generator=torch.Generator().manual_seed(0))[:count]
    few = replace(data, images=data.images[rows], labels=data.labels[rows])
    task = api.train_cnn(
        few, model="lenet5", folder=tmp_path / "a", device="cpu", threads=1, stop=lambda: True, **given
    )
    assert task.result() is None
    settings = checkpoint.load(tmp_path / "a").config["settings"]
    assert (settings["batch_size"], settings["max_steps"]) == (batch_size, max_steps)


def test_folds_of_few_images_have_batches_that_they_fill(data: ImageSet, tmp_path: Path) -> None:
    few = replace(data, images=data.images[:20], labels=data.labels[:20] % 2, classes=("a", "b"))
    how: dict[str, Any] = {"model": "lenet5", "folds": 2, "device": "cpu", "threads": 1, "stop": lambda: True}
    assert api.train_cnn(few, folder=tmp_path / "a", **how).result() is None
    settings = checkpoint.load(tmp_path / "a" / "fold-1").config["settings"]
    assert (settings["batch_size"], settings["max_steps"]) == (5, 200)


def test_minutes_count_the_smaller_images_of_the_beginning(data: ImageSet, tmp_path: Path) -> None:
    settings = VisionSettings(**vision.MODELS["fast"].defaults | {"batch_size": 40})
    prepared, _ = vision.prepare(data, settings, FP32)
    assert prepared.cost is not None
    assert [prepared.cost(done) for done in (0.0, 1.0)] == [growing_cost(32, 20, 0.0), 1.0] == [(20 / 32) ** 2, 1.0]
    assert prepared.on_length is not None
    prepared.on_length(20)
    assert prepared.batches.augment.side(32, 0.0) == 20  # type: ignore[attr-defined]
    assert prepared.batches.augment.side(32, 2.0) == 32  # type: ignore[attr-defined]
