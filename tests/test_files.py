"""The door of files: nothing odd is read, and what is written is there whole or not at all."""

import os
import stat
from pathlib import Path

import pytest

from seqlab import files
from seqlab.errors import DataError


@pytest.mark.parametrize("kind", ["pipe", "device", "folder", "missing", "socket"])
def test_what_is_no_file_is_refused_before_it_is_opened(kind: str, tmp_path: Path) -> None:
    path = tmp_path / kind
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    elif kind == "socket":
        import socket

        socket.socket(socket.AF_UNIX).bind(str(path))
    elif kind == "device":
        path.symlink_to("/dev/zero")
    with pytest.raises(DataError, match=kind if kind != "missing" else "no file"):
        files.read(path)


def test_a_file_over_the_limit_is_refused_by_its_size_and_by_what_is_read_of_it(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"12345")
    assert files.read(path, largest=5) == b"12345"
    with pytest.raises(DataError, match="more than"):
        files.read(path, largest=4)
    with pytest.raises(DataError):
        files.read(Path("/proc/self/status"), largest=4)  # says that it has no size


def test_a_write_that_fails_leaves_the_old_file_and_nothing_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("old")
    for problem in (OSError(28, "No space left on device"), KeyboardInterrupt()):
        with pytest.raises((DataError, KeyboardInterrupt)), files.replacing(path) as new:
            new.write_text("half of th")
            raise problem
        assert path.read_text() == "old"
        assert list(tmp_path.iterdir()) == [path]
    with pytest.raises(DataError, match="nowhere"), files.replacing(tmp_path / "nowhere" / "a.txt"):
        pass


def test_a_write_that_ends_well_replaces_the_file_behind_a_link_and_keeps_its_mode(tmp_path: Path) -> None:
    path, link = tmp_path / "a.txt", tmp_path / "link.txt"
    path.write_text("old")
    path.chmod(0o640)
    link.symlink_to(path)
    with files.replacing(link) as new:
        assert new.suffix == ".txt"
        new.write_text("new")
    assert link.is_symlink()
    assert path.read_text() == "new"
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


def test_a_new_file_has_the_mode_that_others_have(tmp_path: Path) -> None:
    (tmp_path / "usual").write_text("")
    with files.replacing(tmp_path / "new") as new:
        new.write_text("")
    assert (tmp_path / "new").stat().st_mode == (tmp_path / "usual").stat().st_mode
