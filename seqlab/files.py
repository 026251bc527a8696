"""The door through which files go: what is read is a regular file of a stated size, what is written is there whole.

A path that somebody named may be a pipe that never ends, a device, or of any size; a disk may be full in the middle
of an answer. Both are met here, so that a command neither hangs nor loses what it would have replaced.
"""

import os
import stat
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from seqlab.errors import DataError

LARGEST = 2 << 30  # bytes of a file that is read whole into memory


def regular(path: Path, largest: int = LARGEST) -> Path:
    """The path of a file that may be read: a regular one of at most so many bytes, behind links or not.

    Raises DataError for a folder, a pipe, a device, a socket, and for what is missing, not to be read or too large.
    """
    try:
        there = path.stat()
        if stat.S_ISREG(there.st_mode):
            with path.open("rb"):
                pass
    except FileNotFoundError:
        raise DataError(f"there is no file {path}", "check the path") from None
    except (OSError, ValueError) as problem:  # ValueError: a name that no system takes
        raise DataError(f"{path} cannot be read: {getattr(problem, 'strerror', problem)}", "check the path") from None
    if not stat.S_ISREG(there.st_mode):
        raise DataError(
            f"{path} is {_kind(there.st_mode)}, no file", "name a file; `-` reads a pipe, where that is taken"
        )
    if there.st_size > largest:
        raise DataError(
            f"{path} has {there.st_size / 1e6:,.0f} MB, more than the {largest / 1e6:,.0f} that are read",
            "take a part of it",
        )
    return path


def read(path: Path, largest: int = LARGEST) -> bytes:
    """The bytes of a regular file. Raises DataError as `regular` does, and for one that grew beyond the size since."""
    with regular(path, largest).open("rb") as file:
        data = file.read(largest + 1)
    if len(data) > largest:
        raise DataError(f"{path} has more than the {largest / 1e6:,.0f} MB that are read", "take a part of it")
    return data


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A new file beside `path` to write to, with its ending; once the block has ended well, and only then, it is on
    the disk and has taken the name. What has that name keeps its mode; a device or a pipe is written to as it is.

    Raises DataError naming the file if it cannot be written; then what was there is there still, and nothing beside it.
    """
    try:
        if path.exists() and not path.is_file():
            yield path  # /dev/stdout, a named pipe
            return
        target = path.resolve()  # a link stays a link
        handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.stem[:40]}-", suffix=target.suffix[:20])
        os.close(handle)
        new = Path(name)
        try:
            yield new
            new.chmod(stat.S_IMODE(target.stat().st_mode) if target.exists() else 0o666 & ~_umask())
            with new.open("rb") as file:
                os.fsync(file.fileno())
            new.replace(target)
        except BaseException:
            with suppress(OSError):
                new.unlink()
            raise
    except OSError as problem:
        raise DataError(
            f"{path} cannot be written: {problem.strerror or problem}", "what was there is unchanged; name another file"
        ) from problem


def try_lock(file: Any) -> bool:
    """Whether this process now holds the lock, which ends with the file's being closed, also by a kill."""
    try:
        if sys.platform == "win32":
            import msvcrt

            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError):
        return False
    except OSError:  # a file system without locks: as good as alone
        return True
    return True


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def _kind(mode: int) -> str:
    kinds = (
        (stat.S_ISDIR, "a folder"),
        (stat.S_ISFIFO, "a pipe"),
        (stat.S_ISSOCK, "a socket"),
    )
    return next((name for holds, name in kinds if holds(mode)), "a device")
