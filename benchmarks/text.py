"""Text: how fast it is written, beside what PyTorch gives and what the machine could; and what compressors make of it.

    python benchmarks/text.py sampling                  a random net of two layers of 512
    python benchmarks/text.py sampling --hidden-size 384
    python benchmarks/text.py compressors               the last tenths of linux and stacks by xz, PPMd and zpaq

Every line is measured in turn, several times over, in one run: medians, and ratios within a round, because a machine
that others use as well is faster at one time than at another. One thread, unless --threads says otherwise. The loop in
C (benchmarks/text_loop.c, gcc -O3 -march=native -ffast-math) is what one thread can do here with the same weights.
"""

import argparse
import ctypes
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from text_compressors import compressors

from seqlab.models.recurrent import RecurrentLanguageModel
from seqlab.sampling import Engine, Sampling, sample
from seqlab.sampling.products import int8_step

VOCAB = 100


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["sampling", "compressors"])
    parser.add_argument("--hidden-size", type=int, default=512)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=float, default=0.4, help="per line and round")
    parser.add_argument("--threads", type=int, default=1)
    given = parser.parse_args()
    if given.what == "compressors":
        compressors(["linux", "stacks"])
        return
    torch.set_num_threads(given.threads)
    sampling(given.hidden_size, given.rounds, given.seconds)


def sampling(hidden_size: int, rounds: int, seconds: float) -> None:
    torch.manual_seed(0)
    model = RecurrentLanguageModel(VOCAB, "lstm", 64, hidden_size, 2).eval()
    writers: dict[str, Callable[[int], object]] = {
        "nn.LSTM, oneDNN off": lambda length: loop(model, length, onednn=False),
        "nn.LSTM": lambda length: loop(model, length),
    }
    for precision in ("auto", "bf16", "fp32"):
        writers[f"seqlab, {precision}"] = writer(Engine("lstm", model.state_dict(), precision))
    for precision in ("auto", "bf16", "fp32"):
        writers[f"seqlab, {precision}, 64 at once"] = writer(Engine("lstm", model.state_dict(), precision), 64)
    with tempfile.TemporaryDirectory() as folder:
        if compiler := shutil.which("gcc"):
            for precision in ("fp32", "int8"):
                writers[f"loop in C, {precision}"] = loop_in_c(model, precision, compiler, Path(folder))
        rates: dict[str, list[float]] = {name: [] for name in writers}
        for _ in range(rounds):
            for name, write in writers.items():
                rates[name].append(rate(write, seconds) * (64 if "64" in name else 1))
    off, on = (np.array(rates[name]) for name in ("nn.LSTM, oneDNN off", "nn.LSTM"))
    print(f"2 x {hidden_size} LSTM, {VOCAB} characters, {torch.get_num_threads()} thread(s), median of {rounds}")
    print(f"{'':32}{'chars/s':>10}{'x nn.LSTM':>12}{'x oneDNN off':>14}")
    for name, measured in rates.items():
        ratios = [float(np.median(np.array(measured) / base)) for base in (on, off)]
        print(f"{name:32}{np.median(measured):>10,.0f}{ratios[0]:>12.1f}{ratios[1]:>14.2f}")
    if not compiler:
        print("no loop in C: there is no gcc here")


def rate(write: Callable[[int], object], seconds: float) -> float:
    """Characters a second, in one stretch of about so many seconds."""
    begun, length = time.perf_counter(), 4
    write(length)
    while (taken := time.perf_counter() - begun) < seconds / 8:
        begun, length = time.perf_counter(), 2 * length
        write(length)
    length = max(4, round(length * seconds / taken))
    begun = time.perf_counter()
    write(length)
    return length / (time.perf_counter() - begun)


@torch.inference_mode()
def loop(model: RecurrentLanguageModel, length: int, onednn: bool = True) -> None:
    """The loop as it is usually written."""
    token, state = torch.tensor([[0]]), None
    with torch.backends.mkldnn.flags(enabled=onednn):
        for _ in range(length):
            logits, state = model(token, state)
            token = torch.multinomial(torch.softmax(logits[:, -1], 1), 1)


def writer(engine: Engine, samples: int = 1) -> Callable[[int], object]:
    def write(length: int) -> None:
        for _ in sample(engine, [0], length, Sampling(), samples=samples):
            pass

    return write


def loop_in_c(model: RecurrentLanguageModel, precision: str, compiler: str, folder: Path) -> Callable[[int], object]:
    """Compile the loop for a precision, and see that it computes what the engine computes."""
    kinds = {"fp32": ("float", "float", "float"), "int8": ("int8_t", "int16_t", "int32_t")}[precision]
    library = folder / f"{precision}.so"
    names = [f"-D{name}={kind}" for name, kind in zip(("WEIGHT", "STATE", "SUM"), kinds, strict=True)]
    source = Path(__file__).with_name("text_loop.c")
    options = ["-O3", "-march=native", "-ffast-math", "-shared", "-fPIC", *names]
    subprocess.run([compiler, *options, str(source), "-o", str(library), "-lm"], check=True)
    kept: list[np.ndarray] = [table_of(model)]
    for weight, bias in products_of(model):
        step = int8_step(weight) if precision == "int8" else torch.ones(len(weight))
        whole = (weight / step[:, None]).round().to(torch.int8) if precision == "int8" else weight
        scale = step / 127 if precision == "int8" else step
        kept += [whole.contiguous().numpy(), scale.float().numpy(), bias.numpy()]
    size = model.layers.hidden_size
    run = ctypes.CDLL(str(library)).draw

    def write(length: int) -> tuple[np.ndarray, np.ndarray]:
        tokens, logits = np.empty(length, np.int64), np.empty(VOCAB, np.float32)
        pointers = [ctypes.c_void_p(array.ctypes.data) for array in (*kept, tokens, logits)]
        run(length, size, VOCAB, *pointers[:-2], 1, *pointers[-2:])
        return tokens, logits

    tokens, logits = write(50)
    with torch.inference_mode():
        expected = model(torch.from_numpy(tokens)[None])[0][0, -1].numpy()
    np.testing.assert_allclose(logits, expected, atol=1e-4 if precision == "fp32" else 0.05)
    return write


def table_of(model: RecurrentLanguageModel) -> np.ndarray:
    with torch.no_grad():
        table = model.embedding.weight @ model.layers.weight_ih_l0.T + model.layers.bias_ih_l0
    return sigmoids_first(table.T).T.contiguous().numpy()


def products_of(model: RecurrentLanguageModel) -> list[tuple[torch.Tensor, torch.Tensor]]:
    """Of each layer its own gates' and, below them, the next one's weights and biases."""
    w = {name: t.detach() for name, t in model.layers.named_parameters()}
    gates = {name: sigmoids_first(t) for name, t in w.items()}
    output = {name: t.detach() for name, t in model.output.named_parameters()}
    return [
        (
            torch.cat([gates["weight_hh_l0"], gates["weight_ih_l1"]]),
            torch.cat([gates["bias_hh_l0"], gates["bias_ih_l1"]]),
        ),
        (torch.cat([gates["weight_hh_l1"], output["weight"]]), torch.cat([gates["bias_hh_l1"], output["bias"]])),
    ]


def sigmoids_first(rows: torch.Tensor) -> torch.Tensor:
    i, f, g, o = rows.chunk(4)
    return torch.cat([i, f, o, g])


if __name__ == "__main__":
    main()
