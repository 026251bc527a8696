"""A checkpoint for others: a folder with a model card and, where asked for, a net that other programs run."""

from contextlib import suppress
from pathlib import Path

from seqlab import checkpoint
from seqlab.checkpoint import Checkpoint
from seqlab.export.card import card
from seqlab.export.graph import TOLERANCE, Graph, onnx_file, require_packages
from seqlab.files import replacing

__all__ = ["TOLERANCE", "Graph", "card", "export", "onnx_file", "require_packages"]

CARD, NET = "README.md", "model.onnx"


def export(saved: Checkpoint, folder: str | Path, graph: Graph | None = None) -> Checkpoint:
    """Write what is needed to use a checkpoint to a new folder: weights in half precision, a model card, and `graph`
    as `model.onnx`.

    Raises CheckpointError for a folder in use, a weight that half precision cannot hold, and an ONNX file that gives
    other outputs than torch; DataError where it cannot be written. Then nothing of it stays.
    """
    folder = Path(folder)
    checkpoint.refuse_existing(folder, "write to another folder with -o FOLDER")
    net = None if graph is None else onnx_file(graph, saved)
    exported = checkpoint.export(saved, folder)
    written = {CARD: card(exported, graph).encode()} | ({} if net is None else {NET: net})
    try:
        for name, content in written.items():
            with replacing(folder / name) as path:
                path.write_bytes(content)
    except BaseException:
        with suppress(OSError):
            for name in written:
                (folder / name).unlink(missing_ok=True)
            checkpoint.remove(exported)
        raise
    return exported
