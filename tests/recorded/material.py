"""The files that the recorded commands read, made up by formulas: every machine makes the same bytes."""

import gzip
import hashlib
import io
import os
import tarfile
from pathlib import Path

import numpy as np
from PIL import Image

from tests.conftest import made_up_code
from tests.data.images.cifar_files import cifar_files, write_archive
from tests.data.images.mnist_files import mnist_files, write_files


def make(folder: Path) -> Path:
    """Write all of it into a new folder."""
    folder.mkdir(parents=True)
    _series(folder)
    _tables(folder)
    _texts(folder)
    _pictures(folder / "pets")
    write_files(folder / "digits", mnist_files(100))
    _mirror(folder / "mirror")
    for path in sorted(folder.rglob("*")):
        os.utime(path, (1_700_000_000, 1_700_000_000))  # as old in every session: corpora in the cache know the time
    return folder


def _write(path: Path, head: str, rows: list[str]) -> None:
    path.write_text("\n".join([head, *rows]) + "\n")


def _series(folder: Path) -> None:
    """Numbers are rounded: the last bit of a sine is the processor's own."""
    chance = np.random.default_rng(0)
    days = np.arange(np.datetime64("2021-01-04"), np.datetime64("2024-06-29"))
    days = days[np.is_busday(days)][-700:]
    for name in ("prices", "others"):
        width = 0.01 * np.exp(0.5 * np.sin(np.arange(len(days)) / 40))
        close = 100 * np.exp(np.cumsum(width * chance.normal(size=len(days))))
        high, low = (close * np.exp(side * width * np.abs(chance.normal(size=len(days)))) for side in (1, -1))
        opened = np.concatenate([close[:1], close[:-1]])
        high, low = np.maximum(high, opened), np.minimum(low, opened)
        rows = zip(days, opened, high, low, close, strict=True)
        lines = [f"{day},{a:.4f},{b:.4f},{c:.4f},{d:.4f},{1000 + k % 7}" for k, (day, a, b, c, d) in enumerate(rows)]
        _write(folder / f"{name}.csv", "Date,Open,High,Low,Close,Volume", lines)
    returns = 0.02 * chance.standard_t(5, size=400)
    _write(folder / "returns.csv", "Date,r", [f"{day},{r:.6f}" for day, r in zip(days[-400:], returns, strict=True)])
    every_day = np.arange(np.datetime64("2023-01-02"), np.datetime64("2023-01-02") + 420)
    week = np.array([20, 22, 25, 24, 40, 80, 60])
    visitors = chance.poisson(np.tile(week, 60))
    _write(folder / "visitors.csv", "day,visitors", [f"{d},{v}" for d, v in zip(every_day, visitors, strict=True)])
    hours = np.arange(np.datetime64("2024-03-01T00"), np.datetime64("2024-03-01T00") + 24 * 30)
    power = 50 + 20 * np.sin(2 * np.pi * np.arange(len(hours)) / 24) + chance.normal(size=len(hours))
    _write(folder / "power.csv", "time,power", [f"{h}:00,{v:.3f}" for h, v in zip(hours, power, strict=True)])
    months = np.arange(np.datetime64("2006-01"), np.datetime64("2006-01") + 12 * 18)
    wave = 3 * np.sin(2 * np.pi * np.arange(len(months)) / 12)
    north, south = (sign * wave + 0.3 * chance.normal(size=len(months)) for sign in (1, -1))
    rows = zip(months, north, south, strict=True)
    _write(folder / "rain.csv", "month,north,south", [f"{month}-01,{a:.3f},{b:.3f}" for month, a, b in rows])


def _tables(folder: Path) -> None:
    """A class that a number and a colour tell, a price that is a sum; in one file with a time, groups, gaps too."""
    chance = np.random.default_rng(1)
    count = 240
    size, noise = chance.normal(size=(2, count))
    red = chance.random(count) < 0.5
    score = size + red - 0.5
    size = size + 0.3 * np.sign(score)  # a gap between the classes: no processor takes one for the other
    kind = np.where(score > 0, "big", "small")
    price = 100 + 20 * size + 5 * red + chance.normal(size=count)
    days = np.datetime64("2024-01-01") + np.arange(count)
    common = [f"{a:.4f},{'red' if r else 'green'},{b:.4f}" for a, r, b in zip(size, red, noise, strict=True)]
    _write(folder / "things.csv", "size,colour,noise,kind", [f"{c},{k}" for c, k in zip(common, kind, strict=True)])
    _write(
        folder / "prized.csv", "size,colour,noise,price", [f"{c},{p:.3f}" for c, p in zip(common, price, strict=True)]
    )
    rows = []
    for n, (day, c, k, p) in enumerate(zip(days, common, kind, price, strict=True)):
        size_or_none = c if n % 17 != 3 else c[c.index(",") :]
        rows.append(f"{day},shop {n % 12},{size_or_none},{k},{p:.3f},7")
    _write(folder / "table.csv", "day,shop,size,colour,noise,kind,price,same", rows)
    new = [("0.9", "red", "0.1", "big"), ("-2.0", "green", "1.5", "small"), ("1.4", "blue", "-0.2", "big")]
    new += [("-1.1", "red", "", "small"), ("0.8", "green", "0.0", "big"), ("-0.9", "green", "-1.0", "small")] * 3
    _write(folder / "new.csv", "noise,colour,size,kind,more", [f"{n},{c},{s},{k},1" for s, c, n, k in new])


def _texts(folder: Path) -> None:
    (folder / "small.txt").write_text(made_up_code(300))
    (folder / "short.txt").write_text("int count = left;\n\treturn count; /* é */\n")
    (folder / "prompt.txt").write_text("while (left > right)\nint count = ")
    (folder / "notes" / "more").mkdir(parents=True)
    for number, name in enumerate(("a.txt", "b.txt", "more/c.txt")):
        (folder / "notes" / name).write_text(made_up_code(120, seed=number))
    (folder / "notes" / "copy.txt").write_text(made_up_code(120, seed=0))
    settings = ["hidden_size = 12", "embedding-size = 6", "num_layers = 1", "batch_size = 4", "seq_len = 16"]
    options = ["seed = 3", "threads = 1", 'precision = "fp32"', "max_steps = 4"]
    (folder / "own.toml").write_text("\n".join(options + settings) + "\n")


def _pictures(folder: Path) -> None:
    """Noise with a bright bar whose place is the class's, in formats that every library writes alike: they are held out
    by the sha256 of their bytes."""
    chance = np.random.default_rng(2)
    for place, name in enumerate(("cat", "dog", "emu")):
        (folder / name).mkdir(parents=True)
        for index in range(20):
            pixels = chance.integers(0, 64, (32, 32, 3), dtype=np.uint8)
            pixels[place * 8 : place * 8 + 6] = 250
            Image.fromarray(pixels).save(folder / name / f"{index}.{('ppm', 'bmp')[index % 2]}")
    (folder / "notes.md").write_text("no picture\n")


def _mirror(folder: Path) -> None:
    """A folder to name in SEQLAB_MIRROR: CIFAR-10, MNIST and a corpus, all small, with their checksums."""
    write_archive(folder / "cifar-10-binary.tar.gz", cifar_files(12))
    for name, content in mnist_files(100).items():
        (folder / f"{name}.gz").write_bytes(gzip.compress(content, 0, mtime=0))  # stored: every zlib writes the same
    lemma = "\\begin{lemma}\nA set is a set.\n\\end{lemma}\n"
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        for name, count in (("sets.tex", 60), ("more/no.tex", 10), ("algebra.tex", 40)):
            entry = tarfile.TarInfo(f"stacks/{name}")
            entry.size = len(lemma) * count
            archive.addfile(entry, io.BytesIO(lemma.encode() * count))
    (folder / "stacks-project.tar.gz").write_bytes(gzip.compress(packed.getvalue(), 0, mtime=0))
    sums = [f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n" for path in sorted(folder.iterdir())]
    (folder / "SHA256SUMS").write_text("".join(sums))
