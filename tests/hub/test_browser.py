"""A lab's whole life on a real JupyterHub, in a real browser: instructor, student, late student."""

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from nbgrader.api import Gradebook

from tests.support import local_hub
from tests.support.local_hub import LAB, RIGHT, WRONG, Hub, enter, open_lab, run, save, write

pytestmark = local_hub.MARKS
CONFIG = "nbgrader_config.py"
STUB = 'raise NotImplementedError("exercice : images_to_tensor")'


@pytest.fixture(scope="module")
def hub(tmp_path_factory) -> Iterator[Hub]:
    with local_hub.running(tmp_path_factory.mktemp("hub")) as hub:
        with (hub.folder / f"home/enseignante/cours/{CONFIG}").open("a") as config:
            config.write('c.LatePolicy.penalty_method = "zero"\nc.LatePolicy.grace_minutes = 0\n')
        yield hub


@pytest.fixture(scope="module")
def browser():
    with local_hub.chromium() as browser:
        yield browser


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


def open_assignments(page) -> None:
    """nbgrader's lists, which a page of JupyterLab reads when it opens them first."""
    page.get_by_role("menuitem", name="Nbgrader").click()
    page.get_by_text("Assignment List").first.click()
    page.locator("#released_assignments_list").wait_for()


def fetch(page) -> None:
    open_assignments(page)
    page.locator("#released_assignments_list button", has_text="Fetch").click()
    page.locator("#fetched_assignments_list button", has_text="Submit").wait_for()


def submit(page) -> None:
    open_assignments(page)
    page.locator("#fetched_assignments_list button", has_text="Submit").click()
    page.locator("#submitted_assignments_list", has_text=LAB).wait_for()


def test_from_the_release_to_the_feedback(hub, browser):
    teacher = enter(browser, hub, "enseignante")
    teacher.goto(hub.page("enseignante", "formgrader/manage_assignments"))
    press(teacher, "td.release a")
    hub.picture(teacher, "released")

    alice = enter(browser, hub, "alice")
    fetch(alice)
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
    dialog.wait_for(timeout=240_000)  # the whole notebook is executed
    assert "failed" in dialog.inner_text().lower(), "seven exercises are not done yet"
    hub.picture(alice, "validated")
    dialog.get_by_role("button").last.click()
    submit(alice)
    hub.picture(alice, "submitted")

    bruno = enter(browser, hub, "bruno")
    fetch(bruno)
    cells = open_lab(bruno, hub, "bruno")
    write(bruno, cells.filter(has_text="def images_to_tensor").first, RIGHT)
    save(bruno)
    set_due_date(teacher, hub, datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S"))
    submit(bruno)
    hub.picture(bruno, "submitted late")

    teacher.goto(hub.page("enseignante", "formgrader/manage_assignments"))
    press(teacher, "td.collect a")
    teacher.goto(hub.page("enseignante", f"formgrader/manage_submissions/{LAB}"))
    for student in ("alice", "bruno"):
        press(teacher, f"tr:has(td.student-id:text-is('{student}')) td.autograde a")
    hub.picture(teacher, "graded")
    assert points(teacher, "alice") == points(teacher, "bruno") == "1 / 22"
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
    alice.goto(hub.page("alice", "lab?reset"))
    open_assignments(alice)
    alice.locator("#submitted_assignments_list button", has_text="Fetch Feedback").click()
    alice.get_by_text("view feedback").click()
    alice.locator(".jp-DirListing-item", has_text=f"{LAB}.html").dblclick()
    feedback = alice.frame_locator("iframe.jp-HTMLViewer-iframe, .jp-IFrame iframe")
    feedback.get_by_role("heading", name="images_to_tensor").first.wait_for()
    hub.picture(alice, "the feedback")
    (page,) = hub.folder.glob(f"home/alice/{LAB}/feedback/*/{LAB}.html")
    assert "images_to_tensor" in page.read_text("utf-8")
    assert not list(hub.folder.glob("home/bruno/*/feedback"))
