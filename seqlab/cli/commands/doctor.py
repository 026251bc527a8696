"""seqlab doctor"""

import click

from seqlab.cli.layout import fitted, room
from seqlab.cli.options import Common
from seqlab.cli.output import result, result_json
from seqlab.cli.redirect import result_options

WIDE, HANG = 79, 16  # columns of a report that is pasted, and before what is said of a thing


@click.command("doctor")
@result_options
def command(common: Common) -> int:
    """What this machine computes with and why, which folders can be written, and whether there is a network.

    Made to be pasted into a bug report. The exit status is 1 if something that seqlab needs is wrong.
    """
    from seqlab.doctor import examine

    checks = examine(**common.device_options)
    healthy = all(check.ok for check in checks)
    if common.json:
        result_json({"ok": healthy, "checks": [check._asdict() for check in checks]})
    else:
        for name, value, note, ok in checks:
            line = f"{'ok ' if ok else 'BAD'} {name:11} {value}  {note}".rstrip()
            result(fitted(line, min(room() or WIDE, WIDE), HANG))
    return 0 if healthy else 1
