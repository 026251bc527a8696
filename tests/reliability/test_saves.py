"""A save that is killed at any of its steps: the old checkpoint or the new one, and a name that can be used again.

A process of its own makes the save and ends, without a word to anybody, at its k-th write, sync, renaming or deletion,
for every k. What it had written of a file is half there.
"""

import builtins
import io
import itertools
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from seqlab import checkpoint
from seqlab.checkpoint import Lock
from seqlab.errors import CheckpointError
from tests.reliability.conftest import Tried, many
from tests.reliability.jobs import ended, forked, is_whole

DEAD = 77
STEPS = ("replace", "rename", "unlink", "remove", "rmdir", "mkdir", "fsync")


def die_at(last: int) -> None:
    """From here on the process ends at its step number `last` on the file system; one that is opened is torn first."""
    left, open_files = iter(range(last)), dict[int, Any]()

    def step(before: Callable[[], object] = lambda: None) -> None:
        if next(left, None) is None:
            before()
            os._exit(DEAD)

    real_open, real_sync = io.open, os.fsync

    def opened(file: Any, mode: str = "r", *arguments: Any, **named: Any) -> Any:
        handle = real_open(file, mode, *arguments, **named)
        if set(mode) & set("wax+"):
            open_files[handle.fileno()] = handle
            step()
        return handle

    def synced(descriptor: int) -> None:
        def tear() -> None:
            if descriptor in open_files:
                os.ftruncate(descriptor, os.fstat(descriptor).st_size // 2)

        step(tear)
        real_sync(descriptor)

    def counted(real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **named: Any) -> Any:
            step()
            return real(*arguments, **named)

        return call

    for name in STEPS[:-1]:
        setattr(os, name, counted(getattr(os, name)))
    os.fsync = synced
    io.open = builtins.open = opened  # type: ignore[assignment]


def write(folder: Path, step: int, seed: int) -> None:
    position = {"position": {"step": step, "max_steps": 9, "seed": seed}}
    weights = {"a": torch.full((3,), float(seed))}
    config = {"job": "x", "command": "", "parameters": 3}
    checkpoint.save(folder, {**config, **position}, weights, {"m": weights["a"] + 0.5}, [{"step": step, "seed": seed}])


def held(folder: Path) -> int | None:
    """Which save a folder holds, every part of it; None where it holds none."""
    if not (folder / "config.json").exists():
        return None
    saved = is_whole(folder)
    seed = int(saved.config["position"]["seed"])
    assert saved.weights()["a"].tolist() == [seed] * 3 and saved.training()["m"].tolist() == [seed + 0.5] * 3
    assert saved.log() == [{"step": saved.config["position"]["step"], "seed": seed}]
    return seed


def killed_everywhere(action: Callable[[], object], folder: Path, prepare: Callable[[], object]) -> list[int | None]:
    """What is in the folder after `action` was killed at its first step, its second, ...; the last got through."""
    found = []
    for last in itertools.count():
        prepare()
        status = ended(forked(lambda last=last: (die_at(last), action())))  # type: ignore[misc]
        assert status in (0, DEAD) and last < 200
        found.append(held(folder))
        again(folder)
        if status == 0:
            return found
    raise AssertionError


def again(folder: Path) -> None:
    """The next run: by the plain command where nothing was saved, and what a kill left is gone after its save."""
    foreign = folder.parent / "foreign.txt"
    lock = Lock(folder)
    if not (folder / "config.json").exists():
        checkpoint.refuse_existing(folder)
    checkpoint.sweep(folder)
    before = held(folder)
    assert not list(folder.glob("*.new"))
    assert len(list(folder.iterdir())) == 1 + 4 * (before is not None), sorted(folder.iterdir())
    write(folder, 8, 8)
    lock.release()
    assert held(folder) == 8 and len(list(folder.iterdir())) == 4
    assert not foreign.exists()


@pytest.mark.parametrize(
    ("old", "new"),
    [((3, 3), (5, 5)), ((3, 3), (3, 4)), ((7, 7), (2, 2)), ((3, 3), (3, 3))],
    ids=["next", "overwritten at the same step", "overwritten by a shorter run", "saved again"],
)
def test_a_kill_leaves_the_old_checkpoint_or_the_new_one(
    old: tuple[int, int], new: tuple[int, int], tmp_path: Path, tried: Tried
) -> None:
    folder = tmp_path / "run"

    def prepare() -> None:
        shutil.rmtree(folder, ignore_errors=True)
        write(folder, *old)

    found = killed_everywhere(lambda: write(folder, *new), folder, prepare)
    assert set(found) == {old[1], new[1]} and found == sorted(found, key=lambda seed: seed == new[1])
    assert len(found) > 12
    tried(2, len(found))


def test_a_kill_of_the_first_save_leaves_nothing_or_all_and_a_name_that_can_be_used(
    tmp_path: Path, tried: Tried
) -> None:
    folder = tmp_path / "deep" / "run"
    found = killed_everywhere(
        lambda: write(folder, 3, 3), folder, lambda: shutil.rmtree(folder.parent, ignore_errors=True)
    )
    assert set(found) == {None, 3} and found == sorted(found, key=lambda seed: seed == 3)
    tried(2, len(found))


def test_a_save_after_a_killed_one_can_be_killed_too(tmp_path: Path, tried: Tried) -> None:
    """The first save, killed half way, then the next first save, killed anywhere: nothing of either is in the way."""
    folder, count = tmp_path / "run", 0
    for first in (6,) if many(0, 1) == 0 else range(2, 12):

        def prepare(first: int = first) -> None:
            shutil.rmtree(folder, ignore_errors=True)
            assert ended(forked(lambda: (die_at(first), write(folder, 2, 2)))) == DEAD

        count += len(killed_everywhere(lambda: write(folder, 3, 3), folder, prepare))
    tried(2, count)


def test_a_kill_while_metrics_are_added_or_an_export_is_made(tmp_path: Path, tried: Tried) -> None:
    folder = tmp_path / "run"

    def prepare() -> None:
        shutil.rmtree(folder, ignore_errors=True)
        write(folder, 3, 3)

    amended = lambda: checkpoint.amend(checkpoint.load(folder), metrics={"a": 1})  # noqa: E731
    found = killed_everywhere(amended, folder, prepare)
    assert set(found) == {3}
    tried(2, len(found))
    source, target = tmp_path / "source", tmp_path / "target"
    write(source, 3, 3)
    for last in itertools.count():
        shutil.rmtree(target, ignore_errors=True)
        status = ended(
            forked(lambda last=last: (die_at(last), checkpoint.export(checkpoint.load(source), target)))  # type: ignore[misc]
        )
        assert held(source) == 3
        checkpoint.export(checkpoint.load(source), target) if not (target / "config.json").exists() else None
        checkpoint.verify(checkpoint.load(target))
        assert len(list(target.iterdir())) == 3 or status == DEAD
        if status == 0:
            break
    tried(2, last + 1)


def test_a_first_fold_killed_in_its_first_save_does_not_lock_the_name(tmp_path: Path, tried: Tried) -> None:
    """The folder of a cross-validation holds nothing but folders of folds."""
    for last in range(2, 9):
        folder = tmp_path / str(last)
        assert ended(forked(lambda at=last, to=folder: (die_at(at), write(to / "fold-1", 3, 3)))) == DEAD  # type: ignore[misc]
        checkpoint.refuse_existing(folder)
        (folder / "fold-1").mkdir(parents=True, exist_ok=True)
        (folder / "fold-1" / "notes.txt").write_text("mine")
        with pytest.raises(CheckpointError, match="is no checkpoint"):
            checkpoint.refuse_existing(folder)
    tried(2, 7)


def test_nothing_is_swept_from_a_folder_whose_config_is_damaged(tmp_path: Path, tried: Tried) -> None:
    write(tmp_path / "run", 3, 3)
    (tmp_path / "run" / "files.new").write_text("model-3.safetensors\ntraining-3.safetensors\n")
    (tmp_path / "run" / "config.json").write_text("{")
    checkpoint.sweep(tmp_path / "run")
    assert (tmp_path / "run" / "model-3.safetensors").exists()
    tried(2)
