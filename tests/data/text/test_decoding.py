"""Texts in the encodings that people's files have: as single files, in folders and archives, and in memory."""

import codecs
import gzip
import io
import lzma
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seqlab.data.text import corpus_files
from seqlab.data.text.corpus import UNKNOWN, Corpus, load_corpus
from seqlab.data.text.decoding import text_of
from seqlab.errors import DataError
from seqlab.tasks import Task
from tests.data.text.test_charset import OTHERS, WESTERN

GERMAN = "Größe: naïve Übung, “fein” – 5 €.\r\nZweite Zeile.\n" * 30
JAPANESE = OTHERS["shift-jis"].encode("shift-jis") * 5
any_text = st.text(st.characters(exclude_categories=["C"]), min_size=1, max_size=60).filter(str.strip)


def loaded(name: object) -> Corpus:
    return Task(load_corpus(str(name))).result()


@given(any_text, st.sampled_from(["utf-8-sig", "utf-16", "utf-32"]), st.integers(1, 9))
def test_a_mark_is_no_character_wherever_pieces_end(
    tmp_path_factory: pytest.TempPathFactory, text: str, encoding: str, size: int
) -> None:
    path = tmp_path_factory.mktemp("marks") / "a.txt"
    path.write_bytes(text.encode(encoding))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(corpus_files, "CHUNK", size)
        corpus = loaded(path)
    assert corpus.text("all") == text and corpus.bad_bytes == 0
    assert "\ufeff" not in corpus.alphabet or "\ufeff" in text


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (GERMAN.encode(), ""),
        (GERMAN.encode("utf-8-sig"), ""),
        (GERMAN.encode("utf-16"), "a.txt is written in UTF-16"),
        (codecs.BOM_UTF16_BE + GERMAN.encode("utf-16-be"), "a.txt is written in UTF-16"),
        (GERMAN.encode("utf-16-le"), "a.txt is written in UTF-16"),
        (GERMAN.encode("utf-32"), "a.txt is written in UTF-32"),
        (
            GERMAN.encode("cp1252"),
            "a.txt is not written in UTF-8: read as Windows-1252 (240 letters and signs, as in '“fein”')",
        ),
    ],
    ids=["utf-8", "utf-8-sig", "utf-16", "utf-16-be", "utf-16-le without a mark", "utf-32", "cp1252"],
)
def test_a_text_is_the_same_in_every_encoding_and_it_is_said(tmp_path: Path, data: bytes, said: str) -> None:
    """In a file, packed, from standard input, and from the cache."""
    for path in (tmp_path / "a.txt", tmp_path / "a.txt.gz", tmp_path / "a.txt.xz"):
        pack = {".gz": gzip.compress, ".xz": lzma.compress}.get(path.suffix, bytes)
        path.write_bytes(pack(data))
        for _ in range(2):
            corpus = loaded(path)
            assert corpus.text("all") == GERMAN and corpus.bad_bytes == 0
            assert corpus.notes == ((said.replace("a.txt", path.name),) if said else ())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))
        corpus = loaded("-")
    assert corpus.text("all") == GERMAN and corpus.sha256 == loaded(tmp_path / "a.txt").sha256
    assert text_of(data, "a.txt") == (GERMAN, (said,) if said else ())


@pytest.mark.parametrize("encoding", OTHERS)
def test_another_encoding_is_an_error_with_its_place(tmp_path: Path, encoding: str) -> None:
    data = b"plain\n" * 3 + OTHERS[encoding].encode(encoding)
    (tmp_path / "a.txt").write_bytes(data)
    with pytest.raises(DataError, match=r"a\.txt is neither UTF-8 nor Windows-1252: .* in line 4 \(after") as refused:
        loaded(tmp_path / "a.txt")
    place = next(place for place, byte in enumerate(data) if byte > 127)
    if encoding != "cp874":  # whose first bytes are by chance a character of UTF-8
        assert f"the first 0x{data[place]:02X} in line 4 (after {place:,} bytes)" in refused.value.message
    assert "iconv -f" in refused.value.hint
    with pytest.raises(DataError, match="the prompt is neither"):
        text_of(data, "the prompt")


def test_up_to_one_in_a_hundred_bytes_may_be_bad(tmp_path: Path) -> None:
    good = ("ä" + "abcdefg\n").encode() * 100  # 1,000 bytes
    for bad, is_read in ((10, True), (11, False)):
        data = good[: -2 * bad] + b"\xff " * bad
        (tmp_path / "a.txt").write_bytes(data)
        if is_read:
            corpus = loaded(tmp_path / "a.txt")
            assert corpus.text("all") == data.decode(errors="replace") and corpus.bad_bytes == bad
            (note,) = corpus.notes
            assert note == "10 bytes of it are not UTF-8: each such place became U+FFFD, the first in a.txt, line 99"
            assert UNKNOWN not in corpus.vocab.characters[:-1]
        else:
            with pytest.raises(DataError, match="11 of its 1,000 bytes are not UTF-8, the first 0xFF"):
                loaded(tmp_path / "a.txt")


def test_one_odd_quote_in_a_large_text_is_not_what_decides(tmp_path: Path) -> None:
    """Where there are more letters of UTF-8 it is damage; where there are none it is Windows-1252."""
    (tmp_path / "utf8.txt").write_bytes("Zürich is a city.\n".encode() * 900 + b"it\x92s\n")
    (tmp_path / "ascii.txt").write_bytes(b"Geneva is a city.\n" * 900 + b"it\x92s\n")
    assert loaded(tmp_path / "utf8.txt").text("all").endswith(f"it{UNKNOWN}s\n")
    corpus = loaded(tmp_path / "ascii.txt")
    assert corpus.text("all").endswith("it’s\n") and "1 letter or sign, as in 'it’s'" in corpus.notes[0]


def test_a_character_that_the_end_cuts_is_said_and_no_error(tmp_path: Path) -> None:
    for text, encoding in (("ä ü", "utf-8"), ("ä ü", "utf-16")):
        (tmp_path / "a.txt").write_bytes(text.encode(encoding)[:-1])
        corpus = loaded(tmp_path / "a.txt")
        assert corpus.text("all") == f"ä {UNKNOWN}" and corpus.bad_bytes == 1
        assert "U+FFFD" in corpus.notes[-1]


@pytest.mark.parametrize("mark", [codecs.BOM_UTF8, codecs.BOM_UTF16_LE, codecs.BOM_UTF32_BE])
def test_a_mark_alone_is_an_empty_file(tmp_path: Path, mark: bytes) -> None:
    (tmp_path / "a.txt").write_bytes(mark)
    with pytest.raises(DataError, match=r"a\.txt is empty"):
        loaded(tmp_path / "a.txt")
    assert text_of(mark, "a.txt")[0] == ""


def test_a_text_in_memory_has_no_mark_either() -> None:
    assert Corpus.of("a", "\ufeffone \ufeff two").text("all") == "one \ufeff two"
    assert Corpus.of("a", "with a NUL \0 in it").text("all") == "with a NUL \0 in it"


# Several files

TREE = {
    "a.txt": GERMAN.encode("utf-8-sig"),
    "sub/b.txt": GERMAN.encode("utf-16"),
    "c.txt": WESTERN["French"].encode("cp1252"),
    "d.txt": GERMAN.encode(),
    "logo.png": b"\x89PNG\0\0",
    "sub/data.o": b"\x7fELF\0" * 9000,
    "sub/jp.txt": JAPANESE,
    ".hidden": b"\0",
}


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    for name, data in TREE.items():
        (tmp_path / "tree" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "tree" / name).write_bytes(data)
    if sys.platform != "win32":
        (tmp_path / "outside").mkdir()
        (tmp_path / "outside" / "never.txt").write_text("never read")
        (tmp_path / "tree" / "link.txt").symlink_to("a.txt")
        (tmp_path / "tree" / "linked").symlink_to(tmp_path / "outside")
    return tmp_path / "tree"


def test_every_file_of_several_is_read_or_named(tree: Path, tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "tree.tar.gz", "w:gz") as archive:
        archive.add(tree, "tree")
    with zipfile.ZipFile(tmp_path / "tree.zip", "w") as packed:
        for name, data in TREE.items():
            packed.writestr(f"tree/{name}", data)
    found = {name: loaded(tmp_path / name) for name in ("tree", "tree.tar.gz", "tree.zip")}
    found["**"] = loaded(tree / "**" / "*")
    for corpus in found.values():
        assert {one.path for one in corpus.sources} == {"a.txt", "sub/b.txt", "c.txt", "d.txt"}
        text = corpus.text("all")
        assert text.count(GERMAN) == 3 and WESTERN["French"] in text and "\ufeff" not in text
        assert len(text) == 3 * (len(GERMAN) + 1) + len(WESTERN["French"]) + 1
        notes = [note for note in corpus.notes if "link" not in note]
        assert sorted(notes) == [
            "2 files are left out (NUL bytes: no text): logo.png, sub/data.o",
            "c.txt is not written in UTF-8: read as Windows-1252 (20 letters and signs, as in 'garçon')",
            "sub/b.txt is written in UTF-16",
            "sub/jp.txt is left out (neither UTF-8 nor Windows-1252: convert with iconv)",
        ]
    assert len({corpus.sha256 for corpus in found.values()}) == 1
    if sys.platform != "win32":
        for name in ("tree", "tree.tar.gz"):
            assert "2 files are left out (link): link.txt, linked" in found[name].notes
        assert "2 files are left out (link): link.txt, linked/never.txt" in found["**"].notes


def test_of_many_files_left_out_the_first_are_named(tmp_path: Path) -> None:
    folder = tmp_path / "many"
    folder.mkdir()
    (folder / "a.txt").write_text("text")
    for number in range(7):
        (folder / f"{number}.bin").write_bytes(b"\0")
    assert loaded(folder).notes == ("7 files are left out (NUL bytes: no text): 0.bin, 1.bin, 2.bin and 4 more",)


def test_a_folder_with_nothing_that_can_be_read_says_why(tmp_path: Path) -> None:
    folder = tmp_path / "none"
    folder.mkdir()
    (folder / "jp.txt").write_bytes(JAPANESE)
    (folder / "x.bin").write_bytes(b"\0")
    with pytest.raises(DataError, match=r"holds no text file: .*jp\.txt is left out .*convert with iconv"):
        loaded(folder)
