"""Dans un notebook, les cellules qui définissent un exercice et ce qu'il atteint."""

import inspect
import linecache
from collections.abc import Iterator
from functools import partial
from types import FunctionType, ModuleType
from typing import Any

from labo.bans.program import Program


def name_and_cells(value: Any) -> tuple[str, list[str]]:
    """Le nom d'une fonction ou d'une classe, et le texte des cellules dont elle dépend.

    Erreurs :
        AssertionError : ce n'est ni une fonction ni une classe du notebook.
    """
    functions = list(_functions(value))
    if not functions:
        raise AssertionError("attendu une fonction ou une classe, écrite par `def` ou `class`")
    names = functions[0].__globals__
    own = getattr(value, "__name__", functions[0].__name__)
    aliases = [n for n, found in names.items() if found is value]
    name = aliases[0] if aliases and own not in aliases else own
    cells = _cells(functions)
    known: set[str] = set()
    while new := _words(name, cells) - known:
        known |= new
        for word in sorted(new & names.keys()):
            # What others need was defined before.
            cells = _cells_of(word, names) | cells
    return name, list(cells.values())


def _words(name: str, cells: dict[str, str]) -> set[str]:
    """Les noms globaux que lit tout ce qui est atteint."""
    reached = Program(list(cells.values())).reached(name)
    return {use.word for statement in reached for use in statement.uses.names}


def _cells_of(word: str, names: dict[str, Any]) -> dict[str, str]:
    """Les cellules qui définissent la valeur d'un nom ; à défaut, une ligne qui la dit."""
    value = names[word]
    cells = _cells([f for f in _functions(value) if f.__globals__ is names])
    kind = type(value)
    if isinstance(value, ModuleType):
        line = f"import {value.__name__} as {word}"
    elif cells and not isinstance(value, FunctionType | type) and kind.__name__ in names:
        line = f"{word} = {kind.__name__}()"
    elif not cells and callable(value) and getattr(value, "__name__", word) != word:
        line = f"{word} = {value.__name__}"  # `f = F.conv2d`, in a cell of its own
    else:
        return cells
    return cells | {f"{word} =": line}


def _cells(functions: list[FunctionType]) -> dict[str, str]:
    files = [function.__code__.co_filename for function in functions]
    return {file: "".join(linecache.getlines(file)) for file in files}


def _functions(value: Any) -> Iterator[FunctionType]:
    """Les fonctions dont une valeur est faite : elle-même, ses méthodes, ce qu'elle enveloppe."""
    while isinstance(value, partial):
        value = value.func
    value = inspect.unwrap(value) if callable(value) else value
    if isinstance(value, FunctionType):
        yield value
        enclosed = inspect.getclosurevars(value).nonlocals.values()
        yield from (found for found in enclosed if isinstance(found, FunctionType))
    elif isinstance(value, type):
        family = [c for c in value.__mro__ if c.__module__ == value.__module__]
        members = (getattr(m, "__func__", m) for c in family for m in vars(c).values())
        yield from (member for member in members if isinstance(member, FunctionType))
    else:
        yield from _functions(type(value))
