"""Autoencoders and principal components: against scikit-learn, written-out cells, planted structure and real data."""

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

import seqlab
from seqlab.data.series.quotes import snapshot, snapshot_tickers
from seqlab.errors import DataError, UsageError
from seqlab.machine import Compute
from seqlab.models.autoencoder import Autoencoder, SequenceAutoencoder
from seqlab.models.cells import LSTMCell, hidden_states, unroll
from seqlab.settings import DAYS, StructureSettings
from seqlab.tasks import Task
from seqlab.unsupervised import Embeddings, Returns, embed_days, embed_rows, join
from seqlab.unsupervised.days import day_errors, split_windows, windows
from seqlab.unsupervised.pca import PrincipalComponents
from tests.forecasting.test_forecasting import made_series

ONE = Compute("cpu", "fp32", 1)


def of_rows(x: np.ndarray, **settings: Any) -> Embeddings:
    return Task(embed_rows(x.astype(np.float32), StructureSettings(**settings), compute=ONE)).result()


def standardised(x: np.ndarray) -> np.ndarray:
    x = x[:, x.std(0) > 0]
    return ((x - x.mean(0)) / x.std(0)).astype(np.float32)


# Principal components


@pytest.mark.parametrize("shape", [(200, 7), (200, 3, 5), (5000, 4)])
def test_principal_components_are_those_of_scikit_learn(shape: tuple[int, ...]) -> None:
    decomposition = pytest.importorskip("sklearn.decomposition")
    x = np.random.default_rng(0).normal(size=shape)
    x = (x * np.linspace(1, 3, x[0].size).reshape(shape[1:]) + 2).astype(np.float32)  # no two variances alike
    flat = x.reshape(len(x), -1)
    theirs = decomposition.PCA(2, svd_solver="full").fit(flat.astype(np.float64))
    ours = PrincipalComponents.fit(torch.from_numpy(x), 2)
    codes, expected = ours.encode(torch.from_numpy(x)).numpy(), theirs.transform(flat)
    signs = np.sign((ours.axes.numpy() * theirs.components_).sum(1))
    np.testing.assert_allclose(ours.axes.numpy() * signs[:, None], theirs.components_, atol=1e-5)
    np.testing.assert_allclose(codes * signs, expected, atol=1e-4)
    back = ours(torch.from_numpy(x)).numpy()
    assert back.shape == shape
    np.testing.assert_allclose(back.reshape(len(x), -1), theirs.inverse_transform(expected), atol=1e-4)


def test_a_plane_is_reconstructed_exactly_and_too_many_axes_are_refused() -> None:
    random = torch.Generator().manual_seed(0)
    plane = torch.randn(50, 2, generator=random) @ torch.randn(2, 6, generator=random) + 3
    torch.testing.assert_close(PrincipalComponents.fit(plane, 2)(plane), plane, rtol=0, atol=1e-5)
    with pytest.raises(ValueError, match="no 7 components"):
        PrincipalComponents.fit(plane, 7)


# The nets


@pytest.mark.usefixtures("float64")
def test_the_sequence_autoencoder_is_two_written_out_lstms_with_only_the_code_between() -> None:
    net = SequenceAutoencoder(3, hidden_size=5, code_size=2)
    for parameter in net.parameters():
        nn.init.normal_(parameter, std=0.5)
    reader, writer = LSTMCell(3, 5), LSTMCell(2, 5)
    for cell, layers in ((reader, net.reader), (writer, net.writer)):
        cell.load_state_dict({name: getattr(layers, f"{name}_l0").detach() for name in cell.state_dict()})
    x = torch.randn(4, 6, 3)
    code = net.code(unroll(reader, x)[-1][0])
    torch.testing.assert_close(net.encode(x), code, rtol=0, atol=1e-12)
    written = net.output(hidden_states(unroll(writer, code[:, None].expand(4, 6, 2))))
    torch.testing.assert_close(net(x), written, rtol=0, atol=1e-12)


@pytest.mark.usefixtures("float64")
@pytest.mark.parametrize("code_size", [1, 2, 3])
@pytest.mark.parametrize("kind", ["rows", "windows"])
def test_outputs_vary_in_as_many_directions_as_the_code_has_numbers(kind: str, code_size: int) -> None:
    """Whatever moves the input, the output moves in `code_size` directions only: the rank of the Jacobian."""
    if kind == "rows":
        net, x = Autoencoder(6, 8, 2, code_size), torch.randn(1, 6)
    else:
        net, x = SequenceAutoencoder(3, 8, 1, code_size), torch.randn(1, 4, 3)
    jacobian = torch.autograd.functional.jacobian(net, x).reshape(x.numel(), x.numel())
    assert torch.linalg.matrix_rank(jacobian, rtol=1e-9) == code_size


# Rows


def curve(rows: int, seed: int = 0) -> np.ndarray:
    """Points along a bent line in six dimensions: one number says where each is, but no straight line does."""
    t = np.random.default_rng(seed).uniform(-1, 1, rows)
    waves = [np.sin(k * t + k) for k in range(1, 4)] + [np.cos(k * t) for k in range(1, 4)]
    return standardised(np.stack(waves, 1))


def test_a_curve_needs_one_number_of_the_net_and_more_of_principal_components() -> None:
    x = curve(600)
    found = of_rows(x, code_size=1, hidden_size=32, max_steps=800)
    share = 1 - PrincipalComponents.fit(torch.from_numpy(x), 1)(torch.from_numpy(x)).sub(torch.from_numpy(x)).square()
    assert found.autoencoder.explained > 0.95 > 0.7 > found.pca.explained
    assert found.autoencoder.codes.shape == (600, 1) and found.pca.codes.shape == (600, 1)
    assert found.pca.explained == pytest.approx(float(share.mean()), abs=0.1)


def test_rows_off_the_line_are_the_most_unusual_and_the_column_that_is_off_is_named() -> None:
    x = curve(500)
    planted = {7: 1, 123: 5, 488: 4}
    for row, column in planted.items():
        x[row, column] += 3 if x[row, column] < 0 else -3  # common by itself, but not in such a row
    found = of_rows(x, code_size=1, hidden_size=32, max_steps=600).autoencoder
    assert set(found.unusual(3)) == set(planted)
    assert {row: found.worst[row] for row in planted} == planted
    assert np.all(np.diff(found.errors[found.unusual(500)]) <= 0)


def test_the_code_of_digits_separates_them_better_than_two_principal_components() -> None:
    datasets = pytest.importorskip("sklearn.datasets")
    from sklearn.model_selection import StratifiedKFold, cross_val_score
    from sklearn.neighbors import KNeighborsClassifier

    pixels, labels = datasets.load_digits(return_X_y=True)
    found = of_rows(standardised(pixels), max_steps=600)
    folds = StratifiedKFold(5, shuffle=True, random_state=0)
    net, pca = (
        cross_val_score(KNeighborsClassifier(10), view.codes, labels, cv=folds).mean()
        for view in (found.autoencoder, found.pca)
    )
    assert net > pca + 0.1  # measured over seeds: 0.88 to 0.91 at full length, and 0.56
    assert found.autoencoder.explained > found.pca.explained


def test_noise_stops_training_early_and_is_not_explained() -> None:
    noise = np.random.default_rng(0).normal(size=(80, 12)).astype(np.float32)
    found = of_rows(noise, max_steps=3000, eval_every=20)
    assert found.steps < 1000  # the loss on the held-out rows rises, and ends it
    assert found.autoencoder.explained < 0.2 and found.pca.explained < 0.2


def test_the_same_seed_gives_the_same_codes_and_another_seed_others() -> None:
    x = curve(100)
    first, again, other = (of_rows(x, max_steps=30, seed=seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first.autoencoder.codes, again.autoencoder.codes)
    np.testing.assert_array_equal(first.autoencoder.errors, again.autoencoder.errors)
    assert not np.array_equal(first.autoencoder.codes, other.autoencoder.codes)
    np.testing.assert_array_equal(first.pca.codes, other.pca.codes)


@pytest.mark.parametrize("shape", [(19, 5), (50, 2), (50, 0), (0, 5)])
def test_too_few_rows_or_columns_are_refused(shape: tuple[int, int]) -> None:
    with pytest.raises(DataError, match=r"too few|no more than"):
        of_rows(np.zeros(shape))


def test_rows_that_are_all_alike_have_no_structure() -> None:
    found = of_rows(np.zeros((30, 4)), max_steps=5)
    assert found.pca.explained == 0 and np.isfinite(found.autoencoder.errors).all()


@pytest.mark.parametrize(
    "settings", [{"window": 1}, {"code_size": 0}, {"val_share": 0.0}, {"val_share": 0.6}, {"max_steps": None}]
)
def test_settings_without_meaning_are_refused(settings: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match=next(iter(settings))):
        StructureSettings(**settings)


# Days


def test_returns_are_joined_on_common_dates() -> None:
    one, other = made_series("ONE", days=300, seed=1), made_series("TWO", days=300, seed=2)
    keep = np.ones(300, bool)
    keep[[5, 6, 50]] = False
    arrays = ("dates", "close", "adjusted", "open", "high", "low", "volume")
    shorter = replace(other, **{name: getattr(other, name)[keep] for name in arrays})
    joined = join([one, shorter])
    assert joined.names == ("ONE", "TWO") and joined.values.shape == (296, 2)
    np.testing.assert_array_equal(joined.dates, one.dates[keep][1:])
    np.testing.assert_allclose(joined.values[4, 0], np.log(one.adjusted[7] / one.adjusted[4]))  # over the gap
    np.testing.assert_allclose(joined.values[:, 1], np.diff(np.log(shorter.adjusted)))
    assert any("297 of the 300 days of ONE" in note for note in joined.notes)
    np.testing.assert_allclose(joined.sizes(), np.abs(joined.values).mean(1))
    np.testing.assert_allclose(joined.standardised().std(0, correction=0), 1, rtol=1e-5)
    assert join([one]).notes == ()


def test_series_without_common_days_are_refused() -> None:
    one = made_series("ONE", days=300)
    with pytest.raises(DataError, match="0 dates in common"):
        join([one, replace(made_series("TWO", days=300), dates=one.dates + 10_000)])


@given(st.integers(1, 40), st.integers(1, 8), st.integers(0, 2**32 - 1))
def test_the_error_of_a_day_is_its_mean_over_the_windows_it_is_in(count: int, length: int, seed: int) -> None:
    errors = np.random.default_rng(seed).random((count, length))
    expected = [
        np.mean([errors[window, day - window] for window in range(count) if 0 <= day - window < length])
        for day in range(length - 1, count + length - 1)
    ]
    np.testing.assert_allclose(day_errors(errors), expected)


def test_windows_are_the_days_in_order() -> None:
    x = torch.arange(20.0).reshape(10, 2)
    found = windows(x, 3)
    assert found.shape == (8, 3, 2)
    for end in range(8):
        torch.testing.assert_close(found[end], x[end : end + 3])


@given(st.integers(2, 25), st.floats(0.05, 0.5), st.integers(0, 2**32 - 1), st.integers(0, 200))
def test_held_out_windows_share_no_day_with_those_trained_on(length: int, share: float, seed: int, more: int) -> None:
    count = 20 * length + more
    train_rows, val_rows = split_windows(count, length, share, seed)
    assert len(train_rows) and len(val_rows)
    days = [{day for window in part for day in range(window, window + length)} for part in (train_rows, val_rows)]
    assert not days[0] & days[1]
    stretches = -(-count // (5 * length))
    assert len(val_rows) <= max(1, round(share * stretches)) * 5 * length


def test_a_day_that_none_resembles_is_the_most_unusual() -> None:
    """Two factors move ten series; on one day the series move against each other as on no other."""
    random = np.random.default_rng(0)
    factors, loads = random.normal(size=(600, 2)), random.normal(size=(2, 10))
    values = 0.01 * (factors @ loads + 0.3 * random.normal(size=(600, 10)))
    values[400] = 0.04 * np.where(np.arange(10) % 2, 1, -1)
    dates = np.datetime64("2020-01-01") + np.arange(600)
    returns = Returns(tuple("ABCDEFGHIJ"), dates, values)
    settings = StructureSettings(**{**DAYS, "window": 5, "max_steps": 100})
    found = Task(embed_days(returns, settings, compute=ONE)).result()
    assert len(found.autoencoder.codes) == len(found.autoencoder.errors) == 596
    assert found.autoencoder.unusual(1)[0] == 400 - 4
    with pytest.raises(DataError, match="too few for windows of 20"):
        few = replace(returns, dates=dates[:300], values=values[:300])
        Task(embed_days(few, StructureSettings())).result()
    with pytest.raises(DataError, match="a window of 20 returns"):
        Task(embed_days(returns, StructureSettings(window=2, code_size=20))).result()


def test_the_most_unusual_days_of_twenty_stocks_are_mostly_those_of_the_largest_moves() -> None:
    """As published with the quotes: of the ten days of largest mean |return|, at least six, and what PCA has beside."""
    series = [one for one in map(snapshot, snapshot_tickers()) if len(one) == 8313]
    assert len(series) == 20
    returns = join(series)
    settings = StructureSettings(**{**DAYS, "max_steps": 600})
    found = Task(embed_days(returns, settings, compute=ONE)).result()
    days = returns.dates[settings.window - 1 :]
    largest = {str(day) for day in days[(-returns.sizes()[settings.window - 1 :]).argsort()[:10]]}
    assert {"2020-03-16", "2008-10-13"} <= largest
    unusual = {str(day) for day in days[found.autoencoder.unusual(10)]}
    assert len(unusual & largest) >= 6, unusual


# The library's answer


FEW = {"max_steps": 20, "hidden_size": 8, "threads": 1, "device": "cpu", "seed": 3}


def test_a_data_frame_is_a_table_and_the_answer_shows_itself() -> None:
    frame = pd.DataFrame(curve(60), columns=list("abcdef"))
    found = seqlab.structure(frame, **FEW)
    answer = found.to_dict(top=3)
    assert (answer["rows"], answer["columns"], len(answer["unusual"])) == (60, 6, 3)
    chosen = frame.set_axis(np.random.default_rng(0).permutation(60))  # rows that were drawn keep their old numbers
    assert seqlab.structure(chosen, **FEW).to_dict(top=3) == answer
    first = answer["unusual"][0]
    rows = found.to_frame().set_index("row")
    assert list(rows) == ["error", "code_1", "code_2", "pca_error", "pca_1", "pca_2"]
    assert rows["error"].idxmax() == first["row"] and rows["error"].max() == first["error"]
    assert [len(axes.collections[1].get_offsets()) for axes in found.plot(top=3).axes] == [3, 3]
    assert str(first["row"]) in found._repr_html_() and first["worst"] in found._repr_html_()


def test_series_are_joined_whatever_they_come_in_and_each_is_taken_once() -> None:
    one = snapshot("KO")
    closes = pd.Series(one.close, pd.DatetimeIndex(one.dates), name="KO")
    own = seqlab.structure([closes, "pep", "PEP"], offline=True, window=5, **FEW)
    theirs = seqlab.structure(["KO", "PEP"], offline=True, window=5, **FEW)
    assert own.columns == theirs.columns == ("KO", "PEP")
    assert own.to_dict()["largest_moves"][0]["date"] == theirs.to_dict()["largest_moves"][0]["date"]
    np.testing.assert_allclose(own.to_frame()["error"], theirs.to_frame()["error"], rtol=1e-3)
    assert own.to_frame()["date"].dt.year.min() == 1990 and list(own.to_frame())[-1] == "mean_abs_return"


def test_a_frame_with_columns_named_holds_series() -> None:
    one = snapshot("KO")
    frame = pd.DataFrame({"close": one.close, "note": 1.0}, pd.DatetimeIndex(one.dates))
    assert seqlab.structure(frame, columns=["close"], window=5, **FEW).kind == "date"
    assert seqlab.structure(frame[["close"]], freq="W", window=5, **FEW).kind == "date"
    with pytest.raises(UsageError, match="nothing to find"):
        seqlab.structure([])
