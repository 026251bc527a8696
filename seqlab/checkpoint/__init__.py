"""A checkpoint is a folder without pickles that says how it was made, proves it is whole, and continues.

    config.json                 everything that is not a tensor, and the names and sha256 of the files below
    model-<step>.safetensors    the weights that are used
    training-<step>.safetensors last weights, optimizer moments, random and recurrent state: for --resume only
    log.jsonl                   one line per evaluation, of which config.json has the sha256

safetensors has no checksum of its own, so ours is checked on every load. This room knows no model: a job rebuilds its
own from `config`.
"""

from seqlab.checkpoint.finding import find, listing
from seqlab.checkpoint.folders import checkpoints_folder, folder_name, search_folders, shipped_folder
from seqlab.checkpoint.loading import FORMAT, Checkpoint, Config, load
from seqlab.checkpoint.lock import Lock
from seqlab.checkpoint.rebuilding import rebuilt, verify
from seqlab.checkpoint.run_folder import RunFolder
from seqlab.checkpoint.saving import amend, export, is_checkpoint, refuse_existing, remove, save, sweep
from seqlab.checkpoint.schema import Entries
from seqlab.checkpoint.source import Source, source_at, source_of

__all__ = [
    "FORMAT",
    "Checkpoint",
    "Config",
    "Entries",
    "Lock",
    "RunFolder",
    "Source",
    "amend",
    "checkpoints_folder",
    "export",
    "find",
    "folder_name",
    "is_checkpoint",
    "listing",
    "load",
    "rebuilt",
    "refuse_existing",
    "remove",
    "save",
    "search_folders",
    "shipped_folder",
    "source_at",
    "source_of",
    "sweep",
    "verify",
]
