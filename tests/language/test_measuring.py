"""The last measurement: of a part of a text, where time or a signal ends it."""

import itertools
import math
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from seqlab import language
from seqlab.data.text.corpus import Vocab
from seqlab.language.evaluate import EVALUATION_LENGTH, _reach, measuring
from seqlab.machine import Compute
from seqlab.models.recurrent import RecurrentLanguageModel
from seqlab.tasks import Task

DEVICE = Compute("cpu", "fp32", 1).resolve(0)
VOCAB = Vocab.of("abcdefgh \n")


@pytest.fixture(scope="module")
def model() -> RecurrentLanguageModel:
    torch.manual_seed(0)
    return RecurrentLanguageModel(len(VOCAB), "lstm", 4, 8, 1)


@pytest.fixture(scope="module")
def tokens() -> np.ndarray:
    return np.random.default_rng(0).integers(0, len(VOCAB), 20 * EVALUATION_LENGTH + 1)


def test_all_of_a_text_is_what_evaluate_says(model: RecurrentLanguageModel, tokens: np.ndarray) -> None:
    whole = Task(measuring(model, VOCAB, tokens, DEVICE, seconds=1e9)).result()
    assert whole == language.evaluate(model, VOCAB, tokens, DEVICE)
    assert "interval" not in whole and "of_chars" not in whole


@pytest.mark.parametrize("batches", [1, 7, 19])
def test_a_part_is_stated_and_measured_as_if_it_were_all(
    model: RecurrentLanguageModel, tokens: np.ndarray, batches: int
) -> None:
    asked = itertools.count(1)
    found = Task(measuring(model, VOCAB, tokens, DEVICE, stop=lambda: next(asked) >= batches)).result()
    part = language.evaluate(model, VOCAB, tokens[: batches * EVALUATION_LENGTH + 1], DEVICE)
    assert found["chars"] == batches * EVALUATION_LENGTH and found["of_chars"] == len(tokens) - 1
    assert found["bits_per_char"] == pytest.approx(part["bits_per_char"], rel=1e-9)
    if batches == 1:
        assert "interval" not in found  # one piece says nothing of the others
    else:
        low, high = found["interval"]["bits_per_char"]
        assert low < found["bits_per_char"] < high


def test_it_ends_when_its_time_is_over(
    model: RecurrentLanguageModel, tokens: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    import sys

    clock = itertools.count()  # a second between two looks at it
    monkeypatch.setattr(
        sys.modules["seqlab.language.evaluate"], "time", SimpleNamespace(perf_counter=lambda: next(clock))
    )
    found = Task(measuring(model, VOCAB, tokens, DEVICE, seconds=4.5)).result()
    assert found["chars"] == 5 * EVALUATION_LENGTH


def test_the_interval_holds_the_whole_as_often_as_it_says() -> None:
    """Of losses that hang together over some tens of batches, of which half were read."""
    chance, held = np.random.default_rng(1), 0
    for _ in range(300):
        noise = chance.normal(size=2400)
        losses = 2 + np.convolve(noise, np.ones(5) / 5, mode="same")
        read, counts = losses[:1200], np.full(1200, 256)
        held += abs(read.mean() - losses.mean()) < _reach(read, counts, 256 * 2400)
    assert 0.9 < held / 300 < 0.99
    assert _reach(losses[:1], counts[:1], 10_000) == math.inf
