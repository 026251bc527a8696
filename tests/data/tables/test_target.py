"""What a target's entries show, and how a net learns it."""

import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import datasets
from sklearn.preprocessing import LabelEncoder, StandardScaler

from seqlab.data.tables.target import Target, fit_target
from seqlab.errors import DataError, UsageError


def column(values, name: str = "y") -> pd.Series:
    return pd.Series(values, name=name)


@pytest.mark.parametrize(
    ("load", "task"),
    [
        (datasets.load_digits, "classification"),
        (datasets.load_wine, "classification"),
        (datasets.load_breast_cancer, "classification"),
        (datasets.load_iris, "classification"),
        (datasets.load_diabetes, "regression"),
    ],
)
def test_known_tables_are_what_they_are_known_for(load, task: str) -> None:
    target = load(as_frame=True).target
    found = fit_target(target)
    assert found.task == task and task in found.why and "'target'" in found.why
    if task == "classification":
        np.testing.assert_array_equal(found.encode(target), LabelEncoder().fit_transform(target))
        assert found.encode(target).dtype == np.int64
    else:
        scaled = StandardScaler().fit_transform(target.to_numpy()[:, None])[:, 0]
        np.testing.assert_allclose(found.encode(target), scaled, atol=1e-6)
        assert found.encode(target).dtype == np.float32


@pytest.mark.parametrize(
    ("values", "task", "classes"),
    [
        (["yes", "no", "yes"], "classification", ("no", "yes")),
        ([True, False, True], "classification", ("false", "true")),
        ([0, 1, 1], "classification", ("0", "1")),
        ([1.0, 2.0, np.nan, 1.0], "classification", ("1", "2")),
        ([10, 9, 2] * 5, "classification", ("2", "9", "10")),
        (["b", "a", None, "a"], "classification", ("a", "b")),
        ([0.5, 1.5, 0.5, 1.5], "regression", ()),
        ([3, 4, 5, 6], "regression", ()),
        (list(range(100)), "regression", ()),
    ],
)
def test_entries_show_the_task(values: list, task: str, classes: tuple[str, ...]) -> None:
    found = fit_target(column(values))
    assert (found.task, found.classes) == (task, classes)
    known = column(values).dropna()
    if classes:
        words = [found.classes[number] for number in found.encode(known)]
        assert words == [str(value).lower().removesuffix(".0") for value in known]


def test_the_task_can_be_given() -> None:
    stars = column([1, 2, 3, 4, 5] * 20)
    assert fit_target(stars).task == "classification"
    found = fit_target(stars, "regression")
    assert found.task == "regression" and "as given" in found.why
    np.testing.assert_allclose([found.mean, found.deviation], [3, np.sqrt(2)])
    halves = fit_target(column([0.5, 1.5] * 5), "classification")
    assert halves.classes == ("0.5", "1.5")


@pytest.mark.parametrize(
    ("values", "task", "said"),
    [
        ([np.nan, np.nan], "auto", "missing in all rows"),
        ([], "auto", "missing in all rows"),
        ([3, 3, 3], "auto", "one value"),
        (["a", "a", None], "auto", "one value"),
        (["a", "b", "c"], "auto", "not classes"),
        ([0.1, 0.2, 0.3], "classification", "not classes"),
        (["a", "b", "a"], "regression", "'a', which is not a number"),
        ([True, False], "regression", "not a number"),
        ([1.0, np.inf, 1.0], "regression", "two different numbers"),
        (pd.to_datetime(["2024-01-01", "2024-01-02"]), "auto", "dates"),
    ],
)
def test_what_can_be_no_target_is_refused(values, task: str, said: str) -> None:
    with pytest.raises(DataError, match=said) as raised:
        fit_target(column(values), task)
    assert raised.value.hint and "'y'" in raised.value.message


def test_an_unknown_task_is_a_mistake_of_use() -> None:
    with pytest.raises(UsageError, match="no task 'ranking'"):
        fit_target(column([1, 2]), "ranking")


def test_new_rows_must_have_known_targets() -> None:
    classes, numbers = fit_target(column(["a", "b", "a"])), fit_target(column([0.5, 1.5, 2.0]))
    with pytest.raises(DataError, match="class 'c'") as raised:
        classes.encode(column(["a", "c"]))
    assert "a, b" in raised.value.hint
    for target in (classes, numbers):
        with pytest.raises(DataError, match="1 row has"):
            target.encode(column(["a", None]))
    with pytest.raises(DataError, match="not a number"):
        numbers.encode(column(["x", "y"]))
    with pytest.raises(DataError, match="infinite"):
        numbers.encode(column([1.0, np.inf]))


def test_classes_of_one_row_are_said() -> None:
    assert "1 of 3 classes has one row only" in fit_target(column(["a", "a", "b", "b", "c"])).why


@given(st.lists(st.floats(-1e149, 1e149), min_size=2), st.sampled_from(["json", "same"]))
def test_numbers_come_back_from_what_a_net_learns(values: list[float], way: str) -> None:
    numbers = np.array(values)
    if numbers.min() == numbers.max():
        return
    target = fit_target(column(numbers), "regression")
    if way == "json":
        target = Target.from_dict(json.loads(json.dumps(target.to_dict())))
    learned = target.encode(column(numbers))
    assert np.isfinite(learned).all()
    np.testing.assert_allclose(
        learned.astype(np.float64) * target.deviation + target.mean, numbers, atol=1e-5 * np.abs(numbers).max() + 1e-300
    )
