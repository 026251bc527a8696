"""seqlab train-cnn DATASET"""

from typing import Any

import click

from seqlab.cli.options import Common, common_options
from seqlab.cli.output import result, result_json, say, show_transfer
from seqlab.cli.training import conduct, repeating_command, run_options, target_folder
from seqlab.errors import UsageError, did_you_mean

SETTINGS = """Names for --set: batch_size, clip_norm, crop, eval_every, flip, lr, max_steps, optimizer (sgd, adamw),
seed, val_images, warmup_steps, weight_decay."""


@click.command("train-cnn", epilog=SETTINGS)
@click.argument("dataset", required=False)
@click.option("--model", metavar="NAME", help="The net to train, one of --list.  [default: resnet20]")
@click.option("--list", "list_", is_flag=True, help="Show the models and their size.")
@run_options
@common_options
def command(
    common: Common,
    dataset: str | None,
    model: str | None,
    list_: bool,
    epochs: float | None,
    minutes: float | None,
    resume: bool,
    overwrite: bool,
) -> None:
    """Train an image classifier on DATASET: cifar10.

    All training images train and the test images are looked at once, at the end, with the last weights;
    --set val_images=5000 holds that many out to choose among the weights. Without --minutes, --epochs or
    --set max_steps=N it trains for 20 passes.
    """
    from seqlab import vision
    from seqlab.data.images import READERS, load_images

    if list_:
        _show_models(common)
        return
    if dataset is None:
        raise UsageError("train-cnn needs a data set", "as in `seqlab train-cnn cifar10`")
    settings = common.resolve(vision.VisionSettings, **vision.architecture(model or vision.DEFAULT_MODEL).defaults)
    if dataset not in READERS:
        raise UsageError(f"there is no image data set '{dataset}'", did_you_mean(dataset, READERS))
    name = dataset if model is None else f"{dataset}-{model}"
    folder = target_folder(common, name, resume=resume, overwrite=overwrite)
    data = show_transfer(common, load_images(dataset, offline=common.offline))
    say(
        common,
        f"{data.name}: {len(data.images):,} training and {len(data.test_images):,} test images of "
        f"{len(data.classes)} classes, from {data.origin}",
    )
    conduct(
        common,
        folder,
        lambda stop: vision.train(
            data,
            folder,
            settings,
            model=model,
            compute=common.compute(),
            minutes=minutes,
            epochs=epochs,
            resume=resume,
            command=repeating_command(),
            stop=stop,
        ),
        "images/s",
        _describe,
        lambda done: figures(done.config["metrics"]),
        lambda name: f"seqlab predict {name} IMAGE",
    )


def figures(metrics: dict[str, Any]) -> list[str]:
    """The lines that tell a person how well images are classified."""
    fitted = metrics["calibration"]
    image = "plain and mirrored, each also" if metrics["views"] == 6 else "plain and"
    of = {"validation": "validation images", "test": "the other half of the images"}
    lines = [
        f"top-1 {metrics['top1']:.2%}, top-5 {metrics['top5']:.2%} of {metrics['images']:,} test images",
        f"top-1 {metrics['top1_views']:.2%} averaged over {metrics['views']} views: {image} shifted by a pixel up-left "
        "and down-right",
        f"{metrics['nll']:.4f} nats per image; calibration error {fitted['ece']:.2%}, {fitted['ece_calibrated']:.2%} "
        f"at temperature {fitted['temperature']:.3f}, fitted on {of[fitted['fitted_on']]}",
    ]
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
    from seqlab.training import count_parameters

    models = [
        {"name": name, "parameters": count_parameters(entry.build(10)), "paper": entry.paper}
        for name, entry in vision.MODELS.items()
    ]
    if common.json:
        result_json({"models": models})
        return
    for model in models:
        result(f"{model['name']:12} {model['parameters']:>12,} parameters  {model['paper']}")
