"""The lexer against truths written by hand, the scores against scipy, and the page as a real browser shows it."""

import html.parser
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import hypothesis
import hypothesis.strategies as st
import numpy as np
import pytest
import torch
from scipy import stats

from seqlab import lab
from seqlab.lab import c_code, cells
from seqlab.lab.cells_page import Shown, page
from seqlab.models.recurrent import RecurrentLanguageModel
from tests.conftest import Outcome

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


@pytest.mark.parametrize(
    ("code", "string", "comment", "brackets"),
    [
        ('f("a)", x[0]);', "  ###", "", " 11111111221"),
        (r'"a\"b" "\\" c', "#####  ###", "", ""),
        ("a /* \"( */ b /'", "", "   ######", ""),
        ("/*/ */ ( // )\n)", "", " ####     ###", "       1111111"),
        ('\'"\' + "/*" ) (', "      ###", "", "             1"),
        ('"open\n (', "#####", "", "       1"),
    ],
)
def test_the_lexer_agrees_with_truths_written_by_hand(code: str, string: str, comment: str, brackets: str) -> None:
    found = c_code.places(code)
    assert "".join(" #"[inside] for inside in found.string.astype(int)).rstrip() == string
    assert "".join(" #"[inside] for inside in found.comment.astype(int)).rstrip() == comment
    assert "".join(str(depth or " ") for depth in found.brackets).rstrip() == brackets


def test_indentation_and_column_are_those_of_an_editor() -> None:
    found = c_code.places("\tab\n\t\tc\td\ne")
    assert found.indentation.tolist() == [1, 1, 1, 0, 1, 2, 2, 2, 2, 0, 0]
    assert found.column.tolist() == [8, 9, 10, 0, 8, 16, 17, 24, 25, 0, 1]


@hypothesis.given(st.integers(0, 2**32))
def test_written_code_closes_all_that_it_opens(seed: int) -> None:
    text = c_code.write(600, seed)
    found = c_code.places(text)
    assert text == c_code.write(600, seed) and len(text) >= 600
    assert not (found.string[-1] or found.comment[-1] or found.brackets[-1])
    newlines = np.array(list(text)) == "\n"
    assert not found.string[newlines].any() and not found.brackets[newlines & ~found.comment].any()
    assert text.count("{") == text.count("}") and not set(text) - set(map(chr, range(32, 127))) - {"\n", "\t"}


def test_the_memory_is_that_of_torch() -> None:
    model = RecurrentLanguageModel(11, embedding_size=5, hidden_size=7, num_layers=2).eval()
    tokens = torch.randint(11, (9,))
    memory = cells.memory(model, tokens)
    assert memory.shape == (2, 9, 7)
    for t in range(1, 10):
        _, (_, c) = model(tokens[None, :t])
        np.testing.assert_allclose(memory[:, t - 1], torch.tanh(c[:, 0]).detach().numpy(), atol=1e-6)


def test_the_scores_are_those_of_scipy() -> None:
    rng = np.random.default_rng(0)
    values = rng.integers(0, 6, (80, 4)).astype(float)  # with ties
    values[:, 3] = 1.0
    yes, depth = rng.random(80) < 0.3, rng.integers(0, 4, 80)
    area = [stats.mannwhitneyu(column[yes], column[~yes]).statistic / (yes.sum() * (~yes).sum()) for column in values.T]
    np.testing.assert_allclose(cells.follows(values, yes), area)
    correlation = [stats.spearmanr(column, depth).statistic for column in values.T[:3]]
    np.testing.assert_allclose(cells.follows(values, depth), [*correlation, 0.0], atol=1e-12)


def test_the_best_cell_is_chosen_on_the_first_half_and_scored_on_the_second() -> None:
    truth = np.tile([False, True, True, False], 10)
    memories = np.zeros((2, 40, 3))
    memories[1, :, 2] = -1.0 * truth  # found, though it falls where the truth rises
    memories[0, 20:, 0] = truth[20:]  # best where it is not looked for
    everywhere = np.ones(40, bool)
    assert cells._best(memories, truth, everywhere, 20) == ((1, 2, -1), 1.0)
    memories[1, 20:, 2] = 0.0
    assert cells._best(memories, truth, everywhere, 20) == ((1, 2, -1), 0.5)


def test_the_claim_fails_where_training_made_no_difference(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(cells.CHARACTERS, "small", 3000)
    read = []
    monkeypatch.setattr(cells, "memory", lambda model, tokens: read.append(model) or np.zeros((2, len(tokens), 3)))
    assert not lab.run("cells", seeds=1, scale="small", contrasts=False).holds and len(read) == 2


class Page(html.parser.HTMLParser):
    """What a browser made of a page: the spans of the text as (character, colour, value), and the menu."""

    def __init__(self, dom: str) -> None:
        super().__init__()
        self.spans: list[tuple[str, str, float]] = []
        self.menu: list[str] = []
        self.inside, self.within, self.attributes = False, "", {}
        self.feed(dom)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.attributes, self.within = dict(attributes), tag
        self.inside |= self.attributes.get("id") == "text"

    def handle_endtag(self, tag: str) -> None:
        self.inside &= tag != "pre"
        self.within = ""

    def handle_data(self, data: str) -> None:
        if self.inside and self.within == "span":
            colour = re.sub("background-color: |;", "", self.attributes["style"])
            self.spans.append((data, colour, float(self.attributes["title"])))
        elif self.within == "option":
            self.menu.append(data)


@pytest.fixture
def browse(tmp_path: Path) -> Callable[[str], Page]:
    """Opens an address, lets its scripts run and reads the document that they made."""
    if BROWSER is None:
        pytest.skip("no chromium, chromium-browser or google-chrome here to open a page in")

    def browse(address: str) -> Page:
        options = (
            "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
            f"--disable-component-update --disable-sync --virtual-time-budget=2000 --user-data-dir={tmp_path}/profile"
        )
        done = subprocess.run(
            [BROWSER, *options.split(), "--dump-dom", address], capture_output=True, text=True, timeout=120, check=True
        )
        return Page(done.stdout)

    return browse


def test_a_browser_colours_the_text_by_the_chosen_cell(tmp_path: Path, browse: Callable[[str], Page]) -> None:
    text = '\n\tif (a < b && c)</script><!-- &amp; <script>"\\n"</pre> \u2028é\n'
    first, second = np.linspace(-1, 1, len(text)), np.zeros(len(text))
    file = tmp_path / "page.html"
    written = page("a <b> & c", text, [Shown("strings </option> & 1", first), Shown("second", second)])
    file.write_text(written, encoding="utf-8")
    shown, other = browse(file.as_uri()), browse(file.as_uri() + "#2")
    assert shown.menu == ["strings </option> & 1", "second"]
    for dom, values in ((shown, first), (other, second)):
        assert "".join(char for char, _, _ in dom.spans) == text
        assert [value for _, _, value in dom.spans] == pytest.approx(values, abs=0.0051)
    assert shown.spans[0][1] == "rgba(60, 110, 240, 0.75)" and shown.spans[-1][1] == "rgba(230, 60, 50, 0.75)"
    assert {colour for _, colour, _ in other.spans} == {"rgba(230, 60, 50, 0)"}
    assert browse(file.as_uri() + "#3").spans == shown.spans  # there is no third


def test_the_command_writes_a_page_that_a_browser_shows(
    tmp_path: Path, cli: Callable[..., Outcome], browse: Callable[[str], Page], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(cells.CHARACTERS, "small", 2_000)
    monkeypatch.setattr(cells, "SHOWN", 300)
    file = tmp_path / "cells.html"
    done = cli("lab", "run", "cells", "--scale", "small", "--seeds", "1", "--threads", "1", "-o", file)
    assert done.out == "" and "the claim" in done.err and str(file) in done.err
    shown = browse(file.as_uri() + "#3")
    text = "".join(char for char, _, _ in shown.spans)
    assert len(text) == 300 and text in c_code.write(2_000)
    assert len(shown.menu) == 5 and "depth of brackets" in shown.menu[2]
    assert len({colour for _, colour, _ in shown.spans}) > 20


def test_json_and_a_page_exclude_each_other(cli: Callable[..., Outcome], tmp_path: Path) -> None:
    done = cli("lab", "run", "cells", "--json", "-o", tmp_path / "x.html")
    assert done.status == 2 and "page" in done.err and not (tmp_path / "x.html").exists()


def test_a_page_fetches_nothing() -> None:
    written = page("claim", "text", [Shown("cell", np.zeros(4))]).replace('<link rel="icon" href="data:,">', "")
    written = re.sub(r"'sha256-[^']*'", "", written)
    assert not re.search(r"https?:|//|src=|url\(|@import|<link", written)
