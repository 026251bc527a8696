"""A trained net that tells classes of images apart, and what its numbers mean."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from seqlab import training
from seqlab.checkpoint import Checkpoint
from seqlab.data.augment import Normalise
from seqlab.data.images import ImageSet
from seqlab.errors import CheckpointError, DataError
from seqlab.machine import Resolved, use_threads
from seqlab.vision.zoo import architecture

EVALUATION_BATCH = 500


@dataclass(frozen=True)
class Classifier:
    """A net and what its input and output mean: names of classes, normalisation, height and width in pixels."""

    model: nn.Module
    classes: tuple[str, ...]
    normalise: Normalise
    height: int
    width: int

    @torch.inference_mode()
    def logits(self, images: Tensor, chosen: Resolved) -> Tensor:
        """uint8 images (N, 3, H, W) -> float32 (N, classes), dropout off, norms as learnt."""
        was_training = self.model.training
        self.model.eval()
        parts = []
        with use_threads(chosen.threads), training.autocast(chosen.device, chosen.precision):
            for part in images.split(EVALUATION_BATCH):
                parts.append(self.model(self.normalise(part.to(chosen.device))).float())
        self.model.train(was_training)
        return torch.cat(parts)


def load(saved: Checkpoint) -> Classifier:
    """The classifier of a checkpoint. Raises CheckpointError if it is of another job, or damaged."""
    if saved.config["job"] != "vision":
        raise CheckpointError(
            f"checkpoint '{saved.name}' is no image classifier: its job is {saved.config['job']}",
            "see `seqlab checkpoints list` for the image classifiers",
        )
    config = saved.config
    net = architecture(config["model"]["name"]).build(config["model"]["classes"])
    net.load_state_dict(saved.weights())
    net.eval().to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    shape = config["input"]
    normalise = Normalise(shape["mean"], shape["std"])
    return Classifier(net, tuple(config["classes"]), normalise, shape["height"], shape["width"])


def check_classes(classifier: Classifier, data: ImageSet) -> None:
    """Raise DataError unless the images are of the classifier's classes."""
    if data.classes != classifier.classes:
        raise DataError(
            f"{data.name} has other classes than the checkpoint: {', '.join(data.classes)}",
            f"measure it on images of {', '.join(classifier.classes)}",
        )


def predict(classifier: Classifier, images: Tensor, chosen: Resolved) -> Tensor:
    """uint8 images (N, 3, H, W) -> probabilities (N, classes)."""
    return classifier.logits(images, chosen).softmax(1)
