"""L'empreinte du code d'une fonction : celle d'un texte, et celle de ce qui porte son nom.

Un texte dit ce qu'une cellule définit, si elle est exécutée jusqu'au bout et si rien d'autre ne
prend ensuite le même nom (`%time f = …`, `eval`, `globals()`, une exception au milieu d'elle…).
"""

import ast
import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from types import CodeType, FunctionType, ModuleType
from typing import Any

import torch
import torch._compile

from labo.bans.program import Statement
from labo.bans.uses import is_special

_Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class Written:
    """Le code de ces instructions, et les noms qui le désignent.

    Attributs :
        defined : les fonctions et les méthodes, `f` ou `Classe.f`, que rien ne redéfinit ensuite.
        named : les autres noms, qui peuvent aussi désigner autre chose que du code du notebook.
        prints : les empreintes de tout le code, `lambda` et fonctions internes comprises.
    """

    defined: set[str]
    named: set[str]
    prints: set[str]

    @property
    def names(self) -> list[str]:
        return sorted(self.defined | self.named)

    def of_other_code(self, found: Mapping[str, str | None]) -> list[str]:
        """Les noms qui, d'après ce qu'a trouvé `defined`, désignent un autre code."""
        return [
            name
            for name, mark in found.items()
            if mark not in self.prints and (mark is not None or name in self.defined)
        ]


def written(statements: Sequence[Statement]) -> Written:
    """Ce que définissent ces instructions d'un notebook."""
    last = {name: s for s in sorted(statements, key=_position) for name in _bound(s)}
    patched = {use.word for s in statements for use in s.uses.patches}
    defined = {
        name
        for first, statement in last.items()
        for name in _definitions(statement.node)
        if name.partition(".")[0] == first and name.rpartition(".")[2] not in patched
    }
    modules = (compile(ast.Module([s.node], []), "<cell>", "exec") for s in statements)
    prints = {_fingerprint(code) for module in modules for code in _codes(module)}
    return Written(defined, last.keys() - defined, prints)


def defined(names: Sequence[str], namespace: dict[str, Any]) -> dict[str, str | None]:
    """L'empreinte de ce que désigne chaque nom, `f` ou `Classe.f` ; None : pas de code à lui."""
    # What a short run has left out defines nothing, and no test can have used it.
    there = (name for name in names if name.partition(".")[0] in namespace)
    return {name: _print_of(*name.partition(".")[::2], namespace) for name in there}


def _print_of(name: str, method: str, namespace: dict[str, Any]) -> str | None:
    value: Any = namespace.get(name)
    if method:
        value = vars(value).get(method) if issubclass(type(value), type) else None
    if isinstance(value, staticmethod | classmethod):  # `__new__` is made one
        value = value.__func__
    # That of a decorator, of torch for instance, has the names of another module.
    is_own = type(value) is FunctionType and value.__globals__ is namespace
    return _fingerprint(value.__code__) if is_own else None


class Replaced:
    """Les fonctions de modules qu'un notebook remplace, comparées à celles du début."""

    def __init__(self, *modules: ModuleType | type) -> None:
        self._before = [(module, _functions(module)) for module in modules]
        self._special = {name for _, before in self._before for name in filter(is_special, before)}

    def among(self, words: Iterable[str]) -> list[str]:
        """Ceux de ces noms, ou des noms spéciaux, qui sont remplacés, sans leur module."""
        # To look at each function would copy the page of each to a process that was forked.
        asked = self._special.union(words)
        return sorted(
            name
            for module, before in self._before
            for name in asked
            if name in before and _is_replaced(before[name], _found(module, name))
        )


def _functions(module: ModuleType | type) -> dict[str, Any]:
    names = dict.fromkeys(name for each in _tables_of(module) for name in vars(each))
    found = {name: _found(module, name) for name in names}
    return {name: value for name, value in found.items() if callable(value)}


def _found(module: ModuleType | type, name: str) -> Any:
    return next((vars(each)[name] for each in _tables_of(module) if name in vars(each)), None)


def _tables_of(module: ModuleType | type) -> Sequence[ModuleType | type]:
    """Où se trouve un nom : la plupart des méthodes d'un tenseur sont héritées."""
    return module.__mro__ if isinstance(module, type) else (module,)


def _is_replaced(before: Any, now: Any) -> bool:
    if now is before:
        return False
    # `torch._dynamo` wraps `torch.manual_seed` when it is imported, as torchvision does. What a
    # wrapper calls is in its closure: `__wrapped__` can be set.
    code = getattr(now, "__code__", None)
    is_wrapper = code is not None and code.co_filename == torch._compile.__file__
    calls = [cell.cell_contents for cell in now.__closure__ or ()] if is_wrapper else []
    return not any(each is before for each in calls)


def _definitions(node: ast.stmt) -> Iterator[str]:
    """La fonction, ou les méthodes, que définit une instruction, sans décorateur."""
    if not isinstance(node, _Function | ast.ClassDef) or node.decorator_list:
        return
    if isinstance(node, _Function):
        yield node.name
        return
    for member in node.body:
        if isinstance(member, _Function) and not member.decorator_list:
            yield f"{node.name}.{member.name}"


def _codes(code: CodeType) -> Iterator[CodeType]:
    for inner in code.co_consts:
        if isinstance(inner, CodeType):
            yield inner
            yield from _codes(inner)


def _bound(statement: Statement) -> Set[str]:
    return (
        frozenset() if isinstance(statement.node, ast.Import | ast.ImportFrom) else statement.binds
    )


def _position(statement: Statement) -> int:
    return statement.position


def _fingerprint(code: CodeType) -> str:
    return hashlib.sha256(repr(_parts(code)).encode("utf-8", "replace")).hexdigest()


def _parts(code: CodeType) -> tuple:
    """Ce que fait un code, sans son fichier ni ses lignes."""
    names = code.co_names, code.co_varnames, code.co_freevars, code.co_cellvars
    counts = code.co_argcount, code.co_kwonlyargcount, code.co_posonlyargcount
    return code.co_code, *names, *counts, [_constant(value) for value in code.co_consts]


def _constant(value: Any) -> Any:
    if isinstance(value, CodeType):
        return _parts(value)
    if isinstance(value, frozenset):  # in no order that two processes share
        return sorted(map(repr, value))
    return [_constant(part) for part in value] if isinstance(value, tuple) else repr(value)
