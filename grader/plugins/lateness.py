"""nbgrader's late-submission plugin, with the policies that a course may pick by name.

`Refresh` stands after nbgrader's own step, which knows one submission only: extensions of
`extensions.csv` and the slip days of a term are then right after `nbgrader autograde` too, and a
student whom the class list writes in another case is one student.
"""

from __future__ import annotations

import math
from pathlib import Path

from nbconvert.exporters.exporter import ResourcesDict
from nbformat import NotebookNode
from nbgrader.coursedir import CourseDirectory
from nbgrader.plugins import LateSubmissionPlugin
from nbgrader.preprocessors import AssignLatePenalties
from traitlets import Enum, Float, Integer

_DAY = 86_400  # seconds


class LatePolicy(LateSubmissionPlugin):
    """The penalty of late work, as a part of its points.

    Lateness within the grace period is none; beyond, it is counted from the due date, in days that
    have begun.
    """

    penalty_method = Enum(
        ("none", "zero", "percent_per_day"),
        "none",
        help="none: late work is only marked; zero: it has no point; percent_per_day: see there.",
    ).tag(config=True)
    grace_minutes = Float(5.0, min=0, help="Lateness that costs nothing.").tag(config=True)
    percent_per_day = Float(
        10.0, min=0, max=100, help="Part of the points that each day begun takes away."
    ).tag(config=True)
    most_percent = Float(100.0, min=0, max=100, help="Part that lateness may take away.").tag(
        config=True
    )
    slip_days = Integer(
        0, min=0, help="Days of lateness, in a term, that cost a student nothing."
    ).tag(config=True)

    def late_submission_penalty(
        self, student_id: str, score: float, total_seconds_late: float
    ) -> float | None:
        """nbgrader's call: the points to take away, None for none."""
        return self.penalty(score, self.days_late(total_seconds_late))

    def days_late(self, seconds: float) -> int:
        """Days begun since the due date; 0 within the grace period."""
        return 0 if seconds <= 60 * self.grace_minutes else math.ceil(seconds / _DAY)

    def penalty(self, score: float, days: int) -> float | None:
        """The points that so many days take away from a score; None for none."""
        if days <= 0 or self.penalty_method == "none":
            return None
        if self.penalty_method == "zero":
            return score
        return round(score * min(self.most_percent, self.percent_per_day * days) / 100, 2)


class Refresh(AssignLatePenalties):
    """nbgrader's step; then the penalties of the whole term, which follow from one another."""

    def preprocess(
        self, nb: NotebookNode, resources: ResourcesDict
    ) -> tuple[NotebookNode, ResourcesDict]:
        from grader.course import Course
        from grader.grading import lateness
        from grader.grading.spelling import unite

        nb, resources = super().preprocess(nb, resources)
        course = Course(Path(CourseDirectory(config=self.config).root))
        with course.gradebook() as gradebook:
            unite(gradebook, [resources["nbgrader"]["student"]])
            lateness.refresh(course, gradebook)
            gradebook.db.commit()
        return nb, resources
