"""The engine's messages to students."""

from __future__ import annotations

import re
from typing import Any

from grader.engine.report import Status
from labo.french import compact
from labo.french import points as written

STATUS = {
    Status.FAILED: "Test échoué",
    Status.ERROR: "Test interrompu",
    Status.TIMEOUT: "Temps dépassé",
    Status.NOT_RUN: "Test non exécuté",
}


def failed() -> str:
    return "Le test a échoué."


def raised(name: str, message: str, frames: str) -> str:
    return f"Votre code a levé {name} : {message}\n{frames}".rstrip()


def name_raised(message: str) -> str:
    """The exception's name in a message made by `raised`, otherwise nothing."""
    found = re.search(r"(?m)^Votre code a levé (.*?) : ", message)
    return found[1] if found else ""


def broke_the_test(error: str) -> str:
    return f"Le résultat n'est pas de la nature attendue ({error})."


def wrong_nature(explanation: str) -> str:
    return f"Le résultat n'est pas de la nature attendue : {explanation}."


def expected(nature: str, kind: str) -> str:
    return f"il faut {nature}, et non {an_object(kind)}"


def unreadable() -> str:
    return (
        "il faut une valeur que le test puisse lire, et non une liste très longue, un objet trop"
        " grand ou un tenseur creux (`.to_dense()` en fait un tenseur ordinaire)"
    )


def another_length(kind: str) -> str:
    found = an_object(kind)
    return f"il faut autant d'éléments que `len` en dit, et non {found} qui en dit un autre"


def an_object(kind: str) -> str:
    return f"un objet de la classe {kind}"


def not_a_test() -> str:
    return "Ce test ne peut pas être corrigé tel qu'il est écrit : l'équipe du cours est prévenue."


def passed_over(what: str) -> str:
    return f"« {what} » n'existe pas à la correction : cette ligne est passée, la suite s'exécute."


def cell_passed_over(what: str) -> str:
    return f"« {what} » n'existe pas à la correction : cette cellule est passée."


def nobody_answers(prompt: str) -> str:
    question = f"« {prompt.strip()} » : " if prompt.strip() else ""
    return f"{question}personne ne répond à `input()` à la correction"


def not_installed(module: str) -> str:
    return f"Le paquet « {module} » n'est pas installé à la correction."


NO_PROGRAM = "Aucun autre programme ne peut être lancé à la correction."
NO_NETWORK = "Il n'y a pas d'accès à Internet à la correction."


def no_file(name: str) -> str:
    return f"Le fichier « {name} » n'accompagne pas le notebook à la correction."


def undefined(name: str) -> str:
    return f"Le test a besoin de « {name} », que le notebook ne définit pas."


def undefined_name(message: str) -> str:
    """The name in a message made by `undefined`, or by Python in a student's traceback."""
    found = re.search(r"besoin de « (\w+) »|name '(\w+)' is not defined", message)
    return found[1] or found[2] if found else ""


def caused(name: str, number: int, error: str) -> str:
    return (
        f"« {name} » devait être défini par la cellule de code n° {number} du notebook, qui s'est"
        f" arrêtée : {error}"
    )


def too_long(seconds: float) -> str:
    return f"Cette cellule a été arrêtée : elle durait plus de {seconds:g} s."


def notebook_too_long(seconds: float) -> str:
    return f"Ce notebook a été arrêté : en tout, il durait plus de {seconds:g} s."


def nobody_waits() -> str:
    return "La fonction du test est appelée quand plus rien n'attend son résultat."


def not_for_the_test(reason: str) -> str:
    return (
        "Une fonction du test reçoit des nombres, des textes, des listes, des dictionnaires, des"
        " tableaux et des tenseurs, mais ni vos objets, ni vos fonctions, ni un itérateur :"
        f" faites-en une liste ({reason})."
    )


def another_process() -> str:
    return (
        "Une fonction du test ne s'appelle pas d'un autre processus (`os.fork`, multiprocessing)."
    )


def calls_within_calls() -> str:
    return "Votre code et une fonction du test s'appellent l'un l'autre, sans fin peut-être."


def ended() -> str:
    return "Le code de ce notebook a mis fin à son propre processus."


def not_run(reason: str) -> str:
    return f"Ce test n'a pas pu être exécuté. {reason}"


def too_much(what: str) -> str:
    return f"Le code de ce notebook a été arrêté : {what}."


def outputs_left_out() -> str:
    return "(sorties trop volumineuses, non conservées)"


def cut(text: str, longest: int) -> str:
    """The text, or its beginning."""
    return text if len(text) <= longest else f"{text[:longest]}\n… (texte tronqué)"


def partial(score: float, points: float) -> str:
    return f"Réussite partielle : {written(score)} sur {compact(points)}."


def not_a_score(value: Any, points: float) -> str:
    shown = repr(value)[:60] if isinstance(value, int | float | str) else type(value).__name__
    return f"Ce test a donné {shown} au lieu d'un nombre entre 0 et {points:g} : prévenez le cours."


def killed(name: str) -> str:
    return f"Le code de ce notebook a fait planter Python ({name})."


def trouble() -> str:
    return "La correction a rencontré un problème : l'équipe du cours est prévenue."
