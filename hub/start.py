"""A whole course on a JupyterHub of this machine: `make hub`, or `python hub/start.py --help`.

One instructor and two students, Laboratoire 1 ready to be released, an exchange. Everything is kept
in one folder; Ctrl-C stops it all, and the next start finds it as it was.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

HUB = Path(__file__).resolve().parent
ROOT = HUB.parent
COURSE = "apprentissage-profond"  # nbgrader_config.py's
INSTRUCTOR, STUDENTS = "enseignante", ("alice", "bruno")
LAB = "laboratoire_01"
LANGUAGE = "fr_FR"  # of students' JupyterLab, from its language pack
# What is not shown: nbgrader's panels for the others, and the question about Jupyter's news.
_NOBODY = ("@jupyterlab/apputils-extension:announcements",)
_TEACHING = tuple(
    f"@jupyter/nbgrader:{panel}" for panel in ("formgrader", "create-assignment", "course-list")
)
_LEARNING = ("@jupyter/nbgrader:assignment-list",)


def main(
    folder: Annotated[Path, typer.Option(help="Where everything is kept.")] = ROOT / ".hub",
    port: Annotated[int, typer.Option(help="Where the browser finds it.")] = 8000,
    password: Annotated[str, typer.Option(help="Everybody's. [default: drawn once]")] = "",
    keep: Annotated[
        bool, typer.Option("--keep", help="Sessions go on when the hub stops, as in an exam.")
    ] = False,
    slurm: Annotated[
        bool, typer.Option("--slurm", help="Sessions as jobs of a Slurm whose nodes are here.")
    ] = False,
    serve: Annotated[
        bool, typer.Option(help="Answer what is handed in, and show pages: docs/service.md.")
    ] = True,
) -> None:
    """Start a JupyterHub on loopback, with the course installed."""
    if slurm and not shutil.which("sbatch"):
        sys.exit("--slurm needs Slurm's commands, and a Slurm: sbatch is not found here")
    folder = folder.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    install(folder)
    make_exchange(folder / "exchange")
    make_course(folder)
    for student in STUDENTS:
        make_student(folder, student)
    password = remembered(folder / "password", password)
    pages = f"\nThe course's pages: http://127.0.0.1:{port}/services/cours/" if serve else ""
    print(
        f"\nhttp://127.0.0.1:{port}    as {INSTRUCTOR}, {' or '.join(STUDENTS)};"
        f" password: {password}{pages}\nCtrl-C stops the hub; all that it keeps is in {folder}\n"
    )
    run(folder, port, password, "slurm.py" if slurm else "local.py", keep, serve)


def install(folder: Path) -> None:
    """JupyterHub into the environment that runs this, its proxy into the folder."""
    try:
        import batchspawner  # noqa: F401
        import jupyterhub  # noqa: F401
    except ImportError:
        requirements = str(ROOT / "requirements.txt")
        subprocess.run(
            [sys.executable, "-m", "pip", "install", "-q", "-r", requirements], check=True
        )
    if (folder / "node_modules").exists():
        return
    if not shutil.which("npm"):
        sys.exit(
            "npm is needed for JupyterHub's proxy: install Node.js 20 (Debian: apt install npm)"
        )
    shutil.copy(HUB / "package.json", folder)
    subprocess.run(
        ["npm", "install", "--silent", "--no-fund", "--no-audit"], cwd=folder, check=True
    )


def make_exchange(exchange: Path) -> None:
    """nbgrader's drop box; open to all, for nbgrader makes in it what only some may read.

    As in /tmp, nobody may remove or rename what is another's: without that, any student could put a
    course of their own in the place of this one.
    """
    exchange.mkdir(exist_ok=True)
    exchange.chmod(0o1777)


def make_course(folder: Path) -> None:
    """The instructor's copy of the course, Laboratoire 1 built and entered in the gradebook."""
    home = folder / "home" / INSTRUCTOR
    course = home / "cours"
    settings = {
        "CourseDirectory.root": str(course),
        "CourseDirectory.course_id": COURSE,
        "Exchange.root": str(folder / "exchange"),
    }
    write_settings(home, settings, hidden=_LEARNING)
    if course.exists():
        return
    (course / "solutions").mkdir(parents=True)
    course.chmod(0o700)  # solutions, hidden tests and grades
    for source in (*(ROOT / "solutions").glob("*.py"), ROOT / "solutions" / "notations.md"):
        shutil.copy(source, course / "solutions")
    config = (ROOT / "nbgrader_config.py").read_text("utf-8")
    config += f"\nc.Exchange.root = {str(folder / 'exchange')!r}\n"
    config += "c.ExchangeCollect.check_owner = False  # all are one user of the system here\n"
    (course / "nbgrader_config.py").write_text(config, "utf-8")
    command("grader", "release", LAB, folder=course)
    command("grader", "policy", "*", "--tell", "hints", folder=course)
    for student in STUDENTS:
        command("nbgrader", "db", "student", "add", student, folder=course)


def make_student(folder: Path, student: str) -> None:
    """A student's home."""
    settings = {
        "CourseDirectory.course_id": COURSE,
        "CourseDirectory.student_id": student,
        "Exchange.root": str(folder / "exchange"),
        "Execute.iopub_timeout": 60,  # seconds, of Validate: nbclient's 4 pass on a busy machine
    }
    home = folder / "home" / student
    write_settings(home, settings, hidden=_TEACHING)
    language = home / ".jupyter/lab/user-settings/@jupyterlab/translation-extension"
    chosen = language / "plugin.jupyterlab-settings"
    if not chosen.exists():  # else the student's own choice, in the menu of settings
        language.mkdir(parents=True, exist_ok=True)
        chosen.write_text(json.dumps({"locale": LANGUAGE}), "utf-8")


def write_settings(home: Path, settings: dict[str, object], hidden: tuple[str, ...]) -> None:
    """nbgrader's settings for one user; `hidden`: extensions of JupyterLab not meant for them."""
    jupyter = home / ".jupyter"
    (jupyter / "labconfig").mkdir(parents=True, exist_ok=True)
    lines = ["c = get_config()", *(f"c.{name} = {value!r}" for name, value in settings.items())]
    (jupyter / "nbgrader_config.py").write_text("\n".join(lines) + "\n", "utf-8")
    panels = {"disabledExtensions": dict.fromkeys([*_NOBODY, *hidden], True)}
    (jupyter / "labconfig/page_config.json").write_text(json.dumps(panels, indent=1), "utf-8")


def command(program: str, *words: str, folder: Path) -> None:
    """Run one of the course's own commands."""
    path = str(Path(sys.executable).parent / program)
    subprocess.run([path, *words], cwd=folder, env=environment(), check=True, stdout=sys.stderr)


def environment() -> dict[str, str]:
    """This environment, with the programs of the interpreter that runs this first."""
    return os.environ | {
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    }


def _password() -> str:
    return secrets.token_urlsafe(9)


def remembered(path: Path, given: str = "", new: Callable[[], str] = _password) -> str:
    """The word given, or that of the last start, or a new one."""
    word = given or (path.read_text() if path.exists() else new())
    path.touch(mode=0o600)
    path.write_text(word)
    return word


def free_port() -> str:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return str(probe.getsockname()[1])


def run(folder: Path, port: int, password: str, config: str, keep: bool, serve: bool) -> None:
    """Be the hub, until Ctrl-C."""
    settings = {
        "HUB_FOLDER": str(folder),
        "HUB_PORT": str(port),
        # The same at each start: sessions that went on look for the hub where it was.
        "HUB_INNER_PORT": remembered(folder / "inner_port", new=free_port),
        "HUB_PROXY_PORT": free_port(),
        "HUB_KEEP": "yes" if keep else "",
        "HUB_PASSWORD": password,
        "HUB_USERS": ",".join([INSTRUCTOR, *STUDENTS]),
        "HUB_COURSE": COURSE,
        "HUB_INSTRUCTOR": INSTRUCTOR,
        "HUB_PAGE_PORT": free_port() if serve else "",
    }
    os.chdir(folder)
    command = [sys.executable, "-m", "jupyterhub", "-f", str(HUB / config)]
    os.execve(sys.executable, command, environment() | settings)


if __name__ == "__main__":
    typer.run(main)
