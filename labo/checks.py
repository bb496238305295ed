"""Ce que les cellules de test emploient, dans un notebook comme à la correction.

À la correction, le code de l'étudiant vit dans un autre processus que le test : ces fonctions
y sont remplacées par celles qui franchissent la frontière.
"""

import inspect
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from torch.utils._python_dispatch import TorchDispatchMode


def build(factory: Callable, *args: Any, **kwargs: Any) -> Any:
    """Construit un objet là où vit le code de l'étudiant : `build(nn.Linear, 4, 3)`.

    Un test qui donne un module ou un optimiseur à une fonction de l'étudiant le construit ainsi.
    """
    return factory(*args, **kwargs)


def operators_used(function: Callable, *args: Any, **kwargs: Any) -> set[str]:
    """Les opérateurs de torch qu'emploie un appel, comme {"mul", "sum"} ; pour en interdire.

    Les noms sont ceux d'ATen : `F.conv2d` y devient "convolution", `x @ y` "mm".
    """
    recorder = _Recorder()
    with recorder:
        function(*args, **kwargs)
    return recorder.names


def source_of(value: Callable) -> str:
    """Le texte d'une fonction ou d'une classe du notebook ; pour y chercher une boucle interdite.

    À la correction, il vient du notebook remis, et n'a plus de commentaires.
    """
    if not inspect.isclass(value):
        return inspect.getsource(value)
    # Un notebook n'est pas un fichier : Python n'y retrouve que les fonctions.
    return "\n".join(inspect.getsource(m) for m in vars(value).values() if inspect.isfunction(m))


class Tally:
    """Additionne les points d'une vérification dont chaque partie compte à part.

    Une partie qui échoue affiche son message, et les suivantes sont tout de même essayées. La
    dernière ligne de la vérification est `tally.score`.

        tally = Tally()
        with tally.part(2, "la dérivée par rapport au dénominateur est fausse"):
            assert ...
        tally.score

    Attributs :
        score : les points des parties réussies.
    """

    def __init__(self) -> None:
        self.score = 0

    @contextmanager
    def part(self, points: float, message: str) -> Iterator[None]:
        """Ajoute `points` si le bloc réussit ; sinon, affiche `message` et continue."""
        try:
            yield
        except Exception as error:  # an assertion, or whatever the student's code raises
            cause = f" ({type(error).__name__}: {error})"
            shown = "" if isinstance(error, AssertionError) else cause
            lost = f"{points:g}".replace(".", ",")
            print(f"{lost} point(s) en moins : {message}{shown}")
        else:
            self.score += points


class _Recorder(TorchDispatchMode):
    def __init__(self) -> None:
        super().__init__()
        self.names: set[str] = set()

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        self.names.add(func.overloadpacket.__name__)
        return func(*args, **(kwargs or {}))
