"""A whole lab where nbgrader's extension is absent: the notebook, a terminal and `labo`."""

import json
import os
import subprocess
import sys
from pathlib import Path

from tests.support import local_hub
from tests.support.local_hub import LAB, RIGHT, WRONG, Hub, enter, open_lab, run, save, write

pytestmark = local_hub.MARKS
COURSE = "apprentissage-profond"


def without_nbgrader(home: Path) -> None:
    """A student's server and JupyterLab that know nothing of nbgrader."""
    parts = ("assignment_list", "course_list", "formgrader", "validate_assignment")
    absent = {f"nbgrader.server_extensions.{part}": False for part in parts} | {"nbgrader": False}
    settings = {"ServerApp": {"jpserver_extensions": absent}}
    (home / ".jupyter/jupyter_server_config.json").write_text(json.dumps(settings))
    panels = home / ".jupyter/labconfig/page_config.json"
    shown = json.loads(panels.read_text())
    shown["disabledExtensions"]["@jupyter/nbgrader"] = True
    panels.write_text(json.dumps(shown))


def teach(hub: Hub, *words: str) -> str:
    """The instructor, in a terminal."""
    home = hub.folder / "home/enseignante"
    env = os.environ | {"JUPYTER_CONFIG_DIR": str(home / ".jupyter"), "HOME": str(home)}
    programs = Path(sys.executable).parent
    env["PATH"] = f"{programs}{os.pathsep}{env['PATH']}"
    module, *rest = words
    entry = "from nbgrader.apps import NbGraderApp; NbGraderApp.launch_instance()"
    run = {"nbgrader": ["-c", entry], "grader": ["-m", "grader"]}[module]
    command = [sys.executable, *run, *rest]
    done = subprocess.run(command, cwd=home / "cours", env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def open_terminal(page) -> None:
    """JupyterLab's terminal, from the launcher that the page shows."""
    page.locator(".jp-LauncherCard", has_text="Terminal").first.click()
    page.locator(".jp-Terminal .xterm").click()
    page.wait_for_timeout(2000)


def type_in(terminal, *lines: str) -> None:
    for line in lines:
        terminal.keyboard.type(line)
        terminal.keyboard.press("Enter")


def wait_for(page, folder: Path, pattern: str) -> Path:
    for _ in range(local_hub.PATIENCE // 500):
        if found := sorted(folder.glob(pattern)):
            return found[-1]
        page.wait_for_timeout(500)
    raise AssertionError(f"no {pattern} in {folder}")


def test_a_student_does_everything_with_labo_alone(tmp_path):
    with local_hub.running(tmp_path) as hub, local_hub.chromium() as browser:
        home = hub.folder / "home/alice"
        without_nbgrader(home)
        teach(hub, "nbgrader", "release_assignment", LAB)

        terminal = enter(browser, hub, "alice")
        assert terminal.get_by_role("menuitem", name="Nbgrader").count() == 0
        answer = terminal.request.get(hub.page("alice", "assignments"))
        assert answer.status == 404, "the extension is there"
        open_terminal(terminal)
        type_in(terminal, f"cp -r $LABO_EXCHANGE/$LABO_COURSE/outbound/{LAB} .")
        wait_for(terminal, home, f"{LAB}/{LAB}.ipynb")

        alice = terminal.context.new_page()
        alice.set_default_timeout(local_hub.PATIENCE)
        cells = open_lab(alice, hub, "alice")
        exercise = cells.filter(has_text="def images_to_tensor").first
        write(alice, exercise, WRONG + "\nlabo.check()")
        told = run(alice, exercise)
        assert "divisez par 255" in " ".join(told.replace("│", " ").split()), told
        hub.picture(alice, "labo.check in the notebook")
        write(alice, exercise, RIGHT)
        save(alice)

        type_in(terminal, f"cd ~/{LAB}", "labo submit")
        receipt = json.loads(wait_for(terminal, home / LAB, "remises/*.json").read_text("utf-8"))
        hub.picture(terminal, "labo submit in a terminal")
        assert receipt["student"] == "alice"
        assert "images_to_tensor" not in receipt["unanswered"]

        teach(hub, "nbgrader", "collect", LAB)
        (graded,) = json.loads(teach(hub, "grader", "autograde", LAB, "--json"))
        assert graded["student"] == "alice"
        teach(hub, "grader", "feedback", LAB)
        teach(hub, "nbgrader", "release_feedback", LAB)

        type_in(terminal, "labo feedback")
        page = wait_for(terminal, home / LAB, f"feedback/*/{LAB}.html")
        assert "images_to_tensor" in page.read_text("utf-8")
        alice.goto(hub.page("alice", f"lab/tree/{page.relative_to(home)}?reset"))
        shown = alice.frame_locator("iframe.jp-HTMLViewer-iframe, .jp-IFrame iframe")
        shown.get_by_role("heading", name="images_to_tensor").first.wait_for()
        hub.picture(alice, "the feedback")
