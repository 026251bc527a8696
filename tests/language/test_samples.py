"""What a model writes while it trains, and what it writes without its cache."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from rich.cells import cell_len

from seqlab import checkpoint, language
from seqlab.cli.reports.text import bits, sample_line
from seqlab.data.text.corpus import Corpus, Vocab
from seqlab.language.generate import OnDevice, first_characters
from seqlab.language.text_model import TextModel
from seqlab.language.validation import SAMPLE_LENGTH
from seqlab.machine import Compute
from seqlab.models.recurrent import RecurrentLanguageModel
from seqlab.runs import RunOptions
from seqlab.sampling import Engine, Sampling, sample
from seqlab.settings import TEMPERATURE, LanguageSettings
from seqlab.tasks import Task
from seqlab.training import Progress
from tests.conftest import Outcome, made_up_code

Cli = Callable[..., Outcome]
ONE_THREAD = Compute(threads=1, precision="fp32")
TINY = {"cell": "gru", "hidden_size": 16, "embedding_size": 8, "num_layers": 1, "batch_size": 8, "seq_len": 16}


def training(folder: Path, **changed: object) -> Task[checkpoint.Checkpoint | None]:
    settings = LanguageSettings(**{**TINY, "lr": 1e-2, **changed})
    return Task(language.train(Corpus.of("toy", made_up_code(300)), settings, RunOptions(folder, ONE_THREAD)))


def test_what_is_shown_is_what_generate_writes_with_the_weights_of_that_step(tmp_path: Path) -> None:
    shown = []
    for event in training(tmp_path / "run", max_steps=60, eval_every=20, dropout=0.2):
        if isinstance(event, Progress) and event.record:
            saved = checkpoint.load(tmp_path / "run")
            assert saved.config["position"]["best_step"] == event.step  # so these are the weights that were saved
            written = TextModel(language.load(saved), ONE_THREAD).generate(length=SAMPLE_LENGTH)
            assert event.record["sample"] == written.text
            shown.append(written.text)
    assert len(set(shown)) == 3


@pytest.mark.parametrize(("max_steps", "eval_every"), [(100, 1), (120, 7), (41, 3), (6, 2), (45, None)])
def test_about_twenty_samples_are_written_in_a_run_and_one_at_its_end(
    tmp_path: Path, max_steps: int, eval_every: int | None
) -> None:
    done = training(tmp_path / "run", max_steps=max_steps, eval_every=eval_every).result()
    assert done is not None
    log = done.log()
    shown = [record["step"] for record in log if "sample" in record]
    assert min(len(log), 14) <= len(shown) <= 23 and shown[-1] == max_steps
    assert max(np.diff([0, *shown])) <= max_steps / 20 + 2 * (eval_every or max_steps // 20)


def test_writing_changes_nothing_of_the_training() -> None:
    torch.manual_seed(0)
    vocab = Vocab.of("abcd\n")
    model = RecurrentLanguageModel(len(vocab), "lstm", 4, 8, 2, dropout=0.5).train()
    before, weights = torch.get_rng_state(), {name: t.clone() for name, t in model.state_dict().items()}
    first = first_characters(model, vocab, 50)
    assert first == first_characters(model, vocab, 50) and len(first) == 50
    assert model.training and torch.equal(before, torch.get_rng_state())
    assert all(torch.equal(weights[name], t) for name, t in model.state_dict().items())


@pytest.mark.parametrize("cell", ["rnn", "gru", "lstm"])
def test_a_net_is_stepped_on_its_device_as_by_the_engine(cell: str) -> None:
    torch.manual_seed(1)
    model = RecurrentLanguageModel(20, cell, 8, 16, 2).eval()
    engines = [Engine(cell, model.state_dict(), "fp32"), OnDevice(model)]
    with torch.inference_mode():
        (ours, our_log_probs), (theirs, their_log_probs) = (
            (np.stack(part) for part in zip(*sample(engine, [3, 4], 60, Sampling(), samples=3), strict=True))
            for engine in engines
        )
    assert (ours == theirs).all() and len(np.unique(ours)) > 10
    np.testing.assert_allclose(our_log_probs, their_log_probs, atol=1e-4)


@pytest.mark.parametrize("width", [20, 79, 200])
@pytest.mark.parametrize("text", ["int a;\n\treturn\x1b[31m \u202e" * 9, "\u4e2d\u6587" * 40, "'\"\\" * 30, "short"])
def test_a_sample_is_one_line_that_fits_and_no_control_character(text: str, width: int) -> None:
    line = sample_line(text, width)
    assert cell_len(line) <= width and line.isprintable()
    begun = eval(line.removeprefix("  writes "))  # it is Python's own notation of the text's beginning
    assert text.startswith(begun)
    assert begun == text or cell_len(f"  writes {text[: len(begun) + 1]!r}") > width


def test_figures_fit_eighty_columns() -> None:
    metrics = {"bits_per_char": 6.5, "nats_per_char": 4.5, "perplexity": 123.456789, "chars": 12_345_678}
    alone = {"bits_per_char_alone": 6.6, "nats_per_char_alone": 4.6, "adapted": True}
    lines = bits(metrics | alone, "its last tenth")
    assert max(map(len, lines)) <= 80 and "6.6000" in lines[1] and "as it writes" in lines[1]
    assert len(bits(metrics | {"adapted": False}, "all of it")) == 2


WORDS = ["--threads=1", "--set=max_steps=4", "--set=eval_every=2", "--set=hidden_size=16", "--set=num_layers=1"]


def test_train_text_shows_it_and_both_figures_and_is_silent_where_asked(
    cli: Cli, small_text: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    done = cli("train-text", small_text, *WORDS)
    assert done.status == 0
    shown = [line for line in done.err.splitlines() if line.startswith("  writes '")]
    assert shown and max(map(len, shown)) < 60
    assert "with its n-gram cache" in done.out and "without it: the net alone, as it writes" in done.out
    quiet = cli("train-text", small_text, *WORDS, "-q", "--json", "--overwrite")
    assert quiet.err == "" and quiet.lines[-1]["bits_per_char_alone"] > 0
    evaluated = cli("evaluate", "small", small_text, "--threads=1", "--json").json
    names = ("bits_per_char", "bits_per_char_alone", "nats_per_char_alone")
    assert [evaluated[name] for name in names] == pytest.approx([quiet.lines[-1][name] for name in names], rel=1e-6)


def test_generate_without_the_cache(cli: Cli, tmp_path: Path) -> None:
    """It is what the net draws alone; with it, of a text of C, variables that were named are named again."""
    (tmp_path / "code.c").write_text(made_up_code(400))
    assert cli("train-text", tmp_path / "code.c", *WORDS, "-o", tmp_path / "code").status == 0
    model = language.load(checkpoint.load(tmp_path / "code"))
    assert model.checkpoint.config["data"]["kind"] == "c"
    prompt = made_up_code(2) + "int count = " + made_up_code(1).split()[1][0]  # as a name before begins
    words = ["generate", "--corpus", tmp_path / "code", "--prompt", prompt, "--length=60"]
    words += ["--threads=1", "--precision=fp32", "--seed=0"]
    alone, named = (cli(*words, *more, "--json").json["samples"][0]["text"] for more in (["--no-cache"], []))
    engine, start = Engine("lstm", model.model.state_dict(), "fp32"), model.vocab.encode(prompt).tolist()
    drawn = sample(engine, start, 60, Sampling(TEMPERATURE), never=(model.vocab.unknown,))
    assert alone == "".join(model.vocab.characters[tokens[0]] for tokens, _ in drawn)
    assert named != alone
