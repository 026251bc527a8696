"""A net for tables for other programs: a row of numbers in, one for each column, as they stand in the table."""

import copy

import torch
from torch import Tensor, nn

from seqlab.data.tables.encoded_column import CYCLES, FURTHEST
from seqlab.data.tables.encoder import Encoder
from seqlab.data.tables.target import Target
from seqlab.export import Graph
from seqlab.models.mlp import MLP

USE = """\
import json
import numpy as np
import onnxruntime

session = onnxruntime.InferenceSession("model.onnx")
about = {name: json.loads(value) for name, value in session.get_modelmeta().custom_metadata_map.items()}

def number(entry, column):  # of the text of an entry
    if entry in (None, ""):
        return np.nan
    if column["kind"] == "category":
        words = column["categories"]
        return words.index(entry) if entry in words else len(words) if entry in column["rare"] else -1
    if column["kind"] == "boolean":
        return entry.lower() in ("true", "yes", "y", "t", "on", "1")
    return np.datetime64(entry, "s").astype(float) / 86400 if column["kind"] == "date" else float(entry)

row = {}  # by name of column; what is not there is missing
rows = np.array([[number(row.get(column["name"]), column) for column in about["columns"]]], float)
(answer,) = session.run(None, {"rows": rows})
print(about.get("classes", about["target"]), answer[0])
"""


class _Encoded(nn.Module):
    """The columns of `Encoder` of numbers: (N, columns) float64 -> (N, features) float32, for all columns at once."""

    mean: Tensor
    deviation: Tensor
    median: Tensor
    shift: Tensor
    length: Tensor
    codes: Tensor

    def __init__(self, encoder: Encoder) -> None:
        super().__init__()
        numbers, flags, waves, words = [], [], [], []  # the columns that each feature is of, and its place
        place = 0
        for index, column in enumerate(encoder.columns):
            if column.kind == "category":
                count = len(column.categories) + bool(column.rare)
                words += [(index, code, place + code) for code in range(count)]
            else:
                numbers.append((index, place))
                for turn, cycle in enumerate(column.cycles):
                    shift = 4.0 * (cycle == "week")  # weeks begin on Mondays
                    waves.append((index, shift, CYCLES[cycle], place + 1 + 2 * turn))
            place += len(column.features)
            if column.flagged:
                flags.append((index, place - 1))
        of = [encoder.columns[index] for index, _ in numbers]
        self.kept = _indices([index for index, _ in numbers])
        self.flags = _indices([index for index, _ in flags])
        self.turning = _indices([index for index, *_ in waves])
        self.words = _indices([index for index, *_ in words])
        for name in ("mean", "deviation", "median"):
            self.register_buffer(name, torch.tensor([getattr(column, name) for column in of], dtype=torch.float64))
        self.register_buffer("shift", torch.tensor([shift for _, shift, _, _ in waves], dtype=torch.float64))
        self.register_buffer("length", torch.tensor([length for _, _, length, _ in waves], dtype=torch.float64))
        self.register_buffer("codes", torch.tensor([code for _, code, _ in words], dtype=torch.float64))
        sines = [place for *_, place in waves]
        places = [*(at for _, at in numbers), *sines, *(at + 1 for at in sines), *(at for *_, at in words)]
        self.order = _indices([*places, *(at for _, at in flags)]).argsort()

    def forward(self, rows: Tensor) -> Tensor:
        known = rows.abs() < torch.inf  # not of what is missing
        kept, turning = rows[:, self.kept], rows[:, self.turning]
        filled = torch.where(known[:, self.kept], kept, self.median)
        standard = ((filled - self.mean) / self.deviation).clamp(-FURTHEST, FURTHEST)
        seen = known[:, self.turning]
        turn = 2 * torch.pi * (torch.where(seen, turning, 0.0) - self.shift) / self.length
        sines, cosines = (torch.where(seen, wave, 0.0).float() for wave in (turn.sin(), turn.cos()))
        words = rows[:, self.words] == self.codes
        parts = (standard.float(), sines, cosines, words.float(), (~known[:, self.flags]).float())
        return torch.cat(parts, 1)[:, self.order]


class _Predicted(nn.Module):
    """Rows -> probabilities of classes, or a number in the target's units."""

    def __init__(self, encoder: Encoder, net: MLP, target: Target) -> None:
        super().__init__()
        self.encoded, self.net = _Encoded(encoder), copy.deepcopy(net).cpu()
        self.classes, self.mean, self.deviation = bool(target.classes), target.mean, target.deviation
        self.floor = -torch.inf if target.floor is None else target.floor
        self.padding = net.weights[0].shape[1] - len(encoder.features)

    def forward(self, rows: Tensor) -> tuple[Tensor]:
        outputs = self.net(nn.functional.pad(self.encoded(rows), (0, self.padding))).double()
        if self.classes:
            return (outputs.softmax(1),)
        return ((outputs[:, 0] * self.deviation + self.mean).clamp(min=self.floor),)


def graph(encoder: Encoder, net: MLP, target: Target) -> Graph:
    """rows (N, columns), float64 -> probabilities (N, classes), or predictions (N,)."""
    random = torch.Generator().manual_seed(0)

    def example(count: int) -> tuple[Tensor, ...]:
        columns = []
        for column in encoder.columns:
            drawn = column.mean + column.deviation * torch.randn(count, generator=random, dtype=torch.float64)
            if column.kind == "category":
                drawn = torch.randint(
                    -1, len(column.categories) + bool(column.rare), (count,), generator=random
                ).double()
            columns.append(drawn.masked_fill(torch.rand(count, generator=random) < 0.1, torch.nan))
        return (torch.stack(columns, 1),)

    shown = ("name", "kind", "categories", "rare")
    about = {
        "columns": [{name: getattr(column, name) for name in shown} for column in encoder.columns],
        "target": target.name,
        **({"classes": target.classes} if target.classes else {}),
        "inputs": "a row's entries in the order of columns: numbers; 1 and 0 of yes and no; days since 1970 of dates; "
        "of a category its place in categories, their count for a rare one, -1 for another; NaN where one is missing",
        "outputs": "the probability of each class" if target.classes else "the target in its own units",
    }
    output: dict[str, tuple[str | int, ...]] = {"prediction": ("rows",)}
    if target.classes:
        output = {"probabilities": ("rows", len(target.classes))}
    rows = {"rows": ("rows", len(encoder.columns))}
    return Graph(_Predicted(encoder, net, target), rows, output, (example(64), example(3)), about, USE)


def _indices(places: list[int]) -> Tensor:
    return torch.tensor(places, dtype=torch.int64)
