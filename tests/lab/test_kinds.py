"""The pole obeys its equations, the advantages are those of REINFORCE, and a policy without memory has none."""

import numpy as np
import pytest
import torch

from seqlab.lab import cartpole


def test_the_pole_moves_as_in_gymnasium() -> None:
    gymnasium = pytest.importorskip("gymnasium")
    one = gymnasium.make("CartPole-v1").unwrapped
    rng = np.random.default_rng(0)
    for seed in range(20):
        one.reset(seed=seed)
        states, ended = np.array([one.state]), False
        while not ended:
            right = bool(rng.random() < 0.5)
            _, _, ended, _, _ = one.step(int(right))
            assert cartpole.stands(states)[0]
            states = cartpole.step(states, np.array([right]))
            np.testing.assert_allclose(states[0], one.state, rtol=1e-12, atol=1e-14)
        assert not cartpole.stands(states)[0]


def test_a_pole_that_is_pushed_to_and_fro_falls_as_the_linearised_equation_says() -> None:
    """Near rest, without a force, a'' = g a / (l (4/3 - m / (m + M))), whose solution is a cosh."""
    rate = np.sqrt(9.8 / (0.5 * (4 / 3 - 0.1 / 1.1)))
    fine = cartpole.SECONDS / 100
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cartpole, "SECONDS", fine)
        patch.setattr(cartpole, "FORCE", 0.0)
        states = np.array([[0.0, 0.0, 1e-6, 0.0]])
        for _ in range(2500):
            states = cartpole.step(states, np.array([True]))
    assert states[0, 2] == pytest.approx(1e-6 * np.cosh(rate * 2500 * fine), rel=1e-2)


def test_advantages_are_discounted_rewards_less_their_mean() -> None:
    alive = torch.tensor([[1.0, 1.0], [1.0, 0.0], [1.0, 0.0]])
    first, second = 1 + 0.99 * (1 + 0.99), 1 + 0.99
    better = np.array([[first - 1, 1 - first], [second, 0], [1, 0]]) / 2
    np.testing.assert_allclose(cartpole.advantages(alive), better / np.sqrt((better**2).sum() / 4), rtol=1e-6)


def test_episodes_end_where_the_pole_falls_and_probabilities_are_those_of_the_pushes() -> None:
    policy = cartpole.Policy(velocity=False, memory=True, hidden_size=5)
    starts, luck = next(cartpole.Trials(1, 7, 300, seed=3).epoch(0))
    with torch.no_grad():
        policy.output.bias.fill_(2.0)  # mostly to the right
        episodes = cartpole.play(policy, starts, luck)
    ended = episodes.alive.diff(dim=0)
    assert set(ended.unique().tolist()) == {-1.0, 0.0} and (ended.sum(0) >= -1).all() and len(episodes.alive) < 40
    right = luck[: len(episodes.alive)] < torch.sigmoid(torch.tensor(2.0))
    expected = torch.where(right, torch.sigmoid(torch.tensor(2.0)), torch.sigmoid(torch.tensor(-2.0))).log()
    torch.testing.assert_close(episodes.log_probs, expected)


@pytest.mark.parametrize("memory", [True, False])
def test_only_a_policy_with_memory_depends_on_what_it_saw_before(memory: bool) -> None:
    policy = cartpole.Policy(velocity=False, memory=memory, hidden_size=5)
    torch.nn.init.ones_(policy.output.weight)
    now = np.full((1, 4), 0.1)
    odds = [policy(now, policy(before, None)[1])[0].item() for before in (np.zeros((1, 4)), np.ones((1, 4)))]
    assert (odds[0] != odds[1]) == memory
    hidden_speed = policy(np.array([[0.1, 9.0, 0.1, 9.0]]), None)[0]
    assert hidden_speed.item() == policy(np.array([[0.1, -9.0, 0.1, -9.0]]), None)[0].item()
