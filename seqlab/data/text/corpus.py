"""Text as tokens: vocabularies, and corpora in a fixed order with a fixed split, larger than memory if need be.

Where a corpus's bytes come from, and in which order, is `corpus_files`; how they are kept is `encoding`. Characters
are split 80/10/10 in that order: train, validation, test.
"""

from collections.abc import Generator, Iterable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from seqlab.data.fetch import cache
from seqlab.data.text.corpus_files import find
from seqlab.data.text.encoding import UNKNOWN, Encoding, Source, encode_text, encoded, split_points

OWN = ("file", "folder", "pattern", "archive", "text", "standard input")  # origins whose place is not kept
SUFFIXES = {"c": (".c", ".h"), "latex": (".tex",)}


class Encoded:
    """Tokens read through a lookup: a slice is lookup[tokens[slice]], and nothing else is held in memory."""

    def __init__(self, tokens: np.ndarray, lookup: np.ndarray) -> None:
        self.tokens, self.lookup, self.dtype = tokens, lookup, lookup.dtype

    def __len__(self) -> int:
        return len(self.tokens)

    def __getitem__(self, span: slice) -> np.ndarray:
        return self.lookup[self.tokens[span]]


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

    @property
    def letters(self) -> np.ndarray:
        """Which tokens (V,) words are made of: letters, digits and the underscore."""
        return np.array([char.isalnum() or char == "_" for char in self.characters])

    def encode(self, text: str) -> Tensor:
        """Text -> tokens (N,), int16 while they fit; characters that are not in the vocabulary become `unknown`."""
        codes = np.frombuffer(text.encode("utf-32-le"), np.uint32)
        known = np.frombuffer(self.characters[:-1].encode("utf-32-le"), np.uint32)
        places = np.searchsorted(known, codes).clip(max=max(len(known) - 1, 0))
        tokens = np.where(known[places] == codes, places, self.unknown) if len(known) else places + self.unknown
        return torch.from_numpy(tokens.astype(np.int16 if len(self) <= 2**15 else np.int32))

    def lookup(self, alphabet: str) -> np.ndarray:
        """The tokens (len(alphabet),) of a corpus's alphabet: what turns its tokens into this vocabulary's."""
        return self.encode(alphabet).numpy()

    def decode(self, tokens: Iterable[int]) -> str:
        return "".join(self.characters[token] for token in tokens)

    def missing(self, text: str) -> list[str]:
        """The characters of `text` that are not in the vocabulary, each once, in order of code point."""
        return sorted(set(text) - set(self.characters[:-1]))


@dataclass(frozen=True)
class Corpus:
    """A text as tokens (N,), each the index of a character in `alphabet`, and where it comes from.

    known: how many of the alphabet, from its beginning, the training part has. sha256: of its bytes as they were;
    bad_bytes: how many of those were damaged. sources: its files in their order. notes: what was repaired or left out,
    a sentence each. core: where the part begins that is split; all before is for training.
    """

    name: str
    origin: str
    tokens: np.ndarray
    alphabet: str
    known: int
    sha256: str
    bad_bytes: int
    sources: tuple[Source, ...]
    notes: tuple[str, ...] = ()
    core: int = 0

    @classmethod
    def of(cls, name: str, text: str) -> "Corpus":
        """A text that is in memory; a byte order mark at its beginning is none of its characters."""
        return cls(name, "text", **vars(encode_text(name, text)))

    def __len__(self) -> int:
        return len(self.tokens)

    @property
    def files(self) -> int:
        return len(self.sources)

    @property
    def kind(self) -> str:
        """`c` or `latex` where most of its files are called so, else `text`."""
        for kind, suffixes in SUFFIXES.items():
            if 2 * sum(source.path.lower().endswith(suffixes) for source in self.sources) > self.files:
                return kind
        return "text"

    @property
    def vocab(self) -> Vocab:
        """What a model that is trained on it knows: the characters of its training part."""
        return Vocab(self.alphabet[: self.known] + UNKNOWN)

    def split(self, part: str) -> np.ndarray:
        """The tokens of `train` (first eight tenths), `val` (the ninth) or `test` (the last); of `all` of it."""
        first, second = split_points(len(self), self.core)
        bounds = {"train": (0, first), "val": (first, second), "test": (second, None), "all": (0, None)}
        return self.tokens[slice(*bounds[part])]

    def encoded(self, part: str, vocab: Vocab) -> Encoded:
        """A part as tokens of a model's vocabulary."""
        return Encoded(self.split(part), vocab.lookup(self.alphabet))

    def codes(self, part: str) -> Encoded:
        """A part as code points."""
        return Encoded(self.split(part), np.frombuffer(self.alphabet.encode("utf-32-le"), np.uint32))

    def text(self, part: str) -> str:
        """A part as a string: it has to fit in memory."""
        return self.codes(part)[:].tobytes().decode("utf-32-le")


def load_corpus(name: str, *, offline: bool = False) -> Generator[cache.Transfer, None, Corpus]:
    """The corpus called `linux` or `stacks`, or the text at that path: of a file, a folder, an archive, or of all
    files that match a pattern; `-` is standard input.

    A generator: it yields the progress of downloading and reading and returns the corpus. Raises UsageError for a
    name that is none of these, DataError for what is empty, damaged or no text.
    """
    given = yield from find(name, offline=offline)
    made: Encoding = yield from encoded(given)
    return Corpus(given.name, given.origin, **vars(made))
