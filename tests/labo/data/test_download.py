"""Downloads against a real server that cuts, corrupts, stalls, refuses and lies."""

import gzip
import hashlib
import http.server
import multiprocessing
import os
import re
import resource
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from filelock import FileLock

from labo.data import download as room
from labo.data import network
from labo.data.catalogue import DataFile, Dataset, find, is_valid, sha256
from labo.data.download import DownloadError, download

CONTENT = hashlib.shake_256(b"labo").digest(1_000_000)
OTHER = hashlib.shake_256(b"autre chose").digest(len(CONTENT))
NOBODY = 65534


class Server(http.server.ThreadingHTTPServer):
    """Serves CONTENT, behaving at each request as the next word of the path says.

    http://127.0.0.1:N/cut-good/data.bin cuts the link the first time only.
    """

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.requests: list[tuple[str, str, int]] = []  # path, behaviour, first byte
        self.over = threading.Event()

    def url(self, *behaviours: str) -> str:
        return f"http://127.0.0.1:{self.server_port}/{'-'.join(behaviours)}/"


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        words = self.path.split("/")[-2].split("-")
        seen = sum(path == self.path for path, _, _ in self.server.requests)
        behaviour = words[min(seen, len(words) - 1)]
        asked = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
        start = int(asked[1]) if asked else 0
        self.server.requests.append((self.path, behaviour, start))
        if behaviour.isdecimal():
            self.send_error(int(behaviour))
            return
        self.answer(behaviour, start)

    def answer(self, behaviour: str, start: int) -> None:
        start = 0 if behaviour == "deaf" else start  # ignores Range
        body = {"corrupt": OTHER, "long": CONTENT + b"!", "short": CONTENT[:-1]}.get(
            behaviour, CONTENT
        )[start:]
        self.send_response(206 if start else 200)
        if start:
            served = start + 1 if behaviour == "lying" else start
            self.send_header("Content-Range", f"bytes {served}-{len(CONTENT) - 1}/{len(CONTENT)}")
        if behaviour == "encoded":
            self.send_header("Content-Encoding", "gzip")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        sent = body[: len(CONTENT) // 3] if behaviour in ("cut", "stall", "lying") else body
        if behaviour == "slow":
            time.sleep(0.2)  # long enough for others to want the same file
        if behaviour == "trickle":
            self.trickle(sent)
        self.wfile.write(sent)
        if behaviour == "stall":
            self.server.over.wait(10)

    def trickle(self, body: bytes) -> None:
        """Send a byte now and then, always before one would think that the link is cut."""
        for byte in body[:500]:
            self.wfile.write(bytes([byte]))
            if self.server.over.wait(0.02):
                return

    def log_message(self, *args) -> None:
        pass


@pytest.fixture
def server():
    server = Server()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.over.set()
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture(autouse=True)
def online(monkeypatch, tmp_path):
    monkeypatch.delenv("LABO_OFFLINE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)


def dataset(*mirrors: str, content: bytes = CONTENT, name: str = "data.bin", **file) -> Dataset:
    """Return a data set of one file, as the catalogue would describe it."""
    file = DataFile(name, len(content), hashlib.sha256(content).hexdigest(), **file)
    return Dataset("essai", "Essai", "", "", "", mirrors, (file,))


def fetched(*mirrors: str) -> Path:
    return download(dataset(*mirrors))["data.bin"]


def folder_of_downloads(tmp_path: Path) -> Path:
    return tmp_path / "cache" / "labo" / "essai"


def left_behind(folder: Path) -> list[str]:
    """Return the names of all files but locks."""
    return sorted(path.name for path in folder.iterdir() if path.suffix != ".verrou")


def closed_port() -> str:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{unused.getsockname()[1]}/"


# ---- One file, one server


def test_a_file_is_placed_under_its_name_readable_by_all(server, tmp_path):
    usual = os.umask(0o077)
    path = fetched(server.url("good"))
    os.umask(usual)
    assert path == folder_of_downloads(tmp_path) / "data.bin"
    assert path.read_bytes() == CONTENT
    assert path.stat().st_mode & 0o777 == 0o644
    assert left_behind(path.parent) == ["data.bin"]


def test_a_file_that_is_there_is_not_asked_for_again(server):
    fetched(server.url("good"))
    fetched(server.url("good"))
    assert len(server.requests) == 1


def test_a_cut_link_is_taken_up_where_it_stopped(server):
    assert fetched(server.url("cut", "cut", "good")).read_bytes() == CONTENT
    third = len(CONTENT) // 3
    assert [start for _, _, start in server.requests] == [0, third, 2 * third]


def test_a_server_that_ignores_ranges_sends_all_of_it_again(server):
    assert fetched(server.url("cut", "deaf")).read_bytes() == CONTENT


def test_an_interrupted_download_is_resumed_by_the_next_one(server, tmp_path):
    partial = folder_of_downloads(tmp_path) / "data.bin.partiel"
    with pytest.raises(DownloadError, match="liaison coupée avant la fin"):
        fetched(server.url("cut"))
    kept = partial.stat().st_size
    assert kept > len(CONTENT) // 2
    assert fetched(server.url("good")).read_bytes() == CONTENT
    assert server.requests[-1][-1] == kept


@pytest.mark.parametrize("leftover", [OTHER[:500_000], OTHER, OTHER + b"!"])
def test_a_wrong_leftover_costs_one_more_request(server, tmp_path, leftover):
    folder = folder_of_downloads(tmp_path)
    folder.mkdir(parents=True)
    (folder / "data.bin.partiel").write_bytes(leftover)
    assert fetched(server.url("good")).read_bytes() == CONTENT
    assert server.requests[-1][-1] == 0
    assert left_behind(folder) == ["data.bin"]


def test_a_gz_file_declared_as_an_encoding_is_kept_as_it_is(server):
    assert fetched(server.url("encoded")).read_bytes() == CONTENT


def test_a_proxy_is_used_where_one_is_configured(server, monkeypatch):
    monkeypatch.setenv("http_proxy", server.url("good"))
    monkeypatch.setenv("no_proxy", "")
    assert fetched("http://miroir.invalid/").read_bytes() == CONTENT
    assert server.requests[0][0] == "http://miroir.invalid/data.bin"


# ---- Mirrors


@pytest.mark.parametrize(
    ("behaviour", "told"),
    [
        ("corrupt", "somme SHA-256"),
        ("long", "plus long que celui du catalogue"),
        ("short", "liaison coupée avant la fin"),
        ("404", "réponse 404"),
        ("500", "réponse 500"),
    ],
)
def test_a_bad_mirror_is_told_and_the_next_one_serves(server, tmp_path, behaviour, told):
    bad = server.url(behaviour)
    with pytest.raises(DownloadError) as failure:
        fetched(bad)
    assert f"{bad} : " in str(failure.value)
    assert told in str(failure.value)
    assert "nœud de connexion" in str(failure.value)
    assert "data.bin" not in left_behind(folder_of_downloads(tmp_path))
    assert fetched(bad, server.url("good")).read_bytes() == CONTENT


@pytest.mark.parametrize("behaviour", ["corrupt", "long"])
def test_what_is_not_the_file_is_removed(server, tmp_path, behaviour):
    with pytest.raises(DownloadError):
        fetched(server.url(behaviour))
    assert left_behind(folder_of_downloads(tmp_path)) == []


def test_a_wrong_content_range_is_not_appended(server):
    assert fetched(server.url("cut", "lying"), server.url("good")).read_bytes() == CONTENT
    assert [behaviour for _, behaviour, _ in server.requests] == ["cut", "lying", "good"]


def test_a_refusal_does_not_lose_what_came(server):
    third = len(CONTENT) // 3
    assert fetched(server.url("cut", "500"), server.url("good")).read_bytes() == CONTENT
    assert server.requests[-1][-1] == third


def test_a_stalled_mirror_is_given_up_and_its_bytes_are_kept(server, monkeypatch):
    monkeypatch.setattr(room, "STALL_SECONDS", 0.2)
    monkeypatch.setattr(room, "ATTEMPTS", 1)
    with pytest.raises(DownloadError, match=r"plus rien reçu pendant 0\.2 s"):
        fetched(server.url("stall"))
    assert fetched(server.url("stall"), server.url("good")).read_bytes() == CONTENT


def test_a_mirror_that_trickles_is_left_and_its_bytes_are_kept(server, tmp_path, monkeypatch):
    monkeypatch.setattr(room, "STALL_SECONDS", 0.2)
    monkeypatch.setattr(room, "ATTEMPTS", 1)
    with pytest.raises(DownloadError, match="liaison trop lente"):
        fetched(server.url("trickle"))
    kept = (folder_of_downloads(tmp_path) / "data.bin.partiel").stat().st_size
    assert kept > 0
    assert fetched(server.url("good")).read_bytes() == CONTENT
    assert server.requests[-1][-1] == kept


def test_a_closed_port_is_given_up_at_once_and_nothing_is_written(server, tmp_path):
    closed = closed_port()
    with pytest.raises(DownloadError, match="aucun miroir ne répond") as failure:
        fetched(closed)
    assert closed in str(failure.value)
    assert not (tmp_path / "cache").exists()
    assert fetched(closed, server.url("good")).read_bytes() == CONTENT


def test_a_silent_address_costs_a_bounded_time(server, monkeypatch):
    asked, waited = [], []

    def lost(address, timeout):  # as on a node without Internet, for a name with many addresses
        asked.append(address)
        server.over.wait(10)
        waited.append(address)
        raise TimeoutError

    monkeypatch.setattr(socket, "create_connection", lost)
    monkeypatch.setattr(network, "SECONDS", 0.1)
    with pytest.raises(DownloadError, match="aucun miroir ne répond"):
        fetched("https://miroir.invalid/")
    assert asked == [("miroir.invalid", 443)]
    assert waited == []


def test_offline_means_no_attempt_at_all(server, monkeypatch, tmp_path):
    monkeypatch.setenv("LABO_OFFLINE", "1")
    with pytest.raises(DownloadError, match="réseau interdit par LABO_OFFLINE"):
        fetched(server.url("good"))
    assert server.requests == []
    assert not (tmp_path / "cache").exists()


# ---- Folders


def in_child(*functions: Callable[[], object], uid: int | None = None) -> list[object]:
    """Return what each function gives, all run at once, each in its own process."""
    pipes = [multiprocessing.Pipe(duplex=False) for _ in functions]
    context = multiprocessing.get_context("fork")
    children = [
        context.Process(target=_tell, args=(function, pipe, uid))
        for function, (_, pipe) in zip(functions, pipes, strict=True)
    ]
    for child in children:
        child.start()
    answers = [receiver.recv() for receiver, _ in pipes]
    for child in children:
        child.join()
    return answers


def _tell(function: Callable[[], object], pipe, uid: int | None) -> None:
    if uid is not None and os.getuid() == 0:
        os.setgroups([])
        os.setgid(uid)
        os.setuid(uid)
    try:
        pipe.send(function())
    except DownloadError as error:
        pipe.send(str(error))


@pytest.fixture
def anyone(server, monkeypatch):
    """A folder that any user can reach, unlike tmp_path; modules are loaded before users change."""
    fetched(server.url("good"))
    server.requests.clear()
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    (folder / "cache").mkdir()
    (folder / "cache").chmod(0o777)
    monkeypatch.setenv("XDG_CACHE_HOME", str(folder / "cache"))
    yield folder
    shutil.rmtree(folder)


def shared(folder: Path, mode: int, monkeypatch) -> Path:
    course = folder / "cours"
    course.mkdir()
    course.chmod(mode)
    monkeypatch.setenv("LABO_SHARED_DATA", str(course))
    return course


def test_processes_that_share_a_folder_download_once(server):
    mirror = server.url("slow")
    paths = in_child(*[lambda: fetched(mirror)] * 8)
    assert len(set(paths)) == 1
    assert paths[0].read_bytes() == CONTENT
    assert len(server.requests) == 1


def test_a_read_only_course_folder_is_read_and_not_written(server, anyone, monkeypatch):
    course = shared(anyone, 0o755, monkeypatch)
    (course / "data.bin").write_bytes(CONTENT)
    essai = dataset(server.url("good"))
    (found,) = in_child(lambda: find(essai), uid=NOBODY)
    assert found == {"data.bin": course / "data.bin"}
    assert list(course.iterdir()) == [course / "data.bin"]


@pytest.mark.skipif(os.getuid() != 0, reason="changing users takes root")
def test_a_download_goes_past_a_read_only_folder(server, anyone, monkeypatch):
    course = shared(anyone, 0o755, monkeypatch)
    mirror = server.url("good")
    (path,) = in_child(lambda: fetched(mirror), uid=NOBODY)
    assert path == anyone / "cache" / "labo" / "essai" / "data.bin"
    assert list(course.iterdir()) == []


@pytest.mark.skipif(os.getuid() != 0, reason="changing users takes root")
def test_users_take_over_from_one_another_in_an_open_course_folder(server, anyone, monkeypatch):
    course = shared(anyone, 0o777, monkeypatch)
    bad, good = server.url("cut", "cut", "cut"), server.url("good")
    (failure,) = in_child(lambda: fetched(bad), uid=NOBODY)
    assert "liaison coupée" in failure
    (course / "essai" / "data.bin.partiel").chmod(0o600)
    (path,) = in_child(lambda: fetched(good), uid=NOBODY - 1)
    assert path == course / "essai" / "data.bin"
    assert path.stat().st_uid == NOBODY - 1
    (again,) = in_child(lambda: fetched(good), uid=NOBODY)
    assert again == path
    assert server.requests[-1][1] == "good"
    assert len(server.requests) == 4


@pytest.mark.skipif(os.getuid() != 0, reason="changing users takes root")
def test_no_writable_folder_is_said_with_those_tried(server, anyone, monkeypatch):
    (anyone / "cache").chmod(0o755)
    mirror = server.url("good")
    (failure,) = in_child(lambda: fetched(mirror), uid=NOBODY)
    assert "aucun dossier de données où l'on puisse écrire" in failure
    assert str(anyone / "cache" / "labo") in failure
    assert "LABO_DATA_DIR" in failure


@pytest.mark.skipif(os.getuid() != 0, reason="changing users takes root")
def test_a_lock_that_is_out_of_reach_is_explained(server, anyone):
    folder = anyone / "cache" / "labo" / "essai"
    folder.mkdir(parents=True)
    folder.chmod(0o777)
    (folder / "data.bin.verrou").touch(0o600)
    mirror = server.url("good")
    (failure,) = in_child(lambda: fetched(mirror), uid=NOBODY)
    assert f"impossible d'écrire dans {folder}" in failure


def test_a_lock_held_for_too_long_is_explained(server, tmp_path, monkeypatch):
    monkeypatch.setattr(room, "LOCK_SECONDS", 0.1)
    folder = folder_of_downloads(tmp_path)
    folder.mkdir(parents=True)
    with FileLock(folder / "data.bin.verrou"), pytest.raises(DownloadError, match="supprimez"):
        fetched(server.url("good"))
    assert server.requests == []


# ---- Room on the disk


def test_a_full_disk_is_explained_and_its_room_given_back(server, tmp_path):
    mirror = server.url("good")

    def little_room():
        resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, 300_000))
        return fetched(mirror)

    (failure,) = in_child(little_room)
    assert f"plus de place dans {folder_of_downloads(tmp_path)}. Il faut 1,0 Mo" in failure
    assert left_behind(folder_of_downloads(tmp_path)) == []


def test_a_full_file_system_is_explained(server, tmp_path):
    script = tmp_path / "script.py"
    script.write_text(
        "import sys\n"
        "from pathlib import Path\n"
        "from labo.data.catalogue import DataFile, Dataset\n"
        "from labo.data.download import DownloadError, download\n"
        f"file = DataFile('data.bin', {len(CONTENT)}, 'somme')\n"
        f"essai = Dataset('essai', 'Essai', '', '', '', ({server.url('good')!r},), (file,))\n"
        "try:\n"
        "    download(essai, sys.argv[1])\n"
        "except DownloadError as error:\n"
        "    print(error.reason, [path.name for path in Path(sys.argv[1], 'essai').iterdir()])\n"
    )
    small = tmp_path / "petit"
    small.mkdir()
    mount = f"mount -t tmpfs -o size=256k tmpfs {small}"
    if subprocess.run(["unshare", "-rm", "sh", "-c", mount], capture_output=True).returncode:
        pytest.skip("no small file system can be mounted here")
    done = subprocess.run(
        ["unshare", "-rm", "sh", "-c", f"{mount} && {sys.executable} {script} {small}"],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])},
    )
    assert done.stdout == f"plus de place dans {small / 'essai'} ['data.bin.verrou']\n", done.stderr


# ---- What is accepted


def test_a_copy_compressed_again_is_recognised_by_its_content(tmp_path):
    published = gzip.compress(CONTENT, mtime=1)
    essai = dataset(content=published, content_sha256=hashlib.sha256(CONTENT).hexdigest())
    (file,) = essai.files
    path = tmp_path / "data.bin"
    path.write_bytes(gzip.compress(CONTENT, compresslevel=1, mtime=2))
    assert sha256(path) != file.sha256
    assert is_valid(path, file)
    path.write_bytes(gzip.compress(CONTENT[:10]) + gzip.compress(CONTENT[10:]))
    assert is_valid(path, file)


def test_what_is_not_the_file_is_not_accepted(tmp_path):
    published = gzip.compress(CONTENT, mtime=1)
    (file,) = dataset(content=published, content_sha256=hashlib.sha256(CONTENT).hexdigest()).files
    path = tmp_path / "data.bin"
    assert not is_valid(path, file)
    for content in (b"", OTHER, gzip.compress(OTHER), published[:-9], published + b"!"):
        path.write_bytes(content)
        assert not is_valid(path, file)
    path.write_bytes(published)
    assert is_valid(path, file)


def test_without_a_known_content_only_the_published_bytes_will_do(tmp_path):
    published = gzip.compress(CONTENT, mtime=1)
    (file,) = dataset(content=published).files
    path = tmp_path / "data.bin"
    path.write_bytes(gzip.compress(CONTENT, compresslevel=1, mtime=2))
    assert not is_valid(path, file)


def test_a_wrong_file_in_the_first_folder_does_not_hide_a_good_one(tmp_path, monkeypatch):
    wrong, right = tmp_path / "faux", tmp_path / "vrai"
    for folder, content in ((wrong, OTHER), (right, CONTENT)):
        folder.mkdir()
        (folder / "data.bin").write_bytes(content)
    monkeypatch.setenv("LABO_DATA_DIR", str(wrong))
    assert find(dataset()) is None
    monkeypatch.setenv("LABO_SHARED_DATA", f"{tmp_path / 'absent'}:{right}")
    assert find(dataset()) == {"data.bin": right / "data.bin"}
    assert find(dataset(), right) == {"data.bin": right / "data.bin"}


# ---- Progress


def test_the_progress_is_silent_when_nobody_looks(server, capfd):
    fetched(server.url("good"))
    assert capfd.readouterr() == ("", "")


def test_the_progress_is_drawn_on_a_terminal(server, monkeypatch, capfd):
    monkeypatch.setenv("FORCE_COLOR", "1")
    fetched(server.url("good"))
    drawn = capfd.readouterr().out
    assert "Téléchargement de Essai" in drawn
    assert "100 %" in drawn
