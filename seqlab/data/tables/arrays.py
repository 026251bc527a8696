"""The columns of a DataFrame as arrays: quickly, for there may be thousands of them."""

from collections.abc import Iterator

import numpy as np
import pandas as pd

CELLS = 1 << 22  # taken at a time


def arrays_of(frame: pd.DataFrame) -> Iterator[tuple[str, np.ndarray | pd.Series]]:
    """The columns in their order: arrays (N,) of the types of NumPy, others as Series."""
    width = max(1, CELLS // max(len(frame), 1))
    for start in range(0, frame.shape[1], width):
        part = frame if width >= frame.shape[1] else frame.iloc[:, start : start + width]
        alike: dict[object, list[int]] = {}
        for place, dtype in enumerate(part.dtypes.to_numpy(object)):
            alike.setdefault(dtype, []).append(place)
        found: dict[int, np.ndarray | pd.Series] = {}
        for dtype, places in alike.items():
            if isinstance(dtype, np.dtype):
                block = part if len(alike) == 1 else part.iloc[:, places]
                found |= zip(places, np.ascontiguousarray(block.to_numpy().T), strict=True)
            else:
                found |= {place: part.iloc[:, place] for place in places}
        yield from ((str(name), found[place]) for place, name in enumerate(part.columns.to_numpy(object)))
