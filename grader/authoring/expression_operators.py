"""Mistakes in expressions: another operator, constant, name, axis, argument or bound."""

from __future__ import annotations

import ast
import builtins
from collections.abc import Iterable, Iterator
from string import digits
from typing import Any, Final

from grader.authoring.mutation_scope import Change, Scope, code, is_self, swaps, with_at

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
_WITH_IN_PLACE_FORM: Final = {
    *("abs", "add", "clamp", "clip", "copysign", "cumsum", "div", "exp", "floor", "log", "mul"),
    *("masked_fill", "neg", "pow", "relu", "requires_grad", "round", "sigmoid", "sqrt", "square"),
    *("squeeze", "sub", "t", "tanh", "transpose", "tril", "triu", "unsqueeze"),
}
# Python calls these for `x += y`; both torch and NumPy have them.
_IN_PLACE: Final = {ast.Add: "iadd", ast.Sub: "isub", ast.Mult: "imul", ast.Div: "itruediv"}


def _both_ways() -> dict[str, tuple[str, ...]]:
    pairs = [tuple(pair.split()) for pair in _PAIRS]
    both = [*pairs, *((b, a) for a, b in pairs)]
    return {name: tuple(b for a, b in both if a == name) for name, _ in both}


_SWAPPED: Final = _both_ways() | {"randperm": ("arange",)}


def _operators(node: ast.AST, _: Scope) -> Iterator[Change]:
    """Arithmetic, comparisons, `and` and `or`: another operator."""
    match node:
        case ast.BinOp(op=op) | ast.BoolOp(op=op) | ast.AugAssign(op=op):
            for other in _OPERATORS.get(type(op), ()):
                yield Change(node, "operator", code(node, op=other()))
        case ast.Compare(ops=ops):
            for i, comparison in enumerate(ops):
                for other in _OPERATORS[type(comparison)]:
                    yield Change(node, "comparison", code(node, ops=with_at(ops, i, [other()])))


def _operands(node: ast.AST, _: Scope) -> Iterator[Change]:
    """One of them alone, or in the other order."""
    match node:
        case ast.BinOp(left=left, right=right):
            yield Change(node, "right operand dropped", code(left))
            yield Change(node, "left operand dropped", code(right))
            if not isinstance(node.op, ast.Add | ast.Mult):
                yield Change(node, "operands swapped", code(node, left=right, right=left))
        case ast.BoolOp(values=values):
            for i in range(len(values)):
                kept = with_at(values, i, [])
                new = code(node, values=kept) if len(kept) > 1 else code(kept[0])
                yield Change(node, "operand dropped", new)
        case ast.UnaryOp(operand=operand):
            yield Change(node, "sign or negation dropped", code(operand))


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
                yield Change(node, f"{other} for {name}", code(node, attr=other))
            if name in ("T", "mT"):
                yield Change(node, "transposition dropped", code(node.value))
        case ast.Call(func=ast.Name(id=name) as function):
            for other in _SWAPPED.get(name, ()):
                if hasattr(builtins, other):
                    yield Change(function, f"{other} for {name}", other)
        case ast.Name(id=name, ctx=ast.Load()) if name in scope.siblings:
            other = scope.siblings[name]
            yield Change(node, f"{other} for {name}", other)


def _twins(node: ast.AST, scope: Scope) -> Iterator[Change]:
    """`self.conv2` for `self.conv1`."""
    if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Load) and is_self(node.value):
        for other in scope.attributes:
            if other != node.attr and other.rstrip(digits) == node.attr.rstrip(digits):
                yield Change(node, f"{other} for {node.attr}", code(node, attr=other))


def _numbers(node: ast.AST, scope: Scope) -> Iterator[Change]:
    """A number that is an argument: off by one, or always the same."""
    if not (isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)):
        return
    if node.id in scope.numbers and node.id in scope.arguments:
        forms = (f"{node.id} + 1", f"{node.id} - 1", f"2 * {node.id}", f"-{node.id}", "0", "1")
        for form in (*forms, *filter(None, [scope.numbers[node.id]])):
            yield Change(node, f"{form} for {node.id}", form)


def _calls(node: ast.AST, scope: Scope) -> Iterator[Change]:
    """A call left out, its arguments dropped or swapped, a range or a loop cut short."""
    if not isinstance(node, ast.Call):
        return
    receiver = _receiver(node, scope)
    if receiver is not None:
        yield Change(node, "call dropped", code(receiver))
    elif node.args:
        yield Change(node, "call dropped", code(node.args[0]))
    if len(node.args) > (receiver is None):
        yield Change(node, "last argument dropped", code(node, args=node.args[:-1]))
    for swapped in swaps(node.args):
        yield Change(node, "arguments swapped", code(node, args=swapped))
    for i, keyword in enumerate(node.keywords):
        new = code(node, keywords=with_at(node.keywords, i, []))
        yield Change(node, f"{keyword.arg or '**'} dropped", new)
    if isinstance(node.func, ast.Name) and node.func.id == "range":
        stop = node.args[min(1, len(node.args) - 1)]
        yield from (Change(stop, "range", f"{code(stop)} {shift} 1") for shift in "-+")


def _composition(node: ast.AST, scope: Scope) -> Iterator[Change]:
    """Of two calls one after the other, the second first."""
    match node:
        case ast.Call(args=[ast.Call(args=[inner]) as first], keywords=[]) if not first.keywords:
            new = code(first, args=[ast.Call(node.func, [inner], [])])
            yield Change(node, "calls in the other order", new)
        case ast.Call(
            func=ast.Attribute(
                value=ast.Call(func=ast.Attribute(value=inner, attr=name)) as first, attr=last
            )
        ) if _receiver(first, scope) is not None:
            call = ast.Call(ast.Attribute(inner, last, ast.Load()), node.args, node.keywords)
            new = code(first, func=ast.Attribute(call, name, ast.Load()))
            yield Change(node, "calls in the other order", new)


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
    return None if is_self(value) else value


def _subscripts(node: ast.AST, _: Scope) -> Iterator[Change]:
    """Slices shifted or without a bound; what stands in a tuple or a list, in another order."""
    match node:
        case ast.Slice(lower=lower, upper=upper, step=step):
            shifted = ast.BinOp(upper or ast.Constant(0), ast.Sub(), ast.Constant(1))
            yield Change(node, "slice", code(node, lower=None if lower else ast.Constant(1)))
            yield Change(node, "slice", code(node, upper=shifted if upper else ast.Constant(-1)))
            if upper:
                yield Change(node, "slice", code(node, upper=None))
            if step:
                yield Change(node, "slice", code(node, step=None))
        case ast.Tuple(elts=elements, ctx=ast.Load()) | ast.List(elts=elements, ctx=ast.Load()):
            for swapped in swaps(elements):
                yield Change(node, "order", code(node, elts=swapped))


def _in_place(node: ast.AST, scope: Scope) -> Iterator[Change]:
    """What is computed from an argument, or from the state of an object, changes it too."""
    match node:
        case ast.BinOp(left=left, op=op, right=right) if _is_shared(left, scope):
            if name := _IN_PLACE.get(type(op)):
                new = f"{code(left)}.__{name}__({code(right)})"
                yield Change(node, "in place", new)
        case ast.Call(func=ast.Attribute(value=value, attr=name)) if (
            name in _WITH_IN_PLACE_FORM and _is_shared(value, scope)
        ):
            new = code(node, func=ast.Attribute(value, f"{name}_", ast.Load()))
            yield Change(node, "in place", new)
        case ast.Assign(targets=[ast.Name() as target], value=ast.BinOp(left=left) as value):
            if code(target) == code(left):
                new = code(ast.AugAssign(target, value.op, value.right))
                yield Change(node, "in place", new)
        case ast.AugAssign(target=target, op=op, value=value):
            new = f"{code(target)} = {code(ast.BinOp(target, op, value))}"
            yield Change(node, "not in place", new)


def _is_shared(node: ast.expr, scope: Scope) -> bool:
    """True for what others see too: an argument, a part of it, an attribute of an object's."""
    if isinstance(node, ast.Attribute):
        return is_self(node.value)
    while isinstance(node, ast.Subscript) and not _copies(node.slice):
        node = node.value
    return isinstance(node, ast.Name) and node.id in scope.arguments


def _copies(index: ast.expr) -> bool:
    """True for an index that may be a tensor: only slices and numbers are known to give a view."""
    parts = index.elts if isinstance(index, ast.Tuple) else [index]
    return not all(isinstance(part, ast.Slice | ast.Constant) for part in parts)


EXPRESSION_OPERATORS: Final = (
    *(_operators, _operands, _constants, _names, _twins, _numbers),
    *(_calls, _composition, _subscripts, _in_place),
)
