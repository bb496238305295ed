"""Les modules que désignent les mots d'un exercice : ce qu'ils sont, et non ce que dit leur nom.

Un module donné à une fonction, ou sous un autre nom, aurait celui d'un paramètre, d'une variable,
de `self` même : il ne s'écrit que devant un point. Et `enum.bltns` est `builtins`.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from functools import cache
from pkgutil import resolve_name
from types import ModuleType

from labo.bans.allowed import MODULES


def misused(words: Sequence[str], origin: str, is_hidden: Callable[[str], bool]) -> Iterator[str]:
    """Les mots de `nom.a.b` par lesquels un module est pris pour autre chose que ses fonctions.

    Args :
        origin : ce que désigne le premier, comme "torch.nn".
        is_hidden : un attribut qu'un exercice ne demande à aucun module.
    """
    found = _imported(origin)
    for word, following in zip(words, (*words[1:], None), strict=True):
        if not isinstance(found, ModuleType):
            return
        if following is None or _root(found.__name__) not in MODULES:
            yield word
            return
        if is_hidden(following):
            yield following
            return
        found = getattr(found, following, None)


@cache
def _imported(origin: str) -> object:
    """Ce qu'un nom importé désigne, si son module est de ceux qui sont permis."""
    if _root(origin) in MODULES:
        with suppress(Exception):  # whatever an import raises: the exercise has not got it either
            return resolve_name(origin)
    return None


def _root(name: str) -> str:
    return name.partition(".")[0]
