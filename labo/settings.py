"""Le profil du cours : la taille des données et des entraînements."""

import os

PROFILES = ("tiny", "small", "full")


def profile() -> str:
    """Le profil choisi par la variable d'environnement `LABO_PROFILE`.

    "tiny" (correction et tests, quelques secondes), "small" (par défaut, un CPU suffit) ou "full"
    (toutes les données).

    Erreurs :
        ValueError si la variable contient autre chose.
    """
    return checked_profile(os.environ.get("LABO_PROFILE") or "small")


def checked_profile(name: str) -> str:
    """`name`, s'il est un profil ; sinon, ValueError."""
    if name not in PROFILES:
        known = ", ".join(f"« {known} »" for known in PROFILES)
        raise ValueError(f"Profil inconnu : « {name} ». Les profils (LABO_PROFILE) sont {known}.")
    return name
