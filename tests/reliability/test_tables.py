"""Malformed tables and series: read, or refused in one clear error, by both readers and by whole commands."""

import random
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from seqlab.data.series.files import read_csv
from seqlab.data.tables.encoder import fit_encoder
from seqlab.data.tables.reader import read_table
from seqlab.errors import SeqlabError
from tests.conftest import Outcome
from tests.reliability.conftest import Tried, many

CPU, MEMORY = 5.0, 512 << 20
SEEDS = (
    b"date,close\n" + b"".join(b"2024-01-%02d,%d.5\n" % (day, day) for day in range(1, 29)),
    b"Datum;Schlusskurs\n" + b"".join(b"%02d.01.2024;1.2%02d,5\n" % (day, day) for day in range(1, 29)),
    b"a\tb\tc\n" + b"".join(b"%d\tx%d\t\n" % (row, row % 3) for row in range(40)),
    b"# a comment\nid,flag,when,y\n" + b"".join(b"%d,true,12:%02d,%d\n" % (row, row, row % 2) for row in range(30)),
    b'name,text\n"a ""quoted"" one","of\nlines"\n' * 5,
    b"a  b  c\n" + b"1  2  three four\n" * 20,
    b"@relation x\n@attribute a numeric\n@attribute b {u,v}\n@data\n" + b"1,u\n2,v\n" * 10,
    "\ufeffJahr;Größe\n2019;1,5\n2020;2,5\n2021;3,5\n".encode(),
    "a,b\n1,2\n3,4\n".encode("utf-16"),
    b"2024Q1,1\n2024Q2,2\n2024Q3,NA\n2024Q4,-999\n" * 3,
    b"unique_id,ds,y\n" + b"".join(b"A,2024-01-%02d,%d\n" % (day, day) for day in range(1, 29)),
    b"1\n1\n",
)
PIECES = (
    *(
        b",",
        b";",
        b"\t",
        b"|",
        b'"',
        b"'",
        b"\n",
        b"\r",
        b"\r\n",
        b"\x00",
        b"\xff",
        b"\xfe\xff",
        b"\xef\xbb\xbf",
        b"#",
        b"=",
    ),
    *(b"NA", b"nan", b"inf", b"-inf", b"1e999", b"-0", b"1e-400", b"9" * 400, b"0x10", b"1_0", b"--", b"None", b"#N/A"),
    *(b"2024-02-30", b"0000-00-00", b"9999-12-31", b"99999-01-01", b"01/02/2024", b"31/31/31", b"Jan 2024", b"2024W53"),
    *(b"24:61", b"12:00+25:00", b"1970-01-01T00:00:00.123456789Z", b"20240131", b"1700000000000000000", b"45000"),
    *("²".encode(), "١٢".encode(), "−1".encode(), "\u202e".encode(), "é".encode("latin-1"), b"\x1b[31m", b"%s", b"{0}"),
    *(b"date", b"close", b"y", b"sep=;\n", b"Total", b"@data\n", b"PK\x03\x04", b"\x1f\x8b", b"PAR1", b"%PDF", b"{"),
)


def damaged(chance: random.Random) -> bytes:
    """A seed with some pieces put in, cut out, doubled, or mixed with another."""
    data = chance.choice(SEEDS)
    for _ in range(chance.randint(1, 6)):
        place, end = sorted(chance.randint(0, len(data)) for _ in range(2))
        kind = chance.randrange(6)
        if kind == 0:
            data = data[:place] + chance.choice(PIECES) * chance.choice((1, 1, 1, 2, 50)) + data[place:]
        elif kind == 1:
            data = data[:place] + data[end:]
        elif kind == 2:
            data = data[:end] + data[place:]
        elif kind == 3:
            data = data.replace(chance.choice((b",", b";", b"\n", b"1", b"2", b".")), chance.choice(PIECES))
        elif kind == 4:
            other = chance.choice(SEEDS)
            data = data[:place] + other[chance.randint(0, len(other)) :]
        else:
            data = data[:place] + chance.randbytes(chance.randint(1, 9)) + data[end:]
    return data[: 1 << 20]


def read_both(path: Path) -> None:
    """What is wrong is told by a SeqlabError, in time and memory."""
    for read in (lambda: fit_encoder(read_table(path).frame), lambda: read_csv(path, "x")):
        begun = time.process_time()
        try:
            read()
        except SeqlabError as problem:
            assert problem.message and problem.hint
        assert time.process_time() - begun < CPU, path.read_bytes()[:500]


@pytest.mark.parametrize("part", range(4))
def test_both_readers_read_or_refuse_what_is_damaged(part: int, tmp_path: Path, tried: Tried) -> None:
    chance, count = random.Random(part), many(40, 2000)
    path = tmp_path / "odd.csv"
    tracemalloc.start()
    for _ in range(count):
        path.write_bytes(damaged(chance))
        try:
            read_both(path)
        except Exception as problem:
            raise AssertionError(f"{path.read_bytes()!r}") from problem
    assert tracemalloc.get_traced_memory()[1] < MEMORY
    tracemalloc.stop()
    tried(8, 2 * count)


def test_a_quote_that_never_closes_leaves_no_row(tmp_path: Path, tried: Tried) -> None:
    path = tmp_path / "odd.csv"
    path.write_bytes(b'"  three four\n' + b"1  2  three four\n" * 3 + b"1  2  three fo 2  thre\xbe\xcaur\n")
    with pytest.raises(SeqlabError, match="no rows"):
        read_table(path)
    read_both(path)
    tried(8, 2)


def test_lines_that_end_in_a_lone_return_are_no_reason_to_fail(tmp_path: Path, tried: Tried) -> None:
    path = tmp_path / "odd.csv"
    path.write_bytes(b"date,close\n\r0\r4-01-01,1.5\n\r.5\n\r0\r401-\r5,\r5.\xc5\x9f")
    read_both(path)
    tried(8, 2)


def test_digits_of_other_scripts_are_no_reason_to_fail(tmp_path: Path, tried: Tried) -> None:
    path = tmp_path / "odd.csv"
    for cell in ("٢٠٢٤-٠١-٣١", "2024-01-3١", "٢٠٢٤", "٢٠٢٤0131", "1٧00000000", "१२:३०", "²", "१"):
        for header in ("date,y", "time,close", "a,b"):
            path.write_text(header + "\n" + "".join(f"{cell},{row}\n" for row in range(9)))
            read_both(path)
        tried(8, 6)


CELL = st.one_of(
    st.sampled_from([piece.decode("latin-1") for piece in PIECES]),
    st.text(max_size=6),
    st.floats().map(str),
    st.integers().map(str),
    st.dates().map(str),
    st.datetimes().map(str),
)


def test_both_readers_read_or_refuse_any_cells(tmp_path: Path, tried: Tried) -> None:
    count, path = many(60, 2000), tmp_path / "odd.csv"

    @settings(max_examples=count, suppress_health_check=[*HealthCheck], derandomize=True)
    @given(
        rows=st.lists(st.lists(CELL, min_size=1, max_size=5), min_size=1, max_size=12),
        separator=st.sampled_from([",", ";", "\t", "|", "  "]),
        end=st.sampled_from(["\n", "\r\n", "\r"]),
        encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "latin-1"]),
    )
    def check(rows: list[list[str]], separator: str, end: str, encoding: str) -> None:
        path.write_bytes(end.join(separator.join(row) for row in rows).encode(encoding, "replace"))
        read_both(path)

    check()
    tried(8, 2 * count)


def test_whole_commands_end_in_a_result_or_in_two_lines(
    cli: Callable[..., Outcome], tmp_path: Path, tried: Tried
) -> None:
    chance, count = random.Random(99), many(12, 400)
    path = tmp_path / "odd.csv"
    for number in range(count):
        path.write_bytes(damaged(chance))
        for words in (
            ("structure", path, "--set", "max_steps=2"),
            ("forecast", path, "--horizon", "2", "--origins", "2"),
            ("train-mlp", path, "--target", "y", "-o", tmp_path / f"net-{number}", "--set", "max_steps=2"),
            ("evaluate", "quotes", path),
        ):
            outcome = cli(*words, "--offline", "--threads", "1")
            assert outcome.status in (0, 1, 2), (path.read_bytes(), outcome)
            assert "Traceback" not in outcome.err and "report it" not in outcome.err, (path.read_bytes(), outcome.err)
            assert outcome.status == 0 or outcome.err.splitlines()[-1].startswith("hint: ")
    tried(8, 4 * count)


def test_sizes_past_all_bounds_and_bytes_that_are_no_text_are_refused(
    cli: Callable[..., Outcome], tmp_path: Path, tried: Tried
) -> None:
    rows = (f"{1900 + k // 12}-{k % 12 + 1:02d}-01,{1e308 * (1 + 0.5 * (k % 3) / 2):g}" for k in range(300))
    (tmp_path / "huge.csv").write_text("month,close\n" + "\n".join(rows) + "\n")
    cli("forecast", tmp_path / "huge.csv", "--offline").fails(1, "too large to compute with", "larger units")
    parquet = pytest.importorskip("pyarrow.parquet")
    pyarrow = pytest.importorskip("pyarrow")
    table = pyarrow.table({"ds": [f"2024-01-{day:02d}" for day in range(1, 29)], "y": [b"\xff\xfe"] * 28})
    parquet.write_table(table, tmp_path / "bytes.parquet")
    for command in (
        ("forecast", tmp_path / "bytes.parquet", "--offline"),
        ("train-mlp", tmp_path / "bytes.parquet", "--target", "y"),
    ):
        cli(*command).fails(1, "bytes that are no text")
    tried(8, 3)
