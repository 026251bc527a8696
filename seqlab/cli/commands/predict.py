"""seqlab predict CHECKPOINT FILE..."""

from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from seqlab.cli.options import CHARTS, Common, check_writable, common_options
from seqlab.cli.output import Bar, result, result_json, say
from seqlab.cli.progress import follow
from seqlab.cli.redirect import result_to_output
from seqlab.errors import DataError, UsageError

if TYPE_CHECKING:
    from seqlab.plots.grad_cam import Looked

PICTURES = (*CHARTS, ".jpg", ".jpeg")
BATCH = 500  # files that are held in memory at a time
MOST_DRAWN = 100


@click.command("predict")
@click.argument("checkpoint")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="FILE...")
@click.option("--top", type=click.IntRange(min=1), default=3, show_default=True, help="Classes to name for each image.")
@click.option("--views", is_flag=True, help="Average over views of each image: shifted, and mirrored where trained so.")
@common_options
def command(common: Common, checkpoint: str, files: tuple[Path, ...], top: int, views: bool) -> None:
    """Apply CHECKPOINT to files: the likeliest classes of images of any size and format, or the rows of a table.

    A table gets a CSV with a row for each of its own: the prediction, and the probability of each class or the ends of
    a 90 % interval (a narrower one, and said, where too few rows were held out). Its columns are found by name.

    With -o FILE.png (.jpg, .svg, .pdf) a picture is drawn of where in each image the net found its first class; any
    other FILE takes the text.
    """
    from seqlab.checkpoint import find

    drawn = common.output if common.output and common.output.suffix.lower() in PICTURES else None
    if drawn:
        check_writable(drawn, "-o")
    if common.output and any(common.output.resolve() == file.resolve() for file in files):
        raise UsageError(f"{common.output} is read here: it would be replaced", "name another file with -o FILE")
    saved = find(checkpoint, common.checkpoint_folders())
    say(common, f"checkpoint {saved.folder}")
    jobs = {"vision": _images, "tabular": _rows}
    job = saved.config["job"]
    if job not in jobs:
        raise UsageError(
            f"checkpoint '{saved.name}' predicts nothing about files: its job is {job}",
            "name one of images or tables; `seqlab checkpoints list` shows what is there",
        )
    with nullcontext() if drawn else result_to_output(common):
        jobs[job](common, saved, files, top, views, drawn)


def _images(common: Common, saved: Any, files: Sequence[Path], top: int, views: bool, drawn: Path | None) -> None:
    import torch

    from seqlab import vision
    from seqlab.data.images.decode import read_image

    if drawn:
        _check_drawn(files, drawn)
    classifier = vision.load(saved)
    chosen = vision.as_trained(saved, common.compute())
    classifier.model.to(chosen.device)
    predictions: list[dict[str, Any]] = []
    looked: list[Looked] = []
    failed: list[DataError] = []
    for several in _batches(common, files):
        batch, read = [], []
        for file in several:
            try:
                read.append(read_image(file, classifier.height, classifier.width))
                batch.append(file)
            except DataError as problem:
                if common.json:  # an error is no result
                    raise
                failed.append(problem)
                say(common, problem.message)
        if not read:
            continue
        images = torch.stack(read)
        probabilities = vision.predict(classifier, images, chosen, average_views=views).cpu()
        for file, values, places in zip(
            batch, *(one.tolist() for one in probabilities.topk(min(top, len(classifier.classes)))), strict=True
        ):
            classes = [
                {"class": classifier.classes[place], "probability": value}
                for place, value in zip(places, values, strict=True)
            ]
            predictions.append({"file": str(file), "classes": classes})
            if not common.json:
                named = ", ".join(f"{entry['class']} {entry['probability']:.1%}" for entry in classes)
                result(f"{file}: {named}")
        if drawn:
            looked += zip(batch, vision.heat_maps(classifier, images, probabilities.argmax(1), chosen), strict=True)
    if len(failed) == len(files) == 1:
        raise failed[0]
    if common.json:
        result_json({"checkpoint": saved.name, "predictions": predictions})
    if drawn and looked:
        from seqlab.plots.grad_cam import draw

        draw(looked, [one["classes"][0] for one in predictions], drawn)
        say(common, f"where the net looked: drawn in {drawn}")
    if failed:
        raise DataError(f"{len(failed):,} of {len(files):,} files could not be read", failed[0].hint)


def _rows(common: Common, saved: Any, files: Sequence[Path], top: int, views: bool, drawn: Path | None) -> None:
    from seqlab import api

    if len(files) > 1 or views or drawn:
        what = "--views" if views else f"drawing {drawn}" if drawn else "more than one file"
        raise UsageError(f"{what} has no meaning for '{saved.name}': its job is tables", "name one table")
    found = follow(common, api.model_of(saved, common.compute).predict_task(files[0]))
    if common.json:
        result_json(found.to_dict())
    else:
        result(found.to_frame().to_csv(index=False).rstrip("\n"))


def _batches(common: Common, files: Sequence[Path]) -> Iterator[Sequence[Path]]:
    bar = Bar(common)
    for start in range(0, len(files), BATCH):
        bar.show(f"{start:,} of {len(files):,} files", start, len(files))
        yield files[start : start + BATCH]
    bar.clear()


def _check_drawn(files: Sequence[Path], drawn: Path) -> None:
    if len(files) > MOST_DRAWN:
        raise UsageError(
            f"{len(files):,} images are too many for one picture",
            f"name at most {MOST_DRAWN}, or have the text with -o FILE.txt",
        )
