"""The files beside a notebook: the author's, and those that students hand in with theirs.

nbgrader's rule: all that was handed in lies beside the notebook when it runs, and the files of the
source's folder overwrite it, but for those that the course excludes from that.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatch
from importlib.machinery import all_suffixes
from pathlib import Path, PurePosixPath
from typing import Final

from grader.errors import GraderError, shown
from labo.coursework.beside import MAX_FILES, MAX_FILES_BYTES

Files = Mapping[str, bytes]
"""Contents, by path below the notebook's folder."""

LONGEST_PATH: Final = 1_000  # bytes, below the folder: systems allow 4,096 in all
_SUFFIXES: Final = tuple(all_suffixes())


@dataclass(frozen=True)
class AuthorFiles:
    """The files of a source's folder."""

    own: Files = field(default_factory=dict, repr=False, hash=False)
    """Those that overwrite what was handed in."""
    theirs: Files = field(default_factory=dict, repr=False, hash=False)
    """Those that students are given to rewrite: nbgrader's `exclude_overwriting`."""

    @property
    def all(self) -> Files:
        return {**self.theirs, **self.own}

    @property
    def their_modules(self) -> frozenset[str]:
        """The modules that students write, by the names that an import gives them."""
        return frozenset(map(_module, filter(_is_code, self.theirs)))

    @property
    def digest(self) -> str:
        """Of what a grade depends on."""
        return digest([*self.own.items(), *((f"theirs: {name}", b"") for name in self.theirs)])

    def over(self, handed_in: Files) -> dict[str, bytes]:
        """What lies beside a student's notebook when it runs.

        What was handed in takes neither the place of an author's file nor that of a module of the
        author's, in whose stead Python would import a folder or a library of its name.
        """
        folders = {str(parent) for name in self.own for parent in PurePosixPath(name).parents}
        modules = tuple(map(_module, filter(_is_code, self.own)))
        kept = {
            name: content
            for name, content in handed_in.items()
            if name not in folders
            and not any(str(parent) in self.own for parent in PurePosixPath(name).parents)
            and not (_is_code(name) and name not in self.theirs and _hides(_module(name), modules))
        }
        return {**kept, **self.own}


def digest(files: Collection[tuple[str, bytes]]) -> str:
    """A digest of names and contents, whatever their order."""
    whole = hashlib.sha256()
    for name, content in sorted(files):
        whole.update(f"{name}\0{hashlib.sha256(content).hexdigest()}\0".encode(errors="replace"))
    return whole.hexdigest()


def _is_code(name: str) -> bool:
    return name.endswith(_SUFFIXES)


def _module(name: str) -> str:
    """The dotted name by which a file is imported."""
    *packages, file = PurePosixPath(name).parts
    word = file.partition(".")[0]
    return ".".join(packages if word == "__init__" else [*packages, word])


def _hides(module: str, modules: Sequence[str]) -> bool:
    return any(f"{other}.".startswith(f"{module}.") for other in modules)


def paths_beside(folder: Path, ignore: Sequence[str]) -> Iterator[Path]:
    """The files in a folder that lie beside notebooks, in alphabetical order; links among them.

    Args:
        ignore: patterns of names that are passed over, as nbgrader's `CourseDirectory.ignore`.
            What begins with a dot is passed over too, where editors keep copies.
    """
    patterns = (*ignore, ".*", "*.ipynb")
    for parent, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not _matches(name, patterns))
        for name in sorted(name for name in names if not _matches(name, patterns)):
            path = Path(parent, name)
            if len(os.fsencode(path.relative_to(folder))) <= LONGEST_PATH:
                yield path


def _matches(name: str, patterns: Sequence[str]) -> bool:
    return any(fnmatch(name, pattern) for pattern in patterns)


def read_author_files(
    folder: Path, ignore: Sequence[str], theirs: Collection[str], leave_out: Collection[Path] = ()
) -> AuthorFiles:
    """The files of a source's folder.

    Args:
        theirs: the paths, below it, of those that students rewrite.
        leave_out: files that no notebook needs.

    Raises:
        GraderError: they are more, or larger, than what is put beside each notebook.
    """
    own: dict[str, bytes] = {}
    given: dict[str, bytes] = {}
    for path in paths_beside(folder, ignore):
        name = path.relative_to(folder).as_posix()
        if path not in leave_out and path.is_file():
            (given if name in theirs else own)[name] = path.read_bytes()
    size = sum(map(len, (*own.values(), *given.values())))
    if size > MAX_FILES_BYTES or len(own) + len(given) > MAX_FILES:
        raise GraderError(
            f"{shown(folder)} holds {len(own) + len(given)} files of {size / 2**20:.0f} MB together"
            f" beside the notebook, and {MAX_FILES} of {MAX_FILES_BYTES >> 20} MB are the most that"
            " each notebook is given when it is graded: make them smaller, or put data where"
            " LABO_DATA_DIR says."
        )
    return AuthorFiles(own, given)
