"""How an image classifier is trained, once or a net for each fold, and kept in a folder."""

import re
from collections.abc import Generator
from dataclasses import replace
from pathlib import Path
from typing import Any

from torch import Tensor

from seqlab import checkpoint, runs, training
from seqlab import settings as all_settings
from seqlab.checkpoint import Checkpoint
from seqlab.checkpoint.schema import require
from seqlab.data.images.folder import PIXELS
from seqlab.data.images.image_set import ImageSet
from seqlab.data.images.sets import READERS, load_images, set_name
from seqlab.errors import CheckpointError, UsageError
from seqlab.machine import DeviceConfig, use_threads
from seqlab.runs import RunOptions
from seqlab.settings import VisionSettings
from seqlab.tasks import Event, Note, Status
from seqlab.vision.classifier import Classifier, FittedOn
from seqlab.vision.evaluate import calibrated, evaluate
from seqlab.vision.folds import FoldedImages, folds, summary
from seqlab.vision.prepare import for_temperature, held_out_part, in_order_of_classes, prepare
from seqlab.vision.zoo import DEFAULT_MODEL, architecture, check_side

FIRST_FOLD = "fold-1"
# A few pictures are no batch of a thousand; but a step costs much whatever its batch, and few passes are few steps.
FEWEST_BATCHES, FEWEST_IMAGES, FEWEST_STEPS = 20, 16, 200  # of an epoch, of a batch, of a run


def train_cnn(
    source: str | Path | ImageSet,
    options: RunOptions,
    given: dict[str, Any],
    *,
    model: str | None = None,
    folds: int | None = None,
    size: int | None = None,
    data_dir: Path | None = None,
    offline: bool = False,
) -> Generator[Event, None, Any]:
    """Train on a published set, a folder of images or an ImageSet, with what was `given` of the settings.

    The rest are the model's defaults; digits are not mirrored, and a small set has smaller batches. The images of a
    folder are `size` pixels a side, by default the model's. With `folds` it is `cross_validate`, which returns a
    FoldedImages, else `train`, which returns a Checkpoint.
    """
    planned = architecture(model or DEFAULT_MODEL)
    defaults = dict(planned.defaults)
    if (source.name if isinstance(source, ImageSet) else str(source)) == "mnist":
        defaults["flip"] = False  # a mirrored 2 is none
    settings = all_settings.make(VisionSettings, given, **defaults)
    name = source.name if isinstance(source, ImageSet) else set_name(str(source))
    name += f"-{model}" if model is not None else ""
    name += f"-{folds}-folds" if folds is not None else ""
    options = yield from runs.target_folder(options, name, given, FIRST_FOLD if folds is not None else "")
    data = yield from _loaded(source, model or DEFAULT_MODEL, size, data_dir, offline)
    yield from _about(data)
    if data.origin == "folder" and not isinstance(source, ImageSet):
        options = replace(options, source=checkpoint.source_of(str(source)))
    if "batch_size" not in given:
        trained = (len(data.images) - settings.val_images) * (1 if folds is None else 1 - 1 / max(2, folds))
        settings = replace(settings, batch_size=_batch_of(len(data.images), int(trained), settings.batch_size))
        if settings.max_steps is None and options.epochs is None and options.minutes is None and not options.resume:
            passes = FEWEST_STEPS / max(1, int(trained) // settings.batch_size)
            options = replace(options, epochs=max(planned.epochs, passes))
    if "temperature_images" not in given and not settings.val_images and not options.resume:
        settings = replace(settings, temperature_images=(yield from _kept_back(data.labels)))
    if folds is None:
        return (yield from train(data, settings, options, model=model))
    return (yield from cross_validate(data, settings, options, folds, model=model))


def train(
    data: ImageSet, settings: VisionSettings, options: RunOptions, *, model: str | None = None, is_fold: bool = False
) -> Generator[Event, None, Checkpoint | None]:
    """Train one of MODELS, keep the last weights, evaluate on the test images once, at the end.

    The last `settings.temperature_images` training images are not trained on, and the temperature is fitted on them.
    With `settings.val_images` the weights that are best on the last so many training images are kept, the temperature
    is fitted on these, and the figures are of them: the test images are not looked at, unless `data` is a fold
    (`is_fold`), whose test images are training images too. A generator of the run's progress that returns the finished
    checkpoint, or None if it was stopped early. Length: `settings.max_steps`, else as the options say, else the epochs
    of the model in MODELS. A resumed run has the model and the settings that were saved. Raises UsageError for an
    unknown model, DataError for too few images and CheckpointError if the folder holds something else.
    """
    saved, compute = None, options.compute
    if options.resume:
        assert options.folder is not None
        saved, settings, compute = runs.reopen(options.folder, "vision", VisionSettings)
        check_resumable(saved, data, model)
        model = saved.config["model"]["name"]
    yield Status("building the net, and measuring what this machine computes faster with")
    prepared, classifier = prepare(data, settings, compute, model)
    size = training.count_parameters(prepared.model)
    yield Note(f"{prepared.config['model']['name']}, {size:,} parameters; batches of {settings.batch_size:,} images")
    with use_threads(prepared.device_config.threads):
        keeper = yield from runs.run(prepared, options, saved)
        if keeper is None:
            return None
        yield Status("measuring on images that were held out")
        return keeper.finish(_measured(classifier, data, settings, prepared.device_config, is_fold))


def _measured(
    classifier: Classifier, data: ImageSet, settings: VisionSettings, device_config: DeviceConfig, is_fold: bool
) -> dict[str, Any]:
    """The metrics of a run, as its checkpoint keeps them, with the temperature that `predict` goes by."""
    images, labels = held_out_part(data, settings)
    if len(images):
        fitted_on: FittedOn = "validation" if settings.val_images else "kept_back"
        classifier = calibrated(classifier, images, labels, device_config, fitted_on)
    if settings.val_images and not is_fold:
        return {"split": "validation", **evaluate(classifier, images, labels, device_config, fitted_here=True)}
    return {"split": "test", **evaluate(classifier, data.test_images, data.test_labels, device_config)}


def cross_validate(
    data: ImageSet, settings: VisionSettings, options: RunOptions, count: int, *, model: str | None = None
) -> Generator[Event, None, FoldedImages | None]:
    """Train a net for each of `count` parts of the training images, which it is evaluated on, in a folder of its own.

    A generator of the runs' progress that returns the figures of all, or None if it was stopped early. All nets train
    as many steps as the first. A resumed one goes on where it was. Raises as `folds` and `train` do.
    """
    assert options.folder is not None
    lock = checkpoint.Lock(options.folder)  # of all folds: a second run would remove those that are done
    try:
        return (yield from _cross_validate(data, settings, options, count, model, options.folder))
    finally:
        lock.release()


def _cross_validate(
    data: ImageSet, settings: VisionSettings, options: RunOptions, count: int, model: str | None, folder: Path
) -> Generator[Event, None, FoldedImages | None]:
    if options.resume:  # the folds that have not begun follow the first
        begun, settings, compute = runs.reopen(folder / FIRST_FOLD, "vision", VisionSettings)
        check_resumable(begun, next(folds(data, count, settings.seed)), model)
        model = begun.config["model"]["name"]
        options = replace(options, compute=compute, epochs=None, minutes=None)
    else:
        next(folds(data, count, settings.seed))  # what cannot be divided so is refused before anything goes
        _remove_folds(folder)
    metrics = []
    for number, part in enumerate(folds(data, count, settings.seed), 1):
        here = folder / f"fold-{number}"
        resume = options.resume and (here / "config.json").exists()
        done: Checkpoint | None = checkpoint.load(here) if resume else None
        if done is not None:
            check_resumable(done, part, None)
        if done is None or "metrics" not in done.config:
            yield Note(f"fold {number} of {count}: {len(part.images):,} train, the others are held out")
            done = yield from train(
                part, settings, replace(options, folder=here, resume=resume), model=model, is_fold=True
            )
        if done is None:
            return None
        settings = all_settings.saved(VisionSettings, done.config)  # its length, which was measured or counted
        options = replace(options, epochs=None, minutes=None)
        metrics.append(done.config["metrics"])
    return FoldedImages(folder, summary(metrics))


def check_resumable(saved: Checkpoint, data: ImageSet, model: str | None) -> None:
    """Raise CheckpointError unless the run saved is of that model (None: any) and these images."""
    require(saved.config, {"model.name": str, "data.sha256": str}, saved.folder / "config.json")
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


def _loaded(
    source: str | Path | ImageSet, model: str, size: int | None, data_dir: Path | None, offline: bool
) -> Generator[Event, None, ImageSet]:
    """The images of a source, of a size that the model is for."""
    if isinstance(source, ImageSet):
        if size is not None or data_dir is not None:
            raise UsageError("size and data_dir say how images are read, and these are", "leave them out")
        check_side(model, source.images.shape[3])
        return source
    if size is None and str(source) not in READERS:
        size = architecture(model).side
    check_side(model, size or PIXELS)
    return (yield from load_images(str(source), offline=offline, data_dir=data_dir, size=size))


def _batch_of(images: int, trained: int, largest: int) -> int:
    """The images of a batch where nobody says it, of which `trained` train: a small set has smaller batches."""
    fewest = max(2, min(FEWEST_IMAGES, trained // 2))
    return min(largest, max(fewest, images // FEWEST_BATCHES))


def _about(data: ImageSet) -> Generator[Note, None, None]:
    yield Note(
        f"{data.name}: {len(data.images):,} training and {len(data.test_images):,} test images of "
        f"{len(data.classes)} classes, from {data.origin}"
    )
    if data.drawn:
        yield Note("  no test part is given: a fifth of each class was held out, by the sha256 of the files' bytes")
    for note in data.notes:
        yield Note(f"  {note}")


def _kept_back(labels: Tensor) -> Generator[Note, None, int]:
    """How many of the last training images, which have these labels, the temperature is fitted on by default."""
    count = for_temperature(len(labels))
    if count and in_order_of_classes(labels):
        yield Note("  no temperature: the training images stand class by class, so the last ones are no sample of them")
        return 0
    if count:
        yield Note(f"  the last {count:,} training images do not train: the temperature is fitted on them")
    return count


def _remove_folds(folder: Path) -> None:
    """Remove the nets of an older run that is replaced, which would be taken for folds of this one."""
    for old in folder.glob("fold-*/config.json"):
        if not re.fullmatch(r"fold-\d+", old.parent.name):
            continue
        try:
            saved = checkpoint.load(old.parent)
        except CheckpointError:
            continue
        if saved.config["job"] == "vision":
            checkpoint.remove(saved)
