"""Files that are none: every command that opens a path refuses them at once, and waits for nothing."""

import os
import signal
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import seqlab
from tests.conftest import Outcome
from tests.reliability.conftest import Tried

WAIT, CPU = 120, 5.0  # seconds that a busy machine may need, and those of work
DEVICES = ("null", "zero", "full", "random", "urandom", "tty")
PROC = ("self/mem", "self/pagemap", "self/status", "self/maps", "self/environ", "kmsg", "cpuinfo", "kcore")
FIXTURES = (
    *("pipe", "pipe.csv", "pipe.txt", "pipe.png", "pipe.toml", "pipe.tar.gz", "link_to_pipe", "socket", "socket.csv"),
    *(
        "itself",
        "circle.csv",
        "dangling.csv",
        "missing.csv",
        "folder.csv",
        "folder",
        "empty.csv",
        "empty",
        "spaces.csv",
    ),
    *("binary.csv", "binary.txt", "binary.gz", "nul.csv", "nul.txt", "name\nof lines.csv", "n" * 300 + ".csv", "\x00"),
    *(f"dev_{name}" for name in DEVICES),
    *(f"link_to_{name}.csv" for name in ("null", "zero")),
    *(f"proc_{name}" for name in PROC),
    "a_file/below.csv",
)
COMMANDS: dict[str, tuple[str, ...]] = {
    "forecast": ("forecast", "ODD"),
    "forecast a column": ("forecast", "ODD", "--column", "a"),
    "structure of a table": ("structure", "ODD"),
    "structure of series": ("structure", "ODD", "GOOD"),
    "train-forecaster": ("train-forecaster", "ODD"),
    "train-mlp": ("train-mlp", "ODD", "--target", "y"),
    "train-mlp --test": ("train-mlp", "GOOD", "--target", "y", "--test", "ODD"),
    "train-text": ("train-text", "ODD"),
    "train-cnn": ("train-cnn", "ODD"),
    "train-cnn cifar10": ("train-cnn", "cifar10", "--data-dir", "ODD"),
    "train-cnn mnist": ("train-cnn", "mnist", "--data-dir", "ODD"),
    "score": ("score", "ODD", "--corpus", "linux"),
    "predict a table": ("predict", "TABLE", "ODD"),
    "predict an image": ("predict", "cifar10", "ODD"),
    "evaluate a text model": ("evaluate", "linux", "ODD"),
    "evaluate a table's model": ("evaluate", "TABLE", "ODD"),
    "evaluate a classifier": ("evaluate", "cifar10", "ODD"),
    "evaluate a forecaster": ("evaluate", "quotes", "ODD"),
    "generate --check-copies": ("generate", "--corpus", "linux", "--length", "5", "--check-copies=ODD"),
    "--config": ("doctor", "--config", "ODD"),
    "a checkpoint": ("checkpoints", "verify", "ODD"),
}

FINE = {
    ("score", "spaces.csv"),
    *(("--config", one) for one in ("spaces.csv", "empty.csv", "empty", "name\nof lines.csv")),
}


class Hang(BaseException):
    """What no command catches."""


@pytest.fixture(autouse=True)
def alarm() -> Iterator[None]:
    def late(*_: Any) -> None:
        raise Hang

    before = signal.signal(signal.SIGALRM, late)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A good file, which is a table and a series, and the checkpoint of a small net trained on it."""
    folder = tmp_path_factory.mktemp("good")
    file = folder / "good.csv"
    rows = "".join(f"2024-{1 + k // 28:02d}-{1 + k % 28:02d},{k % 7},{(k * k) % 5}\n" for k in range(80))
    file.write_text("date,x,y\n" + rows)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setenv("SEQLAB_CHECKPOINTS", str(folder / "checkpoints"))
        seqlab.train_mlp(file, "y", max_steps=20, threads=1).result()
    return file, folder / "checkpoints" / "good"


@pytest.mark.parametrize("name", COMMANDS)
def test_no_command_waits_for_what_is_no_file(
    name: str, tmp_path: Path, cli: Callable[..., Outcome], table: tuple[Path, Path], tried: Tried
) -> None:
    for fixture in FIXTURES:
        path = made(fixture, tmp_path)
        values = {"ODD": path, "GOOD": str(table[0]), "TABLE": str(table[1])}
        words = [values.get(word, word.replace("ODD", path)) for word in COMMANDS[name]]
        begun = time.process_time()
        signal.alarm(WAIT)
        try:
            outcome = cli(*words, "--offline")
        except Hang:
            pytest.fail(f"{name} waits for {fixture}")
        signal.alarm(0)
        taken = time.process_time() - begun
        is_fine = (name, fixture) in FINE
        assert outcome.status in ((0,) if is_fine else (1, 2)), (name, fixture, outcome)
        assert "Traceback" not in outcome.err and "report it" not in outcome.err, (name, fixture, outcome.err)
        assert is_fine or outcome.err.splitlines()[-1].startswith("hint: "), (name, fixture, outcome.err)
        assert taken < CPU, (name, fixture, taken)
    tried(10, len(FIXTURES))


def made(fixture: str, folder: Path) -> str:
    """The path of what is no file, or none that a command can use."""
    if fixture.startswith("dev_"):
        return f"/dev/{fixture.removeprefix('dev_')}"
    if fixture.startswith("proc_"):
        return f"/proc/{fixture.removeprefix('proc_')}"
    if fixture == "\x00":
        return "\udcff.csv"  # bytes that are no UTF-8: of a name alone, as no argument has a NUL
    path = folder / fixture
    if len(fixture) > 255 or "missing" in fixture or path.is_symlink() or path.exists():
        return str(path)
    kind = fixture.partition(".")[0]
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "link_to_pipe":
        os.mkfifo(folder / "behind")
        path.symlink_to(folder / "behind")
    elif kind.startswith("link_to_"):
        path.symlink_to(f"/dev/{kind.removeprefix('link_to_')}")
    elif kind == "socket":
        address = f"/tmp/s{os.getpid()}{fixture}"  # a socket's path is short
        with socket.socket(socket.AF_UNIX) as one:
            one.bind(address)
        Path(address).rename(path)
    elif kind in ("itself", "circle", "dangling"):
        path.symlink_to(path if kind == "itself" else folder / f"other_{fixture}")
        if kind == "circle":
            (folder / f"other_{fixture}").symlink_to(path)
    elif kind == "folder":
        path.mkdir()
    elif fixture == "a_file/below.csv":
        (folder / "a_file").write_text("a,b\n1,2\n")
    else:
        content = {
            "empty": b"",
            "spaces": b"  \n\t\n" * 5,
            "binary": bytes(range(256)) * 64,
            "nul": b"a,b\n1,2\n" + bytes(99),
        }
        path.write_bytes(content.get(kind, b""))
    return str(path)
