"""Batches: every target once, in order; shuffled orders that are a function of (seed, epoch) and nothing else."""

import numpy as np
import pytest
import torch
from hypothesis import assume, given
from hypothesis import strategies as st
from torch import Tensor

from seqlab.data.batches import IGNORE_INDEX, ShuffledBatches, StreamBatches, seeded
from seqlab.errors import DataError


@given(st.integers(2, 400), st.integers(1, 40), st.integers(1, 50))
def test_every_token_but_the_first_is_a_target_once_and_in_order(count: int, streams: int, seq_len: int) -> None:
    assume(count - 1 >= streams)
    tokens = np.arange(count, dtype=np.int16)  # every token tells its place
    batches = StreamBatches(tokens, streams, seq_len)
    epoch = list(batches.epoch(0))
    assert len(epoch) == len(batches)
    inputs, targets = (torch.cat(parts, dim=1) for parts in zip(*epoch, strict=True))
    assert all(x.shape == y.shape and x.shape[0] == streams for x, y in epoch)
    assert all(x.shape[1] == seq_len for x, _ in epoch[:-1]) and 1 <= epoch[-1][0].shape[1] <= seq_len
    assert inputs.dtype == targets.dtype == torch.int64
    counted = targets != IGNORE_INDEX
    assert targets[counted].tolist() == list(range(1, count))  # stream after stream, each in the text's order
    assert torch.equal(inputs[counted] + 1, targets[counted])  # and each after the token before it
    # padding stands at the end, so that no stream's state runs over it
    flat = counted.flatten()
    assert not flat[int(flat.sum()) :].any()


@given(st.integers(60, 200), st.integers(1, 5), st.integers(1, 9), st.data())
def test_a_stream_goes_on_in_the_middle(count: int, streams: int, seq_len: int, data: st.DataObject) -> None:
    batches = StreamBatches(np.arange(count, dtype=np.int16), streams, seq_len)
    start = data.draw(st.integers(0, len(batches)))
    whole, rest = list(batches.epoch(0)), list(batches.epoch(7, start))
    assert len(rest) == len(whole) - start
    for one, other in zip(whole[start:], rest, strict=True):
        assert torch.equal(one[0], other[0]) and torch.equal(one[1], other[1])


@pytest.mark.parametrize(("count", "streams"), [(0, 1), (1, 1), (5, 5), (3, 100)])
def test_too_few_tokens_for_the_streams_are_refused(count: int, streams: int) -> None:
    with pytest.raises(DataError, match=rf"{count} characters .* {streams} parallel"):
        StreamBatches(np.zeros(count, np.int16), streams, 4)


def order(batches: ShuffledBatches, epoch: int, start: int = 0) -> list[int]:
    return [row for inputs, _ in batches.epoch(epoch, start) for row in inputs[:, 0].long().tolist()]


def examples(count: int) -> tuple[Tensor, Tensor]:
    rows = torch.arange(count)
    return rows[:, None].float(), rows * 10


@given(st.integers(1, 200), st.integers(1, 50), st.integers(0, 2**63 - 1), st.integers(0, 10_000))
def test_a_shuffled_epoch_is_a_permutation(count: int, size: int, seed: int, epoch: int) -> None:
    batches = ShuffledBatches(*examples(count), size, seed)
    assert sorted(order(batches, epoch)) == list(range(count))
    lengths = [len(targets) for _, targets in batches.epoch(epoch)]
    assert len(lengths) == len(batches) == -(-count // size)
    assert all(length == size for length in lengths[:-1])
    for inputs, targets in batches.epoch(epoch):
        assert torch.equal(inputs[:, 0].long() * 10, targets)


@given(st.integers(0, 2**32), st.integers(0, 100), st.data())
def test_the_order_is_a_function_of_seed_and_epoch(seed: int, epoch: int, data: st.DataObject) -> None:
    batches = ShuffledBatches(*examples(50), 7, seed)
    expected = order(batches, epoch)
    torch.manual_seed(data.draw(st.integers(0, 100)))  # the global stream has no part in it
    for other in range(3):
        order(batches, other)  # nor have epochs looked at before
    assert order(batches, epoch) == expected
    assert order(ShuffledBatches(*examples(50), 7, seed), epoch) == expected
    assert order(ShuffledBatches(*examples(50), 10, seed), epoch) == expected
    start = data.draw(st.integers(0, len(batches)))
    assert order(batches, epoch, start) == expected[start * 7 :]  # begun in the middle
    assert order(batches, epoch + 1) != expected
    assert order(ShuffledBatches(*examples(50), 7, seed + 1), epoch) != expected


def test_shuffling_leaves_the_global_random_state_alone() -> None:
    before = torch.get_rng_state()
    order(ShuffledBatches(*examples(50), 7, 3), 1)
    assert torch.equal(torch.get_rng_state(), before)


def test_first_places_are_even_over_seeds_and_epochs() -> None:
    """Every example comes first about as often, over epochs as over seeds (chi-square, 9 degrees of freedom)."""
    for orders in (
        [order(ShuffledBatches(*examples(10), 10, 1), epoch) for epoch in range(1000)],
        [order(ShuffledBatches(*examples(10), 10, seed), 0) for seed in range(1000)],
    ):
        counts = np.bincount([found[0] for found in orders], minlength=10)
        assert ((counts - 100) ** 2 / 100).sum() < 27.9  # exceeded by chance once in a thousand


def test_without_shuffling_the_order_is_that_of_the_data() -> None:
    assert order(ShuffledBatches(*examples(20), 6, 1, shuffle=False), 3) == list(range(20))


def test_an_incomplete_last_batch_is_left_out_if_asked() -> None:
    batches = ShuffledBatches(*examples(20), 6, 1, drop_last=True)
    assert len(batches) == 3 and [len(y) for _, y in batches.epoch(0)] == [6, 6, 6]
    assert len(ShuffledBatches(*examples(18), 6, drop_last=True)) == 3


def test_augmentation_is_a_function_of_seed_epoch_and_batch() -> None:
    def noise(inputs: Tensor, rows: Tensor, epochs: float, generator: torch.Generator) -> Tensor:
        return inputs + torch.rand(inputs.shape, generator=generator)

    def epoch(seed: int, number: int, start: int = 0) -> list[Tensor]:
        batches = ShuffledBatches(*examples(20), 5, seed, augment=noise)
        return [inputs - inputs.floor() for inputs, _ in batches.epoch(number, start)]

    first = epoch(1, 0)
    torch.manual_seed(77)
    assert all(torch.equal(one, other) for one, other in zip(first, epoch(1, 0), strict=True))
    assert torch.equal(epoch(1, 0, 2)[0], first[2])  # also when begun in the middle
    different = [*first, *epoch(1, 1), *epoch(2, 0)]
    assert len({tuple(noise.flatten().tolist()) for noise in different}) == 12


@pytest.mark.parametrize(("count", "size", "drop_last"), [(0, 4, False), (0, 4, True), (3, 4, True)])
def test_examples_that_give_no_batch_are_refused(count: int, size: int, drop_last: bool) -> None:
    with pytest.raises(DataError, match=rf"{count} examples are too few for a batch of {size}"):
        ShuffledBatches(*examples(count), size, drop_last=drop_last)


def test_inputs_without_their_targets_are_a_mistake_of_the_caller() -> None:
    with pytest.raises(ValueError, match="3 inputs but 2 targets"):
        ShuffledBatches(torch.zeros(3, 1), torch.zeros(2), 1)


@given(st.lists(st.integers(0, 2**63 - 1), min_size=1, max_size=3))
def test_a_generator_depends_on_every_number_and_their_order(numbers: list[int]) -> None:
    def draw(*of: int) -> list[float]:
        return torch.rand(4, generator=seeded(*of)).tolist()

    expected = draw(*numbers)
    assert draw(*numbers) == expected
    for place in range(len(numbers)):
        changed = [number ^ (position == place) for position, number in enumerate(numbers)]
        assert draw(*changed) != expected
    assert draw(*numbers, 0) != expected
    if numbers != numbers[::-1]:
        assert draw(*numbers[::-1]) != expected
