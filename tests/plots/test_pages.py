"""Reports as a real browser shows them: what is drawn and told, that nothing runs in them but their own script, and
that nothing leaves them."""

import dataclasses
import re
import socket
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import seqlab
from seqlab import checkpoint
from seqlab.errors import DataError
from seqlab.forecasting.results import Forecasts
from seqlab.language.written import Scored
from seqlab.plots.pages import chart, evaluation, training
from tests.browser import BROWSER, Tab, browser
from tests.conftest import Outcome

HOSTILE = "</script><script>document.title='caught'</script>"
HOSTILE += "<img src=x onerror=\"document.title='caught'\"> & 'x' \u2028\x1b[1m"
LARGEST = 200_000  # bytes of a report
needs_uplot = pytest.mark.skipif(find_spec(chart.PACKAGE) is None, reason="the extra `report` is not installed")


@pytest.fixture(scope="module")
def tab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tab]:
    if BROWSER is None:
        pytest.skip("no chromium, chromium-browser or google-chrome here to open a page in")
    with browser(tmp_path_factory.mktemp("browser")) as opened:
        yield opened


@pytest.fixture(scope="module")
def forecasts() -> Forecasts:
    """Of one series with a season, whose name and column are a script."""
    days = pd.date_range("2021-01-01", periods=400)
    values = 200 + 30 * np.sin(2 * np.pi * np.arange(400) / 7) + np.random.default_rng(0).normal(size=400) * 5
    return seqlab.forecast(pd.Series(values, days, name=HOSTILE), horizon=10, origins=40, threads=1, offline=True)


@pytest.fixture
def still(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """As without the extra."""
    monkeypatch.setattr(chart, "PACKAGE", "no_package_of_this_name")
    chart.uplot.cache_clear()
    yield
    chart.uplot.cache_clear()


def many(one: Forecasts, count: int, horizon: int = 720, rows: int = 4000) -> Forecasts:
    """So many long series with backtests, of numbers with many digits."""
    rng, first = np.random.default_rng(1), one[0]
    found = []
    for number in range(count):
        close = 1e6 + 1e4 * rng.normal(size=rows).cumsum()
        dates = np.datetime64("2000-01-01") + np.arange(rows + horizon)
        fan = close[-1] + 1e4 * np.sqrt(np.arange(1, horizon + 1))[:, None] * np.linspace(-2, 2, 19)
        parts = dict.fromkeys(("close", "adjusted", "open", "high", "low", "volume"), close)
        notes = tuple(f"{HOSTILE} {k} is repaired" for k in range(60))
        series = dataclasses.replace(
            first.series, name=f"{number} {HOSTILE}", dates=dates[:rows], notes=notes, filled=None, **parts
        )
        found.append(
            dataclasses.replace(
                first, series=series, dates=dates[rows:], prices=fan, random_walk=1.1 * fan, windows=None
            )
        )
    return Forecasts(tuple(found))


def opened(tab: Tab, file: Path, width: int = 1400, *, dark: bool = False) -> None:
    """Open a report, and hold it to what all are held to."""
    tab.open(file, width, dark=dark)
    assert tab.complaints == []
    assert [one for one in tab.requests if not one.startswith(("file:", "data:"))] == []
    assert [one for one in tab.requests if one.startswith("file:")] == [file.as_uri()]
    assert tab.run("document.title") != "caught"
    assert tab.run("document.documentElement.scrollWidth") <= width
    assert tab.run("document.querySelectorAll('h1').length") == 1
    unnamed = "[...document.querySelectorAll('[role=img]')].filter(one => !one.getAttribute('aria-label'))"
    assert tab.run(f"{unnamed}.length") == 0
    assert tab.run("[...document.querySelectorAll('table')].every(one => one.querySelector('thead th'))")


def shades(tab: Tab) -> int:
    """How many colours the first chart's canvas has."""
    return tab.run("""(() => {
        const canvas = document.querySelector("canvas");
        const all = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
        return new Set(new Uint32Array(all.buffer)).size;
    })()""")


@needs_uplot
@pytest.mark.parametrize(("width", "dark"), [(400, False), (1400, True)])
def test_hover_and_arrow_keys_tell_the_values_of_a_fan_chart(
    tmp_path: Path, tab: Tab, forecasts: Forecasts, width: int, dark: bool
) -> None:
    file, one = tmp_path / "report.html", forecasts[0]
    forecasts.report(file, f"seqlab forecast {HOSTILE}")
    opened(tab, file, width, dark=dark)
    assert shades(tab) > 20
    readout = "document.querySelector('.readout').textContent"
    assert str(one.dates[-1]) in tab.run(readout)  # the end, while nothing is pointed at
    box = "document.querySelector('.u-over').getBoundingClientRect()"
    tab.run("document.querySelector('.plot').scrollIntoView({block: 'center', behavior: 'instant'})")
    left, top, wide = (tab.run(f"{box}.{side}") for side in ("left", "top", "width"))
    tab.hover(left + 1, top + 20)
    shown = one.series.dates[-min(len(one.series.dates), 40) :]
    past = one.history(40)[0]
    told = re.search(r"value ([\d.]+)", tab.run(readout))
    assert str(shown[0]) in tab.run(readout) and told and float(told[1]) == pytest.approx(past, abs=0.06)
    tab.hover(left + wide - 1, top + 20)
    low, high = one.at_levels([0.1, 0.9])[-1]
    told = re.search(r"80 % band ([\d.]+) to ([\d.]+)", tab.run(readout))
    assert told and [float(each) for each in told.groups()] == pytest.approx([low, high], abs=0.06)
    tab.run("document.querySelector('.plot').focus()")
    tab.press("Home")
    assert str(shown[0]) in tab.run(readout)
    tab.press("ArrowRight")
    assert str(shown[1]) in tab.run(readout)


@needs_uplot
def test_a_chart_follows_the_scheme_and_is_light_on_paper(tmp_path: Path, tab: Tab, forecasts: Forecasts) -> None:
    file = tmp_path / "report.html"
    forecasts.report(file)
    ground = "getComputedStyle(document.body).backgroundColor"
    opened(tab, file)
    light, canvas = tab.run(ground), tab.run("document.querySelector('canvas').toDataURL()")
    opened(tab, file, dark=True)
    dark = tab.run("document.querySelector('canvas').toDataURL()")
    assert tab.run(ground) != light and dark != canvas
    tab.run("dispatchEvent(new Event('beforeprint'))")
    tab.settle()
    assert tab.run(ground) == light
    assert tab.run("[...document.querySelectorAll('details')].every(one => one.open)")
    tab.run("dispatchEvent(new Event('afterprint'))")
    tab.settle()
    assert tab.run("document.querySelector('canvas').toDataURL()") == dark
    assert tab.paper().startswith(b"%PDF")


def test_without_the_extra_the_same_is_drawn_still(tmp_path: Path, tab: Tab, forecasts: Forecasts, still: None) -> None:
    file = tmp_path / "report.html"
    forecasts.report(file)
    opened(tab, file, 400)
    assert "pip install 'seqlab[report]'" in tab.run("document.querySelector('footer').textContent")
    assert tab.run("document.scripts.length") == 0
    drawn = "document.querySelector('.plot svg')"
    assert tab.run(f"{drawn}.getBoundingClientRect().width") > 300
    assert tab.run(f"{drawn}.querySelectorAll('path').length") > 5


def test_a_script_that_is_not_the_published_one_is_not_put_into_a_page(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "fakeplot" / "vendor").mkdir(parents=True)
    (tmp_path / "fakeplot" / "__init__.py").write_text("raise SystemExit('it was run')")
    (tmp_path / "fakeplot" / "vendor" / "uplot.iife.min.js").write_text("alert(1)")
    (tmp_path / "fakeplot" / "vendor" / "uplot.min.css").write_text("")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(chart, "PACKAGE", "fakeplot")
    chart.uplot.cache_clear()
    assert chart.uplot() is None
    chart.uplot.cache_clear()


@pytest.mark.parametrize("count", [1, 8, 300])
def test_a_report_stays_below_200_kilobytes_and_shows_nothing_foreign(
    tmp_path: Path, tab: Tab, forecasts: Forecasts, count: int
) -> None:
    file = tmp_path / "report.html"
    many(forecasts, count).report(file, "seqlab forecast " + HOSTILE)
    assert file.stat().st_size <= LARGEST
    opened(tab, file, 400)
    assert tab.run("document.querySelectorAll('h2').length") > 3
    if count > 8:
        assert f"The first 8 of {count:,} series" in tab.run("document.body.textContent")


def test_a_page_may_run_its_own_scripts_alone_and_reach_nothing(tmp_path: Path, tab: Tab, forecasts: Forecasts) -> None:
    """A script that got into it all the same, by whatever hole."""
    file = tmp_path / "report.html"
    forecasts.report(file)
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)
        place = f"http://127.0.0.1:{server.getsockname()[1]}/"
        foreign = f"<script>document.title='caught'</script><img src='{place}x'>"
        foreign += f"<link rel=stylesheet href='{place}y'><style>p {{ background: url({place}w) }}</style>"
        file.write_text(file.read_text().replace("</main>", foreign + "</main>"))
        tab.open(file)
        assert tab.run("document.title") != "caught"
        assert any("Content Security Policy" in one for one in tab.complaints)
        assert "Failed" in tab.run(f"fetch('{place}').then(() => 'sent', problem => String(problem))")
        with pytest.raises(BlockingIOError):
            server.accept()  # nobody came


def test_a_scored_text_is_coloured_by_its_surprise(tmp_path: Path, tab: Tab) -> None:
    scored = f"plain\n{HOSTILE}\nend"
    log_probs = np.full(len(scored), -0.5)
    log_probs[0], log_probs[6] = -np.log(2) * 3, -np.log(2) * 9  # 3 bits and 9
    file = tmp_path / "score.html"
    Scored(scored, log_probs).report(file)
    opened(tab, file, 400)
    marks = "[...document.querySelectorAll('.text b')].map(one => one.className + one.textContent).join()"
    assert tab.run(marks) == "s1p,s3<"
    assert tab.run("document.querySelector('.text').textContent").startswith("plain\n</script><script>")
    Scored("x y\n" * 100_000, np.tile([-0.1, -2.0, -4.0, -9.0], 100_000)).report(file)
    assert file.stat().st_size <= LARGEST


def test_a_training_run_is_told_with_its_curve_settings_and_figures(
    tmp_path: Path, tab: Tab, shared_checkpoints: Path
) -> None:
    saved = checkpoint.load(shared_checkpoints / "small")
    file = tmp_path / "run.html"
    file.write_text(training.page(saved))
    opened(tab, file, 400, dark=True)
    text = tab.run("document.body.textContent")
    assert saved.config["command"] in text and "hidden size" in text
    assert f"{saved.config['metrics']['bits_per_char']:.4f}" in text


def test_classes_are_told_and_the_worst_stands_first(tmp_path: Path, tab: Tab) -> None:
    metrics = {"top1": 0.7, "images": 20, "per_class": {"cat": 0.9, HOSTILE: 0.5}, "confusion": [[9, 1], [5, 5]]}
    file = tmp_path / "evaluation.html"
    file.write_text(evaluation.page(HOSTILE, "pictures", metrics, HOSTILE))
    opened(tab, file, 400)
    rows = tab.run("[...document.querySelectorAll('#classes tbody tr')].map(one => one.textContent)")
    assert rows[0].endswith("50.0 %") and rows[1] == "cat90.0 %"
    assert tab.run("document.querySelectorAll('.matrix td').length") == 4


def test_the_command_writes_reports_beside_what_it_prints(tmp_path: Path, cli: Callable[..., Outcome]) -> None:
    rows = "\n".join(f"2021-01-{day:02},{100 + day % 7}" for day in range(1, 32))
    (tmp_path / "visits.csv").write_text(f"day,visits\n{rows}\n")
    done = cli("forecast", tmp_path / "visits.csv", "--horizon", "3", "--offline", "-o", tmp_path / "a.html")
    assert done.status == 0 and "a.html" in done.err and "2021-02-01" in done.out
    page = (tmp_path / "a.html").read_text()
    assert "seqlab forecast visits.csv --horizon 3 -o a.html" in page and "column" in page
    assert cli("forecast", tmp_path / "visits.csv", "-o", tmp_path / "no" / "a.html").status == 1


def test_reports_of_a_text_model_come_from_three_commands(
    tmp_path: Path, cli: Callable[..., Outcome], trained: Path, small_text: Path, tab: Tab
) -> None:
    asked = {
        "score": ["score", small_text, "--corpus", "small"],
        "evaluate": ["evaluate", "small", small_text, "--json"],
        "show": ["checkpoints", "show", "small"],
    }
    for name, words in asked.items():
        file = tmp_path / f"{name}.html"
        done = cli(*words, "--threads", "1", "-o", file)
        assert done.status == 0 and str(file) in done.err, done
        assert done.out  # what is printed is printed all the same
        opened(tab, file, 400)
        assert f"-o {file.name}" in tab.run("document.body.textContent") or name == "show"
        assert cli(*words, "--threads", "1", "-o", tmp_path / "no" / "x.html").status == 1


def test_figures_of_a_table_stand_beside_those_of_simple_models() -> None:
    metrics = {"accuracy": 0.91234, "nll": 0.3, "baselines": {"constant": {"accuracy": 0.5, "nll": None}}}
    page = evaluation.page("wine", "wine.csv", metrics)
    row = re.search(r"<tr>[^\n]*accuracy[^\n]*</tr>", page)
    assert row and re.findall(r"<td>(.*?)</td>", row[0]) == ["91.23%", "50.00%"]


def test_a_report_that_cannot_be_written_leaves_what_was_there(tmp_path: Path, forecasts: Forecasts) -> None:
    with pytest.raises(DataError, match="cannot be written"):
        forecasts.report(tmp_path / "no" / "a.html")
