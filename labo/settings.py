"""Les réglages du cours, lus dans l'environnement : son profil, et ce qui s'allume ou s'éteint."""

import os
from collections.abc import Mapping
from enum import StrEnum


class Profile(StrEnum):
    """Les profils d'un cours : la taille des données et des entraînements."""

    TINY = "tiny"
    SMALL = "small"
    FULL = "full"


def profile() -> str:
    """Le profil choisi par la variable d'environnement `LABO_PROFILE`.

    "tiny" (correction et tests, quelques secondes), "small" (par défaut, un CPU suffit) ou "full"
    (toutes les données). À la correction, `LABO_GRADED_PROFILE` l'emporte : ce que le notebook a
    choisi n'y change rien.

    Erreurs :
        ValueError si la variable contient autre chose.
    """
    # A plain string, for a notebook shows it as it is.
    return chosen_profile().value


def chosen_profile(name: str | None = None) -> Profile:
    """Le profil de ce nom ou, par défaut, celui du cours ; ValueError s'il n'existe pas."""
    if name is None:
        graded = os.environ.get("LABO_GRADED_PROFILE")
        name = graded or os.environ.get("LABO_PROFILE") or Profile.SMALL
    try:
        return Profile(name)
    except ValueError:
        known = ", ".join(f"« {profile} »" for profile in Profile)
        message = f"Profil inconnu : « {name} ». Les profils (LABO_PROFILE) sont {known}."
        raise ValueError(message) from None


def is_on(name: str, environ: Mapping[str, str] = os.environ) -> bool:
    """Vrai si cette variable d'environnement est donnée, et n'est pas 0."""
    return environ.get(name, "0") not in ("", "0")
