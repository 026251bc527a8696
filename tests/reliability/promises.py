"""What the tests of this folder try, by number, and the table of how often: docs/reliability.md has its figures."""

import os
from collections import Counter

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


def write_table(terminalreporter: pytest.TerminalReporter) -> None:
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
