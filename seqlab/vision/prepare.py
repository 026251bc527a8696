"""What the training of a classifier consists of: the net, its batches, how it is optimized and validated."""

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from seqlab import training
from seqlab.data.batches import ShuffledBatches, seeded
from seqlab.data.contamination import fingerprint, image_hashes
from seqlab.data.images.augment import Augment, Normalise, growing_cost
from seqlab.data.images.image_set import ImageSet, channel_statistics
from seqlab.errors import UsageError
from seqlab.machine import Compute, DeviceConfig, keep_freed_memory, use_threads
from seqlab.models.airbench import AirbenchNet
from seqlab.runs import Prepared
from seqlab.settings import VisionSettings
from seqlab.training import Batch, State
from seqlab.training.optimizers import OPTIMIZERS
from seqlab.training.schedules import SCHEDULES
from seqlab.vision.classifier import Classifier
from seqlab.vision.device import measured_precision, record_graphs
from seqlab.vision.zoo import DEFAULT_MODEL, architecture, check_side

MEASURED = 256  # images tell how long all will take
WORST = 3  # classes that an evaluation names
WHITENED = 5000  # images are enough to know the patches of all
FEWEST_FOR_TEMPERATURE, MOST_FOR_TEMPERATURE = 100, 1000  # images


def prepare(
    data: ImageSet, settings: VisionSettings, compute: Compute, model: str | None = None
) -> tuple[Prepared, Classifier]:
    """All of a run but its length, and the classifier that its net belongs to.

    From then on the process keeps the memory that it frees (see `machine.keep_freed_memory`). Raises UsageError for an
    unknown model and for settings that do not fit the images.
    """
    name = model or DEFAULT_MODEL
    height, width = data.images.shape[2:]
    _check_settings(name, settings, data.labels, width)
    torch.manual_seed(settings.seed)
    planned = architecture(name)
    net = planned.build(len(data.classes))
    device_config = compute.resolve(training.count_parameters(net))
    net.to(device_config.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    if device_config.device.type == "cpu":
        keep_freed_memory()
    images, labels = training_part(data, settings)
    with use_threads(device_config.threads):
        mean, std = channel_statistics(images)
        classifier = Classifier(
            net, data.classes, Normalise(mean, std), height, width, settings.flip, ranges=data.ranges
        )
        if compute.precision == "auto":
            device_config = measured_precision(net, classifier.normalise, data.images, device_config)
        if isinstance(net, AirbenchNet):
            net.whiten(classifier.normalise(images[:WHITENED]))
    how = {"batch_size": settings.batch_size} if settings.optimizer == "muon" else {}
    batches = _batches(images, labels, settings, classifier.normalise, device_config.device)
    prepared = Prepared(
        net,
        partial(class_loss, label_smoothing=settings.label_smoothing),
        batches,
        OPTIMIZERS[settings.optimizer](net, settings.lr, settings.weight_decay, **how),
        replace(settings, eval_every=settings.eval_every or len(batches)),
        device_config,
        {
            "job": "vision",
            "data": describe(data),
            "learnt": fingerprint(image_hashes(images)),
            "model": {"name": name, "classes": len(data.classes)},
            "classes": list(data.classes),
            "input": {"height": height, "width": width, "mean": mean, "std": std, **_deep(data)},
        },
        _validation(classifier, data, settings, device_config) if settings.val_images else None,
        SCHEDULES[settings.schedule],
        averaging=settings.ema_decay,
        patience=settings.patience,
        epochs=planned.epochs,
        cost=partial(growing_cost, width, settings.start_side) if settings.start_side is not None else None,
        measuring=partial(_measuring, classifier, data, settings, device_config),
        on_length=partial(_set_length, net, batches, settings, device_config),
    )
    return prepared, classifier


def training_part(data: ImageSet, settings: VisionSettings) -> tuple[Tensor, Tensor]:
    """The images and labels that are trained on: all but those held out."""
    kept = len(data.images) - held_out(settings)
    return data.images[:kept], data.labels[:kept]


def held_out_part(data: ImageSet, settings: VisionSettings) -> tuple[Tensor, Tensor]:
    """The last training images and their labels: `val_images` choose the weights, `temperature_images` do not."""
    kept = len(data.images) - held_out(settings)
    return data.images[kept:], data.labels[kept:]


def held_out(settings: VisionSettings) -> int:
    """How many of the training images are not trained on."""
    return settings.val_images or settings.temperature_images


def for_temperature(images: int) -> int:
    """How many of so many training images are kept back for the temperature by default: a twentieth, at most a
    thousand; none where these are so few that a net whose probabilities are right would be made worse."""
    count = min(MOST_FOR_TEMPERATURE, images // 20)
    return count if count >= FEWEST_FOR_TEMPERATURE else 0


def in_order_of_classes(labels: Tensor) -> bool:
    """Whether images with these labels (N,) stand class by class, with so many of each that it is no chance."""
    found, counts = labels.unique_consecutive(return_counts=True)
    return 1 < len(found) == len(labels.unique()) and int(counts.min()) >= 10


def class_loss(model: nn.Module, batch: Batch, state: State, *, label_smoothing: float = 0.0) -> tuple[Tensor, State]:
    """The objective: mean cross-entropy in nats over normalised images (B, 3, H, W) and labels (B,).

    label_smoothing: the share of each label that is spread evenly over all classes (Szegedy et al. 2016).
    """
    images, labels = batch
    return F.cross_entropy(model(images).float(), labels, label_smoothing=label_smoothing), state


def describe(data: ImageSet) -> dict[str, Any]:
    """What a checkpoint notes of its images: enough to recognise them, wherever they lie."""
    return {
        "name": data.name,
        "origin": data.origin,
        "images": len(data.images),
        "test_images": len(data.test_images),
        "sha256": data.sha256,
    }


def _deep(data: ImageSet) -> dict[str, Any]:
    """What was black and white in pictures of more than 8 bits, where there were such."""
    return {"ranges": {kind: list(values) for kind, values in data.ranges.items()}} if data.ranges else {}


def _batches(
    images: Tensor, labels: Tensor, settings: VisionSettings, normalise: Normalise, device: torch.device
) -> ShuffledBatches:
    augment = Augment(
        settings.crop,
        settings.flip,
        then=normalise,
        reflect=settings.reflect,
        cutout=settings.cutout,
        mirrored=torch.rand(len(images), generator=seeded(settings.seed)).to(device) < 0.5,
    )
    return ShuffledBatches(
        images.to(device), labels.to(device), settings.batch_size, settings.seed, drop_last=True, augment=augment
    )


def _set_length(
    net: nn.Module, batches: ShuffledBatches, settings: VisionSettings, device_config: DeviceConfig, max_steps: int
) -> None:
    """Have the images grow over so many steps; where they do not, and on a GPU, a step is a CUDA graph."""
    assert isinstance(batches.augment, Augment)
    if settings.start_side is None and batches.augment.epochs != 1.0:
        return  # its length has changed, which is nothing to a graph
    batches.augment = replace(batches.augment, start_side=settings.start_side, epochs=max_steps / len(batches))
    if device_config.device.type == "cuda" and settings.start_side is None:
        record_graphs(net, next(batches.epoch(0))[0], device_config.precision)


def _measuring(
    classifier: Classifier, data: ImageSet, settings: VisionSettings, device_config: DeviceConfig, seconds: float
) -> float:
    """How long the last measurement will take, by a few images: of those held out and, if it is theirs, the test's."""
    count = held_out(settings) + (0 if settings.val_images else len(data.test_images))
    some = data.images[:MEASURED]
    start = time.perf_counter()
    classifier.plain_and_averaged(some, device_config)
    return min((time.perf_counter() - start) / len(some) * count, seconds / 2)


def _validation(
    classifier: Classifier, data: ImageSet, settings: VisionSettings, device_config: DeviceConfig
) -> Callable[[int], dict[str, Any]]:
    images, labels = held_out_part(data, settings)

    def validate(step: int) -> dict[str, Any]:
        logits = classifier.logits(images, device_config)
        truth = labels.to(logits.device)
        right = (logits.argmax(1) == truth).float()
        return {
            "val_loss": F.cross_entropy(logits, truth).item(),
            "val_top1": right.mean().item(),
            "val_worst": worst_classes(data.classes, truth, right),
        }

    return validate


def worst_classes(names: Sequence[str], truth: Tensor, right: Tensor) -> dict[str, float]:
    """The classes of which the smallest shares are right, the worst first, and these: truth and right (N,)."""
    sums = torch.zeros(len(names), device=right.device).index_add(0, truth, right).tolist()
    counts = truth.bincount(minlength=len(names)).tolist()
    shares = {name: total / count for name, total, count in zip(names, sums, counts, strict=True) if count}
    return dict(sorted(shares.items(), key=lambda one: one[1])[:WORST])


def _check_settings(name: str, settings: VisionSettings, labels: Tensor, width: int) -> None:
    count, asked = held_out(settings), "val_images" if settings.val_images else "temperature_images"
    if count >= len(labels):
        raise UsageError(
            f"{asked}={count} of {len(labels)} training images leaves none to train on",
            "choose fewer, or 0 to train on all",
        )
    if count and in_order_of_classes(labels):
        raise UsageError(
            f"{asked}={count} are the last training images, and these stand class by class",
            "shuffle the images and their labels together",
        )
    if settings.start_side is not None and settings.start_side < width:
        try:
            check_side(name, settings.start_side)
        except UsageError as problem:
            raise UsageError(
                f"start_side={settings.start_side} is too small for {name}", "choose a larger one, or none"
            ) from problem
    if settings.reflect and settings.crop >= width:
        raise UsageError(
            f"crop={settings.crop} around images of {width} pixels has nothing to reflect",
            f"choose less than {width}, or --set reflect=false",
        )
