"""Un appel et, avec sa valeur, les opérateurs de torch qu'il a employés."""

import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch._C._profiler import _ExperimentalConfig
from torch.autograd.profiler import profile, record_function

INTERRUPTED = (
    "l'exercice lance un processus, ou arrête l'enregistrement des opérateurs qu'il emploie : "
    "ils ne peuvent être vus"
)

_CALL = "labo.checks.recorded"
_AUTOGRAD = "autograd::engine::evaluate_function: "
_PROCESSES = {"os.fork", "os.forkpty", "os.posix_spawn", "subprocess.Popen"}


@dataclass(frozen=True)
class Recorded:
    """Un appel.

    Attributs :
        value : ce qu'il a renvoyé.
        operators : les opérateurs de torch qu'il a employés, comme {"mul", "sum"}, et ce qu'ils
            emploient à leur tour : `F.conv2d` y devient "conv2d", "convolution"…, `x @ y` "matmul"
            et "mm". Ce qu'autograd rétropropage y est aussi : "MulBackward0".
    """

    value: Any
    operators: frozenset[str]


class Recorder:
    """Note les opérateurs de torch que tous les fils d'exécution emploient dans un bloc `with`.

    Attributs :
        operators : une fois le bloc quitté, leurs noms ; None si quelque chose a pu échapper.
    """

    def __init__(self) -> None:
        self.operators: frozenset[str] | None = None

    def __enter__(self) -> "Recorder":
        watch()
        os.environ.setdefault("KINETO_LOG_LEVEL", "99")  # else it writes a line at each start
        self._escapes = _seen.escapes
        self._profile = profile(experimental_config=_all_threads())
        self._call = record_function(_CALL)
        self._profile.__enter__()
        self._call.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        try:
            self._call.__exit__(None, None, None)
            self._profile.__exit__(None, None, None)
        except RuntimeError:  # somebody has stopped it
            return
        results = self._profile.kineto_results
        if results and _seen.escapes == self._escapes:
            self.operators = _operators(results.events())


class _Seen:
    """Ce qui soustrait des opérateurs à l'enregistrement, compté depuis le début."""

    watching = False
    escapes = 0


_seen = _Seen()


def watch() -> None:
    """Surveille dès maintenant ce qui arrête l'enregistrement, où que ce soit."""
    if _seen.watching:
        return
    _seen.watching = True
    original = torch._C._autograd._enable_record_function

    def switch(enable: bool) -> None:
        _seen.escapes += 1
        original(enable)

    # It acts on its thread alone, which a state read at the end would not tell.
    torch._C._autograd._enable_record_function = torch.autograd._enable_record_function = switch

    def audit(event: str, _: tuple) -> None:
        if event in _PROCESSES:
            _seen.escapes += 1

    sys.addaudithook(audit)


def recorded(function: Callable, /, *args: Any, **kwargs: Any) -> Recorded:
    """Appelle une fonction ; sa valeur et les opérateurs de torch de ce même appel.

    Erreurs :
        AssertionError : l'appel a lancé un processus, ou arrêté l'enregistrement.
    """
    with Recorder() as recorder:
        value = function(*args, **kwargs)
    return seen(value, recorder.operators)


def seen(value: Any, operators: object) -> Recorded:
    """Le résultat d'un appel enregistré, ici ou de l'autre côté de la frontière.

    Erreurs :
        AssertionError : quelque chose a pu échapper (`operators` n'est pas un ensemble).
    """
    if not isinstance(operators, frozenset):
        raise AssertionError(INTERRUPTED)
    return Recorded(value, frozenset(name for name in operators if isinstance(name, str)))


def _all_threads() -> _ExperimentalConfig:
    try:
        return _ExperimentalConfig(profile_all_threads=True)
    except TypeError:  # an older torch, in a student's kernel: the calling thread alone
        return _ExperimentalConfig()


def _operators(events: list[Any]) -> frozenset[str] | None:
    """Les opérateurs de l'appel ; None si l'enregistrement n'en a pas vu toute la durée."""
    call = next((event for event in events if event.name() == _CALL), None)
    if call is None:
        return None
    began, ended = call.start_ns(), call.end_ns()
    names = set[str]()
    for event in events:  # thousands, of a few names
        name = event.name()
        if name not in names and began < event.start_ns() < ended:
            names.add(name)
    return frozenset(
        name.removeprefix("aten::").removeprefix(_AUTOGRAD)
        for name in names
        if name.startswith(_AUTOGRAD) or ("::" in name and " " not in name)
    )
