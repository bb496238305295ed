"""Torch, imported without what it computes for tensors of no data until there is such a tensor.

`import torch` ends with all that the device `meta` needs, a quarter of its time and 17 MB: the
operations in Python, and the decompositions and references that they are made of. They are
imported with the first of these tensors, or of these modules, and then all is as torch has it.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from functools import partial
from importlib import import_module
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.metadata import version
from types import ModuleType
from typing import Any, Final

_KNOWN: Final = "2.13."  # what follows is of this version, and tested with it
_METAS: Final = "torch._meta_registrations"
_IN_ITS_ORDER: Final = frozenset(
    {"torch._decomp", "torch._prims", "torch._refs", "torch.utils._content_store"}
)
# The operations that make such a tensor of none.
_MAKE_THE_FIRST: Final = ("empty.memory_format", "empty_strided", "tril_indices", "triu_indices")


def import_torch() -> None:
    """To be called before torch is imported otherwise. Another version is imported as it is."""
    if not version("torch").startswith(_KNOWN):
        return
    sys.modules[_METAS] = ModuleType(_METAS)
    import torch

    del sys.modules[_METAS], torch._meta_registrations
    of_generators = torch._opaque_base.OpaqueBaseMeta  # else the first generator imports them
    torch._C._set_generator_metaclass(of_generators)
    sys.meta_path.insert(0, _Metas())


class _Metas(MetaPathFinder):
    """Imports them where they are needed: what makes such a tensor, or an import, comes by here."""

    def __init__(self) -> None:
        import torch

        self.library = torch.library.Library("aten", "IMPL", "Meta")
        for name in _MAKE_THE_FIRST:
            packet, _, overload = name.partition(".")
            operation = getattr(getattr(torch.ops.aten, packet), overload or "default")
            self.library.impl(name, partial(self._made, operation))

    def _made(self, operation: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        self._import()
        return operation(*args, **kwargs)

    def _import(self) -> None:
        """Import them first: in another order, they would register a part of themselves."""
        if self in sys.meta_path:
            sys.meta_path.remove(self)
            self.library._destroy()
            import_module(_METAS)

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if name not in _IN_ITS_ORDER:
            return None
        self._import()
        module = sys.modules.get(name)  # none if the import of `_METAS` has led here
        return _Imported(module).spec if module else None


class _Imported(Loader):
    """Gives a module that the search for it has imported; `__spec__` is asked for the loader."""

    def __init__(self, module: ModuleType) -> None:
        self.module = module
        self.own_spec = module.__spec__
        self.spec = module.__spec__ = ModuleSpec(module.__name__, self)

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        return self.module

    def exec_module(self, module: ModuleType) -> None:
        module.__spec__ = self.own_spec
