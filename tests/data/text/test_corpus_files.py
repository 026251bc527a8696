"""Where corpora come from: the same files, however they are packed and named, are the same corpus."""

import bz2
import gzip
import hashlib
import io
import json
import lzma
import os
import sys
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from seqlab.data.text import corpus_files
from seqlab.data.text.corpus import OWN, Corpus, load_corpus
from seqlab.errors import DataError, UsageError
from seqlab.tasks import Task
from tests.conftest import Outcome

FILES = {
    "a.txt": b"one\n",
    "sub/b.txt": b"two",
    "sub/deep/c.md": "drei äöü\n".encode(),
    "sub/empty.txt": b"",
    "picture.png": b"\x89PNG\0\0",
    ".hidden": b"hidden",
    ".git/config": b"hidden",
    "sub/.hidden": b"hidden",
}
TEXTS = {path: data for path, data in FILES.items() if b"\0" not in data and b"hidden" not in data}


def loaded(name: object) -> Corpus:
    return Task(load_corpus(str(name))).result()


def order_by_hand(files: dict[str, bytes]) -> list[str]:
    return sorted(files, key=lambda path: hashlib.sha256(path.encode()).digest())


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for path, data in FILES.items():
        (tmp_path / "tree" / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "tree" / path).write_bytes(data)
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "d.txt").write_text("never read")
    if sys.platform != "win32":
        (tmp_path / "tree" / "link.txt").symlink_to(outside / "d.txt")
        (tmp_path / "tree" / "linked").symlink_to(outside)
    return tmp_path / "tree"


def assert_is_the_tree(corpus: Corpus, origin: str) -> None:
    order = order_by_hand(TEXTS)
    data = b"".join(TEXTS[path] + b"\n" for path in order)
    assert corpus.text("all").encode() == data and corpus.sha256 == hashlib.sha256(data).hexdigest()
    assert [(one.path, one.size, one.sha256) for one in corpus.sources] == [
        (path, len(TEXTS[path]), hashlib.sha256(TEXTS[path]).hexdigest()) for path in order
    ]
    assert (corpus.name, corpus.origin, corpus.files, corpus.bad_bytes) == ("tree", origin, len(TEXTS), 0)
    assert corpus.origin in OWN


def test_a_folder_is_its_text_files(folder: Path) -> None:
    assert_is_the_tree(loaded(folder), "folder")


@pytest.mark.parametrize("top", ["tree", "."])
@pytest.mark.parametrize("suffix", [".tar", ".tar.gz", ".tgz", ".tar.xz", ".tar.bz2", ".zip"])
def test_an_archive_is_the_folder_in_it(folder: Path, tmp_path: Path, suffix: str, top: str) -> None:
    path = tmp_path / f"tree{suffix}"
    if suffix == ".zip":
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
            for inside, data in FILES.items():
                packed.writestr(f"{top}/{inside}".removeprefix("./"), data)
            link = zipfile.ZipInfo(f"{top}/link.txt".removeprefix("./"))
            link.external_attr = 0o120777 << 16
            packed.writestr(link, "../outside/d.txt")
    else:
        kind = {".tgz": "gz", ".tar": ""}.get(suffix, suffix.rpartition(".")[2])
        with tarfile.open(path, f"w:{kind}") as archive:  # type: ignore[call-overload]
            archive.add(folder, top)
    assert_is_the_tree(loaded(path), "archive")


@pytest.mark.parametrize(("suffix", "module"), [(".gz", gzip), (".xz", lzma), (".bz2", bz2)])
def test_a_compressed_file_is_the_file(tmp_path: Path, suffix: str, module: object) -> None:
    data = b"a text\nwithout a newline at its end"
    (tmp_path / f"a.txt{suffix}").write_bytes(module.compress(data))  # type: ignore[attr-defined]
    corpus = loaded(tmp_path / f"a.txt{suffix}")
    assert corpus.text("all").encode() == data and corpus.sha256 == hashlib.sha256(data).hexdigest()
    assert (corpus.name, corpus.origin, corpus.files) == ("a", "file", 1)


def test_a_pattern_is_the_files_it_matches(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert_is_the_tree(loaded(folder / "**" / "*"), "pattern")
    monkeypatch.chdir(folder)
    assert_is_the_tree(loaded("**"), "pattern")
    chosen = {path: data for path, data in TEXTS.items() if path.startswith("sub/") and path.endswith(".txt")}
    corpus = loaded("sub/*.txt")
    inside = {path.removeprefix("sub/"): data for path, data in chosen.items()}
    assert corpus.text("all").encode() == b"".join(inside[path] + b"\n" for path in order_by_hand(inside))
    assert corpus.name == "sub"
    for name in ("*.rs", "l*/*", "nowhere/**/*.py"):  # l*: a link
        with pytest.raises(UsageError, match="no file is called like"):
            loaded(name)
    (folder / "[x].txt").write_text("a file is meant before a pattern")
    assert loaded("[x].txt").text("all").startswith("a file is meant")


def test_standard_input_is_read_once_and_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for data in ("first ä\n".encode(), b"second\n"):
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))
        corpus = loaded("-")
        assert corpus.text("all").encode() == data and corpus.sha256 == hashlib.sha256(data).hexdigest()
        assert (corpus.name, corpus.origin, corpus.files) == ("stdin", "standard input", 1)
    assert not (tmp_path / "cache").exists()
    for data, said in ((b"\n ", "standard input is empty"), (b"a\0b", "standard input is no text")):
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))
        with pytest.raises(DataError, match=said):
            loaded("-")


@pytest.mark.parametrize("name", ["a.tar", "a.tar.gz", "a.tar.xz", "a.tar.bz2", "a.zip", "a.txt.gz", "a.xz", "a.bz2"])
def test_a_cut_or_wrong_archive_is_named(folder: Path, tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(b"no archive at all, whatever it is called" * 50)
    with pytest.raises(DataError, match=rf"{name} cannot be read"):
        loaded(path)
    if name == "a.tar.xz":
        with tarfile.open(path, "w:xz") as archive:
            archive.add(folder, "tree")
        path.write_bytes(path.read_bytes()[:-20])
        with pytest.raises(DataError, match=rf"{name} cannot be read"):
            loaded(path)
    left = list((tmp_path / "cache" / "corpora").iterdir())
    assert left == []


@pytest.mark.skipif(sys.platform == "win32" or os.geteuid() == 0, reason="everything may be read")
def test_an_unreadable_file_is_named(folder: Path) -> None:
    (folder / "a.txt").chmod(0)
    with pytest.raises(DataError, match=r"a\.txt cannot be read"):
        loaded(folder)


def test_a_kernel_that_is_on_the_machine_is_not_fetched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for version in ("5.10", "6.1", "6.1.9"):
        with tarfile.open(tmp_path / f"linux-source-{version}.tar.xz", "w:xz") as archive:
            for name, data in (("kernel/a.c", f"int v; /* {version} */\n".encode()), ("mm/b.c", b"no")):
                entry = tarfile.TarInfo(f"linux-source-{version}/{name}")
                entry.size = len(data)
                archive.addfile(entry, io.BytesIO(data))
    monkeypatch.setattr(corpus_files, "SOURCES", tmp_path)
    corpus = loaded("linux")
    assert corpus.text("all") == "int v; /* 6.1.9 */\n\n"
    assert (corpus.name, corpus.origin) == ("linux", str(tmp_path / "linux-source-6.1.9.tar.xz"))


TINY = [word for size in ("hidden_size=4", "num_layers=1", "batch_size=4", "seq_len=16") for word in ("--set", size)]


def test_train_text_says_how_a_text_was_read_and_evaluate_reads_it_so_again(
    cli: Callable[..., Outcome], tmp_path: Path
) -> None:
    (tmp_path / "old.txt").write_bytes("un café crème, ".encode("cp1252") * 200)
    done = cli("train-text", tmp_path / "old.txt", *TINY, "--set", "max_steps=1", "-o", tmp_path / "old")
    assert done.status == 0, done.err
    assert "old: 3,000 characters in 1 file, from file" in done.err
    said = "old.txt is not written in UTF-8: read as Windows-1252 (400 letters and signs, as in 'crème')"
    assert said in done.err
    again = cli("evaluate", tmp_path / "old", tmp_path / "old.txt", "--json")
    assert again.status == 0 and said in again.err and "another text" not in again.err
    measured = json.loads(again.out)
    assert measured["unknown_chars"] == 0 and measured["split"] == "test"


def test_train_text_names_what_of_a_folder_is_left_out(cli: Callable[..., Outcome], tmp_path: Path) -> None:
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "a.txt").write_text("some text, " * 100)
    (tmp_path / "notes" / "b.txt").write_text("more of it, " * 100, encoding="utf-16")
    (tmp_path / "notes" / "c.bin").write_bytes(b"\0\1\2")
    done = cli("train-text", tmp_path / "notes", *TINY, "--set", "max_steps=1", "-o", tmp_path / "out")
    assert done.status == 0, done.err
    for said in ("2,302 characters in 2 files", "b.txt is written in UTF-16", "c.bin is left out (NUL bytes: no text)"):
        assert said in done.err
