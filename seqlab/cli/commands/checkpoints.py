"""seqlab checkpoints list | show | verify | export"""

from pathlib import Path

import click

from seqlab.cli.options import Common, common_options
from seqlab.cli.output import result, result_json, say
from seqlab.cli.redirect import result_options
from seqlab.errors import CheckpointError, UsageError


@click.group("checkpoints")
def command() -> None:
    """List, show, verify and export trained models."""


@command.command("list")
@result_options
def list_(common: Common) -> None:
    """What is trained: here, then what ships with seqlab."""
    from seqlab import checkpoint

    found = checkpoint.listing(checkpoint.search_folders())
    if common.json:
        rows = [{"error": entry.message} if isinstance(entry, CheckpointError) else entry.to_dict() for entry in found]
        result_json({"checkpoints": rows})
        return
    if not found:
        say(common, "no checkpoint here; train one, for example: seqlab train-text linux --minutes 10")
    for entry in found:
        if isinstance(entry, CheckpointError):
            result(f"error: {entry.message}")
            continue
        row = entry.to_dict()
        result(
            f"{row['name']:20} {row['job']:12} {row['parameters']:>12,} parameters  "
            f"step {row['step']:,}/{row['max_steps']:,}  {row['bytes'] / 2**20:6.1f} MiB  {row['folder']}"
        )


@command.command()
@click.argument("checkpoint")
@result_options
def show(common: Common, checkpoint: str) -> None:
    """How a checkpoint was made, and what it measured."""
    from seqlab.checkpoint import find

    saved = find(checkpoint)
    if common.json:
        result_json({"folder": str(saved.folder), "config": saved.config})
        return
    result(f"{saved.name}: {saved.config['job']}, {saved.config['parameters']:,} parameters, in {saved.folder}")
    result(f"command: {saved.config['command']}")
    for title in ("data", "settings", "model", "environment", "position", "metrics"):
        entries = saved.config.get(title) or {}
        result(f"{title}:")
        for name, value in entries.items():
            text = str(value)
            result(f"  {name}: {text if len(text) < 200 else text[:200] + ' ...'}")


@command.command()
@click.argument("checkpoint", required=False)
@result_options
def verify(common: Common, checkpoint: str | None) -> None:
    """Read every file of a CHECKPOINT, or of all, and compare it with its checksum."""
    from seqlab.checkpoint import find, listing, search_folders
    from seqlab.checkpoint import verify as verify_files

    found = [find(checkpoint)] if checkpoint else listing(search_folders())
    whole = []
    for saved in found:
        if isinstance(saved, CheckpointError):
            raise saved
        whole.append({"name": saved.name, "folder": str(saved.folder), "files": verify_files(saved)})
        if not common.json:
            result(f"{saved.name}: whole ({', '.join(whole[-1]['files'])})")
    if common.json:
        result_json({"whole": whole})


@command.command()
@click.argument("checkpoint")
@click.option("--onnx", is_flag=True, help="Write model.onnx too, for programs without torch (extra: onnx).")
@common_options
def export(common: Common, checkpoint: str, onnx: bool) -> None:
    """Copy CHECKPOINT to -o FOLDER in half precision, without what only --resume needs, with a model card."""
    from seqlab import export as exporting
    from seqlab.api import model_of
    from seqlab.checkpoint import find

    if common.output is None:
        raise UsageError("export needs a folder to write to", "give it with -o FOLDER")
    if onnx:
        exporting.require_packages()
    saved, folder = find(checkpoint), Path(common.output)
    exported = model_of(saved).export(folder, onnx=True) if onnx else exporting.export(saved, folder)
    row = exported.to_dict() | ({"onnx": str(folder / exporting.NET)} if onnx else {})
    if common.json:
        result_json(row)
    else:
        result(f"{row['bytes'] / 2**20:.2f} MiB in {exported.folder}")
        if onnx:
            result(f"{row['onnx']}: outputs as torch's, to {exporting.TOLERANCE:g}")
    say(common, f"measure it: seqlab evaluate {exported.folder}")
