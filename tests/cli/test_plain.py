"""What is shown where nothing may move and nothing be drawn, and the pages made from the help."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from seqlab.cli.main import COMMANDS
from tests.cli.test_widths import on_terminal

DRAWN = re.compile(r"[\u2500-\u259f\u2800-\u28ff]")  # lines, blocks and dots
FORECAST = ["forecast", "AAPL", "--offline", "--origins", "3", "--horizon", "5", "--threads", "1"]
SAID = re.compile(
    r"For (\S+) the median of the forecast is (\S+); it is above (\S+) with a chance of 90 % and above (\S+) with "
    r"one of 10 %\."
)


def test_a_picture_is_a_sentence_for_a_screen_reader(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = on_terminal(80, *FORECAST, term="xterm-256color")
    assert DRAWN.search(drawn)
    monkeypatch.setenv("ACCESSIBLE", "1")
    said = on_terminal(80, *FORECAST, term="xterm-256color")
    assert not DRAWN.search(said) and "\x1b" not in said
    row = re.search(r"^(2023-\d\d-\d\d) +(.*)\n+random walk", said, re.M)
    sentence = SAID.search(" ".join(said.split()))
    assert row is not None and sentence is not None and sentence[1] == row[1]
    _, q10, _, q50, _, q90, _ = map(float, row[2].split())
    assert [float(sentence[k]) for k in (2, 3, 4)] == pytest.approx([q50, q10, q90], abs=0.01)


def test_every_command_has_a_manual_page(tmp_path: Path) -> None:
    pytest.importorskip("click_man")
    subprocess.run([sys.executable, Path(__file__).parents[2] / "docs" / "man_pages.py", tmp_path], check=True)
    pages = {page.stem for page in tmp_path.glob("*.1")}
    assert pages >= {"seqlab", "seqlab-lab-run", *(f"seqlab-{name}" for name in COMMANDS)}
    assert "\\-\\-horizon" in (tmp_path / "seqlab-forecast.1").read_text()
