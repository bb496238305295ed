"""Torch, spared what it imports or asks for compilers, meshes and devices that no child has.

A lab that trains starts half a second sooner, or nearly one with Poutyne, in 75 MB less. What
compiles all the same finds torch's compiler: it is imported then, as anywhere else.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Iterator
from importlib import import_module
from types import FunctionType, ModuleType
from typing import Any

import torch
from torch.optim import Optimizer


def make_lean() -> None:
    """Spare this process, and those that will be forked from it."""
    seed_no_device()
    torch.testing._comparison._HAS_DTENSOR = False  # else the first comparison imports 0.7 s
    step_without_compiler()
    compare_shapes_without_symbols()
    align_regions_without_compiler()


# ---- Devices


def seed_no_device() -> None:
    """`torch.manual_seed` notes, with two stack traces, how to seed devices that no child sees."""
    name = torch.cuda.manual_seed_all.__name__
    for accelerator in (torch.cuda, torch.xpu, torch.mtia):
        setattr(accelerator, name, _do_nothing)


def _do_nothing(seed: int) -> None:
    pass


# ---- Optimisers: their first step imports `torch._dynamo`, to say what not to compile


def step_without_compiler() -> None:
    """An optimiser computes what it did, and imports nothing."""
    for method in _hidden_from_compilers():
        vars(method)["__dynamo_disable"] = method  # what torch calls once dynamo has wrapped it
    for optimizer in _that_may_be_differentiated():
        optimizer.step = _with_its_gradients(optimizer.step.__wrapped__)  # type: ignore[method-assign]


def _hidden_from_compilers() -> Iterator[Callable[..., Any]]:
    for method in vars(Optimizer).values():
        if isinstance(method, FunctionType) and method.__code__.co_name == "inner":
            yield method.__wrapped__  # type: ignore[attr-defined]


def _that_may_be_differentiated() -> Iterator[Any]:
    for value in vars(torch.optim).values():
        step = vars(value).get("step") if isinstance(value, type) else None
        if isinstance(step, FunctionType) and step.__code__.co_name == "_use_grad":
            yield value


def _with_its_gradients(step: Callable[..., Any]) -> Callable[..., Any]:
    """As torch's own `_use_grad_for_differentiable`, without the breaks that compilers see."""

    @functools.wraps(step)
    def _use_grad(self: Optimizer, *args: Any, **kwargs: Any) -> Any:
        with torch.set_grad_enabled(self.defaults["differentiable"]):
            return step(self, *args, **kwargs)

    return _use_grad


# ---- Shapes: a gradient that is given has its shape compared by a module that imports sympy


def compare_shapes_without_symbols() -> None:
    """Shapes of tensors outside a compiler are numbers."""
    _Deferred("torch.fx.experimental.symbolic_shapes", expect_true=bool, sym_eq=tuple.__eq__)


# ---- Regions: torchvision, and so Poutyne, imports `torch._dynamo` to ask it a question later


def align_regions_without_compiler() -> None:
    """The question is asked when regions are aligned."""
    _Deferred("torch._dynamo.utils", "is_compile_supported")


# ---- Modules


class _Deferred(ModuleType):
    """Takes the place of a module until more of it is asked for than is given here.

    Args:
        when_called: its functions that may be named, and import it once they are called.
        given: what it has, without being imported.
    """

    def __init__(self, name: str, *when_called: str, **given: Any) -> None:
        super().__init__(name)
        vars(self).update({each: self._function(each) for each in when_called}, **given)
        sys.modules.setdefault(name, self)

    def _function(self, name: str) -> Callable[..., Any]:
        return lambda *args, **kwargs: getattr(self._imported(), name)(*args, **kwargs)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):  # as `inspect` asks of all modules
            raise AttributeError(name)
        return getattr(self._imported(), name)

    def _imported(self) -> ModuleType:
        if sys.modules.get(self.__name__) is self:
            del sys.modules[self.__name__]
        return import_module(self.__name__)
