"""A lab's whole life on a real JupyterHub, in a real browser: instructor, student, late student."""

import contextlib
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import pytest
from course_cases import ROOT
from nbgrader.api import Gradebook

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
pytest.importorskip("jupyterhub", reason="JupyterHub is not installed: hub/requirements.txt")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(600),
    pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed"),
    pytest.mark.skipif(shutil.which("npm") is None, reason="npm is not installed"),
]

LAB = "laboratoire_01"
CONFIG = "nbgrader_config.py"
PASSWORD = "demonstration"
PATIENCE = 60_000  # milliseconds: a loaded machine imports torch slowly
STUB = 'raise NotImplementedError("exercice : images_to_tensor")'
WRONG = "def images_to_tensor(pixels):\n    return pixels.permute(0, 3, 1, 2).float()\n"
RIGHT = "def images_to_tensor(pixels):\n    return pixels.permute(0, 3, 1, 2).float() / 255\n"


@dataclass
class Hub:
    """A hub that runs, and the pictures taken of it."""

    address: str
    folder: Path
    screens: Path
    taken: list[str] = field(default_factory=list)

    def page(self, user: str, path: str) -> str:
        return f"{self.address}/user/{user}/{path}"

    def picture(self, page, name: str) -> None:
        self.taken.append(name)
        page.screenshot(path=self.screens / f"{len(self.taken):02} {name}.png")


@pytest.fixture(scope="module")
def hub(tmp_path_factory) -> Iterator[Hub]:
    folder = tmp_path_factory.mktemp("hub")
    screens = Path(os.environ.get("HUB_SCREENS", folder / "screens"))
    screens.mkdir(parents=True, exist_ok=True)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    options = ("--folder", str(folder / "hub"), "--port", str(port), "--password", PASSWORD)
    with (folder / "log").open("w") as log:
        running = subprocess.Popen(
            [sys.executable, str(ROOT / "hub/start.py"), *options],
            stdout=log,
            stderr=log,
            env=os.environ | {"LABO_PROFILE": "tiny"},
        )
        try:
            wait_for(f"http://127.0.0.1:{port}/hub/api", running, folder / "log")
            with (folder / f"hub/home/enseignante/cours/{CONFIG}").open("a") as config:
                config.write('c.LateSubmissionPlugin.penalty_method = "zero"\n')
            yield Hub(f"http://127.0.0.1:{port}", folder / "hub", screens)
        finally:
            running.send_signal(signal.SIGINT)
            running.wait(timeout=60)


def wait_for(address: str, running: subprocess.Popen, log: Path) -> None:
    """Until the hub answers, not only its proxy."""
    for _ in range(240):
        assert running.poll() is None, log.read_text()
        try:
            with urllib.request.urlopen(address) as answer:
                if b"version" in answer.read():
                    return
        except OSError:
            pass
        time.sleep(0.5)
    pytest.fail(log.read_text())


@pytest.fixture(scope="module")
def browser():
    with playwright.sync_playwright() as driver:
        options = ["--no-sandbox"] if os.geteuid() == 0 else []
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=options)
        yield browser
        browser.close()


def enter(browser, hub: Hub, user: str):
    """A page of this user's, logged in, their server started."""
    page = browser.new_context(viewport={"width": 1280, "height": 900}).new_page()
    page.set_default_timeout(PATIENCE)
    page.goto(f"{hub.address}/hub/login")
    page.fill("input[name=username]", user)
    page.fill("input[name=password]", PASSWORD)
    page.click("#login_submit")
    page.wait_for_url("**/user/**")
    page.wait_for_selector(".jp-Launcher")
    return page


# ---- What an instructor does in formgrader


def press(page, button: str) -> None:
    """Press a button of formgrader's table, and read that it succeeded."""
    page.locator(button).click()
    told = page.locator(".modal.in")
    told.wait_for()
    assert "Success" in told.inner_text(), told.inner_text()
    told.get_by_role("button", name="OK").click()
    told.wait_for(state="hidden")


def set_due_date(page, hub: Hub, date: str) -> None:
    page.goto(hub.page("enseignante", "formgrader/manage_assignments"))
    page.locator("td.edit a").click()
    page.locator("input.modal-duedate").fill(date)
    page.locator("input.modal-timezone").fill("+0000")
    page.locator(".modal.in .save").click()
    page.locator(".modal.in").wait_for(state="hidden")


def points(page, student: str) -> str:
    return page.locator(f"tr:has(td.student-id:text-is('{student}')) td.score").inner_text()


def penalties(hub: Hub) -> dict[str, float]:
    with Gradebook(f"sqlite:///{hub.folder / 'home/enseignante/cours/gradebook.db'}") as gradebook:
        submissions = gradebook.assignment_submissions(LAB)
        return {one.student.id: one.late_submission_penalty for one in submissions}


# ---- What a student does in JupyterLab


def assignments(page, hub: Hub, user: str):
    page.goto(hub.page(user, "lab?reset"))
    page.get_by_role("menuitem", name="Nbgrader").click()
    page.get_by_text("Assignment List").first.click()
    page.locator("#released_assignments_list").wait_for()
    return page


def fetch(page, hub: Hub, user: str) -> None:
    assignments(page, hub, user)
    page.locator("#released_assignments_list button", has_text="Fetch").click()
    page.locator("#fetched_assignments_list button", has_text="Submit").wait_for()


def submit(page, hub: Hub, user: str) -> None:
    assignments(page, hub, user)
    page.locator("#fetched_assignments_list button", has_text="Submit").click()
    page.locator("#submitted_assignments_list", has_text=LAB).wait_for()


def open_lab(page, hub: Hub, user: str):
    """The cells of the fetched notebook, the imports done."""
    page.goto(hub.page(user, f"lab/tree/{LAB}/{LAB}.ipynb?reset"))
    page.locator(".jp-Notebook-ExecutionIndicator[data-status='idle']").wait_for()
    cells = page.locator(".jp-CodeCell")
    run(page, cells.filter(has_text="import torch.nn.functional as F").first)
    return cells


def save(page) -> None:
    page.keyboard.press("Control+S")
    page.wait_for_timeout(2000)


def write(page, cell, text: str) -> None:
    """Replace what a cell holds, and run it."""
    cell.locator(".cm-content").click()
    page.keyboard.press("Control+A")
    page.keyboard.insert_text(text)
    run(page, cell)


def run(page, cell) -> str:
    """Run a cell and wait until the kernel has done it; what it says."""
    prompt = cell.locator(".jp-InputPrompt")
    before = prompt.inner_text()
    deadline = time.monotonic() + PATIENCE / 1000
    while prompt.inner_text() == before and time.monotonic() < deadline:
        # A page that has just opened may swallow the keys: press them again.
        cell.locator(".cm-content").click()
        page.keyboard.press("Control+Enter")
        with contextlib.suppress(AssertionError):
            playwright.expect(prompt).not_to_have_text(before, timeout=5000)
    playwright.expect(prompt).to_have_text(re.compile(r"\[\d+\]"), timeout=PATIENCE)
    return cell.locator(".jp-OutputArea").inner_text()


def test_from_the_release_to_the_feedback(hub, browser):
    teacher = enter(browser, hub, "enseignante")
    teacher.goto(hub.page("enseignante", "formgrader/manage_assignments"))
    press(teacher, "td.release a")
    hub.picture(teacher, "released")

    alice = enter(browser, hub, "alice")
    fetch(alice, hub, "alice")
    hub.picture(alice, "fetched")
    cells = open_lab(alice, hub, "alice")
    exercise = cells.filter(has_text="def images_to_tensor").first
    check = cells.filter(has_text="attendu N × C × H × W").first
    write(alice, exercise, WRONG)
    assert "divisez par 255" in run(alice, check)
    hub.picture(alice, "a check fails")
    write(alice, exercise, RIGHT)
    assert "Error" not in run(alice, check)
    hub.picture(alice, "the check passes")
    save(alice)
    alice.get_by_role("button", name="Validate").click()
    dialog = alice.locator(".jp-Dialog")
    dialog.wait_for()
    assert "failed" in dialog.inner_text().lower(), "nine exercises are not done yet"
    hub.picture(alice, "validated")
    dialog.get_by_role("button").last.click()
    submit(alice, hub, "alice")
    hub.picture(alice, "submitted")

    bruno = enter(browser, hub, "bruno")
    fetch(bruno, hub, "bruno")
    cells = open_lab(bruno, hub, "bruno")
    write(bruno, cells.filter(has_text="def images_to_tensor").first, RIGHT)
    save(bruno)
    set_due_date(teacher, hub, datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S"))
    submit(bruno, hub, "bruno")
    hub.picture(bruno, "submitted late")

    teacher.goto(hub.page("enseignante", "formgrader/manage_assignments"))
    press(teacher, "td.collect a")
    teacher.goto(hub.page("enseignante", f"formgrader/manage_submissions/{LAB}"))
    for student in ("alice", "bruno"):
        press(teacher, f"tr:has(td.student-id:text-is('{student}')) td.autograde a")
    hub.picture(teacher, "graded")
    assert points(teacher, "alice") == points(teacher, "bruno") == "1 / 26"
    assert penalties(hub) == {"alice": 0, "bruno": 1}

    teacher.goto(hub.page("enseignante", f"formgrader/gradebook/{LAB}/{LAB}"))
    teacher.locator("td.name a").first.click()
    score = teacher.locator("input.score#q1")
    score.fill("2")
    score.press("Tab")
    teacher.wait_for_timeout(1500)
    hub.picture(teacher, "a written answer")

    teacher.goto(hub.page("enseignante", "formgrader/manage_assignments"))
    press(teacher, "td.generate-feedback a")
    press(teacher, "td.release-feedback a")
    assignments(alice, hub, "alice")
    alice.locator("#submitted_assignments_list button", has_text="Fetch Feedback").click()
    alice.get_by_text("view feedback").click()
    alice.locator(".jp-DirListing-item", has_text=f"{LAB}.html").dblclick()
    feedback = alice.frame_locator("iframe.jp-HTMLViewer-iframe, .jp-IFrame iframe")
    feedback.get_by_role("heading", name="images_to_tensor").first.wait_for()
    hub.picture(alice, "the feedback")
    (page,) = hub.folder.glob(f"home/alice/{LAB}/feedback/*/{LAB}.html")
    assert "images_to_tensor" in page.read_text("utf-8")
    assert not list(hub.folder.glob("home/bruno/*/feedback"))
