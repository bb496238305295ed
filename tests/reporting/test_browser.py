"""Feedback pages in a real browser: nothing that a student wrote runs, nothing is fetched."""

import http.server
import os
import shutil
import subprocess
import threading
from pathlib import Path

import pytest

from grader.reporting.feedback import write_all
from tests.support.course_cases import LAB, answered, make_course, submit
from tests.support.hostile_cases import CASES
from tests.support.lent_engine import grade

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
TOUCHED = "data-touched"  # what a script that runs leaves in the page
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed")

ATTACKS = (
    "<script>{run}</script>",
    '</pre></details></section><script src="{url}/script.js"></script>',
    '<img src="{url}/pixel.png" onerror="{run}" onload="{run}">',
    '<svg onload="{run}"><use href="{url}/use.svg#a"/></svg>',
    '<iframe srcdoc="<script>parent.{run}</script>"></iframe>',
    '<meta http-equiv="refresh" content="0; url={url}/refresh">',
    '<link rel="stylesheet" href="{url}/style.css"><style>@import "{url}/import.css"</style>',
    '<style>body {{ background: url("{url}/background.png") }}</style>',
    '<body onpageshow="{run}"><details open ontoggle="{run}"><input autofocus onfocus="{run}">',
    '<object data="{url}/object"></object><embed src="{url}/embed">',
    '<base href="{url}/"><a href="javascript:{run}" id="x">x</a>',
    "\x1b[31m<script>{run}</script>\x1b[0m",
    "{{{{ 7 * 7 }}}} ${{alert(1)}} ]]><script>{run}</script>",
)


@pytest.fixture(scope="module")
def server():
    """A web server of this machine's own, and the paths that were asked of it."""
    asked: list[str] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_error(404)

        def log_message(self, *_: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as http_server:
        threading.Thread(target=http_server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{http_server.server_port}", asked
        http_server.shutdown()


def attack(pattern: str, url: str) -> str:
    run = f"document.documentElement.setAttribute('{TOUCHED}', '1')"
    return pattern.format(run=run, url=url)


def opened(page: Path, profile: Path) -> str:
    """The page as the browser has it, after its scripts had two seconds."""
    options = ["--headless=new", "--disable-gpu", "--no-first-run", f"--user-data-dir={profile}"]
    if os.geteuid() == 0:
        options.append("--no-sandbox")
    command = [CHROMIUM, *options, "--virtual-time-budget=2000", "--dump-dom", page.as_uri()]
    done = subprocess.run(command, capture_output=True, timeout=120, check=True)
    return done.stdout.decode()


def touched(tree: str) -> bool:
    return f'{TOUCHED}="' in tree


@pytest.mark.parametrize("pattern", ATTACKS[:6])
def test_an_attack_succeeds_on_a_page_without_defence(pattern, server, tmp_path):
    url, asked = server
    asked.clear()
    page = tmp_path / "page.html"
    page.write_text(f"<!DOCTYPE html><p>{attack(pattern, url)}</p>")
    assert touched(opened(page, tmp_path / "profile")) or asked


def test_no_attack_succeeds_in_a_feedback_page(server, tmp_path):
    url, asked = server
    text = "\n".join(attack(pattern, url) for pattern in ATTACKS)
    course = make_course(tmp_path / "course")
    spoken = f"from IPython.display import HTML, Markdown, display\ntext = {text!r}\nprint(text)\n"
    shown = "display(HTML(text), Markdown(text), {'image/svg+xml': text}, raw=True)\n"
    answer = f"{spoken}{shown}class SimpleLinear:\n    def __init__(self, *_):\n"
    answer += "        raise ValueError(text)\n"
    notebook = answered(course, standardize=f"'''{text}'''\n{spoken}{shown}", SimpleLinear=answer)
    for cell in notebook["cells"]:
        if cell["cell_type"] == "markdown" and "nbgrader" in cell["metadata"]:
            cell["source"] = text
    submit(course, "<img src=x onerror=alert(1)>", notebook)
    for name, case in CASES.items():
        if name.startswith("feedback/"):
            submit(course, case.path.stem, case.job().notebook)
    grade(course)
    write_all(course.lab(LAB))
    pages = sorted(course.root.glob(f"feedback/*/{LAB}/{LAB}.html"))
    assert len(pages) > 8
    asked.clear()
    for page in pages:
        tree = opened(page, tmp_path / "profile")
        assert "</h1>" in tree, "the page is shown"
        assert not touched(tree), page
        assert "<script" not in tree, page
    assert not asked
