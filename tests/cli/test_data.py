"""seqlab data: what a person and a script see."""

import hashlib
from dataclasses import replace
from pathlib import Path

import pytest

from seqlab.data.fetch import cache
from seqlab.data.fetch.downloads import DOWNLOADS, data_sets, files_of
from seqlab.data.series import quote_store
from seqlab.data.series.series import FIELDS
from tests.conftest import run_seqlab

CONTENT = b"as if it were a tar archive"


@pytest.fixture
def mirror(tmp_path, monkeypatch):
    """A mirror folder that has `stacks`, with its checksum."""
    folder = tmp_path / "mirror"
    folder.mkdir()
    (folder / "stacks-project.tar.xz").write_bytes(CONTENT)
    digest = hashlib.sha256(CONTENT).hexdigest()
    (folder / "SHA256SUMS").write_text(f"{digest}  stacks-project.tar.xz\n")
    monkeypatch.setenv("SEQLAB_MIRROR", str(folder))
    return folder


def test_nothing_is_cached_at_first(cli):
    listed = cli("data", "list", "--json").json
    assert listed["schema"] == 1
    assert {row["name"] for row in listed["downloads"]} == set(data_sets())
    assert not any(row["cached"] for row in listed["downloads"])
    assert listed["quotes"]["store"]["tickers"] == []
    assert "AAPL" in listed["quotes"]["embedded"]["tickers"]
    assert not cache.cache_folder().exists()  # looking makes nothing
    shown = cli("data", "list")
    assert shown.status == 0 and shown.out.count("not fetched") == len(data_sets())


def test_fetch_list_and_path_agree(cli, mirror):
    fetched = cli("data", "fetch", "stacks")
    path = fetched.out.strip()
    assert fetched.status == 0
    assert Path(path).read_bytes() == CONTENT
    assert str(mirror / "stacks-project.tar.xz") in fetched.err
    assert "checked against that mirror's own SHA256SUMS only" in fetched.err  # no other is published
    assert "seqlab train-text stacks" in fetched.err
    assert cli("data", "path", "stacks").out.strip() == path
    row = cli("data", "path", "stacks", "--json").json
    assert row["path"] == path and row["checked"] is True and row["bytes"] == len(CONTENT)
    assert row["origin"] == str(mirror / "stacks-project.tar.xz")
    assert row["sha256"] == hashlib.sha256(CONTENT).hexdigest()
    listed = cli("data", "list", "--json").json
    assert {"schema": 1, **next(r for r in listed["downloads"] if r["name"] == "stacks")} == row
    assert cli("data", "fetch", "stacks", "--json").json == row
    line = next(line for line in cli("data", "list").out.splitlines() if line.startswith("stacks"))
    assert "mirror's sum" in line and str(mirror) in line


def test_only_what_the_published_checksum_vouches_for_is_called_checked(cli, mirror, monkeypatch):
    vouched = f"sha256:{hashlib.sha256(CONTENT).hexdigest()}"
    monkeypatch.setitem(DOWNLOADS, "stacks", replace(DOWNLOADS["stacks"], checksum=vouched))
    assert cli("data", "fetch", "stacks").err.splitlines()[-2].endswith(", checked")
    assert " checked " in cli("data", "list").out


def test_quiet_leaves_the_path_alone(cli, mirror):
    fetched = cli("data", "fetch", "stacks", "-q")
    assert fetched.err == "" and len(fetched.out.splitlines()) == 1


def test_stored_quotes_are_listed(cli):
    import numpy as np
    import pandas as pd

    frame = pd.DataFrame({field: np.ones(3) for field in FIELDS})
    frame.insert(0, "date", pd.date_range("2024-01-01", periods=3))
    quote_store.store("ACME", frame)
    (entry,) = cli("data", "list", "--json").json["quotes"]["store"]["tickers"]
    assert (entry["ticker"], entry["rows"], entry["last"]) == ("ACME", 3, "2024-01-03")
    assert "ACME" in cli("data", "list").out
    quote_store.store_path().write_bytes(b"no database " * 1000)
    shown = cli("data", "list")
    assert shown.status == 0 and "damaged" in shown.out


@pytest.mark.parametrize("what", ["fetch", "path"])
def test_an_unknown_name_is_a_usage_error_with_a_suggestion(cli, what):
    cli("data", what, "linx").fails(2, "linx", "did you mean 'linux'")


def test_what_is_not_cached_has_no_path(cli):
    cli("data", "path", "cifar10").fails(1, "cifar10", "seqlab data fetch cifar10")


def test_offline_fetches_nothing(cli):
    cli("data", "fetch", "linux", "--offline").fails(1, "offline", "SEQLAB_MIRROR")


def test_a_wrong_checksum_is_an_error_and_nothing_is_cached(cli, mirror):
    (mirror / "stacks-project.tar.xz").write_bytes(b"something else")
    cli("data", "fetch", "stacks").fails(1, "wrong sha256")
    cli("data", "path", "stacks").fails(1, "not in the cache")


def test_as_a_process_of_its_own(mirror):
    done = run_seqlab("data", "fetch", "stacks")
    assert done.status == 0 and done.out.strip().endswith("stacks-project.tar.xz")
    assert run_seqlab("data").status == 2


@pytest.mark.parametrize("place", ["", "fashion-mnist/"])
@pytest.mark.parametrize("has_sums", [True, False])
def test_a_set_of_several_files_is_one_name_and_a_folder_of_its_own(cli, tmp_path, monkeypatch, place, has_sums):
    mirror, sums = tmp_path / "mirror", ""
    for index, download in enumerate(files_of("fashion-mnist")):
        path = mirror / place / Path(download.file).name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content := bytes([index]))
        sums += f"{hashlib.sha256(content).hexdigest()}  {place}{path.name}\n"
        as_published = replace(download, checksum=f"md5:{hashlib.md5(content).hexdigest()}")
        monkeypatch.setitem(DOWNLOADS, download.name, download if has_sums else as_published)
    if has_sums:
        (mirror / "SHA256SUMS").write_text(sums)
    monkeypatch.setenv("SEQLAB_MIRROR", str(mirror))
    fetched = cli("data", "fetch", "fashion-mnist")
    assert fetched.status == 0 and "seqlab train-cnn fashion-mnist" in fetched.err
    folder = Path(fetched.out.strip())
    assert folder == cache.cache_folder() / "downloads" / "fashion-mnist"
    assert (folder / "t10k-images-idx3-ubyte.gz").read_bytes() == b"\2"
    row = cli("data", "path", "fashion-mnist", "--json").json
    assert (row["path"], row["bytes"], row["checked"], row["cached"]) == (str(folder), 4, True, True)
    assert row["origin"] == f"{mirror}/{place}" and len(row["files"]) == 4
    line = next(line for line in cli("data", "list").out.splitlines() if line.startswith("fashion-mnist"))
    assert ("mirror's sum" if has_sums else " checked ") in line
    (folder / "t10k-images-idx3-ubyte.gz").unlink()
    assert "partly fetched" in cli("data", "list").out
    cli("data", "path", "fashion-mnist").fails(1, "seqlab data fetch fashion-mnist")


def test_the_files_of_another_set_do_not_pass_for_the_published_ones(cli, tmp_path, monkeypatch):
    for download in files_of("mnist"):
        (tmp_path / Path(download.file).name).write_bytes(b"another set's")
    monkeypatch.setenv("SEQLAB_MIRROR", str(tmp_path))
    cli("data", "fetch", "mnist").fails(1, "train-images-idx3-ubyte.gz", "wrong md5")
