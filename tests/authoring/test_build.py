"""Building a lab: the same bytes as nbgrader's, nothing leaked, no edit lost."""

import json
import os
import shutil
import subprocess
import sysconfig
from datetime import datetime
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_output
from typer.testing import CliRunner

from grader.authoring.bring_back import bring_back
from grader.authoring.build import build, release_text
from grader.authoring.built import BuildRecord, EditedNotebook
from grader.authoring.check import check_labs
from grader.authoring.leaks import leaks
from grader.authoring.notebooks import cell_ids, source_notebook
from grader.authoring.reading import parse, read_source
from grader.authoring.release import release
from grader.authoring.source import InvalidSource
from grader.cli import app
from grader.course import Course, Lab
from grader.errors import GraderError
from grader.notebook import is_test
from labo.coursework.notebook import without_heading

ROOT = Path(__file__).parents[2]
MINI = ROOT / "tests/data/laboratoire_mini.py"


@pytest.fixture
def lab(tmp_path, monkeypatch) -> Lab:
    """A course with the small lab, built."""
    shutil.copy(ROOT / "nbgrader_config.py", tmp_path)
    (tmp_path / "solutions").mkdir()
    shutil.copy(MINI, tmp_path / "solutions")
    (tmp_path / "solutions" / "notations.md").write_text("# Notations\n\n$N$ : les exemples\n")
    monkeypatch.chdir(tmp_path)
    lab = Course(tmp_path).lab("laboratoire_mini")
    build(lab)
    return lab


def edit(lab: Lab, change) -> None:
    """An author's edit in JupyterLab."""
    notebook = nbformat.read(lab.notebook, as_version=4)
    change(notebook.cells)
    nbformat.write(notebook, lab.notebook)


def cell_of(cells, grade_id: str):
    return next(c for c in cells if c.metadata.get("nbgrader", {}).get("grade_id") == grade_id)


# -- The same bytes --------------------------------------------------------------------------------


def nbgrader(lab: Lab) -> None:
    subprocess.run(
        [Path(sysconfig.get_path("scripts")) / "nbgrader", "generate_assignment", lab.name],
        cwd=lab.course.root,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        check=True,
        capture_output=True,
    )


def rows(lab: Lab) -> dict:
    """All that the gradebook has of the lab, without its random keys and its date."""
    with lab.course.gradebook() as gradebook:
        assignment = gradebook.find_assignment(lab.name)
        (notebook,) = assignment.notebooks
        return {
            "course": assignment.course_id,
            "notebook": (notebook.name, notebook.kernelspec),
            "grades": {c.name: (c.max_score, c.cell_type) for c in notebook.grade_cells},
            "solutions": {c.name for c in notebook.solution_cells},
            "sources": {
                c.name: (c.source, c.checksum, c.locked, c.cell_type) for c in notebook.source_cells
            },
        }


@pytest.mark.slow
def test_nbgrader_itself_gives_the_same_release_and_the_same_gradebook(lab):
    ours = lab.release.read_bytes()
    assert not (lab.course.root / "gradebook.db").exists()
    release(lab, source_notebook(read_source(lab.source)))
    our_rows = rows(lab)
    (lab.course.root / "gradebook.db").unlink()
    shutil.rmtree(lab.course.root / "labs")

    nbgrader(lab)
    assert lab.release.read_bytes() == ours
    names = {path.name for path in lab.release.parent.iterdir()}
    assert names == {lab.release.name, "notations.md"}
    assert rows(lab) == our_rows
    assert "torch.testing.assert_close" in our_rows["sources"]["test_standardize"][0]


def test_a_build_gives_the_same_bytes_again(lab):
    before = {path: path.read_bytes() for path in (lab.notebook, lab.release)}
    assert build(lab) == []
    for path in before:
        path.unlink()
    assert build(lab) == list(before)
    assert before == {path: path.read_bytes() for path in before}


def test_an_edit_changes_the_id_of_no_other_cell(lab):
    source = read_source(lab.source)
    edited = source.text.replace("# Deux exercices", "# Trois exercices").replace(
        "# ## Question", "# ## Une question"
    )
    edited = edited.replace("# %%\nimport torch", "# %%\nimport math\n\n# %%\nimport torch")
    new = cell_ids(parse(edited, source.path))
    assert [name for name in cell_ids(source) if name not in new] == [
        cell_ids(source)[0],
        cell_ids(source)[9],
    ]
    assert len(set(new)) == len(new)


def test_equal_cells_have_different_ids():
    ids = cell_ids(parse("# %%\nx = 1\n\n# %%\nx = 1\n", Path("a.py")))
    assert len(set(ids)) == 2


# -- What students receive -------------------------------------------------------------------------


def test_students_receive_stubs_and_no_output(lab):
    cells = json.loads(lab.release.read_text())["cells"]
    sources = {
        c["metadata"]["nbgrader"]["grade_id"]: "".join(c["source"])
        for c in cells
        if "nbgrader" in c["metadata"]
    }
    stub = '        raise NotImplementedError("exercice : SimpleLinear")'
    assert sources["SimpleLinear"].split("\n").count(stub) == 2
    assert sources["q1"] == "*Écrivez votre réponse ici.*"
    assert sources["test_standardize"].endswith('"la forme N×D doit être conservée"')
    assert all(not c.get("outputs") and c.get("execution_count") is None for c in cells)


def test_every_student_line_is_computed_alike_by_us_and_by_nbgrader(lab):
    released = json.loads(lab.release.read_text())["cells"]
    visible = [cell.visible for cell in read_source(lab.source).cells]
    assert [without_heading("".join(cell["source"])) for cell in released] == visible


def test_a_check_says_what_it_examines_and_run_all_goes_on_after_it(lab):
    for path in (lab.notebook, lab.release):
        cells = [c for c in nbformat.read(path, as_version=4).cells if c.cell_type == "code"]
        first = {c.metadata.nbgrader.grade_id: c.source.split("\n")[0] for c in cells if is_test(c)}
        assert first == {
            "test_standardize": "# Vérification de « standardize » (2 points)",
            "test_SimpleLinear_forme": (
                "# Vérification de « SimpleLinear », partie « forme » (1 point)"
            ),
            "test_SimpleLinear_valeurs": (
                "# Vérification de « SimpleLinear », partie « valeurs » (2 points)"
            ),
        }
        for cell in cells:
            goes_on = "raises-exception" in cell.metadata.get("tags", [])
            assert goes_on == ("nbgrader" in cell.metadata)


def test_what_the_builder_adds_to_a_test_is_no_edit(lab):
    before = lab.source.read_text()

    def change(cells):
        test = cell_of(cells, "test_SimpleLinear_forme")
        test.source = test.source.partition("\n")[2]
        for cell in cells:
            cell.metadata.pop("tags", None)

    edit(lab, change)
    assert bring_back(lab) == []
    edit(lab, lambda cells: cell_of(cells, "test_standardize").metadata.nbgrader.update(points=3))
    bring_back(lab)
    expected = before.replace('"standardize" points=2', '"standardize" points=3')
    assert lab.source.read_text() == expected
    assert "« standardize » (3 points)" in lab.release.read_text()


def test_a_lab_that_shows_its_solution_elsewhere_is_not_built(lab):
    body = [line for cell in read_source(lab.source).cells for line in cell.source.split("\n")]
    start = body.index("generator = torch.Generator().manual_seed(2)")
    with lab.source.open("a") as file:
        file.write("\n# %%\n" + "\n".join(body[start : start + 4]) + "\n")
    released = lab.release.read_bytes()
    with pytest.raises(GraderError, match=r"students would see\n.*line 94, and 3 more in a row"):
        build(lab)
    assert lab.release.read_bytes() == released


def test_a_line_that_is_also_visible_is_no_leak(lab):
    text = lab.source.read_text() + "\n# %%\nmodel = SimpleLinear(4, 3)\n"
    source = parse(text, lab.source)
    assert leaks(source, release_text(lab, source)) == []


# -- Files beside the notebook ---------------------------------------------------------------------


def beside(lab: Lab, name: str, text: str) -> Path:
    """Put a file beside the author's notebook; where students find it."""
    path = lab.notebook.parent / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return lab.release.parent / name


def test_files_beside_the_notebook_are_released_as_nbgrader_does_and_checked(lab):
    copy = beside(lab, "données/table.csv", "1,2")
    assert any("table.csv" in problem for problem in check_labs(lab.course, [lab]))
    assert copy in build(lab)
    assert copy.read_text() == "1,2"
    assert check_labs(lab.course, lab.course.labs()) == []
    names = {p.relative_to(lab.release.parent) for p in lab.release.parent.rglob("*")}
    release(lab, source_notebook(read_source(lab.source)))
    shutil.rmtree(lab.course.root / "labs")
    nbgrader(lab)
    assert {p.relative_to(lab.release.parent) for p in lab.release.parent.rglob("*")} == names


def test_a_file_that_shows_a_solution_or_a_marker_is_not_released(lab):
    for text in ("std = x.std(dim=0, correction=0)", "### BEGIN SOLUTION"):
        copy = beside(lab, "utils.py", text)
        with pytest.raises(GraderError, match=r"students would see in utils\.py"):
            build(lab)
        assert not copy.exists()


def test_an_exercise_asks_for_files_and_the_notebook_says_so(lab):
    text = lab.source.read_text("utf-8")
    asked = 'exercice="standardize" fichiers="poids.safetensors, images/*.png"'
    lab.source.write_text(text.replace('exercice="standardize"', asked), "utf-8")
    build(lab)
    released = nbformat.read(lab.release, as_version=4)
    assert released.metadata.labo.files == ["poids.safetensors", "images/*.png"]
    edit(lab, lambda cells: cells.append(new_markdown_cell("Un mot de plus.")))
    bring_back(lab)
    assert asked in lab.source.read_text("utf-8")


def test_a_stub_of_the_courses_own_is_nbgraders_and_refused_for_a_py(lab):
    with (lab.course.root / "nbgrader_config.py").open("a") as config:
        config.write('\nc.ClearSolutions.code_stub = {"python": "# à vous"}\n')
    other = Course(lab.course.root).lab(lab.name)
    with pytest.raises(GraderError, match=r"code_stub .* names? the exercise"):
        build(other)
    shutil.rmtree(other.release.parent)  # nbgrader leaves alone what is there
    nbgrader(other)
    assert "# à vous" in other.release.read_text("utf-8")


# -- Checking labs/ --------------------------------------------------------------------------------


def problems(lab: Lab) -> str:
    return "\n".join(check_labs(lab.course, lab.course.labs()))


def test_check_is_silent_on_what_was_built(lab):
    (lab.release.parent / ".ipynb_checkpoints").mkdir()
    (lab.release.parent / ".ipynb_checkpoints" / "a.ipynb").touch()
    assert problems(lab) == ""


def test_check_names_a_lab_that_differs_and_shows_the_line(lab):
    lab.source.write_text(lab.source.read_text().replace("Deux exercices", "Trois exercices"))
    found = problems(lab)
    assert "labs/laboratoire_mini/laboratoire_mini.ipynb is not what" in found
    assert '    -    "Deux exercices' in found
    assert '    +    "Trois exercices' in found


def test_check_names_a_missing_release_and_strays(lab):
    lab.release.rename(lab.release.with_name("autre.ipynb"))
    found = problems(lab)
    assert "laboratoire_mini.ipynb is missing. Run: grader build laboratoire_mini" in found
    assert "labs/laboratoire_mini/autre.ipynb comes from no source" in found


def test_the_notation_is_beside_every_lab_and_checked(lab):
    source = lab.notations
    assert {path.read_bytes() for path in lab.copies} == {source.read_bytes()}
    source.write_text(source.read_text() + "\n$D$ : les entrées\n")
    assert problems(lab) == (
        "labs/laboratoire_mini/notations.md is not solutions/notations.md. "
        "Run: grader build laboratoire_mini"
    )
    assert build(lab) == list(lab.copies)
    assert problems(lab) == ""
    lab.copies[1].unlink()
    assert "labs/laboratoire_mini/notations.md is not" in problems(lab)


def test_a_course_without_a_page_of_notation_has_no_copy_of_it(lab):
    for path in (lab.notations, *lab.copies):
        path.unlink()
    assert build(lab) == []
    assert problems(lab) == ""
    lab.copies[1].write_text("# D'une autre année\n")
    assert "labs/laboratoire_mini/notations.md comes from no source" in problems(lab)


def test_check_tells_the_mistakes_of_a_source(lab):
    lab.source.write_text(lab.source.read_text().replace('"q1" points=1', '"q1"'))
    assert "'reponse' without points" in problems(lab)


@pytest.mark.parametrize(
    "line",
    [
        "std = x.std(dim=0, correction=0)",
        "count = sum(p.numel() for p in model.parameters())",
        "convient à toutes les directions.",
        "BEGIN HIDDEN TESTS",
    ],
)
@pytest.mark.parametrize("place", ["source", "outputs", "metadata"])
def test_check_finds_a_hidden_line_anywhere_in_a_release(lab, line, place):
    notebook = nbformat.read(lab.release, as_version=4)
    cell = notebook.cells[1]
    if place == "source":
        cell.source += f"\n    {line}"
    elif place == "outputs":
        cell.outputs = [new_output("stream", text=f"avant\nvoici {line} après\n")]
    else:
        cell.metadata["note"] = line
    nbformat.write(notebook, lab.release)
    found = problems(lab)
    assert f"{lab.release.relative_to(lab.course.root)} shows" in found
    assert line in found.split(" is not what ")[0]


# -- An author's edit ------------------------------------------------------------------------------


def test_an_edited_notebook_is_not_overwritten_silently(lab):
    edit(lab, lambda cells: cells[0].update(source="# Titre"))
    edited = lab.notebook.read_bytes()
    with pytest.raises(EditedNotebook, match="--from-notebook laboratoire_mini"):
        build(lab)
    assert lab.notebook.read_bytes() == edited
    build(lab, force=True)
    assert nbformat.read(lab.notebook, as_version=4).cells[0].source.startswith("# Laboratoire")


def test_running_the_notebook_is_no_edit(lab):
    def run(cells):
        cells[1].update(execution_count=3, outputs=[new_output("stream", text="bonjour")])
        cells[1].metadata["collapsed"] = True
        cells.append(new_code_cell(""))

    edit(lab, run)
    assert bring_back(lab) == []
    assert build(lab) == [lab.notebook]
    assert "bonjour" not in lab.notebook.read_text()


def test_a_notebook_that_follows_its_source_is_rebuilt(lab):
    lab.source.write_text(lab.source.read_text().replace("Deux exercices", "Trois exercices"))
    assert build(lab) == [lab.notebook, lab.release]


def test_an_edit_comes_back_and_leaves_the_rest_as_written(lab):
    before = lab.source.read_text()

    def change(cells):
        exercise = cell_of(cells, "standardize")
        exercise.source = exercise.source.replace("correction=0", "unbiased=False")
        cell_of(cells, "test_SimpleLinear_forme").metadata.nbgrader.points = 1.5
        cells[0].source += "\n\nUne ligne de plus.  \n  \nFin.\n\n"
        cells[1].outputs = [new_output("stream", text="bonjour")]

    edit(lab, change)
    assert bring_back(lab) == [lab.source, lab.notebook, lab.release]
    assert lab.source.read_text() == (
        before.replace("correction=0)\n    return", "unbiased=False)\n    return")
        .replace('part="forme" points=1\n', 'part="forme" points=1.5\n')
        .replace(
            "et la correction.\n", "et la correction.\n#\n# Une ligne de plus.  \n#   \n# Fin.\n"
        )
    )
    assert "bonjour" not in lab.notebook.read_text()
    assert problems(lab) == ""
    assert build(lab) == []


def test_cells_can_be_added_moved_and_removed_in_jupyterlab(lab):
    def nbgrader_cell(cell, grade_id, **metadata):
        keys = {"grade_id": grade_id, "schema_version": 3, "task": False, "locked": False}
        cell.metadata.nbgrader = keys | metadata
        return cell

    def change(cells):
        cells.insert(2, cells.pop())
        del cells[-1]
        cells += [
            new_markdown_cell("## Exercice 3\n\nDoubler."),
            nbgrader_cell(
                new_code_cell("def double(x):\n### BEGIN SOLUTION\n    return x\n### END SOLUTION"),
                "double",
                grade=False,
                solution=True,
            ),
            nbgrader_cell(
                new_code_cell("assert double(1) == 2"),
                "test_double_entier",
                grade=True,
                solution=False,
                points=2.0,
            ),
            new_code_cell("%matplotlib inline", metadata={"tags": ["raises-exception"]}),
            nbgrader_cell(new_markdown_cell("Oui."), "q2", grade=True, solution=True, points=1),
        ]
        cells[-4].source = cells[-4].source.replace("###", "    ###")

    edit(lab, change)
    bring_back(lab)
    text = lab.source.read_text()
    assert text.endswith("""
# %% [markdown]
# ## Exercice 3
#
# Doubler.

# %% exercice="double"
def double(x):
    ### BEGIN SOLUTION
    return x
    ### END SOLUTION

# %% test="double" part="entier" points=2
assert double(1) == 2

# %% tags=["raises-exception"]
# %matplotlib inline

# %% [markdown] reponse="q2" points=1
# Oui.
""")
    assert 'reponse="q1"' not in text
    assert "from torch import nn\n\n# %%\nprint(" in text
    assert problems(lab) == ""


def test_when_both_were_edited_nothing_is_changed(lab):
    edit(lab, lambda cells: cells[0].update(source="# Titre"))
    lab.source.write_text(lab.source.read_text() + "\n# %%\nx = 1\n")
    before = lab.source.read_bytes(), lab.notebook.read_bytes(), lab.release.read_bytes()
    with pytest.raises(
        GraderError, match=r"(?s)Both solutions/.* were edited.*nothing was changed"
    ):
        bring_back(lab)
    with pytest.raises(EditedNotebook):
        build(lab)
    assert before == (
        lab.source.read_bytes(),
        lab.notebook.read_bytes(),
        lab.release.read_bytes(),
    )


def test_records_of_earlier_versions_stay_valid():
    source = parse(
        """\
# %% exercice="f" concepts="axes"
def f(x):
    ### BEGIN SOLUTION
    return 2 * x
    ### END SOLUTION

# %% test="f" part="a" points=1.5
assert f(1) == 2

# %% [markdown] reponse="q" points=1
# Oui.

# %% tags=["a"]
x = 1
""",
        Path("a.py"),
    )
    recorded = "3eb616b5d4eace51ae07b2d153015ecd064f97c0661ada85a257c7a911fb60da"
    assert BuildRecord.of(source).notebook == recorded


def unnamed_test(cells):
    cell_of(cells, "test_standardize").metadata.nbgrader.grade_id = "cell-1f2e"


def read_only(cells):
    cells[1].metadata.nbgrader = {
        "grade": False, "grade_id": "a", "locked": True, "schema_version": 3, "solution": False,
        "task": False,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (unnamed_test, r'cell 5: test="cell-1f2e" is not a name'),
        (read_only, "Cell 2 has a type of nbgrader's that is not used here"),
        (lambda cells: cells[0].update(attachments={"a.png": {}}), "Cell 1 is .* attached image"),
        (lambda cells: cells[0].update(cell_type="raw"), "Cell 1 is a raw cell"),
        (lambda cells: cells[1].update(source="x = 1\n# %%\ny = 2"), "has it a line '# %%'"),
        (lambda cells: cells[1].update(source="x = ("), "cell 2: syntax error"),
    ],
)
def test_an_edit_that_makes_no_valid_lab_is_refused(lab, change, words):
    edit(lab, change)
    before = lab.source.read_bytes()
    with pytest.raises(GraderError, match=words):
        bring_back(lab)
    assert lab.source.read_bytes() == before


def test_what_is_not_a_notebook_is_told(lab):
    lab.notebook.write_text("{")
    with pytest.raises(EditedNotebook):
        build(lab)
    with pytest.raises(GraderError, match="is not a notebook"):
        bring_back(lab)


# -- The gradebook ---------------------------------------------------------------------------------


def test_release_records_the_due_date_and_keeps_it(lab):
    notebook = source_notebook(read_source(lab.source))
    due = datetime(2026, 12, 1, 23, 59)
    release(lab, notebook, due)
    text = release(lab, notebook)
    assert text == lab.release.read_text()
    with lab.course.gradebook() as gradebook:
        assert gradebook.find_assignment(lab.name).duedate == due


def test_cells_cannot_change_under_submissions(lab):
    source = read_source(lab.source)
    release(lab, source_notebook(source))
    with lab.course.gradebook() as gradebook:
        gradebook.update_or_create_student("ana")
        gradebook.update_or_create_submission(lab.name, "ana")
    text = source.text + '\n# %% [markdown] reponse="q2" points=1\n# Oui.\n'
    with pytest.raises(GraderError, match="cannot be released again"):
        release(lab, source_notebook(parse(text, lab.source)))


# -- The commands ----------------------------------------------------------------------------------


def grader(*arguments: str):
    return CliRunner().invoke(app, arguments)


@pytest.mark.slow
def test_commands_say_what_they_did_and_exit_with_0(lab):
    assert grader("build").output == "laboratoire_mini: up to date\n"
    assert grader("build", "--check").output == "labs/ is up to date (1 checked)\n"
    result = grader("release", "laboratoire_mini", "--duedate", "2026-12-01 23:59")
    assert result.exit_code == 0
    assert "in the gradebook, due 2026-12-01 23:59" in result.output


def test_mistakes_of_all_labs_are_told_without_traceback_and_exit_with_1(lab):
    for name in ("laboratoire_02", "laboratoire_03"):
        (lab.course.root / "solutions" / f"{name}.py").write_text('# %% exercise="f"\nx = 1\n')
    result = grader("build")
    assert result.exit_code == 1
    assert "solutions/laboratoire_02.py:1: unknown role or option 'exercise'" in result.output
    assert "solutions/laboratoire_03.py:1: " in result.output
    assert "laboratoire_mini: up to date" in result.output
    assert isinstance(result.exception, SystemExit)


def test_check_exits_with_1_on_a_difference(lab):
    lab.release.unlink()
    assert grader("build", "--check").exit_code == 1


def test_an_unknown_lab_is_told_with_the_nearest_one(lab):
    result = grader("build", "laboratoire_nini")
    assert result.exit_code == 1
    assert "Did you mean laboratoire_mini?" in result.output


def test_wrong_usage_exits_with_2(lab):
    assert grader("build", "--check", "--force").exit_code == 2
    assert grader("answers", "--profile", "huge").exit_code == 2


def test_the_course_is_found_from_a_folder_in_it(lab, monkeypatch):
    assert Course.here(lab.notebook.parent) == lab.course
    monkeypatch.chdir("/")
    result = grader("build")
    assert result.exit_code == 1
    assert "Run this from the course's folder" in result.output


def test_a_path_names_its_lab(lab):
    assert lab.course.labs(["solutions/laboratoire_mini.py"]) == [lab]


def test_an_invalid_source_leaves_the_release_as_it_was(lab):
    released = lab.release.read_bytes()
    lab.source.write_text("# %%\nx = (\n")
    with pytest.raises(InvalidSource):
        build(lab)
    assert lab.release.read_bytes() == released


# -- What only the author has ----------------------------------------------------------------------

WITH_CLAIMS = """
# %% affirmation="first"
claim.finite("un", 1)

# %% affirmation="second" profils="tiny"
claim.finite("deux", 2)

# %% experience="largeur"
width = 3

# %% affirmation="last"
claim.finite("trois", width)
"""


@pytest.fixture
def claiming(lab) -> Lab:
    """The small lab with claims, built."""
    lab.source.write_text(lab.source.read_text() + WITH_CLAIMS)
    build(lab)
    return lab


def test_claims_are_in_no_notebook_and_experiments_are_marked(claiming):
    for path in (claiming.notebook, claiming.release):
        assert "claim" not in path.read_text()
        *_, last = json.loads(path.read_text())["cells"]
        assert last["metadata"] == {"labo": {"role": "experience", "name": "largeur"}}
    assert json.loads(claiming.release.read_text())["metadata"]["labo"]["lab"] == claiming.name


def test_claims_come_back_after_the_cells_that_they_follow(claiming):
    before = claiming.source.read_text()

    def change(cells):
        cells[-1].source = "width = 4"
        cells.insert(0, cells.pop(-2))  # the cell before the first two claims
        cells.append(new_code_cell("x = 1"))

    edit(claiming, change)
    bring_back(claiming)
    printing = before[before.index("# %%\nprint(") : before.index("# %% experience")]
    rest = before.replace(printing, "")
    start = rest.index("# %% [markdown]")
    assert claiming.source.read_text() == (
        rest[:start] + printing + rest[start:].replace("width = 3", "width = 4") + "\n# %%\nx = 1\n"
    )
    assert problems(claiming) == ""


def test_the_claims_of_a_removed_cell_stay_after_the_one_before(claiming):
    def change(cells):
        del cells[-2:]

    edit(claiming, change)
    bring_back(claiming)
    claims = [part for part in WITH_CLAIMS.split("# %% ") if part.startswith("affirmation")]
    assert claiming.source.read_text().endswith(
        "convient à toutes les directions.\n\n" + "".join(f"# %% {text}" for text in claims)
    )


def test_a_mistake_after_claims_is_told_with_its_number_in_the_notebook(claiming):
    edit(claiming, lambda cells: cells[-1].update(source="x = ("))
    number = len(read_source(claiming.source).cells)
    with pytest.raises(InvalidSource, match=f"cell {number}: syntax error"):
        bring_back(claiming)
