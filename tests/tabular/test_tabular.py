"""The job of tables: what is measured against scikit-learn, what is trained against rows it can and cannot know."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from sklearn import datasets, linear_model, metrics
from torch.nn import functional as F

from seqlab import checkpoint, tabular
from seqlab.data.contamination import share_seen, sketch
from seqlab.data.tables.reader import Table
from seqlab.errors import CheckpointError, DataError, UsageError
from seqlab.machine import Compute
from seqlab.models.mlp import MLP
from seqlab.tabular import TableSettings, baselines
from seqlab.tabular.batched import MemberBatches, Members, mean_loss
from seqlab.tabular.duplicates import copies, row_hashes
from seqlab.tabular.metrics import measure_classes, measure_numbers, student_quantile, summary
from seqlab.tabular.predictor import half_widths

FP32 = Compute("cpu", "fp32", 1)
CPU = FP32.resolve(1)


def run_out(running: Iterator[Any]) -> Any:
    while True:
        try:
            next(running)  # type: ignore[call-overload]
        except StopIteration as end:
            return end.value


def table(name: str) -> Table:
    """One of scikit-learn's own; classes are named."""
    data = getattr(datasets, f"load_{name}")(as_frame=True)
    frame = data.frame
    if "target_names" in data:
        frame["target"] = [f"kind {data.target_names[number]}" for number in frame["target"]]
    return Table(name, frame, name.ljust(64, "0"), ())


@pytest.fixture(scope="session")
def iris(tmp_path_factory: pytest.TempPathFactory) -> checkpoint.Checkpoint:
    folder = tmp_path_factory.mktemp("tables") / "iris"
    return run_out(tabular.train(table("iris"), "target", folder, TableSettings(max_steps=400), folds=5, compute=FP32))


@pytest.fixture(scope="session")
def diabetes(tmp_path_factory: pytest.TempPathFactory) -> checkpoint.Checkpoint:
    folder = tmp_path_factory.mktemp("tables") / "diabetes"
    return run_out(tabular.train(table("diabetes"), "target", folder, TableSettings(), folds=5, compute=FP32))


# --- metrics


@given(rows=st.integers(4, 60), classes=st.integers(2, 4), seed=st.integers(0, 999))
def test_metrics_of_classes_are_scikit_learns(rows: int, classes: int, seed: int) -> None:
    random = np.random.default_rng(seed)
    labels = random.integers(classes, size=rows)
    labels[:classes] = range(classes)
    # in steps, so that there are ties
    probabilities = np.round(random.dirichlet(np.ones(classes), rows), 1) + 0.01
    probabilities /= probabilities.sum(1, keepdims=True)
    found = measure_classes(probabilities, labels, tuple("abcd"[:classes]))
    predicted = probabilities.argmax(1)
    assert found["accuracy"] == pytest.approx(metrics.accuracy_score(labels, predicted))
    assert found["f1"] == pytest.approx(metrics.f1_score(labels, predicted, average="macro"))
    scores = probabilities[:, 1] if classes == 2 else probabilities
    assert found["auc"] == pytest.approx(metrics.roc_auc_score(labels, scores, multi_class="ovr"))
    assert found["nll"] == pytest.approx(metrics.log_loss(labels, probabilities))
    assert found["confusion"] == metrics.confusion_matrix(labels, predicted).tolist()
    json.dumps(found)


def test_metrics_of_numbers_are_scikit_learns() -> None:
    truth, said = np.random.default_rng(0).normal(size=(2, 50))
    found = measure_numbers(said, truth)
    assert found["r2"] == pytest.approx(metrics.r2_score(truth, said))
    assert found["rmse"] == pytest.approx(metrics.root_mean_squared_error(truth, said))
    assert found["mae"] == pytest.approx(metrics.mean_absolute_error(truth, said))
    assert measure_numbers(said, np.ones(50))["r2"] is None


@pytest.mark.parametrize("freedom", [1, 2, 4, 9, 30, 200])
def test_the_interval_is_students(freedom: int) -> None:
    assert student_quantile(0.975, freedom) == pytest.approx(stats.t.ppf(0.975, freedom), rel=1e-4)


def test_the_summary_of_folds() -> None:
    values = [0.6, 0.7, 0.8]
    found = summary([{"accuracy": value, "auc": None, "rows": 3} for value in values])
    assert found["accuracy"] == pytest.approx(0.7) and found["auc"] is None and found["rows"] == 9
    low, high = stats.t.interval(0.95, 2, loc=0.7, scale=stats.sem(values))
    assert found["interval"]["accuracy"] == pytest.approx([low, high], rel=1e-4)
    assert found["folds"]["accuracy"] == values
    assert summary([{"auc": value, "rows": 3} for value in (0.9, 1.0, 1.0)])["interval"]["auc"][1] == 1.0


def test_a_mean_over_classes_is_of_folds_that_have_all_or_none() -> None:
    probabilities = np.eye(3)[[0, 1, 2, 0]]
    whole, none_of_2 = (
        measure_classes(probabilities, np.array(labels), ("a", "b", "c")) for labels in ([0, 1, 2, 0], [0, 1, 1, 0])
    )
    found = summary([whole, none_of_2])
    assert (found["f1"], found["auc"]) == (None, None) and found["accuracy"] == pytest.approx(7 / 8)
    assert summary([none_of_2, none_of_2])["f1"] == pytest.approx(none_of_2["f1"])


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
        seen = sketch(row_hashes(frame[:rows], names))
        mixed = pd.concat([frame[:rows], frame[:rows].assign(b=random.normal(size=rows))])
        assert share_seen(row_hashes(mixed, names), seen) == pytest.approx(0.5, abs=1e-9 if rows == 800 else 0.02)
    assert share_seen(row_hashes(frame[:40], names), seen) == 0.0  # too few to tell


def test_a_target_far_from_the_others_is_said() -> None:
    price = np.r_[np.arange(100.0) + 0.5, 1e9]
    data = Table("far", pd.DataFrame({"x": price, "price": price}), "0" * 64, ())
    assert any("reaches 1e+09" in note for note in tabular.describe(data, "price"))
    data = Table("near", data.frame[:100], "0" * 64, ())
    assert not any("reaches" in note for note in tabular.describe(data, "price"))


def test_baselines_are_scikit_learns() -> None:
    x, y = datasets.load_wine(return_X_y=True)
    x = ((x - x.mean(0)) / x.std(0)).astype(np.float32)
    numbers = x[:, 0] * 3 + np.sin(x[:, 1]) + 5
    parts = [(np.arange(0, len(x), 2), x.shape[1]), (np.arange(0, len(x), 3), x.shape[1] - 4)]  # found together
    regressions = baselines.linear([(x[rows, :wide], y[rows], x[:, :wide]) for rows, wide in parts], 3)
    ridges = baselines.linear([(x[rows, :wide], numbers[rows], x[:, :wide]) for rows, wide in parts], 0)
    for (rows, wide), probabilities, said in zip(parts, regressions, ridges, strict=True):
        theirs = linear_model.LogisticRegression(C=1.0, tol=1e-8, max_iter=1000).fit(x[rows, :wide], y[rows])
        np.testing.assert_allclose(probabilities, theirs.predict_proba(x[:, :wide]), atol=2e-3)
        ridge = linear_model.Ridge(alpha=1.0).fit(x[rows, :wide], numbers[rows])
        np.testing.assert_allclose(said, ridge.predict(x[:, :wide]), atol=1e-4)
    assert baselines.constant(np.array([0, 1, 1, 1]), 2, 2).tolist() == [[0.25, 0.75]] * 2


@given(count=st.integers(20, 80), seed=st.integers(0, 50))
def test_an_interval_covers_as_many_new_rows_as_it_says(count: int, seed: int) -> None:
    errors = np.random.default_rng(seed).normal(size=count)
    for level, width in half_widths(errors).items():
        # of count + 1 exchangeable rows the new one is in any place alike
        assert (np.abs(errors) <= width).sum() >= float(level) * (count + 1) - 1e-9
    assert half_widths(np.ones(3)) == {"0.5": 1.0}


# --- nets side by side


@pytest.mark.parametrize("closes", [False, True])
def test_a_net_among_others_learns_what_it_learns_alone(closes: bool) -> None:
    torch.manual_seed(0)
    x, y = torch.randn(3, 40, 5), torch.randint(2, (3, 40))
    rows = [torch.arange(30), torch.arange(10, 40), torch.arange(7)]
    together = Members(MLP(5, [8], 2, members=3), 3)
    trained = []
    for net, alone in ((together, None), (Members(together.mlp.member(1), 1), 1)):
        batches = MemberBatches(x, y, rows, 4, seed=3, members=None if alone else net)
        optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
        for number in range(2):
            for inputs, targets in batches.epoch(number):
                if alone is not None:
                    inputs, targets = inputs[alone : alone + 1], targets.view(3, -1)[alone]
                optimizer.zero_grad()
                loss, _ = mean_loss(net, (inputs, targets), None, loss="cross_entropy", l2=0.01, weights=None)
                (loss * net.mlp.members).backward()
                optimizer.step()
            if closes and alone is None:
                net.open[0] = False
        trained.append([parameter[1 if alone is None else 0].detach() for parameter in net.mlp.parameters()])
    for one, other in zip(*trained, strict=True):
        torch.testing.assert_close(one, other)


@given(counts=st.lists(st.integers(1, 12), min_size=1, max_size=3), size=st.integers(1, 6), start=st.integers(0, 3))
def test_each_net_goes_through_all_its_rows_again_and_again(counts: list[int], size: int, start: int) -> None:
    x = torch.arange(12.0).view(1, 12, 1)
    rows = [torch.arange(count) for count in counts]
    batches = MemberBatches(x, x[..., 0], rows, size, seed=1)
    seen = torch.cat([inputs[..., 0] for number in range(4) for inputs, _ in batches.epoch(number)], 1)
    for order, count in zip(seen, counts, strict=True):
        for turn in order[: len(order) // count * count].view(-1, count):
            assert sorted(turn.tolist()) == list(range(count))
    start = min(start, len(batches))
    whole, later = list(batches.epoch(1)), list(batches.epoch(1, start))
    assert all(torch.equal(a[0], b[0]) for a, b in zip(whole[start:], later, strict=True))


def test_the_objective_is_the_loss_plus_gamma_times_the_squared_weights() -> None:
    net = Members(MLP(3, [4], 2), 1)
    for bias in net.mlp.biases:
        torch.nn.init.ones_(bias)
    x, y = torch.randn(1, 6, 3), torch.tensor([0, 0, 0, 0, 0, 1])
    squares = sum(float(weight.detach().square().sum()) for weight in net.mlp.weights)
    loss, _ = mean_loss(net, (x, y), None, loss="cross_entropy", l2=0.1, weights=None)
    assert loss.item() == pytest.approx(F.cross_entropy(net(x)[0], y).item() + 0.1 * squares, rel=1e-5)
    counts = torch.tensor([[0.6, 3.0]])
    loss, _ = mean_loss(net, (x, y), None, loss="cross_entropy", l2=0.0, weights=counts)
    assert loss.item() == pytest.approx(F.cross_entropy(net(x)[0], y, weight=counts[0]).item(), rel=1e-5)


# --- train


def test_folds_measure_every_row_once_and_beat_a_constant(iris: checkpoint.Checkpoint) -> None:
    found = iris.config["metrics"]
    assert found["rows"] == 150 and np.sum(found["confusion"]) == 150
    assert len(found["folds"]["accuracy"]) == 5
    assert found["accuracy"] == pytest.approx(np.mean(found["folds"]["accuracy"]))
    assert found["accuracy"] == pytest.approx(np.trace(found["confusion"]) / 150)  # the folds are of one size
    assert found["accuracy"] > 0.92
    assert found["baselines"]["constant"]["accuracy"] == pytest.approx(1 / 3)
    assert found["baselines"]["linear"]["accuracy"] > 0.92
    assert iris.config["task"] == "classification" and iris.config["split"]["held_out"] is None


def test_the_net_for_numbers_is_as_good_as_published_and_its_intervals_hold(diabetes: checkpoint.Checkpoint) -> None:
    found = diabetes.config["metrics"]
    assert found["r2"] > 0.44
    assert found["baselines"]["constant"]["r2"] < 0.01
    model = tabular.load(diabetes)
    data = table("diabetes")
    said = tabular.predict(model, data, CPU, level=0.8)
    assert list(said) == ["prediction", "low", "high"]
    truth = data.frame["target"]
    assert 0.8 <= ((said["low"] <= truth) & (truth <= said["high"])).mean() <= 0.95  # it has seen these rows
    with pytest.raises(UsageError, match=r"0\.77"):
        tabular.predict(model, data, CPU, level=0.77)


def test_it_predicts_by_the_names_of_columns(iris: checkpoint.Checkpoint) -> None:
    model, data = tabular.load(iris), table("iris")
    said = tabular.predict(model, data, CPU)
    assert list(said)[:2] == ["prediction", "probability kind setosa"]
    assert (said["prediction"] == data.frame["target"]).mean() > 0.95
    np.testing.assert_allclose(said.iloc[:, 1:].sum(axis=1), 1)
    turned = replace(data, frame=data.frame[list(data.frame)[::-1]].assign(more=1))
    pd.testing.assert_frame_equal(tabular.predict(model, turned, CPU), said)
    with pytest.raises(DataError):
        tabular.predict(model, replace(data, frame=data.frame.iloc[:, 1:]), CPU)
    assert tabular.evaluate(model, data, CPU)["accuracy"] > 0.95
    with pytest.raises(DataError, match="learnt from"):
        tabular.held_out(model, data)


def test_without_folds_a_fifth_is_held_out_and_can_be_measured_again(tmp_path: Path) -> None:
    data = table("wine")
    done = run_out(tabular.train(data, "target", tmp_path / "wine", TableSettings(max_steps=100), compute=FP32))
    model = tabular.load(done)
    rows = tabular.held_out(model, data)
    assert len(rows.frame) == done.config["metrics"]["rows"]
    assert 35 <= len(rows.frame) <= 36
    again = tabular.evaluate(model, rows, CPU)
    assert again["confusion"] == done.config["metrics"]["confusion"]
    assert "folds" not in done.config["metrics"]
    other = replace(data, sha256="1" * 64)
    assert tabular.held_out(model, other) is other


def test_test_rows_are_not_touched(tmp_path: Path) -> None:
    data = table("wine")
    test = Table("test", data.frame.iloc[::4].reset_index(drop=True), "2" * 64, ())
    part = Table("part", data.frame.drop(index=data.frame.index[::4]).reset_index(drop=True), "3" * 64, ())
    nonsense = replace(test, frame=test.frame.assign(target=test.frame["target"].to_numpy()[::-1]))
    weights = []
    for number, other in enumerate((test, nonsense)):
        settings = TableSettings(max_steps=100)
        done = run_out(tabular.train(part, "target", tmp_path / str(number), settings, test=other, compute=FP32))
        weights.append(done.weights())
        assert done.config["metrics"]["rows"] == len(test.frame)
    assert all(torch.equal(weights[0][name], weights[1][name]) for name in weights[0])
    settings = TableSettings(max_steps=100)
    done = run_out(tabular.train(part, "target", tmp_path / "f", settings, folds=3, test=test, compute=FP32))
    assert done.config["metrics"]["rows"] == len(part.frame)
    assert done.config["metrics"]["test"]["rows"] == len(test.frame)


def test_no_net_learns_from_rows_held_out_from_it(tmp_path: Path) -> None:
    """Where the target is pure chance, nothing can be known of rows held out, however well the others are learnt."""
    random = np.random.default_rng(0)
    frame = pd.DataFrame(random.normal(size=(200, 8)), columns=list("abcdefgh"))
    frame["target"] = random.choice(["yes", "no"], 200)
    data, settings = Table("chance", frame, "4" * 64, ()), TableSettings(max_steps=300, patience=99, l2=0.0)
    done = run_out(tabular.train(data, "target", tmp_path / "chance", settings, folds=5, compute=FP32))
    assert abs(done.config["metrics"]["auc"] - 0.5) < 0.12


def test_each_net_is_pulled_to_zero_by_the_rows_it_has(tmp_path: Path) -> None:
    """Of folds in time the first learns from a quarter of the rows of the net to use: its l2 is four times as large."""
    random = np.random.default_rng(0)
    frame = pd.DataFrame({"x": random.normal(size=80), "day": np.arange(80)})
    frame["target"] = frame["x"] + 0.01 * random.normal(size=80)
    data, sums = Table("days", frame, "6" * 64, ()), []
    for l2 in (None, 12 / 80):  # twelve by the rows
        settings = TableSettings(max_steps=1500, eval_every=1500, l2=l2)
        done = run_out(tabular.train(data, "target", tmp_path / f"{l2}", settings, folds=3, time="day", compute=FP32))
        weights = [tensor for name, tensor in done.weights().items() if name.startswith("best_weights")]
        sums.append([sum(float(tensor[part].square().sum()) for tensor in weights) for part in range(4)])
    assert done.config["l2"] == 12 / 80
    assert sums[0][0] < 0.9 * sums[1][0] and sums[0][-1] == pytest.approx(sums[1][-1], rel=1e-3)


@pytest.mark.parametrize(("column", "by"), [("half", "groups"), ("year", "time")])
def test_as_many_groups_or_times_as_parts_are_enough(tmp_path: Path, column: str, by: str) -> None:
    frame = pd.DataFrame({"x": np.arange(60) % 7, "half": np.arange(60) % 2, "year": np.arange(60) // 20 + 2000})
    frame["target"] = frame["x"] > 3
    data, settings = Table("few", frame, "7" * 64, ()), TableSettings(max_steps=20)
    done = run_out(
        tabular.train(data, "target", tmp_path / by, settings, folds=2, compute=FP32, **{by: column})  # type: ignore[arg-type]
    )
    assert done.config["metrics"]["rows"] == (60 if by == "groups" else 40)


def test_weighted_classes_say_when_to_stop_as_they_are_learnt(tmp_path: Path) -> None:
    """One row of twenty is of the rare class, and like half of the others. Where both classes count alike, the best
    that can be said of such rows is 2 to 1, and the loss is the mean of the classes' own."""
    row = np.arange(2000)
    frame = pd.DataFrame({"x": (row % 2).astype(float), "target": np.where(row % 20 == 1, "rare", "usual")})
    settings = TableSettings(max_steps=600, class_weights=True, l2=0.0)
    done = run_out(tabular.train(Table("rare", frame, "8" * 64, ()), "target", tmp_path / "a", settings, compute=FP32))
    odd = 9 / 19  # of the usual rows, how many are like the rare ones
    likelihood = 1 / (1 + odd)
    expected = (-np.log(likelihood) - odd * np.log(1 - likelihood)) / 2
    alike = 0.05 * -np.log(likelihood) - 0.95 * odd * np.log(1 - likelihood)
    lowest = min(one["val_loss"] for one in done.log())
    assert lowest == pytest.approx(expected, abs=0.02) and abs(lowest - alike) > 0.04


def test_a_run_is_resumed_with_the_target_and_folds_it_began_with(tmp_path: Path) -> None:
    data = table("wine")
    steps = iter(range(5))
    running = tabular.train(
        data, "target", tmp_path / "a", TableSettings(), folds=3, compute=FP32, stop=lambda: next(steps, None) is None
    )
    assert run_out(running) is None
    with pytest.raises(CheckpointError, match="began with target target, not ash"):
        next(tabular.train(data, "ash", tmp_path / "a", TableSettings(), resume=True))
    with pytest.raises(CheckpointError, match="began with folds 3, not 4"):
        next(tabular.train(data, "target", tmp_path / "a", TableSettings(), folds=4, resume=True))


def test_a_resumed_run_is_the_uninterrupted_one_to_the_bit(tmp_path: Path) -> None:
    data, whole, broken = table("wine"), tmp_path / "whole", tmp_path / "broken"

    def settings() -> TableSettings:
        return TableSettings(max_steps=60, eval_every=10, dropout=0.2)

    run_out(tabular.train(data, "target", whole, settings(), folds=3, compute=FP32))
    steps = iter(range(24))
    stopped = tabular.train(
        data, "target", broken, settings(), folds=3, compute=FP32, stop=lambda: next(steps, None) is None
    )
    assert run_out(stopped) is None
    run_out(tabular.train(data, "target", broken, settings(), resume=True))
    one, other = checkpoint.load(whole), checkpoint.load(broken)
    assert all(torch.equal(tensor, other.weights()[name]) for name, tensor in one.weights().items())
    assert one.config["metrics"] == other.config["metrics"]
    with pytest.raises(CheckpointError, match="another table"):
        next(tabular.train(replace(data, sha256="9" * 64), "target", broken, settings(), resume=True))


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


def test_what_cannot_be_is_said(tmp_path: Path) -> None:
    data = table("iris")
    with pytest.raises(UsageError, match="traget") as caught:
        next(tabular.train(data, "traget", tmp_path / "x", TableSettings(), compute=FP32))
    assert "target" in caught.value.hint
    with pytest.raises(UsageError, match="squared"):
        next(tabular.train(data, "target", tmp_path / "x", TableSettings(loss="squared"), compute=FP32))
    with pytest.raises(DataError):
        next(tabular.train(data, "target", tmp_path / "x", TableSettings(), folds=151, compute=FP32))
    assert not (tmp_path / "x").exists()


# --- what it depends on, and what rows are worth


def test_importance_finds_the_columns_that_matter(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    frame = pd.DataFrame(random.normal(size=(400, 4)), columns=["noise", "strong", "weak", "colour"])
    frame["colour"] = random.choice(["red", "green", "blue"], 400)
    frame["target"] = 3 * frame["strong"] + frame["weak"] + 2 * (frame["colour"] == "red")
    data = Table("made", frame, "5" * 64, ())
    done = run_out(tabular.train(data, "target", tmp_path / "made", TableSettings(max_steps=300), compute=FP32))
    found = tabular.importance(tabular.load(done), data, CPU)
    assert [one["column"] for one in found] == ["strong", "weak", "colour", "noise"] or found[0]["column"] == "strong"
    shares = {one["column"]: one["importance"] for one in found}
    # a dealt column a x raises the squared error by 2 a^2 Var(x)
    variance = float(frame["target"].var())
    assert shares["strong"] == pytest.approx(2 * 9 / variance, rel=0.2)
    assert shares["weak"] == pytest.approx(2 * 1 / variance, rel=0.3)
    assert abs(shares["noise"]) < 0.02


def test_a_curve_leaves_out_rows_that_are_too_few_to_learn_from() -> None:
    frame = pd.DataFrame({"x": np.arange(300) % 40 == 0, "target": np.arange(300) % 5})  # x differs in few rows
    data, settings = Table("sparse", frame, "9" * 64, ()), TableSettings(max_steps=20)
    found = run_out(tabular.learning_curve(data, "target", settings, folds=3, compute=FP32))
    assert len(found) < 5 and all(one["nets"] == 3 for one in found)
    days = replace(data, frame=frame.assign(day=np.repeat(np.arange(20), 15)))  # the latest rows are of one day
    assert run_out(tabular.learning_curve(days, "target", settings, time="day", folds=3, compute=FP32))


def test_more_experience_is_better() -> None:
    settings = TableSettings(max_steps=200)
    found = run_out(tabular.learning_curve(table("wine"), "target", settings, folds=3, compute=FP32))
    assert [one["nets"] for one in found] == [3] * 5
    assert [one["rows"] for one in found] == sorted(one["rows"] for one in found) and found[-1]["rows"] == 119
    assert found[-1]["accuracy"] > 0.93 and found[-1]["accuracy"] >= found[0]["accuracy"]
