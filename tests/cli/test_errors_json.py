"""With --json an error is one object on standard error."""

import json
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from seqlab import errors
from tests.conftest import Outcome, start_seqlab

Cli = Callable[..., Outcome]


def failure(outcome: Outcome) -> dict[str, object]:
    """The object on standard error: its last line, behind what was said on the way."""
    assert outcome.out == ""
    found = json.loads(outcome.err.splitlines()[-1])
    assert list(found) == ["schema", "error", "hint", "kind"] and found["schema"] == 1
    assert found["error"] and found["hint"]
    return found


@pytest.mark.parametrize(
    ("words", "status", "kind", "names"),
    [
        (["forecst", "AAPL"], 2, "usage", "forecst"),
        (["forecast", "AAPL", "--horizon", "x"], 2, "usage", "--horizon"),
        (["forecast", "AAPL", "--no-such"], 2, "usage", "--no-such"),
        (["forecast"], 2, "usage", "TICKER"),
        (["train-text", "small.txt", "--set", "hiden_size=8"], 2, "usage", "hiden_size"),
        (["forecast", "nosuch.csv"], 1, "data", "nosuch.csv"),
        (["data", "fetch", "mnist", "--offline"], 1, "network", "mnist"),
        (["checkpoints", "show", "nosuch"], 1, "checkpoint", "nosuch"),
    ],
)
def test_an_error_is_one_object_that_says_of_what_kind(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: list[str], status: int, kind: str, names: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("small.txt").write_text("int a = 1;\n" * 100)
    for_people, for_scripts = cli(*words), cli(*words, "--json")
    for_people.fails(status)
    assert for_scripts.status == status
    found = failure(for_scripts)
    assert found["kind"] == kind and names in str(found["error"])
    said = [f"error: {found['error']}", f"hint: {found['hint']}"]
    assert for_people.err.splitlines()[-2:] == said
    assert len(cli(*words, "--json", "-q").err.splitlines()) == 1


def test_what_nobody_thought_of_is_an_object_too(cli: Cli, trained: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from seqlab import checkpoint

    def broken(_: object) -> None:
        raise RuntimeError("two\nlines")

    monkeypatch.setattr(checkpoint, "find", broken)
    found = failure(cli("checkpoints", "show", "small", "--json"))
    assert (found["kind"], found["error"]) == ("bug", "RuntimeError: two lines")


def test_an_interrupted_training_ends_with_an_object(small_text: Path) -> None:
    words = ["train-text", small_text, "--threads=1", "--set=hidden_size=8", "--set=max_steps=100000", "--json"]
    process = start_seqlab(*words, "--set=eval_every=5")
    assert process.stdout is not None
    process.stdout.readline()  # it trains
    time.sleep(0.1)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 130
    assert json.loads(said.splitlines()[-1])["kind"] == "interrupted"


def test_every_class_of_errors_has_a_kind_of_its_own() -> None:
    classes = [one for one in vars(errors).values() if isinstance(one, type) and issubclass(one, errors.SeqlabError)]
    assert len({one.kind for one in classes}) == len(classes) == 6
