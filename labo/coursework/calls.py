"""Les appels : ce que change un appel, ce que son résultat partage avec ce qu'il reçoit."""

import ast
from collections.abc import Iterator
from typing import NamedTuple

# Methods that give a view, or the object itself.
_VIEWS = {
    *("view", "reshape", "permute", "transpose", "flatten", "squeeze", "unsqueeze", "expand"),
    *("detach", "narrow", "split", "chunk", "unbind", "numpy", "to", "cpu", "contiguous", "flip"),
    *("items", "values", "keys", "get", "parameters", "named_parameters", "children", "modules"),
    *("state_dict", "append", "double", "float", "requires_grad_", "flattened", "normalized", "T"),
}
# Functions that give what they hold; classes do too, by their capital.
_HOLDING = {
    *("list", "tuple", "dict", "set", "iter", "zip", "enumerate", "reversed", "map", "filter"),
    *("next", "from_numpy", "asarray", "as_tensor", "partial", "sorted", "chain"),
}
# Functions whose result nothing can change.
_PLAIN = {
    *("len", "int", "float", "str", "bool", "abs", "round", "repr", "range", "type", "hash"),
    *("item", "device", "profile", "join", "format", "frozenset"),
}
_MUTATING = {
    *("append", "extend", "insert", "pop", "popitem", "remove", "clear", "update", "setdefault"),
    *("add", "discard", "sort", "reverse", "shuffle", "fill", "load_state_dict", "register_buffer"),
    *("step", "zero_grad", "fit", "train", "add_module", "register_module", "heappush", "heappop"),
    *("setattr", "delattr", "next", "send", "requires_grad_", "copyto", "put", "write"),
}
# What shows something, and leaves what it is given as it was.
_SHOWING = {
    *("print", "display", "show", "plot", "imshow", "scatter", "bar", "barh", "hist", "text"),
    *("annotate", "legend", "grid", "axis", "axvline", "axhline", "axvspan", "axhspan", "close"),
    *("fill_between", "add_patch", "tick_params", "errorbar", "contour", "contourf", "pcolormesh"),
    *("colorbar", "stem", "savefig", "suptitle", "tight_layout", "subplots_adjust", "figure"),
    *("invert_yaxis", "invert_xaxis", "loglog", "semilogx", "semilogy", "boxplot", "quiver"),
    *("matshow", "title", "xlabel", "ylabel", "set", "backward", "arrow", "subplots", "describe"),
}
_SHOWING_PREFIXES = ("plot_", "set_x", "set_y", "set_title", "set_axis", "draw_", "show_", "print_")


class Call(NamedTuple):
    """Un appel.

    Attributs :
        root : le premier nom de ce dont on appelle une méthode ; "" pour une fonction.
        word : le nom de la méthode ou de la fonction.
        given : les noms que contiennent les arguments tels quels, avec leur rang.
        dropped : vrai si le résultat ne sert à rien : l'appel a sans doute un effet.
    """

    root: str
    word: str
    given: tuple[tuple[int, str], ...]
    dropped: bool


def root(node: ast.AST) -> str:
    """Le premier nom de `nom.a(x)[0].b` ; "" s'il n'y en a pas."""
    while True:
        match node:
            case ast.Attribute(value) | ast.Subscript(value) | ast.Starred(value):
                node = value
            case ast.Call(function):
                node = function
            case ast.Name(name):
                return name
            case _:
                return ""


def called(function: ast.AST) -> str:
    """Le nom d'une méthode ou d'une fonction que l'on appelle."""
    return function.attr if isinstance(function, ast.Attribute) else root(function)


_FILES = {
    *("open", "mkdir", "makedirs", "unlink", "rename", "touch", "symlink", "rmtree", "copyfile"),
    *("copytree", "urlretrieve", "extractall", "memmap", "mkstemp"),
}


def is_shown(call: Call) -> bool:
    """Cet appel montre-t-il seulement quelque chose ?"""
    return call.word in _SHOWING or call.word.startswith(_SHOWING_PREFIXES)


def writes_file(call: Call) -> bool:
    """Cet appel peut-il écrire un fichier, que d'autres cellules liront ?"""
    return call.word in _FILES or call.word.startswith(("save", "dump", "write_", "to_csv"))


def is_in_place(word: str) -> bool:
    """Une méthode ou une fonction de ce nom change-t-elle ce qu'elle reçoit ?"""
    return word in _MUTATING or (word.endswith("_") and not word.endswith("__"))


def changes_given(call: Call, name: str) -> bool:
    """Cet appel peut-il changer ce que désigne ce nom, qui le reçoit ou qu'il reçoit ?

    Oui s'il est d'un nom qui le dit, pour l'objet de la méthode et le premier argument, ou si son
    résultat ne sert à rien alors qu'il ne montre rien.
    """
    if is_in_place(call.word):
        return name == call.root or (0, name) in call.given
    return call.dropped and not is_shown(call)


def shared(value: ast.AST) -> Iterator[str]:
    """Les noms dont le contenu peut être aussi celui de cette valeur.

    Une vue (`x[1:]`, `x.view(-1)`), un contenant et ce qu'il contient, un objet et ce qu'on lui
    donne à sa création ; le résultat d'une autre fonction est tenu pour nouveau.
    """
    match value:
        case ast.Name() | ast.Attribute() | ast.Subscript() | ast.Starred():
            if name := root(value):
                yield name
        case ast.Call(function, args, keywords):
            word = called(function)
            if word in _VIEWS and isinstance(function, ast.Attribute):
                yield from shared(function.value)
            if word in _HOLDING or word[:1].isupper():
                for argument in (*args, *(keyword.value for keyword in keywords)):
                    yield from shared(argument)
        case ast.Tuple() | ast.List() | ast.Set() | ast.Dict() | ast.IfExp() | ast.BoolOp():
            for part in ast.iter_child_nodes(value):
                yield from shared(part)
        case ast.ListComp() | ast.GeneratorExp() | ast.DictComp() | ast.SetComp():
            for generator in value.generators:
                yield from shared(generator.iter)


def is_plain(value: ast.AST, plain: set[str]) -> bool:
    """Est-ce un nombre, un texte, un appareil… dont rien ne change le contenu ?

    Args :
        plain : les noms de telles valeurs.
    """
    match value:
        case ast.Constant() | ast.JoinedStr() | ast.Compare():
            return True
        case ast.Name(name):
            return name in plain
        case ast.Tuple() | ast.BinOp() | ast.UnaryOp() | ast.IfExp() | ast.BoolOp():
            parts = ast.iter_child_nodes(value)
            return all(is_plain(part, plain) for part in parts if isinstance(part, ast.expr))
        case ast.Call(function):
            word = called(function)
            return word in _PLAIN
        case ast.Subscript(ast.Dict(values=values)):
            return all(is_plain(part, plain) for part in values)
    return False
