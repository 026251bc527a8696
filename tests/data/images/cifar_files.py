"""A small CIFAR-10 archive in the published format, made of bytes and not by seqlab's own code."""

import gzip
import hashlib
import io
import tarfile
from pathlib import Path

import numpy as np

NAMES = ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"]
MEMBERS = [*(f"data_batch_{number}.bin" for number in range(1, 6)), "test_batch.bin"]


def records(count: int, seed: int) -> bytes:
    """Records of label, red, green, blue: class k is noise below 64 with a bright bar at rows 3k to 3k + 2."""
    chance = np.random.default_rng(seed)
    written = b""
    for _ in range(count):
        label = int(chance.integers(10))
        image = chance.integers(0, 64, (3, 32, 32), dtype=np.uint8)
        image[label % 3, 3 * label : 3 * label + 3] += 160
        written += bytes([label]) + image.tobytes()
    return written


def cifar_files(count: int = 40) -> dict[str, bytes]:
    """What the archive holds: six batches of `count` records each, and the names of the classes."""
    files = {name: records(count, seed) for seed, name in enumerate(MEMBERS)}
    return {**files, "batches.meta.txt": ("\n".join(NAMES) + "\n\n").encode(), "readme.html": b"<html>"}


def cifar100_files(count: int = 100) -> dict[str, bytes]:
    """What that archive holds: coarse label, fine label, pixels."""
    chance, files = np.random.default_rng(0), {}
    for name, size in (("train.bin", count), ("test.bin", count // 2)):
        written = b"".join(bytes([i % 20, (7 * i + 3) % 100]) + chance.bytes(3072) for i in range(size))
        files[name] = written
    names = {
        f"{kind}_label_names.txt": "".join(f"{kind}_{i}\n" for i in range(n)).encode() + b"\n"
        for kind, n in (("coarse", 20), ("fine", 100))
    }
    return {**files, **names}


def write_archive(path: Path, files: dict[str, bytes], top: str = "cifar-10-batches-bin/") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        for name, content in files.items():
            entry = tarfile.TarInfo(top + name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    path.write_bytes(gzip.compress(packed.getvalue(), 1, mtime=0))
    return path


def write_mirror(folder: Path, files: dict[str, bytes]) -> Path:
    """A folder to name in SEQLAB_MIRROR, with its SHA256SUMS."""
    archive = write_archive(folder / "cifar-10-binary.tar.gz", files)
    digest = hashlib.sha256(archive.read_bytes()).hexdigest()
    (folder / "SHA256SUMS").write_text(f"{digest}  {archive.name}\n")
    return folder
