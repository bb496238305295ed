"""Answer keys: each lab with its solutions, executed, as one HTML file with its figures."""

from __future__ import annotations

import os
import re
import tempfile
import time
from pathlib import Path

from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
from nbconvert.exporters import HTMLExporter
from nbformat import NotebookNode

from grader.authoring.notebooks import source_notebook
from grader.authoring.reading import read_source
from grader.authoring.source import Source
from grader.course import Lab
from grader.errors import GraderError, shown
from grader.files import write_atomically
from labo.settings import Profile

CELL_TIMEOUT = 600  # seconds: a cell that takes longer has no place in a lab


def write_answer_key(lab: Lab, profile: Profile) -> tuple[Path, float]:
    """Execute the lab's source and write answers/<lab>.html.

    Returns:
        The file, and the seconds that the execution took, kernel start included.

    Raises:
        GraderError: a cell failed; the message has its line in the source.
    """
    source = read_source(lab.source)
    notebook = source_notebook(source)
    start = time.perf_counter()
    execute(notebook, source, lab.course.root, profile)
    seconds = time.perf_counter() - start
    page, _ = HTMLExporter(language_code="fr").from_notebook_node(
        notebook, {"metadata": {"name": lab.name}}
    )
    path = lab.course.root / "answers" / f"{lab.name}.html"
    write_atomically(path, page.encode())
    return path, seconds


def execute(notebook: NotebookNode, source: Source, root: Path, profile: Profile) -> None:
    """Run every cell, in an empty folder and with this project's own `labo`."""
    paths = [str(root), os.environ.get("PYTHONPATH", "")]
    environment = os.environ | {
        "LABO_PROFILE": profile,
        "PYTHONPATH": os.pathsep.join(filter(None, paths)),
    }
    # A figure is shown by the notebook's own backend, whatever this process uses.
    environment.pop("MPLBACKEND", None)
    client = NotebookClient(
        notebook,
        timeout=CELL_TIMEOUT,
        kernel_name="python3",
        extra_arguments=["--log-level=ERROR"],
    )
    with tempfile.TemporaryDirectory() as folder:
        client.resources = {"metadata": {"path": folder}}
        try:
            client.execute(env=environment)
        except (CellExecutionError, CellTimeoutError, DeadKernelError) as error:
            raise GraderError(_failure(notebook, source, error)) from error


def _failure(notebook: NotebookNode, source: Source, error: Exception) -> str:
    """The line of the source that failed, and its error."""
    started = [i for i, cell in enumerate(notebook.cells) if "execution" in cell.metadata]
    index = started[-1]
    cell = source.cells[index]
    line = cell.body_line
    outputs = notebook.cells[index].get("outputs", [])
    failed = next((output for output in outputs if output.output_type == "error"), None)
    if failed is None:
        message = f"{type(error).__name__}: {str(error).strip().splitlines()[0]}"
    else:
        message = f"{failed.ename}: {failed.evalue}"
        called, line = _lines(failed.traceback, notebook, source) or (line, line)
        if called != line:
            message += f" (called from line {called})"
    return f"{shown(source.path)}:{line}: {message}"


def _lines(traceback: list[str], notebook: NotebookNode, source: Source) -> tuple[int, int] | None:
    """The source's lines where the traceback enters the notebook's code and where it leaves it."""
    starts = {
        str(executed.get("execution_count")): cell.body_line
        for executed, cell in zip(notebook.cells, source.cells, strict=True)
    }
    plain = re.sub(r"\x1b\[[0-9;]*m", "", "\n".join(traceback))
    frames = re.findall(r"Cell In\[(\d+)\], line (\d+)", plain)
    lines = [starts[count] + int(line) - 1 for count, line in frames]
    return (lines[0], lines[-1]) if lines else None
