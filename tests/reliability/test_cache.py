"""Promise 4 for the cache: what is damaged in it is never used without a word, wherever the damage is."""

import contextlib
import json
import random
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from seqlab.data.series import quote_store
from seqlab.data.series.quotes import load_series
from seqlab.data.series.series import FIELDS
from seqlab.data.text.corpus import Corpus, load_corpus
from seqlab.data.text.encoding import DAMAGED
from seqlab.errors import SeqlabError
from seqlab.tasks import Task
from tests.conftest import Outcome
from tests.reliability.conftest import Tried, many


def loaded(path: Path) -> Corpus:
    return Task(load_corpus(str(path))).result()


def flipped(data: bytes, place: int, bit: int) -> bytes:
    return data[:place] + bytes([data[place] ^ 1 << bit]) + data[place + 1 :]


def same_json(one: bytes, other: bytes) -> bool:
    """Whether they say the same: \\u00E4 is \\u00e4."""
    try:
        return bool(json.loads(one) == json.loads(other))
    except ValueError:
        return False


def test_an_encoded_text_with_a_flipped_bit_is_made_again_and_said(tmp_path: Path, tried: Tried) -> None:
    text = "every character counts, äöü\n" * 9
    (tmp_path / "a.txt").write_text(text)
    before = loaded(tmp_path / "a.txt")
    files = sorted((tmp_path / "cache" / "corpora").iterdir())
    assert [path.suffix for path in files] == [".json", ".tokens"]
    contents = [path.read_bytes() for path in files]
    chance, tries = random.Random(0), 0
    for path, content in zip(files, contents, strict=True):
        places = [(place, chance.randrange(8)) for place in range(0, len(content), many(3, 1))]
        for damaged in (*(flipped(content, *one) for one in places), content[:-1], content + b"0", b""):
            path.unlink()  # the corpus of the last turn has it mapped
            path.write_bytes(damaged)
            found = loaded(tmp_path / "a.txt")
            if path.suffix == ".json" and same_json(damaged, content):
                continue
            assert found.text("all") == text and found.alphabet == before.alphabet
            assert found.sources == before.sources and found.notes == (DAMAGED,)
            assert [path.read_bytes() for path in files] == contents
            tries += 1
    assert loaded(tmp_path / "a.txt").notes == ()
    tried(4, tries)


def test_a_training_says_that_its_cache_was_damaged(
    tmp_path: Path, small_text: Path, cli: Callable[..., Outcome], tried: Tried
) -> None:
    loaded(small_text)
    (path,) = (tmp_path / "cache" / "corpora").glob("*.tokens")
    data = bytearray(path.read_bytes())
    data[1000:5900] = bytes(4900)
    path.write_bytes(data)
    done = cli("train-text", small_text, "--set", "max_steps=1", "--set", "hidden_size=8", "--threads=1")
    assert done.status == 0 and DAMAGED in done.err
    tried(4)


def test_quotes_that_were_altered_in_the_store_are_not_used(tried: Tried) -> None:
    days = pd.bdate_range("2020-01-01", periods=60).astype("datetime64[ns]")
    frame = pd.DataFrame({"date": days} | {field: 100.5 + pd.Series(range(60)) for field in FIELDS})
    quote_store.store("MINE", frame)
    path = quote_store.store_path()
    with contextlib.closing(sqlite3.connect(path)) as database:
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        database.execute("PRAGMA journal_mode = DELETE")
    whole, before = path.read_bytes(), load_series("MINE", offline=True)
    chance, used, said = random.Random(0), 0, 0
    for place in range(0, len(whole), many(131, 1)):
        for beside in path.parent.glob("quotes.sqlite*"):
            beside.unlink()
        path.write_bytes(flipped(whole, place, chance.randrange(8)))
        try:
            found = load_series("MINE", offline=True)
        except SeqlabError as problem:
            assert "MINE" in problem.message
            said += 1
            continue
        assert found.source == "store" and found.origin == before.origin, place
        assert (found.close == before.close).all() and (found.dates == before.dates).all(), place
        assert (found.adjusted == before.adjusted).all() and (found.high == before.high).all(), place
        used += 1
    assert used and said
    tried(4, used + said)


def test_a_number_that_became_bytes_is_an_alteration(tried: Tried) -> None:
    days = pd.bdate_range("2020-01-01", periods=60).astype("datetime64[ns]")
    frame = pd.DataFrame({"date": days} | {field: 100.5 + pd.Series(range(60)) for field in FIELDS})
    quote_store.store("MINE", frame)
    with contextlib.closing(sqlite3.connect(quote_store.store_path())) as database:
        database.execute("UPDATE quotes SET close = x'00ff' WHERE date = '2020-01-02'")
        database.commit()
    with pytest.raises(quote_store.Damaged):
        quote_store.read_stored("MINE")
    tried(4)


def test_altered_quotes_are_replaced_by_the_next_answer(tried: Tried) -> None:
    days = pd.bdate_range("2020-01-01", periods=60).astype("datetime64[ns]")
    frame = pd.DataFrame({"date": days} | {field: 100.5 + pd.Series(range(60)) for field in FIELDS})
    quote_store.store("MINE", frame)
    with contextlib.closing(sqlite3.connect(quote_store.store_path())) as database:
        database.execute("UPDATE quotes SET close = 1.0 WHERE date = '2020-01-02'")
        database.commit()
    with pytest.raises(quote_store.Damaged):
        quote_store.read_stored("MINE")
    quote_store.store("MINE", frame.iloc[10:])
    stored = quote_store.read_stored("MINE")
    assert stored is not None and len(stored.frame) == 50
    tried(4)
