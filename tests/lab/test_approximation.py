"""The net by hand, against numpy's broken line, and the fit of the formula, against the numbers it was made of."""

import numpy as np
import pytest

from seqlab import lab
from seqlab.lab import approximation
from seqlab.models import mlp


def test_the_net_by_hand_is_a_broken_line() -> None:
    numbers = (1.2, 0.3, 4.0, 0.5)
    t, corners = np.linspace(0, 4, 333), np.linspace(0, 4, 12)
    found = approximation._function(approximation.broken_line(numbers, 11))(t)
    expected = np.interp(t, corners, approximation.oscillation(corners, *numbers))
    np.testing.assert_allclose(found, expected, atol=1e-12)


def test_without_noise_the_formula_is_found() -> None:
    t = np.linspace(0, 4, 20)
    numbers = approximation._numbers(7)
    found = approximation.fit(t, approximation.oscillation(t, *numbers))
    later = np.linspace(4, 8, 50)
    expected = approximation.oscillation(later, *numbers)
    np.testing.assert_allclose(approximation.oscillation(later, *found), expected, atol=1e-6)


def test_the_bend_is_the_second_derivative() -> None:
    t, numbers = np.linspace(0, 4, 20001), (1.2, 0.3, 4.0, 0.5)
    second = np.gradient(np.gradient(approximation.oscillation(t, *numbers), t), t)[2:-2]
    assert approximation._bend(t, numbers) == pytest.approx(np.abs(second).max(), rel=1e-3)


def test_the_claim_fails_where_the_library_has_no_activation(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("relu", "tanh"):
        monkeypatch.setitem(mlp.ACTIVATIONS, name, lambda drive: drive)
    assert not lab.run("approximation", scale="small", seeds=1, contrasts=False).holds
