"""Mutation score: of small faults put into a package one at a time, how many its tests notice.

    python benchmarks/mutation.py seqlab/scoring --sample 150 --seed 0

Cosmic Ray makes the faults: another operator, a number one off, a `not` more, a loop that never runs. A sample is of
places, each with one fault of those possible there. Nothing is written into the checkout: a copy of it is changed, and
tested in a process for each fault: the tests in the package's folder of tests/, or --tests, the quickest first, until
one fails. Four times as long as all of them take counts as noticed.
"""

import argparse
import ast
import difflib
import importlib
import json
import multiprocessing
import os
import random
import resource
import shutil
import signal
import sys
import tempfile
import warnings
from collections import Counter, defaultdict
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout, suppress
from pathlib import Path

import pytest
from cosmic_ray import plugins
from cosmic_ray.ast import ast_nodes, get_ast
from cosmic_ray.mutating import mutate_code

ROOT = Path(__file__).resolve().parents[1]
OPTIONS = ["-x", "-q", "-p", "no:randomly", "-p", "no:cacheprovider", "--hypothesis-seed=0"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("package", type=Path, help="a folder or a file in seqlab/")
    parser.add_argument("--tests", nargs="+", type=Path, help="folders or files")
    parser.add_argument("--sample", type=int, help="how many places; default: all")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", type=int, nargs="+", help="numbers in the sample, to try these again")
    given = parser.parse_args()
    is_file = given.package.suffix == ".py"
    tests = given.tests or ["tests" / (given.package.parent if is_file else given.package).relative_to("seqlab")]
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        for one in ROOT.iterdir():
            if one.name in ("seqlab", "tests"):
                shutil.copytree(one, one.name, ignore=shutil.ignore_patterns("__pycache__"))
            elif not one.name.startswith("."):
                Path(one.name).symlink_to(one)
        sys.path.insert(0, folder)
        os.environ.update(PYTHONPATH=folder, OMP_NUM_THREADS="1")
        files = [given.package] if is_file else sorted(given.package.rglob("*.py"))
        faults = sample(files, given.sample, random.Random(given.seed))
        measure(tests, [one for one in enumerate(faults) if not given.only or one[0] in given.only])


def measure(tests: list[Path], faults: list[tuple[int, tuple[Path, int, str]]]) -> None:
    """Test with each fault in turn, and print what came of it."""
    if in_a_process(lambda: pytest.main([*OPTIONS, *map(str, tests)], [Seconds()]), 3600) != 0:
        raise SystemExit("the tests fail as they are")
    limit = 20 + 4 * sum(json.loads(Path("seconds.json").read_text()).values())
    for name in json.loads(Path("modules.json").read_text()):
        with suppress(Exception):
            importlib.import_module(name)  # once, not in each process
    sys.dont_write_bytecode, os.environ["PYTHONDONTWRITEBYTECODE"] = True, "1"
    found: Counter[str] = Counter()
    for number, (file, line, changed) in faults:
        source = file.read_text()
        file.write_text(changed)  # later than what was compiled of it, which is not used again
        status = in_a_process(lambda: pytest.main([*OPTIONS, *map(str, tests)], [QuickFirst()]), limit)
        file.write_text(source)
        found[outcome := {0: "survived", None: "timed out"}.get(status, "noticed")] += 1
        difference = difflib.ndiff(source.splitlines(), changed.splitlines()) if outcome == "survived" else ()
        print(f"{number} {file}:{line} {outcome}", *(one for one in difference if one[0] in "+-"), sep="\n", flush=True)
    print(dict(found), f"score {1 - found['survived'] / max(1, found.total()):.1%}")


def sample(files: list[Path], size: int | None, chance: random.Random) -> list[tuple[Path, int, str]]:
    """Places, but in annotations: file, line, and the source of the file with a fault there."""
    places = defaultdict(list)
    for file in files:
        nodes, tree = list(ast_nodes(get_ast(file.read_text()))), list(ast.walk(ast.parse(file.read_text())))
        hints = [getattr(node, key, None) for node in tree for key in ("annotation", "returns")]
        spans = [((hint.lineno, hint.col_offset), (hint.end_lineno, hint.end_col_offset)) for hint in hints if hint]
        for kind in map(plugins.get_operator, plugins.operator_names()):
            starts = [] if kind.arguments() else [s for one in nodes for s, _ in kind().mutation_positions(one)]
            for occurrence, start in enumerate(starts):
                if not any(begin <= start < end for begin, end in spans):
                    places[file, *start].append((kind, occurrence))
    found = []
    for file, line, column in sorted(chance.sample(sorted(places), min(size or len(places), len(places)))):
        for kind, occurrence in chance.sample(ways := places[file, line, column], len(ways)):
            with warnings.catch_warnings(), suppress(SyntaxError, ValueError, AttributeError):
                warnings.simplefilter("error")
                changed = mutate_code(file.read_text(), kind(), occurrence)
                compile(changed, "fault", "exec")
                found.append((file, line, changed))
                break
    return found


class Seconds:
    """Writes down how long each test takes, and which modules all need."""

    def __init__(self) -> None:
        self.seconds: Counter[str] = Counter()

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self.seconds[report.nodeid] += report.duration

    def pytest_sessionfinish(self) -> None:
        Path("seconds.json").write_text(json.dumps(self.seconds))
        own = ("seqlab", "tests", "conftest", "__main__")
        Path("modules.json").write_text(json.dumps([name for name in sys.modules if name.split(".")[0] not in own]))


class QuickFirst:
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        seconds = json.loads(Path("seconds.json").read_text())
        items.sort(key=lambda item: seconds.get(item.nodeid, 0.0))


def in_a_process(job: Callable[[], int], limit: float) -> int | None:
    """What a job returns, without what it prints; None where it takes more seconds than that."""

    def child() -> None:
        os.setsid()
        resource.setrlimit(resource.RLIMIT_AS, (16 << 30, 16 << 30))  # a fault may ask for all there is
        with Path(os.devnull).open("w") as nowhere, redirect_stdout(nowhere), redirect_stderr(nowhere):
            os._exit(int(job()))

    process = multiprocessing.get_context("fork").Process(target=child)
    process.start()
    process.join(limit)
    status = process.exitcode
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)  # with what it started
    process.join()
    return status


if __name__ == "__main__":
    main()
