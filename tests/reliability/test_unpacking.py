"""Small files that make much: workbooks, Parquet, headers of archives: refused before it is in memory."""

import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

from seqlab.data.fetch.archive import read_members
from seqlab.data.tables.reader import read_table
from seqlab.errors import DataError
from tests.reliability.conftest import Tried

MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE = "http://schemas.openxmlformats.org/package/2006"
KIND = "application/vnd.openxmlformats-officedocument.spreadsheetml"


def _workbook(path: Path, rows: str) -> None:
    related = f'<Relationships xmlns="{PACKAGE}/relationships"><Relationship Id="r" Type="{OFFICE}/'
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as book:
        book.writestr(
            "[Content_Types].xml",
            f'<Types xmlns="{PACKAGE}/content-types"><Override PartName="/xl/workbook.xml" ContentType="{KIND}'
            f'.sheet.main+xml"/><Override PartName="/xl/sheet.xml" ContentType="{KIND}.worksheet+xml"/></Types>',
        )
        book.writestr("_rels/.rels", f'{related}officeDocument" Target="xl/workbook.xml"/></Relationships>')
        book.writestr("xl/_rels/workbook.xml.rels", f'{related}worksheet" Target="sheet.xml"/></Relationships>')
        book.writestr(
            "xl/workbook.xml",
            f'<workbook xmlns="{MAIN}" xmlns:r="{OFFICE}"><sheets>'
            f'<sheet name="S" sheetId="1" r:id="r"/></sheets></workbook>',
        )
        book.writestr("xl/sheet.xml", f'<worksheet xmlns="{MAIN}"><sheetData>{rows}</sheetData></worksheet>')


FAR = {
    "a far cell in each row": "".join(f'<row r="{n}"><c r="XFD{n}"><v>1</v></c></row>' for n in range(1, 20_001)),
    "a far cell in the first": '<row r="1"><c r="XFD1"><v>1</v></c></row>'
    + "".join(f'<row r="{n}"><c r="A{n}"><v>{n * n}</v></c></row>' for n in range(2, 20_001)),
}


@pytest.mark.parametrize("name", FAR)
def test_a_workbook_of_far_cells_is_refused(name: str, tmp_path: Path, tried: Tried) -> None:
    pytest.importorskip("openpyxl")
    _workbook(tmp_path / "far.xlsx", FAR[name])
    with pytest.raises(DataError, match="unpacks to more than"):
        read_table(tmp_path / "far.xlsx")
    _workbook(tmp_path / "near.xlsx", FAR[name].replace("XFD", "B"))
    assert len(read_table(tmp_path / "near.xlsx").frame) >= 19_999
    tried(12, 2)


SMALL_PARQUET = """
import sys
import numpy, pyarrow
from pyarrow.parquet import write_table
table = {"numbers": lambda: {"y": numpy.zeros(40_000_000)}, "texts": lambda: {"t": ["x" * 10_000] * 100_000}}
write_table(pyarrow.table(table[sys.argv[1]]()), sys.argv[2], compression="zstd")
"""


@pytest.mark.parametrize("content", ["numbers", "texts"])
def test_a_parquet_file_of_what_repeats_is_refused(content: str, tmp_path: Path, tried: Tried) -> None:
    pytest.importorskip("pyarrow")
    path = tmp_path / "much.parquet"
    subprocess.run([sys.executable, "-c", SMALL_PARQUET, content, str(path)], check=True)
    assert path.stat().st_size < 1 << 19
    with pytest.raises(DataError, match="unpacks to more than"):
        read_table(path)
    tried(12)


def test_a_parquet_file_of_zeros_is_read(tmp_path: Path, tried: Tried) -> None:
    pyarrow = pytest.importorskip("pyarrow")
    from pyarrow.parquet import write_table

    write_table(pyarrow.table({"y": [0.0] * 999_999 + [1.0], "when": ["a"] * 1_000_000}), tmp_path / "zeros.parquet")
    table = read_table(tmp_path / "zeros.parquet").frame
    assert table["y"].sum() == 1 and len(table) == 1_000_000
    tried(12)


@pytest.mark.parametrize("kind", [tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK])
def test_a_header_of_a_tar_is_short(kind: bytes, tmp_path: Path, tried: Tried) -> None:
    entry = tarfile.TarInfo("x")
    entry.type, entry.size = kind, 1900 << 20
    with (tmp_path / "long.tar").open("wb") as file:
        file.write(entry.tobuf(tarfile.USTAR_FORMAT))
        file.truncate(1901 << 20)  # all of it a hole
    with pytest.raises(DataError, match="a header of 1,992,294,400 bytes"):
        read_members(tmp_path / "long.tar", lambda name: True)
    tried(12)
