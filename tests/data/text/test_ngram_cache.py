"""What a text says of its next character: against a search written out, and the net and the engine that use it."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from seqlab.data.batches import RecallBatches
from seqlab.data.text import ngram_cache as recalling
from seqlab.data.text.ngram_cache import CONFIDENCES, ORDERS, SLOTS, History, recall
from seqlab.models.recurrent import RecurrentLanguageModel
from seqlab.sampling import Engine

repetitive = st.lists(st.sampled_from([[0], [1], [0, 1, 1], [2] * 5, list(range(9)) * 3]), max_size=30).map(
    lambda parts: [token for part in parts for token in part]
)


def bucket(run: int) -> int:
    return sum(run >= edge for edge in (2, 3, 5, 9, 17, 33))


def searched(text: list[int], end: list[int], order: int) -> tuple[int, int, int, int]:
    """(latest, confidence, other, confidence) that followed in a text where the last `order` tokens of `end` stood."""
    context = end[len(end) - order :]
    followed = [text[i] for i in range(order, len(text)) if text[i - order : i] == context]
    if len(end) < order or not followed:
        return 0, 0, 0, 0
    run = next((n for n, token in enumerate(reversed(followed)) if token != followed[-1]), len(followed))
    before = followed[: len(followed) - run]
    sure = 1 + 2 * bucket(run) + bool(before)
    if not before:
        return followed[-1], sure, 0, 0
    other = next((n for n, token in enumerate(reversed(before)) if token != before[-1]), len(before))
    return followed[-1], sure, before[-1], 1 + 2 * bucket(other) + (run > 1)


@given(repetitive, st.data())
@settings(deadline=None, max_examples=60)
def test_recall_is_a_search_through_what_was_read(text: list[int], data: st.DataObject) -> None:
    since = data.draw(st.integers(0, len(text)))
    start = data.draw(st.integers(since, len(text)))
    characters, confidences = recall(np.array(text, np.uint8), start, len(text), since)
    assert characters.shape == confidences.shape == (len(text) - start, SLOTS)
    for place in range(start, len(text)):
        expected = [searched(text[since:place], text[since:place], order) for order in ORDERS]
        row, sure = characters[place - start], confidences[place - start]
        assert [int(x) for x in sure] == [x[1] for x in expected] + [x[3] for x in expected]
        said = [x[0] for x in expected] + [x[2] for x in expected]
        assert [int(x) for x, certain in zip(row, sure, strict=True) if certain] == [
            x for x, certain in zip(said, sure, strict=True) if certain
        ]


def test_a_text_token_by_token_recalls_as_a_whole_one_does_also_where_it_forgets(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(recalling, "WINDOW", 64)
    monkeypatch.setattr(recalling, "BLOCK", 32)
    text = np.random.default_rng(0).integers(0, 3, 400).astype(np.uint16)
    history = History()
    for place, token in enumerate(text):
        said = recall(text, place, place + 1, recalling.since(place))
        characters, confidences = history.recalled()
        assert confidences == said[1][0].tolist(), place
        assert characters == said[0][0].tolist(), place
        history.append(int(token))


def test_short_contexts_alone_are_those_of_all() -> None:
    text = [0, 1, 1] * 30
    characters, confidences = History(text).recalled()
    short = np.tile(np.array(ORDERS) <= 6, 2)
    some = History(text, longest=6).recalled()
    assert some[0] == np.where(short, characters, 0).tolist() and some[1] == np.where(short, confidences, 0).tolist()


@pytest.mark.parametrize("start", [0, 3])
def test_batches_carry_what_is_recalled_for_their_targets(start: int, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (recalling, __import__("seqlab.data.batches", fromlist=["BLOCK"])):
        monkeypatch.setattr(module, "BLOCK", 64)
    monkeypatch.setattr(recalling, "WINDOW", 100)
    text = np.random.default_rng(1).integers(0, 3, 1000).astype(np.uint8)
    batches = RecallBatches(text, 3, 7)
    width = batches.streams.width
    for index, ((tokens, characters, confidences, fresh), targets) in enumerate(batches.epoch(0, start), start):
        assert not fresh.any() and torch.equal(tokens[:, 1:], targets[:, :-1].clamp(0))
        for row, column in np.ndindex(*targets.shape):
            place = 1 + row * width + index * 7 + column
            if place < len(text):
                said = recall(text, place, place + 1, recalling.since(place))
                assert characters[row, column].tolist() == said[0][0].tolist()
                assert confidences[row, column].tolist() == said[1][0].tolist()


def test_stretches_that_begin_anew_know_nothing_of_before(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(RecallBatches, "STRETCH", 4)
    text = np.tile(np.arange(5, dtype=np.uint8), 200)
    whole = list(RecallBatches(text, 4, 10, forget=0.6, seed=1).epoch(2))
    begun = torch.stack([reading[3] for reading, _ in whole])
    assert 0.4 < begun[::4].float().mean() < 0.8 and not begun[1::4].any()
    for index, row in begun.nonzero().tolist():
        assert not whole[index][0][2][row, :5].any()  # five tokens without one that stood before
    assert any(whole[index][0][2][row, 9].any() for index, row in begun.nonzero().tolist())  # some recall again
    for (reading, targets), (again, same) in zip(
        whole[6:], RecallBatches(text, 4, 10, forget=0.6, seed=1).epoch(2, 6), strict=True
    ):
        assert torch.equal(targets, same) and all(map(torch.equal, reading, again))


def recalling_net(cell: str = "lstm") -> RecurrentLanguageModel:
    torch.manual_seed(0)
    net = RecurrentLanguageModel(4, cell, 6, 10, 2, slots=SLOTS, confidences=CONFIDENCES).eval()
    assert net.recalled is not None
    torch.nn.init.normal_(net.recalled.votes)
    torch.nn.init.normal_(net.recalled.trust.weight)
    return net


def read(net: RecurrentLanguageModel, text: np.ndarray) -> torch.Tensor:
    batches = RecallBatches(text, 1, len(text) - 1)
    ((reading, _),) = batches.epoch(0)
    with torch.inference_mode():
        return net(reading)[0][0]


def test_votes_are_added_for_what_is_recalled_alone() -> None:
    net, text = recalling_net(), np.array([0, 1, 2, 0, 1, 3, 0, 1], np.uint8)
    with_votes = read(net, text)
    assert net.recalled is not None
    votes, net.recalled.votes.data = net.recalled.votes.data.clone(), torch.zeros_like(net.recalled.votes)
    without = read(net, text)
    difference = with_votes - without
    assert not difference[:3].any()  # 0 1 2 0: no two tokens stood there before
    (place,) = difference[4].nonzero()[0].tolist()  # after 0 1 comes 2, as far as is known
    assert place == 2 and len(difference[4].nonzero()) == 1
    assert difference[4, 2] / votes[1] > 0  # slot 0, seen once: the exponential of its trust


@pytest.mark.parametrize("cell", ["rnn", "gru", "lstm"])
def test_the_engine_recalls_as_the_net_does(cell: str) -> None:
    net, text = recalling_net(cell), np.tile(np.array([0, 1, 1, 2], np.uint8), 20)
    engine = Engine(cell, net.state_dict(), "fp32", History)
    stepped = torch.cat([engine.step(torch.tensor([int(token)])) for token in text[:-1]])
    assert torch.allclose(stepped, read(net, text), atol=1e-5)


def test_samples_recall_their_prompt_and_not_what_they_write() -> None:
    net = recalling_net()
    engine = Engine("lstm", net.state_dict(), "fp32", History)
    prompt, ends = [0, 1, 2, 0, 1], ([2, 0, 1, 2, 0], [3, 0, 1, 3, 0])
    for token in prompt:
        engine.step(torch.tensor([token]))
    engine.repeat(2)
    both = torch.stack([engine.step(torch.tensor(pair)) for pair in zip(*ends, strict=True)], 1)  # (2, 5, V)
    for end, together in zip(ends, both, strict=True):
        text, state = torch.tensor([[*prompt, *end]]), None
        for place in range(text.shape[1]):
            read = text[0, : place + 1].tolist()
            found = [searched(read[: len(prompt)], read, order) for order in ORDERS]
            said = [[one[k] for k in slots for one in found] for slots in ((0, 2), (1, 3))]
            reading = (text[:, place : place + 1], *(torch.tensor(part)[None, None] for part in said))
            with torch.inference_mode():
                logits, state = net((*reading, torch.zeros(1, dtype=torch.bool)), state)
            if place >= len(prompt):
                assert torch.allclose(together[place - len(prompt)], logits[0, 0], atol=1e-5)
