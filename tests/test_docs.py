"""The documentation is true: its Python runs, its commands parse, its links and the files that it names exist."""

import re
import shlex
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import click
import pytest

from seqlab import lab, settings
from seqlab.cli.main import cli as commands
from seqlab.errors import SeqlabError
from tests.test_floors import FLOORS

ROOT = Path(__file__).parent.parent
DIARY = ROOT / "docs" / "lab-diary.md"  # its old entries keep the names that files and options had then
PAGES = [*ROOT.glob("*.md"), *sorted((ROOT / "docs").glob("*.md")), ROOT / "benchmarks" / "README.md"]
CURRENT = [page for page in PAGES if page != DIARY]
MOST_NOT_RUN = 8  # python blocks that need a network or minutes
AGE = re.compile(r", [\d.]+ years ago")
NOT_RUN = re.compile(r"<!-- not run: \S.* -->$")
SETTINGS = {
    "train-text": settings.LanguageSettings,
    "train-forecaster": settings.ForecastSettings,
    "forecast": settings.ForecastSettings,
    "train-cnn": settings.VisionSettings,
    "train-mlp": settings.TableSettings,
    "structure": settings.StructureSettings,
}


def page_name(page: Path) -> str:
    return str(page.relative_to(ROOT))


def fences(text: str) -> Iterator[tuple[int, str, str, bool]]:
    """The fenced blocks of a page: line of the first line of code, language, code, and whether it is to be run."""
    lines, start = text.splitlines(), None
    for number, line in enumerate(lines):
        if start is None and line.startswith("```"):
            start = number
        elif start is not None and line.strip() == "```":
            before = next((above for above in reversed(lines[:start]) if above.strip()), "")
            code = "\n".join(lines[start + 1 : number])
            yield start + 2, lines[start][3:].strip(), code, NOT_RUN.match(before.strip()) is None
            start = None


def python_blocks(page: Path) -> list[tuple[int, str, bool]]:
    return [(line, code, runs) for line, language, code, runs in fences(page.read_text()) if language == "python"]


@pytest.mark.parametrize("page", [page for page in CURRENT if python_blocks(page)], ids=page_name)
def test_the_python_of_a_page_runs(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    here = tmp_path / "here"
    here.mkdir()
    monkeypatch.chdir(here)  # offline, with its own cache and checkpoints: see conftest.py
    monkeypatch.setenv("MPLBACKEND", "agg")
    namespace: dict[str, Any] = {"__name__": "__main__"}
    for line, code, runs in python_blocks(page):
        if runs:
            exec(compile("\n" * (line - 1) + code, str(page), "exec"), namespace)  # so that errors name its line


@pytest.mark.parametrize("page", [ROOT / "README.md", ROOT / "docs" / "quickstart.md"], ids=page_name)
def test_the_forecast_that_a_page_shows_is_the_one_that_is_printed(page: Path, cli: Callable[..., Any]) -> None:
    """Word by word, but for `...`, line breaks and how long ago it was; another processor may round the last digit
    differently."""
    (shown,) = [code for _, _, code, _ in fences(page.read_text()) if code.startswith("$ seqlab forecast AAPL")]
    command, _, expected = shown.partition("\n")
    printed = AGE.sub("", cli(*shlex.split(command.removeprefix("$ seqlab"))).out).split()
    for part in AGE.sub("", expected).split("\n...\n"):
        words = part.split()
        starts = range(len(printed) - len(words) + 1)
        assert any(all(map(alike, words, printed[at:])) for at in starts), part


def alike(one: str, other: str) -> bool:
    """Whether two words are the same, or numbers that differ by what rounding does."""
    number = r"[+-]?\d+\.\d+"
    if not (re.fullmatch(number, one) and re.fullmatch(number, other)):
        return one == other
    digits = len(one.partition(".")[2])
    return digits == len(other.partition(".")[2]) and abs(float(one) - float(other)) < 2.1 * 10**-digits


def test_few_python_blocks_are_not_run() -> None:
    assert sum(not runs for page in CURRENT for _, _, runs in python_blocks(page)) <= MOST_NOT_RUN


def command_lines(text: str) -> Iterator[tuple[str, bool]]:
    """What a page shows after `seqlab`: in blocks, where a line may end in a comment or, two blanks apart, in what it
    does; and in sentences, where it may be a part of a line. (words, whether it is whole)"""
    blocks = "\n".join(code for _, language, code, _ in fences(text) if language in ("", "sh", "console"))
    outside = re.sub(r"^```.*?^```$", "", text, flags=re.M | re.S)
    blocks += "\n" + "\n".join(line for line in outside.splitlines() if line.startswith("    "))
    for line in blocks.splitlines():
        found = re.match(r"\s*(?:\$ )?(?:[A-Z_]+=\S+ |[^|]*\| )*(?:\S*/)?seqlab (?!\|)(.*)", line)
        if found:
            yield re.split(r"\s{2,}|\s#|\s[|>]\s?|\s<\s", found[1])[0].strip(), True
    for line in re.findall(r"(?<!`)`seqlab ([^`]+)`", outside):
        yield line.replace("\\|", "|").split(" | ")[0].strip(), False


def parse(line: str, whole: bool, folder: Path) -> None:
    """Raises click's or seqlab's error where a command line has an option, a value or a setting that does not exist."""
    words = shlex.split(line)
    if words[0] in ("--help", "--version", "COMMAND", "..."):
        return
    command: click.Command = commands
    names: list[str] = []
    while isinstance(command, click.Group) and words and not words[0].startswith("-"):
        found = command.get_command(click.Context(command), words[0])
        if found is None:
            raise click.UsageError(f"there is no command {' '.join([*names, words[0]])}")
        command, names = found, [*names, words.pop(0)]
    if "--config" in words:
        (folder / words[words.index("--config") + 1]).touch()  # it is read where it is named
    try:
        top = click.Context(commands, **commands.context_settings)  # a command keeps the --help of its first context
        context = command.make_context(" ".join(names), words, parent=top)
    except click.MissingParameter:
        if whole:
            raise
        return
    except click.exceptions.Exit:  # --help
        return
    known = settings.names_of(SETTINGS[names[0]]) if names[0] in SETTINGS else []
    if names == ["lab", "run"] and context.params["name"] in lab.EXPERIMENTS:
        known = list(lab.find(context.params["name"]).knobs)
    for assignment in context.params.get("set_") or ():
        name = assignment.partition("=")[0]
        if name not in known:
            raise click.UsageError(f"{names[0]} has no setting {name}")


@pytest.mark.parametrize("page", CURRENT, ids=page_name)
def test_the_command_lines_of_a_page_parse(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    faults = []
    for line, whole in command_lines(page.read_text()):
        try:
            parse(line, whole, tmp_path)
        except (click.UsageError, SeqlabError, ImportError, ValueError) as problem:
            faults.append(f"seqlab {line}: {getattr(problem, 'message', problem)}")
    assert not faults, "\n".join(faults)


@pytest.mark.parametrize(
    ("line", "is_whole", "fault"),
    [
        ("generate --corpus linux --length 20", True, ""),
        ("train-mlp houses.csv", True, "target"),
        ("train-mlp houses.csv", False, ""),
        ("generate --corpus linux --lenght 20", True, "--lenght"),
        ("generate --corpus linux --length none", True, "none"),
        ("train-text notes.txt --set hiden_size=3", True, "hiden_size"),
        ("lab ran cells", True, "lab ran"),
    ],
)
def test_a_wrong_command_line_is_found(line: str, is_whole: bool, fault: str, tmp_path: Path) -> None:
    if not fault:
        parse(line, is_whole, tmp_path)
        return
    with pytest.raises(click.UsageError) as problem:
        parse(line, is_whole, tmp_path)
    assert fault in problem.value.format_message()


def test_command_lines_are_found_in_blocks_and_sentences() -> None:
    page = "Run `seqlab doctor`.\n\n```sh\n$ seqlab a -q > b  # c\ncat x | seqlab d -\n```\n\n    seqlab e    does f\n"
    assert list(command_lines(page)) == [("a -q", True), ("d -", True), ("e", True), ("doctor", False)]


def anchor(heading: str) -> str:
    """The name that a forge gives a heading."""
    return re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")


@pytest.mark.parametrize("page", PAGES, ids=page_name)
def test_the_links_of_a_page_lead_somewhere(page: Path) -> None:
    text = re.sub(r"^```.*?^```$", "", page.read_text(), flags=re.M | re.S)
    defined = dict(re.findall(r"^\[([^\]]+)\]: (\S+)$", text, re.M))
    assert {label for label in re.findall(r"\]\[([^\]]+)\]", text) if label not in defined} == set()
    for target in [*re.findall(r"\]\(([^)\s]+)\)", text), *defined.values()]:
        if re.match(r"\w+:", target):
            continue  # an address of the web
        path, _, place = target.partition("#")
        file = (page.parent / path).resolve() if path else page
        assert file.exists(), target
        if place:
            headings = re.findall(r"^#+ (.*)$", file.read_text(), re.M)
            assert place in map(anchor, headings), target


@pytest.mark.parametrize("page", CURRENT, ids=page_name)
def test_the_files_that_a_page_names_are_there(page: Path) -> None:
    named = re.findall(r"`((?:seqlab|tests|docs|examples|benchmarks|data)/[\w./-]*)`", page.read_text())
    missing = [name for name in named if not (ROOT / name).exists() and not (ROOT / f"{name}.py").exists()]
    assert missing == []


def test_the_picture_shows_the_floors_that_are_checked() -> None:
    rooms: dict[int, set[str]] = {}
    picture = (ROOT / "docs" / "floors.svg").read_text()
    for height, name in re.findall(r'<text class="room" x="\d+" y="(\d+)">(\w+)</text>', picture):
        rooms.setdefault(int(height), set()).add(name)
    assert [rooms[height] for height in sorted(rooms)] == list(FLOORS[1:])  # all but __main__, which is cli's


def test_contributing_names_every_room() -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text()
    assert {name for floor in FLOORS[1:] for name in floor if f"`{name}`" not in text} == set()
