"""Which columns a trained net depends on."""

from typing import Any

from seqlab.data.table import Table
from seqlab.machine import Resolved
from seqlab.tabular.predictor import Predictor


def importance(
    predictor: Predictor, table: Table, chosen: Resolved, *, repeats: int = 5, seed: int = 0
) -> list[dict[str, Any]]:
    """{column, importance, deviation} of every column, the most important first."""
    raise NotImplementedError
