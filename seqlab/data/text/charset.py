"""Which encoding bytes are written in, for texts and tables: by a byte order mark, by zeros, by being UTF-8, by words.

UTF-16 and UTF-8 are certain from the bytes. What is neither is taken for Windows-1252 (and so for Latin-1, which but
for signs is the same) where its letters above ASCII stand as those of western languages do: among ASCII letters.
"""

import codecs
import re
from io import TextIOWrapper
from typing import IO

from seqlab.data.fetch.archive import CHUNK

HEAD = 8192  # bytes in which a NUL marks what is no text
EVIDENCE = 1 << 20  # bytes by which it is judged whether they are Windows-1252
UTF8, WINDOWS = "utf-8-sig", "cp1252"
NAMES = {**dict.fromkeys(("utf-16", "utf-16-le", "utf-16-be"), "UTF-16"), "utf-32": "UTF-32", WINDOWS: "Windows-1252"}
REPLACEMENT, BYTE_ORDER_MARK = "\ufffd", "\ufeff"

_MARKS = {  # the longer ones first
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
_ASCII = bytes(range(128))
_UNDEFINED = b"\x81\x8d\x8f\x90\x9d"  # in Windows-1252
_ESCAPED = re.compile("[\udc80-\udcff]+")  # bytes that are not UTF-8, each as a code point
_LOWER, _UPPER = "ß-öø-þšœž", "À-ÖØ-ÞŠŒŽŸ"
_LETTERS = f"A-Za-z{_LOWER}{_UPPER}"
_QUOTES, _SIGNS = "‚„“”‹›«»", "¡-©¬®-³µ¶¸-º¼-¿×÷€ƒ†‡ˆ‰™˜•"
_WORD = re.compile("[A-Za-z\x80-\U0010ffff]*[^\x00-\x7f][A-Za-z\x80-\U0010ffff]*")  # with a letter or sign above ASCII
_SHORT = re.compile(f"[{_LOWER}{_UPPER}]{{1,3}}")  # à, ö, or a short word in Cyrillic: it tells nothing
_UNLIKELY = re.compile(
    f"[{_LOWER}{_UPPER}ÿ]{{4}}"  # Cyrillic, Greek, Hebrew, Chinese
    f"|[a-z{_LOWER}][{_UPPER}]"  # Mac OS, KOI8-R, UTF-8
    f"|[{_LETTERS}][{_QUOTES}][{_LETTERS}]|[{_LETTERS}][‚„•ˆ]"  # DOS, Shift-JIS
    f"|[{_LETTERS}{_SIGNS}][{_SIGNS}][{_LETTERS}{_SIGNS}]"  # Windows-1250, Big5, Thai, UTF-8
    f"|ÿ|{REPLACEMENT}"
)
MOST_UNLIKELY = 0.2  # of the words with letters or signs above ASCII, in Windows-1252
MOST_HIGH = 0.5  # of the bytes of a text in Windows-1252 that are above ASCII
MOST_BAD = 0.1  # of the bytes above ASCII of a text in UTF-8 that is damaged


def wide(start: bytes) -> str:
    """The codec of a text in UTF-16 or UTF-32 that begins so, by its mark, or of UTF-16 without one by its zeros; empty
    for any other."""
    start = start[: 4 * HEAD]
    for mark, codec in _MARKS.items():
        if start.startswith(mark):
            return codec if _share_of_text(start, codec) > 0.9 else ""
    if b"\0" not in start[:HEAD]:
        return ""
    found = [codec for codec in ("utf-16-le", "utf-16-be") if _share_of_text(start, codec) > 0.98]
    blanks = {codec: sum(map(_decoded(start, codec).count, " \t\r\n")) for codec in found}
    best = max(blanks, key=lambda codec: blanks[codec], default="")
    return best if blanks.get(best, 0) > 0.005 * len(start) / 2 else ""


def is_binary(start: bytes) -> bool:
    """Whether what begins so is no text: a NUL in its head, and no encoding that has them."""
    return b"\0" in start[:HEAD] and not wide(start)


def _decoded(start: bytes, codec: str) -> str:
    return codecs.getincrementaldecoder(codec)("replace").decode(start)  # without what is cut at the end


def _share_of_text(start: bytes, codec: str) -> float:
    text = _decoded(start, codec) or " "
    return sum(one.isprintable() or one.isspace() for one in text if one != REPLACEMENT) / len(text)


def text_reader(content: IO[bytes], encoding: str) -> TextIOWrapper:
    """The text of bytes. Of UTF-8, what is damaged becomes U+FFFD, as the survey has said; else it is an error."""
    errors = "replace" if encoding == UTF8 else "strict"
    return TextIOWrapper(content, encoding, errors=errors, newline="")


class Survey:
    """What the bytes of a text, fed in pieces, tell of their encoding. Nothing of them is kept but a part to judge by.

    size: bytes so far. bad: of them, those that are not UTF-8; cut: those of an unfinished character at the end.
    first: line, place from 0 and value of the first bad one.
    """

    def __init__(self) -> None:
        self.size = self.bad = self.cut = self.high = self.undefined = 0
        self.first: tuple[int, int, int] | None = None
        self.start = self.evidence = self._pending = self._before = b""
        self._lines = 1

    @property
    def has_begun(self) -> bool:
        """Whether enough is fed to tell whether it is binary."""
        return len(self.start) == 4 * HEAD

    @property
    def is_binary(self) -> bool:
        return is_binary(self.start)

    def feed(self, chunk: bytes) -> None:
        for begin in range(0, len(chunk), CHUNK):
            self._feed(chunk[begin : begin + CHUNK])

    def _feed(self, chunk: bytes, final: bool = False) -> None:
        if len(self.start) < 4 * HEAD:
            self.start += chunk[: 4 * HEAD - len(self.start)]
        data = self._pending + chunk
        self.size += len(chunk)
        if not data.isascii():
            high = chunk.translate(None, _ASCII)
            self.high += len(high)
            self.undefined += len(high) - len(high.translate(None, _UNDEFINED))
        try:
            _, used = codecs.utf_8_decode(data, "strict", final)
        except UnicodeDecodeError:
            text, used = codecs.utf_8_decode(data, "surrogateescape", final)
            self._note_bad(data[:used], text, self.size - len(data))
        self._pending, self._before = data[used:], data[max(0, used - 32) : used]  # the end may cut a word
        if self.first is None:
            self._lines += chunk.count(b"\n")

    def _note_bad(self, data: bytes, text: str, begin: int) -> None:
        self.bad += sum(map(len, _ESCAPED.findall(text)))
        if self.first is None and (found := _ESCAPED.search(text)):
            before = text[: found.start()].encode()
            self.first = self._lines + before.count(b"\n"), begin + len(before), data[len(before)]
        if len(self.evidence) < EVIDENCE:
            self.evidence += data

    def finish(self) -> None:
        """All is fed."""
        self.cut = len(self._pending)
        self.evidence = self.evidence or self._before
        self._feed(b"", final=True)

    def encoding(self) -> str:
        """The codec of what is finished: UTF8 (a few bytes of which may be bad), WINDOWS, that of UTF-16 or UTF-32, or
        empty where it is none of these for certain. All of them leave out a byte order mark."""
        if codec := wide(self.start):
            return codec
        if self.bad == 0 or self.bad - self.cut < MOST_BAD * (self.high - self.bad):
            return UTF8
        return WINDOWS if self._is_windows() else ""

    def _is_windows(self) -> bool:
        if self.undefined > 0.01 * self.high or self.high > MOST_HIGH * self.size:
            return False
        words = [word for word in self._words() if not _SHORT.fullmatch(word)]
        return sum(_UNLIKELY.search(word) is not None for word in words) <= MOST_UNLIKELY * len(words)

    def _words(self) -> list[str]:
        return _WORD.findall(self.evidence.decode(WINDOWS, "replace"))

    def example(self) -> str:
        """A word of it with a letter or sign above ASCII, read as Windows-1252."""
        return max(self._words()[:20], key=len, default="")[:20]
