"""The pictures: what is written in an SVG, and a terminal's picture against the numbers that it shows."""

import io
import re
import unicodedata
from dataclasses import replace
from itertools import combinations, pairwise
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from seqlab.cli.reports import terminal_chart
from seqlab.cli.reports.forecast_tables import backtest_lines
from seqlab.errors import DataError
from seqlab.forecasting import Forecast
from seqlab.formatting import numbers
from seqlab.plots import backtest_chart, fan_chart, style, training_chart
from seqlab.plots.dates import tick_labels
from seqlab.plots.pages import backtest as backtests
from seqlab.scoring import LEVELS
from seqlab.scoring.backtest import Backtest
from tests.forecasting.test_forecasting import made_series
from tests.scoring.test_scoring import CURVE, clustered

AWKWARD = "$a_{x$ <b>&amp; [red]\x1b[31m\n\udcff"


def made_forecast(name="MADE", steps=5, scale=1.0, volatility=0.01, backtest=None, days=100, seed=0) -> Forecast:
    """A forecast of a random walk by its own volatility; the walk beside it is twice as wide."""
    series = made_series(name, days=days, volatility=np.full(days, volatility), seed=seed)
    series = replace(series, close=scale * series.close, adjusted=0.5 * scale * series.close)
    widths = volatility * np.sqrt(np.arange(1, steps + 1))[:, None] * CURVE
    return Forecast(
        series,
        series.dates[-1] + np.arange(1, steps + 1),
        series.close[-1] * np.exp(widths),
        series.close[-1] * np.exp(2 * widths),
        backtest or Backtest((steps,), series.dates[:0], np.zeros((0, 1)), {}),
    )


def texts(path) -> list[str]:
    """What can be read in an SVG, which has to be XML."""
    return ["".join(one.itertext()) for one in ElementTree.parse(path).iter("{http://www.w3.org/2000/svg}text")]


def test_a_fan_chart_says_what_its_lines_are_and_that_it_is_no_advice(tmp_path):
    one = made_forecast(backtest=clustered(60, 1, seed=0))
    style.save(fan_chart.draw([one]), tmp_path / "fan.svg")
    said = texts(tmp_path / "fan.svg")
    assert "MADE" in said
    (walk,) = [text for text in said if text.startswith("random walk")]  # twice as wide: it leaves the picture
    assert float(walk.removeprefix("random walk, 80 %: to ")) == pytest.approx(
        one.random_walk[-1, LEVELS.index(0.9)], rel=1e-3
    )
    for level, meaning in ((0.95, "90 % band"), (0.9, "80 % band"), (0.75, "50 % band"), (0.5, "median")):
        (label,) = [text for text in said if text.endswith(meaning)]
        assert float(label.split()[0].replace(",", "")) == pytest.approx(one.prices[-1, LEVELS.index(level)], rel=1e-3)
    assert any(str(one.dates[-1]) in text for text in said)
    assert any("60 past forecasts" in text for text in said)
    assert any("No investment advice" in text for text in said)


@pytest.mark.parametrize("ending", ["svg", "png", "pdf"])
def test_charts_of_any_name_and_of_one_step_are_drawn_the_same_each_time(tmp_path, ending):
    one = made_forecast(AWKWARD, steps=1, backtest=clustered(60, 1, seed=0))
    written = []
    for attempt in "ab":
        fan, scores = tmp_path / f"fan-{attempt}.{ending}", tmp_path / f"scores-{attempt}.{ending}"
        style.save(fan_chart.draw([one]), fan)
        style.save(backtest_chart.draw(one.backtest, [AWKWARD]), scores)
        written.append(fan.read_bytes() + scores.read_bytes())
        if ending == "svg":
            assert "$a_{x$ <b>&amp; [red][31m ?" in texts(fan) and "$a_{x$ <b>&amp; [red][31m ?" in texts(scores)
    assert written[0] == written[1]


@pytest.mark.parametrize(("scale", "volatility"), [(1e-10, 0.01), (1e12, 0.3), (1.0, 1e-9), (-1.0, 0.01)])
def test_extreme_prices_are_labelled_apart(tmp_path, scale, volatility):
    style.save(fan_chart.draw([made_forecast(scale=scale, volatility=volatility)]), tmp_path / "fan.svg")
    said = [text for text in texts(tmp_path / "fan.svg") if text.endswith(("band", "median"))]
    assert len({text.split()[0] for text in said}) == 4


def test_a_fan_chart_has_a_panel_for_each_series(tmp_path):
    style.save(fan_chart.draw([made_forecast(f"S{k}", steps=k) for k in range(1, 6)]), tmp_path / "fan.svg")
    assert {"S1", "S2", "S3", "S4", "S5"} <= set(texts(tmp_path / "fan.svg"))


def test_minutes_can_be_drawn(tmp_path):
    one = made_forecast()
    minutes = np.datetime64("2024-01-31T15:30", "m") + 60 * np.arange(105)
    hourly = replace(one, series=replace(one.series, dates=minutes[:100]), dates=minutes[100:])
    style.save(fan_chart.draw([hourly]), tmp_path / "fan.svg")
    last = str(minutes[-1]).replace("T", " ")
    assert any(last in text for text in texts(tmp_path / "fan.svg"))
    assert terminal_chart.lines(hourly, 80)[-1].endswith(last)


def test_nights_and_weekends_take_no_room_in_a_chart_of_minutes(tmp_path):
    """A Friday's half hours and a Monday's: evenly spaced, and the ticks say which day is which."""
    friday = np.datetime64("2024-02-02T09:30", "m") + 30 * np.arange(13)
    weeks = np.concatenate([friday + 7 * 1440 * week for week in range(8)])  # 104 rows, a week between sessions
    one = made_forecast()
    half_hours = replace(one, series=replace(one.series, dates=weeks[-105:][:100]), dates=weeks[99:104])
    style.save(fan_chart.draw([half_hours]), tmp_path / "fan.svg")
    said = texts(tmp_path / "fan.svg")
    days = {f"{day.item():%-d %b}" for day in weeks[80:]}
    shown = {" ".join(text.split()[:2]) for text in said}
    assert days <= shown  # each of the sessions shown has its tick


def test_a_backtest_chart_shows_its_skill_and_gives_no_intervals_of_a_few_days(tmp_path):
    many, few = clustered(300, 5, seed=0), clustered(30, 5, seed=0)
    style.save(backtest_chart.draw(many, ["A", "B", "C", "D", "E"]), tmp_path / "many.svg")
    said = texts(tmp_path / "many.svg")
    assert "A, B, C and 2 more" in said and f"{many.skill()[0]:+.1f}" in said
    assert {"model", "random walk", "5 days", "5 days ahead", "50 %", "80 %", "90 %"} <= set(said)
    assert any(text.startswith("300 forecasts from 0 to 299") for text in said)
    assert any("95 % intervals" in text and "No investment advice" in text for text in said)
    style.save(backtest_chart.draw(few, ["A"]), tmp_path / "few.svg")
    assert any("No intervals" in text for text in texts(tmp_path / "few.svg"))


def test_a_backtest_chart_and_page_compare_with_what_the_verdict_does(tmp_path):
    walked = clustered(300, 5, seed=0)
    for width, rival in ((1.05, "seasonal naive"), (4.0, "random walk")):  # beside that of the model
        quantiles = {**walked.quantiles, "seasonal_naive": width * walked.quantiles["model"]}
        seasonal = replace(walked, quantiles=quantiles)
        rival_is_better = max(seasonal.skill("seasonal_naive")) > 0
        assert rival_is_better == (rival == "seasonal naive")
        style.save(backtest_chart.draw(seasonal, ["A"]), tmp_path / "chart.svg")
        said, page = texts(tmp_path / "chart.svg"), backtests.scores(seasonal)
        assert f"Skill in CRPS over the {rival} (up is better)" in said and f"Skill over the {rival}, %" in page
        (skill,) = seasonal.skill(against=rival.replace(" ", "_"))
        assert f"{skill:+.1f}" in said and f"{skill:+.2f}" in page and f"{skill:+.2f}" in backtests.brief(seasonal)


def test_where_the_season_was_exact_skill_is_drawn_over_the_random_walk(tmp_path):
    walked = clustered(300, 5, seed=0)
    exact = np.broadcast_to(walked.outcomes[..., None], walked.quantiles["random_walk"].shape)
    seasonal = replace(walked, quantiles={**walked.quantiles, "seasonal_naive": exact})
    style.save(backtest_chart.draw(seasonal, ["A"]), tmp_path / "chart.svg")
    assert "Skill in CRPS over the random walk (up is better)" in texts(tmp_path / "chart.svg")
    assert "Skill over the random walk, %" in backtests.scores(seasonal)
    assert not any("nan" in line for line in backtest_lines(seasonal))


def test_a_season_fills_its_picture_whatever_a_random_walk_would_hold_possible():
    """A season of ten in height beside a random walk that goes thirty times as far."""
    one = made_forecast(steps=12, days=120)
    values = 100 + 5 * np.sin(np.arange(132) * np.pi / 6)
    series = replace(one.series, close=values[:120], adjusted=values[:120])
    fan = values[120:, None] + np.linspace(-1, 1, len(LEVELS))
    walk = 100 + np.linspace(0, 150, 12)[:, None] * np.linspace(-1, 1, len(LEVELS))
    axes = fan_chart.draw([replace(one, series=series, prices=fan, random_walk=walk)]).axes[0]
    low, high = axes.get_ylim()
    assert low <= 94 and high >= 106  # all of history and fan
    assert high - low < 2 * 12


@pytest.mark.parametrize("step", ["s", "m", "h", "D", "M", "Y"])
def test_every_tick_of_dates_can_be_dated(step):
    """From the labels alone, one after the other, the year and the month of each is told."""
    for every in (1, 3, 10):
        times = (np.datetime64("2023-12-31T23:58:50", step) + every * np.arange(9)).astype("datetime64[s]").tolist()
        year, month = "", ""
        for time, label in zip(times, tick_labels(times), strict=True):
            for word in label.split():
                year = word if re.fullmatch(r"\d{4}", word) else year
                month = word if word.isalpha() else month
            assert year == str(time.year)
            assert step == "Y" or month == f"{time:%b}"


def test_pictures_say_what_they_show_to_who_cannot_see_them(tmp_path):
    one = made_forecast("<A> & B", backtest=clustered(60, 1, seed=0))
    figures = {"fan": fan_chart.draw([one]), "scores": backtest_chart.draw(one.backtest, [one.series.name])}
    for name, figure in figures.items():
        style.save(figure, tmp_path / f"{name}.svg")
        style.save(figure, tmp_path / f"{name}.png")
        (title,) = ElementTree.parse(tmp_path / f"{name}.svg").findall("{http://www.w3.org/2000/svg}title")
        read = Image.open(tmp_path / f"{name}.png").info
        assert title.text == read["Description"] and read["Description"].startswith(read["Title"])
        assert "<A> & B" in title.text and "80 %" in title.text


@given(st.lists(st.floats(0, 1), min_size=1, max_size=12), st.floats(0, 0.3))
def test_labels_are_moved_apart_and_no_further_than_needed(places, gap):
    places.sort()
    spread = fan_chart.spread(places, gap)
    assert all(after - before >= gap - 1e-9 for before, after in pairwise(spread))
    room = 1 - (len(places) - 1) * gap
    assert room < 0 or (spread[0] >= -1e-9 and spread[-1] <= 1 + 1e-9)
    if room > 0 and spread[0] > 1e-9 and spread[-1] < 1 - 1e-9:
        assert np.mean(spread) == pytest.approx(np.mean(places))
    if all(after - before >= gap for before, after in pairwise(places)):
        assert spread == pytest.approx(places)


@given(st.floats(-1e15, 1e15).filter(lambda start: start == 0 or abs(start) > 1e-300), st.floats(1e-6, 10))
def test_numbers_of_an_axis_can_be_told_apart_and_are_right(start, relative):
    values = [start + k / 10 * (abs(start) or 1.0) * relative for k in range(11)]
    written = [float(text.replace(",", "")) for text in numbers(values)]
    assert written == sorted(written) and len(set(written)) == 11
    assert written == pytest.approx(values, abs=0.01 * (values[-1] - values[0]))


forecasts = st.builds(
    made_forecast,
    steps=st.integers(1, 60),
    scale=st.sampled_from([-1e3, 1e-9, 1.0, 1e13]),
    volatility=st.sampled_from([0.0, 1e-9, 0.01, 0.3]),
    days=st.integers(2, 300),
    seed=st.integers(0, 99),
)


@given(forecasts, st.integers(0, 200), st.sampled_from([terminal_chart.BLOCKS, terminal_chart.ASCII]))
def test_a_picture_of_letters_keeps_its_width_and_has_no_control_characters(one, width, letters):
    drawn = terminal_chart.lines(one, width, letters)
    assert all(len(line) <= min(width, 89) for line in drawn)
    assert not any(unicodedata.category(letter).startswith("C") for letter in "".join(drawn))
    if letters == terminal_chart.ASCII:
        assert "".join(drawn).isascii()
    if width >= 60:
        assert len(drawn) == terminal_chart.ROWS + 1


@given(forecasts, st.integers(60, 100), st.sampled_from([terminal_chart.BLOCKS, terminal_chart.ASCII]))
def test_the_bands_of_a_picture_nest_around_the_median_and_the_numbers(one, width, letters):
    drawn = terminal_chart.lines(one, width, letters)[: terminal_chart.ROWS]
    now = {line.index(letters.now) for line in drawn}
    (start,) = now  # one straight line
    fan = [line[start + 1 :].split(" q")[0] for line in drawn]
    columns = max(map(len, fan))
    order = " " + letters.wide + letters.narrow + letters.median
    for c in range(columns):
        letters_down = [order.index(line[c]) if c < len(line) else 0 for line in fan]
        at = letters_down.index(3)
        assert letters_down.count(3) == 1
        assert letters_down[: at + 1] == sorted(letters_down[: at + 1])  # from outside to the median and out again
        assert letters_down[at:] == sorted(letters_down[at:], reverse=True)
    # the rows named at the end are those whose prices they are, as read off the axis: its labels are of middles
    top, bottom = (float(drawn[row].split()[0].replace(",", "")) for row in (0, -1))
    if one.series.close[-1] > 0 and top - bottom > 1e-3 * top:
        row_height = (top - bottom) / (terminal_chart.ROWS - 1)
        for row, line in enumerate(drawn):
            if " q" in line:
                price = one.prices[-1, LEVELS.index(int(line.rsplit(" q")[1]) / 100)]
                assert abs(top - row * row_height - price) <= 0.6 * row_height


@given(st.floats(-1e9, 1e9), st.floats(-1e9, 1e9), st.floats(-1e9, 1e9), st.floats(-1e9, 1e9))
def test_a_higher_price_is_on_no_lower_row(a, b, bottom, top):
    if bottom < top:
        scale = terminal_chart.Scale(bottom, top)
        assert scale.row(max(a, b)) <= scale.row(min(a, b))
        assert [scale.row(scale.price(row)) for row in range(10)] == list(range(10)) or top - bottom < 1e-6 * abs(top)


def test_a_rising_history_rises_in_the_picture():
    one = made_forecast(days=100)
    rising = np.linspace(50, 100, 100)
    one = replace(one, series=replace(one.series, close=rising, adjusted=rising), prices=one.prices * 0 + 100.0)
    drawn = terminal_chart.lines(one, 80, terminal_chart.ASCII)[: terminal_chart.ROWS]
    places = [[c for c, letter in enumerate(line) if letter == "*"] for line in drawn]
    assert all(places) and all(min(above) >= max(below) for above, below in pairwise(places))


class Terminal(io.StringIO):
    def __init__(self, encoding: str, is_one: bool = True) -> None:
        super().__init__()
        self.is_one, self.its_encoding = is_one, encoding

    def isatty(self) -> bool:
        return self.is_one

    @property
    def encoding(self) -> str:
        return self.its_encoding


def test_a_terminal_gets_the_letters_that_it_has_and_a_file_none(monkeypatch):
    def shown(encoding: str, is_one: bool = True) -> str:
        monkeypatch.setattr("sys.stdout", Terminal(encoding, is_one))
        return "".join(terminal_chart.for_stdout(made_forecast()))

    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "80")
    assert "▒" in shown("utf-8")
    for encoding in ("ascii", "cp1252", "cp437"):  # the last has the blocks, and no braille
        assert ":" in shown(encoding) and shown(encoding).isascii()
    assert shown("utf-8", is_one=False) == ""
    monkeypatch.setenv("COLUMNS", "30")
    assert shown("utf-8") == ""
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("TERM", "dumb")
    assert shown("utf-8").isascii() and shown("utf-8")


def test_the_curves_of_a_training_are_those_of_its_log(tmp_path):
    log = [{"step": 10 * k, "train_loss": 3.0 / k, "val_loss": 2.0 + (k - 4) ** 2 / 10} for k in range(1, 8)]
    figure = training_chart.draw(AWKWARD, "language", log, 40)
    train, val, best, _ = figure.axes[0].lines
    assert train.get_xydata().tolist() == [[one["step"], one["train_loss"]] for one in log]
    assert val.get_xydata().tolist() == [[one["step"], one["val_loss"]] for one in log]
    assert best.get_xydata().tolist() == [[40, 2.0]]
    style.save(figure, tmp_path / "curve.svg")
    assert {"best: 2 at step 40", "loss, nats per character", "training", "validation"} <= set(
        texts(tmp_path / "curve.svg")
    )


def test_a_training_without_validation_or_log():
    log = [{"step": 5, "train_loss": 1.0, "val_loss": None}, {"step": 10, "train_loss": 0.5, "val_loss": None}]
    assert len(training_chart.draw("a", "vision", log, 10).axes[0].lines) == 1
    with pytest.raises(DataError, match="no log"):
        training_chart.draw("a", "vision", [], 10)


# severity 1.0 of Machado, Oliveira and Fernandes (2009), on linear RGB
BLINDNESS = {
    "none": np.eye(3),
    "protanopia": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deuteranopia": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    "tritanopia": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
}


@pytest.mark.parametrize("kind", BLINDNESS)
def test_colours_of_the_figures_can_be_told_apart_by_the_colour_blind(kind):
    """Of those beside each other in a chart, in CIELAB; 10 is told apart at a glance."""
    colours = (style.MODEL, style.WALK, *style.OTHERS)
    seen = []
    for colour in colours:
        linear = np.array([int(colour[k : k + 2], 16) / 255 for k in (1, 3, 5)])
        linear = np.where(linear <= 0.04045, linear / 12.92, ((linear + 0.055) / 1.055) ** 2.4)
        linear = np.clip(np.array(BLINDNESS[kind]) @ linear, 0, 1)
        xyz = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]) @ linear
        x, y, z = np.cbrt(xyz / [0.9505, 1, 1.089])
        seen.append((116 * y - 16, 500 * (x - y), 200 * (y - z)))
    for one, other in combinations(range(len(colours)), 2):
        assert np.linalg.norm(np.subtract(seen[one], seen[other])) > 10, (colours[one], colours[other])
