"""What a net has to beat: the same prediction for every row, and a linear model of the same inputs."""

import warnings

import numpy as np

PENALTY = 1.0  # of the weights but not of the intercept, as scikit-learn has it by default
MOST_ROWS = 100_000  # a linear model gains nothing from more


def constant(y: np.ndarray, rows: int, classes: int) -> np.ndarray:
    """The shares of the classes among y (N,), or its mean, for every one of `rows`: (rows, classes) or (rows,)."""
    if classes:
        return np.tile(np.bincount(y, minlength=classes) / len(y), (rows, 1))
    return np.full(rows, y.mean(dtype=np.float64))


def linear(x: np.ndarray, y: np.ndarray, new: np.ndarray, classes: int) -> np.ndarray:
    """What a linear model of x (N, F) and y (N,) predicts for `new` (M, F): probabilities (M, classes) by logistic
    regression, or numbers (M,) by ridge regression."""
    from sklearn.exceptions import ConvergenceWarning  # here, for it takes a second
    from sklearn.linear_model import LogisticRegression, Ridge

    if len(x) > MOST_ROWS:
        some = np.random.default_rng(0).choice(len(x), MOST_ROWS, replace=False)
        x, y = x[some], y[some]
    if not classes:
        return np.asarray(Ridge(PENALTY).fit(x.astype(np.float64), y).predict(new))
    present = np.unique(y)
    if len(present) == 1:  # which scikit-learn refuses
        return constant(y, len(new), classes)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # a hundred iterations are near enough to compare with
        model = LogisticRegression(C=1 / PENALTY).fit(x, y)
    probabilities = np.zeros((len(new), classes))
    probabilities[:, present] = model.predict_proba(new)
    return probabilities
