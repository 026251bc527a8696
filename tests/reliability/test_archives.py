"""Archives that lie, escape or explode: what is in them is read within limits, and nothing is written anywhere."""

import bz2
import gzip
import io
import lzma
import stat
import tarfile
import time
import tracemalloc
import zipfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from seqlab.data.fetch import archive
from seqlab.data.tables.reader import read_table
from seqlab.data.text.corpus import load_corpus
from seqlab.errors import DataError
from seqlab.tasks import Task
from tests.conftest import made_up_code
from tests.reliability.conftest import Tried

TEXT = made_up_code(60).encode()
ZEROS = bytes(1 << 20)
ESCAPES = (
    "../out.txt",
    "/tmp/seqlab-out.txt",
    "a/../../out.txt",
    "..\\out.txt",
    "C:\\out.txt",
    "~/out.txt",
    "a//../b/..",
)
PACKERS: dict[str, Callable[[bytes], bytes]] = {
    ".gz": gzip.compress,
    ".bz2": partial(bz2.compress, compresslevel=1),
    ".xz": partial(lzma.compress, preset=0),
}


def tar_of(path: Path, entries: list[tuple[tarfile.TarInfo, bytes]], mode: str = "w:gz") -> Path:
    with tarfile.open(path, mode) as packed:  # type: ignore[call-overload]
        for info, data in entries:
            info.size = len(data)
            packed.addfile(info, io.BytesIO(data))
    return path


def link(name: str, target: str, kind: bytes) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, target
    return info


def kept(folder: Path) -> set[Path]:
    return {*folder.rglob("*")}


@pytest.mark.parametrize("kind", ["tar", "zip"])
def test_nothing_is_written_where_a_member_says(kind: str, tmp_path: Path, tried: Tried) -> None:
    for number, name in enumerate(ESCAPES):
        path = tmp_path / (f"{number}.zip" if kind == "zip" else f"{number}.tar.gz")
        if kind == "zip":
            with zipfile.ZipFile(path, "w") as packed:
                packed.writestr(name, TEXT)
        else:
            tar_of(path, [(tarfile.TarInfo(name), TEXT)])
        (tmp_path / "in").mkdir(exist_ok=True)
        outside = kept(tmp_path) - kept(tmp_path / "cache")
        try:
            assert Task(load_corpus(str(path))).result().text("all").encode() == TEXT + b"\n"
        except DataError as problem:  # a name that is hidden is left out, as .. is
            assert "no text file" in problem.message
        assert kept(tmp_path) - kept(tmp_path / "cache") - {tmp_path / "cache"} == outside - {tmp_path / "cache"}
        assert not Path("/tmp/seqlab-out.txt").exists()
    tried(12, len(ESCAPES))


@pytest.mark.parametrize("kind", ["symbolic", "hard", "device", "pipe", "in a zip"])
def test_links_and_devices_are_left_out(kind: str, tmp_path: Path, tried: Tried) -> None:
    secret = tmp_path / "secret"
    secret.write_text("what nobody is to read")
    path = tmp_path / ("a.zip" if kind == "in a zip" else "a.tar.gz")
    if kind == "in a zip":
        with zipfile.ZipFile(path, "w") as packed:
            one = zipfile.ZipInfo("x.txt")
            one.external_attr = (stat.S_IFLNK | 0o777) << 16
            packed.writestr(one, str(secret))
            packed.writestr("y.txt", TEXT)
    else:
        kinds = {
            "symbolic": tarfile.SYMTYPE,
            "hard": tarfile.LNKTYPE,
            "device": tarfile.CHRTYPE,
            "pipe": tarfile.FIFOTYPE,
        }
        tar_of(path, [(link("x.txt", str(secret), kinds[kind]), b""), (tarfile.TarInfo("y.txt"), TEXT)])
    assert Task(load_corpus(str(path))).result().text("all").encode() == TEXT + b"\n"
    tried(12)


def bombs(folder: Path) -> dict[str, Path]:
    """Of 16 MB of zeros or so each."""
    found = {}
    for ending, pack in PACKERS.items():
        found[f"tar{ending}"] = folder / f"bomb.tar{ending}"
        inner = io.BytesIO()
        with tarfile.open(fileobj=inner, mode="w") as packed:
            info = tarfile.TarInfo("a.txt")
            info.size = 16 << 20
            packed.addfile(info, io.BytesIO(bytes(16 << 20)))
        found[f"tar{ending}"].write_bytes(pack(inner.getvalue()))
    found["zip"] = folder / "bomb.zip"
    with zipfile.ZipFile(found["zip"], "w", zipfile.ZIP_DEFLATED) as packed_zip:
        packed_zip.writestr("a.txt", ZEROS * 16)
    found["many in a zip"] = folder / "many.zip"
    with zipfile.ZipFile(found["many in a zip"], "w", zipfile.ZIP_DEFLATED) as packed_zip:
        for number in range(16):
            packed_zip.writestr(f"{number}.txt", ZEROS)
    found["sparse"] = folder / "sparse.tar"  # a terabyte, of which the archive holds nothing
    sparse = tarfile.TarInfo("a.txt")
    sparse.type, sparse.size = tarfile.GNUTYPE_SPARSE, 0
    header = bytearray(sparse.tobuf(tarfile.GNU_FORMAT))
    header[386:410] = b"00000000000\0" * 2
    header[483:495] = b"\x80" + (1 << 40).to_bytes(11, "big")
    header[148:156] = b" " * 8
    header[148:156] = f"{sum(header[:512]):06o}\0 ".encode()
    found["sparse"].write_bytes(bytes(header[:512]) + bytes(1024))
    return found


def test_bombs_are_refused_before_they_are_unpacked(tmp_path: Path, tried: Tried) -> None:
    for name, path in bombs(tmp_path).items():
        tracemalloc.start()
        begun = time.process_time()
        with pytest.raises(DataError, match="unpacks to more than"):
            Task(load_corpus(str(path))).result()
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert most < 16 << 20, name
        assert time.process_time() - begun < 20, name
        tried(12)


@pytest.mark.parametrize("ending", [*PACKERS, ".zip"])
def test_compressed_tables_and_texts_have_the_same_limits(ending: str, tmp_path: Path, tried: Tried) -> None:
    content = b"a,b\n" + b"1,2\n" * (5 << 19)  # 10 MB
    path = tmp_path / f"table.csv{ending}"
    if ending == ".zip":
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
            packed.writestr("table.csv", content)
    else:
        path.write_bytes(PACKERS[ending](content))
        with pytest.raises(DataError, match="unpacks to more than"):
            Task(load_corpus(str(path))).result()
    with pytest.raises(DataError, match="unpacks to more than"):
        read_table(path)
    tried(12, 2)


def test_a_workbook_that_explodes_is_refused(tmp_path: Path, tried: Tried) -> None:
    path = tmp_path / "book.xlsx"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("[Content_Types].xml", "<Types/>")
        packed.writestr("xl/worksheets/sheet1.xml", b"<worksheet>" + ZEROS * 16)
    with pytest.raises(DataError, match="unpacks to more than"):
        read_table(path)
    tried(12)


def test_what_compresses_well_and_is_small_is_read(tmp_path: Path, tried: Tried) -> None:
    content = b"a,b\n" + b"1,2\n3,4\n" * (1 << 17)  # 1 MB, of which some kilobytes are packed
    for ending, pack in PACKERS.items():
        path = tmp_path / f"table.csv{ending}"
        path.write_bytes(pack(content))
        assert len(content) > 100 * path.stat().st_size
        assert len(read_table(path).frame) == 1 << 18
        tried(12)


@pytest.mark.parametrize("kind", ["tar", "zip"])
def test_archives_of_too_many_files_are_refused(
    kind: str, tmp_path: Path, tried: Tried, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archive, "MOST_MEMBERS", 1000)
    for count in (1000, 1001):
        path = tmp_path / (f"{count}.zip" if kind == "zip" else f"{count}.tar.gz")
        if kind == "zip":
            with zipfile.ZipFile(path, "w") as packed:
                for number in range(count):
                    packed.writestr(f"{number}.txt", b"int a;\n")
        else:
            tar_of(path, [(tarfile.TarInfo(f"{number}.txt"), b"int a;\n") for number in range(count)])
        if count == 1000:
            assert Task(load_corpus(str(path))).result().files == 1000
        else:
            with pytest.raises(DataError, match="more than 1,000 files"):
                Task(load_corpus(str(path))).result()
        tried(12)


def test_the_list_of_a_zip_is_not_read_where_it_says_that_it_is_huge(tmp_path: Path, tried: Tried) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as packed:
        packed.writestr("a.txt", TEXT)
    data = bytearray(path.read_bytes())
    data[-10:-6] = (1 << 30).to_bytes(4, "little")
    path.write_bytes(data)
    with pytest.raises(DataError, match="more than 100,000 files"):
        Task(load_corpus(str(path))).result()
    tried(12)


def test_an_archive_in_an_archive_is_no_text(tmp_path: Path, tried: Tried) -> None:
    inner = tar_of(tmp_path / "inner.tar.gz", [(tarfile.TarInfo("a.txt"), TEXT)]).read_bytes()
    for _ in range(5):
        inner = tar_of(tmp_path / "outer.tar.gz", [(tarfile.TarInfo("inner.tar.gz"), inner)]).read_bytes()
    with pytest.raises(DataError, match="no text file"):
        Task(load_corpus(str(tmp_path / "outer.tar.gz"))).result()
    tried(12)


@pytest.mark.parametrize("ending", [".tar", ".tar.gz", ".tar.xz", ".zip", ".csv.gz"])
def test_cut_and_damaged_archives_are_refused(ending: str, tmp_path: Path, tried: Tried) -> None:
    path = tmp_path / f"a{ending}"
    if ending == ".zip":
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
            packed.writestr("a.txt", TEXT * 9)
    elif ending == ".csv.gz":
        path.write_bytes(gzip.compress(b"a,b\n" + b"1,2\n" * 999))
    else:
        tar_of(path, [(tarfile.TarInfo("a.txt"), TEXT * 9)], "w" + {".tar": ""}.get(ending, ":" + ending[5:]))
    whole = path.read_bytes()
    for part in (0, 1, 10, len(whole) // 4, len(whole) * 2 // 5):  # of a .tar half is padding
        path.write_bytes(whole[:part])
        with pytest.raises(DataError):
            read_table(path) if ending == ".csv.gz" else Task(load_corpus(str(path))).result()
        tried(12)
