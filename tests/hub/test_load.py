"""Thirty students hand in within a minute, as users of the system, and none reads another's."""

import json
import os
import pwd
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest

from grader.course import Course
from tests.support import unix_users
from tests.support.course_cases import LAB, ROOT, answered, make_course
from tests.support.unix_users import COURSE, GRADER, LABO, NBGRADER, User

sys.path.insert(0, str(ROOT / "hub"))
from start import make_exchange

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(600),
    pytest.mark.skipif(bool(unix_users.why_not()), reason=unix_users.why_not()),
]

STUDENTS = 30


@dataclass
class Class:
    """A course as an administrator sets it up: an exchange, an instructor, students."""

    exchange: Path
    teacher: User
    students: list[User]

    @property
    def course(self) -> Course:
        return Course(self.teacher.home / "cours")

    @property
    def inbound(self) -> Path:
        return self.exchange / COURSE / "inbound"

    def teach(self, *words: str):
        done = self.teacher.python(*words, folder=self.course.root)
        assert done.returncode == 0, done.stdout
        return done.stdout

    def submitted(self, student: User) -> bytes:
        return (
            self.course.lab(LAB).submission(student.name).submitted / f"{LAB}.ipynb"
        ).read_bytes()


@pytest.fixture(scope="module")
def world() -> Iterator[Class]:
    """Students with each umask that hubs have; the instructor with the most private one."""
    folder = Path(tempfile.mkdtemp(prefix="hub-load-"))  # pytest's own are root's only
    folder.chmod(0o755)
    exchange = folder / "exchange"
    make_exchange(exchange)
    umasks = [0o077, *((0o022, 0o027, 0o077)[n % 3] for n in range(STUDENTS))]
    try:
        with unix_users.made(folder, umasks) as (teacher, *students):
            one = Class(exchange, teacher, students)
            make_course(one.course.root)
            with (one.course.root / "nbgrader_config.py").open("a") as config:
                config.write(f"\nc.Exchange.root = {str(exchange)!r}\n")
            for path in (one.course.root, *one.course.root.rglob("*")):
                teacher.own(path)
            one.teach(*NBGRADER, "release_assignment", LAB)
            for student in students:
                notebook = answered(one.course)
                notebook["cells"][0]["source"] += f"\n# {student.name}"
                home = student.home / LAB
                home.mkdir()
                (home / f"{LAB}.ipynb").write_text(json.dumps(notebook), "utf-8")
                student.own(home, home / f"{LAB}.ipynb")
            yield one
    finally:
        shutil.rmtree(folder)


def settings(world: Class) -> dict[str, str]:
    return {"LABO_EXCHANGE": str(world.exchange), "LABO_COURSE": COURSE}


def with_labo(world: Class, student: User):
    """From a terminal."""
    begun = time.monotonic()
    done = student.python(*LABO, "submit", folder=student.home / LAB, **settings(world))
    return done.returncode, time.monotonic() - begun


def with_nbgrader(world: Class, students: list[User]) -> list[tuple[int, float]]:
    """From the assignment list, each in their own server, while the instructor's collects."""
    running, log = world.teacher.home / "running", world.teacher.home / "log"
    running.touch()
    asked = {
        "exchange": str(world.exchange),
        "course": COURSE,
        "lab": LAB,
        "root": str(world.course.root),
        "running": str(running),
        "log": str(log),
        "teacher": [world.teacher.name, world.teacher.umask],
        "students": [[one.name, one.umask] for one in students],
    }
    done = subprocess.run(
        [unix_users.python(), ROOT / "tests/support/hub_servers.py"],
        input=json.dumps(asked),
        env=unix_users.environment(),
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_thirty_students_hand_in_while_the_instructor_collects(world):
    begun = time.monotonic()
    with ThreadPoolExecutor(STUDENTS) as pool:
        servers = pool.submit(with_nbgrader, world, world.students[::2])
        terminals = [pool.submit(with_labo, world, one) for one in world.students[1::2]]
        ways = {
            "labo submit": [one.result() for one in terminals],
            "nbgrader's assignment list": servers.result(),
        }
    within = time.monotonic() - begun
    for told in ways.values():
        assert all(status == 0 for status, _ in told), told
    collects = [json.loads(line) for line in (world.teacher.home / "log").open()]
    assert all(one["success"] for one in collects), collects
    world.teach(*NBGRADER, "collect", LAB)

    assert len(list(world.inbound.iterdir())) == STUDENTS
    for one in world.students:
        assert world.submitted(one) == (one.home / LAB / f"{LAB}.ipynb").read_bytes()
    print(f"\n{STUDENTS} handed in within {within:.0f} s, {len(collects)} collects meanwhile")
    for way, told in ways.items():
        times = sorted(seconds for _, seconds in told)
        print(f"{way}: {times[len(times) // 2]:.1f} s in the middle, {times[-1]:.1f} s at most")


def test_each_receives_their_own_feedback(world):
    """By the instructor's own commands, whose files are nobody else's to read at first."""
    alice, bruno = world.students[:2]
    world.teach(*GRADER, "autograde", LAB)
    world.teach(*GRADER, "feedback", LAB)
    world.teach(*NBGRADER, "release_feedback", LAB)
    options = (f"--Exchange.root={world.exchange}", "--course", COURSE)
    done = alice.python(*NBGRADER, "fetch_feedback", LAB, *options)
    assert done.returncode == 0, done.stdout
    assert_page_of(alice, alice.home)
    done = bruno.python(*LABO, "feedback", folder=bruno.home / LAB, **settings(world))
    assert done.returncode == 0, done.stdout
    assert_page_of(bruno, bruno.home / LAB)


def assert_page_of(student: User, folder: Path) -> None:
    (page,) = folder.rglob(f"feedback/*/{LAB}.html")
    assert student.name in page.read_text("utf-8")


def test_nobody_reads_or_changes_what_is_not_theirs(world):
    alice, bruno = world.students[:2]
    (deposit,) = world.inbound.glob(f"{bruno.name}+*")
    course, teacher = world.exchange / COURSE, world.teacher.home
    forbidden = [
        ("ls", world.inbound),  # the names there end in what cannot be guessed
        ("ls", course / "feedback"),  # here too
        ("touch", course / "feedback/page.html"),
        ("touch", course / "outbound/laboratoire_99"),
        ("mv", course, world.exchange / "elsewhere"),
        ("ls", teacher),
        ("cat", world.course.root / "gradebook.db"),
        ("cat", world.course.lab(LAB).notebook),
        ("cat", world.course.lab(LAB).submission(bruno.name).submitted / f"{LAB}.ipynb"),
        ("cat", world.course.lab(LAB).submission(bruno.name).feedback / f"{LAB}.html"),
        ("ls", bruno.home),
    ]
    for words in forbidden:
        assert alice.run(*words).returncode != 0, words
    assert course.is_dir()
    for receipt in (bruno.home / LAB / "remises").iterdir():
        assert deposit.name.rpartition("+")[2] not in receipt.read_text("utf-8")
    for kept in bruno.home.rglob("submission_secret.txt"):
        assert kept.stat().st_mode & 0o077 == 0


def test_two_courses_on_one_exchange(world):
    """A course's folder, made by an administrator, is for its own class and its own instructor."""
    alice, bruno, other = world.students[:3]
    course = world.exchange / "autre"
    course.mkdir()
    other.own(course)
    os.chown(course, -1, pwd.getpwnam(bruno.name).pw_gid)  # bruno's group is that of this class
    course.chmod(0o2750)
    make_course(other.home / "cours")
    for path in ((other.home / "cours"), *(other.home / "cours").rglob("*")):
        other.own(path)
    options = (f"--Exchange.root={world.exchange}", "--course", "autre")
    folder = other.home / "cours"
    done = other.python(*NBGRADER, "release_assignment", LAB, *options, folder=folder)
    assert done.returncode == 0, done.stdout

    env = {"LABO_EXCHANGE": str(world.exchange), "LABO_COURSE": "autre"}
    refused = alice.python(*LABO, "submit", folder=alice.home / LAB, **env)
    assert refused.returncode == 1
    assert "Le dépôt du cours est introuvable" in refused.stdout
    done = bruno.python(*LABO, "submit", folder=bruno.home / LAB, **env)
    assert done.returncode == 0, done.stdout
    done = other.python(*NBGRADER, "collect", LAB, *options, folder=folder)
    assert done.returncode == 0, done.stdout
    assert [one.name for one in (folder / "submitted").iterdir()] == [bruno.name]

    options = (f"--Exchange.root={world.exchange}", "--course", COURSE)
    refused = other.python(*NBGRADER, "collect", LAB, *options, folder=folder)
    assert refused.returncode != 0
    assert "read permissions" in refused.stdout
