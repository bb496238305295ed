"""Broken and hostile submission *files*: each function hands in one, in its own way.

A function receives the student's folder and an honest, fully right notebook (automatic total: 5),
and writes what that student submits. The decorator states the outcome: the total that the work is
still worth, and the words under which the report names what happened.
"""

from __future__ import annotations

import copy
import json
import os
import pickle
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import nbformat

NAME = "laboratoire_mini.ipynb"


@dataclass(frozen=True)
class FileCase:
    submit: Callable[[Path, dict], None]
    score: float
    says: str

    @property
    def name(self) -> str:
        return self.submit.__name__


CASES: list[FileCase] = []


def case(score: float, says: str = ""):
    """Register a submission with the total it deserves and a pattern that the report must match."""

    def register(submit: Callable[[Path, dict], None]) -> Callable[[Path, dict], None]:
        CASES.append(FileCase(submit, score, says))
        return submit

    return register


def write(folder: Path, notebook: dict) -> None:
    (folder / NAME).write_text(json.dumps(notebook), encoding="utf-8")


def cell_of(notebook: dict, grade_id: str) -> dict:
    for cell in notebook["cells"]:
        if cell["metadata"].get("nbgrader", {}).get("grade_id") == grade_id:
            return cell
    raise KeyError(grade_id)


# --- not a notebook


@case(0, "(?i)json")
def not_json(folder, notebook):
    (folder / NAME).write_text("<<<<<<< HEAD\n{")


@case(0, "(?i)empty|json")
def empty_file(folder, notebook):
    (folder / NAME).write_bytes(b"")


@case(0, "(?i)json|notebook")
def a_list(folder, notebook):
    (folder / NAME).write_text("[1, 2, 3]")


@case(0, "(?i)json|utf-8|text")
def binary(folder, notebook):
    (folder / NAME).write_bytes(bytes(range(256)) * 100)


@case(0, "(?i)nest|deep|json")
def deeply_nested(folder, notebook):
    (folder / NAME).write_text('{"cells": ' + "[" * 200_000 + "]" * 200_000 + "}")


@case(0, "(?i)large|size|big")
def too_large(folder, notebook):
    with (folder / NAME).open("wb") as file:
        file.truncate(200 << 20)  # sparse: it takes no room on disk


@case(0, "(?i)no cells|cells|format|notebook")
def no_cells(folder, notebook):
    (folder / NAME).write_text('{"nbformat": 4, "nbformat_minor": 5, "metadata": {}}')


@case(0, "(?i)cell|format|notebook")
def cells_of_the_wrong_type(folder, notebook):
    (folder / NAME).write_text(
        '{"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": [1, null, {"source": 3}]}'
    )


@case(0, "(?i)json")
def endless_string(folder, notebook):
    # Takes a careless scanner time in the square of its size.
    (folder / NAME).write_bytes(b'"' + b'\\"' * (4 << 20))


# --- unusual formats, honest content


@case(5)
def lone_surrogates(folder, notebook):
    # What no encoding holds: the report could not be written either.
    notebook["cells"].insert(
        0, {"cell_type": "markdown", "id": "moitié", "metadata": {}, "source": "a\ud800b"}
    )
    notebook["cells"][1]["metadata"]["nbgrader"] = {"grade_id": "\udfff"}
    write(folder, notebook)


@case(5)
def format_3(folder, notebook):
    old = nbformat.convert(nbformat.from_dict(notebook), 3)
    write(folder, json.loads(json.dumps(old)))


@case(5)
def future_minor(folder, notebook):
    write(folder, {**notebook, "nbformat_minor": 99})


@case(0, "(?i)format|version")
def future_major(folder, notebook):
    write(folder, {**notebook, "nbformat": 9})


@case(5)
def byte_order_mark(folder, notebook):
    (folder / NAME).write_bytes(b"\xef\xbb\xbf" + json.dumps(notebook).encode())


@case(5)
def sources_as_lists(folder, notebook):
    for cell in notebook["cells"]:
        cell["source"] = cell["source"].splitlines(keepends=True)
    write(folder, notebook)


@case(5)
def foreign_kernelspec(folder, notebook):
    notebook["metadata"]["kernelspec"] = {"name": "sh", "display_name": "rm", "language": "bash"}
    write(folder, notebook)


@case(5)
def null_bytes_and_control_characters(folder, notebook):
    notebook["cells"].insert(
        0,
        {"cell_type": "markdown", "id": "zz", "metadata": {}, "source": "a\x00b\x1b[2J\x07\u202e"},
    )
    write(folder, notebook)


@case(5)
def strange_metadata(folder, notebook):
    notebook["metadata"]["nbgrader"] = "oui"
    notebook["metadata"]["widgets"] = {"application/vnd.jupyter.widget-state+json": {"state": 3}}
    notebook["cells"][0]["metadata"]["nbgrader"] = ["liste"]
    write(folder, notebook)


# --- graded cells tampered with


@case(5, "(?i)duplicate|twice|more than once")
def duplicated_test(folder, notebook):
    notebook["cells"].append(copy.deepcopy(cell_of(notebook, "test_standardize")))
    write(folder, notebook)


WRONG = "def standardize(x):\n    return x\n"


def copied(notebook, grade_id, source):
    """A second cell of this name, as an editor makes one; right after the first."""
    first = cell_of(notebook, grade_id)
    second = copy.deepcopy(first) | {"source": source, "id": "copie"}
    notebook["cells"].insert(notebook["cells"].index(first) + 1, second)
    return first


@case(3, "(?i)duplicate.*all are run")
def duplicated_exercise_right_after_its_test(folder, notebook):
    # As in Jupyter: a test examines what was run before it.
    right = cell_of(notebook, "standardize")
    wrong = copy.deepcopy(right) | {"source": WRONG, "id": "copie"}
    position = notebook["cells"].index(right)
    notebook["cells"].insert(position, wrong)
    notebook["cells"].remove(right)
    notebook["cells"].append(right)
    write(folder, notebook)


@case(5, "(?i)duplicate.*all are run")
def duplicated_exercise_wrong_first(folder, notebook):
    right = cell_of(notebook, "standardize")["source"]
    copied(notebook, "standardize", right)["source"] = WRONG
    write(folder, notebook)


@case(3, "(?i)duplicate.*all are run")
def duplicated_exercise_wrong_last(folder, notebook):
    copied(notebook, "standardize", WRONG)
    write(folder, notebook)


@case(5, "(?i)duplicate.*all are run")
def exercise_split_in_two(folder, notebook):
    second = cell_of(notebook, "standardize")["source"].replace("standardize", "_standardize")
    first = copied(notebook, "standardize", second)
    first["source"] = "def standardize(x):\n    return _standardize(x)\n"
    write(folder, notebook)


@case(5, "(?i)duplicate.*all are run")
def work_in_a_copy_of_a_test(folder, notebook):
    right = cell_of(notebook, "standardize")
    copied(notebook, "standardize", right["source"])["source"] = WRONG
    test = cell_of(notebook, "test_standardize")["metadata"]
    notebook["cells"][notebook["cells"].index(right) + 1]["metadata"] = copy.deepcopy(test)
    write(folder, notebook)


@case(5, "(?i)names lost")
def names_lost_and_ids_kept(folder, notebook):
    for cell in notebook["cells"]:
        cell["metadata"] = {}
    write(folder, notebook)


@case(5, "(?i)names lost")
def names_and_ids_lost(folder, notebook):
    for number, cell in enumerate(notebook["cells"]):
        cell["metadata"] = {}
        cell["id"] = str(number)
    write(folder, notebook)


@case(5, "(?i)beside it, and not graded: .*Copy1")
def a_copy_beside_it(folder, notebook):
    (folder / NAME.replace(".ipynb", "-Copy1.ipynb")).write_text(json.dumps(notebook))
    write(folder, notebook)


@case(5)
def many_outputs(folder, notebook):
    output = {"output_type": "stream", "name": "stdout", "text": "x" * (25 * 2**20)}
    cell_of(notebook, "standardize")["outputs"] = [output]
    write(folder, notebook)


@case(5, "(?i)missing|restored|inserted|deleted")
def deleted_test(folder, notebook):
    notebook["cells"].remove(cell_of(notebook, "test_standardize"))
    write(folder, notebook)


@case(3, "(?i)missing|deleted")
def deleted_exercise(folder, notebook):
    notebook["cells"].remove(cell_of(notebook, "standardize"))
    write(folder, notebook)


@case(5, "(?i)order|moved")
def test_moved_before_the_exercise(folder, notebook):
    test = cell_of(notebook, "test_standardize")
    notebook["cells"].remove(test)
    notebook["cells"].insert(0, test)
    write(folder, notebook)


@case(3, "(?i)chang|edit|restored")
def edited_test_to_pass(folder, notebook):
    cell_of(notebook, "standardize")["source"] = "def standardize(x):\n    return x\n"
    cell_of(notebook, "test_standardize")["source"] = "2.0"
    write(folder, notebook)


@case(5, "(?i)points|metadata|chang|restored")
def changed_points(folder, notebook):
    cell_of(notebook, "test_standardize")["metadata"]["nbgrader"]["points"] = 1000
    write(folder, notebook)


@case(3, "(?i)unlock|metadata|chang|restored")
def unlocked_test(folder, notebook):
    cell_of(notebook, "standardize")["source"] = "def standardize(x):\n    return x\n"
    test = cell_of(notebook, "test_standardize")
    test["metadata"]["nbgrader"] |= {"locked": False, "solution": True}
    test["source"] = "pass"
    write(folder, notebook)


@case(3, "(?i)missing|grade_id|metadata")
def missing_grade_id(folder, notebook):
    cell_of(notebook, "standardize")["source"] = "def standardize(x):\n    return x\n"
    cell_of(notebook, "test_standardize")["metadata"].pop("nbgrader")
    write(folder, notebook)


@case(5, "(?i)unknown|foreign|not part")
def invented_grade_id(folder, notebook):
    extra = copy.deepcopy(cell_of(notebook, "test_standardize")) | {"id": "bonus", "source": "100"}
    extra["metadata"]["nbgrader"] |= {"grade_id": "bonus", "points": 100}
    notebook["cells"].append(extra)
    write(folder, notebook)


@case(3, "")
def skip_execution_tag(folder, notebook):
    # Full marks with stock nbgrader.
    cell_of(notebook, "standardize")["source"] = "def standardize(x):\n    return x\n"
    cell_of(notebook, "test_standardize")["metadata"]["tags"] = [
        "skip-execution",
        "raises-exception",
    ]
    write(folder, notebook)


@case(3, "")
def test_turned_into_markdown(folder, notebook):
    cell_of(notebook, "standardize")["source"] = "def standardize(x):\n    return x\n"
    test = cell_of(notebook, "test_standardize")
    test["cell_type"] = "markdown"
    test.pop("outputs", None)
    test.pop("execution_count", None)
    write(folder, notebook)


@case(5, "(?i)type")
def exercise_turned_into_markdown(folder, notebook):
    exercise = cell_of(notebook, "standardize")
    exercise["cell_type"] = "markdown"
    del exercise["outputs"], exercise["execution_count"]
    write(folder, notebook)


@case(3, "")
def outputs_written_by_hand(folder, notebook):
    cell_of(notebook, "standardize")["source"] = "def standardize(x):\n    return x\n"
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code":
            cell["outputs"] = [
                {
                    "output_type": "execute_result",
                    "execution_count": 1,
                    "metadata": {},
                    "data": {"text/plain": "2.0"},
                }
            ]
    write(folder, notebook)


@case(5, "")
def repeated_cell_ids(folder, notebook):
    for cell in notebook["cells"]:
        cell["id"] = "même"
    write(folder, notebook)


# --- the file system


@case(0, "(?i)symbolic|symlink|link")
def symlink_to_a_secret(folder, notebook):
    (folder / NAME).symlink_to("/etc/passwd")


@case(0, "(?i)hard|link")
def hardlink(folder, notebook):
    (folder / "autre").write_text(json.dumps(notebook))
    os.link(folder / "autre", folder / NAME)


@case(0, "(?i)regular|fifo|file")
def fifo(folder, notebook):
    os.mkfifo(folder / NAME)


@case(0, "(?i)regular|folder|directory|file")
def folder_in_its_place(folder, notebook):
    (folder / NAME).mkdir()


@case(5, "(?i)name")
def wrong_name(folder, notebook):
    (folder / "laboratoire_mini (1) - copie.ipynb").write_text(json.dumps(notebook))


@case(5, "(?i)name")
def undecodable_name(folder, notebook):
    path = os.fsencode(folder) + b"/\xff\x1b[2J.ipynb"
    with open(path, "w") as file:
        json.dump(notebook, file)


@case(5, "(?i)name")
def archive_made_on_a_mac(folder, notebook):
    (folder / "remise.ipynb").write_text(json.dumps(notebook))
    (folder / "._remise.ipynb").write_bytes(b"\x00\x05\x16\x07")


@case(0, "(?i)missing|no notebook|not found|no file")
def nothing_at_all(folder, notebook):
    pass


@case(5)
def shadowed_modules_beside_the_notebook(folder, notebook):
    for name in ("torch", "numpy", "labo", "grader", "sitecustomize", "usercustomize"):
        (folder / f"{name}.py").write_text("raise SystemExit('piégé')\n")
    write(folder, notebook)


@case(5)
def poisoned_startup_files(folder, notebook):
    startup = folder / ".ipython" / "profile_default" / "startup"
    startup.mkdir(parents=True)
    (startup / "00.py").write_text("import builtins; builtins.AssertionError = SystemExit\n")
    (folder / "ipython_config.py").write_text("raise SystemExit\n")
    (folder / "nbgrader_config.py").write_text("raise SystemExit\n")
    (folder / "conftest.py").write_text("raise SystemExit\n")
    write(folder, notebook)


@case(5)
def unicode_file_names(folder, notebook):
    (folder / "été\u202eipynb.exe").write_text("x")
    (folder / "ligne\nsuivante.txt").write_text("x")
    (folder / "<img src=x onerror=alert(1)>.txt").write_text("x")
    (folder / ("n" * 255)).write_text("x")
    os.close(os.open(os.fsencode(folder) + b"/\xff\xfe", os.O_CREAT))
    write(folder, notebook)


@case(5)
def links_beside_the_notebook(folder, notebook):
    (folder / "gradebook.db").symlink_to("/etc/shadow")
    (folder / "tout").symlink_to("/")
    write(folder, notebook)


@case(5)
def attachments_that_climb(folder, notebook):
    notebook["cells"].insert(
        0,
        {
            "cell_type": "markdown",
            "id": "grimpe",
            "metadata": {},
            "source": "![](attachment:../../../../tmp/piege.png)",
            "attachments": {"../../../../tmp/piege.png": {"image/png": "iVBORw0KGgo="}},
        },
    )
    write(folder, notebook)


# --- files beside the notebook, for whoever imports, opens or unpickles them


ESCAPE = "open('/tmp/labo-escape', 'w').close()\n"


@case(5)
def modules_that_every_test_imports(folder, notebook):
    for name in ("torch", "math", "statistics", "collections", "numpy", "traceback", "pickle"):
        (folder / f"{name}.py").write_text(ESCAPE + "raise SystemExit\n")
    for name in ("torch", "labo", "grader"):
        (folder / name).mkdir()
        (folder / name / "__init__.py").write_text(ESCAPE)
    write(folder, notebook)


@case(5)
def files_that_a_start_of_python_or_pytest_runs(folder, notebook):
    for name in ("sitecustomize.py", "usercustomize.py", "conftest.py", "setup.py", "pytest.py"):
        (folder / name).write_text(ESCAPE)
    (folder / "everything.pth").write_text(f"import os; {ESCAPE}")
    (folder / "pytest.ini").write_text("[pytest]\naddopts = -p conftest\n")
    write(folder, notebook)


class _Escapes:
    def __reduce__(self):
        return open, ("/tmp/labo-escape", "w")


@case(5)
def pickles(folder, notebook):
    for name in ("weights.pkl", "weights.pt", "predictions.npy", "data.joblib", "model.pth"):
        (folder / name).write_bytes(pickle.dumps(_Escapes()))
    write(folder, notebook)


@case(5, "(?i)left out: huge.bin .*too large")
def a_huge_file(folder, notebook):
    with (folder / "huge.bin").open("wb") as file:
        file.truncate(2**40)  # a terabyte, of which the disk holds nothing
    (folder / "small.txt").write_text("petit")
    write(folder, notebook)


@case(5, "(?i)left out: b.bin .*together")
def more_than_all_files_may_have(folder, notebook):
    for name in ("a.bin", "b.bin"):
        with (folder / name).open("wb") as file:
            file.truncate(40 * 2**20)
    write(folder, notebook)


@case(5, "(?i)left out: .*beyond 1000 files")
def more_files_than_may_be(folder, notebook):
    for number in range(1100):
        (folder / f"{number:04}.txt").write_text("")
    write(folder, notebook)


@case(5, "(?i)left out: .*too many folders")
def folders_without_end(folder, notebook):
    deep = folder.joinpath(*["d"] * 60)
    deep.mkdir(parents=True)
    (deep / "end.txt").write_text("")
    write(folder, notebook)


@case(5, "(?i)left out: .*link")
def links_and_pipes_as_data(folder, notebook):
    (folder / "data.csv").symlink_to("/etc/passwd")
    (folder.parent / "of_somebody_else.csv").write_text("1")
    os.link(folder.parent / "of_somebody_else.csv", folder / "hard.csv")
    os.mkfifo(folder / "pipe.csv")
    write(folder, notebook)


@case(0, r"^not a notebook of format 3 or 4 \(nbformat: .{,200}\)$")
def a_version_of_megabytes(folder, notebook):
    write(folder, notebook | {"nbformat": "4" * 5_000_000})


@case(5, r"^beside it, and not graded: (0\d{3}x+\.ipynb, ){4}0\d{3}x+\.ipynb …$")
def a_thousand_other_notebooks(folder, notebook):
    for number in range(1000):
        (folder / f"{number:04}{'x' * 200}.ipynb").write_text("{}")
    write(folder, notebook)


@case(
    5, "^duplicate: the locked cell test_standardize is there more than once; the author's counts$"
)
def a_thousand_times_one_cell(folder, notebook):
    again = cell_of(notebook, "test_standardize")
    place = notebook["cells"].index(again)
    notebook["cells"][place:place] = [again] * 1000
    write(folder, notebook)
