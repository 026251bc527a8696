"""The stream against its definition, and the claim where the loop does not detach."""

import pytest
import torch

from seqlab import lab
from seqlab.data.batches import IGNORE_INDEX
from seqlab.lab import truncation


def test_the_target_is_the_bit_that_was_marked_a_lag_before():
    stream = truncation.Stream(5, 80, 7, 80, seed=1)
    ((x, y),) = stream.epoch(0)
    for row in range(5):
        asked = (y[row] != IGNORE_INDEX).nonzero()[:, 0]
        assert len(asked) >= 80 // 11 - 1 and (x[row, asked, 2] == 1).all() and x[row, :, 2].sum() == len(asked)
        assert torch.equal(x[row, :, 1].nonzero()[:, 0], asked - 7)
        assert torch.equal(y[row, asked], (x[row, asked - 7, 0] > 0).long())


def test_windows_of_any_length_are_the_same_stream():
    whole = next(truncation.Stream(3, 24, 5, 24, seed=2).epoch(0))
    cut = list(truncation.Stream(3, 24, 5, 4, seed=2).epoch(0))
    for part in (0, 1):
        assert torch.equal(torch.cat([batch[part] for batch in cut], 1), whole[part])


def test_the_claim_fails_and_says_why_where_the_loop_does_not_detach(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("seqlab.training.loop.detach", lambda state: state)
    done = lab.run("truncation", scale="small", seeds=1, contrasts=False)
    assert done.holds is False
    assert all("backward" in row["stopped"] and row["optimizer_steps"] == 1 for row in done.rows)
