"""The job of images: train a classifier on a labelled image set, measure it, and name what is in a picture."""

from seqlab.vision.classifier import Classifier, as_trained, check_classes, load, predict
from seqlab.vision.evaluate import Mistake, evaluate, worst_mistakes
from seqlab.vision.folds import folds, summary
from seqlab.vision.grad_cam import heat_maps
from seqlab.vision.train import VisionSettings, check_resumable, class_loss, describe, train
from seqlab.vision.zoo import DEFAULT_MODEL, MODELS, Architecture, architecture, check_side, size

__all__ = [
    "DEFAULT_MODEL",
    "MODELS",
    "Architecture",
    "Classifier",
    "Mistake",
    "VisionSettings",
    "architecture",
    "as_trained",
    "check_classes",
    "check_resumable",
    "check_side",
    "class_loss",
    "describe",
    "evaluate",
    "folds",
    "heat_maps",
    "load",
    "predict",
    "size",
    "summary",
    "train",
    "worst_mistakes",
]
