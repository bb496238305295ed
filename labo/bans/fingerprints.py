"""L'empreinte du code d'une fonction : celle d'un texte, et celle de ce qui porte son nom.

Un texte dit ce qu'une cellule définit, si elle est exécutée jusqu'au bout et si rien d'autre ne
prend ensuite le même nom (`%time f = …`, `eval`, `globals()`, une exception au milieu d'elle…).
"""

import ast
import gc
import hashlib
import os
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from ctypes import c_uint64
from dataclasses import dataclass
from functools import lru_cache
from types import CodeType, FunctionType, ModuleType
from typing import Any, Final

import numpy as np
import torch

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
    prints = frozenset[str]().union(*(_prints(statement.node) for statement in statements))
    return Written(defined, last.keys() - defined, set(prints))


@lru_cache(maxsize=8192)
def _prints(node: ast.stmt) -> frozenset[str]:
    """Les empreintes du code d'une instruction ; gardées, car les mêmes nœuds reviennent."""
    return frozenset(map(fingerprint, codes(compile(ast.Module([node], []), "<cell>", "exec"))))


def defined(names: Sequence[str], namespace: dict[str, Any]) -> dict[str, str | None]:
    """L'empreinte de ce que désigne chaque nom, `f` ou `Classe.f` ; None : pas de code à lui."""
    # What a short run has left out defines nothing, and no test can have used it.
    there = (name for name in names if name.partition(".")[0] in namespace)
    return {name: _print_of(*name.partition(".")[::2], namespace) for name in there}


def _print_of(name: str, method: str, namespace: dict[str, Any]) -> str | None:
    value: Any = namespace.get(name)
    if method:
        value = vars(value).get(method) if issubclass(type(value), type) else None
    return print_of(value, namespace)


def print_of(value: Any, namespace: dict[str, Any]) -> str | None:
    """L'empreinte d'une fonction du notebook dont voici les noms ; None si ce n'en est pas une."""
    if issubclass(type(value), staticmethod | classmethod):  # `__new__` is made one
        value = value.__func__
    # That of a decorator, of torch for instance, has the names of another module.
    is_own = type(value) is FunctionType and value.__globals__ is namespace
    return fingerprint(value.__code__) if is_own else None


class Replaced:
    """Les fonctions de modules et de classes qu'un notebook remplace, comparées à celles du début.

    Args :
        owners : ces modules et ces classes ; sont regardées aussi celles dont les classes héritent.
    """

    def __init__(self, *owners: ModuleType | type) -> None:
        found = dict.fromkeys(each for owner in owners for each in _lineage(owner))
        before = {each: dict(vars(each)) for each in found}
        self._tables = [_Table(each, [before[c] for c in _lineage(each)]) for each in found]
        # To look at each function would copy its page to a process that was forked.
        self._of_words = [table for table in self._tables for _ in _state(table.owner)]
        self._words = _Words([address for each in found for address in _state(each)])
        self._at_the_start = self._words.now()
        functions = (value for table in before.values() for value in table.values())
        self._codes = {id(f): f.__code__ for f in functions if type(f) is FunctionType}

    def among(self, words: Iterable[str]) -> list[str]:
        """Les noms remplacés, sans leur module, et ceux de ces mots qui désignent du nouveau."""
        return sorted({name for _, name in self.where(words)})

    def where(self, words: Iterable[str]) -> Iterator[tuple[ModuleType | type, str]]:
        """Les mêmes, chacun avec le module ou la classe à qui il est."""
        words = set(words)
        for table in self._changed():
            for name in table.replaced(words):
                yield table.owner, name

    def is_rewritten(self, function: Any) -> bool:
        """Cette fonction, d'une bibliothèque, a-t-elle reçu un autre code ?"""
        known = self._codes.get(id(function))
        return known is not None and getattr(function, "__code__", None) is not known

    def _changed(self) -> Iterable["_Table"]:
        if not self._of_words:
            return self._tables
        (changed,) = (self._words.now() != self._at_the_start).nonzero()
        return dict.fromkeys(self._of_words[rank] for rank in changed.tolist())


class _Words:
    """Des mots de 8 octets de la mémoire, lus ensemble : des milliers en quelques microsecondes.

    Args :
        addresses : les leurs, multiples de 8.
    """

    def __init__(self, addresses: Sequence[int]) -> None:
        places = np.array(addresses, np.int64) // 8
        first = min(addresses, default=0) // 8
        count = max(addresses, default=8) // 8 - first + 1
        # All that lies between them: nothing of it is read but these words.
        self._memory = np.ctypeslib.as_array((c_uint64 * count).from_address(8 * first))
        self._places = places - first

    def now(self) -> np.ndarray:
        return self._memory[self._places]


class _Table:
    """Les noms d'un module ou d'une classe, et ce qu'ils désignaient au début.

    Args :
        before : de lui, puis de chaque classe dont il hérite.
    """

    def __init__(self, owner: ModuleType | type, before: list[dict[str, Any]]) -> None:
        self.owner = owner
        self.kind = type(owner)
        self.before = before
        # `labo` and NumPy announce names that they find once they are asked for.
        is_lazy = isinstance(owner, ModuleType) and "__dir__" in before[0]
        self.announced = set(dir(owner)) if is_lazy else set()

    def replaced(self, words: Set[str]) -> Iterator[str]:
        if type(self.owner) is not self.kind:
            yield "__class__"
            return
        for name, found in list(vars(self.owner).items()):
            if self.before[0].get(name) is found:
                continue
            known = [table[name] for table in self.before if name in table]
            if known:
                changed = _computes(known[0]) and is_replaced(known[0], found)
            else:
                changed = _computes(found) and self._is_new(name, words)
            if changed:
                yield name

    def _is_new(self, name: str, words: Set[str]) -> bool:
        return is_special(name) or (name in words - self.announced and not name.startswith("_"))


def _computes(value: Any) -> bool:
    """Une fonction, ou ce qui en appelle une quand on lit un attribut, comme une propriété."""
    return callable(value) or hasattr(type(value), "__get__")


def _lineage(owner: ModuleType | type) -> Sequence[ModuleType | type]:
    """Où se trouve un nom : la plupart des méthodes d'un tenseur sont héritées."""
    return owner.__mro__ if isinstance(owner, type) else (owner,)


def _state(owner: ModuleType | type) -> Iterator[int]:
    """Où sont le compte des changements d'un dictionnaire (PEP 509), et la classe d'un module."""
    if sys.version_info >= (3, 13):
        return
    (table,) = gc.get_referents(vars(owner)) if isinstance(owner, type) else (vars(owner),)
    yield id(table) + _COUNTER_OFFSET
    if isinstance(owner, ModuleType):
        yield id(owner) + _CLASS_OFFSET


_CLASS_OFFSET: Final = 8  # of any object: after the number of its references
_COUNTER_OFFSET: Final = 24  # of a dictionary: after its two words as an object, and its length


def is_replaced(before: Any, now: Any) -> bool:
    """Est-ce autre chose, et autre chose que ce que torch met à sa place ?"""
    if now is before or _is_reloaded(before, now):
        return False
    # What a wrapper calls is in its closure: `__wrapped__` can be set.
    code = getattr(now, "__code__", None)
    is_wrapper = code is not None and code.co_filename.startswith(_WRAPPING)
    calls = [cell.cell_contents for cell in now.__closure__ or ()] if is_wrapper else []
    return not any(each is before for each in calls)


def _is_reloaded(before: Any, now: Any) -> bool:
    """`importlib.reload` refait les fonctions d'un module, du même texte."""
    return (
        type(before) is type(now) is FunctionType
        and now.__code__ == before.__code__
        and now.__globals__ is before.__globals__
        and now.__closure__ is None
    )


# Torch wraps some of its own functions: its compiler, when it is imported and when it compiles, and
# an optimiser of a class that had none.
_TORCH: Final = os.path.dirname(torch.__file__)
_WRAPPING: Final = tuple(
    os.path.join(_TORCH, *path)
    for path in [("_compile.py",), ("_dynamo", ""), ("optim", "optimizer.py")]
)


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


def codes(code: CodeType) -> Iterator[CodeType]:
    for inner in code.co_consts:
        if isinstance(inner, CodeType):
            yield inner
            yield from codes(inner)


def _bound(statement: Statement) -> Set[str]:
    return (
        frozenset() if isinstance(statement.node, ast.Import | ast.ImportFrom) else statement.binds
    )


def _position(statement: Statement) -> int:
    return statement.position


@lru_cache(maxsize=8192)
def fingerprint(code: CodeType) -> str:
    """Ce que fait un code, en une empreinte : où il est écrit ne compte pas."""
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
