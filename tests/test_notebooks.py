"""The notebooks run from top to bottom, without a network, and are kept without outputs."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import seqlab

EXAMPLES = Path(__file__).parent.parent / "examples"
JOBS = {  # what each prints, by a pattern with one number in it, and the bounds of that number
    "forecast": (r"CRPS was (\S+) % ", 0.0, 100.0),
    "text": (r"^(\d\.\d+)$", 0.5, 2.5),
    "images": (r"^(\d\.\d+)$", 0.7, 1.0),
    "tables": (r"^(\d\.\d+) \[", 0.9, 1.0),
}

# As a kernel runs them: the cells share their names, and what a cell ends with is shown.
RUN = """
import ast, json, sys
names = {"__name__": "__main__"}
for cell in json.load(open(sys.argv[1], encoding="utf-8"))["cells"]:
    if cell["cell_type"] != "code":
        continue
    *steps, last = ast.parse("".join(cell["source"])).body
    shown = isinstance(last, ast.Expr)
    exec(compile(ast.Module([*steps] if shown else [*steps, last], []), "cell", "exec"), names)
    if shown:
        found = eval(compile(ast.Expression(last.value), "cell", "eval"), names)
        print("shown", len(getattr(found, "_repr_html_", found.__repr__)() or repr(found)))
"""


def cells(name: str) -> list[dict[str, object]]:
    return json.loads((EXAMPLES / f"{name}.ipynb").read_text(encoding="utf-8"))["cells"]


def test_there_is_a_notebook_for_each_job_and_none_has_outputs() -> None:
    assert {path.stem for path in EXAMPLES.glob("*.ipynb")} == set(JOBS)
    for name in JOBS:
        code = [cell for cell in cells(name) if cell["cell_type"] == "code"]
        assert all(cell["outputs"] == [] and cell["execution_count"] is None for cell in code)
        assert len({cell["id"] for cell in cells(name)}) == len(cells(name))


@pytest.mark.parametrize("name", JOBS)
def test_a_notebook_runs_offline(name: str, tmp_path: Path) -> None:
    home = str(Path(seqlab.__file__).parent.parent)
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": home, "MPLBACKEND": "agg"}
    done = subprocess.run(
        [sys.executable, "-c", RUN, str(EXAMPLES / f"{name}.ipynb")],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env=environment | {"TMPDIR": str(tmp_path)},
        timeout=180,
    )
    assert done.returncode == 0, done.stderr
    pattern, low, high = JOBS[name]
    found = re.findall(pattern, done.stdout, re.M)
    assert found and low <= float(found[0]) <= high, done.stdout
