"""What is said of rows to predict in which something is missing, unreadable, unknown or absent."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import seqlab
from seqlab.data.tables.convert import as_words
from seqlab.data.tables.encoder import Encoder, fit_encoder
from seqlab.data.tables.reader import table_of
from seqlab.errors import DataError
from seqlab.tabular.duplicates import row_hashes
from seqlab.tabular.source import load_table
from seqlab.tabular.table_model import TableModel
from tests.tabular.helpers import FP32, trained


def people(rows: int = 120) -> pd.DataFrame:
    random = np.random.default_rng(0)
    frame = pd.DataFrame({"age": random.integers(20, 60, rows), "member": random.random(rows) < 0.7})
    frame["colour"] = random.choice(["red", "green", "blue"], rows)
    frame["since"] = pd.Timestamp("2020-01-01") + pd.to_timedelta(random.integers(0, 900, rows), unit="D")
    frame["y"] = np.where(frame["age"] > 40, "old", "young")
    return frame


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> TableModel:
    folder = tmp_path_factory.mktemp("filled") / "people"
    return TableModel.of(trained(table_of(people(), "people"), folder, target="y", max_steps=50), FP32)


def test_what_is_filled_in_is_said_with_what_stands_there(model: TableModel) -> None:
    rows = people(4).drop(columns="y").astype(object)
    rows.loc[0, "age"], rows.loc[1, "age"] = None, "?"
    rows.loc[2, "member"], rows.loc[0, "since"], rows.loc[3, "colour"] = None, None, "violet"
    found = model.predict_frame(rows)
    median = next(column.median for column in model.encoder.columns if column.name == "age")
    assert found.notes == (
        "taken as missing: '?' (1 entry of column age)",
        f"column 'age': missing in 2 of 4 rows: filled with the median of training, {median:g}",
        "column 'member': missing in 1 of 4 rows: filled with what most rows of training have, yes",
        "column 'colour' has 1 entry unlike those it was trained on, taken as unknown",
        next(note for note in found.notes if "'since'" in note),
    )
    assert "filled with the median of training, 2021-" in found.notes[-1]
    assert (
        model.predict_task(rows).result().notes == found.notes and "Note: column &#x27;age&#x27;" in found._repr_html_()
    )
    filled = rows.assign(age=[median, median, rows["age"][2], rows["age"][3]])
    filled.loc[2, "member"] = True
    np.testing.assert_allclose(  # what is said is what is done
        model.predict_frame(filled).to_frame().iloc[:, 1:], found.to_frame().iloc[:, 1:], atol=1e-6
    )


def test_predictions_alone_warn_of_what_is_filled_in(model: TableModel) -> None:
    rows = people(3).assign(age=[30, None, 50])
    for ask in (model.predict, model.predict_proba):
        with pytest.warns(UserWarning, match="column 'age': missing in 1 of 3 rows: filled with the median") as warned:
            ask(rows)
        assert len(warned) == 1 and warned[0].filename == __file__


def test_evaluation_says_what_is_filled_in_and_which_rows_have_no_target(model: TableModel) -> None:
    rows = people(30).astype(object)
    rows.loc[:4, "age"], rows.loc[3:9, "y"] = None, "?"
    task = model.evaluate_task(rows)
    task.result()
    assert any("column 'age': missing in 5 of 30 rows: filled" in note for note in task.notes)
    assert any("7 rows have no 'y' ('?' in 7" in note for note in task.notes)


def test_columns_that_lack_are_an_error_and_others_are_named(model: TableModel) -> None:
    with pytest.raises(DataError, match="no column 'age'"):
        model.predict(people(3).drop(columns="age"))
    with pytest.raises(DataError, match="'age' held numbers in training, and holds 'young'"):
        model.predict(people(3).assign(age="young"))
    assert model.predict_frame(people(3).assign(note="x", more=1)).notes == (
        "columns that the model does not use: note, more",
    )
    assert model.predict_frame(people(3)).notes == ()


def test_a_column_that_was_missing_in_training_too_is_flagged() -> None:
    frame = people()
    frame["age"] = frame["age"].where(frame.index % 5 > 0)
    frame["member"] = frame["member"].astype("boolean").where(frame.index % 7 > 0)
    encoder, _ = fit_encoder(frame[["age", "member", "colour"]])
    again = Encoder.from_dict(json.loads(json.dumps(encoder.to_dict())))
    said = again.filled(pd.DataFrame({"age": [None, 3.0], "member": [None, True], "colour": ["red", None]}))
    assert [note.endswith("and flagged") for note in said] == [True, True, False]
    assert said[2] == "column 'colour': missing in 1 of 2 rows: encoded as no category"


@pytest.mark.parametrize("data", [np.zeros((3, 2)), [[1, 2]], {"a": [1]}, pd.Series([1.0]), None])
def test_what_is_no_table_is_refused_with_the_next_step(data, model: TableModel, tmp_path: Path) -> None:
    for ask in (load_table, model.predict, lambda data: seqlab.train_mlp(data, "y", folder=tmp_path / "a").result()):
        with pytest.raises(DataError, match="a table is a file or a DataFrame, not of type") as raised:
            ask(data)
        assert "pd.DataFrame" in raised.value.hint


def test_frames_with_odd_columns_are_tables(tmp_path: Path) -> None:
    random = np.random.default_rng(1)
    frame = pd.DataFrame(
        {
            ("one", "a"): random.normal(size=60),
            ("one", "b"): pd.Categorical(random.choice(["u", "v"], 60)),
            ("two", "c"): pd.to_timedelta(random.integers(0, 9, 60), unit="h"),
            ("two", "d"): pd.array([None, *range(59)], dtype="Int64"),
            ("two", "e"): ["?", "3,5", "1.234,5"] * 20,
            ("two", "f"): ["00123", "04567", None] * 20,
            ("y", ""): ["p", "q"] * 30,
        }
    )
    table = load_table(frame)
    assert [*table.frame] == ["one a", "one b", "two c", "two d", "two e", "two f", "y"]
    assert table.frame["two c"].max() <= 8 / 24 and table.frame["two e"].tolist()[1:3] == [3.5, 1234.5]
    assert table.frame["two f"].tolist()[:2] == ["00123", "04567"]  # names, as in a file
    done = seqlab.train_mlp(frame, "y", folder=tmp_path / "a", threads=1, max_steps=5).result()
    assert done is not None and len(done.predict_frame(frame.head(7)).to_frame()) == 7
    with pytest.raises(DataError, match="bytes that are no text"):
        load_table(pd.DataFrame({"a": [b"\xff"]}))


def test_hashes_of_rows_are_those_that_checkpoints_keep() -> None:
    """As pandas has them for the columns as float64 or words."""
    frame = people().assign(none=None, part=[0.5, None] * 60, words=[" a", "b ", None] * 40)
    frame["maybe"] = frame["member"].astype("boolean").where(frame.index % 3 > 0)
    is_number = [pd.api.types.is_numeric_dtype(frame[name]) and frame[name].dtype.kind != "b" for name in frame]
    alike = {
        name: frame[name].to_numpy(np.float64) if number and name != "maybe" else as_words(frame[name])
        for name, number in zip(frame, is_number, strict=True)
    }
    expected = pd.util.hash_pandas_object(pd.DataFrame(alike, dtype=None), index=False).to_numpy()
    np.testing.assert_array_equal(row_hashes(frame, [*frame]), expected)
