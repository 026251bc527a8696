"""seqlab train-cnn DATASET"""

import shlex
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from seqlab.cli.options import Common, common_options, data_dir_option
from seqlab.cli.output import result, result_json, say
from seqlab.cli.reports import images
from seqlab.cli.signals import graceful_stop
from seqlab.cli.tensorboard import Board
from seqlab.cli.training import followed, of_run, resume_command, run_options, train
from seqlab.errors import UsageError
from seqlab.settings import VisionSettings, described

if TYPE_CHECKING:
    from seqlab.tasks import Task


@click.command("train-cnn", epilog=described(VisionSettings))
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
    run: dict[str, Any],
) -> None:
    """Train an image classifier on DATASET: cifar10, cifar100, mnist, fashion-mnist or a folder of images.

    Such a folder has one folder for each class, or these in train/ and test/; without a test/ (or val/) a fifth of
    each class is held out as the test images.

    The last weights are evaluated on the test images once, at the end. From 2,000 training images on, a twentieth, at
    most 1,000, does not train: the temperature of the probabilities is fitted on it (--set temperature_images=N).

    Choose settings with --set val_images=5000, then train once without it: that many training images are held out, the
    weights that are best on them are kept, the figures are of them, and the test images are not looked at; --set
    patience=3 then stops when they no longer get better. --folds 5 trains five nets, each evaluated on the fifth of the
    training images that it was not trained on. Without --minutes, --epochs or --set max_steps=N each model trains as
    --list says, and a few images for at least 200 steps.
    """
    from seqlab import api

    if list_:
        _show_models(common)
        return
    if dataset is None:
        raise UsageError("train-cnn needs a data set", "as in `seqlab train-cnn cifar10`")

    def start(**options: Any) -> "Task[Any]":
        how: dict[str, Any] = {
            "model": model,
            "folds": folds,
            "size": size,
            "data_dir": data_dir,
            "offline": common.offline,
        }
        return api.train_cnn(dataset, **how, **common.given(VisionSettings), **options)

    if folds is None:
        train(
            common,
            start,
            run,
            "images/s",
            images.progress,
            lambda done: images.figures(done.config["metrics"]),
            lambda name: f"seqlab predict {name} IMAGE",
        )
        return
    _cross_validate(common, start, run)


def _cross_validate(common: Common, start: "Callable[..., Task[Any]]", run: dict[str, Any]) -> None:
    board = Board(run["tensorboard"])
    with graceful_stop(common) as stop:
        found = followed(common, start(**of_run(common, run, stop)), "images/s", images.progress, stop, board)
        if found is None:
            say(common, f"continue with: {resume_command()}")
            return
        board.finish(found.metrics)
        if common.json:
            result_json(found.to_dict())
            return
        result("\n".join(images.folds(found.metrics)))
        one = shlex.quote(str(found.folder / "fold-1"))
        say(common, f"saved in {found.folder}, a folder for each fold\nuse one: seqlab predict {one} IMAGE")


def _show_models(common: Common) -> None:
    from seqlab.vision.zoo import listing

    rows = listing()
    if common.json:
        result_json({"models": rows})
        return
    result("\n".join(images.models(rows)))
    say(common, "measured: after so many epochs; paper: after 164, with --set schedule=staircase")
