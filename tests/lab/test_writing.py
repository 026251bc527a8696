"""The scorecard against texts scored by hand, and the short memory against a net that reads only what it holds."""

import hypothesis
import pytest
import torch
from hypothesis import strategies as st

from seqlab.lab import c_code, scorecard, writing
from seqlab.models.recurrent import RecurrentLanguageModel

CUT_OFF = r"\begin{remark}" * scorecard.CUT + "{" * scorecard.CUT  # so that nothing before counts as cut off


@pytest.mark.parametrize(
    ("text", "share"),
    [
        (r"\begin{lemma}\end{lemma}\begin{proof}\begin{align*}\end{align*}\end{proof}", 1),
        (r"\begin{proof}\end{lemma}", 0),
        (r"\begin{proof}\begin{enumerate}\end{proof}", 1 / 2),
        (r"\end{proof}\begin{proof}\end{proof}\end{proof}", 1),
        (r"\begin{proof}\begin{proof}\end{proof}", 1 / 2),
        ("nothing", 0),
    ],
)
def test_environments_are_closed_by_their_own_end(text: str, share: float) -> None:
    assert scorecard.latex([text + CUT_OFF], ())["environments"] == share


def test_what_is_cut_off_does_not_count() -> None:
    assert scorecard.latex([r"\begin{lemma}\end{lemma}\begin{proof}\begin{align}"], ())["environments"] == 1
    assert scorecard.latex([r"\begin{proof}" * 3, r"\begin{lemma}\end{lemma}"], ())["environments"] == 1 / 2


def test_latex_by_hand() -> None:
    scores = scorecard.latex(["a $x$ \\$ {b}\n\n$$y$ }{ \\{ morphism morphsim \\ref{lemma-xyzz}" + "{{"], {"morphism"})
    assert scores["math"] == 4 / 5 and scores["braces"] == 2 / 3 and scores["words"] == 1 / 2


def test_c_by_hand() -> None:
    text = 'f(a[0]) { /* this (that { */ s = "("; while ({ )\n' + 2 * "a line that is long enough\n"
    scores = scorecard.c([text + "{{"], {"this"})
    assert scores["blocks"] == 0 and scores["brackets"] == 1 and scores["words"] == 1 / 2
    assert scores["distinct"] == 2 / 3


@hypothesis.given(st.integers(0, 2**32))
def test_code_of_a_grammar_scores_one(seed: int) -> None:
    text = c_code.write(3000, seed)
    scores = scorecard.c([text], scorecard.vocabulary(text))
    assert scores["blocks"] == scores["brackets"] == scores["words"] == 1


def test_a_markov_chain_of_it_leaves_open_what_it_opens() -> None:
    text = c_code.write(3000)
    scores = scorecard.c([scorecard.markov(text, 3, 3000, seed) for seed in range(8)], scorecard.vocabulary(text))
    assert scores["blocks"] < 0.95 and scores["brackets"] < 0.95 and scores["words"] < 0.95


def test_a_markov_chain_has_only_what_follows_in_its_text() -> None:
    text = c_code.write(2000)
    chain = scorecard.markov(text, 3, 500)
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
