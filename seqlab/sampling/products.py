"""A product x W' + b in the layout and the precision that reads W fastest: fp32, bf16, fp16 or int8."""

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from seqlab.machine import choose_precision

LARGE = 300_000  # weights of a product; a smaller one in fp32 is over before int8's 20 us of preparation are
INT8_STEPS = 127  # of a state in [-1, 1], either way
Product = Callable[[Tensor], Tensor]  # x (B, I) -> x W' + b (B, O), a new float32 tensor


def choose_product(precision: str) -> Callable[[Tensor, Tensor], Product]:
    """How W (O, I) and b (O,) become a product in the precision asked for."""
    dtype = choose_precision(precision, torch.device("cpu")).value
    fbgemm = "fbgemm" in torch.backends.quantized.supported_engines
    large = _fp32
    if dtype == torch.bfloat16:
        has_packed = torch.backends.mkldnn.is_available() and torch.ops.mkldnn._is_mkldnn_bf16_supported()
        large = _bf16_packed if has_packed else _fp16 if fbgemm else _bf16
    if precision != "auto":
        return large
    if fbgemm:
        large = int8
    return lambda weight, bias: (large if weight.numel() >= LARGE else _fp32)(weight, bias)


def _fp32(weight: Tensor, bias: Tensor) -> Product:
    transposed = weight.T.contiguous()  # as MKL reads it fastest, for one row as for many
    return lambda x: torch.addmm(bias, x, transposed)


def _bf16(weight: Tensor, bias: Tensor) -> Product:
    weight, bias = weight.bfloat16(), bias.bfloat16()
    return lambda x: F.linear(x.bfloat16(), weight, bias).float()


def _bf16_packed(weight: Tensor, bias: Tensor) -> Product:
    packed, bias = torch.ops.mkldnn._reorder_linear_weight(weight.bfloat16(), 1), bias.bfloat16()
    linear = torch.ops.mkldnn._linear_pointwise.default
    return lambda x: linear(x.bfloat16(), packed, bias, "none", [], "").float()


def _fp16(weight: Tensor, bias: Tensor) -> Product:
    """Weights of 11 bits, where bf16 has 8, and sums in fp32: for processors that would have to emulate bf16."""
    with _fbgemm():
        packed = torch.ops.quantized.linear_prepack_fp16(weight, bias)
    return _packed_call(torch.ops.quantized.linear_dynamic_fp16.default, packed)


def int8(weight: Tensor, bias: Tensor) -> Product:
    """Of inputs in [-1, 1], rounded to 1/127; each row of the weights is rounded to a step of its own.

    Without VNNI, processors add the products of neighbouring columns in 16 bits, and saturate. The step is so large
    that no two neighbours can get there (255 times their sum stays below 2^15): the sums are exact on every machine.
    """
    step = int8_step(weight)
    whole = torch.round(weight.double() / step[:, None]).to(torch.int8)
    with _fbgemm():
        quantized = torch._make_per_channel_quantized_tensor(whole, step, torch.zeros(len(step), dtype=torch.long), 0)
        packed = torch.ops.quantized.linear_prepack(quantized, bias)
    return _packed_call(
        torch.ops.quantized.linear_with_input_q_dq_qweight_dq_output_fp32.default, 1 / INT8_STEPS, 128, packed
    )


def int8_step(weight: Tensor) -> Tensor:
    """The step (O,) that each row of W (O, I) is rounded to: its largest sum of two neighbours of one sign, by 127."""
    pairs = F.pad(weight.double(), (0, weight.shape[1] % 2)).unflatten(1, (-1, 2))  # (O, I / 2, 2)
    sums = torch.stack([pairs.clamp(min=0).sum(2), -pairs.clamp(max=0).sum(2)])
    return sums.amax((0, 2)).clamp(min=1e-30) / INT8_STEPS


def _packed_call(linear: Callable[..., Tensor], *packed: Any) -> Product:
    """x -> linear(x, *packed). Torch would look for `__torch_function__` on the packed weights by throwing and catching
    two C++ exceptions at every call: 20 us, and half of the cache."""

    def product(x: Tensor) -> Tensor:
        with torch._C.DisableTorchFunction():
            return linear(x, *packed)

    return product


@contextmanager
def _fbgemm() -> Iterator[None]:
    """Inside the block torch packs weights for fbgemm, whose they then stay."""
    before = torch.backends.quantized.engine
    torch.backends.quantized.engine = "fbgemm"
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # quantized tensors will leave torch some day; pyproject pins its versions
            yield
    finally:
        torch.backends.quantized.engine = before
