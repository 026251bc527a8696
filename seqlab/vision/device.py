"""What makes the training of a net quick on the device at hand: the quicker precision, and CUDA graphs."""

import copy
import time
import warnings
from dataclasses import replace

import torch
from torch import Tensor, nn

from seqlab import training
from seqlab.data.images.augment import Normalise
from seqlab.machine import DeviceConfig, use_threads

PROBED = 32  # images show which precision is quicker


def measured_precision(
    net: nn.Module, normalise: Normalise, images: Tensor, device_config: DeviceConfig
) -> DeviceConfig:
    """The device with float32 where a processor's own lower precision is much slower for this net."""
    if device_config.precision == torch.float32 or device_config.device.type != "cpu":
        return device_config
    precision = quicker_precision(net, normalise(images[:PROBED]), device_config.precision)
    return replace(device_config, precision=precision)


def quicker_precision(net: nn.Module, images: Tensor, precision: torch.dtype) -> torch.dtype:
    """`precision`, or float32 where a step of a copy of the net on the images (N, 3, H, W) takes half as long in it.

    A processor may multiply bf16 in hardware and a build's convolutions be many times slower in it all the same. That
    is what is measured, in seconds of the processor's own time and not of the clock's: with a difference that other
    work on the machine can make, a repeated run would compute in another precision.
    """
    net = copy.deepcopy(net)

    def seconds(dtype: torch.dtype) -> float:
        times = []
        for _ in range(5):
            start = time.process_time()
            with training.autocast(images.device, dtype):
                loss = net(images).float().sum()
            loss.backward()
            times.append(time.process_time() - start)
        return min(times[1:])  # the first prepares

    with torch.random.fork_rng(devices=[]), use_threads(1):
        return precision if seconds(precision) < 2 * seconds(torch.float32) else torch.float32


def record_graphs(net: nn.Module, images: Tensor, precision: torch.dtype) -> None:
    """Have the net train on batches of exactly this shape, on a GPU, by CUDA graphs of its two passes.

    A step of a small net then waits for the GPU, and no longer for Python to start its hundreds of kernels. The net's
    weights and statistics stay as they were; in evaluation it runs as ever.
    """
    # PyTorch's own: its recorded passes keep the nodes alive that it then wonders about
    warnings.filterwarnings("ignore", "The AccumulateGrad node's stream does not match")
    before = copy.deepcopy(net.state_dict())
    with training.autocast(images.device, precision):
        torch.set_autocast_cache_enabled(False)  # weights rounded outside of the graph would stay as they were
        torch.cuda.make_graphed_callables(net, (images,))
    net.load_state_dict(before)
