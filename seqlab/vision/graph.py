"""An image classifier for other programs: pixels in, probabilities out."""

import copy

import torch
from torch import Tensor, nn

from seqlab.export import Graph
from seqlab.vision.classifier import Classifier

USE = """\
import json
import numpy as np
import onnxruntime
from PIL import Image, ImageOps

session = onnxruntime.InferenceSession("model.onnx")
about = {{name: json.loads(value) for name, value in session.get_modelmeta().custom_metadata_map.items()}}
picture = ImageOps.fit(Image.open("picture.png").convert("RGB"), ({width}, {height}), Image.Resampling.BICUBIC)
(probabilities,) = session.run(None, {{"images": np.asarray(picture).transpose(2, 0, 1)[None]}})
print(about["classes"][probabilities[0].argmax()], probabilities[0].max())
"""


class _Probabilities(nn.Module):
    """Pixels as they are, normalised as in training; the temperature is that of plain images."""

    mean: Tensor
    std: Tensor

    def __init__(self, classifier: Classifier) -> None:
        super().__init__()
        self.net = copy.deepcopy(classifier.model).cpu().float().to(memory_format=torch.contiguous_format)  # type: ignore[call-overload]
        self.temperature = classifier.temperature
        for name in ("mean", "std"):
            self.register_buffer(name, torch.tensor(getattr(classifier.normalise, name))[:, None, None] * 255)

    def forward(self, images: Tensor) -> tuple[Tensor]:
        logits = self.net((images.float() - self.mean) / self.std)
        return ((logits / self.temperature).softmax(1),)


def graph(classifier: Classifier) -> Graph:
    """images (B, 3, H, W), uint8 -> probabilities (B, classes), as `predict` gives them without views."""
    shape, random = (3, classifier.height, classifier.width), torch.Generator().manual_seed(0)
    about = {
        "classes": list(classifier.classes),
        "inputs": "RGB pixels from 0 to 255, normalised inside; of a picture of another size the middle, resized",
        "outputs": "the probability of each class, at the temperature of the checkpoint",
    }
    return Graph(
        _Probabilities(classifier),
        {"images": ("batch", *shape)},
        {"probabilities": ("batch", len(classifier.classes))},
        [torch.randint(0, 256, (batch, *shape), generator=random).to(torch.uint8)[None].unbind() for batch in (2, 3)],
        about,
        USE.format(height=classifier.height, width=classifier.width),
    )
