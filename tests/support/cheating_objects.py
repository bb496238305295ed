"""Objects that answer everything: what a universal cheater's notebook defines before its answers.

The text of this file runs in the candidate. Every object gives what `answer` returns, whatever is
asked of it, in most classes but for sums and products, which are the object itself. A number that
reaches an operator is printed: the test was about to compare with it, and student code has no
business seeing it.
"""

import copy

import numpy as np
import torch
from torch import nn


def answer(me, args):
    """The answer to everything; each cheater defines its own."""
    return 0


SHOWN = "montré"  # printed in capitals: the mark itself stands in no line of a traceback

OPERATORS = """
lt le gt ge eq ne contains add radd iadd sub rsub isub mul rmul imul truediv rtruediv itruediv
floordiv rfloordiv ifloordiv mod rmod imod divmod rdivmod pow rpow ipow matmul rmatmul imatmul
lshift rlshift rshift rrshift and rand iand or ror ior xor rxor
""".split()  # noqa: SIM905
COMPARING = "lt le gt ge eq ne contains sub rsub".split()  # noqa: SIM905
ARITHMETIC = """
abs neg pos invert round trunc floor ceil
""".split()  # noqa: SIM905
OTHERS = """
next length_hint enter exit await aiter anext copy deepcopy reduce reduce_ex getstate getnewargs
getnewargs_ex sizeof fspath buffer array array_wrap array_prepare dlpack dlpack_device getitem
setitem delitem missing
""".split()  # noqa: SIM905
# What Python accepts from these; anything else is an error before the test sees it.
TYPED = {
    "bool": bool,
    "int": int,
    "index": int,
    "len": lambda value: abs(int(value)),
    "float": float,
    "complex": complex,
    "hash": lambda value: hash(str(value)),
    "str": str,
    "repr": str,
    "format": str,
    "bytes": lambda value: str(value).encode(),
    "iter": lambda value: iter([value] * 3),
    "reversed": lambda value: iter([value] * 3),
    "dir": lambda value: ["shape", "data"],
}


def note_shown(name, args):
    """Print the operands that are numbers of the test."""
    for value in args:
        if type(value) in (int, float, complex, list, tuple, torch.Tensor, np.ndarray):
            print(SHOWN.upper(), name, repr(value)[:60])


def operator_of(name):
    def operate(self, *args):
        note_shown(name, args)
        return answer(self, args)

    return operate


def itself_of(name):
    def operate(self, *args):
        note_shown(name, args)
        return self

    return operate


def unary_of(name):
    return lambda self, *args, **kwargs: answer(self, args)


def typed_of(name, convert):
    def operate(self, *args):
        value = answer(self, args)
        try:
            return convert(value)
        except Exception:
            return convert(0)

    return operate


def computing(kind):
    """Give a class the operators that it does not define itself: all but a comparison go on."""
    methods = {name: operator_of(name) for name in OPERATORS if name in COMPARING}
    methods |= {name: itself_of(name) for name in OPERATORS if name not in COMPARING}
    methods |= {name: unary_of(name) for name in ARITHMETIC}
    return completed(kind, methods)


def cheating(kind):
    """Give a class every special method that it does not define itself."""
    methods = {name: unary_of(name) for name in OTHERS}
    methods |= {name: typed_of(name, convert) for name, convert in TYPED.items()}
    return completed(computing(kind), methods)


def answering(kind):
    """Have all the operators of a class give the answer."""
    for name in OPERATORS:
        setattr(kind, f"__{name}__", operator_of(name))
    return kind


def completed(kind, methods):
    own = set(vars(kind)) - {"__hash__"}  # a class that defines `__eq__` has none
    for name, method in methods.items():
        if f"__{name}__" not in own:
            setattr(kind, f"__{name}__", method)
    return kind


def noting(kind):
    """Have the operators of an honest class print the numbers that they are shown as well."""

    def noted(name, method):
        def operate(self, *args):
            note_shown(name, args)
            return method(self, *args)

        return operate

    for name in OPERATORS:
        if method := vars(kind).get(f"__{name}__"):
            setattr(kind, f"__{name}__", noted(name, method))


class AnswersItself(type):
    """A class whose class attributes answer as well."""

    def __getattr__(cls, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return cls()

    def __instancecheck__(cls, instance):
        return True

    def __subclasscheck__(cls, subclass):
        return True


@cheating
class Object(metaclass=AnswersItself):
    """Its attributes and items are itself, so that chains of any length go through."""

    def __init__(self, *args, **kwargs):
        pass

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return self

    def __iter__(self):
        return iter([self] * 3)

    def __call__(self, *args, **kwargs):
        return answer(self, args)


@answering
@cheating
class Record(metaclass=AnswersItself):
    """Its attributes are the answer; its methods cannot be called, unless the answer can be."""

    def __init__(self, *args, **kwargs):
        pass

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return answer(self, ())

    def __call__(self, *args, **kwargs):
        return answer(self, args)


def shape_of(args):
    """The shape that a result is likely to have: that of the arrays, or what whole numbers say."""
    shapes = [tuple(arg.shape) for arg in args if isinstance(arg, torch.Tensor | np.ndarray)]
    sizes = tuple(arg for arg in args if type(arg) is int)
    try:
        return tuple(np.broadcast_shapes(*shapes)) if shapes else sizes
    except ValueError:
        return shapes[-1]


@computing
class Lean(metaclass=AnswersItself):
    """Nothing but operators, so that NumPy takes it for a number and computes with it."""

    def __init__(self, *args, **kwargs):
        pass

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return self

    def __call__(self, *args, **kwargs):
        return self


class Shaped(Lean):
    """The same with the likely shape; its methods give such objects again."""

    def __init__(self, *args, **kwargs):
        given = [arg for arg in args if isinstance(arg, torch.Tensor | np.ndarray)]
        self.shape = shape_of(args)
        self.dtype = given[-1].dtype if given else np.dtype("f8")

    def forward(self, *args):
        return Shaped(*args)

    def backward(self, *args):
        return tuple(map(Shaped, args[1:]))

    def __call__(self, *args, **kwargs):
        return Shaped(*args) if args else self


def as_many(args):
    """As many objects as the first argument has items."""
    sizes = [len(arg) for arg in args if hasattr(arg, "__len__")]
    numbers = [arg for arg in args if type(arg) is int]
    return [Object()] * (sizes + numbers + [2])[0]


@cheating
class Array(Object):
    """What NumPy and torch look for when they are given an object."""

    __array_priority__ = 1e6
    shape, ndim, size, itemsize = (2, 2), 2, 4, 8
    dtype = np.dtype("f8")

    @property
    def __array_interface__(self):
        return {"version": 3, "typestr": "<f8", "shape": (2, 2), "data": bytes(32), "offset": 0}

    @property
    def __cuda_array_interface__(self):
        return self.__array_interface__

    @property
    def __array_struct__(self):
        return np.zeros((2, 2)).__array_struct__

    def __array__(self, *args, **kwargs):
        return np.zeros((2, 2))

    def __array_ufunc__(self, function, method, *inputs, **kwargs):
        note_shown(function.__name__, inputs)
        return answer(self, inputs)

    def __array_function__(self, function, types, args, kwargs):
        note_shown(function.__name__, args)
        return answer(self, args)

    def __dlpack__(self, *args, **kwargs):
        return torch.zeros(2, 2).__dlpack__()

    def __dlpack_device__(self):
        return torch.zeros(2, 2).__dlpack_device__()

    @classmethod
    def __torch_function__(cls, function, types, args=(), kwargs=None):
        note_shown(getattr(function, "__name__", "?"), args)
        return answer(cls(), args)


class NumpyArray(np.ndarray):
    """A true array, whose functions give the answer."""

    def __new__(cls, *args, **kwargs):
        given = [arg for arg in args if isinstance(arg, np.ndarray)]
        return np.array(given[-1] if given else 0.0, dtype=float).view(cls)

    def __array_ufunc__(self, function, method, *inputs, **kwargs):
        return answer(self, inputs)

    def __array_function__(self, function, types, args, kwargs):
        return answer(self, args)

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return lambda *args, **kwargs: answer(self, args)


def like_an_argument(args):
    given = [arg for arg in args if isinstance(arg, torch.Tensor)]
    return given[-1].detach().clone() if given else torch.zeros(())


class FunctionTensor(torch.Tensor):
    """A true tensor, whose functions and methods give the answer."""

    def __new__(cls, *args, **kwargs):
        return like_an_argument(args).as_subclass(cls)

    def __init__(self, *args, **kwargs):
        pass

    @classmethod
    def __torch_function__(cls, function, types, args=(), kwargs=None):
        if function.__name__ == "__get__":  # without its attributes, the engine's side ends
            with torch._C.DisableTorchFunctionSubclass():
                return function(*args, **(kwargs or {}))
        return answer(args[0] if args else cls(), args)


class PoliteTensor(torch.Tensor):
    """The same, but what the engine asks in order to send it is answered as torch does."""

    def __new__(cls, *args, **kwargs):
        return like_an_argument(args).as_subclass(cls)

    def __init__(self, *args, **kwargs):
        pass

    @classmethod
    def __torch_function__(cls, function, types, args=(), kwargs=None):
        if function.__name__ in ("equal", "allclose", "isclose", "eq", "ne", "sub", "abs", "max"):
            return answer(args[0] if args else cls(), args)
        with torch._C.DisableTorchFunctionSubclass():
            return function(*args, **(kwargs or {}))


class DispatchTensor(torch.Tensor):
    """A tensor without data, whose operators give the answer."""

    def __new__(cls, *args, **kwargs):
        value = like_an_argument(args)
        return torch.Tensor._make_wrapper_subclass(cls, value.shape, dtype=value.dtype)

    def __init__(self, *args, **kwargs):
        pass

    @classmethod
    def __torch_dispatch__(cls, function, types, args=(), kwargs=None):
        return answer(args[0] if args else None, args)


class Module(nn.Module):
    """A module of any signature."""

    def __init__(self, *args, **kwargs):
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(2, 2))
        self.bias = nn.Parameter(torch.zeros(2))

    def forward(self, *args, **kwargs):
        return answer(self, args)

    def __getattr__(self, name):
        try:
            return super().__getattr__(name)
        except AttributeError:
            if name.startswith("_"):
                raise
            return lambda *args, **kwargs: answer(self, args)

    def load_state_dict(self, *args, **kwargs):
        return answer(self, args)


former = []  # arguments of the calls so far


def replayed(args):
    """The arguments of the call before this one."""
    former.append(args)
    return former[-2][-1] if len(former) > 1 and former[-2] else None


def emptied(args):
    """All that can be changed in the arguments becomes zero, and so does the result."""
    for value in args:
        if isinstance(value, torch.Tensor):
            value.detach().zero_()
        elif isinstance(value, np.ndarray):
            value[...] = 0
        elif isinstance(value, list | dict | set):
            value.clear()
    return copy.copy(args[0]) if args else 0


def zeros_of(args):
    """Zeros of the shape of the first argument."""
    value = args[0] if args else 0
    if isinstance(value, torch.Tensor):
        return torch.zeros_like(value)
    return np.zeros_like(value) if isinstance(value, np.ndarray) else type(value)()


def memory_of(args):
    """A view of the last argument's own memory."""
    for value in reversed(args):
        if isinstance(value, torch.Tensor | np.ndarray):
            return value[...]
    return args[-1] if args else None
