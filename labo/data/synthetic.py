"""Des données engendrées, qui ne demandent aucun fichier : spirales et formes colorées."""

import math

import torch
from torch import Tensor

SHAPES = (
    "cercle",
    "anneau",
    "carré",
    "losange",
    "triangle",
    "étoile",
    "croix",
    "croissant",
    "cœur",
    "bande",
)
_SIZE = 32
_CHUNK = 2_000  # images drawn at once: bounds the memory taken
# What the background of each class has more, or less, of: red, green, blue.
_TINTS = 0.12 * torch.tensor(
    [
        [1, 0, -1],
        [0, 1, -1],
        [-1, 0, 1],
        [0, -1, 1],
        [1, -1, 0],
        [-1, 1, 0],
        [1, 1, 1],
        [-1, -1, -1],
        [1, -1, 1],
        [-1, 1, 1],
    ]
)


def spirals(
    n: int, *, classes: int = 2, turns: float = 1.5, noise: float = 0.05, seed: int = 0
) -> tuple[Tensor, Tensor]:
    """Des spirales entrelacées dans le plan, une par classe.

    Args :
        n : nombre de points en tout ; les classes en ont autant, à un près.
        classes : nombre de spirales.
        turns : tours que fait chaque spirale autour de l'origine.
        noise : écart-type du bruit ajouté aux coordonnées ; le rayon va de 0,1 à 1.
        seed : graine.

    Renvoie :
        points : n × 2, float32.
        target : n, int64, classes mêlées.
    """
    generator = torch.Generator().manual_seed(seed)
    target = torch.arange(n)[torch.randperm(n, generator=generator)] % classes
    progress = torch.rand(n, generator=generator).sqrt()  # more points where the turns are long
    radius = 0.1 + 0.9 * progress
    angle = 2 * math.pi * (turns * progress + target / classes)
    points = radius[:, None] * torch.stack([angle.cos(), angle.sin()], dim=1)
    return points + noise * torch.randn(n, 2, generator=generator), target


def shapes(n: int, *, seed: int = 0) -> tuple[Tensor, Tensor]:
    """Des formes colorées sur un fond nuancé, dix classes (`SHAPES`), à la place de CIFAR-10.

    La forme seule fait la classe ; sa couleur, sa taille, sa position et son orientation varient au
    hasard. Le fond a une teinte un peu plus fréquente dans chaque classe, comme le bleu du ciel
    derrière les avions : un modèle linéaire, qui ne voit que cela, atteint environ 40 %, et un
    petit réseau à convolution plus de 95 %.

    Args :
        n : nombre d'images ; les classes en ont autant, à une près.
        seed : graine.

    Renvoie :
        images : n × 3 × 32 × 32, float32 dans [0, 1].
        target : n, int64, dans l'ordre de `SHAPES`, classes mêlées.
    """
    generator = torch.Generator().manual_seed(seed)
    target = torch.arange(n)[torch.randperm(n, generator=generator)] % len(SHAPES)
    return torch.cat([_draw(part, generator) for part in target.split(_CHUNK)]), target


def _draw(target: Tensor, generator: torch.Generator) -> Tensor:
    """Une image par indice de classe : B → B × 3 × 32 × 32."""

    def uniform(low: float, high: float, *shape: int) -> Tensor:
        return low + (high - low) * torch.rand(len(target), *shape, generator=generator)

    x, y = _coordinates(uniform)
    # Signed distances are negative inside: half a pixel of slope softens the edge.
    mask = torch.sigmoid(-_distance(x, y, target) * 24).unsqueeze(1)
    background, ink = _two_colours(uniform)
    background = background + _TINTS[target]
    slope = uniform(-0.15, 0.15, 3, 2)
    ramp = torch.linspace(-1, 1, _SIZE)
    background = (
        background[..., None, None]
        + slope[..., :1, None] * ramp[:, None]
        + slope[..., 1:, None] * ramp
    )
    image = background * (1 - mask) + ink[..., None, None] * mask
    noise = 0.08 * torch.randn(image.shape, generator=generator)
    return (image + noise).clamp(0, 1)


def _coordinates(uniform) -> tuple[Tensor, Tensor]:
    """Les pixels, dans le repère d'une forme de rayon 1 : x et y, B × 32 × 32 chacun."""
    grid = torch.linspace(-1, 1, _SIZE)
    scale, angle = uniform(0.45, 0.75, 1, 1), uniform(-0.35, 0.35, 1, 1)
    # A small shape has more room to move.
    x = (grid - uniform(-1, 1, 1, 1) * (0.85 - scale)) / scale
    y = (grid[:, None] - uniform(-1, 1, 1, 1) * (0.85 - scale)) / scale
    return x * angle.cos() + y * angle.sin(), y * angle.cos() - x * angle.sin()


def _two_colours(uniform) -> tuple[Tensor, Tensor]:
    """Deux couleurs contrastées, B × 3 chacune : l'une ou l'autre est la plus sombre."""
    dark, light = uniform(0.0, 0.4, 3), uniform(0.55, 1.0, 3)
    swap = uniform(0, 1, 1) < 0.5
    return torch.where(swap, light, dark), torch.where(swap, dark, light)


def _distance(x: Tensor, y: Tensor, target: Tensor) -> Tensor:
    """Distance signée (à peu près) à la forme de chaque image, dans son repère : B × 32 × 32."""
    distance = torch.empty_like(x)
    for label, function in enumerate(_DISTANCES):
        rows = target == label
        distance[rows] = function(x[rows], y[rows])
    return distance


def _disc(x: Tensor, y: Tensor, radius: float = 0.9) -> Tensor:
    return torch.hypot(x, y) - radius


def _ring(x: Tensor, y: Tensor) -> Tensor:
    return (torch.hypot(x, y) - 0.7).abs() - 0.2


def _square(x: Tensor, y: Tensor) -> Tensor:
    return torch.maximum(x.abs(), y.abs()) - 0.75


def _diamond(x: Tensor, y: Tensor) -> Tensor:
    return (x.abs() / 0.75 + y.abs() / 1.05 - 1) * 0.6


def _triangle(x: Tensor, y: Tensor) -> Tensor:
    return torch.maximum(y - 0.7, (1.8 * x.abs() - y - 0.9) / 2)


def _star(x: Tensor, y: Tensor) -> Tensor:
    # Folded onto half a branch, the edge is one line: from the tip, at radius 0.95 and angle 0, to
    # the notch, at radius 0.4 and angle 36 degrees.
    sector = 2 * math.pi / 5
    angle = ((torch.atan2(x, -y) + sector / 2).remainder(sector) - sector / 2).abs()
    radius = torch.hypot(x, y)
    return 0.351 * (radius * angle.cos() - 0.95) + 0.936 * radius * angle.sin()


def _cross(x: Tensor, y: Tensor) -> Tensor:
    a, b = x.abs(), y.abs()
    return torch.minimum(torch.maximum(a - 0.9, b - 0.28), torch.maximum(b - 0.9, a - 0.28))


def _crescent(x: Tensor, y: Tensor) -> Tensor:
    return torch.maximum(_disc(x, y), -_disc(x - 0.45, y, 0.75))


def _heart(x: Tensor, y: Tensor) -> Tensor:
    # Two discs, and the square whose sides are tangent to them.
    lobes = torch.hypot(x.abs() - 0.42, y + 0.3) - 0.48
    tip = torch.maximum(x.abs() + y - 0.8, x.abs() - y - 0.72) * 0.7
    return torch.minimum(lobes, tip)


def _band(x: Tensor, y: Tensor) -> Tensor:
    return torch.maximum(x.abs() - 0.95, y.abs() - 0.28)


_DISTANCES = (
    _disc,
    _ring,
    _square,
    _diamond,
    _triangle,
    _star,
    _cross,
    _crescent,
    _heart,
    _band,
)
