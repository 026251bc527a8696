"""What text knows of what it opened, scored by hand, and the short memory against a net that reads as much."""

import hypothesis
import pytest
import torch
from hypothesis import strategies as st

from seqlab.lab import c_code, nesting, writing
from seqlab.language.copies import WORD
from seqlab.models.recurrent import RecurrentLanguageModel

CUT_OFF = r"\begin{remark}" * nesting.CUT + "{" * nesting.CUT  # so that nothing before counts as cut off


def words(text: str) -> set[str]:
    return set(WORD.findall(text.lower()))


@pytest.mark.parametrize(
    ("text", "share"),
    [
        (r"\begin{lemma}\end{lemma}\begin{proof}\begin{align*}\end{align*}\end{proof}", 1),
        (r"\begin{proof}\end{lemma}", 0),
        (r"\begin{proof}\begin{enumerate}\end{proof}\end{enumerate}", 0),
        (r"\begin{proof}\begin{enumerate}\end{proof}\begin{lemma}\end{lemma}", 1 / 2),
        (r"\end{proof}\begin{proof}\end{proof}\end{proof}", 1 / 3),
        ("nothing", 0),
    ],
)
def test_ends_fit_the_innermost_environment(text: str, share: float) -> None:
    assert nesting.latex([text + CUT_OFF])["ends"] == share


def test_what_is_cut_off_does_not_count() -> None:
    assert nesting.latex(["{}{{"])["blocks"] == 1
    assert nesting.latex(["{{{", "{}"])["blocks"] == 1 / 2


def test_latex_by_hand() -> None:
    scores = writing.latex(["a\n\n$$x$ \\$ {b} $\n\n$$y$ }{ \\{ morphism morphsim\n\n" + "{{"], {"morphism"})
    assert scores["math"] == 2 / 5 and scores["blocks"] == 1 / 2 and scores["words"] == 1 / 2


def test_c_by_hand() -> None:
    text = 'f(a[0]) { /* this (that { */ s = "("; while ({ )\n' + 2 * "a line that is long enough\n"
    scores = writing.c([text + "{{"], {"this"})
    assert scores["blocks"] == 0 and scores["brackets"] == 1 and scores["words"] == 1 / 2
    assert scores["distinct"] == 2 / 3


@hypothesis.given(st.integers(0, 2**32))
def test_code_of_a_grammar_scores_one(seed: int) -> None:
    text = c_code.write(3000, seed)
    scores = writing.c([text], words(text))
    assert scores["blocks"] == scores["brackets"] == scores["words"] == 1


def test_a_markov_chain_of_it_leaves_open_what_it_opens() -> None:
    text = c_code.write(3000)
    scores = writing.c([writing.markov(text, 3, 3000, seed) for seed in range(8)], words(text))
    assert scores["blocks"] < 0.95 and scores["brackets"] < 0.95 and scores["words"] < 0.95


def test_a_markov_chain_has_only_what_follows_in_its_text() -> None:
    text = c_code.write(2000)
    chain = writing.markov(text, 3, 500)
    assert all(chain[place : place + 4] in text for place in range(len(chain) - 3))


def test_the_short_memory_knows_only_the_last_characters() -> None:
    model = RecurrentLanguageModel(11, embedding_size=5, hidden_size=7, num_layers=2).eval()
    engine = writing.ShortMemory("lstm", model.state_dict(), "fp32")
    tokens = torch.randint(11, (100, 3))
    engine.reset(1)
    engine.repeat(3)
    found = [engine.step(place) for place in tokens]
    for t, start in ((9, 0), (10, 5), (14, 5), (15, 10), (99, 90)):
        fresh = writing.Engine("lstm", model.state_dict(), "fp32")
        fresh.reset(1)
        fresh.repeat(3)
        for place in tokens[start : t + 1]:
            expected = fresh.step(place)
        torch.testing.assert_close(found[t], expected)
