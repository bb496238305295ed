"""A class that never was: graded labs of as many students as one likes, with real ones' patterns.

Nothing is run. Who is able, which exercises are hard, which of the author's messages are met, who
hands in late, falls or stops, is drawn with a seed; `record` writes it as grading would.

    python tests/support/invented_class.py FOLDER [SIZE]    # then, in FOLDER:
    grader report laboratoire_03
"""

from __future__ import annotations

import ast
import math
import random
import shutil
import sys
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT)]

from grader.authoring.build import build  # noqa: E402
from grader.authoring.notebooks import source_notebook  # noqa: E402
from grader.authoring.reading import read_source  # noqa: E402
from grader.authoring.release import release  # noqa: E402
from grader.course import Course  # noqa: E402
from grader.engine import Mode, Outcome, Report, Status, Verdict, french  # noqa: E402
from grader.grading.intake import unreadable_notebook  # noqa: E402
from grader.grading.record import record  # noqa: E402
from grader.grading.results import Result, write_result  # noqa: E402
from grader.grading.submission import Problem  # noqa: E402
from grader.notebook import Notebook, grade_id, is_test  # noqa: E402

FIRST_DUE = datetime(2026, 9, 18, 3, 59)
NAMES = "alice bruno chloé david émile fatou gaël hélène inès jules karim léa mathis noor olivier"
LATE_POLICY = """
from nbgrader.plugins import BasePlugin

class TenthOfAPointPerHour(BasePlugin):
    def late_submission_penalty(self, student_id, score, total_seconds_late):
        return round(min(score, total_seconds_late / 36_000), 1)

c.AssignLatePenalties.plugin_class = TenthOfAPointPerHour
"""
ERRORS = [
    ("RuntimeError", "The size of tensor a (3) must match the size of tensor b (5) at dimension 1"),
    ("NameError", "name 'np' is not defined"),
    ("TypeError", "unsupported operand type(s) for *: 'NoneType' and 'float'"),
]


def invent(folder: Path, sources: Sequence[Path], size: int = 200, seed: int = 0) -> Course:
    """A course in which these labs are graded, a week apart."""
    draw = random.Random(seed)
    course = _course(folder, sources)
    names = NAMES.split()
    students = [f"{names[n % len(names)]}{n // len(names) or ''}" for n in range(size)]
    with course.gradebook() as gradebook:
        for student in students:
            gradebook.add_student(student)
    ability = {student: draw.gauss(1.0, 0.9) for student in students}
    slope = {student: draw.choice([0] * 14 + [-1.3]) for student in students}
    end = {s: draw.choice([len(sources)] * 30 + [len(sources) - 1, 1]) for s in students}
    for week, source in enumerate(sources):
        there = [s for s in students if week < end[s] and draw.random() > 0.03]
        levels = {student: ability[student] + week * slope[student] for student in there}
        _hand_in(course, source.stem, week, levels, draw)
    return course


def _course(folder: Path, sources: Sequence[Path]) -> Course:
    (folder / "solutions").mkdir(parents=True)
    config = (ROOT / "nbgrader_config.py").read_text() + LATE_POLICY
    (folder / "nbgrader_config.py").write_text(config)
    course = Course(folder)
    for week, source in enumerate(sources):
        shutil.copy(source, folder / "solutions")
        lab = course.lab(source.stem)
        build(lab)
        due = FIRST_DUE + timedelta(weeks=week)
        release(lab, source_notebook(read_source(lab.source)), due)
    return course


def _hand_in(
    course: Course, lab: str, week: int, levels: dict[str, float], draw: random.Random
) -> None:
    source = course.lab(lab).author_notebook()
    hints = {grade_id(c): _hints(c["source"]) for c in source["cells"] if is_test(c)}
    difficulty = {test: draw.gauss(-0.3, 0.7) for test in hints}
    for student in levels:
        before = draw.expovariate(1 / 20) if draw.random() > 0.06 else -draw.expovariate(1 / 9)
        folder = course.lab(lab).submission(student).submitted
        folder.mkdir(parents=True)
        moment = FIRST_DUE + timedelta(weeks=week, hours=-before)
        (folder / "timestamp.txt").write_text(f"{moment:%Y-%m-%d %H:%M:%S} UTC")
    results = [
        _result(student, level, source, hints, difficulty, draw)
        for student, level in levels.items()
    ]
    for result in results:
        write_result(course.lab(lab).results, result)
    record(course.lab(lab), results)
    _mark_by_hand(course, lab, levels, draw)


def _hints(text: str) -> list[str]:
    """The messages of a test's assertions."""
    found = []
    for node in ast.walk(ast.parse(text)):
        values = [node.msg] if isinstance(node, ast.Assert) else []
        values += [node.value] if isinstance(node, ast.keyword) and node.arg == "msg" else []
        found += [v.value for v in values if isinstance(v, ast.Constant)]
        found += [_filled(v) for v in values if isinstance(v, ast.JoinedStr)]
    return found or [french.failed()]


def _filled(text: ast.JoinedStr) -> str:
    return "".join(v.value if isinstance(v, ast.Constant) else "1,95" for v in text.values)


def _result(
    student: str,
    level: float,
    source: Notebook,
    hints: dict[str, list[str]],
    difficulty: dict[str, float],
    draw: random.Random,
) -> Result:
    luck = draw.random()
    problems: tuple[Problem, ...] = ()
    incidents: tuple[str, ...] = ()
    if luck < 0.02:
        why = Problem("not valid JSON: Expecting value: line 1 column 13 (char 12)", "Illisible.")
        verdicts = tuple(Verdict(test, Status.NOT_RUN, 0, _points(source, test)) for test in hints)
        return Result(
            student, "", (why,), Outcome(student, unreadable_notebook(source), Report(verdicts))
        )
    if luck < 0.04:
        incidents = ("cell 14: stopped after 60 s",)
    elif luck < 0.05:
        incidents = ("ended by the watch: more than 2048 MB",)
    elif luck < 0.07:
        problems = (Problem("missing: the answer cell fuse was deleted; inserted again", "..."),)
    verdicts = tuple(
        _verdict(test, number, level, difficulty[test], hints[test], _points(source, test), draw)
        for number, test in enumerate(hints)
    )
    seconds = round(4 + draw.expovariate(1 / 2) + (60 if "cell 14" in str(incidents) else 0), 2)
    report = Report(verdicts, incidents, Mode.ISOLATED, "namespaces", "invented", seconds, 420.0)
    notebook = unreadable_notebook(source)
    for cell in notebook["cells"]:
        if cell["cell_type"] == "markdown":
            cell["source"] = "Parce que."
    return Result(student, "", problems, Outcome(student, notebook, report))


def _verdict(
    test: str,
    number: int,
    level: float,
    difficulty: float,
    hints: list[str],
    points: float,
    draw: random.Random,
) -> Verdict:
    seconds = round(draw.expovariate(1 / 0.02), 3)
    if draw.random() < 1 / (1 + math.exp(1.8 * (difficulty - level))):
        return Verdict(test, Status.PASSED, points, points, "", seconds)
    name = test.removeprefix("test_")
    if draw.random() < 0.04 * number:
        message = french.raised("NotImplementedError", f"exercice : {name}", "  File ...")
    elif draw.random() < 0.15:
        message = french.raised(*draw.choice(ERRORS), "  File ...")
    else:
        message = hints[min(int(draw.expovariate(1 / 1.2)), len(hints) - 1)]
    return Verdict(test, Status.FAILED, 0, points, message, seconds)


def _points(source: Notebook, test: str) -> float:
    cell = next(cell for cell in source["cells"] if grade_id(cell) == test)
    return float(cell["metadata"]["nbgrader"]["points"])


def _mark_by_hand(course: Course, lab: str, levels: dict[str, float], draw: random.Random) -> None:
    with course.gradebook() as gradebook:
        for submission in gradebook.assignment_submissions(lab):
            if draw.random() < 0.1:
                continue
            for grade in submission.notebooks[0].grades:
                if grade.needs_manual_grade:
                    share = 1 / (1 + math.exp(-levels[submission.student_id] - draw.gauss(0, 1)))
                    grade.manual_score = round(2 * 2 * share) / 2
                    grade.needs_manual_grade = False
        gradebook.db.commit()


if __name__ == "__main__":
    everything = sorted((ROOT / "solutions").glob("laboratoire_0[1-3].py"))
    invent(Path(sys.argv[1]), everything, *map(int, sys.argv[2:]))
