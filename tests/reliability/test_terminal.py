"""Promise 18: of control and format characters a terminal gets newline and tab alone, whatever a name, a column, a file
or an error has in it; through a pipe, at whose end may be a pager, too."""

import contextlib
import json
import os
import pty
import random
import shutil
import signal
import sys
import threading
import tty
import unicodedata
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from seqlab.cli.main import main
from seqlab.cli.output import _json
from seqlab.formatting import plain
from tests.conftest import Outcome
from tests.reliability.conftest import Tried, many

Cli = Callable[..., Outcome]
CATEGORIES = ("Cc", "Cf", "Zl", "Zp")
OBEYED = [chr(code) for code in range(sys.maxunicode + 1) if unicodedata.category(chr(code)) in CATEGORIES]
SEQUENCES = (
    *("\x1b[2J", "\x1b]0;title\x07", "\x1b]8;;http://a\x1b\\", "\x9b31m", "\x1bP", "\x1b[?1049h", "\r", "\b\b\b"),
    *("\u202egnp.exe", "\u2066\u2067\u2069", "a\u200db", "\ufeff", "\u2028", "\u00ad", "\U000e0041", "[red]", "\x7f"),
)
WORDS = ("price", "a", "count", "größe", "λ", "1", "x y", "名前", "😀", "e\u0301")
STARTERS = "\u202e\x1b[31m"


def payloads(count: int, seed: int, controls: float = 1.0) -> list[str]:
    """Texts with what a terminal obeys in them, no two alike, which can be names of files and columns.

    controls: the share of them that has such of ASCII too; many make a file none of text, which is refused.
    """
    chance, made = random.Random(seed), []
    for number in range(count):
        parts = [*chance.choices(SEQUENCES, k=2), *chance.choices(OBEYED, k=2), *chance.choices(WORDS, k=2)]
        chance.shuffle(parts)
        text = "".join(parts).replace("\0", "").replace("/", "").replace("\n", " ").replace("\t", " ").replace('"', "")
        if chance.random() > controls:
            text = "".join(char for char in text if char >= " " and char != "\x7f")
        made.append(f"p{number}{text}")
    return made


def obeyed(text: str) -> list[str]:
    """The characters in it that none may be, in what is printed."""
    return sorted({c for c in text if unicodedata.category(c) in CATEGORIES and c not in "\n\t"})


@contextlib.contextmanager
def both_streams(writer: int) -> Iterator[None]:
    with open(writer, "w", encoding="utf-8", closefd=False) as stream:  # noqa: SIM117
        with contextlib.redirect_stdout(stream), contextlib.redirect_stderr(stream):
            yield


def shown(*words: object, through: str = "terminal") -> str:
    """What the command line writes to a terminal, or into a pipe: its result and all else."""
    reader, writer = pty.openpty() if through == "terminal" else os.pipe()
    if through == "terminal":
        tty.setraw(writer)  # what is written is what is read
    seen: list[bytes] = []

    def listen() -> None:
        with contextlib.suppress(OSError):
            while chunk := os.read(reader, 65536):
                seen.append(chunk)

    listening = threading.Thread(target=listen)
    listening.start()
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        with pytest.raises(SystemExit), both_streams(writer):
            main([str(word) for word in words])
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
        os.close(writer)
        listening.join(10)
        os.close(reader)
    return b"".join(seen).decode()


@pytest.fixture(autouse=True)
def still(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No colour and no bar: those are characters of our own."""
    monkeypatch.setenv("TERM", "dumb")
    monkeypatch.chdir(tmp_path)


def test_of_all_characters_the_obeyed_ones_go_and_all_others_stay(tried: Tried) -> None:
    everything = "".join(map(chr, range(sys.maxunicode + 1)))
    assert len(OBEYED) > 220  # 65 of control, above 160 of format, two separators
    assert plain(everything) == everything.translate({ord(char): None for char in OBEYED if char not in "\n\t"})
    escaped = _json({"text": "".join(OBEYED)})
    assert obeyed(escaped) == [] and json.loads(escaped)["text"] == "".join(OBEYED)
    tried(18, len(OBEYED))


@pytest.mark.parametrize("through", ["terminal", "pipe"])
def test_names_in_errors(through: str, tried: Tried) -> None:
    names = payloads(many(150, 2500), 1)
    commands: list[Callable[[str], tuple[object, ...]]] = [
        lambda name: ("checkpoints", "show", name),
        lambda name: ("forecast", name, "--offline"),
        lambda name: ("forecast", f"{name}.csv", "--offline"),
        lambda name: ("data", "fetch", name, "--offline"),
        lambda name: ("score", name, "--corpus", name),
        lambda name: ("generate", "--corpus", name),
        lambda name: ("train-text", name, "--set", f"{name}=1"),
        lambda name: ("train-text", name),
        lambda name: ("train-cnn", name),
        lambda name: ("lab", "run", name),
        lambda name: (name,),
        lambda name: ("doctor", f"--{name}"),
        lambda name: ("score", "--config", name),
        lambda name: ("checkpoints", "list", "-o", f"{name}/no/folder"),
    ]
    for number, name in enumerate(names):
        seen = shown(*commands[number % len(commands)](name), through=through)
        assert "error: " in seen and "hint: " in seen, name
        assert obeyed(seen) == [], name
    tried(18, len(names))


@pytest.mark.parametrize("through", ["terminal", "pipe"])
def test_columns_and_values_of_tables(through: str, tmp_path: Path, tried: Tried) -> None:
    labels, values = payloads(24, 2, 0.2), payloads(many(300, 1500), 3, 0.1)
    head = ",".join(f'"{label}"' for label in ["target", *labels])
    each = len(values) // 25  # different words in a column
    rows = [
        ",".join(f'"{values[j * each + (k * (j + 1)) % (each if j else 3)]}"' for j in range(25))
        for k in range(max(90, 4 * each))
    ]
    file = tmp_path / f"{STARTERS}table.csv"
    file.write_text("\n".join([head, *rows]) + "\n")
    assert obeyed(file.read_text())
    small = ("--set", "max_steps=1", "--threads=1", "--overwrite")
    seen = shown("train-mlp", file, "--target", "target", *small, through=through)
    assert "error" not in seen and obeyed(seen) == []
    trained = [path.name for path in (tmp_path / "checkpoints").iterdir()]
    for words in (
        ("predict", trained[0], file),
        ("predict", trained[0], file, "--json"),
        ("evaluate", trained[0]),
        ("checkpoints", "list"),
        ("checkpoints", "show", trained[0]),
        ("checkpoints", "show", trained[0], "--json"),
        ("train-mlp", file, "--target", labels[3], *small),
        ("train-mlp", file, "--target", "none", *small),
        ("structure", file, "--threads=1"),
    ):
        seen = shown(*words, through=through)
        assert seen and obeyed(seen) == [], words
    tried(18, len(labels) + len(values))


@pytest.mark.parametrize("through", ["terminal", "pipe"])
def test_columns_of_series(through: str, tmp_path: Path, tried: Tried) -> None:
    labels = payloads(12, 4)
    file = tmp_path / f"{STARTERS}series.csv"
    head = ",".join(["date", *(f'"{label}"' for label in labels)])
    rows = [",".join([f"{1900 + k}-01-01", *(str(10 + (k * j) % 7) for j in range(1, 13))]) for k in range(60)]
    file.write_text("\n".join([head, *rows]) + "\n")
    for words in (("--column", labels[0]), ("--column", "none"), ("--column", labels[1], "--json"), ()):
        seen = shown("forecast", file, *words, "--threads=1", through=through)
        assert seen and obeyed(seen) == [], words
    tried(18, len(labels))


@pytest.mark.parametrize("through", ["terminal", "pipe"])
def test_text_of_a_file_and_of_a_model(through: str, tmp_path: Path, trained: Path, tried: Tried) -> None:
    lines = payloads(many(1500, 5000), 5, 0.1)
    text = tmp_path / f"{STARTERS}text.txt"
    text.write_text("\n".join(lines) + "\n")
    for words in (("score", text, "--corpus", "small"), ("score", text, "--corpus", "small", "--json")):
        seen = shown(*words, through=through)
        assert "p0" in seen or '"p"' in seen
        assert obeyed(seen) == []
    prompt = "".join(lines[:20])
    seen = shown("generate", "--corpus", "small", "--prompt", prompt, "--length=20", "--seed=1", through=through)
    assert "leave them out" in seen and obeyed(seen) == []
    small = ("--set", "max_steps=1", "--set", "hidden_size=8", "--threads=1")
    seen = shown("train-text", text, *small, through=through)
    assert "error" not in seen and obeyed(seen) == []
    folder = next(path for path in trained.parent.iterdir() if path.name != "small")
    try:
        seen = shown("generate", "--corpus", folder, "--length=2000", "--seed=1", "--temperature=1", through=through)
        assert "2,000 characters, " in seen and obeyed(seen) == []
    finally:
        shutil.rmtree(folder)  # the others' checkpoints are shared
    tried(18, len(lines))


def test_a_file_gets_every_character(tmp_path: Path, cli: Cli, trained: Path, tried: Tried) -> None:
    """Only what may reach a terminal is changed: a result in a file is exact."""
    text = tmp_path / "text.txt"
    text.write_text("a\u202eb\x0cc\n")
    assert "a\u202eb\x0cc" in cli("score", text, "--corpus", "small").out
    assert cli("score", text, "--corpus", "small", "-o", tmp_path / "out.txt").status == 0
    assert "a\u202eb\x0cc" in (tmp_path / "out.txt").read_text()
    tried(18)
