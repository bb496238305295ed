"""A class with a late policy, and all that grading writes of it into the gradebook."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from nbgrader.api import Comment, Grade

from grader.course import Course
from tests.support.course_cases import LAB, WRONG, answered, make_course, submit

LATE_POLICY = """
from nbgrader.plugins import BasePlugin

class OnePointLess(BasePlugin):
    def late_submission_penalty(self, student_id, score, total_seconds_late):
        return 1.0

c.AssignLatePenalties.plugin_class = OnePointLess
"""
# Stock nbgrader sanitises and runs the notebooks itself; the rest of the configuration stays.
STOCK = """
del c.Autograde.sanitize_preprocessors, c.Autograde.autograde_preprocessors
"""


def an_honest_class(folder: Path, extra: str = "") -> Course:
    course = make_course(folder)
    with (course.root / "nbgrader_config.py").open("a") as config:
        config.write(LATE_POLICY + extra)
    with course.gradebook() as gradebook:
        gradebook.update_or_create_assignment(LAB, duedate=datetime(2026, 12, 1))
        gradebook.add_student("zoé", first_name="Zoé", email="zoe@example.org")
    released = (course.root / "labs" / LAB / f"{LAB}.ipynb").read_text("utf-8")
    submit(course, "alice", answered(course))
    submit(course, "bruno", released)
    submit(course, "carla", answered(course, standardize=WRONG, q1="Parce que c'est mieux."))
    late = submit(course, "zoé", answered(course))
    (late / "timestamp.txt").write_text("2026-12-02 10:00:00 UTC")
    (late / "notes.txt").write_text("à lire")
    return course


def rows(course: Course) -> dict:
    """Everything that autograding writes, without identifiers."""
    with course.gradebook() as gradebook:
        students = [(s.id, s.first_name, s.last_name, s.email) for s in gradebook.students]
        found = {"students": sorted(students, key=str)}
        for submission in gradebook.assignment_submissions(LAB):
            (notebook,) = submission.notebooks
            grades = gradebook.db.query(Grade).filter(Grade.notebook_id == notebook.id)
            comments = gradebook.db.query(Comment).filter(Comment.notebook_id == notebook.id)
            found[submission.student.id] = {
                "submission": (submission.timestamp, submission.extension),
                "notebook": (notebook.name, notebook.late_submission_penalty, notebook.flagged),
                "grades": sorted(
                    (g.cell.name, g.auto_score, g.manual_score, g.needs_manual_grade)
                    for g in grades
                ),
                "comments": sorted(
                    (c.cell.name, c.auto_comment, c.manual_comment) for c in comments
                ),
            }
        return found
