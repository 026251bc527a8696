"""Experiments: one file per claim of a deep-learning seminar. Each measures, and finds whether the claim holds."""

from typing import TYPE_CHECKING, Any

from seqlab.lab.names import EXPERIMENTS, find, module_of

if TYPE_CHECKING:
    from seqlab.lab.experiment import Result


def run(
    name: str,
    seed: int = 0,
    *,
    seeds: int | None = None,
    scale: str = "default",
    contrasts: bool = True,
    **knobs: Any,
) -> "Result":
    """Run an experiment of EXPERIMENTS on the CPU: seeds seed, seed + 1, ..., one thread each, one after the other.

    scale: `small`, `default` or `full`; contrasts: whether to repeat it with each of its causes taken away, which is
    not done where knobs are set. Raises UsageError for a name, a scale or a knob that there is not.
    """
    from seqlab.lab.runner import run_all

    (result,) = run_all([name], seed, seeds=seeds, scale=scale, contrasts=contrasts, knobs=knobs).result()
    return result


__all__ = ["EXPERIMENTS", "find", "module_of", "run"]
