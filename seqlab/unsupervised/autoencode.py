"""A code of a few numbers for each row or day, and its reconstruction error: by an autoencoder, and beside it by as
many principal components."""

from collections.abc import Callable, Generator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from seqlab.errors import DataError
from seqlab.machine import Compute, use_threads
from seqlab.models.autoencoder import Autoencoder, SequenceAutoencoder
from seqlab.settings import StructureSettings
from seqlab.tasks import Note
from seqlab.training import Objective, Progress, count_parameters
from seqlab.unsupervised.days import Returns, day_errors, split_windows, windows
from seqlab.unsupervised.pca import PrincipalComponents
from seqlab.unsupervised.train import absolute, squared, train

FEWEST_ROWS = 20
FEWEST_STRETCHES = 4  # of five windows: one is held out, and its neighbours are not trained on
MOST_VAL_ROWS = 20_000  # are enough to decide when to stop
CHUNK = 4096  # examples at a time
Net = Autoencoder | SequenceAutoencoder


@dataclass(frozen=True, eq=False)
class Embedding:
    """The codes of N examples.

    codes (N, K); errors (N,): of rows the mean squared error over the columns, of days the mean absolute error over
    the series, in (squared) standard deviations; worst (N,): the column of the largest error.
    explained: the share of the variance of held-out examples that is reconstructed, by an autoencoder of the others.
    """

    codes: np.ndarray
    errors: np.ndarray
    worst: np.ndarray
    explained: float

    def unusual(self, count: int) -> np.ndarray:
        """The places of the `count` examples with the largest errors, the largest first."""
        return np.argsort(-self.errors, kind="stable")[:count]


@dataclass(frozen=True, eq=False)
class Embeddings:
    """By an autoencoder and by principal components, of the same examples; steps: how long the net was trained."""

    autoencoder: Embedding
    pca: Embedding
    steps: int


def embed_rows(
    x: np.ndarray, settings: StructureSettings, *, compute: Compute = Compute()
) -> Generator[Progress | Note, None, Embeddings]:
    """Embed the rows of a table: x float32 (N, F), columns of about unit variance, none missing.

    A generator of the training's progress that returns the Embeddings. Raises DataError for too few rows or columns.
    """
    if len(x) < FEWEST_ROWS:
        raise DataError(f"{len(x)} rows are too few to find a structure in", f"use {FEWEST_ROWS} or more")
    if x.shape[1] <= settings.code_size:
        raise DataError(
            f"{x.shape[1]} encoded columns are no more than the {settings.code_size} numbers of the code",
            "use a table with more columns, or a smaller code: --set code_size=1",
        )
    order = np.random.default_rng(settings.seed).permutation(len(x))
    count = min(max(1, round(settings.val_share * len(x))), MOST_VAL_ROWS)

    def make() -> Autoencoder:
        return Autoencoder(x.shape[1], settings.hidden_size, settings.num_layers, settings.code_size)

    def measure(difference: Tensor) -> Tensor:
        return difference.square()  # (B, F)

    examples = torch.from_numpy(x)
    return (
        yield from _embed(
            examples, np.sort(order[count:]), np.sort(order[:count]), make, squared, measure, settings, compute
        )
    )


def embed_days(
    returns: Returns, settings: StructureSettings, *, compute: Compute = Compute()
) -> Generator[Progress | Note, None, Embeddings]:
    """Embed days: an LSTM reads windows of `settings.window` days of all series, and another reconstructs them.

    The code of a day is that of the window it ends, so the first `window - 1` days have none and are left out: the
    Embeddings are of `returns.dates[settings.window - 1:]`. The error of a day is its mean over the windows it is in.
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
    train_rows, val_rows = split_windows(count, length, settings.val_share, settings.seed)

    def make() -> SequenceAutoencoder:
        return SequenceAutoencoder(x.shape[1], settings.hidden_size, settings.num_layers, settings.code_size)

    def measure(difference: Tensor) -> Tensor:
        return difference.abs()  # (B, T, S)

    return (yield from _embed(windows(x, length), train_rows, val_rows, make, absolute, measure, settings, compute))


def _embed(
    examples: Tensor,
    train_rows: np.ndarray,
    val_rows: np.ndarray,
    make: Callable[[], Net],
    objective: Objective,
    measure: Callable[[Tensor], Tensor],
    settings: StructureSettings,
    compute: Compute,
) -> Generator[Progress | Note, None, Embeddings]:
    """Fit both kinds of autoencoder to the examples (N, ..., F), first to the `train_rows` and then to all.

    The errors are those of nets trained on all, so that they do not depend on which rows were held out.
    """
    torch.manual_seed(settings.seed)
    model = make()
    if compute.precision == "auto":
        compute = Compute(compute.device, "fp32", compute.threads)  # too small a net to gain by bf16
    device_config = compute.resolve(count_parameters(model))
    examples = examples.to(device_config.device)
    assert settings.max_steps is not None  # its settings see to that
    with use_threads(device_config.threads):
        part, others = (examples[torch.from_numpy(rows).to(device_config.device)] for rows in (train_rows, val_rows))
        linear = PrincipalComponents.fit(part, settings.code_size)
        mean = linear.mean.reshape(part.shape[1:])
        model.to(device_config.device)
        steps = yield from train(model, objective, part, others, settings, device_config, settings.max_steps)
        explained, by_pca = _explained(model, others, mean), _explained(linear, others, mean)
        del part, others
        torch.manual_seed(settings.seed)
        model = make().to(device_config.device)
        yield from train(model, objective, examples, None, settings, device_config, steps)
        linear = PrincipalComponents.fit(examples, settings.code_size)
        net, pca = _embedding(model, examples, measure, explained), _embedding(linear, examples, measure, by_pca)
    return Embeddings(net, pca, steps)


@torch.no_grad()
def _embedding(
    model: Net | PrincipalComponents, examples: Tensor, measure: Callable[[Tensor], Tensor], explained: float
) -> Embedding:
    codes, errors, worst = [], [], []
    for start in range(0, len(examples), CHUNK):
        x = examples[start : start + CHUNK]
        codes.append(model.encode(x).cpu().numpy())
        error = measure(model(x) - x)  # (B, F) or (B, T, S)
        errors.append(error.mean(-1).cpu().numpy())
        worst.append((error if error.dim() == 2 else error[:, -1]).argmax(-1).cpu().numpy())
    by_example = np.concatenate(errors)
    return Embedding(
        np.concatenate(codes),
        by_example if by_example.ndim == 1 else day_errors(by_example),
        np.concatenate(worst),
        explained,
    )


@torch.no_grad()
def _explained(model: Net | PrincipalComponents, examples: Tensor, mean: Tensor) -> float:
    """The share of the variance about `mean` that is reconstructed: 1 is all, below 0 is worse than the mean."""
    lost = total = 0.0
    for start in range(0, len(examples), CHUNK):
        x = examples[start : start + CHUNK]
        lost += (model(x) - x).double().square().sum().item()
        total += (x - mean).double().square().sum().item()
    return 1 - lost / total if total else 0.0
