"""The source format: what it accepts, what it refuses and how it says so, and writing it back."""

import re
from pathlib import Path

import jupytext
import nbformat
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nbformat import NotebookNode

from grader.authoring.bring_back import restore
from grader.authoring.notebooks import source_notebook
from grader.authoring.reading import parse, read_source
from grader.authoring.source import InvalidSource, Role
from grader.authoring.writing import merge
from labo.coursework.notebook import CellKind, cell_kind
from labo.settings import Profile

PATH = Path("laboratoire_99.py")
MINI = Path(__file__).parents[1] / "data/laboratoire_mini.py"
LABS = [MINI, *sorted((MINI.parent.parent.parent / "solutions").glob("*.py"))]

EXERCISE = """\
# %% exercice="f"
def f(x):
    ### BEGIN SOLUTION
    return 2 * x
    ### END SOLUTION

"""
TEST = """\
# %% test="f" points=1
assert f(1) == 2
"""

# Each: what is wrong, the source, the line of the error, words of the message or of the fix.
REFUSED = [
    ("unknown role", '# %% exercise="f"\nx = 1\n', 1, "unknown role or option 'exercise'"),
    ("unknown option", '# %% exercice="f" points=2\nx = 1\n', 1, "unknown option 'points'"),
    ("option without role", "# %% points=2\nx = 1\n", 1, "'points' in a cell without a role"),
    ("unreadable option", "# %% test='f' points=2\nx = 1\n", 1, 'Write name="text"'),
    ("option twice", '# %% test="f" points=2 points=3\nx = 1\n', 1, "given twice"),
    ("two roles", '# %% exercice="f" test="f" points=1\nx = 1\n', 1, "two roles"),
    ("missing name", "# %% exercice\nx = 1\n", 1, "cannot read the options from 'exercice'"),
    ("empty name", '# %% exercice=""\nx = 1\n', 1, 'exercice="" is not a name'),
    ("name with a dash", '# %% exercice="a-b"\nx = 1\n', 1, "is not a name"),
    ("accented name", '# %% exercice="moyenné"\nx = 1\n', 1, "is not a name"),
    ("name that is a number", "# %% exercice=3\nx = 1\n", 1, "exercice=3 is not a name"),
    ("part that is no name", EXERCISE + '# %% test="f" part="1" points=1\nx\n', 7, "not a name"),
    ("duplicate exercise", EXERCISE + EXERCISE + TEST, 7, "'f' is already that of line 1"),
    ("duplicate test", EXERCISE + TEST + TEST, 9, 'several tests of an exercise: part="..."'),
    (
        "duplicate answer",
        '# %% [markdown] reponse="q" points=1\n# a\n' * 2,
        3,
        "'q' is already that of line 1",
    ),
    (
        "answer named as an exercise",
        EXERCISE + TEST + '# %% [markdown] reponse="f" points=1\n# a\n',
        9,
        "'f' is already that of line 1",
    ),
    (
        "misspelt exercise",
        EXERCISE.replace('"f"', '"hinge_loss"') + TEST.replace('"f"', '"hingeloss"'),
        7,
        "Did you mean hinge_loss?",
    ),
    (
        "unknown exercise",
        EXERCISE + TEST + TEST.replace('"f"', '"g"'),
        9,
        'An exercise is a cell: # %% exercice="g"',
    ),
    ("exercise without test", EXERCISE, 1, 'Add a cell: # %% test="f" points=2'),
    ("test without points", EXERCISE + '# %% test="f"\nx\n', 7, "'test' without points"),
    ("zero points", EXERCISE + '# %% test="f" points=0\nx\n', 7, "points=0 is not a positive"),
    ("negative points", EXERCISE + '# %% test="f" points=-1\nx\n', 7, "not a positive"),
    ("points as text", EXERCISE + '# %% test="f" points="2"\nx\n', 7, 'points="2" is not'),
    ("part that is a number", EXERCISE + '# %% test="f" part=1 points=1\nx\n', 7, "part=1 is not"),
    (
        "points true above a barème",
        '# %% [markdown] reponse="q" points=true\n# a\n#\n# Barème\n# - 1 pt : b\n',
        1,
        "points=true is not",
    ),
    ("points true", EXERCISE + '# %% test="f" points=true\nx\n', 7, "points=true is not"),
    ("points not a number", EXERCISE + '# %% test="f" points=NaN\nx\n', 7, "points=NaN is not"),
    ("answer without points", '# %% [markdown] reponse="q"\n# a\n', 1, "'reponse' without points"),
    ("answer in code", '# %% reponse="q" points=1\nx = 1\n', 1, "'reponse' must be a text cell"),
    ("test in text", EXERCISE + '# %% [markdown] test="f" points=1\n# x\n', 7, "a code cell"),
    ("tags not a list", '# %% tags="a"\nx = 1\n', 1, "'tags' is not a list"),
    (
        "concepts not a text",
        '# %% exercice="f" concepts=["a"]\nx\n',
        1,
        'cannot read concepts=["a"]',
    ),
    ("an empty concept", '# %% exercice="f" concepts="a, "\nx\n', 1, "words between commas"),
    ("a concept twice", '# %% exercice="f" concepts="a, a"\nx\n', 1, "each once"),
    ("concepts of a test", EXERCISE + TEST.replace("points", 'concepts="a" points'), 7, "unknown"),
    ("a file elsewhere", '# %% exercice="f" fichiers="../a.txt"\nx\n', 1, "below the lab's folder"),
    ("files of a test", EXERCISE + TEST.replace("points", 'fichiers="a" points'), 7, "unknown"),
    ("concepts of any cell", '# %% concepts="a"\nx = 1\n', 1, "option 'concepts'"),
    (
        "experience named as an exercise",
        EXERCISE + TEST + '# %% experience="f"\nx = 1\n',
        9,
        "'f' is already that of line 1",
    ),
    (
        "claim named as an experience",
        '# %% experience="a"\nx\n# %% affirmation="a"\nx\n',
        3,
        "'a' is already",
    ),
    ("experience with an option", '# %% experience="a" points=1\nx\n', 1, "unknown option"),
    ("experience in text", '# %% [markdown] experience="a"\n# x\n', 1, "must be a code cell"),
    ("claim in text", '# %% [markdown] affirmation="a"\n# x\n', 1, "must be a code cell"),
    ("claim that is empty", '# %% affirmation="a"\n\n# %%\nx\n', 1, "the cell is empty"),
    ("claim with a syntax error", '# %% affirmation="a"\nx = (\n', 2, "syntax error"),
    ("unknown profile", '# %% affirmation="a" profils="smal"\nx\n', 1, 'profils="smal"'),
    ("profile twice", '# %% affirmation="a" profils="tiny, tiny"\nx\n', 1, "each once"),
    ("unknown data", '# %% affirmation="a" donnees="digits"\nx\n', 1, 'donnees="digits"'),
    (
        "real data where there are none",
        '# %% affirmation="a" profils="tiny, small" donnees="mnist"\nx\n',
        1,
        "real data in the profile tiny",
    ),
    (
        "a hidden test that trusts a free experiment",
        '# %% experience="e"\ndef helper():\n    pass\n\n'
        + EXERCISE
        + TEST
        + "### BEGIN HIDDEN TESTS\nhelper()\n### END HIDDEN TESTS\n",
        11,
        "uses 'helper', of the cell at line 1",
    ),
    ("unknown type of cell", "# %% [raw]\n# a\n", 1, "unknown type of cell [raw]"),
    ("text without comment", "# %% [markdown]\n# a\nb\n", 3, "without '# '"),
    ("text before the first cell", "import torch\n# %%\nx = 1\n", 1, "before the first cell"),
    ("unclosed header", "# ---\n# jupyter:\n# %%\nx = 1\n", 1, "the header is not closed"),
    ("empty cell", "# %%\nx = 1\n# %%\n\n# %%\ny = 2\n", 3, "the cell is empty"),
    (
        "unclosed solution",
        EXERCISE.replace("    ### END SOLUTION\n", "") + TEST,
        3,
        "SOLUTION region is not closed",
    ),
    (
        "nested solution",
        EXERCISE.replace("    return", "    ### BEGIN SOLUTION\n    return") + TEST,
        4,
        "begins inside a SOLUTION region",
    ),
    (
        "solution that ends first",
        EXERCISE.replace("BEGIN", "END") + TEST,
        3,
        "a SOLUTION region ends and has not begun",
    ),
    (
        "crossed regions",
        EXERCISE.replace("END SOLUTION", "END HIDDEN TESTS") + TEST,
        5,
        "a SOLUTION region ends as HIDDEN TESTS",
    ),
    (
        "unclosed hidden tests",
        EXERCISE + TEST + "### BEGIN HIDDEN TESTS\nassert f(2) == 4\n",
        9,
        "HIDDEN TESTS region is not closed",
    ),
    (
        "hidden tests outside a test",
        "# %%\nx = 1\n### BEGIN HIDDEN TESTS\nx = 2\n### END HIDDEN TESTS\n",
        3,
        "outside a cell 'test'",
    ),
    (
        "hidden tests in an exercise",
        EXERCISE.replace("SOLUTION", "HIDDEN TESTS") + TEST,
        3,
        "outside a cell 'test'",
    ),
    (
        "solution outside an exercise",
        "# %%\n### BEGIN SOLUTION\nx = 2\n### END SOLUTION\n",
        2,
        "outside a cell 'exercice'",
    ),
    ("marker in prose", "# %% [markdown]\n# après ### BEGIN SOLUTION\n", 2, "alone on its line"),
    ("mark scheme", "# %% [markdown]\n# ### BEGIN MARK SCHEME\n", 2, "not used in this project"),
    ("autotest", EXERCISE + TEST + "x = 'AUTOTEST'\n", 9, "not used in this project"),
    (
        "exercise without solution",
        '# %% exercice="f"\ndef f(x):\n    return 2 * x\n' + TEST,
        1,
        "has no solution region",
    ),
    (
        "empty solution",
        EXERCISE.replace("    return 2 * x\n", "") + TEST,
        3,
        "the solution is empty",
    ),
    (
        "marker not indented",
        EXERCISE.replace("    ### BEGIN", "### BEGIN") + TEST,
        3,
        "not indented like the solution",
    ),
    (
        "only hidden tests",
        EXERCISE
        + '# %% test="f" points=1\n### BEGIN HIDDEN TESTS\nassert f(1)\n### END HIDDEN TESTS\n',
        7,
        "as an empty cell",
    ),
    (
        "a hidden test that trusts what a student may rewrite",
        "# %%\ndef helper():\n    pass\n\n"
        + EXERCISE
        + TEST
        + "### BEGIN HIDDEN TESTS\nhelper()\n### END HIDDEN TESTS\n",
        11,
        "uses 'helper', of the cell at line 1",
    ),
    ("syntax error", "# %%\nx = 1\n\ny = (2\n", 4, "syntax error"),
    ("syntax error under a magic", "# %%\n# %matplotlib inline\ny = = 2\n", 3, "syntax error"),
    (
        "syntax error for students",
        EXERCISE
        + TEST
        + "for x in (1, 2):\n    ### BEGIN HIDDEN TESTS\n    f(x)\n    ### END HIDDEN TESTS\n",
        7,
        "without its hidden lines",
    ),
]


@pytest.mark.parametrize(
    ("text", "line", "words"), [case[1:] for case in REFUSED], ids=[case[0] for case in REFUSED]
)
def test_a_mistake_is_refused_with_its_line_and_what_to_write(text, line, words):
    with pytest.raises(InvalidSource) as refused:
        parse(text, PATH)
    found = [str(error) for error in refused.value.errors if error.line == line]
    assert any(words in error for error in found), str(refused.value)
    assert all(error.fix for error in refused.value.errors)


@pytest.mark.parametrize(
    "hidden", ["def helper(): pass\nhelper()", "Thing()", "from m import helper\nhelper()"]
)
def test_a_hidden_test_may_use_its_own_helpers_and_classes_of_the_notebook(hidden):
    cell = "# %%\ndef helper():\n    pass\n\nclass Thing:\n    pass\n\n"
    test = f"{TEST}helper()\n### BEGIN HIDDEN TESTS\n{hidden}\n### END HIDDEN TESTS\n"
    parse(cell + EXERCISE + test, PATH)


def test_a_file_in_another_encoding_is_refused_with_its_line(tmp_path):
    path = tmp_path / "laboratoire_99.py"
    path.write_bytes("# %%\nx = 'é'\n".encode("latin-1"))
    with pytest.raises(InvalidSource, match=r":2: not UTF-8\n    Save it as UTF-8"):
        read_source(path)


def test_all_mistakes_of_a_file_are_told_together_in_the_order_of_its_lines():
    text = '# %% test="g"\nx = (\n\n# %% exercise="h"\ny = 1\n'
    with pytest.raises(InvalidSource) as refused:
        parse(text, PATH)
    errors = refused.value.errors
    assert [error.line for error in errors] == [1, 1, 2, 4]
    assert str(refused.value).startswith("laboratoire_99.py:1: ")


def test_roles_give_the_names_of_the_gradebook():
    roles = [cell.role for cell in read_source(MINI).cells if cell.role]
    assert [role.grade_id for role in roles] == [
        "standardize",
        "test_standardize",
        "SimpleLinear",
        "test_SimpleLinear_forme",
        "test_SimpleLinear_valeurs",
        "q1",
    ]
    assert roles[3] == Role(CellKind.TEST, "SimpleLinear", "forme", 1)


def test_students_keep_the_signature_and_get_a_stub_at_the_same_indent():
    exercise = parse(EXERCISE + TEST, PATH).cells[0]
    assert exercise.visible == 'def f(x):\n    raise NotImplementedError("exercice : f")'
    assert exercise.secret == [["    return 2 * x"]]


@pytest.mark.parametrize(
    "code",
    [
        "# %matplotlib inline\nx = 1",
        "# !ls\n",
        "# %%time\nx = 1",
        "files = !ls",
        "await g()",
        "torch.add?",
    ],
)
def test_ipython_code_is_accepted(code):
    (cell,) = parse(f"# %%\n{code}\n", PATH).cells
    assert not cell.source.startswith("# ")


@pytest.mark.parametrize("path", LABS, ids=lambda path: path.stem)
def test_jupytext_reads_the_same_cells(path):
    theirs = jupytext.read(path, fmt="py:percent").cells
    ours = read_source(path).written
    assert [(c.type, c.source) for c in ours] == [(c.cell_type, c.source) for c in theirs]


def test_a_claim_is_the_authors_alone_and_says_when_it_is_checked():
    source = parse(
        '# %%\nx = 1\n\n# %% affirmation="a" profils="full, small" donnees="cifar10"\ny\n', PATH
    )
    assert [cell.source for cell in source.cells] == ["x = 1"]
    assert [cell.source for cell in source_notebook(source).cells] == ["x = 1"]
    role = source.written[1].role
    assert (role.profiles, role.data) == ((Profile.SMALL, Profile.FULL), "cifar10")
    default = parse('# %% affirmation="a"\ny\n', PATH).written[0].role
    assert (default.profiles, default.data) == ((Profile.SMALL,), None)


def test_the_notebook_names_its_lab_and_its_free_experiments():
    notebook = source_notebook(parse('# %% experience="largeur"\nx = 1\n', PATH))
    assert notebook.metadata.labo == {"lab": "laboratoire_99", "graded": []}
    assert notebook.cells[0].metadata == {"labo": {"role": "experience", "name": "largeur"}}
    assert cell_kind(notebook.cells[0]) is CellKind.EXPERIENCE


@pytest.mark.parametrize("labo", ["experience", {}, {"role": "exercice"}, {"role": None}])
def test_other_metadata_make_no_role(labo):
    assert cell_kind({"cell_type": "code", "metadata": {"labo": labo}}) is None


def saved(notebook: NotebookNode) -> NotebookNode:
    """The notebook as it comes back from its file."""
    return nbformat.reads(nbformat.writes(notebook), as_version=4)


@pytest.mark.parametrize("path", LABS, ids=lambda path: path.stem)
def test_an_unedited_lab_is_written_back_byte_for_byte(path):
    source = read_source(path)
    assert source.text == path.read_text(encoding="utf-8")
    assert restore(source, saved(source_notebook(source)), path) == source.text


repeatable = settings(derandomize=True, deadline=None, max_examples=60)
words = st.text(st.characters(codec="utf-8", exclude_categories=["C", "Zl", "Zp"]), max_size=30)
prose = words.map(lambda text: f"# {text}").filter(
    lambda text: not re.search("%%|BEGIN|END|AUTOTEST", text)
)
code = st.sampled_from(
    ["x = 1", "# un commentaire", "#", "", "if True:\n    x = 2", '"""texte"""', "# %time x = 3"]
)
blanks = st.integers(0, 3).map(lambda count: "\n" * count)


@st.composite
def sources(draw: st.DrawFn) -> str:
    """A valid source with cells of every kind, oddly spaced."""
    header = draw(st.sampled_from(["", "# ---\n# jupyter:\n#   x: 1\n# ---\n\n", "\n\n"]))
    cells = []
    for number in range(draw(st.integers(1, 4))):
        name = f"f{number}"
        options = draw(st.permutations([f'test="{name}"', "points=1.5", 'part="a_b"']))
        space = draw(st.sampled_from([" ", "  "]))
        body = "\n".join(["x = 0", *draw(st.lists(code, max_size=4))])
        hidden = f"### BEGIN HIDDEN TESTS\n{body}\n### END HIDDEN TESTS"
        text = "\n".join(["# a", *draw(st.lists(prose, max_size=4))])
        solution = "### BEGIN SOLUTION\nx = 0\n### END SOLUTION"
        cells += [
            f'# %% exercice="{name}" concepts="axes,pas d’apprentissage"\n{body}\n{solution}',
            f'# %% exercice="g{number}"\n{draw(blanks)}{body}\n{solution}',
            f'# %% test="g{number}" points=1\n{body}',
            f"#%% {space.join(options)}\n# vu\n{hidden}",
            f"# %% [markdown]\n{text}",
            f'# %% [markdown] points=2 reponse="q{number}" concepts="l\'axe, 1×1"\n{text}',
            f'# %% tags=["a",  "é"]\n{body}',
            f'# %% affirmation="c{number}"   profils="small,tiny"\n{body}',
            f'#%% experience="e{number}"\n{body}',
            f'# %% donnees="mnist" affirmation="d{number}"\n{body}',
        ]
    return header + "".join(f"{cell}\n{draw(blanks)}" for cell in cells)


@repeatable
@given(sources())
def test_any_valid_source_is_written_back_byte_for_byte(text):
    source = parse(text, PATH)
    assert source.text == text
    assert restore(source, saved(source_notebook(source)), PATH) == text


@repeatable
@given(sources())
def test_cells_written_anew_read_the_same(text):
    source = parse(text, PATH)
    rewritten = merge(source, [(cell, None) for cell in source.written])
    again = parse(rewritten, PATH).written
    assert [c.content for c in again] == [c.content for c in source.written]
