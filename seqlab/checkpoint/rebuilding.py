"""What a job makes of a checkpoint, whatever its config says and whoever writes a new one meanwhile."""

from collections.abc import Callable, Iterator
from typing import Any, TypeVar

import torch
from torch import nn
from torch.overrides import TorchFunctionMode

from seqlab.checkpoint.loading import Checkpoint, load
from seqlab.checkpoint.schema import HINT, Entries, require
from seqlab.errors import CheckpointError

T = TypeVar("T")
M = TypeVar("M", bound=nn.Module)
NOTHING: Entries = {}
TRIES = 5  # a training that saves without end is not waited for


def rebuilt(saved: Checkpoint, make: Callable[[Checkpoint], T], entries: Entries = NOTHING) -> T:
    """`make(saved)`, or of the checkpoint that a training has put in its place while it was read.

    entries: what `make` reads of the config, see `schema.require`. Raises CheckpointError for whatever goes wrong: the
    values of a config with the right sum may be any.
    """
    for tried in range(1, TRIES + 1):
        try:
            require(saved.config, entries, saved.folder / "config.json")
            return make(saved)
        except CheckpointError:
            now = load(saved.folder)
            if tried == TRIES or now.config["sha256"] == saved.config["sha256"]:
                raise
            saved = now
        except Exception as problem:
            reason = " ".join(str(problem).split())[:200]
            raise CheckpointError(
                f"{saved.folder / 'config.json'} describes what this seqlab cannot make "
                f"({type(problem).__name__}: {reason})",
                HINT,
            ) from problem
    raise AssertionError  # the last try returns or raises


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


def verify(checkpoint: Checkpoint) -> list[str]:
    """Read every file of a checkpoint and return their names. Raises CheckpointError at the first that is not whole."""
    return rebuilt(checkpoint, _verified)


def _verified(saved: Checkpoint) -> list[str]:
    whole = ["config.json"]
    for kind, entry in saved.config["files"].items():
        saved.weights() if kind == "model" else saved.tensors(kind)
        whole.append(entry["name"])
    saved.log()
    return [*whole, "log.jsonl"]
