"""The training screen: what is on the terminal while a net trains and after it, at widths that people have."""

import io
import os
import re
import signal
import unicodedata
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.console import Console

from seqlab.cli.output import Bar, say
from seqlab.cli.screen import BLOCKS, Curve, Screen, bounds, pieces, spark
from seqlab.cli.signals import Interrupted, graceful_stop

NASTY = "a\x1b[2Jb\u202ec\x07\r\n\n  名前 [red]x[/red]" + "y" * 300


def after(step: int, max_steps: int = 1000, **more: Any) -> SimpleNamespace:
    """A step of a run whose loss falls."""
    values = {
        "step": step,
        "max_steps": max_steps,
        "epoch": 0,
        "loss": 4.0 / step**0.5,
        "train_loss": 4.1 / step**0.5,
        "grad_norm": 0.5,
        "lr": 1e-3,
        "rate": 12_345.0,
        "seconds_left": 83.0,
        "record": None,
    }
    return SimpleNamespace(**values | more)


def drawn(screen: Screen, width: int) -> list[str]:
    console = Console(file=io.StringIO(), width=width, color_system=None)
    console.print(screen.draw(width))
    return console.file.getvalue().splitlines()  # type: ignore[attr-defined]


def trained(last: int = 400, **record: Any) -> Screen:
    screen = Screen("chars/s")
    for step in range(1, last + 1):
        found = {"val_loss": 5.0 / step**0.5, **record} if step % 50 == 0 else None
        screen.see(after(step, record=found))
    return screen


@pytest.mark.parametrize("width", [60, 80, 100, 200])
def test_it_fits_the_terminal_and_is_no_wider_than_is_read(width: int) -> None:
    lines = drawn(trained(sample=NASTY, val_worst={NASTY: 0.25, "cat": 0.5}, val_skill=12.34, val_baseline="x"), width)
    assert {cell_len(line) for line in lines} == {min(width - 1, 100)}
    text = "\n".join(lines)
    for said in ("step 400 of 1,000", "40 %", "1 min 23 s left", "12,345 chars/s", "grad norm 0.5", "lr 0.001"):
        assert said in text
    assert "best val 0.2500 at step 400" in text and "+12.3 % against x" in text


def test_what_a_model_or_a_file_says_is_no_command_to_the_terminal() -> None:
    text = "\n".join(drawn(trained(sample=NASTY, val_worst={NASTY: 0.25}), 80))
    assert not [c for c in text if unicodedata.category(c) in ("Cc", "Cf") and c != "\n"]
    assert "a[2Jbc" in text and "[red]x[/red]" in text  # not markup either


def test_its_height_stays_while_it_goes_on() -> None:
    """From the first sample on: what jumps up and down is not calm."""
    heights = {
        len(drawn(trained(last, sample=text), 80)) for last in (51, 400, 999) for text in ("", "a", "a\n\n\nb\nc")
    }
    assert len(heights) == 1


def test_the_end_is_a_summary_without_a_time_left() -> None:
    text = "\n".join(drawn(trained(1000), 80))
    assert "1,000 steps" in text and "left" not in text and "%" not in text


def test_a_curve_has_the_means_of_its_steps_and_nothing_ahead() -> None:
    curve = Curve()
    for step in range(1, 501):
        curve.add(step, float(step))
    columns = curve.columns(10, 1000)
    assert columns[5:] in ([None] * 5, [500.0] + [None] * 4)
    assert columns[:5] == pytest.approx([50, 149.5, 249.5, 349.5, 449.5], abs=1)


def test_a_long_run_is_kept_in_few_numbers() -> None:
    curve = Curve()
    for step in range(1, 200_001):
        curve.add(step, step / 200_000)
    assert len(curve.bins) <= 1025
    columns = [value for value in curve.columns(20, 200_000) if value is not None]
    assert columns == pytest.approx([(k + 0.5) / 20 for k in range(20)], abs=0.01)


@given(st.lists(st.floats(0.0, 10.0), min_size=2, max_size=40), st.integers(1, 3))
def test_higher_values_have_higher_bars(values: list[float], rows: int) -> None:
    lines = spark(values, min(values), max(values), rows)
    assert len(lines) == rows and {len(line) for line in lines} == {len(values)}
    heights = [sum(BLOCKS.index(line[k]) for line in lines) for k in range(len(values))]
    order = sorted(range(len(values)), key=lambda k: values[k])
    assert [heights[k] for k in order] == sorted(heights) and min(heights) >= 1


def test_the_first_steps_do_not_flatten_the_rest() -> None:
    values: list[float | None] = [100.0, 50.0, *[2.0 - k / 100 for k in range(98)], None]
    low, high = bounds(values)
    assert low == pytest.approx(1.03) and high < 2.0


@given(st.lists(st.text("abc", min_size=1, max_size=30), max_size=8), st.integers(30, 80))
def test_short_parts_are_put_into_lines_whole(parts: list[str], width: int) -> None:
    lines = pieces(parts, width)
    assert [part for line in lines for part in line.split(" · ")] == parts
    assert all(len(line) <= width for line in lines)


def test_of_no_validation_no_curve_is_drawn() -> None:
    screen = Screen("images/s")
    screen.see(after(10, record={"val_loss": None}))
    text = "\n".join(drawn(screen, 80))
    assert "train" in text and not re.search(r"\bval\b", text)


def test_after_ctrl_c_what_is_drawn_is_neither_overwritten_nor_drawn_again(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = io.StringIO()
    terminal.isatty = lambda: True  # type: ignore[method-assign]
    monkeypatch.setattr("sys.stderr", terminal)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("ACCESSIBLE", raising=False)
    common, screen = SimpleNamespace(quiet=False), trained()
    bar = Bar(common)  # type: ignore[arg-type]
    with pytest.raises(Interrupted), graceful_stop(common) as stop:  # type: ignore[arg-type]
        stop.armed = True
        bar.draw(screen.draw, 0)
        before = terminal.getvalue()
        os.kill(os.getpid(), signal.SIGINT)
        assert stop()
        bar.draw(screen.draw, 0)
        say(common, "saved")  # type: ignore[arg-type]
        bar.leave(screen.draw)
    after_it = terminal.getvalue().removeprefix(before)
    assert "step 400" in before and "\x1b[?25l" in before
    assert after_it.startswith("\x1b[?25h\nsaving") and after_it.endswith("\nsaved\n")
    assert after_it.count("\x1b") == 1  # the cursor is shown again, and not moved
