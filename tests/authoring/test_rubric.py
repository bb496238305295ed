"""A barème is read whole, or refused with its line and what to write."""

from decimal import Decimal
from pathlib import Path

import pytest

from grader.authoring.reading import parse, read_source
from grader.authoring.rubric import answer_key, read
from grader.authoring.source import InvalidSource
from labo.coursework.notebook import CellKind
from tests.support.course_cases import ROOT

KEY = """\
Le modèle, en *Markdown*.

**Barème**

- 1 pt : nomme l'échelle
- 0,5 pt : nomme le pas,
  le même pour toutes les directions
- 0.5 point\u00a0: conclut
"""


def refused(*args) -> None:
    raise AssertionError(args)


def mistakes(text: str, points: float = 2) -> list[tuple[int, str]]:
    found = []
    read(text, points, lambda line, message, fix: found.append((line, message)))
    return found


def test_the_parts_of_a_cell():
    key = read(KEY, 2, refused)
    assert key.model == "Le modèle, en *Markdown*."
    assert [item.points for item in key.items] == [1, Decimal("0.5"), Decimal("0.5")]
    assert [item.worth for item in key.items] == ["1 pt", "0,5 pt", "0,5 pt"]
    assert key.items[1].text == "nomme le pas, le même pour toutes les directions"
    assert key.items[2].text == "conclut"


def test_it_may_be_left_out():
    key = read("Tout est dit.", 2, refused)
    assert key.model == "Tout est dit."
    assert key.items == ()


@pytest.mark.parametrize("title", ["Barème", "**Barème**", "### Barème :", "*BARÈME*\u00a0:"])
def test_titles(title):
    assert len(read(KEY.replace("**Barème**", title), 2, refused).items) == 3


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("Oui.\n\n*Barème : un point par partie.*", 2, "is not a list"),
        ("Oui.\n\nBarème", 2, "is empty"),
        ("Barème\n\n- 1 pt nomme", 2, "no line of a barème: '- 1 pt nomme'"),
        ("Barème\n\n- un point : nomme", 2, "no line of a barème"),
        ("Barème\n- -1 pt : nomme", 1, "no line of a barème"),
        ("Barème\n- 2 pts : nomme\nEt une fin.", 2, "no line of a barème: 'Et une fin.'"),
        ("Oui.\nBarème\n- 1 pt : a\n- 0,5 pt : b", 1, "adds up to 1,5, the question is worth 2"),
        ("Barème\n- 1 pt : a\n- 1 pt : a", 0, "say the same"),
        ("Barème\n- 2 pts : a\n- 0 pt : b", 0, "worth nothing"),
        ("Barème\n" + "\n".join(f"- 0,2 pt : {i}" for i in range(10)), 0, "10 lines, 9"),
    ],
)
def test_mistakes(text, line, message):
    ((found_line, found),) = mistakes(text)
    assert found_line == line
    assert message in found


def test_tenths_add_up_exactly():
    text = "Barème\n" + "\n".join(f"- 0,1 pt : {i}" for i in range(3))
    assert mistakes(text, 0.3) == []


def test_the_build_names_the_line_in_the_file():
    text = (ROOT / "tests/data/laboratoire_mini.py").read_text("utf-8")
    answer = "# convient à toutes les directions.\n"
    wrong = text.replace(answer, answer + "#\n# Barème\n#\n# - 2 pts : nomme l'échelle\n")
    with pytest.raises(InvalidSource) as caught:
        parse(wrong, Path("lab.py"))
    (error,) = caught.value.errors
    assert wrong.split("\n")[error.line - 1] == "# Barème"
    assert "adds up to 2, the question is worth 1" in error.message


def test_every_question_of_our_labs_has_one():
    for path in (ROOT / "solutions").glob("laboratoire_0[123].py"):
        questions = [c for c in read_source(path).cells if c.kind is CellKind.QUESTION]
        assert questions
        assert all(answer_key(cell, refused).items for cell in questions)
