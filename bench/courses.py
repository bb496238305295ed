"""Public nbgrader courses, graded here in both modes and by stock nbgrader, cell by cell.

    python bench/courses.py ~/courses                     # all of them: many minutes
    python bench/courses.py ~/courses owner+name --only hw # one course, and some assignments
    python bench/courses.py ~/courses --record            # and write bench/records/courses.md

A folder of courses has one folder for each, `owner+name`: a tree of files, or a git directory (also
`owner+name/repo`), of which the newest commit is read. An assignment is a folder that has source
notebooks: with tests, and solutions that have not been cleared. Two students hand each in: `honest`
what was released with the source's solutions, `skeleton` what was released. Stock nbgrader
releases and grades them in one copy of the course, `grader autograde` in two others.

What was measured is kept in `FOLDER/.measured`, and is not measured again. What a course imports
must be installed; it exits with 1 when a cell differs by a mistake (`KINDS`).
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import sysconfig
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Final

import nbformat
import nbgrader
from course_trees import STUDENTS, hand_in, laid_out, sources, unpacked
from nbgrader.api import Gradebook, MissingEntry
from nbgrader.apps import NbGraderAPI
from traitlets.config import PyFileConfigLoader

from grader.course import Course, Lab
from grader.engine import Engine, EngineConfig, Mode
from grader.errors import GraderError
from grader.grading.autograde import autograde
from grader.grading.results import Result
from grader.notebook import grade_id

ROOT = Path(__file__).parents[1]
RECORD = ROOT / "bench" / "records" / "courses.md"
STOCK = "stock"
MODES = ("isolated", "shared")
# What grading says of a cell that differs (a regular expression), and what kind of test it is. All
# are in docs/engine.md, "Writing tests"; without words here, a difference is a mistake of ours.
KINDS: Final = (
    ("getsource", "the text of student code: `inspect.getsource`"),
    ("functions of the notebook look up", "a function of the notebook reads the test's variable"),
    (r"In\[|dir\(\)|globals\(\)", "the kernel itself: `In`, `dir()`, `globals()`"),
    ("would be given without its", "an argument that watches what is done with it"),
    ("none of the author's files", "a file that the notebook wrote"),
    ("il faut un booléen", "an object or a class as a truth: `assert Box`"),
    ("au lieu d'un nombre entre", "the last value is no number from 0 to the points"),
    ("une valeur que le test puisse lire", "a result of pandas or another library as a whole"),
    ("stock saw stderr", "a warning on stderr, for which stock nbgrader gives 0"),
    ("the answer key itself has", "another thing that the answer key loses too, and is told"),
    ("^error", "another test that is refused, and told"),
)
NOT_INTENDED = "**not intended**"
TITLE = f"""# Public nbgrader courses, beside stock nbgrader {nbgrader.__version__}

`python bench/courses.py FOLDER --record` writes this page. Two students hand in each assignment:
the source's own solutions, and what was released. "Cells" are the test cells of both that stock
nbgrader graded; the last columns, how many of them have the very same points here. Tests without
points got one. Each kind of difference is in [engine.md](../../docs/engine.md#writing-tests), and
told by `grader adopt`, by `grader rehearse` and at grading.
"""
NOTES = "\n## Notes\n"
"""What stands below it in the record was written by a person, and is kept."""


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


# ---- Its grades


def stock_nbgrader(course: Path) -> NbGraderAPI:
    """nbgrader as it comes, for the course in a folder."""
    config = PyFileConfigLoader("nbgrader_config.py", path=str(course)).load_config()
    config.CourseDirectory.root = str(course)
    return NbGraderAPI(config=config)


class LentEngine(Engine):
    """An engine that goes on while notebooks want the same: a start imports torch twice."""

    started: ClassVar[dict[Mode, tuple[EngineConfig, ExitStack, Engine]]] = {}

    def __enter__(self) -> Engine:
        wanted = self.config
        known, stack, engine = self.started.get(wanted.mode, (None, ExitStack(), self))
        if known != wanted:
            stack.close()
            engine = stack.enter_context(Engine(wanted))
            self.started[wanted.mode] = wanted, stack, engine
        vars(self).update(vars(engine))
        return self

    def __exit__(self, *_: object) -> None:
        pass

    @classmethod
    def end(cls) -> None:
        for _, stack, _ in cls.started.values():
            stack.close()


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


def said(part: Lab, results: list[Result]) -> dict[tuple[str, str], str]:
    """By student and test cell: the verdict's message, and what was told to the instructor."""
    told = {}
    for result in results:
        code = [c for c in result.outcome.notebook["cells"] if c["cell_type"] == "code"]
        numbers = {grade_id(cell): number for number, cell in enumerate(code, 1)}
        for verdict in result.outcome.report.verdicts:
            name = verdict.grade_id
            starts = (f"{name}:", f"cell {numbers.get(name)}:", f"cell {numbers.get(name)} ")
            about = [words for words in result.attention if words.startswith(starts)]
            words = " | ".join([verdict.status, verdict.message, *about])
            told[result.student, f"{part.notebook_name}/{name}"] = words
    return told


def measured(name: str, notebooks: list[Path]) -> Measured:
    """Grade one assignment three times."""
    one = Measured(len(notebooks))
    with tempfile.TemporaryDirectory() as work:
        stock = laid_out(name, notebooks, Path(work) / STOCK)
        api = stock_nbgrader(stock)
        done = api.generate_assignment(name)
        if not done["success"]:
            one.obstacle = _last_error(done["log"])
            return one
        hand_in(stock, name)
        for mode in MODES:
            shutil.copytree(stock, Path(work) / mode)
        done = [api.autograde(name, student) for student in STUDENTS]
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


def _differences(
    course: Path, name: str, mode: str, expected: dict[Any, Any]
) -> Iterator[Difference]:
    words, refused = {}, ""
    for part in Course(course).lab(name).parts:
        try:
            results = autograde(
                part, EngineConfig(mode=Mode(mode), workers=2), make_engine=LentEngine
            )
            words |= said(part, results)
        except GraderError as error:
            refused = str(error)
    found = grades(course, name)
    for (student, cell), (points, _) in expected.items():
        here = found.get((student, cell), (-1.0, 0))[0]
        if here != points:
            why = words.get((student, cell)) or refused
            why += " | stock saw stderr" * _warned(course.with_name(STOCK), name, student, cell)
            yield Difference(f"{name}/{cell}", student, mode, points, here, why)


def _warned(course: Path, name: str, student: str, cell: str) -> bool:
    """True if a test wrote to stderr in stock nbgrader."""
    notebook, wanted = cell.split("/", 1)
    path = course / "autograded" / student / name / f"{notebook}.ipynb"
    cells = nbformat.read(path, 4)["cells"]
    outputs = (out for one in cells if grade_id(one) == wanted for out in one["outputs"])
    return any(out.get("name") == "stderr" for out in outputs)


def _last_error(text: str) -> str:
    lines = [line for line in text.splitlines() if line.strip()]
    errors = [line for line in lines if re.search(r"(Error|Exception)\b.*:", line)] or lines
    return errors[-1].strip()[:300] if errors else "?"


# ---- All of it


def courses(folder: Path, names: list[str]) -> list[Path]:
    return [
        path
        for path in sorted(folder.glob("[!.]*"))
        if path.is_dir() and (not names or path.name in names)
    ]


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
            notebooks = [each for each in notebooks if re.search(only, f"{name}/{each.stem}")]
            if name in known["assignments"] or not notebooks:
                continue
            print(f"{known['course']} {name} ...", flush=True)
            known["assignments"][name] = asdict(measured(name, notebooks))
            kept.parent.mkdir(exist_ok=True)
            kept.write_text(json.dumps(known, indent=1, ensure_ascii=False))
    return known


# ---- The record


def table(found: list[dict[str, Any]]) -> list[str]:
    """A row for each course, then its differences by kind, and what was kept out."""
    rows = [
        "| course | assignments | notebooks | cells | isolated | shared |",
        "|---|---|---|---|---|---|",
    ]
    told: list[str] = []
    for one in found:
        graded = {n: a for n, a in one["assignments"].items() if any(a["cells"].values())}
        cells = sum(sum(a["cells"].values()) for a in graded.values())
        differ = [Difference(**d) for a in graded.values() for d in a["differences"]]
        same = (f"{cells - sum(d.mode == mode for d in differ)}" for mode in MODES)
        books = sum(a["notebooks"] for a in graded.values())
        name = f"`{one['course']}` {one['commit'][:7]}"
        rows.append(f"| {name} | {len(graded)} | {books} | {cells} | {' | '.join(same)} |")
        told += _told(one, graded, differ)
    return [*rows, "", *told]


def _told(one: dict[str, Any], graded: dict[str, Any], differ: list[Difference]) -> list[str]:
    kinds = Counter((d.kind, d.mode, d.student) for d in differ)
    lines = [f"- {n} × {kind} ({mode}, {who})" for (kind, mode, who), n in kinds.most_common()]
    lines += [
        f"- {name}: stock gives the solutions {a['earned']['honest']:.0%} of the points"
        for name, a in graded.items()
        if a["earned"]["honest"] < 1
    ]
    lines += [
        f"- {name}: kept out, `{a['obstacle']}`"
        for name, a in one["assignments"].items()
        if name not in graded
    ]
    return [f"`{one['course']}`:", "", *lines, ""] if lines else []


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("courses", nargs="*", help="owner+name; all by default")
    parser.add_argument("--only", default="", help="a regular expression of assignment/notebook")
    parser.add_argument("--shown", action="store_true", help="measure nothing more")
    parser.add_argument("--record", action="store_true", help=f"write {RECORD.name}")
    options = parser.parse_args()
    path = os.pathsep.join([sysconfig.get_path("scripts"), os.environ["PATH"]])  # for alembic
    os.environ |= {"OMP_NUM_THREADS": "1", "MPLBACKEND": "agg", "PATH": path}
    kept = options.folder / ".measured"
    if not options.shown:
        for course in courses(options.folder, options.courses):
            measure(course, kept / f"{course.name}.json", options.only)
    found = [json.loads(each.read_text("utf-8")) for each in sorted(kept.glob("*.json"))]
    text = "\n".join(table(found))
    print(text)
    if options.record:
        _, mark, notes = (
            RECORD.read_text("utf-8").partition(NOTES) if RECORD.is_file() else ("",) * 3
        )
        RECORD.write_text(f"{TITLE}\n{text.rstrip()}\n{mark}{notes}", "utf-8")
    return NOT_INTENDED in text


if __name__ == "__main__":
    try:
        raise SystemExit(main())
    finally:
        LentEngine.end()
