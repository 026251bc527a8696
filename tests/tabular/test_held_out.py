"""Nothing that a net learns, or is learned about its columns, comes from rows held out from it."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from seqlab import checkpoint
from seqlab.data.tables.encoder import fit_encoder
from seqlab.data.tables.reader import Table
from seqlab.errors import CheckpointError
from seqlab.tabular.examples import examples_of
from seqlab.tabular.parts import parts_of
from seqlab.tabular.predictions import decode_rows
from seqlab.tabular.table_model import TableModel
from tests.tabular.helpers import FP32, trained, training

HOW = {"max_steps": 60, "eval_every": 20, "patience": 99}


def made(task: str) -> Table:
    random = np.random.default_rng(0)
    frame = pd.DataFrame({"size": random.normal(size=200), "colour": random.choice(["red", "green"], 200)})
    frame["day"] = pd.Timestamp("2020-01-01") + pd.to_timedelta(np.arange(200), unit="D")
    raised = frame["size"] + (frame["colour"] == "red") + 0.1 * random.normal(size=200)
    frame["target"] = np.where(raised > 0.5, "big", "small") if task == "classes" else np.exp(raised)
    return Table(task, frame, "b" * 64, ())


def spoiled(data: Table, rows: np.ndarray, *, wider: bool, numbers: bool) -> Table:
    """The table with values in these rows that would change whatever is fitted to them; wider: also how many features
    there are."""
    frame = data.frame.copy()
    frame.loc[rows, "size"] = 1e4
    if wider:
        frame.loc[rows[::3], "size"] = np.nan
        frame.loc[rows, "day"] = pd.Timestamp("2150-07-01")
        frame.loc[rows, "colour"] = "violet"
    if numbers:
        frame.loc[rows, "target"] = frame.loc[rows, "target"] * 1e3 - 5
    return replace(data, frame=frame, sha256="c" * 64)


@pytest.mark.parametrize("task", ["numbers", "classes"])
@pytest.mark.parametrize("time", [None, "row"])
def test_rows_held_out_change_nothing_of_the_model(tmp_path: Path, task: str, time: str | None) -> None:
    data = made(task)
    data = replace(data, frame=data.frame.assign(row=np.arange(200)))
    one = trained(data, tmp_path / "one", time=time, **HOW)
    rows = decode_rows(one.config["split"]["held_out"])
    assert len(rows) == 40
    worse = spoiled(data, rows, wider=True, numbers=task == "numbers")
    other = trained(worse, tmp_path / "other", time=time, **HOW)
    for name in ("encoder", "split", "model", "l2"):
        assert one.config[name] == other.config[name]
    for name in ("mean", "deviation", "classes"):
        assert one.config["target"][name] == other.config["target"][name]
    assert [{**record, "rate": 0, "seconds": 0} for record in one.log()] == [
        {**record, "rate": 0, "seconds": 0} for record in other.log()
    ]
    assert all(torch.equal(tensor, other.weights()[name]) for name, tensor in one.weights().items())
    assert one.config["metrics"] != other.config["metrics"]
    if task == "numbers":
        assert one.config["metrics"]["intervals"]["scale"] == other.config["metrics"]["intervals"]["scale"]
    learned = data.frame.drop(index=rows)["size"]
    assert one.config["encoder"]["columns"][0]["mean"] == pytest.approx(learned.mean())


def test_rows_of_a_fold_change_nothing_of_the_net_that_is_measured_on_them(tmp_path: Path) -> None:
    """By groups of one row each fold's rows are those of the part that the group is in, and known beforehand."""
    data = made("numbers")
    data = replace(data, frame=data.frame.assign(part=np.arange(200) // 100))
    one = trained(data, tmp_path / "one", groups="part", folds=2, **HOW)
    changed = []
    for rows in (np.arange(100), np.arange(100, 200)):
        worse = spoiled(data, rows, wider=False, numbers=True)
        other = trained(worse, tmp_path / f"other{rows[0]}", groups="part", folds=2, **HOW)
        best = [name for name in one.weights() if name.startswith("best_")]
        changed.append(
            [any(not torch.equal(one.weights()[n][part], other.weights()[n][part]) for n in best) for part in range(3)]
        )
    # the net of the fold that holds them out is the same; the other fold's, and that of all rows, are not
    assert sorted(changed) == [[False, True, True], [True, False, True]]


def without_quantiles(folder: Path, data: Table) -> checkpoint.Checkpoint:
    """A checkpoint as it was before nets learned quantiles: one output, and widths among its metrics."""
    done = trained(data, folder / "new", **HOW)
    weights = {}
    for name, tensor in done.weights().items():
        kept = tensor[::2]  # of the nets of the mean and of quantiles in turn
        weights[name] = kept[..., :1] if name.endswith("1") else kept
    config = {name: value for name, value in done.config.items() if name != "sha256"}
    metrics = {name: value for name, value in config["metrics"].items() if not name.startswith(("cover", "interval"))}
    config |= {"model": {**config["model"], "outputs": 1, "members": 2}, "parts": 1}
    config |= {"metrics": {**metrics, "widths": {"0.5": 0.25, "0.9": 2.0}}}
    del config["quantile_parts"], config["target"]["floor"]
    return checkpoint.save(folder / "old", config, weights, done.training(), done.log())


def test_a_checkpoint_without_quantiles_has_its_intervals_of_one_width(tmp_path: Path) -> None:
    data = made("numbers")
    model = TableModel.of(without_quantiles(tmp_path, data), FP32)
    found = model.predict_frame(data.frame).to_frame()
    np.testing.assert_allclose(found["high"] - found["prediction"], 2.0)
    np.testing.assert_allclose(found["prediction"] - found["low"], 2.0)
    again = TableModel.of(checkpoint.load(tmp_path / "new"), FP32).predict(data.frame)
    np.testing.assert_allclose(again, found["prediction"].clip(lower=again.min()), rtol=1e-4)
    inside = (data.frame["target"] - found["prediction"]).abs() <= 2.0
    assert model.evaluate(data.frame)["coverage"]["0.9"] == inside.mean()
    assert list(model.evaluate(data)["coverage"]) == ["0.5", "0.9"]


def test_a_run_that_began_without_quantiles_is_not_gone_on_with(tmp_path: Path) -> None:
    data = made("numbers")
    without_quantiles(tmp_path, data)
    with pytest.raises(CheckpointError, match="learns this table differently"):
        training(data, tmp_path / "old", resume=True).result()


@pytest.mark.parametrize("by", [None, "groups", "time"])
def test_rows_that_say_when_to_stop_are_not_learned_from_by_the_net_that_they_stop(by: str | None) -> None:
    data = made("numbers")
    data = replace(data, frame=data.frame.assign(number=np.arange(200) // 4))
    examples = examples_of(data, "target", **({} if by is None else {by: "number"}))
    encoder, learned = fit_encoder(examples.inputs)[0], np.arange(20, 180)
    _, parts = parts_of(examples, [encoder], [learned], 0.25, 0)
    assert [part.scale is not None for part in parts] == [False, True]
    for part in parts:
        stopped, val = set(part.early_stopping_rows), set(part.val_rows)
        assert len(val) == 40 and not stopped & val and stopped | val == set(learned)
        if by is not None:
            assert not {row // 4 for row in stopped} & {row // 4 for row in val}
