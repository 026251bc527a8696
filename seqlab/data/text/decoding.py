"""How the bytes of a text become characters, and what is to be said of that: what was repaired, what was left out."""

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass, field

from seqlab.data.text.charset import NAMES, REPLACEMENT, UTF8, WINDOWS, Survey
from seqlab.errors import DataError

MOST_BAD = 0.01  # of the bytes of a text: more that are not UTF-8 are no damage, but another encoding
NO_ENCODING = "neither UTF-8 nor Windows-1252"
SHOWN = 3  # of the files that a note is about


def codec_of(survey: Survey) -> str:
    """What a surveyed text is decoded with, by replacing what cannot be; empty where it is no text or in an encoding
    that is not known."""
    if survey.is_binary:
        return ""
    codec = survey.encoding()
    is_damaged = survey.bad - survey.cut <= MOST_BAD * survey.size
    return (UTF8 if is_damaged else "") if codec in (UTF8, "") else codec


def refusal(survey: Survey, where: str) -> DataError:
    """The error for a text without a codec."""
    if survey.first is None or survey.is_binary:
        return DataError(f"{where} is no text: it has NUL bytes", "give a text in UTF-8")
    line, place, value = survey.first
    first = f"the first 0x{value:02X} in line {line:,} (after {place:,} bytes)"
    return DataError(
        f"{where} is {NO_ENCODING}: {survey.bad:,} of its {survey.size:,} bytes are not UTF-8, {first}",
        "convert it: iconv -f ENCODING -t UTF-8 FILE > NEW, where ENCODING is such as SHIFT_JIS, GB18030 or CP1251",
    )


def text_of(data: bytes, where: str) -> tuple[str, tuple[str, ...]]:
    """The text of bytes that are in memory, and what is to be said of it. Raises DataError where they are none."""
    survey, repairs = Survey(), Repairs()
    survey.feed(data)
    survey.finish()
    if not (codec := codec_of(survey)):
        raise refusal(survey, where)
    text = data.decode(codec, "replace")
    repairs.read(where, survey, codec, text.count(REPLACEMENT))
    return text, repairs.notes()


@dataclass
class Repairs:
    """Of the files of a text by name: which are in another encoding, which were left out, how much is damaged."""

    encodings: dict[str, list[str]] = field(default_factory=dict)  # by codec
    left: dict[str, list[str]] = field(default_factory=dict)  # by reason
    letters: int = 0  # and signs above ASCII, of files in Windows-1252
    example: str = ""  # of a word with one
    bad: Counter[str] = field(default_factory=Counter)  # places that became U+FFFD: bytes, where it is UTF-8
    first: tuple[str, int] = ("", 0)  # file and line of a byte that is not UTF-8

    def leave_out(self, name: str, survey: Survey | None) -> None:
        """A file has no codec, or is a link: without a survey."""
        reason = "link"
        if survey is not None:
            reason = "NUL bytes: no text" if survey.is_binary else f"{NO_ENCODING}: convert with iconv"
        self.left.setdefault(reason, []).append(name)

    def read(self, name: str, survey: Survey, codec: str, replaced: int) -> None:
        """A file was decoded; replaced: how many U+FFFD it has now."""
        if codec in NAMES:
            self.encodings.setdefault(NAMES[codec], []).append(name)
            self.bad["places"] += replaced
            if codec == WINDOWS:
                self.letters += survey.high
                self.example = self.example or survey.example()
        elif survey.bad and survey.first:
            self.bad["bytes"] += survey.bad
            self.first = self.first if self.first[0] else (name, survey.first[0])

    def notes(self) -> tuple[str, ...]:
        """A sentence each."""
        found = []
        for encoding, names in self.encodings.items():
            how = f"written in {encoding}"
            if encoding == NAMES[WINDOWS]:
                letters = "1 letter or sign" if self.letters == 1 else f"{self.letters:,} letters and signs"
                how = f"not written in UTF-8: read as {encoding} ({letters}, as in '{self.example}')"
            found.append(_about(names, how))
        if count := self.bad["bytes"]:
            where = f"the first in {self.first[0]}, line {self.first[1]:,}"
            what = f"{count:,} bytes of it are" if count > 1 else "1 byte of it is"
            found.append(f"{what} not UTF-8: each such place became U+FFFD, {where}")
        if count := self.bad["places"]:
            found.append(f"{count:,} damaged {'place' if count == 1 else 'places'} of it became U+FFFD")
        return (*found, *self.omitted())

    def omitted(self) -> tuple[str, ...]:
        """Of those, what was left out."""
        return tuple(_about(names, f"left out ({reason})") for reason, names in self.left.items())


def _about(names: Collection[str], what: str) -> str:
    """`b.txt is ...`, or `5 files are ...: a.txt, b.txt, c.txt and 2 more`."""
    if len(names) == 1:
        return f"{next(iter(names))} is {what}"
    first = ", ".join(sorted(names)[:SHOWN]) + (f" and {len(names) - SHOWN:,} more" if len(names) > SHOWN else "")
    return f"{len(names):,} files are {what}: {first}"
