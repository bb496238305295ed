"""Les réponses qui ne sont pas du Python, et ce qu'en dit la vérification qui les attend."""

import ast
import re

_DEFINED = re.compile(r"^(?:async +def|def|class) +(\w+)", re.MULTILINE)


class Unreadable:
    """Les fonctions et classes dont la dernière cellule exécutée ne se lit pas."""

    def __init__(self) -> None:
        self.errors: dict[str, SyntaxError] = {}

    def note(self, cell: str, error: BaseException | None) -> None:
        """Retient ce qu'est devenue une cellule : son erreur avant toute exécution, s'il y en a."""
        for name in _DEFINED.findall(cell):
            self.errors.pop(name, None)
            if isinstance(error, SyntaxError):
                self.errors[name] = _as_python_says(cell, error)

    def explain(self, check: str) -> str | None:
        """Une phrase sur ce que cette vérification emploie et qui ne se lit pas ; sinon None."""
        for name, error in self.errors.items():
            if re.search(rf"\b{name}\b", check):
                line = f"ligne {error.lineno}, « {(error.text or '').strip()} » ({error.msg})"
                return f"la cellule de l'exercice « {name} » ne se lit pas : {line}."
        return None


def _as_python_says(cell: str, error: SyntaxError) -> SyntaxError:
    """IPython dit d'une parenthèse ouverte que la suite manque ; Python, où elle est."""
    if error.msg == "incomplete input":
        try:
            ast.parse(cell)
        except SyntaxError as plain:
            return plain
    return error
