"""The gradient by steps back against its closed form, and the claim where the forget gate is stuck."""

import math

import pytest
import torch

from seqlab import lab
from seqlab.lab import memory
from seqlab.models import cells


def test_without_recurrent_weights_the_gradient_fades_by_the_forget_gate_alone():
    model = memory.Recaller("lstm", lag=30, seed=0, closed=False)
    with torch.no_grad():
        model.layers.weight_hh_l0.zero_()
        model.layers.weight_ih_l0[memory.HIDDEN : 2 * memory.HIDDEN] = 0.0
    rows = {row["back"]: row["log10_gradient"] for row in memory._gradients(model, "lstm", 30, seed=0)}
    assert rows[0] == 0.0
    assert rows[24] - rows[4] == pytest.approx(20 * math.log10(30 / 31), abs=1e-4)  # sigmoid(log 30) = 30/31


def test_the_reach_ends_before_the_first_lag_that_is_not_recalled():
    rows = [{"lag": lag, "accuracy": accuracy} for lag, accuracy in ((5, 1.0), (10, 0.9), (20, 0.5), (40, 1.0))]
    assert memory._reach(rows) == 10 and memory._reach(rows[2:]) == 0


def test_the_claim_fails_where_the_forget_gate_of_the_cell_is_stuck_at_zero(stuck_forget_gate: None):
    done = lab.run("memory", scale="small", seeds=1, contrasts=False)
    assert done.holds is False
    assert [one.holds for one in done.findings if "LSTM's gradient" in one.text] == [False]


@pytest.fixture
def stuck_forget_gate(monkeypatch: pytest.MonkeyPatch) -> None:
    def forward(self: cells.LSTMCell, x: torch.Tensor, state: cells.State) -> cells.State:
        gates = x @ self.weight_ih.T + self.bias_ih + state[0] @ self.weight_hh.T + self.bias_hh
        i, _, g, o = gates.chunk(4, dim=1)
        c = torch.sigmoid(i) * torch.tanh(g)
        return torch.sigmoid(o) * torch.tanh(c), c

    monkeypatch.setattr(cells.LSTMCell, "forward", forward)
