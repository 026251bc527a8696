"""A trained model of a table predicts rows of files and frames, and says what it depends on."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import seqlab
from seqlab.data.tables.reader import Table
from seqlab.errors import CheckpointError, DataError, UsageError
from seqlab.machine import Compute
from seqlab.tabular.predictions import labels_of
from seqlab.tabular.table_model import TableModel
from tests.tabular.helpers import FP32, table, trained


def test_it_predicts_by_the_names_of_columns(iris: TableModel) -> None:
    frame = table("iris").frame
    found = iris.predict_frame(frame).to_frame()
    assert list(found)[:2] == ["prediction", "probability kind setosa"]
    assert (found["prediction"] == frame["target"]).mean() > 0.95
    np.testing.assert_allclose(found.iloc[:, 1:].sum(axis=1), 1)
    turned = frame[list(frame)[::-1]].assign(more=1)
    pd.testing.assert_frame_equal(iris.predict_frame(turned).to_frame(), found)
    with pytest.raises(DataError, match="sepal length"):
        iris.predict(frame.iloc[:, 1:])


def test_predict_is_that_of_an_estimator(iris: TableModel) -> None:
    """Rows keep their index, classes are what the target holds, and the likeliest is predicted."""
    frame = table("iris").frame.sample(frac=1, random_state=0)
    predicted, shares = iris.predict(frame), iris.predict_proba(frame)
    assert predicted.name == "target" and predicted.index.equals(frame.index) and shares.index.equals(frame.index)
    assert predicted.equals(shares.idxmax(axis=1).rename("target").astype(predicted.dtype))
    assert iris.score(frame) == (predicted == frame["target"]).mean() > 0.95


@pytest.mark.parametrize(
    ("classes", "labels"),
    [(("1", "2", "10"), [1, 2, 10]), (("0.5", "1.5"), [0.5, 1.5]), (("false", "true"), [False, True])],
)
def test_classes_that_are_no_words_are_predicted_as_such(classes: tuple[str, ...], labels: list[object]) -> None:
    assert labels_of(classes).tolist() == labels
    assert labels_of(("a", "1")).tolist() == ["a", "1"]


def test_intervals_of_numbers_hold_and_others_than_those_measured_are_refused(diabetes: TableModel) -> None:
    frame = table("diabetes").frame
    found = diabetes.predict_frame(frame, level=0.8).to_frame()
    assert list(found) == ["prediction", "low", "high"]
    truth = frame["target"]
    assert 0.8 <= ((found["low"] <= truth) & (truth <= found["high"])).mean() <= 0.95  # it has learned from these rows
    np.testing.assert_array_equal(diabetes.predict(frame), found["prediction"])
    assert diabetes.predict_frame(frame).to_dict()["level"] == 0.9
    with pytest.raises(UsageError, match=r"0\.77"):
        diabetes.predict_frame(frame, level=0.77)
    with pytest.raises(UsageError, match="no classes"):
        diabetes.predict_proba(frame)


def test_a_model_of_all_rows_is_evaluated_on_others_only(iris: TableModel) -> None:
    data = table("iris")
    with pytest.raises(DataError, match="trained on every row of iris"):
        iris.evaluate(data)
    task = iris.evaluate_task(data.frame)  # other bytes, the same rows
    assert task.result()["accuracy"] > 0.95
    assert task.notes[0] == "table: 150 rows, all of it"
    assert "100% of these rows" in task.notes[1]
    with pytest.raises(DataError, match="seqlab evaluate iris PATH"):
        iris.evaluate()


def test_it_is_loaded_by_its_folder_and_shows_itself(iris: TableModel) -> None:
    again = seqlab.load(iris.checkpoint.folder, threads=1)
    frame = table("iris").frame.head(3)
    pd.testing.assert_series_equal(again.predict(frame), iris.predict(frame))
    assert "accuracy" in again._repr_html_() and "kind setosa" in again.predict_frame(frame)._repr_html_()
    assert again.to_dict()["accuracy"] == iris.checkpoint.config["metrics"]["accuracy"]


def test_a_checkpoint_of_another_job_is_refused(tmp_path: Path, shared_checkpoints: Path) -> None:
    with pytest.raises(CheckpointError, match="its job is language"):
        TableModel.of(seqlab.load(shared_checkpoints / "small").checkpoint, Compute())


def test_importance_finds_the_columns_that_matter(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    frame = pd.DataFrame(random.normal(size=(400, 4)), columns=["noise", "strong", "weak", "colour"])
    frame["colour"] = random.choice(["red", "green", "blue"], 400)
    frame["target"] = 3 * frame["strong"] + frame["weak"] + 2 * (frame["colour"] == "red")
    done = trained(Table("made", frame, "5" * 64, ()), tmp_path / "made", max_steps=300)
    model = TableModel.of(done, FP32)
    found = model.importance(frame)
    assert found["importance"].is_monotonic_decreasing and found["column"][0] == "strong"
    shares = dict(zip(found["column"], found["importance"], strict=True))
    # a shuffled column a x raises the squared error by 2 a^2 Var(x)
    variance = float(frame["target"].var())
    assert shares["strong"] == pytest.approx(2 * 9 / variance, rel=0.2)
    assert shares["weak"] == pytest.approx(2 * 1 / variance, rel=0.3)
    assert abs(shares["noise"]) < 0.02
    with pytest.raises(UsageError, match="not 1"):
        model.importance(frame, repeats=1)
    with pytest.raises(DataError, match="1 rows"):
        model.importance(frame.head(1))
