"""train-cnn and evaluate on every image set: what a person and a script see."""

import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from seqlab.cli.reports.images import figures
from tests.data.images.cifar_files import cifar100_files, cifar_files, write_archive
from tests.data.images.mnist_files import mnist_files, write_files

Cli = Callable[..., Any]
RUN = ["--model", "lenet5", "--threads", 1, "--device", "cpu", "--precision", "fp32", "--set", "batch_size=20"]
SHORT = [*RUN, "--set", "max_steps=2"]


def bars(folder: Path, counts: dict[str, int], seed: int = 0, size: int = 40) -> Path:
    """Pictures of noise with a bright bar whose place is the class's."""
    chance = np.random.default_rng(seed)
    for place, (name, count) in enumerate(counts.items()):
        (folder / name).mkdir(parents=True)
        for index in range(count):
            pixels = chance.integers(0, 64, (size, size, 3), dtype=np.uint8)
            pixels[place * size // 4 : place * size // 4 + size // 6] = 250
            Image.fromarray(pixels).save(folder / name / f"{index}.{('png', 'bmp')[index % 2]}")
    return folder


def config_of(folder: Path) -> str:
    return (folder / "config.json").read_text()


def test_a_folder_is_predicted_as_the_images_in_it(cli: Cli, tmp_path: Path) -> None:
    pets = bars(tmp_path / "pets", {"cat": 15, "dog": 15})
    assert cli("train-cnn", pets, *SHORT).status == 0
    new = bars(tmp_path / "new", {"b": 2, "a": 3}, seed=1)
    (new / "b" / "all.zip").write_bytes(b"PK")
    (new / "a" / "torn.png").write_bytes(b"no png")
    (new / ".hidden.png").write_bytes(b"")
    done = cli("predict", "pets-lenet5", new)
    assert done.status == 1 and "1 of 6 files could not be read" in done.err
    assert "6 images; no images, not read: b/all.zip" in done.err and "torn.png" in done.err
    shown = [line.split(":")[0] for line in done.out.splitlines()]
    assert shown == sorted(str(path) for path in new.glob("*/*.*") if path.name not in ("all.zip", "torn.png"))
    (new / "a" / "torn.png").unlink()
    (tmp_path / "empty").mkdir()
    assert len(cli("predict", "pets-lenet5", new, pets / "cat" / "0.png", "--json").json["predictions"]) == 6
    cli("predict", "pets-lenet5", tmp_path / "empty").fails(1, "holds no image")


def test_a_folder_of_images_is_trained_and_evaluated_on_where_it_lies(cli: Cli, tmp_path: Path) -> None:
    pets = bars(tmp_path / "my pets", {"cat": 30, "dog": 30, "emu": 30})
    (pets / "notes.txt").write_text("mine")
    trained = cli("train-cnn", pets, "--set", "max_steps=80", *RUN, "--json")
    assert trained.status == 0, trained.err
    assert "72 training and 18 test images of 3 classes" in trained.err
    assert "no test part is given" in trained.err and "notes.txt" in trained.err and "MB in memory" in trained.err
    metrics = trained.lines[-1]
    assert metrics["top1"] > 0.9 and metrics["images"] == 18 and list(metrics["per_class"]) == ["cat", "dog", "emu"]
    folder = tmp_path / "checkpoints" / "my pets-lenet5"
    config = json.loads(config_of(folder))
    assert config.pop("source") == {"paths": [str(pets)]}
    assert str(tmp_path) not in json.dumps(config)
    assert config["command"].startswith("seqlab train-cnn 'my pets' --model lenet5")
    assert config["data"]["origin"] == "folder" and config["input"]["height"] == 32
    name, how = "my pets-lenet5", ["--threads", 1, "--device", "cpu", "--precision", "fp32"]
    same = cli("evaluate", name, pets, "--json", *how)
    assert cli("evaluate", name, "--json", *how).json == same.json
    assert cli("checkpoints", "export", name, "-o", tmp_path / "given").status == 0
    assert str(tmp_path) not in config_of(tmp_path / "given")  # who gets it need not know
    cli("evaluate", tmp_path / "given").fails(1, "folder of yours", "seqlab evaluate given PATH")
    assert (same.json["images"], same.json["top1"]) == (18, metrics["top1"])
    shutil.copytree(pets, tmp_path / "elsewhere" / "renamed")
    assert cli("evaluate", name, tmp_path / "elsewhere" / "renamed", "--json", *how).json == same.json
    other = cli("evaluate", name, bars(tmp_path / "b" / "my pets", {"cat": 4, "dog": 5, "emu": 6}, seed=9), "--json")
    assert other.json["images"] == 15 and "15 images, all of them" in other.err and "trained on" not in other.err
    cli("evaluate", name, bars(tmp_path / "c", {"cat": 4, "dog": 5})).fails(1, "other classes")
    assert cli("predict", name, pets / "cat" / "0.png").out.count("cat") >= 1


def test_choosing_shows_the_validation_images_and_evaluate_the_test_images(cli: Cli, tmp_path: Path) -> None:
    pets = bars(tmp_path / "pets", {"cat": 30, "dog": 30, "emu": 30})
    choosing = ["--set", "val_images=12", "--set", "max_steps=40", "--set", "eval_every=20"]
    trained = cli("train-cnn", pets, *RUN, *choosing, "--json")
    assert trained.status == 0, trained.err
    *log, last = trained.lines
    assert (last["split"], last["images"], last["calibration"]["ece_calibrated"]) == ("validation", 12, None)
    assert last["top1"] in [line["val_top1"] for line in log]
    measured = cli("evaluate", "pets-lenet5", pets, "--json", "--threads", 1, "--device", "cpu").json
    assert (measured["split"], measured["images"], measured["calibration"]["fitted_on"]) == ("test", 18, "validation")
    assert measured["calibration"]["temperature"] == last["calibration"]["temperature"]
    said = cli("train-cnn", pets, *RUN, *choosing, "--overwrite")
    assert "of 12 validation images" in said.out and "test images were not looked at" in said.out
    folded = cli("train-cnn", pets, *RUN, *choosing, "--folds", 2, "--json")
    assert folded.lines[-1]["images"] == 72  # each training image once, as the fold that it was held out in


def test_the_size_of_a_folders_images_is_the_checkpoints(cli: Cli, tmp_path: Path) -> None:
    pets = bars(tmp_path / "pets", {"cat": 30, "dog": 30})
    how = ["--threads", 1, "--device", "cpu", "--set", "batch_size=16", "--set", "max_steps=1"]
    trained = cli("train-cnn", pets, "--size", 20, "--json", *how)
    assert trained.status == 0, trained.err
    config = json.loads(config_of(tmp_path / "checkpoints" / "pets"))
    assert config["input"]["height"] == config["input"]["width"] == 20
    measured = cli("evaluate", "pets", pets, "--json", "--threads", 1, "--device", "cpu")
    assert measured.json["confusion"] == trained.lines[-1]["confusion"]
    cli("train-cnn", pets, "--resume", "--device", "cpu").fails(1, "other images")  # --size is not repeated
    cli("train-cnn", "mnist", "--size", 64).fails(2, "32 x 32")
    cli("train-cnn", pets, "--size", 64, *SHORT).fails(2, "lenet5", "32 x 32", "64 x 64", "--list")
    cli("train-cnn", "mnist", "--model", "alexnet-224").fails(2, "224 x 224", "32 x 32")


def test_without_size_it_is_the_models(cli: Cli, tmp_path: Path) -> None:
    how = ["--model", "resnet18", "--threads", 1, "--device", "cpu", "--set", "batch_size=2", "--set", "max_steps=1"]
    trained = cli("train-cnn", bars(tmp_path / "pets", {"cat": 3, "dog": 3}), *how)
    assert trained.status == 0 and "images of 224 x 224 pixels" in trained.err


def test_a_small_folder_is_no_single_batch(cli: Cli, tmp_path: Path) -> None:
    pets = bars(tmp_path / "pets", {"cat": 75, "dog": 75})
    how = ["--threads", 1, "--device", "cpu", "--set", "max_steps=1"]
    for asked, batch_size in (([], 16), (["--set", "batch_size=100"], 100)):
        trained = cli("train-cnn", pets, "--overwrite", *how, *asked)
        assert trained.status == 0, trained.err
        assert json.loads(config_of(tmp_path / "checkpoints" / "pets"))["settings"]["batch_size"] == batch_size


def test_the_default_net_learns_a_small_folder(cli: Cli, tmp_path: Path) -> None:
    pets = bars(tmp_path / "pets", {"cat": 25, "dog": 25})
    trained = cli("train-cnn", pets, "--threads", 1, "--device", "cpu", "--set", "max_steps=120", "--json")
    assert trained.status == 0, trained.err
    assert trained.lines[-1]["top1"] > 0.9


def test_pictures_of_floats_are_scaled_alike_wherever_they_are_read(cli: Cli, tmp_path: Path) -> None:
    pets = bars(tmp_path / "pets", {"cat": 20, "dog": 20})
    for path in list(pets.rglob("*.*")):
        grey = np.asarray(Image.open(path).convert("L"))
        Image.fromarray(grey.astype(np.float32) / 255).save(path.with_suffix(".tif"))
        Image.fromarray(grey).save(tmp_path / f"{path.parent.name}{path.stem}.png")
        path.unlink()
    trained = cli("train-cnn", pets, "--set", "max_steps=60", *RUN, "--set", "batch_size=8", "--json")
    assert trained.status == 0 and trained.lines[-1]["top1"] == 1.0, trained.err
    assert "40 pictures of floats: 0 is black, 1 is white" in trained.err
    name = "pets-lenet5"
    assert json.loads(config_of(tmp_path / "checkpoints" / name))["input"]["ranges"] == {"floats": [0, 1]}
    how = ["--json", "--threads", 1, "--device", "cpu", "--precision", "fp32"]
    deep = cli("predict", name, pets / "cat" / "0.tif", *how)
    plain = cli("predict", name, tmp_path / "cat0.png", *how)
    assert "black" not in deep.err
    assert deep.json["predictions"][0]["classes"] == plain.json["predictions"][0]["classes"]
    dim = tmp_path / "dim.tif"  # dark by its own values, and it stays so
    Image.fromarray(np.asarray(Image.open(pets / "cat" / "0.tif")) / 50).save(dim)
    assert "0 to 1" not in cli("predict", name, dim, *how).err
    bright = [tmp_path / f"{index}.tif" for index in range(5)]
    for path in bright:
        Image.fromarray(np.asarray(Image.open(pets / "cat" / "0.tif")) * 255).save(path)
    said = cli("predict", name, *bright, *how).err
    assert said.count("cut off at the 0 to 1 of the pictures trained on") == 3 and "2 more" in said
    Image.fromarray((np.asarray(Image.open(pets / "cat" / "0.tif")) * 4095).astype(np.uint16)).save(dim)
    twelve = cli("predict", name, dim, *how)
    assert "4,095 is white; no such picture was trained on" in twelve.err
    assert twelve.json["predictions"][0]["classes"][0]["class"] == "cat"
    measured = cli("evaluate", name, pets, *how)
    assert measured.json["confusion"] == trained.lines[-1]["confusion"]
    assert cli("predict", name, pets / "cat" / "0.tif", "-o", tmp_path / "heat.png").status == 0


def test_training_and_testing_are_parts_and_their_twins_no_classes(cli: Cli, tmp_path: Path) -> None:
    bars(tmp_path / "pets" / "pets" / "Training", {"cat": 20, "dog": 20})
    bars(tmp_path / "pets" / "pets" / "Testing", {"cat": 8, "dog": 8}, seed=3)
    trained = cli("train-cnn", tmp_path / "pets", *SHORT, "--json")
    assert trained.status == 0, trained.err
    assert "40 training and 16 test images of 2 classes" in trained.err and "no test part" not in trained.err
    assert "read from pets/pets/" in trained.err
    (tmp_path / "pets" / "pets" / "Training").rename(tmp_path / "pets" / "pets" / "fold1")
    cli("train-cnn", tmp_path / "pets", *SHORT, "--overwrite").fails(1, "Testing and fold1", "cat, dog")


def test_digits_are_not_mirrored(cli: Cli, tmp_path: Path) -> None:
    write_files(tmp_path / "data", mnist_files(100), is_packed=True)
    trained = cli("train-cnn", "mnist", "--data-dir", tmp_path / "data", *SHORT, "--json")
    assert trained.status == 0, trained.err
    assert trained.lines[-1]["views"] == 3
    assert not json.loads(config_of(tmp_path / "checkpoints" / "mnist-lenet5"))["settings"]["flip"]


def test_a_damaged_picture_is_named(cli: Cli, tmp_path: Path) -> None:
    pets = bars(tmp_path / "pets", {"cat": 3, "dog": 3})
    (pets / "dog" / "bad \x1b[31m.jpg").write_bytes(b"no image")
    outcome = cli("train-cnn", pets, *SHORT)
    outcome.fails(1, "bad ", "remove it")
    assert "\x1b" not in outcome.err
    assert not (tmp_path / "checkpoints").exists()


@pytest.mark.parametrize("name", ["cifar10", "cifar100", "mnist", "fashion-mnist"])
def test_published_files_that_lie_in_a_folder_are_read_from_there(cli: Cli, tmp_path: Path, name: str) -> None:
    place = tmp_path / "data"
    if name.startswith("cifar"):
        files = cifar_files(20) if name == "cifar10" else cifar100_files(100)
        write_archive(place / f"cifar-{name[5:]}-binary.tar.gz", files)
    else:
        write_files(place, mnist_files(100), is_packed=name == "mnist")
    outcome = cli("train-cnn", name, "--data-dir", place, "--json", *SHORT)
    assert outcome.status == 0, outcome.err
    folder = tmp_path / "checkpoints" / f"{name}-lenet5"
    assert str(tmp_path) not in config_of(folder) and not (tmp_path / "cache").exists()
    assert f"train-cnn {name} --model lenet5 --data-dir data" in json.loads(config_of(folder))["command"]
    measured = cli("evaluate", f"{name}-lenet5", "--data-dir", place, "--json", "--threads", 1, "--device", "cpu")
    assert measured.json["images"] == outcome.lines[-1]["images"]
    cli("evaluate", f"{name}-lenet5").fails(1, "offline")
    cli("train-cnn", name, "--data-dir", tmp_path / "nowhere", "--overwrite", *SHORT).fails(1, "nowhere")
    (tmp_path / "void").mkdir()
    cli("train-cnn", name, "--data-dir", tmp_path / "void", "--overwrite", *SHORT).fails(1, "void", "--data-dir")


@pytest.mark.parametrize("top", ["cifar-10-batches-bin", "."])
def test_an_archive_that_was_unpacked_is_read_too(cli: Cli, tmp_path: Path, top: str) -> None:
    (tmp_path / "data" / top).mkdir(parents=True)
    for name, content in cifar_files(20).items():
        (tmp_path / "data" / top / name).write_bytes(content)
    assert cli("train-cnn", "cifar10", "--data-dir", tmp_path / "data", *SHORT).status == 0


def test_a_mirror_has_the_idx_files_under_their_own_names(cli: Cli, tmp_path: Path, monkeypatch: Any) -> None:
    mirror = write_files(tmp_path / "mirror", mnist_files(100))
    sums = [f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n" for path in mirror.iterdir()]
    (mirror / "SHA256SUMS").write_text("".join(sums))
    monkeypatch.setenv("SEQLAB_MIRROR", str(mirror))
    outcome = cli("train-cnn", "fashion-mnist", *SHORT)
    assert outcome.status == 0 and "Ankle boot" in outcome.out
    assert "100 training and 50 test images of 10 classes, from IDX files of a mirror" in outcome.err
    assert str(mirror) not in config_of(tmp_path / "checkpoints" / "fashion-mnist-lenet5")


def test_what_is_no_set_gets_a_suggestion_and_the_hint_of_a_folder(cli: Cli, tmp_path: Path) -> None:
    cli("train-cnn", "fashionmnist").fails(2, "did you mean 'fashion-mnist'", "folder")
    cli("train-cnn", tmp_path / "nowhere").fails(2, "nowhere", "folder")
    cli("train-cnn", tmp_path).fails(1, str(tmp_path), "FOLDER/cat/1.jpg")


def test_data_dir_is_for_images(cli: Cli, trained: Path, tmp_path: Path) -> None:
    cli("evaluate", "small", "--data-dir", tmp_path).fails(2, "--data-dir", "language")


@pytest.mark.mirror
def test_the_real_clothes_are_as_published() -> None:
    from seqlab.data.images.sets import load_images
    from seqlab.errors import NetworkError
    from seqlab.tasks import Task

    try:
        data = Task(load_images("fashion-mnist")).result()
    except NetworkError:
        pytest.skip("the mirror has no Fashion-MNIST")
    assert (len(data.images), len(data.test_images)) == (60_000, 10_000)
    assert data.labels.bincount().tolist() == 10 * [6000] and data.test_labels.bincount().tolist() == 10 * [1000]
    inner = data.images[:, 0, 2:30, 2:30].double() / 255
    assert (inner.mean().item(), inner.std().item()) == pytest.approx((0.2860, 0.3530), abs=5e-5)  # the literature's


TINY = ["--set", "batch_size=4"]


def test_images_that_were_trained_on_are_recognised(cli: Cli, tmp_path: Path) -> None:
    pets = bars(tmp_path / "pets", {"cat": 10, "dog": 10})
    assert cli("train-cnn", pets, *SHORT, *TINY).status == 0
    more = tmp_path / "others"
    shutil.copytree(pets, more)
    bars(tmp_path / "new", {"cat": 2, "dog": 2}, seed=5)
    for file in (tmp_path / "new" / "cat").iterdir():
        file.rename(more / "cat" / f"new-{file.name}")
    outcome = cli("evaluate", "pets-lenet5", more, "--threads", 1)
    assert "73% of these images were trained on" in outcome.err and "of 22 images" in outcome.out  # 16 of 22
    assert "top-5" not in outcome.out  # of two classes all would be
    assert "trained on" not in cli("evaluate", "pets-lenet5", pets, "--threads", 1).err


def test_checkpoints_among_the_images_are_no_class(cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pets = bars(tmp_path / "pets", {"cat": 10, "dog": 10})
    monkeypatch.chdir(pets)
    for again in ([], ["--overwrite"]):
        trained = cli("train-cnn", ".", *SHORT, *TINY, "--checkpoints", "checkpoints", "--json", *again)
        assert list(trained.lines[-1]["per_class"]) == ["cat", "dog"]


def test_a_run_that_has_ended_says_so_and_folds_are_named(cli: Cli, tmp_path: Path) -> None:
    pets = bars(tmp_path / "pets", {"cat": 10, "dog": 10})
    assert cli("train-cnn", pets, *SHORT, *TINY).status == 0
    assert "came to its end after 2 steps" in cli("train-cnn", pets, *SHORT, *TINY, "--resume").err
    assert cli("train-cnn", pets, *SHORT, *TINY, "--folds", 2).status == 0
    cli("evaluate", "pets-lenet5-2-folds", pets).fails(1, "a net for each fold", "fold-1")


def test_a_net_that_is_worse_than_guessing_is_called_overconfident(cli: Cli, tmp_path: Path) -> None:
    pets = bars(tmp_path / "pets", {"cat": 10, "dog": 10})
    metrics = cli("train-cnn", pets, *RUN, *TINY, "--set", "max_steps=80", "--json").lines[-1]
    assert metrics["nll"] < 0.69 and not any("guessing" in line for line in figures(metrics))
    assert any("guessing has 0.6931 nats" in line for line in figures({**metrics, "nll": 0.7}))
