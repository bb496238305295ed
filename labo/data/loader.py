"""Des lots tirés de tenseurs déjà en mémoire, sur le CPU ou sur le GPU."""

from collections.abc import Callable, Iterator, Sequence

import torch
from torch import Generator, Tensor

Augmentation = Callable[[Tensor, Generator], Tensor]


class BatchLoader:
    """Parcourt par lots des exemples déjà en mémoire.

    Remplace `torch.utils.data.DataLoader` quand les données tiennent en mémoire : les exemples d'un
    lot sont pris d'un seul coup dans le tenseur, sur son appareil, au lieu d'un à la fois.

        loader = labo.BatchLoader(x, y, batch_size=64, shuffle=True)
        for xb, yb in loader:      # une époque
            ...

    Args :
        input : tenseur dont la première dimension est celle des N exemples.
        target : tenseur des N cibles.
        batch_size : nombre d'exemples par lot ; le dernier lot peut être plus petit.
        shuffle : si vrai, chaque époque suit un nouvel ordre ; chaque exemple y paraît une fois.
        seed : graine du générateur propre à ce chargeur (ordre et augmentations). Deux chargeurs
            de même graine donnent les mêmes époques l'une après l'autre, sur un même type
            d'appareil ; l'état aléatoire global de torch n'est ni lu ni modifié.
        augment : une fonction `(x, generator) -> x`, ou une liste de telles fonctions appliquées
            dans l'ordre à chaque lot (voir `RandomCrop`, `RandomFlip`, `GaussianNoise`).
        device : où placer les tenseurs ; par défaut, là où se trouve `input`.
        drop_last : si vrai, laisse de côté le dernier lot s'il est incomplet.

    Attributs :
        generator : le générateur aléatoire ; `generator.get_state()` entre deux époques suffit à
            reprendre plus tard au même point.

    Erreurs :
        ValueError si les longueurs diffèrent, s'il n'y a aucun lot, ou si `batch_size` < 1.
    """

    def __init__(
        self,
        input: Tensor,
        target: Tensor,
        batch_size: int = 64,
        *,
        shuffle: bool = False,
        seed: int = 0,
        augment: Augmentation | Sequence[Augmentation] | None = None,
        device: torch.device | str | None = None,
        drop_last: bool = False,
    ) -> None:
        self.input = torch.as_tensor(input, device=device)
        self.target = torch.as_tensor(target, device=self.input.device)
        self.batch_size = batch_size
        self.shuffle = shuffle
        self.augment = _as_tuple(augment)
        self.drop_last = drop_last
        self.generator = Generator(self.input.device).manual_seed(seed)
        self._check()

    def _check(self) -> None:
        if len(self.input) != len(self.target):
            raise ValueError(
                f"input contient {len(self.input)} exemples et target {len(self.target)} : "
                "il faut une cible par exemple."
            )
        if self.batch_size < 1:
            raise ValueError(f"batch_size doit valoir au moins 1, et vaut {self.batch_size}.")
        if len(self) == 0:
            raise ValueError(
                f"Aucun lot à parcourir : {len(self.input)} exemples, "
                f"batch_size={self.batch_size}, drop_last={self.drop_last}."
            )

    def __len__(self) -> int:
        """Nombre de lots d'une époque."""
        full, rest = divmod(len(self.input), self.batch_size)
        return full + (rest > 0 and not self.drop_last)

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        batches = self._shuffled() if self.shuffle else self._in_order()
        for x, y in batches:
            for transform in self.augment:
                x = transform(x, self.generator)
            yield x, y

    def _in_order(self) -> Iterator[tuple[Tensor, Tensor]]:
        # Slices are views: nothing is copied.
        for start in range(0, len(self) * self.batch_size, self.batch_size):
            batch = slice(start, start + self.batch_size)
            yield self.input[batch], self.target[batch]

    def _shuffled(self) -> Iterator[tuple[Tensor, Tensor]]:
        device = self.input.device
        order = torch.randperm(len(self.input), generator=self.generator, device=device)
        for rows in order.split(self.batch_size)[: len(self)]:
            yield self.input.index_select(0, rows), self.target.index_select(0, rows)


def _as_tuple(augment: Augmentation | Sequence[Augmentation] | None) -> tuple[Augmentation, ...]:
    if augment is None:
        return ()
    return (augment,) if callable(augment) else tuple(augment)
