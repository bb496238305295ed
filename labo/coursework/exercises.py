"""Continuer un laboratoire malgré un exercice inachevé."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager


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
        if isinstance(error, NotImplementedError):
            print(missing(*exercises))
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


def _enumerated(exercises: Sequence[str]) -> str:
    *first, last = [f"« {name} »" for name in exercises]
    return f"{', '.join(first)} et {last}" if first else last
