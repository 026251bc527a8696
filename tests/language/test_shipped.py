"""The text models that ship, on text that they have not seen."""

import lzma

import pytest

from seqlab.checkpoint import find
from seqlab.data.text.corpus import load_corpus
from seqlab.language.text_model import TextModel
from seqlab.machine import Compute
from seqlab.tasks import Task

STRETCH = 20_000  # characters of the last tenth, read from cold
REST = 500_000  # characters before it, for the compressor to have read


def bits_by_xz(text: str, read: str) -> float:
    """Bits per character that `xz -9e` needs for a text after what it has read."""
    before, after = (len(lzma.compress(one.encode(), preset=9 | lzma.PRESET_EXTREME)) for one in (read, read + text))
    return 8 * (after - before) / len(text)


@pytest.mark.mirror
@pytest.mark.parametrize(("name", "bits"), [("linux", 0.900), ("stacks", 0.902)])
def test_a_shipped_text_model_is_as_good_as_it_was(name: str, bits: float) -> None:
    """The bits were measured when it was shipped; less precise arithmetic may move the third digit."""
    corpus = Task(load_corpus(name)).result()
    text = corpus.text("test")[:STRETCH]
    model = TextModel.of(find(name), Compute(threads=1, precision="fp32"))
    found = model.score(text).bits_per_char
    assert found == pytest.approx(bits, abs=0.01)
    assert found < bits_by_xz(text, corpus.text("train")[-REST:])
