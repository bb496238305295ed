"""Rendre torchvision importable même quand ses opérateurs compilés ne se chargent pas.

torchvision contient une partie compilée, liée à une version précise de torch. Quand torch est en
version CPU seule et torchvision en version CUDA (cas courant sur un portable ou un nœud sans GPU),
cette partie ne se charge pas, et `import torchvision` échoue avec
« operator torchvision::nms does not exist », car torchvision veut décrire des opérateurs qui
n'existent pas. Les jeux de données, les transformations et les modèles sont pourtant écrits en
Python et n'en ont pas besoin : il suffit de déclarer ces opérateurs, sans les implémenter.

Poutyne aussi importe torchvision (par torchmetrics). Tout ce qui, dans `labo`, se sert de l'un ou
de l'autre appelle donc d'abord `ensure_torchvision`.
"""

import importlib
import sys
from types import ModuleType

import torch

# The operators that torchvision describes without checking that they were loaded.
_OPERATORS = ("nms", "qnms")
_SCHEMA = "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor"


def ensure_torchvision() -> ModuleType:
    """Importe torchvision, en déclarant ses opérateurs compilés si, et seulement si, ils manquent.

    Sans effet là où `import torchvision` fonctionne déjà ; peut être appelée plusieurs fois. Après
    une déclaration, `torchvision.datasets`, `transforms` et `models` s'emploient normalement ; un
    appel à `torchvision.ops.nms` (détection d'objets) échoue toujours.

    Renvoie :
        le module `torchvision`.

    Erreurs :
        ModuleNotFoundError si torchvision n'est pas installé ; toute autre erreur d'importation
        est laissée telle quelle.
    """
    try:
        return _import()
    except ModuleNotFoundError as error:
        if error.name != "torchvision":
            raise
        raise ModuleNotFoundError(
            "torchvision n'est pas installé dans cet environnement. "
            f"Installez-le à côté de torch {torch.__version__} : « pip install torchvision ».",
            name="torchvision",
        ) from error
    except RuntimeError as error:
        if "operator torchvision::" not in str(error):
            raise
    for operator in _OPERATORS:
        torch.library.define(f"torchvision::{operator}", _SCHEMA)
    return _import()


def _import() -> ModuleType:
    if "torchvision" not in sys.modules:
        # A failed import, here or earlier in the notebook, leaves submodules behind; reused,
        # they would not be bound to their parent.
        for name in [name for name in sys.modules if name.startswith("torchvision.")]:
            del sys.modules[name]
    return importlib.import_module("torchvision")
