"""The one-character engine against the model itself, and the draws against their distribution."""

import math
import warnings
from collections.abc import Mapping
from functools import partial
from typing import Any
from unittest import mock

import numpy as np
import pytest
import torch
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from seqlab import checkpoint, language
from seqlab.data.text.ngram_batches import NgramBatches
from seqlab.data.text.ngram_cache import NgramCache
from seqlab.errors import UsageError
from seqlab.models.recurrent import KINDS, RecurrentLanguageModel
from seqlab.sampling import Engine, Sampling, sample
from seqlab.sampling.products import int8, int8_step

VOCAB, HIDDEN = 9, 8
Linux = tuple[Mapping[str, torch.Tensor], torch.Tensor, torch.Tensor]

# The engine, step by step


def drawn_model(cell: str, num_layers: int) -> RecurrentLanguageModel:
    torch.manual_seed(4)
    model = RecurrentLanguageModel(
        VOCAB, cell, embedding_size=5, hidden_size=HIDDEN, num_layers=num_layers, dropout=0.5
    )
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.8)
    for n in range(num_layers):  # smaller, so that the simple cell is not chaotic: there nothing could agree
        torch.nn.init.normal_(getattr(model.layers, f"weight_hh_l{n}"), std=0.25)
    return model.eval()


@pytest.mark.parametrize("batch_size", [1, 3])
@pytest.mark.parametrize("num_layers", [1, 2, 3])
@pytest.mark.parametrize("cell", KINDS)
@pytest.mark.parametrize(("precision", "bound"), [("fp32", 1e-5), ("bf16", 0.06)])
def test_the_engine_agrees_with_the_model(
    cell: str, num_layers: int, batch_size: int, precision: str, bound: float
) -> None:
    """bf16 keeps 8 bits: products are off by up to 2^-8 of their size, here logits of size 2 over 20 steps."""
    model = drawn_model(cell, num_layers)
    tokens = torch.randint(0, VOCAB, (batch_size, 20))
    engine = Engine(cell, model.state_dict(), precision)
    engine.reset(batch_size)
    stepped = torch.stack([engine.step(tokens[:, t]) for t in range(20)], dim=1)
    with torch.no_grad():
        expected, _ = model(tokens)
    assert stepped.dtype == torch.float32 and stepped.shape == (batch_size, 20, VOCAB)
    assert expected.std() > 0.5
    difference = (stepped - expected).abs()
    assert difference.max() < bound and difference.mean() < bound / 5


@pytest.mark.parametrize("cell", KINDS)
def test_the_engine_takes_half_precision_weights(cell: str) -> None:
    model = drawn_model(cell, 2).half().float()
    stored = {name: t.half() for name, t in model.state_dict().items()}
    engine, exact = Engine(cell, stored, "fp32"), Engine(cell, model.state_dict(), "fp32")
    assert torch.equal(engine.step(torch.tensor([3])), exact.step(torch.tensor([3])))


def test_a_reset_engine_begins_again() -> None:
    engine = Engine("lstm", drawn_model("lstm", 2).state_dict(), "fp32")
    first = engine.step(torch.tensor([1]))
    second = engine.step(torch.tensor([1]))
    assert not torch.equal(first, second)
    engine.reset(1)
    assert torch.equal(engine.step(torch.tensor([1])), first)


@pytest.mark.parametrize("cell", KINDS)
def test_a_repeated_engine_goes_on_in_every_row(cell: str) -> None:
    engine, alone = (Engine(cell, drawn_model(cell, 2).state_dict(), "fp32") for _ in range(2))
    for token in (1, 2, 3):
        engine.step(torch.tensor([token]))
        alone.step(torch.tensor([token]))
    engine.repeat(3)
    expected = alone.step(torch.tensor([4])).expand(3, -1)
    torch.testing.assert_close(engine.step(torch.tensor([4, 4, 4])), expected, rtol=0, atol=1e-6)


# In int8

needs_int8 = pytest.mark.skipif("fbgemm" not in torch.backends.quantized.supported_engines, reason="no int8 kernels")
corners = st.sampled_from([-1.0, 0.0, 1.0]) | st.floats(-1, 1, width=32)


@needs_int8
@given(st.data(), st.integers(1, 40), st.integers(1, 70), st.integers(1, 3))
@settings(deadline=None)
def test_an_int8_product_is_exact_up_to_its_rounding(data: st.DataObject, rows: int, columns: int, batch: int) -> None:
    """Also with inputs and weights at their ends, where 16-bit sums of two products would saturate."""
    weight = torch.from_numpy(data.draw(arrays(np.float32, (rows, columns), elements=corners)))
    x = torch.from_numpy(data.draw(arrays(np.float32, (batch, columns), elements=corners)))
    bias = torch.linspace(-1, 1, rows)
    step = int8_step(weight)  # (O,)
    whole = (weight.double() / step[:, None]).round()
    integers = (x.double() * 127).round()
    got = int8(weight, bias)(x)
    torch.testing.assert_close(got.double(), integers @ whole.T * step / 127 + bias, rtol=1e-5, atol=1e-5)
    bound = (x.abs().sum(1, keepdim=True) * step + weight.abs().sum(1) / 127) / 2 + columns * step / 508
    assert ((got - (x.double() @ weight.double().T + bias)).abs() <= 1.001 * bound + 1e-5).all()


@needs_int8
@given(st.sampled_from(list(KINDS)), st.integers(1, 3), st.integers(1, 48), st.integers(0, 10_000))
@settings(deadline=None, max_examples=60)
def test_an_int8_engine_agrees_with_the_model(cell: str, num_layers: int, hidden_size: int, seed: int) -> None:
    """Nets as torch initialises them, which forget: the errors of some steps add up, and no more."""
    torch.manual_seed(seed)
    model = RecurrentLanguageModel(VOCAB, cell, 5, hidden_size, num_layers).eval()
    tokens = torch.randint(0, VOCAB, (2, 20))
    with mock.patch("seqlab.sampling.products.LARGE", 0):
        engine = Engine(cell, model.state_dict())
    engine.reset(2)
    got = torch.stack([engine.step(tokens[:, t]) for t in range(20)], dim=1).log_softmax(2)
    with torch.no_grad():
        expected = model(tokens)[0].log_softmax(2)
    assert (got - expected).abs().max() < 0.05


@pytest.fixture(scope="module")
def linux() -> Linux:
    """The shipped model's weights, 4,000 characters of text as it writes it, and their log-probabilities in fp32."""
    shipped = language.load(checkpoint.load(checkpoint.shipped_folder() / "linux"))
    written = language.generate(shipped, prompt="static int ", length=4_000, seed=1, precision="fp32")
    tokens = shipped.vocab.encode("".join(char.text for char in written))
    ((inputs, _),) = NgramBatches(tokens.numpy(), 1, len(tokens) - 1, shipped.vocab.letters).epoch(0)
    with torch.no_grad():
        expected = shipped.model(inputs)[0][0].log_softmax(1)
    tokens = tokens.long()
    return shipped.model.state_dict(), tokens, expected


@pytest.mark.parametrize(
    ("precision", "bits", "nats"), [("fp32", 1e-5, 1e-3), ("bf16", 0.002, 0.1), ("auto", 0.005, 0.25)]
)
def test_the_shipped_model_keeps_its_figures(linux: Linux, precision: str, bits: float, nats: float) -> None:
    weights, tokens, expected = linux
    engine = Engine("lstm", weights, precision, partial(NgramCache, weights["match_model.letters"].numpy()))
    got = torch.cat([engine.step(token[None]) for token in tokens[:-1]]).log_softmax(1)
    paid, due = (-log_probs.gather(1, tokens[1:, None])[:, 0] for log_probs in (got, expected))
    assert (paid - due).mean().abs() / math.log(2) < bits
    assert (paid - due).abs().quantile(0.99) < nats


# The distribution that is drawn from

some_logits = arrays(np.float64, st.integers(1, 30), elements=st.floats(-30, 30))


def softmax(logits: np.ndarray) -> np.ndarray:
    p = np.exp(logits - logits.max())
    return p / p.sum()


@given(some_logits, st.floats(0, 5), st.none() | st.integers(1, 40), *[st.none() | st.floats(1e-6, 1)] * 2)
@example(np.array([0.0, 1e-20]), 1.0, 1, None, None)  # two logits, one probability
def test_probabilities_add_up_to_one(
    logits: np.ndarray, temperature: float, top_k: int | None, top_p: float | None, min_p: float | None
) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        p = Sampling(temperature, top_k, top_p, min_p).probabilities(logits)
    assert p.shape == logits.shape and (p >= 0).all()
    assert p.sum() == pytest.approx(1, abs=1e-12)
    assert p[np.argmax(logits)] == p.max() > 0  # the likeliest always stays the likeliest
    if top_k is not None:
        assert (p > 0).sum() <= top_k


@given(some_logits, st.floats(0.05, 20))
def test_temperature_divides_the_logits(logits: np.ndarray, temperature: float) -> None:
    np.testing.assert_allclose(Sampling(temperature).probabilities(logits), softmax(logits / temperature), atol=1e-12)


@given(some_logits)
def test_limits_of_the_temperature(logits: np.ndarray) -> None:
    certain = Sampling(0).probabilities(logits)
    assert certain.tolist() == [float(i == np.argmax(logits)) for i in range(len(logits))]
    np.testing.assert_allclose(Sampling(1e9).probabilities(logits), 1 / len(logits), atol=1e-6)
    ahead = np.sort(logits)[::-1]
    assume(len(ahead) == 1 or ahead[0] - ahead[1] > 1e-3)
    np.testing.assert_allclose(Sampling(1e-6).probabilities(logits), certain, atol=1e-12)


@given(some_logits, st.integers(1, 40))
def test_top_k_keeps_exactly_the_k_likeliest(logits: np.ndarray, k: int) -> None:
    p, full = Sampling(top_k=k).probabilities(logits), softmax(logits)
    kept = p > 0
    assert kept.sum() == min(k, len(logits))
    assert kept.all() or full[kept].min() >= full[~kept].max()
    np.testing.assert_allclose(p[kept], full[kept] / full[kept].sum(), rtol=1e-9)


@given(some_logits, st.floats(0.01, 0.999))
def test_top_p_keeps_the_smallest_set_of_that_mass(logits: np.ndarray, top_p: float) -> None:
    p, full = Sampling(top_p=top_p).probabilities(logits), softmax(logits)
    kept = p > 0
    assert full[kept].sum() >= top_p - 1e-12  # enough of it
    assert full[kept].sum() - full[kept].min() < top_p + 1e-12  # and not one token more
    assert kept.all() or full[kept].min() >= full[~kept].max()
    np.testing.assert_allclose(p[kept], full[kept] / full[kept].sum(), rtol=1e-9)


@given(some_logits, st.floats(0.001, 1), st.floats(0.2, 3))
def test_min_p_keeps_what_is_that_probable_beside_the_likeliest(
    logits: np.ndarray, min_p: float, temperature: float
) -> None:
    p, full = Sampling(temperature, min_p=min_p).probabilities(logits), softmax(logits / temperature)
    kept, ratio = p > 0, full / full.max()
    assert (ratio[kept] >= min_p - 1e-9).all() and (ratio[~kept] < min_p + 1e-9).all()
    np.testing.assert_allclose(p[kept], full[kept] / full[kept].sum(), rtol=1e-9)


@given(
    arrays(np.float64, st.tuples(st.integers(1, 4), st.integers(1, 12)), elements=st.floats(-30, 30)),
    st.sampled_from([0.0, 0.7, 1.0]),
    st.none() | st.integers(1, 14),
    st.none() | st.floats(0.01, 1),
    st.none() | st.floats(0.01, 1),
)
def test_many_rows_are_as_each_of_them(
    logits: np.ndarray, temperature: float, top_k: int | None, top_p: float | None, min_p: float | None
) -> None:
    sampling = Sampling(temperature, top_k, top_p, min_p)
    together = sampling.probabilities(logits)
    np.testing.assert_allclose(together, [sampling.probabilities(row) for row in logits], atol=1e-15)


def test_top_p_of_what_top_k_left() -> None:
    logits = np.log([0.4, 0.3, 0.2, 0.1])
    # of the two likeliest, 4/7 and 3/7: half the mass is the first alone
    assert Sampling(top_k=2, top_p=0.5).probabilities(logits).tolist() == [1, 0, 0, 0]
    np.testing.assert_allclose(Sampling(top_k=2, top_p=0.6).probabilities(logits), [4 / 7, 3 / 7, 0, 0])


@pytest.mark.parametrize(("top_p", "kept"), [(0.2, 1), (0.25, 1), (0.26, 2), (0.5, 2), (0.75, 3), (1.0, 4)])
def test_top_p_stops_where_the_mass_is_reached_exactly(top_p: float, kept: int) -> None:
    expected = [1 / kept] * kept + [0.0] * (4 - kept)  # of equal ones the first are taken
    assert Sampling(top_p=top_p).probabilities(np.zeros(4)) == pytest.approx(expected)


@pytest.mark.parametrize("temperature", [5e-324, 1e-300, 1e-12, 1e300])
def test_extreme_temperatures_warn_of_nothing(temperature: float) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        p = Sampling(temperature).probabilities(np.array([1.0, -np.inf, 3.0]))
    assert p[1] == 0 and p.sum() == pytest.approx(1) and np.isfinite(p).all()


@pytest.mark.parametrize(
    ("wrong", "option"),
    [
        *(({"temperature": value}, "--temperature") for value in (-1.0, float("inf"), float("nan"))),
        *(({"top_k": value}, "--top-k") for value in (0, -2)),
        *(({"top_p": value}, "--top-p") for value in (0.0, 1.5, -0.1, float("nan"))),
        *(({"min_p": value}, "--min-p") for value in (0.0, 1.5, -0.1, float("nan"))),
    ],
)
def test_values_without_meaning_are_refused(wrong: dict[str, float], option: str) -> None:
    with pytest.raises(UsageError, match=option):
        Sampling(**wrong)


# Draws


class Fixed:
    """In place of an engine: the same logits whatever came before."""

    def __init__(self, logits: list[float]) -> None:
        self.logits, self.fed = torch.tensor([logits]), []

    def reset(self, batch_size: int) -> None:
        self.fed.clear()

    def repeat(self, batch_size: int) -> None:
        pass

    def step(self, tokens: torch.Tensor) -> torch.Tensor:
        self.fed.append(tokens.tolist())
        return self.logits.expand(len(tokens), -1)


def draw(*given: Any, **options: Any) -> list[tuple[int, float]]:
    """One sample: its tokens and their log-probabilities."""
    return [(int(token), float(log_prob)) for (token,), (log_prob,) in sample(*given, **options)]


LOGITS = [0.0, 1.0, -1.0, 2.0, 0.5, -3.0]


@pytest.mark.parametrize(
    "sampling",
    [Sampling(), Sampling(0.5), Sampling(top_k=3), Sampling(top_p=0.8), Sampling(2.0, 4, 0.9), Sampling(min_p=0.3)],
    ids=repr,
)
def test_frequencies_are_the_probabilities(sampling: Sampling) -> None:
    """Chi-square of 6,000 draws; exceeded by chance once in a thousand."""
    draws = [token for token, _ in draw(Fixed(LOGITS), [0], 6_000, sampling, seed=1)]
    expected = 6_000 * sampling.probabilities(np.array(LOGITS))
    counts = np.bincount(draws, minlength=6)
    possible = expected > 0
    assert (counts[~possible] == 0).all()
    statistic = ((counts - expected)[possible] ** 2 / expected[possible]).sum()
    assert statistic < {1: 10.8, 2: 13.8, 3: 16.3, 4: 18.5, 5: 20.5}[possible.sum() - 1]


def test_draws_do_not_depend_on_each_other() -> None:
    draws = np.array([token for token, _ in draw(Fixed([0.0, 0.0]), [0], 6_000, Sampling(), seed=2)])
    pairs = np.bincount(2 * draws[:-1] + draws[1:], minlength=4)
    assert ((pairs - 1500) ** 2 / 1500).sum() < 16.3


def test_log_probabilities_are_the_models_own() -> None:
    """Before temperature and cuts: what the model would have paid for the character."""
    expected = torch.tensor(LOGITS, dtype=torch.float64).log_softmax(0)
    for sampling in (Sampling(), Sampling(0.1), Sampling(5.0, 2)):
        for token, log_prob in draw(Fixed(LOGITS), [0], 50, sampling, never=(1,)):
            assert log_prob == pytest.approx(expected[token].item(), abs=1e-6)


def test_tokens_that_must_not_come_never_do() -> None:
    for sampling in (Sampling(), Sampling(0.0), Sampling(top_k=1), Sampling(top_p=0.5), Sampling(50.0)):
        drawn = {token for token, _ in draw(Fixed(LOGITS), [0], 500, sampling, never=(3, 5))}
        assert drawn and not drawn & {3, 5}


def test_every_drawn_token_is_fed_back_after_the_prompt() -> None:
    engine = Fixed(LOGITS)
    drawn = [token for token, _ in draw(engine, [5, 4], 10, Sampling(), seed=3)]
    assert engine.fed[:12] == [[token] for token in (5, 4, *drawn)]


def test_the_same_seed_draws_the_same_and_another_another() -> None:
    engine = Engine("gru", drawn_model("gru", 2).state_dict(), "fp32")

    def drawn(seed: int) -> list[tuple[int, float]]:
        torch.manual_seed(seed + 17)  # of no importance
        np.random.seed(seed)
        return list(draw(engine, [1, 2], 60, Sampling(), seed=seed))

    first = drawn(5)
    assert drawn(6) != first
    assert drawn(5) == first
    shorter = [pair for pair, _ in zip(draw(engine, [1, 2], 60, Sampling(), seed=5), range(7), strict=False)]
    assert shorter == first[:7]


def test_a_sample_is_scored_as_the_model_scores_it() -> None:
    model = drawn_model("lstm", 2)
    drawn = list(draw(Engine("lstm", model.state_dict(), "fp32"), [1, 2], 30, Sampling(0.8), seed=5))
    tokens = torch.tensor([[1, 2, *(token for token, _ in drawn)]])
    with torch.no_grad():
        log_probs = model(tokens[:, :-1])[0].log_softmax(2)[0, 1:]
    expected = log_probs.gather(1, tokens[0, 2:, None])[:, 0]
    np.testing.assert_allclose([log_prob for _, log_prob in drawn], expected, atol=1e-5)


def test_samples_of_a_batch_are_each_their_own() -> None:
    together = np.array([tokens for tokens, _ in sample(Fixed(LOGITS), [0], 400, Sampling(), samples=4, seed=9)])
    fewer = np.array([tokens for tokens, _ in sample(Fixed(LOGITS), [0], 400, Sampling(), samples=2, seed=9)])
    alone = [token for token, _ in draw(Fixed(LOGITS), [0], 400, Sampling(), seed=9)]
    assert (together[:, :2] == fewer).all() and together[:, 0].tolist() == alone  # whatever stands beside them
    p = Sampling().probabilities(np.array(LOGITS))
    for k in range(3):  # independent: two of them agree as often as chance has it
        agree = (together[:, k] == together[:, k + 1]).sum()
        assert abs(agree - 400 * (p @ p)) < 4 * np.sqrt(400 * (p @ p) * (1 - p @ p))


@pytest.mark.parametrize("cell", KINDS)
def test_samples_of_a_batch_are_scored_as_the_model_scores_each(cell: str) -> None:
    model = drawn_model(cell, 2)
    drawn = list(sample(Engine(cell, model.state_dict(), "fp32"), [1, 2], 30, Sampling(0.8, min_p=0.02), samples=5))
    written = torch.from_numpy(np.stack([tokens for tokens, _ in drawn], 1))  # (5, 30)
    tokens = torch.cat([torch.tensor([[1, 2]]).expand(5, -1), written], 1)
    with torch.no_grad():
        log_probs = model(tokens[:, :-1])[0].log_softmax(2)[:, 1:]
    expected = log_probs.gather(2, written[:, :, None])[:, :, 0]
    np.testing.assert_allclose(np.stack([log_probs for _, log_probs in drawn], 1), expected, atol=1e-5)


def test_the_wildest_temperature_draws_all_alike() -> None:
    counts = np.bincount([token for token, _ in draw(Fixed(LOGITS), [0], 6_000, Sampling(1.7e308))], minlength=6)
    assert ((counts - 1_000) ** 2 / 1_000).sum() < 20.5
