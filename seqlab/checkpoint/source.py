"""Where the data of a training lay: kept in its folder, so that it can be measured again on what was held out.

An exported copy, which may go to others, says nothing of it.
"""

import glob
import shlex
from pathlib import Path
from typing import Any

from seqlab.checkpoint.loading import Checkpoint
from seqlab.errors import DataError

Source = dict[str, Any]  # "paths", and how they were read, as the job calls it


def source_of(*data: object, **read: Any) -> Source | None:
    """The absolute paths of what a training reads, and how it is read; names that are no paths, as of tickers, stay.
    None where it is not all in files, or these are called what is no text."""
    names = [str(one) for one in data if isinstance(one, str | Path) and str(one) != "-"]
    if not names or len(names) < len(data):
        return None
    paths = [str(Path(one).absolute()) if _is_path(one) else one for one in names]
    if any("\udc80" <= char <= "\udcff" for path in paths for char in path):  # bytes that are no UTF-8
        return None
    return {"paths": paths, **read}


def source_at(saved: Checkpoint, what: str, name_it: str = "seqlab evaluate {} PATH") -> Source:
    """Where the data of a checkpoint lie. what: what they are, in a few words; name_it: the command, with {} for the
    checkpoint, that says where else. Raises DataError where that is not known, or they are not there any more."""
    source, name_it = saved.config.get("source") or {}, f"name it: {name_it.format(shlex.quote(saved.name))}"
    paths = source.get("paths")
    if not isinstance(paths, list) or not paths or not all(isinstance(one, str) for one in paths):
        raise DataError(f"checkpoint '{saved.name}' was trained on {what}, whose place is not kept", name_it)
    for path in paths:
        if Path(path).is_absolute() and not _is_path(path):
            raise DataError(f"checkpoint '{saved.name}' was trained on {path}, which is not there any more", name_it)
    return source


def _is_path(name: str) -> bool:
    try:
        return glob.has_magic(name) or Path(name).exists()
    except (OSError, ValueError):
        return False
