"""Nombres, noms de mesures et erreurs du système, écrits à la française."""

import difflib
import errno
import math
from collections.abc import Iterable
from typing import SupportsFloat

NO_BREAK_SPACE = "\u00a0"
_NAMES = {"epoch": "époque", "time": "durée", "loss": "perte", "accuracy": "exactitude"}


_SYSTEM = {
    errno.ENOENT: "fichier ou dossier introuvable",
    errno.EACCES: "accès refusé",
    errno.EPERM: "opération refusée",
    errno.ENOSPC: "plus de place sur le disque",
    errno.EDQUOT: "quota dépassé",
    errno.EFBIG: "fichier trop gros",
    errno.EROFS: "disque en lecture seule",
    errno.EISDIR: "c'est un dossier",
    errno.ENOTDIR: "ce n'est pas un dossier",
    errno.EEXIST: "ce nom existe déjà",
    errno.ENOTEMPTY: "le dossier n'est pas vide",
    errno.ENAMETOOLONG: "nom trop long",
    errno.EILSEQ: "nom que ce disque ne peut écrire",
    errno.EBUSY: "occupé par un autre programme",
    errno.EIO: "le disque ne répond pas bien",
    errno.ESTALE: "le disque partagé ne répond plus",
    errno.ETIMEDOUT: "pas de réponse à temps",
    errno.EMFILE: "trop de fichiers ouverts",
    errno.ELOOP: "liens qui tournent en rond",
}


def system_error(error: OSError) -> str:
    """Ce que le système a refusé, en quelques mots sans majuscule."""
    if error.errno in _SYSTEM:
        return _SYSTEM[error.errno]
    return f"erreur {errno.errorcode.get(error.errno or 0, 'inconnue')} du système"


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Une question avec le plus proche des noms connus ; rien si aucun ne l'est."""
    folded = {one.casefold(): one for one in known}
    close = difflib.get_close_matches(name.casefold(), list(folded), n=1)
    return f"Vouliez-vous dire « {folded[close[0]]} » ?" if close else ""


def decimal(value: float, digits: int) -> str:
    """Écrit `value` avec une virgule et `digits` décimales : « 0,312 » pour (0.3124, 3)."""
    return f"{value:.{digits}f}".replace(".", ",")


def compact(value: SupportsFloat) -> str:
    """Écrit `value` avec une virgule, sans zéros inutiles : « 2 » pour 2.0, « 0,25 »."""
    return f"{float(value):g}".replace(".", ",")


def rounded(value: float, digits: int) -> str:
    """Écrit `value` avec une virgule et `digits` décimales au plus : « 4,5 » pour (4.501, 2)."""
    return f"{round(float(value), digits):.15g}".replace(".", ",")


def points(value: float) -> str:
    """Écrit un nombre de points : « 1,5 point », « 2 points »."""
    return f"{compact(value)} point{'s' if value >= 2 else ''}"


def count(value: int) -> str:
    """Écrit un entier par tranches de trois chiffres : « 60 000 »."""
    return f"{value:,}".replace(",", NO_BREAK_SPACE)


def measure_name(key: str) -> str:
    """Nom français d'une mesure de `labo.train` ; « accuracy » et « val_accuracy » ont le même."""
    key = key.removeprefix("val_")
    return _NAMES.get(key, key)


def measure_value(key: str, value: float) -> str:
    """Écrit la valeur d'une mesure avec son unité : « 3 », « 0,62 s », « 91,2 % », « 0,312 »."""
    key = key.removeprefix("val_")
    if key == "epoch":
        return str(value)
    if key == "time":
        return decimal(value, 1 if value >= 1 else 2) + NO_BREAK_SPACE + "s"
    if key == "accuracy":
        return decimal(value, 1) + NO_BREAK_SPACE + "%"
    if 0 < abs(value) < 0.001 or 10_000 <= abs(value) < math.inf:
        return f"{value:.1e}".replace(".", ",")
    return decimal(value, 3)
