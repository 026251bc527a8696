"""Text: what a stretch of training is worth, beside nets as they are usually trained.

    python benchmarks/text_training.py rate                            characters a second of 2 x 512, B 64, T 128
    python benchmarks/text_training.py equal-time FILE --minutes 10    bits per character after the same wall time

`equal-time` trains on the first eight tenths of a text and measures the last tenth, read once from its beginning with
carried state. The peers are torch's own modules in loops of twenty lines: char-rnn's recipe (2 x 512, RMSProp at 2e-3,
batches of 50 x 50, fp32), and 2 x 256 and 3 x 512 with AdamW and a cosine, in bf16 where the processor has it.
seqlab's line is `train-text FILE --minutes N` as anybody runs it: the minutes include the choice of its size.
"""

import argparse
import itertools
import math
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from seqlab import language, training
from seqlab.machine import choose_precision, physical_cores, use_threads
from seqlab.models.recurrent import RecurrentLanguageModel
from seqlab.settings import LanguageSettings
from seqlab.training import optimizers

FLOP = 6 * 3_330_000  # of a character in training, 2 x 512
CPU = torch.device("cpu")
PEERS = {"char-rnn": (512, 2, 50, 50), "plain 2 x 256": (256, 2, 64, 128), "plain 3 x 512": (512, 3, 64, 128)}


class Plain(nn.Module):
    """An embedding, torch's LSTM and a linear layer: tokens (B, T) -> logits (B, T, V)."""

    def __init__(self, vocab_size: int, hidden_size: int, num_layers: int) -> None:
        super().__init__()
        self.embedding = nn.Embedding(vocab_size, 64)
        self.layers = nn.LSTM(64, hidden_size, num_layers, batch_first=True)
        self.output = nn.Linear(hidden_size, vocab_size)

    def forward(self, tokens: Tensor, state: tuple[Tensor, Tensor] | None) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        outputs, state = self.layers(self.embedding(tokens), state)
        return self.output(outputs), state


def batches(tokens: Tensor, batch_size: int, seq_len: int) -> Iterator[tuple[Tensor, Tensor, bool]]:
    """Inputs and targets (B, T) of parallel streams, over and over, and whether the streams begin."""
    width = (len(tokens) - 1) // batch_size
    inputs = tokens[: batch_size * width].view(batch_size, width)
    targets = tokens[1 : batch_size * width + 1].view(batch_size, width)
    for _ in itertools.count():
        for first in range(0, width - seq_len + 1, seq_len):
            yield inputs[:, first : first + seq_len], targets[:, first : first + seq_len], first == 0


def steps(
    model: Plain,
    tokens: Tensor,
    batch_size: int,
    seq_len: int,
    optimizer: torch.optim.Optimizer,
    dtype: torch.dtype,
    rate: Callable[[], float],
) -> Iterator[int]:
    """Train for ever; yields the characters of each step."""
    state = None
    for inputs, targets, begins in batches(tokens, batch_size, seq_len):
        for group in optimizer.param_groups:
            group["lr"] = rate()
        state = None if begins or state is None else tuple(part.detach() for part in state)
        optimizer.zero_grad()
        with training.autocast(CPU, dtype):
            logits, state = model(inputs, state)
            loss = F.cross_entropy(logits.float().flatten(0, 1), targets.flatten())
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 5.0)
        optimizer.step()
        yield targets.numel()


def peer(name: str, train: Tensor, test: Tensor, vocab_size: int, seconds: float) -> tuple[float, int]:
    """Bits per character on `test` after so many seconds of a peer's training, and the characters it read."""
    hidden_size, num_layers, batch_size, seq_len = PEERS[name]
    torch.manual_seed(0)
    model, begun, read = Plain(vocab_size, hidden_size, num_layers), time.perf_counter(), 0
    if name == "char-rnn":
        optimizer: torch.optim.Optimizer = torch.optim.RMSprop(model.parameters(), lr=2e-3, alpha=0.95)
        dtype, rate = torch.float32, lambda: 2e-3
    else:
        optimizer = torch.optim.AdamW(model.parameters(), lr=4e-3)
        dtype = choose_precision("auto", CPU).value
        rate = lambda: 4e-3 * 0.5 * (1 + math.cos(math.pi * min(1.0, (time.perf_counter() - begun) / seconds)))  # noqa: E731
    for characters in steps(model, train, batch_size, seq_len, optimizer, dtype, rate):
        read += characters
        if time.perf_counter() - begun > seconds:
            break
    state, nats = None, 0.0
    with torch.inference_mode():
        for inputs, targets, _ in itertools.islice(batches(test, 1, 256), (len(test) - 1) // 256):
            logits, state = model(inputs, state)
            nats += F.cross_entropy(logits.flatten(0, 1), targets.flatten()).item()
    return nats / ((len(test) - 1) // 256) / math.log(2), read


def equal_time(path: Path, minutes: float, names: list[str]) -> None:
    text = path.read_bytes().decode("utf-8", errors="replace")
    vocabulary, tokens = np.unique(np.frombuffer(text.encode("utf-32-le"), np.uint32), return_inverse=True)
    train, test = (torch.from_numpy(part) for part in (tokens[: len(text) * 8 // 10], tokens[len(text) * 9 // 10 :]))
    print(f"{path.name}: {len(text):,} characters; {minutes:g} minutes each, {torch.get_num_threads()} thread(s)")
    if "seqlab" in names:
        with tempfile.TemporaryDirectory() as folder:
            command = [sys.executable, "-m", "seqlab", "train-text", str(path), "--minutes", str(minutes)]
            command += ["-o", f"{folder}/model", "--threads", str(torch.get_num_threads()), "--json"]
            done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout.splitlines()[-1]
        print(f"{'seqlab train-text':20} {done}", flush=True)
    for name in [name for name in PEERS if name in names]:
        bits, read = peer(name, train, test, len(vocabulary), 60 * minutes)
        print(f"{name:20} {bits:.4f} bits per character after {read / 1e6:.1f} M characters", flush=True)


def rate(rounds: int) -> None:
    """Characters a second of one net, 2 x 512, in batches of 64 x 128: medians of several rounds in turn."""
    torch.manual_seed(0)
    tokens, auto = torch.randint(0, 100, (64 * 128 * 8 + 1,)), choose_precision("auto", CPU).value
    loops = {}
    kinds = {"char-rnn, fp32": (torch.optim.RMSprop, torch.float32), "nn.LSTM, auto": (torch.optim.AdamW, auto)}
    for name, (kind, dtype) in kinds.items():
        model = Plain(100, 512, 2)
        loops[name] = steps(model, tokens, 64, 128, kind(model.parameters(), lr=1e-3), dtype, lambda: 1e-3)
    for name, ngram_cache in (("seqlab, ngram_cache=false", False), ("seqlab", True)):
        loops[name] = seqlab_steps(tokens, ngram_cache, auto)
    times: dict[str, list[float]] = {name: [] for name in loops}
    for _ in range(rounds + 1):
        for name, loop in loops.items():
            begun = time.perf_counter()
            times[name].append(next(loop) / (time.perf_counter() - begun))
    peak = matrix_peak(auto)
    print(f"precision {auto}, {torch.get_num_threads()} thread(s), matrix peak {peak / 1e9:,.0f} GFLOP/s")
    base = statistics.median(times["char-rnn, fp32"][1:])
    for name, measured in times.items():
        median = statistics.median(measured[1:])
        print(f"{name:24}{median:>10,.0f} chars/s{median / base:>8.2f} x{median * FLOP / peak:>8.2f} of the peak")


def seqlab_steps(tokens: Tensor, ngram_cache: bool, dtype: torch.dtype) -> Iterator[int]:
    settings = LanguageSettings(hidden_size=512, num_layers=2, batch_size=64, ngram_cache=ngram_cache)
    model = RecurrentLanguageModel(**language.net_config(settings, 100))
    run = training.Run(
        model, language.training_loss, language.training_batches(tokens.numpy().astype(np.uint8), settings, model),
        optimizers.gatewise_muon(model, 1e-3, 0.01, dtype), lambda step: 1e-3, 1 << 30, 1.0, dtype,
    )  # fmt: skip
    return (step.examples for step in training.train(run))


def matrix_peak(dtype: torch.dtype) -> float:
    a, b = torch.randn(2048, 1024).to(dtype), torch.randn(1024, 2048).to(dtype)
    best = math.inf
    for _ in range(20):
        begun = time.perf_counter()
        a @ b
        best = min(best, time.perf_counter() - begun)
    return 2 * 2048 * 1024 * 2048 / best


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="what", required=True)
    one = commands.add_parser("rate")
    one.add_argument("--rounds", type=int, default=5)
    two = commands.add_parser("equal-time")
    two.add_argument("file", type=Path)
    two.add_argument("--minutes", type=float, default=10.0)
    two.add_argument("--only", nargs="+", default=["seqlab", *PEERS])
    for command in (one, two):
        command.add_argument("--threads", type=int, default=physical_cores())
    given = parser.parse_args()
    with use_threads(given.threads):
        rate(given.rounds) if given.what == "rate" else equal_time(given.file, given.minutes, given.only)


if __name__ == "__main__":
    main()
