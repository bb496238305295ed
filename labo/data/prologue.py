"""Le chargeur de données des séances d'EE-559 (F. Fleuret, EPFL), pour reprendre ses exercices."""

import argparse
import os
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

import torch
from torch import Tensor

from labo.data.datasets import STAND_IN, load_dataset
from labo.machine.accelerator import device
from labo.settings import Profile, chosen_profile

_SMALL, _TINY = (1000, 1000), (500, 100)  # training and test examples


@dataclass(frozen=True)
class Options:
    """Les options de la ligne de commande d'un script ; voir `load_data`."""

    full: bool = False
    tiny: bool = False
    force_cpu: bool = False
    seed: int = 0
    cifar: bool = False
    data_dir: Path | None = None

    def __post_init__(self) -> None:
        if self.full and self.tiny:
            raise ValueError("--full et --tiny s'excluent")

    @property
    def size(self) -> Profile | None:
        """Le profil demandé, ou None si rien ne l'a été."""
        return Profile.FULL if self.full else Profile.TINY if self.tiny else None


def parse_options(argv: Sequence[str] | None = None) -> Options:
    """Lit les options d'un script : celles de `argv`, ou celles de la ligne de commande.

    Dans un script : `options = labo.parse_options()`, puis
    `labo.load_data(options=options)`. Une option inconnue arrête le script en disant lesquelles
    existent. Dans un notebook, la ligne de commande n'est pas la vôtre : elle n'est pas lue.
    """
    parser = _FrenchParser(
        description="Options des séances pratiques.",
        allow_abbrev=False,
        add_help=False,
        formatter_class=_FrenchFormatter,
    )
    parser.add_argument("-h", "--help", action="help", help="afficher cette aide")
    parser.add_argument("--full", action="store_true", help="toutes les données (peut être long)")
    parser.add_argument("--tiny", action="store_true", help="très peu de données, pour un essai")
    parser.add_argument("--force_cpu", action="store_true", help="CPU, même s'il y a un GPU")
    parser.add_argument(
        "--seed",
        type=_integer,
        default=0,
        metavar="N",
        help="graine (0 par défaut ; négative : aucune)",
    )
    parser.add_argument("--cifar", action="store_true", help="CIFAR-10 au lieu de MNIST")
    parser.add_argument(
        "--data_dir", type=Path, metavar="D", help="dossier des données ($PYTORCH_DATA_DIR)"
    )
    if argv is None:
        argv = sys.argv[1:] if _in_script() else []
    known, unknown = parser.parse_known_args(argv)
    if unknown:
        parser.error(f"options inconnues : {' '.join(unknown)}")
    try:
        return Options(**vars(known))
    except ValueError as error:
        parser.error(str(error))


class _FrenchParser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.format_usage()}Erreur : {message}\n")


class _FrenchFormatter(argparse.HelpFormatter):
    def add_usage(
        self,
        usage: str | None,
        actions: Iterable,
        groups: Iterable,
        prefix: str | None = "Utilisation : ",
    ) -> None:
        super().add_usage(usage, actions, groups, prefix)


def _integer(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"un entier est attendu, et non « {text} »") from None


def load_data(
    cifar: bool | None = None,
    one_hot_labels: bool = False,
    normalize: bool = False,
    flatten: bool = True,
    *,
    options: Options | None = None,
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Charge MNIST ou CIFAR-10 comme le prologue des séances d'EE-559.

        train_input, train_target, test_input, test_target = labo.load_data(normalize=True)

    Args :
        cifar : CIFAR-10 si vrai ; sinon MNIST, sauf si les options demandent CIFAR-10.
        one_hot_labels : cibles N × K de -1, avec +1 à la classe, au lieu d'indices.
        normalize : retire aux pixels la moyenne et divise par l'écart-type, deux nombres calculés
            sur tous les pixels de l'entraînement. Sinon, les pixels vont de 0 à 255.
        flatten : images en vecteurs N × D si vrai, N × C × H × W sinon.
        options : les options d'un script, données par `labo.parse_options()` ; aucune ligne de
            commande n'est lue sans cela.

    Options d'un script :
        --full       toutes les données, au lieu de 1 000 d'entraînement et 1 000 de test
        --tiny       500 d'entraînement et 100 de test
        --force_cpu  les tenseurs restent sur le CPU
        --seed N     graine de torch, 0 par défaut ; négative : aucune
        --cifar      CIFAR-10
        --data_dir D dossier des données ; par défaut $PYTORCH_DATA_DIR, puis les dossiers du cours

    Renvoie :
        train_input, train_target, test_input, test_target : float32, int64 (float32 si
        `one_hot_labels`), placés sur le GPU s'il y en a un, sauf avec --force_cpu.

    Sans --full ni --tiny, le profil du cours (`LABO_PROFILE`) en décide. Dans le profil « tiny »,
    sauf avec --full, les données sont livrées ou engendrées, les mêmes partout.

    Source : https://fleuret.org/dlc/ (dlc_practical_prologue.py). Si le jeu est introuvable, des
    données livrées avec le cours en tiennent lieu, et une ligne le dit.
    """
    options = options or Options()
    if options.seed >= 0:
        torch.manual_seed(options.seed)
    name = "cifar10" if cifar or options.cifar else "mnist"
    course = chosen_profile()
    size = options.size or course
    if course is size is Profile.TINY:
        name = STAND_IN[name]
    data = load_dataset(
        name,
        profile=Profile.FULL if size is Profile.FULL else Profile.SMALL,
        small=_TINY if size is Profile.TINY else _SMALL,
        data_dir=options.data_dir or os.environ.get("PYTORCH_DATA_DIR"),
    )
    print(f"** {data.description}")
    # In place: CIFAR-10 takes 740 MB, and a session may have 2 GB.
    inputs = [data.train_input.mul_(255), data.test_input.mul_(255)]
    if normalize:
        mean, std = inputs[0].mean(), inputs[0].std()
        inputs = [x.sub_(mean).div_(std) for x in inputs]
    if flatten:
        inputs = [x.flatten(1) for x in inputs]
    targets = [data.train_target, data.test_target]
    if one_hot_labels:
        targets = [_one_hot(y, len(data.classes)) for y in targets]
    place = device(force_cpu=options.force_cpu)
    train_input, test_input = (x.to(place) for x in inputs)
    train_target, test_target = (y.to(place) for y in targets)
    return train_input, train_target, test_input, test_target


def _one_hot(target: Tensor, classes: int) -> Tensor:
    return torch.full((len(target), classes), -1.0).scatter_(1, target[:, None], 1.0)


def _in_script() -> bool:
    return hasattr(sys.modules["__main__"], "__file__")  # a notebook comes from no file
