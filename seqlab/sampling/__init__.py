"""Generating one character at a time: the engine that steps a recurrent model, and how the next token is drawn."""

from seqlab.sampling.drawing import Sampling, sample
from seqlab.sampling.engine import Engine

__all__ = ["Engine", "Sampling", "sample"]
