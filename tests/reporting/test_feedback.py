"""A student reads their own work and the hints; no line of a hidden test, nothing that runs."""

import base64
import re
import struct
from dataclasses import replace
from functools import partial
from html import unescape
from pathlib import Path

import pytest
from markupsafe import escape

from grader.authoring.reading import read_source
from grader.engine import Outcome, Report
from grader.errors import GraderError
from grader.grading.results import Result
from grader.grading.submission import Problem
from grader.notebook import grade_id
from grader.reporting import feedback
from grader.reporting.as_handed_in import outputs_as_handed_in
from grader.reporting.feedback import _Grades, write_all
from grader.reporting.formatted import formatted
from tests.support.course_cases import LAB, WRONG, answered, make_course, submit
from tests.support.engine_cases import cell
from tests.support.hostile_cases import CASES
from tests.support.lent_engine import grade

HOSTILE = [case for name, case in CASES.items() if name.startswith("feedback/")]


@pytest.fixture(scope="module")
def pages(tmp_path_factory) -> dict[str, str]:
    """Feedback of an honest class and of every attack on who reads it."""
    course = make_course(tmp_path_factory.mktemp("feedback") / "course")
    submit(course, "right", answered(course))
    submit(course, "wrong", answered(course, standardize=WRONG, SimpleLinear="1 / 0"))
    submit(course, "<b>nom</b>", answered(course))
    submit(course, "broken", "{")
    for case in HOSTILE:
        submit(course, case.path.stem, case.job().notebook)
    grade(course)
    write_all(course.lab(LAB))
    paths = course.root.glob(f"feedback/*/{LAB}/{LAB}.html")
    return {path.parent.parent.name: path.read_text("utf-8") for path in paths}


def test_hints_and_scores(pages):
    page = unescape(pages["wrong"])
    assert "la moyenne se prend par colonne (dim=0)" in page
    assert "ZeroDivisionError" in page
    assert "0 / 2" in page
    assert "5 <small>sur 6" in pages["right"]
    assert "provisoire" in pages["right"]
    assert "JSON" in pages["broken"]


def test_the_page_has_the_lab_s_title_and_begins_with_what_was_lost(pages):
    page = unescape(pages["wrong"])
    assert "<h1>Laboratoire mini</h1>" in page
    first = page.index("À travailler d'abord")
    order = re.findall(r'<a href="#(partie-\w+)">', page)
    lost = [float(text.replace(",", ".")) for text in re.findall(r"([\d,]+) points? à", page)]
    assert lost == sorted(lost, reverse=True)
    assert len(order) == len(lost) == 2
    assert first < page.index("<section")
    for anchor in order:
        assert f'<section id="{anchor}"' in page
    assert "la moyenne se prend par colonne" in page[first : page.index("<section")]
    assert "À travailler" not in pages["right"]


def test_what_nobody_has_marked_is_not_lost():
    part = partial(feedback.Part, "q1", True, 0.0, 2.0)
    assert part(True, (), (), "", (), ()).lost == 0
    assert part(False, (), (), "", (), ()).lost == 2


def test_an_answer_is_formatted():
    html = formatted(
        "Le **gradient** vaut $\\frac{1}{N}$ :\n\n- un\n- deux\n\n| a |\n|---|\n| b |\n"
    )
    assert "<strong>gradient</strong>" in html
    assert "<li>deux</li>" in html
    assert "<td>b</td>" in html
    assert r'<img class="formula" alt="\frac{1}{N}"' in html
    assert 'src="data:image/png;base64,' in html
    assert "<img" not in formatted("de 5$ à 6$")


def test_of_an_answer_only_what_was_formatted_becomes_markup():
    html = formatted(
        "<script>x</script> [lien](javascript:x) [y](http://x) ![i](http://x/y.png) <http://z>\n\n"
        "[a]: http://x\n\n[a]"
    )
    assert set(re.findall(r"<(\w+)", html)) == {"p"}


@pytest.mark.parametrize(
    "formula",
    [
        r"\begin{pmatrix}1\end{pmatrix}",
        r"\hspace{100000}x",
        "{" * 200 + "x" + "}" * 200,
        "x" * 5000,
        r"\unknown",
        '"><script>',
    ],
)
def test_a_formula_that_cannot_be_drawn_is_shown_as_typed(formula):
    html = formatted(f"a ${formula}$ b")
    assert "<img" not in html
    assert "<script" not in html
    assert f"<code>${escape(formula)}$</code>" in html


def test_formulas_are_drawn_up_to_some_number():
    html = formatted("\n\n".join(["$x$"] * 100))
    assert 0 < html.count("<img") < 100


def test_no_line_of_a_hidden_test(pages):
    source = read_source(Path(__file__).parents[1] / "data" / f"{LAB}.py")
    hidden = {
        line.strip()
        for cell in source.cells
        if cell.role and cell.role.kind == "test"
        for region in cell.secret
        for line in region
        if len(re.sub(r"\W", "", line)) > 8
    }
    assert hidden
    for student, page in pages.items():
        page = unescape(page)
        assert not [line for line in hidden if line in page], student


def test_nothing_that_runs(pages):
    assert {case.path.stem for case in HOSTILE} <= pages.keys()
    for student, page in pages.items():
        tags = {tag.lower() for tag in re.findall(r"<\s*([a-zA-Z]+)", page)}
        assert not tags & {"script", "iframe", "object", "embed", "svg", "link", "b"}, student
        assert "default-src 'none'" in page
        for tag in re.findall(r"<[^>]+>", page):
            assert not re.search(r"\son\w+\s*=", tag), (student, tag)
            assert "javascript:" not in tag
        sources = re.findall(r'<img[^>]*src="([^"]*)"', page)
        assert all(src.startswith("data:image/png;base64,") for src in sources)


def test_a_result_that_was_not_recorded_is_told(tmp_path, monkeypatch):
    course = make_course(tmp_path / "course")
    with pytest.raises(GraderError, match="has not been graded"):
        write_all(course.lab(LAB))
    submit(course, "alice", answered(course))
    monkeypatch.setattr("grader.grading.autograde.record", lambda *_: None)
    grade(course)
    with pytest.raises(GraderError, match="alice is not in the gradebook"):
        write_all(course.lab(LAB))


def test_a_name_is_shown_without_control_characters():
    notebook = {"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
    name = "zo\x1b[31mé\u202e\x00<b>"
    problem = Problem("", "Le fichier s'appelle « \x07\u2028 ».")
    result = Result(name, "", (problem,), Outcome(name, notebook, Report(())))
    html = feedback.page(LAB, result, _Grades({}, set(), {}, 0.0, 1.0))
    assert "zoé\N{REPLACEMENT CHARACTER}\N{REPLACEMENT CHARACTER}&lt;b&gt;" in html
    assert not set("\x1b\u202e\x00\x07\u2028") & set(html)


def test_a_page_stays_light(pages):
    assert all(len(page) < 3_000_000 for page in pages.values())


def png(width: int, height: int) -> str:
    """The beginning of a picture, which says how large it will be."""
    header = struct.pack(">I4sII", 13, b"IHDR", width, height)
    return base64.b64encode(b"\x89PNG\r\n\x1a\n" + header).decode()


def test_outputs_of_cells_left_out_are_those_of_the_file(tmp_path):
    picture = png(1, 1)
    course = make_course(tmp_path)
    notebook = answered(course)
    shown = cell("standardize(torch.ones(2))")
    shown["outputs"] = [
        {"output_type": "stream", "name": "stdout", "text": ["à la main\n"]},
        {"output_type": "display_data", "data": {"image/png": picture, "text/html": "<script>"}},
        {"output_type": "display_data", "data": {"image/png": "PHN2Zz4="}},
        {"output_type": "display_data", "data": {"image/png": png(65_535, 65_535)}},
        {"output_type": "display_data", "data": "no dictionary"},
        "no output",
    ]
    place = next(i for i, c in enumerate(notebook["cells"]) if grade_id(c) == "standardize")
    handed_in = notebook | {"cells": [*notebook["cells"][: place + 1], shown, "no cell"]}
    submit(course, "alice", handed_in)
    submission = course.lab(LAB).submission("alice")
    ran = notebook["cells"][place] | {"execution_count": 1}
    left_out = shown | {"outputs": [], "execution_count": None}
    outcome = Outcome("alice", notebook | {"cells": [ran, left_out]}, Report((), left_out=1))
    outputs = outputs_as_handed_in(submission)
    grades = _Grades({}, set(), {}, 0.0, 1.0)
    html = feedback.page(LAB, Result("alice", "", (), outcome), grades, outputs)
    assert "telles que remises" in html
    assert "à la main" in html
    assert picture in html
    assert "PHN2Zz4=" not in html
    assert png(65_535, 65_535) not in html  # seventeen gigabytes of a browser
    assert "<script>" not in html
    again = replace(
        outcome, notebook=notebook | {"cells": [ran, left_out | {"execution_count": 2}]}
    )
    html = feedback.page(LAB, Result("alice", "", (), again), grades, outputs)
    assert "telles que remises" not in html
    assert picture not in html


@pytest.mark.parametrize("text", ["{", "[]", '{"cells": 3}', '{"cells": [{"outputs": [{}]}]}'])
def test_a_file_that_cannot_be_read_has_no_outputs(tmp_path, text):
    course = make_course(tmp_path)
    submit(course, "alice", text)
    assert outputs_as_handed_in(course.lab(LAB).submission("alice")) == {}
