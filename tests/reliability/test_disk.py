"""A disk that is full, broken or not ours, at every write of a save: what was there stays, and nothing else does."""

import builtins
import errno
import io
import itertools
import os
import resource
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from seqlab import checkpoint
from seqlab.checkpoint import Lock
from seqlab.errors import CheckpointError, SeqlabError
from tests.conftest import Outcome
from tests.reliability.conftest import Tried, many
from tests.reliability.jobs import JOBS, ended, forked, start
from tests.reliability.test_saves import held, write

PROBLEMS = (errno.ENOSPC, errno.EIO, errno.EACCES, errno.EDQUOT)


class Failing:
    """A file whose writing fails after half of it."""

    def __init__(self, file: Any, problem: int, fails: Callable[[], bool]) -> None:
        self.file, self.problem, self.fails = file, problem, fails

    def __enter__(self) -> "Failing":
        return self

    def __exit__(self, *_: object) -> None:
        self.file.close()

    def __getattr__(self, name: str) -> Any:
        return getattr(self.file, name)

    def write(self, data: bytes) -> int:
        if self.fails():
            self.file.write(data[: len(data) // 2])
            raise OSError(self.problem, os.strerror(self.problem))
        return int(self.file.write(data))


def failing(patch: pytest.MonkeyPatch, problem: int, at: int) -> list[int]:
    """Have step number `at` of those that need the disk fail, once; the steps that were taken are counted in a list."""
    steps: list[int] = []
    real_open = io.open

    def fails() -> bool:
        steps.append(len(steps))
        return len(steps) - 1 == at

    def fail_or(real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **named: Any) -> Any:
            if fails():
                raise OSError(problem, os.strerror(problem))
            return real(*arguments, **named)

        return call

    def opened(file: Any, mode: str = "r", *arguments: Any, **named: Any) -> Any:
        if not set(mode) & set("wax+"):
            return real_open(file, mode, *arguments, **named)
        if fails():
            raise OSError(problem, os.strerror(problem))
        return Failing(real_open(file, mode, *arguments, **named), problem, fails)

    for name in ("fsync", "replace", "rename"):
        patch.setattr(os, name, fail_or(getattr(os, name)))
    patch.setattr(io, "open", opened)
    patch.setattr(builtins, "open", opened)
    return steps


@pytest.mark.parametrize("problem", PROBLEMS, ids=errno.errorcode.get)
@pytest.mark.parametrize("before", [True, False], ids=["a save", "the first save"])
def test_a_save_that_fails_at_any_step_changes_nothing(
    problem: int, before: bool, tmp_path: Path, tried: Tried
) -> None:
    folder = tmp_path / "run"
    for at in itertools.count():
        shutil.rmtree(folder, ignore_errors=True)
        if before:
            write(folder, 3, 3)
        with pytest.MonkeyPatch.context() as patch:
            steps = failing(patch, problem, at)
            try:
                write(folder, 5, 5)
                failed = False
            except CheckpointError as told:
                failed = True
                assert str(folder) in told.message and os.strerror(problem) in told.message
                assert "free some space" in told.hint and ("unchanged" in told.message) == (folder.exists())
        assert failed or at >= len(steps)
        if not failed:
            break
        assert held(folder) in ((3, 5) if before else (None, 5))
        assert not folder.exists() or len(list(folder.iterdir())) == 4, sorted(folder.iterdir())
    assert held(folder) == 5 and at > 10
    tried(3, at)


def test_failed_saves_do_not_pile_up(tmp_path: Path, tried: Tried) -> None:
    """Six on a full disk left seventeen files."""
    folder = tmp_path / "run"
    write(folder, 1, 1)
    for step in range(2, 8):
        with pytest.MonkeyPatch.context() as patch, pytest.raises(CheckpointError):
            failing(patch, errno.ENOSPC, 5)
            write(folder, step, step)
        assert held(folder) == 1 and len(list(folder.iterdir())) == 4
    tried(3, 6)


@pytest.mark.parametrize("job", JOBS)
def test_a_run_over_the_largest_file_that_is_allowed_says_so_and_keeps_what_it_had(
    job: str, tmp_path: Path, tried: Tried
) -> None:
    """RLIMIT_FSIZE, in a process of its own: the system's own refusal in the middle of a write."""
    first = start(job, tmp_path / "first").result()
    assert first is not None
    largest = max(entry["bytes"] for entry in first.config["files"].values())
    saved = {path.name: path.read_bytes() for path in first.folder.iterdir()}
    limits = [0, 100, largest // 2, largest - 1][:: many(2, 1)]
    for limit in limits:
        for folder in (tmp_path / f"new {limit}", first.folder):

            def limited(folder: Path = folder, limit: int = limit) -> None:
                task = start(job, folder, overwrite=folder.exists())  # a text is encoded in a temporary file
                resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
                told = rf"{folder} cannot be written to: File too large|a temporary file .* in .*: File too large"
                with pytest.raises(SeqlabError, match=told):
                    task.result()

            assert ended(forked(limited)) == 0
            if folder == first.folder:
                assert {path.name: path.read_bytes() for path in folder.iterdir()} == saved
            else:
                assert not folder.exists()
            tried(3)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_may_not_be_written_is_told_at_the_start(
    tmp_path: Path, cli: Callable[..., Outcome], small_text: Path, tried: Tried
) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o500)
    cli("train-text", small_text, "-o", closed / "run").fails(1, str(closed), "SEQLAB_CHECKPOINTS", "-o FOLDER")
    tried(3)


def test_a_folder_that_cannot_be_made_is_told_before_the_first_step(tmp_path: Path, tried: Tried) -> None:
    (tmp_path / "file").write_text("")
    for folder in (tmp_path / "file" / "run", Path("/proc/run")):
        with pytest.raises(CheckpointError, match="cannot be written to") as told:
            start("language", folder).result()
        assert "SEQLAB_CHECKPOINTS" in told.value.hint and "-o FOLDER" in told.value.hint
        tried(3)


@pytest.mark.parametrize("problem", PROBLEMS, ids=errno.errorcode.get)
def test_an_export_that_fails_at_any_step_leaves_nothing(problem: int, tmp_path: Path, tried: Tried) -> None:
    source, target = tmp_path / "source", tmp_path / "target"
    write(source, 3, 3)
    for at in itertools.count():
        with pytest.MonkeyPatch.context() as patch:
            steps = failing(patch, problem, at)
            try:
                checkpoint.export(checkpoint.load(source), target)
                failed = False
            except CheckpointError:
                failed = True
        assert failed == (at < len(steps)) and held(source) == 3
        if not failed:
            break
        if target.exists():  # it failed after the commit
            checkpoint.verify(checkpoint.load(target))
            shutil.rmtree(target)
    assert at > 8
    tried(3, at)


def test_a_lock_on_a_full_disk_is_one(tmp_path: Path, tried: Tried) -> None:
    with pytest.MonkeyPatch.context() as patch:
        failing(patch, errno.ENOSPC, 2)
        lock = Lock(tmp_path / "run")
    with pytest.raises(CheckpointError, match="another training"):
        Lock(tmp_path / "run")
    lock.release()
    Lock(tmp_path / "run").release()
    tried(3)
