"""What a terminal shows is no wider than it, and no word is broken; what a pipe gets is whole."""

import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from pathlib import Path

import pytest

from seqlab.cli import layout
from tests.conftest import run_seqlab

WORDS = re.compile(r"[A-Za-z]{3,}")
COMMANDS = [
    "--help",
    "forecast --help",
    "checkpoints --help",
    "lab --help",
    "data list",
    "checkpoints list",
    "checkpoints show cifar10",
    "train-cnn --list",
    "doctor --offline",
    "nonsense",
    "forecast --horizon x",
    "generate --corpus nosuch",
    "forecast panel.csv --origins 3 --threads 1",
]


def on_terminal(columns: int, *words: str, term: str = "dumb") -> str:
    """What a terminal of that many columns shows of a command; by default one that cannot animate."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
    environment = {k: v for k, v in os.environ.items() if k != "COLUMNS"} | {"TERM": term}
    command = [sys.executable, "-m", "seqlab", *words]
    process = subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, env=environment)
    os.close(theirs)
    shown = b""
    try:
        while piece := os.read(ours, 1 << 16):
            shown += piece
    except OSError:  # nobody writes there any more
        pass
    process.wait()
    os.close(ours)
    return shown.decode().replace("\r\n", "\n")


@pytest.mark.parametrize("command", COMMANDS)
def test_no_line_is_wider_than_the_terminal_and_no_word_is_broken(
    command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SEQLAB_CACHE", "cache")
    monkeypatch.setenv("SEQLAB_CHECKPOINTS", "checkpoints")
    values = [f"{shop},{day},{100 + 10 * (day % 7)}" for shop in ("north", "south") for day in range(1, 301)]
    (tmp_path / "panel.csv").write_text("\n".join(["unique_id,ds,y", *values]) + "\n")
    piped = run_seqlab(*command.split())
    whole = set(
        WORDS.findall(
            f"{piped.out} {piped.err}\nno room for steps folder a wider terminal has it and -o FILE.csv --json has all"
        )
    )
    for columns in (60, 80):
        shown = on_terminal(columns, *command.split())
        # a path has no blank to be broken at
        wide = [line for line in shown.split("\n") if len(line) > columns and " " in line.strip()]
        assert not wide, (columns, wide)
        assert set(WORDS.findall(shown)) <= whole, columns


class Terminal:
    """Standard output of a terminal."""

    def isatty(self) -> bool:
        return True

    def fileno(self) -> int:
        raise ValueError


@pytest.mark.parametrize(
    ("wide", "expected"),
    [
        (71, ["name      steps        size", "one          12   1,000 MiB  a text of a few words that is long"]),
        (50, ["name    steps       size", "one        12  1,000 MiB  a text of a few words", f"{'':26}that is long"]),
        (45, ["name    steps       size", "one        12  1,000 MiB", "    a text of a few words that is long"]),
    ],
)
def test_the_text_of_a_row_goes_on_below(wide: int, expected: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [["name", "steps", "size", ""], ["one", "12", "1,000 MiB", "  a text of a few words that is long"]]
    monkeypatch.setattr(sys, "stdout", Terminal())
    monkeypatch.setenv("COLUMNS", str(wide + 1))
    assert "\n".join(layout.table(rows, [-8, 7, 12, 0])).split("\n") == expected


def test_columns_are_left_out_or_stand_below(monkeypatch: pytest.MonkeyPatch) -> None:
    one, two, three = "a" * 20, "b" * 15, "c" * 15
    rows = [["name", "steps", "size"], [one, two, three]]
    monkeypatch.setattr(sys, "stdout", Terminal())
    monkeypatch.setenv("COLUMNS", "51")
    left = [f"name{'':31}size", f"{one}{'':4}{three}"]
    assert layout.table(rows, [-20, 17, 17], [[1]], more=": ask") == [*left, "no room for steps: ask"]
    parts = [f"{'':34}steps", f"{one}{'':4}{two}"]
    assert layout.table(rows, [-20, 17, 17], [[1]], below=True) == [*left, "", *parts]
    monkeypatch.setenv("COLUMNS", "61")
    assert layout.table(rows, [-20, 17, 17], [[1]]) == [f"name{'':28}steps{'':13}size", f"{one}  {two}  {three}"]


def test_a_command_is_broken_so_that_a_shell_takes_it(tmp_path: Path) -> None:
    command = "use it: seqlab train-mlp 'my houses.csv' --target 'sale price' --set hidden_size=64 --set lr=0.01"
    broken = layout.fitted(command, 40)
    assert max(map(len, broken.split("\n"))) <= 40
    arguments = "import sys; print(sys.argv[1:])"
    script = f"seqlab() {{ {sys.executable} -c '{arguments}' \"$@\"; }}\n{broken.removeprefix('use it: ')}\n"
    taken = subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=True).stdout
    expected = ["train-mlp", "my houses.csv", "--target", "sale price", "--set", "hidden_size=64", "--set", "lr=0.01"]
    assert taken == f"{expected}\n"
