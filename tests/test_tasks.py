"""A long job: iterated for what is going on, asked for its result."""

from collections.abc import Generator

import pytest

from seqlab.errors import DataError, SeqlabError
from seqlab.tasks import Event, Note, Status, Task


def job(fails: bool = False) -> Generator[Event, None, str]:
    yield Note("reading")
    yield Status("working", 1, 2)
    if fails:
        raise DataError("the rows are gone", "bring them back")
    yield Note("done")
    return "the result"


def test_a_task_gives_its_events_in_order_and_then_its_result() -> None:
    task = Task(job())
    assert list(task) == [Note("reading"), Status("working", 1, 2), Note("done")]
    assert task.result() == "the result" and task.notes == ["reading", "done"] and task.done


def test_the_result_alone_runs_the_job_to_its_end_once() -> None:
    task = Task(job())
    assert not task.done
    assert [task.result(), task.result()] == ["the result"] * 2
    assert list(task) == []


def test_a_loop_that_is_left_goes_on_where_it_was() -> None:
    task = Task(job())
    for event in task:
        assert event == Note("reading")
        break
    assert next(task) == Status("working", 1, 2)
    assert task.result() == "the result"


def test_what_the_job_raises_is_raised_each_time_it_is_asked_for() -> None:
    task = Task(job(fails=True))
    for _ in range(2):
        with pytest.raises(DataError, match="the rows are gone"):
            task.result()
    assert task.notes == ["reading"] and not task.done


def test_a_job_that_ctrl_c_ended_says_so_and_is_not_done() -> None:
    def interrupted() -> Generator[Event, None, str]:
        yield Note("training")
        raise KeyboardInterrupt

    task = Task(interrupted())
    with pytest.raises(KeyboardInterrupt):
        task.result()
    with pytest.raises(SeqlabError, match="interrupted"):
        task.result()
    assert not task.done


def test_a_task_is_a_generator_inside_another() -> None:
    def outer() -> Generator[Event, None, str]:
        yield Note("before")
        found = yield from job()
        return f"{found}, and more"

    assert Task(outer()).result() == "the result, and more"
