"""Experiments hold, and could fail: the law they measure is broken on purpose once."""

import pytest
import torch

from seqlab import lab
from seqlab.errors import UsageError
from seqlab.lab import explosion


def test_every_experiment_holds_and_names_the_source_of_its_claim():
    for name, claim in lab.EXPERIMENTS.items():
        done = lab.run(name, seed=0)
        assert done.holds, done.rows
        assert done.name == name and done.claim == claim and done.source and done.rows
        assert list(done.to_dict()) == ["name", "claim", "source", "rows", "holds", "seconds"] and done.seconds > 0
        assert name in done._repr_html_() and "the claim holds" in done._repr_html_()


def test_explosion_measures_the_power_of_the_radius():
    row = explosion._through_time(1.1, seed=3)
    assert row["gradient_ratio"] == pytest.approx(1.1**explosion.STEPS, rel=1e-9)


def test_explosion_fails_where_clipping_does_nothing(monkeypatch):
    monkeypatch.setattr(
        torch.nn.utils,
        "clip_grad_norm_",
        lambda parameters, _: torch.nn.utils.get_total_norm([p.grad for p in parameters if p.grad is not None]),
    )
    assert not lab.run("explosion").holds


def test_an_unknown_experiment_is_suggested():
    with pytest.raises(UsageError) as caught:
        lab.run("explosoin")
    assert "explosion" in caught.value.hint


def test_backpropagation_fails_where_a_slope_is_wrong(monkeypatch):
    from seqlab.lab import backpropagation

    right = backpropagation.slope
    monkeypatch.setattr(backpropagation, "slope", lambda name, z: right(name, z) * (1 + 1e-8))
    assert not lab.run("backpropagation").holds
