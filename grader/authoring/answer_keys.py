"""Answer keys: each lab with its solutions, executed, as one HTML file with its figures."""

from __future__ import annotations

import os
import re
import tempfile
import time
from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
from nbconvert.exporters import HTMLExporter
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell

from grader.authoring.checked_claims import CheckedClaim, checked, not_checked, why_not_checked
from grader.authoring.claims import AFTER, BEFORE
from grader.authoring.notebooks import source_notebook
from grader.authoring.reading import read_source
from grader.authoring.source import Source, SourceCell
from grader.beside import Files
from grader.course import Lab
from grader.errors import GraderError, shown
from grader.files import write_atomically
from labo.coursework.notebook import CellKind
from labo.settings import Profile

CELL_TIMEOUT = 600  # seconds: a cell that takes longer has no place in a lab


@dataclass(frozen=True)
class AnswerKey:
    """An executed answer key.

    Args:
        seconds: that the execution took, kernel start included.
        claims: what became of each of them, in the order of the source.
    """

    notebook: NotebookNode
    seconds: float
    claims: tuple[CheckedClaim, ...]


@dataclass(frozen=True)
class _Step:
    """A cell to execute, and the cell of the source that it is, or that it prepares or closes."""

    cell: NotebookNode
    origin: SourceCell

    @property
    def first_line(self) -> int:
        """The source's line that the cell's first one is; a test's heading stands before it."""
        return self.origin.body_line - (self.origin.kind is CellKind.TEST)


def write_answer_key(lab: Lab, profile: Profile) -> tuple[Path, AnswerKey]:
    """Execute the lab's source, its claims included, and write answers/<lab>.html without them.

    Raises:
        GraderError: a cell failed; the message has its line in the source. A claim that does not
            hold, or whose cell fails, is told in the result.
    """
    files = {**lab.example_files(), **lab.author_files().own}
    key = executed(read_source(lab.source), lab.course.root, profile, files)
    page, _ = HTMLExporter(language_code="fr").from_notebook_node(
        key.notebook, {"metadata": {"name": lab.name}}
    )
    path = lab.course.root / "answers" / f"{lab.name}.html"
    write_atomically(path, page.encode())
    return path, key


def executed(
    source: Source, root: Path, profile: Profile, files: Files = MappingProxyType({})
) -> AnswerKey:
    """The notebook of a source, executed with its claims, which it holds no longer.

    Args:
        files: what lies beside it.

    Raises:
        GraderError: as `write_answer_key`.
    """
    notebook = source_notebook(source)
    claims = [cell for cell in source.written if cell.kind is CellKind.CLAIM]
    skipped = {c.line: why for c in claims if (why := why_not_checked(c, profile))}
    steps = _steps(source, notebook, skipped)
    notebook.cells = [step.cell for step in steps]
    start = time.perf_counter()
    _execute(notebook, steps, source.path, root, profile, files)
    seconds = time.perf_counter() - start
    notebook.cells = [step.cell for step in steps if step.origin.kind is not CellKind.CLAIM]
    return AnswerKey(notebook, seconds, tuple(_checked(claims, steps, skipped)))


def _steps(source: Source, notebook: NotebookNode, skipped: Container[int]) -> list[_Step]:
    """All that is to be executed: the source's cells, and a claim's between two of ours.

    Args:
        skipped: the lines of the claims that are not to be checked.
    """
    cells = iter(notebook.cells)
    steps = []
    for cell in source.written:
        if cell.kind is not CellKind.CLAIM:
            step = _Step(next(cells), cell)
            if cell.role:  # a notebook goes on after the error of an answer; a key does not
                step.cell.metadata.pop("tags", None)
            steps.append(step)
        elif cell.line not in skipped:
            tags = {"tags": ["raises-exception"]}  # one that fails does not hide the next
            texts = (BEFORE, cell.source, AFTER)
            steps += [_Step(new_code_cell(text, metadata=tags), cell) for text in texts]
    return steps


def _checked(
    claims: Sequence[SourceCell], steps: Sequence[_Step], skipped: Mapping[int, str]
) -> Iterator[CheckedClaim]:
    for claim in claims:
        if claim.line in skipped:
            yield not_checked(claim, skipped[claim.line])
            continue
        outputs = [o for step in steps if step.origin is claim for o in step.cell.outputs]
        errors = [output for output in outputs if output.output_type == "error"]
        error = _raised(errors[0], claim, steps) if errors else None
        yield from checked(claim, outputs, error)


def _execute(
    notebook: NotebookNode,
    steps: Sequence[_Step],
    path: Path,
    root: Path,
    profile: Profile,
    files: Files,
) -> None:
    """Run every cell, in a folder with these files only and with this project's own `labo`.

    Args:
        steps: of which the cells are the notebook's.
        path: the source, for the messages.
    """
    paths = [str(root), os.environ.get("PYTHONPATH", "")]
    environment = os.environ | {
        "LABO_PROFILE": profile,
        "LABO_FULL_TRACEBACK": "1",
        "OMP_WAIT_POLICY": "passive",  # as on a hub: torch is imported before labo
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
        for name, content in files.items():
            write_atomically(Path(folder, name), content)
        client.resources = {"metadata": {"path": folder}}
        try:
            client.execute(env=environment)
        except (CellExecutionError, CellTimeoutError, DeadKernelError) as error:
            raise GraderError(_failure(steps, path, error)) from error


def _failure(steps: Sequence[_Step], path: Path, error: Exception) -> str:
    """The line of the source that failed, and its error."""
    failed = [step for step in steps if "execution" in step.cell.metadata][-1]
    outputs = failed.cell.get("outputs", [])
    raised = next((output for output in outputs if output.output_type == "error"), None)
    if raised is None:
        message = f"{type(error).__name__}: {str(error).strip().splitlines()[0]}"
        return f"{shown(path)}:{failed.origin.body_line}: {message}"
    line, message = _raised(raised, failed.origin, steps)
    return f"{shown(path)}:{line}: {message}"


def _raised(error: NotebookNode, cell: SourceCell, steps: Sequence[_Step]) -> tuple[int, str]:
    """The source's line of an error that a cell raised, and its message."""
    starts = {str(s.cell.get("execution_count")): s.first_line for s in steps}
    plain = re.sub(r"\x1b\[[0-9;]*m", "", "\n".join(error.traceback))
    frames = re.findall(r"Cell In\[(\d+)\], line (\d+)", plain)
    lines = [starts[count] + int(line) - 1 for count, line in frames] or [cell.body_line]
    called = f" (called from line {lines[0]})" if lines[0] != lines[-1] else ""
    return lines[-1], f"{error.ename}: {error.evalue}{called}"
