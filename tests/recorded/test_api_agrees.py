"""What a command prints as JSON is what the library answers to the same question: for every recorded command.

Each is asked here as a library user would, in a folder like the one that the command began in, and the `to_dict()` of
the answer is compared with the command's JSON. Times and rates aside they are equal, digit for digit.
"""

import ast
import importlib
import io
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import pytest

import seqlab
from seqlab.cli.main import COMMANDS as MODULES
from tests.recorded.commands import COMMANDS, Command
from tests.recorded.recording import Player, surroundings

MEASURED = {"seconds", "rate", "chars_per_second"}  # how fast the machine was
NO_ANSWER = {"data", "checkpoints", "completion", "doctor", "lab"}  # commands that list and look, or run an experiment


def parsed(command: Command) -> dict[str, Any]:
    """What a command says, by click's own reading of it."""
    name, *words = command.words
    with pytest.MonkeyPatch.context() as patch:  # a config may be named
        patch.setattr(sys, "stdin", io.StringIO())
        click_command = importlib.import_module(f"seqlab.cli.commands.{MODULES[name][0]}").command
        context = click_command.make_context(name, words)
    said = dict(context.params)
    source = context.get_parameter_source("model")
    said["model"] = said.get("model") if source is click.core.ParameterSource.COMMANDLINE else None
    return said


def value_of(written: str) -> Any:
    """A setting as a library user writes it: 3, 0.1, True, None or a word."""
    words = {"none": None, "true": True, "false": False}
    if written.lower() in words:
        return words[written.lower()]
    try:
        return ast.literal_eval(written)
    except (ValueError, SyntaxError):
        return written


def device(said: dict[str, Any]) -> dict[str, Any]:
    return {name: said[name] for name in ("device", "precision", "threads")}


def options(said: dict[str, Any]) -> dict[str, Any]:
    """Device, seed and settings, as keyword arguments."""
    settings = {name: value_of(value) for name, _, value in (one.partition("=") for one in said["set_"])}
    seed = {} if said["seed"] is None else {"seed": said["seed"]}
    return {**device(said), **seed, **settings}


def run_options(said: dict[str, Any]) -> dict[str, Any]:
    """Those of a training, too."""
    names = ("epochs", "minutes", "resume", "overwrite")
    return {**options(said), **{name: said[name] for name in names}, "folder": said["output"]}


def kind(said: dict[str, Any]) -> str:
    return "levels" if said["levels"] else "returns" if said["returns"] else "auto"


def forecast(said: dict[str, Any]) -> dict[str, Any]:
    own = {name: said[name] for name in ("columns", "as_of", "origins", "stride", "baselines", "model", "refit")}
    own |= {"kind": kind(said), **options(said)}
    return seqlab.forecast(list(said["names"]), said["horizon"], offline=True, **own).to_dict()


def generate(said: dict[str, Any]) -> dict[str, Any]:
    names = ("temperature", "top_k", "top_p", "min_p", "stop", "samples", "adapt", "check_copies")
    model = seqlab.load(said["corpus"], **device(said))
    own = {name: said[name] for name in names}
    own["cache"] = not said["no_cache"]
    return model.generate(said["prompt"], said["length"], seed=said["seed"] or 0, **own).to_dict()


def score(said: dict[str, Any], fed: str) -> dict[str, Any]:
    text = fed if said["file"] == "-" else Path(said["file"]).read_text()
    return seqlab.load(said["corpus"], **device(said)).score(text).to_dict()


def evaluate(said: dict[str, Any]) -> dict[str, Any]:
    model = seqlab.load(said["checkpoint"], **device(said))
    own = {
        "language": {"adapt": said["adapt"], "cache": not said["no_cache"]},
        "forecasting": {"columns": said["columns"], "kind": kind(said)},
        "vision": {"data_dir": said["data_dir"]},
    }
    return model.evaluate(said["data"], **own.get(model.checkpoint.config["job"], {})).to_dict()


def predict(said: dict[str, Any]) -> dict[str, Any]:
    model = seqlab.load(said["checkpoint"], **device(said))
    if model.checkpoint.config["job"] == "vision":
        return model.predict(said["files"], top=said["top"], views=said["views"]).to_dict()
    return model.predict_frame(said["files"][0]).to_dict()


def structure(said: dict[str, Any]) -> dict[str, Any]:
    names = said["names"][0] if len(said["names"]) == 1 else list(said["names"])
    found = seqlab.structure(names, columns=said["columns"], kind=kind(said), offline=True, **options(said))
    return found.to_dict(top=said["top"])


def train_text(said: dict[str, Any]) -> dict[str, Any]:
    return seqlab.train_text(said["corpus"], start=said["start"], offline=True, **run_options(said)).result().to_dict()


def train_forecaster(said: dict[str, Any]) -> dict[str, Any]:
    own = {name: said[name] for name in ("cut", "columns", "start")}
    done = seqlab.train_forecaster(list(said["names"]), kind=kind(said), offline=True, **own, **run_options(said))
    return done.result().to_dict()


def train_cnn(said: dict[str, Any]) -> dict[str, Any]:
    own = {name: said[name] for name in ("model", "folds", "size", "data_dir")}
    return seqlab.train_cnn(said["dataset"], offline=True, **own, **run_options(said)).result().to_dict()


def train_mlp(said: dict[str, Any]) -> dict[str, Any]:
    own = {name: said[name] for name in ("task", "folds", "groups", "time", "test")}
    l2 = {} if said["l2"] is None else {"l2": said["l2"]}
    return seqlab.train_mlp(said["file"], said["target"], **own, **l2, **run_options(said)).result().to_dict()


ANSWERS: dict[str, Callable[..., dict[str, Any]]] = {
    "forecast": forecast,
    "generate": generate,
    "score": score,
    "evaluate": evaluate,
    "predict": predict,
    "structure": structure,
    "train-text": train_text,
    "train-forecaster": train_forecaster,
    "train-cnn": train_cnn,
    "train-mlp": train_mlp,
}
ASKED = [
    command.name
    for command in COMMANDS.values()
    if "--json" in command.words and command.words[0] not in NO_ANSWER and "--list" not in command.words
]


def comparable(answer: Any) -> Any:
    """An answer as JSON has it, without what is measured anew each time."""
    if isinstance(answer, dict):
        return {name: comparable(one) for name, one in answer.items() if name not in MEASURED | {"schema"}}
    if isinstance(answer, list | tuple):
        return [comparable(one) for one in answer]
    return answer


@pytest.mark.parametrize("name", ASKED)
def test_the_library_answers_what_the_command_prints(player: Player, name: str) -> None:
    command = COMMANDS[name]
    player.record(name)
    *_, printed = player.outcomes[name].lines
    folder = player.prepared(name)
    with surroundings(command, folder), pytest.MonkeyPatch.context() as patch:
        said = parsed(command)
        data = (folder / command.stdin).read_bytes() if command.stdin else b""
        fed = data.decode()
        patch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))
        ask = ANSWERS[command.words[0]]
        answer = ask(said, fed) if ask is score else ask(said)
    assert comparable(json.loads(json.dumps(answer))) == comparable(printed)


def test_every_command_that_answers_is_asked() -> None:
    assert set(ANSWERS) | NO_ANSWER == set(MODULES)
