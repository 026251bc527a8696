"""What to compute with: asked for, or chosen with a reason, or refused."""

import platform
import subprocess
import sys

import pytest
import torch

from seqlab import machine
from seqlab.errors import UsageError
from seqlab.machine import Compute

CPU = torch.device("cpu")


def test_the_processor_is_taken_where_there_is_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert machine.choose_device("auto") == (CPU, "no CUDA device")
    assert machine.choose_device("cpu") == (CPU, "asked for")
    with pytest.raises(UsageError, match="'cuda' is not on this machine"):
        machine.choose_device("cuda")


def test_a_cuda_device_is_taken_where_there_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda: "a card")
    assert machine.choose_device("auto") == (torch.device("cuda"), "a card is there")
    assert machine.choose_device("cuda:1").value == torch.device("cuda", 1)
    with pytest.raises(UsageError, match="'cuda:2' is not on this machine"):
        machine.choose_device("cuda:2")


@pytest.mark.parametrize("name", ["", "gpu", "cudaa", "CPU", "cuda:x", "cpu:", "meta", "cuda:-1", "xpu"])
def test_an_unknown_device_is_refused(name: str) -> None:
    with pytest.raises(UsageError, match="device"):
        machine.choose_device(name)


def test_bf16_is_chosen_where_the_processor_has_it(monkeypatch: pytest.MonkeyPatch) -> None:
    for there, wanted in ((True, torch.bfloat16), (False, torch.float32)):
        monkeypatch.setattr(torch.cpu, "get_capabilities", lambda there=there: {"avx512_bf16": there})
        assert machine.choose_precision("auto", CPU).value == wanted
        assert machine.choose_precision("bf16", CPU) == (torch.bfloat16, "asked for")
        assert machine.choose_precision("fp32", CPU) == (torch.float32, "asked for")
    with pytest.raises(UsageError, match="'fp16'"):
        machine.choose_precision("fp16", CPU)


def test_threads_by_the_models_size(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "physical_cores", lambda: 8)
    assert machine.choose_threads(None, 1000).value == 1
    assert machine.choose_threads(None, machine.ONE_THREAD_PARAMETERS).value == 8
    assert machine.choose_threads(3, 1000) == (3, "asked for")
    for wrong in (0, -1):
        with pytest.raises(UsageError, match=f"--threads {wrong}"):
            machine.choose_threads(wrong, 1000)


def test_no_more_cores_than_the_process_may_use(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine.os, "sched_getaffinity", lambda process: {0, 1}, raising=False)
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"num_physical_cores": 16})
    assert machine.physical_cores() == 2
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"num_physical_cores": 1})
    assert machine.physical_cores() == 1
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {})
    assert machine.physical_cores() == 2


def test_threads_are_given_back() -> None:
    before = torch.get_num_threads()
    with pytest.raises(RuntimeError), machine.use_threads(before + 1):
        assert torch.get_num_threads() == before + 1
        raise RuntimeError
    assert torch.get_num_threads() == before


def test_what_was_resolved_resolves_to_itself() -> None:
    """So a resumed run computes with what the first part of it did."""
    resolved = Compute("cpu", "bf16", 2).resolve(10)
    record = resolved.record()
    again = Compute(**{name: record[name] for name in ("device", "precision", "threads")}).resolve(10**9)
    assert again == resolved
    assert record["instruction_set"] == torch.backends.cpu.get_cpu_capability()


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="other C libraries are left as they are")
def test_memory_that_was_freed_is_used_again() -> None:
    program = """
import resource, torch
from seqlab.machine import keep_freed_memory
keep_freed_memory()
faults = []
for _ in range(20):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    torch.empty(64 << 20, dtype=torch.uint8).fill_(1)  # 16,384 pages
    faults.append(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
print(sorted(faults)[len(faults) // 2])
"""
    found = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert int(found.stdout) < 100
