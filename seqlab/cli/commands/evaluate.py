"""seqlab evaluate CHECKPOINT [DATA]: one file for every job's figures."""

import math
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from seqlab.cli.options import CHARTS, Common, check_writable, data_dir_option, series_options
from seqlab.cli.output import Bar, result, result_json, say, show_transfer
from seqlab.cli.redirect import result_options
from seqlab.errors import CheckpointError, DataError, UsageError

if TYPE_CHECKING:
    from seqlab.data.series.files import Kind


@click.command("evaluate")
@click.argument("checkpoint")
@click.argument("data", required=False)
@click.option("--adapt", is_flag=True, help="A text model goes on learning from what it has read.")
@data_dir_option
@click.option(
    "--plot",
    type=click.Path(path_type=Path),
    help="Draw which classes of images are confused, and the worst mistakes (.png, .svg, .pdf).",
)
@series_options
@result_options
def command(
    common: Common,
    checkpoint: str,
    data: str | None,
    adapt: bool,
    data_dir: Path | None,
    plot: Path | None,
    columns: tuple[str, ...],
    kind: "Kind",
) -> None:
    """Measure CHECKPOINT on held-out data: DATA, or the held-out part of what it was trained on."""
    if plot is not None:
        if plot.suffix.lower() not in CHARTS:
            raise UsageError(f"{plot} has no ending that can be drawn", f"use {', '.join(CHARTS)}")
        check_writable(plot, "--plot")
    from seqlab.checkpoint import find

    saved = find(checkpoint, common.checkpoint_folders())
    say(common, f"checkpoint {saved.folder}")
    measures: dict[str, Callable[..., tuple[dict[str, Any], list[str]]]] = {
        "language": _text,
        "vision": _images,
        "forecasting": _quotes,
        "tabular": _rows,
    }
    job = saved.config["job"]
    if job not in measures:
        raise CheckpointError(f"checkpoint '{saved.name}' is of an unknown job, {job}", "upgrade seqlab")
    if adapt and job != "language":
        raise UsageError(f"--adapt has no meaning for '{saved.name}': its job is {job}", "leave --adapt out")
    if data_dir is not None and job != "vision":
        raise UsageError(f"--data-dir has no meaning for '{saved.name}': its job is {job}", "leave --data-dir out")
    if plot and job != "vision":
        raise UsageError(f"--plot has no meaning for '{saved.name}': its job is {job}", "leave --plot out")
    own: dict[str, dict[str, Any]] = {
        "forecasting": {"columns": columns, "kind": kind},
        "language": {"adapt": adapt},
        "vision": {"data_dir": data_dir, "plot": plot},
    }
    metrics, lines = measures[job](common, saved, data, **own.get(job, {}))
    if common.json:
        result_json(metrics)
    else:
        result("\n".join(lines))


def _text(common: Common, saved: Any, data: str | None, adapt: bool) -> tuple[dict[str, Any], list[str]]:
    from seqlab import language
    from seqlab.data.text.corpus import OWN, load_corpus

    trained_on = saved.config["data"]
    if data is None and trained_on["origin"] in OWN:
        raise DataError(
            f"checkpoint '{saved.name}' was trained on a {trained_on['origin']} of yours, whose place is not kept",
            f"name it: seqlab evaluate {shlex.quote(saved.name)} PATH",
        )
    corpus = show_transfer(common, load_corpus(data or trained_on["name"], offline=common.offline))
    say(common, f"{corpus.name}: {len(corpus):,} characters, from {corpus.origin}")
    same = corpus.sha256 == trained_on["sha256"]
    if not same:
        alike = corpus.name == trained_on["name"]
        say(
            common,
            f"this {corpus.name} is another text than the {trained_on['name']} trained on (sha256 "
            f"{corpus.sha256[:12]}, trained on {trained_on['sha256'][:12]})"
            + (": parts of it may have been seen in training" if alike else ""),
        )
    own = same or data is None
    model = language.load(saved)
    tokens = corpus.encoded("test" if own else "all", model.vocab)
    chosen = common.compute().resolve(saved.config["parameters"])
    metrics = language.evaluate(model.model.to(chosen.device), model.vocab, tokens, chosen, adapt=adapt)
    metrics["split"] = "test" if own else "all"
    part = "its last tenth" if own else "all of it"
    return metrics, [
        f"{metrics['bits_per_char']:.4f} bits per character ({metrics['nats_per_char']:.4f} nats, perplexity "
        f"{metrics['perplexity']:.3f}) on {part}, {metrics['chars']:,} characters"
        + (", learning from each 128 when they were read" if adapt else ""),
        f"a character drawn at random from the vocabulary: {math.log2(len(model.vocab)):.2f} bits",
    ]


def _images(
    common: Common, saved: Any, data: str | None, data_dir: Path | None, plot: Path | None
) -> tuple[dict[str, Any], list[str]]:
    import torch

    from seqlab import vision
    from seqlab.cli.commands.train_cnn import figures
    from seqlab.data.contamination import CHANCE, image_hashes, share_seen
    from seqlab.data.images.sets import READERS, load_images

    classifier = vision.load(saved)
    trained_on = saved.config["data"]
    if data is None and trained_on["origin"] == "folder":
        raise DataError(
            f"checkpoint '{saved.name}' was trained on a folder of yours, whose place is not kept",
            f"name it: seqlab evaluate {shlex.quote(saved.name)} PATH",
        )
    given = data or trained_on["name"]
    size = None if given in READERS else classifier.height
    loading = load_images(given, offline=common.offline, data_dir=data_dir, size=size)
    images = show_transfer(common, loading)
    same = images.sha256 == trained_on["sha256"]
    pixels, labels = images.test_images, images.test_labels
    if images.drawn and not same:  # another folder than the one trained on, and nothing in it is set apart
        pixels, labels = torch.cat([images.images, pixels]), torch.cat([images.labels, labels])
    what = "images, all of them" if images.drawn and not same else "test images"
    say(common, f"{images.name}: {len(pixels):,} {what}, from {images.origin}")
    for note in images.notes:
        say(common, f"  {note}")
    vision.check_classes(classifier, images)
    seen = share_seen(image_hashes(pixels), saved.config.get("learnt", ""))
    if seen > CHANCE:
        say(common, f"  {seen:.0%} of these images were trained on, pixel for pixel: the figures are too good")
    elif images.name == trained_on["name"] and not same and "learnt" not in saved.config:
        say(
            common,
            f"this {images.name} differs from the one trained on (sha256 {images.sha256[:12]}, trained on "
            f"{trained_on['sha256'][:12]}): some of these images may have been seen in training",
        )
    chosen = vision.as_trained(saved, common.compute())
    classifier.model.to(chosen.device)
    metrics = vision.evaluate(classifier, pixels, labels, chosen)
    if plot is not None:
        from seqlab.plots.confusion import draw

        mistakes = vision.worst_mistakes(classifier, pixels, labels, chosen)
        draw(metrics, [(one, pixels[one.index]) for one in mistakes], plot)
        say(common, f"drawn in {plot}")
    return metrics, figures(metrics)


def _rows(common: Common, saved: Any, data: str | None) -> tuple[dict[str, Any], list[str]]:
    from seqlab import tabular
    from seqlab.cli.commands.train_mlp import figures
    from seqlab.data.contamination import CHANCE
    from seqlab.data.tables.reader import read_table

    if data is None:
        raise DataError(
            f"checkpoint '{saved.name}' was trained on a file of yours, whose place is not kept",
            f"name it: seqlab evaluate {shlex.quote(saved.name)} FILE",
        )
    predictor = tabular.load(saved)
    whole = read_table(Path(data), predictor.written)
    rows = tabular.held_out(predictor, whole)
    what = "held out in training" if rows is not whole else "all of it"
    say(common, f"{rows.name}: {len(rows.frame):,} rows, {what}")
    seen = tabular.seen(predictor, rows)
    if seen > CHANCE:
        say(common, f"  {seen:.0%} of these rows were learnt from, entry for entry: the figures are too good")
    for note in rows.notes:
        say(common, f"  {note}")
    chosen = common.compute().resolve(saved.config["parameters"])
    metrics = tabular.evaluate(predictor, rows, chosen)
    metrics["importance"] = tabular.importance(predictor, rows, chosen)
    lines = figures(metrics)
    name = "accuracy" if "accuracy" in metrics else "r2"
    lines.append(f"{name} lost when a column's values are dealt anew, five times:")
    for one in metrics["importance"][:10]:
        lines.append(f"  {one['column']:24} {one['importance']:7.4f}  deviation {one['deviation']:.4f}")
    return metrics, lines


def _quotes(
    common: Common, saved: Any, data: str | None, columns: tuple[str, ...], kind: "Kind"
) -> tuple[dict[str, Any], list[str]]:
    from seqlab import forecasting
    from seqlab.cli.reports.forecast_tables import backtest_lines
    from seqlab.data.series.quotes import load_many, snapshot, snapshot_tickers
    from seqlab.scoring import backtest

    forecaster = forecasting.load(saved)
    origins = {} if data else {one["name"]: one["origin"] for one in saved.config["data"]["series"]}
    files = [name for name, origin in origins.items() if origin == "file"]
    if files:
        raise DataError(
            f"checkpoint '{saved.name}' was trained on a file of yours, {files[0]}, whose place is not kept",
            f"name it: seqlab evaluate {shlex.quote(saved.name)} FILE.csv",
        )
    embedded = [name for name, origin in origins.items() if origin == "snapshot" and name in snapshot_tickers()]
    asked = [data] if data else [name for name in origins if name not in embedded]
    series = [snapshot(name) for name in embedded] + list(
        load_many(asked, columns=columns, kind=kind, offline=common.offline)
    )
    bar, forecasts = Bar(common), []
    running = forecasting.forecast_all(forecaster, series)
    for done, one in enumerate(series):
        bar.show(f"{one.name}: backtest ({done + 1} of {len(series)})", done, len(series))
        forecasts.append(next(running))
    bar.clear()
    for made in forecasts:
        say(common, f"{made.series.name}: {len(made.backtest.origins)} days after the cut, {made.series.origin}")
    pooled = backtest.pool([one.backtest for one in forecasts])
    return {"backtest": backtest.summary(pooled)}, [*backtest_lines(pooled), "", backtest.verdict(pooled)]
