"""The numbers of a class, worked out by hand."""

from dataclasses import replace

import numpy as np
import pytest

from grader.reporting import statistics
from grader.reporting.statistics import Exercise, LabGrades, SubmissionGrades
from tests.support.report_cases import A, B, Q

# Ten students: four have both exercises, four neither, one has only a, one only b. So between the
# two, phi = (4·4 - 1·1) / √(5·5·5·5) = 0.6.
BOTH = [(1, 1)] * 4 + [(1, 0), (0, 1)] + [(0, 0)] * 4


def submission(student, a=0.0, b=0.0, **rest):
    return SubmissionGrades(student, {"test_a": a, "test_b_x": b, "test_b_y": 0.0}, **rest)


def test_the_summary_of_five():
    points = [(4, {}), (0, {}), (1, {}), (2, {"penalty": 5.0, "seconds_late": 60.0}), (3, {})]
    some = [submission(str(n), total, **rest) for n, (total, rest) in enumerate(points)]
    some[4] = replace(some[4], scores={**some[4].scores, "q1": 0.0}, waiting=frozenset({"q1"}))
    found = statistics.summary(some, max_score=8, expected=9, submitted=6)
    # Totals 0, 0, 1, 3, 4: a penalty takes no more than there is.
    assert (found.mean, found.median, found.quartiles) == (1.6, 1.0, (0.0, 3.0))
    assert (found.expected, found.submitted, found.graded, found.missing) == (9, 6, 5, 3)
    assert (found.waiting, found.late, found.most) == (1, 1, 8)


def test_discrimination_leaves_the_exercise_itself_out():
    some = [submission(str(n), 2 * a, b) for n, (a, b) in enumerate(BOTH)]
    first, second = statistics.by_exercise([A, B], some)
    assert (first.success, first.mean) == (0.5, 0.5)
    assert (second.success, second.mean) == (0.0, 0.125)  # 5 of 10 have 1 point of 4
    assert first.discrimination == pytest.approx(0.6)
    assert second.discrimination == pytest.approx(0.6)


def test_discrimination_where_it_has_no_meaning():
    item, rest = np.array(BOTH, dtype=float).T
    assert statistics.discrimination(item, rest) == pytest.approx(0.6)
    assert statistics.discrimination(item, -rest) == pytest.approx(-0.6)
    assert statistics.discrimination(item[:9], rest[:9]) is None  # too few
    assert statistics.discrimination(np.ones(10), rest) is None
    assert statistics.discrimination(item, np.zeros(10)) is None
    alone = [submission(str(n), 2 * a) for n, (a, _) in enumerate(BOTH)]
    assert statistics.by_exercise([A], alone)[0].discrimination is None


def test_what_waits_to_be_marked_counts_in_no_exercise():
    some = [
        SubmissionGrades("x", {"test_a": 2.0, "q1": 2.0}),
        SubmissionGrades("y", {"test_a": 1.0, "q1": 0.0}, frozenset({"q1"})),
        SubmissionGrades("z", {"test_a": 0.0, "q1": 1.0}),
    ]
    first, question = statistics.by_exercise([A, Q], some)
    assert (first.marked, first.waiting, first.mean) == (3, 0, 0.5)
    assert (question.marked, question.waiting) == (2, 1)
    assert (question.success, question.mean) == (0.5, 0.75)
    unmarked = [replace(one, waiting=frozenset({"q1"})) for one in some]
    question = statistics.by_exercise([A, Q], unmarked)[1]
    assert (question.success, question.mean, question.discrimination) == (None, None, None)


def test_the_rest_of_the_lab_is_what_was_marked():
    """Who waits for marks is compared by the share of what they were marked for."""
    some = [
        SubmissionGrades(str(n), {"test_a": 2.0 * a, "test_b_x": b, "q1": 2.0 * b})
        for n, (a, b) in enumerate(BOTH)
    ]
    bare = Exercise("b", {"test_b_x": 1.0})
    whole = statistics.by_exercise([A, bare, Q], some)[0].discrimination
    some[0] = replace(some[0], scores={"test_a": 2.0, "test_b_x": 1.0}, waiting=frozenset({"q1"}))
    assert statistics.by_exercise([A, bare, Q], some)[0].discrimination == pytest.approx(whole)


def test_concepts_across_exercises():
    a, b = replace(A, concepts=("axes",)), replace(B, concepts=("axes", "perte"))
    q = replace(Q, concepts=("méthode",))
    some = [
        SubmissionGrades("x", {"test_a": 2.0, "test_b_x": 1.0, "test_b_y": 3.0, "q1": 0.0}),
        SubmissionGrades("y", {"test_a": 2.0, "q1": 0.0}),
        SubmissionGrades("z", {"test_a": 0.0, "test_b_x": 1.0, "test_b_y": 2.0, "q1": 0.0}),
    ]
    some = [replace(one, waiting=frozenset({"q1"})) for one in some]
    # axes: 6/6, 2/6, 3/6; perte: 4/4, 0/4, 3/4; nothing is known of the question.
    found = statistics.by_concept([a, b, q], some)
    assert [(one.concept, one.exercises, one.missed) for one in found] == [
        ("perte", ("b",), 1),
        ("axes", ("a", "b"), 1),
    ]
    assert [one.mean for one in found] == [pytest.approx(7 / 12), pytest.approx(11 / 18)]


def term(**shares):
    """Labs of ten points in which each student has these."""
    labs = [
        {
            name: SubmissionGrades(name, {"t": 10 * s})
            for name, own in shares.items()
            if (s := own[n])
        }
        for n in range(len(next(iter(shares.values()))))
    ]
    return [LabGrades("", 10.0, None, lab) for lab in labs]


def test_who_falls_or_stops():
    found = statistics.term_progress(
        term(
            up=(0.5, 0.6, 0.3),  # the last lab is hard for all
            usual=(0.8, 0.8, 0.5),
            falls=(0.9, 0.9, 0.4),
            absent=(None, 0.8, 0.5),
            stops=(0.9, None, None),
            back=(0.8, None, 0.5),
        ),
        ["up", "usual", "falls", "absent", "stops", "back", "never"],
    )
    flags = {one.student: one.flag for one in found}
    # Medians 0.8, 0.8, 0.5: ahead by 0.1, 0.1 and then behind by 0.1.
    assert flags == {
        "falls": "20 points below their usual",
        "never": "has handed in nothing",
        "stops": "nothing for the last 2 labs",
        "up": "",
        "usual": "",
        "absent": "",
        "back": "",
    }
    assert [one.student for one in found][:3] == ["falls", "never", "stops"]
    assert next(one.shares for one in found if one.student == "stops") == (0.9, None, None)


def test_late_ones_the_latest_first():
    some = [submission("u", seconds_late=5.0), submission("v"), submission("w", seconds_late=9.0)]
    some[2] = replace(some[2], penalty=1.5)
    found = [(one.student, one.seconds, one.penalty) for one in statistics.late(some)]
    assert found == [("w", 9.0, 1.5), ("u", 5.0, 0.0)]
