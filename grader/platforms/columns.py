"""The forms in which grades leave, and the titles of columns in the tables of platforms."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum


class Format(StrEnum):
    """A table of grades: all that the gradebook has, or what a platform imports."""

    PLAIN = "plain"
    MOODLE = "moodle"
    CANVAS = "canvas"
    BRIGHTSPACE = "brightspace"


class Excel(StrEnum):
    """A spreadsheet whose language says how a CSV file is to be written."""

    FR = "fr"


# The columns of Moodle, Canvas, Brightspace and nbgrader itself, in English and French, as
# `sheet.key` has them; the first that is there counts.
COLUMNS: Mapping[str, tuple[str, ...]] = {
    "id": (
        "student id", "nbgrader id", "username", "user name", "nom d utilisateur",
        "nom utilisateur", "sis login id", "id de connexion sis", "identifiant de connexion sis",
        "identifiant de connexion au sis", "login id", "login", "idul", "identifiant", "id",
    ),
    "first_name": ("first name", "firstname", "given name", "prenom", "prenom s"),
    "last_name": ("last name", "lastname", "surname", "family name", "nom de famille", "nom"),
    "email": (
        "email", "email address", "e mail", "mail", "courriel", "adresse de courriel",
        "adresse courriel", "adresse electronique", "adresse e mail", "adresse mail",
        "adresse de messagerie",
    ),
    "lms_user_id": (
        "lms user id", "orgdefinedid", "org defined id", "sis user id", "id utilisateur sis",
        "id utilisateur du sis", "id number", "numero d identification", "matricule",
        "numero de dossier", "numero etudiant", "ni", "id",
    ),
}  # fmt: skip
WHOLE_NAME = ("student", "student name", "etudiant", "etudiant e", "full name", "nom complet")
# Lines of Canvas that are nobody.
POINTS = ("points possible", "points possibles")
NOBODY = (*POINTS, "student test", "etudiant test")
# A column of these titles holds the gradebook's own names.
STUDENT_ID = ("student id", "nbgrader id", "nbgrader", "student", "etudiant", "etudiant e")

_ORG_ID = ("orgdefinedid", "org defined id")
_USERNAME = ("username", "user name", "nom d utilisateur", "nom utilisateur")
_ID_NUMBER = ("id number", "numero d identification", "matricule")
_SIS_LOGIN = tuple(name for name in COLUMNS["id"] if "sis" in name)
_SIS_USER = tuple(name for name in COLUMNS["lms_user_id"] if "sis" in name)
# The columns by which each platform knows its students: its own title, those that are recognised.
IDENTIFIERS: dict[Format, Mapping[str, tuple[str, ...]]] = {
    Format.MOODLE: {
        "Username": _USERNAME,
        "ID number": _ID_NUMBER,
        "Email address": COLUMNS["email"],
    },
    Format.CANVAS: {
        "ID": ("id", "canvas id", "identifiant"),
        "SIS User ID": _SIS_USER,
        "SIS Login ID": _SIS_LOGIN,
    },
    Format.BRIGHTSPACE: {"OrgDefinedId": _ORG_ID, "Username": _USERNAME},
}
IDENTIFIERS[Format.PLAIN] = {
    title: names for platform in IDENTIFIERS.values() for title, names in platform.items()
}
# By these a header is known among the first lines of a file.
KNOWN_TITLES = frozenset(
    title
    for names in (*COLUMNS.values(), *IDENTIFIERS[Format.PLAIN].values(), WHOLE_NAME, STUDENT_ID)
    for title in names
)
