"""seqlab lab list | run NAME|all"""

from typing import Any

import click

from seqlab.cli.options import Common
from seqlab.cli.output import result, result_json, say
from seqlab.cli.redirect import result_options
from seqlab.errors import UsageError


@click.group("lab")
def command() -> None:
    """Run the experiments of the seminar: one claim each, measured on this machine."""


@command.command("list")
@result_options
def list_(common: Common) -> None:
    """The experiments and what they claim."""
    from seqlab.lab import EXPERIMENTS

    if common.json:
        result_json({"experiments": [{"name": name, "claim": claim} for name, claim in EXPERIMENTS.items()]})
        return
    for name, claim in EXPERIMENTS.items():
        result(f"{name:12} {claim}")


@command.command()
@click.argument("name")
@result_options
def run(common: Common, name: str) -> int:
    """Run the experiment NAME, or all. The exit status is 1 if a claim did not hold. An experiment that draws a page
    (cells) writes it with -o FILE.html."""
    from seqlab import lab

    as_page = common.output is not None and common.output.suffix.lower() == ".html"
    if as_page and common.json:
        raise UsageError("--json and a page with -o FILE.html exclude each other", "write the JSON to another file")
    if as_page and name not in lab.PAGES:
        raise UsageError(f"'{name}' draws no page", f"these do: {', '.join(sorted(lab.PAGES))}; or leave out -o")
    results = []
    for one in lab.EXPERIMENTS if name == "all" else [name]:
        done = lab.run(one, common.seed or 0)
        results.append(done.to_dict())
        verdict = f"the claim {'holds' if done.holds else 'DOES NOT HOLD'} here"
        if as_page:
            result(done.page, end="")
            say(common, verdict)
        elif not common.json:
            result(f"{done.name}: {done.claim}\nafter {done.source}\n")
            for line in _table(done.rows):
                result(line)
            result(f"\n{verdict}")
        say(common, f"{done.seconds:.1f} s")
    if common.json:
        result_json({"results": results} if name == "all" else results[0])
    return 0 if all(one["holds"] for one in results) else 1


def _table(rows: list[dict[str, Any]]) -> list[str]:
    """Rows of the same keys stand under one head."""
    lines: list[str] = []
    head: list[str] | None = None
    for row in rows:
        if list(row) != head:
            head = list(row)
            lines += [""] * bool(lines) + ["  ".join(f"{name:>16}" for name in head)]
        lines.append("  ".join(f"{_cell(value):>16}" for value in row.values()))
    return lines


def _cell(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
