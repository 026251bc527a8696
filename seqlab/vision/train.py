"""Training a classifier on an image set, kept in a folder."""

import copy
import time
import warnings
from collections.abc import Callable, Generator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from seqlab import runs, training
from seqlab.checkpoint import Checkpoint
from seqlab.data.batches import ShuffledBatches, seeded
from seqlab.data.contamination import image_hashes, sketch
from seqlab.data.images.augment import SMALLEST_SIDE, Augment, Normalise, growing_work
from seqlab.data.images.image_set import ImageSet, channel_statistics
from seqlab.errors import CheckpointError, UsageError, did_you_mean
from seqlab.machine import Compute, keep_freed_memory, use_threads
from seqlab.models.airbench import FastNet
from seqlab.training import Batch, Progress, State
from seqlab.training.optimizers import OPTIMIZERS
from seqlab.training.schedules import SCHEDULES
from seqlab.vision.classifier import Classifier
from seqlab.vision.evaluate import calibrated, evaluate
from seqlab.vision.zoo import DEFAULT_MODEL, architecture, check_side

PROBED = 32  # images tell which precision is quicker
WHITENED = 5000  # images are enough to know the patches of all


@dataclass(kw_only=True)
class VisionSettings(training.Settings):
    """The training of an image classifier; each model has defaults of its own, see MODELS."""

    optimizer: str = "sgd"  # or adamw, muon
    schedule: str = "cosine"  # or one_cycle, staircase
    batch_size: int = 128
    lr: float = 0.2
    weight_decay: float = 5e-4
    warmup_steps: int = 400  # at most a tenth of the run, half of it in one_cycle
    clip_norm: float | None = 5.0  # a guard: a healthy gradient stays below it
    label_smoothing: float = 0.0  # the share of a label that is spread over all classes
    ema_decay: float = 0.0  # what the average of the weights keeps at each step; 0: no average
    crop: int = 4  # pixels around the image for the random crop; 0: none
    reflect: bool = False  # those pixels are the image mirrored at its edge, not black
    flip: bool = True
    cutout: int = 0  # the side of a black square in pixels; 0: none
    start_side: int | None = None  # pixels a side of the first images, which then grow; None: full size throughout
    val_images: int = 0  # the last so many training images choose the weights; 0: all train, the last stay
    patience: int | None = None  # evaluations without a lower val_loss that end the run; None: it goes to its end

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.optimizer not in OPTIMIZERS:
            raise UsageError(f"setting 'optimizer' is '{self.optimizer}'", did_you_mean(self.optimizer, OPTIMIZERS))
        if self.schedule not in SCHEDULES:
            raise UsageError(f"setting 'schedule' is '{self.schedule}'", did_you_mean(self.schedule, SCHEDULES))
        training.require(self, "0 or more", lambda value: value >= 0, "crop", "cutout", "val_images")
        training.require(self, "from 0 to below 1", lambda value: 0 <= value < 1, "label_smoothing", "ema_decay")
        training.require(
            self,
            f"{SMALLEST_SIDE} or more, or none",
            lambda value: value is None or value >= SMALLEST_SIDE,
            "start_side",
        )
        training.require(self, "1 or more, or none", lambda value: value is None or value >= 1, "patience")
        if self.patience is not None and not self.val_images:
            raise UsageError(
                "patience says when to stop by the images held out, and none are",
                "hold some out: --set val_images=5000",
            )


def class_loss(model: nn.Module, batch: Batch, state: State, *, label_smoothing: float = 0.0) -> tuple[Tensor, State]:
    """The objective: mean cross-entropy in nats over normalised images (B, 3, H, W) and labels (B,).

    label_smoothing: the share of each label that is spread evenly over all classes (Szegedy et al. 2016).
    """
    images, labels = batch
    return F.cross_entropy(model(images).float(), labels, label_smoothing=label_smoothing), state


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
    it early. How long: `settings.max_steps`, else `epochs`, else `minutes` of training as measured on this
    machine, else the epochs of the model in MODELS. From then on the process keeps the memory that it frees (see
    `machine.keep_freed_memory`). `resume` continues what is in `folder` with the model and
    settings saved there. Raises UsageError for an unknown model, DataError for too few images and CheckpointError
    if the folder holds something else.
    """
    saved = None
    if resume:
        saved, settings, compute = runs.reopen(folder, "vision", VisionSettings)
        check_resumable(saved, data, model)
        model = saved.config["model"]["name"]
    name = model or DEFAULT_MODEL
    if settings.val_images >= len(data.images):
        raise UsageError(
            f"val_images={settings.val_images} of {len(data.images)} training images leaves none to train on",
            "choose fewer, or 0 to train on all",
        )
    height, width = data.images.shape[2:]
    _check_sides(name, settings, width)
    torch.manual_seed(settings.seed)
    planned = architecture(name)
    net = planned.build(len(data.classes))
    chosen = compute.resolve(training.count_parameters(net))
    net.to(chosen.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    if chosen.device.type == "cpu":
        keep_freed_memory()
    kept = len(data.images) - settings.val_images
    with use_threads(chosen.threads):
        mean, std = channel_statistics(data.images[:kept])
        classifier = Classifier(net, data.classes, Normalise(mean, std), height, width, settings.flip)
        if compute.precision == "auto" and chosen.precision != torch.float32 and chosen.device.type == "cpu":
            sample = classifier.normalise(data.images[:PROBED])
            chosen = replace(chosen, precision=quicker_precision(net, sample, chosen.precision))
        if isinstance(net, FastNet):
            net.whiten(classifier.normalise(data.images[:kept][:WHITENED]))
        augment = Augment(
            settings.crop,
            settings.flip,
            then=classifier.normalise,
            reflect=settings.reflect,
            cutout=settings.cutout,
            mirrored=torch.rand(kept, generator=seeded(settings.seed)).to(chosen.device) < 0.5,
        )
        how = {"batch_size": settings.batch_size} if settings.optimizer == "muon" else {}
        optimizer = OPTIMIZERS[settings.optimizer](net, settings.lr, settings.weight_decay, **how)
        batches = ShuffledBatches(
            data.images[:kept].to(chosen.device),
            data.labels[:kept].to(chosen.device),
            settings.batch_size,
            settings.seed,
            drop_last=True,
            augment=augment,
        )
        run = training.Run(
            net,
            partial(class_loss, label_smoothing=settings.label_smoothing),
            batches,
            optimizer,
            learning_rate=lambda step: settings.lr,
            max_steps=0,
            clip_norm=settings.clip_norm,
            precision=chosen.precision,
            averaging=settings.ema_decay,
        )

        def validate() -> dict[str, float]:
            logits = classifier.logits(data.images[kept:], chosen)
            truth = data.labels[kept:].to(logits.device)
            top1 = (logits.argmax(1) == truth).float().mean()
            return {"val_loss": F.cross_entropy(logits, truth).item(), "val_top1": top1.item()}

        chooses = validate if settings.val_images else None
        if epochs is None and minutes is None:
            epochs = planned.epochs
        if minutes is not None:
            minutes /= growing_work(width, settings.start_side)  # the steps that are timed have full images
        settings.max_steps = training.choose_max_steps(
            run, settings.max_steps, epochs=epochs, minutes=minutes, validate=chooses
        )
        batches.augment = replace(augment, start_side=settings.start_side, epochs=settings.max_steps / len(batches))
        settings.eval_every = settings.eval_every or len(batches)
        if chosen.device.type == "cuda" and settings.start_side is None:
            record_graphs(net, next(batches.epoch(0))[0], chosen.precision)
        config = {
            "job": "vision",
            "command": command,
            "data": describe(data),
            "learnt": sketch(image_hashes(data.images[:kept])),
            "model": {"name": name, "classes": len(data.classes)},
            "classes": list(data.classes),
            "input": {"height": height, "width": width, "mean": mean, "std": std},
            "environment": chosen.record(),
        }
        keeper = yield from runs.conduct(
            run,
            folder,
            settings,
            config,
            saved,
            schedule=SCHEDULES[settings.schedule],
            validate=chooses,
            patience=settings.patience,
            stop=stop,
        )
        if keeper is None:
            return None
        if settings.val_images:
            classifier = calibrated(classifier, data.images[kept:], data.labels[kept:], chosen)
        return keeper.finish(evaluate(classifier, data.test_images, data.test_labels, chosen))


def quicker_precision(net: nn.Module, images: Tensor, precision: torch.dtype) -> torch.dtype:
    """`precision`, or float32 where a step of a copy of the net on the images (N, 3, H, W) takes half as long in it.

    A processor may multiply bf16 in hardware and a build's convolutions be many times slower in it all the same. That
    is what is looked for, in seconds of the processor's own time and not of the clock's: a difference that other
    work on the machine can make would have a repeated run compute otherwise.
    """
    net = copy.deepcopy(net)

    def seconds(dtype: torch.dtype) -> float:
        times = []
        for _ in range(5):
            start = time.process_time()
            with training.autocast(images.device, dtype):
                loss = net(images).float().sum()
            loss.backward()
            times.append(time.process_time() - start)
        return min(times[1:])  # the first prepares

    with torch.random.fork_rng(devices=[]), use_threads(1):
        return precision if seconds(precision) < 2 * seconds(torch.float32) else torch.float32


def record_graphs(net: nn.Module, images: Tensor, precision: torch.dtype) -> None:
    """Have the net train on batches of exactly this shape, on a GPU, by CUDA graphs of its two passes.

    A step of a small net then waits for the GPU, and no longer for Python to start its hundreds of kernels. The net's
    weights and statistics stay as they were; in evaluation it runs as ever.
    """
    # PyTorch's own: its recorded passes keep the nodes alive that it then wonders about
    warnings.filterwarnings("ignore", "The AccumulateGrad node's stream does not match")
    before = copy.deepcopy(net.state_dict())
    with training.autocast(images.device, precision):
        torch.set_autocast_cache_enabled(False)  # weights rounded outside of the graph would stay as they were
        torch.cuda.make_graphed_callables(net, (images,))
    net.load_state_dict(before)


def describe(data: ImageSet) -> dict[str, Any]:
    """What a checkpoint notes of its images: enough to know them again, and no path."""
    return {
        "name": data.name,
        "origin": data.origin,
        "images": len(data.images),
        "test_images": len(data.test_images),
        "sha256": data.sha256,
    }


def _check_sides(name: str, settings: VisionSettings, width: int) -> None:
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


def check_resumable(saved: Checkpoint, data: ImageSet, model: str | None) -> None:
    """Raise CheckpointError unless the run saved is of that model (None: any) and these images."""
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
