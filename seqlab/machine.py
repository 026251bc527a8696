"""What this machine is good at: the device, the precision and the threads to compute with, each with its reason."""

import ctypes
import functools
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Generic, NamedTuple, TypeVar

import torch

from seqlab.errors import UsageError, did_you_mean

# Below about this many parameters a step is too short to share: the threads wait for each other.
ONE_THREAD_PARAMETERS = 200_000
MOST_THREADS = 512
PRECISIONS = {"fp32": torch.float32, "bf16": torch.bfloat16}


T = TypeVar("T")


class Choice(NamedTuple, Generic[T]):
    value: T
    reason: str


def choose_device(name: str = "auto") -> Choice[torch.device]:
    """`auto`, `cpu`, `cuda`, `cuda:N` or `mps` -> the torch device and why it was taken.

    Raises UsageError for an unknown name or a device this machine lacks.
    """
    if name == "auto":
        if torch.cuda.is_available():
            return Choice(torch.device("cuda"), f"{torch.cuda.get_device_name()} is there")
        return Choice(torch.device("cpu"), "no CUDA device")
    kind = name.split(":")[0]
    if kind not in ("cpu", "cuda", "mps"):
        raise UsageError(f"unknown device '{name}'", did_you_mean(name, ["auto", "cpu", "cuda", "mps"]))
    try:
        device = torch.device(name)
    except RuntimeError as problem:
        raise UsageError(f"unknown device '{name}'", "write cpu, cuda, cuda:N or mps") from problem
    there = {
        "cpu": True,
        "cuda": torch.cuda.is_available() and (device.index or 0) < torch.cuda.device_count(),
        "mps": torch.backends.mps.is_available(),
    }
    if not there[kind]:
        raise UsageError(f"device '{name}' is not on this machine", "use --device auto or --device cpu")
    return Choice(device, "asked for")


def has_bf16(device: torch.device) -> bool:
    """Whether the device multiplies bfloat16 in hardware (emulated bf16 is slower than fp32)."""
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    if device.type == "cpu":
        flags = torch.cpu.get_capabilities()
        return bool(flags.get("avx512_bf16") or flags.get("amx_bf16") or flags.get("bf16"))
    return False


def choose_precision(name: str, device: torch.device) -> Choice[torch.dtype]:
    """`auto`, `fp32` or `bf16` -> the dtype of matrix products under autocast. Weights stay fp32."""
    if name == "auto":
        if has_bf16(device):
            return Choice(torch.bfloat16, "the processor multiplies bf16 in hardware")
        return Choice(torch.float32, "no bf16 in hardware")
    if name not in PRECISIONS:
        raise UsageError(f"unknown precision '{name}'", did_you_mean(name, ["auto", *PRECISIONS]))
    return Choice(PRECISIONS[name], "asked for")


def physical_cores() -> int:
    """Cores this process may use, counting two hyperthreads as one where the system tells."""
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else (os.cpu_count() or 1)
    cores = torch.cpu.get_capabilities().get("num_physical_cores") or allowed
    return max(1, min(allowed, int(cores)))


def choose_threads(asked: int | None, parameters: int) -> Choice[int]:
    """Threads for a model of so many parameters: one for a small net, else every physical core."""
    if asked is not None:
        if asked < 1:
            raise UsageError(f"--threads {asked} is not a number of threads", "use 1 or more")
        if asked > MOST_THREADS:
            raise UsageError(f"--threads {asked} is more than any machine is good at", f"use {MOST_THREADS} or fewer")
        return Choice(asked, "asked for")
    if parameters < ONE_THREAD_PARAMETERS:
        return Choice(1, f"{parameters:,} parameters are too few to share between threads")
    return Choice(physical_cores(), "every physical core")


@contextmanager
def use_threads(count: int) -> Iterator[None]:
    """Compute with `count` threads inside the block."""
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


@functools.cache
def keep_freed_memory() -> None:
    """Have the C library keep the memory of freed tensors for the next ones, until the process ends.

    glibc gives each large block back to the system, which fills it with zeros, page by page, when it is asked for
    again: a seventh of the training time of a convolutional net (measured). Other C libraries are left as they are.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None) if os.name == "posix" else None
    if mallopt is not None:
        mallopt(-4, 0)  # M_MMAP_MAX: no block is a mapping of its own
        mallopt(-1, 2**31 - 1)  # M_TRIM_THRESHOLD: the heap does not shrink


def instruction_set() -> str:
    """The vector instructions torch uses here, as `AVX512` or `AVX2`."""
    return torch.backends.cpu.get_cpu_capability()


def precision_name(dtype: torch.dtype) -> str:
    return {value: key for key, value in PRECISIONS.items()}[dtype]


@dataclass(frozen=True)
class Compute:
    """What to compute with, as asked for; `resolve` says what it comes to for a model."""

    device: str = "auto"
    precision: str = "auto"
    threads: int | None = None

    def resolve(self, parameters: int) -> "DeviceConfig":
        """Raises UsageError for what this machine cannot do."""
        device = choose_device(self.device).value
        return DeviceConfig(
            device, choose_precision(self.precision, device).value, choose_threads(self.threads, parameters).value
        )


@dataclass(frozen=True)
class DeviceConfig:
    """A device, the dtype of its matrix products, and a number of threads."""

    device: torch.device
    precision: torch.dtype
    threads: int

    def record(self) -> dict[str, str | int]:
        """What a checkpoint notes: a run continues bit for bit only with the same of these."""
        return {
            "device": str(self.device),
            "precision": precision_name(self.precision),
            "threads": self.threads,
            "instruction_set": instruction_set(),
        }
