"""seqlab generate --corpus NAME"""

import secrets
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from seqlab import files
from seqlab.cli.options import Common, check_writable, common_options
from seqlab.cli.output import Bar, result, result_json, say
from seqlab.cli.progress import follow
from seqlab.cli.signals import Stop, graceful_stop
from seqlab.data.text.decoding import text_of
from seqlab.errors import UsageError
from seqlab.settings import TEMPERATURE

if TYPE_CHECKING:
    from seqlab.language.written import Generated, Writing


@click.command("generate")
@click.argument("name", required=False)
@click.option("--corpus", metavar="NAME", help="A trained corpus, or a checkpoint's name or folder.")
@click.option("--prompt", help="Text to go on from; - reads it from standard input. Default: as its corpus may begin.")
@click.option("--length", type=click.IntRange(min=1), default=1000, show_default=True, help="Characters to write.")
@click.option(
    "--temperature",
    type=float,
    default=TEMPERATURE,
    show_default=True,
    help="Below 1 safer, above 1 wilder; 0: likeliest.",
)
@click.option("--top-k", type=int, help="Draw among the K likeliest characters only.")
@click.option("--top-p", type=float, help="Draw among the likeliest that together have probability P.")
@click.option("--min-p", type=float, help="Draw among those at least P times as probable as the likeliest.")
@click.option("--stop", metavar="STRING", help="End before this string.")
@click.option("--samples", type=click.IntRange(1, 4096), default=1, show_default=True, help="Texts to write at once.")
@click.option("--adapt", is_flag=True, help="Learn from the prompt first.")
@click.option("--no-cache", is_flag=True, help="Keep no list of what C declares and LaTeX opens: the net alone.")
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
    name: str | None,
    corpus: str | None,
    prompt: str | None,
    length: int,
    temperature: float,
    top_k: int | None,
    top_p: float | None,
    min_p: float | None,
    stop: str | None,
    samples: int,
    adapt: bool,
    no_cache: bool,
    check_copies: str | None,
) -> None:
    """Write text with the model trained on a corpus, as it is drawn; of several samples, each when all are done.

    NAME is short for --corpus NAME; `linux` and `stacks` ship with seqlab. The same --seed writes the same text;
    without one each call writes another, and says its seed.
    """
    corpus = _one_of(name, corpus)
    from seqlab import api
    from seqlab.sampling import Sampling

    Sampling(temperature, top_k, top_p, min_p)  # values without meaning are refused before a model is read
    if common.output is not None:
        check_writable(common.output, "-o")
    model = api.load(corpus, job="language", **common.device_options)
    say(common, f"checkpoint {model.checkpoint.where}, {model.checkpoint.config['parameters']:,} parameters")
    if prompt == "-":
        prompt = _standard_input(common)
    training = None
    if check_copies is not None:  # before anything is drawn: it may fail
        training = follow(common, model.training_text_task(check_copies, offline=common.offline))
    writing = model.write(
        prompt,
        length,
        temperature=temperature,
        top_k=top_k,
        top_p=top_p,
        min_p=min_p,
        stop=stop,
        samples=samples,
        seed=_seed(common),
        adapt=adapt,
        cache=not no_cache,
    )
    streamed = samples == 1 and common.output is None and not common.json
    with graceful_stop(common, says=None) as signalled:
        _draw(common, writing, streamed, length, signalled)
        found = writing.result(training)
        if common.output is not None:
            _write(common, common.output, found, corpus)
        if common.json:
            result_json(found.to_dict())
        elif common.output is None:
            result("" if streamed else _together(found.prompt, found), as_it_is=True)
        _say_figures(common, found, sum(map(len, writing.written)))


def _seed(common: Common) -> int:
    """The seed that was named, else a new one, which is said."""
    if common.seed is not None:
        return common.seed
    seed = secrets.randbelow(10**6)
    say(common, f"seed {seed}: with --seed {seed} it writes the same again")
    return seed


def _one_of(name: str | None, corpus: str | None) -> str:
    """The corpus, named as an argument or an option. Raises UsageError where it is neither, or both differ."""
    if name and corpus and name != corpus:
        raise UsageError(f"{name} and --corpus {corpus} name two corpora", "name one of them")
    if not (name or corpus):
        raise UsageError("no corpus is named", "for one that ships with seqlab: `seqlab generate --corpus linux`")
    return str(name or corpus)


def _say_figures(common: Common, found: "Generated", count: int) -> None:
    """How fast it went, and what of each text also stands in the training text."""
    from seqlab.cli.reports.text import copy

    say(common, f"{count:,} characters, {found.chars_per_second:,.0f} a second")
    for k, sample in enumerate(found.samples, 1):
        if sample.longest_copy is not None:
            of = f"sample {k}: " if len(found.samples) > 1 else ""
            say(common, of + copy(sample.longest_copy))


def _draw(common: Common, writing: "Writing", streamed: bool, length: int, signalled: Stop) -> None:
    """Have all characters drawn and, where they are streamed, shown; a signal ends it after a character."""
    bar, last = Bar(common), writing.written[-1]
    try:
        if streamed:
            result(writing.prompt, end="")
        for character in writing:
            signalled.armed = True  # from the first character on there is something to keep
            if streamed:
                result(character.text, end="")
            elif character.sample == len(writing.written) - 1:
                bar.show(f"{len(last):,} characters each", len(last), length)
            if signalled():
                break
    finally:
        bar.clear()


def _write(common: Common, path: Path, found: "Generated", corpus: str) -> None:
    """Write what was drawn to the file of -o, and say how to go on from it."""
    with files.replacing(path) as new:
        new.write_text(_together(found.prompt, found) + "\n", encoding="utf-8")
    say(common, f"written to {path}")
    if len(found.samples) == 1:
        again = shlex.join(["seqlab", "generate", "--corpus", corpus, "--prompt", "-"])
        say(common, f"go on from there: {again} < {shlex.quote(str(path))}")


def _together(prompt: str, found: "Generated") -> str:
    """One text as it is; of several, each under a line that names it, as `head` and `tail` show several files."""
    texts = [sample.text for sample in found.samples]
    if len(texts) == 1:
        return prompt + texts[0]
    return "\n\n".join(f"==> sample {k} of {len(texts)} <==\n{prompt}{text}" for k, text in enumerate(texts, 1))


def _standard_input(common: Common) -> str:
    text, notes = text_of(files.read_stream(sys.stdin.buffer, "the prompt"), "the prompt")
    for note in notes:
        say(common, note)
    return text.removesuffix("\n")
