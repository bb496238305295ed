"""Augmentations : des variations aléatoires des images, tirées pour chaque exemple d'un lot.

Chacune est un objet que l'on appelle avec un lot d'images `x` (N × C × H × W) et un générateur
aléatoire situé sur le même appareil ; le résultat a la forme de `x`, qui n'est pas modifié. Tout le
lot est traité d'un coup, là où il se trouve (CPU ou GPU), et chaque image reçoit son propre tirage.

    loader = labo.BatchLoader(x, y, shuffle=True, augment=[labo.RandomCrop(2), labo.RandomFlip()])
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Generator, Tensor


@dataclass(frozen=True)
class RandomCrop:
    """Décale chaque image d'au plus `padding` pixels, verticalement et horizontalement.

    L'image est bordée de `padding` zéros de chaque côté, puis une fenêtre H × W y est découpée au
    hasard. Le zéro est le noir pour des pixels dans [0, 1], et la moyenne s'ils sont normalisés.
    """

    padding: int

    def __post_init__(self) -> None:
        if self.padding < 0:
            raise ValueError(f"padding doit être positif ou nul, et vaut {self.padding}.")

    def __call__(self, x: Tensor, generator: Generator) -> Tensor:
        _check_images(x)
        n, channels, height, width = x.shape
        positions = 2 * self.padding + 1
        top, left = torch.randint(positions, (2, n, 1), generator=generator, device=x.device)
        rows = top + torch.arange(height, device=x.device)  # N × H
        columns = left + torch.arange(width, device=x.device)  # N × W
        padded = F.pad(x, [self.padding] * 4)
        return padded[
            torch.arange(n, device=x.device)[:, None, None, None],
            torch.arange(channels, device=x.device)[None, :, None, None],
            rows[:, None, :, None],
            columns[:, None, None, :],
        ]


@dataclass(frozen=True)
class RandomFlip:
    """Retourne chaque image de gauche à droite avec la probabilité `p`.

    À éviter quand le côté a un sens : un « 2 » retourné n'est plus un « 2 ».
    """

    p: float = 0.5

    def __post_init__(self) -> None:
        if not 0 <= self.p <= 1:
            raise ValueError(f"p est une probabilité, entre 0 et 1, et vaut {self.p}.")

    def __call__(self, x: Tensor, generator: Generator) -> Tensor:
        _check_images(x)
        flipped = torch.rand(len(x), 1, 1, 1, generator=generator, device=x.device) < self.p
        return torch.where(flipped, x.flip(-1), x)


@dataclass(frozen=True)
class GaussianNoise:
    """Ajoute à chaque pixel un bruit gaussien de moyenne nulle et d'écart-type `std`.

    `std` est dans l'unité de `x`. Les valeurs obtenues peuvent sortir de [0, 1]. Accepte toute
    forme de `x`.
    """

    std: float

    def __post_init__(self) -> None:
        if self.std < 0:
            raise ValueError(f"std doit être positif ou nul, et vaut {self.std}.")

    def __call__(self, x: Tensor, generator: Generator) -> Tensor:
        noise = torch.randn(x.shape, generator=generator, device=x.device, dtype=x.dtype)
        return x + self.std * noise


def _check_images(x: Tensor) -> None:
    if x.dim() != 4:
        raise ValueError(
            "Cette augmentation attend des images de forme (N, C, H, W), et a reçu "
            f"{tuple(x.shape)} : appliquez-la avant d'aplatir les images."
        )
