"""Tables of thousands of columns: what is done for each is little, and what is said of all is short."""

import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from seqlab.data.tables.condense import MOST_ALIKE, condensed
from seqlab.data.tables.encoder import fit_encoder
from seqlab.data.tables.leakage import leaks
from seqlab.data.tables.reader import read_table, table_of

RANDOM = np.random.default_rng(0)


def numbers(width: int) -> np.ndarray:
    return RANDOM.random((24, width)).round(3).astype(str).astype(object)


def holed(width: int) -> np.ndarray:
    cells = numbers(width)
    cells[RANDOM.random(cells.shape) < 0.1] = "NA"
    return cells


def mixed(width: int) -> np.ndarray:
    cells = holed(width)
    cells[:, ::4] = RANDOM.choice(["red", "green", "blue"], cells[:, ::4].shape)
    cells[:, 1::4] = RANDOM.choice(["2020-01-02", "2021-03-04", "2022-05-06"], cells[:, 1::4].shape)
    cells[:, 2::8] = "12 kg"
    cells[::2, 2::8] = "13.5 kg"
    return cells


def seconds_of(folder: Path, cells: np.ndarray) -> float:
    """CPU seconds of reading and encoding the cells, with a target."""
    frame = pd.DataFrame(cells, columns=[f"g{place}" for place in range(cells.shape[1])])
    frame["y"] = ["p", "q"] * 12
    frame.to_csv(folder / "wide.csv", index=False)
    begin = time.process_time()
    table = read_table(folder / "wide.csv")
    encoder, notes = fit_encoder(table.frame.drop(columns="y"))
    encoded = encoder.encode(table.frame)
    warnings = leaks(table.frame, "y")
    seconds = time.process_time() - begin
    assert table.frame.shape == frame.shape and encoded.shape[1] >= cells.shape[1]
    assert len(table.notes) + len(notes) + len(warnings) < 5 * MOST_ALIKE
    return seconds


@pytest.mark.parametrize("made", [numbers, holed, mixed])
def test_a_wide_table_is_read_and_encoded_in_linear_time(made, tmp_path: Path) -> None:
    narrow, wide = (min(seconds_of(tmp_path, made(width)) for _ in range(2)) for width in (500, 4000))
    assert wide < 24 * narrow  # eight times the columns; a quadratic step would take 64 times as long


def test_wide_tables_hold_what_was_written(tmp_path: Path) -> None:
    cells = mixed(1000)
    frame = pd.DataFrame(cells, columns=[f"g{place}" for place in range(1000)])
    frame.to_csv(tmp_path / "wide.csv", index=False)
    table = read_table(tmp_path / "wide.csv")
    assert table.frame["g0"].tolist() == frame["g0"].tolist() and table.frame["g2"].tolist() == [13.5, 12.0] * 12
    assert table.frame["g1"].astype(str).tolist() == frame["g1"].tolist()
    expected = pd.to_numeric(frame["g3"], errors="coerce")
    pd.testing.assert_series_equal(table.frame["g3"], expected, check_dtype=False)
    assert [*table.frame] == [*frame]


def test_sentences_of_one_kind_are_said_once_and_counted() -> None:
    kind = [f"column 'g{place}' is missing in {place} of 24 rows: filled with its median" for place in range(1, 31)]
    other = ["column 'a': 1.2K is read as 1200", "its columns are separated by tabs"]
    assert condensed([other[0], *kind, other[1]]) == [other[0], f"{kind[0]}; likewise 29 other columns", other[1]]
    assert condensed(kind[:MOST_ALIKE]) == kind[:MOST_ALIKE]
    odd = table_of(pd.DataFrame({f"g{place}": ["1,234", "5,678"] for place in range(50)}))
    assert odd.notes == ("column 'g0': 1,234 is read as 1234; likewise 49 other columns",)


def test_two_rows_of_thousands_of_columns_are_read(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text((",".join(["1"] * 3000) + "\n") * 2)
    assert read_table(tmp_path / "a.csv").frame.shape == (2, 3000)
