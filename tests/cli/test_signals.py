"""A signal that comes where Python ignores what is raised: in a finalizer, as of the locks of an import."""

import os
import signal
import sys
from collections.abc import Iterator
from types import SimpleNamespace

import pytest

from seqlab.cli.signals import Interrupted, graceful_stop, watch

COMMON = SimpleNamespace(quiet=True)


class Finalized:
    """Sends this process a signal while it is removed."""

    def __init__(self, number: int) -> None:
        self.number = number

    def __del__(self) -> None:
        os.kill(os.getpid(), self.number)
        for _ in range(1000):
            pass


@pytest.fixture
def ignored(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[BaseException | None]]:
    """What Python ignored; the handlers are as before afterwards."""
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    found: list[BaseException | None] = []
    monkeypatch.setattr(sys, "unraisablehook", lambda what: found.append(what.exc_value))
    watch()
    yield found
    watch()
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_it_ends_what_has_not_begun(number: int, status: int, ignored: list[BaseException | None]) -> None:
    Finalized(number)
    assert len(ignored) == 1
    with pytest.raises(Interrupted) as end, graceful_stop(COMMON):  # type: ignore[arg-type]
        pytest.fail("it has begun")
    assert end.value.status == status


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_it_ends_a_training_after_its_first_step(number: int, status: int, ignored: list[BaseException | None]) -> None:
    with pytest.raises(Interrupted) as end, graceful_stop(COMMON) as stop:  # type: ignore[arg-type]
        Finalized(number)
        assert len(ignored) == 1
        stop.armed = True
        assert stop()
    assert end.value.status == status
