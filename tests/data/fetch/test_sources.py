"""Downloads against a real server on this machine that cuts, lies, stalls and refuses."""

import hashlib
import http.server
import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from seqlab.data.fetch import answers, cache, transfer
from seqlab.data.fetch.cache import Transfer
from seqlab.data.fetch.downloads import DOWNLOADS, Download, data_sets, files_of
from seqlab.data.fetch.sources import fetch
from seqlab.errors import DataError, NetworkError, SeqlabError
from seqlab.tasks import Task

BODY = bytes(range(256)) * 4000  # 1 MB
SHA = hashlib.sha256(BODY).hexdigest()


class Handler(http.server.BaseHTTPRequestHandler):
    """Serves server.files; each request first takes the next of server.faults, a dict of what goes wrong."""

    def do_GET(self):
        server = self.server
        server.seen.append((self.path, self.headers.get("Range")))
        is_sums = self.path.endswith("SHA256SUMS")
        fault = server.faults.pop(0) if server.faults and not is_sums else {}
        body = server.files.get(self.path)
        if "status" in fault or body is None or (is_sums and server.broken_sums):
            self.send_error(fault.get("status", 500 if is_sums and server.broken_sums else 404))
            return
        start = 0
        if server.ranges and (wanted := self.headers.get("Range")):
            start = int(wanted.removeprefix("bytes=").removesuffix("-"))
            if start >= len(body):
                self.send_error(416)
                return
            self.send_response(206)
            told = fault.get("range_start", start)
            self.send_header("Content-Range", f"bytes {told}-{len(body) - 1}/{len(body)}")
        else:
            self.send_response(200)
        sent = body[start : start + fault["cut"]] if "cut" in fault else body[start:]
        if fault.get("chunked"):
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            self.wfile.write(b"%x\r\n" % (len(sent) + 100) + sent)  # and the chunk never ends
            return
        self.send_header("Content-Length", str(fault.get("length", len(body) - start)))
        self.end_headers()
        if "slow" in fault:
            self.wfile.write(sent[: len(sent) // 2])
            self.wfile.flush()
            server.half_sent.set()
            time.sleep(fault["slow"])
            sent = sent[len(sent) // 2 :]
        self.wfile.write(sent)

    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def running():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.protocol_version = "HTTP/1.1"
    server.handle_error = lambda *_: None  # a client that was killed
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()


@pytest.fixture
def server(running, tmp_path, monkeypatch):
    running.files, running.faults, running.seen = {"/data.bin": BODY}, [], []
    running.ranges, running.broken_sums, running.half_sent = True, False, threading.Event()
    running.address = f"http://127.0.0.1:{running.server_address[1]}"
    monkeypatch.setenv("SEQLAB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.delenv("SEQLAB_MIRROR", raising=False)
    monkeypatch.delenv("SEQLAB_OFFLINE", raising=False)
    monkeypatch.setattr(transfer, "PAUSE", 0.001)
    return running


def item(server, checksum: str = f"sha256:{SHA}", file: str = "data.bin", **more) -> Download:
    return Download("data", file, f"{server.address}/{file}", checksum, len(BODY), "a test", **more)


def left() -> list[str]:
    """What lies in the folder of downloads, locks aside."""
    folder = cache.cache_folder() / "downloads"
    return sorted(path.name for path in folder.iterdir() if path.suffix != ".lock") if folder.exists() else []


def assert_whole(got: cache.Fetched, checked: bool = True) -> None:
    assert got.path.read_bytes() == BODY
    assert got.sha256 == SHA and got.checked is checked
    assert left() == [got.path.name, got.path.name + ".json"]


def test_a_file_is_fetched_checked_and_then_served_from_the_cache(server):
    task = Task(fetch(item(server)))
    transfers = list(task)
    got = task.result()
    assert_whole(got)
    assert got.origin == f"{server.address}/data.bin"
    assert transfers[-1] == Transfer("data.bin", got.origin, len(BODY), len(BODY))
    assert [t.done for t in transfers] == sorted(t.done for t in transfers)
    assert Task(fetch(item(server))).result() == got == cache.cached(item(server))
    assert len(server.seen) == 1


def test_md5_is_a_checksum_too(server):
    assert_whole(Task(fetch(item(server, "md5:" + hashlib.md5(BODY).hexdigest()))).result())
    assert json.loads((cache.cache_folder() / "downloads/data.bin.json").read_text())["sha256"] == SHA


def test_a_cut_body_goes_on_where_it_ended(server):
    server.faults = [{"cut": 300_000}, {"cut": 200_000}]
    assert_whole(Task(fetch(item(server))).result())
    assert [wanted for _, wanted in server.seen] == [None, "bytes=300000-", "bytes=500000-"]


def test_many_cuts_are_no_failure_as_long_as_each_brings_something(server):
    server.faults = [{"cut": 50_000}] * 12
    assert_whole(Task(fetch(item(server))).result())


@pytest.mark.parametrize("ranges", [True, False])
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(cuts=st.lists(st.tuples(st.integers(0, len(BODY)), st.booleans()), max_size=3))
def test_any_cuts_end_in_the_same_bytes(server, ranges, cuts):
    for path in (cache.cache_folder() / "downloads").glob("*"):
        path.unlink()
    server.ranges, server.faults = ranges, [{"cut": size, "chunked": chunked} for size, chunked in cuts]
    assert_whole(Task(fetch(item(server))).result())


def test_a_file_in_a_folder_of_its_own_goes_on_too(server):
    server.files, server.faults = {"/a/data.bin": BODY}, [{"cut": 300_000}]
    fetched = Task(
        fetch(Download("a/data", "a/data.bin", f"{server.address}/a/data.bin", f"sha256:{SHA}", 0, ""))
    ).result()
    assert fetched.path == cache.cache_folder() / "downloads" / "a" / "data.bin"
    assert fetched.path.read_bytes() == BODY
    assert [wanted for _, wanted in server.seen] == [None, "bytes=300000-"]
    assert not list(fetched.path.parent.glob("*.part"))


def test_a_server_without_ranges_starts_again(server):
    server.ranges, server.faults = False, [{"cut": 300_000}]
    assert_whole(Task(fetch(item(server))).result())
    assert len(server.seen) == 2


def test_a_server_that_always_cuts_is_given_up(server):
    server.ranges, server.faults = False, [{"cut": 300_000}] * 50
    with pytest.raises(NetworkError, match=r"300,000 of 1,024,000 bytes") as raised:
        Task(fetch(item(server))).result()
    assert len(server.seen) == 1 + transfer.ATTEMPTS - 1
    assert "go on where it stopped" in raised.value.hint
    assert cache.cached(item(server)) is None


def test_a_chunked_body_that_ends_in_the_middle_is_no_traceback(server):
    server.faults = [{"cut": 1000, "chunked": True}]
    assert_whole(Task(fetch(item(server))).result())
    server.faults = [{"cut": 0, "chunked": True}] * 50
    with pytest.raises(NetworkError, match="ended in the middle"):
        server.files["/b"] = BODY
        Task(fetch(item(server, file="b"))).result()


def test_another_part_than_the_one_asked_for_is_not_appended(server):
    server.faults = [{"cut": 300_000}, {"range_start": 0}]
    assert_whole(Task(fetch(item(server))).result())


@pytest.mark.parametrize("status", [500, 503, 429])
def test_a_server_in_trouble_is_tried_again(server, status):
    server.faults = [{"status": status}] * 2
    assert_whole(Task(fetch(item(server))).result())
    server.faults = [{"status": status}] * 50
    with pytest.raises(NetworkError, match=f"HTTP {status}"):
        Task(fetch(item(server, file="b"))).result()


def test_a_missing_file_is_requested_once(server):
    with pytest.raises(NetworkError, match="HTTP 404"):
        Task(fetch(item(server, file="nowhere.bin"))).result()
    assert len(server.seen) == 1 and left() == []


def test_a_server_that_is_not_there_is_reported_at_once(server):
    start = time.monotonic()
    lost = Download("data", "data.bin", "http://127.0.0.1:9/data.bin", "", 0, "")
    with pytest.raises(NetworkError, match="refused"):
        Task(fetch(lost)).result()
    assert time.monotonic() - start < 2


def test_a_wrong_checksum_leaves_nothing_behind(server):
    with pytest.raises(DataError, match="wrong sha256") as raised:
        Task(fetch(item(server, "sha256:" + "0" * 64))).result()
    assert SHA in raised.value.message and raised.value.hint
    assert left() == []
    assert cache.cached(item(server)) is None


def test_an_interrupt_keeps_the_part_and_the_next_fetch_goes_on(server, monkeypatch):
    monkeypatch.setattr(answers, "CHUNK", 100_000)
    fetching = fetch(item(server))
    done = [next(fetching).done for _ in range(3)]
    with pytest.raises(KeyboardInterrupt):
        fetching.throw(KeyboardInterrupt)
    (part,) = left()
    assert part.endswith(".part")
    assert cache.cached(item(server)) is None
    assert_whole(Task(fetch(item(server))).result())
    assert server.seen[-1][1] == f"bytes={done[-1]}-"


CHILD = """
import sys
from seqlab.data.fetch.downloads import Download
from seqlab.data.fetch.sources import fetch
from seqlab.tasks import Task
file, url, checksum = sys.argv[1:]
got = Task(fetch(Download("data", file, url, checksum, 0, ""))).result()
print(got.sha256)
"""


def child(server, code: str = CHILD) -> subprocess.Popen:
    arguments = ["data.bin", f"{server.address}/data.bin", f"sha256:{SHA}"]
    return subprocess.Popen(
        [sys.executable, "-c", code, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


@pytest.mark.skipif(os.name != "posix", reason="kill -9 is posix")
def test_a_kill_in_the_middle_leaves_a_part_that_the_next_process_goes_on_with(server):
    server.faults = [{"slow": 5}]
    process = child(server)
    assert server.half_sent.wait(20)
    time.sleep(0.3)
    process.send_signal(signal.SIGKILL)
    assert process.wait(20) == -signal.SIGKILL
    process.communicate()
    assert [name.rpartition(".")[2] for name in left()] == ["part"]
    assert_whole(Task(fetch(item(server))).result())
    assert server.seen[-1][1] == f"bytes={len(BODY) // 2}-"


def test_processes_at_once_fetch_it_once(server):
    server.faults = [{"slow": 1}]
    processes = [child(server) for _ in range(3)]
    outputs = [process.communicate(timeout=60) for process in processes]
    assert [out.strip() for out, _ in outputs] == [SHA] * 3, outputs
    assert len(server.seen) == 1
    assert_whole(cache.cached(item(server)))


@pytest.mark.skipif(os.name != "posix", reason="needs a limit on the size of files")
def test_a_full_disk_is_no_fault_of_the_network(server):
    limit = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (400_000, 400_000))\n"
    process = child(server, limit + CHILD)
    _, problem = process.communicate(timeout=60)
    assert "DataError: the cache folder" in problem and "SEQLAB_CACHE" in problem
    assert len(server.seen) == 1
    assert_whole(Task(fetch(item(server))).result())  # there is room again: it goes on
    assert server.seen[-1][1] == "bytes=400000-"


def test_a_file_larger_than_the_disk_is_not_begun(server):
    server.faults = [{"length": 10**18}]
    with pytest.raises(DataError, match="are needed"):
        Task(fetch(item(server))).result()


def test_a_cache_that_cannot_be_made_is_named(server, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("SEQLAB_CACHE", str(tmp_path / "file"))
    with pytest.raises(DataError, match="cannot be written") as raised:
        Task(fetch(item(server))).result()
    assert "SEQLAB_CACHE" in raised.value.hint


def test_bytes_that_nothing_checks_are_never_put_together_from_two_answers_of_two_days(server, monkeypatch):
    monkeypatch.setattr(answers, "CHUNK", 100_000)
    fetching = fetch(item(server, ""))
    next(fetching)
    fetching.close()
    assert_whole(Task(fetch(item(server, ""))).result(), checked=False)
    assert server.seen[-1][1] is None


@pytest.mark.parametrize("damage", ["", "no json", "[]", '{"bytes": 5}'])
def test_what_is_damaged_in_the_cache_is_fetched_again(server, damage):
    got = Task(fetch(item(server))).result()
    note = got.path.with_name("data.bin.json")
    note.write_text(damage)
    assert cache.cached(item(server)) is None
    assert_whole(Task(fetch(item(server))).result())
    with got.path.open("ab") as file:
        file.truncate(1000)
    assert_whole(Task(fetch(item(server))).result())


# ---- mirrors


def sums(**files: bytes) -> bytes:
    return "".join(f"{hashlib.sha256(data).hexdigest()}  {name}\n" for name, data in files.items()).encode()


def test_a_mirror_folder_comes_first_and_its_checksums_count(server, tmp_path, monkeypatch):
    other = b"another version"
    (tmp_path / "mirror").mkdir()
    (tmp_path / "mirror/data.bin").write_bytes(other)
    monkeypatch.setenv("SEQLAB_MIRROR", str(tmp_path / "mirror"))
    with pytest.raises(DataError, match="wrong sha256"):
        Task(fetch(item(server))).result()
    line = f"{hashlib.sha256(other).hexdigest().upper()} *./data.bin\n\nnonsense\n"
    (tmp_path / "mirror/SHA256SUMS").write_text(line)
    got = Task(fetch(item(server), offline=True)).result()  # a folder is no socket
    assert got.path.read_bytes() == other and got.checked
    assert got.origin == str(tmp_path / "mirror/data.bin")
    assert server.seen == []


def test_a_mirror_address_comes_first_under_any_of_its_names(server, monkeypatch):
    server.files |= {"/m/data.tar": BODY, "/m/SHA256SUMS": sums(**{"data.tar": BODY})}
    monkeypatch.setenv("SEQLAB_MIRROR", f"{server.address}/m/")
    wanted = item(server, "sha256:" + "0" * 64, mirror_files=("data.tar",))
    got = Task(fetch(wanted)).result()
    assert_whole(got)
    assert got.origin == f"{server.address}/m/data.tar"
    assert cache.cached(wanted) == got


@pytest.mark.parametrize("trouble", ["missing", "sums", "no host", "no address", "no folder"])
def test_a_mirror_in_trouble_gives_way_to_the_public_address(server, monkeypatch, trouble):
    mirror = {"no host": "http://127.0.0.1:9", "no address": "http://[", "no folder": "/no/such/folder"}
    monkeypatch.setenv("SEQLAB_MIRROR", mirror.get(trouble, f"{server.address}/m"))
    if trouble == "sums":
        server.broken_sums = True
        server.files["/m/data.bin"] = b"must not be taken without the checksums that go with it"
    got = Task(fetch(item(server))).result()
    assert_whole(got)
    assert got.origin == f"{server.address}/data.bin"


def test_a_part_of_one_source_is_not_continued_from_another(server, monkeypatch):
    server.files |= {"/m/data.bin": bytes(len(BODY)), "/m/SHA256SUMS": sums(**{"data.bin": bytes(len(BODY))})}
    monkeypatch.setattr(answers, "CHUNK", 100_000)
    monkeypatch.setenv("SEQLAB_MIRROR", f"{server.address}/m")
    fetching = fetch(item(server))
    next(fetching)
    fetching.close()
    monkeypatch.delenv("SEQLAB_MIRROR")
    assert_whole(Task(fetch(item(server))).result())


def test_offline_opens_no_socket(server, monkeypatch):
    monkeypatch.setenv("SEQLAB_MIRROR", f"{server.address}/m")
    for keyword, value in (({"offline": True}, ""), ({}, "1")):
        monkeypatch.setenv("SEQLAB_OFFLINE", value)
        with pytest.raises(NetworkError, match="offline") as raised:
            Task(fetch(item(server), **keyword)).result()
        assert raised.value.hint
    assert server.seen == []


def test_offline_what_is_cached_is_there(server):
    got = Task(fetch(item(server))).result()
    assert Task(fetch(item(server), offline=True)).result() == got


def test_every_error_has_a_hint(server):
    for wrong in (item(server, file="nowhere"), item(server, "sha256:0")):
        with pytest.raises(SeqlabError) as raised:
            Task(fetch(wrong)).result()
        assert raised.value.hint


def test_the_published_downloads_are_well_formed():
    assert [len(files_of(name)) for name in data_sets()] == [1, 1, 1, 1, 4, 4]
    assert len({download.file for download in DOWNLOADS.values()}) == len(DOWNLOADS)
    for name, download in DOWNLOADS.items():
        assert name == download.name
        assert download.url.startswith("https://")
        kind, _, digits = download.checksum.partition(":")
        assert (kind, len(digits)) in {("sha256", 64), ("md5", 32), ("", 0)}


def test_free_space_is_that_of_the_folder_itself(tmp_path, monkeypatch):
    asked = []
    monkeypatch.setattr(cache.shutil, "disk_usage", lambda folder: asked.append(folder) or SimpleNamespace(free=1))
    assert cache.free_bytes(tmp_path / "not" / "there") == 1
    monkeypatch.chdir(tmp_path)
    assert cache.free_bytes(Path("checkpoints")) == 1 and asked == [tmp_path, tmp_path]
