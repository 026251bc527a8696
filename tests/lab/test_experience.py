"""The curve of a net on data where the power is known, and characters against their text."""

import numpy as np
import torch

from seqlab.lab import experience
from seqlab.lab.c_code import write


def test_errors_are_those_of_the_mean_where_there_is_nothing_to_learn() -> None:
    generator = torch.Generator().manual_seed(0)
    x, y = torch.randn(1200, 3, generator=generator), torch.randn(1200, generator=generator)
    (error,) = experience._curve(x, y, (600,), 60, 0.01, 0)
    assert 0.9 < error < 1.2


def test_a_linear_rule_is_found() -> None:
    x = torch.randn(1200, 3, generator=torch.Generator().manual_seed(0))
    (error,) = experience._curve(x, x[:, 0] - x[:, 1], (600,), 200, 0.01, 0)
    assert error < 0.05
    (wrong,) = experience._curve(x, (x[:, 0] > 0).long(), (600,), 200, 0.01, 0, wrong=True)
    assert wrong < 0.06


def test_the_characters_before_are_those_of_the_text() -> None:
    x, y = experience._text(500, 3, False)
    text = write(500 + experience.TEST + experience.CONTEXT, 3)
    letters = np.array(sorted(set(text[: len(y) + experience.CONTEXT])))
    before = letters[x.unflatten(1, (experience.CONTEXT, -1)).argmax(2).numpy()]  # (N, CONTEXT)
    assert "".join(before[100]) + letters[y[100]] == text[100 : 100 + experience.CONTEXT + 1]
    assert "".join(letters[y.numpy()]) == text[experience.CONTEXT : experience.CONTEXT + len(y)]
