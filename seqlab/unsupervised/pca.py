"""Principal components: the best linear autoencoder, and so the baseline of the others."""

from dataclasses import dataclass

import torch
from torch import Tensor

CHUNK = 4096  # examples at a time: windows overlap in memory until they are flattened


@dataclass(frozen=True)
class PrincipalComponents:
    """The plane of most variance through the mean (Pearson 1901). Examples of any shape (N, ...) are flat here (N, D).

    mean (D,); axes (K, D), orthonormal, of falling variance, each with its largest entry above zero.
    """

    mean: Tensor
    axes: Tensor

    @classmethod
    def fit(cls, x: Tensor, code_size: int) -> "PrincipalComponents":
        """The components of x (N, ...), from its covariance in float64. Raises ValueError for more axes than D."""
        chunks = [slice(start, start + CHUNK) for start in range(0, len(x), CHUNK)]
        mean = sum(x[chunk].flatten(1).double().sum(0) for chunk in chunks) / len(x)
        assert isinstance(mean, Tensor)
        if code_size > len(mean):
            raise ValueError(f"{len(mean)} numbers have no {code_size} components")
        covariance = torch.zeros(len(mean), len(mean), dtype=torch.float64, device=x.device)
        for chunk in chunks:
            centred = x[chunk].flatten(1).double() - mean
            covariance += centred.T @ centred / len(x)
        _, vectors = torch.linalg.eigh(covariance)  # of rising variance
        axes = vectors.T.flip(0)[:code_size]
        largest = axes.gather(1, axes.abs().argmax(1, keepdim=True))
        return cls(mean.float(), (axes * largest.sign()).float())

    def encode(self, x: Tensor) -> Tensor:
        """Examples (B, ...) -> codes (B, K)."""
        return (x.flatten(1) - self.mean) @ self.axes.T

    def __call__(self, x: Tensor) -> Tensor:
        """Examples (B, ...) -> their reconstructions (B, ...)."""
        return (self.encode(x) @ self.axes + self.mean).reshape(x.shape)
