"""What keeps the code readable: short files and functions, one place for each mechanism."""

import ast
import dataclasses

import pytest

from seqlab.runs import RunOptions
from tests.test_floors import sources

LONGEST_FILE, LONGEST_FUNCTION = 300, 60  # lines
NAMES_THAT_SAY_NOTHING = {"utils", "util", "common", "base", "helpers", "core", "misc", "manager"}
FILES = {module: path.read_text() for module, path in sources().items()}


def functions(source: str) -> list[ast.FunctionDef]:
    return [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.FunctionDef)]


@pytest.mark.parametrize("module", FILES)
def test_a_file_and_each_of_its_functions_are_short(module: str) -> None:
    assert len(FILES[module].splitlines()) <= LONGEST_FILE
    long = [one.name for one in functions(FILES[module]) if one.end_lineno - one.lineno >= LONGEST_FUNCTION]
    assert long == []


def test_names_of_files_say_what_is_in_them() -> None:
    assert [module for module in FILES if module.split(".")[-1] in NAMES_THAT_SAY_NOTHING] == []


def test_the_end_of_a_generator_is_caught_in_one_place() -> None:
    assert [module for module, source in FILES.items() if "StopIteration" in source] == ["seqlab.tasks"]


def test_the_options_of_a_run_stand_in_no_other_signature() -> None:
    """Four train functions carried the same seven arguments."""
    names = {one.name for one in dataclasses.fields(RunOptions)}
    carrying = [
        f"{module}.{one.name}"
        for module, source in FILES.items()
        for one in functions(source)
        if len(names & {argument.arg for argument in [*one.args.args, *one.args.kwonlyargs]}) > 2
    ]
    assert carrying == []
