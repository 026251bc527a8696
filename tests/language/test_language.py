"""The text job: its figures against text of known entropy, and against the same sums made by hand."""

import math
import random
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from seqlab import checkpoint, language
from seqlab.data.text.corpus import UNKNOWN, Corpus, Vocab
from seqlab.errors import CheckpointError, DataError, UsageError
from seqlab.language import LanguageModel
from seqlab.language.generate import _until
from seqlab.language.text_model import TextModel
from seqlab.machine import Compute, DeviceConfig
from seqlab.models.recurrent import RecurrentLanguageModel
from seqlab.runs import RunOptions
from seqlab.sampling import Sampling
from seqlab.settings import LanguageSettings
from seqlab.tasks import Task

ONE_THREAD = Compute(threads=1, precision="fp32")
EXACT = DeviceConfig(torch.device("cpu"), torch.float32, 1)


def corpus_of(text: str) -> Corpus:
    return Corpus.of("toy", text)


def trained_on(text: str, folder: Path, **changed: object) -> LanguageModel:
    given = {
        "cell": "gru",
        "hidden_size": 16,
        "embedding_size": 8,
        "num_layers": 1,
        "batch_size": 8,
        "seq_len": 32,
    }
    settings = LanguageSettings(**{**given, "max_steps": 150, "lr": 2e-2, "eval_every": 75, **changed})
    return language.load(train(text, folder, settings))


def train(
    text: str, folder: Path, settings: LanguageSettings, start: checkpoint.Checkpoint | None = None
) -> checkpoint.Checkpoint:
    saved = Task(language.train(corpus_of(text), settings, RunOptions(folder, ONE_THREAD), start=start)).result()
    assert saved is not None
    return saved


@pytest.mark.parametrize("probabilities", [[0.5, 0.25, 0.125, 0.125], [0.9, 0.05, 0.05], [1 / 6] * 6])
def test_independent_characters_cost_their_entropy(tmp_path: Path, probabilities: list[float]) -> None:
    """Nothing predicts them better than their distribution, and a short training finds that."""
    entropy = -sum(p * math.log2(p) for p in probabilities)
    alphabet = "abcdef"[: len(probabilities)]
    text = "".join(random.Random(3).choices(alphabet, probabilities, k=40_000))
    held_out = corpus_of(text).text("test")
    # what the true distribution pays on just these characters: chance moves it away from the entropy
    ideal = -sum(math.log2(probabilities[alphabet.index(c)]) for c in held_out[1:]) / (len(held_out) - 1)
    assert ideal == pytest.approx(entropy, rel=0.05)
    model = trained_on(text, tmp_path)
    metrics = model.checkpoint.config["metrics"]
    assert metrics["bits_per_char"] == pytest.approx(ideal, rel=0.02)
    assert metrics["bits_per_char"] > ideal - 0.005
    assert metrics["chars"] == len(held_out) - 1 and metrics["unknown_chars"] == 0


def test_a_cycle_costs_next_to_nothing_and_is_continued(tmp_path: Path) -> None:
    model = trained_on("abcdefg\n" * 1500, tmp_path)
    assert model.checkpoint.config["metrics"]["bits_per_char"] < 0.02
    written = "".join(c.text for c in language.generate(model, prompt="cd", length=24, sampling=Sampling(0.0)))
    assert written == ("efg\nabcd" * 3)
    # without a prompt it begins as after a newline
    assert next(iter(language.generate(model, length=1, sampling=Sampling(0.0)))).text == "a"


@pytest.fixture(scope="module")
def untrained() -> tuple[RecurrentLanguageModel, Vocab]:
    torch.manual_seed(0)
    vocab = Vocab.of("abcdefgh \n")
    return RecurrentLanguageModel(len(vocab), "lstm", 4, 8, 2, dropout=0.5), vocab


@pytest.mark.parametrize("length", [2, 3, 100, 1024, 2048, 5000, 40_000])
def test_metrics_are_those_of_a_loop_written_out(untrained: tuple[RecurrentLanguageModel, Vocab], length: int) -> None:
    model, vocab = untrained
    text = "".join(random.Random(1).choices("abcdefgh \n", k=length))
    metrics = language.evaluate(model.train(), vocab, vocab.encode(text).numpy(), EXACT)
    # the text in one stream, state carried from its beginning to its end, every character but the first
    streams = 1
    tokens = vocab.encode(text).long()
    width = -(-(length - 1) // streams)
    total = 0.0
    model.eval()
    with torch.no_grad():
        for start in range(0, length - 1, width):
            stream = tokens[start : start + width + 1]
            log_probs = model(stream[None, :-1])[0][0].double().log_softmax(1)
            total -= log_probs.gather(1, stream[1:, None]).sum().item()
    nats = total / (length - 1)
    assert metrics["chars"] == length - 1
    assert metrics["nats_per_char"] == pytest.approx(nats, rel=1e-6)
    assert metrics["bits_per_char"] == pytest.approx(nats / math.log(2), rel=1e-6)
    assert metrics["perplexity"] == pytest.approx(math.exp(nats), rel=1e-6)


def test_an_unknown_character_costs_the_log_of_all_code_points(
    untrained: tuple[RecurrentLanguageModel, Vocab],
) -> None:
    """As UNKNOWN, and then as any of Unicode's code points: a model cannot win by not knowing."""
    model, vocab = untrained
    known, unknown = "abcabcab" * 20, "abcaZcaΩ" * 20
    as_unknown = "".join(c if c in vocab.characters else UNKNOWN for c in unknown)
    metrics = language.evaluate(model, vocab, vocab.encode(unknown).numpy(), EXACT)
    assert metrics["unknown_chars"] == 40
    with torch.no_grad():
        tokens = vocab.encode(as_unknown).long()
        log_probs = model.eval()(tokens[None, :-1])[0][0].log_softmax(1)
    paid = -log_probs.gather(1, tokens[1:, None]).sum().item() + 40 * math.log(0x110000)
    assert metrics["nats_per_char"] == pytest.approx(paid / 159, rel=1e-6)
    assert language.evaluate(model, vocab, vocab.encode(known).numpy(), EXACT)["unknown_chars"] == 0
    # the first character is not scored, so it costs nothing to be unknown there
    assert language.evaluate(model, vocab, vocab.encode("Zab").numpy(), EXACT)["unknown_chars"] == 0


def test_a_text_too_short_to_evaluate_is_refused(
    untrained: tuple[RecurrentLanguageModel, Vocab],
) -> None:
    for text in ("", "a"):
        with pytest.raises(DataError, match="too few"):
            language.evaluate(*untrained, untrained[1].encode(text).numpy(), EXACT)


def test_the_best_weights_are_the_ones_kept(tmp_path: Path) -> None:
    """On a short text learned by heart the validation loss turns up again; the last weights are not the best."""
    chance = random.Random(5)
    text = "".join(chance.choice("abcdefgh") for _ in range(1200))
    model = trained_on(text, tmp_path, hidden_size=48, eval_every=10, max_steps=200, lr=3e-2, seq_len=16)
    log = model.checkpoint.log()
    best = min(log, key=lambda record: record["val_lowest"])
    position = model.checkpoint.config["position"]
    assert (position["best_step"], position["best_loss"]) == (best["step"], best["val_lowest"])
    assert best["step"] < 200 and log[-1]["val_lowest"] > best["val_lowest"] + 0.1
    held_out = language.evaluate(model.model, model.vocab, corpus_of(text).encoded("val", model.vocab), EXACT)
    assert held_out["nats_per_char"] == pytest.approx(best["val_loss"], rel=1e-6)
    # and it is they that the last tenth is measured with
    measured = language.evaluate(model.model, model.vocab, corpus_of(text).encoded("test", model.vocab), EXACT)
    assert measured == model.checkpoint.config["metrics"]
    assert best["val_bits_per_char"] == pytest.approx(best["val_loss"] / math.log(2))


def test_the_vocabulary_is_of_the_training_part_alone(tmp_path: Path) -> None:
    text = "ab" * 400 + "xy" * 50 + "z" * 100  # eight tenths, one, one
    model = trained_on(text, tmp_path, max_steps=2, batch_size=2, seq_len=8)
    assert model.vocab.characters == "ab" + UNKNOWN
    assert model.checkpoint.config["metrics"]["unknown_chars"] == 99


def test_a_run_is_repeated_by_its_seed_alone(tmp_path: Path) -> None:
    text = "int main(void) { return 0; }\n" * 60
    runs = {}
    for name, seed in (("one", 1), ("same", 1), ("other", 2)):
        torch.manual_seed(len(name))
        runs[name] = trained_on(text, tmp_path / name, max_steps=5, seed=seed, dropout=0.2).checkpoint
    files = {name: run.config["files"] for name, run in runs.items()}
    assert files["one"] == files["same"] != files["other"]


@pytest.mark.parametrize("cell", ["rnn", "gru", "lstm"])
def test_every_cell_trains_and_generates(tmp_path: Path, cell: str) -> None:
    text = "int main(void) { return 0; }\n" * 100
    model = trained_on(text, tmp_path, cell=cell, num_layers=2, max_steps=150, ngram_cache=False)
    assert model.checkpoint.config["metrics"]["bits_per_char"] < 1.0  # 4 bits to begin with
    written = list(language.generate(model, prompt="int m", length=40, seed=1, precision="fp32"))
    assert len(written) == 40
    tokens = model.vocab.encode("int m" + "".join(c.text for c in written)).long()
    with torch.no_grad():
        log_probs = model.model(tokens[None, :-1])[0][0].log_softmax(1).gather(1, tokens[1:, None])[4:, 0]
    assert [c.log_prob for c in written] == pytest.approx(log_probs.tolist(), abs=1e-4)


def test_a_prompt_with_unknown_characters_is_refused_before_anything_is_drawn(trained: Path) -> None:
    model = language.load(checkpoint.load(trained))
    with pytest.raises(UsageError, match=r"'Ω' \(U\+03A9\)"):
        language.generate(model, prompt="int Ω")
    assert UNKNOWN not in {c.text for c in language.generate(model, length=500, sampling=Sampling(50.0))}


def text_of(written: Iterable[language.Character], sample: int = 0) -> str:
    return "".join(char.text for char in written if char.sample == sample)


@given(st.text("ab", min_size=1, max_size=4), st.text("ab", max_size=12))
def test_a_text_ends_before_its_stop_string(stop: str, text: str) -> None:
    vocab = Vocab.of("ab")
    drawn = ((vocab.encode(char).numpy(), np.zeros(1)) for char in text)
    fed = []  # how much was drawn when a character came out
    characters = _until(stop, vocab, (fed.append(1) or one for one in drawn), 1)
    written = "".join(char.text for char in characters)
    assert written == text.split(stop)[0]
    assert len(fed) == (text.index(stop) + len(stop) if stop in text else len(text))  # and no draw more


def test_characters_that_cannot_become_the_stop_string_come_at_once() -> None:
    vocab = Vocab.of("abc")
    drawn = iter([(vocab.encode(char).numpy(), np.zeros(1)) for char in "abacab"])
    characters = _until("aca", vocab, drawn, 1)
    assert next(characters).text == "a" and len(list(drawn)) == 4  # "ab" was enough to know


def test_samples_stop_each_in_its_place(trained: Path) -> None:
    model = language.load(checkpoint.load(trained))
    whole = list(language.generate(model, length=80, samples=3, seed=4))
    stopped = list(language.generate(model, length=80, samples=3, seed=4, stop="t"))
    texts = [text_of(whole, k) for k in range(3)]
    assert len(set(texts)) == 3 and all(len(text) == 80 for text in texts)
    assert [text_of(stopped, k) for k in range(3)] == [text.split("t")[0] for text in texts]
    assert texts[0] == text_of(language.generate(model, length=80, seed=4))


def test_a_stop_string_that_could_never_come_is_refused(trained: Path) -> None:
    model = language.load(checkpoint.load(trained))
    with pytest.raises(UsageError, match=r"stop string .* 'Ω' \(U\+03A9\)"):
        language.generate(model, stop="Ω")
    with pytest.raises(UsageError, match="--stop is empty"):
        language.generate(model, stop="")


def test_a_checkpoint_of_another_job_is_refused(trained: Path, tmp_path: Path) -> None:
    saved = checkpoint.load(trained)
    other = checkpoint.save(tmp_path / "net", {**saved.config, "job": "vision"}, saved.weights())
    with pytest.raises(CheckpointError, match="'net' is no text model: its job is vision"):
        language.load(other)


@pytest.mark.parametrize("text", ["", "a", "ab" * 10])
def test_too_little_text_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(DataError, match="too few"):
        trained_on(text, tmp_path / "run", batch_size=32)
    assert not (tmp_path / "run").exists()


def test_a_checkpoint_records_its_environment(trained: Path) -> None:
    environment = checkpoint.load(trained).config["environment"]
    assert environment.keys() == {"device", "precision", "threads", "instruction_set"}
    assert environment["threads"] == 1 and environment["device"] == "cpu"


def test_a_run_that_begins_with_another_model_begins_where_that_ended(tmp_path: Path) -> None:
    text = "the cat sat on the mat\nthe dog sat on the log\n" * 300
    first = trained_on(text, tmp_path / "first")
    given = {**first.checkpoint.config["settings"], "max_steps": 1, "lr": 1e-9, "eval_every": 1}
    saved = train(text, tmp_path / "next", LanguageSettings(**given), first.checkpoint)
    assert saved.config["metrics"]["nats_per_char"] == pytest.approx(
        first.checkpoint.config["metrics"]["nats_per_char"], abs=1e-5
    )
    lineage = saved.config["from"]
    assert lineage["name"] == "first" and lineage["settings"] == first.checkpoint.config["settings"]
    assert lineage["sha256"] == first.checkpoint.config["files"]["model"]["sha256"]
    with pytest.raises(CheckpointError, match="another shape") as refusal:
        other = LanguageSettings(**{**given, "hidden_size": 12})  # fewer units
        train(text, tmp_path / "no", other, first.checkpoint)
    assert "hidden_size=16" in refusal.value.hint


def test_a_byte_order_mark_before_a_text_is_no_character(tmp_path: Path) -> None:
    model = TextModel(trained_on("abcd" * 500, tmp_path / "marks", max_steps=2), ONE_THREAD)
    marked, plain = model.score("\ufeffabca"), model.score("abca")
    assert marked.text == plain.text == "abca" and marked.log_probs.tolist() == plain.log_probs.tolist()
    assert model.generate("\ufeffab", 5).to_dict()["samples"] == model.generate("ab", 5).to_dict()["samples"]
    with pytest.raises(DataError, match="empty"):
        model.score("\ufeff")
