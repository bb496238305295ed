"""Ce dont un exercice qui interdit des noms peut se servir.

Les listes sont de ce qui est permis : des modules qui appellent ou cherchent ce que dit un texte
(`pydoc.locate`, `mock.patch`, `yaml`…), personne ne fait le tour.
"""

# Modules that neither run a text nor find a thing by its name, and those that labs forbid by name.
MODULES = {
    *("torch", "torchvision", "torchmetrics", "numpy", "scipy", "sklearn", "skimage", "pandas"),
    *("matplotlib", "PIL", "einops", "networkx", "jax", "tensorflow", "tqdm", "poutyne", "labo"),
    *("abc", "array", "bisect", "cmath", "collections", "contextlib", "copy", "csv", "dataclasses"),
    *("datetime", "decimal", "enum", "fractions", "functools", "gc", "glob", "graphlib", "hashlib"),
    *("heapq", "io", "itertools", "json", "math", "numbers", "operator", "os", "pathlib", "pprint"),
    *("genericpath", "ntpath", "posixpath"),  # `os.path`
    *("queue", "random", "re", "secrets", "shutil", "statistics", "string", "struct", "sys"),
    *("tempfile", "textwrap", "time", "types", "typing", "typing_extensions", "unicodedata"),
    *("uuid", "warnings", "weakref", "zlib", "__future__"),
}

SPECIAL = {
    *("__init__", "__call__", "__name__", "__qualname__", "__doc__", "__class__", "__version__"),
    *("__len__", "__iter__", "__next__", "__getitem__", "__setitem__", "__delitem__"),
    *("__contains__", "__enter__", "__exit__", "__repr__", "__str__", "__format__", "__hash__"),
    *("__bool__", "__int__", "__float__", "__index__", "__abs__", "__neg__", "__pos__"),
    *("__eq__", "__ne__", "__lt__", "__le__", "__gt__", "__ge__", "__invert__", "__round__"),
    *(
        f"__{before}{name}__"
        for name in (
            *("add", "sub", "mul", "truediv", "floordiv", "mod", "divmod", "pow", "matmul"),
            *("and", "or", "xor", "lshift", "rshift"),
        )
        for before in ("", "r", "i")
    ),
}
"""Les attributs spéciaux : `module.__getstate__()` est le dictionnaire de tous ses noms."""

PRIVATE = {"_replace", "_asdict", "_fields", "_make"}
"""Ce qu'un tuple nommé a d'attributs privés."""

MATCHED = {
    *("bool", "bytearray", "bytes", "dict", "float", "frozenset", "int", "list", "set", "str"),
    "tuple",
}
"""Les classes dont `case classe(x)` prend la valeur, et non un attribut de leur choix."""
