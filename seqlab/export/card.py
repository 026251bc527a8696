"""A model card: what a checkpoint is, what it learned from, its figures, its limits and how it is used, as Markdown.

All of it is made of what the checkpoint records; of what it does not record nothing is said.
"""

import re
import shlex
from collections.abc import Iterator, Sequence
from typing import Any

from seqlab.checkpoint import Checkpoint
from seqlab.export.graph import Graph
from seqlab.formatting import plain

MOST_ROWS = 40  # of a table
# What it is; what its figures were measured on; its limits; how it is used by the command line and by Python.
JOBS = {
    "language": (
        "A character model: it continues a text and scores one.",
        "the last tenth of the text, which it did not learn from (validation: the tenth before)",
        (
            "It knows the {characters} characters of its vocabulary and no others.",
            "What it writes may stand word for word in its training text: `seqlab generate --check-copies` looks.",
            "What it writes looks like its text and need not be true, compile, or be free to use.",
        ),
        "seqlab generate --corpus {name}",
        'print(seqlab.load({quoted}).generate(length=500))',
    ),
    "forecasting": (
        "A forecaster: it says how a series may go on, as quantiles of each row to come.",
        "forecasts from days after the cut, beside simple baselines",
        (
            "Figures from the past promise nothing, and no forecast is investment advice.",
            "A series unlike those it learned from is forecast worse: read the backtest that comes with each forecast.",
        ),
        "seqlab forecast FILE.csv --model {name}",
        'print(seqlab.load({quoted}).forecast("FILE.csv", horizon=20))',
    ),
    "vision": (
        "A classifier of images.",
        "images held out of training",
        (
            "It knows the classes below and calls every picture one of them.",
            "Pictures from another source than those of training are classified worse.",
        ),
        "seqlab predict {name} PICTURE.png",
        'print(seqlab.load({quoted}).predict("PICTURE.png"))',
    ),
    "tabular": (
        "A feedforward net for rows of a table.",
        "rows held out of training",
        (
            "Its rows are like those it learned from; of rows that come later, or from elsewhere, nothing is known.",
            "It says what goes together in its table, not what causes what.",
        ),
        "seqlab predict {name} FILE.csv",
        'print(seqlab.load({quoted}).predict("FILE.csv"))',
    ),
}  # fmt: skip
LEFT_OUT = {"confusion", "per_class", "backtest", "intervals", "importance"}  # of the figures: long, or told apart


def card(saved: Checkpoint, graph: Graph | None = None) -> str:
    """The card of a checkpoint, in a folder of which `graph` is model.onnx."""
    what, held_out, limits, command, python = JOBS[saved.config["job"]]
    config, name = saved.config, saved.folder.name
    filled = {"name": shlex.quote(name), "quoted": repr(name), "characters": len(config.get("vocab", ""))}
    made = f"{config['parameters']:,} parameters, made by seqlab {config['seqlab']} with torch {config['torch']}"
    parts = [f"# {_text(name)}", f"{what} {made}."]
    parts += ["## Data", *_data(config)]
    parts += ["## Figures", *_figures(saved, held_out)]
    parts += ["## Limits", "\n".join(f"- {one.format(**filled)}" for one in limits)]
    parts += ["## How it was made", *_making(config)]
    parts += ["## Use", "From the folder above this one:", _code(command.format(**filled), "sh")]
    parts += [_code(f"import seqlab\n\n{python.format(**filled)}", "python")]
    if graph is not None:
        parts += ["## model.onnx", *_onnx(graph)]
    return "\n\n".join(parts) + "\n"


def _data(config: dict[str, Any]) -> Iterator[str]:
    data = {key: value for key, value in config["data"].items() if key != "written"}
    series = data.pop("series", [])
    for key, title in (("cut", "nothing after"), ("target", "predicts"), ("classes", "classes")):
        value = config.get(key)
        value = (value["classes"] or value["name"]) if key == "target" and value else value
        if value:
            data[title] = ", ".join(map(str, value)) if isinstance(value, list) else value
    if "target" in config:
        data["predicts"] = config["target"]["name"]
        data["columns"] = ", ".join(column["name"] for column in config["encoder"]["columns"])
    yield _table(("", ""), data.items())
    if series:
        columns = [key for key in ("name", "origin", "first", "last", "days", "sha256") if key in series[0]]
        yield _table(columns, [[one.get(key, "") for key in columns] for one in series])


def _figures(saved: Checkpoint, held_out: str) -> Iterator[str]:
    """The metrics of the training's end, and where it has none the last of its log."""
    metrics = saved.config.get("metrics")
    if not metrics:
        last = saved.log()[-1] if saved.log() else {}
        found = {key: value for key, value in last.items() if key.startswith("val_")}
        if not found:
            yield "None were recorded: measure it with `seqlab evaluate`."
            return
        yield f"Of the validation part, which chose the weights, at step {last['step']:,}; there are none of a test."
        yield _table(("", "validation"), found.items())
        return
    yield f"Measured on {held_out}."
    rows = dict(_flat({key: value for key, value in metrics.items() if key not in LEFT_OUT}))
    if rows:
        yield _table(("", "held out"), rows.items())
    if "per_class" in metrics:
        yield _table(("class", "accuracy"), metrics["per_class"].items())
    if "backtest" in metrics:
        yield from _backtest(metrics["backtest"])


def _backtest(found: dict[str, Any]) -> Iterator[str]:
    yield f"{found['origins']:,} forecasts, from {found['first']} to {found['last']}. CRPS: lower is better."
    rows = {"model": found["model"], **found["baselines"]}
    horizons = [f"{h} {found.get('step', 'row')}{'s' * (h > 1)} ahead" for h in found["horizons"]]
    yield _table(("CRPS", *horizons), [[name, *one["crps"]] for name, one in rows.items()])
    told = [["skill over the random walk, %", *found["skill_vs_random_walk"]]]
    told.append(["in the 80 % interval", *found["model"]["coverage80"]])
    yield _table(("", *horizons), told)


def _making(config: dict[str, Any]) -> Iterator[str]:
    if config["command"]:
        yield _code(config["command"], "sh")
    begun = config.get("from")
    while begun:
        yield f"It began with the weights of {_text(begun['name'])}:"
        yield _code(begun.get("command") or "(no command was recorded)", "sh")
        begun = begun.get("from")
    position, environment = config.get("position", {}), config.get("environment", {})
    made = {"steps": position.get("step"), "weights of step": position.get("best_step"), **environment}
    settings = config.get("settings", {})
    yield _table(("", ""), [(key, value) for key, value in {**made, **settings}.items() if value is not None])


def _onnx(graph: Graph) -> Iterator[str]:
    yield (
        "The same net with the weights of the whole checkpoint, in float32, for programs without seqlab and torch. Its "
        "outputs under onnxruntime were compared with torch's when it was written, and differ by less than 0.0001."
    )
    sizes = [("input", *one) for one in graph.inputs.items()] + [("output", *one) for one in graph.outputs.items()]
    yield _table(("", "name", "shape"), [(kind, name, " x ".join(map(str, axes))) for kind, name, axes in sizes])
    yield f"Inputs: {_text(graph.about['inputs'])}.\n\nOutputs: {_text(graph.about['outputs'])}."
    told = ", ".join(f"`{name}`" for name in graph.about if name not in ("inputs", "outputs"))
    yield f"What the numbers mean is in the file's metadata, as JSON: {told}."
    yield _code(graph.use.rstrip("\n"), "python")


def _flat(values: dict[str, Any], before: str = "") -> Iterator[tuple[str, Any]]:
    """Figures by name, those of figures in figures too; no lists."""
    for name, value in values.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{before}{name}, ")
        elif not isinstance(value, list):
            yield f"{before}{name}", value


def _table(header: Sequence[str], rows: Any) -> str:
    """A Markdown table; whatever is in it is text and never markup."""
    rows = [tuple(row) for row in rows]
    lines = [header, ["---"] * len(header), *([_cell(one) for one in row] for row in rows[:MOST_ROWS])]
    more = [f"\n\nand {len(rows) - MOST_ROWS:,} more"] if rows[MOST_ROWS:] else []
    return "\n".join("| " + " | ".join(line) + " |" for line in lines) + "".join(more)


def _cell(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.5g}"
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else _text(str(value))


def _text(text: str) -> str:
    """Text that says in Markdown what it says, on one line."""
    return re.sub(r"([\\`*_{}\[\]<>()#+!|~$&])", r"\\\1", plain(" ".join(text.split())))


def _code(text: str, language: str) -> str:
    """A block of code, in a fence that is longer than any in it."""
    fence = "`" * max(3, 1 + max(map(len, re.findall("`+", text)), default=0))
    return f"{fence}{language}\n{plain(text)}\n{fence}"
