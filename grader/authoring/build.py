"""Building labs: the source ``.py``, the instructor's notebook, the students' notebook.

    solutions/<lab>.py  ->  solutions/<lab>/<lab>.ipynb  ->  labs/<lab>/<lab>.ipynb
    the one source          nbgrader's source, ignored       the release, committed
                            by git

The same source gives the same bytes on every machine. An instructor may edit the notebook in the
middle; `bring_back` brings the edit back to the ``.py``, and nothing overwrites it silently.
"""

from __future__ import annotations

import difflib
import hashlib
import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import nbformat
import typer
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from grader.authoring.release import release, student_version
from grader.authoring.source import (
    Cell,
    InvalidSource,
    Role,
    Source,
    SourceError,
    cell_number,
    merge,
    parse,
    read_source,
    trim,
    whole,
)
from grader.course import Course, Lab
from grader.errors import GraderError, shown
from grader.files import write_if_changed

# No versions here: they would change with the machine that builds.
NOTEBOOK_METADATA = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {
        "file_extension": ".py",
        "mimetype": "text/x-python",
        "name": "python",
        "nbconvert_exporter": "python",
        "pygments_lexer": "ipython3",
    },
}
NBGRADER_SCHEMA = 3
# Left by editors beside what they open, and ignored by git.
NOT_STRAY = {".ipynb_checkpoints", "__pycache__", ".DS_Store"}
DIFF_LINES = 12
# As many hidden lines in a row, found in the visible part, are no coincidence.
BLOCK = 4
MARKERS = ("BEGIN SOLUTION", "END SOLUTION", "BEGIN HIDDEN TESTS", "END HIDDEN TESTS")


class EditedNotebook(GraderError):
    """The built notebook holds an edit that would be lost."""


# -- From the source to the notebooks --------------------------------------------------------------


def cell_ids(source: Source) -> list[str]:
    """An id for each cell, which changes only with the cell itself.

    A cell with a role is known by its name, any other by its content (and its rank among equal
    ones), so that a cell inserted or edited elsewhere changes no other line of the notebook.
    """
    ids, seen = [], Counter()
    for cell in source.cells:
        key = cell.role.grade_id if cell.role else f"{cell.type}\n{cell.source}"
        identity = f"{source.path.stem}\n{bool(cell.role)}\n{seen[key]}\n{key}"
        seen[key] += 1
        ids.append(hashlib.sha256(identity.encode()).hexdigest()[:16])
    return ids


def source_notebook(source: Source) -> NotebookNode:
    """nbgrader's source notebook: everything, solutions and hidden tests included."""
    cells = []
    for cell, cell_id in zip(source.cells, cell_ids(source), strict=True):
        new_cell = new_code_cell if cell.type == "code" else new_markdown_cell
        metadata = {"nbgrader": _nbgrader_metadata(cell.role)} if cell.role else {}
        if cell.tags:
            metadata["tags"] = list(cell.tags)
        cells.append(new_cell(cell.source, id=cell_id, metadata=metadata))
    return new_notebook(cells=cells, metadata=NOTEBOOK_METADATA)


def _nbgrader_metadata(role: Role) -> dict:
    metadata = {
        "grade": role.kind != "exercice",
        "grade_id": role.grade_id,
        "locked": role.kind == "test",
        "schema_version": NBGRADER_SCHEMA,
        "solution": role.kind != "test",
        "task": False,
    }
    return metadata if role.points is None else metadata | {"points": role.points}


def release_text(lab: Lab, source: Source) -> str:
    """The student's notebook, which is refused if it shows what must stay hidden."""
    text = student_version(lab, source_notebook(source))
    if leaked := leaks(source, text):
        raise GraderError("\n".join([f"{shown(source.path)}: students would see", *leaked]))
    return text


def build(lab: Lab, *, force: bool = False) -> list[Path]:
    """Write the two notebooks of a lab; returns the files that changed.

    Args:
        force: overwrite a notebook that was edited since it was built.

    Raises:
        InvalidSource: with every mistake of the source.
        EditedNotebook: the built notebook was edited; nothing is written.
    """
    source, released = _buildable(lab, force)
    notebook = nbformat.writes(source_notebook(source)) + "\n"
    record = {"notebook": _digest(source.cells), "source": _digest_text(source.text)}
    changed = [
        path
        for path, text in ((lab.notebook, notebook), (lab.release, released))
        if write_if_changed(path, text)
    ]
    write_if_changed(lab.build_record, json.dumps(record, indent=1) + "\n")
    return changed


def _buildable(lab: Lab, force: bool) -> tuple[Source, str]:
    """The source of a lab and what students receive of it, if `build` accepts them."""
    source = read_source(lab.source)
    if not force and _notebook_edited(lab, source):
        raise EditedNotebook(
            f"{shown(lab.notebook)} was edited since it was built.\n"
            f"To keep the edit:  grader build --from-notebook {lab.name}\n"
            f"To drop it:        grader build --force {lab.name}"
        )
    return source, release_text(lab, source)


def would_build(lab: Lab) -> NotebookNode:
    """The source notebook that `build` would write, which writes nothing; raises what it would."""
    source, _ = _buildable(lab, force=False)
    return source_notebook(source)


def enter(lab: Lab, duedate: datetime | None = None) -> None:
    """Enter a built lab in the course's gradebook; `duedate` is in local time."""
    utc = duedate and duedate.astimezone(UTC).replace(tzinfo=None)
    release(lab, source_notebook(read_source(lab.source)), utc)


def release_lab(lab: Lab, duedate: datetime | None = None) -> None:
    """Build a lab and enter it in the course's gradebook; `duedate` is in local time."""
    build_all([lab])
    enter(lab, duedate)
    typer.echo(
        f"{lab.name}: in the gradebook" + (f", due {duedate:%Y-%m-%d %H:%M}" if duedate else "")
    )


def build_all(labs: Sequence[Lab], *, from_notebook: bool = False, force: bool = False) -> None:
    """Build each lab and say what changed; the mistakes of all of them are raised together."""
    failures = []
    for lab in labs:
        try:
            changed = bring_back(lab) if from_notebook else build(lab, force=force)
        except GraderError as error:
            failures.append(str(error))
        else:
            files = ", ".join(str(shown(path)) for path in changed)
            nothing = "no edit to bring back" if from_notebook else "up to date"
            typer.echo(f"{lab.name}: {f'wrote {files}' if changed else nothing}")
    if failures:
        raise GraderError("\n".join(failures))


# -- Checking what is released ---------------------------------------------------------------------


def check_all(course: Course, labs: Sequence[Lab]) -> None:
    """Say that labs/ is what the sources give; raise with all that is wrong."""
    if problems := check(course, labs):
        raise GraderError("\n".join(problems))
    typer.echo(f"labs/ is up to date ({len(labs)} checked)")


def check(course: Course, labs: Sequence[Lab]) -> list[str]:
    """What is wrong with labs/, one text per problem: not what the sources give, leaks, strays."""
    problems = []
    for lab in labs:
        try:
            problems += _check_lab(lab)
        except GraderError as error:
            problems.append(str(error))
    if list(labs) == course.labs():
        problems += _strays(course.root, labs)
    return problems


def _check_lab(lab: Lab) -> Iterator[str]:
    source = read_source(lab.source)
    place = lab.release.relative_to(lab.course.root)
    if not lab.release.is_file():
        yield f"{place} is missing. Run: grader build {lab.name}"
        return
    found = lab.release.read_text(encoding="utf-8")
    if leaked := leaks(source, found):
        yield "\n".join([f"{place} shows", *leaked])
    wanted = release_text(lab, source)
    if found != wanted:
        title = f"{place} is not what solutions/{lab.name}.py gives. Run: grader build {lab.name}"
        yield "\n".join([title, *_short_diff(found, wanted)])


def _short_diff(found: str, wanted: str) -> list[str]:
    lines = list(difflib.unified_diff(found.split("\n"), wanted.split("\n"), n=0, lineterm=""))[2:]
    more = [f"... and {len(lines) - DIFF_LINES} more lines"] if len(lines) > DIFF_LINES else []
    return [f"    {line}" for line in lines[:DIFF_LINES] + more]


def _strays(root: Path, labs: Sequence[Lab]) -> list[str]:
    released = {lab.release for lab in labs}
    return [
        f"{path.relative_to(root)} comes from no source. Remove it."
        for path in sorted((root / "labs").rglob("*"))
        if path.is_file() and path not in released and not NOT_STRAY & set(path.parts)
    ]


def leaks(source: Source, release: str) -> list[str]:
    """The lines of a released file that students must not see, each with its line in the source.

    A line of a solution or a hidden test is shown when a line of the file contains it, except where
    the visible part of the source has that very line (`x = torch.randn(5, 3)` may well be in both).
    Such common lines are harmless one by one, but not as a block: the visible part must not repeat
    `BLOCK` hidden lines in a row.
    """
    told = {line for cell in source.cells for line in _stripped(cell.visible)}
    text = "\n".join(_lines_of_file(release) - told)
    found = [f"    the marker '{word}'" for word in MARKERS if word in text]
    for cell in source.cells:
        for region in cell.secret:
            hidden = [line.strip() for line in region if _distinctive(line)]
            for line in hidden:
                if line in text:
                    found.append(f"    line {_line_of(cell, line)}: {line}")
            found += _repeated_blocks(source, cell, hidden)
    return found


def _repeated_blocks(source: Source, secret: Cell, hidden: list[str]) -> Iterator[str]:
    blocks = ["\n".join(hidden[i : i + BLOCK]) for i in range(len(hidden) - BLOCK + 1)]
    for cell in source.cells:
        visible = "\n".join(line for line in _stripped(cell.visible) if _distinctive(line))
        for block in blocks:
            if f"\n{block}\n" in f"\n{visible}\n":
                first = block.partition("\n")[0]
                place = f"line {_line_of(secret, first)}, and {BLOCK - 1} more in a row"
                yield f"    {place}, in the visible cell of line {cell.line}: {first}"
                break


def _stripped(source: str) -> list[str]:
    return [line.strip() for line in source.split("\n")]


def _lines_of_file(text: str) -> set[str]:
    """Every line of every string of a notebook: sources, outputs, metadata; or of a plain text."""
    try:
        strings = _strings(json.loads(text))
    except ValueError:
        strings = [text]
    return {line.strip() for string in strings for line in string.split("\n")}


def _strings(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, item in value.items():
            yield key
            yield from _strings(item)
    elif isinstance(value, list):
        for item in value:
            yield from _strings(item)


def _distinctive(line: str) -> bool:
    """Long enough not to be found everywhere by chance (`else:`, `return x`, `)`)."""
    return sum(character.isalnum() for character in line) >= 8


def _line_of(cell: Cell, line: str) -> int:
    return cell.body_line + next(i for i, text in enumerate(cell.lines) if text.strip() == line)


# -- From an edited notebook back to the source ----------------------------------------------------


def bring_back(lab: Lab) -> list[Path]:
    """Bring an edit of the built notebook back to the ``.py``, then build; returns what changed.

    Roles come from nbgrader's metadata, so cells added in JupyterLab (with its nbgrader panel for
    those with a role) are accepted. Outputs are dropped. Unedited cells stay as they were written.

    Raises:
        GraderError: both were edited since the build; nothing is written.
        InvalidSource: the notebook is not a valid lab; `line` then counts the notebook's cells.
    """
    source = read_source(lab.source)
    if not lab.notebook.is_file():
        raise GraderError(f"{shown(lab.notebook)} does not exist. Run: grader build {lab.name}")
    if not _notebook_edited(lab, source):
        return []
    if _recorded(lab).get("source") != _digest_text(source.text):
        raise GraderError(
            f"Both {shown(lab.source)} and {shown(lab.notebook)} were edited since the build: "
            "nothing was changed.\n"
            "To keep the notebook's edit: save the .py elsewhere, put back the one that was built, "
            "run this again, then redo the edit of the .py.\n"
            f"To drop it: grader build --force {lab.name}"
        )
    text = restore(source, _read_notebook(lab.notebook), lab.notebook)
    release_text(lab, parse(text, lab.source))  # refuses a leak before anything is written
    write_if_changed(lab.source, text)
    return [lab.source, *build(lab, force=True)]


def restore(base: Source, notebook: NotebookNode, path: Path) -> str:
    """The text of the ``.py`` that gives `notebook`, which was built from `base` and edited."""
    cells = notebook_cells(notebook, base)
    by_id = dict(zip(cell_ids(base), base.cells, strict=True))
    ids = [cell.get("id") for cell in notebook.cells if _counts(cell)]
    text = merge(
        base, [(cell, by_id.get(cell_id)) for cell, cell_id in zip(cells, ids, strict=True)]
    )
    try:
        again = parse(text, path).cells
    except InvalidSource as error:
        raise InvalidSource([_in_notebook(e, text) for e in error.errors]) from None
    if [cell.content for cell in again] != [cell.content for cell in cells]:
        raise GraderError(f"{shown(path)}: a cell cannot be written as text: has it a line '# %%'?")
    return text


def notebook_cells(notebook: NotebookNode, base: Source) -> list[Cell]:
    """The notebook's cells with their roles; the names of `base` help to read those of tests.

    Raises:
        GraderError: for a cell that a source cannot hold.
    """
    known = {cell.role.grade_id: cell.role for cell in base.cells if cell.role}
    exercises = {role.name for role in known.values() if role.kind == "exercice"}
    exercises |= {
        cell.metadata.nbgrader.get("grade_id", "")
        for cell in notebook.cells
        if _kind(cell) == "exercice"
    }
    cells = []
    for number, cell in enumerate(notebook.cells, start=1):
        if not _counts(cell):
            continue
        if cell.cell_type == "raw" or cell.get("attachments"):
            what = "a raw cell" if cell.cell_type == "raw" else "a cell with an attached image"
            raise GraderError(f"Cell {number} is {what}, which the .py cannot hold.")
        if _kind(cell) == "other":
            raise GraderError(
                f"Cell {number} has a type of nbgrader's that is not used here. Make it "
                "'Autograded answer' (exercise), 'Autograded tests', or, for text, "
                "'Manually graded answer'."
            )
        role = _role(cell, known, exercises)
        tags = () if _kind(cell) == "test" else tuple(cell.metadata.get("tags", ()))
        cells.append(Cell(cell.cell_type, trim(cell.source), role, tags))
    return cells


def _counts(cell: NotebookNode) -> bool:
    """JupyterLab leaves empty cells about."""
    return bool(cell.source.strip()) or _kind(cell) is not None


def _kind(cell: NotebookNode) -> str | None:
    metadata = cell.metadata.get("nbgrader", {})
    flags = [bool(metadata.get(flag)) for flag in ("grade", "solution", "locked", "task")]
    if not any(flags):
        return None
    grade, solution, _, task = flags
    kinds = {
        ("code", False, True): "exercice",
        ("code", True, False): "test",
        ("markdown", True, True): "reponse",
    }
    return "other" if task else kinds.get((cell.cell_type, grade, solution), "other")


def _role(cell: NotebookNode, known: dict[str, Role], exercises: set[str]) -> Role | None:
    kind = _kind(cell)
    if kind is None:
        return None
    metadata = cell.metadata.nbgrader
    grade_id = metadata.get("grade_id", "")
    points = None if kind == "exercice" else whole(metadata.get("points"))
    if grade_id in known and known[grade_id].kind == kind:
        return replace(known[grade_id], points=points)
    if kind != "test":
        return Role(kind, grade_id, None, points)
    rest = grade_id.removeprefix("test_")
    owners = [name for name in exercises if rest == name or rest.startswith(f"{name}_")]
    name = max(owners, key=len, default=rest)
    return Role(kind, name, rest[len(name) + 1 :] or None, points)


def _in_notebook(error: SourceError, text: str) -> SourceError:
    number = cell_number(text, error.line)
    return replace(error, line=number, message=f"cell {number}: {error.message}")


def _read_notebook(path: Path) -> NotebookNode:
    try:
        return nbformat.read(path, as_version=4)
    except Exception as error:  # nbformat raises whatever its JSON and schema readers raise
        raise GraderError(f"{shown(path)} is not a notebook: {error}") from error


def _notebook_edited(lab: Lab, source: Source) -> bool:
    """Does the built notebook hold what neither the last build nor the present source gives?"""
    if not lab.notebook.is_file():
        return False
    try:
        cells = notebook_cells(_read_notebook(lab.notebook), source)
    except GraderError:
        return True
    return _digest(cells) not in (_digest(source.cells), _recorded(lab).get("notebook"))


def _recorded(lab: Lab) -> dict:
    return json.loads(lab.build_record.read_text()) if lab.build_record.is_file() else {}


def _digest(cells: Sequence[Cell]) -> str:
    return _digest_text(repr([cell.content for cell in cells]))


def _digest_text(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
