"""Nets of one shape that learn from parts of a table side by side: one batched computation, each as if alone.

Every part has two nets. The early-stopping net does not learn from the part's validation rows, whose loss says how well
it does; the refit net learns from all rows of the part, and its weights are taken whenever the early-stopping net is
clearly better than ever. So no row is wasted, and no row that is evaluated later decides when to stop. Where the
validation rows are few of many, the early-stopping nets learn alone and their own weights are taken.

Where the target is a number, there are as many parts again, whose nets learn its quantiles from the same rows: those
that predict learn what they would without them.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from seqlab.data.batches import seeded
from seqlab.data.tables.target import Target
from seqlab.models.mlp import MLP
from seqlab.tabular.intervals import QUANTILES, Scale
from seqlab.training import Batch, State

BETTER = 0.001  # of the lowest loss, by which the next lowest has to be lower: less is luck, and lengthens the run
EVALUATED = 8192  # rows at once


@dataclass(frozen=True)
class Part:
    """What the two nets of a part are given: x float32 (N, F), y int64 or float32 (N,), of all rows of the table as
    this part sees them; target: what y means; train_rows: the numbers of the rows to learn from, and of these val_rows,
    which the early-stopping net does not learn from. scale: of nets that learn quantiles, what their y means."""

    x: np.ndarray
    y: np.ndarray
    target: Target
    train_rows: np.ndarray
    val_rows: np.ndarray
    scale: Scale | None = None

    @property
    def early_stopping_rows(self) -> np.ndarray:
        """What the early-stopping net learns from."""
        return np.setdiff1d(self.train_rows, self.val_rows, assume_unique=True)


class BatchedMLP(nn.Module):
    """The early-stopping nets, then the refit nets, of some parts; and the best weights of each part.

    A part is open until its validation loss has not fallen for `patience` steps; then its nets are given nothing more.
    """

    best_loss: Tensor
    best_step: Tensor
    open: Tensor

    def __init__(self, mlp: MLP, parts: int) -> None:
        super().__init__()
        self.mlp, self.parts = mlp, parts
        self.first = mlp.members - parts  # where the nets begin whose weights are taken
        self.register_buffer("best_loss", torch.full((parts,), torch.finfo(torch.float32).max))  # finite: it is saved
        self.register_buffer("best_step", torch.zeros(parts, dtype=torch.int64))
        self.register_buffer("open", torch.ones(parts, dtype=torch.bool))
        for name, parameter in mlp.named_parameters():
            self.register_buffer(f"best_{name.replace('.', '_')}", parameter[self.first :].detach().clone())

    @property
    def active(self) -> Tensor:
        """The numbers of the nets of open parts."""
        return self.open.repeat(self.mlp.members // self.parts).nonzero()[:, 0]

    def forward(self, x: Tensor) -> Tensor:
        """x (K, B, F), of the active nets, in their order."""
        return self.mlp(x, None if len(x) == self.mlp.members else self.active)

    @torch.no_grad()
    def keep_best(self, losses: Tensor, step: int, patience: int) -> dict[str, float]:
        """Take the weights where the validation loss (parts,) is clearly the lowest, and close parts without patience.

        The mean loss of all parts, of closed ones the lowest, and the mean of the lowest.
        """
        better = self.open & (losses < self.best_loss * (1 - BETTER))
        self.best_loss[better] = losses[better]
        self.best_step[better] = step
        for name, parameter in self.mlp.named_parameters():
            self.get_buffer(f"best_{name.replace('.', '_')}")[better] = parameter[self.first :][better]
        now = torch.where(self.open, losses, self.best_loss)
        self.open &= step - self.best_step < patience
        return {"val_loss": float(now.mean()), "val_lowest": float(self.best_loss.mean())}

    @torch.no_grad()
    def best(self) -> MLP:
        """The nets with the best weights, one for each part."""
        sizes = [weight.shape[2] for weight in self.mlp.weights]
        net = MLP(self.mlp.weights[0].shape[1], sizes[:-1], sizes[-1], self.mlp.activation, members=self.parts)
        for name, parameter in net.named_parameters():
            parameter.copy_(self.get_buffer(f"best_{name.replace('.', '_')}"))
        return net.eval()


class RowBatches:
    """Batches of rows for every active net: x (K, B, F) and y (K x B,). Each net goes through its own rows again and
    again, in an order that is a function of the seed, the net's number and the round; an epoch is one round of the
    longest."""

    def __init__(
        self, x: Tensor, y: Tensor, rows: Sequence[Tensor], batch_size: int, seed: int, nets: BatchedMLP | None = None
    ) -> None:
        """x (P, N, F), y (parts, N): net k reads x and y of its number modulo how many there are of each; rows: for
        each net its row numbers. nets: the model whose active nets get rows; None: all do."""
        self.rows, self.seed, self.nets = rows, seed, nets
        self.counts = [len(one) for one in rows]
        self.batch_size = min(batch_size, max(self.counts))
        self.x, self.y = x.flatten(0, 1), y.flatten()
        self.offsets = [(torch.arange(len(rows)) % len(one) * x.shape[1])[:, None] for one in (x, y)]  # (K, 1) each
        self.orders: dict[tuple[int, int], Tensor] = {}

    def __len__(self) -> int:
        return -(-max(self.counts) // self.batch_size)

    def epoch(self, number: int, start: int = 0) -> Iterator[Batch]:
        """The batches of epoch `number` from batch `start` on."""
        size, active = self.batch_size, self._active()
        orders = [self._take(net, number * len(self) * size) for net in active.tolist()]
        order = torch.stack(orders)  # (K, rows of an epoch)
        places = torch.stack([order + offsets[active] for offsets in self.offsets]).to(self.x.device)
        for index in range(start, len(self)):
            still = self._active()
            if len(still) < len(active):
                places, active = places[:, torch.isin(active, still).to(places.device)], still
            of_x, of_y = places[..., index * size : (index + 1) * size].flatten(1)
            yield self.x.index_select(0, of_x).view(len(active), size, -1), self.y[of_y]

    def _active(self) -> Tensor:
        return torch.arange(len(self.rows)) if self.nets is None else self.nets.active.cpu()

    def _take(self, net: int, first: int) -> Tensor:
        """The row numbers of an epoch from place `first` of a net's endless order."""
        count, found, missing = self.counts[net], [], len(self) * self.batch_size
        while missing:
            turn, place = divmod(first, count)
            taken = min(missing, count - place)
            found.append(self._order(net, turn)[place : place + taken])
            first, missing = first + taken, missing - taken
        return torch.cat(found)

    def _order(self, net: int, turn: int) -> Tensor:
        if (net, turn) not in self.orders:
            self.orders.pop((net, turn - 2), None)
            rows = self.rows[net]
            self.orders[net, turn] = rows[torch.randperm(len(rows), generator=seeded(self.seed, net, turn))]
        return self.orders[net, turn]


def row_losses(outputs: Tensor, y: Tensor, loss: str, quantiles: Tensor | None = None) -> Tensor:
    """outputs (K, B, C) or (K, B, 1 or more), targets (K, B) -> the loss of every row (K, B).

    cross_entropy in nats; squared, or distance, the Euclidean one, in (squared) deviations of the target: of the first
    output. quantiles (K,): 1 for nets of which the others, added to the first, are QUANTILES, else 0. Their loss does
    not reach the first, so that they say how far from it: pulled to zero, as far in every row.
    """
    if loss == "cross_entropy":
        return F.cross_entropy(outputs.flatten(0, 1), y.flatten(), reduction="none").view(y.shape)
    error = outputs[..., 0] - y
    losses = error.square() if loss == "squared" else error.abs()
    if quantiles is None:
        return losses
    return losses + quantiles[:, None] * pinball(outputs[..., :1].detach() + outputs[..., 1:], y[..., None])


def pinball(quantiles: Tensor, y: Tensor) -> Tensor:
    """The sum over QUANTILES of the loss that each is the minimum of (Koenker and Bassett 1978): (..., QUANTILES) and
    y (..., 1) -> (...)."""
    shares, above = quantiles.new_tensor(QUANTILES), y - quantiles
    return torch.maximum(shares * above, (shares - 1) * above).sum(-1)


def mean_loss(
    model: nn.Module,
    batch: Batch,
    state: State,
    *,
    loss: str,
    l2: Tensor | float,
    weights: Tensor | None,
    quantiles: Tensor | None = None,
) -> tuple[Tensor, State]:
    """The objective: the mean over the nets of each one's mean loss and `l2` (K,) times the sum of its squared weights.

    weights (K, C): what a row of each class counts, if not all alike; quantiles (K,): see `row_losses`. Where some nets
    are closed, the loss that is reported is the mean of the others, without the penalty; the gradient of each is what
    it was with all.
    """
    assert isinstance(model, BatchedMLP)
    x, y = batch
    y = y.view(x.shape[:2])
    if quantiles is not None and len(x) < len(quantiles):
        quantiles = quantiles[model.active]
    losses = row_losses(model(x), y, loss, quantiles)  # (K, B)
    if weights is not None:
        if len(x) < len(weights):
            weights = weights[model.active]
        shares = weights.gather(1, y)
        losses = losses * shares / shares.mean(1, keepdim=True)
    total = losses.mean(1).sum() / model.mlp.members
    squares = torch.stack([weight.square().sum((1, 2)) for weight in model.mlp.weights]).sum(0)  # (K,)
    total = total + (l2 * squares).sum() / model.mlp.members
    if len(x) < model.mlp.members:
        total = total + (losses.detach().mean() - total.detach())
    return total, state


@torch.inference_mode()
def outputs_of(net: MLP, x: Tensor) -> Tensor:
    """x (K, N, F) -> float32 (K, N, outputs), some rows at a time."""
    return torch.cat([net(part).float() for part in x.split(EVALUATED, 1)], 1)
