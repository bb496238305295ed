"""Ce qu'un exercice ne doit pas contenir : des noms, une boucle, une récursion, un détour."""

from collections.abc import Iterator
from fnmatch import fnmatchcase
from importlib.util import find_spec

from labo.bans.program import Program, Statement
from labo.bans.uses import LOOPING_ATTRIBUTES, LOOPING_BUILTINS, Use

# What names a thing without writing its name, or works where no recording looks.
_DETOURS = {
    *("eval", "exec", "compile", "globals", "locals", "vars", "breakpoint", "get_ipython"),
    *("getattr", "setattr", "delattr", "__import__"),
}
_HIDDEN_ATTRIBUTES = {
    *("__dict__", "__globals__", "__builtins__", "__code__", "__closure__", "__getattribute__"),
    *("__subclasses__", "__getattr__", "attrgetter", "methodcaller", "import_module"),
    *("resolve_name", "get_type_hints", "get_field", "CompilationUnit", "call_method"),
    *("get_objects", "get_referrers", "get_referents"),
}
_MODULES = {
    *("threading", "_thread", "concurrent", "multiprocessing", "subprocess", "joblib"),
    *("importlib", "builtins", "inspect", "ctypes", "cffi", "pickle", "marshal", "dill"),
    *("pkgutil", "timeit", "code", "codeop", "pdb", "doctest", "profile", "cProfile", "trace"),
    *("IPython", "runpy", "__main__", "grader", "bans", "profiler", "overrides"),
}
# Attributes of modules that are a module too, or read pickled functions from bytes.
_OF_MODULES = _MODULES - {"code", "trace", "profile"} | {"load"}
# With these, a notebook rewrites itself: what runs is no longer what is read.
_REWRITES = {
    *("__code__", "__globals__", "__builtins__", "user_ns", "user_global_ns"),
    *("run_cell", "run_code", "input_transformers_cleanup", "input_transformers_post"),
    *("input_transformer_manager", "ast_transformers"),
    *("get_objects", "get_referrers", "get_referents"),
}
_REWRITING_BUILTINS = {"exec", "__import__"}
_REWRITING_MODULES = {"builtins", "importlib", "__main__", "ctypes", "grader", "bans"}


def check(
    program: Program, name: str, words: tuple[str, ...], *, loops: bool, recursion: bool
) -> None:
    """Vérifie tout ce qu'un exercice atteint.

    Args :
        name : celui de l'exercice.
        words : les noms interdits, en minuscules ; `*` y vaut n'importe quelle suite de lettres.

    Erreurs :
        AssertionError, qui nomme ce qui a été trouvé, et où.
    """
    reached = program.reached(name)
    if not reached:
        raise AssertionError(f"aucune cellule ne définit `{name}` par son nom")
    for statement in reached:
        _check_detours(statement, program)
        for use in _written(statement, program):
            if any(fnmatchcase(use.word.lower(), word) for word in words):
                _refuse(use, statement, "interdit dans cet exercice")
        if loops:
            for use in _loops(statement, program):
                _refuse(use, statement, "cet exercice se fait sans boucle")
    if loops or recursion:
        _check_recursion(reached, program)


def check_rewriting(cells: list[str]) -> None:
    """Vérifie que ces cellules n'en changent pas d'autres une fois écrites.

    Erreurs :
        AssertionError, qui nomme ce qui a été trouvé, et où.
    """
    program = Program(cells)
    for statement in program.statements:
        used = statement.uses
        found = [
            *used.rewrites,
            *(use for use in used.names if use.word in _REWRITING_BUILTINS),
            *(use for use in used.names if use.word in _REWRITES and not program.binds(use.word)),
            *(use for use in (*used.attributes, *used.patches) if use.word in _REWRITES),
            *(use for use in used.imports if use.word in _REWRITING_MODULES | _REWRITES),
        ]
        for use in found:
            _refuse(use, statement, "un notebook noté ne se réécrit pas lui-même")


def _refuse(use: Use, statement: Statement, why: str) -> None:
    word = use.word.lstrip(".")
    raise AssertionError(f"`{word}` à la ligne {use.line} de {statement.label} : {why}")


def _check_detours(statement: Statement, program: Program) -> None:
    used = statement.uses
    found = [
        *used.hidden,
        *(
            use
            for use in used.names
            if use.word in _DETOURS | _HIDDEN_ATTRIBUTES and not program.binds(use.word)
        ),
        *(use for use in used.attributes if use.word in _HIDDEN_ATTRIBUTES),
        *(use for use in used.attributes if (use.root, use.word) == ("sys", "modules")),
        *(
            use
            for use in used.attributes
            if use.root in program.imported and (_is_private(use.word) or use.word in _OF_MODULES)
        ),
        *(use for use in used.imports if use.word in _HIDDEN_ATTRIBUTES | _MODULES),
        *(use for use in used.imports if _is_private(use.word)),
    ]
    for use in found:
        _refuse(use, statement, "cet exercice écrit ce qu'il emploie, sans détour")
    for use in used.imports:
        if find_spec(use.root) is None:
            _refuse(use, statement, "ce module n'existe pas à la correction")


def _is_private(word: str) -> bool:
    return word.startswith("_") and not word.endswith("_")


def _written(statement: Statement, program: Program) -> Iterator[Use]:
    """Les noms d'une instruction qui ne sont pas ceux de l'étudiant."""
    used = statement.uses
    yield from used.imports
    yield from (use for use in used.names if not program.binds(use.word))
    own = {name for other in program.statements for name in other.uses.own}
    yield from (use for use in used.attributes if not (use.root == "self" and use.word in own))


def _loops(statement: Statement, program: Program) -> Iterator[Use]:
    used = statement.uses
    looping = LOOPING_BUILTINS | LOOPING_ATTRIBUTES
    yield from used.loops
    yield from (u for u in used.imports if u.word in looping and not program.binds(u.word))
    for use in used.names:
        own = program.binds(use.word) and use.word not in program.imported
        if use.word in looping and not own:
            yield use
    for use in used.attributes:
        # `np.add.reduce` is no loop, `functools.reduce` is.
        module = program.modules.get(use.root, use.root)
        if use.word in LOOPING_ATTRIBUTES or (use.word in LOOPING_BUILTINS and module in _TOOLS):
            yield use


_TOOLS = {"functools", "itertools", "builtins"}


def _check_recursion(reached: list[Statement], program: Program) -> None:
    """Refuse une fonction qui s'appelle, elle-même ou par une autre."""
    functions = [(s, *function) for s in reached for function in s.uses.functions]
    calls = {name: set[str]() for _, name, _, _ in functions}
    for _, name, _, mentioned in functions:
        calls[name] |= mentioned & calls.keys()
    for statement, name, line, _ in functions:
        seen, waiting = set[str](), [name]
        while waiting:
            following = calls[waiting.pop()] - seen
            seen |= following
            waiting += following
        if name in seen:
            _refuse(Use(name, line), statement, "cet exercice se fait sans récursion")
