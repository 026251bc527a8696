"""A trained image classifier as a library user holds it: it predicts, is evaluated, and shows what it goes by."""

from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from seqlab.checkpoint import Checkpoint, source_at
from seqlab.data.contamination import CHANCE, contamination, image_hashes
from seqlab.data.images.image_set import ImageSet
from seqlab.data.images.sets import READERS, load_images
from seqlab.errors import DataError, UsageError
from seqlab.export import export
from seqlab.machine import Compute, DeviceConfig
from seqlab.results import Evaluation
from seqlab.tasks import Event, Note, Status, Task
from seqlab.vision import classifier as classifiers
from seqlab.vision.classifier import Classifier, as_trained, check_classes
from seqlab.vision.evaluate import Mistake, measuring, worst_mistakes
from seqlab.vision.grad_cam import heat_maps
from seqlab.vision.graph import graph
from seqlab.vision.inputs import listed, name_of, picture_of, pixels_of, with_folders
from seqlab.vision.results import HeatMap, HeatMaps, ImagePrediction, ImagePredictions

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from seqlab.vision.inputs import Image, Images

BATCH = 500  # images that are held in memory at a time
MOST_DRAWN = 100  # heat maps in one figure
MOST_NOTED = 3  # images of which it is said how they were read


@dataclass(frozen=True)
class ImageEvaluation(Evaluation):
    """The figures of a classifier, see `vision.evaluate`; its worst mistakes each with the image (3, H, W), if kept."""

    mistakes: tuple[tuple[Mistake, Tensor], ...] = ()

    def plot(self) -> "Figure":
        """The confusion matrix, and beside it the worst mistakes."""
        from seqlab.plots.confusion import draw

        return draw(self.metrics, self.mistakes)


@dataclass(frozen=True)
class ImageModel:
    """A classifier and its checkpoint. device_config: what it computes with."""

    checkpoint: Checkpoint
    classifier: Classifier
    device_config: DeviceConfig

    @classmethod
    def of(cls, saved: Checkpoint, compute: Compute = Compute()) -> "ImageModel":
        """The model of a checkpoint. Raises CheckpointError if it is of another job, or damaged."""
        classifier, device_config = classifiers.load(saved), as_trained(saved, compute)
        classifier.model.to(device_config.device)
        return cls(saved, classifier, device_config)

    @property
    def classes(self) -> tuple[str, ...]:
        return self.classifier.classes

    def evaluate(
        self,
        data: str | Path | ImageSet | None = None,
        *,
        data_dir: Path | None = None,
        worst: bool = False,
        offline: bool = False,
    ) -> ImageEvaluation:
        """Accuracy, calibration and confusions on held-out images: `data`, or those of what it was trained on.

        data: an ImageSet, or what `seqlab.train_cnn` takes; of a folder that is another than the one trained on, and
        has no test part, all images count. data_dir: where a published set's files lie. worst: keep the worst
        mistakes, for `plot()`. Raises DataError for images of other classes.
        """
        return self.evaluate_task(data, data_dir=data_dir, worst=worst, offline=offline).result()

    def evaluate_task(
        self,
        data: str | Path | ImageSet | None = None,
        *,
        data_dir: Path | None = None,
        worst: bool = False,
        offline: bool = False,
    ) -> Task[ImageEvaluation]:
        """`evaluate`, with what is going on."""
        return Task(self._evaluate(data, data_dir, worst, offline))

    def _evaluate(
        self, data: str | Path | ImageSet | None, data_dir: Path | None, worst: bool, offline: bool
    ) -> Generator[Event, None, ImageEvaluation]:
        trained_on = self.checkpoint.config["data"]
        own = data is None and trained_on["origin"] == "folder"
        if own:
            (data,) = source_at(self.checkpoint, "a folder of yours")["paths"]
            yield Note(f"read again from {data}")
        if isinstance(data, ImageSet):
            images = data
        else:
            source = str(data or trained_on["name"])
            size = None if source in READERS else self.classifier.height
            ranges = self.classifier.ranges
            images = yield from load_images(source, offline=offline, data_dir=data_dir, size=size, ranges=ranges)
        pixels, labels, split, what = images.test_images, images.test_labels, "test", "test images"
        if images.drawn and images.sha256 != trained_on["sha256"]:  # another folder: nothing in it was held out
            pixels, labels = torch.cat([images.images, pixels]), torch.cat([images.labels, labels])
            split, what = "all", "images, all of them"
        yield Note(f"{images.name}: {len(pixels):,} {what}, from {images.origin}")
        if own and split == "all":
            yield Note("  it is not as it was in training: all of it is measured")
        for note in images.notes:
            yield Note(f"  {note}")
        check_classes(self.classifier, images)
        yield from self._check_contamination(images, pixels)
        fitted_here = self.classifier.fitted_on == "test" and images.sha256 == trained_on["sha256"]
        found = yield from measuring(self.classifier, pixels, labels, self.device_config, fitted_here=fitted_here)
        if worst:
            yield Status("looking for the worst mistakes")
        mistakes = worst_mistakes(self.classifier, pixels, labels, self.device_config) if worst else []
        kept = tuple((one, pixels[one.index]) for one in mistakes)
        return ImageEvaluation(self.checkpoint.name, images.name, {"split": split, **found}, kept)

    def _check_contamination(self, images: ImageSet, pixels: Tensor) -> Generator[Note, None, None]:
        """Say where the images to evaluate on were, or may have been, trained on."""
        config = self.checkpoint.config
        trained_on = config["data"]
        share = contamination(image_hashes(pixels), config.get("learnt", ""))
        if share > CHANCE:
            yield Note(f"  {share:.0%} of these images were trained on, pixel for pixel: the figures are too good")
        elif images.name == trained_on["name"] and images.sha256 != trained_on["sha256"] and "learnt" not in config:
            yield Note(
                f"this {images.name} differs from the one trained on (sha256 {images.sha256[:12]}, trained on "
                f"{trained_on['sha256'][:12]}): some of these images may have been trained on"
            )

    def predict(self, images: "Images", top: int = 3, *, views: bool = False) -> ImagePredictions:
        """The `top` likeliest classes of each image.

        images: files, folders of them, arrays (H, W, 3) or tensors (3, H, W) of uint8, or PIL images, one or many, of
        any size: the middle of each is resized to what the net reads. views: average over the test-time views of each
        image, shifted, and mirrored where trained so. Raises DataError for what is no image.
        """
        return self.predict_task(images, top, views=views).result()

    def predict_task(
        self, images: "Images", top: int = 3, *, views: bool = False, skip_damaged: bool = False
    ) -> Task[ImagePredictions]:
        """`predict`, with what is going on; each ImagePrediction is an event too, as soon as there is one.

        skip_damaged: leave out what cannot be read, with a Note, and give its error in `failed`.
        """
        return Task(self._predict(listed(images), top, views, skip_damaged))

    def _predict(
        self, images: "list[Image]", top: int, views: bool, skip_damaged: bool
    ) -> Generator[Event, None, ImagePredictions]:
        images = yield from with_folders(images)
        predictions: list[ImagePrediction] = []
        failed: list[DataError] = []
        height, width, ranges = self.classifier.height, self.classifier.width, self.classifier.ranges
        odd = 0
        for start in range(0, len(images), BATCH):
            yield Status(f"{start:,} of {len(images):,} files", start, len(images))
            read: list[tuple[Image, str, Tensor]] = []
            for number, image in enumerate(images[start : start + BATCH], start + 1):
                notes: list[str] = []
                try:
                    read.append((image, name_of(image, number), pixels_of(image, height, width, ranges, notes)))
                except DataError as problem:
                    if not skip_damaged:
                        raise
                    failed.append(problem)
                    yield Note(problem.message)
                odd += bool(notes)
                if odd <= MOST_NOTED:
                    yield from (Note(f"{name_of(image, number)}: {note}") for note in notes)
            for prediction in self._classified(read, top, views):
                predictions.append(prediction)
                yield prediction
        if odd > MOST_NOTED:
            yield Note(f"so are, or alike, {odd - MOST_NOTED:,} more of these images")
        return ImagePredictions(self.checkpoint.name, tuple(predictions), tuple(failed))

    def _classified(self, read: "list[tuple[Image, str, Tensor]]", top: int, views: bool) -> list[ImagePrediction]:
        if not read:
            return []
        pixels = torch.stack([one for _, _, one in read])
        probabilities = classifiers.predict(self.classifier, pixels, self.device_config, average_views=views).cpu()
        values, places = (found.tolist() for found in probabilities.topk(min(top, len(self.classes))))
        return [
            ImagePrediction(image, name, tuple((self.classes[k], p) for k, p in zip(where, shares, strict=True)))
            for (image, name, _), where, shares in zip(read, places, values, strict=True)
        ]

    def grad_cam(self, images: "Images | ImagePredictions", *, views: bool = False) -> HeatMaps:
        """Which parts of each image speak for its likeliest class (Grad-CAM), of at most MOST_DRAWN images.

        images: as for `predict`, or what it has returned. Raises UsageError for more of them.
        """
        count = len(images) if isinstance(images, ImagePredictions) else len(images := listed(images))
        if count > MOST_DRAWN:
            raise UsageError(f"{count:,} images are too many heat maps", f"give at most {MOST_DRAWN} at a time")
        found = images if isinstance(images, ImagePredictions) else self.predict(images, 1, views=views)
        if not found:
            return HeatMaps(self.checkpoint.name, ())
        height, width, ranges = self.classifier.height, self.classifier.width, self.classifier.ranges
        pixels = torch.stack([pixels_of(one.image, height, width, ranges) for one in found])
        classes = torch.tensor([self.classes.index(one.label) for one in found])
        heats = heat_maps(self.classifier, pixels, classes, self.device_config)
        maps = [
            HeatMap(one, picture_of(one.image, height, width, ranges), heat.numpy())
            for one, heat in zip(found, heats, strict=True)
        ]
        return HeatMaps(self.checkpoint.name, tuple(maps))

    def export(self, folder: str | Path, *, onnx: bool = False) -> Checkpoint:
        """Write it to a new folder in half precision, with a model card; onnx: and as `model.onnx`, see `export`."""
        return export(self.checkpoint, folder, graph(self.classifier) if onnx else None)

    def to_dict(self) -> dict[str, object]:
        """What `seqlab train-cnn --json` prints last."""
        return self.checkpoint.summary()

    def __repr__(self) -> str:
        return self.checkpoint.in_words("ImageModel")

    def _repr_html_(self) -> str:
        return self.checkpoint.to_html()
