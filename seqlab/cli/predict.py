"""seqlab predict CHECKPOINT FILE..."""

from pathlib import Path
from typing import Any

import click

from seqlab.cli.options import Common, result_options
from seqlab.cli.output import result, result_json, say
from seqlab.errors import UsageError


@click.command("predict")
@click.argument("checkpoint")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="FILE...")
@click.option("--top", type=click.IntRange(min=1), default=3, show_default=True, help="Classes to name for each image.")
@result_options
def command(common: Common, checkpoint: str, files: tuple[Path, ...], top: int) -> None:
    """Apply CHECKPOINT to files: the likeliest classes of images of any size and format."""
    from seqlab.checkpoint import find

    saved = find(checkpoint, common.checkpoint_folders())
    say(common, f"checkpoint {saved.folder}")
    jobs = {"vision": _images}
    job = saved.config["job"]
    if job not in jobs:
        raise UsageError(
            f"checkpoint '{saved.name}' predicts nothing about files: its job is {job}",
            "name an image classifier; `seqlab checkpoints list` shows what is there",
        )
    jobs[job](common, saved, files, top)


def _images(common: Common, saved: Any, files: tuple[Path, ...], top: int) -> None:
    import torch

    from seqlab import vision
    from seqlab.data.picture import read_image

    classifier = vision.load(saved)
    images = torch.stack([read_image(file, classifier.height, classifier.width) for file in files])
    chosen = common.compute().resolve(saved.config["parameters"])
    classifier.model.to(chosen.device)
    predictions = []
    for file, probabilities in zip(files, vision.predict(classifier, images, chosen), strict=True):
        values, places = probabilities.topk(min(top, len(classifier.classes)))
        classes = [
            {"class": classifier.classes[place], "probability": value}
            for place, value in zip(places.tolist(), values.tolist(), strict=True)
        ]
        predictions.append({"file": str(file), "classes": classes})
        if not common.json:
            named = ", ".join(f"{entry['class']} {entry['probability']:.1%}" for entry in classes)
            result(f"{file}: {named}")
    if common.json:
        result_json({"checkpoint": saved.name, "predictions": predictions})
