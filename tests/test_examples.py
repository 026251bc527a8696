"""The examples run as a reader would run them: from another folder, without a network, on one thread."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import seqlab

EXAMPLES = Path(__file__).parent.parent / "examples"
MOST_LINES = 39

# What each prints, by a pattern with one number in it, and the bounds of that number.
PRINTED = {
    "forecast": (r"CRPS \[(\S+?),", 0.0, 60.0),  # percent; repeating the last value has 33 at one day
    "text": (r"held-out tenth: (\S+) bits per character", 1.0, 4.0),
    "images": (r"top-1 on held-out pictures: (\S+)", 0.5, 1.0),  # of three shapes
    "tables": (r"R2 (\S+)", 0.8, 1.0),
    "structure": (r"most unusual row: (\S+)", 77, 77),
    "own_model": (r"held-out error: (\S+)", 0.0, 0.2),  # the sums differ by 0.8 from each other
}


def test_every_example_is_checked_and_short() -> None:
    files = {path.stem: path.read_text().splitlines() for path in EXAMPLES.glob("*.py")}
    assert set(files) == set(PRINTED)
    assert {name: len(lines) for name, lines in files.items() if len(lines) > MOST_LINES} == {}


@pytest.mark.parametrize("name", sorted(PRINTED))
def test_an_example_runs_offline_from_any_folder(name: str, tmp_path: Path) -> None:
    here = tmp_path / "here"
    here.mkdir()
    environment = {
        **os.environ,  # the cache and the checkpoints of conftest.py, which are in tmp_path, and SEQLAB_OFFLINE
        "OMP_NUM_THREADS": "1",
        "PYTHONPATH": str(Path(seqlab.__file__).parent.parent),
    }
    done = subprocess.run(
        [sys.executable, str(EXAMPLES / f"{name}.py")],
        capture_output=True,
        text=True,
        cwd=here,
        env=environment,
        timeout=180,
    )
    assert done.returncode == 0, done.stderr
    pattern, low, high = PRINTED[name]
    (found,) = re.findall(pattern, done.stdout)
    assert low <= float(found) <= high, done.stdout
    assert list(here.iterdir()) == []  # what it trains is in a temporary folder
