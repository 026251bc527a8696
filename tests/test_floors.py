"""The floors of the house: what may import what, read from the source itself."""

import ast
import graphlib
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import seqlab

PACKAGE = Path(seqlab.__file__).parent

# From the top down. A room may import rooms of the floors below its own; rooms of one floor do not know each
# other. The files of one room may, as long as they do not run in a circle.
FLOORS = (
    {"__main__"},
    {"cli"},
    {"api"},
    {"lab"},
    {"language", "forecasting", "vision", "tabular", "unsupervised"},
    {"plots", "runs", "doctor", "export"},
    {"data", "models", "training", "checkpoint", "sampling", "scoring"},
    {"machine", "settings", "results", "tasks", "files"},
    {"formatting", "errors"},
)
FOLDERS_OF_ROOMS = {"data", "cli"}  # whose folders are rooms of their own: none of them in a circle either
MOST_ARROWS_IN_DATA = 8  # between its rooms
GROUND = "seqlab"  # the package itself: its version, which everyone may read
NOT_BELOW_CLI = {"click", "rich"}


def room(module: str) -> str:
    """The room of a module: `seqlab.data.text.corpus` is in `data`, `seqlab` itself on the ground."""
    parts = module.split(".")
    return parts[1] if len(parts) > 1 else GROUND


def sources() -> dict[str, Path]:
    found = {}
    for path in PACKAGE.rglob("*.py"):
        parts = path.relative_to(PACKAGE).with_suffix("").parts
        if parts[0] == "_shipped":
            continue
        found[".".join(["seqlab", *(part for part in parts if part != "__init__")])] = path
    return found


def imports(tree: ast.AST, module: str, is_package: bool, modules: set[str]) -> Iterator[str]:
    """Every module that a file imports, wherever in it: at the top, in a function, under TYPE_CHECKING."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            origin = node.module or ""
            if node.level:
                package = module.split(".") if is_package else module.split(".")[:-1]
                origin = ".".join([*package[: len(package) - node.level + 1], *filter(None, [node.module])])
            # `from seqlab import language` takes a module, `from seqlab.errors import X` a name of one
            for alias in node.names:
                inside = f"{origin}.{alias.name}"
                yield inside if inside in modules else origin
        elif isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "import_module":
            argument = node.args[0]
            written = argument.value if isinstance(argument, ast.Constant) else ""
            if isinstance(argument, ast.JoinedStr) and isinstance(argument.values[0], ast.Constant):
                written = str(argument.values[0].value)
            yield str(written).rstrip(".") or "unknown"


def faults(files: dict[str, str]) -> list[str]:
    """What is wrong with the arrows between files: {module: source}."""
    height = {name: floor for floor, rooms in enumerate(reversed(FLOORS)) for name in rooms}
    modules, wrong = set(files), []
    packages = {name.rpartition(".")[0] for name in files}
    for module, source in files.items():
        here = room(module)
        if here not in height and module != "seqlab":
            wrong.append(f"{module}: '{here}' is on no floor; give it one in tests/test_floors.py and docs")
            continue
        for imported in imports(ast.parse(source), module, module in packages, modules):
            top, there = imported.split(".")[0], room(imported)
            if top in NOT_BELOW_CLI and here != "cli":
                wrong.append(f"{module} imports {imported}, which only cli may")
            if top != "seqlab" or there in (here, GROUND) or (module == "seqlab.__main__" and there == "cli"):
                continue
            if module == "seqlab":
                if there == "cli":
                    wrong.append(f"the package itself imports {imported}")
            elif there not in height:
                wrong.append(f"{module} imports {imported}, which is on no floor")
            elif height[there] >= height[here]:
                direction = "up" if height[there] > height[here] else "sideways"
                wrong.append(f"{module} imports {imported}: {direction}")
    return wrong


def arrows(files: dict[str, str]) -> dict[str, set[str]]:
    """Which files of its own room each file imports: {module: modules}."""
    packages = {name.rpartition(".")[0] for name in files}
    found: dict[str, set[str]] = {}
    for module, source in files.items():
        named = imports(ast.parse(source), module, module in packages, set(files))
        found[module] = {one for one in named if one in files and room(one) == room(module) and one != module}
    return found


def inner_room(module: str) -> str:
    """`seqlab.data.text.corpus` is in `data.text`, `seqlab.data.batches` in `data.batches`."""
    return ".".join(module.split(".")[1:3])


def between_inner_rooms(files: dict[str, str], outer: str) -> dict[str, set[str]]:
    """Which of its rooms each room of `data` or `cli` imports."""
    found: dict[str, set[str]] = {}
    for module, others in arrows(files).items():
        if room(module) == outer and module != f"seqlab.{outer}":
            into = {inner_room(other) for other in others} - {inner_room(module), outer}
            found.setdefault(inner_room(module), set()).update(into)
    return found


def circle(graph: dict[str, set[str]]) -> list[str]:
    """A way in the graph that comes back to where it began; empty where there is none."""
    try:
        graphlib.TopologicalSorter(graph).prepare()
    except graphlib.CycleError as found:
        return list(found.args[1])
    return []


def test_no_circle_runs_between_the_files_of_a_room() -> None:
    files = {name: path.read_text() for name, path in sources().items()}
    assert circle(arrows(files)) == []
    for outer in FOLDERS_OF_ROOMS:
        assert circle(between_inner_rooms(files, outer)) == []


def test_the_rooms_of_data_have_few_arrows_between_them() -> None:
    found = between_inner_rooms({name: path.read_text() for name, path in sources().items()}, "data")
    assert sum(map(len, found.values())) <= MOST_ARROWS_IN_DATA, found


def test_a_circle_is_seen() -> None:
    files = {
        "seqlab.data.one": "from seqlab.data import two",
        "seqlab.data.two": "def f():\n    from seqlab.data.three import x",
        "seqlab.data.three": "from seqlab.data.one import y",
        "seqlab.data.four": "from seqlab.data.one import y",
    }
    assert set(circle(arrows(files))) == {"seqlab.data.one", "seqlab.data.two", "seqlab.data.three"}


def test_no_arrow_runs_up_or_sideways() -> None:
    assert faults({name: path.read_text() for name, path in sources().items()}) == []


@pytest.mark.parametrize(
    ("module", "source", "wrong"),
    [
        ("seqlab.training.loop", "from seqlab.models.cells import State", "sideways"),
        ("seqlab.data.text.corpus", "import seqlab.training", "sideways"),
        ("seqlab.language", "def f():\n    from seqlab import vision", "sideways"),
        ("seqlab.vision.zoo", "from .. import language", "sideways"),
        ("seqlab.data.text.corpus", "from ...cli import output", "up"),
        ("seqlab.errors", "from seqlab import machine", "up"),
        ("seqlab.machine", "from seqlab.checkpoint import save", "up"),
        ("seqlab.lab.explosion", "if TYPE_CHECKING:\n    from seqlab.cli.options import Common", "up"),
        ("seqlab.checkpoint", "import rich.table", "only cli"),
        ("seqlab.lab.explosion", "from click import echo", "only cli"),
        ("seqlab.helpers", "", "no floor"),
        ("seqlab.language", "import importlib\nimportlib.import_module('seqlab.cli.main')", "up"),
        ("seqlab", "from seqlab.cli import main", "the package itself"),
    ],
)
def test_a_wrong_arrow_is_seen(module: str, source: str, wrong: str) -> None:
    files = dict.fromkeys(sources(), "") | {module: source}
    assert any(wrong in fault for fault in faults(files)), faults(files)


def test_right_arrows_are_not_blamed() -> None:
    rights = {
        "seqlab.data.text.corpus": "from seqlab.data.fetch import cache\nfrom . import encoding\nimport seqlab",
        "seqlab.lab.explosion": "from seqlab import training\nfrom seqlab.models.cells import unroll",
        "seqlab.cli.commands.lab": "import click\nfrom seqlab.lab import explosion",
    }
    assert faults(dict.fromkeys(sources(), "") | rights) == []


def modules_after(arguments: list[str], **environment: str) -> tuple[subprocess.CompletedProcess[str], set[str]]:
    """Run the command line in a fresh interpreter: what it printed, and the modules it had imported."""
    program = (
        "import atexit, os, sys\n"
        "@atexit.register\n"
        "def tell():\n"
        "    print('MODULES', *sys.modules, file=sys.stderr)\n"
        "from seqlab.cli.main import main\n"
        f"main({arguments!r})\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        env={**os.environ, **environment},
        timeout=60,
    )
    (line,) = [line for line in done.stderr.splitlines() if line.startswith("MODULES")]
    return done, set(line.split()[1:])


@pytest.mark.parametrize(
    ("arguments", "environment", "says"),
    [
        (["--help"], {}, "train-text"),
        (["--version"], {}, seqlab.__version__),
        (["generate", "--help"], {}, "--temperature"),
        (["train-text", "--help"], {}, "--minutes"),
        ([], {"_SEQLAB_COMPLETE": "bash_source"}, "complete"),
        (
            [],
            {"_SEQLAB_COMPLETE": "bash_complete", "COMP_WORDS": "seqlab gen", "COMP_CWORD": "1"},
            "generate",
        ),
        (
            [],
            {"_SEQLAB_COMPLETE": "bash_complete", "COMP_WORDS": "seqlab generate --temp", "COMP_CWORD": "2"},
            "--temperature",
        ),
    ],
    ids=[
        "help",
        "version",
        "generate-help",
        "train-text-help",
        "completion",
        "complete-command",
        "complete-option",
    ],
)
def test_help_version_and_completion_do_not_import_torch(
    arguments: list[str], environment: dict[str, str], says: str
) -> None:
    done, modules = modules_after(arguments, **environment)
    assert done.returncode == 0, done.stderr
    assert says in done.stdout
    heavy = {"torch", "numpy", "pandas", "yfinance", "matplotlib", "safetensors", "rich"}
    assert heavy & modules == set()


def test_importing_seqlab_does_not_import_torch() -> None:
    done = subprocess.run([sys.executable, "-c", "import seqlab, sys; sys.exit('torch' in sys.modules)"], timeout=60)
    assert done.returncode == 0


def test_nothing_is_pickled() -> None:
    """Neither written nor read: a pickle from a stranger runs the stranger's code."""
    wrong = []
    for module, path in sources().items():
        tree = ast.parse(path.read_text())
        names = {name.split(".")[0] for name in imports(tree, module, False, set())}
        if module == "seqlab.lab.runner":
            names -= {"joblib"}  # whose Parallel hands work to processes of its own; it reads no file
        wrong += [f"{module} imports {name}" for name in names & {"pickle", "cPickle", "dill", "joblib", "shelve"}]
        for node in ast.walk(tree):
            if isinstance(node, ast.Attribute) and node.attr in ("load", "save", "read_pickle", "to_pickle"):
                owner = ast.unparse(node.value)
                if owner in ("torch", "torch.jit", "pickle") or node.attr.endswith("pickle"):
                    wrong.append(f"{module}:{node.lineno} calls {owner}.{node.attr}")
            if isinstance(node, ast.keyword) and node.arg == "allow_pickle":
                wrong.append(f"{module}:{node.value.lineno} allows pickles")
    assert wrong == []
