"""The door through which files go: what is read is a regular file of a stated size, what is written is there whole.

A path that somebody named may be a pipe that never ends, a device, or of any size; a disk may be full in the middle
of an answer. Both are met here, so that a command neither hangs nor loses what it would have replaced.
"""

import errno
import os
import stat
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

from seqlab.errors import DataError

LARGEST = 2 << 30  # bytes of a file that is read whole into memory
LARGEST_TEXT = 256 << 20  # of a text, or of what comes through a pipe, for which several times as much is needed
CHUNK = 1 << 20
LARGEST_CORPUS = 1 << 40  # of what is read a piece at a time
FULL = (errno.ENOSPC, errno.EDQUOT)  # the disk, or what this user may have of it


def regular(path: Path, largest: int = LARGEST) -> Path:
    """The path of a file that may be read: a regular one of at most so many bytes, behind links or not.

    Raises DataError for a folder, a pipe, a device, a socket, and for what is missing, not to be read, too large, or
    made by the system as it is read, as the files of /proc are: some of those never end.
    """
    made_up = False
    try:
        there = path.stat()
        if stat.S_ISREG(there.st_mode):
            made_up = _begins(path) and not there.st_size
    except FileNotFoundError:
        raise DataError(f"there is no file {path}", "check the path") from None
    except (OSError, ValueError) as problem:  # ValueError: a name that no system takes
        raise DataError(f"{path} cannot be read: {getattr(problem, 'strerror', problem)}", "check the path") from None
    if not stat.S_ISREG(there.st_mode):
        raise DataError(
            f"{path} is {_kind(there.st_mode)}, no file", "name a file; `-` reads a pipe, where that is taken"
        )
    if made_up:
        raise DataError(f"{path} is made by the system and has no size", "copy it to a file, and name that")
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


def read_stream(stream: IO[bytes], where: str, largest: int = LARGEST_TEXT) -> bytes:
    """All that comes through a pipe. Raises DataError where it is more than so many bytes: it may never end."""
    parts, size = [], 0
    while size <= largest and (part := stream.read(min(CHUNK, largest + 1 - size))):
        parts.append(part)
        size += len(part)
    if size > largest:
        raise DataError(f"{where} has more than the {largest / 1e6:,.0f} MB that are read", "write it to a file first")
    return b"".join(parts)


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
        way_on = "free some space, or name another file" if problem.errno in FULL else "name another file"
        raise DataError(
            f"{path} cannot be written: {problem.strerror or problem}", f"what was there is unchanged; {way_on}"
        ) from problem


def shipped(kind: str) -> Path:
    """Where `checkpoints` or `data` that ship with seqlab are: in the wheel, or in the repository of a checkout."""
    package = Path(__file__).parent
    inside = package / "_shipped" / kind
    return inside if inside.is_dir() else package.parent / kind


def unwritable(folder: Path) -> str | None:
    """Why nothing can be written to a folder, which need not be there yet, or None; it is not made."""
    folder = folder.absolute()
    while folder != folder.parent:
        with suppress(OSError):  # in a folder of others' that cannot be looked into
            if folder.exists():
                break
        folder = folder.parent
    if not folder.is_dir():
        return f"{folder} is no folder"
    return None if os.access(folder, os.W_OK) else f"{folder} cannot be written"


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


def _begins(path: Path) -> bool:
    """Whether there is a byte in a file, found without waiting for one. Raises OSError where it cannot be read."""
    handle = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
    try:
        return bool(os.read(handle, 1))
    except BlockingIOError:  # one day there may be
        return True
    finally:
        os.close(handle)


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
