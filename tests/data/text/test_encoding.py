"""Encoded corpora: against Python's own decoding of the same bytes, and as they are kept, redone and shared."""

import os
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seqlab.data.batches import StreamBatches
from seqlab.data.text import corpus_files, encoding
from seqlab.data.text.corpus import UNKNOWN, Corpus, Vocab, load_corpus
from seqlab.tasks import Task
from tests.conftest import start_python

any_text = st.text(st.characters(exclude_categories=["Cs"]))
any_bytes = st.lists(st.binary(max_size=8) | any_text.map(str.encode), max_size=3).map(b"".join)
LONG = "ä line of UTF-8, which counts for more\n".encode() * 75  # below it at most 24 bytes are bad: under a hundredth


def loaded(name: object) -> Corpus:
    return Task(load_corpus(str(name))).result()


def kept(tmp_path: Path) -> dict[str, int]:
    """The files of encodings in the cache, each with what a new file would change."""
    return {path.name: path.stat().st_mtime_ns for path in (tmp_path / "cache" / "corpora").iterdir()}


# What is encoded


@given(any_bytes, st.integers(3, 99), st.integers(3, 99))
def test_a_few_bad_bytes_are_read_as_python_decodes_them(
    tmp_path_factory: pytest.TempPathFactory, data: bytes, read: int, written: int
) -> None:
    data = LONG + data.replace(b"\0", b"")
    path = tmp_path_factory.mktemp("bytes") / "any.txt"
    path.write_bytes(data)
    with pytest.MonkeyPatch.context() as patch:  # pieces that end in the middle of everything
        patch.setattr(corpus_files, "CHUNK", read)
        patch.setattr(encoding, "CHUNK", written)
        corpus = loaded(path)
    text = data.decode(errors="replace")
    assert corpus.text("all") == text and len(corpus) == len(text)
    assert corpus.bad_bytes == len(data) - len(data.decode(errors="ignore").encode())
    train = set(text[: len(text) * 8 // 10]) - {UNKNOWN}
    assert corpus.alphabet == "".join(sorted(train)) + "".join(sorted(set(text) - train))
    assert corpus.vocab == Vocab.of(text[: len(text) * 8 // 10])
    # a model's own tokens are the corpus's, cut off where its vocabulary ends
    own = np.minimum(corpus.tokens, len(corpus.vocab) - 1)
    assert corpus.encoded("all", corpus.vocab)[:].tolist() == own.tolist()


@given(any_text, any_text)
def test_tokens_of_another_vocabulary_are_those_of_its_own_encoding(text: str, known: str) -> None:
    corpus, vocab = Corpus.of("x", text), Vocab.of(known)
    for part in ("train", "val", "test", "all"):
        assert corpus.encoded(part, vocab)[:].tolist() == vocab.encode(corpus.text(part)).tolist()
        assert corpus.codes(part)[:].tolist() == [ord(char) for char in corpus.text(part)]


@pytest.mark.parametrize(("count", "width"), [(256, 1), (257, 2), (2**16, 2), (2**16 + 1, 4)])
def test_tokens_are_as_narrow_as_the_alphabet_allows(count: int, width: int) -> None:
    text = "".join(chr(code) for code in range(0x10000, 0x10000 + count))
    corpus = Corpus.of("wide", text + text[::-1])
    assert corpus.tokens.dtype.itemsize == width
    assert corpus.text("all") == text + text[::-1]


# How it is kept


def test_a_text_is_encoded_once_and_again_when_it_changes(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    for name in ("a", "b"):
        (folder / name).write_text(f"text {name}\n")
    first = loaded(folder)
    files = kept(tmp_path)
    assert sorted(Path(name).suffix for name in files) == [".json", ".tokens"]
    assert loaded(folder).sha256 == first.sha256 and kept(tmp_path) == files
    assert loaded(folder).sources == first.sources and loaded(folder).vocab == first.vocab
    status = (folder / "b").stat()
    (folder / "b").write_text("TEXT b\n")  # of the same size
    os.utime(folder / "b", ns=(status.st_atime_ns, status.st_mtime_ns + 1))
    assert "TEXT b" in loaded(folder).text("all")
    assert len(kept(tmp_path)) == 2 and not kept(tmp_path).keys() & files.keys()
    assert "text b" in first.text("all")  # who has the old one goes on reading it
    (folder / "c").write_text("text c\n")
    assert "text c" in loaded(folder).text("all")
    (folder / "c").unlink()
    assert "text c" not in loaded(folder).text("all")
    (tmp_path / "other.txt").write_text("other")
    loaded(tmp_path / "other.txt")
    assert len(kept(tmp_path)) == 4  # other inputs' stay


@pytest.mark.parametrize("damage", [lambda path: path.unlink(), lambda path: path.write_bytes(path.read_bytes()[:-3])])
@pytest.mark.parametrize("suffix", [".tokens", ".json"])
def test_a_damaged_encoding_in_the_cache_is_made_again(tmp_path: Path, suffix: str, damage: object) -> None:
    assert callable(damage)
    (tmp_path / "a.txt").write_text("some text, and more")
    first = loaded(tmp_path / "a.txt")
    (path,) = (tmp_path / "cache" / "corpora").glob(f"*{suffix}")
    del first
    damage(path)
    assert loaded(tmp_path / "a.txt").text("all") == "some text, and more"


def test_without_a_cache_that_can_be_written_a_text_is_still_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "cache").write_text("a file where the folder would be")
    (tmp_path / "a.txt").write_text("some text")
    assert loaded(tmp_path / "a.txt").text("all") == "some text"


def test_processes_that_encode_at_once_do_not_disturb_each_other(tmp_path: Path) -> None:
    data = ("line äöü\n" * 200_000).encode()
    (tmp_path / "a.txt").write_bytes(data)
    code = (
        "import sys; from seqlab.tasks import Task; from seqlab.data.text import corpus_files, encoding\n"
        "made = Task(encoding.encoded(Task(corpus_files.find(sys.argv[1])).result())).result()\n"
        "print(made.sha256, len(made.tokens))"
    )
    processes = [start_python(code, tmp_path / "a.txt") for _ in range(3)]
    said = {process.communicate(timeout=60)[0] for process in processes}
    assert len(said) == 1 and said.pop().split()[1] == str(len(data.decode()))
    assert sorted(Path(name).suffix for name in kept(tmp_path)) == [".json", ".tokens"]


def test_a_text_takes_memory_that_does_not_grow_with_it(tmp_path: Path) -> None:
    """64 MB of text, read, cut into batches and measured through, in a third of that."""
    line = "int count = 0; /* ä */\n".encode() * 4096
    with (tmp_path / "large.txt").open("wb") as file:
        while file.tell() < 64e6:
            file.write(line)
    vocab = Vocab.of("int count")  # not the corpus's own: a lookup
    tracemalloc.start()
    try:
        corpus = loaded(tmp_path / "large.txt")
        batches = StreamBatches(corpus.encoded("train", vocab), 32, 128)
        for _ in zip(range(20), batches.epoch(0), strict=False):
            pass
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert len(corpus) > 60e6 and peak < 22e6
