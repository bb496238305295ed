"""Les cellules d'un notebook, et tout ce qu'un exercice y atteint par son nom."""

import ast
import re
from collections.abc import Iterator, Sequence
from copy import copy
from dataclasses import dataclass, field
from functools import cached_property, lru_cache

from labo.bans.allowed import MODULES
from labo.bans.uses import Uses, annotations, is_special, stored, uses

_QUIET = {"staticmethod", "classmethod", "property"}  # decorators that call nothing


@dataclass(eq=False)
class Statement:
    """Une instruction d'une cellule, hors de toute fonction.

    Attributs :
        binds : les noms qu'elle lie.
        replaces : vrai si elle est toujours exécutée, de sorte que ce qui les liait ne compte plus.
    """

    node: ast.stmt
    position: int
    replaces: bool
    binds: frozenset[str] = field(init=False)

    def __post_init__(self) -> None:
        self.binds = _bound_by(self.node)

    @cached_property
    def uses(self) -> Uses:
        return uses(self.node)

    @property
    def label(self) -> str:
        """Comment la nommer à l'étudiant."""
        if isinstance(self.node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            return f"`{self.node.name}`"
        return f"« {ast.unparse(self.node).partition(chr(10))[0][:60]} »"


class Program:
    """Des cellules, dans l'ordre où elles ont été exécutées."""

    def __init__(self, cells: Sequence[str]) -> None:
        found = [pair for cell in cells for pair in _pairs(cell)]
        self.statements = [Statement(node, i, kept) for i, (node, kept) in enumerate(found)]
        self.imported = {
            name for statement in self.statements if _imports(statement) for name in statement.binds
        }
        self._bound = {name for s in self.statements if not _imports(s) for name in s.binds}
        self._reached: dict[str, list[Statement]] = {}
        self._cells = cells

    @cached_property
    def bound(self) -> set[str]:
        """Les noms que lie autre chose qu'un `import`."""
        return self._bound.union(*(statement.uses.bound for statement in self.statements))

    def may_bind_by_magic(self, name: str) -> bool:
        """Une commande d'IPython a-t-elle ce nom, `%prun t = 3`, ou cent, `%pylab` ?"""
        return not self._words_of_magics.isdisjoint({name, "pylab"})

    @cached_property
    def _words_of_magics(self) -> set[str]:
        lines = (line for cell in self._cells for line in _MAGIC.findall(cell))
        return {word for line in lines for word in re.findall(r"\w+", line)}

    @cached_property
    def modules_imported(self) -> set[str]:
        """Les premiers noms des modules dont quelque chose est importé, où que ce soit."""
        origins = {origin for s in self.statements for origin in s.uses.origins.values()}
        return {origin.partition(".")[0] for origin in origins}

    def imports_of(self, name: str) -> set[str]:
        """Ce que peut désigner un nom que seuls des `import` lient.

        Aussi `from module import *`, si un exercice a le droit de ce module.
        """
        found = set[str]()
        for statement in filter(_imports, self.statements):
            for bound, origin in statement.uses.origins.items():
                if bound == name:
                    found.add(origin)
                elif bound == "*" and origin.partition(".")[0] in MODULES:
                    found.add(f"{origin.removesuffix('*')}{name}")
        return found

    @property
    def only_imported(self) -> set[str]:
        """Les noms importés, auxquels aucune cellule ne donne autre chose."""
        return self.imported - self._bound

    @cached_property
    def own(self) -> set[str]:
        """Les attributs que définissent les cellules : des méthodes, et ceux de `self`."""
        return {name for statement in self.statements for name in statement.uses.own}

    @cached_property
    def functions(self) -> set[str]:
        """Les fonctions que définissent les cellules, hors de toute autre."""
        return {n for s in self.statements for n, _, _ in s.uses.functions if n in s.binds}

    @cached_property
    def modules(self) -> dict[str, str]:
        """Le module que désigne chaque nom importé par `import`, où que ce soit."""
        return {name: m for s in self.statements for name, m in s.uses.modules.items()}

    def origins(self, name: str, statement: Statement) -> set[str]:
        """Ce qu'un nom a d'importé, là où une instruction le lit : "torch.nn", par exemple."""
        found = {statement.uses.origins.get(name)}
        for end in (statement.position, len(self.statements)):
            found |= {s.uses.origins.get(name) for s in self._bindings(name, end) if _imports(s)}
        return {origin for origin in found if origin}

    def reached(self, name: str) -> list[Statement]:
        """Les instructions dont dépend un nom, et tous ceux qu'elles emploient."""
        if name not in self._reached:
            self._reached[name] = self._reach(name)
        return self._reached[name]

    def _reach(self, name: str) -> list[Statement]:
        found = dict.fromkeys(self._bindings(name, len(self.statements)))
        found |= dict.fromkeys(self._of_operators if found else [])
        waiting = list(found)
        while waiting:
            new = dict.fromkeys(s for s in self._reads(waiting.pop()) if s not in found)
            found |= new
            waiting += new
        return list(found)

    def binds(self, name: str) -> bool:
        """Une cellule lie-t-elle ce nom ?"""
        return bool(self._bindings(name, len(self.statements)))

    def _reads(self, statement: Statement) -> Iterator[Statement]:
        """Ce que ses mots peuvent désigner : à ce moment, et à la fin."""
        renewed = statement.binds if self._runs_later(statement.node) else frozenset()
        for use in statement.uses.names:
            if use.word not in renewed:  # a class that names itself means no earlier version of it
                yield from self._bindings(use.word, statement.position)
            yield from self._bindings(use.word, len(self.statements))
            yield from self._in_builtins.get(use.word, [])
            if not self.binds(use.word):
                for module in self._imported_whole:
                    yield from self.patched.get(f"{module}.{use.word}", [])
        for origin in statement.uses.origins.values():  # replaced, and then imported
            yield from self.patched.get(origin, [])
        for use in statement.uses.attributes:
            yield from self.patches.get(use.word, [])

    def _runs_later(self, node: ast.stmt) -> bool:
        """Une définition qui n'appelle rien : ses fonctions ne s'exécutent qu'une fois son nom lié.

        Un décorateur, une classe de base, une valeur par défaut, un appel dans le corps d'une
        classe pourraient s'en servir avant.
        """
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            decorators = [d.id if isinstance(d, ast.Name) else "" for d in node.decorator_list]
            values = [*node.args.defaults, *filter(None, node.args.kw_defaults)]
            return (
                all(name in _QUIET and not self.binds(name) for name in decorators)
                and all(isinstance(value, ast.Constant | ast.Tuple) for value in values)
                and not any(map(self._is_own, (*values, *annotations(node))))
            )
        if isinstance(node, ast.ClassDef):
            extended = node.bases or node.keywords or node.decorator_list
            return not extended and all(map(self._runs_later, node.body))
        if isinstance(node, ast.Assign):  # `__radd__ = __add__`
            return isinstance(node.value, ast.Name | ast.Constant) and not self._is_own(node.value)
        return isinstance(node, ast.Pass | ast.Expr) and not any(
            isinstance(part, ast.Name | ast.Call) for part in ast.walk(node)
        )

    def _is_own(self, expression: ast.expr) -> bool:
        """Une expression nomme-t-elle ce qu'une cellule définit ?"""
        return any(self.binds(name) for name in _named(expression) - self.imported)

    def _bindings(self, name: str, end: int) -> list[Statement]:
        """Ce qui a donné à ce nom la valeur qu'il a avant l'instruction `end`."""
        kept: list[Statement] = []
        for statement in reversed(self._binding.get(name, [])):
            if statement.position >= end:
                continue
            kept.append(statement)
            if statement.replaces and name in statement.binds:
                break
        return kept

    @cached_property
    def _binding(self) -> dict[str, list[Statement]]:
        """Pour chaque nom, les instructions qui le lient ou en changent le contenu."""
        table: dict[str, list[Statement]] = {}
        # What is done to a module changes nothing that is read under its name: see `patches`.
        modules = self.only_imported
        for statement in self.statements:
            changed = (statement.uses.changed - modules) | statement.uses.bound
            for name in statement.binds | changed:
                table.setdefault(name, []).append(statement)
        return table

    @cached_property
    def _of_operators(self) -> list[Statement]:
        """Ce qui change un opérateur, que l'on emploie sans l'écrire : `Tensor.__add__ = …`."""
        special = [word for word in self.patches if is_special(word)]
        return [statement for word in special for statement in self.patches[word]]

    @cached_property
    def _in_builtins(self) -> dict[str, list[Statement]]:
        """Pour chaque nom de Python, ce qui le remplace : `builtins.sum = …`."""
        table: dict[str, list[Statement]] = {}
        for word, statements in self.patches.items():
            for statement in statements:
                roots = {use.root for use in statement.uses.patches if use.word == word}
                if "builtins" in {self.modules.get(root) for root in roots}:
                    table.setdefault(word, []).append(statement)
        return table

    @cached_property
    def patched(self) -> dict[str, list[Statement]]:
        """Ce qui remplace chaque fonction de module, en entier : "torch.nn.functional.relu"."""
        table: dict[str, list[Statement]] = {}
        for statement in self.statements:
            for chain in statement.uses.patched:
                if chain.words[0] in self.imported:
                    for origin in self._origins_of(chain.words[0], statement):
                        path = ".".join((origin, *chain.words[1:]))
                        table.setdefault(path, []).append(statement)
        return table

    def _origins_of(self, name: str, statement: Statement) -> set[str]:
        """Ce qu'un nom a d'importé, là où une instruction le lit ou n'importe où."""
        return self.origins(name, statement) | self.imports_of(name)

    @cached_property
    def _imported_whole(self) -> set[str]:
        """Les modules de `from module import *`."""
        origins = {origin for s in self.statements for origin in s.uses.origins.values()}
        return {origin.removesuffix(".*") for origin in origins if origin.endswith(".*")}

    @cached_property
    def patches(self) -> dict[str, list[Statement]]:
        """Pour chaque attribut d'un module ou d'une classe importés, ce qui le remplace."""
        table: dict[str, list[Statement]] = {}
        for statement in self.statements:
            for use in statement.uses.patches:
                if use.root in self.imported:
                    table.setdefault(use.word, []).append(statement)
        return table


@lru_cache(maxsize=4)
def program_of(*cells: str) -> Program:
    """Le programme de ces cellules, gardé : un notebook a plusieurs exercices qui interdisent."""
    return Program(cells)


@lru_cache(maxsize=8192)
def _bound_by(node: ast.stmt) -> frozenset[str]:
    """Les noms que lie une instruction ; gardés, car les mêmes nœuds reviennent."""
    return frozenset(stored([node]))


@lru_cache(maxsize=8192)
def _named(expression: ast.expr) -> frozenset[str]:
    return frozenset(part.id for part in ast.walk(expression) if isinstance(part, ast.Name))


def _imports(statement: Statement) -> bool:
    return isinstance(statement.node, ast.Import | ast.ImportFrom)


@lru_cache(maxsize=1024)
def _pairs(cell: str) -> tuple[tuple[ast.stmt, bool], ...]:
    """Ce que donne `_flat` d'une cellule ; gardé, car les mêmes reviennent."""
    return tuple(_flat(parsed(cell), replaces=True))


def parsed(cell: str) -> list[ast.stmt]:
    """Les instructions d'une cellule ; aucune si ce n'est pas du Python."""
    for text in (lambda: cell, lambda: _transformed(cell)):
        try:
            body = ast.parse(text()).body
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            continue
        return [statement for node in body for statement in _timed(node)]
    return []


def _timed(node: ast.stmt) -> list[ast.stmt]:
    """Ce que `%time` exécute à la place de cette instruction ; elle-même, sinon."""
    match node:
        case ast.Expr(
            ast.Call(
                ast.Attribute(attr="run_line_magic"),
                [ast.Constant("time"), ast.Constant(str(text))],
            )
        ):
            return parsed(text)
    return [node]


def _transformed(cell: str) -> str:
    """Une cellule, les commandes d'IPython mises en Python ; `%%time` n'en est que la première."""
    from IPython.core.inputtransformer2 import TransformerManager

    first, _, body = cell.lstrip().partition("\n")
    magic = _CELL_MAGIC.match(first)
    if magic:
        cell = f"\n{body}" if magic[1] in _RUN_HERE else ""
    return TransformerManager().transform_cell(cell)


_CELL_MAGIC = re.compile(r"%%(\w+)")
_RUN_HERE = {"time", "capture", "prun"}  # others run elsewhere, or bind nothing that stays
_MAGIC = re.compile(r"(?m)^(?:.*=)?\s*%%?[a-z].*$")


def _flat(nodes: list[ast.stmt], *, replaces: bool) -> Iterator[tuple[ast.stmt, bool]]:
    """Les instructions, celles de `with`, `if` et `try` une à une ; et si elles remplacent."""
    for node in nodes:
        match node:
            case ast.With():
                if any(item.optional_vars for item in node.items):
                    yield node, False
                yield from _flat(node.body, replaces=replaces)
            case ast.If():
                yield from _flat([*node.body, *node.orelse], replaces=False)
            case ast.Try():
                handled = [s for handler in node.handlers for s in handler.body]
                both = [*node.body, *handled, *node.orelse, *node.finalbody]
                yield from _flat(both, replaces=False)
            case ast.Import(names) | ast.ImportFrom(names=names):
                for alias in names:  # an exercise answers only for the names that it uses
                    one = copy(node)
                    one.names = [alias]
                    yield one, replaces
            case ast.AugAssign() | ast.For() | ast.While():
                yield node, False
            case _:
                yield node, replaces
