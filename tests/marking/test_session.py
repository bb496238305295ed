"""Written answers marked from the keyboard: one mark each, nothing lost."""

import json
import os
import re
import signal
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from functools import partial

import pytest
from typer.testing import CliRunner

from grader.authoring.build import build
from grader.cli import app
from grader.errors import GraderError
from grader.marking.answers import Draft, Mark, State, write_mark
from grader.marking.claims import Claims
from grader.marking.progress import marking_progress
from grader.marking.session import Next, Session
from tests.support.course_cases import LAB, answered, submit
from tests.support.lent_engine import grade
from tests.support.marking_cases import (
    LINES,
    RUBRIC,
    TEXTS,
    a_class_of,
    age,
    database,
    formgrader,
    make_class,
    marks,
    q1,
    student_of,
    waiting,
)
from tests.support.marking_terminal import Terminal, typed, typing

# ---- Which answers


def test_all_are_marked_once_and_nobody_is_named(course):
    shown = typed(course, "1\n2\nf\n")
    assert sorted(m.score for n, m in marks(course).items() if n != "dan") == [0.5, 0.5, 1.0]
    assert marks(course)["dan"] == Mark(None, False, None)
    assert not any(name in shown for name in TEXTS)
    for text in ("Réponse A.", " of 4 · 0 marked", "nomme l'échelle", "mieux conditionnée"):
        assert text in shown
    assert "3 marked, 0 left" in shown


def test_the_unanswered_and_the_marked_are_shown_on_demand(course):
    assert "nothing was written" not in typed(course, "q")
    typed(course, "f\n" * 4, {State.WAITING, State.UNANSWERED})
    assert {mark_.score for mark_ in marks(course).values()} == {1.0}
    typed(course, "0\nkq", {State.MARKED})
    assert Counter(m.score for m in marks(course).values()) == {1.0: 3, 0.0: 1}


def test_progress(course):
    (one,) = marking_progress(course.lab(LAB))
    assert (one.waiting, one.marked, one.unanswered, one.open) == (3, 0, 1, [])
    typed(course, "f\n")
    with Claims(q1(course).claims) as claims:
        claims.take(waiting(course)[0].id)
        (one,) = marking_progress(course.lab(LAB))
        assert (one.waiting, one.marked, one.open) == (2, 1, [claims.owner])


def test_a_reworded_bareme_grades_nobody_again(course):
    submit(course, "alice", answered(course, q1="Réponse A."))
    grade(course, students=["alice"])
    for name in ("bruno", "carla"):
        formgrader(course, name, manual_score=1.0)
    typed(course, "1\n")
    source = course.root / "solutions" / f"{LAB}.py"
    source.write_text(source.read_text("utf-8").replace("nomme l'échelle", "dit l'échelle"))
    build(course.lab(LAB))
    grade(course, students=["alice"])
    assert marks(course)["alice"] == Mark(0.5, False, LINES[0])
    on_screen = LINES[0].replace("\u00a0", " ")
    assert on_screen in typed(course, "kkk", {State.MARKED})


def test_a_question_without_a_bareme_takes_a_score(course):
    source = course.root / "solutions" / f"{LAB}.py"
    source.write_text(source.read_text("utf-8").replace(RUBRIC, ""), "utf-8")
    shown = typed(course, "1s3\ns-1\nsnan\nsun\n\nf\n")
    assert "no barème" in shown
    assert "3 is not between 0 and 1" in shown
    assert "-1 is not between" in shown
    assert "nan is not" in shown
    assert "'un' is not a number" in shown
    assert "nothing is decided yet" in shown
    assert [m.score for m in marks(course).values() if m.score is not None] == [1.0]


# ---- Back, out, and what goes wrong


def test_undo_takes_back_and_keeps_what_was_ticked(course):
    before = database(course)
    shown = typed(course, "f\n1\nuuk")
    assert database(course) == before
    assert "is unmarked again" in shown
    typed(course, "1\nk\nuu2\n")  # back over a skipped one
    assert sorted(m.score for m in marks(course).values() if m.score is not None) == [1.0]


def test_undo_at_the_end_and_nothing_to_undo(course):
    assert "nothing to undo" in typed(course, "u")
    typed(course, "f\nf\nf\nu0\n")
    assert sorted(m.score for n, m in marks(course).items() if n != "dan") == [0.0, 1.0, 1.0]


def test_undo_leaves_what_formgrader_changed_since(course):
    first = waiting(course)[0]

    def meanwhile(key):
        if key == "u":
            formgrader(course, student_of(course, first), manual_score=0.25)

    assert "keeps its mark" in typed(course, "f\nuq", meanwhile=meanwhile)
    assert marks(course)[student_of(course, first)].score == 0.25


def test_quitting_asks_once_for_what_is_not_saved(course):
    before = database(course)
    assert "not saved" in typed(course, "1qq")
    assert "not saved" not in typed(course, "q")
    assert database(course) == before
    typed(course, "1q\nq")
    assert [m.score for m in marks(course).values() if m.score is not None] == [0.5]


def test_a_mark_given_in_formgrader_meanwhile_is_left(course):
    first = waiting(course)[0]

    def meanwhile(key):
        if key == "f":
            formgrader(course, student_of(course, first), manual_score=0.25)

    assert "left as it is now" in typed(course, "f\nq", meanwhile=meanwhile)
    assert marks(course)[student_of(course, first)] == Mark(0.25, False, None)


def test_what_was_marked_in_formgrader_meanwhile_does_not_come_up(course):
    _, *others = waiting(course)

    def meanwhile(key):
        if key == "f":
            for answer in others:
                formgrader(course, student_of(course, answer), manual_score=0.25)

    assert "1 marked, 0 left" in typed(course, "f\n0\n0\n", meanwhile=meanwhile)
    scores = sorted(m.score for m in marks(course).values() if m.score is not None)
    assert scores == [0.25, 0.25, 1.0]


def test_a_skipped_answer_is_free_for_others_at_once(course):
    first, second, _ = waiting(course)
    taken = []

    def meanwhile(key):
        if key == "q":
            taken.extend(other.take(answer.id) for answer in (first, second))

    with Claims(q1(course).claims) as other:
        typed(course, "kq", meanwhile=meanwhile)
    assert taken == [True, False]


def test_who_was_asleep_saves_nothing_over_the_other(course):
    question, first = q1(course), waiting(course)[0]
    folder = question.claims

    def asleep(key):
        if key == "f":
            age(next(folder.glob(f"{first.id}.*")))
            other.take(first.id)

    with Claims(folder) as other:
        assert "went to another grader" in typed(course, "f\nq", meanwhile=asleep)
    assert all(mark_.score is None for mark_ in marks(course).values())


def test_a_locked_gradebook_loses_no_mark(course, monkeypatch):
    refused = []

    def once_refused(*args):
        if not refused:
            refused.append(True)
            raise GraderError("database is locked")
        write_mark(*args)

    monkeypatch.setattr("grader.marking.session.write_mark", once_refused)
    assert "Enter tries again. database is locked" in typed(course, "1\n\nq")
    assert [m.score for m in marks(course).values() if m.score is not None] == [0.5]


def test_an_answer_that_cannot_be_read_is_told_and_the_others_go_on(course):
    first = student_of(course, waiting(course)[0])
    (course.lab(LAB).submission(first).autograded / f"{LAB}.ipynb").write_text("{")
    shown = typed(course, "f\nf\n")
    assert f"cannot be read in autograded/: grader autograde {LAB}" in shown
    assert first not in shown
    assert marks(course)[first].waiting
    assert sum(not mark_.waiting for mark_ in marks(course).values()) == 3


# ---- Without a terminal


def test_what_follows_each_action(course):
    tick = partial(Session.toggle, number=1)
    with Claims(q1(course).claims) as claims:
        session = Session(q1(course), {State.WAITING}, claims)
        session.open_next()
        for action, following in (
            (Session.save, Next.STAY),  # nothing is decided
            (tick, Next.STAY),
            (Session.leave, Next.CONFIRM),
            (Session.stay, Next.STAY),
            (Session.leave, Next.CONFIRM),
            (Session.leave, Next.LEAVE),
            (Session.save, Next.ANOTHER),
            (Session.leave, Next.LEAVE),
            (Session.skip, Next.ANOTHER),
            (Session.skip, Next.ANOTHER),
        ):
            assert session.current
            assert session.do(action) is following
        assert session.current is None
        assert session.do(tick) is Next.LEAVE
        assert session.undo() is Next.ANOTHER
        assert session.current.draft == Draft()
        assert session.summary() == "1 marked, 2 left"


# ---- Several graders


@pytest.mark.slow
def test_three_graders_mark_each_answer_once(tmp_path):
    course = make_class(tmp_path / "course", a_class_of(200))
    with ExitStack() as stack, ThreadPoolExecutor(3) as pool:
        terminals = {n: stack.enter_context(Terminal(course)) for n in ("un", "deux", "trois")}
        for terminal in terminals.values():  # nobody begins before all are there
            terminal.until(" of 200 · 0 marked")
        outcomes = dict(
            zip(terminals, pool.map(mark_all, terminals, terminals.values()), strict=True)
        )
    counts = {name: count for name, (count, _) in outcomes.items()}
    found = Counter((m.comment or "").split("\n")[-1] for m in marks(course).values())
    assert found == Counter({name: count for name, count in counts.items() if count} | {"": 20})
    assert sum(counts.values()) == 180
    assert sum(count > 0 for count in counts.values()) >= 2
    seen = Counter(number for _, numbers in outcomes.values() for number in numbers)
    assert len(seen) == 180
    assert set(seen.values()) == {1}


def mark_all(name: str, terminal: Terminal) -> tuple[int, list[str]]:
    """Mark as long as there are answers; how many, as the summary says, and which."""
    numbers = []
    while shown := re.search(r"answer (\d+) of 200", terminal.screen.text):
        numbers.append(shown[1])
        terminal.type(f"c{name}\r1\r")
        terminal.until(f"answer {numbers[-1]}: 0,5 saved")
    terminal.type("q")
    assert terminal.process.wait(30) == 0
    return int(re.search(r"q1: (\d+) marked", terminal.until("feedback"))[1]), numbers


def test_the_answer_of_a_killed_grader_is_marked_by_another(course):
    with Terminal(course) as killed:
        killed.until(" of 4 · 0 marked")
        os.kill(killed.process.pid, signal.SIGKILL)
        killed.process.wait()
        shown = typed(course, "f\nf\nf\nf\n")
        assert "2 marked, 1 left" in shown
    (left,) = waiting(course)
    age(next(q1(course).claims.glob(f"{left.id}.*")))
    assert "1 marked, 0 left" in typed(course, "f\n")


# ---- The command


def test_the_command(course, monkeypatch):
    monkeypatch.chdir(course.root)
    run = CliRunner().invoke
    done = run(app, ["mark", LAB, "--json"])
    assert json.loads(done.output) == [
        {"question": "q1", "points": 1, "waiting": 3, "marked": 0, "unanswered": 1, "open": []}
    ]
    assert "waiting" in run(app, ["mark", LAB]).output
    with typing("1\n2\nk"):
        done = run(app, ["mark", LAB, "q1"])
    assert done.exit_code == 0
    assert "q1: 2 marked, 1 left" in done.output
    with typing("f\nq"):
        done = run(app, ["mark", LAB, "q1", "--redo"])
    assert "q1: 1 marked" in done.output
    for arguments, code, message in (
        (["mark", LAB, "q7"], 1, "no written question q7. It has q1"),
        (["mark", "laboratoire_99"], 1, "laboratoire_99"),
        (["mark", LAB, "--redo"], 2, "--redo and --all are for one QUESTION"),
    ):
        done = run(app, arguments)
        assert done.exit_code == code
        assert message in " ".join(done.output.split())
