"""The promises of docs/reliability.md: each test says how often it tried one, and a table of all is printed at the end.

pytest -m reliability                   as many tries as fit into minutes
SEQLAB_LONG=1 pytest -m reliability     those of the figures in docs/reliability.md
"""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.reliability.promises import IS_LONG, PROMISES, TRIED

Tried = Callable[..., None]


def many(short: int, long: int) -> int:
    """How often to try: the first number in CI, the second in the long run."""
    return long if IS_LONG else short


@pytest.fixture
def tried(record_property: Callable[[str, object], None]) -> Tried:
    """Call it with the number of a promise and how many tries a test made of it, once they have held."""

    def record(promise: int, count: int = 1) -> None:
        assert promise in PROMISES
        record_property(TRIED, (promise, count))

    return record


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.reliability)
