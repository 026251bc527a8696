"""The grammar and the gates against their definitions, and the claim where the forget gate is stuck."""

import hypothesis
import hypothesis.strategies as st
import numpy as np
import pytest
import torch

from seqlab import lab
from seqlab.lab import gates
from seqlab.lab.grammar import WORDS, write
from seqlab.models import cells


@hypothesis.given(st.integers(0, 2**32), st.integers(1, 5))
def test_every_pronoun_is_that_of_the_last_name_and_every_bracket_closes(seed: int, longest: int):
    text = write(300, longest, 0.5, seed)
    she, depth = None, 0
    for place, woman, inside in zip(text.words, text.woman, text.inside, strict=True):
        word = WORDS[place]
        if word in ("Anna", "Mary", "Tom", "John"):
            she = word in ("Anna", "Mary")
            assert depth == 0
        depth += {"(": 1, ")": -1}.get(word, 0)
        assert woman == she and inside == (depth == 1) and depth in (0, 1)
        assert word not in ("she", "he") or (word == "she") == she


def test_the_gates_are_those_that_make_the_memory_of_the_cell():
    net = gates.Net(5, seed=0, closed=False)
    words = write(40, 3, 0.5, 1).words
    seen = gates.read(net, words)
    kept = np.vstack([np.zeros((1, 5)), seen.c[:-1]])
    np.testing.assert_allclose(seen.f * kept + seen.i * seen.g, seen.c, atol=1e-6)
    with torch.inference_mode():
        logits, _ = net(torch.from_numpy(words)[None], None)
    np.testing.assert_allclose(seen.logits, logits[0].numpy(), atol=1e-5)


def test_the_unit_is_chosen_on_the_first_half_and_judged_on_the_second():
    truth = np.tile([False, True], 20)
    memory = np.zeros((40, 2))
    memory[:, 0] = -1.0 * truth
    memory[20:, 1] = truth[20:]
    everywhere = np.ones(40, bool)
    assert gates._best(memory, truth, everywhere, 20) == (0, -1, 1.0)
    memory[20:, 0] = 0.0
    assert gates._best(memory, truth, everywhere, 20) == (0, -1, 0.5)


def test_the_claim_fails_where_the_forget_gate_is_stuck_at_zero(monkeypatch: pytest.MonkeyPatch):
    def forward(self: cells.LSTMCell, x: torch.Tensor, state: cells.State) -> cells.State:
        drive = x @ self.weight_ih.T + self.bias_ih + state[0] @ self.weight_hh.T + self.bias_hh
        i, _, g, o = drive.chunk(4, dim=1)
        c = torch.sigmoid(i) * torch.tanh(g)
        return torch.sigmoid(o) * torch.tanh(c), c

    monkeypatch.setattr(cells.LSTMCell, "forward", forward)
    done = lab.run("gates", scale="small", seeds=1, contrasts=False)
    assert done.holds is False
