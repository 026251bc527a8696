"""The job of images: train a classifier on a labelled image set, measure it, and name what is in a picture."""

from seqlab.vision.classifier import Classifier, check_classes, load, predict
from seqlab.vision.fitting import VisionSettings, class_loss, describe, train
from seqlab.vision.measuring import evaluate
from seqlab.vision.zoo import DEFAULT_MODEL, MODELS, Architecture, architecture, check_side, size

__all__ = [
    "DEFAULT_MODEL",
    "MODELS",
    "Architecture",
    "Classifier",
    "VisionSettings",
    "architecture",
    "check_classes",
    "check_side",
    "class_loss",
    "describe",
    "evaluate",
    "load",
    "predict",
    "size",
    "train",
]
