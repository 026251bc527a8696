"""What other programs compute from an exported net is what seqlab says: by the very code that the model card shows."""

import io
import re
from collections.abc import Callable
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image
from torch import Tensor, nn

import seqlab
from seqlab import checkpoint, export
from seqlab.data.series.features import features_of
from seqlab.data.series.frames import load_data
from seqlab.data.series.quotes import snapshot
from seqlab.errors import CheckpointError, DataError
from seqlab.export import Graph
from seqlab.forecasting import general
from seqlab.forecasting.forecaster import model_quantiles, scales

pytest.importorskip("onnxruntime")
pytest.importorskip("onnxscript")


def shown_code(folder: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[dict[str, Any], str]:
    """The variables that the card's code leaves, and what it prints."""
    code = re.findall(r"^```python\n(.*?)^```", (folder / "README.md").read_text(), re.M | re.S)[-1]
    assert "onnxruntime" in code
    found: dict[str, Any] = {}
    monkeypatch.chdir(folder)
    with redirect_stdout(io.StringIO()) as printed:
        exec(code, found)
    return found, printed.getvalue()


def test_a_text_model_writes_the_same_one_character_at_a_time(
    cli: Callable[..., Any], trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = cli("checkpoints", "export", "small", "--onnx", "-o", tmp_path / "out")
    assert done.status == 0 and "model.onnx" in done.out
    made, printed = shown_code(tmp_path / "out", monkeypatch)
    assert len(printed) > 200 and made["vocab"] == checkpoint.load(trained).config["vocab"]
    state = [np.zeros_like(one) for one in made["state"]]
    tokens, written = [made["vocab"].index(char) for char in "int "], ""
    for _ in range(60):
        logits, *state = made["session"].run(None, dict(zip(made["names"], [np.array([tokens]), *state], strict=True)))
        tokens = [int(logits[0, -1].argmax())]
        written += made["vocab"][tokens[0]]
    (sample,) = seqlab.load(trained).generate("int ", 60, temperature=0, cache=False).samples
    assert written == sample.text
    assert "README.md" not in checkpoint.verify(checkpoint.load(tmp_path / "out"))  # and it is whole beside the card


def test_a_classifier_gives_the_same_probabilities(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = seqlab.load("cifar10", precision="fp32")
    model.export(tmp_path / "out", onnx=True)
    pixels = np.random.default_rng(0).integers(0, 256, (5, 7, 3), np.uint8)
    Image.fromarray(pixels).resize((60, 50)).save(tmp_path / "out" / "picture.png")
    made, _ = shown_code(tmp_path / "out", monkeypatch)
    (ours,) = model.predict(tmp_path / "out" / "picture.png", top=10)
    its = dict(zip(made["about"]["classes"], made["probabilities"][0], strict=True))
    assert its == pytest.approx(dict(ours.classes), abs=1e-4)


def houses() -> pd.DataFrame:
    random, count = np.random.default_rng(0), 240
    rows = {
        "size": random.normal(100, 30, count).round(1),
        "street": [f"street {k % 60}" for k in range(count)],  # more words than are kept: some are rare
        "new": random.choice(["yes", "no"], count),
        "sold": pd.Timestamp("2019-01-01") + pd.to_timedelta(random.integers(0, 1400, count), "D"),
    }
    frame = pd.DataFrame(rows)
    frame["price"] = frame["size"] * 3000 + random.normal(0, 5000, count)
    frame["kind"] = np.where(frame["size"] > 100, "large", "small")
    frame.loc[::17, "size"] = np.nan
    frame.loc[::19, "street"] = None
    return frame


@pytest.mark.parametrize("target", ["price", "kind"])
def test_a_table_model_predicts_the_same_from_entries_as_they_are_written(
    target: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    frame = houses().drop(columns="kind" if target == "price" else "price")
    model = seqlab.train_mlp(frame, target, folder=tmp_path / "net", max_steps=30).result()
    model.export(tmp_path / "out", onnx=True)
    made, _ = shown_code(tmp_path / "out", monkeypatch)
    asked = pd.concat([frame.head(40), frame.head(1).assign(street="unheard of", sold=pd.NaT, new="perhaps")])
    written = asked.astype({"sold": str}).astype(object).where(asked.notna(), None).to_dict("records")
    rows = [
        [
            np.nan if row[column["name"]] == "perhaps" else made["number"](row[column["name"]], column)
            for column in made["about"]["columns"]
        ]
        for row in written
    ]
    (its,) = made["session"].run(None, {"rows": np.array(rows, float)})
    ours = model.predict(asked) if target == "price" else model.predict_proba(asked)
    assert its == pytest.approx(ours.to_numpy(), rel=1e-4, abs=1e-4)


@pytest.mark.parametrize("name", ["quotes", "lstm"])
def test_a_forecaster_of_prices_gives_the_same_quantiles(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = seqlab.load(name)
    model.export(tmp_path / "out", onnx=True)
    made, _ = shown_code(tmp_path / "out", monkeypatch)
    features = features_of(snapshot("AAPL"), model.forecaster.kind)
    (log_scale,) = scales(model.forecaster, [features])
    last = np.array([len(log_scale) - 1])
    ours = model_quantiles(model.forecaster, features, log_scale, last, np.arange(1, 61))
    assert made["returns"] == pytest.approx(ours[0], rel=1e-4, abs=1e-6)


def test_the_general_forecaster_gives_the_same_quantiles(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = seqlab.load("general")
    model.export(tmp_path / "out", onnx=True)
    months = pd.date_range("2001-01-01", periods=90, freq="MS")
    values = 50 + 10 * np.sin(np.arange(90) / 12 * 2 * np.pi) + np.random.default_rng(0).normal(0, 1, 90)
    pd.DataFrame({"month": months, "visitors": values}).to_csv(tmp_path / "out" / "visitors.csv", index=False)
    made, _ = shown_code(tmp_path / "out", monkeypatch)
    panel = general.panel_of(list(load_data(tmp_path / "out" / "visitors.csv")), 12)
    ours = general._quantiles(model.forecaster.model, panel, [90])[0]
    its = made["read"]["centre"][:, None, None] + made["quantiles"] * made["read"]["scale"][:, None, None]
    assert its == pytest.approx(ours, rel=1e-4)


class Moody(nn.Module):
    """Not what it was when it was traced."""

    def __init__(self) -> None:
        super().__init__()
        self.calls = 0

    def forward(self, x: Tensor) -> tuple[Tensor]:
        self.calls += 1
        return (x + self.calls,)


def test_a_file_that_differs_from_the_net_is_not_written(trained: Path, tmp_path: Path) -> None:
    examples = [(torch.zeros(2, 3),), (torch.zeros(4, 3),)]
    graph = Graph(Moody(), {"x": ("rows", 3)}, {"y": ("rows", 3)}, examples, {"inputs": "", "outputs": ""}, "")
    with pytest.raises(CheckpointError, match=r"'small' differs from the net in its output 'y': none is written"):
        export.export(checkpoint.load(trained), tmp_path / "out", graph)
    assert not (tmp_path / "out").exists()


def test_without_the_packages_nothing_is_begun(
    cli: Callable[..., Any], trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(__import__("sys").modules, "onnxruntime", None)
    done = cli("checkpoints", "export", "small", "--onnx", "-o", tmp_path / "out")
    assert done.status == 2 and not (tmp_path / "out").exists()
    assert [line.split(":")[0] for line in done.err.splitlines()] == ["error", "hint"]
    assert "pip install onnx onnxscript onnxruntime" in done.err


def test_where_the_card_cannot_be_written_nothing_stays(
    trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(path: Path) -> None:
        raise DataError(f"{path} cannot be written: no space left on device", "name another file")

    monkeypatch.setattr(export, "replacing", full)
    with pytest.raises(DataError, match="no space left"):
        export.export(checkpoint.load(trained), tmp_path / "out")
    assert not (tmp_path / "out").exists()
