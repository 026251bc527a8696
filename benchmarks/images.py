"""Training of image classifiers: seqlab's loop beside a plain one, in images a second.

    python benchmarks/images.py [MODEL ...] [--threads 2] [--batches 6] [--rounds 3]

Each round trains every variant in turn on the same random images, so that a noisy machine is unfair to all; the
median counts. `plain` is what a tutorial writes: fp32, channels first, torch's SGD, no augmentation. `seqlab` is the
whole loop of `train-cnn` with the model's own settings, augmentation and optimizer, at the full side of the images.
No data is needed.
"""

import argparse
import statistics
import time
from collections.abc import Callable

import torch
from torch import nn
from torch.nn import functional as F

from seqlab import training, vision
from seqlab.data.batches import ShuffledBatches
from seqlab.data.images.augment import Augment, Normalise
from seqlab.machine import Compute
from seqlab.settings import VisionSettings
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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="*", default=["fast", "resnet20", "lenet5"])
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--batches", type=int, default=6)
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
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


if __name__ == "__main__":
    main()
