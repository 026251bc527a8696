"""Encoded columns against scikit-learn's scaler and encoder, and what must hold of any column."""

import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from seqlab.data.tables.encoded_column import FURTHEST
from seqlab.data.tables.encoder import MOST_CATEGORIES, Encoder, fit_encoder
from seqlab.data.tables.leakage import leaks
from seqlab.errors import DataError


def people(rows: int = 200, seed: int = 0) -> pd.DataFrame:
    random = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "age": random.integers(18, 90, rows),
            "income": np.exp(random.normal(10, 1, rows)),
            "colour": random.choice(["red", "green", "blue"], rows),
            "smoker": random.choice(["Yes", "no"], rows),
            "member": random.random(rows) < 0.3,
            "since": pd.Timestamp("2020-01-01") + pd.to_timedelta(random.integers(0, 2000, rows), unit="D"),
        }
    )


def of(encoder: Encoder, encoded: np.ndarray, feature: str) -> np.ndarray:
    return encoded[:, encoder.features.index(feature)]


def test_numbers_and_categories_are_those_of_scikit_learn() -> None:
    frame = people()
    encoder, _ = fit_encoder(frame[["age", "income", "colour"]])
    encoded = encoder.encode(frame)
    assert encoder.features == ("age", "income", "colour=blue", "colour=green", "colour=red")
    assert encoder.sources == (0, 1, 2, 2, 2)
    assert encoded.dtype == np.float32
    np.testing.assert_allclose(encoded[:, :2], StandardScaler().fit_transform(frame[["age", "income"]]), atol=1e-5)
    np.testing.assert_array_equal(encoded[:, 2:], OneHotEncoder(sparse_output=False).fit_transform(frame[["colour"]]))


def test_booleans_in_all_writings_are_the_same() -> None:
    truth = np.array([True, False, True, True] * 10)
    written = {
        "bool": truth,
        "words": np.where(truth, "yes", "no"),
        "letters": np.where(truth, "T", "F"),
        "capitals": np.where(truth, "TRUE", "False"),
        "numbers": truth.astype(int),
    }
    frame = pd.DataFrame(written)
    encoder, notes = fit_encoder(frame)
    encoded = encoder.encode(frame)
    assert [column.kind for column in encoder.columns] == ["boolean"] * 4 + ["number"]
    assert (encoded == encoded[:, :1]).all()
    assert sum("yes or no" in note for note in notes) == 4
    swapped = frame.rename(columns={"bool": "words", "words": "bool"})
    np.testing.assert_array_equal(encoder.encode(swapped), encoded)  # other words for the same


def test_rows_are_encoded_by_what_was_fitted_alone() -> None:
    frame = people()
    encoder, _ = fit_encoder(frame.iloc[:100])
    whole = encoder.encode(frame)
    shuffled = frame[["since", "colour", "member", "income", "smoker", "age"]].assign(other=1).iloc[::-1]
    np.testing.assert_array_equal(encoder.encode(shuffled)[::-1], whole)
    np.testing.assert_array_equal(encoder.encode(frame.iloc[150:151]), whole[150:151])
    assert abs(whole[:100, 0].mean()) < 1e-6 < abs(whole[100:, 0].mean())


def test_an_encoder_comes_back_from_json() -> None:
    frame = people()
    frame.loc[::7, ["age", "colour", "since"]] = None
    encoder, _ = fit_encoder(frame)
    again = Encoder.from_dict(json.loads(json.dumps(encoder.to_dict())))
    assert again == encoder
    np.testing.assert_array_equal(again.encode(frame), encoder.encode(frame))


def test_what_is_missing_is_filled_flagged_and_said() -> None:
    frame = people()
    frame["age"] = frame["age"].astype(float)
    frame.loc[:49, "age"] = np.nan
    frame.loc[150:, "colour"] = None
    encoder, notes = fit_encoder(frame[["age", "income", "colour"]])
    encoded = encoder.encode(frame)
    assert encoder.features == (
        "age", "age is missing", "income", "colour=blue", "colour=green", "colour=red", "colour is missing",
    )  # fmt: skip
    age = frame["age"]
    filled = (age.median() - age.mean()) / age.std(ddof=0)
    np.testing.assert_allclose(of(encoder, encoded, "age")[:50], filled, rtol=1e-5)
    assert (of(encoder, encoded, "age is missing") == age.isna()).all()
    assert (of(encoder, encoded, "colour is missing") == frame["colour"].isna()).all()
    assert (encoded[150:, 3:6] == 0).all()
    assert any("'age' is missing in 50 of 200 rows" in note for note in notes)
    hole = frame.assign(income=np.nan)  # where none was missing before
    np.testing.assert_allclose(
        of(encoder, encoder.encode(hole), "income"),
        (frame["income"].median() - frame["income"].mean()) / frame["income"].std(ddof=0),
        rtol=1e-4,
    )


def test_unknown_categories_are_zero_and_counted() -> None:
    frame = people()
    encoder, _ = fit_encoder(frame)
    odd = frame.assign(colour=["violet", "red", None, "violet"] * 50)
    encoded = encoder.encode(odd)
    colours = [place for place, feature in enumerate(encoder.features) if feature.startswith("colour=")]
    np.testing.assert_array_equal(encoded[:, colours].sum(1), [0, 1, 0, 0] * 50)
    assert encoder.filled(frame) == []
    assert encoder.filled(odd) == [
        "column 'colour': missing in 50 of 200 rows: encoded as no category",
        "column 'colour' has 100 entries unlike those it was trained on, taken as unknown",
    ]


def test_an_odd_entry_among_others_is_missing_and_counted() -> None:
    frame = people()
    encoder, _ = fit_encoder(frame)
    odd = frame.head(4).astype({"smoker": object})
    odd.loc[0, "smoker"] = "sometimes"
    np.testing.assert_array_equal(encoder.encode(odd), encoder.encode(odd.replace("sometimes", None)))
    (said,) = encoder.filled(odd)
    assert "'smoker' has 1 entry unlike those it was trained on" in said and "most rows of training have" in said
    assert encoder.filled(odd[1:]) == []
    with pytest.raises(DataError, match="holds 'sometimes'"):
        encoder.encode(odd.head(1))


def test_a_column_that_is_absent_or_of_another_kind_is_named() -> None:
    frame = people()
    encoder, _ = fit_encoder(frame)
    with pytest.raises(DataError, match="no column 'age'") as raised:
        encoder.encode(frame.rename(columns={"age": "Age"}))
    assert "Age" in raised.value.hint
    for name, other, wanted in (
        ("age", "old", "numbers"),
        ("smoker", "sometimes", "yes and no"),
        ("since", "lately", "dates"),
        ("age", pd.Timestamp("2024-01-01"), "numbers"),
        ("since", 5, "dates"),
    ):
        with pytest.raises(DataError, match=f"'{name}' held {wanted} in training"):
            encoder.encode(frame.assign(**{name: other}))
    assert np.isfinite(encoder.encode(frame.assign(age=None, since=None, smoker=None, colour=None))).all()
    np.testing.assert_array_equal(encoder.encode(frame.assign(age=frame["age"].astype(str))), encoder.encode(frame))


def test_useless_columns_are_left_out_and_said() -> None:
    rows = 100
    shuffled = np.random.default_rng(0).permutation(rows)
    frame = pd.DataFrame(
        {
            "one": 1,
            "word": "same",
            "nothing": np.nan,
            "customer_id": 7 * shuffled + 10_000,
            "row": np.arange(rows),
            "uuid": [f"u{number}" for number in shuffled],
            "year": np.arange(1900, 1900 + rows),  # tells time, though each has one row
            "price": shuffled + 0.5,
            "kept": ["a", "b"] * 50,
        }
    )
    encoder, notes = fit_encoder(frame)
    assert [column.name for column in encoder.columns] == ["year", "price", "kept"]
    left_out = {note.split("'")[1]: note for note in notes}
    assert set(left_out) == {"one", "word", "nothing", "customer_id", "row", "uuid"}
    assert "in all rows" in left_out["one"] and "identifier" in left_out["uuid"] and "missing" in left_out["nothing"]
    with pytest.raises(DataError, match="no column is left"):
        fit_encoder(frame[["one", "uuid"]])


def test_a_value_that_is_there_or_missing_is_no_constant() -> None:
    frame = pd.DataFrame({"a": [0.1, np.nan] * 30, "b": ["x", None] * 30})
    encoder, _ = fit_encoder(frame)
    assert encoder.features == ("a", "a is missing", "b=x", "b is missing")
    np.testing.assert_array_equal(encoder.encode(frame)[:2], [[0, 0, 1, 0], [0, 1, 0, 1]])


def test_rare_categories_are_one_together() -> None:
    words = [f"w{number:03d}" for number in range(80) for _ in range(1 + number)]
    frame = pd.DataFrame({"word": words})
    encoder, notes = fit_encoder(frame)
    assert len(encoder.features) == MOST_CATEGORIES + 1 and encoder.features[-1] == "word=(rare)"
    encoded = encoder.encode(frame)
    assert (encoded.sum(1) == 1).all()
    assert encoded[:, -1].sum() == sum(1 + number for number in range(80 - MOST_CATEGORIES))
    assert any("80 categories" in note for note in notes)


def test_numbers_as_categories_are_known_in_any_writing() -> None:
    frame = pd.DataFrame({"code": ["1", "2", "x"] * 20})
    encoder, _ = fit_encoder(frame)
    for other in ([1, 2, 2], [1.0, 2.0, np.nan], ["1", " 2", "2 "]):
        assert encoder.encode(pd.DataFrame({"code": other}))[:2].tolist() == [[1, 0, 0], [0, 1, 0]]


def test_dates_are_days_and_their_places_in_year_and_week() -> None:
    days = pd.Series(pd.date_range("2020-01-01", "2023-12-31"))
    encoder, notes = fit_encoder(pd.DataFrame({"day": days}))
    encoded = encoder.encode(pd.DataFrame({"day": days}))
    assert encoder.columns[0].cycles == ("year", "week")
    assert any("read as dates" in note for note in notes)
    steps = np.diff(of(encoder, encoded, "day"))
    np.testing.assert_allclose(steps, steps.mean(), rtol=1e-2)
    weeks = {tuple(np.round(encoded[days.dt.day_of_week == day][:, 3:], 4).ravel()[:2] + 0.0) for day in range(7)}
    assert len(weeks) == 7 and (0.0, 1.0) in weeks  # Monday
    new_year = encoded[(days.dt.day_of_year == 1).to_numpy()]
    assert np.ptp(new_year[:, 1:3], axis=0).max() < 0.02
    monthly = pd.DataFrame({"day": pd.date_range("2020-01-01", periods=30, freq="MS")})
    assert "day" not in fit_encoder(monthly)[0].columns[0].cycles
    hours = pd.DataFrame({"time": pd.date_range("2024-01-01", periods=500, freq="h")})
    assert fit_encoder(hours)[0].columns[0].cycles == ("week", "day")
    seconds, nanoseconds = days.astype("datetime64[s]"), days.astype("datetime64[ns]")
    for other in (seconds, nanoseconds, days.dt.tz_localize("UTC")):
        np.testing.assert_array_equal(encoder.encode(pd.DataFrame({"day": other})), encoded)


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.floats(width=64) | st.sampled_from([1.7e308, -1.7e308, 5e-324, 0.0, np.inf, np.nan]), min_size=2),
    st.lists(st.floats(width=64), min_size=1),
)
def test_what_is_encoded_is_finite_whatever_the_numbers(fitted: list[float], new: list[float]) -> None:
    frame = pd.DataFrame({"x": fitted, "y": np.arange(len(fitted))})
    encoder, _ = fit_encoder(frame)
    for rows in (frame, pd.DataFrame({"x": new, "y": 0})):
        encoded = encoder.encode(rows)
        assert np.isfinite(encoded).all() and np.abs(encoded).max() <= FURTHEST


# ---- leaks


def test_leaks_are_named_and_what_is_only_related_is_not() -> None:
    random = np.random.default_rng(0)
    y = random.normal(size=500)
    frame = pd.DataFrame(
        {
            "y": y,
            "same": y,
            "degrees": 1.8 * y + 32,
            "noisy": y + 0.01 * random.normal(size=500),
            "square": y**2,
            "other": random.normal(size=500),
        }
    )
    warnings = leaks(frame, "y")
    assert [warning.split("'")[1] for warning in warnings] == ["same", "degrees"]
    assert "equals" in warnings[0] and "linear function" in warnings[1]


def test_leaks_of_classes() -> None:
    random = np.random.default_rng(0)
    number = random.integers(0, 3, 300)
    word = np.array(["ill", "well", "dead"])[number]
    frame = pd.DataFrame(
        {
            "class": word,
            "again": word,
            "number": number + 1,
            "finer": 10 * number + random.integers(0, 3, 300),
            "related": np.where(random.random(300) < 0.99, number, 0),
            "id": np.arange(300),
            "constant": 1,
        }
    )
    frame.loc[:20, "again"] = None
    found = {warning.split("'")[1]: warning for warning in leaks(frame, "class")}
    assert set(found) == {"again", "number", "finer"}
    assert "equals" in found["again"] and "another name" in found["number"] and "determines" in found["finer"]


def test_a_leak_of_a_table_sorted_by_its_classes_is_named() -> None:
    number = np.repeat([0, 1], 12_000)
    frame = pd.DataFrame({"class": number, "alias": np.array(["well", "ill"])[number]})
    assert "another name" in leaks(frame, "class")[0]


def test_a_column_that_counts_is_kept_and_said() -> None:
    encoder, notes = fit_encoder(pd.DataFrame({"week": np.arange(1, 51), "id": np.arange(50), "b": np.arange(50) % 3}))
    assert [column.name for column in encoder.columns] == ["week", "b"]
    assert any("'week' counts the rows" in note for note in notes)


@pytest.mark.parametrize(("name", "dropped"), [("paid", False), ("covid", False), ("userId", True), ("user_ID", True)])
def test_an_identifier_is_known_by_its_name(name: str, dropped: bool) -> None:
    values = np.random.default_rng(0).permutation(1000)[:50] * 7
    notes = fit_encoder(pd.DataFrame({name: values, "b": np.arange(50) % 3}))[1]
    assert any("identifier" in note for note in notes) == dropped


def test_a_leak_in_the_first_rows_alone_is_none() -> None:
    y = np.random.default_rng(0).normal(size=20_000)
    assert leaks(pd.DataFrame({"y": y, "x": np.r_[y[:-1], 0]}), "y") == []


def test_tables_of_scikit_learn_have_no_leaks() -> None:
    from sklearn import datasets

    for load in (datasets.load_wine, datasets.load_breast_cancer, datasets.load_diabetes, datasets.load_digits):
        assert leaks(load(as_frame=True).frame, "target") == []
