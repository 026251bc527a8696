"""Where checkpoints are: the names of their folders, and the folders that are searched."""

import os
import re
from pathlib import Path

from seqlab import files
from seqlab.formatting import hidden

LONGEST_NAME = 200  # bytes of a folder's: what is written beside it has room for an ending


def folder_name(name: str) -> str:
    """The one rule for every name of a file or a series that becomes that of a folder: one step below another.

    Separators, what no system takes and what no terminal shows become `-`, dots and blanks at the ends go, so that `..`
    is no way up and no folder is hidden; of nothing is left `unnamed`.
    """
    others = re.escape('/\\:*?"<>|\n\t' + "".join(hidden(name)))
    kept = re.sub(f"[{others}]+", "-", name).strip(". ")
    return kept.encode(errors="replace")[:LONGEST_NAME].decode(errors="ignore").rstrip(". ") or "unnamed"


def checkpoints_folder() -> Path:
    """Where what is trained here goes: `$SEQLAB_CHECKPOINTS`, else ./checkpoints. It need not exist."""
    return Path(os.environ.get("SEQLAB_CHECKPOINTS") or "checkpoints")


def search_folders() -> list[Path]:
    """Where checkpoints are looked for by name: what was trained here, then what ships with seqlab."""
    here, shipped = checkpoints_folder(), shipped_folder()
    return [here] if here.resolve() == shipped.resolve() else [here, shipped]


def shipped_folder() -> Path:
    """Where the checkpoints that ship with seqlab are: in the wheel, or in the repository of a checkout."""
    return files.shipped("checkpoints")
