"""What data is made of: a code of a few numbers for each row or day, and how badly the code tells it.

The autoencoder and the principal components of the same code size answer the same questions, side by side.
"""

from collections.abc import Callable, Generator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from seqlab.errors import DataError
from seqlab.machine import Compute, use_threads
from seqlab.models.autoencoder import Autoencoder, SequenceAutoencoder
from seqlab.training import Objective, Progress, count_parameters
from seqlab.unsupervised.days import Returns, day_errors, held_windows, windows
from seqlab.unsupervised.pca import PrincipalComponents
from seqlab.unsupervised.train import StructureSettings, absolute, learn, squared

FEWEST_ROWS = 20
FEWEST_STRETCHES = 4  # of five windows: one is held out, and its neighbours are not learned from
MOST_HELD = 20_000  # examples are enough to tell when to stop
CHUNK = 4096  # examples at a time
Net = Autoencoder | SequenceAutoencoder


@dataclass(frozen=True, eq=False)
class View:
    """What an autoencoder makes of N examples.

    codes (N, K); errors (N,): of rows the mean squared error over the columns, of days the mean absolute error over
    the series, in (squared) standard deviations; worst (N,): the column that came back worst.
    explained: the share of the variance of held-out examples that came back, by an autoencoder of the others.
    """

    codes: np.ndarray
    errors: np.ndarray
    worst: np.ndarray
    explained: float

    def unusual(self, count: int) -> np.ndarray:
        """The places of the `count` examples with the largest errors, the largest first."""
        return np.argsort(-self.errors, kind="stable")[:count]


@dataclass(frozen=True, eq=False)
class Structure:
    """The views of an autoencoder and of principal components on the same examples; steps: how long the net learned."""

    autoencoder: View
    pca: View
    steps: int


def structure_of_rows(
    x: np.ndarray, settings: StructureSettings, *, compute: Compute = Compute()
) -> Generator[Progress, None, Structure]:
    """What the rows of a table are made of: x float32 (N, F), columns of about unit variance, none missing.

    A generator of the training's progress that returns the Structure. Raises DataError for too few rows or columns.
    """
    if len(x) < FEWEST_ROWS:
        raise DataError(f"{len(x)} rows are too few to find a structure in", f"use {FEWEST_ROWS} or more")
    if x.shape[1] <= settings.code_size:
        raise DataError(
            f"{x.shape[1]} encoded columns are no more than the {settings.code_size} numbers of the code",
            "use a table with more columns, or a smaller code: --set code_size=1",
        )
    order = np.random.default_rng(settings.seed).permutation(len(x))
    count = min(max(1, round(settings.val_share * len(x))), MOST_HELD)

    def make() -> Autoencoder:
        return Autoencoder(x.shape[1], settings.hidden_size, settings.num_layers, settings.code_size)

    def measure(difference: Tensor) -> Tensor:
        return difference.square()  # (B, F)

    examples = torch.from_numpy(x)
    return (
        yield from _find(
            examples, np.sort(order[count:]), np.sort(order[:count]), make, squared, measure, settings, compute
        )
    )


def structure_of_days(
    returns: Returns, settings: StructureSettings, *, compute: Compute = Compute()
) -> Generator[Progress, None, Structure]:
    """What days are made of: an LSTM reads windows of `settings.window` days of all series, and writes them.

    The code of a day is that of the window it ends, so the first `window - 1` days have none and are left out: the
    Structure is of `returns.dates[settings.window - 1:]`. The error of a day is its mean over the windows it is in.
    A generator of the training's progress. Raises DataError for too few days, or too few returns in a window.
    """
    length = settings.window
    count = len(returns.dates) - length + 1
    fewest = 5 * FEWEST_STRETCHES * length
    if count < fewest:
        raise DataError(
            f"{len(returns.dates)} days that all series have are too few for windows of {length}",
            f"use {fewest + length - 1} days or more, or a shorter window: --set window=5",
        )
    x = returns.standardised()
    if x.shape[1] * length <= settings.code_size:
        raise DataError(
            f"a window of {x.shape[1] * length} returns is no more than the {settings.code_size} numbers of the code",
            "use more series or a longer window: --set window=20",
        )
    learned, held = held_windows(count, length, settings.val_share, settings.seed)

    def make() -> SequenceAutoencoder:
        return SequenceAutoencoder(x.shape[1], settings.hidden_size, settings.num_layers, settings.code_size)

    def measure(difference: Tensor) -> Tensor:
        return difference.abs()  # (B, T, S)

    return (yield from _find(windows(x, length), learned, held, make, absolute, measure, settings, compute))


def _find(
    examples: Tensor,
    learned: np.ndarray,
    held: np.ndarray,
    make: Callable[[], Net],
    objective: Objective,
    measure: Callable[[Tensor], Tensor],
    settings: StructureSettings,
    compute: Compute,
) -> Generator[Progress, None, Structure]:
    """Fit both kinds of autoencoder to the examples (N, ..., F), with those `held` out first and then with all.

    All are learned from in the end, so that the error of one does not depend on whether it was held out.
    """
    torch.manual_seed(settings.seed)
    model = make()
    if compute.precision == "auto":
        compute = Compute(compute.device, "fp32", compute.threads)  # too small a net to gain by bf16
    chosen = compute.resolve(count_parameters(model))
    examples = examples.to(chosen.device)
    assert settings.max_steps is not None  # its settings see to that
    with use_threads(chosen.threads):
        part, others = (examples[torch.from_numpy(rows).to(chosen.device)] for rows in (learned, held))
        linear = PrincipalComponents.fit(part, settings.code_size)
        mean = linear.mean.reshape(part.shape[1:])
        model.to(chosen.device)
        steps = yield from learn(model, objective, part, others, settings, chosen, settings.max_steps)
        explained, by_pca = _explained(model, others, mean), _explained(linear, others, mean)
        del part, others
        torch.manual_seed(settings.seed)
        model = make().to(chosen.device)
        yield from learn(model, objective, examples, None, settings, chosen, steps)
        linear = PrincipalComponents.fit(examples, settings.code_size)
        net, pca = _view(model, examples, measure, explained), _view(linear, examples, measure, by_pca)
    return Structure(net, pca, steps)


@torch.no_grad()
def _view(
    model: Net | PrincipalComponents, examples: Tensor, measure: Callable[[Tensor], Tensor], explained: float
) -> View:
    codes, errors, worst = [], [], []
    for start in range(0, len(examples), CHUNK):
        x = examples[start : start + CHUNK]
        codes.append(model.encode(x).cpu().numpy())
        lost = measure(model(x) - x)  # (B, F) or (B, T, S)
        errors.append(lost.mean(-1).cpu().numpy())
        worst.append((lost if lost.dim() == 2 else lost[:, -1]).argmax(-1).cpu().numpy())
    by_example = np.concatenate(errors)
    return View(
        np.concatenate(codes),
        by_example if by_example.ndim == 1 else day_errors(by_example),
        np.concatenate(worst),
        explained,
    )


@torch.no_grad()
def _explained(model: Net | PrincipalComponents, examples: Tensor, mean: Tensor) -> float:
    """The share of the variance of examples about `mean` that comes back: 1 is all, below 0 is worse than the mean."""
    lost = total = 0.0
    for start in range(0, len(examples), CHUNK):
        x = examples[start : start + CHUNK]
        lost += (model(x) - x).double().square().sum().item()
        total += (x - mean).double().square().sum().item()
    return 1 - lost / total if total else 0.0
