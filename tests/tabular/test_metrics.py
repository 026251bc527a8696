"""Metrics and baselines against scikit-learn and equations."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import optimize, special, stats
from sklearn import datasets, metrics

from seqlab.tabular import baselines
from seqlab.tabular.metrics import class_metrics, number_metrics, student_quantile, summary
from seqlab.tabular.predictions import half_widths


@given(rows=st.integers(4, 60), classes=st.integers(2, 4), seed=st.integers(0, 999))
def test_metrics_of_classes_are_scikit_learns(rows: int, classes: int, seed: int) -> None:
    random = np.random.default_rng(seed)
    labels = random.integers(classes, size=rows)
    labels[:classes] = range(classes)
    # in steps, so that there are ties
    probabilities = np.round(random.dirichlet(np.ones(classes), rows), 1) + 0.01
    probabilities /= probabilities.sum(1, keepdims=True)
    found = class_metrics(probabilities, labels, tuple("abcd"[:classes]))
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
    found = number_metrics(said, truth)
    assert found["r2"] == pytest.approx(metrics.r2_score(truth, said))
    assert found["rmse"] == pytest.approx(metrics.root_mean_squared_error(truth, said))
    assert found["mae"] == pytest.approx(metrics.mean_absolute_error(truth, said))
    assert number_metrics(said, np.ones(50))["r2"] is None


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
        class_metrics(probabilities, np.array(labels), ("a", "b", "c")) for labels in ([0, 1, 2, 0], [0, 1, 1, 0])
    )
    found = summary([whole, none_of_2])
    assert (found["f1"], found["auc"]) == (None, None) and found["accuracy"] == pytest.approx(7 / 8)
    assert summary([none_of_2, none_of_2])["f1"] == pytest.approx(none_of_2["f1"])


def wine() -> tuple[np.ndarray, np.ndarray]:
    x, y = datasets.load_wine(return_X_y=True)
    return ((x - x.mean(0)) / x.std(0)).astype(np.float32), y


def test_a_constant_predicts_the_shares_or_the_mean() -> None:
    assert baselines.constant(np.array([0, 1, 1, 1]), 2, 2).tolist() == [[0.25, 0.75]] * 2
    assert baselines.constant(np.array([1.0, 2.0, 6.0]), 2, 0).tolist() == [3.0, 3.0]


def test_the_linear_model_of_numbers_solves_the_normal_equations() -> None:
    x, _ = wine()
    y = x[:, 0] * 3 + np.sin(x[:, 1]) + 5
    with_one = np.column_stack([x, np.ones(len(x))]).astype(np.float64)
    penalty = np.diag([1.0] * x.shape[1] + [0.0])
    weights = np.linalg.solve(with_one.T @ with_one + penalty, with_one.T @ y)
    np.testing.assert_allclose(baselines.linear(x, y, x[:20], 0), with_one[:20] @ weights, rtol=1e-4)


def test_the_linear_model_of_classes_is_the_most_likely_one_under_its_penalty() -> None:
    """Rows and classes as drawn; the penalty is half the sum of squared weights, the intercept is free."""
    x, y = wine()

    def loss(flat: np.ndarray) -> float:
        weights = flat.reshape(x.shape[1] + 1, 3)
        logits = x @ weights[:-1] + weights[-1]
        return float(
            (np.logaddexp.reduce(logits, 1) - logits[np.arange(len(y)), y]).sum() + 0.5 * (weights[:-1] ** 2).sum()
        )

    best = optimize.minimize(loss, np.zeros((x.shape[1] + 1) * 3), method="BFGS", options={"gtol": 1e-3}).x
    logits = x @ best.reshape(-1, 3)[:-1] + best.reshape(-1, 3)[-1]
    np.testing.assert_allclose(baselines.linear(x, y, x, 3), special.softmax(logits, 1), atol=2e-3)


def test_classes_that_are_not_there_to_learn_from_have_no_probability() -> None:
    x = np.array([[0.0], [1.0], [2.0], [3.0]], np.float32)
    found = baselines.linear(x, np.array([0, 0, 2, 2]), x, 4)
    assert (found[:, [1, 3]] == 0).all() and found[0, 0] > 0.5 > found[3, 0]
    np.testing.assert_allclose(found.sum(1), 1)
    assert baselines.linear(x, np.array([1, 1, 1, 1]), x, 2).tolist() == [[0.0, 1.0]] * 4


@given(count=st.integers(20, 80), seed=st.integers(0, 50))
def test_an_interval_covers_as_many_new_rows_as_it_says(count: int, seed: int) -> None:
    errors = np.random.default_rng(seed).normal(size=count)
    for level, width in half_widths(errors).items():
        # of count + 1 exchangeable rows the new one is in any place alike
        assert (np.abs(errors) <= width).sum() >= float(level) * (count + 1) - 1e-9
    assert half_widths(np.ones(3)) == {"0.5": 1.0}
