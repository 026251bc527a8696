"""seqlab train-text CORPUS"""

from typing import Any

import click

from seqlab.cli.options import Common, common_options
from seqlab.cli.training import run_options, train
from seqlab.settings import LanguageSettings, described


@click.command("train-text", epilog=described(LanguageSettings))
@click.argument("corpus")
@click.option(
    "--from",
    "start",
    type=click.Path(),
    metavar="CHECKPOINT",
    help="Begin with the weights of another text model.",
)
@run_options
@common_options
def command(common: Common, corpus: str, start: str | None, run: dict[str, Any]) -> None:
    """Train a character model on CORPUS: linux, stacks, a text file, or many: a folder, an archive, a pattern.

    linux-tree is ten times as much C as linux, measured on the same: it pays with hours, not with minutes.
    Quote a pattern ('src/**/*.py'); - is standard input. Read once, a text is kept encoded in the cache folder.

    The first eight tenths train, the next tenth chooses the weights, the last tenth is measured once at the end. Some
    twenty times a line shows what it writes by then.
    Without --epochs or --set max_steps=N it trains for --minutes, by default ten, with a net of the size that the time
    on this machine is best spent on, as far as --set leaves that open.
    """
    from seqlab import api
    from seqlab.cli.reports.text import bits

    train(
        common,
        lambda **options: api.train_text(
            corpus, start=start, offline=common.offline, **common.given(LanguageSettings), **options
        ),
        run,
        "chars/s",
        lambda record: f"val {record['val_loss']:.4f} nats, {record['val_bits_per_char']:.4f} bits/char",
        lambda done: bits(done.config["metrics"], "the last tenth"),
        lambda name: f"seqlab generate --corpus {name}",
    )
