"""The titles of columns by which platforms name what we need of a student."""

from __future__ import annotations

from collections.abc import Mapping

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

_ORG_ID = ("orgdefinedid", "org defined id")
_USERNAME = ("username", "user name", "nom d utilisateur", "nom utilisateur")
_ID_NUMBER = ("id number", "numero d identification", "matricule")
_SIS_LOGIN = tuple(name for name in COLUMNS["id"] if "sis" in name)
_SIS_USER = tuple(name for name in COLUMNS["lms_user_id"] if "sis" in name)
# The columns by which each platform knows its students: its own title, those that are recognised.
IDENTIFIERS: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "moodle": {
        "Username": _USERNAME,
        "ID number": _ID_NUMBER,
        "Email address": COLUMNS["email"],
    },
    "canvas": {
        "ID": ("id", "canvas id", "identifiant"),
        "SIS User ID": _SIS_USER,
        "SIS Login ID": _SIS_LOGIN,
    },
    "brightspace": {"OrgDefinedId": _ORG_ID, "Username": _USERNAME},
}
IDENTIFIERS = {"plain": {k: v for each in IDENTIFIERS.values() for k, v in each.items()}} | dict(
    IDENTIFIERS
)
# A column of these titles holds the gradebook's own names.
OURS = ("student id", "nbgrader id", "nbgrader", "student", "etudiant", "etudiant e")
