"""The job without labels: an autoencoder's picture of the rows of a table, or of the days of several series."""

from seqlab.unsupervised.autoencode import Structure, View, structure_of_days, structure_of_rows
from seqlab.unsupervised.days import Returns, join
from seqlab.unsupervised.train import DAYS, StructureSettings

__all__ = [
    "DAYS",
    "Returns",
    "Structure",
    "StructureSettings",
    "View",
    "join",
    "structure_of_days",
    "structure_of_rows",
]
