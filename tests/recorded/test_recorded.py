"""The command line does what is on record: what it prints, writes and refuses, so that a change shows as one.

`pytest tests/recorded` compares words exactly and numbers as far as processors agree. `SEQLAB_RECORD=exact` compares
all as text, for the machine that made the records; `SEQLAB_RECORD=1` makes them anew, to be read as a diff.
"""

import os

import pytest

from tests.recorded.commands import COMMANDS, Command, printing_one_object
from tests.recorded.recording import RECORDS, Player, difference

MODE = os.environ.get("SEQLAB_RECORD", "")  # before the tests' own surroundings take such variables away


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_does_what_is_on_record(player: Player, name: str) -> None:
    found, path = player.record(name), RECORDS / f"{name}.txt"
    if MODE == "1":
        RECORDS.mkdir(exist_ok=True)
        path.write_text(found, encoding="utf-8")
        return
    assert path.exists(), f"nothing is on record: SEQLAB_RECORD=1 pytest {__file__} -k {name}"
    differs = difference(COMMANDS[name], path.read_text(encoding="utf-8"), found, exact=MODE == "exact")
    assert not differs, f"seqlab {COMMANDS[name].line}\n{differs}"


def test_every_record_is_of_a_command_and_builds_on_an_earlier_one() -> None:
    names = list(COMMANDS)
    assert {path.stem for path in RECORDS.iterdir()} == set(names)
    assert all(COMMANDS[name].after in ("", *names[: names.index(name)]) for name in names)


def test_commands_that_print_one_object_are_told_apart(player: Player) -> None:
    commands = list(printing_one_object())
    assert len(commands) > 20
    for command in commands:
        assert player.json(command.name)["schema"] == 1, command.name


@pytest.mark.parametrize(
    ("found", "is_alike"),
    [
        ("loss 0.2500 after 12 steps, 1,234 rows", True),
        ("loss  0.2501 after 12 steps, 1,234 rows", True),  # another processor, a wider column
        ("loss 0.2600 after 12 steps, 1,234 rows", False),
        ("loss 0.2500 after 13 steps, 1,234 rows", False),  # counts are counts
        ("loss 0.2500 after 12 steps, 1,235 rows", False),
        ("loss 0.2500 after 12 step, 1,234 rows", False),
        ("loss 0.2500 after 12 steps", False),
    ],
)
def test_numbers_may_differ_as_processors_do_and_words_and_counts_may_not(found: str, is_alike: bool) -> None:
    expected = "loss 0.2500 after 12 steps, 1,234 rows"
    assert (difference(Command("x", ""), expected, found, exact=False) == "") == is_alike
    assert (difference(Command("x", ""), expected, found, exact=True) == "") == (found == expected)


def test_of_what_is_drawn_the_beginning_is_compared() -> None:
    drawn, expected = Command("x", "", draws=True), "--- standard output\n" + 50 * "a" + "b\n--- standard error\nsaid\n"
    assert not difference(drawn, expected, expected.replace("b", "c"), exact=False)
    assert difference(drawn, expected, expected.replace("aaa", "aca", 1), exact=False)
    assert difference(drawn, expected, expected.replace("said", "told"), exact=False)
