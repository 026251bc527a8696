"""What continues a run bit for bit, as numbers and tensors, and the way back."""

import math
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from seqlab.errors import DivergenceError
from seqlab.training.averaging import last_weights
from seqlab.training.run import Run


def position(run: Run) -> dict[str, Any]:
    """The numbers that, with `training_tensors`, continue the run bit for bit."""
    best_loss = run.best_loss if math.isfinite(run.best_loss) else None
    return {
        "step": run.step,
        "max_steps": run.max_steps,
        "epoch": run.epoch,
        "index": run.index,
        "best_step": run.best_step if run.best_weights else run.step,
        "best_loss": best_loss,
        "loss_sum": run.loss_sum,
        "norm_sum": run.norm_sum,
        "since_record": run.since_record,
        **({"rollbacks": run.rollbacks} if run.rollbacks else {}),
    }


def training_tensors(run: Run) -> dict[str, Tensor]:
    """Last weights, optimizer moments, recurrent state and random state, by name."""
    tensors = {f"model.{name}": t for name, t in run.model.state_dict().items()}
    for name, parameter in run.model.named_parameters():
        for key, value in run.optimizer.state.get(parameter, {}).items():
            tensors[f"optimizer.{key}.{name}"] = value
    for i, part in enumerate(run.state or ()):
        tensors[f"state.{i}"] = part
    tensors |= {f"average.{name}": tensor for name, tensor in run.average.items()}
    tensors["rng.cpu"] = torch.get_rng_state()
    if next(run.model.parameters()).device.type == "cuda":
        tensors["rng.cuda"] = torch.cuda.get_rng_state()
    return tensors


@dataclass(frozen=True)
class Snapshot:
    """A state of a run, to go back to: what its checkpoint would be, kept in memory."""

    weights: dict[str, Tensor]
    training: dict[str, Tensor]
    position: dict[str, Any]

    @classmethod
    def of(cls, run: Run) -> "Snapshot":
        """Raises DivergenceError, naming the tensor, where a part of the state is not finite."""
        weights, training = used_weights(run), training_tensors(run)
        for name, tensor in (training | {f"model.{name}": tensor for name, tensor in weights.items()}).items():
            if not tensor.isfinite().all():
                raise DivergenceError(f"'{name}' is not finite after step {run.step}", "try a smaller lr")
        return cls(_copied(weights), _copied(training), position(run))

    def restored_in(self, run: Run) -> None:
        """Put the run where it was, but for its rollbacks."""
        rollbacks = run.rollbacks
        restore(run, self.weights, _copied(self.training), self.position)
        run.rollbacks = rollbacks


def _copied(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """For the weights, the optimizer's moments and the average are changed in place."""
    return {name: tensor.clone() for name, tensor in tensors.items()}


def used_weights(run: Run) -> dict[str, Tensor]:
    """The weights to use: the best that validation found, else the last."""
    return run.best_weights or last_weights(run)


def restore(run: Run, weights: dict[str, Tensor], training: dict[str, Tensor], position: dict[str, Any]) -> None:
    """Put a run where a saved one was. weights: those in use; training: as of `training_tensors`."""
    device = next(run.model.parameters()).device
    groups: dict[str, dict[str, Tensor]] = {"model": {}, "average": {}, "optimizer": {}, "state": {}, "rng": {}}
    for name, tensor in training.items():
        group, rest = name.split(".", 1)
        groups[group][rest] = tensor
    run.model.load_state_dict(groups["model"])
    run.average = {name: tensor.to(device) for name, tensor in groups["average"].items()}
    parameters = dict(run.model.named_parameters())
    run.optimizer.state.clear()
    for name, tensor in groups["optimizer"].items():
        key, parameter = name.split(".", 1)
        place = parameters[parameter]
        if tensor.shape == place.shape and tensor.dim():
            # in the layout of the weights: a fused optimizer goes through both in the order of memory
            tensor = torch.empty_like(place).copy_(tensor)
        elif run.optimizer.defaults.get("fused"):
            tensor = tensor.to(device)  # the step count: beside the weights if the optimizer is fused, else on the CPU
        run.optimizer.state[place][key] = tensor
    state = tuple(groups["state"][str(i)].to(device) for i in range(len(groups["state"])))
    run.state = state or None
    torch.set_rng_state(groups["rng"]["cpu"])
    if "cuda" in groups["rng"] and device.type == "cuda":
        torch.cuda.set_rng_state(groups["rng"]["cuda"])
    run.step, run.max_steps = position["step"], position["max_steps"]
    run.epoch, run.index = position["epoch"], position["index"]
    run.loss_sum, run.norm_sum = position["loss_sum"], position["norm_sum"]
    run.since_record, run.rollbacks = position["since_record"], position.get("rollbacks", 0)
    run.best_step, run.best_loss = position["best_step"], position["best_loss"]
    if position["best_loss"] is None:
        run.best_loss, run.best_weights = math.inf, {}
    else:
        run.best_weights = {name: t.to(device) for name, t in weights.items()}
