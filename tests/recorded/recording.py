"""Running a recorded command, writing down what it did, and comparing that with what is on record."""

import csv
import difflib
import io
import json
import os
import random
import re
import shutil
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from tests.conftest import Outcome
from tests.recorded.commands import COMMANDS, Command
from tests.recorded.material import make

RECORDS = Path(__file__).parent / "records"
REPOSITORY = Path(__file__).parents[2]
WHOLE = 5000  # characters up to which a text file that a command wrote is recorded whole
RELATIVE, ABSOLUTE = 1e-2, 1e-4  # by how much a number may differ where another processor computed it


@dataclass(frozen=True)
class Mask:
    """What is never compared: a pattern, what stands for it in a record, and why it differs from run to run."""

    pattern: str
    instead: str
    why: str


VERSIONS = "seqlab|torch|python|numpy|processor|instruction_set"
MACHINE = "seqlab|python|system|torch|processor|packages|extra"
MACHINE_LINES = rf"(?m)^(ok  (?:{MACHINE}) ).*(?:\n {{16}}.*)*$"
MASKS = [
    Mask(r'("(?:seconds|rate|chars_per_second)": )[\d.e+-]+', r'\1"TIME"', "how fast the machine was"),
    Mask(r"[\d,]+ (chars|windows|images|rows)/s(?:, .* left)?", r"N \1/s", "how fast the machine was"),
    Mask(r"(characters, )[\d,]+ a second", r"\1N a second", "how fast the machine was"),
    Mask(r"(?m)^\d+\.\d s$", "N s", "how long an experiment took"),
    Mask(r"(?m)((?:trained on the spot|adapted), .*, in )[\d a-z]+$", r"\1N s", "how fast the machine was"),
    Mask(
        r"(?m)(^step .*\n(?:  writes .*\n)?)(?:step .*\n(?:  writes .*\n)?)*(step .*\n(?:  writes .*\n)?)",
        r"\1\2",
        "one evaluation a second has a line: how many are between the first and the last is the machine's affair",
    ),
    Mask(r"cache/corpora/[0-9a-f]+-[0-9a-f]+", "cache/corpora/NAME", "made of the text's path and time"),
    Mask(r'("fingerprint": )"[0-9a-f]+"', r'\1"NAME"', "the same"),
    Mask(rf'("(?:{VERSIONS})": )"[^"]*"', r'\1"VERSION"', "what a checkpoint was made with"),
    Mask(rf"(?m)^(  (?:{VERSIONS}): ).*$", r"\1VERSION", "the same, as `checkpoints show` says it"),
    Mask(r'("log_sha256": )"[0-9a-f]+"', r'\1"SHA256"', "the log has seconds and rates in it"),
    Mask(
        r'("torch": "VERSION",\s+"sha256": |\},\s+"sha256": (?="[0-9a-f]+"\s*\}\s*\Z))"[0-9a-f]+"',
        r'\1"SHA256"',
        "a checkpoint's config is signed, and the sum of its log is in it",
    ),
    Mask(r"\d+\.\d years ago", "N years ago", "how old the embedded quotes are depends on the day"),
    Mask(r"seqlab, version \S+", "seqlab, version VERSION", "every release has its own"),
    Mask(MACHINE_LINES, r"\1VERSION", "`doctor` describes the machine"),
    Mask(
        rf'("name": "(?:{MACHINE})",\s+"value": )(?:"[^"]*"|\d+),\s+"note": "[^"]*"',
        r'\1"VERSION", "note": "..."',
        "the same as JSON",
    ),
    Mask(r"(?m)^(ok  cache +TMP/cache)\s+", r"\1 ", "the column is as wide as the path"),
    Mask(r"writable,\s+\d+\s+GB\s+free", "writable, N GB free", "`doctor` knows the disk"),
]


class Player:
    """Runs commands, each in the folder as the command that it builds on left it, at a path that is always the same.

    So a record depends on nothing that ran before in this process, and any one of them can be run alone.
    """

    def __init__(self, base: Path) -> None:
        self.room, self.left = base / "room", base / "left"
        self.material = make(base / "material")
        self.records: dict[str, str] = {}
        self.outcomes: dict[str, Outcome] = {}

    def prepared(self, name: str) -> Path:
        """The folder in which a command begins, as it is then."""
        before = COMMANDS[name].after
        if before:
            self.record(before)
        shutil.rmtree(self.room, ignore_errors=True)
        shutil.copytree(self.left / before if before else self.material, self.room)
        return self.room

    def record(self, name: str) -> str:
        """What a command does, as text."""
        if name not in self.records:
            command, room = COMMANDS[name], self.prepared(name)
            before = _contents(room)
            self.outcomes[name] = run(command, room)
            self.records[name] = _described(command, self.outcomes[name], room, before, _contents(room))
            if any(other.after == name for other in COMMANDS.values()):
                shutil.copytree(room, self.left / name)
        return self.records[name]

    def json(self, name: str) -> Any:
        """The one JSON object that a command prints."""
        self.record(name)
        return self.outcomes[name].json


@contextmanager
def surroundings(command: Command, folder: Path) -> Iterator[None]:
    """Inside the block this process is in `folder` with the command's variables and nobody else's, offline, and with
    everything random begun anew."""
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("SEQLAB_")]:
            patch.delenv(name)
        own = {"SEQLAB_CACHE": str(folder / "cache"), "SEQLAB_OFFLINE": "1", "COLUMNS": "80", "TERM": "xterm"}
        patch.delenv("NO_COLOR", raising=False)
        for name, value in {**own, **command.env}.items():
            patch.setenv(name, value)
        patch.chdir(folder)
        random.seed(0)
        np.random.seed(0)
        torch.manual_seed(0)
        torch.set_num_threads(1)
        yield


class Terminal(io.TextIOWrapper):
    """A standard output that says it is a terminal."""

    def isatty(self) -> bool:
        return True


def run(command: Command, folder: Path) -> Outcome:
    """Run a command in this process, in `folder`."""
    from seqlab.cli.main import main

    out = (Terminal if command.terminal else io.TextIOWrapper)(io.BytesIO(), "utf-8", newline="")
    err = io.TextIOWrapper(io.BytesIO(), "utf-8", newline="")
    fed = (folder / command.stdin).read_bytes() if command.stdin else b""
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    with surroundings(command, folder), pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["seqlab", *command.words])
        patch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(fed), "utf-8"))
        patch.setattr(sys, "stdout", out)
        patch.setattr(sys, "stderr", err)
        try:
            with pytest.raises(SystemExit) as end:
                main(command.words)
        finally:
            for number, handler in handlers.items():
                signal.signal(number, handler)
    assert isinstance(end.value.code, int)
    return Outcome(end.value.code, _all_of(out), _all_of(err))


def _all_of(stream: io.TextIOWrapper) -> str:
    stream.seek(0)
    return stream.read()


def _contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


# Writing down


def _described(
    command: Command, outcome: Outcome, room: Path, before: dict[str, bytes], after: dict[str, bytes]
) -> str:
    variables = "".join(f"{name}={value} " for name, value in command.env.items())
    fed = f" < {command.stdin}" if command.stdin else ""
    parts = [f"$ {variables}seqlab {command.line}{fed}\n"]
    if command.terminal:
        parts.append("on a terminal\n")
    if command.after:
        parts.append(f"in the folder that {command.after} left\n")
    parts.append(f"exit status {outcome.status}\n")
    for name, text in (("output", outcome.out), ("error", outcome.err)):
        if text:
            parts.append(f"--- standard {name}\n{_shown(_masked(text, room))}")
    parts += [f"--- removed {path}\n" for path in sorted(before.keys() - after.keys())]
    for path, content in sorted(after.items()):
        if before.get(path) != content:
            parts.append(f"--- wrote {_masked(path, room)}\n{_written(room / path, content, room)}")
    return "".join(part if part.endswith("\n") else f"{part}\n(no newline at the end)\n" for part in parts)


def _masked(text: str, room: Path) -> str:
    """Text without what differs from run to run, and with escape characters that can be seen."""
    text = text.replace(str(room), "TMP").replace(str(REPOSITORY), "REPOSITORY").replace("\x1b", "␛")
    for mask in MASKS:
        text = re.sub(mask.pattern, mask.instead, text)
    return text


def _shown(text: str) -> str:
    """Text with its JSON lines spread over many, where that loses nothing."""
    return "".join(_spread(line) for line in text.splitlines(keepends=True))


def _spread(line: str) -> str:
    if not line.startswith("{"):
        return line
    try:
        value = json.loads(line)
    except json.JSONDecodeError:
        return line
    if json.dumps(value, ensure_ascii=False) + "\n" != line:
        return line
    return f"(one line) {_laid_out(value)}\n"


def _laid_out(value: Any, indent: int = 0) -> str:
    """JSON with what is short on one line, so that a change shows where it is."""
    short = json.dumps(value, ensure_ascii=False)
    if len(short) + indent <= 110 or not isinstance(value, dict | list) or not value:
        return short
    space = " " * (indent + 1)
    if isinstance(value, dict):
        entries = [f"{json.dumps(key, ensure_ascii=False)}: {_laid_out(one, indent + 1)}" for key, one in value.items()]
    else:
        entries = [_laid_out(one, indent + 1) for one in value]
    open_, close = "{}" if isinstance(value, dict) else "[]"
    return f"{open_}\n" + ",\n".join(space + entry for entry in entries) + f"\n{' ' * indent}{close}"


def _written(path: Path, content: bytes, room: Path) -> str:
    """What is recorded of a file: its text, the beginning and a summary of a long table, or that there is something."""
    if path.suffix == ".safetensors":
        return _weights(content)
    if path.suffix == ".svg":
        return "a drawing, not empty\n" if content else "empty\n"
    if path.suffix == ".tokens":
        return f"{len(content)} bytes\n"
    try:
        text = _masked(content.decode("utf-8"), room)
    except UnicodeDecodeError:
        return "binary, not empty\n" if content else "empty\n"
    if path.suffix == ".jsonl":
        return _shown(text)
    if len(text) <= WHOLE or path.suffix == ".json":
        return text
    if path.suffix == ".csv":
        return _table(text)
    return f"text of {len(text.splitlines())} lines that begins with\n{text[:300]}\n"


def _weights(content: bytes) -> str:
    """The names and shapes of tensors, from the file's own head."""
    size = int.from_bytes(content[:8], "little")
    head = json.loads(content[8 : 8 + size])
    lines = [f"{name} {one['dtype']} {one['shape']}" for name, one in sorted(head.items()) if name != "__metadata__"]
    return "\n".join([f"metadata {head.get('__metadata__')}", *lines]) + "\n"


def _table(text: str) -> str:
    """The first rows of a long table, and of each column the range and mean of its numbers or its distinct entries."""
    head, *rows = csv.reader(io.StringIO(text))
    lines = [*text.splitlines()[:5], f"... {len(rows)} rows"]
    for name, entries in zip(head, zip(*rows, strict=True), strict=True):
        try:
            values = [float(entry) for entry in entries]
            lines.append(f"{name}: {min(values):.6g} to {max(values):.6g}, mean {np.mean(values):.6g}")
        except ValueError:
            lines.append(f"{name}: {len(set(entries))} distinct, {min(entries)} to {max(entries)}")
    return "\n".join(lines) + "\n"


# Comparing

NUMBER = re.compile(r"[+-]?\d[\d,]*(?:\.\d+)?(?:[eE][+-]?\d+)?")
TOLERATED = [
    Mask(
        r'("sample": )"(?:[^"\\]|\\.)*"', r'\1"..."', "a draw that another processor decides otherwise changes the rest"
    ),
    Mask(r"(?m)^(  writes ).*$", r"\1...", "the same"),
    Mask(r"\b[0-9a-f]{64}\b", "SHA256", "of weights, which differ in their last bits"),
    Mask(r"(?<=[\[{])\s+|\s+(?=[\]}])", "", "how JSON is laid out here depends on its numbers' lengths"),
    Mask(r"\s+", " ", "columns are as wide as their numbers"),
]
DRAWN = [
    Mask(
        r'("text": ".{40})(?:[^"\\]|\\.)*"',
        r'\1..."',
        "a draw that another processor decides otherwise changes the rest",
    ),
    Mask(r'("log_likelihood_per_char": )[^,}]*', r"\1...", "it is that of the rest too"),
    Mask(r'("longest_copy": )(\{.*?\}|[^,}]*)', r"\1...", "it is that of the rest too"),
]


def difference(command: Command, expected: str, found: str, exact: bool) -> str:
    """What differs, for a person, or nothing. exact: as text; else numbers may differ as another processor's do."""
    if exact:
        agree = expected == found
        where = ""
    else:
        where = _mismatch(_tolerated(command, expected), _tolerated(command, found), command.chaotic)
        agree = not where
    if agree:
        return ""
    lines = difflib.unified_diff(expected.splitlines(), found.splitlines(), "on record", "found", lineterm="", n=1)
    return "\n".join([where, *list(lines)[:80]])


def _tolerated(command: Command, text: str) -> str:
    if command.draws:
        text = _beginning(text)
        for mask in DRAWN:
            text = re.sub(mask.pattern, mask.instead, text)
    for mask in TOLERATED:
        text = re.sub(mask.pattern, mask.instead, text)
    return text


def _beginning(text: str) -> str:
    """The first 40 characters alone of each drawn text: standard output's, and a file's."""
    parts = re.split(r"(?m)^(--- .*\n)", text)
    for index in range(2, len(parts), 2):
        if parts[index - 1].startswith(("--- standard output", "--- wrote")) and not parts[index].startswith(
            "(one line)"
        ):
            parts[index] = parts[index][:40]
    return "".join(parts)


def _mismatch(expected: str, found: str, words_only: bool) -> str:
    """The first place where the words differ or a number does by more than it may."""
    ours, theirs = (list(NUMBER.finditer(text)) for text in (expected, found))
    if NUMBER.sub("#", expected) != NUMBER.sub("#", found):
        return "the words differ"
    for one, other in zip(ours, theirs, strict=True):
        if not words_only and not _alike(one[0], other[0]):
            begin = max(0, one.start() - 60)
            return f"{one[0]} is {other[0]} in: {expected[begin : one.end() + 20]}"
    return ""


def _alike(one: str, other: str) -> bool:
    if one == other:
        return True
    if not any(mark in one + other for mark in ".eE"):
        return False  # whole numbers are counts
    a, b = (float(text.replace(",", "").rstrip(",")) for text in (one, other))
    shown = [10.0 ** -len(text.partition(".")[2]) for text in (one, other) if "e" not in text.lower()]
    place = max(shown, default=0.0)  # the last one that is shown may be rounded to either side
    return abs(a - b) <= max(RELATIVE * max(abs(a), abs(b)), ABSOLUTE, 1.01 * place)
