"""The rules by which a gradient becomes a step. The loop sets each group's rate: `lr` times the group's `lr_scale`."""

from typing import Any

import torch
from torch import Tensor, nn

ADAM_BETAS = (0.9, 0.99)
LARGEST_RATE = 1e30  # a larger one would be no float32
MUON_RATE = 8.0  # of a recurrent weight, for each of AdamW's
MUON_MOMENTUM = 0.95
NEWTON_SCHULZ = (3.4445, -4.7750, 2.0315)  # Jordan 2024: the steepest at 0 that still ends between 0.7 and 1.2


def adamw(model: nn.Module, lr: float, weight_decay: float) -> torch.optim.AdamW:
    """AdamW (Loshchilov and Hutter 2019) that decays matrices only."""
    return torch.optim.AdamW(decay_matrices(model, weight_decay), lr=lr, betas=ADAM_BETAS, fused=True)


def sgd(model: nn.Module, lr: float, weight_decay: float) -> torch.optim.SGD:
    """Stochastic gradient descent with Nesterov momentum 0.9 (Sutskever et al. 2013) that decays matrices only."""
    return torch.optim.SGD(decay_matrices(model, weight_decay), lr=lr, momentum=0.9, nesterov=True)


def decay_matrices(model: nn.Module, weight_decay: float) -> list[dict[str, Any]]:
    """A model's parameters in two groups, for an optimizer: biases and norms are not decayed."""
    matrices: list[nn.Parameter] = []
    vectors: list[nn.Parameter] = []
    for name, parameter in model.named_parameters():
        # several nets in one module stack their biases to a matrix
        (matrices if parameter.dim() > 1 and "bias" not in name else vectors).append(parameter)
    return [{"params": matrices, "weight_decay": weight_decay}, {"params": vectors, "weight_decay": 0.0}]


def muon(model: nn.Module, lr: float, weight_decay: float, batch_size: int = 1000) -> "Muon":
    """Muon for the filters of convolutions, and momentum SGD with rates of their own for all else.

    The scales are those of Jordan's airbench94_muon (2024), carried over to a mean loss. His rates are of a sum over
    the batch, so they shrink with it. Biases are fast where norms have no scale of their own; where they have, all
    vectors go at the pace of the output layer.
    """
    share = batch_size / 1000
    norms = (module for module in model.modules() if isinstance(module, nn.BatchNorm2d))
    fast = share * (0.06 if any(norm.weight.requires_grad for norm in norms) else 600)
    slow = share * 0.06
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    filters = [parameter for parameter in trained if parameter.dim() > 2]
    heads = [parameter for parameter in trained if parameter.dim() == 2]
    vectors = [parameter for parameter in trained if parameter.dim() < 2]
    return Muon(
        [
            {"params": filters, "orthogonal": True, "momentum": 0.7, "weight_decay": 0.0, "lr_scale": 1.0},
            {"params": heads, "weight_decay": weight_decay / slow, "lr_scale": slow},
            {"params": vectors, "weight_decay": weight_decay / fast, "lr_scale": fast},
        ],
        lr=lr,
    )


class Muon(torch.optim.Optimizer):
    """Steps of the same length in every direction that a matrix has (Jordan et al. 2024); else Nesterov's momentum.

    In groups with `orthogonal`, each weight (O, ...) is taken as a matrix of O rows: it is scaled to a norm of
    sqrt(O), then moved by `lr` times its momentum with all singular values set to about 1. torch.optim.Muon takes
    matrices alone, and works them out in bf16.
    """

    def __init__(self, groups: list[dict[str, Any]], lr: float, momentum: float = 0.85) -> None:
        super().__init__(groups, {"lr": lr, "momentum": momentum, "weight_decay": 0.0, "orthogonal": False})

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]
        for group in self.param_groups:
            for weight in group["params"]:
                if weight.grad is None:
                    continue
                gradient = weight.grad.add(weight, alpha=group["weight_decay"])
                state = self.state[weight]
                if "momentum" not in state:
                    state["momentum"] = torch.zeros_like(weight)
                momentum = state["momentum"].mul_(group["momentum"]).add_(gradient)
                update = gradient.add_(momentum, alpha=group["momentum"])
                if group["orthogonal"]:
                    weight.mul_(len(weight) ** 0.5 / weight.norm())
                    update = orthogonal(update.flatten(1), by_square=True).reshape(update.shape)
                weight.sub_(update, alpha=group["lr"])


def orthogonal(matrix: Tensor, iterations: int = 3, by_square: bool = False) -> Tensor:
    """Matrices (..., R, C) with the same singular vectors and all singular values near 1, by Newton and Schulz.

    After three iterations those above a tenth of the norm lie between 0.5 and 1.5: near enough (Jordan 2024).
    by_square: wide matrices go through `_polynomial`, in half of the time, and other last digits.
    """
    a, b, c = NEWTON_SCHULZ
    wide = matrix if matrix.shape[-2] <= matrix.shape[-1] else matrix.mT
    x = wide / (wide.norm(dim=(-2, -1), keepdim=True) + 1e-7)  # no singular value above 1
    if by_square and x.shape[-1] >= 2 * x.shape[-2] and x.dtype != torch.bfloat16:
        x = _polynomial(x @ x.mT, iterations) @ x
        return x if wide is matrix else x.mT
    for _ in range(iterations):
        square = x @ x.mT
        x = a * x + (b * square + c * square @ square) @ x
    return x if wide is matrix else x.mT


def _polynomial(square: Tensor, iterations: int) -> Tensor:
    """What X is multiplied with by all iterations (R, R), from X X^T alone: of wide matrices these are the products
    that cost, and one takes the place of each iteration's two. It needs more digits than bf16 has."""
    a, b, c = NEWTON_SCHULZ
    product = None
    for left in reversed(range(iterations)):
        factor = b * square + c * square @ square
        factor.diagonal(dim1=-2, dim2=-1).add_(a)
        product = factor if product is None else factor @ product
        square = factor @ square @ factor if left else square
    assert product is not None
    return product


def gatewise_muon(
    model: nn.Module, lr: float, weight_decay: float, precision: torch.dtype = torch.float32
) -> "GatewiseMuon":
    """Muon for the weights of torch's recurrent layers, AdamW for all else; both decay matrices only.

    lr: of AdamW; Muon's is MUON_RATE times as large. precision: in which steps are made orthogonal.
    """
    gates: list[dict[str, Any]] = []
    for layers in (module for module in model.modules() if isinstance(module, nn.RNNBase)):
        weights = [weight for name, weight in layers.named_parameters() if name.startswith("weight")]
        gates.append({"params": weights, "gates": len(weights[0]) // layers.hidden_size, "lr_scale": MUON_RATE})
    inside = {id(weight) for group in gates for weight in group["params"]}
    others = decay_matrices(model, weight_decay)
    for group in others:
        group["params"] = [weight for weight in group["params"] if id(weight) not in inside]
    return GatewiseMuon([*({**group, "weight_decay": weight_decay} for group in gates), *others], lr, precision)


class GatewiseMuon(torch.optim.Optimizer):
    """Muon (Jordan et al. 2024) in groups with `gates`, on each gate's part of a weight (gates * H, I) for itself; in
    the others AdamW (Loshchilov and Hutter 2019).

    A gate's step is its Nesterov momentum with all singular values set to about 1, times sqrt(max(1, H / I)).
    """

    def __init__(self, groups: list[dict[str, Any]], lr: float, precision: torch.dtype = torch.float32) -> None:
        super().__init__(groups, {"lr": lr, "weight_decay": 0.0, "gates": 0})
        self.defaults["precision"] = precision  # an attribute of its own would be lost in a copy

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]
        for group in self.param_groups:
            for weight in group["params"]:
                if weight.grad is None:
                    continue
                rule = self._momentum if group["gates"] else self._adam
                update = rule(weight, weight.grad, group["gates"])
                rate = min(group["lr"], LARGEST_RATE)
                weight.mul_(1 - rate * group["weight_decay"]).sub_(update, alpha=rate)

    def _momentum(self, weight: Tensor, gradient: Tensor, gates: int) -> Tensor:
        state = self.state[weight]
        if "momentum" not in state:
            state["momentum"] = torch.zeros_like(weight)
        momentum = state["momentum"].lerp_(gradient, 1 - MUON_MOMENTUM)
        step = gradient.lerp(momentum, MUON_MOMENTUM).unflatten(0, (gates, -1))  # (gates, H, I)
        length = max(1.0, step.shape[1] / step.shape[2]) ** 0.5
        return length * orthogonal(step.to(self.defaults["precision"])).to(weight.dtype).flatten(0, 1)

    def _adam(self, weight: Tensor, gradient: Tensor, _: int) -> Tensor:
        state = self.state[weight]
        if "step" not in state:
            state["step"] = torch.zeros((), device=weight.device)
            state["exp_avg"], state["exp_avg_sq"] = torch.zeros_like(weight), torch.zeros_like(weight)
        state["step"] += 1
        (fades, fades_squared), steps = ADAM_BETAS, int(state["step"])
        mean = state["exp_avg"].lerp_(gradient, 1 - fades)
        square = state["exp_avg_sq"].mul_(fades_squared).addcmul_(gradient, gradient, value=1 - fades_squared)
        scale = (square / (1 - fades_squared**steps)).sqrt_().add_(1e-8)
        return mean / (1 - fades**steps) / scale


OPTIMIZERS = {"adamw": adamw, "sgd": sgd, "muon": muon}
