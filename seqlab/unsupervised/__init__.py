"""The job without labels: an autoencoder's map of the rows of a table, or of the days of several series."""

from seqlab.unsupervised.autoencode import Embedding, Embeddings, embed_days, embed_rows
from seqlab.unsupervised.days import Returns, join
from seqlab.unsupervised.structure import Structure, find_structure

__all__ = [
    "Embedding",
    "Embeddings",
    "Returns",
    "Structure",
    "embed_days",
    "embed_rows",
    "find_structure",
    "join",
]
