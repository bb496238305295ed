"""In a Jupyter kernel, checks say that they pass, and errors are short."""

import re

import pytest
from IPython.core.interactiveshell import InteractiveShell
from nbclient import NotebookClient
from nbformat.v4 import new_code_cell, new_notebook
from nbgrader.preprocessors import Execute
from nbgrader.utils import determine_grade

from labo.coursework.display import install
from labo.coursework.notebook import Heading, read_heading, without_heading

CHECK = '# Vérification de « f » (2 points)\nassert f(1) == 2, "`f` double son argument"'
OTHER = "# Vérification de « g », partie « a » (1,5 point)\n"

# Each: what happens, the cells that prepare it, the last cell, and what that shows.
CASES = [
    (
        "an exercise never executed",
        [],
        CHECK,
        "✗ f : « f » n'existe pas : exécutez d'abord la cellule de l'exercice.",
    ),
    (
        "another cell never executed",
        ["def f(x):\n    return 2 * x"],
        OTHER + "np.zeros(3)",
        "✗ g (a) : « np » n'existe pas : exécutez d'abord la cellule qui le définit.",
    ),
    (
        "no answer yet",
        ['def f(x):\n    raise NotImplementedError("exercice : f")'],
        CHECK,
        "✗ f : pas encore de réponse.",
    ),
    (
        "the answer to another exercise is missing",
        ['def h():\n    raise NotImplementedError("exercice : h")\n\n\ndef f(x):\n    return h()'],
        CHECK,
        "✗ f : l'exercice « h », dont dépend celui-ci, n'a pas de réponse.",
    ),
    (
        "a cell that is no check",
        ['def f(x):\n    raise NotImplementedError("exercice : f")'],
        "f(3)",
        "Cette cellule attend l'exercice « f » : répondez, puis réexécutez-la.",
    ),
    ("a wrong answer", ["def f(x):\n    return x"], CHECK, "✗ f : `f` double son argument"),
    (
        "a message of several lines",
        ["def f(x):\n    return x"],
        CHECK.replace("son argument", "son\\nargument"),
        "✗ f : `f` double son\nargument",
    ),
    (
        "no message",
        ["def f(x):\n    return x"],
        CHECK.partition(",")[0],
        "✗ f : « assert f(1) == 2 » n'est pas vrai.",
    ),
    (
        "a message from elsewhere than the notebook",
        ["import unittest"],
        OTHER + 'unittest.TestCase().fail("cela")',
        "✗ g (a) : cela",
    ),
    (
        "not Python",
        ["def f(x):\n    return 2 * x", "def f(x):\n    y = 2 * (x\n    return y"],
        CHECK.replace("== 2", "== 3"),
        "✗ f : la cellule de l'exercice « f » ne se lit pas : ligne 2, « y = 2 * (x »"
        " ('(' was never closed).",
    ),
    (
        "not Python, when the answer before was right",
        ["def f(x):\n    return 2 * x", "def f(x)\n    return 2 * x"],
        CHECK,
        "✗ f : la cellule de l'exercice « f » ne se lit pas : ligne 1, « def f(x) »"
        " (expected ':'). C'est votre réponse précédente qui vient d'être vérifiée.\n",
    ),
    (
        "mended",
        ["def f(x)\n    return 2 * x", "def f(x):\n    return 2 * x"],
        CHECK,
        "✓ f : la vérification passe (2 points)\n",
    ),
    (
        "a part of the points",
        ["def f(x):\n    return x"],
        OTHER + "0.5",
        "g (a) : la vérification donne 0,5 point sur 1,5\n",
    ),
    (
        "all of the points, as a number",
        ["def f(x):\n    return x"],
        OTHER + "1.5",
        "✓ g (a) : la vérification passe (1,5 point)\n",
    ),
    (
        "a value that is no number of points",
        ["def f(x):\n    return x"],
        OTHER + "True",
        "✓ g (a) : la vérification passe (1,5 point)\n",
    ),
    (
        "an error in the answer",
        ["def h(x):\n    return int('a')\n\n\ndef f(x):\n    return h(x)"],
        CHECK,
        "✗ f : arrêt sur une erreur.\n"
        "Cellule [n], ligne 6, dans f\n    return h(x)\n"
        "Cellule [n], ligne 2, dans h\n    return int('a')\n"
        "ValueError: invalid literal for int() with base 10: 'a'",
    ),
    (
        "an assertion of the answer's own",
        ['def f(x):\n    assert x > 5, "le mien"\n    return 2 * x'],
        CHECK,
        "✗ f : arrêt sur une erreur.\n"
        'Cellule [n], ligne 2, dans f\n    assert x > 5, "le mien"\n'
        "AssertionError: le mien",
    ),
    (
        "an error of the check, with what the answer gave",
        ["def f(x):\n    return None"],
        CHECK.replace("f(1) ==", "f(1) + 1 =="),
        "✗ f : arrêt sur une erreur.\n"
        'Cellule [n], ligne 2\n    assert f(1) + 1 == 2, "`f` double son argument"\n'
        "TypeError: unsupported operand type(s) for +: 'NoneType' and 'int'",
    ),
    (
        "an error in a library",
        ["import json\n\ndef f(x):\n    return json.loads('{')"],
        "f(1)",
        "Cellule [n], ligne 1\n    f(1)\n"
        "Cellule [n], ligne 4, dans f\n    return json.loads('{')\n"
        "json.decoder.JSONDecodeError: Expecting property name enclosed in double quotes:"
        " line 1 column 2 (char 1)\n(%tb montre l'erreur entière)",
    ),
    (
        "calls without end",
        ["def f(x):\n    return f(x)"],
        "f(1)",
        "Cellule [n], ligne 1\n    f(1)\n... n autres appels ...\n"
        + "Cellule [n], ligne 2, dans f\n    return f(x)\n" * 3
        + "RecursionError: maximum recursion depth exceeded",
    ),
]


@pytest.fixture(scope="module")
def shown() -> list[str]:
    """What the last cell of each case shows, all executed in one kernel."""
    cells = ["import labo"]
    last = []
    for _, before, code, _ in CASES:
        cells += ["%reset_selective -f ^[fgh]$", *before, code]
        last.append(len(cells) - 1)
    notebook = new_notebook(cells=[new_code_cell(text) for text in cells])
    NotebookClient(notebook, kernel_name="python3", allow_errors=True).execute()
    return [_text(notebook.cells[index]) for index in last]


def _text(cell) -> str:
    texts = [
        "\n".join(o.traceback) if o.output_type == "error" else o.get("text", "")
        for o in cell.outputs
    ]
    plain = re.sub(r"\x1b\[\d+m", "", "".join(texts))
    return re.sub(r"\[\d+\]|(?<=\.\.\. )\d+", lambda found: re.sub(r"\d+", "n", found[0]), plain)


@pytest.mark.parametrize("number", range(len(CASES)), ids=[case[0] for case in CASES])
def test_a_cell_shows(shown, number):
    assert shown[number] == CASES[number][3]


def test_stock_nbgrader_scores_what_these_checks_show():
    """A failing check that lets *Run All* go on is worth 0, and one that says it passes, all."""

    def test_cell(name: str, code: str):
        graded = {"grade": True, "solution": False, "locked": True, "task": False}
        graded |= {"grade_id": name, "points": 2, "schema_version": 3}
        metadata = {"nbgrader": graded, "tags": ["raises-exception"]}
        return new_code_cell(code, metadata=metadata)

    cells = [
        new_code_cell("import labo"),
        test_cell("before", CHECK),
        new_code_cell("def f(x):\n    return 2 * x"),
        test_cell("right", CHECK),
        test_cell("part", CHECK + "\n0.5"),
        new_code_cell("def f(x):\n    return x"),
        test_cell("wrong", CHECK),
    ]
    notebook = new_notebook(cells=cells)
    Execute().preprocess(notebook, {})
    graded = [cell for cell in notebook.cells if "nbgrader" in cell.metadata]
    scores = {cell.metadata.nbgrader.grade_id: determine_grade(cell)[0] for cell in graded}
    assert scores == {"before": 0, "right": 2, "part": 0.5, "wrong": 0}


def test_the_usual_tracebacks_come_back_on_demand(monkeypatch):
    monkeypatch.setenv("LABO_FULL_TRACEBACK", "1")
    notebook = new_notebook(cells=[new_code_cell("import labo"), new_code_cell(CHECK)])
    NotebookClient(notebook, kernel_name="python3", allow_errors=True).execute()
    assert "Traceback (most recent call last)" in "\n".join(notebook.cells[1].outputs[0].traceback)


def test_only_a_kernel_is_changed_and_only_once():
    class Events:
        def __init__(self):
            self.names = []

        def register(self, name, _):
            self.names.append(name)

    class ZMQInteractiveShell:
        def __init__(self):
            self.events = Events()
            self.handlers = []

        def set_custom_exc(self, kinds, _):
            self.handlers.append(kinds)

    kernel = ZMQInteractiveShell()
    install(kernel)
    install(kernel)
    assert kernel.events.names == ["pre_run_cell", "post_run_cell"]
    assert kernel.handlers == [(Exception,)]
    plain = InteractiveShell()
    install(plain)
    assert plain.custom_exceptions == ()


@pytest.mark.parametrize("part", [None, "forme"])
@pytest.mark.parametrize("points", [1, 1.5, 2, 0.25])
def test_a_heading_is_read_as_it_was_written(part, points):
    heading = Heading("hinge_loss", part, points)
    cell = f"{heading}\nassert True\n"
    assert read_heading(cell) == heading
    assert without_heading(cell) == "assert True\n"


@pytest.mark.parametrize("cell", ["", "assert True", "# Vérification\nx", "x\n" + CHECK])
def test_other_cells_have_no_heading(cell):
    assert read_heading(cell) is None
    assert without_heading(cell) == cell
