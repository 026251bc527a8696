"""Two trained models for all tests of tables. To be read, not changed."""

import pytest

from seqlab.tabular.table_model import TableModel
from tests.tabular.helpers import FP32, table, trained


@pytest.fixture(scope="session")
def iris(tmp_path_factory: pytest.TempPathFactory) -> TableModel:
    folder = tmp_path_factory.mktemp("tables") / "iris"
    return TableModel.of(trained(table("iris"), folder, max_steps=400, folds=5), FP32)


@pytest.fixture(scope="session")
def diabetes(tmp_path_factory: pytest.TempPathFactory) -> TableModel:
    folder = tmp_path_factory.mktemp("tables") / "diabetes"
    return TableModel.of(trained(table("diabetes"), folder, folds=5), FP32)
