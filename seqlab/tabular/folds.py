"""Which rows are held out: by class, by group or by time. Each choice is a function of the seed."""

from collections.abc import Sequence

import numpy as np

from seqlab.errors import DataError, UsageError

Split = tuple[np.ndarray, np.ndarray]  # row numbers to learn from, and those held out, both ascending


def folds(
    count: int,
    rows: int,
    seed: int,
    *,
    classes: np.ndarray | None = None,
    groups: np.ndarray | None = None,
    time: np.ndarray | None = None,
) -> list[Split]:
    """`count` splits of the rows 0 to `rows` - 1; each row is held out once.

    classes (N,): labels whose shares every part has, to a row. groups (N,): rows of equal values stay together, and the
    shares of the classes are as even as that lets them be. time (N,): the parts follow each other in this order, and
    each is held out from those that learn from all before it, so that the first part, one of `count` + 1, is never held
    out; rows of one time stay together. Raises DataError for fewer rows, groups or times than parts.
    """
    if time is not None:
        part = _parts_in_time(time, count + 1)
        return [_split(part < number, part == number) for number in range(1, count + 1)]
    if count < 2:
        raise UsageError(f"with folds={count} no rows are left to learn from", "use 2 folds or more")
    part = _parts(count, rows, seed, classes, groups)
    return [_split(part != number, part == number) for number in range(count)]


def hold_out(
    share: float,
    rows: int,
    seed: int,
    *,
    classes: np.ndarray | None = None,
    groups: np.ndarray | None = None,
    time: np.ndarray | None = None,
) -> Split:
    """One split that holds out about `share` of the rows, drawn as by `folds`; by time the last ones.

    A class's only row is not held out. Raises DataError for fewer than two rows, groups or times.
    """
    if time is not None:
        moments = np.unique(time)
        _require(len(moments), 2, "different times")
        late = np.sort(time)[min(rows - 1, round((1 - share) * rows))]
        out = time >= (late if late > moments[0] else moments[1])
        return _split(~out, out)
    if groups is not None:
        _, numbers = np.unique(groups, return_inverse=True)
        _require(int(numbers.max()) + 1, 2, "groups")
        out = _parts_of_groups([1 - share, share], numbers, classes, np.random.default_rng([seed, 1])) == 1
        if out.all() or not out.any():  # the smallest group is another's
            out[numbers == np.bincount(numbers).argmin()] = not out[0]
        return _split(~out, out)
    _require(rows, 2, "rows")
    random = np.random.default_rng([seed, 1])
    out = np.zeros(rows, bool)
    if classes is None:
        out[random.permutation(rows)[: max(1, min(rows - 1, round(share * rows)))]] = True
        return _split(~out, out)
    # every 1/share-th of the rows sorted by class, in random order within it
    order = random.permutation(rows)
    order = order[np.argsort(classes[order], kind="stable")]
    steps = np.floor(np.arange(-1, rows) * share + random.random())
    out[order] = np.diff(steps) > 0
    only = np.isin(
        classes, [one for one, many in zip(*np.unique(classes, return_counts=True), strict=True) if many < 2]
    )
    out &= ~only
    if not out.any():
        out[order[np.flatnonzero(~only[order])[:1]]] = True
    if not out.any():
        raise DataError("every row is the only one of its class, so none can be held out", "use more rows")
    return _split(~out, out)


def _parts(count: int, rows: int, seed: int, classes: np.ndarray | None, groups: np.ndarray | None) -> np.ndarray:
    """The part 0 to `count` - 1 of each row."""
    random = np.random.default_rng([seed, 0])
    part = np.empty(rows, np.int64)
    if groups is not None:
        _, numbers = np.unique(groups, return_inverse=True)
        _require(int(numbers.max()) + 1, count, "groups")
        return _parts_of_groups([1 / count] * count, numbers, classes, random)
    _require(rows, count, "rows")
    order = random.permutation(rows)
    if classes is not None:
        order = order[np.argsort(classes[order], kind="stable")]
    part[order] = np.arange(rows) % count
    return part


def _parts_of_groups(
    wanted: Sequence[float], numbers: np.ndarray, classes: np.ndarray | None, random: np.random.Generator
) -> np.ndarray:
    """The part of each row, by its group's number; `wanted` are the parts' shares of the rows.

    The largest groups first, each goes where the sum of the squares of what the parts have of each class, over what
    they want, grows the least: without classes, and with equal parts, that is the emptiest one.
    """
    labels = np.zeros(len(numbers), np.int64) if classes is None else np.unique(classes, return_inverse=True)[1]
    shares = np.zeros((int(numbers.max()) + 1, int(labels.max()) + 1))
    np.add.at(shares, (numbers, labels), 1.0)
    shares /= shares.sum(0)  # (groups, classes): of each class, how much is in the group
    filled, where = np.zeros((len(wanted), shares.shape[1])), np.empty(len(shares), np.int64)
    order = random.permutation(len(shares))
    for group in order[np.argsort(-shares[order].sum(1), kind="stable")]:
        grows = (2 * filled @ shares[group] + shares[group] @ shares[group]) / np.array(wanted)
        where[group] = np.lexsort((filled.sum(1), grows))[0]  # an empty part before others as good
        filled[where[group]] += shares[group]
    return where[numbers]


def _parts_in_time(time: np.ndarray, count: int) -> np.ndarray:
    moments, numbers, sizes = np.unique(time, return_inverse=True, return_counts=True)
    _require(len(moments), count, "different times")
    middle = (np.cumsum(sizes) - sizes / 2) / len(time)  # where a moment stands among the rows, from 0 to 1
    part = np.minimum((middle * count).astype(np.int64), count - 1)
    place = np.arange(len(moments))  # none is empty: as many moments are left as parts, and no part is left out
    part = np.minimum(np.maximum(part, count - len(moments) + place), place)
    part = np.minimum.accumulate(part - place) + place
    return part[numbers]


def _require(there: int, needed: int, what: str) -> None:
    if there < needed:
        raise DataError(f"{there} {what} are too few for {needed} parts", "use more rows or fewer folds")


def _split(train: np.ndarray, out: np.ndarray) -> Split:
    return np.flatnonzero(train), np.flatnonzero(out)
