"""Ce qui permet à un exercice inachevé de ne pas bloquer la suite du laboratoire."""

from collections.abc import Iterator
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
        names = " et ".join(f"« {name} »" for name in exercises)
        what = "l'exercice" if len(exercises) == 1 else "les exercices"
        if isinstance(error, NotImplementedError):
            print(f"Cette cellule attend {what} {names} : répondez, puis réexécutez-la.")
        else:
            print(
                f"Cette cellule se sert de {what} {names}, et s'est arrêtée sur une erreur :\n"
                f"    {type(error).__name__}: {error}\n"
                "Laissez-vous guider par la vérification, corrigez, puis réexécutez cette cellule."
            )
