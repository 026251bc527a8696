"""The pictures and figures of the README, made again from real runs.

python benchmarks/readme.py pictures             docs/pictures, in a few minutes (needs statsmodels)
python benchmarks/readme.py figures              every command of docs/claims.md, beside what is claimed: hours
python benchmarks/readme.py figures AAPL CIFAR   those whose claim has one of these words
"""

import argparse
import io
import os
import re
import shlex
import subprocess
import sys
import sysconfig
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
from rich.console import Console
from statsmodels.datasets import elnino

import seqlab
from seqlab import lab
from seqlab.cli.screen import Screen
from seqlab.training import Progress

ROOT = Path(__file__).resolve().parents[1]
PICTURES = ROOT / "docs" / "pictures"
SEQLAB = [sys.executable, "-m", "seqlab"]


def monthly() -> pd.DataFrame:
    """The temperature of the eastern Pacific by the month, which none of the models that ship has learned from."""
    table = elnino.load_pandas().data.set_index("YEAR").stack()
    months = pd.date_range(f"{int(table.index[0][0])}-01", periods=len(table), freq="MS")
    return pd.DataFrame({"month": months.strftime("%Y-%m"), "temperature": table.to_numpy()})


def pictures() -> None:
    PICTURES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        monthly().to_csv(Path(folder) / "pacific.csv", index=False)
        for command in (
            ["forecast", "AAPL", "--offline", "-o", PICTURES / "aapl.png"],
            ["forecast", "pacific.csv", "--horizon", "24", "-o", PICTURES / "monthly.png"],
            ["checkpoints", "show", "cifar10", "-o", PICTURES / "cifar10.png"],
        ):
            subprocess.run([*SEQLAB, *map(str, command)], cwd=folder, check=True)
        training(Path(folder))
    lab.run("truncation").plot(PICTURES / "truncation.png")


def training(folder: Path) -> None:
    """The screen of a training on Python's own library, as it stands after two of three minutes."""
    task = seqlab.train_text(f"{sysconfig.get_path('stdlib')}/*.py", minutes=3, folder=str(folder / "library"))
    screen, start = Screen("chars/s"), time.monotonic()
    for event in task:
        if isinstance(event, Progress):
            screen.see(event)
            if time.monotonic() - start > 120 and "sample" in screen.record:
                break
    console = Console(record=True, width=84, file=io.StringIO())
    console.print(screen.draw(84))
    drawn = console.export_svg(title="seqlab train-text '*.py' --minutes 3")
    drawn = re.sub(r"@font-face \{.*?\}\s*", "", drawn, flags=re.S)  # which would be fetched
    (PICTURES / "training.svg").write_text(drawn)


def claims() -> Iterator[tuple[str, str, list[str]]]:
    """Of each row of docs/claims.md what is claimed, the figure, and the commands that print it."""
    for line in (ROOT / "docs" / "claims.md").read_text().splitlines():
        cells = re.split(r"(?<!\\)\|", line)
        if len(cells) > 4 and "`" in cells[3]:
            commands = [
                one for one in re.findall(r"`([^`]+)`", cells[3]) if re.match(r"(seqlab|python|pytest|du) ", one)
            ]
            yield cells[1].strip(), cells[2].strip(), commands


def figures(words: list[str]) -> None:
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    for claim, figure, commands in claims():
        if words and not any(word in claim for word in words):
            continue
        print(f"\n== {claim}\n   claimed: {figure}", flush=True)
        for command in commands:
            print(f"$ {command}", flush=True)
            subprocess.run(shlex.split(command), cwd=ROOT, env=environment)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["pictures", "figures"])
    parser.add_argument("words", nargs="*")
    given = parser.parse_args()
    if given.what == "pictures":
        pictures()
    else:
        figures(given.words)


if __name__ == "__main__":
    main()
