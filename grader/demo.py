"""`grader demo`: one lab from its source to a graded class.

Everything is made in `.demo/`, a course like any other, from solutions/laboratoire_01.py and a
small class whose submissions are right, half right, empty or broken.
"""

from __future__ import annotations

import json
import re
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console
from rich.table import Table

from grader.authoring import rubric
from grader.authoring.build import build
from grader.authoring.notebooks import source_notebook
from grader.authoring.reading import read_source
from grader.authoring.release import release
from grader.course import CONFIG_FILE, Course, Lab
from grader.engine import EngineConfig
from grader.grading import table
from grader.grading.progress import grade_with_progress
from grader.grading.proof import record_path
from grader.notebook import Cell, Notebook, grade_id, graded_cells, is_solution, plain
from grader.reporting import report
from grader.reporting.feedback import write_all

LAB = "laboratoire_01"
FOLDER = ".demo"

# The wrong answers of two students; the other exercises are right.
MISTAKES = {
    "chloé": {
        "hinge_loss": (  # the right class is counted too
            "def hinge_loss(scores, target):\n"
            "    own = scores.gather(1, target.unsqueeze(1))\n"
            "    return (1 - own + scores).clamp(min=0).sum(1).mean()\n"
        ),
        "softmax_loss": (  # right for small scores only
            "def softmax_loss(scores, target):\n"
            "    total = scores.exp().sum(1).log()\n"
            "    return (total - scores[torch.arange(len(target)), target]).mean()\n"
        ),
        "SimpleLinear": (  # parameters that no optimiser will see
            "class SimpleLinear(nn.Module):\n"
            "    def __init__(self, n_in, n_out):\n"
            "        super().__init__()\n"
            "        self.weight = 0.01 * torch.randn(n_out, n_in)\n"
            "        self.bias = torch.zeros(n_out)\n\n"
            "    def forward(self, x):\n"
            "        return x @ self.weight.T + self.bias\n"
        ),
    },
    "david": {
        "epoch_batches": (  # drawn with replacement
            "def epoch_batches(n, batch_size):\n"
            "    return list(torch.randint(n, (n,)).split(batch_size))\n"
        ),
        "train_one_epoch": (  # gradients are never reset
            "def train_one_epoch(model, optimizer, loss_function, batches):\n"
            "    losses = []\n"
            "    for x, y in batches:\n"
            "        loss = loss_function(model(x), y)\n"
            "        loss.backward()\n"
            "        optimizer.step()\n"
            "        losses.append(loss.item())\n"
            "    return sum(losses) / len(losses)\n"
        ),
        "normalize": (  # the test by its own statistics
            "def normalize(train_input, test_input):\n"
            "    def alone(x):\n"
            "        std, mean = torch.std_mean(x, (0, 2, 3), keepdim=True)\n"
            "        return (x - mean) / std\n\n"
            "    return alone(train_input), alone(test_input)\n"
        ),
    },
}


def run(console: Console) -> None:
    """Build, release, hand in, grade, write feedback; then show where everything is."""
    root = Course.here().root
    stages = _Stages(console)
    with stages("build and release"):
        lab = _lab(root)
    with stages("hand in"):
        _hand_in(lab)
    with stages("grade"):
        results = grade_with_progress(lab, EngineConfig())
    with stages("feedback"):
        feedback = write_all(lab)
    with stages("report"):
        page = report.write_page(lab, report.gather(lab))
    with stages("train a linear classifier"):
        accuracy, data = _train()
    table.show(LAB, results, console, late={})
    gradebook = lab.course.directory.db_url.removeprefix("sqlite:///")
    for line in (
        f"\nA linear classifier is right on [bold]{accuracy:.1f} %[/] ({data})",
        f"gradebook  {gradebook}",
        f"feedback   {feedback}/STUDENT/{LAB}/{LAB}.html",
        f"report     {page}",
        f"why?       cd {lab.course.root.name} && grader show chloé {LAB}",
    ):
        console.print(line, soft_wrap=True)
    stages.show()


class _Stages:
    """Announces each step and keeps how long it took."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self.seconds: dict[str, float] = {}

    @contextmanager
    def __call__(self, name: str) -> Iterator[None]:
        began = time.monotonic()
        self.console.print(f"[dim]{name}…[/]")
        yield
        self.seconds[name] = time.monotonic() - began

    def show(self) -> None:
        summary = Table(
            box=None, show_header=False, title="where the time went", title_justify="left"
        )
        for name, seconds in self.seconds.items():
            summary.add_row(name, f"{seconds:.1f} s")
        summary.add_row("[bold]total[/]", f"[bold]{sum(self.seconds.values()):.1f} s[/]")
        self.console.print(summary)


def _lab(root: Path) -> Lab:
    """The lab in the demonstration's course, released again only if its source changed."""
    folder = root / FOLDER
    (folder / "solutions").mkdir(parents=True, exist_ok=True)
    shutil.copy(root / CONFIG_FILE, folder)
    source = root / "solutions" / f"{LAB}.py"
    for path in filter(Path.exists, (source, record_path(source))):
        shutil.copy(path, folder / "solutions")
    lab = Course(folder).lab(LAB)
    changed = build(lab)
    if changed or not (folder / "gradebook.db").exists():
        release(lab, source_notebook(read_source(lab.source)))
    return lab


def _hand_in(lab: Lab) -> None:
    """Hand in the reference, the skeleton, two that are half right, and one that does not parse."""
    released = json.loads(lab.release.read_text("utf-8"))
    solved = _solved(released, lab.author_notebook())
    _submit(lab, "alice", json.dumps(solved))
    _submit(lab, "bruno", json.dumps(released))
    for student, answers in MISTAKES.items():
        _submit(lab, student, json.dumps(_with_answers(solved, answers)))
    _submit(lab, "émile", '{"cells": [ <<<<<<< HEAD')


def _solved(released: Notebook, author: Notebook) -> Notebook:
    """What students receive with every answer, as a student would have written it."""
    answers = {
        name: _as_written(cell) for name, cell in graded_cells(author).items() if is_solution(cell)
    }
    return _with_answers(released, answers)


def _as_written(cell: Cell) -> str:
    """The author's answer without what only authors write: markers, the barème."""
    if cell["cell_type"] == "markdown":
        points = cell["metadata"]["nbgrader"]["points"]
        return rubric.read(cell["source"], points, lambda *_: None).model
    return re.sub(r"(?m)^ *### (BEGIN|END) SOLUTION\n?", "", cell["source"])


def _with_answers(notebook: Notebook, answers: dict[str, str]) -> Notebook:
    changed = plain(notebook)
    for cell in changed["cells"]:
        cell["source"] = answers.get(grade_id(cell) or "", cell["source"])
    return changed


def _submit(lab: Lab, student: str, text: str) -> None:
    folder = lab.submission(student).submitted
    path = folder / lab.file_name
    if path.is_file() and path.read_text("utf-8") == text:
        return
    folder.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")
    now = datetime.now(UTC)
    (folder / "timestamp.txt").write_text(f"{now:%Y-%m-%d %H:%M:%S.%f} UTC")


def _train() -> tuple[float, str]:
    """Train a linear classifier; its test accuracy in percent, and a description of the data."""
    import torch

    import labo

    device = labo.device()
    data = labo.load_dataset("mnist", small=(60_000, 10_000)).flattened().to(device)
    torch.manual_seed(0)
    model = torch.nn.Linear(data.train_input.shape[1], len(data.classes)).to(device)
    train, test = (data.train_input, data.train_target), (data.test_input, data.test_target)
    labo.train(model, train, epochs=5, lr=0.2, verbose=False)
    seen = f"{data.name}: learnt {len(data.train_input)} images, tried on {len(data.test_input)}"
    return labo.evaluate(model, test)["accuracy"], seen
