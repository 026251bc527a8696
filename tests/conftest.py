"""What every test gets: folders of its own, no network, one thread, and a tiny trained checkpoint."""

import json
import os
import random
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import hypothesis
import pytest
import torch

from tests.reliability.promises import write_table

OUTER_MIRROR = os.environ.get("SEQLAB_MIRROR", "")
OWN_VARIABLES = ("SEED", "DEVICE", "THREADS", "PRECISION", "DEBUG", "MIRROR")

# a background job inherits SIGINT ignored, and so would the commands that the tests start and interrupt
signal.signal(signal.SIGINT, signal.default_int_handler)
hypothesis.settings.register_profile("seqlab", deadline=None, max_examples=50, database=None)
hypothesis.settings.load_profile("seqlab")


@pytest.fixture(autouse=True)
def own_surroundings(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Cache and checkpoints in a temporary folder; no network; the mirror only for tests marked `mirror`."""
    for name in OWN_VARIABLES:
        monkeypatch.delenv(f"SEQLAB_{name}", raising=False)
    monkeypatch.setenv("SEQLAB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("SEQLAB_CHECKPOINTS", str(tmp_path / "checkpoints"))
    monkeypatch.setenv("SEQLAB_OFFLINE", "1")
    if request.node.get_closest_marker("mirror"):
        if not OUTER_MIRROR:
            pytest.skip("SEQLAB_MIRROR is not set: no real data here")
        monkeypatch.setenv("SEQLAB_MIRROR", OUTER_MIRROR)
    torch.set_num_threads(1)
    torch.manual_seed(0)
    yield
    torch.set_default_dtype(torch.float32)


@pytest.fixture
def float64() -> Iterator[None]:
    """Everything made inside is double precision, so that equalities can be tight."""
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


@dataclass(frozen=True)
class Outcome:
    """What a run of the command line left behind."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The one JSON object on standard output."""
        (line,) = self.out.splitlines()
        return json.loads(line)

    @property
    def lines(self) -> list[Any]:
        return [json.loads(line) for line in self.out.splitlines()]

    def fails(self, status: int, *words: str) -> None:
        """Check that it is an error as the contract has it: a status, two lines or one of JSON, no result."""
        assert (self.status, self.out) == (status, ""), self
        errors = self.err.splitlines()[-2:]
        if errors and errors[-1].startswith("{"):
            said = json.loads(errors[-1])
            errors = [f"{name}: {said[name]}" for name in ("error", "hint")]
        assert [line.split(": ")[0] for line in errors] == ["error", "hint"], self.err
        assert "Traceback" not in self.err
        for word in words:
            assert word in "\n".join(errors), f"{word!r} is not in {errors}"


@pytest.fixture
def cli(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Callable[..., Outcome]:
    """Run the command line in this process."""
    from seqlab.cli.main import main

    def run(*arguments: object) -> Outcome:
        words = [str(argument) for argument in arguments]
        monkeypatch.setattr(sys, "argv", ["seqlab", *words])
        handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
        capfd.readouterr()
        try:
            with pytest.raises(SystemExit) as end:
                main(words)
        finally:
            for number, handler in handlers.items():
                signal.signal(number, handler)
        captured = capfd.readouterr()
        assert isinstance(end.value.code, int)
        return Outcome(end.value.code, captured.out, captured.err)

    return run


def start_python(code: str, *arguments: object) -> "subprocess.Popen[str]":
    """Start a program as a process of its own, with the surroundings of this test."""
    return subprocess.Popen([sys.executable, "-c", code, *map(str, arguments)], stdout=subprocess.PIPE, text=True)


def start_seqlab(*arguments: object, **options: Any) -> "subprocess.Popen[str]":
    """Start the command line as a process of its own, with the surroundings of this test."""
    return subprocess.Popen(
        [sys.executable, "-m", "seqlab", *map(str, arguments)],
        **{"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True, **options},
    )


def run_seqlab(*arguments: object, **options: Any) -> Outcome:
    """Run the command line as a process of its own."""
    process = start_seqlab(*arguments, **options)
    out, err = process.communicate(timeout=60)
    return Outcome(process.returncode, out, err)


def made_up_code(lines: int, seed: int = 0) -> str:
    """Text that a small net learns something about: lines of C after a few patterns."""
    chance = random.Random(seed)
    names = ["count", "index", "left", "right", "size", "node"]
    shapes = ["int {a} = {b};", "if ({a} < {b})", "\treturn {a};", "{a} += {b};", "while ({a} > {b})"]
    text = [chance.choice(shapes).format(a=chance.choice(names), b=chance.choice(names)) for _ in range(lines)]
    return "\n".join(text) + "\n"


@pytest.fixture(scope="session")
def small_text(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A text file of about 8,000 characters."""
    path = tmp_path_factory.mktemp("text") / "small.txt"
    path.write_text(made_up_code(500))
    return path


@pytest.fixture(scope="session")
def shared_checkpoints(tmp_path_factory: pytest.TempPathFactory, small_text: Path) -> Path:
    """A folder with the checkpoint `small`, a tiny LSTM trained on `small_text`. To be read, not changed."""
    from seqlab.data.text.corpus import load_corpus
    from seqlab.language.train import train
    from seqlab.machine import Compute
    from seqlab.runs import RunOptions
    from seqlab.settings import LanguageSettings
    from seqlab.tasks import Task

    folder = tmp_path_factory.mktemp("trained")
    torch.set_num_threads(1)
    settings = LanguageSettings(
        hidden_size=32,
        embedding_size=16,
        num_layers=1,
        batch_size=8,
        seq_len=32,
        max_steps=150,
        lr=2e-2,
        eval_every=50,
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SEQLAB_CACHE", str(tmp_path_factory.mktemp("cache")))
        corpus = Task(load_corpus(str(small_text))).result()
    options = RunOptions(folder=folder / "small", compute=Compute(threads=1), command="seqlab")
    Task(train(corpus, settings, options)).result()
    return folder


@pytest.fixture
def trained(shared_checkpoints: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of the checkpoint `small`; commands find it by that name."""
    monkeypatch.setenv("SEQLAB_CHECKPOINTS", str(shared_checkpoints))
    return shared_checkpoints / "small"


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """What the tests of reliability tried; here, for the process that reports loads no conftest of a folder."""
    write_table(terminalreporter)
