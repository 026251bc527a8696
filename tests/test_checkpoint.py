"""Checkpoints: whole or refused, old or new at any point of a kill, and a run that goes on bit for bit."""

import builtins
import io
import itertools
import json
import os
import re
import shutil
import signal
import stat
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import safetensors.torch
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from seqlab import checkpoint, language
from seqlab.checkpoint import Checkpoint, RunFolder
from seqlab.data.text.corpus import Corpus, load_corpus
from seqlab.errors import CheckpointError, UsageError
from seqlab.machine import Compute
from seqlab.runs import RunOptions
from seqlab.settings import LanguageSettings
from seqlab.tasks import Task
from tests.conftest import Outcome, made_up_code, run_seqlab, start_seqlab

Tensors = dict[str, Tensor]


def tensors(seed: int) -> tuple[Tensors, Tensors]:
    """Weights and a training state of many kinds: floats of three widths, integers, bytes, a number, an empty one."""
    random = torch.Generator().manual_seed(seed)
    weights = {"a.weight": torch.randn(3, 4, generator=random), "count": torch.tensor(seed)}
    training = {
        "model.a.weight": torch.randn(3, 4, generator=random).T,  # not contiguous
        "state.0": torch.randn(2, generator=random).bfloat16(),
        "optimizer.step.a": torch.tensor(float(seed)),
        "rng.cpu": torch.randint(0, 256, (50,), generator=random).byte(),
        "wide": torch.randn(2, generator=random, dtype=torch.float64),
        "none": torch.zeros(0, 3),
    }
    return weights, training


def config_at(step: int, **entries: Any) -> dict[str, Any]:
    return {
        "job": "toy",
        "parameters": 12,
        "command": "seqlab",
        "position": {"step": step, "max_steps": 9},
        "note": "ä\n€ \u2028 \U0001f600",
        **entries,
    }


def records_to(step: int) -> list[dict[str, Any]]:
    return [{"step": n, "val_loss": 1 / n} for n in range(1, step + 1)]


def write(folder: Path, step: int, seed: int | None = None) -> Checkpoint:
    weights, training = tensors(step if seed is None else seed)
    return checkpoint.save(folder, config_at(step), weights, training, records_to(step))


def assert_same(one: Tensors, other: Tensors) -> None:
    assert one.keys() == other.keys()
    for name in one:
        assert one[name].dtype == other[name].dtype and torch.equal(one[name], other[name]), name


def assert_is(folder: Path, step: int, seed: int | None = None) -> None:
    """The folder holds what `write` with these wrote, whole and unmixed."""
    saved = checkpoint.load(folder)
    weights, training = tensors(step if seed is None else seed)
    assert saved.config["position"] == {"step": step, "max_steps": 9}
    assert_same(saved.weights(), weights)
    assert_same(saved.training(), training)
    assert saved.log() == records_to(step)
    checkpoint.verify(saved)


# What is written is what is read


def test_round_trip(tmp_path: Path) -> None:
    written = write(tmp_path / "new" / "run", 3)
    assert_is(tmp_path / "new" / "run", 3)
    read = checkpoint.load(tmp_path / "new" / "run")
    assert read == written and read.name == "run"
    assert {k: read.config[k] for k in config_at(3)} == config_at(3)
    assert read.config["torch"] == torch.__version__
    names = {path.name for path in read.folder.iterdir()}
    assert names == {"config.json", "model-3.safetensors", "training-3.safetensors", "log.jsonl"}
    assert checkpoint.verify(read) == [
        "config.json",
        "model-3.safetensors",
        "training-3.safetensors",
        "log.jsonl",
    ]


def test_the_files_are_plain_safetensors_and_json(tmp_path: Path) -> None:
    """Others can read them without seqlab."""
    saved = write(tmp_path, 3)
    assert_same(safetensors.torch.load_file(tmp_path / "model-3.safetensors"), tensors(3)[0])
    assert json.loads((tmp_path / "config.json").read_text()) == saved.config
    assert [json.loads(line) for line in (tmp_path / "log.jsonl").open()] == records_to(3)


plain_values = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text()
json_values = st.recursive(
    plain_values,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("äb\n\"'", max_size=3), inner, max_size=3),
    max_leaves=8,
)


@given(json_values)
def test_any_config_comes_back(tmp_path_factory: pytest.TempPathFactory, value: Any) -> None:
    folder = tmp_path_factory.mktemp("config")
    checkpoint.save(folder, config_at(1, anything=value), {})
    assert checkpoint.load(folder).config["anything"] == value


def test_a_config_of_python_kinds_is_read_as_json_has_them(tmp_path: Path) -> None:
    kinds = {"pair": (1, 2), "by_number": {n: n for n in range(12)}}
    saved = checkpoint.save(tmp_path, config_at(1, **kinds), {})
    assert saved.config["pair"] == [1, 2]
    assert checkpoint.load(tmp_path).config == saved.config


def test_amending_keeps_the_rest(tmp_path: Path) -> None:
    saved = write(tmp_path, 3)
    amended = checkpoint.amend(saved, metrics={"top1": 0.5})
    assert amended.config["metrics"] == {"top1": 0.5}
    assert checkpoint.load(tmp_path) == amended
    assert_is(tmp_path, 3)


def test_an_export_is_half_as_wide_reads_as_float32_and_cannot_be_resumed(tmp_path: Path) -> None:
    saved = write(tmp_path / "run", 3)
    exported = checkpoint.export(saved, tmp_path / "small")
    assert {path.name for path in exported.folder.iterdir()} == {
        "config.json",
        "model-3.safetensors",
        "log.jsonl",
    }
    stored = safetensors.torch.load_file(tmp_path / "small" / "model-3.safetensors")
    assert stored["a.weight"].dtype == torch.float16
    weights = checkpoint.load(tmp_path / "small").weights()
    assert weights["a.weight"].dtype == torch.float32 and weights["count"].dtype == torch.int64
    assert torch.equal(weights["a.weight"], saved.weights()["a.weight"].half().float())
    assert torch.equal(weights["count"], torch.tensor(3))
    assert exported.log() == records_to(3)
    with pytest.raises(CheckpointError, match=r"small.* exported to be used, not continued"):
        exported.training()
    assert_is(tmp_path / "run", 3)  # the origin is as it was


@pytest.mark.parametrize("inside", ["config.json", "notes.txt", None])
def test_an_export_refuses_a_folder_in_use(tmp_path: Path, inside: str | None) -> None:
    saved = write(tmp_path / "run", 3)
    taken = tmp_path / "taken"
    if inside is None:
        taken.write_text("a file")
    else:
        taken.mkdir()
        (taken / inside).write_text("mine")
    with pytest.raises(CheckpointError, match="-o FOLDER"):
        checkpoint.export(saved, taken)
    assert (taken if inside is None else taken / inside).read_text() in ("a file", "mine")
    (tmp_path / "empty").mkdir()
    checkpoint.export(saved, tmp_path / "empty")


def test_an_export_over_a_checkpoint_is_refused_without_options_it_lacks(tmp_path: Path) -> None:
    saved = write(tmp_path / "run", 3)
    with pytest.raises(CheckpointError) as refusal:
        checkpoint.export(saved, tmp_path / "run")
    assert "-o FOLDER" in refusal.value.hint and "--" not in refusal.value.hint


@pytest.mark.parametrize("value", [65_504.0, 7e4, -1e9])
def test_an_export_that_half_precision_cannot_hold_is_refused(tmp_path: Path, value: float) -> None:
    weights = {"fine": torch.ones(3), "large": torch.tensor([0.0, value])}
    saved = checkpoint.save(tmp_path / "run", config_at(1), weights)
    if value == 65_504.0:
        assert checkpoint.export(saved, tmp_path / "half").weights()["large"][1] == value
        return
    with pytest.raises(CheckpointError, match=r"'large' has values above 65,504"):
        checkpoint.export(saved, tmp_path / "half")
    assert not (tmp_path / "half").exists()


def test_an_existing_checkpoint_is_refused_naming_both_ways_on(tmp_path: Path) -> None:
    write(tmp_path / "run", 1)
    with pytest.raises(CheckpointError) as refusal:
        checkpoint.refuse_existing(tmp_path / "run")
    assert "--resume" in refusal.value.hint and "--overwrite" in refusal.value.hint
    checkpoint.refuse_existing(tmp_path / "not there")


# Damage


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("whole")
    write(folder, 3)
    return folder


def read_all(folder: Path) -> None:
    checkpoint.verify(checkpoint.load(folder))


def damage(path: Path, data: bytes) -> None:
    """Check that a file with other content is noticed, then put the old content back."""
    before = path.read_bytes()
    assert data != before
    path.write_bytes(data)
    try:
        with pytest.raises(CheckpointError) as noticed:
            read_all(path.parent)
        assert path.name in noticed.value.message or path.name == "config.json"
        assert noticed.value.hint
    finally:
        path.write_bytes(before)


def test_a_flipped_bit_anywhere_in_the_config_is_noticed(whole: Path) -> None:
    data = (whole / "config.json").read_bytes()
    for place in range(len(data)):
        damage(whole / "config.json", data[:place] + bytes([data[place] ^ 1 << place % 8]) + data[place + 1 :])


@pytest.mark.parametrize("name", ["config.json", "model-3.safetensors", "training-3.safetensors", "log.jsonl"])
@given(st.data())
def test_every_changed_byte_is_noticed(whole: Path, name: str, data: st.DataObject) -> None:
    content = (whole / name).read_bytes()
    place = data.draw(st.integers(0, len(content) - 1))
    byte = data.draw(st.integers(0, 255).filter(lambda byte: byte != content[place]))
    damage(whole / name, content[:place] + bytes([byte]) + content[place + 1 :])


def test_blanks_and_digits_beyond_a_floats_precision_are_damage_too(whole: Path) -> None:
    text = (whole / "config.json").read_bytes()
    damage(whole / "config.json", text.replace(b"\n ", b"\n\t", 1))
    damage(whole / "config.json", text + b"\n")


@pytest.mark.parametrize("name", ["config.json", "model-3.safetensors", "training-3.safetensors", "log.jsonl"])
def test_a_truncated_or_missing_file_is_noticed(whole: Path, name: str) -> None:
    content = (whole / name).read_bytes()
    for length in (0, 1, len(content) // 2, len(content) - 1):
        damage(whole / name, content[:length])
    damage(whole / name, content + b"\0")
    (whole / name).unlink()
    with pytest.raises(CheckpointError, match=name):
        read_all(whole)
    (whole / name).write_bytes(content)
    read_all(whole)


def test_a_truncated_file_says_how_much_is_there(whole: Path) -> None:
    path = whole / "model-3.safetensors"
    content = path.read_bytes()
    path.write_bytes(content[:100])
    with pytest.raises(CheckpointError, match=f"100 bytes of {len(content)}"):
        checkpoint.load(whole).weights()
    path.write_bytes(content)


def test_line_ends_that_a_version_control_system_changed_are_no_damage(whole: Path) -> None:
    """A text file of a shipped checkpoint may come with the line ends of another system."""
    for name in ("config.json", "log.jsonl"):
        before = (whole / name).read_bytes()
        (whole / name).write_bytes(before.replace(b"\n", b"\r\n"))
        read_all(whole)
        (whole / name).write_bytes(before)


def test_a_newer_format_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checkpoint.saving, "FORMAT", checkpoint.FORMAT + 1)
    write(tmp_path, 1)
    monkeypatch.undo()
    with pytest.raises(CheckpointError, match="newer than this seqlab reads") as refusal:
        checkpoint.load(tmp_path)
    assert "upgrade" in refusal.value.hint


@pytest.mark.parametrize("content", ["[]", "3", "null", "{}", '{"sha256": 1}', "\ufffd", "{"])
def test_a_config_that_is_something_else_is_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / "config.json").write_text(content)
    with pytest.raises(CheckpointError, match=r"config\.json"):
        checkpoint.load(tmp_path)


def test_a_folder_without_config_is_no_checkpoint(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="no checkpoint"):
        checkpoint.load(tmp_path)
    with pytest.raises(CheckpointError, match="no checkpoint"):
        checkpoint.load(tmp_path / "nowhere")


# Kills. Every step that a save takes on the file system is counted; a save is killed at each of them in turn.


class Killed(BaseException):
    """Nothing after this runs, and nothing catches it."""


class KillAt:
    """Lets `last` steps on the file system happen; the next one is the end.

    The step itself may have happened or not: an opened file is there and empty, a synced one has half its bytes, a
    renamed or removed one is as before.
    """

    def __init__(self, monkeypatch: pytest.MonkeyPatch, last: float) -> None:
        self.left, self.steps = last, []
        real_open, real_sync = io.open, os.fsync
        real = {name: getattr(os, name) for name in ("replace", "rename", "unlink", "remove", "mkdir")}

        def opened(file: Any, mode: str = "r", *arguments: Any, **named: Any) -> Any:
            if set(mode) & set("wax+"):
                handle = real_open(file, mode, *arguments, **named)
                self.step(f"open {Path(file).name}", handle.close)
                return handle
            return real_open(file, mode, *arguments, **named)

        def synced(descriptor: int) -> None:
            def tear() -> None:
                size = os.fstat(descriptor).st_size
                if size and stat.S_ISREG(os.fstat(descriptor).st_mode):
                    os.ftruncate(descriptor, size // 2)

            self.step("fsync", tear)
            real_sync(descriptor)

        def counted(name: str) -> Callable[..., Any]:
            def step(*arguments: Any, **named: Any) -> Any:
                self.step(f"{name} {Path(arguments[0]).name}", lambda: None)
                return real[name](*arguments, **named)

            return step

        monkeypatch.setattr(io, "open", opened)
        monkeypatch.setattr(builtins, "open", opened)
        monkeypatch.setattr(os, "fsync", synced)
        for name in real:
            monkeypatch.setattr(os, name, counted(name))

    def step(self, what: str, tear: Callable[[], None]) -> None:
        self.steps.append(what)
        if self.left <= 0:
            tear()
            raise Killed
        self.left -= 1


def kills(action: Callable[[], Any]) -> Iterator[list[str]]:
    """Kill `action` at its first step, its second, ... and yield the steps after each; ends when it got through."""
    for last in itertools.count():
        with pytest.MonkeyPatch.context() as patch:
            killer = KillAt(patch, last)
            try:
                action()
                return
            except Killed:
                pass
        assert last < 100
        yield killer.steps


def is_whole(folder: Path, *versions: tuple[int, int]) -> tuple[int, int]:
    """Which of the versions (step, seed) the folder holds, every part of it."""
    step = checkpoint.load(folder).config["position"]["step"]
    weights = checkpoint.load(folder).weights()
    (found,) = {version for version in versions if version == (step, int(weights["count"]))}
    assert_is(folder, *found)
    return found


@pytest.mark.parametrize(
    ("old", "new"),
    [((3, 3), (5, 5)), ((3, 3), (3, 4)), ((7, 7), (2, 2)), ((3, 3), (3, 3))],
    ids=["next", "overwritten at the same step", "overwritten by a shorter run", "saved again"],
)
def test_a_kill_leaves_the_old_checkpoint_or_the_new_one(tmp_path: Path, old: tuple, new: tuple) -> None:
    folder, backup = tmp_path / "run", tmp_path / "backup"
    write(backup, *old)

    def save() -> None:
        write(folder, *new)

    def restore() -> None:
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(backup, folder)

    restore()
    found = []
    for steps in kills(save):
        found.append(is_whole(folder, old, new))
        assert not (len(found) > 1 and found[-2] == new != found[-1]), steps
        if len(found) % 3 == 0:  # the next save goes through over what the kill left, and tidies up
            write(folder, 9, 9)
            assert is_whole(folder, (9, 9)) == (9, 9)
            assert not list(folder.glob("*.new")) and len(list(folder.iterdir())) == 4
        restore()
    assert found[0] == old and len(found) >= 5
    assert old == new or set(found) == {old, new}
    save()
    assert is_whole(folder, new) == new
    assert not list(folder.glob("*.new")) and len(list(folder.iterdir())) == 4


def test_a_kill_of_the_first_save_leaves_nothing_or_all(tmp_path: Path) -> None:
    folder = tmp_path / "deep" / "run"
    outcomes = []
    for _ in kills(lambda: write(folder, 3)):
        if (folder / "config.json").exists():
            assert is_whole(folder, (3, 3))
            outcomes.append("all")
        else:
            with pytest.raises(CheckpointError, match="no checkpoint"):
                checkpoint.load(folder)
            outcomes.append("nothing")
        shutil.rmtree(tmp_path / "deep", ignore_errors=True)
    assert outcomes == sorted(outcomes, reverse=True) and set(outcomes) == {"all", "nothing"}


def test_a_kill_while_metrics_are_added_loses_nothing(tmp_path: Path) -> None:
    write(tmp_path, 3)
    for _ in kills(lambda: checkpoint.amend(checkpoint.load(tmp_path), metrics={"a": 1})):
        assert_is(tmp_path, 3)
    assert checkpoint.load(tmp_path).config["metrics"] == {"a": 1}


def test_a_run_touches_nothing_before_its_first_save(tmp_path: Path) -> None:
    write(tmp_path, 3)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    keeper = RunFolder(tmp_path, config_at(0))
    keeper.log({"step": 1})
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before
    keeper.save(*tensors(8), {"step": 8, "max_steps": 9})
    assert checkpoint.load(tmp_path).log() == [{"step": 1}]


# Finding


def test_a_name_is_looked_for_in_the_order_of_the_folders(tmp_path: Path) -> None:
    here, shipped = tmp_path / "here", tmp_path / "shipped"
    write(shipped / "linux", 1)
    assert checkpoint.find("linux", [here, shipped]).folder == shipped / "linux"
    write(here / "linux", 2)
    write(here / "mine", 3)
    assert checkpoint.find("linux", [here, shipped]).folder == here / "linux"
    assert checkpoint.find(str(shipped / "linux"), [here]).folder == shipped / "linux"
    with pytest.raises(CheckpointError, match=r"'linus'.*did you mean 'linux'"):
        checkpoint.find("linus", [here, shipped])
    with pytest.raises(CheckpointError) as refusal:
        checkpoint.find("zzz", [here, shipped])
    assert refusal.value.hint.startswith("known: linux, mine;")  # each once


def test_a_damaged_checkpoint_is_listed_as_damaged(tmp_path: Path) -> None:
    write(tmp_path / "a", 1)
    write(tmp_path / "b", 1)
    (tmp_path / "b" / "config.json").write_text("{")
    first, second = checkpoint.listing([tmp_path, tmp_path / "nowhere"])
    assert isinstance(first, Checkpoint) and first.name == "a"
    assert isinstance(second, CheckpointError) and "config.json" in second.message


# Resuming a language run

STEPS_PER_EPOCH, STEPS = 5, 13  # evaluations at 4, 8, 12 and 13; epochs end at 5 and 10


@pytest.fixture(scope="module")
def corpus() -> Corpus:
    text = made_up_code(100)
    count = (STEPS_PER_EPOCH * 4 * 16 + 1) * 10 // 8 + 1
    return Corpus.of("toy", text[:count])


def settings(**changed: Any) -> LanguageSettings:
    given_settings = {
        **{
            "hidden_size": 8,
            "embedding_size": 4,
            "num_layers": 2,
            "dropout": 0.4,
            "batch_size": 4,
            "seq_len": 16,
        },
        **{"max_steps": STEPS, "eval_every": 4, "lr": 1e-2, "seed": 5},
    }
    return LanguageSettings(**{**given_settings, **changed})


def run_to_end(corpus: Corpus, folder: Path, **options: Any) -> Checkpoint | None:
    """Train; the finished checkpoint, or None where a stop ended it."""
    given = options.pop("settings", settings())
    return Task(language.train(corpus, given, RunOptions(folder, Compute(threads=1), **options))).result()


def stop_after(steps: int) -> Callable[[], bool]:
    count = itertools.count(1)
    return lambda: next(count) == steps


def untimed(records: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{k: v for k, v in record.items() if k not in ("rate", "seconds")} for record in records]


def assert_same_run(one: Path, other: Path) -> None:
    """Bit for bit: weights, moments, random and recurrent state by their sha256; config and log but for times."""
    first, second = checkpoint.load(one), checkpoint.load(other)
    assert first.config["files"] == second.config["files"]
    for name in ("sha256", "log_sha256", "command"):
        first.config.pop(name), second.config.pop(name)
    assert first.config == second.config
    records = [untimed([json.loads(line) for line in (folder / "log.jsonl").open()]) for folder in (one, other)]
    assert records[0] == records[1]


@pytest.fixture(scope="module", params=["lstm", "gru"])
def left_alone(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, corpus: Corpus) -> Path:
    """A run that nobody stopped. The folder's name is the cell."""
    torch.set_num_threads(1)
    folder = tmp_path_factory.mktemp("alone") / request.param
    done = run_to_end(corpus, folder, settings=settings(cell=request.param))
    assert done is not None and [record["step"] for record in done.log()] == [4, 8, 12, 13]
    assert done.config["position"]["epoch"] == 2
    return folder


@pytest.mark.parametrize("stop", range(1, STEPS))
def test_a_run_stopped_at_any_step_goes_on_bit_for_bit(
    corpus: Corpus, left_alone: Path, tmp_path: Path, stop: int
) -> None:
    given = settings(cell=left_alone.name)
    assert run_to_end(corpus, tmp_path / "run", settings=given, stop=stop_after(stop)) is None
    saved = checkpoint.load(tmp_path / "run")
    assert saved.config["position"]["step"] == stop
    assert [record["step"] for record in saved.log()] == [step for step in (4, 8, 12) if step <= stop]
    torch.manual_seed(999 + stop)  # another process has another random state
    # the settings given on resuming do not count: the saved ones do
    assert run_to_end(corpus, tmp_path / "run", settings=settings(hidden_size=99, seed=1), resume=True) is not None
    assert_same_run(tmp_path / "run", left_alone)


def test_a_run_stopped_at_every_step_is_the_same_run(corpus: Corpus, left_alone: Path, tmp_path: Path) -> None:
    given, stops = settings(cell=left_alone.name), 0
    while run_to_end(corpus, tmp_path / "run", settings=given, stop=stop_after(1), resume=stops > 0) is None:
        stops += 1
        assert stops < 2 * STEPS
    assert stops == STEPS - 1
    assert_same_run(tmp_path / "run", left_alone)


def test_a_finished_run_resumed_is_the_same_run(corpus: Corpus, left_alone: Path, tmp_path: Path) -> None:
    shutil.copytree(left_alone, tmp_path / "run")
    assert run_to_end(corpus, tmp_path / "run", resume=True) is not None
    assert_same_run(tmp_path / "run", left_alone)


def test_a_run_of_an_earlier_version_goes_on_bit_for_bit(corpus: Corpus, left_alone: Path, tmp_path: Path) -> None:
    """Its settings have the names of that version."""
    assert run_to_end(corpus, tmp_path / "run", settings=settings(cell=left_alone.name), stop=stop_after(6)) is None
    saved = checkpoint.load(tmp_path / "run")
    config = {**saved.config, "settings": dict(saved.config["settings"])}
    config["settings"]["recall"] = config["settings"].pop("ngram_cache")
    config["settings"]["forget"] = config["settings"].pop("reset_prob")
    checkpoint.save(tmp_path / "run", config, saved.weights(), saved.training(), saved.log())
    assert run_to_end(corpus, tmp_path / "run", resume=True) is not None
    assert_same_run(tmp_path / "run", left_alone)


def test_a_resumed_run_would_differ_if_a_part_of_its_state_were_lost(
    corpus: Corpus, left_alone: Path, tmp_path: Path
) -> None:
    """What the tests above are worth: each part of the training state matters."""
    names = checkpoint.load(left_alone).training()
    for part in (
        "rng.cpu",
        "state.0",
        "optimizer.momentum.",
        "optimizer.exp_avg.",
        "optimizer.exp_avg_sq.",
        "optimizer.step.",
        "model.",
    ):
        assert any(name.startswith(part) for name in names)
        folder = tmp_path / part.strip(".")
        run_to_end(corpus, folder, settings=settings(cell=left_alone.name), stop=stop_after(6))
        saved = checkpoint.load(folder)
        other = {"rng.cpu": torch.Generator().manual_seed(1).get_state()}
        changed = {name: other.get(name, t + 1) if name.startswith(part) else t for name, t in saved.training().items()}
        checkpoint.save(folder, saved.config, saved.weights(), changed, saved.log())
        run_to_end(corpus, folder, resume=True)
        with pytest.raises(AssertionError):
            assert_same_run(folder, left_alone)


def test_a_run_is_resumed_with_its_own_text_only(corpus: Corpus, left_alone: Path) -> None:
    other = Corpus.of("toy", corpus.text("all")[::-1])
    with pytest.raises(CheckpointError, match="trained on another text"):
        run_to_end(other, left_alone, resume=True)


def test_a_run_resumed_with_another_machine_or_torch_says_so(corpus: Corpus, tmp_path: Path) -> None:
    def resumed() -> list[str]:
        task = Task(language.train(corpus, settings(), RunOptions(tmp_path / "run", resume=True, stop=lambda: True)))
        task.result()
        return [note for note in task.notes if "bit for bit" in note]

    run_to_end(corpus, tmp_path / "run", stop=stop_after(6))
    assert resumed() == []
    saved = checkpoint.load(tmp_path / "run")
    checkpoint.amend(saved, environment={**saved.config["environment"], "instruction_set": "VIS"})
    (note,) = resumed()
    assert note.startswith("begun with instruction_set VIS, now ")
    assert resumed() == []  # what it goes on with is what is noted


def test_an_exported_folder_is_not_resumed(corpus: Corpus, left_alone: Path, tmp_path: Path) -> None:
    checkpoint.export(checkpoint.load(left_alone), tmp_path / "small")
    with pytest.raises(CheckpointError, match="no training state"):
        run_to_end(corpus, tmp_path / "small", resume=True)


def test_a_diverging_run_leaves_its_last_save(corpus: Corpus, tmp_path: Path) -> None:
    from seqlab.errors import DivergenceError

    with pytest.raises((DivergenceError, UsageError)):
        run_to_end(corpus, tmp_path / "run", settings=settings(lr=1e38, eval_every=1, clip_norm=None))
    if (tmp_path / "run").exists():
        read_all(tmp_path / "run")


def test_kill_9_and_resume_gives_the_weights_of_the_run_left_alone(tmp_path: Path, cli: Callable[..., Outcome]) -> None:
    text = tmp_path / "code.txt"
    text.write_text(made_up_code(300))
    names = {"max_steps": 300, "eval_every": 20, "hidden_size": 8, "embedding_size": 4, "num_layers": 2}
    names |= {"dropout": 0.2, "batch_size": 4, "seq_len": 20}
    words = [
        "train-text",
        text,
        "--threads=1",
        "--seed=3",
        *(f"--set={name}={names[name]}" for name in names),
    ]

    killed = start_seqlab(*words, "-o", tmp_path / "killed")
    config, end = tmp_path / "killed" / "config.json", time.monotonic() + 40
    while not (config.exists() and json.loads(config.read_text())["position"]["step"] >= 60):
        assert killed.poll() is None and time.monotonic() < end, killed.communicate()
        time.sleep(0.002)
    killed.send_signal(signal.SIGKILL)
    killed.communicate()
    assert killed.returncode == -signal.SIGKILL
    saved = checkpoint.load(tmp_path / "killed").config["position"]["step"]
    assert 60 <= saved < 300

    resumed = run_seqlab(*words, "-o", tmp_path / "killed", "--resume")
    alone = cli(*words, "-o", tmp_path / "alone")
    assert (resumed.status, alone.status) == (0, 0), resumed.err + alone.err
    # it went on from what was saved: to begin again would have ended with the same weights
    reported = [int(step) for step in re.findall(r"^step +(\d+)/", resumed.err, re.M)]
    assert (reported[0], reported[-1]) == (saved + 20, 300)
    assert_same_run(tmp_path / "killed", tmp_path / "alone")
    assert resumed.out == alone.out


def test_the_text_of_a_checkpoint_is_found_again(left_alone: Path, corpus: Corpus) -> None:
    """Nothing but the folder is needed: the model rebuilt from it measures what was measured."""
    model = language.load(checkpoint.load(left_alone))
    device_config = Compute(threads=1, precision=model.checkpoint.config["environment"]["precision"]).resolve(0)
    metrics = language.evaluate(model.model, model.vocab, corpus.encoded("test", model.vocab), device_config)
    assert metrics == model.checkpoint.config["metrics"]
    with pytest.raises(UsageError):
        next(load_corpus("toy"))


def test_a_shipped_checkpoint_is_recognized_by_its_content(tmp_path: Path) -> None:
    shipped = checkpoint.load(checkpoint.shipped_folder() / "quotes")
    assert shipped.is_shipped
    copied = Path(shutil.copytree(shipped.folder, tmp_path / "quotes"))
    assert checkpoint.load(copied).is_shipped
    assert not checkpoint.amend(checkpoint.load(copied), command="another").is_shipped
    assert not write(tmp_path / "quotes2", 1).is_shipped


@pytest.mark.parametrize(
    "name", ["..", ".", "...", "", "../up", "a/b", "a\\b", ".hidden", "x\0y", "con:", " .. ", "é" * 300]
)
def test_no_name_of_a_folder_leads_anywhere_else(tmp_path: Path, name: str) -> None:
    made = tmp_path / checkpoint.folder_name(name)
    made.mkdir()
    assert made.resolve().parent == tmp_path.resolve() and not made.name.startswith(".")


@pytest.mark.parametrize("name", ["linux", "v1.2", "Größe 3", "AAPL-and-3-more", "BRK-B"])
def test_an_ordinary_name_stays_as_it_is(name: str) -> None:
    assert checkpoint.folder_name(name) == name


def test_a_save_deletes_only_what_its_own_config_named(tmp_path: Path) -> None:
    foreign = [tmp_path / name for name in ("mine.safetensors", "model-1.safetensors", "model-99.safetensors.bak")]
    for path in foreign:
        path.write_text("not of this run")
    for step in (1, 2, 3):
        write(tmp_path, step)
    assert [path.read_text() for path in foreign] == ["not of this run"] * 3
    kept = {
        *(path.name for path in foreign),
        "config.json",
        "log.jsonl",
        "model-3.safetensors",
        "training-3.safetensors",
    }
    assert {path.name for path in tmp_path.iterdir()} == kept


def test_a_killed_save_does_not_have_others_deleted(tmp_path: Path) -> None:
    write(tmp_path, 1)
    (tmp_path / "files.new").write_text("model-2.safetensors\n../elsewhere\nnotes.txt\n")
    (tmp_path / "model-2.safetensors").write_text("left by a kill")
    (tmp_path / "notes.txt").write_text("mine")
    write(tmp_path, 3)
    assert not (tmp_path / "model-2.safetensors").exists() and (tmp_path / "notes.txt").read_text() == "mine"


def test_what_a_killed_first_save_left_is_in_nobodys_way(tmp_path: Path) -> None:
    (tmp_path / "files.new").write_text("model-2.safetensors\ntraining-2.safetensors")
    (tmp_path / "model-2.safetensors").write_text("half")
    checkpoint.refuse_existing(tmp_path)
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(CheckpointError, match="is no checkpoint"):
        checkpoint.refuse_existing(tmp_path)


def test_a_damaged_list_of_files_hinders_no_save(tmp_path: Path) -> None:
    write(tmp_path, 1)
    (tmp_path / "files.new").write_bytes(b"\xff\xfe\nmodel-2.safetensors\n")
    write(tmp_path, 3)
    assert not (tmp_path / "files.new").exists()


def test_the_config_of_another_program_makes_no_checkpoint(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text('{"model_type": "bert"}')
    with pytest.raises(CheckpointError, match="is no checkpoint"):
        checkpoint.refuse_existing(tmp_path)
    assert not checkpoint.is_checkpoint(tmp_path)
    (tmp_path / "config.json").write_text('{"format": 1, "fil')  # a damaged one can be replaced
    assert checkpoint.is_checkpoint(tmp_path)


def test_a_checkpoint_is_removed_without_what_others_put_beside_it(tmp_path: Path) -> None:
    for name in ("alone", "shared"):
        write(tmp_path / name, 1)
    (tmp_path / "shared" / "notes.txt").write_text("mine")
    for name in ("alone", "shared"):
        checkpoint.remove(checkpoint.load(tmp_path / name))
    assert [path.name for path in tmp_path.rglob("*")] == ["shared", "notes.txt"]


@pytest.mark.parametrize("name", ["x" * 5000, "a\0b", "\ud800"])
def test_names_that_no_folder_has_are_checkpoints_that_are_not_there(name: str) -> None:
    with pytest.raises(CheckpointError, match="there is no checkpoint"):
        checkpoint.find(name)
    assert 0 < len(checkpoint.folder_name(name).encode()) <= 200
