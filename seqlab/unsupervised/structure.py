"""What unlabeled data is made of: a map of the rows of a table or the days of several series, and the unusual ones."""

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from seqlab import settings as all_settings
from seqlab.data.series.frames import SeriesData, listed, load_data
from seqlab.data.series.kinds import Kind
from seqlab.data.tables.encoder import fit_encoder
from seqlab.data.tables.reader import read_table, table_of
from seqlab.data.tables.unpack import is_file_name
from seqlab.errors import UsageError
from seqlab.formatting import html_table
from seqlab.machine import Compute
from seqlab.settings import DAYS, StructureSettings
from seqlab.tasks import Event, Note, Status, Task
from seqlab.training import Progress
from seqlab.unsupervised.autoencode import Embedding, Embeddings, embed_days, embed_rows
from seqlab.unsupervised.days import join

if TYPE_CHECKING:
    from matplotlib.figure import Figure

TOP = 10  # unusual rows that are listed


@dataclass(frozen=True, eq=False)
class Structure:
    """The codes and reconstruction errors of N rows or days, by an autoencoder and by principal components.

    kind: `row` or `date`. places (N,): the rows' numbers from 1, or the dates. columns: what was encoded: columns of
    the table, or series. sizes (N,): the mean absolute return of each day, None of a table.
    """

    name: str
    kind: str
    places: range | np.ndarray
    columns: tuple[str, ...]
    autoencoder: Embedding
    pca: Embedding
    sizes: np.ndarray | None = None

    def place(self, row: int) -> int | str:
        """The number or the date of one of them."""
        return self.places[row] if self.kind == "row" else str(self.places[row])

    def largest_moves(self, top: int = TOP) -> list[int]:
        """The days of the largest mean absolute return, the largest first; none of a table."""
        return [] if self.sizes is None else (-self.sizes).argsort(kind="stable")[:top].tolist()

    def to_dict(self, top: int = TOP) -> dict[str, Any]:
        """What `seqlab structure --json` prints, with so many unusual rows."""
        value: dict[str, Any] = {
            "rows": len(self.autoencoder.codes),
            "columns": len(self.columns),
            "code_size": self.autoencoder.codes.shape[1],
            "explained": {"autoencoder": self.autoencoder.explained, "pca": self.pca.explained},
            "unusual": [self._described(self.autoencoder, row) for row in self.autoencoder.unusual(top)],
            "pca_unusual": [self._described(self.pca, row) for row in self.pca.unusual(top)],
        }
        if self.sizes is not None:
            value["largest_moves"] = [
                {"date": self.place(row), "move": float(self.sizes[row])} for row in self.largest_moves(top)
            ]
        return value

    def to_frame(self) -> pd.DataFrame:
        """Codes and errors of all rows: row or date, error, code_1, ..., pca_error, pca_1, ..., of days also
        mean_abs_return."""
        columns: dict[str, Any] = {self.kind: self.places}
        for before, code, one in (("", "code", self.autoencoder), ("pca_", "pca", self.pca)):
            columns[f"{before}error"] = one.errors.astype(float)
            columns |= {f"{code}_{k + 1}": one.codes[:, k].astype(float) for k in range(one.codes.shape[1])}
        if self.sizes is not None:
            columns["mean_abs_return"] = self.sizes
        return pd.DataFrame(columns)

    def plot(self, top: int = TOP) -> "Figure":
        """Both maps side by side, the most unusual rows marked by name."""
        from seqlab.plots.structure_map import Map, draw

        maps = [
            Map(name, one.codes, one.errors, one.explained, one.unusual(top))
            for name, one in (("autoencoder", self.autoencoder), ("PCA", self.pca))
        ]
        return draw(self.name, maps, [str(place) for place in self.places])

    def __repr__(self) -> str:
        count, what = len(self.autoencoder.codes), "rows" if self.kind == "row" else "days"
        return f"<Structure of {count:,} {what} of {self.name}, {len(self.columns):,} columns>"

    def _repr_html_(self) -> str:
        rows = [[one[self.kind], one["error"], one["worst"]] for one in self.to_dict()["unusual"]]
        note = f"variance explained: autoencoder {self.autoencoder.explained:.1%}, PCA {self.pca.explained:.1%}"
        return html_table(f"the most unusual of {self.name}", [self.kind, "error", "mostly"], rows, note)

    def _described(self, embedding: Embedding, row: int) -> dict[str, Any]:
        return {
            self.kind: self.place(row),
            "error": float(embedding.errors[row]),
            "worst": self.columns[embedding.worst[row]],
            "code": [float(number) for number in embedding.codes[row]],
        }


def find_structure(
    data: SeriesData | Sequence[SeriesData],
    given: dict[str, Any],
    *,
    columns: Sequence[str] = (),
    kind: Kind = "auto",
    freq: str | None = None,
    offline: bool = False,
    compute: Compute = Compute(),
) -> Generator[Event, None, Structure]:
    """The structure of one table, or of several series joined by their dates; see `seqlab.structure`.

    One file or DataFrame is a table unless `columns`, `kind` or `freq` say that it holds series. given: of the
    settings. Raises DataError for too few rows or columns, or days, and for what cannot be read.
    """
    items = listed(data)
    if not items:
        raise UsageError("there is nothing to find a structure in", "give a file, a DataFrame, or several tickers")
    if len(items) == 1 and _is_table(items[0]) and not columns and kind == "auto" and freq is None:
        return (yield from _of_table(items[0], given, compute))
    return (yield from _of_series(_each_once(items), given, columns, kind, freq, offline, compute))


def _is_table(item: SeriesData) -> bool:
    """Whether it may hold a table. Raises UsageError for standard input."""
    if not isinstance(item, str):
        return isinstance(item, Path | pd.DataFrame)
    if item == "-":
        raise UsageError("structure reads no standard input", "name files, or tickers like AAPL MSFT")
    return is_file_name(item)


def _each_once(items: Sequence[SeriesData]) -> list[SeriesData]:
    """The same series, but no ticker or file twice."""
    kept: dict[Any, SeriesData] = {}
    for place, item in enumerate(items):
        name = item.upper() if isinstance(item, str) and not _is_table(item) else item
        kept.setdefault(str(name) if isinstance(name, str | Path) else place, name)
    return list(kept.values())


def _of_table(data: SeriesData, given: dict[str, Any], compute: Compute) -> Generator[Event, None, Structure]:
    settings = all_settings.make(StructureSettings, given)
    yield Status("reading the table")
    table = table_of(data) if isinstance(data, pd.DataFrame) else read_table(Path(str(data)))
    encoder, notes = fit_encoder(table.frame)
    for note in (*table.notes, *notes):
        yield Note(f"{table.name}: {note}")
    found = yield from _shown(embed_rows(encoder.encode(table.frame), settings, compute=compute), table.name)
    places = range(1, len(table.frame) + 1)
    return Structure(table.name, "row", places, tuple(encoder.features), found.autoencoder, found.pca)


def _of_series(
    data: Sequence[SeriesData],
    given: dict[str, Any],
    columns: Sequence[str],
    kind: Kind,
    freq: str | None,
    offline: bool,
    compute: Compute,
) -> Generator[Event, None, Structure]:
    settings = all_settings.make(StructureSettings, given, **DAYS)
    series = list(load_data(data, columns=columns, kind=kind, freq=freq, offline=offline))
    notes: dict[str, list[str]] = {}  # what is true of many is noted once
    for one in series:
        for text in (f"{len(one):,} days, {one.origin}", *one.notes):
            notes.setdefault(text, []).append(one.name)
    for text, named in notes.items():
        yield Note(f"{', '.join(named)}: {text}")
    returns = join(series)
    for note in returns.notes:
        yield Note(note)
    lead = settings.window - 1
    first, last = returns.dates[0], returns.dates[-1]
    yield Note(f"joined: {len(returns.dates):,} days of {len(series)} series, {first} to {last}; {lead} lead in")
    found = yield from _shown(embed_days(returns, settings, compute=compute), f"{len(series)} series")
    name, sizes = ", ".join(one.name for one in series), returns.sizes()[lead:]
    return Structure(name, "date", returns.dates[lead:], returns.names, found.autoencoder, found.pca, sizes)


def _shown(
    steps: Generator[Progress | Note, None, Embeddings], name: str
) -> Generator[Status | Note, None, Embeddings]:
    task = Task(steps)
    for event in task:
        is_note = isinstance(event, Note)
        yield event if is_note else Status(f"learning from {name}", event.step, event.max_steps)
    return task.result()
