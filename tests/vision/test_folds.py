"""Cross-validation of image classifiers: what is held out, and the figures of all folds."""

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from statistics import mean, stdev
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from seqlab import api, checkpoint, vision
from seqlab.data.images.image_set import ImageSet
from seqlab.errors import DataError
from tests.data.images.cifar_files import cifar_files, write_mirror

WORDS = ["--model", "lenet5", "--folds", 3, "--json", "--threads", 1, "--set", "batch_size=20", "--set", "max_steps=6"]


def image_set(labels: list[int], classes: int) -> ImageSet:
    """Each image is its own number."""
    numbers = torch.arange(len(labels), dtype=torch.uint8).view(-1, 1, 1, 1).expand(-1, 3, 2, 2)
    names = tuple(f"class {number}" for number in range(classes))
    rows = torch.tensor(labels)
    return ImageSet("made", "here", names, numbers, rows, numbers[:1], rows[:1], "0" * 64)


@given(counts=st.lists(st.integers(4, 30), min_size=1, max_size=5), folds=st.integers(2, 4), seed=st.integers(0, 99))
def test_every_image_is_held_out_once_and_every_class_evenly(counts: list[int], folds: int, seed: int) -> None:
    labels = [label for label, count in enumerate(counts) for _ in range(count)]
    data = image_set(labels, len(counts))
    held_out = []
    for part in vision.folds(data, folds, seed):
        trained, tested = (set(images[:, 0, 0, 0].tolist()) for images in (part.images, part.test_images))
        assert not trained & tested and len(trained) + len(tested) == len(labels)
        for images, truth in ((part.images, part.labels), (part.test_images, part.test_labels)):
            assert [labels[number] for number in images[:, 0, 0, 0].tolist()] == truth.tolist()
        for label, count in enumerate(counts):
            assert int((part.test_labels == label).sum()) in (count // folds, -(-count // folds))
        held_out += sorted(tested)
    assert sorted(held_out) == list(range(len(labels)))


def test_a_class_of_too_few_images_is_named() -> None:
    with pytest.raises(DataError, match="class 'class 1' of made has 2 images"):
        list(vision.folds(image_set([0, 0, 0, 1, 1], 2), 3, 0))


def test_the_result_is_the_mean_over_the_folds_and_a_resumed_run_gives_the_same(
    cli: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SEQLAB_MIRROR", str(write_mirror(tmp_path / "mirror", cifar_files(20))))
    outcome = cli("train-cnn", "cifar10", *WORDS)
    assert outcome.status == 0, outcome.err
    folder, last = tmp_path / "checkpoints" / "cifar10-lenet5-3-folds", outcome.lines[-1]
    each = [checkpoint.load(folder / f"fold-{number}").config["metrics"] for number in (1, 2, 3)]
    assert last["folds"]["accuracy"] == [one["top1"] for one in each]
    assert last["top1"] == pytest.approx(mean(last["folds"]["accuracy"]))
    assert last["deviation"]["top1"] == pytest.approx(stdev(last["folds"]["accuracy"]))
    assert (last["final"], last["images"]) == (True, 100)  # all training images, and no test image
    # as if it had been killed before the third fold
    for file in (folder / "fold-3").iterdir():
        file.unlink()
    (folder / "fold-3").rmdir()
    assert cli("train-cnn", "cifar10", *WORDS).status == 1
    resumed = cli("train-cnn", "cifar10", *WORDS, "--resume")
    assert resumed.lines[-1] == last


def test_folds_that_are_not_begun_follow_the_first_and_strangers_are_refused(
    cli: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SEQLAB_MIRROR", str(write_mirror(tmp_path / "mirror", cifar_files(20))))
    folder = tmp_path / "checkpoints" / "cifar10-lenet5-3-folds"
    first = cli("train-cnn", "cifar10", *WORDS).lines[-1]
    shutil.rmtree(folder / "fold-2")
    other = [word if word != "max_steps=6" else "max_steps=9" for word in WORDS]
    resumed = cli("train-cnn", "cifar10", *other, "--seed", 5, "--resume")
    assert resumed.lines[-1] == first  # the settings and the seed of the folds that were there

    # an older run's folds are not taken for those of the run that replaces it
    shutil.copytree(folder, tmp_path / "old")
    assert cli("train-cnn", "cifar10", *WORDS, "--seed", 7, "--overwrite").status == 0
    shutil.rmtree(folder / "fold-3")
    shutil.copytree(tmp_path / "old" / "fold-3", folder / "fold-3")
    cli("train-cnn", "cifar10", *WORDS, "--resume").fails(1, "other images")
    shutil.copytree(folder / "fold-1", folder / "fold-4")
    assert cli("train-cnn", "cifar10", *WORDS, "--overwrite").status == 0
    assert sorted(path.name for path in folder.iterdir()) == ["fold-1", "fold-2", "fold-3"]


def test_the_library_gives_the_folds_as_a_result(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEQLAB_MIRROR", str(write_mirror(tmp_path / "mirror", cifar_files(20))))
    how = {"model": "lenet5", "folds": 2, "threads": 1, "device": "cpu", "batch_size": 20, "epochs": 1.0}
    task = api.train_cnn("cifar10", **how)
    found = task.result()
    assert found.to_dict()["final"] and found["images"] == 100
    frame = found.to_frame()
    assert frame["top1"].tolist() == found["folds"]["accuracy"] and frame.index.tolist() == [1, 2]
    assert "deviation" in found._repr_html_()
    assert [note for note in task.notes if note.startswith("fold 2 of 2")]
    steps = [checkpoint.load(found.folder / f"fold-{n}").config["settings"]["max_steps"] for n in (1, 2)]
    assert steps == [2, 2]
    assert api.train_cnn("cifar10", **how, resume=True).result().to_dict() == found.to_dict()


def test_stopped_folds_have_no_result(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEQLAB_MIRROR", str(write_mirror(tmp_path / "mirror", cifar_files(20))))
    how = {"model": "lenet5", "folds": 2, "threads": 1, "device": "cpu", "batch_size": 20, "max_steps": 4}
    whole = api.train_cnn("cifar10", **how, folder=tmp_path / "whole").result()
    stopped = api.train_cnn("cifar10", **how, folder=tmp_path / "a", stop=lambda: True)
    assert stopped.result() is None and stopped.notes[-1].startswith("stopped; saved in")
    resumed = api.train_cnn("cifar10", **how, folder=tmp_path / "a", resume=True).result()
    assert resumed.metrics == whole.metrics


def test_only_folds_that_hold_a_classifier_are_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEQLAB_MIRROR", str(write_mirror(tmp_path / "mirror", cifar_files(20))))
    how = {"model": "lenet5", "folds": 2, "threads": 1, "device": "cpu", "batch_size": 20, "max_steps": 1}
    folder = api.train_cnn("cifar10", **how).result().folder
    shutil.copytree(folder / "fold-1", folder / "fold-3")
    for name in ("fold-4", "fold-mine"):
        (folder / name).mkdir()
        (folder / name / "config.json").write_text("{}")
    api.train_cnn("cifar10", **how, overwrite=True).result()
    assert sorted(path.name for path in folder.iterdir()) == ["fold-1", "fold-2", "fold-4", "fold-mine"]


def test_too_many_folds_are_refused_before_older_ones_go(tmp_path: Path) -> None:
    small = image_set([0, 0, 1, 1], 2)
    data = replace(small, images=small.images.repeat(1, 1, 16, 16), test_images=small.test_images.repeat(1, 1, 16, 16))
    old = checkpoint.save(
        tmp_path / "fold-1",
        {"job": "vision", "command": "", "parameters": 1, "position": {"step": 1, "max_steps": 1}},
        {"a": torch.ones(1)},
    )
    with pytest.raises(DataError, match="too few for 3 folds"):
        api.train_cnn(data, model="lenet5", folds=3, folder=tmp_path, overwrite=True).result()
    assert checkpoint.verify(old)
