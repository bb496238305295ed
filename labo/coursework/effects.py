"""Ce que fait une instruction aux noms d'un notebook, d'après son arbre : lire, lier, changer."""

import ast
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from labo.bans.uses import annotations, stored
from labo.coursework.calls import Call, called, changes_given, is_plain, root, shared

_Function = ast.FunctionDef | ast.AsyncFunctionDef
_Comprehension = ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp

# What reaches names without writing them.
_OPAQUE = {
    *("exec", "eval", "globals", "locals", "__import__", "get_ipython", "breakpoint", "reload"),
}


@dataclass
class Effects:
    """Ce que font des instructions, exécutées l'une après l'autre.

    Attributs :
        reads : les noms qu'elles lisent avant de les avoir liés.
        later : ceux que leurs fonctions lisent, quand on les appelle.
        binds : ceux qu'elles peuvent lier ; `surely`, ceux qu'elles lient toujours.
        changes : ceux dont elles changent le contenu, par `x[0] = …`, `x.a = …`, `x += …`, `del x`.
        calls : les appels.
        shares : pour chaque nom lié, ceux dont sa valeur peut partager le contenu.
        later_changes, later_calls : les mêmes, dans le corps de leurs fonctions.
        changed_parameters : pour chaque fonction, le rang de ceux de ses paramètres qu'elle change.
        plain : les noms liés à une valeur dont rien ne change le contenu, ou non.
        imports : ce que désigne chaque nom importé.
        opaque : vrai si elles peuvent atteindre des noms sans les écrire.
    """

    reads: set[str] = field(default_factory=set)
    later: set[str] = field(default_factory=set)
    binds: set[str] = field(default_factory=set)
    surely: set[str] = field(default_factory=set)
    changes: set[str] = field(default_factory=set)
    calls: list[Call] = field(default_factory=list)
    shares: dict[str, set[str]] = field(default_factory=dict)
    later_changes: set[str] = field(default_factory=set)
    later_calls: list[Call] = field(default_factory=list)
    changed_parameters: dict[str, set[int]] = field(default_factory=dict)
    plain: dict[str, bool] = field(default_factory=dict)
    imports: dict[str, str] = field(default_factory=dict)
    opaque: bool = False


def effects(statements: Sequence[ast.stmt]) -> Effects:
    """Ce que font ces instructions, qui sont à la suite dans une cellule."""
    visitor = _Visitor()
    for statement in statements:
        visitor.visit(statement)
        if isinstance(statement, _SIMPLE):
            visitor.found.surely |= set(stored([statement])) - _deleted(statement)
    return visitor.found


_SIMPLE = (
    *(ast.Assign, ast.AnnAssign, ast.AugAssign, ast.Import, ast.ImportFrom),
    *(ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef),
)


def _deleted(statement: ast.stmt) -> set[str]:
    return {
        n.id for n in ast.walk(statement) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Del)
    }


class _Visitor(ast.NodeVisitor):
    def __init__(self) -> None:
        self.found = Effects()
        self.bound: set[str] = set()  # so far, by these statements
        self.scopes: list[tuple[bool, set[str]]] = []  # (is it a class, its names)
        self.functions: list[tuple[str, list[str]]] = []  # those around, and their parameters
        self.dropped: ast.AST | None = None  # the call whose result is not used

    # ---- Scopes

    def visit_FunctionDef(self, node: _Function) -> None:
        outside = [*node.decorator_list, *_defaults(node.args), *annotations(node)]
        self._visit_all(outside)
        declared = {n for s in ast.walk(node) if isinstance(s, ast.Global) for n in s.names}
        inner = set(stored([*node.body]))
        self.found.later_changes |= inner & declared
        if not self.scopes:
            self._bind(node.name)
        parameters = _parameters(node.args)
        self._inside(node.name, parameters, (inner - declared) | {*parameters}, node.body)

    visit_AsyncFunctionDef = visit_FunctionDef

    def visit_Lambda(self, node: ast.Lambda) -> None:
        self._visit_all(_defaults(node.args))
        parameters = _parameters(node.args)
        self._inside("", parameters, {*parameters}, [node.body])

    def _inside(
        self, name: str, parameters: list[str], names: set[str], body: Iterable[ast.AST]
    ) -> None:
        self.scopes.append((False, names))
        self.functions.append((name, parameters))
        self._visit_all(body)
        self.functions.pop()
        self.scopes.pop()

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        self._visit_all([*node.decorator_list, *node.bases, *node.keywords])
        outer = self.functions
        self.functions = [*outer, (node.name, [])] if outer else outer
        self.scopes.append((True, set(stored([*node.body]))))
        self._visit_all(node.body)
        self.scopes.pop()
        self.functions = outer
        if not self.scopes:
            self._bind(node.name)

    def _comprehension(self, node: _Comprehension) -> None:
        self.visit(node.generators[0].iter)
        targets = set(stored([g.target for g in node.generators]))
        self.scopes.append((False, targets))
        self._visit_all(ast.iter_child_nodes(node))
        self.scopes.pop()

    visit_ListComp = visit_SetComp = visit_DictComp = visit_GeneratorExp = _comprehension

    def _is_local(self, name: str) -> bool:
        """Ce nom est-il celui d'une fonction, d'une classe ou d'une compréhension ?"""
        inner = len(self.scopes) - 1
        return any(
            name in names
            for i, (of_class, names) in enumerate(self.scopes)
            if not of_class or i == inner
        )

    # ---- Names

    def visit_Name(self, node: ast.Name) -> None:
        if self._is_local(node.id):
            return
        if isinstance(node.ctx, ast.Load):
            self.found.opaque |= node.id in _OPAQUE
            if self.functions:
                self.found.later.add(node.id)
            elif node.id not in self.bound:
                self.found.reads.add(node.id)
        elif isinstance(node.ctx, ast.Del):
            self._change(node)
            self.found.binds.add(node.id)
            self.bound.discard(node.id)
        else:
            self._bind(node.id)

    def _bind(self, name: str) -> None:
        self.found.binds.add(name)
        self.bound.add(name)

    def _change(self, node: ast.AST) -> None:
        name = root(node)
        if not name:
            return
        if self._is_local(name):
            self._change_parameter(name)
        elif self.functions:
            self.found.later_changes.add(name)
        else:
            self.found.changes.add(name)

    def _change_parameter(self, name: str) -> None:
        for function, parameters in self.functions:
            if name in parameters:
                place = parameters.index(name)
                self.found.changed_parameters.setdefault(function, set()).add(place)

    def visit_Import(self, node: ast.Import | ast.ImportFrom) -> None:
        module = f"{node.module or ''}." if isinstance(node, ast.ImportFrom) else ""
        for alias in node.names:
            name = alias.asname or (alias.name if module else alias.name.partition(".")[0])
            self.found.opaque |= alias.name == "*"
            if not self._is_local(name):
                self._bind(name)
                whole = module or alias.asname
                self.found.imports[name] = module + alias.name if whole else name

    visit_ImportFrom = visit_Import

    # ---- Statements, in the order in which they are executed

    def visit_Assign(self, node: ast.Assign) -> None:
        self.visit(node.value)
        for target in node.targets:
            self._share(target, node.value)
            self.visit(target)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        if node.value:
            self.visit(node.value)
            self._share(node.target, node.value)
        self._visit_all([node.annotation, *([node.target] if node.value else [])])

    def visit_NamedExpr(self, node: ast.NamedExpr) -> None:
        self.visit(node.value)
        self._share(node.target, node.value)
        self.visit(node.target)

    def visit_AugAssign(self, node: ast.AugAssign) -> None:
        self.visit(node.value)
        self._change(node.target)
        if isinstance(node.target, ast.Name):
            self.visit(ast.Name(node.target.id, ast.Load()))
        self.visit(node.target)

    def visit_For(self, node: ast.For | ast.AsyncFor) -> None:
        self.visit(node.iter)
        self._share(node.target, node.iter)
        self._visit_all([node.target, *node.body, *node.orelse])

    visit_AsyncFor = visit_For

    def visit_withitem(self, node: ast.withitem) -> None:
        self.visit(node.context_expr)
        if node.optional_vars:
            self._share(node.optional_vars, node.context_expr)
            self.visit(node.optional_vars)

    def visit_If(self, node: ast.If) -> None:
        self.visit(node.test)
        before = set(self.bound)
        self._visit_all(node.body)
        first, self.bound = self.bound, before
        self._visit_all(node.orelse)
        self.bound &= first

    def visit_ExceptHandler(self, node: ast.ExceptHandler) -> None:
        if node.name and not self._is_local(node.name):
            self._bind(node.name)
        self.generic_visit(node)

    def visit_MatchAs(self, node: ast.MatchAs | ast.MatchStar) -> None:
        if node.name and not self._is_local(node.name):
            self._bind(node.name)
        self.generic_visit(node)

    visit_MatchStar = visit_MatchAs

    def visit_Expr(self, node: ast.Expr) -> None:
        self.dropped = node.value
        self.visit(node.value)

    # ---- Changes of what a name holds

    def visit_Attribute(self, node: ast.Attribute) -> None:
        self.visit(node.value)
        if not isinstance(node.ctx, ast.Load):
            self._change(node)

    def visit_Subscript(self, node: ast.Subscript) -> None:
        self.generic_visit(node)
        if not isinstance(node.ctx, ast.Load):
            self._change(node)

    def visit_Call(self, node: ast.Call) -> None:
        dropped, self.dropped = self.dropped is node, None
        words = [*node.args, *(keyword.value for keyword in node.keywords)]
        given = tuple((i, name) for i, value in enumerate(words) for name in shared(value))
        method = isinstance(node.func, ast.Attribute)
        word = called(node.func)
        self.found.opaque |= word in ("vars", "dir") and not words
        self._call(Call(root(node.func) if method else "", word, given, dropped))
        self._visit_all([node.func, *words])

    def _call(self, call: Call) -> None:
        local = {n for n in (call.root, *(n for _, n in call.given)) if self._is_local(n)}
        for name in local:
            if self.functions and changes_given(call, name):
                self._change_parameter(name)
        given = tuple((i, name) for i, name in call.given if name not in local)
        kept = call._replace(root="" if call.root in local else call.root, given=given)
        (self.found.later_calls if self.functions else self.found.calls).append(kept)

    def _share(self, target: ast.AST, value: ast.expr) -> None:
        match target, value:
            case ast.Tuple(targets), ast.Tuple(values) if len(targets) == len(values):
                for part, own in zip(targets, values, strict=True):
                    self._share(part, own)
                return
        names, plain = set(shared(value)), {n for n, found in self.found.plain.items() if found}
        for name in stored([target]):
            if not self._is_local(name):
                self.found.shares.setdefault(name, set()).update(names)
                same = self.found.plain.get(name, True)
                self.found.plain[name] = same and is_plain(value, plain)

    def _visit_all(self, nodes: Iterable[ast.AST]) -> None:
        for node in nodes:
            self.visit(node)


def _parameters(arguments: ast.arguments) -> list[str]:
    several = (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)
    found = [*several, *(one for one in (arguments.vararg, arguments.kwarg) if one)]
    return [argument.arg for argument in found]


def _defaults(arguments: ast.arguments) -> list[ast.expr]:
    return [*arguments.defaults, *(value for value in arguments.kw_defaults if value)]
