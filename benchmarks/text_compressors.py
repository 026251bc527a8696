"""Text: what compressors need for the last tenth of a corpus, alone and after they have read the nine before it."""

import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from seqlab.data.text.corpus import load_corpus
from seqlab.tasks import Task

COMMANDS: dict[str, Callable[[Path, Path], list[str]]] = {
    "xz": lambda source, target: ["xz", "-9e", "--lzma2=preset=9e,dict=256MiB", "-k", "-c", str(source)],
    "7z": lambda source, target: ["7z", "a", "-m0=PPMd:o=16:mem=1g", "-mx=9", str(target), str(source)],
    "zpaq": lambda source, target: ["zpaq", "a", str(target), str(source), "-m511", "-t1"],
}
NAMES = {"xz": "xz -9e", "7z": "PPMd, order 16 (7z)", "zpaq": "zpaq -m5"}


def compressors(names: list[str]) -> None:
    """Print bits per character of each corpus's last tenth by every compressor that is installed.

    "after the rest" is the size of the whole text less that of its first nine tenths: what a compressor that goes on
    learning adds for the last tenth. A model of seqlab has read eight tenths and begins the last one cold.
    """
    for missing in (tool for tool in COMMANDS if shutil.which(tool) is None):
        print(f"{NAMES[missing]}: skipped, {missing} is not installed")
    for name in names:
        corpus = Task(load_corpus(name)).result()
        assert corpus is not None
        before, last = ((corpus.text("train") + corpus.text("val")).encode(), corpus.text("test").encode())
        characters = len(corpus.split("test"))
        print(f"{name}: {characters:,} characters in {len(last):,} bytes, after {len(before):,} bytes")
        print(f"{'bits per character':26}{'alone':>10}{'after the rest':>18}{'seconds':>10}")
        for tool in (tool for tool in COMMANDS if shutil.which(tool)):
            began = time.monotonic()
            alone, rest, whole = (8 * size(tool, text) / characters for text in (last, before, before + last))
            print(f"{NAMES[tool]:26}{alone:>10.3f}{whole - rest:>18.3f}{time.monotonic() - began:>10.0f}", flush=True)


def size(tool: str, text: bytes) -> int:
    """The bytes that a compressor makes of a text."""
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder) / "text", Path(folder) / f"text.{tool}"
        source.write_bytes(text)
        done = subprocess.run(COMMANDS[tool](source, target), check=True, capture_output=True)
        return target.stat().st_size if target.exists() else len(done.stdout)
