"""What a person or a script sees. The result goes to standard output, everything else to standard error."""

import json
import os
import stat
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, ClassVar, TextIO

from seqlab.cli.layout import fitted, room
from seqlab.cli.options import Common
from seqlab.errors import DataError
from seqlab.formatting import hidden, plain


def result(text: str, end: str = "\n", as_it_is: bool = False) -> None:
    """Write a result to standard output, at once; hidden characters never reach a terminal, also through a pager.

    Whole lines are broken at words where a terminal is too narrow for them, but for text that is to stay `as_it_is`.
    """
    clear_bar()
    text = text if _is_file() else plain(text)
    with _standard_output() as out:
        out.write((text if as_it_is or end != "\n" else fitted(text, room())) + end)


@contextmanager
def _standard_output() -> Iterator[TextIO]:
    """Standard output, which has all of it at the end. Raises DataError, which names it, where it takes no more."""
    try:
        yield sys.stdout
        sys.stdout.flush()
    except BrokenPipeError:  # nobody reads any more, which is no error
        raise
    except OSError as problem:
        raise DataError(
            f"standard output cannot be written: {problem.strerror or problem}",
            "check where it goes, and the free space there",
        ) from problem


def _is_file() -> bool:
    """Whether standard output is a file: it gets every character as it is. What is in a pipe may end on a terminal."""
    try:
        return not sys.stdout.isatty() and stat.S_ISREG(os.fstat(sys.stdout.fileno()).st_mode)
    except (OSError, ValueError):
        return True  # collected for the file of -o


def result_json(value: dict[str, Any]) -> None:
    """Write one JSON object, on one line, with the schema's number first. Every hidden character is escaped."""
    with _standard_output() as out:
        out.write(_json({"schema": 1, **value}) + "\n")


def result_json_list(value: dict[str, Any], name: str, items: Iterable[dict[str, Any]]) -> None:
    """`result_json` of `value` and a last member, the list `name`, which is too long to be held as a whole."""
    with _standard_output() as out:
        out.write(_json({"schema": 1, **value})[:-1] + f', "{name}": [')
        for number, item in enumerate(items):
            out.write(", " * (number > 0) + _json(item))
        out.write("]}\n")


def _json(value: dict[str, Any]) -> str:
    line = json.dumps(value, ensure_ascii=False, allow_nan=False)
    return line.translate({ord(char): json.dumps(char)[1:-1] for char in hidden(line)})


def failure(message: str, hint: str, kind: str, as_json: bool) -> None:
    """Write an error to standard error: two lines, or one JSON object."""
    message, hint = (" ".join(plain(text).split()) for text in (message, hint))  # whatever a name has in it
    if as_json:
        print(_json({"schema": 1, "error": message, "hint": hint, "kind": kind}), file=sys.stderr, flush=True)
        return
    for line in (f"error: {message}", f"hint: {hint}"):
        print(fitted(line, room(sys.stderr)), file=sys.stderr, flush=True)


def say(common: Common, text: str) -> None:
    """Tell something beside the result: on standard error, unless --quiet."""
    if not common.quiet:
        clear_bar()
        print(fitted(plain(text), room(sys.stderr)), file=sys.stderr, flush=True)


def is_utf8() -> bool:
    """Whether standard error takes more than ASCII."""
    return (sys.stderr.encoding or "").lower().replace("-", "") == "utf8"


def is_animated() -> bool:
    """Whether something may move on standard error: there is a terminal that can, and nobody has it read aloud."""
    return sys.stderr.isatty() and os.environ.get("TERM") != "dumb" and not is_read_aloud()


def is_read_aloud() -> bool:
    """Whether $ACCESSIBLE asks for sentences in place of pictures of letters, as it does of other programs."""
    return os.environ.get("ACCESSIBLE", "") not in ("", "0")


class Bar:
    """A line on standard error that is rewritten as work goes on; nothing off a terminal or with --quiet."""

    shown: ClassVar["Bar | None"] = None

    def __init__(self, common: Common) -> None:
        self.live = is_animated() and not common.quiet
        self.last = 0.0
        self.display: Any = None  # rich's, while something is drawn
        self.console: Any = None

    def show(self, text: str, done: float | None = None, total: float | None = None) -> None:
        """Draw `text`, behind a bar where it is known how much is done of how much."""
        if not self.live or time.monotonic() - self.last < 0.1:
            return
        from rich.progress_bar import ProgressBar  # it takes its time, and most commands draw nothing
        from rich.table import Table
        from rich.text import Text

        line = Table.grid(padding=(0, 1))
        cells: list[Any] = [Text(" ".join(plain(text).split("\n")), no_wrap=True, overflow="ellipsis")]
        if done is not None and total:
            cells.insert(0, ProgressBar(total=total, completed=min(done, total), width=16))
        line.add_row(*cells)
        self._update(line)

    def draw(self, picture: Callable[[int], Any], seconds: float) -> None:
        """Draw what `picture` makes for a width in columns, but not more often than every so many seconds."""
        if self.live and time.monotonic() - self.last >= seconds:
            self._update(picture(self._on().width))

    def leave(self, picture: Callable[[int], Any]) -> None:
        """Write what `picture` makes for good, in place of what is drawn."""
        self.clear()
        if self.live:
            self._on().print(picture(self._on().width))

    def _update(self, drawn: Any) -> None:
        from rich.live import Live

        self.last = time.monotonic()
        if self.display is None:
            clear_bar()
            self.display = Live(
                console=self._on(),
                auto_refresh=False,
                transient=True,
                redirect_stdout=False,
                redirect_stderr=False,
            )
            self.display.start()
            Bar.shown = self
        self.display.update(drawn, refresh=True)

    def _on(self) -> Any:
        """Standard error as rich has it."""
        from rich.console import Console  # it takes its time, and most commands draw nothing

        if self.console is None:  # bold and dim are no colours to rich, but to those who ask for none
            self.console = Console(
                stderr=True, highlight=False, color_system=None if os.environ.get("NO_COLOR") else "auto"
            )
        return self.console

    def clear(self) -> None:
        if self.display is not None:
            self.display.stop()
            self.display, Bar.shown = None, None


def clear_bar() -> None:
    """Take away the bar that is drawn, if there is one: before anything else is written, and at the end."""
    if Bar.shown is not None:
        Bar.shown.clear()


def leave_bar() -> str:
    """Leave what is drawn as it is and draw nothing more, as the echo of Ctrl-C has moved the cursor off it; what shows
    the cursor again."""
    shown, Bar.shown = Bar.shown, None
    if shown is None:
        return ""
    shown.live, shown.display = False, None
    return "\x1b[?25h"
