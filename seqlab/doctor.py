"""Whether this machine has what seqlab needs: what it computes with and why, folders, shipped models, a network."""

import os
import platform
import socket
import sys
from pathlib import Path
from typing import Any, NamedTuple

import torch

import seqlab
from seqlab import checkpoint, files, machine
from seqlab.data.fetch import cache
from seqlab.errors import CheckpointError


class Check(NamedTuple):
    """One thing that was found. ok: whether seqlab can work with it."""

    name: str
    value: Any
    note: str
    ok: bool = True


def examine(device: str = "auto", precision: str = "auto", threads: int | None = None) -> list[Check]:
    """The checks, in the order in which `seqlab doctor` prints them. Raises UsageError for a device, a precision or
    threads that this machine has not."""
    return [*_computing(device, precision, threads), *_folders(), *_shipped(), *_network()]


def _computing(device_name: str, precision_name: str, count: int | None) -> list[Check]:
    device = machine.choose_device(device_name)
    precision = machine.choose_precision(precision_name, device.value)
    small, large = (machine.choose_threads(count, n) for n in (0, machine.ONE_THREAD_PARAMETERS))
    return [
        Check("seqlab", seqlab.__version__, f"in {Path(seqlab.__file__).parent}"),
        Check("python", platform.python_version(), sys.executable),
        Check("torch", torch.__version__, ""),
        Check("processor", machine.instruction_set(), f"{machine.physical_cores()} cores to use"),
        Check("device", str(device.value), device.reason),
        Check("precision", machine.precision_name(precision.value), precision.reason),
        Check("threads", large.value, f"{large.reason}; {small.value} for a small net"),
    ]


def _folders() -> list[Check]:
    checks = []
    for name, folder in (("cache", cache.cache_folder()), ("checkpoints", checkpoint.checkpoints_folder())):
        problem = files.unwritable(folder)
        note = problem or f"writable, {cache.free_bytes(folder) / 1e9:.0f} GB free"
        checks.append(Check(name, str(folder), note, not problem))
    return checks


def _shipped() -> list[Check]:
    shipped = checkpoint.shipped_folder()
    return [
        Check("shipped", str(shipped), entry.message, False)
        if isinstance(entry, CheckpointError)
        else Check("shipped", entry.name, f"{entry.config['job']}, {entry.config['parameters']:,} parameters")
        for entry in checkpoint.listing([shipped])
    ]


def _network() -> list[Check]:
    checks = []
    mirror = os.environ.get("SEQLAB_MIRROR")
    if mirror:
        there = mirror.startswith("http") or Path(mirror).is_dir()
        note = "tried before every public address" if there else "no such folder"
        checks.append(Check("mirror", mirror, note, there))
    online = "off: --offline" if cache.is_offline() else "reachable" if _is_online() else "none"
    return [*checks, Check("network", online, "without one, embedded quotes and shipped models still work")]


def _is_online() -> bool:
    """Whether the quote server can be reached: two seconds for each of its addresses, after its name was looked up,
    which takes as long as the system lets it."""
    try:
        socket.create_connection(("query1.finance.yahoo.com", 443), timeout=2).close()
    except OSError:
        return False
    return True
