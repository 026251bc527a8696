"""Where a training run is kept while it goes on."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from seqlab.checkpoint.loading import Checkpoint, Config, load
from seqlab.checkpoint.lock import Lock
from seqlab.checkpoint.saving import amend, save

if TYPE_CHECKING:
    from torch import Tensor


class RunFolder:
    """The keeper of a training run: each save is a whole checkpoint.

    No checkpoint is touched before the first save, so an --overwrite that fails early has lost nothing. lock: held
    until the run has its metrics.
    """

    def __init__(
        self, folder: Path, config: Config, records: list[dict[str, Any]] | None = None, lock: Lock | None = None
    ) -> None:
        self.folder, self.config, self.lock = folder, config, lock
        self.records = list(records or [])

    def log(self, record: dict[str, Any]) -> None:
        self.records.append(record)

    def save(self, weights: "dict[str, Tensor]", training: "dict[str, Tensor]", position: dict[str, Any]) -> None:
        save(self.folder, {**self.config, "position": position}, weights, training, self.records)

    def finish(self, metrics: dict[str, Any]) -> Checkpoint:
        """Add the final metrics to what was saved last, and let others write to the folder."""
        done = amend(load(self.folder), metrics=metrics)
        if self.lock is not None:
            self.lock.release()
        return done
