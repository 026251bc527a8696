"""Grad-CAM: which parts of an image speak for a class.

Selvaraju et al. 2017, "Grad-CAM: visual explanations from deep networks".
"""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from seqlab.machine import DeviceConfig, use_threads
from seqlab.vision.classifier import Classifier, evaluation_batch

SMALLEST_MAP = 4  # rows and columns of a map that still says where something is


def heat_maps(classifier: Classifier, images: Tensor, classes: Tensor, device_config: DeviceConfig) -> Tensor:
    """Where uint8 images (N, 3, H, W) speak for a class each, (N,) -> (N, H, W) on the CPU, from 0 to 1.

    Equations 1 and 2 of the paper: the maps of a layer, each weighted by the mean gradient of the class's logit,
    summed, what is below zero cut off, stretched to the image and divided by its maximum; all zero where nothing speaks
    for the class. The layer is the last one with weights whose map has at least four rows and columns: of a ResNet
    the last block, of LeNet-5 the second convolution. Stretching takes a map to cover the whole image; where
    convolutions have no padding it is of the middle only, and what it says of the edge was a few pixels further in.
    """
    model = classifier.model
    was_training = model.training
    model.eval()
    last: dict[str, Tensor] = {}

    def keep(module: nn.Module, _: Any, output: Any) -> None:
        if isinstance(output, Tensor) and output.dim() == 4 and min(output.shape[2:]) >= SMALLEST_MAP:
            last["maps"] = output

    hooks = [module.register_forward_hook(keep) for module in model.modules() if any(True for _ in module.parameters())]
    parts = []
    try:
        with use_threads(device_config.threads), torch.enable_grad():
            size = max(1, evaluation_batch(images) // 4)  # every map is kept for the gradient
            for part, wanted in zip(images.split(size), classes.split(size), strict=True):
                pixels = classifier.normalise(part.to(device_config.device)).requires_grad_()
                last["maps"] = pixels  # for a net without such a layer
                logits = model(pixels).gather(1, wanted.to(device_config.device)[:, None])
                (gradient,) = torch.autograd.grad(logits.sum(), last["maps"])
                weights = gradient.mean((2, 3), keepdim=True)  # (B, C, 1, 1)
                heat = F.relu((weights * last["maps"]).sum(1, keepdim=True)).detach()
                heat = F.interpolate(heat, part.shape[2:], mode="bilinear")[:, 0]  # (B, H, W)
                parts.append((heat / heat.amax((1, 2), keepdim=True).clamp_min(1e-30)).cpu())
    finally:
        for hook in hooks:
            hook.remove()
        model.train(was_training)
    return torch.cat(parts)
