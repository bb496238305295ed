"""The imports of the product's own modules: arrows between them, circles, and floors of rooms.

A room is a package of `grader` or `labo`, or a module that stands alone beside them. An import
counts wherever it stands, inside a function and under TYPE_CHECKING too.

    python -m tests.support.imports [FOLDER]    # counts them, in another checkout too
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Collection, Iterator, Mapping
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGES = ("grader", "labo")

Arrows = Mapping[str, Collection[str]]


def modules(root: Path, package: str) -> dict[str, Path]:
    """The files of a package by dotted name; a package's own file bears the package's name."""
    paths = (root / package).rglob("*.py")
    names = {path: ".".join(path.relative_to(root).with_suffix("").parts) for path in paths}
    return {name.removesuffix(".__init__"): path for path, name in names.items()}


def arrows(root: Path, package: str) -> dict[str, set[str]]:
    """Of each module of a package, those of the package that it imports."""
    known = modules(root, package)
    return {
        name: {found for word in imported(path) if (found := _module(word, known))} - {name}
        for name, path in known.items()
    }


def imported(path: Path) -> Iterator[str]:
    """The dotted words of the import statements of a file."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _module(word: str, known: Collection[str]) -> str:
    """The module that an imported word is, or lies in; "" for those of others."""
    while word and word not in known:
        word = word.rpartition(".")[0]
    return word


def room(module: str) -> str:
    """grader.engine.sandbox.kernel is in the room grader.engine."""
    return ".".join(module.split(".")[:2])


def between_rooms(package: Arrows) -> dict[str, set[str]]:
    """Of each room, those that it imports from."""
    found: dict[str, set[str]] = {room(module): set() for module in package}
    for module, imported in package.items():
        found[room(module)] |= {room(other) for other in imported} - {room(module)}
    return found


def circle(package: Arrows) -> list[str]:
    """One circle of imports, first module repeated at its end; empty if there is none."""
    try:
        TopologicalSorter(package).prepare()
    except CycleError as error:
        return error.args[1]
    return []


def floors(rooms: Arrows) -> dict[str, int]:
    """The floor of each room, one above the highest of those that it imports from."""
    found: dict[str, int] = {}
    for name in TopologicalSorter(rooms).static_order():
        found[name] = 1 + max((found[other] for other in rooms[name]), default=0)
    return found


def _show(root: Path) -> None:
    for name in PACKAGES:
        package = arrows(root, name)
        rooms = between_rooms(package)
        count, way = sum(map(len, package.values())), circle(package) or "none"
        print(f"{name}: {len(package)} modules, {count} imports, circle: {way}")
        if circle(rooms):
            print(f"  {len(rooms)} rooms, circle: {circle(rooms)}")
            continue
        height, between = max(floors(rooms).values()), sum(map(len, rooms.values()))
        print(f"  {len(rooms)} rooms on {height} floors, {between} arrows between rooms")


if __name__ == "__main__":
    _show(Path(sys.argv[1]).resolve() if sys.argv[1:] else ROOT)
