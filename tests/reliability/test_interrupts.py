"""SIGINT and SIGTERM at random times, in real processes: 130 or 143, saved, and a second one stops at once."""

import os
import random
import signal
import sys
import time
from pathlib import Path

import pytest

from seqlab import checkpoint
from tests.conftest import made_up_code
from tests.reliability.conftest import Tried, many
from tests.reliability.jobs import ended, forked, is_whole

SMALL = {"hidden_size": 8, "embedding_size": 4, "num_layers": 1, "batch_size": 4, "seq_len": 16, "eval_every": 50}


def training(folder: Path, text: Path, told: Path, *options: str) -> int:
    """A process of the command line that trains without an end of its own."""

    def run() -> None:
        from seqlab.cli.main import main

        signal.signal(signal.SIGINT, signal.default_int_handler)
        sys.stderr = told.open("w", buffering=1)
        words = ["train-text", str(text), "-o", str(folder), "--threads=1", "--set=max_steps=1000000", *options]
        words += [f"--set={name}={value}" for name, value in SMALL.items()]
        sys.argv = ["seqlab", *words]
        try:
            main(words)
        except SystemExit as end:
            os._exit(int(end.code or 0))

    return forked(run)


def wait_for(path: Path, words: str = "") -> None:
    end = time.monotonic() + 60
    while not path.exists() or words not in path.read_text():
        assert time.monotonic() < end, path
        time.sleep(0.002)


@pytest.fixture
def text(tmp_path: Path) -> Path:
    path = tmp_path / "code.txt"
    path.write_text(made_up_code(200))
    return path


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_saves_and_ends_with_its_status(
    number: int, status: int, text: Path, tmp_path: Path, tried: Tried
) -> None:
    chance, told, folder = random.Random(number), tmp_path / "told", tmp_path / "run"
    for turn in range(many(3, 50)):
        before = checkpoint.load(folder).config["position"]["step"] if turn else 0
        told.unlink(missing_ok=True)
        child = training(folder, text, told, *(["--resume"] if turn else []))
        wait_for(told, "step ")  # an evaluation: from the first step on there is something to save
        time.sleep(chance.uniform(0, 0.3))
        os.kill(child, number)
        assert ended(child) == status, told.read_text()  # it would train for a day
        saved = is_whole(folder)
        assert saved.config["position"]["step"] > before
        assert "continue with: seqlab train-text" in told.read_text()
        assert {path.name for path in folder.iterdir()} >= {"config.json", "log.jsonl"}
        assert not list(folder.glob("*.new")) and not (folder / "run.lock").exists()
        tried(6)


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_second_signal_stops_at_once_and_leaves_what_was_saved(
    number: int, status: int, text: Path, tmp_path: Path, tried: Tried
) -> None:
    chance, told = random.Random(number), tmp_path / "told"
    for turn in range(many(2, 30)):
        folder = tmp_path / str(turn)
        told.unlink(missing_ok=True)
        child = training(folder, text, told)
        wait_for(told, "step ")
        time.sleep(chance.uniform(0, 0.1))
        os.kill(child, number)
        time.sleep(chance.uniform(0, 0.003))
        os.kill(child, number)
        assert ended(child) == status, told.read_text()
        is_whole(folder)
        assert not list(folder.glob("*.new")) and len(list(folder.iterdir())) == 4
        tried(6)


def test_a_signal_before_the_first_step_ends_it_with_nothing_left(text: Path, tmp_path: Path, tried: Tried) -> None:
    chance = random.Random(0)
    for turn in range(many(2, 30)):
        folder, told = tmp_path / str(turn), tmp_path / f"told {turn}"
        child = training(folder, text, told)
        wait_for(told)
        time.sleep(chance.uniform(0, 0.02))
        os.kill(child, signal.SIGTERM)
        assert ended(child) in (143, -signal.SIGTERM), told.read_text()
        if folder.exists():
            is_whole(folder)
        tried(6)
