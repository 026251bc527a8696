"""The command line does what is on record: what it prints, writes and refuses, so that a change shows as one.

`pytest tests/recorded` compares words exactly and numbers as far as processors agree. `SEQLAB_RECORD=exact` compares
all as text, for the machine that made the records; `SEQLAB_RECORD=1` makes them anew, to be read as a diff.
"""

import os

import pytest

from tests.recorded.commands import COMMANDS, printing_one_object
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
