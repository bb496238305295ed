"""Combien de fils de calcul donner à torch pour un petit modèle."""

import copy
import time
from statistics import median

import torch
from torch import Tensor, nn

_STEPS = 5  # timed with each number of threads; their median resists a busy neighbour


def threads_for(model: nn.Module, *inputs: Tensor) -> int:
    """Règle torch sur le nombre de fils de calcul qui convient à ce modèle, et le dit.

    Un petit modèle va souvent plus vite avec un seul fil : se partager un calcul de quelques
    microsecondes en coûte davantage, et sur une machine partagée les fils s'attendent. La passe
    avant et la passe arrière d'une copie du modèle sont donc chronométrées avec un fil, puis avec
    tous ceux que la session a reçus ; le plus rapide est gardé pour la suite. Ni le modèle ni le
    générateur aléatoire ne changent.

    Args :
        model : le modèle, sur le CPU.
        inputs : ce que reçoit sa passe avant : un lot de la taille de ceux de l'entraînement.

    Renvoie :
        le nombre de fils gardé.
    """
    available = torch.get_num_threads()
    if available == 1:
        return 1
    trial = copy.deepcopy(model)
    times = {}
    with torch.random.fork_rng(devices=[]):
        for threads in (available, 1):
            torch.set_num_threads(threads)
            times[threads] = _step_time(trial, inputs)
    best = min(times, key=lambda threads: times[threads])
    torch.set_num_threads(best)
    slower = max(times.values()) / times[best]
    words = "un seul fil de calcul" if best == 1 else f"{best} fils de calcul"
    print(f"{words} : {slower:.1f} fois plus rapide ici".replace(".", ","))
    return best


def _step_time(model: nn.Module, inputs: tuple[Tensor, ...]) -> float:
    """La durée médiane d'une passe avant et d'une passe arrière, en secondes."""
    _step(model, inputs)  # the first one allocates
    durations = []
    for _ in range(_STEPS):
        start = time.perf_counter()
        _step(model, inputs)
        durations.append(time.perf_counter() - start)
    return median(durations)


def _step(model: nn.Module, inputs: tuple[Tensor, ...]) -> None:
    outputs = model(*inputs)
    first = outputs if isinstance(outputs, Tensor) else outputs[0]
    first.float().sum().backward()
