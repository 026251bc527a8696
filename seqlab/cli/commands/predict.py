"""seqlab predict CHECKPOINT FILE..."""

from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import click

from seqlab.cli.charts import write_chart
from seqlab.cli.options import CHARTS, Common, check_writable, common_options
from seqlab.cli.output import Bar, result, result_json, say
from seqlab.cli.progress import follow
from seqlab.cli.redirect import result_to_output
from seqlab.errors import DataError, UsageError
from seqlab.tasks import Note, Status

PICTURES = (*CHARTS, ".jpg", ".jpeg")


@click.command("predict")
@click.argument("checkpoint")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="FILE...")
@click.option("--top", type=click.IntRange(min=1), default=3, show_default=True, help="Classes to name for each image.")
@click.option("--views", is_flag=True, help="Average over views of each image: shifted, and mirrored where trained so.")
@common_options
def command(common: Common, checkpoint: str, files: tuple[Path, ...], top: int, views: bool) -> None:
    """Apply CHECKPOINT to files: the likeliest classes of images of any size and format, or the rows of a table. A
    folder stands for all images in it and below.

    A table gets a CSV with a row for each of its own: the prediction, and the probability of each class or the ends of
    a 90 % interval (a narrower one, and said, where too few rows were held out): as wide as the net has learned, and
    moved so that new rows like those held out in training lie in it with a probability of 90 % or more. Its columns are
    found by name.

    With -o FILE.png (.jpg, .svg, .pdf) heat maps are drawn of what in each image speaks for its first class (Grad-CAM);
    any other FILE takes the text.
    """
    from seqlab.checkpoint import find

    drawn = common.output if common.output and common.output.suffix.lower() in PICTURES else None
    if common.output:
        check_writable(common.output, "-o")
    if common.output and any(common.output.resolve() == file.resolve() for file in files):
        raise UsageError(f"{common.output} is read here: it would be replaced", "name another file with -o FILE")
    saved = find(checkpoint)
    say(common, f"checkpoint {saved.where}")
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
    from seqlab import api
    from seqlab.cli.reports import images

    if drawn:
        _check_drawn(files, drawn)
    model, bar = api.model_of(saved, common.compute), Bar(common)
    several = len(files) > 1 or files[0].is_dir()
    task = model.predict_task(files, top, views=views, skip_damaged=several and not common.json)  # JSON has no errors
    for event in task:
        if isinstance(event, Note):
            say(common, event.text)
        elif isinstance(event, Status):
            bar.show(event.text, event.done, event.total)
        elif not common.json:
            result(images.prediction(event))
    bar.clear()
    found = task.result()
    if len(found.failed) == 1 and not found:
        raise found.failed[0]
    if common.json:
        result_json(found.to_dict())
    if drawn and found:
        from seqlab.plots import grad_cam

        write_chart(common, model.grad_cam(found).plot(), drawn, grad_cam.NOTE)
        say(common, f"heat maps drawn in {drawn}")
    if found.failed:
        raise DataError(
            f"{len(found.failed):,} of {len(found.failed) + len(found):,} files could not be read", found.failed[0].hint
        )


def _rows(common: Common, saved: Any, files: Sequence[Path], top: int, views: bool, drawn: Path | None) -> None:
    from seqlab import api

    if len(files) > 1 or views or drawn:
        what = "--views" if views else f"drawing {drawn}" if drawn else "more than one file"
        raise UsageError(f"{what} has no meaning for '{saved.name}': its job is tables", "name one table")
    found = follow(common, api.model_of(saved, common.compute).predict_task(files[0]))
    if common.json:
        result_json(found.to_dict())
    else:
        if found.level is not None:
            say(common, f"  low to high: intervals of {found.level:.0%}")
        result(found.to_frame().to_csv(index=False).rstrip("\n"), as_it_is=True)


def _check_drawn(files: Sequence[Path], drawn: Path) -> None:
    from seqlab.data.images.layout import images_below
    from seqlab.vision.image_model import MOST_DRAWN

    count = sum(len(images_below(file)[0]) if file.is_dir() else 1 for file in files)
    if count > MOST_DRAWN:
        raise UsageError(
            f"{count:,} images are too many for one picture",
            f"name at most {MOST_DRAWN}, or have the text with -o FILE.txt",
        )
