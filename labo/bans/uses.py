"""Les noms, les boucles et les détours que contient une instruction, d'après son arbre."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from typing import NamedTuple

from labo.bans.allowed import MATCHED

_Function = ast.FunctionDef | ast.AsyncFunctionDef
_Comprehension = ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp

LOOPING_BUILTINS = {
    *("map", "filter", "reduce", "starmap", "accumulate"),
    *("filterfalse", "takewhile", "dropwhile"),
}
# `fromfunction` is none of these: it calls once, with whole arrays.
LOOPING_ATTRIBUTES = {
    *("vectorize", "frompyfunc", "fromiter", "apply_along_axis"),
    *("apply_over_axes", "nditer", "ndenumerate", "ndindex", "vmap", "map_", "apply_"),
    *("map2_", "settrace", "setprofile", "applymap"),
}

_FILLING = {"append", "extend", "insert", "update", "setdefault", "add"}
_ORDERING = {"sorted", "min", "max", "sort"}


@dataclass(frozen=True)
class Use:
    """Un mot, sa ligne, et le nom global dont il est un attribut ("" si ce n'en est pas un)."""

    word: str
    line: int
    root: str = ""


class Chain(NamedTuple):
    """`nom.a.b`, entier, d'un nom global ou importé ici : ses mots, et sa ligne."""

    words: tuple[str, ...]
    line: int


@dataclass
class Uses:
    """Ce que contient une instruction.

    Attributs :
        names : les noms globaux qu'elle lit.
        attributes : les attributs qu'elle lit, écrits `x.nom` ou `getattr(x, "nom")`.
        chains : les noms qu'elle lit, chacun avec les attributs qui le suivent.
        changed : les noms globaux dont elle change le contenu : `t[0] = …`, `t.append(…)`.
        bound : les noms globaux qu'une fonction y lie (`global t`).
        patches : les attributs qu'elle donne à autre chose qu'à `self`.
        patched : les mêmes, précédés de ce à quoi elle les donne, comme `torch.relu`.
        own : les attributs qu'elle définit : ses méthodes, `self.nom = …`.
        imports : les modules et les noms qu'elle importe, avec leur premier module.
        modules : le module que désigne chaque nom de `import module` ou `import module as nom`.
        origins : ce que désigne chaque nom importé, en entier, comme "torch.nn".
        loops : les boucles.
        hidden : ce qui désigne quelque chose sans l'écrire.
        rewrites : ce qui lie un nom global sans l'écrire, comme `globals()["f"] = …`.
        applied : les paramètres et les fonctions internes appliqués à eux-mêmes, comme `f(f, x)`.
        functions : chaque fonction, sa ligne, les fonctions et méthodes dont son corps a le nom.
    """

    names: list[Use] = field(default_factory=list)
    attributes: list[Use] = field(default_factory=list)
    chains: list[Chain] = field(default_factory=list)
    changed: set[str] = field(default_factory=set)
    bound: set[str] = field(default_factory=set)
    patches: list[Use] = field(default_factory=list)
    patched: list[Chain] = field(default_factory=list)
    own: set[str] = field(default_factory=set)
    imports: list[Use] = field(default_factory=list)
    modules: dict[str, str] = field(default_factory=dict)
    origins: dict[str, str] = field(default_factory=dict)
    loops: list[Use] = field(default_factory=list)
    hidden: list[Use] = field(default_factory=list)
    rewrites: list[Use] = field(default_factory=list)
    applied: list[Use] = field(default_factory=list)
    functions: list[tuple[str, int, set[str]]] = field(default_factory=list)


@lru_cache(maxsize=8192)
def uses(statement: ast.stmt) -> Uses:
    """Ce que contient une instruction ; la ligne d'un mot est comptée depuis la sienne.

    Gardé pour les nœuds qui reviennent : à lire seulement.
    """
    visitor = _Visitor(statement.lineno - 1)
    visitor.visit(statement)
    return visitor.found


def is_special(word: str) -> bool:
    """Un nom auquel Python donne un sens, comme `__init__`."""
    return word.startswith("__") and word.endswith("__")


def root(node: ast.AST) -> str:
    """Le premier nom de `nom.a.b[0].c` ; "" s'il n'y en a pas."""
    while isinstance(node, ast.Attribute | ast.Subscript):
        node = node.value
    return node.id if isinstance(node, ast.Name) else ""


def stored(nodes: list[ast.AST]) -> Iterator[str]:
    """Les noms que ces nœuds lient dans leur propre portée, imports compris."""
    waiting = list(nodes)
    while waiting:
        node = waiting.pop()
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                yield node.name
                continue
            case ast.Import() | ast.ImportFrom():
                yield from (alias.asname or alias.name.partition(".")[0] for alias in node.names)
            case ast.Name(ctx=ast.Store() | ast.Del()):
                yield node.id
            case ast.ExceptHandler() | ast.MatchAs() | ast.MatchStar() if node.name:
                yield node.name
            case ast.MatchMapping() if node.rest:
                yield node.rest
            case ast.Lambda():
                continue
        if not isinstance(node, ast.comprehension):
            waiting.extend(ast.iter_child_nodes(node))
        else:  # its targets are its own; what `:=` binds is not
            waiting.extend((node.iter, *node.ifs))


class _Visitor(ast.NodeVisitor):
    def __init__(self, before: int) -> None:
        self.before = before
        self.found = Uses()
        self.scopes: list[set[str]] = []  # of functions, from the outer one
        self.nested: list[set[str]] = []  # the functions defined in each of them
        self.methods: set[ast.AST] = set()
        self.lambdas: dict[ast.expr, str] = {}  # those that an assignment names
        self.mentioned: list[set[str]] = []  # in each of them; a method's name has a dot before it
        self.within: set[ast.AST] = set()  # those that an attribute follows

    # ---- Scopes

    def visit_FunctionDef(self, node: _Function) -> None:
        for outside in (*node.decorator_list, *_defaults(node.args), *annotations(node)):
            self.visit(outside)
        if node.name == "__next__":  # called until it raises StopIteration
            self.found.loops.append(self._use(node.name, node))
        inner = set(stored([*node.body]))
        declared = {n for s in ast.walk(node) if isinstance(s, ast.Global) for n in s.names}
        self.found.bound |= inner & declared
        name = f".{node.name}" if node in self.methods else node.name
        self._function(name, node, _parameters(node.args) | inner - declared, node.body)

    visit_AsyncFunctionDef = visit_FunctionDef

    def visit_Lambda(self, node: ast.Lambda) -> None:
        for default in _defaults(node.args):
            self.visit(default)
        if node in self.lambdas:
            self._function(self.lambdas[node], node, _parameters(node.args), [node.body])
        else:
            self._inside(_parameters(node.args), [node.body])

    def visit_Assign(self, node: ast.Assign) -> None:
        self.lambdas |= _named_lambdas(node)
        self.generic_visit(node)

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        self.found.own |= set(stored([*node.body]))
        self.methods |= {member for member in node.body if isinstance(member, _Function)}
        self.generic_visit(node)

    def _comprehension(self, node: _Comprehension) -> None:
        self.found.loops.append(self._use("for", node))
        self.visit(node.generators[0].iter)  # the only part that is read outside of it
        targets = set(stored([g.target for g in node.generators]))
        self._inside(targets, [*ast.iter_child_nodes(node)])

    visit_ListComp = visit_SetComp = visit_DictComp = visit_GeneratorExp = _comprehension

    def _function(self, name: str, node: ast.expr | ast.stmt, names: set[str], body: list) -> None:
        self.mentioned.append(set())
        self._inside(names, body)
        mentioned = self.mentioned.pop()
        self.found.functions.append((name, node.lineno - self.before, mentioned))
        for around in self.mentioned:
            around |= mentioned

    def _inside(self, names: set[str], body: list) -> None:
        self.scopes.append(names)
        functions = {n.name for n in body if isinstance(n, _Function)}
        self.nested.append(functions.union(*(_named_lambdas(n).values() for n in body)))
        for node in body:
            self.visit(node)
        self.scopes.pop()
        self.nested.pop()

    # ---- Words

    def visit_Name(self, node: ast.Name) -> None:
        if not isinstance(node.ctx, ast.Load):
            return
        self._chain(node)
        is_local = self._is_local(node.id)
        if not is_local or any(node.id in functions for functions in self.nested):
            self._mention(node.id)
        if not is_local:
            self.found.names.append(self._use(node.id, node))

    def visit_Attribute(self, node: ast.Attribute) -> None:
        self._chain(node)
        self.within.add(node.value)
        self.visit(node.value)
        if isinstance(node.value, ast.Name) and self._is_local(node.value.id):
            self._mention(f".{node.attr}")
        if isinstance(node.ctx, ast.Load):
            self.found.attributes.append(self._use(node.attr, node, root(node)))
            if node.attr == "modules":
                self.found.hidden.append(self._use(node.attr, node))
        elif root(node) == "self":
            self.found.own.add(node.attr)
        else:
            self._patch(node.attr, node, node.value)

    def visit_MatchClass(self, node: ast.MatchClass) -> None:
        self.generic_visit(node)  # `case object(name=value)` reads the attribute `name`
        if node.patterns and not (isinstance(node.cls, ast.Name) and node.cls.id in MATCHED):
            self.found.hidden.append(self._use("case", node))  # one that the class chooses
        self.found.attributes += [self._use(name, node) for name in node.kwd_attrs]

    def visit_Subscript(self, node: ast.Subscript) -> None:
        self.generic_visit(node)
        if not isinstance(node.ctx, ast.Load):
            self._change(node)
            self._rewrite(node.value)

    def visit_AugAssign(self, node: ast.AugAssign) -> None:
        self.generic_visit(node)
        self._change(node.target)

    def visit_Call(self, node: ast.Call) -> None:
        if (loop := _calls_for_each(node)) is not None:
            self.found.loops.append(self._use(loop, node))
        match node:
            case ast.Call(ast.Name("getattr" | "hasattr"), [_, ast.Constant(str(name)), *_]):
                self._chain(node.args[0], name)
                self.within.add(node.args[0])
                self.found.attributes.append(self._use(name, node, root(node.args[0])))
            case ast.Call(ast.Name("setattr" | "delattr"), [_, ast.Constant(str(name)), *_]):
                self._patch(name, node, node.args[0])
            case ast.Call(ast.Name("getattr" | "setattr" | "delattr" as word), [of, *_]):
                self.found.hidden.append(self._use(word, node, root(of)))
            case ast.Call(ast.Name("getattr" | "setattr" | "delattr" as word)):
                self.found.hidden.append(self._use(word, node))
            case ast.Call(ast.Attribute(attr="run_line_magic"), [ast.Constant("run"), *_]):
                self.found.rewrites.append(self._use("%run", node))
            case ast.Call(ast.Attribute(value, attr="modules")):
                self.visit(value)  # of a network; that of `sys` is no function
            case _:
                self.visit(node.func)
                if _makes_a_class(node):
                    self.found.hidden.append(self._use("type", node))
                if _copies_attributes(node):
                    self.found.hidden.append(self._use("wraps", node))
                if isinstance(node.func, ast.Attribute) and node.func.attr in _FILLING:
                    self._change(node.func)
                    self._rewrite(node.func.value)
        if isinstance(node.func, ast.Name) and self._is_local(node.func.id):
            self._call_of_local(node.func.id, node)
        for argument in (*node.args, *node.keywords):
            self.visit(argument)

    def _call_of_local(self, name: str, node: ast.Call) -> None:
        """`self(x)`, ou `f(f, x)` : une récursion qui ne dit pas le nom de la fonction."""
        if name == "self":
            self._mention(".__call__")
        if any(isinstance(part, ast.Name) and part.id == name for part in node.args):
            self.found.applied.append(self._use(name, node))

    def visit_Import(self, node: ast.Import | ast.ImportFrom) -> None:
        module = node.module or "" if isinstance(node, ast.ImportFrom) else ""
        for alias in node.names:
            parts = [part for part in (*module.split("."), *alias.name.split(".")) if part]
            line = node.lineno - self.before
            self.found.imports += [Use(part, line, parts[0]) for part in parts]
            whole = ".".join(parts if alias.asname or module else parts[:1])
            self.found.origins[alias.asname or (alias.name if module else parts[0])] = whole
            if isinstance(node, ast.Import):
                self.found.modules[alias.asname or parts[0]] = parts[0]

    visit_ImportFrom = visit_Import

    def visit_For(self, node: ast.For | ast.AsyncFor) -> None:
        self.found.loops.append(self._use("for", node))
        self.generic_visit(node)

    visit_AsyncFor = visit_For

    def visit_While(self, node: ast.While) -> None:
        self.found.loops.append(self._use("while", node))
        self.generic_visit(node)

    def _chain(self, node: ast.expr, *following: str) -> None:
        """Note the whole of `name.a.b`, once."""
        if node not in self.within:
            self.found.chains += self._whole(node, *following)

    def _whole(self, node: ast.expr, *following: str) -> Iterator[Chain]:
        """`name.a.b`, if that is what this expression is, and no name of a function's own."""
        words, inner = list(following), node
        while isinstance(inner, ast.Attribute):
            words.insert(0, inner.attr)
            inner = inner.value
        if isinstance(inner, ast.Name) and (
            inner.id in self.found.origins or not self._is_local(inner.id)
        ):
            yield Chain((inner.id, *words), node.lineno - self.before)

    def _patch(self, name: str, node: ast.expr, of: ast.expr) -> None:
        """Note that `node` gives the attribute `name` to `of`."""
        use = self._use(name, node, root(of))
        self.found.patches.append(use)
        if use.root:
            self.found.patched += self._whole(of, name)
        self._change(of)

    def _is_local(self, name: str) -> bool:
        return any(name in scope for scope in self.scopes)

    def _rewrite(self, node: ast.expr) -> None:
        match node:
            case ast.Call(ast.Name("globals" | "locals" | "vars" as word), []):
                self.found.rewrites.append(self._use(word, node))

    def _change(self, node: ast.AST) -> None:
        if (name := root(node)) and not self._is_local(name):
            self.found.changed.add(name)

    def _mention(self, word: str) -> None:
        if self.mentioned:
            self.mentioned[-1].add(word)

    def _use(self, word: str, node: ast.AST, origin: str = "") -> Use:
        line = getattr(node, "lineno", self.before + 1) - self.before
        # The root of an attribute: a global name, a module, or the object that a method belongs to.
        kept = origin in self.found.modules or self._is_local(origin) == (origin == "self")
        return Use(word, line, origin if kept else "")


def _named_lambdas(node: ast.AST) -> dict[ast.expr, str]:
    """La fonction qu'écrit `nom = lambda …`, et son nom."""
    match node:
        case ast.Assign([ast.Name(name)], ast.Lambda() as function):
            return {function: name}
    return {}


def _calls_for_each(node: ast.Call) -> str | None:
    """Ce qui, dans `sorted(x, key=f)` ou `iter(f, fin)`, appelle une fonction sur tout."""
    match node:
        case ast.Call(ast.Name("iter"), [_, _]):
            return "iter"
        case ast.Call(ast.Name(word) | ast.Attribute(attr=word)) if word in _ORDERING:
            return "key" if any(keyword.arg == "key" for keyword in node.keywords) else None
    return None


def _makes_a_class(node: ast.Call) -> bool:
    """`type(nom, bases, attributs)` : une classe dont les attributs ne s'écrivent pas."""
    match node.func:
        case ast.Name("type"):
            return len(node.args) != 1 or bool(node.keywords)
    return False


def _copies_attributes(node: ast.Call) -> bool:
    """`functools.wraps`, quand il copie d'autres attributs que ceux d'une fonction."""
    match node.func:
        case ast.Name("wraps") | ast.Attribute(attr="wraps"):
            return len(node.args) != 1 or bool(node.keywords)
    return False


def _parameters(arguments: ast.arguments) -> set[str]:
    return {argument.arg for argument in _arguments(arguments)}


def _arguments(arguments: ast.arguments) -> list[ast.arg]:
    several = (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)
    return [*several, *(one for one in (arguments.vararg, arguments.kwarg) if one)]


def _defaults(arguments: ast.arguments) -> list[ast.expr]:
    return [*arguments.defaults, *(value for value in arguments.kw_defaults if value)]


def annotations(node: _Function) -> list[ast.expr]:
    arguments = [argument.annotation for argument in _arguments(node.args)]
    return [annotation for annotation in (*arguments, node.returns) if annotation]
