"""The job of images: train a classifier on a labelled image set, measure it, and name what is in a picture."""

from collections.abc import Callable, Generator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from seqlab import runs, training
from seqlab.checkpoint import Checkpoint
from seqlab.data.batches import ShuffledBatches
from seqlab.data.images import Augment, ImageSet, Normalise, channel_statistics
from seqlab.errors import CheckpointError, DataError, UsageError, did_you_mean
from seqlab.machine import Compute, Resolved, use_threads
from seqlab.models.lenet import LeNet5
from seqlab.models.resnet import ResNet
from seqlab.training import Batch, Progress, State

DEFAULT_MODEL = "resnet20"
DEFAULT_EPOCHS = 20.0
OPTIMIZERS = {"adamw": training.adamw, "sgd": training.sgd}
EVALUATION_BATCH = 500


@dataclass(kw_only=True)
class VisionSettings(training.Settings):
    """The training of an image classifier; each model has defaults of its own, see MODELS."""

    optimizer: str = "sgd"  # or adamw
    batch_size: int = 128
    lr: float = 0.2
    weight_decay: float = 5e-4
    warmup_steps: int = 400  # at most a tenth of the run
    clip_norm: float | None = 5.0  # a guard: a healthy gradient stays below it
    crop: int = 4  # pixels of padding for the random crop; 0: none
    flip: bool = True
    val_images: int = 0  # the last so many training images choose the weights; 0: all train, the last stay

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.optimizer not in OPTIMIZERS:
            raise UsageError(f"setting 'optimizer' is '{self.optimizer}'", did_you_mean(self.optimizer, OPTIMIZERS))
        training.require(self, "0 or more", lambda value: value >= 0, "crop", "val_images")


@dataclass(frozen=True)
class Architecture:
    """How a net for 32x32 images is built for a number of classes, whose it is, and the settings it trains with."""

    build: Callable[[int], nn.Module]
    paper: str
    defaults: dict[str, Any]


MODELS = {
    "lenet5": Architecture(LeNet5, "LeCun et al. 1998", {"lr": 0.05, "crop": 0}),
    "resnet20": Architecture(partial(ResNet, 20), "He et al. 2016", {}),
}


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


def architecture(name: str) -> Architecture:
    """The entry of MODELS. Raises UsageError, with the closest name, where there is none."""
    if name not in MODELS:
        raise UsageError(f"there is no model '{name}'", did_you_mean(name, MODELS))
    return MODELS[name]


def class_loss(model: nn.Module, batch: Batch, state: State) -> tuple[Tensor, State]:
    """The objective: mean cross-entropy in nats over normalised images (B, 3, H, W) and labels (B,)."""
    images, labels = batch
    return F.cross_entropy(model(images).float(), labels), state


def train(
    data: ImageSet,
    folder: Path,
    settings: VisionSettings,
    *,
    model: str | None = None,
    compute: Compute = Compute(),
    minutes: float | None = None,
    epochs: float | None = None,
    resume: bool = False,
    command: str = "",
    stop: Callable[[], bool] = lambda: False,
) -> Generator[Progress, None, Checkpoint | None]:
    """Train one of MODELS on all training images, keep the last weights, measure the test images once, at the end.

    With `settings.val_images` the last so many training images are held out instead and choose among the
    weights. A generator of the run's progress that returns the finished checkpoint, or None if `stop()` ended
    it early. How long: `settings.max_steps`, else `epochs` (by default 20), else `minutes` of training as
    measured on this machine. `resume` continues what is in `folder` with the model and settings saved there.
    Raises UsageError for an unknown model, DataError for too few images and CheckpointError if the folder
    holds something else.
    """
    saved = None
    if resume:
        saved, settings, compute = runs.reopen(folder, "vision", VisionSettings)
        _check_resumable(saved, data, model)
        model = saved.config["model"]["name"]
    name = model or DEFAULT_MODEL
    if settings.val_images >= len(data.images):
        raise UsageError(
            f"val_images={settings.val_images} of {len(data.images)} training images leaves none to train on",
            "choose fewer, or 0 to train on all",
        )
    torch.manual_seed(settings.seed)
    net = architecture(name).build(len(data.classes))
    chosen = compute.resolve(training.count_parameters(net))
    net.to(chosen.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    kept = len(data.images) - settings.val_images
    height, width = data.images.shape[2:]
    with use_threads(chosen.threads):
        mean, std = channel_statistics(data.images[:kept])
        classifier = Classifier(net, data.classes, Normalise(mean, std), height, width)
        batches = ShuffledBatches(
            data.images[:kept].to(chosen.device),
            data.labels[:kept].to(chosen.device),
            settings.batch_size,
            settings.seed,
            drop_last=True,
            augment=Augment(settings.crop, settings.flip, then=classifier.normalise),
        )
        run = training.Run(
            net,
            class_loss,
            batches,
            OPTIMIZERS[settings.optimizer](net, settings.lr, settings.weight_decay),
            learning_rate=lambda step: settings.lr,
            max_steps=0,
            clip_norm=settings.clip_norm,
            precision=chosen.precision,
        )

        def validate() -> dict[str, float]:
            logits = classifier.logits(data.images[kept:], chosen)
            truth = data.labels[kept:].to(logits.device)
            top1 = (logits.argmax(1) == truth).double().mean()
            return {"val_loss": F.cross_entropy(logits, truth).item(), "val_top1": top1.item()}

        chooses = validate if settings.val_images else None
        if epochs is None and minutes is None:
            epochs = DEFAULT_EPOCHS
        settings.max_steps = training.choose_max_steps(
            run, settings.max_steps, epochs=epochs, minutes=minutes, validate=chooses
        )
        settings.eval_every = settings.eval_every or len(batches)
        config = {
            "job": "vision",
            "command": command,
            "data": describe(data),
            "model": {"name": name, "classes": len(data.classes)},
            "classes": list(data.classes),
            "input": {"height": height, "width": width, "mean": mean, "std": std},
            "environment": chosen.record(),
        }
        keeper = yield from runs.conduct(run, folder, settings, config, saved, validate=chooses, stop=stop)
        if keeper is None:
            return None
        return keeper.finish(evaluate(classifier, data.test_images, data.test_labels, chosen))


def describe(data: ImageSet) -> dict[str, Any]:
    """What a checkpoint notes of its images: enough to know them again, and no path."""
    return {
        "name": data.name,
        "origin": data.origin,
        "images": len(data.images),
        "test_images": len(data.test_images),
        "sha256": data.sha256,
    }


def evaluate(classifier: Classifier, images: Tensor, labels: Tensor, chosen: Resolved) -> dict[str, Any]:
    """The share of images (N, 3, H, W) whose class comes first, and is among the first five.

    per_class: the share of each class's images that are recognised, None where it has none. confusion:
    counts, a row for each true class, a column for each predicted one.
    """
    logits = classifier.logits(images, chosen).cpu()
    count = len(classifier.classes)
    predicted = logits.argmax(1)
    ranked = logits.topk(min(5, count)).indices  # (N, 5)
    confusion = (labels * count + predicted).bincount(minlength=count * count).view(count, count)
    per_class = [int(row[index]) / int(row.sum()) if row.sum() else None for index, row in enumerate(confusion)]
    return {
        "top1": (predicted == labels).double().mean().item(),
        "top5": (ranked == labels[:, None]).any(1).double().mean().item(),
        "per_class": dict(zip(classifier.classes, per_class, strict=True)),
        "confusion": confusion.tolist(),
        "images": len(images),
    }


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


def _check_resumable(saved: Checkpoint, data: ImageSet, model: str | None) -> None:
    if model is not None and model != saved.config["model"]["name"]:
        raise CheckpointError(
            f"{saved.folder} holds a {saved.config['model']['name']}, not a {model}",
            "resume without --model, or train elsewhere with -o FOLDER",
        )
    if saved.config["data"]["sha256"] != data.sha256:
        raise CheckpointError(
            f"{saved.folder} was trained on other images than this '{data.name}'",
            "resume with the images it was trained on, or write elsewhere with -o FOLDER",
        )
