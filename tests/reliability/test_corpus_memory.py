"""Promise 11: a corpus of a gigabyte takes little more memory than one of a megabyte; the system itself sees to it."""

import sys
from pathlib import Path

import pytest

from tests.conftest import made_up_code, start_python
from tests.reliability.conftest import Tried, many

if not sys.platform.startswith("linux"):
    pytest.skip("only Linux counts and limits a process's own memory so", allow_module_level=True)

SIZE = many(64, 1000)  # MB
MORE = many(
    32, 64
)  # MB that may be taken beyond what the small one has taken: a copy of the large one is not among them

# reads a corpus, has batches drawn from it and looks at all of it, as a training does; the small one comes first, and
# then the process may take so much more memory of its own
WORK = """
import resource, sys
from seqlab.data.batches import StreamBatches
from seqlab.data.text.corpus import Vocab, load_corpus
from seqlab.tasks import Task

def own():
    with open("/proc/self/status") as file:
        return next(int(line.split()[1]) * 1024 for line in file if line.startswith("VmData"))

def used(path):
    for _ in range(2):  # encoded, then from the cache
        corpus = Task(load_corpus(path)).result()
    for vocab in (corpus.vocab, Vocab.of("int count")):
        for _ in zip(range(20), StreamBatches(corpus.encoded("train", vocab), 32, 128).epoch(0), strict=False):
            pass
    codes, seen = corpus.codes("all"), set()
    for start in range(0, len(codes), 1 << 20):
        seen |= set(codes[start : start + (1 << 20)].tolist())
    assert seen == set(map(ord, corpus.alphabet))
    return len(corpus)

small, large, more = sys.argv[1], sys.argv[2], int(sys.argv[3])
used(small)
limit = own() + more
resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
print(used(large))
try:
    bytearray(more + (4 << 20))
except MemoryError:
    print("limited")
"""


def test_a_large_corpus_takes_little_more_memory_than_a_small_one(tmp_path: Path, tried: Tried) -> None:
    block = made_up_code(50_000).encode() + "/* größe */\n".encode()
    for name, size in (("small", 1), ("large", SIZE)):
        with (tmp_path / f"{name}.txt").open("wb") as file:
            while file.tell() < size * 1_000_000:
                file.write(block)
    process = start_python(WORK, tmp_path / "small.txt", tmp_path / "large.txt", MORE * 1_000_000)
    out, _ = process.communicate(timeout=many(300, 1800))
    assert process.returncode == 0
    characters, limited = out.split()
    assert int(characters) > 0.99e6 * SIZE and limited == "limited"
    tried(11)
