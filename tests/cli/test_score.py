"""`score`: the same sums as `evaluate` and `generate` make, and a view that no text can take over."""

import json
import math
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from seqlab import checkpoint, language
from seqlab.data.text.ngram_batches import NgramBatches
from seqlab.machine import DeviceConfig
from tests.cli.test_contract import controls, seen_on_a_terminal
from tests.conftest import Outcome, run_seqlab

Cli = Callable[..., Outcome]
EXACT = DeviceConfig(torch.device("cpu"), torch.float32, 1)
# longer than one piece, with a control character and two characters that the model has never seen
TEXT = "int count = size;\nwhile (left < right)\n\treturn Ω\x1b[31m;\n" * 9


def small(trained: Path) -> language.LanguageModel:
    return language.load(checkpoint.load(trained))


@pytest.mark.parametrize("text", ["i", "\n", "Ω", TEXT, TEXT[:-1]])
def test_the_sum_is_what_evaluate_charges(trained: Path, text: str) -> None:
    model = small(trained)
    log_probs = np.concatenate(list(language.score(model, text, EXACT)))
    assert log_probs.shape == (len(text),)
    tokens = model.vocab.encode("\n" + text).numpy()  # every character but the first is measured
    measured = language.evaluate(model.model, model.vocab, tokens, EXACT)
    assert -log_probs.mean() == pytest.approx(measured["nats_per_char"], rel=1e-6)


def test_every_log_probability_is_that_of_one_pass_over_the_whole(trained: Path) -> None:
    model = small(trained)
    text = TEXT.replace("Ω\x1b[31m", "left")
    tokens = model.vocab.encode("\n" + text).numpy()
    ((inputs, targets),) = NgramBatches(tokens, 1, len(text), model.vocab.letters).epoch(0)
    with torch.no_grad():
        expected = model.model(inputs)[0][0].log_softmax(1).gather(1, targets[0, :, None])[:, 0]
    log_probs = np.concatenate(list(language.score(model, text, EXACT)))
    np.testing.assert_allclose(log_probs, expected.numpy(), atol=1e-5)


def test_a_generated_text_scores_as_it_was_drawn(cli: Cli, small_text: Path, tmp_path: Path) -> None:
    """Without an n-gram cache, which holds less of what is generated than of what is read."""
    settings = ["--set=ngram_cache=false", "--set=hidden_size=16", "--set=num_layers=1", "--set=max_steps=30"]
    assert cli("train-text", small_text, "-o", tmp_path / "plain", *settings).status == 0
    words = ["--corpus", tmp_path / "plain", "--precision=fp32", "--threads=1", "--json"]
    (drawn,) = cli("generate", "--length", 600, *words).json["samples"]
    (tmp_path / "drawn.txt").write_text(drawn["text"])
    scored = cli("score", tmp_path / "drawn.txt", *words).json
    assert scored["nats_per_char"] == pytest.approx(-drawn["log_likelihood_per_char"], abs=1e-4)


def test_score_as_json(cli: Cli, trained: Path, tmp_path: Path) -> None:
    (tmp_path / "a.c").write_text(TEXT)
    done = cli("score", tmp_path / "a.c", "--corpus", "small", "--json")
    assert list(done.json) == ["schema", "nats_per_char", "bits_per_char", "chars"] and done.json["schema"] == 1
    assert [list(one) for one in done.json["chars"]] == [["char", "log_prob"]] * len(TEXT)
    assert "".join(one["char"] for one in done.json["chars"]) == TEXT
    nats = -sum(one["log_prob"] for one in done.json["chars"]) / len(TEXT)
    assert done.json["nats_per_char"] == pytest.approx(nats, rel=1e-12)
    assert done.json["bits_per_char"] == pytest.approx(nats / math.log(2), rel=1e-12)
    assert "'Ω' (U+03A9)" in done.err and "\x1b" not in done.out + done.err


def test_off_a_terminal_every_line_stands_after_its_bits(cli: Cli, trained: Path, tmp_path: Path) -> None:
    (tmp_path / "a.c").write_text(TEXT)
    words = ["score", tmp_path / "a.c", "--corpus", "small"]
    scored = cli(*words, "--json").json
    *lines, empty, last = cli(*words).out.split("\n")[:-1]
    assert [line[8:] for line in lines] == TEXT.split("\n")[:-1] and empty == ""
    shown = [float(line[:6]) for line in lines]
    bits = [-one["log_prob"] / math.log(2) for one in scored["chars"]]
    first = TEXT.index("\n") + 1
    assert shown[0] == pytest.approx(sum(bits[:first]) / first, abs=0.006)
    assert last.startswith(f"{scored['bits_per_char']:.4f} bits per character")


def test_on_a_terminal_the_text_is_coloured_and_takes_nothing_over(trained: Path, tmp_path: Path) -> None:
    (tmp_path / "a.c").write_text("int \x1b[2J\x07[bold]size[/bold]\x9b\n")
    words = ["score", tmp_path / "a.c", "--corpus", trained, "-q"]

    coloured = seen_on_a_terminal(*words)
    text = re.sub(r"\x1b\[[0-9;]*m", "", coloured)  # colours, which are ours
    assert coloured != text and not controls(text)
    assert text.startswith("int ␛[2J␇[bold]size[/bold]\ufffd")
    assert "8 and more" in text and "bits per character" in text
    for environment in ({"NO_COLOR": "1"}, {"TERM": "dumb"}):
        plain = seen_on_a_terminal(*words, **environment)
        assert not controls(plain) and "[bold]size[/bold]" in plain and "bits per character" in plain


def test_standard_input_is_read_where_it_is_named(trained: Path, tmp_path: Path) -> None:

    content = "/* größer, 20 °C */ int left;\r\n" * 5
    (tmp_path / "a.c").write_bytes(content.encode() + b"\xff")
    words = ["--corpus", trained, "--json", "--threads=1"]
    with (tmp_path / "a.c").open() as stdin:
        read = run_seqlab("score", "-", *words, stdin=stdin)
    assert json.loads(read.out) == json.loads(run_seqlab("score", tmp_path / "a.c", *words).out)
    assert "".join(one["char"] for one in json.loads(read.out)["chars"]) == content + "\ufffd"


def test_the_same_text_has_the_same_score_in_every_encoding(cli: Cli, trained: Path, tmp_path: Path) -> None:
    text = "/* größer */ int left; // it’s 5 €\n"
    words = ["--corpus", trained, "--json", "--threads=1"]
    (tmp_path / "plain.c").write_bytes(text.encode())
    plain = cli("score", tmp_path / "plain.c", *words)
    assert "".join(one["char"] for one in json.loads(plain.out)["chars"]) == text
    for encoding, said in (("utf-8-sig", ""), ("utf-16", "UTF-16"), ("utf-32", "UTF-32"), ("cp1252", "Windows-1252")):
        (tmp_path / "a.c").write_bytes(text.encode(encoding))
        found = cli("score", tmp_path / "a.c", *words)
        assert json.loads(found.out) == json.loads(plain.out) and said in found.err


def test_a_file_that_cannot_be_scored_is_an_error_of_two_lines(cli: Cli, trained: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").write_text("")
    (tmp_path / "binary").write_bytes(b"\x7fELF\0")
    (tmp_path / "other").write_bytes("text\nПривет, как дела?".encode("cp1251"))
    for name, status, words in (
        ("empty", 1, ["empty"]),
        ("binary", 1, ["NUL bytes"]),
        ("other", 1, ["other is neither UTF-8 nor Windows-1252", "the first 0xCF in line 2", "iconv -f"]),
        ("nothing", 1, ["no file", "nothing"]),
        (".", 1, ["is a folder", "seqlab evaluate"]),
    ):
        cli("score", tmp_path / name, "--corpus", "small").fails(status, *words)
    cli("score", tmp_path / "empty").fails(2, "--corpus")
