"""A model card says what the checkpoint records, and whatever it is called it is text."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from markdown_it import MarkdownIt

from seqlab import checkpoint
from seqlab.export import card

SHIPPED = [path.name for path in checkpoint.shipped_folder().iterdir() if (path / "config.json").exists()]


@pytest.mark.parametrize("name", SHIPPED)
def test_every_shipped_model_has_a_card_with_its_data_command_and_figures(name: str) -> None:
    saved = checkpoint.load(checkpoint.shipped_folder() / name)
    text = card(saved)
    assert saved.config["command"] in text
    assert f"{saved.config['parameters']:,} parameters" in text
    for title in ("Data", "Figures", "Limits", "How it was made", "Use"):
        assert f"\n## {title}\n" in text
    metrics = saved.config.get("metrics", {})
    if "backtest" in metrics:
        assert f"{metrics['backtest']['model']['crps'][0]:.5g}" in text
        assert f"| {metrics['backtest']['skill_vs_random_walk'][0]:.5g} |" in text
    elif "top1" in metrics:
        assert f"| top1 | {metrics['top1']:.5g} |" in text
    elif metrics:
        assert f"{metrics['bits_per_char']:.5g}" in text
    sums = [saved.config["data"].get("sha256"), *(one.get("sha256") for one in saved.config["data"].get("series", []))]
    assert all(one in text for one in sums if one)


def test_an_export_carries_its_card_and_is_whole(cli: Callable[..., Any], trained: Path, tmp_path: Path) -> None:
    folder = tmp_path / "my *bold* | <b>model"
    assert cli("checkpoints", "export", "small", "-o", folder).status == 0
    assert cli("checkpoints", "verify", folder).status == 0
    text = (folder / "README.md").read_text()
    html = MarkdownIt("commonmark").enable("table").render(text)
    assert "<h1>my *bold* | &lt;b&gt;model</h1>" in html
    assert "<em>" not in html and "<b>" not in html
    assert {len(re.findall(r"(?<!\\)\|", line)) for line in text.splitlines() if line.startswith("|")} <= {3, 4, 5}
    metrics = checkpoint.load(folder).config["metrics"]
    assert f"| {metrics['bits_per_char']:.5g} |" in text
    (command,) = re.findall(r"^seqlab generate --corpus (.*)$", text, re.M)
    assert command == f"'{folder.name}'"  # what a shell reads as one word
