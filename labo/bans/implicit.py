"""Les boucles que fait Python, ou une bibliothèque, en appelant ce que l'étudiant lui donne."""

import ast
from collections.abc import Collection, Iterator

from labo.bans.uses import Use, is_special

_ONCE = {"fromfunction", "piecewise"}  # these call with whole arrays
_CALLED_ONCE = {"__init__", "__call__", "__post_init__"}
_Function = ast.FunctionDef | ast.AsyncFunctionDef


def implicit_loops(node: ast.stmt, functions: Collection[str]) -> Iterator[Use]:
    """Les fonctions données à d'autres, et les classes dont Python appelle les méthodes.

    `re.sub("x", f, "xxx")`, `groupby(x, f)`, `sum(objects)`, `list(object)` : `f` et les méthodes
    spéciales de l'objet y sont le corps d'une boucle, qui ne s'écrit pas.

    Args :
        functions : les noms des fonctions du notebook et de l'instruction, et de ses méthodes.
    """
    for inner in ast.walk(node):
        if isinstance(inner, ast.ClassDef) and (inner.bases or inner.keywords):
            yield _use(inner.name, inner, node)
        if isinstance(inner, ast.ClassDef):
            for member in inner.body:
                if isinstance(member, _Function) and _is_called_by_python(member.name):
                    yield _use(member.name, member, node)
        if isinstance(inner, ast.Call) and _last_name(inner.func) not in _ONCE:
            for value in (*inner.args, *inner.keywords):
                yield from _functions_in(value, functions, node)
        if isinstance(inner, ast.List | ast.Tuple | ast.Set):
            yield from _functions_in(inner, functions, node)


def values(node: ast.AST) -> Iterator[ast.expr]:
    """Les noms, les attributs et les `lambda` d'une expression, sauf ceux qu'elle appelle."""
    called = {inner.func for inner in ast.walk(node) if isinstance(inner, ast.Call)}
    for inner in ast.walk(node):
        if isinstance(inner, ast.Name | ast.Attribute | ast.Lambda) and inner not in called:
            yield inner


def _functions_in(value: ast.AST, functions: Collection[str], within: ast.stmt) -> Iterator[Use]:
    """Celles que contient une valeur, les arguments d'autres appels mis à part."""
    waiting = [value]
    while waiting:
        found = waiting.pop()
        if not isinstance(found, ast.Call):
            waiting.extend(ast.iter_child_nodes(found))
        if isinstance(found, ast.Lambda):
            yield _use("lambda", found, within)
        elif isinstance(found, ast.Name | ast.Attribute) and _last_name(found) in functions:
            yield _use(_last_name(found), found, within)


def _last_name(node: ast.AST) -> str:
    match node:
        case ast.Name(name) | ast.Attribute(attr=name):
            return name
    return ""


def _is_called_by_python(name: str) -> bool:
    return is_special(name) and name not in _CALLED_ONCE


def _use(word: str, node: ast.expr | ast.stmt, within: ast.stmt) -> Use:
    return Use(word, node.lineno - within.lineno + 1)
