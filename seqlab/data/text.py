"""Text as token tensors: vocabularies, and corpora in a fixed order with a fixed split.

A corpus of several files is those files in the order of the sha256 of their path inside it, each followed by one
newline; a single file is taken as it is. Bytes that are not UTF-8 become U+FFFD. Characters are split 80/10/10 in
that order: train, validation, test.
"""

import hashlib
from collections.abc import Callable, Generator, Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from seqlab.data import cache
from seqlab.data.archive import read_members
from seqlab.errors import DataError, UsageError, did_you_mean

UNKNOWN = "\ufffd"  # stands for every character the vocabulary lacks; Unicode's own replacement character


@dataclass(frozen=True)
class Corpus:
    """A text, where it comes from, and how many files it was put together from. sha256: of its bytes as they were."""

    name: str
    origin: str
    text: str
    files: int
    sha256: str

    def split(self, part: str) -> str:
        """The characters of `train` (first eight tenths), `val` (the ninth) or `test` (the last)."""
        first, second = len(self.text) * 8 // 10, len(self.text) * 9 // 10
        return {"train": self.text[:first], "val": self.text[first:second], "test": self.text[second:]}[part]


@dataclass(frozen=True)
class Vocab:
    """The characters a model knows, in order of code point, then UNKNOWN: its index is its token."""

    characters: str

    @classmethod
    def of(cls, text: str) -> "Vocab":
        return cls("".join(sorted(set(text) - {UNKNOWN})) + UNKNOWN)

    def __len__(self) -> int:
        return len(self.characters)

    @property
    def unknown(self) -> int:
        return len(self.characters) - 1

    def encode(self, text: str) -> Tensor:
        """Text -> tokens (N,), int16 while they fit; characters that are not in the vocabulary become `unknown`."""
        codes = np.frombuffer(text.encode("utf-32-le"), np.uint32)
        known = np.frombuffer(self.characters[:-1].encode("utf-32-le"), np.uint32)
        places = np.searchsorted(known, codes).clip(max=max(len(known) - 1, 0))
        tokens = np.where(known[places] == codes, places, self.unknown) if len(known) else places + self.unknown
        return torch.from_numpy(tokens.astype(np.int16 if len(self) <= 2**15 else np.int32))

    def decode(self, tokens: Iterable[int]) -> str:
        return "".join(self.characters[token] for token in tokens)

    def missing(self, text: str) -> list[str]:
        """The characters of `text` that are not in the vocabulary, each once, in order of code point."""
        return sorted(set(text) - set(self.characters[:-1]))


@dataclass(frozen=True)
class Archive:
    """A corpus inside a published tar archive: which of its files (by path below the top folder) belong to it."""

    download: cache.Download
    member: Callable[[str], bool]
    summary: str


ARCHIVES = {
    "linux": Archive(
        cache.DOWNLOADS["linux"],
        lambda path: path.startswith("kernel/") and path.endswith((".c", ".h")),
        "C: the folder kernel/ of Linux 6.1 (GPL-2.0)",
    ),
    "stacks": Archive(
        cache.DOWNLOADS["stacks"],
        lambda path: path.endswith(".tex") and "/" not in path,
        "LaTeX: the Stacks project, algebraic geometry (GFDL 1.2)",
    ),
}


def load_corpus(name: str, *, offline: bool = False) -> Generator[cache.Transfer, None, Corpus]:
    """The corpus called `linux` or `stacks`, or the text of a file or a folder of files at that path.

    A generator: it yields the progress of a download where one is needed and returns the corpus. Raises UsageError
    for a name that is neither, DataError for a file that is empty or no text.
    """
    path = Path(name)
    if name in ARCHIVES:
        archive = ARCHIVES[name]
        fetched = yield from cache.fetch(archive.download, offline=offline)
        found = read_members(fetched.path, archive.member)
        if not found:
            raise DataError(f"{fetched.path} holds none of the corpus's files", "remove it and fetch it again")
        return _join(name, fetched.provenance(archive.download), found)
    if name and path.is_dir():
        files = {
            str(file.relative_to(path).as_posix()): file.read_bytes()
            for file in path.rglob("*")
            if file.is_file() and not any(part.startswith(".") for part in file.relative_to(path).parts)
        }
        texts = {inside: data for inside, data in files.items() if b"\0" not in data[:8192]}
        if not any(data.strip() for data in texts.values()):
            raise DataError(f"{path} holds no text file", "name a folder with text files in it")
        return _join(_readable(path.resolve().name), "folder", texts)
    if path.is_file():
        data = path.read_bytes()
        if not data.strip():
            raise DataError(f"{path} is empty", "name a file with text in it")
        if b"\0" in data[:8192]:
            raise DataError(f"{path} is no text: it has NUL bytes", "name a text file in UTF-8")
        return _corpus(_readable(path.stem), "file", data, 1)
    raise UsageError(f"there is no corpus, file or folder '{name}'", did_you_mean(name, ARCHIVES) + "; or give a path")


def _join(name: str, origin: str, files: dict[str, bytes]) -> Corpus:
    order = sorted(files, key=lambda inside: hashlib.sha256(inside.encode(errors="surrogateescape")).hexdigest())
    return _corpus(name, origin, b"".join(files[inside] + b"\n" for inside in order), len(files))


def _readable(name: str) -> str:
    """A file's name as text that can be written down, whatever its bytes are."""
    return name.encode(errors="replace").decode()


def _corpus(name: str, origin: str, data: bytes, files: int) -> Corpus:
    return Corpus(name, origin, data.decode("utf-8", errors="replace"), files, hashlib.sha256(data).hexdigest())
