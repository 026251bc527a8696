"""seqlab train-cnn DATASET"""

import math
import shlex
import shutil
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from seqlab.cli.options import Common, common_options, data_dir_option
from seqlab.cli.output import graceful_stop, result, result_json, say, show_training, show_transfer
from seqlab.cli.training import conduct, repeating_command, resume_command, run_options, target_folder
from seqlab.errors import UsageError

if TYPE_CHECKING:
    from seqlab.checkpoint import Checkpoint
    from seqlab.data.images.image_set import ImageSet
    from seqlab.training import Progress

    Stop = Callable[[], bool]
    Training = Generator[Progress, None, Checkpoint | None]

SETTINGS = """Names for --set: batch_size, clip_norm, crop, cutout, ema_decay, eval_every, flip, label_smoothing, lr,
max_steps, optimizer (sgd, adamw, muon), patience, reflect, schedule (cosine, one_cycle, staircase), seed, start_side,
val_images, warmup_steps, weight_decay."""


@click.command("train-cnn", epilog=SETTINGS)
@click.argument("dataset", required=False)
@click.option("--model", metavar="NAME", help="The net to train, one of --list.  [default: fast]")
@click.option("--list", "list_", is_flag=True, help="Show the models, their size and what to expect.")
@data_dir_option
@click.option(
    "--size", type=click.IntRange(1, 4096), help="Pixels a side of a folder's images.  [default: as the model]"
)
@click.option("--folds", type=click.IntRange(min=2), help="Cross-validate: hold out each of so many parts once.")
@run_options
@common_options
def command(
    common: Common,
    dataset: str | None,
    model: str | None,
    list_: bool,
    data_dir: Path | None,
    size: int | None,
    folds: int | None,
    epochs: float | None,
    minutes: float | None,
    resume: bool,
    overwrite: bool,
) -> None:
    """Train an image classifier on DATASET: cifar10, cifar100, mnist, fashion-mnist or a folder of images.

    Such a folder has one folder for each class, or these in train/ and test/; without a test/ (or val/) a fifth of
    each class is held out as the test images.

    All training images train and the test images are looked at once, at the end, with the last weights;
    --set val_images=5000 holds that many out to choose among the weights, --set patience=3 stops when they no
    longer get better. --folds 5 trains five nets, each measured on the fifth of the training images that it was not
    shown. Without --minutes, --epochs or --set max_steps=N each model trains as --list says.
    """
    from seqlab import checkpoint, vision
    from seqlab.data.images.folder import PIXELS
    from seqlab.data.images.sets import READERS, load_images, set_name
    from seqlab.machine import Compute

    if list_:
        _show_models(common)
        return
    if dataset is None:
        raise UsageError("train-cnn needs a data set", "as in `seqlab train-cnn cifar10`")
    entry = vision.architecture(model or vision.DEFAULT_MODEL)
    defaults = {**entry.defaults, "flip": False} if dataset == "mnist" else entry.defaults  # a mirrored 2 is none
    settings = common.resolve(vision.VisionSettings, **defaults)
    name = set_name(dataset) if model is None else f"{set_name(dataset)}-{model}"
    if folds is not None:
        name += f"-{folds}-folds"
    first = "fold-1" if folds is not None else ""
    folder = target_folder(common, name, resume=resume, overwrite=overwrite, first=first)
    if size is None and dataset not in READERS:
        size = entry.side
    vision.check_side(model or vision.DEFAULT_MODEL, size or PIXELS)
    data = show_transfer(common, load_images(dataset, offline=common.offline, data_dir=data_dir, size=size))
    say(
        common,
        f"{data.name}: {len(data.images):,} training and {len(data.test_images):,} test images of "
        f"{len(data.classes)} classes, from {data.origin}",
    )
    if data.drawn:
        say(common, "  no test part is given: a fifth of each class was held out, by the sha256 of the files' bytes")
    for note in data.notes:
        say(common, f"  {note}")

    if "batch_size" not in common.settings:  # a few pictures of one's own are no batch of a thousand
        settings.batch_size = min(settings.batch_size, max(2, len(data.images) // 20))

    compute = common.compute()

    def train(part: "ImageSet", folder: Path, resume: bool) -> "Callable[[Stop], Training]":
        return lambda stop: vision.train(
            part,
            folder,
            settings,
            model=model,
            compute=compute,
            minutes=minutes,
            epochs=epochs,
            resume=resume,
            command=repeating_command(),
            stop=stop,
        )

    if folds is not None:
        if resume:  # the folds that are not begun follow the first
            begun = checkpoint.load(folder / first)
            settings = vision.VisionSettings(**begun.config["settings"])
            vision.check_resumable(begun, next(vision.folds(data, folds, settings.seed)), model)
            model = begun.config["model"]["name"]
            environment = begun.config["environment"]
            compute = Compute(environment["device"], environment["precision"], environment["threads"])
        _cross_validate(common, folder, vision.folds(data, folds, settings.seed), folds, resume, train)
        return
    conduct(
        common,
        folder,
        train(data, folder, resume),
        "images/s",
        _describe,
        lambda done: figures(done.config["metrics"]),
        lambda name: f"seqlab predict {name} IMAGE",
    )


def _cross_validate(
    common: Common,
    folder: Path,
    parts: "Iterator[ImageSet]",
    count: int,
    resume: bool,
    train: "Callable[[ImageSet, Path, bool], Callable[[Stop], Training]]",
) -> None:
    """Train a net for each part, in a folder of its own, and tell their mean; a resumed one goes on where it was."""
    from seqlab import checkpoint, vision

    metrics = []
    if not resume:  # --overwrite: what is left of an older run would be taken for a part of this one
        for old in folder.glob("fold-*/config.json"):
            shutil.rmtree(old.parent)
    with graceful_stop(common) as stop:
        for number, part in enumerate(parts, 1):
            here = folder / f"fold-{number}"
            begun = resume and (here / "config.json").exists()
            done = checkpoint.load(here) if begun else None
            if done is not None:
                vision.check_resumable(done, part, None)
            if done is None or "metrics" not in done.config:
                say(common, f"fold {number} of {count}: {len(part.images):,} train, the others are held out")
                done = show_training(common, train(part, here, begun)(stop), "images/s", _describe)
            if done is None:
                say(common, f"stopped; saved in {folder}\ncontinue with: {resume_command()}")
                return
            metrics.append(done.config["metrics"])
    found = vision.summary(metrics)
    if common.json:
        result_json({"final": True, "checkpoint": str(folder), **found})
        return
    each = ", ".join(f"{share:.2%}" for share in found["folds"]["top1"])
    result(
        f"top-1 {found['top1']:.2%} over {count} folds, deviation {found['deviation']['top1']:.2%}: {each}\n"
        f"top-1 {found['top1_views']:.2%} averaged over views, deviation {found['deviation']['top1_views']:.2%}"
    )
    one = shlex.quote(str(folder / "fold-1"))
    say(common, f"saved in {folder}, a folder for each fold\nuse one: seqlab predict {one} IMAGE")


def figures(metrics: dict[str, Any]) -> list[str]:
    """The lines that tell a person how well images are classified."""
    fitted = metrics["calibration"]
    image = "plain and mirrored, each also" if metrics["views"] == 6 else "plain and"
    of = {"validation": "validation images", "test": "the other half of the images"}
    calibrated = (
        "which no temperature betters on other images"
        if fitted["temperature"] == 1
        else f"{fitted['ece_calibrated']:.2%} at temperature {fitted['temperature']:.3f}, fitted on "
        + of[fitted["fitted_on"]]
    )
    top5 = f", top-5 {metrics['top5']:.2%}" if len(metrics["per_class"]) > 5 else ""
    lines = [
        f"top-1 {metrics['top1']:.2%}{top5} of {metrics['images']:,} images",
        f"top-1 {metrics['top1_views']:.2%} averaged over {metrics['views']} views: {image} shifted by a pixel up-left "
        "and down-right",
        f"{metrics['nll']:.4f} nats per image; calibration error {fitted['ece']:.2%}, " + calibrated,
    ]
    guessing = math.log(len(metrics["per_class"]))
    if metrics["nll"] > guessing:
        lines.append(f"guessing has {guessing:.4f} nats: the net is surer than it is right")
    names = list(metrics["per_class"])
    width = max(map(len, names))
    for name, share in metrics["per_class"].items():
        lines.append(f"  {name:{width}}  " + ("no image" if share is None else f"{share:7.2%}"))
    taken = [
        (count, names[truth], names[predicted])
        for truth, row in enumerate(metrics["confusion"])
        for predicted, count in enumerate(row)
        if count and truth != predicted
    ]
    for count, truth, predicted in sorted(taken, key=lambda one: -one[0])[:3]:
        lines.append(f"{truth} taken for {predicted}: {count:,}")
    return lines


def _describe(record: dict[str, Any]) -> str:
    text = f"epoch {record['epoch'] + 1}"
    if record["val_loss"] is not None:
        text += f"  val {record['val_loss']:.4f}, top-1 {record['val_top1']:.2%}"
    return text


def _show_models(common: Common) -> None:
    from seqlab import vision

    models: list[dict[str, Any]] = []
    for name, entry in vision.MODELS.items():
        classes = 10 if entry.side == 32 else 1000  # CIFAR-10's and ImageNet's
        parameters, multiply_adds = vision.size(entry, classes)
        top1, source = entry.expected or (None, None)
        models.append(
            {
                "name": name,
                "side": entry.side,
                "classes": classes,
                "parameters": parameters,
                "multiply_adds": multiply_adds,
                "epochs": entry.epochs,
                "cifar10_top1": top1,
                "cifar10_source": source,
                "paper": entry.paper,
            }
        )
    if common.json:
        result_json({"models": models})
        return
    result("model          side   parameters  multiply-adds  epochs  CIFAR-10       paper")
    for model in models:
        expected = (
            "-" if model["cifar10_top1"] is None else f"{model['cifar10_top1'] * 100:g} % {model['cifar10_source']}"
        )
        result(
            f"{model['name']:13}  {model['side']:>4}  {model['parameters']:>11,}  "
            f"{model['multiply_adds'] / 1e6:>11,.1f} M  {model['epochs']:>6g}  {expected:13}  {model['paper']}"
        )
    say(common, "measured: after so many epochs; paper: after 164, with --set schedule=staircase")
