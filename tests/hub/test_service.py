"""Handed in on the hub, answered, and shown: the service and its pages, in a real browser."""

import json
import os
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import pytest

from grader.service.policy import change_policy
from tests.support import local_hub
from tests.support.course_cases import LAB, ROOT, WRONG, answered, make_course
from tests.support.local_hub import TEACHER, Hub, log_in

pytestmark = local_hub.MARKS
COURSE = "apprentissage-profond"

PAST_DUE = """
import sys
from datetime import datetime
from grader.course import Course
with Course.here().gradebook() as gradebook:
    gradebook.update_or_create_assignment(sys.argv[1], duedate=datetime(2026, 1, 1))
"""


def run(hub: Hub, user: str, folder: str, code: str, *words: str) -> str:
    """A command of a user's, in a terminal."""
    home = hub.folder / "home" / user
    env = os.environ | {
        "HOME": str(home),
        "JUPYTER_CONFIG_DIR": str(home / ".jupyter"),
        "JUPYTER_DATA_DIR": str(home / "data"),
        "JUPYTERHUB_USER": user,
        "LABO_EXCHANGE": str(hub.folder / "exchange"),
        "LABO_COURSE": COURSE,
        "PYTHONPATH": str(ROOT),
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
    }
    command = [sys.executable, "-c", code, *words]
    done = subprocess.run(command, cwd=home / folder, env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def labo(hub: Hub, student: str, *words: str) -> str:
    return run(hub, student, LAB, "from labo.cli import app; app()", *words)


@pytest.fixture
def folder(tmp_path) -> Path:
    """What the hub finds when it starts: the course with its small lab, which both have done."""
    hub = tmp_path / "hub"
    course = make_course(hub / "home" / TEACHER / "cours")
    with (course.root / "nbgrader_config.py").open("a") as config:
        config.write(f"\nc.Exchange.root = {str(hub / 'exchange')!r}\n")
        config.write("c.ExchangeCollect.check_owner = False\n")
    change_policy(course, LAB, {"tell": "hints"})
    for student in ("alice", "bruno"):
        home = hub / "home" / student / LAB
        home.mkdir(parents=True)
        notebook = answered(course, standardize=WRONG)
        (home / f"{LAB}.ipynb").write_text(json.dumps(notebook), "utf-8")
    return tmp_path


@contextmanager
def opened(browser, hub: Hub, user: str, path: str = ""):
    """A page of the course's, as a user of the hub whose session is not started."""
    page = log_in(browser, hub, user, then="/hub/home")
    page.wait_for_url("**/hub/home")
    yield at(page, hub, path)
    page.context.close()


def at(page, hub: Hub, path: str):
    for _ in range(60):  # its process starts when the hub does
        answer = page.goto(f"{hub.address}/services/cours/{path}")
        if answer.status != 503:
            return page
        page.wait_for_timeout(1000)
    pytest.fail("the pages do not start")


def test_handed_in_answered_and_shown_to_whom_it_may_be(folder):
    with local_hub.running(folder, serve=True) as hub, local_hub.chromium() as browser:
        nbgrader = "from nbgrader.apps import NbGraderApp; NbGraderApp.launch_instance()"
        run(hub, TEACHER, "cours", nbgrader, "release_assignment", LAB)
        told = labo(hub, "alice", "submit", "--wait")
        assert "la moyenne se prend par colonne" in told, told
        assert "SimpleLinear  3 / 3" in told, told
        assert "Réponses encore possibles aujourd'hui : 2" in told, told

        with opened(browser, hub, "alice") as page:
            page.get_by_role("cell", name="standardize").wait_for()
            hub.picture(page, "the student's page")
            page.get_by_role("link", name="rétroaction").click()
            page.get_by_role("heading", name="standardize").first.wait_for()
            own = page.url
            assert at(page, hub, "class").get_by_text("404").count()

        with opened(browser, hub, "bruno") as page:
            assert page.get_by_text("standardize").count() == 0
            assert page.goto(own).status == 404, "another's page, by its address"

        with opened(browser, hub, TEACHER, f"class/{LAB}") as page:
            page.get_by_role("cell", name="alice", exact=True).wait_for()
            hub.picture(page, "the instructor's page")
            page.get_by_role("link", name="Policy and extensions").click()
            page.select_option("select[name=tell]", "nothing")
            page.click("text=Set the policy")
            page.get_by_text("Set: nothing is told").wait_for()

        assert "rien n'est dit pour l'instant" in labo(hub, "alice", "submit", "--wait")
        limits_and_due_dates(hub, browser)


def limits_and_due_dates(hub: Hub, browser) -> None:
    """As students read them on their pages, while the instructor changes policy and dates."""
    with (
        opened(browser, hub, TEACHER, f"settings/{LAB}") as teacher,
        opened(browser, hub, "alice") as alice,
        opened(browser, hub, "bruno") as bruno,
    ):
        set_policy(teacher, tell="points", per_day="1")
        labo(hub, "alice", "submit")
        reads(alice, "reçue ; plus de réponse ce jour-là")
        reads(alice, "Réponses encore possibles aujourd'hui : 0 sur 1")

        run(hub, TEACHER, "cours", PAST_DUE, LAB)
        for page in (alice, bruno):
            reads(page, "échéance passée")
        teacher.fill("input[name=student]", "alice")
        teacher.fill("input[name=until]", "2099-01-01 12:00")
        teacher.click("text=Give more time")
        teacher.get_by_text("alice has time until").wait_for()
        set_policy(teacher, when="after")
        reads(alice, "délai prolongé")
        assert alice.get_by_text("échéance passée").count() == 0
        assert bruno.get_by_text("délai prolongé").count() == 0

        for student in ("bruno", "alice"):
            labo(hub, student, "submit")
        reads(bruno, "corrigée")  # late, and answered: the due date is over
        assert bruno.get_by_role("cell", name="standardize").count() == 1
        reads(alice, "reçue ; dite après l'échéance")
        hub.picture(alice, "a student with more time")
        hub.picture(bruno, "a student whose due date has passed")


def set_policy(page, **values: str) -> None:
    for name, value in values.items():
        if name == "per_day":
            page.fill("input[name=per_day]", value)
        else:
            page.select_option(f"select[name={name}]", value)
    page.click("text=Set the policy")
    page.get_by_text("Set: ").wait_for()


def reads(page, text: str) -> None:
    """What a page that is read again shows, sooner or later."""
    for _ in range(120):
        page.reload()
        if page.get_by_text(text).count():
            return
        page.wait_for_timeout(1000)
    pytest.fail(f"{text}: {page.inner_text('body')}")
