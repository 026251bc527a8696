"""train-mlp, predict and evaluate of tables: what a person and a script see."""

import io
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

Cli = Callable[..., Any]
HOW = ["--threads", 1, "--device", "cpu", "--set", "max_steps=200"]


@pytest.fixture
def made(tmp_path: Path) -> Path:
    """A table whose class depends on one number and one colour, and whose price is a sum."""
    chance = np.random.default_rng(0)
    size, colour = chance.normal(size=300), chance.choice(["red", "green"], 300)
    frame = pd.DataFrame({"size": size, "colour": colour, "noise": chance.normal(size=300)})
    frame["kind"] = np.where(size + (colour == "red") > 0.5, "big", "small")
    frame["price"] = 100 + 20 * size + 5 * (colour == "red") + chance.normal(size=300)
    frame.to_csv(tmp_path / "things.csv", index=False)
    return tmp_path / "things.csv"


def test_classes_are_trained_evaluated_and_predicted_by_name(cli: Cli, made: Path, tmp_path: Path) -> None:
    frame = pd.read_csv(made).drop(columns="price")
    frame.to_csv(made, index=False)
    trained = cli("train-mlp", made, "--target", "kind", *HOW, "--json")
    assert trained.status == 0, trained.err
    last = trained.lines[-1]
    assert last["accuracy"] > 0.9 > last["baselines"]["constant"]["accuracy"] and last["rows"] == 60
    again = cli("evaluate", "things", made, "--json")
    assert "60 rows, held out in training" in again.err
    assert again.json["accuracy"] == pytest.approx(last["accuracy"])
    assert {one["column"] for one in again.json["importance"][:2]} == {"size", "colour"}
    # columns in another order, one too many, and a category that was never seen
    rows = frame[["noise", "colour", "size"]].assign(more=1).head(5)
    rows.loc[0, "colour"] = "blue"
    rows.to_csv(tmp_path / "new.csv", index=False)
    said = cli("predict", "things", tmp_path / "new.csv", "--json").json["predictions"]
    assert len(said) == 5 and all(one["probability big"] + one["probability small"] == pytest.approx(1) for one in said)
    shown = cli("predict", "things", tmp_path / "new.csv")
    assert "'colour' has 1 entry unlike those it was trained on" in shown.err
    written = pd.read_csv(io.StringIO(shown.out))
    assert list(written["prediction"]) == [one["prediction"] for one in said]
    rows.drop(columns="size").to_csv(tmp_path / "less.csv", index=False)
    cli("predict", "things", tmp_path / "less.csv").fails(1, "size")
    cli("predict", "things", tmp_path / "new.csv", made).fails(2, "more than one file")
    named = cli("evaluate", "things", "--json")
    assert named.json == again.json and f"read again from {made}" in named.err
    made.write_text(made.read_text() + "1,red,2,big\n")
    assert "it is not as it was in training" in cli("evaluate", "things").err
    made.rename(tmp_path / "moved.csv")
    cli("evaluate", "things").fails(1, f"{made}, which is not there any more", "seqlab evaluate things PATH")


def test_folds_hold_every_row_out_and_give_intervals_of_numbers(cli: Cli, made: Path, tmp_path: Path) -> None:
    pd.read_csv(made).drop(columns="kind").to_csv(made, index=False)
    trained = cli("train-mlp", made, "--target", "price", "--folds", 3, *HOW, "--json")
    assert trained.status == 0, trained.err
    last = trained.lines[-1]
    assert last["r2"] > 0.9 and len(last["folds"]["r2"]) == 3
    low, high = last["interval"]["r2"]
    assert low <= last["r2"] <= high
    cli("evaluate", "things", made).fails(1, "trained on every row")
    said = pd.DataFrame(cli("predict", "things", made, "--json").json["predictions"])
    truth = pd.read_csv(made)["price"]
    assert 0.8 < ((said["low"] <= truth) & (truth <= said["high"])).mean() <= 1
    config = json.loads((tmp_path / "checkpoints" / "things" / "config.json").read_text())
    assert config.pop("source") == {"paths": [str(made)]}
    assert str(tmp_path) not in json.dumps(config)


def test_a_table_that_cannot_be_trained_on_is_refused_at_once(cli: Cli, made: Path, tmp_path: Path) -> None:
    cli("train-mlp", made, "--target", "prize").fails(2, "prize", "price")
    cli("train-mlp", tmp_path / "none.csv", "--target", "price").fails(1, "none.csv")
    cli("train-mlp", made).fails(2, "--target")
    ambiguous = pd.read_csv(made).assign(day=[f"{i % 12 + 1:02}/{i % 11 + 1:02}/2024" for i in range(300)])
    ambiguous.to_csv(made, index=False)
    cli("train-mlp", made, "--target", "price", "--time", "day").fails(1, "day", "2024-12-31")
    assert not (tmp_path / "checkpoints").exists()


def test_a_checkpoint_is_named_after_the_files_stem(cli: Cli, made: Path, tmp_path: Path) -> None:
    dotted = made.rename(tmp_path / "things.2024.csv")
    assert cli("train-mlp", dotted, "--target", "price", *HOW).status == 0
    assert (tmp_path / "checkpoints" / "things.2024" / "config.json").exists()


def test_coverage_is_shown_of_rows_in_intervals_that_they_did_not_make(cli: Cli, made: Path, tmp_path: Path) -> None:
    frame = pd.read_csv(made).drop(columns="kind")
    frame.iloc[:200].to_csv(tmp_path / "begin.csv", index=False)
    frame.iloc[200:].to_csv(tmp_path / "end.csv", index=False)
    said = cli("train-mlp", tmp_path / "begin.csv", "--target", "price", *HOW, "--json").lines[-1]
    own = cli("evaluate", "begin", tmp_path / "begin.csv", "--json").json  # each fifth by the other four
    for name in ("coverage", "coverage_by_fifth"):
        assert own[name] == said[name] and set(own[name]) <= {"0.5", "0.8", "0.9", "0.95"}
    coverage = cli("evaluate", "begin", tmp_path / "end.csv", "--json").json["coverage"]
    assert list(coverage.values()) == sorted(coverage.values()) and coverage["0.9"] > 0.75
    shown = cli("evaluate", "begin", tmp_path / "end.csv").out
    fifths = re.search(r"in the 90% interval: [0-9.]+%   by fifths of the prediction:((?: \d+%){5})", shown)
    assert fifths and np.mean([int(one) for one in fifths[1].replace("%", "").split()]) > 75
    tested = ["--test", tmp_path / "end.csv", "-o", tmp_path / "tested", *HOW]
    assert cli("train-mlp", tmp_path / "begin.csv", "--target", "price", *tested).status == 0
    assert "coverage" in cli("evaluate", tmp_path / "tested", tmp_path / "end.csv", "--json").json
    folded = ["--folds", 3, "-o", tmp_path / "folded", *HOW]
    assert cli("train-mlp", tmp_path / "begin.csv", "--target", "price", *folded).status == 0
    assert "coverage" in cli("evaluate", tmp_path / "folded", tmp_path / "end.csv", "--json").json


def test_few_rows_give_narrower_intervals(cli: Cli, made: Path, tmp_path: Path) -> None:
    whole = pd.read_csv(made).drop(columns="kind")
    for rows, level in ((35, 0.8), (5, 0.5)):
        whole.head(rows).to_csv(tmp_path / f"few{rows}.csv", index=False)
        cli("train-mlp", tmp_path / f"few{rows}.csv", "--target", "price", *HOW)
        shown = cli("predict", f"few{rows}", tmp_path / f"few{rows}.csv")
        assert f"these are of {level:.0%}" in shown.err
        assert list(pd.read_csv(io.StringIO(shown.out))) == ["prediction", "low", "high"]
        assert cli("predict", f"few{rows}", tmp_path / f"few{rows}.csv", "--json").json["level"] == level


def test_test_rows_are_shown_beside_folds_and_rows_in_both_are_noted(cli: Cli, made: Path, tmp_path: Path) -> None:
    whole = pd.read_csv(made).drop(columns="price")
    whole.head(200).to_csv(tmp_path / "part.csv", index=False)
    whole.iloc[190:250].to_csv(tmp_path / "later.csv", index=False)
    how = [tmp_path / "part.csv", "--target", "kind", "--folds", 3, *HOW]
    shown = cli("train-mlp", *how, "--test", tmp_path / "later.csv")
    assert "10 of the 60 test rows are training rows" in shown.err
    assert "test rows: accuracy 9" in shown.out and "deviation" in shown.out
    cli("train-mlp", *how, "--test", tmp_path / "part.csv", "--overwrite").fails(2, "training rows", "--test")


def test_rows_that_were_trained_on_are_recognized(cli: Cli, made: Path, tmp_path: Path) -> None:
    cli("train-mlp", made, "--target", "kind", *HOW)
    frame = pd.read_csv(made)
    frame.sample(frac=1, random_state=0).iloc[:290, ::-1].to_csv(tmp_path / "other.csv.gz", index=False)
    said = cli("evaluate", "things", tmp_path / "other.csv.gz").err
    assert any(f"{share}% of these rows were trained on" in said for share in (79, 80, 81))
    assert "trained on" not in cli("evaluate", "things", made).err


def test_predictions_do_not_replace_what_is_read(cli: Cli, made: Path) -> None:
    cli("train-mlp", made, "--target", "kind", *HOW)
    before = made.read_bytes()
    cli("predict", "things", made, "-o", made).fails(2, "would be replaced", "-o FILE")
    assert made.read_bytes() == before


def test_what_is_filled_in_is_said_on_standard_error(cli: Cli, made: Path, tmp_path: Path) -> None:
    frame = pd.read_csv(made).drop(columns="price").assign(member=["yes", "no", "yes"] * 100)
    frame.to_csv(made, index=False)
    assert cli("train-mlp", made, "--target", "kind", *HOW).status == 0
    (tmp_path / "new.csv").write_text("size,colour,noise,member\n,red,1,\n0.5,,?,no\n")
    shown = cli("predict", "things", tmp_path / "new.csv")
    assert "column 'size': missing in 1 of 2 rows: filled with the median of training, " in shown.err
    assert "column 'member': missing in 1 of 2 rows: filled with what most rows of training have, yes" in shown.err
    assert "column 'colour': missing in 1 of 2 rows: encoded as no category" in shown.err
    assert "'?' (1 entry of column noise)" in shown.err and "column 'noise': missing in 1 of 2 rows" in shown.err
    assert len(pd.read_csv(io.StringIO(shown.out))) == 2 and "missing" not in shown.out


def test_a_class_that_is_taken_as_missing_is_named(cli: Cli, tmp_path: Path) -> None:
    rows = "".join(f"{row / 7:.3f},{'NA' if row % 5 == 0 else 'ill'}\n" for row in range(60))
    (tmp_path / "a.csv").write_text("x,finding\n" + rows)
    cli("train-mlp", tmp_path / "a.csv", "--target", "finding").fails(1, "one value, ill", "'NA' in 12")
