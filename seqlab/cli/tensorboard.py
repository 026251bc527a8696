"""--tensorboard FOLDER: what TensorBoard is to show of a training."""

import importlib.util
from pathlib import Path
from typing import Any

from seqlab.cli.options import check_writable
from seqlab.errors import DataError, UsageError
from seqlab.formatting import plain

POINTS = 1000  # of a curve, about
OF_STEPS = ("train/loss", "train/lr", "train/grad_norm", "train/rate")


class Board:
    """Writes the curves of a training into a folder, of several runs those of each in one of its own; without a folder
    nothing."""

    def __init__(self, folder: Path | None) -> None:
        self.folder = folder
        self.writer: Any = None
        self.step = self.runs = 0

    @staticmethod
    def checked(context: Any, parameter: Any, folder: Path | None) -> Path | None:
        """The folder. Raises UsageError where the package is missing, and DataError for one that cannot be written,
        before any work."""
        if folder is None:
            return None
        if importlib.util.find_spec("tensorboard") is None:
            raise UsageError(
                "--tensorboard needs the package tensorboard",
                "install it beside seqlab: pip install 'seqlab[tensorboard]'",
            )
        if not folder.is_dir():
            check_writable(folder, "--tensorboard")
            if folder.exists():
                raise DataError(f"{folder} is a file", "name a folder with --tensorboard FOLDER")
        return folder

    def see(self, progress: Any) -> None:
        """Take note of a step, and of what an evaluation found."""
        if self.folder is None:
            return
        if self.writer is None or progress.step <= self.step:
            self._open()
        self.step = progress.step
        if progress.record is None and progress.step % max(1, progress.max_steps // POINTS):
            return
        values = (progress.loss, progress.lr, progress.grad_norm, progress.rate)
        for name, value in zip(OF_STEPS, values, strict=True):
            self.writer.add_scalar(name, value, progress.step)
        for name, value in (progress.record or {}).items():
            if name.startswith("val_") and isinstance(value, int | float):
                self.writer.add_scalar(f"val/{name.removeprefix('val_')}", value, progress.step)
            elif name == "sample":
                self.writer.add_text("sample", "    " + plain(value).replace("\n", "\n    "), progress.step)

    def finish(self, metrics: dict[str, Any]) -> None:
        """Write the figures of the last measurement, and what is left."""
        if self.folder is None:
            return
        if self.writer is None:  # a run that was at its end
            self._open()
        for name, value in metrics.items():
            if isinstance(value, int | float) and not isinstance(value, bool):
                self.writer.add_scalar(f"final/{name}", value, self.step)
        self.writer.close()

    def _open(self) -> None:
        from torch.utils.tensorboard import SummaryWriter

        assert self.folder is not None
        if self.writer is not None:
            self.writer.close()
        self.runs += 1
        self.writer = SummaryWriter(str(self.folder if self.runs == 1 else self.folder / f"run-{self.runs}"))
