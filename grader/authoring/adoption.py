"""A look at a course that was made for nbgrader: what works here as it is, and what it needs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from grader import settings
from grader.authoring.rehearsal import key_reports
from grader.course import CONFIG_FILE, Course, Lab
from grader.engine import Mode, Report, Status, Verdict
from grader.errors import GraderError
from grader.notebook import Notebook, graded_cells, is_test

LINES = """
# -- Graded by `grader`, in a sandbox: docs/from-nbgrader.md ------------------------------------
from grader.plugins import steps

steps.configure(c)
"""
_MARK = "steps.configure(c)"


@dataclass(frozen=True)
class Look:
    """One notebook of the course."""

    title: str
    tests: int
    files: int
    """Beside it."""
    points: float
    keys: dict[Mode, float]
    """What the source's own solutions earn."""
    failed: dict[Mode, int]
    """The tests that they do not pass, which may be worth no points."""
    obstacle: str = ""
    """Why it cannot be graded here at all."""
    losses: tuple[str, ...] = ()
    """What the solutions lose in isolated mode."""

    @property
    def advice(self) -> str:
        """The mode that suits, in words."""
        if self.obstacle:
            return self.obstacle
        if not self.tests:
            return "no tests: graded by a person"
        isolated, shared = (self.failed[mode] for mode in (Mode.ISOLATED, Mode.SHARED))
        if min(isolated, shared) == self.tests:
            return "its source has no solutions that pass a test: try a submission in both modes"
        if not isolated:
            return "isolated"
        if not shared:
            return "shared, or rewrite the tests named below"
        return "the solutions pass all tests in neither mode: do they run in Jupyter here?"


def course_at(path: Path) -> Course:
    """The course in a folder, which needs no configuration yet.

    Raises:
        GraderError: there is nothing of a course; with the folders below that have something.
    """
    course = Course(path.resolve())
    if not _is_course(course.root):
        below = [each for depth in ("*", "*/*") for each in sorted(course.root.glob(f"{depth}/"))]
        found = [str(path / each.relative_to(course.root)) for each in below if _is_course(each)]
        hint = f" There is one in {' and in '.join(found[:3])}." if found else ""
        raise GraderError(
            f"{path} has neither {CONFIG_FILE} nor source/: name a course's folder.{hint}"
        )
    return course


def _is_course(folder: Path) -> bool:
    return (folder / CONFIG_FILE).is_file() or (folder / "source").is_dir()


def looks(course: Course, names: Sequence[str] = ()) -> Iterator[Look]:
    """Each notebook of the course's source, or of the assignments named.

    Raises:
        GraderError: there is none, or one that is named does not exist.
    """
    folder = course.lab("*").notebook.parent.parent
    known = sorted(path.parent.name for path in folder.glob("[!.]*/[!.]*.ipynb"))
    if not known:
        raise GraderError(f"no notebook in {folder}: it needs a folder for each assignment")
    for name in names or dict.fromkeys(known):
        for lab in course.known_lab(name).parts:
            yield _look(lab)


def _look(lab: Lab) -> Look:
    try:
        source = lab.author_notebook()
        _check_known(source)
        files = len(lab.author_files().all)
        tests = sum(map(is_test, source["cells"]))
        reports = key_reports(lab) if tests else {}
    except GraderError as error:
        return Look(lab.title, 0, 0, 0.0, {}, {}, obstacle=str(error))
    keys = {mode: _score(reports[mode]) if reports else 0.0 for mode in Mode}
    points = sum(v.max_score for v in reports[Mode.ISOLATED].verdicts) if reports else 0.0
    failed = {mode: len(_failed(report)) for mode, report in reports.items()}
    solved = reports and failed[Mode.SHARED] < tests
    losses = _losses(reports[Mode.ISOLATED]) if solved else ()
    return Look(lab.title, tests, files, points, keys, failed, losses=losses)


def _check_known(source: Notebook) -> None:
    """Refuse a notebook that is nothing to nbgrader."""
    if graded_cells(source):
        return
    of_otter = any("ASSIGNMENT CONFIG" in cell["source"] for cell in source["cells"])
    raise GraderError(
        "otter's own format, which is not converted: docs/from-nbgrader.md says what corresponds"
        if of_otter
        else "no cell of it is graded"
    )


def _score(report: Report) -> float:
    return sum(verdict.score for verdict in report.verdicts)


def _failed(report: Report) -> list[Verdict]:
    return [verdict for verdict in report.verdicts if verdict.status is not Status.PASSED]


def _losses(report: Report) -> tuple[str, ...]:
    told = (f"{v.grade_id}: {v.message.partition(chr(10))[0][:200]}" for v in _failed(report))
    return (*told, *report.incidents)


def told_of_configuration(course: Course) -> list[str]:
    """What the course's configuration means here, in sentences."""
    config = course.config
    told = [f"{option}: has no effect here" for option in settings.ignored(config)]
    if seconds := settings.cell_seconds(config):
        told.append(f"c.Execute.timeout: kept, {seconds:g} s for a cell")
    if config.get("Autograde", {}).get("exclude_overwriting"):
        told.append("c.Autograde.exclude_overwriting: kept")
    if not is_configured(course):
        told.append(
            "plain `nbgrader autograde` and formgrader would still grade with stock nbgrader"
        )
    return told


def is_configured(course: Course) -> bool:
    """True if nbgrader's own commands grade here too."""
    steps = course.config.get("Autograde", {}).get("autograde_preprocessors", ())
    return any(str(step).endswith("grader.plugins.execute.Execute") for step in steps)


def configure(course: Course) -> Path:
    """Add to the course's configuration what makes nbgrader's own commands grade here."""
    path = course.root / CONFIG_FILE
    text = path.read_text("utf-8") if path.is_file() else "c = get_config()  # noqa: F821\n"
    if _MARK not in text:
        path.write_text(f"{text.rstrip()}\n{LINES}", "utf-8")
    return path
