"""What two texts share, against the definition itself and against difflib."""

import difflib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seqlab.data.text import copies
from seqlab.data.text.copies import Run, longest_common_run, standing
from tests.conftest import Outcome

few = st.text(alphabet="ab\0", max_size=40)


def tokens(text: str) -> np.ndarray:
    return np.frombuffer(text.encode("utf-32-le"), np.uint32)


def by_definition(text: str, corpus: str) -> Run:
    for length in range(min(len(text), len(corpus)), 0, -1):
        for start in range(len(corpus) - length + 1):
            place = text.find(corpus[start : start + length])
            if place >= 0:
                return Run(length, place, start)
    return Run(0, 0, 0)


@given(few, few, st.sampled_from([1, 2, 7, 1000]))
def test_it_is_the_first_longest_one_wherever_pieces_end(text: str, corpus: str, piece: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(copies, "PIECE", piece)
        assert longest_common_run(tokens(text), tokens(corpus)) == by_definition(text, corpus)


@given(st.text(max_size=60), st.text(max_size=60))
def test_its_length_is_difflibs(text: str, corpus: str) -> None:
    match = difflib.SequenceMatcher(None, text, corpus, autojunk=False).find_longest_match()
    assert longest_common_run(tokens(text), tokens(corpus)).length == match.size


@given(few, few)
def test_colliding_hashes_change_nothing(text: str, corpus: str) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(copies, "_hashes", lambda tokens, length: np.zeros(max(len(tokens) - length + 1, 0), np.uint64))
        assert longest_common_run(tokens(text), tokens(corpus)) == by_definition(text, corpus)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.uint32])
def test_a_copy_over_the_edge_of_a_piece_is_found(dtype: type) -> None:
    corpus = np.random.default_rng(0).integers(0, 200, 3 * copies.PIECE, dtype=dtype)
    start = copies.PIECE - 50
    text = np.concatenate([corpus[:5], corpus[start : start + 99], corpus[:5]])
    assert longest_common_run(text, corpus) == Run(99, 5, start)


@given(few, few, st.integers(1, 9), st.sampled_from([1, 2, 7, 1000]), st.sampled_from([copies.BASE, 1]))
def test_windows_stand_where_the_text_has_them(text: str, corpus: str, length: int, piece: int, base: int) -> None:
    """Wherever pieces end; with a base of 1 a hash is the sum of its tokens, and most collide."""
    windows = [text[start : start + length] for start in range(len(text) - length + 1)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(copies, "PIECE", piece)
        patch.setattr(copies, "BASE", base)
        patch.setattr(copies, "INVERSE", pow(base, -1, 1 << 64))
        found = standing(tokens("".join(windows)).reshape(-1, length), tokens(corpus).astype(np.uint8))
    assert found.tolist() == [window in corpus for window in windows]


def test_generate_reports_its_longest_copy(cli: Callable[..., Outcome], trained: Path, small_text: Path) -> None:
    words = ["generate", "--corpus", "small", "--length", 200, "--prompt", "int size = count;"]
    done = cli(*words, f"--check-copies={small_text}", "--json")
    (sample,) = done.json["samples"]
    seen = small_text.read_text()[: len(small_text.read_text()) * 8 // 10]  # what it was trained on
    expected = by_definition(sample["text"], seen)  # the prompt, which is the user's, does not count
    copied = sample["text"][expected.start_in_text :][: expected.length]
    found = {"length": len(copied), "text": copied, "corpus": "small", "offset": expected.start_in_corpus}
    assert sample["longest_copy"] == found
    assert f"{len(copied):,} characters, from character {expected.start_in_corpus:,} of small" in done.err
    assert "longest_copy" not in cli(*words, "--json").json["samples"][0]


def test_a_training_text_without_a_path_on_record_has_to_be_named(cli: Callable[..., Outcome], trained: Path) -> None:
    cli("generate", "--corpus", "small", "--check-copies").fails(1, "a file of yours", "--check-copies=PATH")


def test_another_text_is_reported_and_read_as_a_whole(
    cli: Callable[..., Outcome], trained: Path, tmp_path: Path
) -> None:
    (tmp_path / "other.txt").write_text("~" * 90 + "int count")
    done = cli("generate", "--corpus", "small", "--length", 300, f"--check-copies={tmp_path / 'other.txt'}", "--json")
    assert "another text" in done.err and done.json["samples"][0]["longest_copy"]["offset"] >= 90
