"""Optimizers and schedules against their equations."""

import copy
import itertools
import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

from seqlab.training import optimizers, schedules


def test_adamw_decays_matrices_only() -> None:
    model = nn.Sequential(nn.Linear(3, 3), nn.LayerNorm(3))
    optimizer = optimizers.adamw(model, lr=0.1, weight_decay=0.5)
    nn.init.ones_(model[0].bias)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    for parameter in model.parameters():
        parameter.grad = torch.zeros_like(parameter)
    optimizer.step()
    torch.testing.assert_close(model[0].weight.detach(), before["0.weight"] * (1 - 0.1 * 0.5))
    for name in ("0.bias", "1.weight", "1.bias"):
        assert torch.equal(model.state_dict()[name], before[name])


@pytest.mark.parametrize("shape", [(8, 40), (40, 8), (16, 16)])
def test_an_orthogonal_matrix_keeps_the_singular_vectors_and_levels_the_values(shape: tuple[int, int]) -> None:
    matrix = torch.randn(shape, generator=torch.Generator().manual_seed(3), dtype=torch.float64)
    left, values, right = torch.linalg.svd(matrix, full_matrices=False)
    found = left.T @ optimizers.orthogonal(matrix, iterations=5) @ right.T
    torch.testing.assert_close(found, torch.diag(found.diagonal()), atol=1e-9, rtol=0)
    large = values > 0.01 * values.norm()
    assert ((found.diagonal() > 0.6) & (found.diagonal() < 1.3))[large].all()
    # one iteration, written out for one singular value
    share = values[0] / values.norm()
    once = 3.4445 * share - 4.7750 * share**3 + 2.0315 * share**5
    first = left[:, 0] @ optimizers.orthogonal(matrix, iterations=1) @ right[0]
    torch.testing.assert_close(first, once, atol=1e-6, rtol=0)


@pytest.mark.parametrize("by_square", [False, True])
@pytest.mark.parametrize("orders", [0, 3, 6])
def test_singular_values_many_orders_apart_are_levelled_to_the_digits_of_float32(orders: int, by_square: bool) -> None:
    """Against the polynomial of each singular value in double precision."""
    generator = torch.Generator().manual_seed(5)
    left, _ = torch.linalg.qr(torch.randn(64, 64, generator=generator, dtype=torch.float64))
    right, _ = torch.linalg.qr(torch.randn(576, 64, generator=generator, dtype=torch.float64))
    values = torch.logspace(0, -orders, 64, dtype=torch.float64)
    levelled = values / values.norm()
    for _ in range(3):
        levelled = 3.4445 * levelled - 4.7750 * levelled**3 + 2.0315 * levelled**5
    found = optimizers.orthogonal(((left * values) @ right.T).float(), by_square=by_square)
    assert (found - (left * levelled) @ right.T).norm() < 1e-5 * levelled.norm()


def test_muon_is_nesterovs_momentum_for_all_but_the_filters() -> None:
    torch.manual_seed(0)
    ours = nn.Sequential(nn.Conv2d(2, 3, 1), nn.Flatten(), nn.Linear(3, 2))
    theirs = nn.Sequential(nn.Conv2d(2, 3, 1), nn.Flatten(), nn.Linear(3, 2))
    theirs.load_state_dict(ours.state_dict())
    optimizer = optimizers.muon(ours, lr=0.1, weight_decay=0.3)
    for group in optimizer.param_groups:  # as the loop does
        group["lr"] = 0.1 * group["lr_scale"]
    reference = torch.optim.SGD(
        [
            {"params": [theirs[2].weight], "lr": 0.1 * 0.06, "weight_decay": 0.3 / 0.06},
            {"params": [theirs[0].bias, theirs[2].bias], "lr": 0.1 * 600, "weight_decay": 0.3 / 600},
        ],
        momentum=0.85,
        nesterov=True,
    )
    for _ in range(3):
        for one, other in zip(ours.parameters(), theirs.parameters(), strict=True):
            one.grad = torch.randn_like(one)
            other.grad = one.grad.clone()
        optimizer.step()
        reference.step()
    for name in ("0.bias", "2.weight", "2.bias"):
        torch.testing.assert_close(ours.state_dict()[name], theirs.state_dict()[name])
    assert not torch.equal(ours[0].weight, theirs[0].weight)


def test_muons_other_rates_follow_the_batch_and_are_slow_where_norms_have_a_scale() -> None:
    def rates(*, batch_size: int, scaled: bool) -> tuple[float, float]:
        net = nn.Sequential(
            nn.Conv2d(2, 3, 1, bias=False), nn.BatchNorm2d(3), nn.Flatten(), nn.Linear(3, 2, bias=False)
        )
        net[1].weight.requires_grad = scaled
        _, heads, vectors = optimizers.muon(net, 0.1, 0.0, batch_size).param_groups
        return heads["lr_scale"], vectors["lr_scale"]

    head, vector = rates(batch_size=1000, scaled=False)
    assert vector > 1000 * head
    assert rates(batch_size=10, scaled=False) == pytest.approx((head / 100, vector / 100))
    assert rates(batch_size=1000, scaled=True) == (head, head)


def test_a_filter_moves_as_far_in_every_direction_whatever_the_gradients_size() -> None:
    def moved(gradient: Tensor) -> Tensor:
        net = nn.Conv2d(3, 4, 3, bias=False)
        nn.init.ones_(net.weight)
        optimizer = optimizers.muon(net, lr=0.1, weight_decay=0.0)
        net.weight.grad = gradient.clone()
        scaled = net.weight.detach() * 4**0.5 / net.weight.detach().norm()
        optimizer.step()
        return (net.weight.detach() - scaled).flatten(1)

    gradient = torch.randn(4, 3, 3, 3, generator=torch.Generator().manual_seed(1))
    step = moved(gradient)
    values = torch.linalg.svdvals(step)
    assert (values > 0.1 * 0.3).all() and (values < 0.1 * 1.6).all()
    torch.testing.assert_close(moved(1000 * gradient), step, atol=1e-5, rtol=0)


@pytest.mark.parametrize(("kind", "gates"), [(nn.RNN, 1), (nn.GRU, 3), (nn.LSTM, 4)])
def test_gatewise_muon_levels_the_steps_of_each_gate_and_is_adamw_for_all_else(kind: type, gates: int) -> None:
    torch.manual_seed(0)
    ours, theirs = (nn.ModuleDict({"layers": kind(3, 8), "output": nn.Linear(8, 2)}) for _ in range(2))
    theirs.load_state_dict(ours.state_dict())
    optimizer = optimizers.gatewise_muon(ours, lr=0.01, weight_decay=0.2)
    for group in optimizer.param_groups:  # as the loop does
        group["lr"] = 0.01 * group.get("lr_scale", 1.0)
    reference = optimizers.adamw(theirs, lr=0.01, weight_decay=0.2)
    for _ in range(3):
        before = {name: value.clone() for name, value in ours.state_dict().items()}
        for one, other in zip(ours.parameters(), theirs.parameters(), strict=True):
            one.grad = torch.randn_like(one)
            other.grad = one.grad.clone()
        optimizer.step()
        reference.step()
    after = ours.state_dict()
    for name in ("layers.bias_ih_l0", "layers.bias_hh_l0", "output.weight", "output.bias"):
        torch.testing.assert_close(after[name], theirs.state_dict()[name])
    rate = 0.01 * optimizers.MUON_RATE
    for name, length in (("layers.weight_ih_l0", (8 / 3) ** 0.5), ("layers.weight_hh_l0", 1.0)):
        step = (before[name] * (1 - rate * 0.2) - after[name]) / (rate * length)
        values = torch.linalg.svdvals(step.unflatten(0, (gates, -1)))
        assert values.shape == (gates, min(before[name].shape[1], 8)) and values.max() < 1.4
        assert (values > 0.6).float().mean() > 0.7  # all but the smallest of a gradient of chance


def test_a_step_of_gatewise_muon_is_nesterovs_momentum_made_orthogonal() -> None:
    """Of a gate whose gradients are all multiples of one matrix with equal singular values, which that leaves alone."""
    layers = nn.RNN(4, 4)
    nn.init.zeros_(layers.weight_hh_l0)
    whole, _ = torch.linalg.qr(torch.randn(4, 4, generator=torch.Generator().manual_seed(2)))
    optimizer, momentum, position = optimizers.gatewise_muon(layers, 1.0, 0.0), 0.0, 0.0
    for gradient in (3.0, -1.0, -0.5, 2.0):
        for parameter in layers.parameters():
            parameter.grad = torch.zeros_like(parameter)
        layers.weight_hh_l0.grad = gradient * whole
        optimizer.step()
        momentum = 0.95 * momentum + 0.05 * gradient
        position -= math.copysign(1.0, 0.05 * gradient + 0.95 * momentum)
    found = whole.T @ layers.weight_hh_l0.detach()
    torch.testing.assert_close(found, torch.diag(found.diagonal()), atol=1e-5, rtol=0)
    assert found.diagonal().mean().item() == pytest.approx(position, abs=1.2)


def test_warm_up_and_cosine_at_known_steps() -> None:
    rate = schedules.warmup_cosine(0.5, warmup_steps=10, max_steps=110, final=0.02)
    assert [rate(step) for step in range(10)] == pytest.approx([0.05 * (step + 1) for step in range(10)])
    assert rate(10) == pytest.approx(0.5)
    assert rate(60) == pytest.approx(0.5 * 0.51)  # half way down: the mean of 1 and 0.02
    assert rate(35) == pytest.approx(0.5 * (0.02 + 0.98 * (1 + math.sqrt(0.5)) / 2))
    assert rate(110) == pytest.approx(0.5 * 0.02)
    falling = [rate(step) for step in range(10, 110)]
    assert all(one > other for one, other in itertools.pairwise(falling))


def test_one_cycle_rises_and_falls_in_straight_lines_and_ends_at_nothing() -> None:
    rate = schedules.one_cycle(2.0, warmup_steps=4, max_steps=12)
    assert [rate(step) for step in range(13)] == [0.5, 1, 1.5, 2, 2, 1.75, 1.5, 1.25, 1, 0.75, 0.5, 0.25, 0]
    assert schedules.one_cycle(2.0, 0, 10)(0) == 2.0


def test_the_staircase_is_that_of_the_residual_nets() -> None:
    rate = schedules.staircase(0.1, 0, 64_000)  # divided by 10 at 32k and 48k, ended at 64k
    known = {0: 0.1, 31_999: 0.1, 32_000: 0.01, 47_999: 0.01, 48_000: 0.001, 63_999: 0.001}
    assert {step: rate(step) for step in known} == pytest.approx(known)


@pytest.mark.parametrize("schedule", schedules.SCHEDULES)
@given(lr=st.floats(1e-6, 10), warmup=st.integers(0, 2000), steps=st.integers(1, 3000))
def test_the_rate_is_always_above_zero_and_never_above_lr(schedule: str, lr: float, warmup: int, steps: int) -> None:
    rate = schedules.SCHEDULES[schedule](lr, warmup, steps)
    values = [rate(step) for step in range(0, steps, max(1, steps // 50))]
    assert all(0 < value <= lr * (1 + 1e-12) for value in values)


def test_a_copy_of_a_run_takes_the_same_step() -> None:
    """How many steps fit into minutes is measured on a copy."""
    model = nn.LSTM(3, 4)
    optimizer = optimizers.gatewise_muon(model, 0.1, 0.01)
    copied, its_optimizer = copy.deepcopy((model, optimizer))
    for one, its in ((model, optimizer), (copied, its_optimizer)):
        one(torch.ones(2, 1, 3))[0].sum().backward()
        its.step()
    for name, parameter in model.named_parameters():
        assert torch.equal(parameter, copied.get_parameter(name)), name
