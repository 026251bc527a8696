"""What a classifier answers about images: their likeliest classes, and the heat maps of these."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from seqlab.errors import DataError
from seqlab.formatting import html_table

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

    from seqlab.vision.inputs import Image


@dataclass(frozen=True)
class ImagePrediction:
    """The likeliest classes of an image, the likeliest first, each with its probability.

    image: what was given; name: its file, or its number among the images.
    """

    image: "Image"
    name: str
    classes: tuple[tuple[str, float], ...]

    @property
    def label(self) -> str:
        return self.classes[0][0]

    @property
    def probability(self) -> float:
        return self.classes[0][1]

    def to_dict(self) -> dict[str, Any]:
        return {"file": self.name, "classes": [{"class": one, "probability": p} for one, p in self.classes]}


@dataclass(frozen=True)
class ImagePredictions(Sequence[ImagePrediction]):
    """The predictions for several images, in their order. failed: what was wrong with those that were left out."""

    checkpoint: str
    predictions: tuple[ImagePrediction, ...]
    failed: tuple[DataError, ...] = ()

    def __len__(self) -> int:
        return len(self.predictions)

    def __getitem__(self, index: Any) -> Any:
        return self.predictions[index]

    def to_dict(self) -> dict[str, Any]:
        """What `seqlab predict --json` prints."""
        return {"checkpoint": self.checkpoint, "predictions": [one.to_dict() for one in self.predictions]}

    def to_frame(self) -> "pd.DataFrame":
        """A row for each image: file, class and probability, then class_2 and probability_2, and so on."""
        import pandas as pd

        rows = []
        for one in self.predictions:
            row: dict[str, Any] = {"file": one.name}
            for rank, (name, probability) in enumerate(one.classes, 1):
                of = "" if rank == 1 else f"_{rank}"
                row |= {f"class{of}": name, f"probability{of}": probability}
            rows.append(row)
        return pd.DataFrame(rows)

    def _repr_html_(self) -> str:
        rows = [[one.name, *(f"{name} {probability:.1%}" for name, probability in one.classes)] for one in self]
        return html_table(self.checkpoint, [], rows)


@dataclass(frozen=True)
class HeatMap:
    """Which parts of an image speak for its likeliest class.

    picture (h, w, 3) uint8: the part of the image that the net reads, finer than it does; heat (H, W), 0 to 1, as the
    net reads it.
    """

    prediction: ImagePrediction
    picture: np.ndarray
    heat: np.ndarray

    @property
    def name(self) -> str:
        return Path(self.prediction.name).name

    @property
    def label(self) -> str:
        return self.prediction.label

    @property
    def probability(self) -> float:
        return self.prediction.probability


@dataclass(frozen=True)
class HeatMaps(Sequence[HeatMap]):
    """The heat maps of several images, in their order."""

    checkpoint: str
    maps: tuple[HeatMap, ...]

    def __len__(self) -> int:
        return len(self.maps)

    def __getitem__(self, index: Any) -> Any:
        return self.maps[index]

    def __repr__(self) -> str:
        return f"<HeatMaps of {len(self):,} images by '{self.checkpoint}'>"

    def plot(self) -> "Figure":
        """Each image beside its heat map. Raises DataError without images."""
        from seqlab.plots.grad_cam import draw

        if not self.maps:
            raise DataError("there is no image to draw", "give one or more")
        return draw(self.maps)

    def _repr_html_(self) -> str:
        rows = [[one.name, one.label, f"{one.probability:.1%}"] for one in self]
        return html_table(f"{self.checkpoint}: plot() draws the heat maps", ["image", "class", "probability"], rows)
