"""Which examples a model learnt from, told from what its checkpoint keeps of them: the smallest of their hashes."""

import hashlib

import numpy as np
from torch import Tensor

SKETCHED = 10_000  # hashes that are kept
FEWEST = 20  # examples whose hashes are as small as those: of fewer nothing is said
CHANCE = 0.02  # of the examples: no more of them than that may be alike by chance


def sketch(hashes: np.ndarray) -> str:
    """The smallest of the hashes, uint64 (N,), of some examples, as text."""
    return np.unique(_short(hashes))[:SKETCHED].tobytes().hex()


def share_seen(hashes: np.ndarray, seen: str) -> float:
    """How many of the examples with these hashes, uint64 (N,), are among those of the sketch, from 0 to 1.

    Where more were learnt from than a sketch holds it is an estimate from the examples whose hashes are as small as its
    own (bottom-k sampling; Cohen and Kaplan 2007), and 0 where these are too few.
    """
    known, hashes = np.frombuffer(bytes.fromhex(seen), np.uint32), _short(hashes)
    if len(known) == SKETCHED:
        hashes = hashes[hashes <= known[-1]]
        if len(hashes) < FEWEST:
            return 0.0
    return float(np.isin(hashes, known).mean()) if len(hashes) else 0.0


def image_hashes(images: Tensor) -> np.ndarray:
    """uint64 (N,), the same for images (N, C, H, W) uint8 whose pixels are."""
    pixels = (image.numpy().tobytes() for image in images.cpu())
    return np.array([int.from_bytes(hashlib.blake2b(one, digest_size=8).digest()) for one in pixels], np.uint64)


def _short(hashes: np.ndarray) -> np.ndarray:
    return (hashes >> np.uint64(32)).astype(np.uint32)
