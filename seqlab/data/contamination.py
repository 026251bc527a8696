"""Contamination: whether examples were trained on, by what a checkpoint keeps of its own: their smallest hashes."""

import hashlib

import numpy as np
from torch import Tensor

KEPT = 10_000  # hashes
FEWEST = 20  # examples whose hashes are as small as those: with fewer there is no estimate
CHANCE = 0.02  # of the examples: no more of them than that may be alike by chance


def fingerprint(hashes: np.ndarray) -> str:
    """The smallest of the hashes, uint64 (N,), of some examples, as text."""
    return np.unique(_short(hashes))[:KEPT].tobytes().hex()


def contamination(hashes: np.ndarray, trained_on: str) -> float:
    """The share, from 0 to 1, of the examples with these hashes, uint64 (N,), that were trained on.

    trained_on: the `fingerprint` of the training examples. Where these are more than it holds, the share is an
    estimate from the examples whose hashes are as small as its own (bottom-k sampling; Cohen and Kaplan 2007), and 0
    where these are too few.
    """
    known, hashes = np.frombuffer(bytes.fromhex(trained_on), np.uint32), _short(hashes)
    if len(known) == KEPT:
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
