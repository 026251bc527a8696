"""seqlab generate --corpus NAME"""

import shlex
import sys
import time
from typing import Any

import click

from seqlab.cli.options import Common, common_options
from seqlab.cli.output import Interrupted, result, result_json, say
from seqlab.errors import UsageError


@click.command("generate")
@click.option("--corpus", required=True, metavar="NAME", help="A trained corpus, or a checkpoint's name or folder.")
@click.option("--prompt", default="", help="Text to go on from; - reads it from standard input.")
@click.option("--length", type=click.IntRange(min=1), default=1000, show_default=True, help="Characters to write.")
@click.option(
    "--temperature",
    type=float,
    default=1.0,
    show_default=True,
    help="Below 1 safer, above 1 wilder; 0: likeliest.",
)
@click.option("--top-k", type=int, help="Draw among the K likeliest characters only.")
@click.option("--top-p", type=float, help="Draw among the likeliest that together have probability P.")
@click.option(
    "--check-copies",
    is_flag=False,
    flag_value="",
    metavar="[PATH]",
    help="Find the longest run that also stands in the training text; PATH: where that is, for a text of yours.",
)
@common_options
def command(
    common: Common,
    corpus: str,
    prompt: str,
    length: int,
    temperature: float,
    top_k: int | None,
    top_p: float | None,
    check_copies: str | None,
) -> None:
    """Write text with the model trained on a corpus, as it is drawn.

    The same --seed writes the same text. `linux` ships with seqlab.
    """
    from seqlab import checkpoint, language
    from seqlab.machine import use_threads
    from seqlab.sampling import Sampling

    sampling = Sampling(temperature, top_k, top_p)
    saved = checkpoint.find(corpus, common.checkpoint_folders(), "language")
    model = language.load(saved)
    say(common, f"checkpoint {saved.folder}, {saved.config['parameters']:,} parameters")
    if prompt == "-":
        prompt = _standard_input()
    training_text = None
    if check_copies is not None:
        from seqlab.cli import copies

        training_text = copies.training_text(common, saved, check_copies)  # before anything is drawn: it may fail
    threads = common.threads or 1  # one character's arithmetic is too short to share
    seed = common.seed or 0
    characters, log_probs = [], []
    start = time.perf_counter()
    drawing = language.generate(
        model, prompt=prompt, length=length, sampling=sampling, seed=seed, precision=common.precision
    )
    sink = common.output.open("w", encoding="utf-8") if common.output else None
    ended = None
    try:
        with use_threads(threads):
            if not common.json and sink is None:
                result(prompt, end="")
            for character, log_prob in drawing:
                characters.append(character)
                log_probs.append(log_prob)
                if sink is None and not common.json:
                    result(character, end="")
    except (KeyboardInterrupt, Interrupted) as signalled:  # what is written so far is kept
        ended = signalled
        if not characters:
            raise
    seconds = time.perf_counter() - start
    text = "".join(characters)
    if sink is not None:
        with sink:
            sink.write(prompt + text + "\n")
        command = shlex.join(["seqlab", "generate", "--corpus", corpus, "--prompt", "-"])
        say(common, f"written to {common.output}\ngo on from there: {command} < {shlex.quote(str(common.output))}")
    sample: dict[str, Any] = {"text": text, "log_likelihood_per_char": sum(log_probs) / len(log_probs)}
    if training_text is not None:
        sample["longest_copy"] = training_text.longest_copy(text)
    if common.json:
        result_json(
            {
                "checkpoint": saved.name,
                "seed": seed,
                "samples": [sample],
                "chars_per_second": len(text) / seconds,
            }
        )
    elif sink is None:
        result("")
    say(common, f"{len(text):,} characters, {len(text) / seconds:,.0f} a second")
    if training_text is not None:
        say(common, copies.in_words(sample["longest_copy"], training_text.name))
    if ended is not None:
        raise ended


def _standard_input() -> str:
    data = sys.stdin.buffer.read()
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as problem:
        raise UsageError(
            f"the prompt is not UTF-8: {problem.reason} at byte {problem.start}", "convert it to UTF-8"
        ) from problem
    return text.removesuffix("\n")
