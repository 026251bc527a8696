"""The bits per character that are reported are those of a code from which a decoder gets the text back.

The coder is driven by a model that reads the text one character at a time and knows nothing of what follows: the
decoder has the code, the first character and the model, and makes all else of what it has decoded.
"""

import copy
import math
import sys
from collections.abc import Iterator

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.nn import functional as F

from seqlab import language
from seqlab.data.text import ngram_batches, ngram_cache
from seqlab.data.text.corpus import Corpus, Vocab
from seqlab.data.text.ngram_cache import NgramCache
from seqlab.lab import c_code
from seqlab.language.evaluate import ADAPT_LENGTH, ADAPT_RATE
from seqlab.language.text_model import TextModel
from seqlab.machine import Compute
from seqlab.models.recurrent import RecurrentLanguageModel
from seqlab.runs import RunOptions
from seqlab.sampling.engine import Engine
from seqlab.settings import LanguageSettings
from seqlab.tasks import Task
from tests.arithmetic_coder import Decoder, Encoder

ONE_THREAD = Compute("cpu", "fp32", 1)
DEVICE = ONE_THREAD.resolve(0)
SCALE = 1 << 32  # a probability of 1: no character costs more than 32 bits
CODE_POINTS = 0x110000
MODES = {"cache": (True, False), "alone": (False, False), "cache and adaptation": (True, True)}  # (cache, adapt)


class Reader:
    """A model that reads a text token by token: `probabilities` (V,) are those of the next.

    adapt: after each ADAPT_LENGTH characters it learns from them, by equations that are written out here.
    """

    def __init__(self, model: RecurrentLanguageModel, first: int, *, cache: bool, adapt: bool) -> None:
        self.model = copy.deepcopy(model).eval()  # without dropout
        self.cache = NgramCache(model.match_model.letters.numpy()) if cache else None
        self.adapt, self.steps = adapt, 0
        self.squares = [torch.zeros_like(p) for p in self.model.parameters()]
        self.state: tuple[torch.Tensor, ...] | None = None  # at the beginning of the piece
        self.piece: list[tuple[int, list[int], list[int]]] = []  # inputs: a token, and what is cached for the next
        self.engine = self._engine()
        self._step(first)

    def _engine(self) -> Engine:
        cache = self.cache
        return Engine("lstm", self.model.state_dict(), "fp32", None if cache is None else lambda: cache)

    def _step(self, token: int) -> None:
        with torch.inference_mode():
            logits = self.engine.step(torch.tensor([token]))[0].numpy()
        odds = np.exp(logits.astype(np.float64) - logits.max())
        self.probabilities = odds / odds.sum()
        if self.adapt:
            self.piece.append((token, *(self.cache.candidates() if self.cache else ([], []))))

    def read(self, token: int) -> None:
        if self.adapt and len(self.piece) == ADAPT_LENGTH:
            self._learn([one[0] for one in self.piece[1:]] + [token])
        self._step(token)

    def _learn(self, targets: list[int]) -> None:
        """RMSProp as Adam is without its mean of gradients, whose norm is at most 1."""
        tokens, candidates, confidences = (torch.tensor([part]) for part in zip(*self.piece, strict=True))
        given = (tokens, candidates, confidences, torch.zeros(1, dtype=torch.bool)) if self.cache else tokens
        alone, mixed, state = self.model.alone_and_mixed(given, self.state)
        loss = sum(F.cross_entropy(logits[0], torch.tensor(targets)) / 2 for logits in (alone, mixed))
        found = torch.autograd.grad(loss, list(self.model.parameters()), allow_unused=True)
        norm = math.sqrt(sum(float((g.double() ** 2).sum()) for g in found if g is not None))
        self.steps += 1
        with torch.no_grad():
            for p, g, square in zip(self.model.parameters(), found, self.squares, strict=True):
                if g is not None:
                    square.mul_(0.999).add_(0.001 * (g / max(1.0, norm)) ** 2)
                    p -= ADAPT_RATE * g / max(1.0, norm) / ((square / (1 - 0.999**self.steps)).sqrt() + 1e-8)
        self.state, self.piece = tuple(part.detach() for part in state), []
        self.engine = self._engine()
        for n, layer in enumerate(self.engine.layers):
            layer.start(1, *(part[n].numpy() for part in self.state))


def shares(probabilities: np.ndarray) -> np.ndarray:
    """(V,) that sum to one -> where each symbol's share of the interval ends, in whole numbers, none of them empty."""
    assert abs(probabilities.sum() - 1) < 1e-9
    return np.cumsum((probabilities * SCALE).astype(np.int64) + 1)


def encode(
    text: str, model: RecurrentLanguageModel, vocab: Vocab, *, cache: bool, adapt: bool
) -> tuple[bytes, np.ndarray]:
    """The code of all N characters but the first, and their log-probabilities (N - 1,). One that the vocabulary lacks
    is UNKNOWN, and then one of Unicode's."""
    tokens, coder = vocab.encode(text).tolist(), Encoder()
    reader, log_probs = Reader(model, tokens[0], cache=cache, adapt=adapt), []
    for token, char in zip(tokens[1:], text[1:], strict=True):
        ends = shares(reader.probabilities)
        coder.encode(int(ends[token - 1]) if token else 0, int(ends[token]), int(ends[-1]))
        log_probs.append(math.log(reader.probabilities[token]))
        if token == vocab.unknown:
            coder.encode(ord(char), ord(char) + 1, CODE_POINTS)
            log_probs[-1] -= math.log(CODE_POINTS)
        reader.read(token)
    return coder.code(), np.array(log_probs)


def decode(
    code: bytes, first: str, count: int, model: RecurrentLanguageModel, vocab: Vocab, *, cache: bool, adapt: bool
) -> Iterator[str]:
    """The `count` characters after the first."""
    coder, reader = Decoder(code), Reader(model, vocab.encode(first).tolist()[0], cache=cache, adapt=adapt)
    for _ in range(count):
        ends = shares(reader.probabilities)
        token = int(np.searchsorted(ends, coder.target(int(ends[-1])), side="right"))
        coder.decode(int(ends[token - 1]) if token else 0, int(ends[token]), int(ends[-1]))
        char = vocab.characters[token]
        if token == vocab.unknown:
            point = coder.target(CODE_POINTS)
            coder.decode(point, point + 1, CODE_POINTS)
            char = chr(point)
        yield char
        reader.read(token)


@given(st.lists(st.tuples(*[st.sampled_from([0, 1, 2, 5, 1000, 1 << 20, 1 << 31])] * 3), max_size=300))
def test_the_coder_is_exact_and_costs_what_its_shares_say(symbols: list[tuple[int, int, int]]) -> None:
    """Each symbol has so many before it, so many of its own (and one), and so many after it, 2^33 at most."""
    coder, bits = Encoder(), 0.0
    for before, own, after in symbols:
        coder.encode(before, before + own + 1, before + own + 1 + after)
        bits += math.log2((before + own + 1 + after) / (own + 1))
    code = coder.code()
    assert bits - 1e-6 <= 8 * len(code) <= bits + 16
    decoder = Decoder(code)
    for before, own, after in symbols:
        assert before <= decoder.target(before + own + 1 + after) <= before + own
        decoder.decode(before, before + own + 1, before + own + 1 + after)


@pytest.mark.parametrize("mode", MODES)
def test_the_probabilities_of_what_may_follow_sum_to_one(mode: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each is what the figure of a text rises by when that character is added: who looks ahead finds all probable."""
    # so that to have learned makes a difference
    monkeypatch.setattr(sys.modules["seqlab.language.evaluate"], "ADAPT_RATE", 5e-3)
    cache, adapt = MODES[mode]
    vocab = Vocab.of("abcd")
    model = RecurrentLanguageModel(**language.net_config(LanguageSettings(hidden_size=8, num_layers=1), len(vocab)))
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.2)
    text = np.append(0, np.tile(np.random.default_rng(0).integers(0, 4, 60), 5))  # repeats itself

    def nats(tokens: np.ndarray) -> float:
        metrics = language.evaluate(model, vocab, tokens, DEVICE, adapt=adapt, cache=cache)
        return metrics["nats_per_char"] * metrics["chars"]

    scored = language.LanguageModel(model, vocab, checkpoint=None)  # type: ignore[arg-type]
    for length in (1, 2, 64, 128, 129, 130, 256, 257, 258, 300):
        before = nats(text[:length]) if length > 1 else 0.0
        follow = np.array([math.exp(before - nats(np.append(text[:length], token))) for token in range(len(vocab))])
        if mode == "cache":
            texts = [vocab.decode([*text[1:length], token]) for token in range(len(vocab))]
            last = [list(language.score(scored, one, DEVICE))[-1][-1] for one in texts]
            assert np.exp(last) == pytest.approx(follow, rel=1e-3)
        assert follow.max() < 0.999
        follow[vocab.unknown] *= CODE_POINTS  # it is any of those
        assert follow.sum() == pytest.approx(1, abs=3e-4), f"after {length} characters"


@pytest.fixture(scope="module")
def text_model(tmp_path_factory: pytest.TempPathFactory) -> TextModel:
    settings = LanguageSettings(
        hidden_size=32,
        embedding_size=16,
        num_layers=1,
        batch_size=16,
        seq_len=64,
        max_steps=100,
        lr=2e-2,
        eval_every=50,
    )
    options = RunOptions(tmp_path_factory.mktemp("coder") / "tiny", ONE_THREAD)
    saved = Task(language.train(Corpus.of("code", c_code.write(60_000, seed=1)), settings, options)).result()
    assert saved is not None
    return TextModel.of(saved, ONE_THREAD)


@pytest.mark.parametrize("mode", MODES)
def test_the_reported_bits_are_those_of_a_code_that_gives_the_text_back(
    text_model: TextModel, mode: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (ngram_cache, ngram_batches):
        monkeypatch.setattr(module, "BLOCK", 2048)  # so that the cache forgets, again and again
    monkeypatch.setattr(ngram_cache, "WINDOW", 4096)
    cache, adapt = MODES[mode]
    length = 10_000 if adapt else 20_000  # to learn takes time
    net, vocab = text_model.model.model, text_model.model.vocab
    written = c_code.write(length, seed=2)[: length - 1]
    text = "\n" + written[:7000] + "é" + written[7000:]  # as `score` begins; é is not in the vocabulary
    metrics = language.evaluate(net, vocab, vocab.encode(text).numpy(), DEVICE, adapt=adapt, cache=cache)
    assert metrics["chars"] == length and metrics["unknown_chars"]
    reported = metrics["nats_per_char"] * metrics["chars"] / math.log(2)

    code, log_probs = encode(text, net, vocab, cache=cache, adapt=adapt)
    assert 8 * len(code) == pytest.approx(reported, rel=1e-3)
    assert -log_probs.sum() / math.log(2) == pytest.approx(reported, rel=1e-5)  # nothing but rounding
    if not adapt:  # `score` has neither choice, but a net without a match model predicts alone
        alone = copy.deepcopy(net)
        alone.match_model = None
        scorer = language.LanguageModel(net if cache else alone, vocab, text_model.checkpoint)
        scored = TextModel(scorer, ONE_THREAD).score(text[1:]).log_probs
        assert 8 * len(code) == pytest.approx(-scored.sum() / math.log(2), rel=1e-3)
        assert np.abs(scored - log_probs).max() < 1e-4

    decoded = text[0] + "".join(decode(code, text[0], length, net, vocab, cache=cache, adapt=adapt))
    assert decoded.encode() == text.encode()
