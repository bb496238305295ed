"""Un notebook exécuté, comparé à ce qui en est écrit : ce que ses noms désignent vraiment."""

import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import reduce
from types import ModuleType
from typing import Any

from labo.bans.fingerprints import Replaced, defined, is_replaced, print_of
from labo.bans.held import held, of_library


@dataclass(frozen=True)
class Question:
    """Ce qu'un exercice écrit.

    Attributs :
        names : les noms que lient ses instructions, `f` ou `Classe.f`.
        prints : les empreintes du code qu'elles contiennent.
        words : tous ses mots.
        origins : pour chaque nom qu'il lit et que seuls des `import` lient, ou rien, ce qu'il peut
            désigner : "torch.nn.functional".
        paths : les fonctions de modules qu'il écrit, en entier : "torch.nn.functional.relu".
        patched : ce que les cellules remplacent en l'écrivant, de même.
        patches_read : ce qu'en remplacent celles de ses instructions.
    """

    names: Sequence[str]
    prints: Sequence[str]
    words: Sequence[str]
    origins: Mapping[str, Sequence[str]]
    paths: Sequence[str]
    patched: Sequence[str]
    patches_read: Sequence[str]


@dataclass(frozen=True)
class Answer:
    """Ce que le notebook en a fait.

    Attributs :
        prints : l'empreinte du code de chaque nom ; None : pas de code à lui.
        patched : les fonctions de modules remplacées, ou ajoutées sous un de ces mots, là où une
            cellule l'écrit.
        replaced : celles qui le sont ailleurs.
        unwritten : les noms qui désignent ce qu'aucune cellule n'écrit.
        direct : le nom, dans une bibliothèque, de celles des valeurs qu'il lit qui en sont.
        held, loops : ce que tiennent les valeurs qu'il lit (`labo.bans.held`).
    """

    prints: Mapping[str, str | None]
    patched: set[str]
    replaced: set[str]
    unwritten: set[str]
    direct: set[str]
    held: set[str]
    loops: bool


_Place = tuple[ModuleType | type, str]
"""Un module ou une classe, et un de ses noms."""


class Start:
    """Ce que désignaient les noms des modules avant la première cellule d'un notebook.

    Args :
        owners : les modules et les classes dont les fonctions sont comparées.
    """

    def __init__(self, owners: Iterable[ModuleType | type]) -> None:
        self.modules = dict(sys.modules)
        self.replaced = Replaced(*owners)

    def compared(
        self, question: Question, namespace: dict[str, Any], before: Mapping[str, Any]
    ) -> Answer:
        """La réponse d'un notebook dont voici les noms, et ceux d'avant sa première cellule."""
        firsts = dict.fromkeys(name.partition(".")[0] for name in question.names)
        there = [namespace[name] for name in firsts if name in namespace]
        rewritten = (
            path.rpartition(".")[2]
            for path in question.paths
            if self.replaced.is_rewritten(self._resolved(path))
        )
        replaced = list(self.replaced.where(question.words))
        written = self._among(question.patched, replaced)
        read = self._among(question.patches_read, replaced)
        values = [*there, *(vars(owner).get(name) for owner, name in read)]
        found = held(values, namespace, set(question.prints))
        known = {None, *question.prints}  # None: no code of the notebook's
        elsewhere = (name for owner, name in replaced if (owner, name) not in written)
        otherwise = (n for o, n in read if print_of(vars(o).get(n), namespace) not in known)
        return Answer(
            prints=defined(question.names, namespace),
            patched={name for _, name in written},
            replaced={*elsewhere, *otherwise, *rewritten},
            unwritten=set(self._unwritten(question.origins, namespace, before)),
            direct=set(filter(None, map(of_library, values))),
            held=found.words,
            loops=found.loops,
        )

    def _unwritten(
        self,
        origins: Mapping[str, Sequence[str]],
        namespace: dict[str, Any],
        before: Mapping[str, Any],
    ) -> Iterator[str]:
        missing = object()
        for name, paths in origins.items():
            value = namespace.get(name, missing)
            known = (before.get(name, missing), *map(self._resolved, paths))
            if value is not missing and not any(_is_same(value, each) for each in known):
                yield name

    def _among(self, paths: Iterable[str], replaced: Iterable[_Place]) -> list[_Place]:
        """Ceux de ces endroits que désignent ces chemins."""
        owners: dict[str, set[int]] = {name: set() for _, name in replaced}
        for path in paths:
            owner, _, name = path.rpartition(".")
            if name in owners:  # what is asked of a module may run what a notebook has put there
                owners[name].add(id(self._resolved(owner)))
        return [(owner, name) for owner, name in replaced if id(owner) in owners[name]]

    def _resolved(self, path: str) -> Any:
        """Ce que désigne "torch.nn.functional.relu" ; None si son module n'est pas importé."""
        parts = path.split(".")
        for end in range(len(parts), 0, -1):
            name = ".".join(parts[:end])
            value = self.modules.get(name) or sys.modules.get(name)
            if value is not None:
                with suppress(Exception):  # whatever a module of the notebook's making raises
                    return reduce(getattr, parts[end:], value)
                return None
        return None


def _is_same(value: Any, other: Any) -> bool:
    """Est-ce le même objet, ou ce que torch en a fait depuis ?"""
    return value is other or not is_replaced(value, other)
