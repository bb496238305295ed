"""Stand-ins for modules that other packages import, and that take long: commands start sooner."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from types import ModuleType
from typing import Any


def leave_out(*names: str) -> None:
    """Have these modules imported in name only, unless they have been imported already."""
    for name in names:
        sys.modules.setdefault(name, _LeftOut(name))


@contextmanager
def left_out(*names: str) -> Iterator[None]:
    """Have them imported in name only by what is imported meanwhile."""
    missing = [name for name in names if name not in sys.modules]
    leave_out(*missing)
    try:
        yield
    finally:
        for name in missing:
            del sys.modules[name]


def call_missing(*names: str) -> None:
    """Have these optional modules look as if they were not installed."""
    for name in names:
        sys.modules.setdefault(name, None)  # type: ignore[arg-type]  # so Python says it


def import_when_used(name: str) -> None:
    """Have a module imported when one of its names is first read.

    `importlib.util.LazyLoader` would import it at the statement `import` already.
    """
    sys.modules.setdefault(name, _Later(name))


class _LeftOut(ModuleType):
    """Anything may be imported from it, and nothing called."""

    def __getattr__(self, name: str) -> Callable[..., None]:
        if name.startswith("__"):
            raise AttributeError(name)

        def call(*args: object, **kwargs: object) -> None:
            raise NotImplementedError(f"{self.__name__}.{name} is left out here")

        return call


class _Later(ModuleType):
    def __getattr__(self, name: str) -> Any:
        if sys.modules.get(self.__name__) is self:
            del sys.modules[self.__name__]
        return getattr(import_module(self.__name__), name)
