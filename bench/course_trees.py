"""Public courses on their way to `courses.py`: found, unpacked, laid out, handed in."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import subprocess
from io import BytesIO
from pathlib import Path
from typing import Any

import nbformat

from grader.notebook import is_test, with_last_schema

CONFIG = "c = get_config()\nc.Execute.timeout = 60\n"
STUDENTS = ("honest", "skeleton")
_MARK = re.compile(r"^\s*### (BEGIN|END) SOLUTION.*\n?", re.MULTILINE)


# ---- What there is


def unpacked(folder: Path, to: Path) -> str:
    """Put a course's files into a folder; the commit that they are of, "" for a plain tree."""
    names = (folder / "repo" / ".git", folder / "repo", folder / ".git", folder)
    found = [path for path in names if (path / "HEAD").is_file()]
    if not found:
        shutil.copytree(folder, to, dirs_exist_ok=True)
        return ""
    git = ["git", "--git-dir", str(found[0])]
    listed = subprocess.run(
        [*git, "ls-tree", "-rz", "HEAD"], capture_output=True, check=True
    ).stdout
    entries = [entry.decode().partition("\t") for entry in listed.split(b"\0") if entry]
    files = [(words.split()[2], name) for words, _, name in entries if words.startswith("100")]
    wanted = "".join(f"{blob}\n" for blob, _ in files).encode()
    blobs = subprocess.run([*git, "cat-file", "--batch"], input=wanted, capture_output=True).stdout
    out = BytesIO(blobs)
    for _, name in files:
        head = out.readline().split()
        if head[1] != b"missing":  # snapshots leave large files out
            (to / name).parent.mkdir(parents=True, exist_ok=True)
            (to / name).write_bytes(out.read(int(head[2])))
            out.readline()
    shown = subprocess.run([*git, "rev-parse", "HEAD"], capture_output=True, text=True, check=True)
    return shown.stdout.strip()


def sources(tree: Path) -> list[Path]:
    """The source notebooks of a course: those in the first `source` folder, if it has one."""
    read = {path: _read(path) for path in sorted(tree.rglob("*.ipynb"))}
    found = [path for path, cells in read.items() if _is_source(path, cells)]
    roots = sorted(
        (
            p.parents[i]
            for p in found
            for i in range(1, len(p.relative_to(tree).parts))
            if p.parents[i].name == "source"
        ),
        key=lambda p: len(p.parts),
    )
    if roots:
        found = [path for path in found if path.is_relative_to(roots[0])]
    once = {_digest(read[path]): path for path in reversed(found)}
    return sorted(once.values())


def _read(path: Path) -> list[dict[str, Any]]:
    try:
        cells = json.loads(path.read_text("utf-8")).get("cells", [])
    except (OSError, ValueError):
        return []
    for cell in cells:
        cell["source"] = "".join(cell["source"])
    return cells


def _is_source(path: Path, cells: list[dict[str, Any]]) -> bool:
    tests = [cell["metadata"]["nbgrader"] for cell in cells if is_test(cell)]
    if not tests or any("checksum" in meta for meta in tests) or ".ipynb_checkpoints" in path.parts:
        return False
    return any("BEGIN SOLUTION" in cell["source"] for cell in cells)


def _digest(cells: list[dict[str, Any]]) -> str:
    code = [cell["source"] for cell in cells if cell["cell_type"] == "code"]
    return hashlib.sha256(json.dumps(code).encode()).hexdigest()


# ---- A course of one assignment


def laid_out(name: str, notebooks: list[Path], folder: Path) -> Path:
    """A course's folder with this assignment, and the files beside its notebooks."""
    source = folder / "source" / name
    for path in notebooks[0].parent.rglob("*"):
        inside = path.relative_to(notebooks[0].parent)
        hidden = any(part.startswith(".") for part in inside.parts)
        if path.is_file() and path.suffix != ".ipynb" and not hidden:
            (source / inside).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, source / inside)
    for path in notebooks:
        source.mkdir(parents=True, exist_ok=True)
        book = json.loads(path.read_text("utf-8"))
        if _language(book) == "python":  # of whatever environment its author had
            book["metadata"]["kernelspec"] = {
                "name": "python3",
                "language": "python",
                "display_name": "Python 3",
            }
        with_last_schema(book)
        for meta in (cell["metadata"]["nbgrader"] for cell in book["cells"] if is_test(cell)):
            meta["points"] = meta["points"] or 1  # otherwise nothing shows whether it passed
        (source / path.name).write_text(json.dumps(book), "utf-8")
    (folder / "nbgrader_config.py").write_text(CONFIG)
    return folder


def _language(book: dict[str, Any]) -> str:
    meta = book["metadata"]
    spec = meta.get("kernelspec", {})
    named = (
        spec.get("language") or meta.get("language_info", {}).get("name") or spec.get("name", "")
    )
    return "python" if "py" in named.lower() or not named else named


def hand_in(course: Path, name: str) -> None:
    """The skeleton as it was released, and with the source's own solutions."""
    for student in STUDENTS:
        shutil.copytree(course / "release" / name, course / "submitted" / student / name)
    for path in (course / "submitted" / "honest" / name).glob("*.ipynb"):
        book = nbformat.read(path, 4)
        author = nbformat.read(course / "source" / name / path.name, 4)
        answers = {
            cell.metadata.nbgrader.grade_id: _MARK.sub("", cell.source)
            for cell in author.cells
            if cell.metadata.get("nbgrader", {}).get("solution")
        }
        for cell in book.cells:
            meta = cell.metadata.get("nbgrader", {})
            cell.source = answers.get(meta.get("grade_id"), cell.source)
        nbformat.write(book, path)
