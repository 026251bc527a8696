"""Long jobs: a Task is iterated for what is going on, and asked for its result.

A job is written as a generator that yields events and returns its result. The events are of few kinds: a `Note`, a
sentence that a person should read; a `Status`, what is being done; a `training.Progress`, a step that was taken; a
`data.fetch.cache.Transfer`, bytes that arrived. Whoever only wants the result need not look at any.
"""

from collections.abc import Generator, Iterator
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from seqlab.errors import SeqlabError

R = TypeVar("R")


@dataclass(frozen=True)
class Note:
    """A sentence, or several lines, that a person should read: what was read, repaired, chosen."""

    text: str


@dataclass(frozen=True)
class Status:
    """What is being done, and where that is known how much is done of how much. stoppable: whether the job ends it when
    it is asked to stop, with what it has."""

    text: str
    done: float | None = None
    total: float | None = None
    stoppable: bool = False


Event = Any  # Note | Status | training.Progress | data.fetch.cache.Transfer: those floors are below, and bring torch


class Task(Generic[R]):
    """A long job. Iterate it for its events, stop and go on as you like; `result()` runs what is left of it.

    task = seqlab.train_text("notes.txt", minutes=5)
    for event in task:
        print(event)
    model = task.result()
    """

    def __init__(self, steps: Generator[Event, None, R]) -> None:
        self._steps = steps
        self._result: R | None = None
        self._problem: Exception | None = None
        self.done = False  # whether it came to its end
        self.notes: list[str] = []  # the sentences so far

    def __iter__(self) -> Iterator[Event]:
        return self

    def __next__(self) -> Event:
        if self._problem is not None:
            raise self._problem
        try:
            event = next(self._steps)
        except StopIteration as end:
            if not self.done:
                self._result, self.done = end.value, True
            raise StopIteration from None
        except Exception as problem:
            self._problem = problem
            raise
        except BaseException:  # Ctrl-C: the job has ended in its middle
            self._problem = SeqlabError(
                "this job was interrupted", "start it again; a training goes on from its last save with resume=True"
            )
            raise
        if isinstance(event, Note):
            self.notes.append(event.text)
        return event

    def result(self) -> R:
        """What the job returns, when it has come to its end. Raises what the job raises, each time it is asked."""
        for _ in self:
            pass
        return self._result  # type: ignore[return-value]  # it is done
