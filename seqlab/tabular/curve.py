"""Performance against experience."""

from collections.abc import Callable, Generator
from typing import Any

from seqlab.data.table import Table
from seqlab.machine import Compute
from seqlab.tabular.fitting import TableSettings
from seqlab.training import Progress


def learning_curve(
    table: Table,
    target: str,
    settings: TableSettings,
    *,
    task: str = "auto",
    folds: int = 5,
    groups: str | None = None,
    time: str | None = None,
    compute: Compute = Compute(),
    stop: Callable[[], bool] = lambda: False,
) -> Generator[Progress, None, list[dict[str, Any]]]:
    """{rows, accuracy | r2, deviation} for growing numbers of rows to learn from, measured on the same rows."""
    raise NotImplementedError
    yield
