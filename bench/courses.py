"""Public nbgrader courses, graded here in both modes and by stock nbgrader, cell by cell.

    python bench/courses.py ~/courses                     # all of them: many minutes
    python bench/courses.py ~/courses owner+name --only hw # one course, and some assignments
    python bench/courses.py ~/courses --record            # and write bench/records/courses.md

A folder of courses has one folder for each, `owner+name`: a tree of files, or a git directory (also
`owner+name/repo`), of which the newest commit is read. An assignment is a folder that has source
notebooks: with tests, and solutions that have not been cleared. Each is given to two students: `honest` hands in
what was released with the source's solutions, `skeleton` what was released. Stock nbgrader
releases and grades them in one copy of the course, `grader autograde` in two others.

What was measured is kept in `FOLDER/.measured`, and is not measured again. What a course imports
must be installed; it exits with 1 when a cell differs by a mistake (`KINDS`).
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from io import BytesIO
from pathlib import Path
from typing import Any, Final

import nbformat
from nbgrader.api import Gradebook, MissingEntry
from nbgrader.apps import NbGraderAPI
from traitlets.config import PyFileConfigLoader

from grader.course import Course
from grader.grading.results import graded_parts, read_results
from grader.notebook import is_test, with_last_schema

ROOT = Path(__file__).parents[1]
RECORD = ROOT / "bench" / "records" / "courses.md"
STOCK = "stock"
MODES = ("isolated", "shared")
STUDENTS = ("honest", "skeleton")
CONFIG = "c = get_config()\nc.Execute.timeout = 60\n"
_MARK = re.compile(r"^\s*### (BEGIN|END) SOLUTION.*\n?", re.MULTILINE)
# What grading says of a cell that differs (a regular expression): the kind, or "" for a mistake.
KINDS: Final[tuple[tuple[str, str], ...]] = ()
NOT_INTENDED = "**not intended**"


@dataclass(frozen=True)
class Difference:
    """One test cell that has other points here than in stock nbgrader."""

    cell: str
    """assignment/notebook/grade_id"""
    student: str
    mode: str
    stock: float
    here: float
    said: str
    """What grading said of it."""

    @property
    def kind(self) -> str:
        return next((kind for words, kind in KINDS if re.search(words, self.said)), NOT_INTENDED)


@dataclass
class Measured:
    """One assignment."""

    notebooks: int = 0
    obstacle: str = ""
    """What keeps stock nbgrader from grading it."""
    cells: dict[str, int] = field(default_factory=dict)
    """By student: the test cells that stock has graded."""
    earned: dict[str, float] = field(default_factory=dict)
    """By student: the part of the points in stock nbgrader."""
    differences: list[Difference] = field(default_factory=list)


# ---- What there is


def unpacked(folder: Path, to: Path) -> str:
    """Put a course's files into a folder; the commit that they are of, "" for a plain tree."""
    names = (folder / "repo" / ".git", folder / "repo", folder / ".git", folder)
    found = [path for path in names if (path / "HEAD").is_file()]
    if not found:
        shutil.copytree(folder, to, dirs_exist_ok=True)
        return ""
    git = ["git", "--git-dir", str(found[0])]
    listed = subprocess.run([*git, "ls-tree", "-rz", "HEAD"], capture_output=True, check=True).stdout
    entries = [entry.decode().partition("\t") for entry in listed.split(b"\0") if entry]
    files = [(words.split()[2], name) for words, _, name in entries if words.startswith("100")]
    wanted = "".join(f"{blob}\n" for blob, _ in files).encode()
    blobs = subprocess.run([*git, "cat-file", "--batch"], input=wanted, capture_output=True).stdout
    out = BytesIO(blobs)
    for _, name in files:
        head = out.readline().split()
        if head[1] != b"missing":  # snapshots leave large files out
            (to / name).parent.mkdir(parents=True, exist_ok=True)
            (to / name).write_bytes(out.read(int(head[2])))
            out.readline()
    shown = subprocess.run([*git, "rev-parse", "HEAD"], capture_output=True, text=True, check=True)
    return shown.stdout.strip()


def sources(tree: Path) -> list[Path]:
    """The source notebooks of a course: those in the first `source` folder, if it has one."""
    read = {path: _read(path) for path in sorted(tree.rglob("*.ipynb"))}
    found = [path for path, cells in read.items() if _is_source(path, cells)]
    roots = sorted((p.parents[i] for p in found for i in range(1, len(p.relative_to(tree).parts))
                    if p.parents[i].name == "source"), key=lambda p: len(p.parts))
    if roots:
        found = [path for path in found if path.is_relative_to(roots[0])]
    once = {_digest(read[path]): path for path in reversed(found)}
    return sorted(once.values())


def _read(path: Path) -> list[dict[str, Any]]:
    try:
        cells = json.loads(path.read_text("utf-8")).get("cells", [])
    except (OSError, ValueError):
        return []
    for cell in cells:
        cell["source"] = "".join(cell["source"])
    return cells


def _is_source(path: Path, cells: list[dict[str, Any]]) -> bool:
    tests = [cell["metadata"]["nbgrader"] for cell in cells if is_test(cell)]
    if not tests or any("checksum" in meta for meta in tests) or ".ipynb_checkpoints" in path.parts:
        return False
    return any("BEGIN SOLUTION" in cell["source"] for cell in cells)


def _digest(cells: list[dict[str, Any]]) -> str:
    code = [cell["source"] for cell in cells if cell["cell_type"] == "code"]
    return hashlib.sha256(json.dumps(code).encode()).hexdigest()


# ---- A course of one assignment


def laid_out(name: str, notebooks: list[Path], folder: Path) -> Path:
    """A course's folder with this assignment, and the files beside its notebooks."""
    source = folder / "source" / name
    for path in notebooks[0].parent.rglob("*"):
        inside = path.relative_to(notebooks[0].parent)
        hidden = any(part.startswith(".") for part in inside.parts)
        if path.is_file() and path.suffix != ".ipynb" and not hidden:
            (source / inside).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, source / inside)
    for path in notebooks:
        source.mkdir(parents=True, exist_ok=True)
        book = json.loads(path.read_text("utf-8"))
        if _language(book) == "python":  # of whatever environment its author had
            book["metadata"]["kernelspec"] = {
                "name": "python3", "language": "python", "display_name": "Python 3",
            }
        (source / path.name).write_text(json.dumps(with_last_schema(book)), "utf-8")
    (folder / "nbgrader_config.py").write_text(CONFIG)
    return folder


def _language(book: dict[str, Any]) -> str:
    meta = book["metadata"]
    spec = meta.get("kernelspec", {})
    named = spec.get("language") or meta.get("language_info", {}).get("name") or spec.get("name", "")
    return "python" if "py" in named.lower() or not named else named


def hand_in(course: Path, name: str) -> None:
    """The skeleton as it was released, and with the source's own solutions."""
    for student in STUDENTS:
        shutil.copytree(course / "release" / name, course / "submitted" / student / name)
    for path in (course / "submitted" / "honest" / name).glob("*.ipynb"):
        book = nbformat.read(path, 4)
        author = nbformat.read(course / "source" / name / path.name, 4)
        answers = {
            cell.metadata.nbgrader.grade_id: _MARK.sub("", cell.source)
            for cell in author.cells
            if cell.metadata.get("nbgrader", {}).get("solution")
        }
        for cell in book.cells:
            meta = cell.metadata.get("nbgrader", {})
            cell.source = answers.get(meta.get("grade_id"), cell.source)
        nbformat.write(book, path)


# ---- Its grades


def stock_nbgrader(course: Path) -> NbGraderAPI:
    """nbgrader as it comes, for the course in a folder."""
    config = PyFileConfigLoader("nbgrader_config.py", path=str(course)).load_config()
    config.CourseDirectory.root = str(course)
    return NbGraderAPI(config=config)


def grader(course: Path, *words: str) -> str:
    """Run `grader` in the course's folder; what it said on stderr."""
    environment = os.environ | {
        "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
    }
    command = [sys.executable, "-c", "from grader.cli import app; app()", *words]
    return subprocess.run(
        command, cwd=course, env=environment, capture_output=True, text=True
    ).stderr


def grades(course: Path, name: str) -> dict[tuple[str, str], tuple[float | None, float]]:
    """By student and test cell, `notebook/grade_id`: the points, and of how many."""
    found = {}
    with Gradebook(f"sqlite:///{course}/gradebook.db") as gradebook:
        for student in STUDENTS:
            try:
                submission = gradebook.find_submission(name, student)
            except MissingEntry:
                continue
            for notebook in submission.notebooks:
                for grade in notebook.grades:
                    if grade.cell.cell_type == "code" and grade.auto_score is not None:
                        cell = f"{notebook.name}/{grade.name}"
                        found[student, cell] = grade.auto_score, grade.max_score
    return found


def said(course: Path, name: str) -> dict[tuple[str, str], str]:
    """By student and test cell: the verdict's message, and what was told to the instructor."""
    told = {}
    for part in graded_parts(Course(course).lab(name)):
        for result in read_results(part):
            for verdict in result.outcome.report.verdicts:
                about = [i for i in result.attention if verdict.grade_id in i]
                told[result.student, f"{part.notebook_name}/{verdict.grade_id}"] = " | ".join(
                    [verdict.status, verdict.message, *about])
    return told


def measured(name: str, notebooks: list[Path]) -> Measured:
    """Grade one assignment three times."""
    one = Measured(len(notebooks))
    with tempfile.TemporaryDirectory() as work:
        stock = laid_out(name, notebooks, Path(work) / STOCK)
        nbgrader = stock_nbgrader(stock)
        done = nbgrader.generate_assignment(name)
        if not done["success"]:
            one.obstacle = _last_error(done["log"])
            return one
        hand_in(stock, name)
        for mode in MODES:
            shutil.copytree(stock, Path(work) / mode)
        done = [nbgrader.autograde(name, student) for student in STUDENTS]
        expected = grades(stock, name)
        one.obstacle = "" if expected else _last_error(done[0]["log"])
        for student in STUDENTS:
            points = [p for (who, _), p in expected.items() if who == student]
            one.cells[student] = len(points)
            total = sum(most for _, most in points)
            one.earned[student] = sum(got or 0 for got, _ in points) / total if total else 0.0
        for mode in MODES:
            one.differences += _differences(Path(work) / mode, name, mode, expected)
    return one


def _differences(course: Path, name: str, mode: str, expected: dict[Any, Any]) -> Iterator[Difference]:
    told = grader(course, "autograde", name, f"--{mode}")
    found = grades(course, name)
    words = said(course, name)
    for (student, cell), (points, _) in expected.items():
        here = found.get((student, cell), (-1.0, 0))[0]
        if here != points:
            why = words.get((student, cell)) or _last_error(told)
            yield Difference(f"{name}/{cell}", student, mode, points, here, why)


def _last_error(text: str) -> str:
    lines = [line for line in text.splitlines() if line.strip()]
    errors = [l for l in lines if re.search(r"(Error|Exception)\b.*:", l)] or lines
    return errors[-1].strip()[:300] if errors else "?"


# ---- All of it


def courses(folder: Path, names: list[str]) -> list[Path]:
    return [path for path in sorted(folder.glob("[!.]*")) if path.is_dir() and (
        not names or path.name in names)]


def measure(path: Path, kept: Path, only: str) -> dict[str, Any]:
    """What is known of a course, with each of its assignments that was measured."""
    with tempfile.TemporaryDirectory() as work:
        commit = unpacked(path, Path(work))
        known = json.loads(kept.read_text()) if kept.is_file() else {}
        if known.get("commit") != commit:
            known = {"course": path.name.replace("+", "/", 1), "commit": commit, "assignments": {}}
        by_folder: dict[Path, list[Path]] = {}
        for notebook in sources(Path(work)):
            by_folder.setdefault(notebook.parent, []).append(notebook)
        for parent, notebooks in by_folder.items():
            name = re.sub(r"\W+", "_", str(parent.relative_to(work))).strip("_")
            if name in known["assignments"] or not re.search(only, name):
                continue
            print(f"{known['course']} {name} ...", flush=True)
            known["assignments"][name] = asdict(measured(name, notebooks))
            kept.parent.mkdir(exist_ok=True)
            kept.write_text(json.dumps(known, indent=1, ensure_ascii=False))
    return known


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("courses", nargs="*", help="owner+name; all by default")
    parser.add_argument("--only", default="", help="assignments: a regular expression")
    parser.add_argument("--record", action="store_true", help=f"write {RECORD.name}")
    options = parser.parse_args()
    path = os.pathsep.join([sysconfig.get_path("scripts"), os.environ["PATH"]])  # for alembic
    os.environ |= {"OMP_NUM_THREADS": "1", "MPLBACKEND": "agg", "PATH": path}
    found = [measure(path, options.folder / ".measured" / f"{path.name}.json", options.only)
             for path in courses(options.folder, options.courses)]
    for one in found:
        for name, a in one["assignments"].items():
            print(one["course"], name, a["notebooks"], a["cells"], a["earned"], a["obstacle"])
            for d in a["differences"]:
                print("    ", d["cell"], d["student"], d["mode"], d["stock"], d["here"], d["said"][:200])
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
