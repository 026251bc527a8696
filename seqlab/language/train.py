"""How a character model is fitted to a corpus."""

import math
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

import torch

from seqlab import runs, training
from seqlab.checkpoint import Checkpoint
from seqlab.data.batches import RecallBatches, StreamBatches
from seqlab.data.text.corpus import Corpus, Tokens, Vocab
from seqlab.errors import CheckpointError
from seqlab.language.evaluate import evaluate, evaluation_batches
from seqlab.language.model import SHAPE, LanguageModel, LanguageSettings, load, net_config, next_token_loss
from seqlab.machine import Compute, use_threads
from seqlab.models.recurrent import RecurrentLanguageModel
from seqlab.training import Progress, optimizers

VALIDATION_STREAMS = 8  # choosing weights may read in parallel; what is reported is read once, from the beginning


def train(
    corpus: Corpus,
    folder: Path,
    settings: LanguageSettings,
    *,
    compute: Compute = Compute(),
    minutes: float | None = None,
    epochs: float | None = None,
    start: Checkpoint | None = None,
    resume: bool = False,
    command: str = "",
    stop: Callable[[], bool] = lambda: False,
) -> Generator[Progress, None, Checkpoint | None]:
    """Train on the first eight tenths of a corpus, choose by the ninth, measure on the last.

    A generator of the run's progress that returns the finished checkpoint, or None if `stop()` ended it early. Length:
    `settings.max_steps`, else `epochs`, else `minutes` (by default 10) of training as measured on this machine.
    `start` is another text model, of the same shape, to begin with the weights and the vocabulary of. `resume`
    continues what is in `folder` with the settings saved there. Raises DataError for too little text and
    CheckpointError for a checkpoint that does not fit.
    """
    saved = None
    if resume:
        saved, settings, compute = runs.reopen(folder, "language", LanguageSettings)
        settings.recall = "slots" in saved.config["model"]  # a run from before there was recall has no such setting
        if saved.config["data"]["sha256"] != corpus.sha256:
            raise CheckpointError(
                f"{folder} was trained on another text than this '{corpus.name}'",
                "resume with the corpus it was trained on, or write elsewhere with -o FOLDER",
            )
    torch.manual_seed(settings.seed)
    earlier = saved or start
    vocab = Vocab(earlier.config["vocab"]) if earlier else corpus.vocab
    shape = net_config(settings, len(vocab))
    model = RecurrentLanguageModel(**shape)
    if start is not None and saved is None:
        _begin_with(model, load(start))
    chosen = compute.resolve(training.count_parameters(model))
    model.to(chosen.device)
    with use_threads(chosen.threads):
        run = training.Run(
            model,
            next_token_loss,
            training_batches(corpus.encoded("train", vocab), settings, chosen.device),
            optimizers.adamw(model, settings.lr, settings.weight_decay),
            learning_rate=lambda step: settings.lr,
            max_steps=0,
            clip_norm=settings.clip_norm,
            precision=chosen.precision,
        )
        held_out = evaluation_batches(model, corpus.encoded("val", vocab)[: settings.val_chars], VALIDATION_STREAMS)

        def validate() -> dict[str, float]:
            nats = training.evaluate(model, next_token_loss, held_out, chosen.precision)
            return {"val_loss": nats, "val_bits_per_char": nats / math.log(2)}

        settings.max_steps = training.choose_max_steps(
            run, settings.max_steps, epochs=epochs, minutes=minutes, default_minutes=10.0, validate=validate
        )
        config = {
            "job": "language",
            "command": command,
            "data": describe(corpus),
            "model": shape,
            "vocab": vocab.characters,
            "from": saved.config.get("from") if saved else start and start.lineage(),
            "environment": chosen.record(),
        }
        keeper = yield from runs.conduct(run, folder, settings, config, saved, validate=validate, stop=stop)
        if keeper is None:
            return None
        return keeper.finish(evaluate(model, vocab, corpus.encoded("test", vocab), chosen))


def training_batches(tokens: Tokens, settings: LanguageSettings, device: torch.device) -> training.Batches:
    """The batches of an epoch over the tokens (N,) of a text, with what is recalled where the net is to be told."""
    streams = (tokens, settings.batch_size, settings.seq_len, device)
    if settings.recall:
        return RecallBatches(*streams, forget=settings.forget, seed=settings.seed)
    return StreamBatches(*streams)


def _begin_with(model: RecurrentLanguageModel, other: LanguageModel) -> None:
    """Give a new model the weights of another. One that recalls may go on from one that does not: it begins by doing
    as that did. Raises CheckpointError where their shapes differ."""
    weights = other.model.state_dict()
    if model.recalled is not None and other.model.recalled is None:
        first = weights["layers.weight_ih_l0"]
        weights["layers.weight_ih_l0"] = torch.cat([first, torch.zeros_like(first)], 1)
        weights |= {f"recalled.{name}": tensor for name, tensor in model.recalled.state_dict().items()}
    try:
        model.load_state_dict(weights)
    except RuntimeError as problem:
        config = other.checkpoint.config["model"]
        shape = ", ".join(f"{name}={config.get(name)}" for name in SHAPE if name != "dropout")
        shape += f", recall={str('slots' in config).lower()}"
        raise CheckpointError(
            f"checkpoint '{other.checkpoint.name}' has another shape than the model to train",
            f"it has {shape}: set the same with --set",
        ) from problem


def describe(corpus: Corpus) -> dict[str, Any]:
    """What a checkpoint notes of its corpus: enough to know it again, and no path."""
    return {
        "name": corpus.name,
        "origin": corpus.origin,
        "files": corpus.files,
        "characters": len(corpus),
        "sha256": corpus.sha256,
    }
