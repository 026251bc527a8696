"""Started without one of the standard streams, as some do: a clear error, and nothing goes to another one."""

import subprocess
import sys

import pytest

from tests.reliability.conftest import Tried

CASES = (  # what is closed, the command, its status, and how its standard error begins
    (">&-", "checkpoints list", 1, "error: standard output cannot be written: Bad file descriptor"),
    (">&-", "--help", 1, "error: Bad file descriptor"),
    ("<&-", "checkpoints list", 0, ""),
    ("<&-", "forecast -", 1, "error: standard input is empty"),
    ("<&-", "score - --corpus linux", 1, "error: standard input "),
    ("2>&-", "checkpoints show none", 1, ""),
    ("<&- >&- 2>&-", "checkpoints list", 1, ""),
)


@pytest.mark.parametrize(("closed", "words", "status", "said"), CASES)
def test_a_closed_stream(closed: str, words: str, status: int, said: str, tried: Tried) -> None:
    line = f'exec "{sys.executable}" -m seqlab {words} {closed}'
    ended = subprocess.run(line, shell=True, capture_output=True, text=True, timeout=60)
    assert ended.returncode == status
    assert ended.stderr.startswith(said) and (said or not ended.stderr)
    assert "report it" not in ended.stderr and bool(ended.stdout) == (status == 0)
    tried(19)
