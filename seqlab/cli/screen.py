"""What a training looks like on a terminal: one calm picture of how it stands, whose last state stays as a summary."""

from typing import Any

from rich import box
from rich.cells import cell_len
from rich.panel import Panel
from rich.text import Text

from seqlab.formatting import duration, plain

WIDEST = 100  # columns: beyond that a line is no longer read at a glance
BINS = 512  # of a curve that is kept, at least
BLOCKS = " ▁▂▃▄▅▆▇█"
ROWS = 2  # of a curve
LABEL, VALUE = 7, 9  # columns
TRAIN, VAL, QUIET = "cyan", "magenta", "dim"
SAMPLE_LINES = 2


class Curve:
    """Values over the steps of a run, as means of neighbours, in so few numbers that drawing them costs nothing."""

    def __init__(self) -> None:
        self.stride = 1  # steps in a bin
        self.bins: dict[int, tuple[float, int]] = {}  # sum and count

    def add(self, step: int, value: float) -> None:
        total, count = self.bins.get(step // self.stride, (0.0, 0))
        self.bins[step // self.stride] = (total + value, count + 1)
        if len(self.bins) > 2 * BINS:
            self.stride *= 2
            wider: dict[int, tuple[float, int]] = {}
            for place, (total, count) in self.bins.items():
                before, many = wider.get(place // 2, (0.0, 0))
                wider[place // 2] = (before + total, many + count)
            self.bins = wider

    def columns(self, width: int, max_steps: int) -> list[float | None]:
        """A mean for each of so many columns of the run; a gap has the value before it, what is ahead none."""
        sums, counts = [0.0] * width, [0] * width
        for place, (total, count) in self.bins.items():
            column = min(width - 1, place * self.stride * width // max(1, max_steps))
            sums[column] += total
            counts[column] += count
        last = max((column for column in range(width) if counts[column]), default=-1)
        found: list[float | None] = []
        for column in range(width):
            before = found[-1] if found else None
            found.append(sums[column] / counts[column] if counts[column] else before if column <= last else None)
        return found


def spark(values: list[float | None], low: float, high: float, rows: int = ROWS) -> list[str]:
    """Values as bars between two bounds in so many lines, the upper first; the lowest bar is still seen."""
    most = rows * (len(BLOCKS) - 1)
    heights = []
    for value in values:
        share = 0.0 if value is None or high <= low else min(1.0, max(0.0, (value - low) / (high - low)))
        heights.append(0 if value is None else max(1, round(share * most)))
    step = len(BLOCKS) - 1
    return ["".join(BLOCKS[min(step, max(0, h - row * step))] for h in heights) for row in reversed(range(rows))]


def bounds(*curves: list[float | None]) -> tuple[float, float]:
    """Of curves that are drawn alike: from the lowest value to one that a fifth is above, mostly the first steps."""
    values = sorted(value for curve in curves for value in curve if value is not None)
    return (values[0], values[int(0.8 * (len(values) - 1))]) if values else (0.0, 1.0)


def pieces(parts: list[str], width: int) -> list[str]:
    """Short parts in lines of at most so many columns, none of them broken."""
    lines: list[str] = []
    for part in parts:
        if lines and cell_len(lines[-1]) + 3 + cell_len(part) <= width:
            lines[-1] += f" · {part}"
        else:
            lines.append(part)
    return lines


class Screen:
    """The state of a training as it is drawn. unit: of its rate."""

    def __init__(self, unit: str) -> None:
        self.unit = unit
        self.train, self.val = Curve(), Curve()
        self.progress: Any = None
        self.record: dict[str, Any] = {}  # what the evaluations found last, by name
        self.best: tuple[float, int] | None = None  # loss and step

    def see(self, progress: Any) -> None:
        """Take note of a step; it costs about a microsecond."""
        self.progress = progress
        self.train.add(progress.step, progress.loss)
        record = progress.record
        if record is None:
            return
        self.record |= record
        loss = record["val_loss"]
        if loss is not None:
            self.val.add(progress.step, loss)
            if self.best is None or loss < self.best[0]:
                self.best = (loss, progress.step)

    def draw(self, width: int) -> Panel:
        """The picture, in so many columns."""
        now, width = self.progress, min(width - 1, WIDEST)  # some terminals wrap at the last column
        inside = width - 4
        curve_width = inside - LABEL - VALUE - 1
        train = self.train.columns(curve_width, now.max_steps)
        val = self.val.columns(curve_width, now.max_steps)
        low, high = bounds(train, val)
        lines = self._curve("train", now.train_loss, spark(train, low, high), TRAIN)
        if self.best is not None:
            lines += self._curve("val", self.record["val_loss"], spark(val, low, high), VAL)
        for line in pieces(self._figures(), inside):
            lines.append(Text(line, no_wrap=True, overflow="ellipsis"))
        for label, found in self._found(inside - LABEL):
            lines.append(Text.assemble((f"{label:{LABEL}}", QUIET), found, no_wrap=True, overflow="ellipsis"))
        return Panel(
            Text("\n").join(lines),
            title=Text(self._title(width), style="default", no_wrap=True, overflow="ellipsis"),
            title_align="left",
            box=box.ROUNDED,
            border_style=QUIET,
            width=width,
        )

    def _title(self, width: int) -> str:
        now = self.progress
        is_over = now.step >= now.max_steps
        said = f"{now.step:,} steps" if is_over else f"step {now.step:,} of {now.max_steps:,}"
        if not is_over:
            said += f" · {100 * now.step / now.max_steps:.0f} % · {duration(now.seconds_left)} left"
        return said

    def _curve(self, label: str, value: float, rows: list[str], style: str) -> list[Text]:
        lines = [Text.assemble(" " * (LABEL + VALUE + 1), (row, style), no_wrap=True) for row in rows[:-1]]
        last = Text.assemble((f"{label:{LABEL}}", QUIET), f"{value:{VALUE}.4f} ", (rows[-1], style), no_wrap=True)
        return [*lines, last]

    def _figures(self) -> list[str]:
        now = self.progress
        shown = [f"{now.rate:,.0f} {self.unit}", f"grad norm {now.grad_norm:.3g}", f"lr {now.lr:.2g}"]
        if now.epoch:
            shown.append(f"pass {now.epoch + 1}")
        if self.best is not None:
            shown.append(f"best val {self.best[0]:.4f} at step {self.best[1]:,}")
        if "val_bits_per_char" in self.record:
            shown.append(f"{self.record['val_bits_per_char']:.3f} bits per character")
        if "val_top1" in self.record:
            shown.append(f"top-1 {self.record['val_top1']:.2%}")
        return shown

    def _found(self, width: int) -> list[tuple[str, str]]:
        """What a job found out at its evaluations: lines with a label each."""
        record, lines = self.record, []
        if record.get("val_worst"):
            worst = [f"{_line(name)} {share:.0%}" for name, share in record["val_worst"].items()]
            lines += [("worst" if not number else "", line) for number, line in enumerate(pieces(worst, width)[:2])]
        if "val_skill" in record:
            lines.append(("skill", f"{record['val_skill']:+.1f} % against {record['val_baseline']}"))
        if "sample" in record:
            lines += zip(("writes", *[""] * SAMPLE_LINES), sample(record["sample"], width), strict=False)
        return lines


def _line(text: str) -> str:
    """A name from a file, as one line without what a terminal obeys."""
    return " ".join(plain(text).split())


def sample(text: str, width: int) -> list[str]:
    """The beginning of what a model writes, as its first lines that are not blank, without what a terminal obeys."""
    rows = []
    for line in plain(text).expandtabs(4).split("\n"):
        while cell_len(line) > width:
            line = line[:-1]
        rows += [line] if line.strip() else []
    return [*rows, *[""] * SAMPLE_LINES][:SAMPLE_LINES]
