"""Every experiment holds at its smallest scale and fails once its cause is taken away; intervals judge."""

import csv
import json
import pickle
import re

import numpy as np
import pytest
from joblib.externals.loky.process_executor import TerminatedWorkerError
from scipy import stats

from seqlab import lab
from seqlab.errors import DataError, SeqlabError, UsageError
from seqlab.lab import explosion, report, runner
from seqlab.lab.experiment import Experiment, Inequality, interval, judge
from seqlab.lab.runner import run_all


@pytest.mark.parametrize("name", lab.EXPERIMENTS)
def test_an_experiment_holds_and_fails_without_its_cause(name):
    done = lab.run(name, seeds=1, scale="small")
    assert done.holds, done.findings
    stated = done.experiment
    assert stated.name == name and stated.claim and stated.source and stated.refuted_by and done.rows
    assert stated.knobs and len(done.contrasts) == sum(len(knob.breaks) for knob in stated.knobs.values())
    for contrast in done.contrasts:
        assert contrast.telling and not contrast.holds, contrast
    assert all((one.above is None) != (one.below is None) and one.reason for one in stated.inequalities)
    json.dumps(done.to_dict(), allow_nan=False)
    assert name in done._repr_html_() and "the claim holds" in done._repr_html_()
    page = report.page([done])
    assert page.count("<svg") == 1 and len(page) < 250_000  # all of them together: under 2 MB
    assert not re.search(r"(src|href)=.(?!#|data:,)", page.replace("xlink:href", ""))  # nothing is fetched


def test_the_same_seed_gives_the_same_rows():
    first, again = (lab.run("lookahead", 3, seeds=1, scale="small", contrasts=False) for _ in range(2))
    assert first.rows == again.rows and first.rows[0]["seed"] == 3


def test_several_processes_give_the_same_as_one():
    one, two = (run_all(["backpropagation"], seeds=3, workers=count).result()[0] for count in (1, 2))
    assert one.to_dict() | {"seconds": 0} == two.to_dict() | {"seconds": 0}
    assert one.seeds == 3 and {row["seed"] for row in one.rows} == {0, 1, 2}


def test_a_set_knob_is_run_alone():
    done = lab.run("backpropagation", seeds=1, slope="one")
    assert done.holds is False and done.contrasts == [] and done.knobs == {"slope": "one"}


def test_the_interval_is_that_of_students_t():
    values = [0.3, 0.5, 0.1, 0.7]
    mean, low, high = interval(values)
    assert (low, high) == pytest.approx(stats.t.interval(0.95, 3, loc=np.mean(values), scale=stats.sem(values)))
    assert mean == pytest.approx(0.4) and interval([2.0]) == (2.0, 2.0, 2.0)


@pytest.mark.parametrize(
    ("values", "word"),
    [
        ([1.5, 1.6, 1.7], "holds"),
        ([0.5, 2.0, 1.5], "not shown"),
        ([0.1, 0.2, 0.3], "refuted"),
        ([1.2, float("nan"), 1.3], "not shown"),
        ([float("nan")] * 3, "refuted"),
    ],
)
def test_an_inequality_holds_where_its_whole_interval_does(values, word):
    stated = Experiment(
        "x", "x", "x", "x", (Inequality("a", "a", "why", above=1), Inequality("b", "b", "why", below=-1))
    )
    found = judge(stated, [{"a": value, "b": -value} for value in values])
    assert [one.word for one in found] == [word, word]
    json.dumps([one.to_dict() for one in found], allow_nan=False)


def test_explosion_measures_the_power_of_the_radius():
    row = explosion._through_time(1.1, 20, seed=3)
    assert row["gradient_ratio"] == pytest.approx(1.1**20, rel=1e-9)


def test_explosion_fails_where_clipping_does_nothing(monkeypatch):
    import torch

    monkeypatch.setattr(
        torch.nn.utils,
        "clip_grad_norm_",
        lambda parameters, _: torch.nn.utils.get_total_norm([p.grad for p in parameters if p.grad is not None]),
    )
    assert not lab.run("explosion", seeds=1, scale="small", contrasts=False).holds


def test_backpropagation_fails_where_a_slope_is_wrong(monkeypatch):
    from seqlab.lab import backpropagation

    right = backpropagation.slope
    monkeypatch.setattr(backpropagation, "slope", lambda name, z: right(name, z) * (1 + 1e-8))
    assert not lab.run("backpropagation", seeds=1).holds


def test_what_there_is_not_is_suggested():
    with pytest.raises(UsageError, match="no experiment") as caught:
        lab.run("explosoin")
    assert "explosion" in caught.value.hint
    with pytest.raises(UsageError, match="no knob 'clp'") as caught:
        lab.run("explosion", clp="none")
    assert "clip" in caught.value.hint
    with pytest.raises(UsageError, match="cannot be 'value'") as caught:
        lab.run("explosion", clip="value")
    assert "norm, none" in caught.value.hint
    with pytest.raises(UsageError, match="scale"):
        lab.run("explosion", scale="tiny")


def test_an_experiment_without_its_data_stops_no_other(monkeypatch):
    def missing(seed: int, scale: str, **knobs: str) -> None:
        raise DataError("cifar10 is not here", "seqlab data fetch cifar10")

    monkeypatch.setattr(explosion, "measure", missing)
    first, second = run_all(["explosion", "backpropagation"], seeds=1).result()
    assert first.holds is None and "not run: cifar10 is not here" in first.verdict and second.holds
    page = report.page([first, second])
    assert "not run" in page and page.count("<svg") == 1
    with pytest.raises(DataError):
        lab.run("explosion")


def test_an_error_comes_back_whole_from_another_process():
    error = pickle.loads(pickle.dumps(UsageError("what", "next")))
    assert isinstance(error, UsageError) and (error.message, error.hint) == ("what", "next")
    assert isinstance(error, SeqlabError)


def test_a_folder_takes_the_report_the_rows_and_the_figures(cli, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    done = cli("lab", "run", "backpropagation", "--seeds", "2", "--threads", "1", "--json", "-o", "out")
    assert done.status == 0, done.err
    folder = tmp_path / "out"
    assert {one.name for one in folder.iterdir()} == {
        "report.html", "results.json", "backpropagation.csv", "backpropagation.svg",
    }  # fmt: skip
    (written,) = json.loads((folder / "results.json").read_text())["results"]
    printed = json.loads(done.out)
    assert printed.pop("schema") == 1 and printed == written
    with (folder / "backpropagation.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [float(row["largest_difference"]) for row in rows] == [row["largest_difference"] for row in written["rows"]]


def test_a_report_of_one_is_written_by_its_ending(cli, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert cli("lab", "run", "backpropagation", "-o", "one.html", "--seeds", "1", "--threads", "1").status == 0
    assert "<svg" in (tmp_path / "one.html").read_text()
    done = cli("lab", "run", "backpropagation", "-o", "one.html", "--json")
    assert done.status == 2 and "-o FOLDER" in done.err


def test_a_claim_that_fails_is_status_1(cli):
    done = cli("lab", "run", "backpropagation", "--set", "slope=one", "--seeds", "1", "--threads", "1")
    assert done.status == 1 and "REFUTED" in done.out and "is REFUTED here" in done.out
    done = cli("lab", "run", "all", "--set", "slope=one")
    assert done.status == 2 and "one experiment" in done.err


@pytest.mark.parametrize("wrong", [{"seeds": 0}, {"seeds": -1}, {"seeds": 2.5}, {"seed": -1}, {"seed": 1.5}])
def test_seeds_that_are_none_are_refused(wrong):
    with pytest.raises(UsageError, match="name no seeds"):
        lab.run("backpropagation", **wrong)


def test_what_there_was_is_written_when_a_run_is_stopped(cli, tmp_path, monkeypatch):
    def stop(seed: int, scale: str, **knobs: str) -> None:
        raise KeyboardInterrupt

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(lab, "EXPERIMENTS", ("backpropagation", "explosion"))
    monkeypatch.setattr(explosion, "measure", stop)
    done = cli("lab", "run", "all", "--scale", "small", "--seeds", "1", "--threads", "1", "-o", "part")
    assert done.status == 130 and "stopped after 1 of 2" in done.err
    assert "Stopped before all were run" in (tmp_path / "part" / "report.html").read_text()
    assert [one["name"] for one in json.loads((tmp_path / "part" / "results.json").read_text())["results"]] == [
        "backpropagation"
    ]


def test_a_process_that_is_killed_is_said_to_be(cli, monkeypatch):
    def killed(*arguments: object, **options: object):
        return lambda jobs: iter(raise_it() for _ in jobs)

    def raise_it() -> None:
        raise TerminatedWorkerError("a long story")

    monkeypatch.setattr(runner, "Parallel", killed)
    done = cli("lab", "run", "backpropagation", "--threads", "2")
    assert done.status == 1 and "was killed" in done.err and "--threads 1" in done.err and "story" not in done.err


def test_a_folder_that_cannot_be_written_is_refused_before_anything_is_run(cli, tmp_path, monkeypatch):
    monkeypatch.setattr(explosion, "measure", lambda *given, **knobs: pytest.fail("it was run"))
    done = cli("lab", "run", "explosion", "-o", "/proc/self")
    assert done.status == 1 and "/proc/self cannot be written" in done.err
