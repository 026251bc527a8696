"""seqlab train-text CORPUS"""

import click

from seqlab.cli.options import Common, common_options
from seqlab.cli.output import graceful_stop, result, result_json, say, show_training, show_transfer
from seqlab.cli.training import repeating_command, run_options, say_stopped, target_folder


@click.command("train-text")
@click.argument("corpus")
@run_options
@common_options
def command(
    common: Common, corpus: str, epochs: float | None, minutes: float | None, resume: bool, overwrite: bool
) -> None:
    """Train a character model on CORPUS: linux, stacks, a text file or a folder of them.

    The first eight tenths train, the next tenth chooses the weights, the last tenth is measured once at the end.
    Without --minutes, --epochs or --set max_steps=N it trains for about ten minutes.
    """
    from seqlab import language
    from seqlab.data.text import load_corpus

    text = show_transfer(common, load_corpus(corpus, offline=common.offline))
    say(common, f"{text.name}: {len(text.text):,} characters in {text.files} files, from {text.origin}")
    if len(text.text) < 100_000:
        say(common, "a small text: under 100,000 characters a model mostly learns it by heart")
    folder = target_folder(common, text.name, resume=resume, overwrite=overwrite)
    settings = common.resolve(language.LanguageSettings)
    with graceful_stop(common) as stop:
        running = language.train(
            text,
            folder,
            settings,
            compute=common.compute(),
            minutes=minutes,
            epochs=epochs,
            resume=resume,
            command=repeating_command(),
            stop=stop,
        )
        done = show_training(
            common,
            running,
            "chars/s",
            lambda r: f"val {r['val_loss']:.4f} nats, {r['val_bits_per_char']:.4f} bits/char",
        )
        if done is None:
            say_stopped(common, folder)
            return
    metrics, position = done.config["metrics"], done.config["position"]
    if common.json:
        result_json({"final": True, "checkpoint": str(folder), "best_step": position["best_step"], **metrics})
    else:
        result(
            f"{metrics['bits_per_char']:.4f} bits per character ({metrics['nats_per_char']:.4f} nats) "
            f"on the last tenth, {metrics['chars']:,} characters"
        )
    name = folder if common.output else folder.name
    say(common, f"saved in {folder}\nwrite with it: seqlab generate --corpus {name}")
