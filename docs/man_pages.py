"""Manual pages from the help, for packagers: python docs/man_pages.py FOLDER. It needs click-man."""

import sys
from pathlib import Path

import click
from click_man.core import write_man_pages

import seqlab
from seqlab.cli.main import COMMANDS, cli


def write(folder: Path) -> None:
    """Write a page for seqlab and for each of its commands into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    cli.short_help = "sequence models with honest numbers"
    for name, (_, about) in COMMANDS.items():
        command = cli.get_command(click.Context(cli), name)
        assert command is not None
        command.short_help = about
        cli.commands[name] = command  # click-man asks for them all; seqlab imports one when it is called
    write_man_pages("seqlab", cli, version=seqlab.__version__, target_dir=str(folder))


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python docs/man_pages.py FOLDER")
    write(Path(sys.argv[1]))
