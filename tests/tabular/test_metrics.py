"""Metrics and baselines against scikit-learn and equations."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from sklearn import datasets, linear_model, metrics

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
