"""The screen of `grader mark`: all that was written is shown, and does nothing."""

import re

import pytest

from grader.marking.answers import Draft, State
from grader.marking.screen import Screen, safe
from grader.marking.session import View
from tests.support.marking_cases import formgrader, hand_in, q1, student_of, waiting
from tests.support.marking_terminal import typed

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


@pytest.mark.parametrize("raw", ["", "r"])
def test_no_sequence_of_a_student_reaches_the_terminal(course, raw):
    for number, text in enumerate(HOSTILE):
        course_text = {f"h{number:02}": text.encode("utf-8", "replace").decode()}
        hand_in(course, course_text)
    shown = typed(course, f"{raw}k" * 20)  # TerminalScreen refuses what is not ours
    assert "rouge" in shown
    assert "balise" in shown
    assert not re.search(r"\^|<\w\w>", shown)  # nothing was left for prompt_toolkit to disarm


def test_no_character_of_a_comment_reaches_the_terminal(course):
    first = student_of(course, waiting(course)[0])
    formgrader(course, first, manual_score=0.5, manual_comment="\x1b[31m\u202e\r caché\x07")
    shown = typed(course, ["c", "\x1b[200~\u202e\x07 collé\x1b[201~", "\n"], {State.MARKED})
    assert "comment (¶ for a new line): �[31m�� caché��� collé" in shown
    assert "^" not in shown


def test_what_entities_stand_for_moves_no_column(course):
    question = q1(course)
    view = View(question, Draft(), "titre", "renversé &#x202e;ici " * 30)
    lines = ["".join(text for _, text in line) for line in Screen().lines(view, 150, 40)]
    assert len({line.index("│") for line in lines if "│" in line}) == 1


def test_what_would_be_coloured_or_move_is_a_space():
    assert safe("0,5\xa0pt\tvaut\n") == "0,5 pt vaut "


def test_html_and_formulas_are_shown_as_written(course):
    text = "si x <y et z> 3, $a_1*b*c_2$ et\n\n$$\nx^2\n$$\n\n<!-- caché --> <b>gras</b>"
    hand_in(course, {"eve": text})
    formgrader_rest = [a for a in waiting(course) if student_of(course, a) != "eve"]
    for answer in formgrader_rest:
        formgrader(course, student_of(course, answer), manual_score=0)
    shown = typed(course, "q")
    for part in ("x <y et z> 3", "$a_1*b*c_2$", "x^2", "<!-- caché -->", "<b>gras</b>"):
        assert part in shown
