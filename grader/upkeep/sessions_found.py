"""Findings about students' sessions: who may enter, what is started, with which packages."""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from grader.doctor import Check
from grader.upkeep.site import Site, fine, mode, wrong
from labo.data.catalogue import Dataset, catalogue, find

_DEMONSTRATION: Final = (
    "simple",
    "SimpleLocalProcessSpawner",
    "dummy",
    "DummyAuthenticator",
    "shared-password",
    "SharedPasswordAuthenticator",
)
_LOOPBACK: Final = ("127.0.0.1", "localhost", "::1")
_KERNEL: Final = "python3"
"""The one that the labs ask for."""
_MAIL: Final = re.compile(r"--mail-(?:type|user)|\bsendmail\b|\bsmtp", re.IGNORECASE)
_PINNED: Final = re.compile(r"^([\w.-]+)==([^\s;]+)", re.MULTILINE)


def spawner(site: Site) -> Iterator[Check]:
    """Each student's server runs as the student."""
    if site.hub_config is None:
        yield from fine("spawner", f"no JupyterHub configuration at {site.hub}", "--hub FILE")
        return
    chosen = _name(site.of_hub("JupyterHub", "spawner_class", "LocalProcessSpawner"))
    if chosen.endswith(_DEMONSTRATION):
        advice = (
            "take hub/deploy/jupyterhub_config.py: all students would be one user of the system"
        )
        yield from wrong("spawner", f"{chosen}: a demonstration's", advice)
        return
    command = site.of_hub("Spawner", "cmd") or []
    if command and not os.access(command[0], os.X_OK):
        yield from wrong("spawner", f"{command[0]} cannot be run", "install the extra hub there")
        return
    yield from fine("spawner", chosen)


def accounts(site: Site) -> Iterator[Check]:
    """Somebody may enter, each with a password of their own."""
    if site.hub_config is None:
        return
    chosen = _name(site.of_hub("JupyterHub", "authenticator_class", "pam"))
    if chosen.endswith(_DEMONSTRATION):
        advice = "PAM or the institution's login: hub/deploy/jupyterhub_config.py"
        yield from wrong("accounts", f"{chosen}: one password for all", advice)
        return
    allowed = [
        f"{option} {value if isinstance(value, bool) else ', '.join(sorted(value))}"
        for section in ("Authenticator", "LocalAuthenticator", "PAMAuthenticator")
        for option in ("allow_all", "allow_existing_users", "allowed_users", "allowed_groups")
        if (value := site.of_hub(section, option))
    ]
    if not allowed:
        advice = "c.PAMAuthenticator.allowed_groups, the group of the class"
        yield from wrong("accounts", f"{chosen}, and nobody may enter", advice)
        return
    yield from fine("accounts", f"{chosen}: {'; '.join(allowed)}")


def _name(chosen: object) -> str:
    return chosen if isinstance(chosen, str) else getattr(chosen, "__name__", str(chosen))


def address(site: Site) -> Iterator[Check]:
    """Passwords cross no network in clear."""
    if site.hub_config is None:
        return
    url = site.of_hub("JupyterHub", "bind_url", "http://:8000")
    has_certificate = bool(site.of_hub("JupyterHub", "ssl_cert"))
    if _host(url) not in _LOOPBACK and not has_certificate:
        advice = "http://127.0.0.1:8000, behind a web server with a certificate"
        yield from wrong("address", f"{url} is open to the network, without https", advice)
        return
    yield from fine("address", url)


def jobs(site: Site) -> Iterator[Check]:
    """Slurm starts sessions, and those that it has started find the hub."""
    if not _name(site.of_hub("JupyterHub", "spawner_class", "")).endswith("SlurmSpawner"):
        return
    if site.probe.run("sinfo", "--noheader") is None:
        advice = "sinfo here says why: slurm.conf, munge, the controller"
        yield from wrong("jobs", "Slurm does not answer", advice)
    given = (site.of_hub("JupyterHub", option) for option in ("hub_connect_url", "hub_bind_url"))
    url = next(filter(None, given), "http://127.0.0.1:8081")
    host = site.of_hub("JupyterHub", "hub_connect_ip") or _host(url)
    if host in _LOOPBACK:
        advice = "course_hub_address: an address of this machine that the nodes reach"
        yield from wrong("jobs", f"sessions look for the hub at {host}, on their own node", advice)
        return
    yield from fine("jobs", f"sessions find the hub at {host}")


def _host(url: str) -> str:
    """The host that a URL names; "" for all of this machine's."""
    return urlsplit(url).hostname or ""


def mail(site: Site) -> Iterator[Check]:
    """No student is written to: neither by jobs of Slurm nor by what cron runs."""
    options = ("batch_script", "req_options")
    script = "".join(str(site.of_hub("BatchSpawnerBase", option, "")) for option in options)
    senders = ["the hub's batch_script"] if _MAIL.search(script) else []
    names = {*site.environment, *site.probe.environ}
    senders += sorted(name for name in names if name.startswith("SBATCH_MAIL"))
    senders += [f"/{job}, without MAILTO" for job in _cron_jobs(site) if _writes(site, job)]
    if senders:
        value = f"sent by {', '.join(senders)}"
        yield from wrong("mail", value, "take it out: a class is hundreds")
        return
    yield from fine("mail", "none is sent")


def _cron_jobs(site: Site) -> list[str]:
    folders = ("etc/cron.d", "etc/cron.daily")
    paths = [path for folder in folders for path in (site.probe.root / folder).glob("*")]
    return sorted(str(path.relative_to(site.probe.root)) for path in paths)


def _writes(site: Site, job: str) -> bool:
    """True if cron writes to somebody what the course's commands say."""
    text = site.probe.read(job) or ""
    return "grader " in text and 'MAILTO=""' not in text


def kernel(site: Site) -> Iterator[Check]:
    """The kernel that the labs name is there, may be run by all, and written by no student."""
    places = [folder / _KERNEL / "kernel.json" for folder in site.kernels]
    path = next((place for place in places if place.is_file()), None)
    install = f"python -m ipykernel install --prefix=/usr/local --name {_KERNEL}"
    if path is None:
        yield from wrong("kernel", f"no {_KERNEL} in {', '.join(map(str, site.kernels))}", install)
        return
    try:
        words = json.loads(path.read_text("utf-8"))["argv"]
    except (ValueError, KeyError):
        yield from wrong("kernel", f"{path} is no kernel's", install)
        return
    python = Path(words[0] if os.path.isabs(words[0]) else sys.executable)
    if not python.is_file():
        yield from wrong("kernel", f"{path} starts {python}, which is not there", install)
        return
    way = (*python.parents, *python.resolve().parents, python)
    closed = [each for each in way if not mode(each) & 0o001]
    if closed:
        advice = "chmod -R a+rX its environment, and make it from a Python in nobody's home"
        yield from wrong("kernel", f"{closed[0]} is closed to students", advice)
        return
    if mode(python.parent) & 0o002:
        yield from wrong("kernel", f"{python.parent} is open to all", f"chmod go-w {python.parent}")
        return
    yield from fine("kernel", f"{path}: {python}")


def data(site: Site) -> Iterator[Check]:
    """Data sets are shared, whole, and changed by nobody else."""
    name = str(site.environment.get("LABO_SHARED_DATA", "") or "")
    if not name:
        advice = "LABO_SHARED_DATA in c.Spawner.environment: without it each student downloads"
        yield from fine("data", "no shared folder", advice)
        return
    folder = Path(name)
    if not folder.is_dir():
        advice = f"LABO_DATA_DIR={folder} labo data download mnist"
        yield from wrong("data", f"{folder} is not there", advice)
        return
    if mode(folder) & 0o022:
        value = f"{folder} has mode {mode(folder):o}: others may change what all read"
        yield from wrong("data", value, f"chmod -R a+rX,go-w {folder}")
        return
    known = catalogue()
    absent = [name for name, dataset in known.items() if not _is_in(folder, dataset)]
    if len(absent) == len(known):
        advice = f"LABO_DATA_DIR={folder} labo data download {' '.join(absent)}"
        yield from wrong("data", f"{folder} holds no data set, or damaged ones", advice)
        return
    note = f"labs with {', '.join(absent)} use what ships with the course" if absent else ""
    yield from fine("data", f"{folder}: {len(known) - len(absent)} of {len(known)}", note)


def _is_in(folder: Path, dataset: Dataset) -> bool:
    """True if it is whole there; the cache of whoever runs this does not count."""
    paths = find(dataset, folder) or {}
    return bool(paths) and all(path.is_relative_to(folder) for path in paths.values())


def timezone(site: Site) -> Iterator[Check]:
    """Due dates mean the same to the course, to sessions and to whoever reads the hub's log."""
    zone = site.course.zone  # raises for one that is none
    if zone is None:
        advice = 'c.Course.timezone = "America/Toronto" in nbgrader_config.py'
        yield from wrong("timezone", "the course names none: a server's is often UTC", advice)
        return
    sessions = site.environment.get("TZ")
    if isinstance(sessions, str) and sessions != str(zone):
        value = f"{zone} in the course, {sessions} in sessions"
        yield from wrong("timezone", value, "the same one in course.toml and nbgrader_config.py")
        return
    yield from fine("timezone", str(zone))


def versions(site: Site) -> Iterator[Check]:
    """The packages are those that were tested together."""
    if site.requirements is None:
        yield from fine("versions", "not compared", "--requirements requirements.txt")
        return
    pins: dict[str, list[str]] = {}  # a version of Python may have one of its own
    for name, version in _PINNED.findall(site.requirements.read_text("utf-8")):
        pins.setdefault(name, []).append(version.partition("+")[0])
    others = {
        name: f"{name} {found}, tested with {' or '.join(wanted)}"
        for name, wanted in pins.items()
        if (found := _installed(name)) and found.partition("+")[0] not in wanted
    }
    if not pins:
        yield from wrong("versions", f"no pins in {site.requirements}", "the course's own file")
    elif others:
        value = f"{'; '.join([*others.values()][:5])}{' ...' * (len(others) > 5)}"
        advice = f"{sys.executable} -m pip install -c {site.requirements} {' '.join(others)}"
        yield from wrong("versions", value, advice)
    else:
        yield from fine("versions", f"{len(pins)} pins, none broken")


def _installed(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return ""  # of an extra that this machine does without
