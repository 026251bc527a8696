"""Stored quotes and a newer answer made one history: nothing known before is lost, and the past is on one scale."""

import numpy as np
import pandas as pd

OVERLAP = 10  # stored days that are asked for again, to see whether the past has changed
SAME = 2e-5  # relative: what an adjusted close may differ by from one fetch to the next; a dividend is more
MISSING = 0.01  # share of the stored days that a whole answer may correct away


def in_order(frame: pd.DataFrame) -> tuple[pd.DataFrame, list[str]]:
    """An answer's rows with a date, oldest first and each date once, by its last row; and what that took, a sentence
    each."""
    undated = frame["date"].isna()
    found, notes = frame[~undated], []
    if undated.any():
        notes.append(f"{undated.sum():,} {'row' if undated.sum() == 1 else 'rows'} without a date dropped")
    if not found["date"].is_monotonic_increasing:
        notes.append("the dates were not in order: sorted")
        found = found.sort_values("date", kind="stable")
    again = found["date"].duplicated(keep="last")
    if again.any():
        notes.append(f"{again.sum():,} {'row' if again.sum() == 1 else 'rows'} of a date that comes again dropped")
    return found[~again].reset_index(drop=True), notes


def agrees(stored: pd.DataFrame, fresh: pd.DataFrame) -> bool:
    """Whether `fresh` says the same of the stored days from its first one on.

    Both with columns `date` and FIELDS. A split or a dividend since then has changed the past: they disagree.
    """
    fresh = fresh.drop_duplicates("date", keep="last")
    known = stored[stored["date"] >= fresh["date"].min()] if len(fresh) else stored[:0]
    if not len(known):
        return False
    both = known.merge(fresh, on="date", how="left", suffixes=("", "_fresh"))
    pairs = ((both[field], both[f"{field}_fresh"]) for field in ("close", "adj_close"))
    return all(np.allclose(now, then, rtol=SAME, atol=0.0, equal_nan=True) for then, now in pairs)


def joined(stored: pd.DataFrame, fresh: pd.DataFrame) -> tuple[pd.DataFrame, int]:
    """One history of both, oldest first, with the number of stored days in it that `fresh` does not have.

    A `fresh` that covers the stored days replaces them. A shorter one replaces the days that it has a price of; the
    others are kept, on its scale: times what the nearest common day changed by. Without any common day the longer one
    stays.
    """
    fresh = fresh.drop_duplicates("date", keep="last").sort_values("date", ignore_index=True)
    stored = stored.sort_values("date", ignore_index=True)
    blank = ~_priced(fresh) & fresh["date"].isin(stored["date"][_priced(stored)])
    answered = len(fresh)
    fresh = fresh[~blank].reset_index(drop=True)
    kept = ~stored["date"].isin(fresh["date"])
    if not len(fresh):
        return stored, len(stored)
    if not len(stored):
        return fresh, 0
    if kept.all():
        return (fresh, 0) if len(fresh) > len(stored) else (stored, len(stored))
    inside = stored["date"].between(fresh["date"].iloc[0], fresh["date"].iloc[-1])
    if len(fresh) == answered and not (kept & ~inside).any() and kept.sum() <= MISSING * len(stored):
        return fresh, 0
    newer = fresh.set_index("date").reindex(stored["date"])
    rows = stored[kept].copy()
    fields = {"adj_close": ["adj_close"], "close": ["open", "high", "low", "close"]}
    for field, scaled in fields.items():
        ratio = pd.Series(newer[field].to_numpy() / stored[field].to_numpy())
        ratio = ratio.where(np.isfinite(ratio) & (ratio > 0))
        ratio = ratio.bfill().ffill().fillna(1.0)
        ratio = ratio.mask((ratio - 1).abs() < SAME, 1.0)[kept.to_numpy()]
        rows[scaled] = rows[scaled].mul(ratio.to_numpy(), axis=0)
    whole = pd.concat([rows, fresh]).sort_values("date", ignore_index=True)
    return whole[list(fresh.columns)], int(kept.sum())


def _priced(frame: pd.DataFrame) -> pd.Series:
    """Which days have a price that can be used."""
    prices = frame[["close", "adj_close"]].astype(np.float64)
    return (prices.gt(0) & prices.lt(np.inf)).all(axis=1)
