"""Who sees what on the pages, by address and by guessed names; the hub is a pretended one."""

import json
import os
import re
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from urllib.parse import quote

import pytest
from tornado.testing import bind_unused_port

from grader.grading.extensions import read_extensions
from grader.service.policy import Counts, Tell, policy_of
from tests.support.course_cases import LAB, ROOT, WRONG
from tests.support.page_cases import PretendedHub, asking
from tests.support.service_cases import served

SCRIPT = 'print("<script>alert(1)</script>")\n' + WRONG


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    """Two students have handed in, of whom one has more time; the hints of one are told."""
    course = served(tmp_path_factory.mktemp("pages"), tell="hints", per_day="2")
    course.dates = {
        "alice": course.hand_in("alice", standardize=WRONG),
        "bruno": course.hand_in("bruno", standardize=SCRIPT),
    }
    course.run()
    return course


@pytest.fixture
def ask(course):
    """Ask for a page as somebody; the answer."""
    with asking(course.course) as ask:
        yield ask


def handed_in(course, student: str) -> str:
    return quote(course.attempts(student)[-1].handed_in)


def test_a_student_sees_their_own_labs_in_french(ask):
    answer = ask("alice", "")
    text = answer.body.decode()
    assert answer.code == 200
    assert "standardize" in text
    assert "0 / 2" in text
    assert "la moyenne se prend par colonne" in text
    assert "à remettre avant le 1er décembre 2026, 18\u00a0h\u00a000" in text
    assert "Réponses encore possibles aujourd'hui" in text
    assert "bruno" not in text


def test_a_student_sees_their_own_feedback_page_in_a_sandbox(course, ask):
    answer = ask("bruno", f"page/{LAB}/{handed_in(course, 'bruno')}")
    assert answer.code == 200
    assert "sandbox;" in answer.headers["Content-Security-Policy"]
    assert "script-src" not in answer.headers["Content-Security-Policy"]
    assert b"<script" not in answer.body


@pytest.mark.parametrize(
    "path",
    [
        "class",
        f"class/{LAB}",
        f"settings/{LAB}",
        f"class/{LAB}/bruno/DATE",
        f"page/{LAB}/DATE",
        f"page/..%2F{LAB}/DATE",
        f"page/{LAB}/..%2Fbruno%2FDATE",
        f"page/{LAB}/..%2F..%2F..%2F..%2Fgradebook.db",
        f"class/{LAB}/..%2Fbruno/DATE",
    ],
)
def test_a_student_sees_nobody_else(course, ask, path):
    """By address, and by guessed names; a page that is not for one is one that is not there."""
    path = path.replace("DATE", handed_in(course, "bruno"))
    for name in ("alice", "root"):
        answer = ask(name, path)
        assert answer.code == 404, (name, path)
        assert b"standardize" not in answer.body


def test_an_assistant_sees_the_class_and_sets_nothing(course, ask):
    assert b"laboratoire_mini" in ask("tara", "class").body
    text = ask("tara", f"class/{LAB}").body.decode()
    assert "alice" in text
    assert "Policy and extensions" not in text
    answer = ask("tara", f"class/{LAB}/alice/{handed_in(course, 'alice')}")
    assert answer.code == 200
    assert "sandbox;" in answer.headers["Content-Security-Policy"]
    before = policy_of(course.course, LAB)
    assert ask("tara", f"settings/{LAB}").code == 404
    assert post(ask, "tara", what="policy", tell="nothing").code == 404
    assert policy_of(course.course, LAB) == before


def post(ask, user: str, **body: str):
    """What a form sends, with its token."""
    form = ask("prof", f"settings/{LAB}")
    cookie = form.headers["Set-Cookie"].partition(";")[0]
    token = re.search(r'name="_xsrf" value="([^"]+)"', form.body.decode())[1]
    return ask(user, f"settings/{LAB}", {"_xsrf": token} | body, Cookie=cookie)


def test_an_instructor_sees_what_resists_and_sets_policies_and_extensions(course, ask):
    text = ask("prof", f"class/{LAB}").body.decode()
    assert text.index("<td>standardize</td>") < text.index("<td>SimpleLinear</td>")
    policy = {"tell": "points", "when": "after", "per_day": "5", "counts": "best"}
    answer = post(ask, "prof", what="policy", kept_back="standardize", **policy)
    assert "Set: points after the due date" in answer.body.decode()
    found = policy_of(course.course, LAB)
    assert (found.tell, found.per_day, found.counts) == (Tell.POINTS, 5, Counts.BEST)
    answer = post(ask, "prof", what="policy", kept_back="standardise", **policy)
    assert "Did you mean standardize?" in answer.body.decode()
    assert (
        "is no date"
        in post(ask, "prof", what="extension", student="alice", until="lundi").body.decode()
    )
    post(ask, "prof", what="extension", student="alice", until="2026-12-05 12:00")
    assert (LAB, "alice") in read_extensions(course.course)
    assert "délai prolongé" in ask("alice", "").body.decode()


def test_a_form_of_another_site_sets_nothing(course, ask):
    before = policy_of(course.course, LAB)
    assert ask("prof", f"settings/{LAB}", {"what": "policy", "tell": "hints"}).code == 403
    assert policy_of(course.course, LAB) == before


def test_nobody_unknown_sees_anything(course, ask, monkeypatch):
    monkeypatch.setattr(PretendedHub, "get_current_user", lambda self: None)
    for path in ("", "class", f"page/{LAB}/x", f"settings/{LAB}"):
        answer = ask("alice", path)
        assert answer.code == 302
        assert answer.headers["Location"].startswith("/hub/login")


def test_no_page_may_run_or_load_anything(ask):
    for path in ("", "class", f"class/{LAB}", f"settings/{LAB}"):
        answer = ask("prof", path)
        assert answer.code == 200
        assert answer.headers["Content-Security-Policy"].startswith("default-src 'none'")
        assert b"<script" not in answer.body


def test_a_service_that_stopped_is_told(course, ask):
    assert "No service is running" in ask("prof", "class").body.decode()
    assert "service de correction est arrêté" in ask("alice", "").body.decode()
    assert json.loads((course.course.root / ".grader/.service/status.json").read_text())


HUB = """
import subprocess, sys
subprocess.Popen([sys.executable, "-m", "grader", "page"])
sys.stdin.read()
"""


@pytest.mark.slow
def test_the_pages_end_with_the_hub_that_started_them(course):
    """Killed, it stops none of its services, and the next one gives them another token."""
    socket, port = bind_unused_port()
    socket.close()
    address = f"http://127.0.0.1:{port}"
    told = {"JUPYTERHUB_SERVICE_URL": address, "JUPYTERHUB_SERVICE_PREFIX": "/services/cours/"}
    told |= {"JUPYTERHUB_API_TOKEN": "none", "JUPYTERHUB_CLIENT_ID": "service-cours"}
    hub = subprocess.Popen(
        [sys.executable, "-c", HUB],
        cwd=course.course.root,
        env=os.environ | {"PYTHONPATH": str(ROOT)} | told,
        stdin=subprocess.PIPE,
    )
    try:
        wait_until(lambda: is_open(address))
    finally:
        hub.kill()
        hub.communicate()
    wait_until(lambda: not is_open(address))


def is_open(address: str) -> bool:
    try:
        return bool(urllib.request.urlopen(f"{address}/services/cours/health"))
    except urllib.error.HTTPError:
        return True  # 503: no service answers here
    except OSError:
        return False


def wait_until(found: Callable[[], bool]) -> None:
    for _ in range(1200):
        if found():
            return
        time.sleep(0.1)
    pytest.fail("it does not come")
