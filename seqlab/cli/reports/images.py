"""The figures of image classifiers as a person reads them, and the list of models."""

import math
from typing import Any

from seqlab.cli.layout import table

FITTED_ON = {
    "kept_back": "training images kept back for it",
    "validation": "validation images",
    "test": "test images",  # by earlier versions
}
UNTOUCHED = "the test images were not looked at: once all is chosen, `seqlab evaluate` does"
MODELS = ("model", "side", "parameters", "multiply-adds", "epochs", "  CIFAR-10", "  paper")


def figures(metrics: dict[str, Any]) -> list[str]:
    """The lines of `seqlab evaluate`."""
    image = "plain and mirrored, each also" if metrics["views"] == 6 else "plain and"
    chosen_on = metrics.get("split") == "validation"
    top5 = f", top-5 {metrics['top5']:.2%}" if len(metrics["per_class"]) > 5 else ""
    lines = [
        f"top-1 {metrics['top1']:.2%}{top5} of {metrics['images']:,} {'validation ' if chosen_on else ''}images",
        f"top-1 {metrics['top1_views']:.2%} averaged over {metrics['views']} views: {image} shifted by a pixel up-left "
        "and down-right",
        f"{metrics['nll']:.4f} nats per image; {_calibration(metrics['calibration'])}",
    ]
    guessing = math.log(len(metrics["per_class"]))
    if metrics["nll"] > guessing:
        lines.append(f"guessing has {guessing:.4f} nats: the model is overconfident")
    width = max(map(len, metrics["per_class"]))
    for name, share in metrics["per_class"].items():
        lines.append(f"  {name:{width}}  " + ("no image" if share is None else f"{share:7.2%}"))
    return [*lines, *_confusions(metrics), *([UNTOUCHED] if chosen_on else [])]


def _calibration(fitted: dict[str, Any]) -> str:
    error = f"calibration error {fitted['ece']:.2%}"
    if fitted["fitted_on"] == "nothing":
        return error + "; no images were kept back to fit a temperature (--set temperature_images=N)"
    temperature = f"temperature {fitted['temperature']:.3f}"
    if fitted["ece_calibrated"] is None:
        return error + f"; {temperature} is fitted on these images, so its own error is not known here"
    return error + f", {fitted['ece_calibrated']:.2%} at {temperature}, fitted on {FITTED_ON[fitted['fitted_on']]}"


def _confusions(metrics: dict[str, Any], most: int = 3) -> list[str]:
    """The most frequent mistakes."""
    names = list(metrics["per_class"])
    mistakes = [
        (count, names[truth], names[predicted])
        for truth, row in enumerate(metrics["confusion"])
        for predicted, count in enumerate(row)
        if count and truth != predicted
    ]
    ranked = sorted(mistakes, key=lambda one: -one[0])[:most]
    return [f"{truth} taken for {predicted}: {count:,}" for count, truth, predicted in ranked]


def folds(metrics: dict[str, Any]) -> list[str]:
    """The lines of `seqlab train-cnn --folds`."""
    each = metrics["folds"]["top1"]
    listed = ", ".join(f"{share:.2%}" for share in each)
    return [
        f"top-1 {metrics['top1']:.2%} over {len(each)} folds, deviation {metrics['deviation']['top1']:.2%}: {listed}",
        f"top-1 {metrics['top1_views']:.2%} averaged over views, deviation {metrics['deviation']['top1_views']:.2%}",
    ]


def progress(record: dict[str, Any]) -> str:
    """The part of a training's line that is about images."""
    text = f"epoch {record['epoch'] + 1}"
    if record["val_loss"] is not None:
        text += f"  val {record['val_loss']:.4f}, top-1 {record['val_top1']:.2%}"
    return text


def prediction(found: Any) -> str:
    """The line of an image: its file and its likeliest classes."""
    return f"{found.name}: " + ", ".join(f"{name} {probability:.1%}" for name, probability in found.classes)


def models(rows: list[dict[str, Any]]) -> list[str]:
    """The table of `seqlab train-cnn --list`."""
    cells = [MODELS]
    for row in rows:
        top1 = row["cifar10_top1"]
        cells.append(
            (
                row["name"],
                str(row["side"]),
                f"{row['parameters']:,}",
                f"{row['multiply_adds'] / 1e6:,.1f} M",
                f"{row['epochs']:g}",
                "  -" if top1 is None else f"  {top1 * 100:g} % {row['cifar10_source']}",
                f"  {row['paper']}",
            )
        )
    return table(cells, (-13, 6, 13, 15, 8, -15, -2), [[6], [3], [1]], more=": --json has all")
