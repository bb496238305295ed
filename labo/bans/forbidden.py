"""Ce qu'un exercice ne doit pas contenir : des noms, une boucle, une récursion, un détour."""

import ast
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fnmatch import translate
from functools import lru_cache
from importlib.util import find_spec

from labo.bans.allowed import MODULES, PRIVATE, SPECIAL
from labo.bans.fingerprints import written
from labo.bans.implicit import implicit_loops, values
from labo.bans.live import Answer, Question
from labo.bans.modules import misused
from labo.bans.program import Program, Statement, program_of
from labo.bans.uses import LOOPING_ATTRIBUTES, LOOPING_BUILTINS, Use, is_special

# Libraries that give another one's objects: `checks.nn`, `ToTensor()(array)`.
_BUILT_ON = {"torch": ("torch*", "labo", "poutyne")}

Compared = Callable[[Question], Answer]

# What names a thing without writing its name, or works where no recording looks.
_DETOURS = {
    *("eval", "exec", "compile", "globals", "locals", "vars", "breakpoint", "get_ipython"),
    *("getattr", "setattr", "delattr", "__import__", "__annotations__"),
}
_HIDDEN_ATTRIBUTES = {
    *("attrgetter", "methodcaller", "in_turn", "call_in_turn", "recorded_in_turn"),
    *("update_wrapper", "import_module"),
    *("get_type_hints", "ForwardRef", "Formatter", "get_field", "CompilationUnit", "call_method"),
    *("make_dataclass", "new_class", "runstring", "rundocs", "resolve_name"),
    *("CodeType", "FunctionType", "LambdaType", "f_code", "gi_code", "cr_code", "ag_code"),
    *("gi_frame", "cr_frame", "ag_frame", "tb_frame"),
    *("f_back", "f_builtins", "f_globals", "f_locals"),
    *("__self__", "__func__", "__wrapped__", "__closure__", "__traceback__", "__getattribute__"),
    *("__subclasses__", "__mro__", "__base__", "__bases__", "__loader__", "__spec__"),
}
# What a class has without writing it: a dataclass runs the names of its annotations as a text.
_OF_CLASSES = {"__dict__", "__annotations__"}
_MODULES = {
    *("threading", "_thread", "concurrent", "multiprocessing", "subprocess", "joblib"),
    *("importlib", "builtins", "inspect", "ctypes", "cffi", "pickle", "marshal", "dill"),
    *("pkgutil", "timeit", "code", "codeop", "pdb", "doctest", "profile", "cProfile", "trace"),
    *("IPython", "runpy", "__main__", "grader", "bans", "profiler", "overrides"),
}
# Attributes that are a module too, run texts, or read pickled functions from bytes.
_OF_MODULES = _MODULES - {"code", "trace", "profile"} | {
    *("load", "sys", "fx", "jit", "hub", "cpp_extension", "serialization", "benchmark"),
}
# These are common words, but of a module.
_OF_IMPORTED = {"measure", "library", "package"}
# With these, a notebook rewrites itself: what runs is no longer what is read.
_REWRITES = {
    *("__code__", "__globals__", "__builtins__", "user_ns", "user_global_ns"),
    *("run_cell", "run_code", "input_transformers_cleanup", "input_transformers_post"),
    *("input_transformer_manager", "ast_transformers"),
    *("get_objects", "get_referrers", "get_referents"),
    *("TorchFunctionMode", "TorchDispatchMode", "Library"),
}
_REWRITING_BUILTINS = {"exec", "__import__"}
_REWRITING_MODULES = {"__main__", "ctypes", "grader", "bans"}
_NO_LOOP = "cet exercice se fait sans boucle"
_CALLED_FOR_YOU = "ce que Python, ou une autre fonction, appelle à votre place peut en être une"
# What a notebook may ask of those that could rewrite it too.
_ASKED_OF = {
    "builtins": re.compile(r"(?!exec\b|eval\b|compile\b|globals\b|vars\b|locals\b|_)\w"),
    "importlib": re.compile(r"(reload|metadata|resources|util\.find_spec)\b"),
}


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
    banned = _any_of(words + tuple(lib for word in words for lib in _BUILT_ON.get(word, ())))
    reached = program.reached(name)
    if not reached:
        raise AssertionError(f"aucune cellule ne définit `{name}` par son nom")
    for statement in reached:
        _check_detours(statement, program)
        for use in _written(statement, program):
            if banned.match(use.word.lower()):
                _refuse(use, statement, "interdit dans cet exercice")
        if loops:
            for use in _loops(statement, program):
                _refuse(use, statement, _NO_LOOP)
            for use in _implicit_loops(statement, program):
                _refuse(use, statement, f"{_NO_LOOP} ; {_CALLED_FOR_YOU}")
    for statement in reached:
        _check_modules(statement, program)
    if loops or recursion:
        _check_recursion(reached, program)


@lru_cache
def _any_of(words: tuple[str, ...]) -> re.Pattern:
    """Ce à quoi répond un nom interdit ; rien, s'il n'y en a pas."""
    return re.compile("|".join(map(translate, words)) or r"(?!)")


def check_rewriting(cells: list[str]) -> None:
    """Vérifie que ces cellules n'en changent pas d'autres une fois écrites.

    Erreurs :
        AssertionError, qui nomme ce qui a été trouvé, et où.
    """
    program = program_of(*cells)
    for statement in program.statements:
        used = statement.uses
        found = [
            *used.rewrites,
            *(use for use in used.names if use.word in _REWRITING_BUILTINS),
            *(use for use in used.names if use.word in _REWRITES and not program.binds(use.word)),
            *(use for use in (*used.attributes, *used.patches) if use.word in _REWRITES),
            *(use for use in used.imports if use.word in _REWRITING_MODULES | _REWRITES),
            *_used_otherwise(statement, program),
        ]
        for use in found:
            _refuse(use, statement, "un notebook noté ne se réécrit pas lui-même")


@dataclass(frozen=True)
class Doubts:
    """Ce qu'un exercice peut employer sans qu'on le sache : à lire par qui corrige.

    Attributs :
        replaced : les fonctions de modules qu'une cellule remplace par leur nom, et que l'exercice
            n'écrit pas : ce qu'il emploie pourrait les appeler.
        held : ce qui est interdit, et que tiennent des valeurs qu'il lit.
        by_magic : les noms qu'il lit et que lie une commande d'IPython.
    """

    replaced: set[str]
    held: set[str]
    by_magic: set[str]


def _used_otherwise(statement: Statement, program: Program) -> Iterator[Use]:
    """Ce qu'une instruction fait de `builtins` ou d'`importlib`, et qui pourrait réécrire."""
    for origin in statement.uses.origins.values():
        module, _, rest = origin.partition(".")
        if module in _ASKED_OF and rest == "*":
            yield Use(module, 1)
    if not _ASKED_OF.keys().isdisjoint(program.modules_imported):
        for chain in statement.uses.chains:
            for origin in program.origins(chain.words[0], statement):
                module, _, rest = ".".join((origin, *chain.words[1:])).partition(".")
                if module in _ASKED_OF and not _ASKED_OF[module].match(rest):
                    yield Use(chain.words[-1], chain.line)


def check_live(
    program: Program, name: str, words: tuple[str, ...], compared: Compared, *, loops: bool
) -> Doubts:
    """Vérifie que ce dont dépend un exercice est, dans le notebook exécuté, ce qui a été lu.

    Args :
        words, loops : ce qui est interdit, comme dans `check`.
        compared : ce que le notebook a fait des noms, et de ce qu'ils tiennent.

    Erreurs :
        AssertionError, qui dit le nom.
    """
    reached = program.reached(name)
    code, read = written(reached), set(reached)
    used = {use.word for s in reached for use in (*s.uses.names, *s.uses.attributes)}
    used |= {origin.rpartition(".")[2] for s in reached for origin in s.uses.origins.values()}
    found = compared(
        Question(
            names=code.names,
            prints=sorted(code.prints),
            words=sorted(used),
            origins=_origins(reached, program),
            paths=sorted(set(_paths(reached, program))),
            patched=sorted(program.patched),
            patches_read=sorted(
                path for path, by in program.patched.items() if not read.isdisjoint(by)
            ),
        )
    )
    for other in code.of_other_code(found.prints):
        raise AssertionError(
            f"`{other}` n'est pas ce que sa cellule définit : une cellule s'est arrêtée avant, ou "
            "le notebook l'a remplacé sans l'écrire"
        )
    by_magic = set(filter(program.may_bind_by_magic, found.unwritten))
    for other in sorted(found.unwritten - by_magic):
        raise AssertionError(
            f"`{other}` désigne autre chose que ce que les cellules écrivent : le notebook l'a "
            "remplacé sans l'écrire"
        )
    # One that the exercise does not write, and that a cell replaces elsewhere too, is told only.
    told = (found.replaced & program.patches.keys()) - used
    for other in sorted(found.replaced - told):
        raise AssertionError(f"`{other}` d'un module est remplacé sans que ce soit écrit")
    refused = _refused(words, loops=loops)
    for other in sorted(filter(refused, found.direct)):
        raise AssertionError(f"`{other}`, sous un nom du notebook : interdit dans cet exercice")
    held = set(filter(refused, found.held)) | ({"for"} if loops and found.loops else set())
    replaced_here = {use.word for statement in reached for use in statement.uses.patches}
    return Doubts((found.patched - replaced_here) | told, held, by_magic)


def _origins(reached: Sequence[Statement], program: Program) -> dict[str, list[str]]:
    """Ce que peut désigner chaque nom qu'aucune instruction, sauf un `import`, ne lie."""
    read = {use.word for statement in reached for use in statement.uses.names}
    return {word: sorted(program.imports_of(word)) for word in sorted(read - program.bound)}


def _paths(reached: Sequence[Statement], program: Program) -> Iterator[str]:
    """Ce que ces instructions lisent de modules, comme "torch.nn.functional.relu"."""
    for statement in reached:
        for chain in statement.uses.chains:
            for origin in program.origins(chain.words[0], statement):
                yield ".".join((origin, *chain.words[1:]))


def _refused(words: tuple[str, ...], *, loops: bool) -> Callable[[str], bool]:
    """Dit si un nom est interdit, ou sert un détour."""
    banned, hidden = _any_of(words), _DETOURS | _HIDDEN_ATTRIBUTES
    looping = LOOPING_BUILTINS | LOOPING_ATTRIBUTES if loops else set[str]()
    return lambda word: bool(banned.match(word.lower())) or word in hidden | looping


def patched(cells: list[str]) -> set[str]:
    """Les attributs que ces cellules donnent, par leur nom, à autre chose qu'à `self`."""
    return {use.word for s in program_of(*cells).statements for use in s.uses.patches}


def given_unnamed(cells: list[str], program: Program) -> set[str]:
    """Ce qui est importé et auquel ces cellules donnent un attribut sans en écrire le nom.

    `setattr(F.relu, name, value)` : le code d'une fonction, par exemple.
    """
    used = [use for s in program_of(*cells).statements for use in s.uses.hidden]
    return {use.root for use in used if use.word in ("setattr", "delattr")} & program.only_imported


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
        *(use for use in used.attributes if _is_detour(use, program)),
        *(use for use in used.imports if use.word in _HIDDEN_ATTRIBUTES | _MODULES | {"load"}),
        *(use for use in used.imports if _is_private(use.word)),
    ]
    for use in found:
        _refuse(use, statement, "cet exercice écrit ce qu'il emploie, sans détour")
    for word in (used.own | {use.word for use in used.patches}) & _OF_CLASSES:
        _refuse(Use(word, 1), statement, "cet exercice écrit ce qu'il emploie, sans détour")
    for use in used.imports:
        if find_spec(use.root) is None:
            _refuse(use, statement, "ce module n'existe pas à la correction")
        if use.root not in MODULES:
            _refuse(use, statement, "cet exercice n'a pas besoin de ce module")


def _check_modules(statement: Statement, program: Program) -> None:
    """Vérifie que chaque module est écrit sous son nom, et devant un point."""
    for chain in statement.uses.chains:
        for origin in program.origins(chain.words[0], statement):
            for word in misused(chain.words, origin, _is_hidden):
                use = Use(word, chain.line)
                _refuse(use, statement, "un module s'écrit devant un point, sous son propre nom")


def _is_detour(use: Use, program: Program) -> bool:
    """Un attribut qui donne autre chose que ce que dit son nom, ou que nul n'est censé connaître.

    Un module peut avoir n'importe quel nom : celui d'un paramètre, d'une variable, `self` même.
    """
    word = use.word
    if word in _HIDDEN_ATTRIBUTES:
        return True
    if use.root in program.imported and (_is_private(word) or word in _OF_IMPORTED):
        return True
    if word in program.own:
        return False
    if is_special(word):
        return word not in SPECIAL
    is_private = _is_private(word) and word not in PRIVATE and use.root != "self"
    return is_private or word in _OF_MODULES


def _is_hidden(word: str) -> bool:
    """Un attribut qu'un exercice ne demande à aucun module."""
    return _is_private(word) or word in _HIDDEN_ATTRIBUTES | _OF_MODULES | _OF_IMPORTED


def _is_private(word: str) -> bool:
    return word.startswith("_") and word != "_" and not is_special(word)


def _written(statement: Statement, program: Program) -> Iterator[Use]:
    """Les noms d'une instruction qui ne sont pas ceux de l'étudiant."""
    used = statement.uses
    yield from used.imports
    yield from (use for use in used.names if not program.binds(use.word))
    # `self` is an object of the student's in a class, and anything at all in a function.
    own = program.own if isinstance(statement.node, ast.ClassDef) else set()
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


def _implicit_loops(statement: Statement, program: Program) -> Iterator[Use]:
    used = statement.uses
    inner = {name.removeprefix(".") for name, _, _ in used.functions} - {""}
    outer = {use.word for use in used.names} & program.functions
    return implicit_loops(statement.node, inner | outer)


def _held(statement: Statement) -> dict[str, set[str]]:
    """Les noms que contient une table : `t = [f]` mène de `t` à `f`."""
    node = statement.node
    if not isinstance(node, ast.Assign | ast.AnnAssign | ast.AugAssign | ast.Expr):
        return {}
    held = {value.id for value in values(node) if isinstance(value, ast.Name)}
    return {name: held - {name} for name in statement.binds | statement.uses.changed}


def _check_recursion(reached: list[Statement], program: Program) -> None:
    """Refuse une fonction qui s'appelle, elle-même ou par une autre."""
    for statement in reached:
        for use in statement.uses.applied:
            _refuse(use, statement, "cet exercice se fait sans récursion")
    functions = [(s, *function) for s in reached for function in s.uses.functions]
    calls = {name: set[str]() for _, name, _, _ in functions}
    tables = {name: held for s in reached for name, held in _held(s).items()}
    for _, name, _, mentioned in functions:
        through = (tables[word] for word in mentioned & tables.keys())
        calls[name] |= mentioned.union(*through) & calls.keys()
    for statement, name, line, _ in functions:
        seen, waiting = set[str](), [name]
        while waiting:
            following = calls[waiting.pop()] - seen
            seen |= following
            waiting += following
        if name in seen:
            _refuse(Use(name, line), statement, "cet exercice se fait sans récursion")
