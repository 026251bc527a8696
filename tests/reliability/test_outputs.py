"""What -o and its like name is replaced as a whole: on a full disk the old result stays, and the error names it."""

import errno
import os
import resource
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import Outcome, run_seqlab
from tests.reliability.conftest import Tried

OLD = "what was there before"
SMALL = ("--set", "max_steps=2", "--threads", "1")
COMMANDS = {
    "forecast a chart": ("forecast", "AAPL", "--origins", "2", "-o", "new.png"),
    "forecast a table": ("forecast", "AAPL", "--origins", "2", "-o", "new.csv"),
    "backtest a chart": ("forecast", "AAPL", "--origins", "9", "--backtest", "new.svg"),
    "backtest a table": ("forecast", "AAPL", "--origins", "2", "--backtest", "new.csv"),
    "structure a chart": ("structure", "rows.csv", *SMALL, "-o", "new.pdf"),
    "structure a table": ("structure", "rows.csv", *SMALL, "-o", "new.csv"),
    "generate": ("generate", "--corpus", "linux", "--length", "5", "-o", "new.txt"),
    "generate JSON": ("generate", "--corpus", "linux", "--length", "5", "--json", "-o", "new.txt"),
    "score": ("score", "short.txt", "--corpus", "linux", "-o", "new.txt"),
    "predict": ("predict", "cifar10", "image.png", "-o", "new.txt"),
    "predict drawn": ("predict", "cifar10", "image.png", "-o", "new.jpg"),
    "evaluate": ("evaluate", "quotes", "rows.csv", "--column", "x", "-o", "new.txt"),
    "lab list": ("lab", "list", "-o", "new.txt"),
    "data list": ("data", "list", "-o", "new.txt"),
    "checkpoints list": ("checkpoints", "list", "--json", "-o", "new.json"),
    "doctor": ("doctor", "-o", "new.txt"),
}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    from PIL import Image

    place = tmp_path / "work"
    place.mkdir()
    monkeypatch.chdir(place)
    days = [f"2024-{1 + row // 28:02d}-{1 + row % 28:02d}" for row in range(90)]
    rows = "".join(f"{day},{100 + row % 7 + row / 9:.2f},{row * row % 5}\n" for row, day in enumerate(days))
    (place / "rows.csv").write_text("date,x,y\n" + rows)
    (place / "short.txt").write_text("int a;\n")
    Image.new("RGB", (40, 40), "red").save(place / "image.png")
    return place


@pytest.mark.parametrize("name", COMMANDS)
def test_a_full_disk_leaves_the_old_result(
    name: str, folder: Path, cli: Callable[..., Outcome], monkeypatch: pytest.MonkeyPatch, tried: Tried
) -> None:
    words = COMMANDS[name]
    new = folder / words[-1]
    new.write_text(OLD)
    before = {*folder.iterdir()}

    def full(handle: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        outcome = cli(*words, "--offline")
    assert outcome.status == 1, outcome
    assert f"{new.name} cannot be written: No space left on device" in outcome.err
    assert "what was there is unchanged; free some space" in outcome.err
    assert new.read_text() == OLD
    assert {*folder.iterdir()} == before
    tried(3)


@pytest.mark.parametrize("name", ["forecast a table", "structure a chart", "generate", "doctor"])
def test_a_result_replaces_the_old_one(name: str, folder: Path, cli: Callable[..., Outcome], tried: Tried) -> None:
    words = COMMANDS[name]
    new = folder / words[-1]
    new.write_text(OLD)
    before = {*folder.iterdir()}
    outcome = cli(*words, "--offline")
    assert outcome.status == 0, outcome
    assert OLD.encode() not in new.read_bytes()
    assert {*folder.iterdir()} == before
    tried(3)


@pytest.mark.parametrize("ending", [".pdf", ".png"])
def test_a_file_that_may_not_grow_is_told_in_two_lines(ending: str, folder: Path, tried: Tried) -> None:
    """The system itself refuses to write more than some bytes; a PDF ended with `report it`."""
    new = folder / f"new{ending}"
    new.write_text(OLD)

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))

    outcome = run_seqlab("structure", "rows.csv", *SMALL, "-o", new.name, preexec_fn=limit)
    outcome.fails(1, f"{new.name} cannot be written", "File too large")
    assert new.read_text() == OLD
    assert not [*folder.glob(".new*")]
    tried(3)


def test_generation_that_is_ended_early_leaves_the_old_text(folder: Path, cli: Callable[..., Outcome]) -> None:
    """It was emptied before the first character was drawn."""
    (folder / "new.txt").write_text(OLD)
    outcome = cli("generate", "--corpus", "linux", "--check-copies=nowhere", "-o", "new.txt")
    assert outcome.status != 0
    assert (folder / "new.txt").read_text() == OLD
