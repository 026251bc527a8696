"""Training on tables: against rows that it can and cannot know."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

import seqlab
from seqlab import checkpoint
from seqlab.data.tables.reader import Table
from seqlab.errors import CheckpointError, DataError, UsageError
from seqlab.settings import TableSettings
from seqlab.tabular.table_model import TableModel
from seqlab.training import Length, length_in
from tests.tabular.helpers import FP32, table, trained, training


def test_folds_evaluate_every_row_once_and_beat_a_constant(iris: TableModel) -> None:
    config = iris.checkpoint.config
    found = config["metrics"]
    assert found["rows"] == 150 and np.sum(found["confusion"]) == 150
    assert len(found["folds"]["accuracy"]) == 5
    assert found["accuracy"] == pytest.approx(np.mean(found["folds"]["accuracy"]))
    assert found["accuracy"] == pytest.approx(np.trace(found["confusion"]) / 150)  # the folds are of one size
    assert found["accuracy"] > 0.92
    assert found["baselines"]["constant"]["accuracy"] == pytest.approx(1 / 3)
    assert found["baselines"]["linear"]["accuracy"] > 0.92
    assert config["task"] == "classification" and config["split"]["held_out"] is None


def test_the_net_for_numbers_is_as_good_as_published(diabetes: TableModel) -> None:
    found = diabetes.checkpoint.config["metrics"]
    assert found["r2"] > 0.44
    assert found["baselines"]["constant"]["r2"] < 0.01


def test_without_folds_a_fifth_is_held_out_and_can_be_evaluated_again(tmp_path: Path) -> None:
    data = table("wine")
    model = TableModel.of(trained(data, tmp_path / "wine", max_steps=100), FP32)
    metrics = model.checkpoint.config["metrics"]
    rows = model.held_out(data)
    assert len(rows.frame) == metrics["rows"]
    assert 35 <= len(rows.frame) <= 36
    assert model.evaluate(data)["confusion"] == metrics["confusion"]
    assert "folds" not in metrics
    other = replace(data, sha256="1" * 64)
    assert model.held_out(other) is other


def test_test_rows_are_not_learned_from(tmp_path: Path) -> None:
    data = table("wine")
    test = Table("test", data.frame.iloc[::4].reset_index(drop=True), "2" * 64, ())
    part = Table("part", data.frame.drop(index=data.frame.index[::4]).reset_index(drop=True), "3" * 64, ())
    nonsense = replace(test, frame=test.frame.assign(target=test.frame["target"].to_numpy()[::-1]))
    weights = []
    for number, other in enumerate((test, nonsense)):
        done = trained(part, tmp_path / str(number), max_steps=100, test=other)
        weights.append(done.weights())
        assert done.config["metrics"]["rows"] == len(test.frame)
    assert all(torch.equal(weights[0][name], weights[1][name]) for name in weights[0])
    done = trained(part, tmp_path / "f", max_steps=100, folds=3, test=test)
    assert done.config["metrics"]["rows"] == len(part.frame)
    assert done.config["metrics"]["test"]["rows"] == len(test.frame)


def test_no_net_learns_from_rows_held_out_from_it(tmp_path: Path) -> None:
    """Where the target is pure chance, nothing can be known of rows held out, however well the others are learned."""
    random = np.random.default_rng(0)
    frame = pd.DataFrame(random.normal(size=(200, 8)), columns=list("abcdefgh"))
    frame["target"] = random.choice(["yes", "no"], 200)
    data = Table("chance", frame, "4" * 64, ())
    done = trained(data, tmp_path / "chance", max_steps=300, patience=99, l2=0.0, folds=5)
    assert abs(done.config["metrics"]["auc"] - 0.5) < 0.12


def test_each_net_is_pulled_to_zero_by_the_rows_it_has(tmp_path: Path) -> None:
    """Of folds in time the first learns from a quarter of the rows of the net to use: its l2 is four times as large."""
    random = np.random.default_rng(0)
    frame = pd.DataFrame({"x": random.normal(size=80), "day": np.arange(80)})
    frame["target"] = frame["x"] + 0.01 * random.normal(size=80)
    data, sums = Table("days", frame, "6" * 64, ()), []
    for l2 in (None, 12 / 80):  # twelve by the rows
        done = trained(data, tmp_path / f"{l2}", max_steps=1500, eval_every=1500, l2=l2, folds=3, time="day")
        weights = [tensor for name, tensor in done.weights().items() if name.startswith("best_weights")]
        sums.append([sum(float(tensor[part].square().sum()) for tensor in weights) for part in range(4)])
    assert done.config["l2"] == 12 / 80
    assert sums[0][0] < 0.9 * sums[1][0] and sums[0][-1] == pytest.approx(sums[1][-1], rel=1e-3)


@pytest.mark.parametrize(("column", "by"), [("half", "groups"), ("year", "time")])
def test_as_many_groups_or_times_as_parts_are_enough(tmp_path: Path, column: str, by: str) -> None:
    frame = pd.DataFrame({"x": np.arange(60) % 7, "half": np.arange(60) % 2, "year": np.arange(60) // 20 + 2000})
    frame["target"] = frame["x"] > 3
    done = trained(Table("few", frame, "7" * 64, ()), tmp_path / by, max_steps=20, folds=2, **{by: column})
    assert done.config["metrics"]["rows"] == (60 if by == "groups" else 40)


def test_weighted_classes_say_when_to_stop_as_they_are_learned(tmp_path: Path) -> None:
    """One row of twenty is of the rare class, and like half of the others. Where both classes count alike, the best
    that can be said of such rows is 2 to 1, and the loss is the mean of the classes' own."""
    row = np.arange(2000)
    frame = pd.DataFrame({"x": (row % 2).astype(float), "target": np.where(row % 20 == 1, "rare", "usual")})
    done = trained(Table("rare", frame, "8" * 64, ()), tmp_path / "a", max_steps=600, class_weights=True, l2=0.0)
    odd = 9 / 19  # of the usual rows, how many are like the rare ones
    likelihood = 1 / (1 + odd)
    expected = (-np.log(likelihood) - odd * np.log(1 - likelihood)) / 2
    alike = 0.05 * -np.log(likelihood) - 0.95 * odd * np.log(1 - likelihood)
    lowest = min(one["val_loss"] for one in done.log())
    assert lowest == pytest.approx(expected, abs=0.02) and abs(lowest - alike) > 0.04


def test_a_run_is_resumed_with_the_target_and_folds_it_began_with(tmp_path: Path) -> None:
    data, steps = table("wine"), iter(range(5))
    stopped = training(data, tmp_path / "a", folds=3, stop=lambda: next(steps, None) is None)
    assert stopped.result() is None
    with pytest.raises(CheckpointError, match="began with target target, not ash"):
        trained(data, tmp_path / "a", target="ash", resume=True)
    with pytest.raises(CheckpointError, match="began with folds 3, not 4"):
        trained(data, tmp_path / "a", folds=4, resume=True)


@pytest.mark.parametrize(("began", "says", "next_step"), [(True, "other", "with the --test"), (False, "no", "without")])
def test_a_run_is_resumed_with_the_test_rows_it_began_with(
    tmp_path: Path, began: bool, says: str, next_step: str
) -> None:
    data, steps = table("wine"), iter(range(2))
    test = Table("test", data.frame.iloc[::4].reset_index(drop=True), "2" * 64, ())
    first, then = (test, None) if began else (None, test)
    assert training(data, tmp_path / "a", test=first, stop=lambda: next(steps, None) is None).result() is None
    with pytest.raises(CheckpointError, match=f"was begun with {says} test rows") as caught:
        trained(data, tmp_path / "a", test=then, resume=True)
    assert next_step in caught.value.hint


def test_a_resumed_run_is_the_uninterrupted_one_to_the_bit(tmp_path: Path) -> None:
    data, whole, broken = table("wine"), tmp_path / "whole", tmp_path / "broken"
    settings = {"max_steps": 60, "eval_every": 10, "dropout": 0.2}
    trained(data, whole, folds=3, **settings)
    steps = iter(range(24))
    assert training(data, broken, folds=3, **settings, stop=lambda: next(steps, None) is None).result() is None
    trained(data, broken, resume=True)
    one, other = checkpoint.load(whole), checkpoint.load(broken)
    assert all(torch.equal(tensor, other.weights()[name]) for name, tensor in one.weights().items())
    assert one.config["metrics"] == other.config["metrics"]
    with pytest.raises(CheckpointError, match="another table"):
        trained(replace(data, sha256="9" * 64), broken, resume=True)


def test_minutes_are_measured_without_training_anything(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The steps that a run of minutes is timed by leave it as it is: it is the run of so many steps."""

    def short(*given: Any) -> Length:
        return Length(min(40, length_in(*given).steps))

    monkeypatch.setattr("seqlab.training.length_in", short)
    one = trained(table("wine"), tmp_path / "minutes", minutes=0.05)
    other = trained(table("wine"), tmp_path / "steps", max_steps=one.config["settings"]["max_steps"])
    assert all(torch.equal(tensor, other.weights()[name]) for name, tensor in one.weights().items())


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"activation": "rely"}, "activation"),
        ({"loss": "cubic"}, "loss"),
        ({"l2": -1.0}, "l2"),
        ({"val_share": 0}, "val"),
    ],
)
def test_settings_without_meaning_are_named(changes: dict[str, Any], says: str) -> None:
    with pytest.raises(UsageError, match=says):
        TableSettings(**changes)


def test_what_cannot_be_trained_is_named(tmp_path: Path) -> None:
    data = table("iris")
    with pytest.raises(UsageError, match="traget") as caught:
        trained(data, tmp_path / "x", target="traget")
    assert "target" in caught.value.hint
    with pytest.raises(UsageError, match="squared"):
        trained(data, tmp_path / "x", loss="squared")
    with pytest.raises(DataError):
        trained(data, tmp_path / "x", folds=151)
    assert not (tmp_path / "x").exists()


def test_a_frame_is_trained_on_as_its_file_is(tmp_path: Path) -> None:
    frame = table("iris").frame
    frame.to_csv(tmp_path / "flowers.csv", index=False)
    shuffled = frame.set_axis(np.random.default_rng(0).permutation(len(frame)))  # an index is no column
    options = {"max_steps": 60, "seed": 1, "device": "cpu", "threads": 1}
    one = seqlab.train_mlp(tmp_path / "flowers.csv", "target", folder=tmp_path / "file", **options)
    other = seqlab.train_mlp(shuffled, "target", folder=tmp_path / "frame", **options)
    weights = [task.result().checkpoint.weights() for task in (one, other)]
    assert all(torch.equal(tensor, weights[1][name]) for name, tensor in weights[0].items())
    assert other.notes == ["table: 150 rows, 5 columns", "  'target' holds 3 different words: classification"]
    assert other.result().evaluate(shuffled)["rows"] == 30  # the rows held out are known by their content
    with pytest.raises(DataError, match="no rows"):
        seqlab.train_mlp(frame[:0], "target").result()
