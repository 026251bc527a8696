"""How a character model is trained on a corpus."""

import math
import time
from collections.abc import Collection, Generator
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from seqlab import checkpoint, runs, training
from seqlab import settings as all_settings
from seqlab.checkpoint import Checkpoint
from seqlab.data.text.corpus import OWN, Corpus, Vocab, load_corpus
from seqlab.data.text.published import PUBLISHED
from seqlab.errors import CheckpointError
from seqlab.language import recipe
from seqlab.language.batches import training_batches
from seqlab.language.evaluate import measuring
from seqlab.language.model import SHAPE, LanguageModel, load, net_config, training_loss
from seqlab.language.validation import Validation
from seqlab.machine import use_threads
from seqlab.models.recurrent import RecurrentLanguageModel
from seqlab.runs import Prepared, RunOptions
from seqlab.settings import LanguageSettings
from seqlab.tasks import Event, Note, Status
from seqlab.training import optimizers
from seqlab.training.schedules import SCHEDULES

DEFAULT_MINUTES = 10.0
MEASURING = 0.1  # of the minutes, for the last measurement; it gets at least half of that, however late it begins
TRAINING = 0.8  # of the minutes, about: the rest goes into evaluations
SMALL_TEXT = 100_000  # characters


def train_text(
    source: str | Path | Corpus,
    options: RunOptions,
    given: dict[str, Any],
    *,
    start: str | None = None,
    offline: bool = False,
) -> Generator[Event, None, Checkpoint | None]:
    """Train on the text that a name means (see `load_corpus`), with what was `given` of the settings.

    A recipe decides the rest: where neither steps nor epochs are given, the size of the net is the one that the
    minutes on this machine are best spent on. `start`: a text model to begin with. Otherwise as `train`.
    """
    found = checkpoint.find(start, job="language") if start and not options.resume else None
    shape = {name: found.config["model"][name] for name in SHAPE if name != "dropout"} if found else {}
    settings = all_settings.make(LanguageSettings, given, **shape)
    is_published = isinstance(source, str) and source in PUBLISHED
    if is_published:  # its name is known: what is wrong is said before the download
        options = yield from runs.target_folder(options, str(source), given)
    corpus = source if isinstance(source, Corpus) else (yield from load_corpus(str(source), offline=offline))
    yield from _about(corpus)
    if not is_published:
        options = yield from runs.target_folder(options, corpus.name, given)
    if corpus.origin in OWN and not isinstance(source, Corpus):
        options = replace(options, source=checkpoint.source_of(str(source)))
    if in_minutes(settings, options):
        settings, options = yield from _sized(corpus, settings, {*shape, *given}, options)
    return (yield from train(corpus, settings, options, start=found))


def train(
    corpus: Corpus, settings: LanguageSettings, options: RunOptions, *, start: Checkpoint | None = None
) -> Generator[Event, None, Checkpoint | None]:
    """Train on the first eight tenths of a corpus, choose by the ninth, measure on the last.

    A generator of the run's progress that returns the finished checkpoint, or None if it was stopped early. Length:
    `settings.max_steps`, else that of the options, else DEFAULT_MINUTES of training as measured on this machine.
    `start` is another text model, of the same shape or of fewer units, to begin with the weights and the vocabulary of.
    Raises DataError for too little text and CheckpointError for a checkpoint that does not fit.
    """
    saved, compute = None, options.compute
    seconds = 60 * (options.minutes or DEFAULT_MINUTES) if in_minutes(settings, options) else math.inf
    end = time.perf_counter() + seconds
    if options.resume:
        assert options.folder is not None
        saved, settings, compute = runs.reopen(options.folder, "language", LanguageSettings)
        if saved.config["data"]["sha256"] != corpus.sha256:
            raise CheckpointError(
                f"{options.folder} was trained on another text than this '{corpus.name}'",
                "resume with the corpus it was trained on, or write elsewhere with -o FOLDER",
            )
    prepared, vocab = prepare(corpus, settings, replace(options, compute=compute), saved, start)
    with use_threads(prepared.device_config.threads):
        keeper = yield from runs.run(prepared, options, saved)
    if keeper is None:
        return None
    model = prepared.model
    assert isinstance(model, RecurrentLanguageModel)
    seconds = max(end - time.perf_counter(), MEASURING / 2 * seconds)
    tokens = corpus.encoded("test", vocab)
    yield Status("measuring on the last tenth", stoppable=True)
    metrics = yield from measuring(model, vocab, tokens, prepared.device_config, seconds=seconds, stop=options.stop)
    return keeper.finish(metrics)


def in_minutes(settings: LanguageSettings, options: RunOptions) -> bool:
    """Whether minutes say how long a run is: no steps, no epochs, and no run that goes on."""
    return not options.resume and settings.max_steps is None and options.epochs is None


def prepare(
    corpus: Corpus,
    settings: LanguageSettings,
    options: RunOptions,
    saved: Checkpoint | None = None,
    start: Checkpoint | None = None,
) -> tuple[Prepared, Vocab]:
    """All of a run but its length, and what the model's tokens mean."""
    torch.manual_seed(settings.seed)
    earlier = saved or start
    vocab = Vocab(earlier.config["vocab"]) if earlier else corpus.vocab
    shape = net_config(settings, len(vocab))
    model = RecurrentLanguageModel(**shape)
    if model.match_model is not None:
        model.match_model.letters.copy_(torch.from_numpy(vocab.letters))
    if start is not None and saved is None:
        _begin_with(model, load(start))
    device_config = options.compute.resolve(training.count_parameters(model))
    model.to(device_config.device)
    with use_threads(device_config.threads):
        batches = training_batches(corpus.encoded("train", vocab), settings, model)
        val_text = corpus.encoded("val", vocab)[: settings.val_chars]
        validate = Validation(model, vocab, val_text, device_config, settings.eval_every)
    config = {
        "job": "language",
        "data": describe(corpus),
        "model": shape,
        "vocab": vocab.characters,
        "from": saved.config.get("from") if saved else start and start.lineage(),
    }
    prepared = Prepared(
        model,
        training_loss,
        batches,
        optimizers.gatewise_muon(model, settings.lr, settings.weight_decay, device_config.precision),
        settings,
        device_config,
        config,
        validate,
        schedule=SCHEDULES[settings.schedule],
        minutes=DEFAULT_MINUTES,
        measuring=lambda seconds: MEASURING * seconds,
        on_length=validate.set_length,
    )
    return prepared, vocab


def _about(corpus: Corpus) -> Generator[Note, None, None]:
    files = "1 file" if corpus.files == 1 else f"{corpus.files:,} files"
    yield Note(f"{corpus.name}: {len(corpus):,} characters in {files}, from {corpus.origin}")
    yield from map(Note, corpus.notes)
    if len(corpus) < SMALL_TEXT:
        yield Note(f"a small text: under {SMALL_TEXT:,} characters a model mostly learns it by heart")


def _sized(
    corpus: Corpus, settings: LanguageSettings, fixed: Collection[str], options: RunOptions
) -> Generator[Note | Status, None, tuple[LanguageSettings, RunOptions]]:
    """The settings that the time is best spent on, and the options with what is left of it."""
    begun, minutes = time.perf_counter(), options.minutes or DEFAULT_MINUTES
    characters = len(corpus.split("train"))
    seconds = 60 * minutes * TRAINING
    settings, reason = yield from recipe.choosing(
        settings, fixed, len(corpus.vocab), characters, seconds, options.compute
    )
    yield Note(reason)
    return settings, replace(options, minutes=minutes - (time.perf_counter() - begun) / 60)


def _begin_with(model: RecurrentLanguageModel, other: LanguageModel) -> None:
    """Give a new model the weights of another. It may have more units, and a match model where that has none: it then
    predicts as that did. Raises CheckpointError for one that it cannot begin with."""
    weights = other.model.state_dict()
    if model.match_model is not None and other.model.match_model is None:
        weights |= {f"match_model.{name}": tensor for name, tensor in model.match_model.state_dict().items()}
    try:
        model.begin_with(weights)
    except (RuntimeError, ValueError) as problem:
        config = other.checkpoint.config["model"]
        shape = ", ".join(f"{name}={config.get(name)}" for name in SHAPE if name != "dropout")
        shape += f", ngram_cache={str('slots' in config).lower()}"
        raise CheckpointError(
            f"the model to train cannot begin with checkpoint '{other.checkpoint.name}', which has another shape",
            f"it has {shape}: set the same, or more units, with --set",
        ) from problem


def describe(corpus: Corpus) -> dict[str, Any]:
    """What a checkpoint notes of its corpus: enough to recognize it, wherever it lies."""
    return {
        "name": corpus.name,
        "origin": corpus.origin,
        "files": corpus.files,
        "characters": len(corpus),
        "sha256": corpus.sha256,
        "kind": corpus.kind,
    }
