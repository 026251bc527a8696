"""What somebody does wrong on the first day ends in two lines: what is wrong, and what to do."""

from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

import pytest

from tests.conftest import Outcome, run_seqlab

Cli = Callable[..., Outcome]


def test_a_folder_of_checkpoints_that_is_not_there(cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for words in ("evaluate quotes AAPL", "checkpoints list", "generate linux"):
        done = cli(*words.split(), "--checkpoints", "mispelt", "--offline")
        done.fails(2, "--checkpoints mispelt: there is no such folder")
        assert len(done.err.splitlines()) == 2
    monkeypatch.setenv("SEQLAB_CHECKPOINTS", "later")  # where something will be once, for all commands
    assert "quotes" in cli("checkpoints", "list").out
    assert not (tmp_path / "mispelt").exists()


def test_an_image_that_is_not_there_is_said_once(cli: Cli, tmp_path: Path) -> None:
    done = cli("predict", "cifar10", tmp_path / "cat.jpg")
    done.fails(1, "there is no file", "cat.jpg")
    assert done.err.count("there is no file") == 1


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full here")
@pytest.mark.parametrize("words", ["checkpoints list -q", "checkpoints list --json"])
def test_a_full_disk_behind_standard_output_is_named(words: str) -> None:
    with open("/dev/full", "w") as full:  # noqa: PTH123
        done = run_seqlab(*words.split(), stdout=full)
    assert done.status == 1
    assert "standard output cannot be written: No space left" in done.err
    assert "the free space there" in done.err


def test_days_too_few_for_prices_can_be_read_as_levels(cli: Cli, tmp_path: Path) -> None:
    days = [date(2024, 1, 1) + timedelta(day) for day in range(60)]
    file = tmp_path / "short.csv"
    file.write_text("date,close\n" + "".join(f"{day},{100 + day.day % 7 + day.day / 9:.2f}\n" for day in days))
    cli("forecast", file, "--offline").fails(1, "too few to forecast from", "--kind levels")
    assert cli("forecast", file, "--offline", "--kind", "levels", "--horizon", "2", "-q").status == 0
