"""Dynamic evaluation, a match model added to a trained net, and what a time budget is spent on."""

import copy
from dataclasses import asdict

import numpy as np
import pytest
import torch

from seqlab import language, training
from seqlab.data.text.corpus import Vocab
from seqlab.language import recipe
from seqlab.language.evaluate import ADAPT_LENGTH, adapted
from seqlab.language.train import _begin_with
from seqlab.machine import Compute
from seqlab.models.recurrent import RecurrentLanguageModel
from seqlab.settings import LanguageSettings

ONE_THREAD = Compute("cpu", "fp32", 1)
DEVICE = ONE_THREAD.resolve(0)


def net(**given: object) -> RecurrentLanguageModel:
    torch.manual_seed(0)
    settings = LanguageSettings(hidden_size=16, num_layers=1, dropout=0.5, **given)
    return RecurrentLanguageModel(**language.net_config(settings, 5))


@pytest.mark.parametrize("ngram_cache", [False, True])
def test_a_character_is_predicted_before_it_is_learned_from(ngram_cache: bool) -> None:
    model = net(ngram_cache=ngram_cache).eval()
    before = copy.deepcopy(model.state_dict())
    text = np.random.default_rng(0).integers(0, 4, ADAPT_LENGTH + 1)
    if model.match_model is not None:
        torch.nn.init.normal_(model.match_model.copy_logits)  # so that the cache changes something
        before = copy.deepcopy(model.state_dict())
    learner, nats = adapted(model, text, DEVICE)
    plain = [
        training.evaluate(
            model, language.next_token_loss, language.evaluation_batches(model, text, cache=cache), DEVICE.precision
        )
        for cache in ([True, False] if ngram_cache else [True])
    ]
    assert nats == pytest.approx(plain, abs=1e-6)  # one piece: nothing was learned yet, and no dropout
    assert len(set(plain)) == len(plain)
    assert all(torch.equal(before[name], tensor) for name, tensor in model.state_dict().items())
    assert not torch.equal(learner.output.weight, model.output.weight)


@pytest.mark.parametrize("adapt", [False, True])
def test_without_the_cache_the_net_is_measured_alone(adapt: bool) -> None:
    """What the match model would copy, however sure of it, makes no difference; with the cache it makes all."""
    model, vocab = net(ngram_cache=True).eval(), Vocab.of("abcd")
    text = np.tile(np.random.default_rng(0).integers(0, 4, 100), 20)
    sure = copy.deepcopy(model)
    with torch.no_grad():
        sure.match_model.copy_logits.add_(5.0)
    alone, together = (
        [language.evaluate(one, vocab, text, DEVICE, adapt=adapt, cache=cache) for one in (model, sure)]
        for cache in (False, True)
    )
    assert alone[0] == alone[1] and not alone[0]["ngram_cache"] and together[0]["ngram_cache"]
    assert together[1]["bits_per_char"] < 0.5 < alone[1]["bits_per_char"]  # the text repeats itself
    if not adapt:  # by hand: one pass over the text with no candidates
        tokens = torch.from_numpy(text)
        with torch.no_grad():
            logits, _ = model(tokens[None, :-1])
        by_hand = torch.nn.functional.cross_entropy(logits[0], tokens[1:])
        assert alone[0]["nats_per_char"] == pytest.approx(by_hand.item(), rel=1e-5)


def test_one_pass_gives_the_figures_of_two() -> None:
    """With the cache and of the net alone, on a text with characters that the vocabulary lacks, charged in both."""
    model, vocab = net(ngram_cache=True).eval(), Vocab.of("abcd")
    torch.nn.init.normal_(model.match_model.copy_logits)
    text = np.tile(np.random.default_rng(0).integers(0, 5, 200), 10)
    both = language.evaluate(model, vocab, text, DEVICE)
    alone = language.evaluate(model, vocab, text, DEVICE, cache=False)
    mixed = training.evaluate(
        model, language.next_token_loss, language.evaluation_batches(model, text), DEVICE.precision
    )
    charged = both["unknown_chars"] * language.NATS_PER_UNKNOWN / both["chars"]
    assert charged > 1.0 and alone["unknown_chars"] == both["unknown_chars"]
    assert both["nats_per_char"] == pytest.approx(mixed + charged, rel=1e-6)
    assert both["nats_per_char_alone"] == pytest.approx(alone["nats_per_char"], rel=1e-6)
    assert both["bits_per_char_alone"] == pytest.approx(alone["bits_per_char"], rel=1e-6)
    assert abs(both["bits_per_char"] - both["bits_per_char_alone"]) > 0.01
    assert not {"nats_per_char_alone", "bits_per_char_alone"} & set(alone)


def test_a_net_that_learns_with_its_cache_learns_to_predict_alone_too() -> None:
    model, vocab = net(ngram_cache=True), Vocab.of("abcd")
    text = np.tile(np.array([0, 1, 2, 0, 3]), 10_000)
    plain = language.evaluate(model, vocab, text[:10_000], DEVICE)
    metrics = language.evaluate(model, vocab, text, DEVICE, adapt=True)
    assert metrics["nats_per_char_alone"] < 0.9 * plain["nats_per_char_alone"]


def test_dynamic_evaluation_learns_what_repeats_itself() -> None:
    model, vocab = net(ngram_cache=False), Vocab.of("abcd")
    text = np.tile(np.array([0, 1, 2, 0, 3]), 20_000)
    plain = language.evaluate(model, vocab, text[:20_000], DEVICE)
    metrics = language.evaluate(model, vocab, text, DEVICE, adapt=True)
    assert metrics["adapted"] and not plain["adapted"]
    assert metrics["nats_per_char"] < 0.9 * plain["nats_per_char"]


def test_a_net_that_gets_a_match_model_begins_with_the_same_predictions() -> None:
    plain, matching = net(ngram_cache=False).eval(), net(ngram_cache=True).eval()
    other = language.LanguageModel(plain, Vocab.of("abcd"), checkpoint=None)  # type: ignore[arg-type]
    _begin_with(matching, other)
    text = np.random.default_rng(1).integers(0, 4, 400)
    losses = [
        training.evaluate(one, language.next_token_loss, language.evaluation_batches(one, text), DEVICE.precision)
        for one in (plain, matching)
    ]
    assert losses[0] == pytest.approx(losses[1], abs=1e-6)


def test_settings_that_are_fixed_are_kept() -> None:
    settings = LanguageSettings(hidden_size=24, num_layers=2, dropout=0.3, batch_size=8, seq_len=16)
    taken, reason = language.choose(settings, set(asdict(settings)), 5, 1000, 60.0, ONE_THREAD)
    assert taken == settings and "2 x 24" in reason


@pytest.mark.parametrize("speed", [1e10, 1e12])
def test_more_time_or_a_faster_machine_never_makes_a_net_smaller(monkeypatch: pytest.MonkeyPatch, speed: float) -> None:
    def measured(settings: LanguageSettings, vocab_size: int, compute: Compute) -> tuple[int, float]:
        size = 8 * settings.num_layers * settings.hidden_size**2
        return size, speed / (6 * size)  # characters a second of a machine with so many FLOP/s

    monkeypatch.setattr(recipe, "_measure", measured)
    sizes = []
    for seconds in (0.0, 10.0, 600.0, 36_000.0):
        taken, reason = language.choose(LanguageSettings(), (), 100, 10**9, seconds)
        size, rate = measured(taken, 100, Compute())
        sizes.append(size)
        assert size == min(sizes[0], size) or rate * seconds >= recipe.CHARACTERS_PER_PARAMETER * size
        assert f"{taken.num_layers} x {taken.hidden_size} lstm" in reason
    assert sizes == sorted(sizes) and sizes[0] < sizes[-1]


def test_many_passes_through_a_text_get_dropout() -> None:
    settings = LanguageSettings(hidden_size=24, num_layers=2, batch_size=8, seq_len=16)
    fixed = {"hidden_size", "num_layers"}
    assert language.choose(settings, fixed, 5, 10**9, 10.0, ONE_THREAD)[0].dropout == 0.0
    assert language.choose(settings, fixed, 5, 1000, 10.0, ONE_THREAD)[0].dropout == recipe.DROPOUT[-1][1]
