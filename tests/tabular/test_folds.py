"""Which rows of a table are held out: every one once, classes evenly, groups together, the past before the future."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seqlab.errors import DataError, UsageError
from seqlab.tabular.folds import folds, hold_out

LABELS = st.lists(st.integers(0, 4), min_size=12, max_size=80).map(np.array)


@given(labels=LABELS, count=st.integers(2, 6), seed=st.integers(0, 99))
def test_every_row_is_held_out_once_and_every_class_evenly(labels: np.ndarray, count: int, seed: int) -> None:
    splits = folds(count, len(labels), seed, classes=labels)
    assert sorted(np.concatenate([out for _, out in splits]).tolist()) == list(range(len(labels)))
    for learns, out in splits:
        assert sorted([*learns, *out]) == list(range(len(labels)))
        assert len(out) in (len(labels) // count, -(-len(labels) // count))
        for label in np.unique(labels):
            share = (labels == label).sum() / count
            assert abs((labels[out] == label).sum() - share) < 1
    again = folds(count, len(labels), seed, classes=labels)
    assert all(
        np.array_equal(one, other) for a, b in zip(splits, again, strict=True) for one, other in zip(a, b, strict=True)
    )


@given(groups=st.lists(st.integers(0, 9), min_size=12, max_size=80), count=st.integers(2, 4), seed=st.integers(0, 99))
def test_a_group_is_on_one_side(groups: list[int], count: int, seed: int) -> None:
    names = np.array(groups)
    if len(set(groups)) < count:
        with pytest.raises(DataError):
            folds(count, len(names), seed, groups=names)
        return
    splits = folds(count, len(names), seed, groups=names)
    assert sorted(np.concatenate([out for _, out in splits]).tolist()) == list(range(len(names)))
    for learns, out in [*splits, hold_out(0.2, len(names), seed, groups=names)]:
        assert len(learns) and len(out) and not set(names[learns]) & set(names[out])


@given(seed=st.integers(0, 99))
def test_groups_have_the_classes_as_evenly_as_they_can(seed: int) -> None:
    groups = np.repeat(np.arange(30), 10)
    labels = (groups < 6).astype(int)  # six groups of thirty have the rare class
    for _, out in folds(5, len(groups), seed, classes=labels, groups=groups):
        assert labels[out].sum() in (10, 20) and len(out) == 60
    for share in (0.1, 0.2, 0.4, 0.6, 0.9):
        _, out = hold_out(share, len(groups), seed, classes=labels, groups=groups)
        assert abs(labels[out].sum() - 60 * share) <= 10 and abs(len(out) - 300 * share) <= 20
    large = np.r_[np.zeros(950), np.arange(1, 51)]
    assert len(hold_out(0.2, len(large), seed, groups=large)[1]) == 50


@given(times=st.lists(st.integers(0, 30), min_size=12, max_size=80), count=st.integers(2, 5), seed=st.integers(0, 99))
def test_the_rows_held_out_come_after_those_learned_from(times: list[int], count: int, seed: int) -> None:
    moments = np.array(times)
    if len(set(times)) < count + 1:
        with pytest.raises(DataError):
            folds(count, len(moments), seed, time=moments)
        return
    splits = folds(count, len(moments), seed, time=moments)
    first = splits[0][0]
    seen = np.concatenate([first, *(out for _, out in splits)])
    assert sorted(seen.tolist()) == list(range(len(moments)))
    for learns, out in [*splits, hold_out(0.2, len(moments), seed, time=moments)]:
        assert moments[learns].max() < moments[out].min()
    for (earlier, _), (later, _) in itertools.pairwise(splits):
        assert set(earlier) < set(later)


@pytest.mark.parametrize("crowded", range(6))
@pytest.mark.parametrize("count", [2, 3, 5])
def test_no_part_is_empty_where_most_rows_are_of_one_time(crowded: int, count: int) -> None:
    times = np.repeat(np.arange(6), np.where(np.arange(6) == crowded, 100, 1))
    splits = folds(count, len(times), 0, time=times)
    assert len(splits) == count and all(len(learns) and len(out) for learns, out in splits)
    assert all(times[learns].max() < times[out].min() for learns, out in splits)
    held_out = np.concatenate([out for _, out in splits])
    assert sorted([*splits[0][0], *held_out]) == list(range(len(times)))


@given(labels=LABELS, share=st.floats(0.001, 0.5), seed=st.integers(0, 99))
def test_a_part_held_out_has_its_share_of_every_class(labels: np.ndarray, share: float, seed: int) -> None:
    learns, out = hold_out(share, len(labels), seed, classes=labels)
    assert sorted([*learns, *out]) == list(range(len(labels))) and len(out)
    assert abs(len(out) - share * len(labels)) <= 1 + 5  # a class's only row stays
    assert set(np.unique(labels)) == set(np.unique(labels[learns]))


def test_of_a_share_of_less_than_a_row_one_is_held_out_that_is_not_the_only_one_of_its_class() -> None:
    labels = np.array([0, 1, 1, 1, 2])
    for seed in range(20):
        _, out = hold_out(0.01, 5, seed, classes=labels)
        assert labels[out].tolist() == [1]


def test_seeds_choose_other_rows() -> None:
    assert not np.array_equal(hold_out(0.2, 100, 0)[1], hold_out(0.2, 100, 1)[1])
    assert len(hold_out(0.2, 100, 0)[1]) == 20
    with pytest.raises(DataError):
        hold_out(0.2, 1, 0)
    with pytest.raises(DataError):
        folds(5, 4, 0)


@pytest.mark.parametrize("count", [1, 0])
def test_fewer_than_two_folds_are_refused_as_such(count: int) -> None:
    with pytest.raises(UsageError, match=f"folds={count}"):
        folds(count, 20, seed=0)
