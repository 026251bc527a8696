"""What the three shells are offered, asked as they ask: by environment variables. Bash really does."""

import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from seqlab.cli import completion
from tests.conftest import Outcome

Cli = Callable[..., Outcome]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "houses.csv").write_text("\ufeffsale price;street name;size\n1;a;2\n")
    (tmp_path / "Bills.csv").write_text("day,gas,power\n")
    kept = tmp_path / "checkpoints" / "notes"
    kept.mkdir(parents=True)
    (kept / "config.json").write_text('{"job": "language"}')
    (tmp_path / "cache").mkdir()
    with closing(sqlite3.connect(tmp_path / "cache" / "quotes.sqlite")) as store, store:
        store.execute("CREATE TABLE fetched (ticker TEXT)")
        store.execute("INSERT INTO fetched VALUES ('BTC-USD')")
    return tmp_path


def asked(shell: str, *words: str) -> tuple[list[str], bool]:
    """The names that a shell is offered for the last word, and whether files are, too."""
    *whole, last = words
    line = {"bash": " ".join(words), "zsh": " ".join(words), "fish": " ".join(words)}[shell]
    place = last if shell == "fish" else str(len(whole))
    variables = {"_SEQLAB_COMPLETE": f"{shell}_complete", "COMP_WORDS": line, "COMP_CWORD": place}
    process = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "seqlab"],
        env=os.environ | variables,
        capture_output=True,
        text=True,
        check=True,
    )
    heavy = {"torch", "pandas", "numpy", "rich", "matplotlib"}
    assert not heavy & {line.split("|")[-1].strip() for line in process.stderr.splitlines()}
    rows = [row for row in process.stdout.splitlines() if row]
    if shell == "zsh":
        entries = list(zip(rows[::3], rows[1::3], strict=True))
    else:
        entries = [(kind, rest.split("\t")[0]) for kind, rest in (row.split(",", 1) for row in rows)]
    return [value for kind, value in entries if kind == "plain"], ("file", last) in entries


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_names_of_every_sort(shell: str) -> None:
    assert asked(shell, "seqlab", "train-f") == (["train-forecaster"], False)
    assert asked(shell, "seqlab", "forecast", "B") == (["BAC", "BBY", "BTC-USD", "Bills.csv"], True)
    assert asked(shell, "seqlab", "forecast", "Bills.csv", "--known", "p") == (["power"], False)


@pytest.mark.parametrize(
    ("words", "names"),
    [
        ("generate --corpus ", ["linux", "notes", "stacks"]),
        ("generate --corpus n", ["notes"]),
        ("train-forecaster --from li", []),
        ("checkpoints show n", ["notes"]),
        ("predict n", []),  # a model of text says nothing about files
        ("predict cif", ["cifar10"]),
        ("train-text sta", ["stacks"]),
        ("train-text x --set hid", ["hidden_size="]),
        ("train-mlp houses.csv --target=si", ["size"]),
        ("train-mlp houses.csv --groups ", ["'sale price'", "'street name'", "size"]),
        ("train-cnn cifar10 --model resnet1", ["resnet110", "resnet18", "resnet101", "resnet152"]),
        ("train-cnn cif", ["cifar10", "cifar100"]),
        ("lab run mem", ["memory"]),
        ("data fetch m", ["mnist"]),
        ("forecast --kind l", ["levels"]),
        ("forecast AAPL --precision b", ["bf16"]),
        ("forecast nosuch.csv --column x", []),
        ("forecast nosuchdir/x", []),
    ],
)
def test_names_that_belong_there(words: str, names: list[str]) -> None:
    assert asked("bash", "seqlab", *words.split(" "))[0] == names


def test_the_models_are_those_that_there_are() -> None:

    from seqlab.vision.zoo import MODELS

    assert tuple(MODELS) == completion.MODELS


@pytest.mark.skipif(shutil.which("bash") is None, reason="no bash")
def test_bash_completes_what_is_written(folder: Path) -> None:
    """The script is sourced, and its function asked for a line as readline would."""
    program = folder / "seqlab"
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m seqlab "$@"\n')
    program.chmod(0o755)
    script = """
        source <(seqlab completion bash)
        compopt() { :; }
        ask() { COMP_LINE=$1 COMP_POINT=${#1} COMPREPLY=()
                _seqlab_completion seqlab; printf '<%s>' "${COMPREPLY[@]}"; }
        ask 'seqlab train-mlp houses.csv --target s'
        ask 'seqlab train-mlp houses.csv --target=si'
        complete -p seqlab
    """
    environment = os.environ | {"PATH": f"{folder}:{os.environ['PATH']}"}
    done = subprocess.run(["bash", "-c", script], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.startswith("<'sale price'><'street name'><size><size>complete "), done
    assert "_seqlab_completion seqlab" in done.stdout and done.stderr == ""


@pytest.mark.parametrize(
    ("shell", "place", "begins"),
    [
        ("bash", "data/bash-completion/completions/seqlab", "_seqlab_completion() {"),
        ("zsh", "data/zsh/site-functions/_seqlab", "#compdef seqlab"),
        ("fish", "config/fish/completions/seqlab.fish", "function _seqlab_completion"),
    ],
)
def test_it_is_printed_or_installed(
    cli: Cli, folder: Path, monkeypatch: pytest.MonkeyPatch, shell: str, place: str, begins: str
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(folder / "data"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(folder / "config"))
    monkeypatch.setenv("SHELL", f"/usr/bin/{shell}")
    printed = cli("completion").out
    assert printed.startswith(begins)
    assert cli("completion", shell, "--install").out == f"{folder / place}\n"
    assert (folder / place).read_text().strip() == printed.strip()
    monkeypatch.setenv("SHELL", "/bin/csh")
    cli("completion").fails(2, "csh", "bash, zsh, fish")
