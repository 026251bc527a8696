"""A damaged checkpoint is found, one that lies with the right sum refused: one error, its file and the remedy."""

import copy
import itertools
import json
import os
import random
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from seqlab import api, checkpoint
from seqlab.checkpoint.loading import digest_of, text_of
from seqlab.data.images.image_set import ImageSet
from seqlab.errors import CheckpointError, SeqlabError
from seqlab.vision.train import check_resumable
from tests.conftest import Outcome
from tests.reliability.conftest import Tried, many
from tests.reliability.jobs import JOBS, start

SHIPPED = ("cifar10", "linux", "lstm", "quotes", "stacks")


def found(folder: Path, name: str) -> None:
    """Check that reading all of a checkpoint fails, and that the error names the file and what to do."""
    with pytest.raises(CheckpointError) as noticed:
        checkpoint.verify(checkpoint.load(folder))
    assert name in noticed.value.message and str(folder) in str(noticed.value)
    assert "restore the folder" in noticed.value.hint or "name a checkpoint" in noticed.value.hint


def damaged(path: Path, content: bytes) -> None:
    before = path.read_bytes()
    assert content != before
    path.write_bytes(content)
    try:
        found(path.parent, path.name)
    finally:
        path.write_bytes(before)


def write(folder: Path, seed: int) -> None:
    """A checkpoint of some hundred bytes a file."""
    config = {"job": "x", "command": "seqlab", "parameters": 4, "note": "ä€"}
    weights = {"a": torch.arange(4.0) + seed}
    position = {"position": {"step": 3, "max_steps": 9}}
    checkpoint.save(folder, {**config, **position}, weights, {"m": weights["a"] * 2}, [{"step": 3}] * 3)


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("small") / "run"
    write(folder, 0)
    return folder


@pytest.fixture(scope="module")
def shipped(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("shipped")
    for name in SHIPPED:
        shutil.copytree(checkpoint.shipped_folder() / name, folder / name)
    return folder


def test_every_byte_of_a_small_checkpoint_counts(small: Path, tried: Tried) -> None:
    chance, count = random.Random(0), 0
    for path in sorted(small.iterdir()):
        content = path.read_bytes()
        for place in range(len(content)):
            changed = content[place] ^ chance.randrange(1, 256)
            damaged(path, content[:place] + bytes([changed]) + content[place + 1 :])
            count += 1
    assert count > 800
    checkpoint.verify(checkpoint.load(small))
    tried(4, count)


def test_a_flipped_bit_of_a_shipped_checkpoint_is_found(shipped: Path, tried: Tried) -> None:
    chance, count = random.Random(1), many(300, 5000)
    paths = [path for name in SHIPPED for path in sorted((shipped / name).iterdir())]
    for _ in range(count):
        path = chance.choice(paths)
        place, bit = chance.randrange(path.stat().st_size), 1 << chance.randrange(8)
        with path.open("r+b") as file:
            for expects in (True, False):
                file.seek(place)
                byte = file.read(1)[0]
                file.seek(place)
                file.write(bytes([byte ^ bit]))
                file.flush()
                if expects:
                    found(path.parent, path.name)
    for name in SHIPPED:
        checkpoint.verify(checkpoint.load(shipped / name))
    tried(4, count)


def test_every_truncation_and_every_appended_byte_is_found(small: Path, tried: Tried) -> None:
    count = 0
    for path in sorted(small.iterdir()):
        content = path.read_bytes()
        for length in range(0, len(content), many(5, 1)):
            damaged(path, content[:length])
            count += 1
        for more in (b"\0", b"\n", b" ", b"}", content):
            damaged(path, content + more)
            count += 1
    tried(4, count)


def test_swapped_files_and_swapped_bytes_are_found(small: Path, tmp_path: Path, tried: Tried) -> None:
    write(tmp_path / "other", 1)
    names, count = sorted(path.name for path in small.iterdir()), 0
    for one, other in itertools.permutations(names, 2):
        damaged(small / one, (small / other).read_bytes())
        count += 1
    for name in names:
        if (tmp_path / "other" / name).read_bytes() != (small / name).read_bytes() and name != "config.json":
            damaged(small / name, (tmp_path / "other" / name).read_bytes())
            count += 1
        content = (small / name).read_bytes()
        for place in range(0, len(content) - 9, many(9, 1)):
            swapped = content[:place] + content[place + 8 : place + 9] + content[place + 1 : place + 8]
            swapped += content[place : place + 1] + content[place + 9 :]
            if swapped != content:
                damaged(small / name, swapped)
                count += 1
    tried(4, count)


@pytest.mark.parametrize("kind", ["pipe", "device", "folder", "loop", "missing", "unreadable"])
def test_a_file_that_is_none_is_found_at_once(small: Path, kind: str, tried: Tried) -> None:
    if kind == "unreadable" and os.geteuid() == 0:
        pytest.skip("root reads everything")
    for path in sorted(small.iterdir()):
        content = path.read_bytes()
        path.unlink()
        make: dict[str, Callable[[], object]] = {
            "pipe": lambda path=path: os.mkfifo(path),  # type: ignore[misc]
            "device": lambda path=path: path.symlink_to("/dev/zero"),  # type: ignore[misc]
            "folder": path.mkdir,
            "loop": lambda path=path: path.symlink_to(path),  # type: ignore[misc]
            "missing": lambda: None,
            "unreadable": lambda path=path: path.touch(0),  # type: ignore[misc]
        }
        make[kind]()
        try:
            found(small, path.name)
        finally:
            if kind == "folder":
                path.rmdir()
            path.unlink(missing_ok=True)
            path.write_bytes(content)
    tried(4, 4)


# A config that lies: its sum is right, whatever else is not


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a finished run of each job."""
    folder = tmp_path_factory.mktemp("jobs")
    for job in JOBS:
        start(job, folder / job).result()
    return folder


def places(value: Any, at: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The paths of all entries of a JSON value, of long lists the first three."""
    items = value.items() if isinstance(value, dict) else enumerate(value[:3]) if isinstance(value, list) else ()
    for name, one in items:
        yield (*at, name)
        yield from places(one, (*at, name))


def deep() -> Any:
    value: Any = []
    for _ in range(200):
        value = [value]
    return value


GONE = object()
LIES = [GONE, None, True, -1, 0, 3, 10**12, 10**400, 0.5, 1e308, "", "x", "../../x", "\ud800", [], ["x"], {}, {"x": 1}]
LIES += [deep()]


def lying(config: dict[str, Any], place: tuple[Any, ...], lie: Any) -> dict[str, Any]:
    changed = copy.deepcopy(config)
    inside = changed
    for name in place[:-1]:
        inside = inside[name]
    if lie is GONE:
        del inside[place[-1]]
    else:
        inside[place[-1]] = lie
    return changed


def sign(path: Path, config: dict[str, Any]) -> None:
    """Write a config with the sum that is right for it."""
    config.pop("sha256", None)
    config["sha256"] = digest_of(config)
    path.write_bytes(text_of(config).encode(errors="surrogatepass"))


def test_a_config_that_lies_is_refused_or_harmless(trained: Path, shipped: Path, tried: Tried) -> None:
    """Nothing but a SeqlabError, and that in no time: not from listing, loading or showing it."""
    folders = [trained / job for job in JOBS] + [shipped / "quotes"]
    honest = {folder: (folder / "config.json").read_bytes() for folder in folders}
    cases = [(one, place, lie) for one in folders for place in places(json.loads(honest[one])) for lie in LIES]
    chance = random.Random(2)
    refused, count = 0, many(500, 10_000)
    for folder, place, lie in chance.sample(cases, count):
        if place == ("sha256",):
            continue
        sign(folder / "config.json", lying(json.loads(honest[folder]), place, lie))
        try:
            for entry in checkpoint.listing([folder.parent]):
                if not isinstance(entry, CheckpointError):
                    json.dumps(entry.to_dict()), entry.to_html(), entry.log()
            saved = checkpoint.load(folder)
            repr(api.model_of(saved))
        except CheckpointError as problem:
            refused += 1
            assert problem.hint and "\n" not in problem.message
        except Exception as problem:
            raise AssertionError(f"{folder.name}: {place} = {str(lie)[:50]!r}") from problem
        finally:
            (folder / "config.json").write_bytes(honest[folder])
    assert refused > count / 4
    tried(4, count)


def test_a_run_with_settings_or_a_position_that_lie_is_refused_or_resumed(trained: Path, tried: Tried) -> None:
    chance, count = random.Random(3), 0
    for job in JOBS:
        folder, done = trained / job, 0
        honest = (folder / "config.json").read_bytes()
        config = json.loads(honest)
        cases = [
            (place, lie)
            for place in places({name: config[name] for name in ("settings", "position", "environment", "model")})
            for lie in LIES
            if place not in (("position", "step"), ("position", "max_steps")) or not isinstance(lie, int)
        ]
        for place, lie in chance.sample(cases, min(len(cases), many(15, 500))):
            sign(folder / "config.json", lying(config, place, lie))
            before = {path.name: path.read_bytes() for path in folder.iterdir()}
            try:
                start(job, folder, resume=True, stop=lambda: True).result()
            except SeqlabError as problem:
                assert problem.hint
            except Exception as problem:
                raise AssertionError(f"{job}: {place} = {str(lie)[:50]!r}") from problem
            finally:
                for name, content in before.items():
                    (folder / name).write_bytes(content)
                (folder / "config.json").write_bytes(honest)
            done += 1
        count += done
    tried(4, count)


@pytest.mark.parametrize("depth", [1_000, 100_000])
def test_a_config_nested_without_end_is_damaged(small: Path, depth: int, tried: Tried) -> None:
    for text in ('{"a":' * depth, "[" * depth + "]" * depth):
        damaged(small / "config.json", text.encode())
        with pytest.raises(CheckpointError):
            damaged(small / "log.jsonl", text.encode())
            config = json.loads((small / "config.json").read_text())
            sign(small / "config.json", {**config, "log_sha256": "0"})
            checkpoint.load(small).log()
    tried(4, 2)


def test_one_lying_folder_is_listed_as_damaged_and_the_others_are_shown(
    small: Path, tmp_path: Path, cli: Callable[..., Outcome], tried: Tried
) -> None:
    for name in ("a", "b", "c", "d"):
        shutil.copytree(small, tmp_path / "checkpoints" / name)
    config = json.loads((small / "config.json").read_text())
    sign(tmp_path / "checkpoints" / "b" / "config.json", {**config, "files": {}})
    sign(tmp_path / "checkpoints" / "c" / "config.json", {**config, "position": {"step": "many", "max_steps": None}})
    for options in ((), ("--json",)):
        outcome = cli("checkpoints", "list", *options)
        assert outcome.status == 0 and outcome.err == ""
        entries = outcome.json["checkpoints"] if options else outcome.out.splitlines()
        told = [str(entry.get("error", entry.get("name"))) if options else entry for entry in entries]
        first, second = [one for one in told if "damaged" in one]
        assert "files.model" in first and "position.step" in second
        assert {"a", "d"} <= {one.split()[0] for one in told}
    cli("checkpoints", "show", "b").fails(1, "b/config.json is damaged", "train it again")
    tried(4, 4)


def test_a_vision_run_without_its_models_name_is_refused(tmp_path: Path, tried: Tried) -> None:
    pixels, labels = torch.zeros(2, 3, 8, 8, dtype=torch.uint8), torch.zeros(2, dtype=torch.long)
    images = ImageSet("x", "", ("a", "b"), pixels, labels, pixels, labels, "0")
    for config in ({"model": {}, "data": {"sha256": "0"}}, {"model": {"name": "resnet20"}, "data": {}}):
        with pytest.raises(CheckpointError, match="no entry"):
            check_resumable(checkpoint.Checkpoint(tmp_path, config), images, "resnet20")
        tried(4)
