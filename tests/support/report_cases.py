"""Two exercises and a question, and results of them, for tests of what is said of a class."""

from grader.engine import Outcome, Report, Status, Verdict
from grader.grading.results import Result
from grader.reporting.statistics import Exercise

A, B = Exercise("a", {"test_a": 2.0}), Exercise("b", {"test_b_x": 1.0, "test_b_y": 3.0})
Q = Exercise("q1", {"q1": 2.0}, written=True)


def graded(student, *verdicts, incidents=(), problems=(), engine="1", seconds=1.0):
    done = Report(verdicts, incidents, engine=engine, seconds=seconds)
    return Result(student, "", problems, Outcome(student, {}, done))


def failed(test, message, status=Status.FAILED):
    return Verdict(test, status, 0.0, 1.0, message, 0.5)
