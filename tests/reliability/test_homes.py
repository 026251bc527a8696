"""Promise 19: with a home that cannot be written, none at all, a full disk or names of any letters, commands work or
name the setting that helps.

Each case runs whole commands in a process that is forked, so that it can give up its rights: the superuser's too are
then those of an ordinary user.
"""

import ctypes
import json
import os
import resource
import signal
import subprocess
import sys
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from seqlab.cli.main import main
from seqlab.data.series import quote_store
from tests.conftest import Outcome, made_up_code
from tests.reliability.conftest import Tried, many

if os.name != "posix" or sys.platform == "darwin":
    pytest.skip("rights and limits of Linux", allow_module_level=True)

FORECAST = ("forecast", "AAPL", "--offline", "--origins=1", "--horizon=1", "--json", "--threads=1")
TRAIN = ("train-text", "words.txt", "--set", "max_steps=1", "--set", "hidden_size=8", "--threads=1")
FETCH = ("data", "fetch", "stacks", "--offline")
OURS = ("SEQLAB_CACHE", "SEQLAB_CHECKPOINTS", "XDG_CACHE_HOME", "HOME")
Commands = Sequence[Sequence[object]]


def without_rights() -> None:
    """Give up what lets a superuser pass all permissions; others have no such rights."""
    header, rights = (ctypes.c_uint32 * 2)(0x20080522, 0), (ctypes.c_uint32 * 6)()
    if os.geteuid() == 0 and ctypes.CDLL(None, use_errno=True).capset(header, rights):
        raise OSError(ctypes.get_errno(), "capset")


def living(
    commands: Commands, environment: dict[str, str], prepare: Callable[[], None] = without_rights
) -> list[Outcome]:
    """What commands do, one after the other, in a forked process with these variables instead of ours."""
    reader, writer = os.pipe()
    child = os.fork()
    if not child:
        status = 1
        try:
            os.close(reader)
            for name in OURS:
                os.environ.pop(name, None)
            os.environ.update(environment)
            prepare()
            with os.fdopen(writer, "w") as told:
                json.dump([_run(words) for words in commands], told)
            status = 0
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(status)
    os.close(writer)
    with os.fdopen(reader) as told:
        text = told.read()
    assert os.waitpid(child, 0)[1] == 0
    return [Outcome(*one) for one in json.loads(text)]


def _run(words: Sequence[object]) -> tuple[int, str, str]:
    """In the child: its streams are pipes, as a limit on the size of files would meet them too."""
    import io

    status, before = -1, (sys.stdout, sys.stderr)
    out, err = io.StringIO(), io.StringIO()
    sys.stdout, sys.stderr = out, err
    try:
        main([str(word) for word in words])
    except SystemExit as end:
        status = int(end.code or 0)
    finally:
        sys.stdout, sys.stderr = before
    return status, out.getvalue(), err.getvalue()


@pytest.fixture
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder, with a text in it; a home beside it."""
    work = tmp_path / "work"
    for folder in (work, tmp_path / "home"):
        folder.mkdir()
    (work / "words.txt").write_text(made_up_code(400))
    monkeypatch.chdir(work)
    return work


def assert_sound(outcomes: list[Outcome]) -> None:
    for one in outcomes:
        assert "Traceback" not in one.err and "report it" not in one.err, one
        assert one.status in (0, 1), one


def assert_refused(one: Outcome, *words: str) -> None:
    assert one.status == 1 and all(word in one.err for word in words), one


@pytest.mark.parametrize("mode", [0o500, 0o000])
def test_a_home_that_cannot_be_written(mode: int, work: Path, tried: Tried) -> None:
    home = work.parent / "home"
    home.chmod(mode)
    try:
        outcomes = living([FORECAST, TRAIN, ("data", "list"), FETCH], {"HOME": str(home)})
    finally:
        home.chmod(0o700)
    assert_sound(outcomes)
    forecast, train, listed, fetched = outcomes
    assert (forecast.status, train.status, listed.status) == (0, 0, 0), outcomes
    assert forecast.json["forecasts"][0]["source"] == "snapshot"
    assert (work / "checkpoints" / "words" / "config.json").exists()
    assert_refused(fetched, "SEQLAB_CACHE", str(home))
    assert not any(home.iterdir())
    tried(19, len(outcomes))


def test_a_working_folder_that_cannot_be_written(work: Path, tried: Tried) -> None:
    work.chmod(0o500)
    elsewhere = work.parent / "home" / "mine"
    try:
        outcomes = living(
            [("checkpoints", "list"), TRAIN, (*TRAIN, "-o", elsewhere)], {"HOME": str(work.parent / "home")}
        )
    finally:
        work.chmod(0o700)
    assert_sound(outcomes)
    listed, train, moved = outcomes
    assert (listed.status, moved.status) == (0, 0), outcomes
    assert_refused(train, "checkpoints")
    assert (elsewhere / "config.json").exists()
    tried(19, len(outcomes))


def test_no_home_at_all(work: Path, monkeypatch: pytest.MonkeyPatch, tried: Tried) -> None:
    import pwd

    def nobody(number: int) -> None:
        raise KeyError(f"getpwuid(): uid not found: {number}")

    monkeypatch.setattr(pwd, "getpwuid", nobody)
    outcomes = living([FORECAST, TRAIN, ("data", "list"), FETCH], {})
    outcomes += living([("data", "list")], {"SEQLAB_CACHE": "~nobody-of-that-name/cache"})
    assert_sound(outcomes)
    assert [one.status for one in outcomes] == [0, 0, 0, 1, 0], outcomes
    assert_refused(outcomes[3], "SEQLAB_CACHE")
    assert sorted(path.name for path in work.iterdir()) == ["checkpoints", "words.txt"]
    tried(19, len(outcomes))


def test_a_home_that_is_a_file_or_is_not_there(work: Path, tried: Tried) -> None:
    file = work.parent / "file"
    file.write_text("")
    outcomes = living([TRAIN, ("data", "list"), FETCH], {"HOME": str(file)})
    assert_sound(outcomes)
    assert [one.status for one in outcomes[:2]] == [0, 0], outcomes
    assert_refused(outcomes[2], "SEQLAB_CACHE")
    (outcome,) = living([("data", "list")], {"HOME": str(work.parent / "new" / "home")})
    assert outcome.status == 0
    tried(19, len(outcomes) + 1)


def test_a_full_disk(work: Path, tried: Tried) -> None:
    """As it is met: no file may grow beyond some bytes."""

    def full() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000))

    home = work.parent / "home"
    outcomes = living([TRAIN, ("data", "list"), ("checkpoints", "list")], {"HOME": str(home)}, full)
    assert_sound(outcomes)
    assert [one.status for one in outcomes[1:]] == [0, 0], outcomes
    assert_refused(outcomes[0], "cannot be written", "SEQLAB_CACHE")
    assert not list(home.rglob("*.part"))
    assert not (work / "checkpoints").exists()
    tried(19, len(outcomes))


NAMES = ["héim ü 名前 'q' \"q\" $HOME `x`", "a\nb \udcff", "-rf", "[x]{y}*", "my home"]


@pytest.mark.parametrize("name", NAMES[: many(2, 5)])
def test_names_with_blanks_and_all_letters(name: str, work: Path, tried: Tried) -> None:
    home = work.parent / name
    home.mkdir()
    place = work / name
    place.mkdir()
    text = place / f"{name.strip()} words.txt"
    (work / "words.txt").rename(text)
    commands = [
        (TRAIN[0], text, *TRAIN[2:], "--checkpoints", place / "trained"),
        ("checkpoints", "list", "--checkpoints", place / "trained", "--json"),
        ("data", "list", "--json"),
    ]
    outcomes = living(commands, {"HOME": str(home)})
    assert_sound(outcomes)
    assert [one.status for one in outcomes] == [0] * 3, outcomes
    assert (home / ".cache" / "seqlab" / "corpora").is_dir()
    (made,) = (path for path in (place / "trained").iterdir() if path.is_dir())
    assert made.name in json.dumps(outcomes[1].json, ensure_ascii=False)
    tried(19, len(outcomes))


def test_no_locale(work: Path, tried: Tried) -> None:
    """Neither a language nor a home nor anything else is set."""
    (work / "größe.txt").write_text("größe 名前\n" * 300, encoding="utf-8")
    for number, variables in enumerate(({}, {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"})):
        environment = {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": os.pathsep.join(sys.path),
            "SEQLAB_CACHE": str(work / "c"),
        }
        words = [TRAIN[0], "größe.txt", *TRAIN[2:], "-o", f"made{number}"]
        command = [sys.executable, "-m", "seqlab", *words]
        done = subprocess.run(command, env=environment | variables, capture_output=True, timeout=120)
        assert done.returncode == 0, done
        config = json.loads((work / f"made{number}" / "config.json").read_bytes())
        assert {"ö", "名"} <= set(config["vocab"])
    tried(19, 2)


def test_quotes_that_cannot_be_kept_are_given_all_the_same(work: Path, tried: Tried) -> None:
    """An old store in a home that is now read-only is read."""
    import pandas as pd

    from seqlab.data.series.series import FIELDS

    days = pd.bdate_range("2020-01-01", periods=400).astype("datetime64[ns]")
    frame = pd.DataFrame({"date": days} | {field: 50.0 + (pd.Series(range(400)) * 7) % 11 for field in FIELDS})
    home = work.parent / "home"
    os.environ["SEQLAB_CACHE"] = str(home / ".cache" / "seqlab")  # put back by the fixture of all tests
    quote_store.store("MINE", frame)
    folder = home / ".cache" / "seqlab"
    for path in (*folder.iterdir(), folder):
        path.chmod(0o500 if path.is_dir() else 0o400)
    try:
        (outcome,) = living([("forecast", "MINE", *FORECAST[2:])], {"HOME": str(home)})
    finally:
        folder.chmod(0o700)
    assert outcome.status == 0 and outcome.json["forecasts"][0]["source"] == "store", outcome
    tried(19)
