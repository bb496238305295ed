"""Des scènes de plusieurs formes, avec leurs boîtes et leurs masques."""

from dataclasses import dataclass

import torch
from torch import Tensor

KINDS = ("disque", "carré", "losange")
_MOST = 3  # shapes in a scene
_TRIES = 20  # places tried for a shape before it is left out
_RADIUS = (4.0, 9.0)  # in pixels, of a scene of 48 pixels


@dataclass(frozen=True, eq=False)
class Scenes:
    """Des images de quelques formes, et ce qu'elles montrent.

    Attributs :
        images : N × 1 × S × S, float32 dans [0, 1].
        boxes : pour chaque image, n × 4 coordonnées (x1, y1, x2, y2) en pixels, x vers la droite.
        labels : pour chaque image, les n indices de `names`, int64.
        masks : N × S × S, int64 : 0 pour le fond, 1 + l'indice de la forme ailleurs.
        names : les noms des formes.
    """

    images: Tensor
    boxes: list[Tensor]
    labels: list[Tensor]
    masks: Tensor
    names: tuple[str, ...] = KINDS

    def __len__(self) -> int:
        return len(self.images)


def scenes(count: int, *, size: int = 48, seed: int = 0) -> Scenes:
    """Des disques, carrés et losanges clairs, un à trois par image, sur un fond sombre bruité.

    Ils ne se recouvrent pas : leurs boîtes sont disjointes. Les mêmes images servent à la
    détection (`boxes`, `labels`) et à la segmentation (`masks`).

    Args :
        count : nombre d'images N.
        size : côté S des images, en pixels, 32 au moins ; les formes grandissent avec lui.
        seed : graine.

    Erreurs :
        ValueError si les images sont trop petites pour contenir les formes.
    """
    if size < 32:
        raise ValueError(f"Les scènes ont au moins 32 pixels de côté ; reçu : {size}.")
    generator = torch.Generator().manual_seed(seed)
    images = 0.15 * torch.rand(count, 1, size, size, generator=generator)
    masks = torch.zeros(count, size, size, dtype=torch.int64)
    boxes, labels = [], []
    for image, mask in zip(images[:, 0], masks, strict=True):
        placed = _places(size, generator)
        kinds = torch.randint(len(KINDS), (len(placed),), generator=generator)
        for (x, y, radius), kind in zip(placed.tolist(), kinds.tolist(), strict=True):
            inside = _inside(size, x, y, radius, kind)
            image[inside] = float(0.5 + 0.5 * torch.rand((), generator=generator))
            mask[inside] = 1 + kind
        centre, radius = placed[:, :2], placed[:, 2:]
        boxes.append(torch.cat([centre - radius, centre + radius], dim=1))
        labels.append(kinds)
    return Scenes(images, boxes, labels, masks)


def _places(size: int, generator: torch.Generator) -> Tensor:
    """Le centre et le rayon (x, y, r) de chaque forme, n × 3 : leurs boîtes ne se touchent pas."""
    wanted = int(torch.randint(1, _MOST + 1, (), generator=generator))
    low, high = (bound * size / 48 for bound in _RADIUS)
    placed: list[Tensor] = []
    for _ in range(_TRIES * wanted):
        radius = low + (high - low) * torch.rand((), generator=generator)
        room = size - 2 * radius - 2
        x, y = radius + 1 + room * torch.rand(2, generator=generator)
        if all(max(abs(x - other[0]), abs(y - other[1])) > radius + other[2] for other in placed):
            placed.append(torch.stack([x, y, radius]))
        if len(placed) == wanted:
            break
    return torch.stack(placed)


def _inside(size: int, x: float, y: float, radius: float, kind: int) -> Tensor:
    """Les pixels d'une forme, S × S booléens : ceux dont le centre est dedans."""
    centres = torch.arange(size) + 0.5
    across, down = (centres - x).abs(), (centres[:, None] - y).abs()
    if kind == 0:
        return torch.hypot(across, down) < radius
    if kind == 1:
        return torch.maximum(across, down) < radius
    return across + down < radius
