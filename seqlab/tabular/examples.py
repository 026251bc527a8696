"""The labeled rows of a table: what goes into the net, what comes out, and which rows belong together."""

from collections.abc import Generator
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from seqlab.data.tables.encoder import fit_encoder
from seqlab.data.tables.leakage import leaks
from seqlab.data.tables.reader import Table
from seqlab.data.tables.target import Target, fit_target
from seqlab.errors import DataError, UsageError, did_you_mean
from seqlab.tabular.duplicates import copies, row_hashes
from seqlab.tasks import Note

FAR = 100.0  # times what the middle half spans


@dataclass(frozen=True)
class Examples:
    """The rows of a table whose target is known: the inputs, the target's column, and groups and times (N,) if named.

    values (N,): class numbers, or the target itself. `notes` say what was left out.
    """

    table: Table
    inputs: pd.DataFrame
    target: Target
    values: np.ndarray
    groups: np.ndarray | None
    time: np.ndarray | None
    notes: tuple[str, ...]

    @property
    def classes(self) -> int:
        """How many there are; 0 for numbers."""
        return len(self.target.classes)

    def about(self, rows: np.ndarray) -> dict[str, np.ndarray | None]:
        """What `folds` and `hold_out` are to know of these rows."""
        return {
            "classes": self.values[rows] if self.classes else None,
            "groups": None if self.groups is None else self.groups[rows],
            "time": None if self.time is None else self.time[rows],
        }

    def scaled(self, rows: np.ndarray) -> tuple[np.ndarray, Target]:
        """The targets of all rows as a net learns them from `rows`, and what they mean: numbers are standardised, and
        where none of these rows is negative, none is predicted below the lowest."""
        if self.classes:
            return self.values, self.target
        known = self.values[rows]
        mean, deviation = float(known.mean()), float(known.std()) or 1.0
        scaled = ((self.values - mean) / deviation).astype(np.float32)
        floor = float(known.min()) if known.min() >= 0 else None
        return scaled, replace(self.target, mean=mean, deviation=deviation, floor=floor)


def examples_of(
    table: Table, target: str, task: str = "auto", groups: str | None = None, time: str | None = None
) -> Examples:
    """Raises UsageError for a column that is not there, DataError for one that cannot be target, groups or time."""
    for column in (target, groups, time):
        if column is not None and column not in table.frame:
            raise UsageError(
                f"{table.name} has no column '{column}'", did_you_mean(column, [str(one) for one in table.frame])
            )
    if target in (groups, time):
        raise UsageError(f"'{target}' is the target, and cannot say which rows belong together", "name another column")
    frame = table.frame
    missing = frame[target].isna()
    if missing.any():
        frame = frame[~missing].reset_index(drop=True)
    notes = unlabeled(table, target)
    try:
        found = fit_target(frame[target], task)
    except DataError as problem:
        if not table.marks.get(target):
            raise
        raise DataError(f"{problem.message}; {notes[0]}", problem.hint) from problem
    notes.append(found.why)
    values = found.values(frame[target])
    notes += [] if found.classes else _far(values, target)
    inputs = frame.drop(columns=[one for one in (target, groups, time) if one is not None])
    if inputs.shape[1] == 0:
        raise DataError(f"{table.name} has no column beside '{target}' to learn from", "add columns to the table")
    return Examples(
        table,
        inputs,
        found,
        values,
        None if groups is None else _groups(frame[groups]),
        None if time is None else _times(frame[time]),
        tuple(notes),
    )


def unlabeled(table: Table, target: str) -> list[str]:
    """A sentence where rows have no target, with the marks that stand there: one may be a class."""
    count = int(table.frame[target].isna().sum())
    marks = " and ".join(f"'{mark}' in {rows:,}" for mark, rows in table.marks.get(target, {}).items())
    instead = f" ({marks}: taken as missing, write it as another word if it is a class)" if marks else ""
    rows = f"{count:,} {'row has' if count == 1 else 'rows have'} no '{target}'{instead}"
    return [f"{rows} and {'was' if count == 1 else 'were'} left out"] if count else []


def labeled_rows(table: Table, target: Target) -> tuple[pd.DataFrame, np.ndarray]:
    """The rows of a table whose target is known, and what it is: class numbers, or the numbers themselves (N,).

    Raises DataError where there is none, or one is of a class that was not learned.
    """
    if target.name not in table.frame:
        raise DataError(f"{table.name} has no column '{target.name}' to measure by", "use rows whose outcome is known")
    frame = table.frame[table.frame[target.name].notna()].reset_index(drop=True)
    if frame.empty:
        raise DataError(f"no row of {table.name} has a '{target.name}'", "use rows whose outcome is known")
    return frame, target.values(frame[target.name])


def about(
    table: Table,
    target: str,
    *,
    task: str = "auto",
    groups: str | None = None,
    time: str | None = None,
    test: Table | None = None,
) -> Generator[Note, None, None]:
    """The size of a table, and what `describe` finds, for people."""
    yield Note(f"{table.name}: {len(table.frame):,} rows, {len(table.frame.columns)} columns")
    for note in describe(table, target, task=task, groups=groups, time=time, test=test):
        yield Note(f"  {note}")


def describe(
    table: Table,
    target: str,
    *,
    task: str = "auto",
    groups: str | None = None,
    time: str | None = None,
    test: Table | None = None,
) -> list[str]:
    """Notes before training, a sentence each: repairs, rows left out, the task and why, columns that were changed or
    left out, columns that look like a leak, and rows that are there twice, in the table or in `test` too.

    Raises as `examples_of` does, and UsageError where the test rows are the table itself.
    """
    data = examples_of(table, target, task, groups, time)
    encoder, changes = fit_encoder(data.inputs)
    names = [*(column.name for column in encoder.columns), target]
    notes = [*table.notes, *data.notes, *changes, *leaks(table.frame, target)]
    if groups is None and time is None:
        notes += copies(table.frame, names)
    if test is None:
        return notes
    if test.sha256 == table.sha256:
        raise UsageError(f"the test rows of {test.name} are the training rows", "name other rows with --test")
    notes += test.notes
    if all(name in test.frame for name in names):
        shared = np.isin(row_hashes(test.frame, names), row_hashes(table.frame, names))
        if shared.any():
            notes.append(f"{shared.sum():,} of the {len(shared):,} test rows are training rows, value for value")
    return notes


def _far(values: np.ndarray, target: str) -> list[str]:
    """A sentence where a few numbers are so far from the others that they alone decide the squared error."""
    low, middle, high = np.quantile(values, [0.25, 0.5, 0.75])
    furthest = values[np.abs(values - middle).argmax()]
    if abs(furthest - middle) <= FAR * (high - low) or high == low:
        return []
    return [
        f"'{target}' reaches {furthest:g}, where half of the rows lie between {low:g} and {high:g}: "
        "so far away, a few rows decide the squared error"
    ]


def _groups(column: pd.Series) -> np.ndarray:
    if column.isna().any():
        raise DataError(f"{int(column.isna().sum()):,} rows have no '{column.name}'", "give every row its group")
    return np.asarray(pd.factorize(column)[0])


def _times(column: pd.Series) -> np.ndarray:
    if not pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_datetime64_any_dtype(column):
        raise DataError(  # what is a date in one way alone was read as one
            f"column '{column.name}' holds neither numbers nor dates that can be read in one way alone",
            "write dates as 2024-12-31",
        )
    if column.isna().any():
        raise DataError(f"{int(column.isna().sum()):,} rows have no '{column.name}'", "give every row its time")
    return column.to_numpy()
