"""The nets of some parts of a table, and how they learn: all of a run but its length."""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor

from seqlab import training
from seqlab.errors import UsageError
from seqlab.machine import Compute, use_threads
from seqlab.models.mlp import MLP
from seqlab.runs import Prepared
from seqlab.settings import TableSettings
from seqlab.tabular.batched import BatchedMLP, Part, RowBatches, mean_loss, outputs_of, row_losses
from seqlab.tabular.intervals import QUANTILES
from seqlab.training import Validate, optimizers, schedules

L2_CLASSES, L2_NUMBERS = 2.0, 12.0  # of one row: what is known beforehand counts less, the more rows there are
BATCH_SHARE, BATCH_SIZES = 1 / 40, (64, 512)  # of the rows to learn from, and from how many to how many
FEW = 0.05  # of the rows kept for validation: learning from them too would change little and double the work
STEPS, EPOCHS = 4000, 20  # of a run that nothing stops earlier: whichever is longer
SAVE_SECONDS = 10.0  # a table's run is often over before that: it would spend half of its time on the disk


def prepare(
    x: np.ndarray,
    parts: Sequence[Part],
    classes: int,
    settings: TableSettings,
    compute: Compute,
    config: dict[str, Any],
) -> Prepared:
    """x and parts: of `parts_of`; classes: how many, 0 for numbers; config: of the checkpoint, as far as it is known.

    The model is a `BatchedMLP`. Raises UsageError for a loss that does not fit the target.
    """
    settings, loss = _sized(settings, parts), _loss(settings, classes)
    rows = _rows_of_nets(parts)
    of_a_row = L2_CLASSES if classes else L2_NUMBERS
    l2 = [of_a_row / len(part.train_rows) if settings.l2 is None else settings.l2 for part in parts]
    told = torch.tensor([float(parts[k % len(parts)].scale is not None) for k in range(len(rows))])
    quantiles = told if told.any() else None
    shape = _shape(x.shape[2], classes or 1 + len(QUANTILES) * (quantiles is not None), len(rows), settings)
    torch.manual_seed(settings.seed)
    mlp = MLP(**shape)
    for number in range(len(rows)):
        mlp.init(number, parts[number % len(parts)].x.shape[1])
    nets = BatchedMLP(mlp, len(parts))
    device_config = compute.resolve(training.count_parameters(nets))
    device = device_config.device
    nets.to(device)
    all_x, all_y = torch.from_numpy(x).to(device), torch.from_numpy(np.stack([part.y for part in parts])).to(device)
    weights = _class_weights(parts, rows, classes).to(device) if classes and settings.class_weights else None
    quantiles = None if quantiles is None else quantiles.to(device)
    penalties = torch.tensor(l2 * (len(rows) // len(parts)), device=device)
    assert settings.batch_size is not None
    with use_threads(device_config.threads):
        batches = RowBatches(
            all_x, all_y, [torch.from_numpy(one) for one in rows], settings.batch_size, settings.seed, nets
        )
        eval_every = settings.eval_every or max(20, len(batches) // 5)
        validate = _validation(nets, all_x, all_y, parts, loss, weights, quantiles, settings.patience * eval_every)
    return Prepared(
        nets,
        partial(mean_loss, loss=loss, l2=penalties, weights=weights, quantiles=quantiles),
        batches,
        optimizers.adamw(nets, settings.lr, settings.weight_decay),
        replace(settings, eval_every=eval_every),
        device_config,
        {
            **config,
            "model": shape,
            "parts": len(parts),
            "quantile_parts": sum(one.scale is not None for one in parts),
            "l2": l2[-1],
        },
        validate,
        schedule=schedules.constant,
        patience=settings.patience,
        save_seconds=SAVE_SECONDS,
        epochs=max(EPOCHS, STEPS / len(batches)),
    )


def _loss(settings: TableSettings, classes: int) -> str:
    loss = settings.loss if settings.loss != "auto" else "cross_entropy" if classes else "squared"
    if (loss == "cross_entropy") != bool(classes):
        raise UsageError(
            f"loss {loss} does not fit {'classes' if classes else 'numbers'}",
            f"use {'cross_entropy' if classes else 'squared or distance'}, or another --task",
        )
    return loss


def _sized(settings: TableSettings, parts: Sequence[Part]) -> TableSettings:
    """With a batch size by the rows, where none is given."""
    least, most = BATCH_SIZES
    by_rows = round(BATCH_SHARE * max(len(part.train_rows) for part in parts))
    return replace(settings, batch_size=settings.batch_size or min(max(least, by_rows), most))


def _rows_of_nets(parts: Sequence[Part]) -> list[np.ndarray]:
    """What each net learns from: the early-stopping nets, then the refit nets where there are some."""
    few = max(len(part.val_rows) / len(part.train_rows) for part in parts) < FEW
    return [part.early_stopping_rows for part in parts] + ([] if few else [part.train_rows for part in parts])


def _shape(inputs: int, outputs: int, nets: int, settings: TableSettings) -> dict[str, Any]:
    """The arguments of the MLP."""
    return {
        "input_size": inputs,
        "hidden_sizes": [settings.hidden_size] * settings.num_layers,
        "outputs": outputs,
        "activation": settings.activation,
        "dropout": settings.dropout,
        "members": nets,
    }


def _class_weights(parts: Sequence[Part], rows: Sequence[np.ndarray], classes: int) -> Tensor:
    """(nets, classes): what a row counts, so that each class counts alike, however few its rows."""
    own = [np.bincount(parts[k % len(parts)].y[some], minlength=classes) for k, some in enumerate(rows)]
    counts = torch.from_numpy(np.stack(own)).float()
    return counts.sum(1, keepdim=True) / (classes * counts.clamp(min=1)) * (counts > 0)


def _validation(
    nets: BatchedMLP,
    x: Tensor,
    y: Tensor,
    parts: Sequence[Part],
    loss: str,
    weights: Tensor | None,
    quantiles: Tensor | None,
    patience: int,
) -> Validate:
    """The loss of each early-stopping net on its validation rows, which keeps the best weights; patience in steps."""
    longest = max(len(part.val_rows) for part in parts)  # the others are padded
    rows = torch.stack([torch.from_numpy(np.resize(part.val_rows, longest)) for part in parts]).to(x.device)
    there = torch.stack([torch.arange(longest) < len(part.val_rows) for part in parts]).to(x.device)
    own_x = torch.stack([x[number % len(x), rows[number]] for number in range(len(parts))])  # (parts, longest, F)
    own_y = y.gather(1, rows)
    counts = there.float()  # what each row counts
    told = None if quantiles is None else quantiles[: len(parts)]
    if weights is not None:
        weighted = there * weights[: len(parts)].gather(1, own_y)
        counts = torch.where(weighted.sum(1, keepdim=True) > 0, weighted, counts)

    predicting = slice(None) if told is None else told == 0
    constant = constant_loss(own_y[predicting], counts[predicting], loss)

    def validate(step: int) -> dict[str, Any]:
        nets.eval()
        each = row_losses(outputs_of(nets.mlp, own_x), own_y, loss, told)  # (parts, longest)
        losses = (each * counts).sum(1) / counts.sum(1)
        if step == 0:  # only timed: nothing is kept
            return {"val_loss": float(losses.mean())}
        found: dict[str, Any] = nets.keep_best(losses, step, patience)
        if constant > 0:
            now = torch.where(nets.open, losses, nets.best_loss)  # a closed net is no longer looked after
            found["val_skill"] = 100 * (1 - float(now[predicting].mean()) / constant)
            found["val_baseline"] = "a constant"
        return found

    return validate


def constant_loss(y: Tensor, counts: Tensor, loss: str) -> float:
    """The mean loss of the best constant for the targets (parts, N) of each part, whose rows count so much."""
    shares = (counts / counts.sum(1, keepdim=True)).double()
    if loss == "cross_entropy":
        classes = torch.zeros(len(y), int(y.max()) + 1, dtype=torch.float64, device=y.device).scatter_add(1, y, shares)
        return float(torch.special.entr(classes).sum(1).mean())
    if loss == "squared":
        middle = (shares * y).sum(1, keepdim=True)
        return float((shares * (y - middle).square()).sum(1).mean())
    middle = torch.stack([one[there > 0].median() for one, there in zip(y, shares, strict=True)])[:, None]
    return float((shares * (y - middle).abs()).sum(1).mean())
