"""How a training went, from its log: loss and validation over the steps, and the best of them."""

from collections.abc import Sequence
from typing import Any

from matplotlib.figure import Figure

from seqlab.errors import DataError
from seqlab.plots.style import GREY, INK, MODEL, WALK, empty, quiet, text_of

UNITS = {"language": "nats per character", "vision": "nats per image"}


def draw(name: str, job: str, records: Sequence[dict[str, Any]], best_step: int) -> Figure:
    """The curves of a checkpoint's log, its records from the first step on. best_step: that of the weights in use.

    Raises DataError for a log without an evaluation.
    """
    if not records:
        raise DataError(f"checkpoint '{name}' has no log to draw", "train it here: an exported one has left its log")
    steps = [record["step"] for record in records]
    val = [(record["step"], record["val_loss"]) for record in records if record.get("val_loss") is not None]
    lowest = f"; the lowest validation loss is {min(loss for _, loss in val):.4g}" if val else ""
    about = f"from {records[0]['train_loss']:.4g} to {records[-1]['train_loss']:.4g} over {steps[-1]:,} steps{lowest}"
    figure = empty(10, 5, f"Training of {text_of(name)}. The training loss goes {about}.")
    axes = figure.subplots()
    quiet(axes)
    axes.plot(steps, [record["train_loss"] for record in records], color=MODEL, linewidth=1.8, label="training")
    if val:
        axes.plot(*zip(*val, strict=True), color=WALK, linewidth=1.8, linestyle=(0, (5, 2)), label="validation")
    top = max([record["train_loss"] for record in records] + [loss for _, loss in val])
    best = dict(val).get(best_step)
    if best is not None:
        axes.plot(best_step, best, "o", color=WALK, markersize=7)
        axes.axvline(best_step, color=GREY, linewidth=0.8, linestyle=":")
        is_late = best_step > (steps[0] + steps[-1]) / 2
        axes.annotate(
            f"best: {best:.4g} at step {best_step:,}",
            (best_step, top),
            (-6 if is_late else 6, 0),
            textcoords="offset points",
            ha="right" if is_late else "left",
            va="top",
            fontsize=9.5,
            color=INK,
        )
    axes.set_title(text_of(name), loc="left", fontsize=14, fontweight="bold", color=INK, pad=14, parse_math=False)
    axes.set_xlabel("step", color=GREY)
    axes.set_ylabel(f"loss, {UNITS[job]}" if job in UNITS else "loss", color=GREY)
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:,.10g}")
    axes.legend(loc="upper center", frameon=False, ncols=2, labelcolor=INK)
    return figure
