"""Metrics and baselines against scikit-learn and equations."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import optimize, special
from sklearn import datasets, metrics

from seqlab.tabular import baselines
from seqlab.tabular.metrics import class_metrics, number_metrics, summary


@given(rows=st.integers(4, 60), classes=st.integers(2, 4), seed=st.integers(0, 999))
def test_metrics_of_classes_are_scikit_learns_and_the_area_counts_pairs(rows: int, classes: int, seed: int) -> None:
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
    areas = []  # how often a row of the class has the higher score, ties count half
    for one in [1] if classes == 2 else range(classes):
        yes, no = probabilities[labels == one, one], probabilities[labels != one, one]
        areas.append(np.mean([(a > b) + (a == b) / 2 for a in yes for b in no]))
    assert found["auc"] == pytest.approx(np.mean(areas))
    assert found["nll"] == pytest.approx(metrics.log_loss(labels, probabilities))
    assert found["confusion"] == metrics.confusion_matrix(labels, predicted).tolist()
    json.dumps(found)


def test_metrics_of_numbers_are_scikit_learns() -> None:
    truth, predicted = np.random.default_rng(0).normal(size=(2, 50))
    found = number_metrics(predicted, truth)
    assert found["r2"] == pytest.approx(metrics.r2_score(truth, predicted))
    assert found["rmse"] == pytest.approx(metrics.root_mean_squared_error(truth, predicted))
    assert found["mae"] == pytest.approx(metrics.mean_absolute_error(truth, predicted))
    assert number_metrics(predicted, np.ones(50))["r2"] is None


def test_there_is_no_area_where_all_rows_are_of_one_class() -> None:
    assert class_metrics(np.full((2, 2), 0.5), np.array([1, 1]), ("no", "yes"))["auc"] is None


def test_the_summary_of_folds() -> None:
    values = [0.6, 0.7, 0.8]
    found = summary([{"accuracy": value, "auc": None, "rows": 3} for value in values])
    assert found["accuracy"] == pytest.approx(0.7) and found["auc"] is None and found["rows"] == 9
    reach = 4.302653 * 0.1 / np.sqrt(3)  # Student's t of two degrees of freedom, from a printed table
    assert found["interval"]["accuracy"] == pytest.approx([0.7 - reach, 0.7 + reach], rel=1e-6)
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
