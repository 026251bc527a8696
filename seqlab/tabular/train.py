"""Training feedforward nets on a table, kept in a folder."""

import json
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch

from seqlab import runs, training
from seqlab.checkpoint import Checkpoint, RunFolder
from seqlab.data.contamination import sketch
from seqlab.data.tables.encoder import fit_encoder
from seqlab.data.tables.leakage import leaks
from seqlab.data.tables.reader import Table
from seqlab.errors import CheckpointError, UsageError, did_you_mean
from seqlab.machine import Compute, use_threads
from seqlab.models.mlp import ACTIVATIONS, MLP
from seqlab.tabular.batched import FEW, MemberBatches, Members, Part, mean_loss, outputs_of, row_losses
from seqlab.tabular.duplicates import row_hashes
from seqlab.tabular.parts import parts_of, split_rows
from seqlab.tabular.predictor import encode_rows
from seqlab.tabular.prepare import known_rows, prepare
from seqlab.tabular.results import metrics_of
from seqlab.training import Progress, optimizers, schedules

LOSSES = ("auto", "cross_entropy", "squared", "distance")
L2_CLASSES, L2_NUMBERS = 2.0, 12.0  # of one row: what is known beforehand counts less, the more rows there are
BATCH_SHARE, BATCH_SIZES = 1 / 40, (64, 512)  # of the rows to learn from, and from how many to how many
STEPS, EPOCHS = 4000, 20  # of a run that nothing stops earlier: whichever is longer
SAVE_SECONDS = 10.0  # a table's run is often over before that: it would spend half of its time on the disk


@dataclass(kw_only=True)
class TableSettings(training.Settings):
    """The training of a feedforward net on a table. A reason per number: see docs/lab-diary.md."""

    hidden_size: int = 100
    num_layers: int = 1  # of hidden units; 0: a linear model
    activation: str = "relu"  # or gelu, tanh, sigmoid
    dropout: float = 0.0
    loss: str = "auto"  # cross_entropy for classes; squared or distance for numbers
    class_weights: bool = False  # every class counts alike, however few its rows
    l2: float | None = None  # times the sum of squared weights, added to the loss, biases left out; None: by the rows
    val_share: float = 0.2  # of the rows to learn from: their loss says when to stop
    patience: int = 10  # evaluations without a lower loss that end the run
    batch_size: int | None = None  # type: ignore[assignment]  # None: by the rows
    lr: float = 5e-3
    weight_decay: float = 0.0  # AdamW's own, which is no part of the loss
    warmup_steps: int = 20
    clip_norm: float | None = None  # of the gradients of all folds together

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.activation not in ACTIVATIONS:
            hint = did_you_mean(self.activation, ACTIVATIONS)
            raise UsageError(f"setting 'activation' is '{self.activation}'", hint)
        if self.loss not in LOSSES:
            raise UsageError(f"setting 'loss' is '{self.loss}'", did_you_mean(self.loss, LOSSES))
        training.require(self, "1 or more", lambda value: value >= 1, "hidden_size", "patience")
        training.require(self, "0 or more", lambda value: value >= 0, "num_layers")
        training.require(self, "0 or more, or none", lambda value: value is None or value >= 0, "l2")
        training.require(self, "from 0 to below 1", lambda value: 0 <= value < 1, "dropout")
        training.require(self, "above 0 and below 1", lambda value: 0 < value < 1, "val_share")


def train(
    table: Table,
    target: str,
    folder: Path,
    settings: TableSettings,
    *,
    task: str = "auto",
    folds: int | None = None,
    groups: str | None = None,
    time: str | None = None,
    test: Table | None = None,
    compute: Compute = Compute(),
    minutes: float | None = None,
    epochs: float | None = None,
    resume: bool = False,
    command: str = "",
    stop: Callable[[], bool] = lambda: False,
) -> Generator[Progress, None, Checkpoint | None]:
    """Train a net that tells column `target` from the others; the checkpoint's metrics are of rows held out.

    task: classification, regression, or auto. folds: every row is held out once (by time: all but the first), and the
    net that is kept learns from all rows; without them a fifth is held out, or the rows of `test` are. groups: a column
    whose equal values stay on one side; time: one by whose order the rows held out come after those learnt from.
    Neither is an input. A generator of the run's progress that returns the finished checkpoint, or None if `stop()`
    ended it early. How long: until no net gets better on the rows kept back from it, `settings.max_steps`, `epochs` or
    `minutes` at most. Raises UsageError for a column that is not there, DataError for a table that cannot be learnt
    from, CheckpointError if the folder holds something else.
    """
    saved = None
    if resume:
        saved, settings, compute = runs.reopen(folder, "tabular", TableSettings)
        began = _what_it_began_with(saved, table, test, target=target, folds=folds, groups=groups, time=time)
        target, folds, groups, time = began["target"], began["folds"], began["groups"], began["time"]
        task = saved.config["task"]
    data = prepare(table, target, task, groups, time)
    splits = split_rows(data, folds, test is not None, settings.seed)
    fitted = [fit_encoder(data.inputs.iloc[learns]) for learns, _ in splits]
    encoders, notes = [encoder for encoder, _ in fitted], fitted[-1][1]
    x, parts, targets = parts_of(data, encoders, [learns for learns, _ in splits], settings.val_share, settings.seed)
    tested = None
    if test is not None:  # before anything is trained: it may not fit
        frame, truth = known_rows(test, data.target)
        tested = encoders[-1].encode(frame), truth
    held = splits[-1][1]
    hashes = row_hashes(table.frame, [*(column.name for column in encoders[-1].columns), target])
    learnt = hashes[table.frame[target].notna().to_numpy()][splits[-1][0]]
    config = {
        "job": "tabular",
        "command": command,
        "data": {"name": table.name, "sha256": table.sha256, "rows": len(data.values), "written": table.written},
        "learnt": sketch(learnt),
        "task": data.target.task,
        "target": targets[-1].to_dict(),
        "encoder": encoders[-1].to_dict(),
        "split": {
            "folds": folds,
            "groups": groups,
            "time": time,
            "test": None if test is None else test.sha256,
            "held_out": encode_rows(held, len(data.values)) if len(held) else None,
        },
        "notes": [*table.notes, *data.notes, *notes, *leaks(table.frame, target)],
    }
    if saved is not None:
        again = json.loads(json.dumps({name: config[name] for name in ("encoder", "split")}))
        if any(saved.config[name] != value for name, value in again.items()):
            raise CheckpointError(
                f"{folder} was begun by a seqlab that takes this table apart in another way",
                "start again with --overwrite, or write elsewhere with -o FOLDER",
            )
    done = yield from fit_parts(
        x, parts, data.classes, folder, settings, config, saved, compute, minutes=minutes, epochs=epochs, stop=stop
    )
    if done is None:
        return None
    keeper, members, threads = done
    with use_threads(threads):
        return keeper.finish(metrics_of(data, members.best(), splits, parts, targets, tested))


def fit_parts(
    x: np.ndarray,
    parts: Sequence[Part],
    classes: int,
    folder: Path,
    settings: TableSettings,
    config: dict[str, Any],
    saved: Checkpoint | None,
    compute: Compute,
    *,
    minutes: float | None = None,
    epochs: float | None = None,
    stop: Callable[[], bool] = lambda: False,
) -> Generator[Progress, None, tuple[RunFolder, Members, int] | None]:
    """Train the scouts and learners of some parts, made by `parts_of`.

    A generator of progress that returns the folder, the nets and how many threads they had.
    """
    loss = settings.loss if settings.loss != "auto" else "cross_entropy" if classes else "squared"
    if (loss == "cross_entropy") != bool(classes):
        raise UsageError(
            f"loss {loss} does not fit {'classes' if classes else 'numbers'}",
            f"use {'cross_entropy' if classes else 'squared or distance'}, or another --task",
        )
    if settings.batch_size is None:
        least, most = BATCH_SIZES
        settings.batch_size = min(max(least, round(BATCH_SHARE * max(len(part.learns) for part in parts))), most)
    if saved is None and compute.precision == "auto":
        compute = replace(compute, precision="fp32")  # too small a net to gain by bf16
    few = max(len(part.stops) / len(part.learns) for part in parts) < FEW
    rows = [part.scouted for part in parts] + ([] if few else [part.learns for part in parts])
    of_a_row = L2_CLASSES if classes else L2_NUMBERS
    l2 = [of_a_row / len(part.learns) if settings.l2 is None else settings.l2 for part in parts]
    shape = {
        "input_size": x.shape[2],
        "hidden_sizes": [settings.hidden_size] * settings.num_layers,
        "outputs": classes or 1,
        "activation": settings.activation,
        "dropout": settings.dropout,
        "members": len(rows),
    }
    torch.manual_seed(settings.seed)
    mlp = MLP(**shape)
    for member in range(len(rows)):
        mlp.begin(member, parts[member % len(parts)].x.shape[1])
    members = Members(mlp, len(parts))
    chosen = compute.resolve(training.count_parameters(members))
    members.to(chosen.device)
    all_x = torch.from_numpy(x).to(chosen.device)
    all_y = torch.from_numpy(np.stack([part.y for part in parts])).to(chosen.device)
    weights = None
    if classes and settings.class_weights:
        own = [np.bincount(parts[k % len(parts)].y[chosen_], minlength=classes) for k, chosen_ in enumerate(rows)]
        counts = torch.from_numpy(np.stack(own)).float().to(chosen.device)
        weights = counts.sum(1, keepdim=True) / (classes * counts.clamp(min=1)) * (counts > 0)  # (K, C)
    with use_threads(chosen.threads):
        run = training.Run(
            members,
            partial(
                mean_loss,
                loss=loss,
                l2=torch.tensor(l2 * (len(rows) // len(parts)), device=chosen.device),
                weights=weights,
            ),
            MemberBatches(
                all_x, all_y, [torch.from_numpy(one) for one in rows], settings.batch_size, settings.seed, members
            ),
            optimizers.adamw(members, settings.lr, settings.weight_decay),
            learning_rate=lambda step: settings.lr,
            max_steps=0,
            clip_norm=settings.clip_norm,
            precision=chosen.precision,
        )
        # the rows that stop each scout, padded to the longest
        longest = max(len(part.stops) for part in parts)
        asked = torch.stack([torch.from_numpy(np.resize(part.stops, longest)) for part in parts]).to(chosen.device)
        there = torch.stack([torch.arange(longest) < len(part.stops) for part in parts]).to(chosen.device)
        own_x = torch.stack([all_x[number, asked[number]] for number in range(len(parts))])
        own_y = all_y.gather(1, asked)
        counts_for = there.float()  # what each row counts
        if weights is not None:
            weighted = there * weights[: len(parts)].gather(1, own_y)
            counts_for = torch.where(weighted.sum(1, keepdim=True) > 0, weighted, counts_for)

        def losses() -> torch.Tensor:
            members.eval()
            each = row_losses(outputs_of(mlp, own_x), own_y, loss)  # (parts, most)
            return (each * counts_for).sum(1) / counts_for.sum(1)

        def validate() -> dict[str, float]:
            assert settings.eval_every is not None  # chosen before anything is trained
            return members.note(losses(), run.step, settings.patience * settings.eval_every)

        if epochs is None and minutes is None:
            epochs = max(EPOCHS, STEPS / len(run.batches))
        settings.max_steps = training.choose_max_steps(
            run, settings.max_steps, epochs=epochs, minutes=minutes, validate=losses
        )
        settings.eval_every = settings.eval_every or max(20, len(run.batches) // 5)
        config = {**config, "model": shape, "parts": len(parts), "l2": l2[-1], "environment": chosen.record()}
        keeper = yield from runs.conduct(
            run,
            folder,
            settings,
            config,
            saved,
            schedule=schedules.constant,
            validate=validate,
            patience=settings.patience,
            save_seconds=SAVE_SECONDS,
            stop=stop,
        )
    return None if keeper is None else (keeper, members, chosen.threads)


def _what_it_began_with(saved: Checkpoint, table: Table, test: Table | None, **asked: Any) -> dict[str, Any]:
    """The target, folds, groups and time of a run that is to be resumed. Raises CheckpointError where it was begun with
    another table or test rows, or with others of these than are asked for (None: any)."""
    if saved.config["data"]["sha256"] != table.sha256:
        raise CheckpointError(
            f"{saved.folder} was trained on another table than this '{table.name}'",
            "resume with the one it was trained on, or write elsewhere with -o FOLDER",
        )
    split = saved.config["split"]
    if split["test"] != (None if test is None else test.sha256):
        raise CheckpointError(
            f"{saved.folder} was to be measured on {'other' if split['test'] else 'no'} test rows",
            "resume with the --test file that it began with" if split["test"] else "resume without --test",
        )
    began = {
        "target": saved.config["target"]["name"],
        **{name: split[name] for name in ("folds", "groups", "time")},
    }
    for name, value in asked.items():
        if value is not None and value != began[name]:
            raise CheckpointError(
                f"{saved.folder} began with {name} {began[name]}, not {value}",
                "resume with the options that it began with, or write elsewhere with -o FOLDER",
            )
    return began
