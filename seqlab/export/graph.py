"""A net as an ONNX file, which other programs run without seqlab and without torch."""

import io
import json
import logging
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

import seqlab
from seqlab.checkpoint import Checkpoint
from seqlab.errors import CheckpointError, UsageError

PACKAGES = ("onnx", "onnxscript", "onnxruntime")  # of the extra `onnx`
OPSET = 18  # the version of ONNX's operators, of December 2022: what runs an older one runs it
TOLERANCE = 1e-4  # of outputs below 1; of larger ones of their size
Axes = tuple[str | int, ...]


@dataclass(frozen=True)
class Graph:
    """A net as other programs are to see it.

    net: takes the inputs in their order and returns a tuple of the outputs. inputs, outputs: by name the size of each
    dimension, or a name where it may be any. examples: inputs of two sizes or more, of which the first is traced and
    all are compared. about: what the numbers mean, JSON values by name, which the file carries. use: Python that reads
    `model.onnx` and applies it.
    """

    net: nn.Module
    inputs: Mapping[str, Axes]
    outputs: Mapping[str, Axes]
    examples: Sequence[tuple[Tensor, ...]]
    about: dict[str, Any]
    use: str


def require_packages() -> None:
    """Raise UsageError where a package is missing that writes or checks an ONNX file."""
    for package in PACKAGES:
        try:
            import_module(package)
        except ImportError as problem:
            raise UsageError(
                f"an ONNX file needs the package {package}: {problem}",
                f"install what the extra `onnx` names: pip install {' '.join(PACKAGES)}",
            ) from problem


def onnx_file(graph: Graph, saved: Checkpoint) -> bytes:
    """The ONNX file of a checkpoint's graph, whose outputs under onnxruntime were found to be those of torch.

    Raises CheckpointError where torch cannot write the net, or the file gives something else.
    """
    require_packages()
    import onnx

    graph.net.eval()
    try:
        with _quietly():
            model = _traced(graph)
    except Exception as problem:  # torch has many kinds
        reason = " ".join(str(problem).split())[:200]
        raise CheckpointError(
            f"'{saved.name}' cannot be written as ONNX: {reason}", "export it without --onnx"
        ) from problem
    for places, named in ((model.graph.input, graph.inputs), (model.graph.output, graph.outputs)):
        for place, axes in zip(places, named.values(), strict=True):
            for dimension, size in zip(place.type.tensor_type.shape.dim, axes, strict=True):
                dimension.Clear()
                setattr(dimension, "dim_param" if isinstance(size, str) else "dim_value", size)
    del model.graph.value_info[:]  # sizes of the example, and of no other
    of = {"checkpoint": saved.name, "sha256": saved.config["files"]["model"]["sha256"], "seqlab": seqlab.__version__}
    about = {name: json.dumps(value) for name, value in {**of, **graph.about}.items()}
    onnx.helper.set_model_props(model, about)
    onnx.checker.check_model(model, full_check=True)
    content = model.SerializeToString(deterministic=True)
    _compare(content, graph, saved.name)
    return content


class _Listed(nn.Module):
    """A net whose inputs are one list, whatever its signature: the exporter is told their sizes in the same form."""

    def __init__(self, net: nn.Module) -> None:
        super().__init__()
        self.net = net

    def forward(self, *inputs: Tensor) -> tuple[Tensor, ...]:
        return self.net(*inputs)


def _traced(graph: Graph) -> Any:
    """The graph as torch writes it."""
    free = {size: torch.export.Dim(size) for axes in graph.inputs.values() for size in axes if isinstance(size, str)}
    sizes = tuple(
        {place: free[size] for place, size in enumerate(axes) if isinstance(size, str)}
        for axes in graph.inputs.values()
    )
    program = torch.onnx.export(
        _Listed(graph.net).eval(),
        graph.examples[0],
        dynamo=True,
        opset_version=OPSET,
        input_names=list(graph.inputs),
        output_names=list(graph.outputs),
        dynamic_shapes=(sizes,),
        verbose=False,
    )
    assert program is not None
    return program.model_proto


def _compare(content: bytes, graph: Graph, name: str) -> None:
    """Raise CheckpointError where onnxruntime gives other outputs than torch, for any of the examples."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    for inputs in graph.examples:
        with torch.inference_mode():
            expected = [one.numpy() for one in graph.net(*inputs)]
        given = {key: one.numpy() for key, one in zip(graph.inputs, inputs, strict=True)}
        found = session.run(list(graph.outputs), given)
        for output, ours, its in zip(graph.outputs, expected, found, strict=True):
            if ours.shape != its.shape or not np.allclose(its, ours, TOLERANCE, TOLERANCE, equal_nan=True):
                raise CheckpointError(
                    f"the ONNX file of '{name}' differs from the net in its output '{output}': none is written",
                    "export it without --onnx, and report this with what `seqlab doctor` prints",
                )


@contextmanager
def _quietly() -> Iterator[None]:
    """Without what the exporter says on its way: of packages that it can do without, and to its developers."""
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings(), redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(logging.NOTSET)
