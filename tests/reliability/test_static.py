"""What no line of seqlab does: unpickle, evaluate, run another program. And whole commands on files that ask for it."""

import ast
import io
import json
import os
import pickle
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

import seqlab
from tests.conftest import Outcome
from tests.reliability.conftest import Tried

PACKAGE = Path(seqlab.__file__).parent
MODULES = {"pickle", "cPickle", "dill", "cloudpickle", "joblib", "shelve", "marshal", "yaml", "subprocess", "pty"}
CALLS = {"eval", "exec", "compile", "__import__"}
METHODS = {
    *(
        "torch.load",
        "torch.jit.load",
        "torch.hub.load",
        "np.load",
        "numpy.load",
        "pd.read_pickle",
        "pandas.read_pickle",
    ),
    *("os.system", "os.popen", "os.fork", "os.posix_spawn", "os.startfile", "yaml.load", "pd.eval", "pandas.eval"),
    *("os.execv", "os.execve", "os.execvp", "os.spawnv", "os.spawnl", "pd.read_hdf", "importlib.reload"),
}
ALLOWED = {"lab/runner.py": {"joblib"}}  # hands experiments to processes that it starts itself: no file is unpickled


def done_in(source: str) -> Iterator[str]:
    """What of all that a file of Python does."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from {one.name.partition(".")[0] for one in node.names} & MODULES
        elif isinstance(node, ast.ImportFrom):
            yield from {(node.module or "").partition(".")[0]} & MODULES
        elif isinstance(node, ast.Call):
            called = ast.unparse(node.func)
            if called in CALLS or called in METHODS:
                yield called
            for keyword in node.keywords:
                is_false = isinstance(keyword.value, ast.Constant) and keyword.value.value is False
                if keyword.arg in ("shell", "allow_pickle", "trust_remote_code") and not is_false:
                    yield keyword.arg
                if keyword.arg == "weights_only" and is_false:
                    yield keyword.arg


@pytest.mark.parametrize(
    "line",
    [
        *("import pickle", "from subprocess import run", "import yaml", "eval('1')", "exec(x)", "torch.load(x)"),
        *("os.system('ls')", "run(x, shell=True)", "np.load(x, allow_pickle=True)", "pd.read_pickle(x)"),
    ],
)
def test_each_of_them_would_be_found(line: str) -> None:
    assert list(done_in(line))


def test_no_file_of_the_package_does_any_of_it(tried: Tried) -> None:
    files = sorted(PACKAGE.rglob("*.py"))
    found = {str(path.relative_to(PACKAGE)): set(done_in(path.read_text(encoding="utf-8"))) for path in files}
    assert {name: done for name, done in found.items() if done} == ALLOWED
    tried(5, len(files))


class Evil:
    """Runs when it is unpickled."""

    def __init__(self, canary: Path) -> None:
        self.canary = canary

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, (str(self.canary),)


def evil_files(folder: Path, canary: Path) -> list[Path]:
    """Pickles and scripts under every ending that some command reads, and archives of them."""
    evil = Evil(canary)
    saved, array, archive = io.BytesIO(), io.BytesIO(), io.BytesIO()
    torch.save({"w": evil}, saved)
    np.save(array, np.array([evil], object), allow_pickle=True)
    with zipfile.ZipFile(archive, "w") as packed:
        packed.writestr("xl/workbook.xml", pickle.dumps(evil))
        packed.writestr("[Content_Types].xml", pickle.dumps(evil))
    shell = f"#!/bin/sh\nmkdir '{canary}'\n".encode()
    formula = f'a,y\n=cmd|"/c mkdir {canary}"!A1,1\n__import__("os").mkdir("{canary}"),2\n'.encode()
    contents = {
        "pickle": pickle.dumps(evil),
        "text pickle": pickle.dumps(evil, 0),
        "torch": saved.getvalue(),
        "numpy": array.getvalue(),
        "workbook": archive.getvalue(),
        "shell": shell,
        "formula": formula,
        "yaml": f"!!python/object/apply:os.mkdir ['{canary}']\n".encode(),
        "xml": f'<!DOCTYPE a [<!ENTITY b SYSTEM "file://{canary}">]><a>&b;</a>'.encode(),
    }
    endings = (
        ".csv",
        ".xlsx",
        ".parquet",
        ".gz",
        ".txt",
        ".png",
        ".toml",
        ".tar.gz",
        ".zip",
        ".arff",
        ".safetensors",
        "",
    )
    paths = []
    for name, content in contents.items():
        for ending in endings:
            paths.append(folder / f"{name}{ending}")
            paths[-1].write_bytes(content)
    return paths


def test_the_canary_appears_where_such_a_file_is_unpickled(tmp_path: Path) -> None:
    pickle.loads(pickle.dumps(Evil(tmp_path / "canary")))
    assert (tmp_path / "canary").exists()


def test_no_evil_file_runs_in_any_command(cli: Callable[..., Outcome], tmp_path: Path, tried: Tried) -> None:
    canary, tries = tmp_path / "canary", 0
    for path in evil_files(tmp_path, canary):
        for words in (
            ("forecast", path),
            ("structure", path),
            ("train-mlp", path, "--target", "nothing"),
            ("predict", "cifar10", path),
            ("evaluate", "quotes", path),
            ("doctor", "--config", path),
        ):
            outcome = cli(*words)
            assert "Traceback" not in outcome.err and "report it" not in outcome.err, (words, outcome.err)
            assert not canary.exists(), words
            tries += 1
    tried(5, tries)


def test_no_evil_checkpoint_runs(cli: Callable[..., Outcome], tmp_path: Path, tried: Tried) -> None:
    canary = tmp_path / "canary"
    folder = tmp_path / "checkpoints" / "evil"
    folder.mkdir(parents=True)
    saved = io.BytesIO()
    torch.save({"w": Evil(canary)}, saved)
    names = ("model-1.safetensors", "training-1.safetensors", "pytorch_model.bin", "model.pt", "data.pkl", "model.ckpt")
    for name in names:
        (folder / name).write_bytes(saved.getvalue())
    for config in (b"", pickle.dumps(Evil(canary)), json.dumps({"job": "vision", "files": {}}).encode()):
        (folder / "config.json").write_bytes(config)
        for words in (("show", "evil"), ("verify", "evil"), ("list",)):
            cli("checkpoints", *words)
        cli("predict", "evil", folder / "model.pt")
        cli("generate", "--corpus", "evil", "--length", "3")
        assert not canary.exists()
        tried(5, 5)
