"""kill -9 at random times, in real processes, of all four jobs; then on, to what a run that nobody killed comes to."""

import random
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from seqlab.checkpoint import Checkpoint
from tests.reliability.conftest import Tried, many
from tests.reliability.jobs import JOBS, forked, is_whole, killed, start, untimed


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], tuple[Checkpoint, float]]:
    """A run of a job that nobody killed, and the seconds that it took from its first step."""
    done: dict[str, tuple[Checkpoint, float]] = {}

    def run(job: str) -> tuple[Checkpoint, float]:
        if job not in done:
            task, begun = start(job, tmp_path_factory.mktemp("alone") / "run"), time.perf_counter()
            next(task)
            saved = task.result()
            assert saved is not None
            done[job] = saved, time.perf_counter() - begun
        return done[job]

    return run


@pytest.mark.parametrize("job", JOBS)
def test_a_stopped_run_that_is_resumed_is_the_run_that_was_not(
    job: str, alone: Any, tmp_path: Path, tried: Tried
) -> None:
    """config.json too: a table's said another reason for its task."""
    expected, _ = alone(job)
    for stop in range(1, many(2, expected.config["position"]["step"])):
        steps = iter(range(10_000))
        folder = tmp_path / str(stop) / "run"
        assert start(job, folder, stop=lambda n=steps, at=stop: next(n) + 1 == at).result() is None
        done = start(job, folder, resume=True).result()
        assert done is not None and untimed(done) == untimed(expected)
        tried(1)


@pytest.mark.parametrize("after_a_save", [False, True], ids=["at any time", "after a save"])
@pytest.mark.parametrize("job", JOBS)
def test_a_killed_run_that_is_resumed_is_the_run_that_was_not(
    job: str, after_a_save: bool, alone: Any, tmp_path: Path, tried: Tried
) -> None:
    """Weights, moments, random state by their sums; position, log and all else of config.json by value."""
    expected, seconds = alone(job)
    chance, steps = random.Random(f"{job}{after_a_save}"), []
    for number in range(many(3 if after_a_save else 2, 63)):
        folder = tmp_path / str(number) / "run"
        how: dict[str, Any] = {}
        kills = chance.choice([1, 1, 2])
        for _ in range(kills):
            child = forked(lambda how=how, folder=folder: start(job, folder, **how).result())  # type: ignore[misc]
            killed(child, chance.uniform(0, seconds), folder if after_a_save else None)
            # where nothing was saved, the plain command begins again; else --resume goes on
            how = {"resume": True} if (folder / "config.json").exists() else {}
            if how:
                steps.append(is_whole(folder).config["position"]["step"])
        done = start(job, folder, **how).result()
        assert done is not None
        assert untimed(done) == untimed(expected)
        assert {path.name for path in folder.iterdir()} == {path.name for path in expected.folder.iterdir()}
        tried(1)
    assert not after_a_save or steps
