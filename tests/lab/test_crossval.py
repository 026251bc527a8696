"""The spread of one split against the hypergeometric law, which it has where learning makes no difference."""

import numpy as np
import pytest
from sklearn.linear_model import Ridge

from seqlab.lab import crossval


@pytest.fixture
def constant(monkeypatch: pytest.MonkeyPatch) -> None:
    """A classifier that always answers 1, whatever it learned from."""
    monkeypatch.setattr(crossval, "fit", lambda x, y: np.eye(1 + x.shape[1])[0])


def test_one_split_of_a_constant_scatters_as_drawing_without_replacement_does(constant: None) -> None:
    y = np.where(np.arange(crossval.ROWS) < 70, 1, -1)
    found = [crossval.estimate(np.zeros((100, 3)), y, 1, seed) for seed in range(2000)]
    assert np.mean(found) == pytest.approx(0.7, abs=0.01)
    assert np.std(found) == pytest.approx(np.sqrt(0.7 * 0.3 / 20 * 80 / 99), rel=0.05)


@pytest.mark.parametrize("count", [5, 10])
def test_folds_of_a_constant_do_not_scatter_at_all(constant: None, count: int) -> None:
    y = np.where(np.arange(crossval.ROWS) < 70, 1, -1)
    assert crossval.estimate(np.zeros((100, 3)), y, count, 3) == pytest.approx(0.7)


def test_the_classifier_is_that_of_scikit_learn() -> None:
    random = np.random.default_rng(0)
    x, y = random.standard_normal((40, 3)), np.where(random.random(40) < 0.5, -1, 1)
    theirs = Ridge(alpha=1, fit_intercept=False).fit(np.hstack([np.ones((40, 1)), x]), y)
    np.testing.assert_allclose(crossval.fit(x, y), theirs.coef_)
