"""One training at a time in a folder: a lock that ends with its process, however that ends."""

import io
import os
import weakref
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from seqlab.errors import CheckpointError
from seqlab.files import try_lock

LOCK = "run.lock"  # with the number of the process in it


class Lock:
    """The right to write to a folder, from its making until `release`, its deletion or the end of the process.

    Raises CheckpointError where another process has it, and where the folder cannot be made or written to.
    """

    def __init__(self, folder: Path) -> None:
        made = not folder.exists()
        try:
            folder.mkdir(parents=True, exist_ok=True)
            file = _locked(folder)
        except OSError as problem:
            raise CheckpointError(
                f"{folder} cannot be written to: {problem.strerror or problem}",
                "write elsewhere with -o FOLDER, or name another folder of checkpoints in SEQLAB_CHECKPOINTS",
            ) from problem
        with suppress(OSError):  # a full disk: then nobody is told the number
            file.truncate(0)
            file.write(str(os.getpid()).encode())
        self.release: Callable[[], Any] = weakref.finalize(self, _released, file, folder, made)


def _locked(folder: Path) -> io.FileIO:
    """The lock's file, locked. Raises CheckpointError where another process has it."""
    path = folder / LOCK
    while True:
        file = path.open("a+b", buffering=0)
        if not try_lock(file):
            with file:
                file.seek(0)
                number = file.read(20).decode(errors="replace").strip() or "of an unknown number"
            raise CheckpointError(
                f"another training is writing to {folder}: process {number}",
                "wait for its end, stop it, or write elsewhere with -o FOLDER",
            )
        with suppress(OSError):  # the one before may have deleted its file between our opening and locking it
            if os.path.samestat(os.fstat(file.fileno()), path.stat()):
                return file
        file.close()


def _released(file: io.FileIO, folder: Path, made: bool) -> None:
    with suppress(OSError):
        (folder / LOCK).unlink()
    file.close()
    if made:
        with suppress(OSError):  # it stays where something is in it
            folder.rmdir()
