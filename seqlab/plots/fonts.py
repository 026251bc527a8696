"""Names in any script: which of the fonts installed here have the characters that a chart's own font lacks."""

import logging
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

import matplotlib
from matplotlib import font_manager
from matplotlib.backend_bases import RendererBase
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.text import Text

SHOWN = 12  # characters in a note
_EAST_ASIAN = {"CJK", "HIRAGANA", "KATAKANA", "HANGUL", "BOPOMOFO", "FULLWIDTH", "HALFWIDTH", "IDEOGRAPHIC"}


class Chart(Figure):
    """A figure that draws each name in fonts that have its characters, as far as any are installed. alt: what it shows,
    in words."""

    alt = ""

    def draw(self, renderer: RendererBase) -> None:
        find_fonts(self)
        super().draw(renderer)


def find_fonts(figure: Figure) -> str:
    """Give the texts of a figure, beside their own, the fonts that have what those lack. The characters that no font
    here has, each once."""
    lacking = {}
    with _silent():
        for text in figure.findobj(Text):
            assert isinstance(text, Text)
            if missing := {char for char in text.get_text() if _is_drawn(char)} - _characters_of(text):
                lacking[text] = missing
        families = _families_with(set().union(*lacking.values())) if lacking else []
        for text in lacking:
            text.set_fontfamily([*text.get_fontfamily(), *families])
        left = (missing - _characters_of(text) for text, missing in lacking.items())
        return "".join(sorted(set().union(*left)))


def note_of(lacking: str) -> str:
    """What is to be said of characters that no font has; empty without any."""
    if not lacking:
        return ""
    shown = lacking[:SHOWN] + (f" and {len(lacking) - SHOWN:,} more" if len(lacking) > SHOWN else "")
    drawn = "it is drawn as a box" if len(lacking) == 1 else "they are drawn as boxes"
    return f"no font here has {shown}: {drawn}. Install one, such as {_noto(lacking[-1])}, or write an .svg"


def _noto(char: str) -> str:
    script = unicodedata.name(char, "").partition(" ")[0]
    if script in _EAST_ASIAN:
        return "Noto Sans CJK"
    return f"Noto Sans {script.title()}" if char.isalpha() and script else "Noto Emoji"


def _is_drawn(char: str) -> bool:
    """Whether it needs a glyph: not spaces, controls, and what chooses between glyphs."""
    return unicodedata.category(char)[0] not in "CZ" and not "\ufe00" <= char <= "\ufe0f"


def _characters_of(text: Text) -> set[str]:
    """The characters that the fonts of a text have."""
    found: set[str] = set()
    for family in text.get_fontfamily():
        wanted = text.get_fontproperties().copy()
        wanted.set_family(family)
        found |= _characters_meant(wanted)
    return found


def _characters_meant(wanted: FontProperties) -> frozenset[str]:
    """The characters of the font that is meant; none where there is no such font."""
    try:
        return _characters(font_manager.findfont(wanted, fallback_to_default=False))
    except (ValueError, RuntimeError, OSError):
        return frozenset()


@cache
def _characters(path: str) -> frozenset[str]:
    """The characters of a font; none of one that has pictures alone, which matplotlib does not draw."""
    font = font_manager.get_font(path)
    return frozenset(map(chr, font.get_charmap())) if font.scalable else frozenset()


def _families_with(wanted: set[str]) -> list[str]:
    """As few families of installed fonts as it takes to have as many of the characters as can be had."""
    known = {entry.fname for entry in font_manager.fontManager.ttflist}
    for path in sorted(set(font_manager.findSystemFonts()) - known):  # installed after matplotlib made its list
        try:
            font_manager.fontManager.addfont(path)
        except (RuntimeError, OSError, ValueError):
            continue
    own = matplotlib.get_data_path()  # mathematical fonts, and one of boxes
    families = {
        entry.name
        for entry in font_manager.fontManager.ttflist
        if not entry.fname.startswith(own) and "Last Resort" not in entry.name and "Color Emoji" not in entry.name
    }
    have = {family: wanted & _characters_meant(FontProperties(family=[family])) for family in families}
    found = list[str]()
    while have and wanted:
        best = max(sorted(have), key=lambda family: (len(have[family] & wanted), "Sans" in family))
        if not have[best] & wanted:
            break
        found.append(best)
        wanted = wanted - have.pop(best)
    return found


@contextmanager
def _silent() -> Iterator[None]:
    """Without matplotlib's lines about a font that has no bold."""
    logger = logging.getLogger("matplotlib.font_manager")
    before = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(before)
