"""seqlab completion"""

import os
from pathlib import Path

import click
from click.shell_completion import get_completion_class

from seqlab.cli import completion
from seqlab.cli.options import Common
from seqlab.cli.output import result, result_json, say
from seqlab.cli.redirect import result_options
from seqlab.data.fetch.cache import expanded
from seqlab.errors import UsageError
from seqlab.files import replacing

SHELLS = ("bash", "zsh", "fish")


@click.command("completion")
@click.argument("shell", type=click.Choice(SHELLS), required=False)
@click.option("--install", is_flag=True, help="Write it to where the shell looks for it.")
@result_options
def command(common: Common, shell: str | None, install: bool) -> None:
    """Print what completes commands, options and names in SHELL, by default that of $SHELL.

    Tickers, checkpoints, corpora, columns of the file on the line, and the names of --set are completed too.
    """
    shell = shell or Path(os.environ.get("SHELL", "")).name
    if shell not in SHELLS:
        raise UsageError(f"no completion for the shell '{shell}'", f"name one: {', '.join(SHELLS)}")
    script = _script(shell)
    path = _place(shell)
    if install:
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path) as new:
            new.write_text(script, encoding="utf-8")
    if common.json:
        result_json({"shell": shell, "path": str(path), "installed": install, "script": script})
    elif install:
        result(str(path), as_it_is=True)
        say(common, _next(shell, path))
    else:
        result(script.rstrip("\n"), as_it_is=True)


def _script(shell: str) -> str:
    kind = completion.Bash if shell == "bash" else get_completion_class(shell)
    assert kind is not None  # click has all of SHELLS
    program = click.get_current_context().find_root().command
    return kind.source_template % kind(program, {}, "seqlab", "_SEQLAB_COMPLETE").source_vars()


def _place(shell: str) -> Path:
    home = expanded("~")
    if shell == "fish":
        return Path(os.environ.get("XDG_CONFIG_HOME") or home / ".config") / "fish" / "completions" / "seqlab.fish"
    data = Path(os.environ.get("XDG_DATA_HOME") or home / ".local" / "share")
    if shell == "zsh":
        return data / "zsh" / "site-functions" / "_seqlab"
    return data / "bash-completion" / "completions" / "seqlab"


def _next(shell: str, path: Path) -> str:
    if shell == "zsh":
        return f"before compinit in ~/.zshrc, if it is not there yet: fpath+=({path.parent})"
    if shell == "bash":
        return f"the next bash has it, with the package bash-completion; without: source {path} in ~/.bashrc"
    return "the next fish has it"
