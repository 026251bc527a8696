"""seqlab generate --corpus NAME"""

import shlex
import sys
import time
from typing import Any

import click

from seqlab.cli.options import Common, common_options
from seqlab.cli.output import Bar, Interrupted, result, result_json, say
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
@click.option("--min-p", type=float, help="Draw among those at least P times as probable as the likeliest.")
@click.option("--stop", metavar="STRING", help="End before this string.")
@click.option("--samples", type=click.IntRange(1, 4096), default=1, show_default=True, help="Texts to write at once.")
@click.option("--adapt", is_flag=True, help="Learn from the prompt first.")
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
    min_p: float | None,
    stop: str | None,
    samples: int,
    adapt: bool,
    check_copies: str | None,
) -> None:
    """Write text with the model trained on a corpus, as it is drawn; of several samples, each when all are done.

    The same --seed writes the same text. `linux` ships with seqlab.
    """
    from seqlab import checkpoint, language
    from seqlab.machine import choose_threads, use_threads
    from seqlab.sampling import Sampling

    sampling = Sampling(temperature, top_k, top_p, min_p)
    saved = checkpoint.find(corpus, common.checkpoint_folders(), "language")
    model = language.load(saved)
    say(common, f"checkpoint {saved.folder}, {saved.config['parameters']:,} parameters")
    if prompt == "-":
        prompt = _standard_input()
    training_text = None
    if check_copies is not None:
        from seqlab.cli.reports import copies

        training_text = copies.training_text(common, saved, check_copies)  # before anything is drawn: it may fail
    few = samples < 16 and common.threads is None  # a few characters' arithmetic is too short to share
    threads = 1 if few else choose_threads(common.threads, saved.config["parameters"]).value
    seed = common.seed or 0
    written: list[list[language.Character]] = [[] for _ in range(samples)]
    start = time.perf_counter()
    drawing = language.generate(
        model,
        prompt=prompt,
        length=length,
        samples=samples,
        stop=stop,
        sampling=sampling,
        seed=seed,
        precision=common.precision,
        adapt=adapt,
    )
    sink = common.output.open("w", encoding="utf-8") if common.output else None
    streamed = samples == 1 and sink is None and not common.json
    bar = Bar(common)
    ended = None
    try:
        with use_threads(threads):
            if streamed:
                result(prompt, end="")
            for character in drawing:
                written[character.sample].append(character)
                if streamed:
                    result(character.text, end="")
                elif character.sample == samples - 1:
                    bar.show(f"{len(written[-1]):,} characters each", len(written[-1]), length)
    except (KeyboardInterrupt, Interrupted) as signalled:  # what is written so far is kept
        ended = signalled
        if not any(written):
            raise
    finally:
        bar.clear()
    seconds = time.perf_counter() - start
    count = sum(map(len, written))
    texts = ["".join(character.text for character in one) for one in written]
    if sink is not None:
        with sink:
            sink.write(_together(prompt, texts) + "\n")
        say(common, f"written to {common.output}")
        if samples == 1:
            command = shlex.join(["seqlab", "generate", "--corpus", corpus, "--prompt", "-"])
            say(common, f"go on from there: {command} < {shlex.quote(str(common.output))}")
    found: list[dict[str, Any]] = [
        {"text": text, "log_likelihood_per_char": _mean([character.log_prob for character in one])}
        for text, one in zip(texts, written, strict=True)
    ]
    if training_text is not None:
        for sample in found:
            sample["longest_copy"] = training_text.longest_copy(sample["text"])
    if common.json:
        result_json(
            {
                "checkpoint": saved.name,
                "seed": seed,
                "samples": found,
                "chars_per_second": count / seconds,
            }
        )
    elif sink is None:
        result("" if streamed else _together(prompt, texts))
    say(common, f"{count:,} characters, {count / seconds:,.0f} a second")
    if training_text is not None:
        for k, sample in enumerate(found, 1):
            of = f"sample {k}: " if samples > 1 else ""
            say(common, of + copies.in_words(sample["longest_copy"], training_text.name))
    if ended is not None:
        raise ended


def _together(prompt: str, texts: list[str]) -> str:
    """One text as it is; of several, each under a line that names it, as `head` and `tail` show several files."""
    if len(texts) == 1:
        return prompt + texts[0]
    return "\n\n".join(f"==> sample {k} of {len(texts)} <==\n{prompt}{text}" for k, text in enumerate(texts, 1))


def _mean(values: list[float]) -> float | None:
    return sum(values) / len(values) if values else None  # a text may stop before its first character


def _standard_input() -> str:
    data = sys.stdin.buffer.read()
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as problem:
        raise UsageError(
            f"the prompt is not UTF-8: {problem.reason} at byte {problem.start}", "convert it to UTF-8"
        ) from problem
    return text.removesuffix("\n")
