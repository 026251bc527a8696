"""Ctrl-C and SIGTERM: a flag while a net trains or writes, the end at once otherwise."""

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from seqlab.cli.options import Common
from seqlab.cli.output import leave_bar

SEEN: list[int] = []  # signals of this command, in the order in which they came


class Interrupted(BaseException):
    """Ended by a signal, after saving. `status` is the exit status that says which. Like KeyboardInterrupt it is no
    Exception, so that nothing on the way takes it for a failure of its own."""

    def __init__(self, status: int) -> None:
        self.status = status


def watch() -> None:
    """Let SIGTERM end the command as SIGINT does. An exception that is raised where Python ignores all, as in a
    callback of an import, ends nothing: so signals are noted too, and `graceful_stop` goes by the note."""
    SEEN.clear()
    signal.signal(signal.SIGTERM, _ended)
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:  # else it is ignored, as by nohup
        signal.signal(signal.SIGINT, _ended)


def _ended(number: int, _: Any) -> None:
    SEEN.append(number)
    raise Interrupted(_status(number))


def _status(number: int) -> int:
    return 130 if number == signal.SIGINT else 143


class Stop:
    """Whether a training or a text is to end: what is asked after every step or character. armed: whether there is
    something to keep that is not kept yet; is_saved: whether all was, and is only measured."""

    def __init__(self) -> None:
        self.caught: list[int] = []
        self.armed = self.is_saved = False

    def __call__(self) -> bool:
        return bool(self.caught)


@contextmanager
def graceful_stop(
    common: Common, says: str | None = "saving after this step; once more to stop at once"
) -> Iterator[Stop]:
    """Inside the block, once it is armed, SIGINT and SIGTERM set the flag of the Stop that is yielded; a second one
    stops at once, and so does the first before there is anything to save.

    If the flag was set, the end of the block raises Interrupted with the signal's exit status.
    """
    if SEEN:
        raise Interrupted(_status(SEEN[0]))
    stop = Stop()

    def note(number: int, _: Any) -> None:
        at_once = bool(stop.caught) or not stop.armed
        stop.caught.append(number)  # also where it is raised, see `watch`
        if at_once:
            raise Interrupted(_status(number))
        if says and not common.quiet:  # not by say(): the bar may be half drawn
            print(f"{leave_bar()}\n{says}", file=sys.stderr, flush=True)

    before = {number: signal.signal(number, note) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    if stop.caught:
        raise Interrupted(_status(stop.caught[0]))
