"""The JupyterHub of hub/start.py, and a real browser: what the tests on it share."""

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
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.support.course_cases import ROOT

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
pytest.importorskip("jupyterhub", reason="JupyterHub is not installed: requirements.txt")
WRONG = "def images_to_tensor(pixels):\n    return pixels.permute(0, 3, 1, 2).float()\n"
RIGHT = "def images_to_tensor(pixels):\n    return pixels.permute(0, 3, 1, 2).float() / 255\n"
MARKS = [
    pytest.mark.slow,
    pytest.mark.timeout(600),
    pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed"),
    pytest.mark.skipif(shutil.which("npm") is None, reason="npm is not installed"),
]

LAB = "laboratoire_01"
TEACHER = "enseignante"
PASSWORD = "demonstration"
PATIENCE = 60_000  # milliseconds: a loaded machine imports torch slowly


@dataclass
class Hub:
    """A hub that runs, and the pictures taken of it."""

    address: str
    folder: Path
    screens: Path
    process: int
    taken: list[str] = field(default_factory=list)

    def page(self, user: str, path: str) -> str:
        return f"{self.address}/user/{user}/{path}"

    def picture(self, page, name: str) -> None:
        self.taken.append(name)
        page.screenshot(path=self.screens / f"{len(self.taken):02} {name}.png")


@contextmanager
def running(folder: Path, *options: str, port: int = 0, serve: bool = False) -> Iterator[Hub]:
    """A hub, from its start to its end; what it keeps is in `folder`.

    Args:
        serve: with the service that answers, and its pages.
    """
    screens = Path(os.environ.get("HUB_SCREENS", folder / "screens"))
    screens.mkdir(parents=True, exist_ok=True)
    port = port or free_port()
    words = ("--folder", str(folder / "hub"), "--port", str(port), "--password", PASSWORD)
    words += ("--serve" if serve else "--no-serve",)
    with (folder / "log").open("a") as log:
        process = subprocess.Popen(
            [sys.executable, str(ROOT / "hub/start.py"), *words, *options],
            stdout=log,
            stderr=log,
            env=os.environ | {"LABO_PROFILE": "tiny"},
        )
        try:
            wait_for(f"http://127.0.0.1:{port}/hub/api", process, folder / "log")
            yield Hub(f"http://127.0.0.1:{port}", folder / "hub", screens, process.pid)
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(timeout=180)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for(address: str, running: subprocess.Popen, log: Path) -> None:
    """Until the hub answers, not only its proxy."""
    for _ in range(600):
        assert running.poll() is None, log.read_text()
        try:
            with urllib.request.urlopen(address) as answer:
                if b"version" in answer.read():
                    return
        except OSError:
            pass
        time.sleep(0.5)
    pytest.fail(log.read_text())


@contextmanager
def chromium() -> Iterator:
    with playwright.sync_playwright() as driver:
        options = ["--no-sandbox"] if os.geteuid() == 0 else []
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=options)
        yield browser
        browser.close()


def enter(browser, hub: Hub, user: str):
    """A page of this user's, logged in, their server started."""
    page = log_in(browser, hub, user)
    page.wait_for_url("**/user/**")
    page.wait_for_selector(".jp-Launcher")
    return page


def log_in(browser, hub: Hub, user: str, then: str = ""):
    """A page of this user's, on its way to an address of the hub, or to their server."""
    page = browser.new_context(viewport={"width": 1280, "height": 900}).new_page()
    page.set_default_timeout(PATIENCE)
    page.goto(f"{hub.address}/hub/login" + (f"?next={then}" if then else ""))
    page.fill("input[name=username]", user)
    page.fill("input[name=password]", PASSWORD)
    page.click("#login_submit")
    return page


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


def answer_dialog(page) -> None:
    """Take what is proposed: JupyterLab asks for a kernel where a cell is run before it has one."""
    accept = page.locator(".jp-Dialog .jp-mod-accept")
    if accept.is_visible():
        accept.click(timeout=5000)  # a handler of the page may close the dialog meanwhile


def run(page, cell) -> str:
    """Run a cell and wait until the kernel has done it; what it says."""
    prompt = cell.locator(".jp-InputPrompt")
    before = re.sub(r"\D", "", prompt.inner_text())
    ran = re.compile(rf"\[(?!{before or '-'}\])\d+\]")
    deadline = time.monotonic() + 2 * PATIENCE / 1000
    while time.monotonic() < deadline:
        # A page or a kernel that has just started may forget the keys, and a dialog may lie over
        # the cell: answer it, press them again.
        with contextlib.suppress(AssertionError, playwright.TimeoutError):
            if "*" not in prompt.inner_text():
                answer_dialog(page)
                cell.locator(".cm-content").click(timeout=10_000)
                page.keyboard.press("Control+Enter")
            playwright.expect(prompt).to_have_text(ran, timeout=5000)
            break
    playwright.expect(prompt).to_have_text(ran, timeout=1000)
    return cell.locator(".jp-OutputArea").inner_text()
