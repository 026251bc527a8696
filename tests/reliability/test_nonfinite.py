"""NaN, infinities, explosion: never in a checkpoint. A run goes back to its last good state, and ends clearly."""

import functools
import math
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from seqlab import checkpoint
from seqlab.checkpoint import Checkpoint
from seqlab.errors import CheckpointError, DivergenceError
from seqlab.tasks import Note
from seqlab.training import Progress, Run
from tests.reliability.conftest import Tried, many
from tests.reliability.jobs import JOBS, is_whole, start, untimed

POISONS = ("loss nan", "loss inf", "gradient nan", "gradient inf", "buffer inf", "weight nan")


def poisoned(run: Run, kind: str, step: int, times: float) -> None:
    """Have the objective of a run go wrong at a step, the first so many times that it comes to it."""
    honest, value = run.objective, math.nan if kind.endswith("nan") else math.inf
    left = times

    def objective(model: nn.Module, batch: Any, state: Any) -> tuple[Tensor, Any]:
        nonlocal left
        loss, state = honest(model, batch, state)
        if run.step + 1 != step or left <= 0:
            return loss, state
        left -= 1
        parameter = next(p for p in model.parameters() if p.requires_grad)
        if kind.startswith("loss"):
            loss = loss + value
        elif kind.startswith("gradient"):
            hooks = [parameter.register_hook(lambda gradient: (hooks[0].remove(), torch.full_like(gradient, value))[1])]
        else:  # what the next step's loss need not show: of a norm, or whatever else is no weight
            floats = [b for b in model.buffers() if b.is_floating_point()] if kind.startswith("buffer") else []
            (floats[0] if floats else parameter).data[0] = value
        return loss, state

    run.objective = objective


@pytest.fixture
def poison(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    module = sys.modules["seqlab.runs.run"]  # the package has a function of that name
    begun = module.begun

    def inject(kind: str, step: int, times: float) -> None:
        def with_poison(*arguments: Any) -> Run:
            run = begun(*arguments)
            poisoned(run, kind, step, times)
            return run

        monkeypatch.setattr(module, "begun", with_poison)

    return inject


def assert_finite(folder: Path) -> None:
    saved = is_whole(folder)
    for tensors in (saved.weights(), saved.training()):
        assert all(tensor.isfinite().all() for tensor in tensors.values())


def followed(task: Any, folder: Path) -> tuple[Checkpoint | None, list[str]]:
    """Run a task, looking at what is saved after every evaluation; what it gives, and its notes."""
    notes: list[str] = []
    for event in task:
        if isinstance(event, Note):
            notes.append(event.text)
        elif isinstance(event, Progress) and event.record is not None and (folder / "config.json").exists():
            assert_finite(folder)
    return task.result(), notes


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], list[float]]:
    """The learning rates that the log of a job's run shows where nothing goes wrong."""

    @functools.cache
    def rates(job: str) -> list[float]:
        done = start(job, tmp_path_factory.mktemp(job) / "run").result()
        assert done is not None
        return [record["lr"] for record in done.log()]

    return rates


@pytest.mark.parametrize("kind", POISONS)
@pytest.mark.parametrize("job", JOBS)
def test_a_slip_is_gone_back_from_at_half_the_rate(
    job: str,
    kind: str,
    tmp_path: Path,
    poison: Callable[..., None],
    undisturbed: Callable[[str], list[float]],
    tried: Tried,
) -> None:
    whole = undisturbed(job)
    for step in range(1, 10) if many(0, 1) else [7]:
        folder = tmp_path / str(step)
        poison(kind, step, 1)
        done, notes = followed(start(job, folder), folder)
        assert done is not None
        if (job, kind) == ("tabular", "buffer inf"):  # each evaluation writes those anew
            assert_finite(folder)
            continue
        assert done.config["position"]["rollbacks"] == 1
        (note,) = [note for note in notes if "back to step" in note]
        assert "on at 0.5 of the learning rate" in note
        assert_finite(folder)
        shares = [record["lr"] / rate for record, rate in zip(done.log(), whole, strict=True)]
        assert set(shares) <= {1.0, 0.5} and shares == sorted(shares, reverse=True) and shares[-1] == 0.5
        tried(7)


@pytest.mark.parametrize("kind", POISONS if many(0, 1) else ["gradient inf", "weight nan"])
@pytest.mark.parametrize("job", JOBS)
def test_a_run_that_always_diverges_ends_and_says_what_to_do(
    job: str, kind: str, tmp_path: Path, poison: Callable[..., None], tried: Tried
) -> None:
    if (job, kind) == ("tabular", "buffer inf"):  # each evaluation writes those anew
        return
    folder, step = tmp_path / "run", 7
    poison(kind, step, math.inf)
    with pytest.raises(DivergenceError, match="halved 3 times") as end:
        followed(start(job, folder), folder)
    assert "untouched" not in str(end.value)
    rate = re.search(r"--set lr=(\S+)", end.value.hint)
    assert rate is not None
    overwrite = "--overwrite" in end.value.hint
    assert overwrite == (folder / "config.json").exists()
    if overwrite:
        assert_finite(folder)
        with pytest.raises(CheckpointError, match="would do so again") as refusal:
            start(job, folder, resume=True).result()
        assert f"--overwrite --set lr={rate[1]}" in refusal.value.hint
    else:
        assert not folder.exists()
    poison(kind, 0, 0)  # the hint is followed, and the fault was one of the rate
    done = start(job, folder, lr=float(rate[1]), overwrite=overwrite).result()
    assert done is not None and done.config["settings"]["lr"] == float(rate[1])
    tried(7)


def test_a_run_resumed_after_it_went_back_is_the_same_run(
    tmp_path: Path, poison: Callable[..., None], tried: Tried
) -> None:
    poison("loss nan", 13, 1)
    alone = start("language", tmp_path / "alone").result()
    for stop in many([17, 25], list(range(15, 40))):  # type: ignore[type-var]
        poison("loss nan", 13, 1)
        folder = tmp_path / str(stop)
        steps = iter(range(10_000))
        assert start("language", folder, stop=lambda at=stop, n=steps: next(n) + 1 >= at).result() is None
        assert checkpoint.load(folder).config["position"]["rollbacks"] == 1
        poison("loss nan", 0, 0)
        done = start("language", folder, resume=True).result()
        assert done is not None and alone is not None
        assert untimed(done) == untimed(alone)
        tried(7)


@pytest.mark.parametrize("rate", [1e6, 1e30])
def test_an_explosion_of_the_norms_is_found_though_no_loss_shows_it(rate: float, tmp_path: Path, tried: Tried) -> None:
    """A residual net at such a rate: finite losses, infinite running statistics, and predictions of certainty."""
    folder = tmp_path / "run"
    try:
        _done, _ = followed(start("vision", folder, lr=rate), folder)
    except DivergenceError as end:
        assert "--set lr=" in end.hint
    if (folder / "config.json").exists():
        assert_finite(folder)
    tried(7)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("kind", ["weights", "training"])
def test_no_save_takes_what_is_not_finite(kind: str, value: float, tmp_path: Path, tried: Tried) -> None:
    config = {"job": "x", "command": "", "parameters": 1, "position": {"step": 1, "max_steps": 2}}
    good, bad = {"a": torch.ones(2)}, {"a": torch.tensor([1.0, value])}
    checkpoint.save(tmp_path / "old", config, good, good)
    for folder in (tmp_path / "old", tmp_path / "new"):
        given = {"weights": good, "training": good, kind: bad}
        with pytest.raises(DivergenceError, match="'a'"):
            checkpoint.save(folder, config, given["weights"], given["training"])
    assert is_whole(tmp_path / "old").weights()["a"].tolist() == [1.0, 1.0]
    assert not (tmp_path / "new").exists()
    tried(7, 2)
