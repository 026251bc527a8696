"""Running experiments: every seed and every contrast is a job of its own on one thread, spread over processes."""

import signal
import time
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from joblib import Parallel, delayed
from joblib.externals.loky import get_reusable_executor
from joblib.externals.loky.process_executor import TerminatedWorkerError

from seqlab.errors import SeqlabError, UsageError
from seqlab.lab.experiment import SCALES, Contrast, Experiment, Finding, Measured, Result, Rows, finite, judge
from seqlab.lab.names import EXPERIMENTS, find, module_of
from seqlab.tasks import Event, Note, Status, Task

CONTRAST_SEEDS = 5  # at most; with fewer an interval may be wide enough to fail by itself


class _Job(NamedTuple):
    """One seed of an experiment with its knobs; `contrast` is empty, or the --set that breaks it."""

    name: str
    seed: int
    scale: str
    knobs: dict[str, str]
    contrast: str


class _Done(NamedTuple):
    job: _Job
    measured: Measured | None
    problem: Exception | None
    seconds: float


def run_all(
    names: Sequence[str] = EXPERIMENTS,
    seed: int = 0,
    *,
    seeds: int | None = None,
    scale: str = "default",
    contrasts: bool = True,
    knobs: Mapping[str, Any] | None = None,
    workers: int = 1,
    keep: Callable[[Result], object] = lambda result: None,
) -> Task[list[Result]]:
    """Experiments one after the other, as a Task whose result is a list of Results. Iterated, it says which seed is
    done of how many.

    seeds: how many of each, from `seed` on; default: as many as it names. knobs: for every one of `names`; where
    some are set, nothing is contrasted. workers: processes; the same seeds give the same rows with any number of
    them. An experiment that cannot be run (data that cannot be fetched) raises its error if it is the only one, else
    its result says so. keep: is called with each result as soon as it is there. Raises UsageError for what there is
    not.
    """
    if scale not in SCALES:
        raise UsageError(f"there is no scale '{scale}'", f"known: {', '.join(SCALES)}")
    if not isinstance(seed, int) or seed < 0 or not (seeds is None or (isinstance(seeds, int) and seeds > 0)):
        raise UsageError(
            f"seed={seed!r}, seeds={seeds!r} name no seeds", "give whole numbers: seed from 0 on, seeds from 1"
        )
    given = {name: str(value) for name, value in (knobs or {}).items()}
    jobs = {name: _jobs(find(name), seed, seeds, scale, given, contrasts) for name in names}
    return Task(_steps(jobs, workers, keep))


def _jobs(
    experiment: Experiment, seed: int, seeds: int | None, scale: str, given: dict[str, str], contrasts: bool
) -> list[_Job]:
    settings = experiment.resolve(given)
    count = experiment.seeds if seeds is None else seeds
    jobs = [_Job(experiment.name, seed + i, scale, settings, "") for i in range(count)]
    if given or not contrasts:
        return jobs
    for changed in experiment.contrasts():
        ((name, value),) = changed.items()
        for i in range(min(count, CONTRAST_SEEDS)):
            jobs.append(_Job(experiment.name, seed + i, scale, settings | changed, f"{name}={value}"))
    return jobs


def _steps(
    jobs: dict[str, list[_Job]], workers: int, keep: Callable[[Result], object]
) -> Generator[Event, None, list[Result]]:
    every = [job for each in jobs.values() for job in each]
    ended: Iterator[_Done] = map(_run, every)
    if workers > 1:
        ended = iter(Parallel(n_jobs=workers, return_as="generator")(delayed(_run_apart)(job) for job in every))
    try:
        return (yield from _results(jobs, ended, keep))
    except TerminatedWorkerError as ended_early:
        raise SeqlabError(
            "a process of the lab was killed, perhaps because memory was short", "run it with fewer, as --threads 1"
        ) from ended_early
    finally:
        if workers > 1:
            get_reusable_executor().shutdown(kill_workers=True)  # also in the middle, where somebody has stopped it


def _results(
    jobs: dict[str, list[_Job]], ended: Iterator[_Done], keep: Callable[[Result], object]
) -> Generator[Event, None, list[Result]]:
    results = []
    for name, expected in jobs.items():
        yield Status(f"{name}: {len(expected)} runs", 0, len(expected))
        done = []
        for number in range(len(expected)):
            done.append(next(ended))
            yield Status(f"{name}: run {number + 1} of {len(expected)}", number + 1, len(expected))
        problem = next((one.problem for one in done if one.problem is not None), None)
        if problem is not None and len(jobs) == 1:
            raise problem
        results.append(_result(find(name), done, problem))
        keep(results[-1])
        yield Note(f"{name}: {results[-1].verdict}, {results[-1].seconds:.0f} s")
    return results


def _run_apart(job: _Job) -> _Done:
    """A job in a process of its own: Ctrl-C is the parent's, who ends this one."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    return _run(job)


def _run(job: _Job) -> _Done:
    from seqlab.machine import use_threads

    start = time.process_time()
    measured, problem = None, None
    try:
        with use_threads(1):
            measured = module_of(job.name).measure(job.seed, job.scale, **job.knobs)
    except Exception as raised:  # told of where it is the only experiment; no other is lost by it
        problem = raised
    return _Done(job, measured, problem, time.process_time() - start)


def _result(experiment: Experiment, done: list[_Done], problem: Exception | None) -> Result:
    seconds = sum(one.seconds for one in done)
    scale, knobs = done[0].job.scale, done[0].job.knobs
    if problem is not None:
        return Result(
            experiment, None, scale=scale, knobs=knobs, seconds=seconds, problem=str(problem) or type(problem).__name__
        )
    groups: dict[str, list[_Done]] = {}
    for one in done:
        groups.setdefault(one.job.contrast, []).append(one)
    rows: Rows = []
    found = {}
    for contrast, each in groups.items():
        found[contrast] = judge(experiment, [one.measured.values for one in each if one.measured])
        if not contrast:
            rows = [_row(one.job.seed, row) for one in each if one.measured for row in one.measured.rows]
    main = found.pop("")
    return Result(
        experiment,
        all(one.holds for one in main),
        rows,
        main,
        [_contrast(name, main, each) for name, each in found.items()],
        knobs,
        scale,
        done[0].job.seed,
        len(groups[""]),
        seconds,
        done[0].measured.page if done[0].measured else "",
    )


def _contrast(setting: str, main: list[Finding], found: list[Finding]) -> Contrast:
    telling = [one for one, before in zip(found, main, strict=True) if before.holds and one.refuted]
    return Contrast(setting, all(one.holds for one in found), found, telling)


def _row(seed: int, row: dict[str, Any]) -> dict[str, Any]:
    return {"seed": seed} | {name: finite(value) for name, value in row.items()}
