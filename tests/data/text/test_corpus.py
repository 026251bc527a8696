"""Vocabularies and corpora, against the contract's own words worked out again here."""

import hashlib
import io
import os
import sys
import tarfile
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from seqlab.data.text.corpus import UNKNOWN, Corpus, Vocab, load_corpus
from seqlab.errors import DataError, NetworkError, UsageError
from seqlab.tasks import Task

LINUX = "94da2915242bd0fd81372687465876a97816be45e922b4ded656040939a5e279"
STACKS = "e7f9b557b911dd924db73e0d4f387a31e784e453ebfea8d12e10824655f5e02c"

any_text = st.text(st.characters(exclude_categories=["Cs"]))


def loaded(name: object) -> Corpus:
    return Task(load_corpus(str(name))).result()


# Vocabularies


@given(any_text)
def test_what_is_encoded_decodes_to_itself(text: str) -> None:
    vocab = Vocab.of(text)
    tokens = vocab.encode(text)
    assert len(tokens) == len(text)
    assert vocab.decode(tokens.tolist()) == text
    assert vocab.missing(text.replace(UNKNOWN, "")) == []


@given(any_text)
def test_a_vocabulary_is_every_character_once_in_order_then_unknown(text: str) -> None:
    vocab = Vocab.of(text)
    known = vocab.characters[:-1]
    assert list(known) == sorted(set(text) - {UNKNOWN})
    assert vocab.characters[-1] == UNKNOWN and vocab.unknown == len(vocab) - 1 == len(known)
    assert vocab == Vocab.of(text[::-1])


@given(any_text, any_text)
def test_what_the_vocabulary_lacks_becomes_unknown_and_nothing_else_does(known: str, other: str) -> None:
    vocab = Vocab.of(known)
    expected = [vocab.characters.index(c) if c in known and c != UNKNOWN else vocab.unknown for c in other]
    assert vocab.encode(other).tolist() == expected
    assert vocab.missing(other) == sorted({c for c in other if c not in known or c == UNKNOWN})
    assert vocab.decode(expected) == "".join(c if c in known else UNKNOWN for c in other)


def test_tokens_are_small_numbers_and_large_vocabularies_still_fit() -> None:
    assert Vocab.of("abc").encode("cab").dtype == torch.int16
    characters = [chr(code) for code in range(0x4E00, 0x4E00 + 20_000)] + [
        chr(code) for code in range(0x20000, 0x35000)
    ]
    vocab = Vocab.of("".join(characters))
    assert len(vocab) > 2**16
    assert vocab.decode(vocab.encode("".join(characters)).tolist()) == "".join(characters)


# Corpora


def order_by_hand(files: dict[str, bytes]) -> bytes:
    """The contract: in the order of the sha256 of their path inside it, each followed by one newline."""
    ranked = sorted((hashlib.sha256(path.encode()).digest(), path) for path in files)
    return b"".join(files[path] + b"\n" for _, path in ranked)


names = st.text("abcxyz-_. äö", min_size=1, max_size=6).filter(lambda name: name.strip(". ") and name[0] != ".")
trees = st.dictionaries(
    st.tuples(names.map(lambda name: name + "_d"), names.map(lambda name: name + "_f")).map("/".join) | names,
    any_text.map(lambda text: text.lstrip("\ufeff").encode()),  # a byte order mark is no character of a file
    min_size=1,
    max_size=6,
)


@given(trees)
def test_a_folder_is_its_files_in_the_order_of_their_hashes(
    tmp_path_factory: pytest.TempPathFactory, files: dict[str, bytes]
) -> None:
    files = {path: data.replace(b"\0", b"") for path, data in files.items()}
    files["one.txt"] = b"never empty"
    folder = tmp_path_factory.mktemp("folder") / "corpus"
    for path, data in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(data)
    corpus = loaded(folder)
    assert corpus.text("all").encode() == order_by_hand(files)
    assert corpus.sha256 == hashlib.sha256(order_by_hand(files)).hexdigest()
    assert (corpus.name, corpus.files) == ("corpus", len(files))


def test_hidden_and_binary_files_of_a_folder_are_left_out(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git" / "config").write_text("hidden")
    (tmp_path / ".hidden").write_text("hidden")
    (tmp_path / "picture.png").write_bytes(b"\x89PNG\0\0\0")
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "a.txt").write_text("text")
    assert loaded(tmp_path).text("all") == "text\n"


@pytest.mark.skipif(sys.platform != "linux", reason="file names are any bytes on Linux only")
def test_a_file_name_that_is_no_text_is_no_hindrance(tmp_path: Path) -> None:
    folder = tmp_path / os.fsdecode(b"caf\xe9")
    folder.mkdir()
    (folder / os.fsdecode(b"\xff.txt")).write_text("one")
    (folder / "b.txt").write_text("two")
    corpus = loaded(folder)
    assert sorted(corpus.text("all").split()) == ["one", "two"]
    corpus.name.encode()  # it can be written down


def test_a_file_is_taken_as_it_is(tmp_path: Path) -> None:
    data = "one\r\ntwo\n\n ä€\U0001f600".encode()
    (tmp_path / "some.text.txt").write_bytes(data)
    corpus = loaded(tmp_path / "some.text.txt")
    assert corpus.text("all").encode() == data
    assert (corpus.name, corpus.files, corpus.sha256) == ("some.text", 1, hashlib.sha256(data).hexdigest())


def test_the_sha256_is_of_the_bytes_whatever_they_are_read_as(tmp_path: Path) -> None:
    for data in (b"caf\xe9 and more", "café and more".encode("utf-16"), b"\xef\xbb\xbfcaf\xc3\xa9 and more"):
        (tmp_path / "a.txt").write_bytes(data)
        corpus = loaded(tmp_path / "a.txt")
        assert corpus.text("all") == "café and more"
        assert corpus.sha256 == hashlib.sha256(data).hexdigest()


@given(any_text)
def test_the_split_is_eight_one_and_one_tenth_in_order(text: str) -> None:
    corpus = Corpus.of("x", text)
    train, val, test = (corpus.text(part) for part in ("train", "val", "test"))
    text = text.removeprefix("\ufeff")
    assert train + val + test == text
    assert len(train) == len(text) * 8 // 10
    assert len(train) + len(val) == len(text) * 9 // 10


@pytest.mark.parametrize("content", [b"", b"\n \t\n"])
def test_an_empty_file_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "empty.txt").write_bytes(content)
    with pytest.raises(DataError, match=r"empty\.txt is empty"):
        loaded(tmp_path / "empty.txt")


def test_a_binary_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "data.bin").write_bytes(b"abc\0def")
    with pytest.raises(DataError, match=r"data\.bin is no text"):
        loaded(tmp_path / "data.bin")


@pytest.mark.parametrize("files", [{}, {".hidden": b"text"}, {"a": b"", "b": b" \n"}, {"a.bin": b"\0"}])
def test_a_folder_without_text_is_refused(tmp_path: Path, files: dict[str, bytes]) -> None:
    for name, data in files.items():
        (tmp_path / name).write_bytes(data)
    with pytest.raises(DataError, match="holds no text file"):
        loaded(tmp_path)


def test_an_unknown_corpus_is_named_with_a_suggestion() -> None:
    with pytest.raises(UsageError, match=r"'linx'.*did you mean 'linux'"):
        loaded("linx")
    with pytest.raises(UsageError):
        loaded("")


# Archives


def pack(path: Path, files: dict[str, bytes], top: str = "anything-1.0") -> None:
    with tarfile.open(path, "w:xz") as archive:
        for name, data in files.items():
            entry = tarfile.TarInfo(f"{top}/{name}" if top else name)
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))


KERNEL = {
    **{
        "kernel/a.c": b"int a;\n",
        "kernel/sub/b.h": b"int b;",
        "kernel/empty.c": b"",
        "kernel/bad.c": b"\xff\n",
    },
    **{
        "kernel/Makefile": b"no",
        "mm/c.c": b"no",
        "README": b"no",
        "kernel.c": b"no",
        "drivers/kernel/d.c": b"no",
    },
}


def test_linux_is_the_c_files_of_its_folder_kernel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pack(tmp_path / "linux-6.1.tar.xz", KERNEL)
    digest = hashlib.sha256((tmp_path / "linux-6.1.tar.xz").read_bytes()).hexdigest()
    (tmp_path / "SHA256SUMS").write_text(f"{digest}  linux-6.1.tar.xz\n")
    monkeypatch.setenv("SEQLAB_MIRROR", str(tmp_path))
    corpus = loaded("linux")
    wanted = order_by_hand({path: data for path, data in KERNEL.items() if data != b"no"})
    assert corpus.text("all") == wanted.decode(errors="replace")
    assert (corpus.name, corpus.files, corpus.sha256) == ("linux", 4, hashlib.sha256(wanted).hexdigest())


def test_linux_tree_is_trained_on_more_and_measured_on_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tree = {
        "mm/a.c": b"int pages;\n",
        "mm/b.c": b"int pages;\n",  # a copy of the one before or after it
        "fs/copied.h": KERNEL["kernel/a.c"],
        "net/\u00e9.c": 'char *name = "\u00e9";\n'.encode(),  # a character that kernel/ lacks
        "include/net/c.h": b"struct sock;\n",
    }
    left = {
        "lib/table.c": b"0x01, 0x02, 0x03, 0x04, 0x05,\n",
        "include/uapi/d.h": b"no",
        "drivers/e.c": b"no",
        "mm/Makefile": b"no",
    }
    kernel = {path: data for path, data in KERNEL.items() if path.startswith("kernel/")} | {
        "kernel/numbers.c": b"1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12\n",  # measured as in linux, whatever it is
        "kernel/again.c": KERNEL["kernel/a.c"],
    }
    pack(tmp_path / "linux-6.1.tar.xz", {**tree, **left, **kernel})
    digest = hashlib.sha256((tmp_path / "linux-6.1.tar.xz").read_bytes()).hexdigest()
    (tmp_path / "SHA256SUMS").write_text(f"{digest}  linux-6.1.tar.xz\n")
    monkeypatch.setenv("SEQLAB_MIRROR", str(tmp_path))
    wide, narrow = loaded("linux-tree"), loaded("linux")
    assert all(wide.text(part) == narrow.text(part) for part in ("val", "test"))
    before = wide.text("all").removesuffix(narrow.text("all"))
    copies = ("mm/a.c", "mm/b.c", "fs/copied.h")
    once = min(copies[:2], key=lambda path: hashlib.sha256(path.encode()).hexdigest())
    kept = {path: data for path, data in tree.items() if path not in copies or path == once}
    assert before.encode() == order_by_hand(kept)
    assert wide.text("train") == before + narrow.text("train")
    assert set(wide.vocab.characters) == set(wide.text("train")) | {"\ufffd"}
    again = loaded("linux-tree")  # now from what was kept
    assert (again.text("train"), again.core, again.vocab) == (wide.text("train"), len(before), wide.vocab)


def test_stacks_is_the_tex_files_at_the_top(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = {
        "algebra.tex": b"\\section{A}",
        "sets.tex": b"\\section{S}\n",
        "scripts/x.tex": b"no",
        "tags": b"no",
    }
    pack(tmp_path / "stacks-project.tar.xz", files, top="stacks-project-4ac48")
    monkeypatch.setenv("SEQLAB_MIRROR", str(tmp_path))
    assert loaded("stacks").text("all").encode() == order_by_hand({k: v for k, v in files.items() if v != b"no"})


def test_an_archive_without_the_corpus_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pack(tmp_path / "stacks-project.tar.xz", {"README": b"no"})
    monkeypatch.setenv("SEQLAB_MIRROR", str(tmp_path))
    with pytest.raises(DataError, match="none of the corpus's files"):
        loaded("stacks")


def test_without_a_network_or_a_mirror_a_corpus_is_missing() -> None:
    with pytest.raises(NetworkError, match="offline") as refusal:
        loaded("linux")
    assert "SEQLAB_MIRROR" in refusal.value.hint


@pytest.mark.mirror
@pytest.mark.parametrize(
    ("name", "size", "files", "digest"),
    [("linux", 11_681_218, 502, LINUX), ("stacks", 27_680_970, 119, STACKS)],
)
def test_the_real_corpora_are_the_ones_agreed_on(name: str, size: int, files: int, digest: str) -> None:
    corpus = loaded(name)
    assert (len(corpus.text("all").encode()), corpus.files, corpus.sha256) == (size, files, digest)
    assert len(corpus) == len(corpus.text("all"))
    assert "".join(sorted(set(corpus.text("train")))) + UNKNOWN == corpus.vocab.characters


@pytest.mark.parametrize("text", ["one line\nand another\n", "a long line " * 100])
def test_a_text_in_place_of_its_name_is_refused_as_such(text: str) -> None:
    with pytest.raises(UsageError, match="is a text and no file's name") as refused:
        Task(load_corpus(text)).result()
    assert "Corpus.of" in refused.value.hint
