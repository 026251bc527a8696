"""The promises of docs/reliability.md: each test says how often it tried one, and a table of all is printed at the end.

pytest -m reliability                   as many tries as fit into minutes
SEQLAB_LONG=1 pytest -m reliability     those of the figures in docs/reliability.md
"""

import os
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

IS_LONG = os.environ.get("SEQLAB_LONG", "") not in ("", "0")
PROMISES = {
    1: "killed and resumed: as if never killed",
    2: "killed anywhere in a save: the old or the new",
    3: "disk full, unwritable: the old result, no leftovers",
    4: "damaged checkpoint or cache: found",
    5: "no pickle, no other program runs",
    6: "interrupted: saved",
    7: "NaN or infinity: never in a checkpoint",
    8: "malformed tables and series: no traceback, no hang",
    9: "wide or long lines: refused at once",
    10: "odd files in every command: no hang",
    11: "a 1 GB corpus in little memory",
    12: "archives: no escape, limits kept",
    13: "images: a class or a clear error",
    14: "quotes: repaired and said, or refused",
    15: "network: few tries, then the store",
    16: "one cache, many processes: nothing torn or lost",
    17: "names: nothing outside the folder, nothing foreign",
    18: "the terminal: no control characters",
    19: "odd homes: it works or names the setting",
    20: "two runs, one folder: refused, recovered",
}
TRIED = "tried"
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


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """The table: tries that held, and tests that failed, of each promise."""
    held: Counter[int] = Counter()
    for report in terminalreporter.stats.get("passed", []):
        for name, value in report.user_properties:
            if name == TRIED:
                held[value[0]] += value[1]
    if not held:
        return
    failed = [r.nodeid for r in terminalreporter.stats.get("failed", []) if "tests/reliability/" in r.nodeid]
    terminalreporter.section("reliability: tries that held" + (", the long run" if IS_LONG else ""))
    for number, promise in PROMISES.items():
        terminalreporter.write_line(f"{number:>3}  {promise:<54} {held[number]:>9,}")
    terminalreporter.write_line(f"     tests that failed: {len(failed)}")
