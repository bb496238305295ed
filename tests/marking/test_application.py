"""The terminal of `grader mark`: keys, lines that are typed, sizes, and what is left behind."""

import signal
import termios

import pytest

from grader.marking.answers import Mark, State
from grader.marking.application import mark_question
from tests.support.marking_cases import LINES, database, marks, q1
from tests.support.marking_terminal import Terminal, typed, typing


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
        assert "score – / 1" in terminal.until("score, from", gone=True)
        terminal.resize(150, 40)
        terminal.until("│")  # side by side, once the window is wide
        terminal.resize(40, 15)
        terminal.until("…")  # cut, once it is narrow
        terminal.type("\x1b[B\x1b[5~\x1b[1;5Cr")  # scroll, an unknown key, the raw text
        terminal.until("Réponse")
        terminal.type("q")
        assert "q1: 1 marked, 2 left" in terminal.until("q1: 1 marked")
        assert terminal.process.wait(30) == 0
        assert 0 <= terminal.output.find(b"\x1b[?1049h") < terminal.output.index(b"answer")
        assert terminal.output.rindex(b"\x1b[?1049l") > terminal.output.rindex(b"Enter")
        assert termios.tcgetattr(terminal.slave) == terminal.modes
    assert not list(q1(course).claims.glob(".clock*"))


@pytest.mark.parametrize(
    ("end", "keys"),
    [(signal.SIGINT, ""), (signal.SIGHUP, ""), (signal.SIGTERM, ""), (signal.SIGTERM, "c")],
)
def test_interrupted_it_gives_back_and_leaves_the_terminal_as_it_was(course, end, keys):
    with Terminal(course) as terminal:
        terminal.until(" of 4 · 0 marked")
        terminal.type(keys)
        terminal.until("for a new line" if keys else "comment")
        terminal.process.send_signal(end)
        terminal.until("Interrupted")
        assert terminal.process.wait(30) == 130
        assert termios.tcgetattr(terminal.slave) == terminal.modes
    assert "3 marked, 0 left" in typed(course, "f\nf\nf\n")


def test_a_window_that_is_closed_gives_back(course):
    with Terminal(course) as terminal:
        terminal.until(" of 4 · 0 marked")
        terminal.hang_up()
        terminal.process.wait(30)
    assert "3 marked, 0 left" in typed(course, "f\nf\nf\n")


@pytest.mark.parametrize("broken", ["application.Screen.lines", "session.write_mark"])
def test_an_error_leaves_the_terminal_as_it_was_and_is_told(course, monkeypatch, broken):
    def fail(*_):
        raise RuntimeError("broken")

    with monkeypatch.context() as patch:
        patch.setattr(f"grader.marking.{broken}", fail)
        with typing("f\n") as typist, pytest.raises(RuntimeError, match="broken"):
            mark_question(q1(course), {State.WAITING})
    assert typist.getvalue().rindex("\x1b[?1049l") > typist.getvalue().rindex("\x1b[?1049h")
    assert not any(mark.score for mark in marks(course).values())
    assert "3 marked, 0 left" in typed(course, "f\nf\nf\n")


# ---- Keys


NO_KEYS = {
    "an unknown sequence": "\x1b[200;0f",
    "Alt and a key": "\x1bf",
    "what is pasted": "\x1b[200~f1\n\x1b[201~",
    "Ctrl and a key": "\x1a\x06\x1c",
    "an arrow": "\x1b[1;5C",
}


@pytest.mark.parametrize("keys", NO_KEYS.values(), ids=NO_KEYS)
def test_what_is_no_key_of_the_screen_does_nothing(course, keys):
    before = database(course)
    shown = typed(course, [keys, "\n"])
    assert "nothing is decided yet" in shown
    assert "0 marked, 3 left" in shown
    assert database(course) == before


def test_a_comment_is_edited_and_an_earlier_one_comes_back(course):
    shown = typed(
        course, ["0", "c", "bien", "\x01", "Très ", "\n", "\n", "0", "c", "\x1b[A", "\n", "\n"]
    )
    assert shown.count("comment (¶ for a new line): Très bien")
    assert sorted(m.comment for m in marks(course).values() if m.comment) == ["Très bien"] * 2


def test_a_text_that_is_given_up_changes_nothing(course):
    before = database(course)
    typed(course, ["c", "mal", "\x03", "s", "1", "\x03", "s", "\x04", "s", "\n", "\n"])
    assert database(course) == before


@pytest.mark.parametrize(("columns", "rows"), [(30, 12), (12, 5), (1, 1), (300, 100)])
def test_a_window_of_any_size(course, columns, rows):
    shown = typed(course, "1c\n?\n", columns=columns, rows=rows)
    assert "1 marked, 2 left" in shown
    if columns > 20:
        assert "Réponse" in shown
