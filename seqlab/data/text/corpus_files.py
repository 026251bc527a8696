"""Where the bytes of a corpus come from: named corpora, files, folders, patterns, archives, standard input.

A corpus of several files is those files in the order of the sha256 of their path inside it, each followed by one
newline; a single file is taken as it is. Left out of several: hidden files, links, and what `decoding` finds no text.
"""

import glob
import hashlib
import os
import re
import sys
import tempfile
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import AbstractContextManager, closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import IO

from seqlab.data.fetch import cache
from seqlab.data.fetch.archive import ARCHIVES, CHUNK, OPENERS, below_top, members, reading, unpacking
from seqlab.data.fetch.sources import fetch
from seqlab.data.text.charset import HEAD, is_binary
from seqlab.data.text.published import PUBLISHED, Published
from seqlab.errors import DataError, UsageError, did_you_mean
from seqlab.files import LARGEST_CORPUS, regular

SOURCES = Path("/usr/src")  # where distributions put the kernel's sources
MOST_DIGITS = 0.1  # of the bytes of a file of C: one with more is a table of numbers
DAMAGED = "it may be cut or no such archive: copy it again"

Content = Callable[[], Iterator[bytes]]  # read from its beginning at each call, before the next piece is asked for
Pieces = Generator[tuple[str, Content | None], None, None]  # path inside and content, None of a link


@dataclass(frozen=True)
class Input:
    """Files that make a corpus. `pieces` reads them in order, each followed by a newline if `joined`.

    key: the identity of this input, empty where it can be read once only. listing: (path, size, mtime in ns) of what it
    is read from: as long as that is the same, so is the text. empty: the error for a text of nothing. where: what other
    errors call it. is_utf8: whether all of it counts as text in UTF-8, whatever its bytes are. core: of which files the
    last tenths are kept for validation and test, where that is not all of them; they come last.
    """

    name: str
    origin: str
    key: str
    listing: list[tuple[str, int, int]]
    joined: bool
    pieces: Callable[[], Pieces]
    empty: DataError
    where: str
    is_utf8: bool = False
    core: Callable[[str], bool] | None = None


def find(name: str, *, offline: bool = False) -> Generator[cache.Transfer, None, Input]:
    """What a corpus's name means: `linux`, `stacks`, `-`, the path of a file, folder or archive, or a pattern of paths.

    A generator: it yields the progress of a download where one is needed. Raises UsageError for a name that is none.
    """
    path = Path(name)
    if name in PUBLISHED:
        return (yield from _published(name, offline))
    if name == "-":
        empty = DataError("standard input is empty", "pipe a text into the command: ... | seqlab train-text -")
        pieces = partial(_standard_input, sys.stdin.buffer)
        return Input("stdin", "standard input", "", [], False, pieces, empty, "standard input")
    too_long = any(len(os.fsencode(part)) > 255 for part in path.parts)  # no file system has such a name
    if too_long or ("\n" in name and not path.exists()):
        start = name if len(name) < 60 else f"{name[:57]}..."
        raise UsageError(
            f"'{start}' is a text and no file's name", "write it to a file; in Python: Corpus.of(NAME, TEXT)"
        )
    key = str(path.absolute())
    if name and path.is_dir():
        files = _below(path)
        empty = DataError(f"{path} holds no text file", "name a folder with text files in it")
        label = _readable(path.resolve().name)
        return Input(label, "folder", key, _listing(files.values()), True, partial(_several, files), empty, name)
    if path.is_file():
        listing = _listing([path])
        if packed := next((suffix for suffix in ARCHIVES if name.lower().endswith(suffix)), ""):
            empty = DataError(f"{path} holds no text file", "name an archive with text files in it")
            pieces = partial(_unpacked, path, None)
            return Input(_readable(path.name[: -len(packed)]), "archive", key, listing, True, pieces, empty, name)
        label = Path(path.stem).stem if path.suffix.lower() in OPENERS else path.stem
        pieces = partial(_single, path)
        empty = DataError(f"{path} is empty", "name a file with text in it")
        return Input(_readable(label), "file", key, listing, False, pieces, empty, name)
    if glob.has_magic(name) and "\0" not in name:  # which no file's name holds
        files = _matching(name)
        if all(_is_link(inside, path) for inside, path in files.items()):
            raise UsageError(
                f"no file is called like '{name}'", "hidden files and links do not count; ** is any folder"
            )
        root = Path(*_fixed(name))
        empty = DataError(f"no text file is called like '{name}'", "a file with NUL bytes is no text")
        label = _readable(root.resolve().name)
        return Input(label, "pattern", key, _listing(files.values()), True, partial(_several, files), empty, name)
    hint = did_you_mean(name, PUBLISHED, "give a path, or - for standard input")
    raise UsageError(f"there is no corpus, file or folder '{name}'", hint)


def _published(name: str, offline: bool) -> Generator[cache.Transfer, None, Input]:
    known = PUBLISHED[name]
    path = _installed() if name == "linux" else None
    if path is not None and cache.cached(known.download) is None and not os.environ.get("SEQLAB_MIRROR"):
        origin = str(path)
    else:
        fetched = yield from fetch(known.download, offline=offline)
        path, origin = fetched.path, fetched.provenance(known.download)
    empty = DataError(f"{path} holds none of the corpus's files", "remove it and fetch it again")
    pieces = partial(_unpacked, path, known)
    return Input(name, origin, name, _listing([path]), True, pieces, empty, name, is_utf8=True, core=known.core)


def _installed() -> Path | None:
    """The newest kernel that a distribution's package has put on this machine as an archive."""
    found = {*SOURCES.glob("linux-source-*.tar.xz"), *SOURCES.glob("linux-*.tar.xz")}
    return max(found, key=lambda path: [int(number) for number in re.findall(r"\d+", path.name)], default=None)


def _listing(files: Iterable[Path]) -> list[tuple[str, int, int]]:
    return sorted((str(path.absolute()), path.lstat().st_size, path.lstat().st_mtime_ns) for path in files)


def _readable(name: str) -> str:
    """A file's name as text that can be written down, whatever its bytes are."""
    return name.encode(errors="replace").decode()


def _rank(inside: str) -> str:
    return hashlib.sha256(inside.encode(errors="surrogateescape")).hexdigest()


def _is_hidden(inside: str) -> bool:
    return any(part.startswith(".") for part in inside.split("/"))


def _is_link(inside: str, path: Path) -> bool:
    """Whether a file is a link or, inside its corpus, in a linked folder."""
    return any(one.is_symlink() for one in (path, *path.parents[: inside.count("/")]))


def _below(folder: Path) -> dict[str, Path]:
    """The files in a folder and its folders, and links, by their path inside it; no hidden ones."""

    def refuse(problem: OSError) -> None:
        raise DataError(
            f"{problem.filename} cannot be read: {problem.strerror}", "let it be read, or name another folder"
        )

    files = {}
    for where, folders, names in os.walk(folder, onerror=refuse):
        folders[:] = [name for name in folders if not name.startswith(".")]
        for path in (Path(where, name) for name in (*folders, *names) if not name.startswith(".")):
            if path.is_symlink() or path.is_file():
                files[path.relative_to(folder).as_posix()] = path
    return files


def _fixed(pattern: str) -> list[str]:
    """The parts of a pattern before the first that has a wildcard: the folder that its files are inside."""
    parts = Path(pattern).parts
    return list(parts[: next(place for place, part in enumerate(parts) if glob.has_magic(part))])


def _matching(pattern: str) -> dict[str, Path]:
    """The files that a pattern matches by their path inside its fixed part; no hidden ones."""
    root = Path(*_fixed(pattern))
    paths = [Path(name) for name in glob.iglob(pattern, recursive=True)]  # noqa: PTH207  pathlib's ** means folders
    files = {path.relative_to(root).as_posix(): path for path in paths if path.is_file()}
    return {inside: path for inside, path in files.items() if not _is_hidden(inside)}


def _chunks_of(file: IO[bytes]) -> Iterator[bytes]:
    while chunk := file.read(CHUNK):
        yield chunk


def _chunks(path: Path, opener: Callable[..., AbstractContextManager[IO[bytes]]]) -> Iterator[bytes]:
    with reading(path, "check the file"), opener(regular(path, LARGEST_CORPUS), "rb") as file:
        yield from _chunks_of(file)


def _single(path: Path) -> Pieces:
    suffix = path.suffix.lower()
    yield path.name, partial(_chunks, path, unpacking if suffix in OPENERS else open)


def _standard_input(stream: IO[bytes]) -> Pieces:
    """By way of a temporary file, as it can be read once only."""
    with tempfile.TemporaryFile() as spool:
        for chunk in _chunks_of(stream):
            _append(spool, chunk)
        yield "standard input", partial(_stretch, spool, 0, spool.tell())


def _several(files: dict[str, Path]) -> Pieces:
    for inside in sorted(files, key=_rank):
        yield inside, None if _is_link(inside, files[inside]) else partial(_chunks, files[inside], open)


def _unpacked(path: Path, known: Published | None) -> Pieces:
    """The files of an archive, which come in its order, by way of a temporary file in that of a corpus; of a binary
    file its head."""
    wanted, core = (known.member, known.core) if known else (None, None)
    with tempfile.TemporaryFile() as spool:
        places: dict[str, tuple[int, int] | None] = {}
        tops = set()
        with reading(path, "remove it and fetch it again" if wanted else DAMAGED), closing(members(path)) as found:
            for name, content in found:
                inside = below_top(name) if wanted else name.removeprefix("./")
                if (wanted and not (content and wanted(inside))) or (not wanted and _is_hidden(inside)):
                    continue
                if content is None:
                    places[inside] = None
                    continue
                head = content.read(4 * HEAD)
                start = _append(spool, head)
                if wanted or not is_binary(head):
                    tops.add(inside.partition("/")[0])
                    for chunk in _chunks_of(content):
                        _append(spool, chunk)
                places[inside] = start, spool.tell() - start
        top = tops.pop() + "/" if not wanted and len(tops) == 1 else ""  # one folder packed as a whole is that folder
        order = sorted(places, key=lambda inside: _rank(inside.removeprefix(top)))
        if core is not None:
            whole = sorted(order, key=core, reverse=True)
            order = sorted(_distinct(spool, places, whole, core), key=core)
        for inside in order:
            place = places[inside]
            yield inside.removeprefix(top), partial(_stretch, spool, *place) if place else None


def _distinct(
    spool: IO[bytes], places: dict[str, tuple[int, int] | None], order: list[str], core: Callable[[str], bool]
) -> Iterator[str]:
    """Those of the core, and of the others what is no copy of one before and no table of numbers."""
    seen = set()
    for inside in order:
        whole, digits = hashlib.sha256(), 0
        start, size = places[inside] or (0, 0)
        for chunk in _stretch(spool, start, size):
            whole.update(chunk)
            digits += len(chunk) - len(chunk.translate(None, b"0123456789"))
        if core(inside) or (digits <= MOST_DIGITS * size and whole.digest() not in seen):
            yield inside
        seen.add(whole.digest())


def _append(spool: IO[bytes], data: bytes) -> int:
    start = spool.tell()
    try:
        spool.write(data)
    except OSError as problem:
        raise DataError(
            f"a temporary file in {tempfile.gettempdir()} cannot be written: {problem.strerror}",
            "free some space there, or name another folder in TMPDIR",
        ) from problem
    return start


def _stretch(file: IO[bytes], start: int, size: int) -> Iterator[bytes]:
    file.seek(start)
    while size and (chunk := file.read(min(size, CHUNK))):
        size -= len(chunk)
        yield chunk
