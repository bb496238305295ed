"""Les outils des laboratoires : appareil, données, entraînement, figures.

    import labo

    device = labo.device()
    data = labo.load_dataset("mnist").normalized().flattened()

`help(labo.load_dataset)`, par exemple, donne le mode d'emploi d'une fonction.
"""

import os
import sys
from importlib import import_module
from typing import Any

# Threads of torch that have nothing to do yet leave the core to others instead of spinning on it:
# on a shared machine a small network's step takes hundreds of times as long otherwise. OpenMP reads
# this once, when torch is imported, so a hub sets it too, for notebooks that import torch first.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")

__version__ = "0.1.0"

# Where each public name lives. A module is imported when one of its names is first used, so that
# `import labo` costs nothing: torchvision, matplotlib and Poutyne take seconds.
_PUBLIC = {
    "BatchLoader": "data.loader",
    "DataNotFoundError": "data.catalogue",
    "GaussianNoise": "data.augment",
    "History": "training.history",
    "ImageData": "data.datasets",
    "RandomCrop": "data.augment",
    "RandomFlip": "data.augment",
    "Vocabulary": "data.texts",
    "check": "coursework.selfcheck",
    "device": "machine.accelerator",
    "ensure_torchvision": "training.torchvision_compat",
    "evaluate": "training.loop",
    "first_names": "data.texts",
    "load_data": "data.prologue",
    "load_dataset": "data.datasets",
    "needs": "coursework.exercises",
    "numbers_in_words": "data.texts",
    "parse_options": "data.prologue",
    "plot_attention": "overlays",
    "plot_boxes": "overlays",
    "plot_confusion": "figures",
    "plot_history": "figures",
    "plot_images": "figures",
    "plot_overlay": "overlays",
    "plot_predictions": "figures",
    "plot_templates": "figures",
    "profile": "settings",
    "scenes": "data.scenes",
    "shapes": "data.synthetic",
    "spirals": "data.synthetic",
    "submit": "coursework.answer",
    "threads_for": "training.threads",
    "train": "training.loop",
}

__all__ = sorted(_PUBLIC)


def __getattr__(name: str) -> Any:
    if name not in _PUBLIC:
        raise AttributeError(f"labo n'a pas de nom « {name} ». Noms : {', '.join(__all__)}.")
    value = getattr(import_module(f"labo.{_PUBLIC[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__


def _install_display() -> None:
    """Dans un notebook : vérifications qui parlent, erreurs courtes, axes avec des virgules."""
    ipython = sys.modules.get("IPython")  # which a notebook has always imported
    shell = ipython.get_ipython() if ipython else None
    if shell is not None:
        import_module("labo.coursework.display").install(shell)
        import_module("labo.axes").install(shell)


_install_display()
