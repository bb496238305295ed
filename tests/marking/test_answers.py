"""The gradebook's rows of written answers: formgrader's own, and no others."""

import shutil
from pathlib import Path

import pytest
from nbgrader.api import Comment, Grade

from grader.course import Course
from grader.marking.answers import Changed, Draft, Mark, State, answers_to, current_mark, write_mark
from grader.reporting.feedback import write_all
from tests.support.course_cases import LAB
from tests.support.marking_cases import (
    LINES,
    a_class_of,
    database,
    formgrader,
    hand_in,
    make_class,
    marks,
    q1,
    student_of,
    waiting,
)
from tests.support.marking_terminal import typed

CASES = {
    "a line": ("1\n", [{"manual_score": 0.5, "manual_comment": LINES[0]}]),
    "all lines": ("f\n", [{"manual_score": 1.0, "manual_comment": "\n".join(LINES)}]),
    "lines taken back": ("12121\n", [{"manual_score": 0.5, "manual_comment": LINES[0]}]),
    "nothing": ("0\n", [{"manual_score": 0.0}]),
    "a score": ("s0,75\n\n", [{"manual_score": 0.75}]),
    "a score and words": (
        "1s0.25\ncmais le pas ?¶Relire.\n\n",
        [{"manual_score": 0.25, "manual_comment": f"{LINES[0]}\nmais le pas ?\nRelire."}],
    ),
    "words taken back": ("cbien\nc\x15\n0\n", [{"manual_score": 0.0}]),
    "undone": ("f\nu", []),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_the_rows_are_those_of_formgrader(course, tmp_path, case):
    keys, calls = case
    other = Course(Path(shutil.copytree(course.root, tmp_path / "other")))
    first = student_of(course, waiting(course)[0])
    before = database(course)
    typed(course, keys)
    for values in calls:
        formgrader(other, first, **values)
    assert database(course) == database(other)
    assert (database(course) == before) == (not calls)


def test_what_formgrader_wrote_before_is_kept_or_emptied_as_it_does(course, tmp_path):
    first = student_of(course, waiting(course)[0])
    formgrader(course, first, manual_score=0.5, extra_credit=2, manual_comment="bien")
    other = Course(Path(shutil.copytree(course.root, tmp_path / "other")))
    redo = {State.MARKED}
    assert "bien" in typed(course, "c\x15\n1\n", redo)
    formgrader(other, first, manual_score=0.5, manual_comment=LINES[0])
    assert database(course) == database(other)
    typed(course, "0\n", redo)
    formgrader(other, first, manual_score=0, manual_comment="")
    assert database(course) == database(other)


def test_a_mark_of_either_is_read_by_the_other(course):
    first = student_of(course, waiting(course)[0])
    formgrader(course, first, manual_score=0.5, manual_comment=f"{LINES[1]}\n\nbien, mais")
    draft = Draft.of(q1(course).key, marks(course)[first])
    assert [item.text for item in draft.ticks] == ["conclut sur le pas"]
    assert (draft.override, draft.comment) == (None, "bien, mais")
    typed(course, "1\n", {State.MARKED})
    assert marks(course)[first] == Mark(1.0, False, "\n".join([*LINES, "bien, mais"]))


def test_a_score_that_the_lines_do_not_give_is_ones_own(course):
    key = q1(course).key
    for mark_ in (Mark(0.75, False, LINES[0]), Mark(0.0, False, None), Mark(None, True, None)):
        draft = Draft.of(key, mark_)
        assert draft.score is None or draft.mark(key, mark_) == mark_


def test_the_order_is_the_same_each_time_and_not_the_roll(tmp_path):
    course = make_class(tmp_path / "course", a_class_of(20))
    answers = answers_to(q1(course))
    assert answers == answers_to(q1(course))
    assert [a.number for a in answers] == list(range(1, 21))
    names = [student_of(course, answer) for answer in answers]
    assert names != sorted(names)
    identifiers = [answer.id for answer in answers]  # in whose order the database gives them
    assert identifiers != sorted(identifiers)


def test_a_changed_answer_comes_up_again_with_its_mark(course):
    typed(course, "1\nf\nf\n")
    name = next(name for name, m in marks(course).items() if m.score == 0.5)
    hand_in(course, {name: "Une autre réponse."})
    assert marks(course)[name] == Mark(0.5, True, LINES[0])
    shown = typed(course, "\n")
    assert "Une autre réponse." in shown
    assert "marked before, then graded again" in shown
    assert marks(course)[name] == Mark(0.5, False, LINES[0])


def test_two_marks_of_one_answer_the_second_is_refused(course):
    question, first = q1(course), waiting(course)[0]
    before = current_mark(question, first)
    write_mark(question, first, before, Mark(1.0, False, "une"))
    with pytest.raises(Changed):
        write_mark(question, first, before, Mark(0.0, False, "deux"))
    assert current_mark(question, first) == Mark(1.0, False, "une")
    with pytest.raises(Changed):  # the comment alone counts too, and the score is then left
        write_mark(question, first, Mark(1.0, False, None), Mark(0.0, False, "deux"))
    assert current_mark(question, first) == Mark(1.0, False, "une")


def test_the_student_reads_the_lines_that_were_earned_and_no_other(course):
    typed(course, "1cBravo.\n\n")
    name = next(name for name, m in marks(course).items() if m.score == 0.5)
    write_all(course.lab(LAB))
    page = (course.lab(LAB).submission(name).feedback / f"{LAB}.html").read_text("utf-8")
    assert "✓ 0,5 pt\u00a0: nomme l&#39;échelle\nBravo." in page
    assert "conclut sur le pas" not in page


def test_grades_of_another_lab_or_cell_are_not_touched(course):
    def others() -> list:
        with course.gradebook() as gradebook:
            rows = gradebook.db.query(Grade).all() + gradebook.db.query(Comment).all()
            return sorted(str(row.to_dict()) for row in rows if row.name != "q1")

    before = others()
    typed(course, "f\nf\nf\n")
    assert others() == before
