"""labo doctor: whatever the machine, findings, and quickly. See test_labo_machine for sessions."""

import json
import socket
import subprocess
import sys
import threading
from pathlib import Path
from types import SimpleNamespace

import pytest

from labo.data import network
from labo.doctor import Finding, Severity, as_json, diagnose, needs_attention, show
from labo.findings import _go_together, _quota
from labo.machine.probe import Probe, Torch

ROOT = Path(__file__).parents[2]


class Quick(Probe):
    """This machine, without asking torch."""

    def torch(self) -> Torch:
        return Torch("2.6.0", "0.21.0", 1)


@pytest.fixture(autouse=True)
def nothing_found(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("HOME", str(tmp_path))


def about(subject: str, **environ: str) -> Finding:
    (found,) = (
        finding for finding in diagnose(Quick(environ=environ)) if finding.subject == subject
    )
    return found


# ---- The disk


def test_a_disk_that_is_nearly_full_is_told(monkeypatch, tmp_path):
    monkeypatch.setattr("shutil.disk_usage", lambda path: SimpleNamespace(free=4e8))
    found = about("disque", HOME=str(tmp_path), LABO_OFFLINE="1")
    assert found.level is Severity.WARNING
    assert f"0,4 Go libres dans {tmp_path}" in found.text
    assert "quota" in found.advice


def test_a_home_folder_that_does_not_exist_says_nothing(tmp_path):
    findings = diagnose(Quick(environ={"HOME": str(tmp_path / "absent"), "LABO_OFFLINE": "1"}))
    assert "disque" not in {finding.subject for finding in findings}


def test_free_space_is_not_taken_for_a_quota_where_others_share_the_disk(tmp_path):
    alone = about("disque", HOME=str(tmp_path), LABO_OFFLINE="1")
    shared = about("disque", HOME=str(tmp_path), LABO_OFFLINE="1", JUPYTERHUB_USER="etudiante")
    assert "quota" not in alone.text
    assert "votre quota, inconnu ici" in shared.text


@pytest.mark.parametrize(
    ("line", "space", "files"),
    [
        ("     /home (etudiante)      24 GB/50 GB       30k/500k", 48, 6),
        ("   /home (user etudiante)  512MiB/  25GiB    208K/ 250K", 2, 83),
        ("   /home (user etudiante)  0B/47G   25/500k", 0, 0),
    ],
)
def test_a_quota_is_read_in_each_of_its_forms(line, space, files):
    report = (
        f"   Description   Space   # of files\n{line}\n  /scratch (etudiante)  1G/20T  9/1000k\n"
    )
    found = _quota(report)
    assert f"{space} % de l'espace et {files} % du nombre de fichiers" in found.text
    assert found.level is Severity.OK


@pytest.mark.parametrize(
    "report",
    ["", "/scratch (e)  1G/20T  9/1000k", "/home (e)  lost", "/home (e)  1G/0G  9/0", "TypeError"],
)
def test_a_report_without_a_quota_says_nothing(report):
    assert _quota(report) is None


# ---- The network


def test_offline_is_told_and_nothing_is_attempted(monkeypatch):
    monkeypatch.setattr("labo.findings.answers", lambda url: pytest.fail("the network was tried"))
    assert about("réseau", LABO_OFFLINE="1").text == "interdit par LABO_OFFLINE"


@pytest.mark.parametrize("connected", [True, False])
def test_the_network_answers_or_not(monkeypatch, tmp_path, connected):
    monkeypatch.setenv("LABO_SHARED_DATA", "/cours")  # which nobody but the teacher can write in
    monkeypatch.setattr("labo.findings.answers", lambda url: connected)
    found = about("réseau")
    assert found.level is (Severity.OK if connected else Severity.NOTE)
    assert connected or str(tmp_path / "cache" / "labo") in found.advice


def test_a_server_that_listens_answers(monkeypatch):
    monkeypatch.setattr(network, "getproxies", dict)
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"http://127.0.0.1:{server.getsockname()[1]}/"
        assert network.answers(url)
    assert not network.answers(url)


def test_a_network_that_loses_everything_is_not_waited_for(monkeypatch):
    released, waited = threading.Event(), []

    def lost(address, timeout):
        released.wait(10)
        waited.append(address)
        raise TimeoutError

    monkeypatch.setattr(network, "SECONDS", 0.05)
    monkeypatch.setattr(socket, "create_connection", lost)
    try:
        assert not network.answers("https://miroir.invalid/")
        assert waited == []
    finally:
        released.set()


@pytest.mark.parametrize(
    ("url", "proxies", "hop"),
    [
        ("https://a.org/x", {}, ("a.org", 443)),
        ("http://a.org/x", {}, ("a.org", 80)),
        ("http://a.org:8080/x", {"https": "http://p:3128"}, ("a.org", 8080)),
        ("https://a.org/x", {"https": "http://p:3128"}, ("p", 3128)),
        ("https://a.org/x", {"https": "p:3128"}, ("p", 3128)),
    ],
)
def test_a_configured_proxy_is_what_must_answer(monkeypatch, url, proxies, hop):
    monkeypatch.setattr(network, "getproxies", lambda: proxies)
    monkeypatch.setattr(network, "proxy_bypass", lambda host: False)
    assert network._next_hop(url) == hop


# ---- The data


def test_data_are_told_with_their_folder_or_with_what_to_do(monkeypatch, tmp_path):
    folder = tmp_path / "cours"
    monkeypatch.setattr(
        "labo.findings.find",
        lambda dataset: {"f": folder / "f"} if dataset.name == "mnist" else None,
    )
    findings = diagnose(Quick(environ={"LABO_OFFLINE": "1"}))
    mnist, fashion, cifar = (finding for finding in findings if finding.subject == "données")
    assert (mnist.level, mnist.text) == (Severity.OK, f"MNIST : {folder}")
    assert fashion.level is Severity.NOTE
    assert "« labo data download cifar10 »" in cifar.advice


# ---- Versions


@pytest.mark.parametrize(
    ("torch", "vision", "together"),
    [
        ("2.6.0+cu124", "0.21.0+cu124", True),
        ("2.13.0", "0.28.0", True),
        ("2.6.0", "0.20.1", False),
        ("3.0.0", "1.0", True),  # unknown numbering: nothing is claimed
        ("main", "0.21.0", True),
    ],
)
def test_versions_that_do_not_go_together(torch, vision, together):
    assert _go_together(torch, vision) is together


# ---- Whatever happens


def test_a_finding_that_fails_is_one_and_hides_no_other(monkeypatch):
    def broken(dataset):
        raise PermissionError("interdit")

    monkeypatch.setattr("labo.findings.find", broken)
    findings = diagnose(Quick(environ={"LABO_OFFLINE": "1"}))
    (found,) = (finding for finding in findings if finding.subject == "diagnostic")
    assert "PermissionError: interdit" in found.text
    assert {"machine", "cœurs", "réseau"} <= {finding.subject for finding in findings}
    assert needs_attention(findings)


def test_findings_are_shown_as_they_are(capsys):
    show([Finding("GPU", Severity.WARNING, "un [rouge] et [/fin]", "Voir [1].")])
    printed = capsys.readouterr().out
    assert "un [rouge] et [/fin]" in printed
    assert "→ Voir [1]." in printed


def test_findings_have_a_json_form():
    finding = Finding("mémoire", Severity.NOTE, "limite inconnue", "Méfiance.")
    assert json.loads(as_json([finding])) == [
        {"subject": "mémoire", "level": "note", "text": "limite inconnue", "advice": "Méfiance."}
    ]
    assert "mémoire" in as_json([finding])  # to be read: not escaped


def test_the_command_works_on_this_machine(monkeypatch):
    monkeypatch.setenv("PYTHONIOENCODING", "utf-8")
    done = subprocess.run(
        [sys.executable, "-c", "from labo.cli import app; app()", "doctor", "--json"],
        capture_output=True,
        text=True,
        cwd=ROOT,
        encoding="utf-8",
    )
    findings = json.loads(done.stdout)
    assert done.returncode == any(finding["level"] == "attention" for finding in findings)
    subjects = [finding["subject"] for finding in findings]
    assert {"machine", "logiciels", "GPU", "données", "réseau"} <= set(subjects)
    assert "diagnostic" not in subjects
