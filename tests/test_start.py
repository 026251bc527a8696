"""What a stranger meets first: that models open fast, and that all of them are in the wheel."""

import subprocess
import sys
import tomllib
from fnmatch import fnmatch
from pathlib import Path

from seqlab.forecasting import general
from seqlab.forecasting.answers import DEFAULT_MODEL, VINTAGES

OPEN = """
import sys
from seqlab import api
for name in ("linux", "quotes", "general", "cifar10"):
    api.load(name)
    assert "torch._dynamo" not in sys.modules, name
"""


def test_no_model_that_ships_brings_torchs_compiler() -> None:
    """Which takes longer than all else that a command does before it answers."""
    subprocess.run([sys.executable, "-c", OPEN], check=True)


def test_every_model_that_ships_is_in_the_wheel() -> None:
    """.gitignore names those that are kept in the repository, pyproject.toml those that go into the wheel."""
    root = Path(__file__).parents[1]
    kept = [line[len("!/checkpoints/") : -1] for line in (root / ".gitignore").read_text().splitlines()
            if line.startswith("!/checkpoints/")]  # fmt: skip
    included = tomllib.loads((root / "pyproject.toml").read_text())["tool"]["hatch"]["build"]["targets"]["wheel"]
    packed = {
        name.removeprefix("checkpoints/") for name in included["force-include"] if name.startswith("checkpoints/")
    }
    assert packed >= {*VINTAGES, general.NAME, DEFAULT_MODEL}
    assert {name for name in packed if not any(fnmatch(name, one) for one in kept)} == set()
    assert all(any(fnmatch(name, one) for name in packed) for one in kept)
