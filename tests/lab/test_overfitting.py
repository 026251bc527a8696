"""The entropy of the labels by counting, and the claim with a core whose dropout does nothing."""

import numpy as np
import pytest
from sklearn.datasets import load_digits

from seqlab import lab
from seqlab.lab import overfitting
from seqlab.models import mlp


def test_a_fifth_of_the_labels_is_drawn_at_random() -> None:
    images, labels = load_digits(return_X_y=True)
    true = {image.tobytes(): label for image, label in zip((images / 8 - 1).astype(np.float32), labels, strict=True)}
    x, y = overfitting.digits(0)
    right = np.array([true[image.tobytes()] == label for image, label in zip(x.numpy(), y.tolist(), strict=True)])
    assert len(true) == len(labels) and right.mean() == pytest.approx(0.82, abs=0.03)
    assert pytest.approx(-(0.82 * np.log(0.82) + 9 * 0.02 * np.log(0.02))) == overfitting.FLOOR


def test_the_claim_fails_where_dropout_leaves_nothing_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mlp.F, "dropout", lambda x, share, training: x)
    done = lab.run("overfitting", seeds=1, scale="small", contrasts=False)
    failed = [finding.text for finding in done.findings if not finding.holds]
    assert not done.holds and any("dropout" in text for text in failed)
    assert not any("L2" in text or "early" in text for text in failed)
