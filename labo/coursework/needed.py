"""Ce qu'il faut exécuter d'un notebook pour en faire les vérifications.

Les tests, les exercices et tout ce que l'étudiant a écrit sont exécutés en entier ; des autres
cellules, seules le sont les instructions dont dépendent les noms qu'ils lisent. Les figures, les
entraînements et les blocs `with labo.needs(...)` que rien ne lit ensuite sont laissés de côté.

L'analyse remonte le notebook, instruction par instruction, avec les noms qui seront lus plus loin.
Une instruction est gardée si elle lie l'un d'eux, ou peut en changer le contenu :

- elle y écrit (`x[0] = …`, `x.a = …`, `x += …`, `del x`), en appelle une méthode qui change l'objet
  (`x.append(…)`, `x.zero_()`) ou dont le résultat ne sert à rien, ou le donne à un tel appel ;
- elle emploie une fonction du notebook qui le fait ;
- elle fait l'un ou l'autre à un nom dont la valeur peut partager son contenu (`y = x[1:]`).

Ce que lit le corps d'une fonction peut l'être à tout moment : ces noms-là comptent partout.
Après la dernière vérification, le dernier exercice et ce que l'étudiant a écrit, rien n'est gardé.
Ailleurs le sont toujours les imports de `labo`, ce qui change un module (`plt.rcParams[…] = …`) ou
écrit un fichier, et les réglages de premier niveau (`torch.manual_seed(0)`, `sys.path.append(…)`,
`labo.ensure_torchvision()`), sans quoi un import gardé plus bas peut échouer. Là où elle ne peut
pas savoir (`globals()`, `exec`, `eval`, `from … import *`, une magie autre que celles de
`_QUIET_MAGICS`), elle garde tout. Elle ne suit ni l'état des générateurs de hasard, ni ce que
`backward()` ajoute à `grad` dans une cellule laissée de côté, ni ce que change une fonction d'un
module à travers une valeur dont on se sert (`y = module.f(x)`) : un test qui ne passe pas se refait
donc sur le notebook entier.
"""

import ast
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import cache
from typing import NamedTuple

from labo.coursework.calls import Call, changes_given, writes_file
from labo.coursework.effects import Effects, effects

_QUIET_MAGICS = re.compile(
    r"[ \t]*(?:[%!](?:pip|conda|mamba|uv)\b"
    r"|%(?:matplotlib|config|load_ext|autoreload|precision)\b).*"
)
_MAGIC = re.compile(r"(?m)^\s*[%!?]|\?\s*$|=\s*[%!]")
_SETTING = re.compile(
    r"(?:manual_)?seed(?:_.*)?|set_.*|use(?:_.*)?|filterwarnings|simplefilter|setrecursionlimit"
    r"|enable.*|disable.*|register.*|ensure.*|basicConfig|chdir"
    r"|append|insert|extend|update|setdefault"
)


class Role(Enum):
    """Ce qu'est une cellule pour l'analyse."""

    KEPT = "kept"
    """Un exercice, ou ce que l'étudiant a écrit : exécutée en entier."""
    TEST = "test"
    """Une vérification, exécutée en entier, sans que ses noms entrent dans le notebook."""
    FREE = "free"
    """Ce que l'auteur a écrit, ou une expérience libre : exécutée selon les besoins."""


class Cell(NamedTuple):
    """Le texte d'une cellule de code, et son rôle."""

    source: str
    role: Role


class Unknown(Exception):
    """L'analyse ne peut pas savoir ce que lit ou change une cellule : tout est à exécuter."""


def needed(cells: Sequence[Cell]) -> list[str | None]:
    """Ce qu'il faut exécuter de chaque cellule ; None pour une cellule laissée de côté.

    Les lignes gardées restent à leur place : celles qui ne le sont pas deviennent vides.

    Erreurs :
        Unknown : ce qu'il faut ne peut pas être connu.
    """
    try:
        return _needed(cells)
    except (RecursionError, MemoryError, ValueError) as error:
        raise Unknown(type(error).__name__) from error


def _needed(cells: Sequence[Cell]) -> list[str | None]:
    items = [_Item(n, part) for n, cell in enumerate(cells) for part in parts(*cell)]
    kept = _kept(items, _Changes(items))
    return [_text(cell, n, items, kept) for n, cell in enumerate(cells)]


# ---- The notebook as a list of items


@dataclass(frozen=True, eq=False)
class _Part:
    """Une cellule entière, ou une instruction d'une cellule libre (ses lignes, comptées de 1)."""

    role: Role
    effects: Effects
    lines: range | None = None
    is_simple: bool = False


@dataclass(frozen=True, eq=False)
class _Item:
    """Une partie, à sa place dans le notebook."""

    cell: int
    part: _Part

    @property
    def role(self) -> Role:
        return self.part.role

    @property
    def effects(self) -> Effects:
        return self.part.effects


@cache
def parts(source: str, role: Role) -> tuple[_Part, ...]:
    """Ce que l'analyse retient d'une cellule ; gardé, car les mêmes cellules reviennent."""
    statements = parsed(source)
    if role is not Role.FREE or not _can_be_cut(source):
        role = Role.TEST if role is Role.TEST else Role.KEPT
        return (_Part(role, _known(statements)),)
    return tuple(map(_part, statements))


def _part(statement: ast.stmt) -> _Part:
    first = min(n.lineno for n in (statement, *getattr(statement, "decorator_list", ())))
    lines = range(first, (statement.end_lineno or first) + 1)
    is_simple = isinstance(statement, ast.Expr | ast.Assign | ast.AugAssign)
    return _Part(Role.FREE, _known([statement]), lines, is_simple)


def _can_be_cut(source: str) -> bool:
    """Les lignes de l'arbre sont-elles celles du texte ?"""
    return not set("\r\f").intersection(source) and _tree(source) is not None


def _known(statements: list[ast.stmt]) -> Effects:
    found = effects(statements)
    if found.opaque:
        raise Unknown("names that are not written")
    return found


def parsed(source: str) -> list[ast.stmt]:
    """Les instructions d'une cellule ; aucune si ce n'est pas du Python : elle ne s'exécute pas.

    Erreurs :
        Unknown : elle contient ce que seul IPython comprend.
    """
    if (found := _tree(source)) is not None:
        return found
    text = "\n".join("" if _QUIET_MAGICS.fullmatch(line) else line for line in source.split("\n"))
    if (found := _tree(text)) is not None:
        return found
    if _MAGIC.search(text):
        raise Unknown("a magic")
    return []


@cache
def _tree(source: str) -> list[ast.stmt] | None:
    try:
        return ast.parse(source).body
    except SyntaxError:
        return None


# ---- What changes the content of a name


class _Changes:
    """Pour chaque partie d'un notebook, les noms dont elle peut changer le contenu."""

    def __init__(self, items: Sequence[_Item]) -> None:
        self.imports = {name for item in items for name in item.effects.imports}
        notebook = [item for item in items if item.role is not Role.TEST]
        self.changeable = _changeable(notebook) - self.imports
        self.parameters = _merged(item.effects.changed_parameters for item in notebook)
        sources = _merged(item.effects.shares for item in notebook)
        self.sources = {name: sources[name] & self.changeable for name in sources}
        self.views = _reversed(self.sources)
        self.by_function = self._by_function(notebook)
        self.writers = {
            name
            for item in notebook
            if any(map(writes_file, item.effects.later_calls))
            for name in item.effects.binds
        }

    def of(self, found: Effects) -> set[str]:
        """Les noms dont le contenu peut changer."""
        direct = self._direct(found) & self.changeable
        reached = (_reached(n, table) for n in direct for table in (self.sources, self.views))
        return direct.union(*reached)

    def is_lasting(self, part: _Part) -> bool:
        """Change-t-elle un module, un fichier, un réglage, que d'autres verront sans la nommer ?"""
        found = part.effects
        used = (found.reads | found.binds) & self.writers
        if used or self._direct(found) & self.imports or any(map(writes_file, found.calls)):
            return True
        return part.is_simple and any(
            call.dropped
            and (call.root or call.word) in self.imports
            and _SETTING.fullmatch(call.word)
            for call in found.calls
        )

    def _direct(self, found: Effects) -> set[str]:
        used = (found.reads | found.binds) & self.by_function.keys()
        own = found.changes | self._by_calls(found.calls)
        return own.union(*(self.by_function[name] for name in used))

    def _by_calls(self, calls: Iterable[Call]) -> set[str]:
        found = set()
        for call in calls:
            names = {call.root, *(name for _, name in call.given)} & self.changeable
            found |= {name for name in names if changes_given(call, name)}
            places = self.parameters.get(call.word, set())
            found |= {name for place, name in call.given if place in places}
        return found

    def _by_function(self, items: Sequence[_Item]) -> dict[str, set[str]]:
        """Ce que change un appel de chaque fonction du notebook, directement ou par d'autres."""
        table: dict[str, set[str]] = {}
        reads: dict[str, set[str]] = {}
        for item in items:
            changed = item.effects.later_changes | self._by_calls(item.effects.later_calls)
            for name in item.effects.binds:
                table.setdefault(name, set()).update(changed)
                reads.setdefault(name, set()).update(item.effects.later)
        return {
            name: found
            for name in table
            if (found := set().union(*(table.get(n, ()) for n in (name, *_reached(name, reads)))))
        }


def _changeable(items: Iterable[_Item]) -> set[str]:
    """Les noms du notebook dont la valeur a un contenu, qui peut changer."""
    bound, plain, other = set(), set(), set()
    for item in items:
        found = item.effects
        bound |= found.binds
        plain |= {name for name, value in found.plain.items() if value}
        other |= found.binds - {name for name, value in found.plain.items() if value}
        other |= found.later_changes
    return bound - (plain - other)


def _merged(tables: Iterable[dict]) -> dict:
    found: dict = {}
    for table in tables:
        for name, values in table.items():
            found.setdefault(name, set()).update(values)
    return found


def _reversed(table: dict[str, set[str]]) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for name, sources in table.items():
        for source in sources:
            found.setdefault(source, set()).add(name)
    return found


def _reached(name: str, table: dict[str, set[str]]) -> set[str]:
    """Tout ce à quoi un nom mène, pas à pas."""
    found: set[str] = set()
    waiting = [name]
    while waiting:
        new = table.get(waiting.pop(), set()) - found
        found |= new
        waiting += new
    return found


# ---- From the last item to the first


def _kept(items: Sequence[_Item], changes: _Changes) -> set[_Item]:
    """Les parties à exécuter."""
    items = _up_to_the_last_kept(items)
    changed = {item: changes.of(item.effects) for item in items if item.role is Role.FREE}
    always: set[str] = set()  # read when functions are called: nobody knows when
    kept = {item for item in items if _is_always_kept(item, changes)}
    while True:
        before = len(kept), len(always)
        _go_back(items, changed, kept, always)
        if before == (len(kept), len(always)):
            return kept


def _up_to_the_last_kept(items: Sequence[_Item]) -> Sequence[_Item]:
    """Sans les parties libres de la fin : après elles, rien n'est vérifié."""
    return items[
        : max((n for n, item in enumerate(items, 1) if item.role is not Role.FREE), default=0)
    ]


def _is_always_kept(item: _Item, changes: _Changes) -> bool:
    if item.role is not Role.FREE:
        return True
    modules = {module.partition(".")[0] for module in item.effects.imports.values()}
    return "labo" in modules or changes.is_lasting(item.part)


def _go_back(
    items: Sequence[_Item], changed: dict[_Item, set[str]], kept: set[_Item], always: set[str]
) -> None:
    live: set[str] = set()  # read further on by the notebook
    live_in_tests: set[str] = set()  # by tests, whose own names hide the notebook's
    for item in reversed(items):
        found = item.effects
        if item.role is Role.TEST:
            live_in_tests = (live_in_tests - found.surely) | found.reads
            always |= found.later - found.binds
            continue
        if item.role is Role.FREE:
            wanted = live | live_in_tests | always
            if not (found.binds | changed[item]).isdisjoint(wanted):
                kept.add(item)
        if item in kept:
            live = (live - found.surely) | found.reads
            live_in_tests -= found.surely
            always |= found.later


def _text(cell: Cell, number: int, items: Sequence[_Item], kept: set[_Item]) -> str | None:
    own = [item for item in items if item.cell == number]
    if all(item in kept for item in own) and (own or cell.role is not Role.FREE):
        return cell.source
    lines = {line for item in own if item in kept for line in item.part.lines or ()}
    if not lines:
        return None
    text = cell.source.split("\n")
    return "\n".join(line if n in lines else "" for n, line in enumerate(text, start=1))
