"""A hub that restarts, during an exam for example: what students do goes on."""

import contextlib
import os
import re
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support import local_hub
from tests.support.local_hub import PATIENCE, enter, playwright, run, save

pytestmark = local_hub.MARKS
NOTEBOOK = """{"cells": [
 {"cell_type": "code", "id": "a", "metadata": {}, "outputs": [], "execution_count": null,
  "source": "answer = 41"},
 {"cell_type": "code", "id": "b", "metadata": {}, "outputs": [], "execution_count": null,
  "source": "print(answer + 1)"},
 {"cell_type": "code", "id": "c", "metadata": {}, "outputs": [], "execution_count": null,
  "source": "print(answer + 2)"}],
 "metadata": {"kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"}},
 "nbformat": 4, "nbformat_minor": 5}"""


@pytest.fixture
def folder(tmp_path) -> Iterator[Path]:
    """Where a hub is, whose sessions are ended with the test, also if it fails."""
    # The course is there, so none is made: nobody looks at it in these sessions.
    (tmp_path / "hub/home" / local_hub.TEACHER / "cours").mkdir(parents=True)
    yield tmp_path
    for session in tmp_path.rglob("jpserver-[0-9]*.json"):
        with contextlib.suppress(ProcessLookupError):
            os.kill(int(session.stem.removeprefix("jpserver-")), signal.SIGTERM)


def test_a_session_outlives_its_hub(folder):
    """A planned restart, then a hub that is killed; the page is not loaded again."""
    port = local_hub.free_port()
    with local_hub.chromium() as browser:
        with local_hub.running(folder, "--keep", port=port) as hub:
            path = hub.folder / "home/alice/essai.ipynb"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(NOTEBOOK)
            page = enter(browser, hub, "alice")
            page.goto(hub.page("alice", "lab/tree/essai.ipynb?reset"))
            page.locator(".jp-Notebook-ExecutionIndicator[data-status='idle']").wait_for()
            # JupyterLab may notice that the hub is away, and asks whether to start a new session.
            asks = page.locator(".jp-Dialog", has_text=re.compile("unavailable|indisponible"))
            page.add_locator_handler(asks, lambda one: one.locator(".jp-mod-reject").click())
            cells = page.locator(".jp-CodeCell")
            run(page, cells.first)
            os.kill(hub.process, signal.SIGTERM)
        with local_hub.running(folder, "--keep", port=port) as hub:
            assert "42" in run(page, cells.nth(1))
            os.kill(hub.process, signal.SIGKILL)
        with local_hub.running(folder, port=port) as hub:
            assert "43" in run(page, cells.nth(2))
            hub.picture(page, "after two restarts")
            save(page)
            assert '"43' in path.read_text()
            other = enter(browser, hub, "bruno")
            playwright.expect(other.locator(".jp-Launcher")).to_be_visible(timeout=PATIENCE)
