"""How well a character model predicts a text: bits per character, and every character's log-probability."""

import copy
import math
import time
from collections.abc import Callable, Generator, Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from seqlab import training
from seqlab.data.batches import StreamBatches, Tokens
from seqlab.data.text.corpus import Vocab
from seqlab.data.text.ngram_batches import NgramBatches
from seqlab.errors import DataError
from seqlab.language.model import LanguageModel, next_token_losses, opening
from seqlab.machine import DeviceConfig, use_threads
from seqlab.models.recurrent import RecurrentLanguageModel
from seqlab.tasks import Status, Task

# A character the vocabulary lacks is scored as UNKNOWN and then as any of Unicode's code points, all alike.
NATS_PER_UNKNOWN = math.log(0x110000)
EVALUATION_LENGTH = 256
ADAPT_LENGTH = 128
ADAPT_RATE = 1e-4
COUNTED = 1 << 20  # tokens at a time
BLOCKS = 30  # of a part of a text, by whose differences its interval is made
SAID = 0.2  # seconds between two words on how far it is


def evaluation_batches(
    model: RecurrentLanguageModel,
    tokens: Tokens,
    streams: int = 1,
    length: int = EVALUATION_LENGTH,
    *,
    cache: bool = True,
) -> training.Batches:
    """A text in so many parallel streams with carried state, fewer for a short one, so many characters at a time.

    cache: whether a net that can use an n-gram cache is given one. Every stream but the first begins in the middle of
    a file with a zero state.
    """
    if len(tokens) < 2:
        raise DataError(f"{len(tokens)} characters are too few to measure on", "use more text")
    streams = max(1, min(streams, len(tokens) // (4 * EVALUATION_LENGTH)))
    device = next(model.parameters()).device
    if not cache or model.match_model is None:
        return StreamBatches(tokens, streams, length, device)
    return NgramBatches(tokens, streams, length, model.match_model.letters.cpu().numpy(), device)


def evaluate(
    model: RecurrentLanguageModel,
    vocab: Vocab,
    tokens: Tokens,
    device_config: DeviceConfig,
    *,
    adapt: bool = False,
    cache: bool = True,
) -> dict[str, Any]:
    """Cross-entropy of every character of a text but the first, in nats and bits, and its perplexity.

    tokens (N,): those of the text in the model's vocabulary. `adapt`: by a copy of the model that goes on learning from
    what it has read, see `adapted`. `cache`: whether it is given an n-gram cache, if it reads one; then the figures are
    those with it, and beside them, as `..._alone` and of the same pass, those of the net alone.
    """
    return Task(measuring(model, vocab, tokens, device_config, adapt=adapt, cache=cache)).result()


def measuring(
    model: RecurrentLanguageModel,
    vocab: Vocab,
    tokens: Tokens,
    device_config: DeviceConfig,
    *,
    adapt: bool = False,
    cache: bool = True,
    seconds: float = math.inf,
    stop: Callable[[], bool] = lambda: False,
) -> Generator[Status, None, dict[str, Any]]:
    """`evaluate` as a generator of how far it is. seconds: how long it reads at most; stop: ends it too, after what was
    read. Of a text that was not read to its end `of_chars` says how long it is, and `interval` between which figures
    that of all of it is likely to be (95 %, by the differences between BLOCKS of what was read)."""
    of_chars, reach = len(tokens) - 1, math.inf
    if adapt:
        yield Status("learning from the text while it is measured")
        with use_threads(device_config.threads):
            _, losses = adapted(model, tokens, device_config, cache=cache)
    else:
        read = yield from _read(model, tokens, device_config, cache, seconds, stop)
        counts = np.array([count for _, count in read])
        each = np.array([found for found, _ in read])  # (batches, K)
        losses = ((each * counts[:, None]).sum(0) / counts.sum()).tolist()
        if counts.sum() < of_chars:
            reach = _reach(each[:, 0], counts, of_chars) / math.log(2)
            tokens = tokens[: int(counts.sum()) + 1]
    metrics = _metrics(tokens, vocab, losses, adapt, cache and model.match_model is not None)
    if len(tokens) - 1 < of_chars:
        bits = metrics["bits_per_char"]
        metrics |= {"of_chars": of_chars}
        if math.isfinite(reach):
            metrics |= {"interval": {"bits_per_char": [bits - reach, bits + reach]}}
    return metrics


def _read(
    model: RecurrentLanguageModel,
    tokens: Tokens,
    device_config: DeviceConfig,
    cache: bool,
    seconds: float,
    stop: Callable[[], bool],
) -> Generator[Status, None, list[tuple[list[float], int]]]:
    """The losses of each batch of a text, and its characters."""
    chars, done = len(tokens) - 1, 0
    read: list[tuple[list[float], int]] = []
    start = said = time.perf_counter()
    batches = training.batch_losses(
        model, next_token_losses, evaluation_batches(model, tokens, cache=cache), device_config.precision
    )
    while True:
        with use_threads(device_config.threads):  # between two of them the caller computes as it likes
            found = next(batches, None)
        if found is None:
            return read
        read.append(found)
        done += found[1]
        now = time.perf_counter()
        if stop() or now - start > seconds:
            batches.close()
            return read
        if now - said > SAID:
            said = now
            yield Status("measuring", done, min(chars, done * seconds / (now - start)), stoppable=True)


def _reach(nats: np.ndarray, counts: np.ndarray, chars: int) -> float:
    """Half of the 95 % interval of the mean over so many characters, of which these batches (N,) were read: by the
    means of BLOCKS of neighbours, which depend on each other much less than batches do; wider, the less was read."""
    from scipy.special import stdtrit  # here, for it takes a quarter of a second

    blocks = np.array_split(np.arange(len(nats)), min(BLOCKS, len(nats)))
    means = np.array([np.average(nats[one], weights=counts[one]) for one in blocks])
    if len(means) < 2:
        return math.inf
    error = means.std(ddof=1) / math.sqrt(len(means)) * math.sqrt(1 - counts.sum() / chars)
    return float(stdtrit(len(means) - 1, 0.975) * error)


def _metrics(tokens: Tokens, vocab: Vocab, losses: list[float], adapt: bool, ngram_cache: bool) -> dict[str, Any]:
    """The figures of a text (N,) by its mean losses in nats, the first those of the model as it is."""
    chars = len(tokens) - 1
    starts = range(1, len(tokens), COUNTED)
    unknown = sum(int((tokens[start : start + COUNTED] == vocab.unknown).sum()) for start in starts)
    nats, *alone = (loss + unknown * NATS_PER_UNKNOWN / chars for loss in losses)
    metrics = {
        "split": "test",
        "adapted": adapt,
        "ngram_cache": ngram_cache,
        "nats_per_char": nats,
        "bits_per_char": nats / math.log(2),
        "perplexity": math.exp(min(nats, 700.0)),  # beyond that a float has no room
        "chars": chars,
        "unknown_chars": unknown,
    }
    for one in alone:
        metrics |= {"nats_per_char_alone": one, "bits_per_char_alone": one / math.log(2)}
    return metrics


def adapted(
    model: RecurrentLanguageModel, tokens: Tokens, device_config: DeviceConfig, *, cache: bool = True
) -> tuple[RecurrentLanguageModel, list[float]]:
    """Dynamic evaluation (Krause et al. 2018): a copy of the model reads a text (N,) and, after each ADAPT_LENGTH
    characters, learns from them. Returns it, and the mean cross-entropy in nats, each character predicted before it
    was learned from: with a cache and alone, where it is given one.

    It is the one training loop over the text to be measured, with the objective of training (the mean of the two)
    but without dropout, in steps of RMSProp.
    """
    learner = copy.deepcopy(model)
    learner.dropout.p = learner.layers.dropout = 0.0
    batches = evaluation_batches(learner, tokens, length=ADAPT_LENGTH, cache=cache)
    optimizer = torch.optim.Adam(learner.parameters(), ADAPT_RATE, betas=(0.0, 0.999), fused=True)
    total = torch.zeros(1, dtype=torch.float64)

    def objective(model: nn.Module, batch: training.Batch, state: training.State) -> tuple[Tensor, training.State]:
        nonlocal total
        losses, state = next_token_losses(model, batch, state)
        total = total + batch[1].numel() * losses.detach().double().cpu()
        return losses.mean(), state

    run = training.Run(learner, objective, batches, optimizer, lambda step: ADAPT_RATE, len(batches))
    run.clip_norm, run.precision = 1.0, device_config.precision
    for _ in training.train(run):
        pass
    return learner.eval(), (total / (len(tokens) - 1)).tolist()


def score(language: LanguageModel, text: str, device_config: DeviceConfig) -> Iterator[np.ndarray]:
    """The log-probability in nats of every character of `text`, in pieces (n,) as they are computed, one stream.

    The first character is scored as the first that `generate` writes without a prompt: after a newline. A character
    that the vocabulary lacks costs what `evaluate` charges for it, so that the sum is minus its cross-entropy of a
    newline and `text`, times the characters.
    """
    codes = np.frombuffer(text.encode("utf-32-le"), np.uint32)
    unknown = np.isin(codes, [ord(char) for char in language.vocab.missing(text)])
    batches = evaluation_batches(language.model, language.vocab.encode(opening(language.vocab) + text).numpy())
    language.model.eval()
    done, state = 0, None
    for tokens, targets in batches.epoch(0):
        # set for every piece: between two of them the caller computes as it likes
        with (
            use_threads(device_config.threads),
            torch.inference_mode(),
            training.autocast(device_config.device, device_config.precision),
        ):
            logits, state = language.model(tokens, state)  # (1, T, V)
            log_probs = logits[0].double().log_softmax(1).gather(1, targets[0, :, None])[:, 0].cpu().numpy()  # (T,)
        yield log_probs - NATS_PER_UNKNOWN * unknown[done : done + len(log_probs)]
        done += len(log_probs)
