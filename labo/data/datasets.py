"""Les jeux d'images des laboratoires, comme tenseurs déjà en mémoire."""

import gzip
import io
import math
import pickle
import tarfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from labo.data import synthetic
from labo.data.catalogue import DataNotFoundError, Dataset, catalogue, find, search_path, shipped
from labo.french import count, decimal
from labo.settings import Profile, chosen_profile

TINY = (500, 200)  # training and test examples of the profile "tiny"

_DIGITS = tuple("0123456789")
_CLOTHES = (
    "t-shirt",
    "pantalon",
    "pull",
    "robe",
    "manteau",
    "sandale",
    "chemise",
    "basket",
    "sac",
    "bottine",
)
_CIFAR = (
    "avion",
    "voiture",
    "oiseau",
    "chat",
    "cerf",
    "chien",
    "grenouille",
    "cheval",
    "bateau",
    "camion",
)
_CLASSES = {
    "mnist": _DIGITS,
    "fashion_mnist": _CLOTHES,
    "cifar10": _CIFAR,
    "digits": _DIGITS,
    "small_digits": _DIGITS,
    "shapes": synthetic.SHAPES,
}
# What is shipped or generated instead.
STAND_IN = {"mnist": "digits", "fashion_mnist": "digits", "cifar10": "shapes"}


@dataclass(frozen=True, eq=False)
class ImageData:
    """Des images et leurs classes, déjà séparées en entraînement et test.

    Attributs :
        train_input, test_input : N × C × H × W, float32, pixels dans [0, 1].
        train_target, test_target : N, int64, indices de classes.
        classes : le nom de chaque classe, dans l'ordre des indices.
        name : le nom du jeu, celui des données vraiment chargées.
        description : une phrase qui dit lesquelles, et combien.

    En mémoire : 38 Mo pour 12 000 images de MNIST, 220 Mo pour MNIST entier, 740 Mo pour CIFAR-10
    entier. `normalized` en fait une copie, et `to` aussi, vers un autre appareil.
    """

    train_input: Tensor
    train_target: Tensor
    test_input: Tensor
    test_target: Tensor
    classes: tuple[str, ...]
    name: str
    description: str

    def to(self, device: torch.device | str) -> "ImageData":
        """Les mêmes données, placées sur `device`."""
        return self._map(lambda x: x.to(device), lambda y: y.to(device))

    def normalized(self) -> "ImageData":
        """Chaque canal centré et réduit, avec la moyenne et l'écart-type de l'entraînement seul.

        Le test n'entre pas dans ces statistiques : il doit rester inconnu du modèle. Un canal
        constant (après `flattened`, un pixel du bord) est seulement centré : il n'est jamais divisé
        par 0.
        """
        train = self.train_input
        dims = (0, *range(2, train.dim()))
        mean = train.mean(dims, keepdim=True)
        constant = train.amax(dims, keepdim=True) == train.amin(dims, keepdim=True)
        std = train.std(dims, keepdim=True).masked_fill(constant, 1)
        return self._map(lambda x: (x - mean).div_(std))

    def flattened(self) -> "ImageData":
        """Chaque image devenue un vecteur : N × D, où D = C·H·W."""
        return self._map(lambda x: x.flatten(1))

    def _map(
        self,
        on_input: Callable[[Tensor], Tensor],
        on_target: Callable[[Tensor], Tensor] = lambda y: y,
    ) -> "ImageData":
        return replace(
            self,
            train_input=on_input(self.train_input),
            train_target=on_target(self.train_target),
            test_input=on_input(self.test_input),
            test_target=on_target(self.test_target),
        )

    def __repr__(self) -> str:
        return f"ImageData({self.description})"


def load_dataset(
    name: str = "mnist",
    *,
    profile: str | None = None,
    small: tuple[int, int] = (10_000, 2_000),
    fallback: bool = True,
    data_dir: Path | str | None = None,
    seed: int = 0,
) -> ImageData:
    """Charge un jeu d'images en mémoire.

    Args :
        name : "mnist", "fashion_mnist", "cifar10", "digits" (1 797 chiffres livrés avec le cours,
            agrandis en 28 × 28), "small_digits" (les mêmes, 8 × 8) ou "shapes" (formes colorées
            engendrées, 32 × 32).
        profile : "tiny", "small" ou "full" ; par défaut, celui du cours (`labo.profile()`). Avec
            "tiny", ce sont toujours 500 et 200 exemples livrés ou engendrés, les mêmes partout.
        small : nombres d'exemples d'entraînement et de test, au plus, dans le profil "small" ; ce
            sont les premiers du jeu.
        fallback : si le jeu est introuvable, prendre des chiffres livrés (à la place de MNIST et de
            Fashion-MNIST) ou des formes engendrées (à la place de CIFAR-10), et le dire.
        data_dir : où chercher d'abord ; puis viennent `$LABO_DATA_DIR`, les dossiers du cours, le
            cache, et enfin le téléchargement, sauf si `LABO_OFFLINE=1`.
        seed : graine des formes engendrées et du partage des chiffres livrés.

    Erreurs :
        ValueError si `name` ou `profile` est inconnu ; DataNotFoundError si le jeu est introuvable
        et que `fallback` est faux.
    """
    if name not in _CLASSES:
        known = ", ".join(f"« {known} »" for known in _CLASSES)
        raise ValueError(f"Jeu de données inconnu : « {name} ». Les noms connus sont {known}.")
    chosen = chosen_profile(profile)
    sizes = {Profile.TINY: TINY, Profile.SMALL: small, Profile.FULL: (None, None)}[chosen]
    if chosen is Profile.TINY:
        name = STAND_IN.get(name, name)
    if name in STAND_IN:
        paths = _paths(name, data_dir, fallback)
        if paths is not None:
            return _READERS[name](name, paths, sizes)
        name = STAND_IN[name]
    return _GENERATORS[name](sizes, seed)


def _paths(name: str, data_dir: Path | str | None, fallback: bool) -> dict[str, Path] | None:
    """Le chemin des fichiers, téléchargés s'il le faut ; None s'il faut les remplacer."""
    dataset = catalogue()[name]
    paths = find(dataset, data_dir)
    if paths is not None:
        return paths

    from labo.data.download import DownloadError, download  # seldom needed, and brings requests

    try:
        return download(dataset, data_dir)
    except DownloadError as error:
        if not fallback:
            raise DataNotFoundError(_how_to_get(dataset, data_dir, error)) from error
        stand_in = "des chiffres 8 × 8 agrandis" if STAND_IN[name] == "digits" else "des formes"
        print(
            f"{dataset.title} est introuvable ici ({error.reason}) : {stand_in} en tiennent lieu."
        )
        return None


def _how_to_get(dataset: Dataset, data_dir: Path | str | None, error: OSError) -> str:
    urls = "\n".join(f"    {dataset.mirrors[0]}{file.name}" for file in dataset.files)
    folders = "\n".join(f"    {folder / dataset.name}" for folder in search_path(data_dir))
    return (
        f"{dataset.title} est introuvable, et n'a pas pu être téléchargé : {error}\n"
        f"Téléchargez ailleurs ({decimal(dataset.size / 1e6, 1)} Mo) :\n{urls}\n"
        f"et placez le tout dans un de ces dossiers :\n{folders}\n"
        f"Sur une machine qui a Internet, « labo data download {dataset.name} » fait les deux."
    )


# ---- Files of the catalogue

Sizes = tuple[int | None, int | None]


def _read_mnist(name: str, paths: dict[str, Path], sizes: Sizes) -> ImageData:
    splits = []
    for prefix, size in zip(("train", "t10k"), sizes, strict=True):
        images = _read_idx(paths[f"{prefix}-images-idx3-ubyte.gz"], size)
        labels = _read_idx(paths[f"{prefix}-labels-idx1-ubyte.gz"], size)
        splits.append((_unit(images.unsqueeze(1)), labels))
    return _image_data(name, splits, catalogue()[name].title)


def _read_idx(path: Path, size: int | None) -> Tensor:
    """Les `size` premiers éléments d'un fichier au format IDX de LeCun, en uint8."""
    with gzip.open(path) as stream:
        magic = stream.read(4)
        dims = [int.from_bytes(stream.read(4)) for _ in range(magic[3])]
        dims[0] = dims[0] if size is None else min(dims[0], size)
        values = np.frombuffer(stream.read(math.prod(dims)), np.uint8)
    return torch.from_numpy(values.reshape(dims).copy())


def _read_cifar(name: str, paths: dict[str, Path], sizes: Sizes) -> ImageData:
    with tarfile.open(paths["cifar-10-python.tar.gz"]) as archive:
        batches = {
            Path(member.name).name: _read_batch(archive, member)
            for member in archive
            if Path(member.name).name.startswith(("data_batch_", "test_batch"))
        }
    train = [batches[f"data_batch_{i}"] for i in range(1, 6)]
    splits = [
        _cifar_split(part, size)
        for part, size in zip((train, [batches["test_batch"]]), sizes, strict=True)
    ]
    return _image_data(name, splits, catalogue()[name].title)


def _read_batch(archive: tarfile.TarFile, member: tarfile.TarInfo) -> dict:
    stream = archive.extractfile(member)
    assert stream is not None, f"{member.name} n'est pas un fichier"
    return _PlainUnpickler(stream, encoding="bytes").load()


class _PlainUnpickler(pickle.Unpickler):
    """Ne lit que des tableaux et des valeurs simples.

    Un pickle peut nommer toute fonction et la faire appeler. La somme SHA-256 de l'archive a été
    vérifiée, mais dans un dossier où d'autres écrivent, le fichier lu peut ne plus être celui-là.
    """

    _NAMES = frozenset(
        [("numpy.core.multiarray", "_reconstruct"), ("numpy", "ndarray"), ("numpy", "dtype")]
    )

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in self._NAMES:
            raise pickle.UnpicklingError(f"{module}.{name} n'a rien à faire dans CIFAR-10")
        return super().find_class(module, name)


def _cifar_split(batches: list[dict], size: int | None) -> tuple[Tensor, Tensor]:
    images = np.concatenate([batch[b"data"] for batch in batches])[:size]
    labels = np.concatenate([batch[b"labels"] for batch in batches])[:size]
    return _unit(torch.from_numpy(images).reshape(-1, 3, 32, 32)), torch.from_numpy(labels)


def _unit(pixels: Tensor) -> Tensor:
    """Des octets, de 0 à 255, en float32 dans [0, 1]."""
    return pixels.float().div_(255)


_READERS = {"mnist": _read_mnist, "fashion_mnist": _read_mnist, "cifar10": _read_cifar}


# ---- What needs no file of the catalogue


def _digits(sizes: Sizes, seed: int) -> ImageData:
    splits = [(_as_mnist(images), labels) for images, labels in _scans(sizes, seed)]
    return _image_data("digits", splits, "Chiffres de l'UCI (8 × 8, agrandis en 28 × 28)")


def _small_digits(sizes: Sizes, seed: int) -> ImageData:
    splits = [(images.unsqueeze(1).float() / 16, labels) for images, labels in _scans(sizes, seed)]
    return _image_data("small_digits", splits, "Chiffres de l'UCI (8 × 8)")


def _scans(sizes: Sizes, seed: int) -> list[tuple[Tensor, Tensor]]:
    """Les chiffres livrés, N × 8 × 8 de 0 à 16, et leurs étiquettes : entraînement, puis test."""
    archive = np.load(io.BytesIO(shipped("digits.npz").read_bytes()))
    images, labels = (torch.from_numpy(archive[key]) for key in ("images", "labels"))
    order = torch.randperm(len(images), generator=torch.Generator().manual_seed(seed))
    test, train = order[:397], order[397:]
    return [
        (images[rows[:size]], labels[rows[:size]])
        for rows, size in zip((train, test), sizes, strict=True)
    ]


def _as_mnist(images: Tensor) -> Tensor:
    """Agrandit N × 8 × 8, de 0 à 16, comme MNIST : 20 × 20 au centre de 28 × 28, dans [0, 1]."""
    pixels = images.unsqueeze(1).float() / 16
    large = F.interpolate(pixels, size=(20, 20), mode="bicubic", align_corners=False)
    return F.pad(large, (4, 4, 4, 4)).clamp(0, 1)


def _shapes(sizes: Sizes, seed: int) -> ImageData:
    full = (10_000, 2_000)
    counts = [n if size is None else size for size, n in zip(sizes, full, strict=True)]
    # One seed per part: the test must not begin like the training set.
    splits = [synthetic.shapes(n, seed=2 * seed + part) for part, n in enumerate(counts)]
    return _image_data("shapes", splits, "Formes colorées engendrées (32 × 32)")


_GENERATORS = {"digits": _digits, "small_digits": _small_digits, "shapes": _shapes}


def _image_data(name: str, splits: list[tuple[Tensor, Tensor]], title: str) -> ImageData:
    (train_input, train_target), (test_input, test_target) = splits
    counts = f"{count(len(train_input))} images d'entraînement, {count(len(test_input))} de test"
    return ImageData(
        train_input,
        train_target.long(),
        test_input,
        test_target.long(),
        _CLASSES[name],
        name,
        f"{title} : {counts}",
    )
