"""The natures of plain values, the classes that an object may claim, and its refusal as a value."""

from __future__ import annotations

import datetime as dt
import sys
from decimal import Decimal
from fractions import Fraction
from pathlib import PurePath
from typing import Any, Final, NoReturn

import numpy as np
import torch

from grader.engine import french

PLAIN: Final = (
    bool | int | float | complex | str | bytes | list | tuple | dict | set | frozenset
    | np.ndarray | np.generic | torch.Tensor | torch.dtype
    | dt.date | dt.time | dt.timedelta | Fraction | Decimal | PurePath
)  # fmt: skip


# Classes that an object may claim to be an instance of, and the modules where they are looked up.
# None of them has a value that a test could take for a number, a tensor or a container.
_CLAIMABLE: Final = (
    torch.nn.Module,
    torch.optim.Optimizer,
    torch.optim.lr_scheduler.LRScheduler,
    torch.utils.data.Dataset,
    torch.utils.data.Sampler,
    torch.utils.data.DataLoader,
    torch.autograd.function.FunctionCtx,
)
_MODULES: Final = ("torch.nn.", "torch.optim.", "torch.utils.data.", "torch.autograd.function.")

_NATURES: Final[dict[Any, str]] = {
    bool: "un booléen",
    int | float | complex | np.number | Fraction | Decimal: "un nombre",
    str: "un texte",
    torch.Tensor: "un tenseur",
    np.ndarray: "un tableau",
    list | tuple: "une liste ou un tuple",
    dict: "un dictionnaire",
    set | frozenset: "un ensemble",
    dt.date | dt.time | dt.timedelta: "une date ou une durée",
    PurePath: "un chemin",
}


class WrongNature(Exception):
    """An object stands where a test needs a value; the message, in French, says which.

    No `TypeError`: a test that expects one must not take this for it.
    """


def refuse(kind: str, other: Any) -> NoReturn:
    """Refuse to compute with or compare to this value, which says what nature was expected.

    Args:
        kind: the class of the object.
    """
    nature = next((text for kinds, text in _NATURES.items() if isinstance(other, kinds)), None)
    raise WrongNature(french.expected(nature or "une valeur", kind))


def claimed_class(kinds: Any) -> type | None:
    """The nearest of these classes that is one of torch's, found by its qualified name."""
    for kind in kinds:
        if isinstance(kind, str) and kind.startswith(_MODULES):
            module, _, name = kind.rpartition(".")
            found = getattr(sys.modules.get(module), name, None)
            if isinstance(found, type) and issubclass(found, _CLAIMABLE):
                return found
    return None
