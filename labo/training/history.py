"""L'historique d'un entraînement."""

from dataclasses import dataclass

from labo.french import measure_name, measure_value

_LONGEST_TABLE = 20  # epochs


@dataclass(frozen=True)
class History:
    """Les mesures d'un entraînement, époque par époque.

    `history["val_accuracy"]` est la liste des exactitudes de validation, une par époque ;
    `len(history)` est le nombre d'époques faites ; `labo.plot_history(history)` trace les courbes.

    Attributs :
        epochs : un dictionnaire par époque, de clés `epoch`, `loss`, `accuracy` (en %), puis
            `val_loss` et `val_accuracy` s'il y a des données de validation, et `time` (secondes,
            validation comprise).
        stopped_early : l'arrêt précoce a mis fin à l'entraînement.
        interrupted : l'entraînement a été interrompu au clavier.
    """

    epochs: list[dict[str, float]]
    stopped_early: bool = False
    interrupted: bool = False

    def __getitem__(self, key: str) -> list[float]:
        if self.epochs and key not in self.epochs[0]:
            known = ", ".join(self.epochs[0])
            raise KeyError(f"Mesure inconnue : « {key} ». Mesures de cet historique : {known}.")
        return [epoch[key] for epoch in self.epochs]

    def __len__(self) -> int:
        return len(self.epochs)

    def __repr__(self) -> str:
        if not self.epochs:
            return "Historique vide : aucune époque terminée."
        keys = list(self.epochs[0])
        head = [measure_name(k) + (" (val.)" if k.startswith("val_") else "") for k in keys]
        rows = [[measure_value(k, epoch[k]) for k in keys] for epoch in self.epochs]
        if len(rows) > _LONGEST_TABLE:
            half = _LONGEST_TABLE // 2
            rows[half:-half] = [["…"] * len(keys)]
        widths = [max(map(len, column)) for column in zip(head, *rows, strict=True)]
        return "\n".join(
            "   ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True))
            for row in [head, *rows]
        )
