"""Small sets in MNIST's format, made of bytes and not by seqlab's own code."""

import gzip
from pathlib import Path

import numpy as np

FILES = ["train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"]


def idx(values: np.ndarray) -> bytes:
    """Unsigned bytes as an IDX file."""
    head = bytes([0, 0, 8, values.ndim]) + b"".join(size.to_bytes(4, "big") for size in values.shape)
    return head + values.astype(np.uint8).tobytes()


def mnist_files(count: int = 200, seed: int = 0) -> dict[str, bytes]:
    """`count` images to train on and half as many to test with: class k is noise with a bright bar at rows 2k + 4."""
    chance, files = np.random.default_rng(seed), {}
    for images, labels, size in ((*FILES[:2], count), (*FILES[2:], count // 2)):
        truth = np.arange(size) % 10
        pixels = chance.integers(1, 64, (size, 28, 28), dtype=np.uint8)
        for image, label in zip(pixels, truth, strict=True):
            image[2 * label + 4 : 2 * label + 6] = 250
        files |= {images: idx(pixels), labels: idx(truth)}
    return files


def write_files(folder: Path, files: dict[str, bytes], is_packed: bool = True) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        if is_packed:
            (folder / f"{name}.gz").write_bytes(gzip.compress(content, 1, mtime=0))
        else:
            (folder / name).write_bytes(content)
    return folder
