r"""The scorecard of what is written, against texts scored by hand and against what its scores mean."""

import random
import re
import shlex
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seqlab.data.text.corpus import Corpus
from seqlab.data.text.encoding import Source
from seqlab.errors import DataError, UsageError
from seqlab.lab import c_code
from seqlab.language import c_scorecard, copies, latex_scorecard
from seqlab.language.copies import TrainingText, vocabulary
from seqlab.language.scorecard import pieces, scores
from seqlab.language.text_model import TextModel
from tests.conftest import Outcome, made_up_code
from tests.language.test_language import corpus_of, trained_on

Cli = Callable[..., Outcome]
CUT_OFF = r"\begin{remark}" * latex_scorecard.CUT  # so that nothing before counts as cut off
ITEM = "int cut_off;\n"  # the first and the last do not count
LATEX_MARKS = st.lists(st.sampled_from(["{", "}", "$", "$$", "\\$", "\n", "\n\n", "x"]), max_size=30).map("".join)


def codes(text: str) -> np.ndarray:
    return np.frombuffer(text.encode("utf-32-le"), np.uint32)


def training(*texts: str) -> TrainingText:
    return TrainingText(tuple(("some", codes(text)) for text in texts))


def enclosed(parts: list[str]) -> str:
    name = ["lemma", "proof", "align"][sum(map(len, parts)) % 3]
    return f"\\begin{{{name}}}{'x'.join(parts)}\\end{{{name}}}"


# LaTeX


@pytest.mark.parametrize(
    ("text", "opened", "closed"),
    [
        (r"\begin{lemma}\end{lemma}\begin{proof}\begin{align*}\end{align*}\end{proof}", 3, 3),
        (r"\begin{proof}\end{lemma}", 1, 0),
        (r"\begin{proof}\begin{enumerate}\end{proof}", 2, 0),
        (r"\end{proof}\begin{proof}\end{proof}\end{proof}", 1, 1),
        (r"\begin{proof}\end{lemma}\end{proof}", 1, 1),
        ("nothing", 0, 0),
    ],
)
def test_environments_are_closed_by_their_own_end(text: str, opened: int, closed: int) -> None:
    found = latex_scorecard.scores([text + CUT_OFF])
    assert (found["environments"], found["closed"]) == (opened, closed / max(1, opened))


def test_environments_that_the_end_of_a_sample_cuts_off_do_not_count() -> None:
    assert latex_scorecard.scores([r"\begin{lemma}\end{lemma}\begin{proof}\begin{align}"])["closed"] == 1
    assert latex_scorecard.scores([r"\begin{proof}" * 3, r"\begin{lemma}\end{lemma}"])["closed"] == 1 / 2


@given(st.recursive(st.just(""), lambda inner: st.lists(inner, max_size=3).map(enclosed), max_leaves=20))
def test_what_is_nested_is_closed_and_one_end_taken_away_is_missed(text: str) -> None:
    ends = list(re.finditer(r"\\end\{\w+\}", text))
    assert latex_scorecard.environments([text + CUT_OFF]) == (len(ends), len(ends))
    if ends:
        damaged = text[: ends[-1].start()] + CUT_OFF
        assert latex_scorecard.environments([damaged]) == (len(ends), len(ends) - 1)


@pytest.mark.parametrize(
    ("paragraph", "math"), [("$x$ and $$y$$", 1), ("$x", 0), ("$x$ $", 2 / 3), ("$$x$", 0), (r"\$ $x$", 1), ("", 0)]
)
def test_dollars_pair_up_within_a_paragraph(paragraph: str, math: float) -> None:
    assert latex_scorecard.scores([f"cut $\n\n{paragraph}\n\ncut $"])["math"] == math


@pytest.mark.parametrize(
    ("paragraph", "braces"),
    [("{x}\n{\n}", 1), ("}\n{}", 1 / 2), ("{\n}}\n{}", 2 / 3), ("}}\n{}\n}", 1 / 3), ("\\}{\n}", 1)],
)
def test_no_more_braces_are_closed_than_are_open(paragraph: str, braces: float) -> None:
    assert latex_scorecard.scores([f"cut }}\n\n{paragraph}\n\ncut }}"])["braces"] == braces


# C


def scores_of_c(code: str) -> dict[str, float]:
    pytest.importorskip("tree_sitter_c")
    return c_scorecard.scores([ITEM + code + ITEM])


@pytest.mark.parametrize(
    ("body", "undeclared", "unused"),
    [
        ("return a;", 0, 0),
        ("return b;", 1, 0),
        ("int b = a; return b;", 0, 0),
        ("int b, *c, d[2] = {a}; return b;", 0, 2 / 3),
        ("x->member = a; s.y = MAX;", 2 / 3, 0),  # members and constants are no variables
        ("call(a); goto out; out: return;", 0, 0),  # what is called and a label are none
        ("call(callback);", 1, 0),
        ("for (int i = 0; i < a; i++) ;", 0, 0),
        ("return f;", 0, 0),  # the function itself
        ("_ = a;", 0, 0),
    ],
)
def test_variables_are_declared_and_used(body: str, undeclared: float, unused: float) -> None:
    found = scores_of_c(f"static int f(int a)\n{{\n\t{body}\n}}\n")
    assert found == {"functions": 1, "parse": 1, "functions_ok": 1, "undeclared": undeclared, "unused": unused}


def test_syntax_errors_are_those_of_whole_items() -> None:
    good, bad = "int f(int a) { return a; }\n", "int g(int a) { return a + ; }\n"
    found = scores_of_c(good + bad)
    assert (found["functions"], found["functions_ok"]) == (2, 1 / 2)
    assert found["parse"] == (len(good) - 1) / (len(good) + len(bad) - 2)  # newlines lie between items


def test_what_is_cut_off_at_both_ends_does_not_count() -> None:
    pytest.importorskip("tree_sitter_c")
    found = c_scorecard.scores(["return x;\nint f(void) { return 0; }\nint g(void) { if (", "", "int"])
    assert (found["functions"], found["parse"]) == (1, 1)


@given(st.integers(0, 2**32))
def test_code_of_a_grammar_has_no_errors(seed: int) -> None:
    found = scores_of_c(c_code.write(1500, seed))
    assert found["parse"] == found["functions_ok"] == 1 and found["functions"] > 0


def test_without_the_parser_it_is_said_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tree_sitter_c", None)
    with pytest.raises(UsageError, match=re.escape("pip install 'seqlab[writing]'")):
        c_scorecard.scores(["int a;"])


# All text


def test_lines_and_words_by_hand() -> None:
    line = "a line that is long enough\n"
    assert scores([line + "short\nshort\n" + line, line], "text")["distinct"] == 2 / 3
    known = vocabulary(codes("Known words, and MORE than foremost"))
    assert known == {"known", "words", "more", "than", "foremost"}
    texts = {
        "text": "known Words unknown abc",
        "c": 'unknown("nonsense"); /* known\n * words */ x = 1; // nope\n other /* open',
        "latex": r"Known words \unknown $nonsense$ nope",
    }
    for kind, text in texts.items():
        if kind != "c" or pytest.importorskip("tree_sitter_c"):
            assert scores([text], kind, training("x"), known)["words"] == 2 / 3


@given(st.text("aB, \n\u0130", max_size=80), st.integers(1, 9))
def test_words_are_read_wherever_pieces_end(text: str, piece: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(copies, "READ", piece)
        assert vocabulary(codes(text)) == set(re.findall("[a-z]{4,}", text.lower()))


@given(st.lists(st.text("ab", max_size=130), max_size=4), st.integers(0, 80), st.integers(0, 2**32))
def test_copies_are_counted_as_by_hand(texts: list[str], copied: int, seed: int) -> None:
    corpora = ["".join(random.Random(seed + k).choices("ab", k=300)) for k in range(2)]
    samples = [*texts, corpora[0][7 : 7 + copied] + "a" * 30, corpora[1][:90]]
    windows = [text[k : k + 50] for text in samples for k in range(0, len(text) - 50, 10)]
    expected = sum(any(window in corpus for corpus in corpora) for window in windows) / len(windows)
    assert scores(samples, "text", training(*corpora))["copied50"] == expected


@given(st.lists(LATEX_MARKS | st.text("\\begin{}end ", max_size=40), max_size=6), st.randoms())
def test_the_order_of_samples_changes_nothing(samples: list[str], chance: random.Random) -> None:
    shuffled = chance.sample(samples, len(samples))
    found, again = (scores(each, "latex", training("begin begin begin")) for each in (samples, shuffled))
    assert found == again
    assert all(0 <= value <= 1 for name, value in found.items() if name not in ("characters", "environments"))


# Against held-out text


@pytest.mark.parametrize(
    ("paths", "kind"),
    [
        (["a.c", "b.h", "README"], "c"),
        (["a.tex"], "latex"),
        (["a.c", "b.txt"], "text"),
        (["notes.txt"], "text"),
        (["A.C"], "c"),
    ],
)
def test_the_kind_is_that_of_most_files(paths: list[str], kind: str) -> None:
    corpus = replace(corpus_of("some text"), sources=tuple(Source(path, 1, "") for path in paths))
    assert corpus.kind == kind


@given(st.text("ab\n", min_size=1, max_size=60), st.integers(1, 60), st.integers(0, 99))
def test_pieces_are_whole_and_begin_lines(text: str, length: int, seed: int) -> None:
    if length > len(text):
        with pytest.raises(DataError, match=f"{len(text)} characters"):
            pieces(codes(text), 5, length, seed, "it")
        return
    found = pieces(codes(text), 5, length, seed, "it")
    assert [len(piece) for piece in found] == [length] * 5 and all(piece in text for piece in found)
    if "\n" not in text[: len(text) - length]:
        return
    starting = ("\n" + text).count
    assert any(starting("\n" + piece) for piece in found) or len(text) - length < 5
    assert found == pieces(codes(text), 5, length, seed, "it")


def test_a_model_is_scored_beside_its_corpus(tmp_path: Path) -> None:
    text = "the same line of twenty characters, and so on\n" * 200
    model = TextModel(trained_on(text, tmp_path, max_steps=20))
    found = model.scorecard(Corpus.of("toy", text), samples=3, length=200, seed=5)
    assert found.held_out["copied50"] == found.held_out["words"] == 1  # what is held out is what was trained on
    texts = [sample.text for sample in model.generate("", 200, samples=3, seed=5).samples]
    assert found.written == scores(texts, "text", training(text[: len(text) * 8 // 10]), vocabulary(codes(text)))
    other = model.scorecard_task(corpus_of(text.upper()), samples=3, length=200)
    assert set(other.result().written) == {"characters", "distinct"} and "not at hand" in " ".join(other.notes)
    for wrong in ({"samples": 0}, {"length": 0}):
        with pytest.raises(UsageError, match="to score"):
            model.scorecard(corpus_of(text), **wrong)
    with pytest.raises(DataError, match="last tenth of toy has 920 characters"):
        model.scorecard(corpus_of(text), length=921)


def test_the_command_prints_the_scorecard(cli: Cli, tmp_path: Path) -> None:
    pytest.importorskip("tree_sitter_c")
    source = tmp_path / "code.c"
    source.write_text("".join(f"int f{n}(int left)\n{{\n{made_up_code(3, n)}}}\n\n" for n in range(700)))
    tiny = ["--set=hidden_size=8", "--set=embedding_size=4", "--set=num_layers=1", "--set=max_steps=5"]
    assert cli("train-text", source, "--threads=1", *tiny, "-o", tmp_path / "code").status == 0
    words = ["evaluate", tmp_path / "code", "--writing", "--threads=1"]
    source.rename(tmp_path / "away.c")
    cli(*words).fails(1, "not there any more")
    (tmp_path / "away.c").rename(source)
    cli(*words, source, "--adapt").fails(2, "--adapt", "--writing")
    cli("evaluate", "quotes", "--writing").fails(2, "--writing has no meaning for 'quotes'")
    done, shown = cli(*words, source, "--json"), cli(*words, source)
    found = done.json
    assert list(found)[:7] == ["schema", "checkpoint", "corpus", "kind", "samples", "length", "seed"]
    assert (found["kind"], found["samples"], found["length"], found["seed"]) == ("c", 64, 3000, 0)
    assert found["written"]["characters"] == found["held_out"]["characters"] == 64 * 3000
    assert found["held_out"]["functions"] > 500 > found["written"]["functions"]
    assert "writing 64 texts of 3,000 characters" in shown.err
    lines = shown.out.splitlines()
    assert len(lines) == 1 + len(found["written"]) and max(map(len, lines)) <= 80
    for line, (name, value) in zip(lines[1:], found["written"].items(), strict=True):
        assert line.split()[:2] == [name, f"{value:,}" if isinstance(value, int) else f"{value:.3f}"]
    words = ["--corpus", str(tmp_path / "code"), "--samples", "64", "--length", "3000", "--seed", "0"]
    assert f"the same texts: seqlab {shlex.join(['generate', *words])}\n" in shown.err
