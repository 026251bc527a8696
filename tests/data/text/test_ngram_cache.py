"""The n-gram cache: against a search written out; its batches, and the net and the engine that read it."""

from functools import partial

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from seqlab.data.text import ngram_batches, ngram_cache
from seqlab.data.text.ngram_batches import NgramBatches
from seqlab.data.text.ngram_cache import CONFIDENCES, CONTEXTS, LONGEST_WORD, ORDERS, SLOTS, NgramCache, candidates_at
from seqlab.models.recurrent import RecurrentLanguageModel
from seqlab.sampling import Engine

LETTERS = np.arange(9) < 3  # three letters, six others
repetitive = st.lists(st.sampled_from([[0], [1], [0, 1, 1], [2] * 5, list(range(9)) * 3]), max_size=30).map(
    lambda parts: [token for part in parts for token in part]
)


def bucket(run: int) -> int:
    return sum(run >= edge for edge in (2, 3, 5, 9, 17, 33))


def words(text: list[int]) -> tuple[list[int], list[int]]:
    """The word that a text ends in, and the one before it; empty without one."""
    found: list[list[int]] = [[]]
    for token in text:
        if LETTERS[token]:
            found[-1].append(token)
        elif found[-1]:
            found.append([])
    return found[-1], found[-2] if len(found) > 1 else []


def contexts(text: list[int]) -> list[object]:
    """What the token after a text stands in: one of each kind, or None."""
    word, before = words(text)
    long, long_before = len(word) > LONGEST_WORD, len(before) > LONGEST_WORD
    ngrams = [text[len(text) - order :] if len(text) >= order else None for order in ORDERS]
    return [*ngrams, word if word and not long else None, (before, word) if before and not long | long_before else None]


def searched(text: list[int], end: list[int], kind: int) -> tuple[int, int, int, int]:
    """(latest, confidence, other, confidence) that followed in a text in the context of one kind that `end` ends in."""
    context = contexts(end)[kind]
    followed = [text[i] for i in range(len(text)) if contexts(text[:i])[kind] == context]
    if context is None or not followed:
        return 0, 0, 0, 0
    run = next((n for n, token in enumerate(reversed(followed)) if token != followed[-1]), len(followed))
    before = followed[: len(followed) - run]
    confidence = 1 + 2 * bucket(run) + bool(before)
    if not before:
        return followed[-1], confidence, 0, 0
    other = next((n for n, token in enumerate(reversed(before)) if token != before[-1]), len(before))
    return followed[-1], confidence, before[-1], 1 + 2 * bucket(other) + (run > 1)


@given(repetitive, st.data())
@settings(deadline=None, max_examples=60)
def test_the_cache_is_a_search_through_what_was_read(text: list[int], data: st.DataObject) -> None:
    since = data.draw(st.integers(0, len(text)))
    start = data.draw(st.integers(since, len(text)))
    candidates, confidences = candidates_at(np.array(text, np.uint8), start, len(text), since, LETTERS)
    assert candidates.shape == confidences.shape == (len(text) - start, SLOTS)
    for place in range(start, len(text)):
        expected = [searched(text[since:place], text[since:place], kind) for kind in range(CONTEXTS)]
        row, certain = candidates[place - start], confidences[place - start]
        assert [int(x) for x in certain] == [x[1] for x in expected] + [x[3] for x in expected]
        values = [x[0] for x in expected] + [x[2] for x in expected]
        assert [int(x) for x, one in zip(row, certain, strict=True) if one] == [
            x for x, one in zip(values, certain, strict=True) if one
        ]


def test_token_by_token_the_cache_is_that_of_the_whole_text_also_beyond_its_window(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(ngram_cache, "WINDOW", 64)
    monkeypatch.setattr(ngram_cache, "BLOCK", 32)
    text = np.random.default_rng(0).integers(0, 3, 400).astype(np.uint16)
    cache = NgramCache(LETTERS)
    for place, token in enumerate(text):
        expected = candidates_at(text, place, place + 1, ngram_cache.window_start(place), LETTERS)
        candidates, confidences = cache.candidates()
        assert confidences == expected[1][0].tolist(), place
        assert candidates == expected[0][0].tolist(), place
        cache.append(int(token))


@pytest.mark.parametrize(("between", "is_known"), [(40, True), (120, False)])
def test_what_is_further_back_than_a_window_and_a_block_is_forgotten(
    between: int, is_known: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So that what a long text takes in memory has a bound."""
    monkeypatch.setattr(ngram_cache, "WINDOW", 64)
    monkeypatch.setattr(ngram_cache, "BLOCK", 32)
    text = np.array([1, 2, 3, *[0] * between, 1, 2], np.uint8)
    since = ngram_cache.window_start(len(text))
    for confidences in (
        NgramCache(LETTERS, text.tolist()).candidates()[1],
        candidates_at(np.append(text, 0), len(text), len(text) + 1, since, LETTERS)[1][0],
    ):
        assert (confidences[0] > 0) == is_known


@pytest.mark.parametrize("start", [0, 3])
def test_batches_carry_the_candidates_for_their_targets(start: int, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (ngram_cache, ngram_batches):
        monkeypatch.setattr(module, "BLOCK", 64)
    monkeypatch.setattr(ngram_cache, "WINDOW", 100)
    text = np.random.default_rng(1).integers(0, 3, 1000).astype(np.uint8)
    batches = NgramBatches(text, 3, 7, LETTERS)
    width = batches.streams.width
    for index, ((tokens, candidates, confidences, reset_mask), targets) in enumerate(batches.epoch(0, start), start):
        assert not reset_mask.any() and torch.equal(tokens[:, 1:], targets[:, :-1].clamp(0))
        for row, column in np.ndindex(*targets.shape):
            place = 1 + row * width + index * 7 + column
            if place < len(text):
                expected = candidates_at(text, place, place + 1, ngram_cache.window_start(place), LETTERS)
                assert candidates[row, column].tolist() == expected[0][0].tolist()
                assert confidences[row, column].tolist() == expected[1][0].tolist()


def test_stretches_with_an_emptied_cache_have_no_candidates_from_before(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(NgramBatches, "STRETCH", 4)
    text = np.tile(np.arange(5, dtype=np.uint8), 200)
    whole = list(NgramBatches(text, 4, 10, LETTERS, reset_prob=0.6, seed=1).epoch(2))
    begun = torch.stack([inputs[3] for inputs, _ in whole])
    assert 0.4 < begun[::4].float().mean() < 0.8 and not begun[1::4].any()
    for index, row in begun.nonzero().tolist():
        assert not whole[index][0][2][row, :4].any()  # no context that stood before
    assert any(whole[index][0][2][row, 9].any() for index, row in begun.nonzero().tolist())  # then some have
    for (inputs, targets), (again, same) in zip(
        whole[6:], NgramBatches(text, 4, 10, LETTERS, reset_prob=0.6, seed=1).epoch(2, 6), strict=True
    ):
        assert torch.equal(targets, same) and all(map(torch.equal, inputs, again))


def matching_net(cell: str = "lstm") -> RecurrentLanguageModel:
    torch.manual_seed(0)
    net = RecurrentLanguageModel(4, cell, 6, 10, 2, slots=SLOTS, confidences=CONFIDENCES).eval()
    assert net.match_model is not None
    torch.nn.init.normal_(net.match_model.copy_logits)
    for layer in (net.match_model.gate, net.match_model.correction):
        torch.nn.init.normal_(layer.weight, std=0.3)
    return net


def read(net: RecurrentLanguageModel, text: np.ndarray) -> torch.Tensor:
    batches = NgramBatches(text, 1, len(text) - 1, LETTERS)
    ((inputs, _),) = batches.epoch(0)
    with torch.inference_mode():
        return net(inputs)[0][0]


def test_the_match_model_is_its_equations() -> None:
    net, text = matching_net(), np.tile(np.array([0, 1, 2, 0, 1, 3], np.uint8), 4)
    ((inputs, _),) = NgramBatches(text, 1, len(text) - 1, LETTERS).epoch(0)
    tokens, candidates, confidences, _ = (part[0] for part in inputs)
    with torch.inference_mode():
        alone, mixed, _ = net.alone_and_mixed(inputs)
        outputs, _ = net.layers(net.embedding(tokens[None]))
        assert torch.equal(alone, net(tokens[None])[0])  # the layers do not see the cache
        match = net.match_model
        for place in range(len(tokens)):
            logits, known = alone[0, place], confidences[place] > 0
            log_probs = torch.tensor([max(logits.log_softmax(0)[c].item(), -12.0) for c in candidates[place]]) * known
            rows = [slot * CONFIDENCES + int(one) for slot, one in enumerate(confidences[place])]
            evidence = match.confidence.weight[rows].sum(0) + match.state(outputs[0, place])
            for slot in known.nonzero().flatten().tolist():
                evidence += match.strength[rows[slot]] * match.candidate.weight[candidates[place, slot]]
            evidence = (evidence + match.probability.weight @ log_probs).relu()
            gates, added = match.gate(evidence).exp(), match.correction(evidence)
            expected = logits * gates[-1] + added if known.any() else logits.clone()
            for slot in known.nonzero().flatten().tolist():
                expected[candidates[place, slot]] += match.copy_logits[rows[slot]] * gates[slot]
            torch.testing.assert_close(mixed[0, place], expected, atol=1e-4, rtol=1e-4)
    assert torch.equal(mixed[0, :3], alone[0, :3])  # 0 1 2: no two tokens stood there before
    assert not torch.equal(mixed[0, 8:], alone[0, 8:])


@pytest.mark.parametrize("cell", ["rnn", "gru", "lstm"])
def test_the_engine_reads_the_cache_as_the_net_does(cell: str) -> None:
    net, text = matching_net(cell), np.tile(np.array([0, 1, 1, 2], np.uint8), 20)
    engine = Engine(cell, net.state_dict(), "fp32", partial(NgramCache, LETTERS))
    stepped = torch.cat([engine.step(torch.tensor([int(token)])) for token in text[:-1]])
    assert torch.allclose(stepped, read(net, text), atol=1e-5)


def test_samples_have_candidates_from_their_prompt_and_not_from_what_they_generate() -> None:
    net = matching_net()
    engine = Engine("lstm", net.state_dict(), "fp32", partial(NgramCache, LETTERS))
    prompt, ends = [0, 1, 2, 0, 1], ([2, 0, 1, 2, 0], [3, 0, 1, 3, 0])
    for token in prompt:
        engine.step(torch.tensor([token]))
    engine.repeat(2)
    both = torch.stack([engine.step(torch.tensor(pair)) for pair in zip(*ends, strict=True)], 1)  # (2, 5, V)
    for end, together in zip(ends, both, strict=True):
        text, state = torch.tensor([[*prompt, *end]]), None
        for place in range(text.shape[1]):
            read = text[0, : place + 1].tolist()
            found = [searched(read[: len(prompt)], read, kind) for kind in range(CONTEXTS)]
            cached = [[one[k] for k in slots for one in found] for slots in ((0, 2), (1, 3))]
            inputs = (text[:, place : place + 1], *(torch.tensor(part)[None, None] for part in cached))
            with torch.inference_mode():
                logits, state = net((*inputs, torch.zeros(1, dtype=torch.bool)), state)
            if place >= len(prompt):
                assert torch.allclose(together[place - len(prompt)], logits[0, 0], atol=1e-5)
