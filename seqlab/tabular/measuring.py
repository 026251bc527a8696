"""How well a net does on rows it has not seen."""

from typing import Any

from seqlab.data.table import Table
from seqlab.machine import Resolved
from seqlab.tabular.predictor import Predictor


def evaluate(predictor: Predictor, table: Table, chosen: Resolved) -> dict[str, Any]:
    """{accuracy, f1, auc, nll, ece, confusion, per_class, rows} for classes, {r2, rmse, mae, coverage90, rows} for
    numbers."""
    raise NotImplementedError
