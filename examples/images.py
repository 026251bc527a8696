"""Draw circles, squares and triangles, train LeNet-5 to tell them apart, and classify a picture.

python examples/images.py
"""

import random
import tempfile
from pathlib import Path

from PIL import Image, ImageDraw

import seqlab


def draw(shape: str, path: Path) -> None:
    """A white shape of some size, somewhere on black, 32 pixels a side."""
    image = Image.new("RGB", (32, 32))
    size, left, top = random.randint(10, 18), random.randint(1, 12), random.randint(1, 12)
    box = (left, top, left + size, top + size)
    corners = [(left, top + size), (left + size, top + size), (left + size // 2, top)]
    pen = ImageDraw.Draw(image)
    {"circle": pen.ellipse, "square": pen.rectangle, "triangle": pen.polygon}[shape](
        corners if shape == "triangle" else box, fill="white"
    )
    image.save(path)


random.seed(0)
with tempfile.TemporaryDirectory() as folder:
    pictures = Path(folder) / "shapes"
    for shape in ("circle", "square", "triangle"):
        (pictures / shape).mkdir(parents=True)
        for number in range(60):
            draw(shape, pictures / shape / f"{number}.png")
    training = {"max_steps": 100, "batch_size": 24, "lr": 0.1, "flip": False, "threads": 1}
    model = seqlab.train_cnn(pictures, model="lenet5", folder=Path(folder) / "net", **training).result()
    print(f"top-1 on held-out pictures: {model.to_dict()['top1']:.2f}")
    print(model.predict([pictures / "circle" / "0.png", pictures / "triangle" / "0.png"]).to_frame())
