"""Two trainings in one folder: the second is refused with the number of the first, and works once that has ended."""

import os
import random
import signal
import time
from pathlib import Path

import pytest

from seqlab import checkpoint
from seqlab.checkpoint import Lock
from seqlab.errors import CheckpointError
from tests.reliability.conftest import Tried, many
from tests.reliability.jobs import JOBS, ended, forked, is_whole, killed, start
from tests.reliability.test_saves import write


def holding(folder: Path) -> int:
    """A process that has the folder until it is killed."""

    def hold() -> None:
        lock = Lock(folder)
        time.sleep(60)
        lock.release()

    number = forked(hold)
    end = time.monotonic() + 30
    while not (folder / "run.lock").exists() or (folder / "run.lock").read_text() != str(number):
        assert time.monotonic() < end
        time.sleep(0.002)
    return number


@pytest.mark.parametrize("job", JOBS)
def test_the_second_run_is_refused_and_works_after_a_kill(job: str, tmp_path: Path, tried: Tried) -> None:
    folder = tmp_path / "run"
    for how in ({}, {"resume": True}, {"overwrite": True}):
        if how:
            before = {path.name: path.read_bytes() for path in folder.iterdir()}
        first = holding(folder)
        with pytest.raises(CheckpointError, match=f"another training is writing to {folder}: process {first}") as told:
            start(job, folder, **how).result()  # type: ignore[arg-type]
        assert "wait" in told.value.hint and "-o FOLDER" in told.value.hint
        assert killed(first, 0) == -signal.SIGKILL
        if how:
            assert {path.name: path.read_bytes() for path in folder.iterdir() if path.name != "run.lock"} == before
        done = start(job, folder, **how).result()  # type: ignore[arg-type]
        assert done is not None and not (folder / "run.lock").exists()
        is_whole(folder)
        tried(20, 2)


def test_the_lock_is_held_to_the_metrics_and_then_given_back(tmp_path: Path, tried: Tried) -> None:
    folder = tmp_path / "run"
    task = start("tabular", folder)
    for event in task:
        if getattr(event, "record", None):
            with pytest.raises(CheckpointError, match=f"process {os.getpid()}"):
                Lock(folder)
    assert task.result() is not None
    Lock(folder).release()
    stopped = start("tabular", tmp_path / "stopped", stop=lambda: True)
    assert stopped.result() is None
    Lock(tmp_path / "stopped").release()
    tried(20, 2)


def test_a_run_that_began_while_another_came_to_its_end_does_not_replace_it(tmp_path: Path, tried: Tried) -> None:
    """Both were asked for when the folder was empty."""
    folder = tmp_path / "run"
    second = start("forecasting", folder)
    write(folder, 3, 3)
    with pytest.raises(CheckpointError, match="already holds a checkpoint"):
        second.result()
    assert is_whole(folder).config["position"]["seed"] == 3
    tried(20)


def test_of_many_that_want_a_folder_at_once_one_has_it(tmp_path: Path, tried: Tried) -> None:
    """Each that gets it writes a mark that must not be there yet, and takes it away again."""
    folder, chance = tmp_path / "run", random.Random(0)

    def contend() -> None:
        got = 0
        while got < 20:
            try:
                lock = Lock(folder)
            except CheckpointError:
                continue
            mark = os.open(folder / "mark", os.O_CREAT | os.O_EXCL)
            os.close(mark)
            time.sleep(chance.uniform(0, 0.001))
            (folder / "mark").unlink()
            lock.release()
            got += 1

    for _ in range(many(1, 20)):
        children = [forked(contend) for _ in range(4)]
        assert [ended(child) for child in children] == [0] * 4
        tried(20, 80)


def test_readers_see_a_whole_checkpoint_whoever_writes(tmp_path: Path, tried: Tried) -> None:
    """While a process saves without a pause, its files and their names change under the reader's hands."""
    folder, count = tmp_path / "run", many(150, 3000)
    write(folder, 1, 1)

    def save_on() -> None:
        for number in range(10**9):
            write(folder, 1 + number % 7, number % 50)

    writer = forked(save_on)
    try:
        for _ in range(count):
            weights, log = checkpoint.rebuilt(checkpoint.load(folder), lambda now: (now.weights(), now.log()))
            assert weights["a"].tolist() == [log[0]["seed"]] * 3
            checkpoint.verify(checkpoint.load(folder))
    finally:
        assert killed(writer, 0) == -signal.SIGKILL
    tried(20, count)
