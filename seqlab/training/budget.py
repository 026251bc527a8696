"""How long a run takes: the steps that fit into minutes, measured on this machine."""

import copy
import time

import torch

from seqlab.training.loop import train
from seqlab.training.run import Run, Validate

EVALUATIONS = 20  # in a run, whose time is taken off


def steps_in(run: Run, seconds: float, validate: Validate | None = None) -> int:
    """How many steps of the run, and EVALUATIONS of it, fit into so many seconds; at least one.

    A few steps of a copy and one validation, of step 0, are timed; the run and the random state stay as they are.
    """
    start = time.perf_counter()
    if validate is not None:
        validate(0)
    validation_seconds = time.perf_counter() - start
    probe = copy.deepcopy(run, {id(run.batches): run.batches})
    probe.max_steps = 1_000_000
    times = [time.perf_counter()]
    device = next(run.model.parameters()).device
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        for _ in train(probe):
            times.append(time.perf_counter())
            if len(times) > 6 and (times[-1] - times[0] > 5.0 or len(times) > 100):
                break
    step_seconds = (times[-1] - times[2]) / (len(times) - 3)  # the first two warm up
    return max(1, int((seconds - (times[-1] - start) - EVALUATIONS * validation_seconds) / step_seconds))
