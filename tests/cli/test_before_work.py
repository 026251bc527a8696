"""What is wrong is said before a file is read or a net trains."""

import random
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import Outcome

Cli = Callable[..., Outcome]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    "words",
    [
        "forecast AAPL -o OUT.png",
        "forecast AAPL -o OUT.csv",
        "forecast AAPL --backtest OUT.csv",
        "forecast AAPL --backtest OUT.svg",
        "structure AAPL -o OUT.png",
        "structure AAPL -o OUT.csv",
        "evaluate cifar10 --plot OUT.png",
        "generate --corpus linux -o OUT.txt",
        "score some.txt --corpus linux -o OUT.txt",
        "predict cifar10 some.png -o OUT.png",
        "predict houses some.csv -o OUT.csv",
        "lab run cells -o OUT.html",
        "doctor -o OUT.txt",
        "checkpoints list -o OUT.txt",
        "data list -o OUT.txt",
    ],
)
def test_a_folder_that_is_not_there_is_said_at_once(cli: Cli, words: str) -> None:
    """Nothing else is said: no data was read for it, and what is read here is not even there."""
    done = cli(*words.replace("OUT", "nosuchdir/out").split())
    done.fails(1, "nosuchdir/out", "its folder does not exist")
    assert len(done.err.splitlines()) == 2


@pytest.mark.parametrize("words", ["forecast AAPL -o", "structure AAPL -o", "evaluate cifar10 --plot"])
def test_so_is_an_ending_that_cannot_be_written(cli: Cli, words: str) -> None:
    done = cli(*words.split(), "out.bmp")
    done.fails(2, "out.bmp has no ending that can be")
    assert len(done.err.splitlines()) == 2


@pytest.mark.parametrize("words", ["train-text linux", "train-cnn mnist", "train-mlp no.csv --target y"])
@pytest.mark.parametrize("option", ["-o", "--checkpoints"])
def test_so_is_a_checkpoints_folder_below_a_file(cli: Cli, folder: Path, words: str, option: str) -> None:
    (folder / "file").write_text("")
    done = cli(*words.split(), option, "file/inside")
    done.fails(1, "file/inside cannot be written", "is no folder")
    assert len(done.err.splitlines()) == 2


def test_series_that_are_not_of_one_kind_are_refused_before_a_net_trains_on_them(cli: Cli, folder: Path) -> None:
    chance = random.Random(0)
    for name, low in (("visitors", 50), ("warmth", -50)):
        values = [f"2023-{1 + day // 28:02}-{1 + day % 28:02},{low + 40 * chance.random():.2f}" for day in range(300)]
        (folder / f"{name}.csv").write_text("\n".join(["day,value", *values]) + "\n")
    done = cli("train-forecaster", "visitors.csv", "warmth.csv", "--set", "max_steps=2", "-q")
    done.fails(1, "visitors (log returns by the day) and warmth (differences by the day) are not of one kind")
    assert not (folder / "checkpoints").exists()


CONFIG = """
threads = 1
[train-text]
hidden_size = 9
minutes = 3
[lab.run]
seeds = 2
"""


def test_a_section_is_of_one_command(cli: Cli, folder: Path) -> None:
    import click

    from seqlab.cli.commands import lab, train_text
    from seqlab.cli.config import read_config
    from seqlab.cli.main import cli as group

    (folder / "all.toml").write_text(CONFIG)
    top = click.Context(group, info_name="seqlab")
    text = click.Context(train_text.command, parent=top, info_name="train-text")
    read_config(text, Path("all.toml"))
    assert text.default_map == {"threads": 1, "minutes": 3}
    assert text.meta["seqlab.settings"] == {"hidden_size": 9}
    run = click.Context(
        lab.command.commands["run"],
        parent=click.Context(lab.command, parent=click.Context(group, info_name="seqlab"), info_name="lab"),
        info_name="run",
    )
    read_config(run, Path("all.toml"))
    assert run.default_map == {"threads": 1, "seeds": 2} and run.meta["seqlab.settings"] == {}


@pytest.mark.parametrize(
    ("written", "words", "said"),
    [
        ("horzon = 5", "forecast no.csv", "did you mean 'horizon'?"),
        ("[forcast]\nhorizon = 5", "forecast no.csv", "did you mean 'forecast'?"),
        ("[lab.rum]\nseeds = 5", "lab run cells", "did you mean 'run'?"),
        ("[forecast.settings]\nseed = 5", "forecast no.csv", "[settings]"),
        ("[train-text]\nminuts = 5", "train-text no.txt", "did you mean 'minutes'?"),
        ("hiden_size = 5", "train-mlp no.csv --target y", "did you mean 'hidden_size'?"),
        ("ofline = true", "data list", "did you mean 'offline'?"),
        ("lr = 1", "generate", "'lr'"),
    ],
)
def test_a_misspelt_name_or_section_is_answered_with_the_closest(
    cli: Cli, folder: Path, written: str, words: str, said: str
) -> None:
    (folder / "own.toml").write_text(written + "\n")
    done = cli(*words.split(), "--config", "own.toml")
    done.fails(2, "own.toml", said)
    assert len(done.err.splitlines()) == 2
