"""Downloads from a server that cuts the line, lies, stalls and sends the wrong bytes: one good file, or none."""

import errno
import hashlib
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from server import serving

from numcam.download import fetch
from numcam.errors import InputError
from numcam.published import PUBLISHED, Published
from numcam.resuming import PIECE, Patience

SIZE = 700_000
DATA = np.random.default_rng(0).bytes(SIZE)
SHA = "sha256:" + hashlib.sha256(DATA).hexdigest()
PATIENCE = Patience(connect=2, read=0.4, attempts=3, pause=0.01, longest_pause=0.05)


@pytest.fixture
def server():
    with serving(DATA) as one:
        yield one


@pytest.fixture
def folder(monkeypatch, tmp_path):
    monkeypatch.setenv("NUMCAM_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("NUMCAM_OFFLINE", "0")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    return tmp_path / "cache"


def described(server, **changes):
    return replace(Published("vgg16", "vgg16", f"{server.url}/files/vgg16.pth", SHA, len(DATA), 1), **changes)


def fetched(server, lines=None, **changes):
    return fetch(described(server, **changes), (lines if lines is not None else []).append, PATIENCE)


def left(folder):
    """The files in the cache, but for the lock."""
    return sorted(p.name for p in folder.iterdir() if not p.name.endswith(".lock"))


def test_a_download_is_announced_with_address_size_and_place_and_then_is_there(server, folder, capfd):
    lines = []
    path = fetched(server, lines)
    assert path == folder / "vgg16.pth"
    assert path.read_bytes() == DATA
    assert left(folder) == ["vgg16.pth"]
    assert lines == [f"downloading vgg16: {server.url}/files/vgg16.pth (700,000 bytes) to {path}"]
    assert "vgg16.pth: 100%" in capfd.readouterr().err
    assert fetched(server, lines) == path  # a second time nothing is asked of the server
    assert len(server.asked) == len(lines) == 1


@pytest.mark.parametrize(
    "digest", [SHA, "md5:" + hashlib.md5(DATA, usedforsecurity=False).hexdigest(), SHA.removeprefix("sha256:")[:8]]
)
def test_every_kind_of_published_digest_is_checked(server, folder, digest):
    assert fetched(server, digest=digest, size=None).read_bytes() == DATA
    wrong = digest[:-1] + ("0" if digest[-1] != "0" else "1")
    with pytest.raises(InputError, match="it is another file"):
        fetched(server, digest=wrong, size=None, url=f"{server.url}/other.pth")
    assert left(folder) == ["vgg16.pth"]


@pytest.mark.parametrize(
    ("script", "ranges"),
    [
        ([f"cut {PIECE}"], [None, f"bytes={PIECE}-"]),
        ([f"cut {PIECE}", f"cut {PIECE}"], [None, f"bytes={PIECE}-", f"bytes={2 * PIECE}-"]),
        ([f"cut {PIECE}"] * 6, [None, *(f"bytes={n * PIECE}-" for n in range(1, 7))]),  # more often than it may fail
        ([f"stall {PIECE}"], [None, f"bytes={PIECE}-"]),
        ([f"no-length {PIECE}"], [None, f"bytes={PIECE}-"]),
        (["no-length"], [None]),
        ([f"cut {PIECE}", "ignore-range"], [None, f"bytes={PIECE}-"]),
        ([f"cut {PIECE}", "other-range"], [None, f"bytes={PIECE}-", None]),
        ([f"cut {PIECE}", "status 416"], [None, f"bytes={PIECE}-", None]),
        (["status 500"], [None, None]),
        (["status 503", "status 429"], [None, None, None]),
        ([f"length \xb2 {PIECE}"], [None, f"bytes={PIECE}-"]),
        ([f"length {'9' * 5000} {PIECE}"], [None, f"bytes={PIECE}-"]),
        ([f"length -1 {PIECE}"], [None, f"bytes={PIECE}-"]),
        (["retry \xb2"], [None, None]),
        (["retry Tue, 24 Nov 2026 12:00:00 GMT"], [None, None]),
        ([f"cut {PIECE}", "strange-range"], [None, f"bytes={PIECE}-", None]),
        (["redirect"], [None, None]),
        (["redirect", "redirect", f"cut {PIECE}"], [None, None, None, f"bytes={PIECE}-"]),
    ],
)
def test_a_server_in_trouble_delays_a_download_which_goes_on_where_it_stopped(server, folder, script, ranges):
    server.script = list(script)
    assert fetched(server).read_bytes() == DATA
    assert [wanted for _, wanted in server.asked] == ranges
    assert left(folder) == ["vgg16.pth"]


@pytest.mark.parametrize(
    ("script", "words"),
    [
        (["status 404"], "the server answers 404 Not Found"),
        (["status 403"], "the server answers 403 Forbidden"),
        (["status 500"] * 9, "the server is busy or stopped early, 3 times"),
        (["status 429"] * 9, "the server is busy"),
        (["wrong"], r"came with sha256:.*the published file has sha256:.*it is another file"),
        (["longer"], "the server offers 700,004 bytes; the published file has 700,000"),
        (["page"], "the server offers 26 bytes"),
        (["redirect"] * 40, "Exceeded 30 redirects"),
        (["stall 0"] * 9, "the connection failed.*nothing came; or fetch .* put it at .* --weights PATH"),
        (["shorter"], "the server offers 100 bytes; the published file has 700,000"),
        (["redirect file:///etc/passwd"], "could not be downloaded"),
        (["redirect https://["], "the server's answer cannot be read"),
    ],
)
def test_a_download_that_cannot_be_had_ends_in_one_sentence_and_leaves_no_file(server, folder, script, words):
    server.script = list(script)
    with pytest.raises(InputError, match=words) as caught:
        fetched(server)
    assert "\n" not in str(caught.value)
    assert left(folder) == []


def test_a_server_that_sends_more_than_it_announces_is_cut_off(server, folder):
    server.data = DATA + b"more"
    server.script = ["no-length"]
    with pytest.raises(InputError, match="sends more than the 700,000 bytes"):
        fetched(server)
    assert left(folder) == []


def test_what_came_before_the_process_ended_is_used_by_the_next_one(server, folder):
    server.script = [f"cut {PIECE}", *["status 500"] * 9]
    with pytest.raises(InputError, match="the next try goes on from there"):
        fetched(server)
    assert left(folder) == [".vgg16.pth.part"]
    server.script, server.asked = [], []
    assert fetched(server).read_bytes() == DATA
    assert server.asked == [("/files/vgg16.pth", f"bytes={PIECE}-")]


def test_a_damaged_file_under_the_final_name_is_fetched_again(server, folder):
    folder.mkdir()
    (folder / "vgg16.pth").write_bytes(bytes(SIZE))
    assert fetched(server).read_bytes() == DATA


def test_a_complete_part_is_checked_and_used_without_asking(server, folder):
    folder.mkdir()
    (folder / ".vgg16.pth.part").write_bytes(DATA)
    assert fetched(server).read_bytes() == DATA
    assert server.asked == []


@pytest.mark.parametrize("length", [PIECE, SIZE])
def test_a_damaged_part_of_an_earlier_run_is_fetched_again(server, folder, length):
    folder.mkdir()
    (folder / ".vgg16.pth.part").write_bytes(bytes(length))
    assert fetched(server).read_bytes() == DATA
    assert [wanted for _, wanted in server.asked] == ([f"bytes={length}-"] if length < SIZE else []) + [None]


def test_offline_nothing_is_asked_for_and_the_way_by_hand_is_told(server, folder, monkeypatch):
    monkeypatch.setenv("NUMCAM_OFFLINE", "1")
    with pytest.raises(
        InputError, match=r"NUMCAM_OFFLINE forbids.*fetch .*/files/vgg16\.pth \(sha256:.*put it at .*--weights"
    ):
        fetched(server)
    assert server.asked == []
    folder.mkdir()
    (folder / "vgg16.pth").write_bytes(DATA)
    assert fetched(server).read_bytes() == DATA


def test_a_mirror_takes_the_place_of_the_published_folder(server, folder, monkeypatch):
    monkeypatch.setenv("NUMCAM_MIRROR", f"{server.url}/mirror/")
    assert fetched(server, url="https://unreachable.example/models/vgg16.pth").read_bytes() == DATA
    assert server.asked == [("/mirror/vgg16.pth", None)]


def test_a_proxy_is_asked_where_one_is_set(server, folder, monkeypatch):
    monkeypatch.setenv("http_proxy", server.url)
    monkeypatch.setenv("NO_PROXY", "")
    monkeypatch.setenv("no_proxy", "")
    assert fetched(server, url="http://unreachable.example/models/vgg16.pth").read_bytes() == DATA
    assert server.asked == [("http://unreachable.example/models/vgg16.pth", None)]


def test_a_mirror_without_http_is_refused_at_once(server, folder, monkeypatch):
    monkeypatch.setenv("NUMCAM_MIRROR", "mirror.example/vgg")
    with pytest.raises(InputError, match=r"could not be downloaded: Invalid URL 'mirror\.example/vgg/vgg16\.pth'"):
        fetched(server)
    assert left(folder) == []


def test_a_file_system_without_locks_is_no_reason_to_wait(server, folder, monkeypatch):
    fcntl = pytest.importorskip("fcntl", reason="Windows locks in another way")

    def refuse(*_):
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", refuse)
    assert fetched(server).read_bytes() == DATA


def test_who_waits_for_another_process_says_so(server, folder):
    fcntl = pytest.importorskip("fcntl", reason="Windows locks in another way")
    folder.mkdir()
    lines = []

    def let_go_when_told(line):
        lines.append(line)
        if "waiting" in line:
            file.close()

    file = (folder / ".vgg16.pth.lock").open("wb")
    fcntl.flock(file, fcntl.LOCK_EX)
    fetch(described(server), let_go_when_told, PATIENCE)
    assert lines[1:] == ["another process fetches vgg16.pth; waiting for it"]


def test_a_folder_that_cannot_be_made_is_named(server, folder, monkeypatch, tmp_path):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("NUMCAM_CACHE", str(tmp_path / "file" / "cache"))
    with pytest.raises(InputError, match="could not be downloaded: Not a directory"):
        fetched(server)


PROCESS = """
import sys
from numcam.download import fetch
from numcam.resuming import Patience
from numcam.published import Published
one = Published("vgg16", "vgg16", sys.argv[1], sys.argv[2], int(sys.argv[3]), 1)
print(hash(fetch(one, lambda line: None, Patience(pause=0.01)).read_bytes()) != 0)
"""


def test_two_processes_at_once_end_with_one_good_file(server, folder):
    server.script = [f"stall {PIECE}", f"cut {PIECE}"]
    arguments = [sys.executable, "-c", PROCESS, f"{server.url}/vgg16.pth", SHA, str(len(DATA))]
    processes = [subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE) for _ in range(3)]
    for process in processes:
        out, err = process.communicate(timeout=60)
        assert (process.returncode, out.strip()) == (0, b"True"), err
    assert (folder / "vgg16.pth").read_bytes() == DATA
    assert left(folder) == ["vgg16.pth"]
    assert len([r for _, r in server.asked if r is None]) == 1  # only one of them has begun


def test_the_published_files_are_told_apart_and_complete():
    assert len({one.file for one in PUBLISHED.values()}) == len(PUBLISHED)
    for one in PUBLISHED.values():
        kind, _, digits = one.digest.rpartition(":")
        assert len(digits) == {"sha256": 64, "md5": 32, "": 8}[kind]
        assert one.url.startswith("https://")
        assert one.megabytes
        assert one.size is None or round(one.size / 2**20) == one.megabytes
