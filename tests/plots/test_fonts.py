"""Names in scripts that a chart's font lacks: drawn where a font has them, said where none has. The judge is
matplotlib's own warning about a glyph that is missing."""

import logging
import warnings
from collections.abc import Callable
from pathlib import Path

import matplotlib
import numpy as np
import pytest
from fontTools.fontBuilder import FontBuilder
from fontTools.pens.ttGlyphPen import TTGlyphPen
from matplotlib import font_manager
from matplotlib.figure import Figure

from seqlab.plots import fan_chart, fonts, structure_map, style
from tests.conftest import Outcome
from tests.plots.test_charts import made_forecast, texts

# Letters of Gothic, Vai and Cherokee, and a clef: scripts for which hardly a machine has a font
GOTHIC, VAI, CHEROKEE, CLEF = "\U00010330\U00010331", "\ua500\ua501", "\u13a0", "\U0001d11e"


def made_font(path: Path, family: str, characters: str) -> Path:
    """A font in which each of the characters is a square."""
    pen = TTGlyphPen(None)
    pen.moveTo((100, 0))
    for corner in ((100, 700), (800, 700), (800, 0)):
        pen.lineTo(corner)
    pen.closePath()
    names = {ord(char): f"glyph{number}" for number, char in enumerate(characters)}
    order = [".notdef", *names.values()]
    font = FontBuilder(1000, isTTF=True)
    font.setupGlyphOrder(order)
    font.setupCharacterMap(names)
    font.setupGlyf(dict.fromkeys(order, pen.glyph()))
    font.setupHorizontalMetrics(dict.fromkeys(order, (900, 100)))
    font.setupHorizontalHeader(ascent=800, descent=-200)
    font.setupNameTable({"familyName": family, "styleName": "Regular"})
    font.setupOS2()
    font.setupPost()
    font.save(path)
    return path


@pytest.fixture
def only_own_fonts(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """A machine with matplotlib's fonts alone, and those of the list."""
    installed: list[Path] = []
    manager, own = font_manager.fontManager, matplotlib.get_data_path()
    monkeypatch.setattr(manager, "ttflist", [entry for entry in manager.ttflist if entry.fname.startswith(own)])
    monkeypatch.setattr(font_manager, "findSystemFonts", lambda: [str(path) for path in installed])
    return installed


def missing_glyphs(figure: Figure, path: Path) -> int:
    """How many warnings of missing glyphs matplotlib has to give."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        figure.savefig(path)
    return sum("missing from" in str(one.message) for one in caught)


def figure_of(name: str) -> Figure:
    figure = style.empty(4, 3, "A name.")
    axes = figure.subplots()
    axes.set_title(style.text_of(name), fontweight="bold", parse_math=False)
    axes.set_xticks([0, 1], [style.text_of(name), "plain"], parse_math=False)
    return figure


@pytest.mark.parametrize("ending", ["png", "pdf"])
def test_what_no_font_has_is_said(only_own_fonts: list[Path], tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"a.{ending}"
    assert missing_glyphs(figure_of(GOTHIC), path) > 0
    said = style.save(figure_of(f"{GOTHIC} and latin, größe"), path)
    assert said == (
        f"no font here has {GOTHIC}: they are drawn as boxes. Install one, such as Noto Sans Gothic, or write an .svg"
    )
    assert path.stat().st_size > 1000
    assert "it is drawn as a box. Install one, such as Noto Sans Cherokee" in style.save(figure_of(CHEROKEE), path)
    assert "Noto Sans CJK" in style.save(figure_of("开盘"), path)
    assert "Noto Sans Thai" in style.save(figure_of("ราคา"), path)
    assert "Noto Emoji" in style.save(figure_of("price \U0001f9ff"), path)
    assert "and 8 more" in style.save(figure_of("".join(map(chr, range(0x4E00, 0x4E14)))), path)


@pytest.mark.parametrize("name", ["größe €", "цена", "τιμή", "a\u200bb\u00a0c \u2764\ufe0f", "$a_{x$ −1 %"])
def test_what_the_own_font_has_is_drawn_with_it(only_own_fonts: list[Path], tmp_path: Path, name: str) -> None:
    figure = figure_of(name)
    assert style.save(figure, tmp_path / "a.png") == ""
    assert {text.get_fontfamily()[0] for text in figure.findobj(fonts.Text)} == {"sans-serif"}
    assert all(len(text.get_fontfamily()) == 1 for text in figure.findobj(fonts.Text))


def test_in_an_svg_text_stays_text_and_nothing_is_missing(only_own_fonts: list[Path], tmp_path: Path) -> None:
    assert style.save(figure_of(GOTHIC), tmp_path / "a.svg") == ""
    assert GOTHIC in texts(tmp_path / "a.svg")


def test_installed_fonts_are_used_as_few_as_it_takes(
    only_own_fonts: list[Path], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Found though matplotlib made its list of fonts before; in charts of the library too, whose figures users save."""
    for file, family, characters in (
        ("a.ttf", "Made Gothic", GOTHIC),
        ("b.ttf", "Made Both", GOTHIC + VAI),
        ("c.ttf", "Made Cherokee", CHEROKEE),
    ):
        only_own_fonts.append(made_font(tmp_path / file, family, characters))
    name = f"{GOTHIC}{VAI} größe {CHEROKEE}"
    caplog.set_level(logging.WARNING)
    for ending in ("png", "pdf", "svg"):
        figure = figure_of(name)
        assert style.save(figure, tmp_path / f"a.{ending}") == ""
        (title,) = [
            text for text in figure.findobj(fonts.Text) if text.get_text() == name and text.get_weight() == "bold"
        ]
        assert title.get_fontfamily() == ["sans-serif", "Made Both", "Made Cherokee"]
        assert missing_glyphs(figure_of(name), tmp_path / f"b.{ending}") == 0
    assert caplog.records == []  # of fonts that have no bold
    assert "no font here has \U0001d11e:" in style.save(figure_of(name + CLEF), tmp_path / "c.png")
    again = figure_of(name)
    assert style.save(again, tmp_path / "d.png") == style.save(again, tmp_path / "e.png") == ""
    assert (tmp_path / "d.png").read_bytes() == (tmp_path / "e.png").read_bytes() == (tmp_path / "a.png").read_bytes()


def test_the_charts_of_the_library_find_their_fonts(only_own_fonts: list[Path], tmp_path: Path) -> None:
    maps = [structure_map.Map("PCA", np.zeros((3, 2)), np.zeros(3), 0.5, np.array([1]))] * 2
    charts: list[Callable[[], Figure]] = [
        lambda: fan_chart.draw([made_forecast(GOTHIC)]),
        lambda: structure_map.draw("rows", maps, ["a", GOTHIC, "b"]),
    ]
    for chart in charts:
        assert GOTHIC in style.save(chart(), tmp_path / "a.png")
    only_own_fonts.append(made_font(tmp_path / "a.ttf", "Made Gothic", GOTHIC))
    for chart in charts:
        assert missing_glyphs(chart(), tmp_path / "b.png") == 0


def test_forecast_says_what_its_chart_cannot_draw(
    only_own_fonts: list[Path], cli: Callable[..., Outcome], tmp_path: Path
) -> None:
    days = np.datetime64("2022-01-01") + np.arange(120)
    rows = [f"{day},{20 + number * number % 37}" for number, day in enumerate(days)]
    (tmp_path / f"{GOTHIC}.csv").write_text("\n".join(["date,value", *rows]) + "\n", encoding="utf-8")
    words = [
        "forecast",
        tmp_path / f"{GOTHIC}.csv",
        "--horizon",
        2,
        "--offline",
        "--origins",
        5,
        "-o",
    ]
    done = cli(*words, tmp_path / "a.png")
    assert done.status == 0, done.err
    assert f"a.png: no font here has {GOTHIC}: they are drawn as boxes" in done.err
    assert "no font" not in cli(*words, tmp_path / "a.svg").err
