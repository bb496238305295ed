"""Les outils des cellules de test, dans un notebook comme à la correction.

À la correction, le code de l'étudiant vit dans un autre processus que le test : ces fonctions
y sont remplacées par celles qui franchissent la frontière.
"""

import hashlib
import inspect
import pickle
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import nn

from labo import french
from labo.bans import forbidden
from labo.bans.cells import name_and_cells
from labo.bans.program import Program
from labo.bans.recording import Recorded, Recorder
from labo.bans.recording import recorded as recorded
from labo.bans.recording import seen as seen

AUTOGRAD = (
    *("backward", "autograd", "grad", "enable_grad", "set_grad_enabled", "requires_grad_"),
    *("jacobian", "jacrev", "jacfwd", "hessian", "vjp", "jvp", "func", "functorch"),
)
"""Les noms de ce qui dérive à la place de l'étudiant, pour `forbid`."""


def build(factory: Callable, /, *args: Any, **kwargs: Any) -> Any:
    """Construit un objet là où vit le code de l'étudiant : `build(nn.Linear, 4, 3)`.

    Un test qui donne un module ou un optimiseur à une fonction de l'étudiant le construit ainsi.
    """
    return factory(*args, **kwargs)


def assembled(recipe: tuple) -> Any:
    """Construit un objet fait d'autres, là où vit le code de l'étudiant, par une seule demande.

        model = checks.assembled((nn.Sequential, (nn.Linear, 4, 3), (nn.ReLU,)))

    Args :
        recipe : une classe, puis ses arguments, dont ceux qui sont eux-mêmes des recettes.
    """
    factory, *arguments = recipe
    return factory(*(assembled(part) if _is_recipe(part) else part for part in arguments))


def _is_recipe(part: Any) -> bool:
    return isinstance(part, tuple) and bool(part) and callable(part[0])


def twins(*recipes: tuple, gradients: bool = False) -> tuple[Any, nn.Sequential]:
    """Un réseau en double : là où vit le code de l'étudiant, et ici, pour l'y comparer.

        model, reference = checks.twins((nn.Linear, 4, 3), (nn.Tanh,), (nn.Linear, 3, 2))

    Args :
        recipes : une couche par recette : sa classe, puis les arguments de celle-ci.
        gradients : les paramètres du premier ont déjà un `.grad`, quelconque.

    Renvoie :
        deux `nn.Sequential` en mode évaluation, de mêmes paramètres, tirés d'une loi normale.
    """
    here = nn.Sequential(*(layer(*sizes) for layer, *sizes in recipes))
    with torch.no_grad():
        for parameter in here.parameters():
            parameter.copy_(torch.randn(parameter.shape))
    drawn = {name: torch.randn(p.shape) for name, p in here.named_parameters() if gradients}
    return equal_to(dict(here.state_dict()), drawn, *recipes), here.eval()


def equal_to(
    state: dict[str, torch.Tensor], gradients: dict[str, torch.Tensor], *recipes: tuple
) -> nn.Sequential:
    """Le réseau de ces recettes et de cet état, là où vit le code de l'étudiant, en évaluation."""
    network = nn.Sequential(*(layer(*sizes) for layer, *sizes in recipes))
    network.load_state_dict(state)
    for name, gradient in gradients.items():
        network.get_parameter(name).grad = gradient
    return network.eval()


def unchanged(*models: nn.Module) -> Callable[[str], None]:
    """Retient l'état de réseaux ; ce qui est renvoyé refuse, après un appel, qu'il ait changé.

        unchanged = checks.unchanged(model)
        result = saliency(model, x, target)
        unchanged("une image 2 × 3")

    L'état : le mode, les poids et les statistiques, le `.grad` de chaque paramètre, et s'il en
    reçoit un (`requires_grad`).
    """
    before = states_of(*models)

    def verify(case: str) -> None:
        for (training, tensors, gradients), now in zip(before, states_of(*models), strict=True):
            still_training, values, parameters = now
            mode = "entraînement" if training else "évaluation"
            assert still_training == training, f"{case} : le réseau n'est plus en mode {mode}"
            for name, value in values.items():
                assert torch.equal(value, tensors[name]), f"{case} : `{name}` du réseau a changé"
            for name, (found, still_learns) in parameters.items():
                gradient, learns = gradients[name]
                assert still_learns == learns, (
                    f"{case} : `requires_grad` de `{name}` doit rester {learns}"
                )
                assert _same(found, gradient), (
                    f"{case} : le `.grad` de `{name}` a changé ; demandez le seul gradient utile"
                )

    return verify


State = tuple[bool, dict[str, torch.Tensor], dict[str, tuple[Any, bool]]]
"""Le mode ; poids et statistiques ; de chaque paramètre, son gradient, et s'il en reçoit."""


def states_of(*models: nn.Module) -> list[State]:
    """L'état de chaque réseau, en copies."""
    return [_state_of(model) for model in models]


def state_of(model: nn.Module) -> State:
    """L'état d'un réseau, en copies."""
    return states_of(model)[0]


def _state_of(model: nn.Module) -> State:
    tensors = {name: value.detach().clone() for name, value in model.state_dict().items()}
    gradients = {
        name: (None if each.grad is None else each.grad.clone(), each.requires_grad)
        for name, each in model.named_parameters()
    }
    return model.training, tensors, gradients


def parameters_of(model: nn.Module) -> dict[str, nn.Parameter]:
    """Les paramètres, par leur nom : ceux du réseau, qui suivent ce qu'il devient."""
    return dict(model.named_parameters())


def modes_of(model: nn.Module) -> dict[str, bool]:
    """Le `training` d'un réseau, sous le nom vide, et de chacune de ses parties."""
    return {name: part.training for name, part in model.named_modules()}


def _same(found: torch.Tensor | None, expected: torch.Tensor | None) -> bool:
    if found is None or expected is None:
        return found is expected
    return torch.equal(found, expected)


def operators_used(function: Callable, /, *args: Any, **kwargs: Any) -> set[str]:
    """Les opérateurs d'un appel, sans sa valeur. Dépassé : `recorded` donne les deux ensemble."""
    return set(recorded(function, *args, **kwargs).operators)


def forbid(exercise: Callable, *words: str, loops: bool = False, recursion: bool = False) -> None:
    """Vérifie qu'un exercice, et tout ce qu'il atteint par son nom, n'emploie pas certains noms.

    Ni les commentaires, ni les textes, ni les variables locales ne comptent ; `f = F.conv2d`,
    `from … import conv2d as f` et `getattr(F, "conv2d")` comptent. Ce qui cache un nom (`eval`,
    `getattr` d'un texte calculé, un fil d'exécution…) est refusé.

        checks.forbid(convolve, "*conv*")
        checks.forbid(tartan, loops=True)

    Args :
        words : les noms, en minuscules ; `*` y vaut n'importe quelle suite de caractères.
        loops : interdit aussi les boucles, les compréhensions, `map`, `np.vectorize`, `torch.vmap`
            et la récursion.
        recursion : interdit la récursion.

    Erreurs :
        AssertionError, qui nomme ce qui a été trouvé, et à quelle ligne.
    """
    name, cells = name_and_cells(exercise)
    forbidden.check(Program(cells), name, words, loops=loops, recursion=recursion)


def in_turn(*calls: tuple) -> Iterator[Any]:
    """Les valeurs d'appels de méthodes `(objet, "nom", *arguments)`, faits l'un après l'autre.

    À la correction, ils franchissent la frontière ensemble. Ce qu'un appel reçoit d'un autre s'y
    écrit donc `Earlier` :

        network, losses = checks.in_turn(
            (make, "__call__", 3), (train, "__call__", checks.Earlier(0))
        )
    """
    values: list[Any] = []
    for call in calls:
        values.append(call_in_turn(call, values))
        yield values[-1]


@dataclass(frozen=True)
class Earlier:
    """Dans `in_turn`, seule ou dans un tuple : la valeur de l'appel de ce rang.

    `Earlier(0)` est celle du premier, `Earlier(-1)` celle de l'appel qui précède.
    """

    rank: int


def call_in_turn(call: tuple, values: list[Any]) -> Any:
    """La valeur d'un des appels de `in_turn`, après ceux qui ont eu ces valeurs."""
    value, name, *arguments = _known(call, values)
    return value(*arguments) if name == "__call__" else getattr(value, name)(*arguments)


def _known(part: Any, values: list[Any]) -> Any:
    if isinstance(part, Earlier):
        return values[part.rank]
    return tuple(_known(item, values) for item in part) if type(part) is tuple else part


def each(function: Callable, *cases: tuple) -> Iterator[Any]:
    """Les valeurs d'une fonction pour chacun de ces arguments, comme `in_turn`.

    for case, value in zip(cases, checks.each(area, *cases)): ...
    values = checks.each(getattr, *((node, "value") for node in nodes))
    """
    return in_turn(*((function, "__call__", *case) for case in cases))


def recorded_in_turn(*calls: tuple) -> Recorded:
    """Les valeurs de `in_turn`, en liste, avec les opérateurs que tous ces appels emploient.

    call = checks.recorded_in_turn(*((convolve, "__call__", *case) for case in cases))
    for case, value in zip(cases, call.value): ...
    """
    with Recorder() as recorder:
        values = list(in_turn(*calls))
    return seen(values, recorder.operators)


def random_state() -> str:
    """Résumé de l'état des générateurs globaux de hasard (torch, NumPy, Python) du code étudiant.

    Deux résumés égaux : rien n'a été tiré entre les deux.
    """
    of_torch = torch.get_rng_state().numpy().tobytes()
    states = of_torch, np.random.get_state(), random.getstate()
    return hashlib.sha256(pickle.dumps(states)).hexdigest()


def source_of(value: Callable) -> str:
    """Le texte d'une fonction ou d'une classe du notebook. Dépassé : `forbid` en lit l'arbre.

    À la correction, il vient du notebook remis, et n'a plus de commentaires.
    """
    if not inspect.isclass(value):
        return inspect.getsource(value)
    # Un notebook n'est pas un fichier : Python n'y retrouve que les fonctions.
    return "\n".join(inspect.getsource(m) for m in vars(value).values() if inspect.isfunction(m))


def same_as_torch(kind: Callable, reference: Callable, *cases: tuple) -> None:
    """Vérifie une opération de NumPy (`forward`, puis `backward`) contre une fonction de torch.

        checks.same_as_torch(Mul, torch.mul, ((3, 4), (4,)), ((), (2, 3)))

    Même valeur, mêmes gradients (à 1e-5 près : float32 suffit), chacun de la forme de son entrée,
    et rien de modifié : ni entrées, ni, par `backward`, la valeur que `forward` a renvoyée. Il en
    est de même quand une autre opération de la même classe calcule entre les deux, sur des
    matrices 2 × 2, quand `backward` est appelée deux fois, et quand l'opération du premier cas sert
    de nouveau, avec d'autres nombres.

    Args :
        kind : la classe ; chaque cas a deux opérations neuves, qui ne doivent rien partager.
        cases : pour chaque entrée, un tableau, ou une forme : des nombres de ±0,5 à ±2,5 sont
            tirés du générateur global de torch.

    Erreurs :
        AssertionError, qui nomme ce qui diffère, et donne ce qui a été reçu.
    """
    strange = [_drawn((2, 2)) for _ in cases[0]]
    calls: list[tuple] = []
    rounds: list[tuple[_Round, _Round | None]] = []
    for inputs in cases:
        operation, other = Earlier(len(calls)), Earlier(len(calls) + 1)
        arrays = [_drawn(x) if isinstance(x, tuple) else np.array(x, dtype=float) for x in inputs]
        first = _round(reference, arrays)
        backward = (operation, "backward", first.gradient, *first.given)
        calls += [(kind, "__call__")] * 2
        calls.append((operation, "forward", *first.given))
        calls.append((other, "forward", *strange))
        calls += [backward, backward]
        again = None if rounds else _round(reference, [_drawn(x.shape) for x in arrays])
        if again:
            calls.append((operation, "forward", *again.given))
            calls.append((operation, "backward", again.gradient, *again.given))
        rounds.append((first, again))
    values = in_turn(*calls)
    for first, again in rounds:
        _, _ = next(values), next(values)  # les deux opérations
        value = _check_forward(values, first, "")
        next(values)  # ce que calcule l'autre
        _check_backward(values, first, "")
        _check_backward(values, first, ", au second appel,")
        _check_close("la valeur une fois `backward` appelée,", value, first.expected)
        if again:
            renewed = ", pour d'autres nombres qu'avant,"
            value = _check_forward(values, again, renewed)
            _check_backward(values, again, renewed)
            _check_close(f"la valeur{renewed} une fois `backward` appelée,", value, again.expected)


class _Round(NamedTuple):
    """Des entrées, et ce qui en est attendu : la valeur ; pour un gradient, ceux des entrées."""

    given: list[np.ndarray]
    expected: torch.Tensor
    gradient: np.ndarray
    wanted: tuple[torch.Tensor, ...]


def _round(reference: Callable, arrays: list[np.ndarray]) -> _Round:
    tensors = [torch.tensor(x, requires_grad=True) for x in arrays]
    expected = reference(*tensors)
    gradient = _drawn(tuple(expected.shape))
    wanted = torch.autograd.grad((expected * torch.tensor(gradient)).sum(), tensors)
    return _Round(arrays, expected.detach(), gradient, wanted)


def _check_forward(values: Iterator, now: _Round, when: str) -> Any:
    value = _unchanged("forward", values, *now.given)
    _check_close(f"la valeur{when}", value, now.expected)
    return value


def _check_backward(values: Iterator, now: _Round, when: str) -> None:
    found = _unchanged("backward", values, now.gradient, *now.given)
    one_each = isinstance(found, tuple | list) and len(found) == len(now.wanted)
    many = f"{len(now.wanted)} gradients" if len(now.wanted) > 1 else "un gradient"
    assert one_each, f"backward renvoie un tuple de {many}, et non {found!r:.60}"
    for i, (gradient, wanted) in enumerate(zip(found, now.wanted, strict=True), 1):
        _check_close(f"le gradient de l'entrée {i}{when}", gradient, wanted)


def _drawn(shape: tuple[int, ...]) -> np.ndarray:
    """Des nombres des deux signes, dont aucun n'est proche de 0 : on peut diviser par eux."""
    x = torch.empty(shape, dtype=torch.float64).uniform_(-2, 2)
    return (x + x.sign() / 2).numpy()


def _unchanged(name: str, values: Iterator, *arrays: np.ndarray) -> Any:
    """La valeur de l'appel suivant, qui n'a rien changé à ses arguments."""
    before = [_content(x) for x in arrays]
    result = next(values)
    unchanged = [_content(x) for x in arrays] == before
    assert unchanged, f"{name} a modifié un tableau qu'elle a reçu"
    return result


def _content(array: np.ndarray) -> tuple:
    """De quoi comparer un tableau à ce qu'il était, plus vite que `np.array_equal`."""
    return array.shape, array.dtype, array.tobytes()


def _check_close(what: str, found: Any, expected: torch.Tensor) -> None:
    known = isinstance(found, np.ndarray | np.generic | int | float)
    assert known, f"{what} n'est pas un tableau, mais {found!r:.60}"
    shapes = f"{np.shape(found)} au lieu de {tuple(expected.shape)}"
    assert np.shape(found) == tuple(expected.shape), f"{what} a la forme {shapes}"
    wanted = expected.numpy()
    close = np.abs(found - wanted) <= 1e-5 * (1 + np.abs(wanted))  # `np.isclose`, plus vite
    if not close.all():
        first = tuple(np.argwhere(~close)[0])
        pair = f"{np.asarray(found)[first]:.4g} au lieu de {wanted[first]:.4g}"
        raise AssertionError(f"{what} vaut {pair.replace('.', ',')}")


class Tally:
    """Additionne les points d'une vérification dont chaque partie compte à part.

    Une partie qui échoue affiche son message, avec celui de l'assertion s'il y en a un, et les
    suivantes sont tout de même essayées. La dernière ligne de la vérification est `tally.score`.

        tally = Tally()
        with tally.part(2, "la dérivée par rapport au dénominateur est fausse"):
            assert ...
        tally.score

    Attributs :
        score : les points des parties réussies.
    """

    def __init__(self) -> None:
        self.score: float = 0

    @contextmanager
    def part(self, points: float, message: str) -> Iterator[None]:
        """Ajoute `points` si le bloc réussit ; sinon, affiche `message` et continue."""
        try:
            yield
        except Exception as error:  # an assertion, or whatever the student's code raises
            cause = str(error).partition("\n")[0]
            if not isinstance(error, AssertionError):
                cause = f"{type(error).__name__}: {error}"
            shown = f" ({cause})" if cause else ""
            print(f"{french.points(points)} en moins : {message}{shown}")
        else:
            self.score += points
