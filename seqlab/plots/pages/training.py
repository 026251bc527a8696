"""A training run as a page: how loss, gradient and rate went, what came of it, on what data, by which settings."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from seqlab.checkpoint import Checkpoint
from seqlab.formatting import duration
from seqlab.plots.pages.chart import Chart, Line, document, figure
from seqlab.plots.pages.evaluation import classes, figures, told
from seqlab.plots.pages.page import command_section, facts, folded, section, table, text, tiles

MOST_POINTS = 400  # of a line
MOST_ROWS = 40
COLUMNS = {"train_loss": "training loss", "val_loss": "validation loss", "grad_norm": "gradient norm", "lr": "rate"}


def page(saved: Checkpoint) -> str:
    """The report of the run that made a checkpoint. Raises CheckpointError where its log is damaged."""
    config, log = saved.config, saved.log()
    position = config["position"]
    seconds = max((one.get("seconds") or 0.0 for one in log), default=0.0)
    at = f"of {position['max_steps']:,}"
    figures_of_run = [
        ("parameters", f"{config['parameters']:,}", ""),
        ("steps", f"{position['step']:,}", at),
        ("kept", f"step {position.get('best_step', position['step']):,}", "the best by validation, or the last"),
        ("trained for", duration(seconds) if seconds else "-", config["environment"].get("device", "")),
    ]
    body = [
        section("The run", tiles(figures_of_run), *_curves(saved.name, log), name="run"),
        section("What it measured", figures(config.get("metrics") or {}), name="figures"),
        *classes(config.get("metrics") or {}),
        section("The data", facts(_plain(config.get("data") or {})), name="data"),
        section("Settings", facts(_plain(config["settings"])), name="settings"),
        section("Model and machine", facts(_plain({**(config.get("model") or {}), **config["environment"]}))),
        command_section(config.get("command", "")),
    ]
    return document(saved.name, f"Training: {config['job']}", body)


def _curves(name: str, log: list[dict[str, Any]]) -> list[str]:
    """The lines over the steps, and their figures."""
    log = [one for one in log if "step" in one]
    if len(log) < 2:
        return ["<p>There are too few evaluations to draw.</p>"]
    kept = [log[place] for place in np.unique(np.linspace(0, len(log) - 1, min(len(log), MOST_POINTS)).astype(int))]
    steps = np.array([one["step"] for one in kept], float)
    loss = [
        Line(name_, values, colour, 2, joined=True)
        for key, name_, colour in (("train_loss", "training", "model"), ("val_loss", "validation", "walk"))
        if np.isfinite(values := _column(kept, key)).any()
    ]
    last = ", ".join(f"{one.name} {one.values[np.isfinite(one.values)][-1]:.4g}" for one in loss)
    about = f"Loss of {name} over {len(log):,} evaluations, at the end {last}."
    found = ["<h3>Loss</h3>", figure(Chart(about, steps, loss, x_name="step", decimals=4, height=320))] if loss else []
    small = []
    for key, heading, colour in (("grad_norm", "Norm of the gradient", "green"), ("lr", "Learning rate", "purple")):
        values = _column(kept, key)
        if np.isfinite(values).any():
            line = [Line(COLUMNS[key], values, colour, 1.6, joined=True)]
            chart = Chart(f"{heading} over the steps.", steps, line, x_name="step", decimals=5, height=200, keys=False)
            small.append(f"<div><h3>{heading}</h3>{figure(chart)}</div>")
    rows = [log[place] for place in np.unique(np.linspace(0, len(log) - 1, min(len(log), MOST_ROWS)).astype(int))]
    shown = [key for key in COLUMNS if np.isfinite(_column(rows, key)).any()]
    cells = [[f"{one['step']:,}", *(told("", one.get(key)) for key in shown)] for one in rows]
    caption = f"{len(rows)} of {len(log):,} evaluations" if len(rows) < len(log) else ""
    found += [f'<div class="grid">{"".join(small)}</div>'] if small else []
    found.append(folded("The figures", table(["step", *(COLUMNS[key] for key in shown)], cells, caption=caption)))
    if samples := [one["sample"] for one in log if one.get("sample")]:
        found.append(f'<h3>What it wrote at the end</h3><pre class="wrap">{text(samples[-1][:1000])}</pre>')
    return found


def _column(log: list[dict[str, Any]], key: str) -> np.ndarray:
    return np.array([np.nan if one.get(key) is None else float(one[key]) for one in log])


def _plain(values: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What is noted under each name, shortened where it is long."""
    found = []
    for name, value in values.items():
        said = "-" if value is None else f"{len(value):,} of them" if _is_long(value) else str(value)
        found.append((name.replace("_", " "), said if len(said) < 200 else f"{said[:200]} …"))
    return found


def _is_long(value: Any) -> bool:
    return isinstance(value, list | dict) and len(str(value)) > 200
