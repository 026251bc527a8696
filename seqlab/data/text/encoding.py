"""A corpus as a file of numbers: read once as a stream, kept in the cache, used through a memory map.

A token is a character's index in the corpus's alphabet: the characters of the training part in order of code point,
then all others. Which encoding each file is in, and what becomes of damaged bytes, is `decoding`'s.
"""

import codecs
import hashlib
import json
import os
import tempfile
import time
from collections.abc import Generator
from contextlib import closing, suppress
from dataclasses import asdict, dataclass, replace
from itertools import chain
from pathlib import Path
from typing import IO, Any

import numpy as np

from seqlab.data.fetch import cache
from seqlab.data.text.charset import BYTE_ORDER_MARK, REPLACEMENT, Survey
from seqlab.data.text.corpus_files import Input, Pieces
from seqlab.data.text.decoding import Repairs, codec_of, refusal
from seqlab.errors import DataError
from seqlab.tasks import Task

UNKNOWN = REPLACEMENT  # stands for every character a vocabulary lacks; Unicode's own replacement character
FORMAT = 4
CHUNK = 1 << 18  # tokens at a time
ABANDONED = 3600.0  # seconds after which a part that no process has written to is a dead one's
DAMAGED = "what the cache held of this text was damaged: the text was encoded again"
TYPES = (np.dtype(np.uint8), np.dtype(np.uint16), np.dtype(np.uint32))


@dataclass(frozen=True)
class Source:
    """A file of a corpus: its path inside it, its size in bytes, and their sha256."""

    path: str
    size: int
    sha256: str


@dataclass(frozen=True)
class Encoding:
    """tokens (N,): a memory map. known: how many of `alphabet` the training part has. sha256: of the bytes as read.
    notes: what was repaired or left out, a sentence each. core: where the part begins whose tenths are held out."""

    tokens: np.ndarray
    alphabet: str
    known: int
    sha256: str
    bad_bytes: int
    sources: tuple[Source, ...]
    notes: tuple[str, ...]
    core: int = 0


def split_points(characters: int, core: int = 0) -> tuple[int, int]:
    """Where the training part of a text ends, at eight tenths of what comes after `core`, and the validation part, at
    nine."""
    return core + (characters - core) * 8 // 10, core + (characters - core) * 9 // 10


def encoded(given: Input) -> Generator[cache.Transfer, None, Encoding]:
    """The encoding of an input: the cached one, if the input is as it was then; else made now and kept, if it can be.

    What was kept is checked byte for byte; of one that is damaged a note says so, and it is made again.
    A generator: it yields how much is read. Raises the input's own DataError where there is no text in it.
    """
    listing = json.dumps([FORMAT, given.listing])
    key = hashlib.sha256(given.key.encode(errors="surrogateescape")).hexdigest()[:16]
    fingerprint = hashlib.sha256(listing.encode()).hexdigest()
    folder = cache.cache_folder() / "corpora"
    base = folder / f"{key}-{fingerprint[:16]}"
    was_kept = bool(given.key) and cache.is_there(base.with_suffix(".json"))
    if given.key and (here := _cached(base)):
        return here
    file = _open_in(folder, key) if given.key else None
    part = Path(file.name) if file else None
    try:
        with file or tempfile.TemporaryFile() as target:
            made = yield from _encode(given, target)
            if not made.alphabet.strip():
                raise given.empty
            if part is None:
                return replace(made, tokens=_mapped(target, made.tokens.dtype))
            target.flush()
            os.fsync(target.fileno())
        _keep(made, part, base, fingerprint)
    except OSError as problem:
        raise DataError(
            f"the encoded text cannot be written to {folder if part else tempfile.gettempdir()}: "
            f"{problem.strerror or problem}",
            "free some space there" + (", or name another folder in SEQLAB_CACHE" if part else ""),
        ) from problem
    finally:
        if part is not None:
            part.unlink(missing_ok=True)
    _remove_others(folder, key, base)
    if (kept := _cached(base)) is None:
        raise DataError(f"{base}.tokens was lost or altered while it was used", "run the command again")
    return replace(kept, notes=(DAMAGED, *kept.notes)) if was_kept else kept


def encode_text(name: str, text: str) -> Encoding:
    """The encoding of a text that is in memory."""
    data = text.removeprefix(BYTE_ORDER_MARK).encode()

    def pieces() -> Pieces:
        yield name, lambda: iter([data])

    with tempfile.TemporaryFile() as file:
        given = Input(name, "", "", [], False, pieces, DataError("", ""), name, is_utf8=True)
        made = Task(_encode(given, file)).result()
        return replace(made, tokens=_mapped(file, made.tokens.dtype))


def _encode(given: Input, file: IO[bytes]) -> Generator[cache.Transfer, None, Encoding]:
    """Write the tokens of an input to an empty file; `tokens` of the result is empty, and of their type.

    Each file is read twice, first for its encoding. Tokens are first numbered as their characters come; the order of
    the alphabet, known at the end, is then put in.
    """
    writer, repairs = _Writer(file), Repairs()
    whole, sources = hashlib.sha256(), list[Source]()
    total = sum(size for _, size, _ in given.listing)
    done, core = 0, None

    def progress(size: int) -> cache.Transfer:
        return cache.Transfer(f"reading {given.name}", "", done + size, max(total, done + size))

    with closing(given.pieces()) as pieces:
        for inside, content in pieces:
            survey = Survey()
            for chunk in content() if content else ():
                survey.feed(chunk)
                yield progress(survey.size // 2)
                if survey.has_begun and survey.is_binary and not given.is_utf8:
                    break
            survey.finish()
            codec = "utf-8" if given.is_utf8 else codec_of(survey)
            if content is None or not codec:
                if not given.joined:
                    raise refusal(survey, given.where)
                repairs.leave_out(inside, survey if content else None)
                continue
            if core is None and given.core and given.core(inside):
                core = writer.size
            digest, read, replaced = hashlib.sha256(), 0, 0
            decoder = codecs.getincrementaldecoder(codec)("replace")
            for chunk in chain(content(), [b""]):
                text = decoder.decode(chunk, not chunk)
                writer.write(np.frombuffer(text.encode("utf-32-le"), "<u4"))
                replaced += text.count(UNKNOWN)
                for one in (digest, whole):
                    one.update(chunk)
                read += len(chunk)
                yield progress((survey.size + read) // 2)
            done += read
            if given.joined:
                whole.update(b"\n")
                writer.write(np.array([ord("\n")], "<u4"))
            sources.append(Source(inside, read, digest.hexdigest()))
            repairs.read(inside, survey, codec, replaced)
    alphabet, known = writer.finish(core or 0)
    if not alphabet.strip() and (left := repairs.omitted()):
        raise DataError(f"{given.empty.message}: {'; '.join(left)}", given.empty.hint)
    found = np.empty(0, writer.dtype), alphabet, known, whole.hexdigest()
    return Encoding(*found, repairs.bad.total(), tuple(sources), repairs.notes(), core or 0)


class _Writer:
    """Code points into a file as numbers of as few bytes as there are characters, in the order of their coming."""

    def __init__(self, file: IO[bytes]) -> None:
        self.file, self.dtype, self.size = file, TYPES[0], 0
        self.number = np.full(0x110000, -1, np.int32)  # of a code point
        self.codes: list[int] = []  # of a number
        self.firsts: list[int] = []  # and where it came first

    def write(self, codes: np.ndarray) -> None:
        for start in range(0, len(codes), CHUNK):
            part = codes[start : start + CHUNK]
            new = np.flatnonzero(self.number[part] < 0)
            if len(new):
                values, places = np.unique(part[new], return_index=True)
                self.number[values] = np.arange(len(values)) + len(self.codes)
                self.codes += values.tolist()
                self.firsts += (new[places] + self.size).tolist()
                dtype = next(one for one in TYPES if len(self.codes) - 1 <= np.iinfo(one).max)
                if dtype != self.dtype:
                    self._rewrite(np.arange(len(self.codes), dtype=dtype))
            self.file.write(self.number[part].astype(self.dtype).tobytes())
            self.size += len(part)

    def finish(self, core: int) -> tuple[str, int]:
        """Put the alphabet in order: itself, and how many of its characters the training part has."""
        codes, first = np.array(self.codes, "<u4"), np.array(self.firsts, np.int64)
        training = (first < split_points(self.size, core)[0]) & (codes != ord(UNKNOWN))
        order = np.lexsort((codes, ~training))
        ranks = np.empty(len(codes), self.dtype)
        ranks[order] = np.arange(len(codes))
        self._rewrite(ranks)
        return codes[order].tobytes().decode("utf-32-le"), int(training.sum())

    def _rewrite(self, lookup: np.ndarray) -> None:
        """Replace every number in the file by its entry in `lookup`, from the end on: entries may be wider."""
        for start in reversed(range(0, self.size, CHUNK)):
            count = min(CHUNK, self.size - start)
            self.file.seek(start * self.dtype.itemsize)
            numbers = np.frombuffer(self.file.read(count * self.dtype.itemsize), self.dtype)
            self.file.seek(start * lookup.dtype.itemsize)
            self.file.write(lookup[numbers].tobytes())
        self.dtype = lookup.dtype
        self.file.seek(self.size * self.dtype.itemsize)


def _mapped(file: IO[bytes], dtype: np.dtype) -> np.ndarray:
    file.flush()
    return np.memmap(file, dtype, "r") if file.seek(0, os.SEEK_END) else np.empty(0, dtype)


def _open_in(folder: Path, key: str) -> Any:
    """A new file in the cache, or None where that cannot be written."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for part in folder.glob("*.part"):
            if part.stat().st_mtime < time.time() - ABANDONED:
                part.unlink(missing_ok=True)
        return tempfile.NamedTemporaryFile(dir=folder, prefix=f"{key}-", suffix=".part", delete=False)
    except OSError:
        return None


def _keep(made: Encoding, part: Path, base: Path, fingerprint: str) -> None:
    """Give a finished file its name, and then its note: without that it counts for nothing."""
    note = {
        "characters": part.stat().st_size // made.tokens.dtype.itemsize,
        "alphabet": made.alphabet,
        "known": made.known,
        "type": made.tokens.dtype.name,
        "sha256": made.sha256,
        "bad_bytes": made.bad_bytes,
        "fingerprint": fingerprint,
        "sources": [asdict(source) for source in made.sources],
        "notes": made.notes,
        "core": made.core,
        "tokens_sha256": _sha256(part),
    }
    note["digest"] = _digest(note)
    noted = part.with_suffix(".note.part")
    try:
        noted.write_text(json.dumps(note) + "\n", encoding="utf-8")
        part.replace(base.with_suffix(".tokens"))
        noted.replace(base.with_suffix(".json"))
    finally:
        noted.unlink(missing_ok=True)


def _cached(base: Path) -> Encoding | None:
    """What is kept under a name, if it is there as it was written, to the byte."""
    try:
        note = json.loads(base.with_suffix(".json").read_text(encoding="utf-8"))
        path = base.with_suffix(".tokens")
        if note.pop("digest") != _digest(note) or _sha256(path) != note["tokens_sha256"]:
            return None
        tokens = np.memmap(path, np.dtype(note["type"]), "r")
        sources = tuple(Source(**source) for source in note["sources"])
        how = note["alphabet"], note["known"], note["sha256"], note["bad_bytes"]
        return Encoding(tokens, *how, sources, tuple(note["notes"]), note["core"])
    except (OSError, ValueError, KeyError, TypeError, AttributeError):  # a note that is no note, too
        return None


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _digest(note: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(note).encode()).hexdigest()


def _remove_others(folder: Path, key: str, base: Path) -> None:
    """Encodings of the same input as it was before. A process that still reads one keeps it until it ends."""
    for other in folder.glob(f"{key}-*"):
        if other.suffix in (".tokens", ".json") and other.stem != base.name:
            with suppress(OSError):
                other.unlink()
