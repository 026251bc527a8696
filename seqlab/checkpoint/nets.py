"""The net of a checkpoint. Of this room what needs torch to be imported: a list of checkpoints does not wait for it."""

from collections.abc import Callable, Iterator
from typing import Any, TypeVar

import torch
from torch import nn
from torch.overrides import TorchFunctionMode

from seqlab.checkpoint.loading import Checkpoint
from seqlab.checkpoint.schema import HINT
from seqlab.errors import CheckpointError

M = TypeVar("M", bound=nn.Module)


def net_of(saved: Checkpoint, build: Callable[[], M]) -> M:
    """The net that `build` makes, with the weights of a checkpoint. Raises CheckpointError where they do not fit it.

    It is first built without memory: a config may ask for more than any machine has.
    """
    weights = saved.weights()
    size = sum(tensor.numel() for tensor in weights.values())
    if any(number > max(size, 1) for number in _numbers(saved.config["model"])):
        raise CheckpointError(f"{saved.folder / 'config.json'} describes a larger net than its weights are of", HINT)
    with torch.device("meta"), _Uninitialized():
        shapes = {name: tensor.shape for name, tensor in build().state_dict().items()}
    if shapes != {name: tensor.shape for name, tensor in weights.items()}:
        raise CheckpointError(f"the weights in {saved.folder} are not those of the net in its config.json", HINT)
    net = build()
    net.load_state_dict(weights)
    return net


class _Uninitialized(TorchFunctionMode):
    """Within it `nn.init` does nothing: of tensors without memory it would import torch's compiler, 1.4 seconds."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if getattr(func, "__module__", "") == "torch.nn.init":
            return kwargs["tensor"] if kwargs and "tensor" in kwargs else args[0]
        return func(*args, **(kwargs or {}))


def _numbers(value: Any) -> Iterator[int]:
    """The whole numbers in a JSON value."""
    if isinstance(value, int):
        yield value
    elif isinstance(value, dict | list):
        for one in value.values() if isinstance(value, dict) else value:
            yield from _numbers(one)
