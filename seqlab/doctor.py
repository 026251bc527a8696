"""Whether this machine has what seqlab needs: what it computes with and why, folders, shipped models, a network."""

import os
import platform
import socket
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, NamedTuple

import torch

import seqlab
from seqlab import checkpoint, files, machine
from seqlab.data.fetch import cache
from seqlab.errors import CheckpointError

NEEDED = (
    *("numpy", "pandas", "scipy", "scikit-learn", "joblib", "matplotlib", "pillow", "safetensors", "click", "rich"),
    *("yfinance", "curl_cffi", "exchange_calendars"),
)
EXTRAS = {
    "baselines": ("arch",),
    "classical": ("statsforecast",),
    "excel": ("openpyxl",),
    "holidays": ("holidays",),
    "writing": ("tree-sitter", "tree-sitter-c"),
    "parquet": ("pyarrow",),
}  # of pyproject.toml, and what is asked for by name where a file needs it


class Check(NamedTuple):
    """One thing that was found. ok: whether seqlab can work with it."""

    name: str
    value: Any
    note: str
    ok: bool = True


def examine(device: str = "auto", precision: str = "auto", threads: int | None = None) -> list[Check]:
    """The checks, in the order in which `seqlab doctor` prints them. Raises UsageError for a device, a precision or
    threads that this machine has not."""
    return [*_computing(device, precision, threads), *_packages(), *_folders(), *_checkpoints(), *_network()]


def _computing(device_name: str, precision_name: str, count: int | None) -> list[Check]:
    device = machine.choose_device(device_name)
    precision = machine.choose_precision(precision_name, device.value)
    small, large = (machine.choose_threads(count, n) for n in (0, machine.ONE_THREAD_PARAMETERS))
    return [
        Check("seqlab", seqlab.__version__, f"in {Path(seqlab.__file__).parent}"),
        Check("python", platform.python_version(), sys.executable),
        Check("system", platform.platform(), platform.machine()),
        Check("torch", torch.__version__, _build()),
        Check("processor", machine.instruction_set(), f"{machine.physical_cores()} cores to use"),
        Check("device", str(device.value), device.reason),
        Check("precision", machine.precision_name(precision.value), precision.reason),
        Check("threads", large.value, f"{large.reason}; {small.value} for a small net"),
    ]


def _build() -> str:
    """What torch was built with."""
    cuda = f"CUDA {torch.version.cuda}" if torch.version.cuda else "no CUDA"
    return f"{cuda}, {'MKL' if torch.backends.mkl.is_available() else 'no MKL'}, debug {torch.version.debug}"


def _packages() -> list[Check]:
    """The versions of what seqlab needs, and of what its extras bring."""
    needed = [f"{name} {version(name)}" for name in NEEDED]
    checks = [Check("packages", len(needed), ", ".join(needed))]
    for extra, names in EXTRAS.items():
        found = [f"{name} {there}" for name in names if (there := _version(name))]
        missing = [f"no {name}" for name in names if not _version(name)]
        checks.append(Check("extra", extra, ", ".join([*found, *missing])))
    return checks


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _folders() -> list[Check]:
    checks = []
    for name, folder in (("cache", cache.cache_folder()), ("checkpoints", checkpoint.checkpoints_folder())):
        problem = files.unwritable(folder)
        note = problem or f"writable, {cache.free_bytes(folder) / 1e9:.0f} GB free"
        checks.append(Check(name, str(folder), note, not problem))
    return checks


def _checkpoints() -> list[Check]:
    shipped = checkpoint.shipped_folder()
    return [
        Check(kind, str(folder), entry.message, False)
        if isinstance(entry, CheckpointError)
        else Check(kind, entry.name, f"{entry.config['job']}, {entry.config['parameters']:,} parameters")
        for folder in {folder.resolve(): folder for folder in checkpoint.search_folders()}.values()  # in a clone one
        for kind in ("shipped" if folder.resolve() == shipped.resolve() else "trained",)
        for entry in checkpoint.listing([folder])
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
