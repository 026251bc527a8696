"""Promise 17: whatever a name is, nothing is written outside the folder that is meant, nothing foreign is touched."""

import hashlib
import os
import random
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from PIL import Image

from seqlab import checkpoint
from seqlab.data.series.quotes import load_series
from seqlab.data.tables.reader import read_table
from seqlab.data.text.corpus import load_corpus
from seqlab.errors import SeqlabError
from seqlab.runs import RunOptions, target_folder
from seqlab.tasks import Task
from tests.conftest import Outcome
from tests.reliability.conftest import Tried, many

Cli = Callable[..., Outcome]
PARTS = (
    *("..", ".", "/", "\\", "~", "-", " ", "\t", "\n", "\r", "\0", "\x1b[2J", "\x7f", "\u202e", "\u2066", "\u200b"),
    *(
        "\udcff",
        "．．",
        "／",
        "ä",
        "e\u0301",
        "%2e%2e",
        "$HOME",
        "`id`",
        "'",
        '"',
        "*",
        "?",
        ":",
        "|",
        "<",
        "con",
        "nul",
    ),
    *("config.json", "log.jsonl", "model-1.safetensors", "files.new", ".csv", ".txt", ".gz", "a", "AAPL", "x" * 90),
)
FOREIGN = ("config.json", "log.jsonl", "model-1.safetensors", "training-1.safetensors", "files.new", "config.json.new")


def fuzzed(count: int, seed: int) -> list[str]:
    chance = random.Random(seed)
    known = ["", ".", "..", "...", "....", "../..", "/", "/etc/passwd", "../up", " .. ", "..\\..", "..\0", "~", "-"]
    made = ["".join(chance.choices(PARTS, k=chance.randint(1, 6))) for _ in range(count - len(known))]
    return known + made


@pytest.fixture
def room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder, a folder in it to be written to, and files of others' in and around it that are called as
    ours are."""
    room = tmp_path / "outer" / "room"
    room.mkdir(parents=True)
    for folder in (tmp_path, room.parent, room):
        for name in FOREIGN:
            (folder / name).write_text(f"{name} of somebody else\nmodel-1.safetensors")
    monkeypatch.chdir(room)
    monkeypatch.setenv("SEQLAB_CHECKPOINTS", str(room / "checkpoints"))
    return room


def state(room: Path, *ours: str) -> dict[str, object]:
    """All that lies in and around the room, the cache and what is ours in the room aside."""
    outer = room.parent.parent
    skipped = (outer / "cache", *(room / name for name in ours))
    return {
        str(path): hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else path.lstat().st_mode
        for path in sorted(outer.rglob("*"))
        if not any(path.is_relative_to(one) for one in skipped)
    }


def named(room: Path, names: list[str], content: bytes) -> list[Path]:
    """Files of those names, where a file can have one."""
    made = []
    for name in names:
        path = room / "files" / name
        try:
            path.parent.mkdir(exist_ok=True)
            if path.parent == room / "files" and not path.exists():
                path.write_bytes(content)
                made.append(path)
        except (OSError, ValueError):
            continue
    return made


def saved(name: str, step: int) -> Path:
    """A run of that name, saved where runs are."""
    options = Task(target_folder(RunOptions(overwrite=True), name)).result()
    assert options.folder is not None
    tensors = {"weight": torch.zeros(1)}
    checkpoint.save(
        options.folder,
        {"job": "test", "command": "", "parameters": 1, "position": {"step": step, "max_steps": 9}},
        tensors,
        tensors,
    )
    return options.folder


def test_no_name_of_a_run_leads_out_of_the_folder_of_checkpoints(room: Path, tried: Tried) -> None:
    before, names = state(room, "checkpoints"), fuzzed(many(1000, 10_000), 0)
    (room / "checkpoints").mkdir()
    for number, name in enumerate(names):
        place = checkpoint.checkpoints_folder() / checkpoint.folder_name(name)
        assert place.resolve().parent == (room / "checkpoints").resolve(), name
        assert not place.name.startswith(".") and len(os.fsencode(place.name)) <= 200
        if number % 25 == 0:
            assert saved(name, number) == place
            place.joinpath("model-1.safetensors.bak").write_text("somebody else's")
            saved(name, number + 1)
            assert place.joinpath("model-1.safetensors.bak").exists()
    assert state(room, "checkpoints") == before
    tried(17, len(names))


def test_files_of_any_name_are_read_and_their_runs_saved_in_one_folder(room: Path, tried: Tried) -> None:
    before, names = state(room, "checkpoints", "files"), fuzzed(many(80, 3000), 1)
    texts = named(room, names, b"a text to read\n")
    for path in texts:
        try:
            corpus = Task(load_corpus(f"files/{path.name}")).result()
        except SeqlabError:  # an archive that is none
            continue
        assert saved(corpus.name, 1).resolve().parent == room / "checkpoints"
        path.unlink()
    tables = named(room, [f"{name}.csv" for name in names], b"a,b\n1,2\n3,4\n")
    for path in tables:
        assert saved(read_table(Path(f"files/{path.name}")).name, 1).resolve().parent == room / "checkpoints"
    assert len(texts) > len(names) // 4 and len(tables) > len(names) // 4
    assert state(room, "checkpoints", "files") == before
    tried(17, len(texts) + len(tables))


@pytest.mark.parametrize("stem", ["..", ".", "../room/..", "config.json", " .. "])
def test_whole_trainings_of_odd_names_touch_nothing_foreign(room: Path, stem: str, cli: Cli, tried: Tried) -> None:
    small = ("--set", "max_steps=1", "--set", "hidden_size=8", "--threads=1", "--overwrite")
    text, table, series = (f"./{stem}{ending}" for ending in (".txt", ".csv", ".tsv"))
    Path(text).write_text("a text to read, and more of it\n" * 40)
    Path(table).write_text("a,b,c\n" + "".join(f"{k},{k % 7},{k * k % 11}\n" for k in range(60)))
    Path(series).write_text("date\tx\n" + "".join(f"{1900 + k}-01-01\t{k % 9}\n" for k in range(80)))
    images = room / "images" / ".." / "images" / "."
    for number in range(8):
        place = images / "ab"[number % 2]
        place.mkdir(parents=True, exist_ok=True)
        Image.new("L", (28, 28), number * 30).save(place / f"{number}.png")
    before = state(room, "checkpoints")
    statuses = [
        cli("train-text", text, *small).status,
        cli("train-mlp", table, "--target", "c", "--set", "max_steps=1", "--threads=1", "--overwrite").status,
        cli("train-forecaster", series, "--set", "max_steps=1", "--threads=1", "--overwrite").status,
    ]
    if stem == "..":
        statuses.append(
            cli("train-cnn", images, "--model", "lenet5", "--set", "max_steps=1", "--threads=1", "--overwrite").status
        )
    assert set(statuses) == {0}
    assert state(room, "checkpoints") == before
    made = [path for path in (room / "checkpoints").iterdir() if checkpoint.is_checkpoint(path)]
    assert made and all(path.resolve().parent == room / "checkpoints" for path in made)
    tried(17, len(statuses))


def test_a_pattern_with_a_null_byte_names_nothing(tried: Tried) -> None:
    for name in ("a\0*", "\0?", "[\0]"):
        with pytest.raises(SeqlabError):
            Task(load_corpus(name, offline=True)).result()
        tried(17)


def test_no_ticker_and_no_name_of_a_checkpoint_or_corpus_touches_anything(room: Path, cli: Cli, tried: Tried) -> None:
    before, names = state(room), fuzzed(many(400, 4000), 2)
    for name in names:
        looks: list[Callable[[str], object]] = [lambda name: checkpoint.find(name, job="language")]
        if name != "-":  # standard input
            looks.append(lambda name: load_series(name, offline=True))
            if not name.startswith("/") and ".." not in name:  # or all of this machine would be the corpus
                looks.append(lambda name: Task(load_corpus(name, offline=True)).result())
        for look in looks:
            try:
                look(name)
            except SeqlabError:
                continue
            except OSError as problem:
                pytest.fail(f"{name!r}: {problem}")
    for name in names[:: len(names) // 40]:
        word = name.replace("\0", "0")
        if not word.startswith("-"):
            for command in (("forecast", word, "--offline"), ("checkpoints", "show", word), ("data", "path", word)):
                assert cli(*command).status in (0, 1, 2)
    assert state(room) == before
    tried(17, len(names))


def test_an_output_is_written_where_it_was_named_or_nowhere(room: Path, cli: Cli, tried: Tried) -> None:
    names = [name for name in fuzzed(many(150, 3000), 3) if "\0" not in name]
    for name in names:
        target, before = Path(name), state(room)
        there = target.absolute().resolve() if len(os.fsencode(name)) < 200 and "x" * 90 not in name else None
        done = cli("checkpoints", "list", "-o", name)
        after = state(room)
        changed = {path for path in before.keys() | after.keys() if before.get(path) != after.get(path)}
        assert done.status in (0, 1, 2) and "Traceback" not in done.err
        if there is not None:
            assert changed <= {str(there)}, name
        else:
            assert len(changed) <= 1
        if target.name in FOREIGN or not changed:
            continue
        (path,) = changed
        Path(path).unlink()
    assert cli("checkpoints", "list", "-o", "-").status == 2
    assert not (room / "-").exists()
    tried(17, len(names))
