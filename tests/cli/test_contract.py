"""The command line's contract, as people and scripts rely on it."""

import dataclasses
import importlib
import json
import os
import pty
import re
import select
import shutil
import signal
import subprocess
import sys
import time
import tomllib
from collections.abc import Callable, Generator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import click
import pytest

import seqlab
from seqlab import settings
from seqlab.cli import main as entry
from seqlab.cli import progress
from seqlab.cli.options import Common
from seqlab.data.fetch.cache import Transfer
from seqlab.formatting import duration, plain
from seqlab.settings import (
    ForecastSettings,
    LanguageSettings,
    StructureSettings,
    TableSettings,
    VisionSettings,
)
from seqlab.tasks import Task
from tests.conftest import Outcome, run_seqlab, start_seqlab

Cli = Callable[..., Outcome]

TINY = [
    "--set=hidden_size=8",
    "--set=embedding_size=4",
    "--set=num_layers=1",
    "--set=batch_size=4",
    "--set=seq_len=16",
]


def train_words(text: Path, steps: int = 12, *more: object) -> list[object]:
    return ["train-text", text, "--threads=1", *TINY, f"--set=max_steps={steps}", "--set=eval_every=5", *more]


# Every command and option

COMMON = {
    *("-q", "--quiet", "--json", "--seed", "--device", "--threads", "--precision", "-o", "--output", "--set"),
    *("--config", "--checkpoints", "--offline", "--help"),
}

OF_TRAINING = {"--epochs", "--minutes", "--resume", "--overwrite", "--tensorboard"}  # common to the train commands

# What each command has beside the common options: a list people and scripts build on. Change it with the contract.
OWN = {
    "forecast": "--as-of --backtest --baselines --column --freq --holidays --horizon --id --kind --known --levels "
    "--model --origins --past --quantiles --refit --returns --stride --target --time",
    "generate": "--adapt --check-copies --corpus --length --min-p --no-cache --prompt --samples --stop --temperature "
    "--top-k --top-p",
    "score": "--corpus",
    "train-text": "--epochs --from --minutes --overwrite --resume --tensorboard",
    "train-forecaster": "--column --cut --epochs --freq --from --id --kind --levels --minutes --overwrite "
    "--resume --returns --target --tensorboard --time",
    "train-cnn": "--data-dir --epochs --folds --list --minutes --model --overwrite --resume --size --tensorboard",
    "train-mlp": "--curve --epochs --folds --groups --l2 --minutes --overwrite --resume --target --task --tensorboard "
    "--test --time",
    "structure": "--column --freq --kind --levels --returns --top",
    "evaluate": "--adapt --column --data-dir --freq --id --kind --levels --no-cache --plot --returns --target --time "
    "--writing",
    "predict": "--top --views",
    "lab list": "",
    "lab run": "--scale --seeds",
    "data list": "",
    "data fetch": "",
    "data path": "",
    "checkpoints list": "",
    "checkpoints show": "",
    "checkpoints verify": "",
    "checkpoints export": "--onnx",
    "completion": "--install",
    "doctor": "",
}


def all_commands() -> dict[str, click.Command]:
    found: dict[str, click.Command] = {}
    for name, (module, _) in entry.COMMANDS.items():
        command = importlib.import_module(f"seqlab.cli.commands.{module}").command
        if isinstance(command, click.Group):
            found |= {f"{name} {inner}": below for inner, below in command.commands.items()}
        else:
            found[name] = command
    return found


def options_of(command: click.Command) -> set[str]:
    context = click.Context(command, help_option_names=["-h", "--help"])  # which it keeps
    flags = {flag for p in command.get_params(context) if isinstance(p, click.Option) for flag in p.opts}
    return flags - {"-h"}  # the short form of --help, which a command has once it was called below the group


def test_the_options_of_every_command_are_the_frozen_ones() -> None:
    commands = all_commands()
    assert {name: " ".join(sorted(options_of(command) - COMMON)) for name, command in commands.items()} == OWN


def test_common_options_are_everywhere_and_own_ones_few() -> None:
    for name, command in all_commands().items():
        assert options_of(command) >= COMMON, name
        own = [p for p in command.params if set(p.opts) - COMMON - OF_TRAINING and isinstance(p, click.Option)]
        assert len(own) <= (20 if name == "forecast" else 14), name


def test_every_command_and_option_says_what_it_is_for(cli: Cli) -> None:
    listed = cli("--help")
    assert listed.status == 0 and listed.err == ""
    for name, command in all_commands().items():
        assert re.search(rf"^  {name.split()[0]} +[A-Z].*\.$", listed.out, re.M), name
        assert command.help, name
        for parameter in command.params:
            if isinstance(parameter, click.Option) and not parameter.metavar:
                assert parameter.help, f"{name} {parameter.opts}"


def test_version(cli: Cli) -> None:
    assert cli("--version") == Outcome(0, f"seqlab, version {seqlab.__version__}\n", "")


@pytest.mark.parametrize("arguments", [[], ["checkpoints"]])
def test_without_a_command_the_help_is_shown(cli: Cli, arguments: list[str]) -> None:
    shown = cli(*arguments)
    assert (shown.status, shown.out) == (2, "")
    assert "Usage: seqlab" in shown.err and "Commands:" in shown.err and "error" not in shown.err


def test_help_is_fast() -> None:
    """Under 0.15 s on an idle machine; a busy one is given time, an import of torch is not."""
    times = []
    for _ in range(3):
        start = time.process_time(), os.times().children_user + os.times().children_system
        assert run_seqlab("--help").status == 0
        times.append(os.times().children_user + os.times().children_system - start[1])
    assert min(times) < 0.4


# Standard output and standard error


def test_generate_writes_text_out_and_talk_aside(cli: Cli, trained: Path) -> None:
    done = cli("generate", "--corpus", "small", "--length", 50, "--prompt", "int ", "--seed", 3)
    assert done.status == 0
    assert done.out.startswith("int ") and len(done.out) == 4 + 50 + 1
    assert str(trained) in done.err and "50 characters" in done.err  # which one was taken is said
    quiet = cli("generate", "--corpus", trained, "--length", 50, "--prompt", "int ", "--seed", 3, "-q")
    assert (quiet.out, quiet.err) == (done.out, "")


def test_generate_as_json(cli: Cli, trained: Path) -> None:
    plain_text = cli("generate", "--corpus", "small", "--length", 40, "--seed", 3).out[:-1]
    done = cli("generate", "--corpus", "small", "--length", 40, "--seed", 3, "--json")
    assert list(done.json) == ["schema", "checkpoint", "seed", "samples", "chars_per_second"]
    assert (done.json["schema"], done.json["checkpoint"], done.json["seed"]) == (1, "small", 3)
    (sample,) = done.json["samples"]
    assert sample["text"] == plain_text and len(plain_text) == 40
    assert -4 < sample["log_likelihood_per_char"] < 0
    assert done.json["chars_per_second"] > 0


def test_generate_several_samples(cli: Cli, trained: Path, tmp_path: Path) -> None:
    words = ["generate", "--corpus", "small", "--length", 40, "--seed", 3, "--prompt", "int ", "--samples", 3]
    done, shown = cli(*words, "--json"), cli(*words)
    texts = [sample["text"] for sample in done.json["samples"]]
    assert len(texts) == len(set(texts)) == 3
    assert shown.out == "\n\n".join(f"==> sample {k} of 3 <==\nint {texts[k - 1]}" for k in (1, 2, 3)) + "\n"
    assert "120 characters" in shown.err and "\x1b" not in shown.err
    assert cli(*words, "-o", tmp_path / "texts.txt").out == ""
    assert (tmp_path / "texts.txt").read_text() == shown.out
    assert cli(*words[:-2]).out == f"int {texts[0]}\n"


def test_generate_until_a_string(cli: Cli, trained: Path) -> None:
    words = ["generate", "--corpus", "small", "--length", 60, "--seed", 3]
    whole = cli(*words).out[:-1]
    stop = whole[20:22]
    assert cli(*words, "--stop", stop).out == whole.split(stop)[0] + "\n"
    at_once = cli(*words, "--stop", whole[0], "--json").json["samples"]
    assert at_once == [{"text": "", "log_likelihood_per_char": None}]


def test_without_a_seed_each_text_is_another_and_can_be_written_again(cli: Cli, trained: Path) -> None:
    first, second = (cli("generate", "small", "--length", 60, "--json") for _ in "ab")
    texts = [one.json["samples"][0]["text"] for one in (first, second)]
    assert first.json["seed"] != second.json["seed"] and texts[0] != texts[1]
    assert f"--seed {first.json['seed']} " in first.err
    again = cli("generate", "--corpus", "small", "--length", 60, "--seed", first.json["seed"], "--json")
    assert again.json["samples"] == first.json["samples"] and "--seed" not in again.err


def test_generate_into_a_file(cli: Cli, trained: Path, tmp_path: Path) -> None:
    text = cli("generate", "--corpus", "small", "--length", 40, "--seed", 5).out
    done = cli("generate", "--corpus", "small", "--length", 40, "--seed", 5, "-o", tmp_path / "text.txt")
    assert (done.status, done.out) == (0, "")
    assert (tmp_path / "text.txt").read_text() == text
    assert str(tmp_path / "text.txt") in done.err


def test_training_lines_and_their_last(cli: Cli, small_text: Path, tmp_path: Path) -> None:
    done = cli(*train_words(small_text, 12, "--json"))
    assert done.status == 0
    *lines, last = done.lines
    assert all(line["schema"] == 1 for line in [*lines, last])
    assert [line["step"] for line in lines] == [5, 10, 12]
    for line in lines:
        names = {*("step", "epoch", "train_loss", "val_loss", "grad_norm", "lr", "rate", "seconds")}
        assert names <= line.keys() and "final" not in line
    assert names <= last.keys() and last["step"] == 12 and last["train_loss"] == lines[-1]["train_loss"]
    assert last["final"] is True and last["best_step"] in (5, 10, 12)
    metrics = {*("split", "adapted", "nats_per_char", "bits_per_char", "perplexity", "chars")}
    assert metrics <= last.keys()
    assert last["checkpoint"] == str(tmp_path / "checkpoints" / "small")
    # plain lines, no animation; evaluations that follow within a second have none, but for the last
    assert 2 <= done.err.count("step ") <= 3 and "step      12/12" in done.err and "\x1b" not in done.err
    assert f"saved in {last['checkpoint']}" in done.err
    assert "seqlab generate --corpus small" in done.err  # the command that uses it next
    measured = cli("evaluate", "small", small_text, "--threads=1", "--json")
    assert {k: v for k, v in last.items() if k in metrics} == {k: measured.json[k] for k in metrics}


def test_checkpoints_list_show_verify_export(cli: Cli, trained: Path, tmp_path: Path) -> None:
    (row,) = [row for row in cli("checkpoints", "list", "--json").json["checkpoints"] if row["name"] == "small"]
    assert (row["job"], row["step"], row["max_steps"], row["resumable"]) == ("language", 150, 150, True)
    assert row["metrics"]["bits_per_char"] < 3
    assert "small" in cli("checkpoints", "list").out
    shown = cli("checkpoints", "show", "small")
    assert "hidden_size: 32" in shown.out and "command: seqlab" in shown.out
    config = cli("checkpoints", "show", "small", "--json").json["config"]
    assert config["settings"]["hidden_size"] == 32
    verified = cli("checkpoints", "verify", "small", "--json").json["whole"]
    assert verified[0]["files"] == [
        "config.json",
        "model-150.safetensors",
        "training-150.safetensors",
        "log.jsonl",
    ]
    exported = cli("checkpoints", "export", "small", "-o", tmp_path / "slim", "--json")
    assert exported.json["resumable"] is False
    assert f"seqlab evaluate {tmp_path / 'slim'}" in exported.err
    written = cli("generate", "--corpus", tmp_path / "slim", "--length", 20)
    assert written.status == 0 and len(written.out) == 21


def test_an_exported_checkpoint_says_that_it_cannot_be_resumed(
    cli: Cli, trained: Path, small_text: Path, tmp_path: Path
) -> None:
    cli("checkpoints", "export", "small", "-o", tmp_path / "slim")
    refused = cli("train-text", small_text, "-o", tmp_path / "slim", "--resume")
    refused.fails(1, "no training state", "exported to be used, not continued", "-o FOLDER")


@pytest.mark.parametrize(
    "words",
    [
        ["evaluate", "small", "TEXT", "--threads=1"],
        ["lab", "list"],
        ["data", "list"],
        ["checkpoints", "list"],
        ["checkpoints", "show", "small"],
        ["checkpoints", "verify", "small"],
    ],
    ids=lambda words: "-".join(words[:2]),
)
@pytest.mark.parametrize("more", [[], ["--json"]], ids=["text", "json"])
def test_the_result_of_every_command_goes_into_a_file_if_asked(
    cli: Cli, trained: Path, small_text: Path, tmp_path: Path, words: list[str], more: list[str]
) -> None:
    given = [*(str(small_text) if word == "TEXT" else word for word in words), *more]
    shown = cli(*given)
    file = tmp_path / "result"
    done = cli(*given, "-o", file)
    assert (done.status, done.out) == (0, "") and f"written to {file}" in done.err
    assert file.read_text() == shown.out != ""
    assert cli(*given, "-o", file, "-q").err == ""


def test_a_result_that_failed_leaves_the_file_as_it_was(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "result").write_text("yesterday's")
    cli("checkpoints", "show", "nothing", "-o", tmp_path / "result").fails(1, "'nothing'")
    assert (tmp_path / "result").read_text() == "yesterday's"


def test_evaluate_says_when_the_text_is_another(cli: Cli, trained: Path, small_text: Path, tmp_path: Path) -> None:
    from seqlab import checkpoint

    shutil.copytree(trained, tmp_path / "own")
    saved = checkpoint.load(tmp_path / "own")
    # its text was a file called linux.txt: that is not the corpus of that name
    checkpoint.amend(saved, data={**saved.config["data"], "name": "linux"})
    cli("evaluate", tmp_path / "own").fails(1, "a file of yours", "seqlab evaluate own PATH")
    same = cli("evaluate", tmp_path / "own", small_text, "--json")
    assert same.json["split"] == "test" and "another text" not in same.err
    for name, warned in (("linux.txt", True), ("b.txt", False)):
        (tmp_path / name).write_text(small_text.read_text() + "more\n")
        other = cli("evaluate", tmp_path / "own", tmp_path / name, "--json")
        assert other.json["split"] == "all" and "is another text than the linux trained on" in other.err
        assert ("may have been seen in training" in other.err) == warned


# Errors are two lines, and statuses mean something


@pytest.mark.parametrize(
    ("status", "arguments", "words"),
    [
        (2, ["generat"], ["'generat'", "did you mean 'generate'?"]),
        (2, ["zzz"], ["'zzz'", "known: "]),
        (2, ["generate"], ["seqlab generate --corpus linux"]),
        (2, ["generate", "small", "--corpus=other"], ["small", "--corpus other"]),
        (2, ["generate", "--corpus=small", "--lenght=3"], ["--lenght", "--length"]),
        (2, ["generate", "--corpus=small", "--length=x"], ["--length", "x"]),
        (2, ["generate", "--corpus=small", "--length=0"], ["--length"]),
        (2, ["generate", "--corpus=small", "--temperature=-1"], ["--temperature -1"]),
        (2, ["generate", "--corpus=small", "--temperature=nan"], ["--temperature nan"]),
        (2, ["generate", "--corpus=small", "--top-p=2"], ["--top-p 2"]),
        (2, ["generate", "--corpus=small", "--top-k=0"], ["--top-k 0"]),
        (2, ["generate", "--corpus=small", "--min-p=0"], ["--min-p 0"]),
        (2, ["generate", "--corpus=small", "--samples=0"], ["--samples"]),
        (2, ["generate", "--corpus=small", "--stop="], ["--stop is empty"]),
        (2, ["generate", "--corpus=small", "--stop=€"], ["stop string", "'€' (U+20AC)"]),
        (2, ["generate", "--corpus=small", "--seed=-1"], ["--seed", "-1"]),
        (2, ["generate", "--corpus=small", f"--seed={2**70}"], ["--seed"]),
        (2, ["generate", "--corpus=small", "--threads=0"], ["--threads 0"]),
        (2, ["data", "list", "--threads=0"], ["--threads 0"]),
        (2, ["lab", "list", "--device=foo"], ["'foo'", "known: auto, cpu"]),
        (2, ["checkpoints", "list", "--precision=x"], ["'x'", "known: auto"]),
        (2, ["generate", "--corpus=small", "--device=cpuu"], ["'cpuu'", "did you mean 'cpu'?"]),
        (2, ["generate", "--corpus=small", "--device=cuda:77"], ["cuda:77", "--device cpu"]),
        (2, ["generate", "--corpus=small", "--precision=fp16"], ["'fp16'", "did you mean"]),
        (1, ["generate", "--corpus=smal"], ["'smal'", "did you mean 'small'?"]),
        (2, ["generate", "--corpus=small", "--prompt=Ω€"], ["'€' (U+20AC)", "'Ω' (U+03A9)", "'small'"]),
        (2, ["generate", "--corpus=small", "--prompt=\udcff"], ["U+DCFF"]),
        (1, ["generate", "--corpus=small", "-o", "/nowhere/text.txt"], ["/nowhere/text.txt", "does not exist"]),
        (1, ["generate", "--corpus=small", "--config=/nowhere.toml"], ["/nowhere.toml"]),
        (2, ["train-text", "linx"], ["'linx'", "did you mean 'linux'?"]),
        (2, ["train-text"], ["CORPUS"]),
        (2, ["train-text", "two\nlines\x1b[31m"], ["two lines[31m"]),
        (2, ["train-text", "linux", "--set=hiden_size=3"], ["'hiden_size'"]),  # told before anything is fetched
        (1, ["train-text", "linux", "--resume"], ["no checkpoint to resume"]),
        (2, ["train-cnn", "cifar10", "--set=crop=x"], ["'crop'"]),
        (1, ["train-cnn", "cifar10", "--resume"], ["no checkpoint to resume"]),
        (2, ["train-text", "TEXT", "--set=max_steps=3", "--minutes=1"], ["max_steps and --minutes"]),
        (2, ["train-text", "TEXT", "--set=max-steps=3", "--epochs=1"], ["max_steps and --epochs"]),
        (1, ["train-text", "TEXT", "--from=smal"], ["'smal'", "did you mean 'small'?"]),
        (1, ["train-text", "linux"], ["not in the cache", "SEQLAB_MIRROR"]),
        (2, ["train-text", os.devnull], [os.devnull]),
        (2, ["train-text", "TEXT", "--set=hiden_size=3"], ["'hiden_size'", "did you mean 'hidden_size'?"]),
        (2, ["train-text", "TEXT", "--set=hidden_size=big"], ["'hidden_size'", "whole number", "'big'"]),
        (2, ["train-text", "TEXT", "--set=hidden_size=1.5"], ["'hidden_size'", "1.5"]),
        (2, ["train-text", "TEXT", "--set=hidden_size=0"], ["'hidden_size' is 0", "1 or more"]),
        (2, ["train-text", "TEXT", "--set=max_steps=inf"], ["'max_steps'", "whole number"]),
        (2, ["train-text", "TEXT", "--set=lr=nan"], ["'lr' is nan"]),
        (2, ["train-text", "TEXT", "--set=cell=lstn"], ["'lstn'", "did you mean 'lstm'?"]),
        (2, ["train-text", "TEXT", "--set=hidden_size"], ["--set hidden_size", "NAME=VALUE"]),
        (2, ["train-text", "TEXT", "--minutes=0"], ["--minutes"]),
        (2, ["train-text", "TEXT", "--resume", "--overwrite"], ["--resume", "--overwrite"]),
        (1, ["train-text", "TEXT", "--resume"], ["no checkpoint to resume", "--resume"]),
        (1, ["train-text", "TEXT", "--set=batch_size=100000"], ["too few for 100000 parallel", "batch_size"]),
        (1, ["train-text", "TEXT", "-o", "/proc/nowhere/x", *TINY, "--set=max_steps=1"], ["/proc/nowhere"]),
        (1, ["checkpoints", "show", "smal"], ["'smal'", "did you mean 'small'?"]),
        (2, ["checkpoints", "sho"], ["sho"]),
        (2, ["checkpoints", "export", "small"], ["-o FOLDER"]),
        (1, ["checkpoints", "list", "-o", "/nowhere/list.txt"], ["/nowhere/list.txt", "-o FILE"]),
        (1, ["evaluate", "nothing"], ["'nothing'"]),
    ],
    ids=lambda value: ascii(" ".join(value))[:60] if isinstance(value, list) else str(value),
)
def test_an_error_is_two_lines_that_name_what_and_the_next_step(
    cli: Cli,
    trained: Path,
    small_text: Path,
    tmp_path: Path,
    status: int,
    arguments: list[str],
    words: list[str],
) -> None:
    text = tmp_path / "other.txt"
    shutil.copy(small_text, text)
    cli(*(str(text) if argument == "TEXT" else argument for argument in arguments)).fails(status, *words)


def test_a_traceback_only_if_asked_for(cli: Cli, monkeypatch: pytest.MonkeyPatch, trained: Path) -> None:
    from seqlab import api
    from seqlab.errors import UsageError

    def broken(*_: Any, **__: Any) -> None:
        raise RuntimeError("something nobody\nthought of")

    monkeypatch.setattr(api, "load", broken)
    cli("generate", "--corpus", "small").fails(1, "RuntimeError: something nobody thought of", "SEQLAB_DEBUG=1")
    monkeypatch.setenv("SEQLAB_DEBUG", "1")
    with pytest.raises(RuntimeError):
        entry.main(["generate", "--corpus", "small"])
    with pytest.raises(UsageError):
        entry.main(["generat"])


def test_a_damaged_checkpoint_is_refused(cli: Cli, trained: Path, tmp_path: Path) -> None:
    shutil.copytree(trained, tmp_path / "cut")
    weights = tmp_path / "cut" / "model-150.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1])
    for command in (["generate", "--corpus"], ["checkpoints", "verify"]):
        cli(*command, tmp_path / "cut").fails(1, str(weights), "damaged")


def test_an_existing_folder_is_refused_naming_both_ways_on(cli: Cli, small_text: Path, tmp_path: Path) -> None:
    assert cli(*train_words(small_text, 2)).status == 0
    folder = tmp_path / "checkpoints" / "small"
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    cli(*train_words(small_text, 2)).fails(1, str(folder), "--resume", "--overwrite")
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    assert cli(*train_words(small_text, 3, "--overwrite")).status == 0
    assert json.loads((folder / "config.json").read_text())["position"]["step"] == 3
    # what is no checkpoint is not replaced either
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.tex").write_text("years of work")
    for option in ("-q", "--overwrite"):
        cli(*train_words(small_text, 2, "-o", tmp_path / "mine", option)).fails(1, str(tmp_path / "mine"))
    assert [path.name for path in (tmp_path / "mine").iterdir()] == ["thesis.tex"]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full here")
def test_a_full_disk_is_two_lines(trained: Path, cli: Cli) -> None:
    with open("/dev/full", "w") as full:  # noqa: PTH123
        done = run_seqlab("checkpoints", "list", "-q", stdout=full)
    assert done.status == 1 and [line.split(":")[0] for line in done.err.splitlines()] == ["error", "hint"]
    assert "No space left" in done.err
    cli("generate", "--corpus=small", "--length=9000", "-q", "-o", "/dev/full").fails(1, "No space left")


# Repeatable


def test_one_thread_and_a_seed_repeat_to_the_byte(cli: Cli, trained: Path, small_text: Path, tmp_path: Path) -> None:
    def untimed(outcome: Outcome) -> str:
        assert outcome.status == 0, outcome
        return re.sub(r'"(rate|seconds|chars_per_second)": [^,}]+', "", outcome.out)

    for words in (
        ["generate", "--corpus=small", "--length=30", "--json", "--threads=1", "--seed=7"],
        ["evaluate", "small", small_text, "--json", "--threads=1", "--seed=7"],
        [
            *train_words(small_text, 7, "--json", "--seed=7", "--overwrite"),
            "--set=dropout=0.3",
            "-o",
            tmp_path / "x",
        ],
    ):
        first, second = cli(*words), cli(*words)
        assert untimed(first) == untimed(second)
    one, other = (cli("generate", "--corpus=small", "--length=30", "--json", f"--seed={n}") for n in (7, 8))
    assert one.json["samples"] != other.json["samples"]


def test_what_was_resolved_is_saved_and_no_path_of_this_machine(cli: Cli, small_text: Path, tmp_path: Path) -> None:
    config = tmp_path / "own.toml"
    config.write_text("hidden_size = 8\n")
    words = [
        "train-text",
        small_text,
        *TINY[1:],
        "--set",
        "max_steps=2",
        f"--config={config}",
        "--seed",
        4,
        "-q",
    ]
    done = cli(*words, f"--output={tmp_path / 'there'}", "--overwrite")
    assert done.status == 0, done
    saved = json.loads((tmp_path / "there" / "config.json").read_text())
    settings = saved["settings"]
    assert (settings["hidden_size"], settings["seq_len"], settings["seed"]) == (8, 16, 4)
    assert (settings["max_steps"], settings["eval_every"]) == (2, 1)
    words = ["hidden_size=8", *(word.removeprefix("--set=") for word in TINY[1:]), "max_steps=2"]
    expected = ["--seed", "4", *(part for word in words for part in ("--set", word))]
    assert saved["command"].split() == ["seqlab", "train-text", "small.txt", *expected]
    assert saved.pop("source") == {"paths": [str(small_text)]}  # beside it nothing says where it was
    assert str(tmp_path) not in json.dumps(saved) and str(small_text.parent) not in json.dumps(saved)


def test_the_recorded_command_repeats_the_run(
    cli: Cli, small_text: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = tmp_path / "own.toml"
    config.write_text("threads = 1\nminutes = 5.0\nlr = 0.01\ndropout = 0.1\n")
    monkeypatch.setenv("SEQLAB_SEED", "2")
    monkeypatch.setenv("SEQLAB_PRECISION", "fp32")
    words = ["--config", config, *TINY, "--set=max_steps=3", "--set=dropout=0", f"-o{tmp_path / 'there'}", "--json"]
    first = cli("train-text", small_text, *words)
    command = cli("checkpoints", "show", tmp_path / "there", "--json").json["config"]["command"]
    settings = ["lr=0.01", "dropout=0", *(word.removeprefix("--set=") for word in TINY), "max_steps=3"]
    assert command == "seqlab train-text small.txt --seed 2 --threads 1 --precision fp32 " + " ".join(
        f"--set {setting}" for setting in settings
    )
    monkeypatch.delenv("SEQLAB_SEED")
    monkeypatch.delenv("SEQLAB_PRECISION")
    monkeypatch.chdir(small_text.parent)
    again = cli(*command.split()[1:], "--json", "-o", tmp_path / "again")
    assert again.lines[-1]["nats_per_char"] == first.lines[-1]["nats_per_char"]
    # --set seed= goes before the environment, also when the command is given again
    monkeypatch.setenv("SEQLAB_SEED", "2")
    cli(*train_words(small_text, 1, "--set=seed=3", "-o", tmp_path / "seeded"))
    command = cli("checkpoints", "show", tmp_path / "seeded", "--json").json["config"]["command"]
    assert "--seed" not in command and "--set seed=3" in command


def test_a_file_of_any_bytes_is_recorded(cli: Cli, small_text: Path, tmp_path: Path) -> None:
    odd = tmp_path / "a b\udcff.txt"
    shutil.copy(small_text, odd)
    assert cli(*train_words(odd, 1, "-o", tmp_path / "x")).status == 0
    command = cli("checkpoints", "show", tmp_path / "x", "--json").json["config"]["command"]
    assert command.startswith("seqlab train-text 'a b?.txt' --threads 1 ")


def test_resumed_with_other_settings_it_says_that_they_do_not_count(cli: Cli, small_text: Path, tmp_path: Path) -> None:
    cli(*train_words(small_text, 2))
    again = cli("train-text", small_text, "--resume", "--set=max_steps=9")
    assert again.status == 0 and "resumed with the settings that were saved" in again.err
    assert "settings that were saved" not in cli("train-text", small_text, "--resume").err
    assert json.loads((tmp_path / "checkpoints" / "small" / "config.json").read_text())["position"]["step"] == 2


def test_training_begins_with_the_weights_of_another(cli: Cli, trained: Path, small_text: Path, tmp_path: Path) -> None:
    shape = ["--set=hidden_size=32", "--set=embedding_size=16", "--set=num_layers=1"]
    words = ["train-text", small_text, "--threads=1", *shape, "--set=max_steps=1", "--set=lr=1e-9", "--json"]
    fresh = cli(*words, "-o", tmp_path / "fresh").lines[-1]
    begun = cli(*words, "--from", trained, "-o", tmp_path / "begun").lines[-1]
    known = cli("evaluate", "small", small_text, "--threads=1", "--json").json
    assert begun["bits_per_char"] == pytest.approx(known["bits_per_char"], abs=1e-3)
    assert begun["bits_per_char"] < fresh["bits_per_char"] - 1
    assert "--from small" in cli("checkpoints", "show", tmp_path / "begun").out


def test_a_length_on_the_command_line_goes_before_one_of_the_file(
    cli: Cli, small_text: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "own.toml").write_text("max_steps = 9\n")
    words = ["train-text", small_text, "--config", tmp_path / "own.toml"]
    assert resolved(words, cli, monkeypatch)[1].max_steps == 9
    assert resolved([*words, "--minutes=1"], cli, monkeypatch)[1].max_steps is None


def test_the_help_names_the_settings(cli: Cli) -> None:
    for name, kind in (
        ("train-text", LanguageSettings),
        ("train-cnn", VisionSettings),
        ("train-mlp", TableSettings),
        ("train-forecaster", ForecastSettings),
        ("structure", StructureSettings),
    ):
        shown = cli(name, "--help").out.split("Names for --set:")[1]
        named = re.findall(r"[a-z_0-9]+", re.sub(r"\(.*?\)", "", shown, flags=re.S))
        assert named == sorted(field.name for field in dataclasses.fields(kind)), name


def test_minutes_fix_the_steps_and_record_them(cli: Cli, small_text: Path, tmp_path: Path) -> None:
    words = ["train-text", small_text, "--threads=1", *TINY, "--json"]
    timed = cli(*words, "--minutes=0.0001", "-o", tmp_path / "timed")  # the least steps: no length to be changed later
    steps, defaults = timed.lines[-2]["step"], dataclasses.asdict(LanguageSettings())
    saved = json.loads((tmp_path / "timed" / "config.json").read_text())
    assert saved["settings"]["max_steps"] == steps
    chosen = [f"--set={name}={value}" for name, value in saved["settings"].items() if value != defaults[name]]
    repeated = cli(*words, *chosen, "-o", tmp_path / "repeated")
    assert repeated.lines[-2] | {"rate": 0, "seconds": 0} == timed.lines[-2] | {"rate": 0, "seconds": 0}
    again = json.loads((tmp_path / "repeated" / "config.json").read_text())
    assert again["files"]["model"] == saved["files"]["model"]  # with its sha256


# Precedence


def resolved(arguments: list[object], cli: Cli, monkeypatch: pytest.MonkeyPatch) -> tuple[Common, Any]:
    """What a command would get: the common values and the settings."""
    from seqlab.cli.commands import train_text

    seen: list[Common] = []

    def noted(common: Common, *_: Any) -> None:
        seen.append(common)

    monkeypatch.setattr(train_text, "train", noted)
    outcome = cli(*arguments)
    assert outcome.status == 0, outcome
    return seen[0], settings.make(LanguageSettings, seen[0].given(LanguageSettings))


def test_an_option_goes_before_environment_before_file_before_default(
    cli: Cli, small_text: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = tmp_path / "own.toml"
    config.write_text('seed = 1\nthreads = 5\nprecision = "bf16"\nhidden_size = 77\nnum-layers = 3\nlr = 0.5\n')
    base = ["train-text", small_text]
    common, made = resolved(base, cli, monkeypatch)
    assert (common.seed, common.threads, common.precision, common.device) == (None, None, "auto", "auto")
    common, made = resolved([*base, "--config", config], cli, monkeypatch)
    assert (common.seed, common.threads, common.precision) == (1, 5, "bf16")
    assert (made.seed, made.hidden_size, made.num_layers, made.lr) == (1, 77, 3, 0.5)
    monkeypatch.setenv("SEQLAB_SEED", "2")
    monkeypatch.setenv("SEQLAB_THREADS", "6")
    monkeypatch.setenv("SEQLAB_PRECISION", "fp32")
    monkeypatch.setenv("SEQLAB_DEVICE", "cpu")
    common, made = resolved([*base, "--config", config], cli, monkeypatch)
    assert (common.seed, common.threads, common.precision, common.device) == (2, 6, "fp32", "cpu")
    assert made.seed == 2
    words = [*base, "--config", config, "--seed=3", "--threads=7", "--precision=auto", "--device=auto"]
    common, made = resolved([*words, "--set=hidden-size=9", "--set", "lr=1e-3"], cli, monkeypatch)
    assert (common.seed, common.threads, common.precision, common.device) == (3, 7, "auto", "auto")
    assert (made.seed, made.hidden_size, made.num_layers, made.lr) == (3, 9, 3, 1e-3)


def test_the_seed_goes_by_the_same_order_however_it_is_given(
    cli: Cli, small_text: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = tmp_path / "own.toml"
    config.write_text("seed = 1\n")
    base = ["train-text", small_text, "--config", config]
    monkeypatch.setenv("SEQLAB_SEED", "2")
    assert resolved(base, cli, monkeypatch)[1].seed == 2
    assert resolved([*base, "--set=seed=3"], cli, monkeypatch)[1].seed == 3  # an option, like --seed
    assert resolved([*base, "--set=seed=3", "--seed=4"], cli, monkeypatch)[1].seed == 4
    monkeypatch.delenv("SEQLAB_SEED")
    assert resolved([*base, "--set=seed=3"], cli, monkeypatch)[1].seed == 3


def test_a_bad_config_file_is_an_error(cli: Cli, small_text: Path, tmp_path: Path) -> None:
    (tmp_path / "bad.toml").write_text("seed = = 3")
    with pytest.raises(tomllib.TOMLDecodeError):
        tomllib.loads("seed = = 3")
    cli("train-text", small_text, "--config", tmp_path / "bad.toml").fails(1, "bad.toml", "no TOML")
    (tmp_path / "typo.toml").write_text("hiden_size = 3")
    cli("train-text", small_text, "--config", tmp_path / "typo.toml").fails(2, "'hiden_size'", "'hidden_size'?")
    (tmp_path / "list.toml").write_text("lr = [1, 2]")
    cli("train-text", small_text, "--config", tmp_path / "list.toml").fails(2, "'lr' is a number", "[1, 2]")


# Pipes, prompts, terminals, signals


def test_standard_input_is_read_only_where_a_dash_is_named(trained: Path) -> None:
    words = ["generate", "--corpus=small", "--length=5", "-q"]
    process = start_seqlab(*words, "--prompt", "-", stdin=subprocess.PIPE)
    out, err = process.communicate("int i\n", timeout=60)
    assert process.returncode == 0 and out.startswith("int i") and len(out) == 11, (out, err)
    process = start_seqlab(*words, "--prompt", "-", stdin=subprocess.PIPE)
    out, err = process.communicate("\ufeffint i\n", timeout=60)  # as an editor saves it
    assert process.returncode == 0 and out.startswith("int i") and len(out) == 11, (out, err)
    process = start_seqlab(*words, stdin=subprocess.PIPE)  # never written to, never closed
    try:
        assert process.wait(timeout=60) == 0
    finally:
        process.kill()
        process.communicate()


def test_a_reader_that_leaves_ends_it_silently(trained: Path) -> None:
    process = start_seqlab("generate", "--corpus=small", "--length=100000000", "-q")
    assert process.stdout is not None and process.stderr is not None
    assert process.stdout.read(20)
    process.stdout.close()
    assert process.wait(timeout=30) == 0
    assert process.stderr.read() == ""
    process.stderr.close()


def seen_on_a_terminal(*arguments: object, **environment: str) -> str:
    """Run the command line with a terminal for input, output and errors; everything that it wrote to it."""
    reader, writer = pty.openpty()
    process = start_seqlab(
        *arguments,
        stdin=writer,
        stdout=writer,
        stderr=writer,
        env={**os.environ, "TERM": "xterm", **environment},
    )
    os.close(writer)
    seen, end = b"", time.monotonic() + 60
    while time.monotonic() < end:
        if select.select([reader], [], [], 0.2)[0]:
            try:
                seen += os.read(reader, 65536)
            except OSError:  # the other side is closed
                break
    assert process.wait(timeout=10) == 0, seen
    os.close(reader)
    return seen.decode().replace("\r\n", "\n")


def controls(text: str) -> set[str]:
    return {c for c in text if (ord(c) < 32 or 127 <= ord(c) < 160) and c not in "\n\t"}


@pytest.fixture
def nasty(tmp_path: Path) -> Path:
    """A checkpoint that has learned little but control characters."""
    import torch

    from seqlab import checkpoint
    from seqlab.models.recurrent import RecurrentLanguageModel

    torch.manual_seed(0)
    characters = "\t\n\x07\x08\x0b\r\x1b[m\x7f\x90\x9b\ufffd"
    shape = {
        "vocab_size": len(characters),
        "cell": "gru",
        "embedding_size": 4,
        "hidden_size": 8,
        "num_layers": 1,
    }
    model = RecurrentLanguageModel(**shape)
    config = {
        "job": "language",
        "command": "seqlab \x1b[31m",
        "parameters": 1,
        "vocab": characters,
        "model": shape,
    }
    folder = tmp_path / "checkpoints" / "nasty"
    checkpoint.save(folder, {**config, "position": {"step": 1, "max_steps": 1}}, model.state_dict())
    return folder


def test_control_characters_never_reach_a_terminal(nasty: Path, cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    words = ["generate", "--corpus=nasty", "--length=300", "--seed=1", "--temperature=1"]
    written = cli(*words).out
    assert {"\x1b", "\x07", "\x9b", "\r"} <= controls(written)  # a file gets the text as it is
    seen = seen_on_a_terminal(*words)
    assert controls(seen) == set()
    assert plain(written).strip("\n") in seen
    # also where they come from a file, and in what is said aside
    assert controls(cli("checkpoints", "show", "nasty").out) == {"\x1b"}
    monkeypatch.setattr(type(sys.stdout), "isatty", lambda stream: True)
    assert controls(cli("checkpoints", "show", "nasty").out) == set()
    assert controls(cli("generate", "--corpus", "\x1b[31mnasty").err) == set()


def test_json_has_no_control_character(nasty: Path, cli: Cli) -> None:
    written = cli("generate", "--corpus=nasty", "--length=300", "--seed=1", "--temperature=1").out
    done = cli("generate", "--corpus=nasty", "--length=300", "--seed=1", "--temperature=1", "--json")
    assert {"\x7f", "\x90", "\x9b"} <= controls(written) and controls(done.out) == set()
    assert done.json["samples"][0]["text"] == written[:-1]


def test_training_is_animated_on_a_terminal_only(
    small_text: Path, tmp_path: Path, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = train_words(small_text, 60, "-o", tmp_path / "one", "--overwrite")
    seen = seen_on_a_terminal(*words, NO_COLOR="1")
    assert "\x1b[2K" in seen and seen.count("\x1b[?25l") == seen.count("\x1b[?25h") > 0  # the cursor comes back
    assert not re.search("\x1b\\[[0-9;]*m", seen)
    assert "\x1b[36m" not in seen and "\x1b" in seen_on_a_terminal(*words)
    monkeypatch.setattr(type(sys.stderr), "isatty", lambda stream: True)
    monkeypatch.setenv("TERM", "dumb")
    dumb = cli(*words)
    assert controls(dumb.err) == set() and 2 <= dumb.err.count("step ") <= 12


def test_a_training_has_a_screen_whose_last_state_stays(small_text: Path, tmp_path: Path) -> None:
    words = train_words(small_text, 60, "-o", tmp_path / "one", "--overwrite")
    seen = seen_on_a_terminal(*words, NO_COLOR="1", COLUMNS="70")
    last = seen[seen.rindex("╭") :]
    frame = last[: last.index("╰")].splitlines()
    assert "60 steps" in frame[0] and "left" not in frame[0] and {len(line) for line in frame} == {69}
    assert any("train" in line for line in frame) and any("val" in line for line in frame)
    assert any("writes" in line for line in frame)
    assert "step      60/60" not in seen and last.count("bits per character") >= 2  # the result comes after it
    for plain_output in ("-q", "--json"):
        assert "╭" not in seen_on_a_terminal(*words, plain_output)
    assert "╭" not in seen_on_a_terminal(*words, PYTHONIOENCODING="ascii")


def wait_for(line: str, process: "subprocess.Popen[str]") -> None:
    assert process.stderr is not None
    seen = []
    while line not in (text := process.stderr.readline()):
        assert text, seen
        seen.append(text)


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_saves_says_how_to_go_on_and_has_its_status(
    small_text: Path, tmp_path: Path, number: signal.Signals, status: int, cli: Cli
) -> None:
    folder = tmp_path / "with space"
    words = train_words(small_text, 1_000_000, "--set=warmup_steps=1", "-o", folder)
    process = start_seqlab(*words)
    wait_for("step       5", process)
    process.send_signal(number)
    out, err = process.communicate(timeout=30)
    assert (process.returncode, out) == (status, "")
    assert "Traceback" not in err and f"saved in {folder}" in err
    (command,) = re.findall(r"^continue with: (.*)$", err, re.M)
    position = json.loads((folder / "config.json").read_text())["position"]
    assert position["step"] >= 5
    assert len(cli("checkpoints", "verify", folder, "--json").json["whole"]) == 1
    # the printed command is one that goes on: as a shell would take it apart
    parsed = subprocess.run(["sh", "-c", f'printf "%s\\n" {command}'], capture_output=True, text=True, check=True)
    again = parsed.stdout.splitlines()
    assert again == ["seqlab", *map(str, words), "--resume"]


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_during_the_last_measurement_does_not_lose_the_result(
    small_text: Path, number: signal.Signals, status: int, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = importlib.import_module("seqlab.language.train")  # beside the function of that name
    measuring = module.measuring

    def disturbed(*given: Any, **how: Any) -> Any:
        os.kill(os.getpid(), number)
        return measuring(*given, **how)

    monkeypatch.setattr(module, "measuring", disturbed)
    done = cli(*train_words(small_text, 2, "--json"))
    assert done.status == status and "saved in" in done.err
    assert done.lines[-1]["final"] is True and done.lines[-1]["bits_per_char"] > 0


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_measurement_that_no_part_is_kept_of_ends_at_once_and_can_be_made_again(
    tmp_path: Path, number: signal.Signals, status: int, cli: Cli
) -> None:
    table = tmp_path / "things.csv"
    table.write_text("size,kind\n" + "".join(f"{k % 7},{'big' if k % 7 > 3 else 'small'}\n" for k in range(100)))
    words = list(map(str, ["train-mlp", table, "--target=kind", "--threads=1", "--set=max_steps=30"]))
    program = (
        "import os, sys, time\n"
        "from seqlab.cli.main import main\n"
        "from seqlab.tabular import train\n"
        "def endless(*given):\n"
        f"    os.kill(os.getpid(), {int(number)})\n"
        "    time.sleep(1000)\n"
        "sys.modules['seqlab.tabular.train'].run_metrics = endless\n"
        f"sys.argv = ['seqlab', *{words!r}]\n"
        f"main({words!r})\n"
    )
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=120)
    assert (ended.returncode, ended.stdout) == (status, ""), ended.stderr
    assert "trained and saved, but not measured; measure it with: seqlab train-mlp" in ended.stderr
    assert "accuracy" in cli(*words, "--resume").out


def test_tensorboard_gets_the_curves_of_the_log(small_text: Path, tmp_path: Path, cli: Cli) -> None:
    event_accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    folder = tmp_path / "board"
    assert cli(*train_words(small_text, 12, "-o", tmp_path / "one"), "--tensorboard", folder).status == 0
    read = event_accumulator.EventAccumulator(str(folder)).Reload()
    log = [json.loads(line) for line in (tmp_path / "one" / "log.jsonl").read_text().splitlines()]
    config = json.loads((tmp_path / "one" / "config.json").read_text())
    seen = {tag: {one.step: one.value for one in read.Scalars(tag)} for tag in read.Tags()["scalars"]}
    assert seen["val/loss"] == pytest.approx({record["step"]: record["val_loss"] for record in log})
    assert list(seen["train/loss"]) == list(seen["train/grad_norm"]) == list(range(1, 13))
    mean = sum(seen["train/loss"][step] for step in range(1, 6)) / 5
    assert mean == pytest.approx(log[0]["train_loss"], rel=1e-5)
    assert seen["train/lr"][12] == pytest.approx(log[-1]["lr"])
    assert seen["final/bits_per_char"][12] == pytest.approx(config["metrics"]["bits_per_char"])
    assert "--tensorboard" not in config["command"]


def test_without_tensorboard_it_is_said_before_any_work(
    small_text: Path, tmp_path: Path, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = train_words(small_text, 12, "-o", tmp_path / "one")
    (tmp_path / "file").touch()
    cli(*words, "--tensorboard", tmp_path / "file").fails(1, "is a file", "--tensorboard FOLDER")
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    cli(*words, "--tensorboard", tmp_path / "board").fails(2, "pip install 'seqlab[tensorboard]'")
    assert not (tmp_path / "one").exists() and not (tmp_path / "board").exists()


@pytest.mark.parametrize("ending", ["png", "svg", "pdf"])
def test_the_curve_of_a_checkpoint_is_drawn(trained: Path, tmp_path: Path, ending: str, cli: Cli) -> None:
    done = cli("checkpoints", "show", "small", "-o", tmp_path / f"curve.{ending}")
    assert done.status == 0 and "settings:" in done.out and (tmp_path / f"curve.{ending}").stat().st_size > 5000
    cli("checkpoints", "show", "small", "-o", tmp_path / "no" / f"curve.{ending}").fails(1, "its folder does not exist")


def test_a_second_signal_stops_at_once(small_text: Path, tmp_path: Path) -> None:
    """Also in a step that never ends."""
    program = (
        "import sys, time\n"
        "from seqlab import training\n"
        "from seqlab.cli.main import main\n"
        "def stuck(run):\n"
        "    yield next(training.train(run))\n"
        "    print('stuck', file=sys.stderr, flush=True)\n"
        "    time.sleep(1000)\n"
        "sys.modules['seqlab.training.fit'].train = stuck\n"
        f"main({list(map(str, train_words(small_text, 100, '-o', tmp_path / 'x')))!r})\n"
    )
    for number, status in ((signal.SIGINT, 130), (signal.SIGTERM, 143)):
        process = subprocess.Popen([sys.executable, "-c", program], stderr=subprocess.PIPE, text=True)
        wait_for("stuck", process)
        process.send_signal(number)
        wait_for("once more to stop at once", process)
        process.send_signal(number)
        _, err = process.communicate(timeout=30)
        assert process.returncode == status and "Traceback" not in err


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_writing_and_keeps_what_is_written(
    trained: Path, tmp_path: Path, number: signal.Signals, status: int
) -> None:
    process = start_seqlab("generate", "--corpus=small", "--length=100000000")
    assert process.stdout is not None
    start = os.read(process.stdout.fileno(), 200).decode()  # `communicate` does not see what a reader has buffered
    process.send_signal(number)
    out, err = process.communicate(timeout=30)
    assert process.returncode == status and "Traceback" not in err
    assert start and out.endswith("\n")
    assert f"{len(start + out) - 1:,} characters" in err


# Small things of the output


def test_the_rate_of_a_download_does_not_count_what_was_there(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    clock = iter(range(0, 1000, 20))
    monkeypatch.setattr(progress, "time", SimpleNamespace(monotonic=lambda: next(clock)))

    def fetching() -> Generator[Transfer, None, None]:
        for done in (100, 101, 102):
            yield Transfer("file", "somewhere", done * 10**6, 112 * 10**6)

    progress.follow(Common(), Task(fetching()))
    last = capsys.readouterr().err.splitlines()[-1]
    assert last == "file: 102.0 of 112.0 MB, 0.05 MB/s, 3 min 20 s left"


def test_plain_leaves_newline_and_tab() -> None:
    text = "".join(map(chr, range(0x250)))
    kept = plain(text)
    assert controls(kept) == set() and "\n" in kept and "\t" in kept
    lost = [ord(c) for c in text if c not in kept]
    assert lost == [*range(9), *range(11, 32), *range(127, 160), 0xAD]


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0, "0 s"),
        (8.4, "8 s"),
        (59.6, "1 min 00 s"),
        (200, "3 min 20 s"),
        (3599.7, "1 h 00 min"),
        (3900, "1 h 05 min"),
    ],
)
def test_durations_as_a_person_says_them(seconds: float, said: str) -> None:
    assert duration(seconds) == said


@pytest.mark.parametrize("name", ["...txt", "..txt", ".txt"])
def test_a_file_of_dots_is_trained_in_a_folder_of_its_own(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, small_text: Path, name: str
) -> None:
    """Its stem is `..` or `.`: the run went to checkpoints/.., and took what was there."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("SEQLAB_CHECKPOINTS")
    shutil.copy(small_text, name)
    mine = {"config.json": "mine", "log.jsonl": "mine", "foreign.safetensors": "mine"}
    for place in (tmp_path, tmp_path / "checkpoints"):
        place.mkdir(exist_ok=True)
        for file, content in mine.items():
            (place / file).write_text(content)
    done = cli(*train_words(Path(f"./{name}")))
    assert done.status == 0, done.err
    for place in (tmp_path, tmp_path / "checkpoints"):
        assert {file: (place / file).read_text() for file in mine} == mine
    (made,) = [path for path in (tmp_path / "checkpoints").iterdir() if path.is_dir()]
    assert {"config.json", "log.jsonl"} < {path.name for path in made.iterdir()}
