"""What more rows are worth."""

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

import seqlab
from seqlab.data.tables.reader import Table
from seqlab.tasks import Task
from tests.tabular.helpers import table

HOW: dict[str, Any] = {"device": "cpu", "threads": 1, "folds": 3}


def curve(data: Table, **options: Any) -> Task[list[dict[str, Any]]]:
    return seqlab.learning_curve(data, "target", **HOW, **options)


def test_a_curve_leaves_out_rows_that_are_too_few_to_learn_from() -> None:
    frame = pd.DataFrame({"x": np.arange(300) % 40 == 0, "target": np.arange(300) % 5})  # x differs in few rows
    data = Table("sparse", frame, "9" * 64, ())
    found = curve(data, max_steps=20).result()
    assert len(found) < 5 and all(one["nets"] == 3 for one in found)
    days = replace(data, frame=frame.assign(day=np.repeat(np.arange(20), 15)))  # the latest rows are of one day
    assert curve(days, max_steps=20, time="day").result()


def test_more_experience_is_better() -> None:
    found = curve(table("wine"), max_steps=200).result()
    assert [one["nets"] for one in found] == [3] * 5
    assert [one["rows"] for one in found] == sorted(one["rows"] for one in found) and found[-1]["rows"] == 119
    assert found[-1]["accuracy"] > 0.93 and found[-1]["accuracy"] >= found[0]["accuracy"]


def test_a_curve_that_is_stopped_is_empty() -> None:
    assert curve(table("wine"), stop=lambda: True).result() == []
