"""seqlab train-text CORPUS"""

import time

import click

from seqlab.cli.options import Common, common_options
from seqlab.cli.output import say, show_transfer
from seqlab.cli.training import conduct, repeating_command, run_options, target_folder

SETTINGS = """Names for --set: batch_size, cell (rnn, gru, lstm), clip_norm, dropout, embedding_size, eval_every,
forget, hidden_size, lr, max_steps, num_layers, recall, seed, seq_len, val_chars, warmup_steps, weight_decay."""


@click.command("train-text", epilog=SETTINGS)
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
def command(
    common: Common,
    corpus: str,
    start: str | None,
    epochs: float | None,
    minutes: float | None,
    resume: bool,
    overwrite: bool,
) -> None:
    """Train a character model on CORPUS: linux, stacks, a text file, or many: a folder, an archive, a pattern.

    Quote a pattern ('src/**/*.py'); - is standard input. Read once, a text is kept encoded in the cache folder.

    The first eight tenths train, the next tenth chooses the weights, the last tenth is measured once at the end.
    Without --epochs or --set max_steps=N it trains for --minutes, by default ten, with a net of the size that the time
    on this machine is best spent on, as far as --set leaves that open.
    """
    from seqlab import checkpoint, language
    from seqlab.data.text.corpus import load_corpus
    from seqlab.data.text.corpus_files import PUBLISHED

    found = checkpoint.find(start, common.checkpoint_folders(), "language") if start and not resume else None
    shape = {name: found.config["model"][name] for name in language.SHAPE if name != "dropout"} if found else {}
    settings = common.resolve(language.LanguageSettings, **shape)
    folder = None
    if corpus in PUBLISHED:  # its name is known: what is wrong is told before the download
        folder = target_folder(common, corpus, resume=resume, overwrite=overwrite)
    text = show_transfer(common, load_corpus(corpus, offline=common.offline))
    say(common, f"{text.name}: {len(text):,} characters in {text.files:,} files, from {text.origin}")
    if text.bad_bytes:
        say(common, f"{text.bad_bytes:,} bytes of it are not UTF-8: each such place became U+FFFD")
    if len(text) < 100_000:
        say(common, "a small text: under 100,000 characters a model mostly learns it by heart")
    target = folder or target_folder(common, text.name, resume=resume, overwrite=overwrite)
    if not resume and settings.max_steps is None and epochs is None:
        begun, minutes = time.perf_counter(), minutes or 10.0
        settings, reason = language.choose(
            settings,
            {*shape, *common.settings},
            len(text.vocab),
            len(text.split("train")),
            60 * minutes,
            common.compute(),
        )
        say(common, reason)
        minutes -= (time.perf_counter() - begun) / 60
    conduct(
        common,
        target,
        lambda stop: language.train(
            text,
            target,
            settings,
            start=found,
            compute=common.compute(),
            minutes=minutes,
            epochs=epochs,
            resume=resume,
            command=repeating_command(),
            stop=stop,
        ),
        "chars/s",
        lambda record: f"val {record['val_loss']:.4f} nats, {record['val_bits_per_char']:.4f} bits/char",
        lambda done: [
            f"{done.config['metrics']['bits_per_char']:.4f} bits per character "
            f"({done.config['metrics']['nats_per_char']:.4f} nats) on the last tenth, "
            f"{done.config['metrics']['chars']:,} characters"
        ],
        lambda name: f"seqlab generate --corpus {name}",
    )
