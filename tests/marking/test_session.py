"""Written answers marked from the keyboard: formgrader's rows, one mark each, nothing lost."""

import fcntl
import inspect
import io
import json
import os
import pty
import re
import select
import shutil
import signal
import sqlite3
import struct
import subprocess
import termios
import time
from collections import Counter
from pathlib import Path
from types import SimpleNamespace

import pytest
from nbgrader.api import Comment, Grade
from nbgrader.server_extensions.formgrader.apihandlers import CommentHandler, GradeHandler
from rich.console import Console
from typer.testing import CliRunner

from grader.authoring.build import build
from grader.authoring.source import TEXT_STUB
from grader.cli import app
from grader.course import Course
from grader.errors import GraderError
from grader.grading.autograde import autograde
from grader.marking import answers as marking
from grader.marking.answers import Changed, Draft, Mark, State
from grader.marking.claims import Claims
from grader.marking.keyboard import Keys
from grader.marking.screen import Screen, View
from grader.marking.session import claims_folder, mark, standings
from grader.reporting.feedback import write_all
from tests.support.course_cases import LAB, QUICK, answered, submit
from tests.support.marking_cases import RUBRIC, a_class_of, age, grader, hand_in, make_class

TEXTS = {"alice": "Réponse A.", "bruno": "Réponse B.", "carla": "Réponse C.", "dan": TEXT_STUB}
LINES = ("✓ 0,5 pt\u00a0: nomme l'échelle", "✓ 0,5 pt\u00a0: conclut sur le pas")


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return make_class(tmp_path_factory.mktemp("mark") / "course", TEXTS)


@pytest.fixture
def course(made, tmp_path):
    """A class of four, one of whom has not answered; each test has its own copy."""
    return Course(Path(shutil.copytree(made.root, tmp_path / "course")))


def ask(course):
    return marking.find(course.lab(LAB), "q1")


def typed(course, keys, wanted=(State.WAITING,)) -> str:
    """Mark with these keys; all that was shown."""
    shown = io.StringIO()
    console = Console(file=shown, width=100)
    mark(course, ask(course), wanted, Keys(io.StringIO(keys)), console)
    return shown.getvalue()


def marks(course) -> dict[str, Mark]:
    """The marks, by student."""
    with course.gradebook() as gradebook:
        found = {}
        for submission in gradebook.assignment_submissions(LAB):
            grade = gradebook.find_grade("q1", LAB, LAB, submission.student.id)
            comment = gradebook.find_comment("q1", LAB, LAB, submission.student.id)
            found[submission.student.id] = Mark(
                grade.manual_score, grade.needs_manual_grade, comment.manual_comment
            )
        return found


def student(course, answer) -> str:
    """Whose answer it is."""
    with course.gradebook() as gradebook:
        return gradebook.find_submission_notebook_by_id(answer.id).student.id


def waiting(course):
    return [a for a in marking.answers(course, ask(course)) if a.state == State.WAITING]


# ---- The rows of formgrader


def formgrader(course, name, **values) -> None:
    """What formgrader's boxes send, given to its own handlers."""
    with course.gradebook() as gradebook:
        grade = gradebook.find_grade("q1", LAB, LAB, name)
        comment = gradebook.find_comment("q1", LAB, LAB, name)
        for handler, row in ((GradeHandler, grade), (CommentHandler, comment)):
            sent = row.to_dict()
            if changed := values.keys() & sent.keys():
                sent |= {key: values[key] for key in changed}
                request = SimpleNamespace(
                    gradebook=gradebook, get_json_body=lambda sent=sent: sent, write=len
                )
                inspect.unwrap(handler.put)(request, row.id)


def database(course) -> list[str]:
    """Every row of every table."""
    path = course.directory.db_url.removeprefix("sqlite:///")
    with sqlite3.connect(path) as connection:
        return sorted(connection.iterdump())


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
    "words taken back": ("cbien\nc\n0\n", [{"manual_score": 0.0}]),
    "undone": ("f\nu", []),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_the_rows_are_those_of_formgrader(course, tmp_path, case):
    keys, calls = case
    other = Course(Path(shutil.copytree(course.root, tmp_path / "other")))
    first = student(course, waiting(course)[0])
    before = database(course)
    typed(course, keys)
    for values in calls:
        formgrader(other, first, **values)
    assert database(course) == database(other)
    assert (database(course) == before) == (not calls)


def test_what_formgrader_wrote_before_is_kept_or_emptied_as_it_does(course, tmp_path):
    first = student(course, waiting(course)[0])
    formgrader(course, first, manual_score=0.5, extra_credit=2, manual_comment="bien")
    other = Course(Path(shutil.copytree(course.root, tmp_path / "other")))
    redo = {State.MARKED}
    assert "bien" in typed(course, "c\n1\n", redo)
    formgrader(other, first, manual_score=0.5, manual_comment=LINES[0])
    assert database(course) == database(other)
    typed(course, "0\n", redo)
    formgrader(other, first, manual_score=0, manual_comment="")
    assert database(course) == database(other)


def test_a_mark_of_either_is_read_by_the_other(course):
    first = student(course, waiting(course)[0])
    formgrader(course, first, manual_score=0.5, manual_comment=f"{LINES[1]}\n\nbien, mais")
    draft = Draft.of(ask(course).key, marks(course)[first])
    assert [item.text for item in draft.ticks] == ["conclut sur le pas"]
    assert (draft.own, draft.words) == (None, "bien, mais")
    typed(course, "1\n", {State.MARKED})
    assert marks(course)[first] == Mark(1.0, False, "\n".join([*LINES, "bien, mais"]))


def test_a_score_that_the_lines_do_not_give_is_ones_own(course):
    key = ask(course).key
    for mark_ in (Mark(0.75, False, LINES[0]), Mark(0.0, False, None), Mark(None, True, None)):
        draft = Draft.of(key, mark_)
        assert draft.score is None or draft.mark(key, mark_) == mark_


# ---- Which answers


def test_all_are_marked_once_and_nobody_is_named(course):
    shown = typed(course, "1\n2\nf\n")
    assert sorted(m.score for n, m in marks(course).items() if n != "dan") == [0.5, 0.5, 1.0]
    assert marks(course)["dan"] == Mark(None, False, None)
    assert not any(name in shown for name in TEXTS)
    for text in ("Réponse A.", " of 4 · 0 marked", "nomme l'échelle", "mieux conditionnée"):
        assert text in shown
    assert "3 marked, 0 left" in shown


def test_the_order_is_the_same_each_time_and_not_the_roll(tmp_path):
    course = make_class(tmp_path / "course", a_class_of(20))
    answers = marking.answers(course, ask(course))
    assert answers == marking.answers(course, ask(course))
    assert [a.number for a in answers] == list(range(1, 21))
    names = [student(course, answer) for answer in answers]
    assert names != sorted(names)
    identifiers = [answer.id for answer in answers]  # in whose order the database gives them
    assert identifiers != sorted(identifiers)


def test_the_unanswered_and_the_marked_are_shown_on_demand(course):
    assert "nothing was written" not in typed(course, "q")
    typed(course, "f\n" * 4, {State.WAITING, State.UNANSWERED})
    assert {mark_.score for mark_ in marks(course).values()} == {1.0}
    typed(course, "0\nkq", {State.MARKED})
    assert Counter(m.score for m in marks(course).values()) == {1.0: 3, 0.0: 1}


def test_standings(course):
    (one,) = standings(course.lab(LAB))
    assert (one.waiting, one.marked, one.unanswered, one.open) == (3, 0, 1, [])
    typed(course, "f\n")
    with Claims(claims_folder(course, ask(course))) as claims:
        claims.take(waiting(course)[0].id)
        (one,) = standings(course.lab(LAB))
        assert (one.waiting, one.marked, one.open) == (2, 1, [claims.owner])


def test_a_changed_answer_comes_up_again_with_its_mark(course):
    typed(course, "1\nf\nf\n")
    name = next(name for name, m in marks(course).items() if m.score == 0.5)
    hand_in(course, {name: "Une autre réponse."})
    assert marks(course)[name] == Mark(0.5, True, LINES[0])
    shown = typed(course, "\n")
    assert "Une autre réponse." in shown
    assert "marked before, then graded again" in shown
    assert marks(course)[name] == Mark(0.5, False, LINES[0])


def test_a_reworded_bareme_grades_nobody_again(course):
    submit(course, "alice", answered(course, q1="Réponse A."))
    autograde(course.lab(LAB), QUICK, students=["alice"])
    for name in ("bruno", "carla"):
        formgrader(course, name, manual_score=1.0)
    typed(course, "1\n")
    source = course.root / "solutions" / f"{LAB}.py"
    source.write_text(source.read_text("utf-8").replace("nomme l'échelle", "dit l'échelle"))
    build(course.lab(LAB))
    autograde(course.lab(LAB), QUICK, students=["alice"])
    assert marks(course)["alice"] == Mark(0.5, False, LINES[0])
    assert "✓ 0,5 pt\u00a0: nomme l'échelle" in typed(course, "kkk", {State.MARKED})


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
    question, first = ask(course), waiting(course)[0]

    class Meanwhile(io.StringIO):
        def read(self, size=-1):
            key = super().read(size)
            if key == "u":
                formgrader(course, student(course, first), manual_score=0.25)
            return key

    shown = io.StringIO()
    console = Console(file=shown, width=200)
    mark(course, question, {State.WAITING}, Keys(Meanwhile("f\nuq")), console)
    assert "keeps its mark" in shown.getvalue()
    assert marks(course)[student(course, first)].score == 0.25


def test_quitting_asks_once_for_what_is_not_saved(course):
    before = database(course)
    assert "not saved" in typed(course, "1qq")
    assert "not saved" not in typed(course, "q")
    assert database(course) == before
    typed(course, "1q\nq")
    assert [m.score for m in marks(course).values() if m.score is not None] == [0.5]


def test_two_marks_of_one_answer_the_second_is_refused(course):
    question, first = ask(course), waiting(course)[0]
    before = marking.current(course, question, first)
    marking.write(course, question, first, before, Mark(1.0, False, "une"))
    with pytest.raises(Changed):
        marking.write(course, question, first, before, Mark(0.0, False, "deux"))
    assert marking.current(course, question, first) == Mark(1.0, False, "une")
    with pytest.raises(Changed):  # the comment alone counts too, and the score is then left
        marking.write(course, question, first, Mark(1.0, False, None), Mark(0.0, False, "deux"))
    assert marking.current(course, question, first) == Mark(1.0, False, "une")


def test_a_mark_given_in_formgrader_meanwhile_is_left(course):
    first = waiting(course)[0]

    class Meanwhile(io.StringIO):
        def read(self, size=-1):
            key = super().read(size)
            if key == "f":
                formgrader(course, student(course, first), manual_score=0.25)
            return key

    shown = io.StringIO()
    console = Console(file=shown, width=200)
    mark(course, ask(course), {State.WAITING}, Keys(Meanwhile("f\nq")), console)
    assert "left as it is now" in shown.getvalue()
    assert marks(course)[student(course, first)] == Mark(0.25, False, None)


def test_what_was_marked_in_formgrader_meanwhile_does_not_come_up(course):
    _, *others = waiting(course)

    class Meanwhile(io.StringIO):
        def read(self, size=-1):
            key = super().read(size)
            if key == "f":
                for answer in others:
                    formgrader(course, student(course, answer), manual_score=0.25)
            return key

    shown = io.StringIO()
    console = Console(file=shown, width=200)
    mark(course, ask(course), {State.WAITING}, Keys(Meanwhile("f\n0\n0\n")), console)
    assert "1 marked, 0 left" in shown.getvalue()
    scores = sorted(m.score for m in marks(course).values() if m.score is not None)
    assert scores == [0.25, 0.25, 1.0]


def test_a_skipped_answer_is_free_for_others_at_once(course):
    first, second, _ = waiting(course)
    taken = []

    class Meanwhile(io.StringIO):
        def read(self, size=-1):
            key = super().read(size)
            if key == "q":
                taken.extend(other.take(answer.id) for answer in (first, second))
            return key

    with Claims(claims_folder(course, ask(course))) as other:
        console = Console(file=io.StringIO(), width=200)
        mark(course, ask(course), {State.WAITING}, Keys(Meanwhile("kq")), console)
    assert taken == [True, False]


def test_who_was_asleep_saves_nothing_over_the_other(course):
    question, first = ask(course), waiting(course)[0]
    folder = claims_folder(course, question)

    class Asleep(io.StringIO):
        def read(self, size=-1):
            key = super().read(size)
            if key == "f":
                age(next(folder.glob(f"{first.id}.*")))
                other.take(first.id)
            return key

    with Claims(folder) as other:
        shown = io.StringIO()
        console = Console(file=shown, width=200)
        mark(course, question, {State.WAITING}, Keys(Asleep("f\nq")), console)
    assert "went to another grader" in shown.getvalue()
    assert all(mark_.score is None for mark_ in marks(course).values())


def test_a_locked_gradebook_loses_no_mark(course, monkeypatch):
    write, refused = marking.write, []

    def once_refused(*args):
        if not refused:
            refused.append(True)
            raise GraderError("database is locked")
        write(*args)

    monkeypatch.setattr(marking, "write", once_refused)
    assert "Enter tries again. database is locked" in typed(course, "1\n\nq")
    assert [m.score for m in marks(course).values() if m.score is not None] == [0.5]


def test_an_answer_that_cannot_be_read_is_told_and_the_others_go_on(course):
    first = student(course, waiting(course)[0])
    (course.lab(LAB).submission(first).autograded / f"{LAB}.ipynb").write_text("{")
    shown = typed(course, "f\nf\n")
    assert f"cannot be read in autograded/: grader autograde {LAB}" in shown
    assert first not in shown
    assert marks(course)[first].waiting
    assert sum(not mark_.waiting for mark_ in marks(course).values()) == 3


# ---- Several graders


@pytest.mark.slow
def test_three_graders_mark_each_answer_once(tmp_path):
    course = make_class(tmp_path / "course", a_class_of(200))
    processes = {
        name: grader(
            course,
            *("mark", LAB, "q1"),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for name in ("un", "deux", "trois")
    }
    for name, process in processes.items():  # nobody begins before all are there
        process.stdin.write(f"c{name}\n1\n" * 200)
    for process in processes.values():
        process.stdin.flush()
    outputs = {name: process.communicate(timeout=200)[0] for name, process in processes.items()}
    counts = {n: int(re.findall(r"q1: (\d+) marked", out)[-1]) for n, out in outputs.items()}
    found = Counter((m.comment or "").split("\n")[-1] for m in marks(course).values())
    assert found == Counter({name: count for name, count in counts.items() if count} | {"": 20})
    assert sum(counts.values()) == 180
    assert sum(count > 0 for count in counts.values()) >= 2
    seen = Counter(
        number
        for output in outputs.values()
        for number in set(re.findall(r"answer (\d+): 0,5 saved", output))
    )
    assert len(seen) == 180
    assert set(seen.values()) == {1}


def test_the_answer_of_a_killed_grader_is_marked_by_another(course):
    with Terminal(course) as killed:
        killed.until(" of 4 · 0 marked")
        os.kill(killed.process.pid, signal.SIGKILL)
        killed.process.wait()
        shown = typed(course, "f\nf\nf\nf\n")
        assert "2 marked, 1 left" in shown
    (left,) = waiting(course)
    age(next(claims_folder(course, ask(course)).glob(f"{left.id}.*")))
    assert "1 marked, 0 left" in typed(course, "f\n")


# ---- The terminal


class Terminal:
    """`grader mark` on a pseudo-terminal."""

    def __init__(self, course, columns=100, rows=30):
        self.master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        self.modes = termios.tcgetattr(slave)
        self.output = b""
        self.slave = slave
        self.process = grader(
            course, "mark", LAB, "q1", stdin=slave, stdout=slave, stderr=slave,
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
        )  # fmt: skip

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        os.close(self.slave)
        os.close(self.master)

    def type(self, keys: str) -> None:
        os.write(self.master, keys.encode())

    def until(self, text: str) -> str:
        """What is shown up to a text, and what comes with it."""
        start, end = len(self.output), time.monotonic() + 90
        while time.monotonic() < end:
            if text in (new := plain(self.output[start:])) and not self._ready(0.3):
                return new
            if self._ready(0.3):
                self.output += os.read(self.master, 65536)
        raise AssertionError(f"{text!r} not in {plain(self.output[start:])!r}")

    def _ready(self, seconds: float) -> bool:
        return bool(select.select([self.master], [], [], seconds)[0])


def plain(data: bytes) -> str:
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", data.decode(errors="replace"))


def test_a_session_on_a_terminal(course):
    with Terminal(course) as terminal:
        assert "score – / 1" in terminal.until(" of 4 · 0 marked")
        terminal.type("1")
        assert "✓ 0,5 pt" in terminal.until("score 0,5 / 1")
        terminal.type("c")
        terminal.until("comment")
        terminal.type("Très bien\x7f\x7fen…\r")
        terminal.until("Très bien…")
        terminal.type("s")
        terminal.until("score, from 0 to 1")
        terminal.type("0,75\r")
        terminal.until("your own")
        terminal.type("\r")
        terminal.until("0,75 saved")
        assert Mark(0.75, False, f"{LINES[0]}\nTrès bien…") in marks(course).values()
        terminal.type("s")
        terminal.until("score, from")
        terminal.type("\x03")  # gives up the line, not the session
        terminal.until("score – / 1")
        fcntl.ioctl(terminal.slave, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 150, 0, 0))
        terminal.until("│")  # side by side, once the window is wide
        terminal.type("\x1b[B\x1b[5~\x1b[1;5Cr")  # scroll, an unknown key, the raw text
        terminal.until("Réponse")
        terminal.type("q")
        assert "q1: 1 marked, 2 left" in terminal.until("q1: 1 marked")
        assert terminal.process.wait(30) == 0
        assert terminal.output.startswith(b"\x1b[?1049h")
        assert terminal.output.rindex(b"\x1b[?1049l") > terminal.output.rindex(b"Enter")
        assert termios.tcgetattr(terminal.slave) == terminal.modes
    assert not list(claims_folder(course, ask(course)).glob(".clock*"))


@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGHUP, signal.SIGTERM])
def test_interrupted_it_gives_back_and_leaves_the_terminal_as_it_was(course, end):
    with Terminal(course) as terminal:
        terminal.until(" of 4 · 0 marked")
        terminal.process.send_signal(end)
        terminal.until("Interrupted")
        assert terminal.process.wait(30) == 130
        assert termios.tcgetattr(terminal.slave) == terminal.modes
    assert "3 marked, 0 left" in typed(course, "f\nf\nf\n")


HOSTILE = [
    "\x1b[2J\x1b[31mrouge",
    "\x1b]0;titre\x07 \x1b]52;c;cGlyYXRl\x07",
    "\x1bP$q\x1b\\ \x9b31m \x90 \x07\x08\x0b\x0c\r caché",
    "&#27;[31m &#x9b;31m &#x202e;renversé \u202erenversé",
    "[lien](http://a.example/\x1b]8;;http://b.example\x1b\\) <http://c.example/\x1b[1m>",
    "```\x1b[31m\nx\x1b[2J\n```\n\n| \x1b[31m |\n|---|\n| \x1b[31m |",
    "$\x1b[31m$ `\x1b[31m` ![\x1b[31m](x) \ud800",
    "[bold red]balise[/] [link=http://d.example]l[/link] [/]",
    "> " * 3000 + "profond",
    "*" * 5000 + "[" * 5000 + "`" * 5000,
    "a" * 200_000,
    "| a |\n|---|\n" + "| b |\n" * 2000,
]
OURS = re.compile(r"\x1b\[[0-9;]*m|\x1b\[\d+;1H|\x1b\[2K|\x1b\[0J|\x1b\[H|\x1b\[\?(?:25|1049)[hl]")


@pytest.mark.parametrize("raw", ["", "r"])
def test_no_sequence_of_a_student_reaches_the_terminal(course, raw):
    question = ask(course)
    for number, text in enumerate(HOSTILE):
        course_text = {f"h{number:02}": text.encode("utf-8", "replace").decode()}
        hand_in(course, course_text)
    shown = io.StringIO()
    console = Console(file=shown, width=100, height=60, force_terminal=True)
    mark(course, question, {State.WAITING}, Keys(io.StringIO(f"{raw}k" * 20)), console)
    left = OURS.sub("", shown.getvalue())
    assert left.count("rouge")
    assert "balise" in left
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", left)
    for pair in re.findall(r"\x1b\[[0-9;]*m", shown.getvalue()):
        assert len(pair) < 30


def test_what_entities_stand_for_moves_no_column(course):
    question = ask(course)
    view = View(question, Draft(), "titre", "renversé &#x202e;ici " * 30)
    shown = io.StringIO()
    Screen(Console(file=shown, width=150)).show(view)
    columns = {line.index("│") for line in shown.getvalue().split("\n") if "│" in line}
    assert len(columns) == 1


def test_html_and_formulas_are_shown_as_written(course):
    text = "si x <y et z> 3, $a_1*b*c_2$ et\n\n$$\nx^2\n$$\n\n<!-- caché --> <b>gras</b>"
    hand_in(course, {"eve": text})
    formgrader_rest = [a for a in waiting(course) if student(course, a) != "eve"]
    for answer in formgrader_rest:
        formgrader(course, student(course, answer), manual_score=0)
    shown = typed(course, "q")
    for part in ("x <y et z> 3", "$a_1*b*c_2$", "x^2", "<!-- caché -->", "<b>gras</b>"):
        assert part in shown


# ---- Where it meets the rest


def test_the_student_reads_the_lines_that_were_earned_and_no_other(course):
    typed(course, "1cBravo.\n\n")
    name = next(name for name, m in marks(course).items() if m.score == 0.5)
    write_all(course.lab(LAB))
    page = (course.lab(LAB).submission(name).feedback / f"{LAB}.html").read_text("utf-8")
    assert "✓ 0,5 pt\u00a0: nomme l&#39;échelle\nBravo." in page
    assert "conclut sur le pas" not in page


def test_the_command(course, monkeypatch):
    monkeypatch.chdir(course.root)
    run = CliRunner().invoke
    done = run(app, ["mark", LAB, "--json"])
    assert json.loads(done.output) == [
        {"question": "q1", "points": 1, "waiting": 3, "marked": 0, "unanswered": 1, "open": []}
    ]
    assert "waiting" in run(app, ["mark", LAB]).output
    done = run(app, ["mark", LAB, "q1"], input="1\n2\nk")
    assert done.exit_code == 0
    assert "q1: 2 marked, 1 left" in done.output
    done = run(app, ["mark", LAB, "q1", "--redo"], input="f\nq")
    assert "q1: 1 marked" in done.output
    for arguments, code, message in (
        (["mark", LAB, "q7"], 1, "no written question q7: it has q1"),
        (["mark", "laboratoire_99"], 1, "laboratoire_99"),
        (["mark", LAB, "--redo"], 2, "--redo and --all are for one QUESTION"),
    ):
        done = run(app, arguments)
        assert done.exit_code == code
        assert message in " ".join(done.output.split())


def test_grades_of_another_lab_or_cell_are_not_touched(course):
    def others() -> list:
        with course.gradebook() as gradebook:
            rows = gradebook.db.query(Grade).all() + gradebook.db.query(Comment).all()
            return sorted(str(row.to_dict()) for row in rows if row.name != "q1")

    before = others()
    typed(course, "f\nf\nf\n")
    assert others() == before
