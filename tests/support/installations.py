"""An installation that is ready for a class, in a folder, and what can be wrong with one."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from importlib import metadata
from pathlib import Path

from grader.course import Course
from grader.upkeep.site import Site
from labo.machine.probe import Probe, Torch
from tests.support.course_cases import ROOT
from tests.support.sandbox_children import open_to_all

COURSE = "apprentissage-profond"
HUB = ROOT / "hub" / "deploy" / "jupyterhub_config.py"
GROUPS = 'students = "glo4030"\ninstructors = "glo4030-prof"\n'


@dataclass(frozen=True)
class Machine(Probe):
    """What the system answers, without asking it."""

    answers: dict[str, str] = field(default_factory=lambda: {"timedatectl": "yes", "sinfo": ""})
    vision: str = "0.21.0"

    def run(self, *command: str) -> str | None:
        return self.answers.get(command[0])

    def torch(self) -> Torch:
        return Torch("2.6.0", self.vision, 1)


@dataclass(frozen=True)
class Installation:
    """Where everything of one is."""

    root: Path
    site: Site

    def path(self, name: str) -> Path:
        return self.root / name

    def on_slurm(self, hub: str = "http://login:8081") -> Installation:
        """One whose sessions are jobs, which find the hub at this address."""
        return self.with_hub(
            "c.JupyterHub.spawner_class = 'batchspawner.SlurmSpawner'\n"
            f"c.JupyterHub.hub_bind_url = {hub!r}"
        )

    def with_hub(self, addition: str) -> Installation:
        """A configuration of the hub that goes on where this one ends."""
        path = self.path("jupyterhub_config.py")
        loading = f"load_subconfig({HUB.name!r}, path={str(HUB.parent)!r})\n"
        path.write_text(f"c = get_config()\n{loading}{addition}\n")
        return replace(self, site=replace(self.site, hub=path))

    def add_to(self, name: str, text: str) -> Installation:
        with self.path(name).open("a") as stream:
            stream.write(text)
        return replace(self, site=replace(self.site, course=Course(self.path("cours"))))


def intact(root: Path, monkeypatch) -> Installation:
    """One with nothing to find: the configuration of the hub is hub/deploy's own."""
    open_to_all(root)
    folders = {"exchange": 0o1777, "cours": 0o700, "home": 0o755, "home/alice": 0o700}
    folders |= {"backups": 0o700, "donnees": 0o755, "opt/bin": 0o755, "kernels/python3": 0o755}
    for name, mode in folders.items():
        (root / name).mkdir(parents=True)
        (root / name).chmod(mode)
    inbound = root / "exchange" / COURSE / "inbound"
    inbound.mkdir(parents=True)
    inbound.chmod(0o2733)
    (root / "cours" / "nbgrader_config.py").write_text(
        f"c = get_config()\nc.CourseDirectory.course_id = {COURSE!r}\n"
        f"c.Exchange.root = {str(root / 'exchange')!r}\nc.Course.timezone = 'America/Toronto'\n"
    )
    for program in ("python", "jupyterhub-singleuser"):
        (root / "opt/bin" / program).symlink_to("/bin/true")
    kernel = {"argv": [str(root / "opt/bin/python"), "-m", "ipykernel_launcher"]}
    (root / "kernels/python3/kernel.json").write_text(json.dumps(kernel))
    (root / "donnees" / "mnist").touch()  # what `find` is said to find
    monkeypatch.setattr("grader.upkeep.sessions_found.find", _found)
    (root / "requirements.txt").write_text(f"torch=={metadata.version('torch')}\n")
    (root / "backups" / f"{COURSE}-20261126T033000Z.tar.gz").touch()
    _write_site(root, "America/Toronto")
    monkeypatch.setenv("COURSE_TOML", str(root / "course.toml"))
    (root / "etc/cron.d").mkdir(parents=True)
    site = Site(
        Course(root / "cours"),
        HUB,
        root / "requirements.txt",
        root / "home",
        root / "backups",
        (root / "kernels",),
        Machine(environ={"HOME": str(root / "home")}, root=root),
    )
    return Installation(root, site)


def _found(dataset, folder: Path) -> dict[str, Path] | None:
    path = folder / "mnist"
    return {"mnist": path} if path.exists() else None


def _write_site(root: Path, zone: str) -> None:
    text = (ROOT / "hub/deploy/course.toml").read_text("utf-8")
    places = {"/opt/cours": "opt", "/srv/exchange": "exchange", "/srv/donnees": "donnees"}
    for usual, name in places.items():
        text = text.replace(f'"{usual}"', f'"{root / name}"')
    (root / "course.toml").write_text(text.replace("America/Toronto", zone))


# ---- What can be wrong. Each function breaks an installation in one point.

Break = Callable[[Installation], "Installation | None"]
BROKEN: dict[str, tuple[str, str, Break]] = {}
"""By the function's name: the check that finds it, words of what it says, the function."""


def _found_by(check: str, words: str) -> Callable[[Break], Break]:
    def register(function: Break) -> Break:
        BROKEN[function.__name__] = (check, words, function)
        return function

    return register


@_found_by("exchange", "chmod 1777")
def anybody_may_rename_a_course(here: Installation) -> None:
    here.path("exchange").chmod(0o777)


@_found_by("exchange", "is not there")
def the_exchange_is_not_mounted(here: Installation) -> None:
    here.path("exchange").rename(here.path("elsewhere"))


@_found_by("inbox", "chmod 2733")
def submissions_can_be_listed(here: Installation) -> None:
    here.path(f"exchange/{COURSE}/inbound").chmod(0o777)


@_found_by("course", "hidden tests")
def students_read_the_course(here: Installation) -> None:
    here.path("cours").chmod(0o755)


@_found_by("homes", "alice")
def a_home_is_open(here: Installation) -> None:
    here.path("home/alice").chmod(0o755)


@_found_by("backups", "no archive")
def no_backup_was_made(here: Installation) -> None:
    next(here.path("backups").iterdir()).unlink()


@_found_by("backups", "old")
def backups_have_stopped(here: Installation) -> None:
    long_ago = time.time() - 5 * 86_400
    os.utime(next(here.path("backups").iterdir()), (long_ago, long_ago))


@_found_by("clock", "not synchronised")
def the_clock_is_left_alone(here: Installation) -> Installation:
    probe = replace(here.site.probe, answers={"timedatectl": "no"})
    return replace(here, site=replace(here.site, probe=probe))


@_found_by("spawner", "demonstration")
def everybody_is_one_user(here: Installation) -> Installation:
    return here.with_hub("c.JupyterHub.spawner_class = 'simple'")


@_found_by("spawner", "cannot be run")
def the_server_is_not_installed(here: Installation) -> None:
    here.path("opt/bin/jupyterhub-singleuser").unlink()


@_found_by("accounts", "one password for all")
def one_password_for_all(here: Installation) -> Installation:
    return here.with_hub("c.JupyterHub.authenticator_class = 'shared-password'")


@_found_by("accounts", "nobody may enter")
def nobody_may_enter(here: Installation) -> Installation:
    return here.with_hub("c.PAMAuthenticator.allowed_groups = set()")


@_found_by("address", "without https")
def passwords_in_clear(here: Installation) -> Installation:
    return here.with_hub("c.JupyterHub.bind_url = 'http://:8000'")


@_found_by("jobs", "on their own node")
def jobs_do_not_find_the_hub(here: Installation) -> Installation:
    return here.on_slurm("http://127.0.0.1:8081")


@_found_by("jobs", "does not answer")
def slurm_is_not_there(here: Installation) -> Installation:
    probe = replace(here.site.probe, answers={"timedatectl": "yes"})
    slurm = here.on_slurm()
    return replace(slurm, site=replace(slurm.site, probe=probe))


@_found_by("mail", "batch_script")
def each_job_writes_a_mail(here: Installation) -> Installation:
    return here.with_hub("c.BatchSpawnerBase.batch_script = '#SBATCH --mail-type=END'")


@_found_by("mail", "/etc/cron.d/cours")
def cron_writes_a_mail(here: Installation) -> None:
    here.path("etc/cron.d/cours").write_text("30 3 * * * prof grader backup /srv/backups\n")


@_found_by("kernel", "no python3")
def there_is_no_kernel(here: Installation) -> None:
    here.path("kernels/python3/kernel.json").unlink()


@_found_by("kernel", "closed to students")
def the_environment_is_closed(here: Installation) -> None:
    here.path("opt/bin").chmod(0o700)


@_found_by("kernel", "open to all")
def students_may_change_the_environment(here: Installation) -> None:
    here.path("opt/bin").chmod(0o777)


@_found_by("data", "no data set")
def there_are_no_data(here: Installation) -> None:
    here.path("donnees/mnist").unlink()


@_found_by("data", "may change what all read")
def students_may_change_the_data(here: Installation) -> None:
    here.path("donnees").chmod(0o777)


@_found_by("timezone", "names none")
def no_timezone(here: Installation) -> Installation:
    return here.add_to("cours/nbgrader_config.py", "c.Course.timezone = ''\n")


@_found_by("timezone", "no time zone")
def a_timezone_that_is_none(here: Installation) -> Installation:
    return here.add_to("cours/nbgrader_config.py", "c.Course.timezone = 'Quebec/Levis'\n")


@_found_by("timezone", "in sessions")
def sessions_in_another_zone(here: Installation) -> None:
    _write_site(here.root, "Europe/Paris")


@_found_by("versions", "tested with 0.1")
def another_torch(here: Installation) -> None:
    here.path("requirements.txt").write_text("torch==0.1\n")


@_found_by("torchvision", "n'est pas celle de torch")
def packages_that_do_not_go_together(here: Installation) -> Installation:
    probe = replace(here.site.probe, vision="0.18.0")
    return replace(here, site=replace(here.site, probe=probe))


@_found_by("spawner", "SyntaxError")
def the_configuration_has_a_mistake(here: Installation) -> Installation:
    return here.with_hub("c.JupyterHub.bind_url = ")
