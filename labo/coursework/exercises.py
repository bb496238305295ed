"""Continuer un laboratoire malgré un exercice inachevé."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import FunctionType, TracebackType
from typing import Any

from labo.coursework.notebook import STUB_MESSAGE


@contextmanager
def needs(*exercises: str) -> Iterator[None]:
    """Entoure ce qui se sert du résultat d'exercices : s'il manque, le dire et continuer.

        with labo.needs("hinge_loss"):
            print(hinge_loss(scores, target))

    Si le bloc échoue, une phrase dit pourquoi à la place de l'erreur, et le notebook se poursuit.
    Un tel bloc montre quelque chose ; ce qui sert aux cellules suivantes se définit en dehors.

    Args :
        exercises : noms des exercices dont le bloc se sert.
    """
    try:
        yield
    except Exception as error:  # a student's function may raise anything
        block = error.__traceback__ and error.__traceback__.tb_next  # after this function's frame
        if isinstance(error, NotImplementedError) or _unanswered(exercises, block):
            print(missing(*exercises))
        elif isinstance(error, NameError) and error.name and block and not block.tb_next:
            print(f"« {error.name} » n'existe pas : exécutez d'abord la cellule qui le définit.")
        else:
            what = "de l'exercice" if len(exercises) == 1 else "des exercices"
            print(
                f"Cette cellule se sert {what} {_enumerated(exercises)},"
                " et s'est arrêtée sur une erreur :\n"
                f"    {type(error).__name__}: {error}\n"
                "Laissez-vous guider par la vérification, corrigez, puis réexécutez cette cellule."
            )


def missing(*exercises: str) -> str:
    """Ce que dit une cellule dont des exercices n'ont pas encore de réponse."""
    what = "l'exercice" if len(exercises) == 1 else "les exercices"
    names = _enumerated(exercises)
    return f"Cette cellule attend {what} {names} : répondez, puis réexécutez-la."


def _unanswered(exercises: Sequence[str], block: TracebackType | None) -> bool:
    """Si l'un de ces exercices est resté tel quel : les cellules précédentes ont pu en souffrir."""
    if block is None:
        return False
    stubs = {STUB_MESSAGE.format(name=name) for name in exercises}
    defined: Mapping[str, Any] = {**block.tb_frame.f_globals, **block.tb_frame.f_locals}
    return any(stubs.intersection(_texts(value)) for value in defined.values())


def _texts(value: Any) -> Iterator[str]:
    """Les textes du code d'une fonction, ou de celui des méthodes d'une classe."""
    for member in vars(value).values() if isinstance(value, type) else [value]:
        if isinstance(member, FunctionType):
            yield from (text for text in member.__code__.co_consts if isinstance(text, str))


def _enumerated(exercises: Sequence[str]) -> str:
    *first, last = [f"« {name} »" for name in exercises]
    return f"{', '.join(first)} et {last}" if first else last
