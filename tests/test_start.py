"""What is not imported when a model is opened."""

import subprocess
import sys

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
