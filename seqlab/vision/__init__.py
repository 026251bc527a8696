"""The job of images: train a classifier on a labelled image set, evaluate it, and predict what is in a picture."""

from seqlab.vision.classifier import Classifier, as_trained, check_classes, load, predict
from seqlab.vision.evaluate import Mistake, evaluate, worst_mistakes
from seqlab.vision.folds import FoldedImages, folds, summary
from seqlab.vision.grad_cam import heat_maps
from seqlab.vision.image_model import ImageEvaluation, ImageModel
from seqlab.vision.prepare import class_loss, describe, prepare
from seqlab.vision.results import HeatMap, HeatMaps, ImagePrediction, ImagePredictions
from seqlab.vision.train import check_resumable, cross_validate, train
from seqlab.vision.zoo import DEFAULT_MODEL, MODELS, Architecture, architecture, check_side, listing, size

__all__ = [
    "DEFAULT_MODEL",
    "MODELS",
    "Architecture",
    "Classifier",
    "FoldedImages",
    "HeatMap",
    "HeatMaps",
    "ImageEvaluation",
    "ImageModel",
    "ImagePrediction",
    "ImagePredictions",
    "Mistake",
    "architecture",
    "as_trained",
    "check_classes",
    "check_resumable",
    "check_side",
    "class_loss",
    "cross_validate",
    "describe",
    "evaluate",
    "folds",
    "heat_maps",
    "listing",
    "load",
    "predict",
    "prepare",
    "size",
    "summary",
    "train",
    "worst_mistakes",
]
