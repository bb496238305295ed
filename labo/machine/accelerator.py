"""L'appareil de calcul du cours : choisi une fois, après un vrai calcul."""

import os
from functools import cache

import torch

from labo.machine.deadline import announce_end
from labo.machine.facts import granted_cpus
from labo.machine.probe import Probe, gpu_signs
from labo.machine.trial import failure
from labo.settings import is_on


def device(force_cpu: bool = False) -> torch.device:
    """L'appareil où calculer : un GPU s'il y en a un qui fonctionne, sinon le CPU.

    Le choix est fait une fois par processus. Un GPU n'est retenu qu'après un petit calcul réussi :
    être visible ne suffit pas (version de torch, GPU ancien ou plein). Règle aussi le nombre de
    fils de calcul de torch sur le nombre de cœurs accordés à la session et, sur une grappe Slurm,
    fait annoncer dans le notebook que la session va se terminer.

    Args :
        force_cpu : le CPU, quoi qu'il y ait ; de même si `LABO_FORCE_CPU=1`.

    N'échoue jamais faute de GPU ; `labo doctor` dit pourquoi un GPU n'est pas employé.
    """
    _use_granted_cpus()
    announce_end()
    if force_cpu or is_on("LABO_FORCE_CPU"):
        return torch.device("cpu")
    return _accelerator()


@cache
def _accelerator() -> torch.device:
    # Without a sign of a GPU, CUDA is not even asked: it could not survive a fork afterwards.
    if torch.version.cuda and gpu_signs(Probe()) and failure("cuda") is None:
        return torch.device("cuda")
    if torch.backends.mps.is_available() and failure("mps") is None:
        return torch.device("mps")
    return torch.device("cpu")


@cache
def _use_granted_cpus() -> None:
    cpus = granted_cpus(Probe()).value
    if cpus is not None and "OMP_NUM_THREADS" not in os.environ:
        torch.set_num_threads(cpus)
