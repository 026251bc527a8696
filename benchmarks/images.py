"""Image classifiers: choosing a recipe without the test images, its figures on them, and how fast it trains.

    python benchmarks/images.py recipe fast --passes 10 12 14 --seeds 0 [--set lr=0.2] [-o runs]
    python benchmarks/images.py final fast --seeds 0 1 2 [-o runs]
    python benchmarks/images.py speed [MODEL ...] [--threads 2] [--batches 6] [--rounds 3]

`recipe` holds out 5,000 training images (--val-images), trains on the others and prints the accuracy on those held out,
for each number of passes: of the last weights, which is what `final` keeps, and of the best ones. It never looks at a
test image. `final` trains by the defaults of `train-cnn`, which have been chosen so, and evaluates on the test images,
once for each seed; the seeds are named beforehand, and the first is the one to ship. Each run is `seqlab train-cnn` in
a folder of its own in --folder: one that is finished is read, one that was broken off goes on where it last
saved, one of another recipe is refused. Data: --data cifar10, and --data-dir as in `train-cnn`.

`speed`: seqlab's loop beside a plain one, in images a second. Each round trains every variant in turn on the same
random images, so that a noisy machine is unfair to all; the median counts. `plain` is what a tutorial writes: fp32,
channels first, torch's SGD, no augmentation. `seqlab` is the whole loop of `train-cnn` with the model's own settings,
augmentation and optimizer, at the full side of the images. No data is needed.
"""

import argparse
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.nn import functional as F

import seqlab
from seqlab import checkpoint, training, vision
from seqlab.checkpoint import Checkpoint
from seqlab.data.batches import ShuffledBatches
from seqlab.data.images.augment import Augment, Normalise
from seqlab.data.images.image_set import ImageSet
from seqlab.data.images.sets import load_images
from seqlab.machine import Compute
from seqlab.settings import VisionSettings
from seqlab.tasks import Task
from seqlab.training.optimizers import OPTIMIZERS


def plain(name: str, images: torch.Tensor, labels: torch.Tensor, batch_size: int) -> Callable[[], None]:
    net = vision.MODELS[name].build(10)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.01, momentum=0.9)

    def epoch() -> None:
        for start in range(0, len(images), batch_size):
            optimizer.zero_grad()
            batch = (images[start : start + batch_size].float() - 128) / 64
            F.cross_entropy(net(batch), labels[start : start + batch_size]).backward()
            optimizer.step()

    return epoch


def ours(name: str, images: torch.Tensor, labels: torch.Tensor, batch_size: int) -> Callable[[], None]:
    settings = VisionSettings(**vision.MODELS[name].defaults)
    net: nn.Module = vision.MODELS[name].build(10).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    augment = Augment(
        settings.crop,
        settings.flip,
        then=Normalise([0.5] * 3, [0.25] * 3),
        reflect=settings.reflect,
        cutout=settings.cutout,
        mirrored=torch.rand(len(images)) < 0.5,
    )
    run = training.Run(
        net,
        vision.class_loss,
        ShuffledBatches(images, labels, batch_size, drop_last=True, augment=augment),
        OPTIMIZERS[settings.optimizer](net, settings.lr, settings.weight_decay),
        learning_rate=lambda step: 0.001,
        max_steps=0,
        clip_norm=settings.clip_norm,
        precision=Compute().resolve(0).precision,
    )

    def epoch() -> None:
        run.max_steps += len(run.batches)
        for _ in training.train(run):
            pass

    return epoch


def trained(data: ImageSet, given: argparse.Namespace, passes: float, seed: int, **settings: Any) -> Checkpoint:
    """The finished run of a recipe in its folder: read, continued or made."""
    settings |= {"seed": seed, **dict(given.settings)}
    words = [f"{name}={value}" for name, value in settings.items() if name != "seed"]
    folder = given.folder / "-".join([data.name, given.model, f"{passes:g}-passes", f"seed-{seed}", *words])
    begun = (folder / "config.json").exists()
    if begun:
        saved = checkpoint.load(folder)
        wanted = {**vision.MODELS[given.model].defaults, **settings}
        other = [name for name, value in wanted.items() if saved.config["settings"][name] != value]
        if other:
            sys.exit(f"{folder} holds a run of another recipe ({', '.join(other)}): name another --folder")
        if "metrics" in saved.config:
            return saved
    how = {"model": given.model, "threads": given.threads, "device": given.device}
    if begun:
        task = seqlab.train_cnn(data, **how, folder=folder, resume=True)
    else:
        asked = " ".join([f"--epochs {passes:g} --seed {seed}", *(f"--set {word}" for word in words)])
        command = f"seqlab train-cnn {data.name} --model {given.model} {asked}"
        task = seqlab.train_cnn(data, **how, **settings, folder=folder, epochs=passes, command=command)
    for event in task:
        if record := getattr(event, "record", None):
            print(f"{folder.name}: step {record['step']}, {record['seconds']:.0f} s", file=sys.stderr, flush=True)
    return checkpoint.load(folder)


def recipe(data: ImageSet, given: argparse.Namespace) -> None:
    print(
        f"{given.model}: accuracy on {given.val_images:,} training images held out, in percent; no test image is read"
    )
    print("passes  seed   last weights   best weights   with views")
    for passes in given.passes or [vision.MODELS[given.model].epochs]:
        found = []
        for seed in given.seeds:
            saved = trained(data, given, passes, seed, val_images=given.val_images)
            metrics = saved.config["metrics"]
            found.append((100 * saved.log()[-1]["val_top1"], 100 * metrics["top1"], 100 * metrics["top1_views"]))
            print(f"{passes:6g}  {seed:4}   {_columns(found[-1])}", flush=True)
        if len(found) > 1:
            print(f"{passes:6g}  mean   {_columns([statistics.mean(column) for column in zip(*found, strict=True)])}")


def final(data: ImageSet, given: argparse.Namespace) -> None:
    passes = vision.MODELS[given.model].epochs
    print(f"{given.model}, {passes:g} passes: accuracy and calibration error on the test images, in percent")
    print("seed             plain     with views     calibration, and with the temperature")
    found = []
    for seed in given.seeds:
        metrics = trained(data, given, passes, seed).config["metrics"]
        fitted = metrics["calibration"]
        errors = fitted["ece"], fitted["ece_calibrated"]
        found.append([100 * share for share in (metrics["top1"], metrics["top1_views"], *errors)])
        print(f"{seed:<9}  {_columns(found[-1])}", flush=True)
    if len(found) > 1:
        for name, of in (("mean", statistics.mean), ("deviation", statistics.stdev)):
            print(f"{name:9}  {_columns([of(column) for column in zip(*found, strict=True)])}")


def _columns(values: Any) -> str:
    return "  ".join(f"{value:12.2f} " for value in values)


def _setting(text: str) -> tuple[str, Any]:
    """As `--set` reads it."""
    name, _, value = text.partition("=")
    for kind in (int, float):
        try:
            return name, kind(value)
        except ValueError:
            pass
    return name, {"true": True, "false": False, "none": None}.get(value, value)


def speed(given: argparse.Namespace) -> None:
    torch.set_num_threads(given.threads)
    precision = Compute().resolve(0).precision
    print(f"{given.threads} threads, seqlab in {precision}, medians of {given.rounds} rounds, images a second")
    for name in given.models:
        batch_size = vision.MODELS[name].defaults.get("batch_size", 128)
        side = vision.MODELS[name].side
        images = torch.randint(256, (given.batches * batch_size, 3, side, side), dtype=torch.uint8)
        labels = torch.randint(10, (len(images),))
        epochs = {"plain": plain(name, images, labels, batch_size), "seqlab": ours(name, images, labels, batch_size)}
        rates: dict[str, list[float]] = {kind: [] for kind in epochs}
        for turn in range(given.rounds + 1):
            for kind, epoch in epochs.items():
                start = time.perf_counter()
                epoch()
                if turn:  # the first prepares
                    rates[kind].append(len(images) / (time.perf_counter() - start))
        middle = {kind: statistics.median(found) for kind, found in rates.items()}
        ratio = middle["seqlab"] / middle["plain"]
        print(f"{name:12} plain {middle['plain']:8,.0f}  seqlab {middle['seqlab']:8,.0f}  {ratio:.2f}x", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    for name in ("recipe", "final"):
        one = commands.add_parser(name)
        one.add_argument("model", choices=vision.MODELS)
        one.add_argument("--seeds", type=int, nargs="+", default=[0] if name == "recipe" else [0, 1, 2])
        one.add_argument("--data", default="cifar10")
        one.add_argument("--data-dir", type=Path)
        one.add_argument("-o", "--folder", type=Path, default=Path("runs"))
        one.add_argument("--threads", type=int)
        one.add_argument("--device", default="auto")
        one.set_defaults(settings=[])
        if name == "recipe":
            one.add_argument("--passes", type=float, nargs="+")
            one.add_argument("--val-images", type=int, default=5000)
            one.add_argument("--set", dest="settings", type=_setting, action="append", metavar="NAME=VALUE")
    rate = commands.add_parser("speed")
    rate.add_argument("models", nargs="*", default=["fast", "resnet20", "lenet5"])
    rate.add_argument("--threads", type=int, default=2)
    rate.add_argument("--batches", type=int, default=6)
    rate.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    if given.command == "speed":
        speed(given)
        return
    data = Task(load_images(given.data, data_dir=given.data_dir)).result()
    (recipe if given.command == "recipe" else final)(data, given)


if __name__ == "__main__":
    main()
