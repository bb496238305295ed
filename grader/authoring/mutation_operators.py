"""The mistakes that `grader audit` puts into a reference, one node of its syntax tree at a time."""

from __future__ import annotations

import ast
import builtins
import copy
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, Final, NamedTuple

_PAIRS: Final = (
    *("mean sum", "prod sum", "max min", "amax amin", "argmax argmin", "maximum minimum"),
    *("any all", "zeros ones", "zeros_like ones_like", "std var", "sin cos", "cumsum cumprod"),
    *("floor ceil", "round floor", "round int", "long int", "int64 int32"),
    *("float double", "float32 float64", "sqrt square", "square abs", "exp expm1", "log log1p"),
    *("tanh sigmoid", "softmax log_softmax", "randn rand", "append extend"),
    *("no_grad enable_grad", "train eval"),
)
_OPERATORS: Final[dict[type[ast.AST], tuple[type[ast.AST], ...]]] = {
    ast.Add: (ast.Sub, ast.Mult),
    ast.Sub: (ast.Add, ast.Mult),
    ast.Mult: (ast.Div, ast.Add),
    ast.Div: (ast.Mult, ast.Sub),
    ast.Pow: (ast.Mult,),
    ast.Mod: (ast.FloorDiv,),
    ast.FloorDiv: (ast.Div,),
    ast.MatMult: (ast.Mult,),
    ast.BitAnd: (ast.BitOr,),
    ast.BitOr: (ast.BitAnd,),
    # The boundary first, then the contrary.
    ast.Lt: (ast.LtE, ast.GtE),
    ast.LtE: (ast.Lt, ast.Gt),
    ast.Gt: (ast.GtE, ast.LtE),
    ast.GtE: (ast.Gt, ast.Lt),
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,),
    ast.Is: (ast.IsNot,),
    ast.IsNot: (ast.Is,),
    ast.In: (ast.NotIn,),
    ast.NotIn: (ast.In,),
    ast.And: (ast.Or,),
    ast.Or: (ast.And,),
}
_REDUCTIONS: Final = {
    *("sum", "mean", "prod", "std", "var", "amax", "amin", "argmax", "argmin", "logsumexp"),
}
_RESULTS: Final = (
    "-({})",
    "2 * ({})",
    "({}).squeeze()",
    "({}).double()",
    "({}).int()",
    "({}).detach()",
)
_WITH_IN_PLACE_FORM: Final = {
    *("abs", "add", "clamp", "clip", "copysign", "cumsum", "div", "exp", "floor", "log", "mul"),
    *("masked_fill", "neg", "pow", "relu", "requires_grad", "round", "sigmoid", "sqrt", "square"),
    *("squeeze", "sub", "t", "tanh", "transpose", "tril", "triu", "unsqueeze"),
}
# Python calls these for `x += y`; both torch and NumPy have them.
_IN_PLACE: Final = {ast.Add: "iadd", ast.Sub: "isub", ast.Mult: "imul", ast.Div: "itruediv"}


def _swaps() -> dict[str, tuple[str, ...]]:
    pairs = [tuple(pair.split()) for pair in _PAIRS]
    both = [*pairs, *((b, a) for a, b in pairs)]
    return {name: tuple(b for a, b in both if a == name) for name, _ in both}


_SWAPPED: Final = _swaps()


Node = ast.expr | ast.stmt


class Change(NamedTuple):
    """Code in the place of a node, or of all from this node up to `last`."""

    node: Node
    what: str
    code: str
    last: Node | None = None


@dataclass
class Scope:
    """What the names of an exercise are.

    Args:
        values: those that it binds; all others are modules or functions of the lab's.
        siblings: for a name, another one of those bound together with it: `train, valid = ...`.
        arguments: of the innermost function.
    """

    values: set[str] = field(default_factory=set)
    siblings: dict[str, str] = field(default_factory=dict)
    arguments: tuple[str, ...] = ()


def read_scope(tree: ast.AST) -> Scope:
    scope = Scope()
    for node in ast.walk(tree):
        match node:
            case ast.arguments():
                together = argument_names(node)
            case ast.Tuple(elts=elements, ctx=ast.Store()):
                together = [name.id for name in elements if isinstance(name, ast.Name)]
            case ast.Name(id=name, ctx=ast.Store()):
                together = [name]
            case _:
                continue
        scope.values.update(together)
        for name, other in zip(together, [*together[1:], *together[:1]], strict=True):
            if name != other:
                scope.siblings.setdefault(name, other)
    return scope


def argument_names(arguments: ast.arguments) -> list[str]:
    """All but the object of a method."""
    found = (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)
    return [argument.arg for argument in found if argument.arg not in ("self", "cls")]


def changes(node: ast.AST, scope: Scope) -> Iterator[Change]:
    """The changes that the operators make to a node."""
    for operator in _ALL:
        yield from operator(node, scope)


# ---- Expressions


def _operators(node: ast.AST, _: Scope) -> Iterator[Change]:
    """Arithmetic, comparisons, `and` and `or`: another operator."""
    match node:
        case ast.BinOp(op=op) | ast.BoolOp(op=op) | ast.AugAssign(op=op):
            for other in _OPERATORS.get(type(op), ()):
                yield Change(node, "operator", _code(node, op=other()))
        case ast.Compare(ops=ops):
            for i, comparison in enumerate(ops):
                for other in _OPERATORS[type(comparison)]:
                    yield Change(node, "comparison", _code(node, ops=_at(ops, i, [other()])))


def _operands(node: ast.AST, _: Scope) -> Iterator[Change]:
    """One of them alone, or in the other order."""
    match node:
        case ast.BinOp(left=left, right=right):
            yield Change(node, "right operand dropped", _code(left))
            yield Change(node, "left operand dropped", _code(right))
            if not isinstance(node.op, ast.Add | ast.Mult):
                yield Change(node, "operands swapped", _code(node, left=right, right=left))
        case ast.BoolOp(values=values):
            for i in range(len(values)):
                kept = _at(values, i, [])
                code = _code(node, values=kept) if len(kept) > 1 else _code(kept[0])
                yield Change(node, "operand dropped", code)
        case ast.UnaryOp(operand=operand):
            yield Change(node, "sign or negation dropped", _code(operand))


def _constants(node: ast.AST, _: Scope) -> Iterator[Change]:
    match node:
        case ast.Constant(value=bool(value)):
            others: Iterable[Any] = (not value,)
        case ast.Constant(value=int(value)):
            others = (value + 1, value - 1, -value)
        case ast.Constant(value=float(value)):
            others = (2 * value, -value, 0.0)
        case ast.Constant(value=str(value)):
            others = _SWAPPED.get(value, ())
        case _:
            return
    for other in others:
        yield Change(node, "constant", repr(other))


def _names(node: ast.AST, scope: Scope) -> Iterator[Change]:
    """`mean` for `sum`; an argument for another one, `train` for `valid`."""
    match node:
        case ast.Attribute(attr=name, ctx=ast.Load()):
            for other in _SWAPPED.get(name, ()):
                yield Change(node, f"{other} for {name}", _code(node, attr=other))
            if name in ("T", "mT"):
                yield Change(node, "transposition dropped", _code(node.value))
        case ast.Call(func=ast.Name(id=name) as function):
            for other in _SWAPPED.get(name, ()):
                if hasattr(builtins, other):
                    yield Change(function, f"{other} for {name}", other)
        case ast.Name(id=name, ctx=ast.Load()) if name in scope.siblings:
            other = scope.siblings[name]
            yield Change(node, f"{other} for {name}", other)


def _calls(node: ast.AST, scope: Scope) -> Iterator[Change]:
    """A call left out, its arguments dropped or swapped, a range or a loop cut short."""
    if not isinstance(node, ast.Call):
        return
    receiver = _receiver(node, scope)
    if receiver is not None:
        yield Change(node, "call dropped", _code(receiver))
    elif node.args:
        yield Change(node, "call dropped", _code(node.args[0]))
    if len(node.args) > (receiver is None):
        yield Change(node, "last argument dropped", _code(node, args=node.args[:-1]))
    for swapped in _swapped(node.args):
        yield Change(node, "arguments swapped", _code(node, args=swapped))
    for i, keyword in enumerate(node.keywords):
        code = _code(node, keywords=_at(node.keywords, i, []))
        yield Change(node, f"{keyword.arg or '**'} dropped", code)
    names = [keyword.arg for keyword in node.keywords]
    if getattr(node.func, "attr", "") in _REDUCTIONS and "keepdim" not in names:
        kept = ast.keyword("keepdim", ast.Constant(True))
        yield Change(node, "keepdim added", _code(node, keywords=[*node.keywords, kept]))
    if isinstance(node.func, ast.Name) and node.func.id == "range":
        stop = node.args[min(1, len(node.args) - 1)]
        yield from (Change(stop, "range", f"{_code(stop)} {shift} 1") for shift in "-+")


def _receiver(call: ast.Call, scope: Scope) -> ast.expr | None:
    """The value of which a method is called; None for a function, also a module's."""
    if not isinstance(call.func, ast.Attribute):
        return None
    value = call.func.value
    root = value
    while isinstance(root, ast.Attribute):
        root = root.value
    if isinstance(root, ast.Name) and root.id not in scope.values:
        return None
    return None if _is_self(value) else value


def _is_self(node: ast.AST) -> bool:
    return isinstance(node, ast.Name) and node.id in ("self", "cls")


def _subscripts(node: ast.AST, _: Scope) -> Iterator[Change]:
    """Slices shifted or without a bound; what stands in a tuple or a list, in another order."""
    match node:
        case ast.Slice(lower=lower, upper=upper, step=step):
            shifted = ast.BinOp(upper or ast.Constant(0), ast.Sub(), ast.Constant(1))
            yield Change(node, "slice", _code(node, lower=None if lower else ast.Constant(1)))
            yield Change(node, "slice", _code(node, upper=shifted if upper else ast.Constant(-1)))
            if upper:
                yield Change(node, "slice", _code(node, upper=None))
            if step:
                yield Change(node, "slice", _code(node, step=None))
        case ast.Tuple(elts=elements, ctx=ast.Load()) | ast.List(elts=elements, ctx=ast.Load()):
            for swapped in _swapped(elements):
                yield Change(node, "order", _code(node, elts=swapped))


def _in_place(node: ast.AST, scope: Scope) -> Iterator[Change]:
    """What is computed from an argument, or from the state of an object, changes it too."""
    match node:
        case ast.BinOp(left=left, op=op, right=right) if _is_shared(left, scope):
            if name := _IN_PLACE.get(type(op)):
                code = f"{_code(left)}.__{name}__({_code(right)})"
                yield Change(node, "in place", code)
        case ast.Call(func=ast.Attribute(value=value, attr=name)) if (
            name in _WITH_IN_PLACE_FORM and _is_shared(value, scope)
        ):
            code = _code(node, func=ast.Attribute(value, f"{name}_", ast.Load()))
            yield Change(node, "in place", code)
        case ast.Assign(targets=[ast.Name() as target], value=ast.BinOp(left=left) as value):
            if _code(target) == _code(left):
                code = _code(ast.AugAssign(target, value.op, value.right))
                yield Change(node, "in place", code)
        case ast.AugAssign(target=target, op=op, value=value):
            code = f"{_code(target)} = {_code(ast.BinOp(target, op, value))}"
            yield Change(node, "not in place", code)


def _is_shared(node: ast.expr, scope: Scope) -> bool:
    """True for what others see too: an argument, a part of it, an attribute of an object's."""
    if isinstance(node, ast.Attribute):
        return _is_self(node.value)
    while isinstance(node, ast.Subscript):
        node = node.value
    return isinstance(node, ast.Name) and node.id in scope.arguments


# ---- Statements


def _conditions(node: ast.AST, _: Scope) -> Iterator[Change]:
    constants: tuple[str, ...] = ()
    match node:
        case ast.If(test=test) | ast.IfExp(test=test):
            tests, constants = [test], ("True", "False")
        case ast.While(test=test):
            tests = [test]
        case ast.comprehension(ifs=tests):
            constants = ("True",)
        case _:
            return
    for test in tests:
        if not isinstance(test, ast.Compare):  # which has its contrary already
            yield Change(test, "condition", _code(ast.UnaryOp(ast.Not(), test)))
        yield from (Change(test, "condition", constant) for constant in constants)


def _loops(node: ast.AST, _: Scope) -> Iterator[Change]:
    if isinstance(node, ast.For | ast.comprehension):
        for turns in ("1:", ":-1", "::-1", ":1"):
            yield Change(node.iter, "loop", f"list({_code(node.iter)})[{turns}]")


def _statements(node: ast.AST, scope: Scope) -> Iterator[Change]:
    """Dropped ones; what is returned."""
    match node:
        case ast.Return(value=ast.expr() as value):
            for name in (*scope.arguments, "None"):
                yield Change(value, f"returns {name}", name)
            for result in value.elts if isinstance(value, ast.Tuple) else [value]:
                for form in _RESULTS:
                    yield Change(result, "result", form.format(_code(result)))
        case ast.Break() | ast.Continue():
            other = "continue" if isinstance(node, ast.Break) else "break"
            yield Change(node, f"{other} for {_code(node)}", other)
            yield Change(node, "statement dropped", "pass")
        case ast.AugAssign(target=target, value=value):
            yield Change(node, "statement dropped", "pass")
            yield Change(node, "assigned", f"{_code(target)} = {_code(value)}")
        case ast.Expr() | ast.Raise() | ast.Assert() | ast.Assign() | ast.AnnAssign():
            yield Change(node, "statement dropped", "pass")


_ENDS: Final = (ast.Return, ast.Break, ast.Continue, ast.Raise)


def _order(node: ast.AST, _: Scope) -> Iterator[Change]:
    """Two statements in the other order."""
    for name in ("body", "orelse", "finalbody"):
        body = getattr(node, name, None)
        for first, second in pairwise(body if isinstance(body, list) else []):
            # What comes after the end of a block is dropped, and that has been tried.
            if not any(isinstance(s, _ENDS) or hasattr(s, "body") for s in (first, second)):
                code = f"{_code(second)}\n{' ' * first.col_offset}{_code(first)}"
                yield Change(first, "order", code, second)


_ALL: Final[tuple[Callable[[ast.AST, Scope], Iterator[Change]], ...]] = (
    *(_operators, _operands, _constants, _names, _calls, _subscripts, _in_place),
    *(_conditions, _loops, _statements, _order),
)


def _code(node: ast.AST, **fields: Any) -> str:
    """The text of a node, or of one with other fields."""
    changed = copy.copy(node)
    for name, value in fields.items():
        setattr(changed, name, value)
    return ast.unparse(ast.fix_missing_locations(changed))


def _at(items: Sequence[Any], index: int, new: list[Any]) -> list[Any]:
    """The items, with others in the place of one."""
    return [*items[:index], *new, *items[index + 1 :]]


def _swapped(items: Sequence[Any]) -> Iterator[list[Any]]:
    """The items, each time with two neighbours exchanged."""
    for i in range(len(items) - 1):
        yield [*items[:i], items[i + 1], items[i], *items[i + 2 :]]
