"""A trained classifier of images: its net, and what the net's input and output mean."""

from dataclasses import dataclass, field, replace
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from seqlab import training
from seqlab.checkpoint import Checkpoint, rebuilt
from seqlab.checkpoint.nets import net_of
from seqlab.data.images.augment import Normalise
from seqlab.data.images.depth import Ranges
from seqlab.data.images.image_set import ImageSet
from seqlab.errors import CheckpointError, DataError
from seqlab.machine import Compute, DeviceConfig, use_threads
from seqlab.vision.zoo import architecture

# What a temperature is from: training images kept back for it alone, images that chose the weights too, test images
# (by earlier versions), or nothing: then it is 1.
FittedOn = Literal["kept_back", "validation", "test", "nothing"]
ENTRIES = {
    "model.name": str,
    "model.classes": int,
    "classes": list,
    "input.height": int,
    "input.width": int,
    "settings.flip": bool,
    "environment.device": str,
    "environment.precision": str,
    "data.name": str,
    "data.sha256": str,
    "learnt?": str,
    "metrics.calibration.temperature?": float,
    "metrics.calibration.temperature_views?": float,
}
EVALUATION_PIXELS = 500 * 32 * 32  # in a batch of the net: its maps are a hundred times as large


def evaluation_batch(images: Tensor) -> int:
    """How many of the images (N, C, H, W) a net is given at a time."""
    return max(1, EVALUATION_PIXELS // (images.shape[-2] * images.shape[-1]))


@dataclass(frozen=True)
class Classifier:
    """A net and what its input and output mean: names of classes, normalisation, height and width in pixels.

    mirrors: whether it was trained on mirrored images too, so that a mirrored one is a view of the same class.
    temperature, temperature_views: what `predict` divides plain and averaged logits by; fitted_on: what they are from,
    see FittedOn. ranges: what was black and white in pictures of more than 8 bits that were trained on.
    """

    model: nn.Module
    classes: tuple[str, ...]
    normalise: Normalise
    height: int
    width: int
    mirrors: bool = True
    temperature: float = 1.0
    temperature_views: float = 1.0
    fitted_on: FittedOn = "nothing"
    ranges: Ranges = field(default_factory=dict)

    def logits(self, images: Tensor, device_config: DeviceConfig, *, average_views: bool = False) -> Tensor:
        """uint8 images (N, 3, H, W) -> float32 (N, classes), dropout off, norms as learned.

        average_views: the weighted mean over the test-time `views` of each image, at six (three) times the cost.
        """
        return self._logits(images, device_config, average_views)[-1]

    def plain_and_averaged(self, images: Tensor, device_config: DeviceConfig) -> tuple[Tensor, Tensor]:
        """`logits` of the images as they are, and averaged over their views, for the price of the second."""
        plain, averaged = self._logits(images, device_config, True)
        return plain, averaged

    @torch.inference_mode()
    def _logits(self, images: Tensor, device_config: DeviceConfig, with_views: bool) -> Tensor:
        was_training = self.model.training
        self.model.eval()
        parts = []
        with use_threads(device_config.threads), training.autocast(device_config.device, device_config.precision):
            for part in images.split(evaluation_batch(images)):
                normalised = self.normalise(part.to(device_config.device))
                plain = self.model(normalised).float()  # (B, classes)
                found = [plain]
                if with_views:
                    (weight, _), *others = views(normalised, self.mirrors)
                    means = [weight * plain, *(share * self.model(view).float() for share, view in others)]
                    found.append(torch.stack(means).sum(0))
                parts.append(torch.stack(found))
        self.model.train(was_training)
        return torch.cat(parts, 1)  # (1 or 2, N, classes)


def views(images: Tensor, mirrors: bool) -> list[tuple[float, Tensor]]:
    """The test-time views of images (B, C, H, W), each with its weight; the weights sum to one.

    The image itself, which comes first, has half of the weight; the image shifted by one pixel down and right, and up
    and left, its edge reflected, share the other half. With `mirrors` each gives half of its weight to its mirror
    image. As in Jordan 2024, "94% on CIFAR-10 in 3.29 seconds on a single GPU" (airbench, `tta_level` 2).
    """
    height, width = images.shape[2:]
    padded = F.pad(images, (1, 1, 1, 1), mode="reflect")
    found = [(0.5, images), (0.25, padded[:, :, :height, :width]), (0.25, padded[:, :, 2:, 2:])]
    if mirrors:
        found = [(weight / 2, view) for weight, one in found for view in (one, one.flip(3))]
    return found


def load(saved: Checkpoint) -> Classifier:
    """The classifier of a checkpoint. Raises CheckpointError if it is of another job, or damaged."""
    if saved.config["job"] != "vision":
        raise CheckpointError(
            f"checkpoint '{saved.name}' is no image classifier: its job is {saved.config['job']}",
            "see `seqlab checkpoints list` for the image classifiers",
        )
    return rebuilt(saved, _load, ENTRIES)


def _load(saved: Checkpoint) -> Classifier:
    config = saved.config
    net = net_of(saved, lambda: architecture(config["model"]["name"]).build(config["model"]["classes"]))
    if len(config["classes"]) != config["model"]["classes"] or not all(isinstance(c, str) for c in config["classes"]):
        raise ValueError("it has other names than classes")
    net.eval().to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    shape = config["input"]
    normalise = Normalise(shape["mean"], shape["std"])
    fitted = config.get("metrics", {}).get("calibration", {})  # none before the training's end, or in older ones
    return Classifier(
        net,
        tuple(config["classes"]),
        normalise,
        shape["height"],
        shape["width"],
        config["settings"]["flip"],
        fitted.get("temperature", 1.0),
        fitted.get("temperature_views", 1.0),
        fitted.get("fitted_on", "nothing"),
        {kind: (black, white) for kind, (black, white) in shape.get("ranges", {}).items()},
    )


def as_trained(saved: Checkpoint, compute: Compute) -> DeviceConfig:
    """What a classifier computes with: in fp32 where its training found bf16 slower on such a device."""
    device_config = compute.resolve(saved.config["parameters"])
    trained = saved.config["environment"]
    same = torch.device(trained["device"]).type == device_config.device.type
    if compute.precision == "auto" and same and trained["precision"] == "fp32":
        device_config = replace(device_config, precision=torch.float32)
    return device_config


def check_classes(classifier: Classifier, data: ImageSet) -> None:
    """Raise DataError unless the images are of the classifier's classes."""
    if data.classes != classifier.classes:
        raise DataError(
            f"{data.name} has other classes than the checkpoint: {', '.join(data.classes)}",
            f"measure it on images of {', '.join(classifier.classes)}",
        )


def predict(
    classifier: Classifier, images: Tensor, device_config: DeviceConfig, *, average_views: bool = False
) -> Tensor:
    """uint8 images (N, 3, H, W) -> probabilities (N, classes), at the classifier's temperature."""
    temperature = classifier.temperature_views if average_views else classifier.temperature
    return (classifier.logits(images, device_config, average_views=average_views) / temperature).softmax(1)
