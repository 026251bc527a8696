"""seqlab checkpoints list | show | verify | export"""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from seqlab.cli.charts import is_page, write_chart, write_page
from seqlab.cli.layout import room, table
from seqlab.cli.options import CHARTS, Common, check_writable, common_options
from seqlab.cli.output import result, result_json, say
from seqlab.cli.redirect import result_options, result_to_output
from seqlab.errors import CheckpointError, UsageError

if TYPE_CHECKING:
    from seqlab.checkpoint import Checkpoint

LISTED = (-21, -12, 24, -19, 11, -2)  # the widths of `list`


@click.group("checkpoints")
def command() -> None:
    """List, show, verify and export trained models."""


@command.command("list", short_help="What is trained here, and what ships.")
@result_options
def list_(common: Common) -> None:
    """What is trained: here, then what ships with seqlab."""
    from seqlab import checkpoint

    found = checkpoint.listing(checkpoint.search_folders())
    if common.json:
        every = [{"error": entry.message} if isinstance(entry, CheckpointError) else entry.to_dict() for entry in found]
        result_json({"checkpoints": every})
        return
    if not found:
        say(common, "no checkpoint here; train one, for example: seqlab train-text linux --minutes 10")
    names = ("name", "job", "parameters", "steps", "size", "folder")
    rows = [_row(entry.to_dict()) for entry in found if not isinstance(entry, CheckpointError)]
    for line in table(rows, LISTED, [[5], [3], [4]], names=names, more=": a wider terminal has it, and --json"):
        result(line)
    for entry in found:
        if isinstance(entry, CheckpointError):
            result(f"error: {entry.message}")


def _row(found: dict[str, Any]) -> list[str]:
    return [
        found["name"],
        found["job"],
        f"{found['parameters']:,} parameters",
        f"  step {found['step']:,}/{found['max_steps']:,}",
        f"{found['bytes'] / 2**20:.1f} MiB",
        f"  {found['folder']}",
    ]


@command.command(short_help="How it was made, and what it measured.")
@click.argument("checkpoint")
@common_options
def show(common: Common, checkpoint: str) -> None:
    """How a checkpoint was made, and what it measured; with -o FILE.html as a report, with -o FILE.png, .svg or .pdf
    its loss over the steps, too."""
    from seqlab.checkpoint import find

    saved = find(checkpoint)
    is_chart = common.output is not None and common.output.suffix.lower() in CHARTS
    if common.output is None or not (is_chart or is_page(common.output)):
        with result_to_output(common):
            _show(common, saved)
        return
    check_writable(common.output, "-o")
    if is_chart:
        from seqlab.plots.training_chart import draw

        figure = draw(saved.name, saved.config["job"], saved.log(), saved.config["position"].get("best_step", 0))
        _show(common, saved)
        write_chart(common, figure, common.output)
        say(common, f"written to {common.output}")
    else:
        from seqlab.plots.pages import page, training

        _show(common, saved)
        write_page(common, lambda path, _: page.write(path, training.page(saved)))


def _show(common: Common, saved: "Checkpoint") -> None:
    if common.json:
        result_json({"folder": str(saved.folder), "config": saved.config})
        return
    result(f"{saved.name}: {_short(saved.config['job'])}, {saved.config['parameters']:,} parameters, in {saved.folder}")
    result(f"command: {_short(saved.config['command'])}")
    for title in ("data", "source", "settings", "model", "environment", "position", "metrics"):
        entries = saved.config.get(title) or {}
        result(f"{title}:")
        for name, value in entries.items():
            result(f"  {name}: {_short(str(value), len(f'  {name}:  ...'))}")


def _short(text: str, before: int = 0) -> str:
    """A text of 200 characters at most; of one word, which has no place to be broken at, what fits the terminal."""
    most = 200 if " " in text else (room() or 200) - before
    return text if len(text) <= most else f"{text[:most]} ..."


@command.command(short_help="Compare its files with their checksums.")
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


@command.command(short_help="A copy in half precision.")
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
