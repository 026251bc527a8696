"""seqlab doctor"""

import os
import platform
import sys
from pathlib import Path
from typing import Any

import click

from seqlab.cli.options import Common
from seqlab.cli.output import result, result_json
from seqlab.cli.redirect import result_options
from seqlab.errors import CheckpointError


@click.command("doctor")
@result_options
def command(common: Common) -> int:
    """What this machine computes with and why, which folders can be written, and whether there is a network.

    The exit status is 1 if something that seqlab needs is wrong.
    """
    import torch

    import seqlab
    from seqlab import checkpoint, machine
    from seqlab.data.fetch import cache

    device = machine.choose_device(common.device)
    precision = machine.choose_precision(common.precision, device.value)
    small, large = (machine.choose_threads(common.threads, n) for n in (0, machine.ONE_THREAD_PARAMETERS))
    rows: list[tuple[str, Any, str, bool]] = [
        ("seqlab", seqlab.__version__, f"in {Path(seqlab.__file__).parent}", True),
        ("python", platform.python_version(), sys.executable, True),
        ("torch", torch.__version__, "", True),
        ("processor", machine.instruction_set(), f"{machine.physical_cores()} cores to use", True),
        ("device", str(device.value), device.reason, True),
        ("precision", machine.precision_name(precision.value), precision.reason, True),
        ("threads", large.value, f"{large.reason}; {small.value} for a small net", True),
    ]
    for name, folder in (("cache", cache.cache_folder()), ("checkpoints", common.checkpoints)):
        problem = _unwritable(folder)
        rows.append(
            (name, str(folder), problem or f"writable, {cache.free_bytes(folder) / 1e9:.0f} GB free", not problem)
        )
    shipped = checkpoint.shipped_folder()
    for entry in checkpoint.listing([shipped]):
        if isinstance(entry, CheckpointError):
            rows.append(("shipped", str(shipped), entry.message, False))
        else:
            rows.append(
                (
                    "shipped",
                    entry.name,
                    f"{entry.config['job']}, {entry.config['parameters']:,} parameters",
                    True,
                )
            )
    mirror = os.environ.get("SEQLAB_MIRROR")
    if mirror:
        there = mirror.startswith("http") or Path(mirror).is_dir()
        rows.append(("mirror", mirror, "tried before every public address" if there else "no such folder", there))
    online = "off: --offline" if cache.is_offline() else _network()
    rows.append(("network", online, "without one, embedded quotes and shipped models still work", True))
    healthy = all(ok for *_, ok in rows)
    if common.json:
        checks = [{"name": name, "value": value, "note": note, "ok": ok} for name, value, note, ok in rows]
        result_json({"ok": healthy, "checks": checks})
    else:
        for name, value, note, ok in rows:
            result(f"{'ok ' if ok else 'BAD'} {name:12} {value!s:24} {note}".rstrip())
    return 0 if healthy else 1


def _unwritable(folder: Path) -> str | None:
    """Why nothing can be written there, or None; the folder is not made."""
    while not folder.exists():
        if folder == folder.parent:
            break
        folder = folder.parent
    if not folder.is_dir():
        return f"{folder} is no folder"
    return None if os.access(folder, os.W_OK) else f"{folder} cannot be written"


def _network() -> str:
    """Whether the quote server can be reached: two seconds for each of its addresses, after its name was looked up,
    which takes as long as the system lets it."""
    import socket

    try:
        socket.create_connection(("query1.finance.yahoo.com", 443), timeout=2).close()
    except OSError:
        return "none"
    return "reachable"
