"""What is said of a table before training: rows that are there twice, targets far away."""

import numpy as np
import pandas as pd
import pytest

from seqlab.data.contamination import contamination, fingerprint
from seqlab.data.tables.reader import Table
from seqlab.tabular.duplicates import copies, row_hashes
from seqlab.tabular.examples import describe


def test_rows_that_are_there_twice_are_found_however_their_numbers_are_typed() -> None:
    random = np.random.default_rng(0)
    frame = pd.DataFrame({"a": random.integers(0, 9, 40_000), "b": random.normal(size=40_000)})
    frame["c"] = random.choice(["x", "y"], len(frame))
    names = list(frame)
    assert copies(frame, names) == []
    twice = pd.concat([frame, frame[:20_000]]).assign(row=range(60_000))
    assert "20,000 of 60,000 rows are copies" in copies(twice, names)[0]
    typed = frame.assign(a=frame["a"].astype(float))[["c", "b", "a"]]
    assert (row_hashes(typed, names) == row_hashes(frame, names)).all()
    for rows in (800, 40_000):  # few enough to know each, and an estimate
        known = fingerprint(row_hashes(frame[:rows], names))
        mixed = pd.concat([frame[:rows], frame[:rows].assign(b=random.normal(size=rows))])
        assert contamination(row_hashes(mixed, names), known) == pytest.approx(0.5, abs=1e-9 if rows == 800 else 0.02)
    assert contamination(row_hashes(frame[:40], names), known) == 0.0  # too few to tell


def test_a_target_far_from_the_others_is_said() -> None:
    price = np.r_[np.arange(100.0) + 0.5, 1e9]
    data = Table("far", pd.DataFrame({"x": price, "price": price}), "0" * 64, ())
    assert any("reaches 1e+09" in note for note in describe(data, "price"))
    data = Table("near", data.frame[:100], "0" * 64, ())
    assert not any("reaches" in note for note in describe(data, "price"))
