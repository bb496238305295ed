"""What an exercise may not contain is found wherever the exercise reaches it, and only there."""

import itertools
import linecache
import subprocess
import sys

import pytest

from labo import checks
from labo.bans import forbidden
from labo.bans.program import Program

IMPORTS = """
import functools, math, threading
import numpy as np
import torch
from torch import nn
import torch.nn.functional as F
"""
FILES = itertools.count()


def in_a_notebook(cells: list[str], *words: str, **bans: bool) -> str:
    """The message of a ban on `f`, in a kernel that has run these cells; "" if there is none."""
    names: dict = {"__name__": "__main__"}
    for cell in (IMPORTS, *cells):
        file = f"<cell {next(FILES)}>"
        linecache.cache[file] = (len(cell), None, cell.splitlines(keepends=True), file)
        exec(compile(cell, file, "exec", dont_inherit=True), names)
    try:
        checks.forbid(names["f"], *words, **bans)
    except AssertionError as error:
        return str(error)
    return ""


def as_text(cells: list[str], *words: str, loops: bool = False, recursion: bool = False) -> str:
    """The same from the text of the cells alone, as when it is graded."""
    try:
        forbidden.check(Program([IMPORTS, *cells]), "f", words, loops=loops, recursion=recursion)
    except AssertionError as error:
        return str(error)
    return ""


CONVOLUTIONS = {
    "as it is": (["def f(x, k):\n    return F.conv2d(x, k)"], "`conv2d` à la ligne 2 de `f`"),
    "another name": (["c = F.conv2d\ndef f(x): return c(x)"], "`conv2d` à la ligne 1 de « c = F"),
    "a name of another cell": (["c = F.conv2d", "def f(x): return c(x)"], "conv2d"),
    "imported": (
        ["from torch.nn.functional import conv2d as c\ndef f(x): return c(x)"],
        "`conv2d` à la ligne 1 de « from torch.nn.functional",
    ),
    "imported inside": (
        ["def f(x):\n    from torch import conv2d as c\n    return c(x)"],
        "ligne 2",
    ),
    "getattr": (["def f(x): return getattr(F, 'conv2d')(x)"], "`conv2d` à la ligne 1 de `f`"),
    "default argument": (["def f(x, c=F.conv2d): return c(x)"], "conv2d"),
    "decorator": (["def d(g): return lambda x: g(F.conv2d(x))", "@d\ndef f(x): pass"], "de `d`"),
    "helper": (["def h(x):\n    y = x\n    return F.conv2d(y)", "def f(x): return h(x)"], "de `h`"),
    "helper of a helper": (
        [
            "class A:\n    def __call__(self, x): return nn.Conv2d(1, 1, 1)(x)",
            "a = A()",
            "def f(x): return a(x)",
        ],
        "`Conv2d` à la ligne 2 de `A`",
    ),
    "method": (["class f:\n    def go(self, x):\n        return F.conv2d(x)"], "ligne 3 de `f`"),
    "lambda": (["f = lambda x: F.conv2d(x)"], "conv2d"),
    "bound later": (["def f(x): return h(x)", "def h(x): return F.conv2d(x)"], "de `h`"),
    "table": (["t = {}\nt['c'] = F.conv2d\ndef f(x): return t['c'](x)"], "conv2d"),
    "list": (["t = []\nt.append(F.conv2d)\ndef f(x): return t[0](x)"], "conv2d"),
    "attribute": (["def f(x): return f.c(x)\nf.c = F.conv2d"], "conv2d"),
    "global statement": (
        ["def install():\n    global h\n    h = F.conv2d\ndef f(x): return h(x)\ninstall()"],
        "conv2d",
    ),
    "in a condition": (["if True:\n    h = F.conv2d\ndef f(x): return h(x)"], "conv2d"),
    "walrus in a comprehension": (
        ["def f(x): return [(lambda: (c := 1)) for _ in ()], c(x)", "c = F.conv2d"],
        "`conv2d` à la ligne 1 de « c = ",
    ),
}


@pytest.mark.parametrize(("cells", "found"), CONVOLUTIONS.values(), ids=CONVOLUTIONS)
def test_a_forbidden_name_is_found(cells, found):
    assert found in as_text(cells, "*conv*")
    assert found in in_a_notebook(cells, "*conv*")


DETOURS = {
    "base class": (["class f(nn.Conv2d): pass"], "Conv2d"),
    "partial": (["f = functools.partial(F.conv2d, bias=None)"], "conv2d"),
    "bound before": (
        ["def f(x): return F.conv2d(x)", "g = f", "def f(x): return g(x)"],
        "`conv2d`",
    ),
    "a method of torch replaced": (
        ["torch.Tensor.sideways = lambda x, k: F.conv2d(x, k)\ndef f(x): return x.sideways(x)"],
        "conv2d",
    ),
    "computed name": (["def f(x): return getattr(F, 'conv' + '2d')(x)"], "`getattr` à la ligne 1"),
    "alias of getattr": (["g = getattr\ndef f(x): return g(F, 'c' + 'onv2d')(x)"], "getattr"),
    "eval": (["def f(x): return eval('F.con' + 'v2d')(x)"], "eval"),
    "dictionary of a module": (["def f(x): return F.__dict__['con' + 'v2d'](x)"], "__dict__"),
    "thread": (["def f(x): threading.Thread(target=print).start()"], "threading"),
    "thread of another cell": (
        [
            "from concurrent.futures import ThreadPoolExecutor\npool = ThreadPoolExecutor()",
            "def f(x): return pool.submit(print)",
        ],
        "concurrent",
    ),
    "private": (["def f(x): return torch._C._nn"], "_C"),
    "attribute of a pattern": (
        ["def f(x):\n    match F:\n        case object(conv2d=g): return g(x)"],
        "`conv2d` à la ligne 3",
    ),
    "__getattr__": (
        ["def f(x): return torch.ops.aten.__getattr__('con' + 'v2d')(x)"],
        "__getattr__",
    ),
    "everything imported": (
        ["from operator import *\ndef f(x): return methodcaller('con' + 'v2d')(F)"],
        "methodcaller",
    ),
    "method called by the tools of tests": (
        ["from labo import checks\ndef f(x): return next(checks.in_turn((x, 'con' + 'v')))"],
        "in_turn",
    ),
    "one such method": (
        ["from labo import checks\ndef f(x): return checks.call_in_turn((x, 'con' + 'v'), [])"],
        "call_in_turn",
    ),
    "recorded, such a method": (
        ["from labo import checks\ndef f(x): return checks.recorded_in_turn((x, 'con' + 'v'))"],
        "recorded_in_turn",
    ),
    "module of a module": (["def f(x): return torch.builtins.getattr(F, x)"], "builtins"),
    "name of a resource": (
        ["import pkgutil\ndef f(x): return pkgutil.resolve_name('torch:con' + 'v2d')(x)"],
        "resolve_name",
    ),
    "field of a text": (
        ["import string\ndef f(x): return string.Formatter().get_field(x, [F], {})"],
        "Formatter",
    ),
    "text of an annotation": (
        ["import typing\ndef f(x): return typing.get_type_hints(f)"],
        "get_type_hints",
    ),
    "pickled function": (["def f(x): return np.load(x, allow_pickle=True)"], "load"),
    "timed text": (["import timeit\ndef f(x): timeit.timeit('F.con' + 'v2d')"], "timeit"),
    "private, imported": (["from torch import _C\ndef f(x): return _C"], "_C"),
    "module of another name": (["import enum\ndef f(x): return enum.bltns.ord(x)"], "bltns"),
    "imported by another name": (["from enum import bltns as b\ndef f(x): return b.ord(x)"], "`b`"),
    "imported inside": (
        ["def f(x):\n    import numpy.testing as t\n    return t.measure('con' + 'v2d')"],
        "`measure` à la ligne 3",
    ),
    "module in a variable": (["def f(x):\n    m = torch.nn\n    return m.Tanh()(x)"], "`nn`"),
    "module as an argument": (["def g(self): return self.relu\ndef f(x): return g(F)"], "`F`"),
    "module in a table": (["t = [F]\ndef f(x): return t[0].relu(x)"], "`F`"),
    "word of its own": (
        ["import operator\nclass C: attrgetter = 1\ndef f(x): return operator.attrgetter(x)"],
        "attrgetter",
    ),
    "frame": (["def f(x): return x.gi_frame.f_builtins"], "gi_frame"),
    "class without a text": (["f = type('f', (), {})"], "type"),
}


@pytest.mark.parametrize(("cells", "found"), DETOURS.values(), ids=DETOURS)
def test_a_detour_is_refused(cells, found):
    assert found in as_text(cells, "*conv*")


HONEST = {
    "docstring and comment": [
        'def f(x):\n    """Sans conv2d, for, while ni map."""\n    return x  # for conv2d'
    ],
    "nested docstring": ['def f(x):\n    def g():\n        """conv2d for"""\n    return g()'],
    "what modules have": [
        "import os.path\ndef f(x):\n    y = nn.functional.relu(torch.special.expit(x))\n"
        "    return os.path.join('a'), torch.pi, hasattr(torch, 'compile'), type(y)"
    ],
    "variables named as a module": [
        "import random, copy",
        "random = 3\ndef f(x):\n    copy = x + random\n    return copy",
    ],
    "method named as one of a module": [
        "class Book:\n    def load(self): return 1\n    def package(self): return self.load()",
        "def f(x):\n    book = Book()\n    return book.load(), book.package()",
    ],
    "local variables": ["def f(x, conv2d=1):\n    convolved = x + conv2d\n    return convolved"],
    "keyword": ["def f(x): return dict(conv2d=x, map=1)"],
    "own function of the same name": ["def conv2d(x): return x * 2", "def f(x): return conv2d(x)"],
    "own method of the same name": [
        "class f:\n    def conv2d(self, x): return x\n    def g(self): return self.conv2d(1)"
    ],
    "used elsewhere": [
        "def f(x): return x",
        "net = nn.Conv2d(1, 1, 1)",
        "assert f(1) == 1, F.conv2d",
        "def check():\n    for _ in range(3):\n        F.conv2d(f(1), 2)\n",
    ],
    "imported beside": [
        "from torch.nn.functional import conv2d, pad\ndef f(x): return pad(x, (1, 1))"
    ],
    "an earlier version": ["def f(x):\n    for y in F.conv2d(x): pass", "def f(x): return x"],
    "parameter called like a global": ["x = F.conv2d", "def f(x): return x"],
    "reductions": ["def f(x): return np.add.reduce(x) + x.sum()"],
    "reduce, imported for something else": [
        "from functools import partial, reduce",
        "def f(x): return partial(torch.sum, dim=1)(x)",
    ],
    "reductions, imported inside": ["def f(x):\n    import numpy as n\n    return n.add.reduce(x)"],
    "a function of whole arrays": ["def f(n): return np.fromfunction(lambda i, j: i + j, (n, n))"],
    "a torch function of its own name": ["def f(x): return F.f(x)"],
    "own private names": ["class f:\n    def _g(self): pass\n    def h(self): return self._g()"],
    "hasattr": ["def f(x): return hasattr(x, 'a') and isinstance(x, (int, float))"],
    "ordering": ["def f(x): return sorted(x), max(x, 0), x.sort()"],
    "lambda that calls another": ["def f(x):\n    g = lambda i: i.g()\n    return g(x)"],
    "attributes like modules": ["def f(x): return x.code + x.profile(trace=1) + np.trace(x)"],
    "magic": ["def f(x): return x", "%timeit -n 1 -r 1 f(1)"],
    "cell magic": ["%%time\ndef f(x): return x"],
}


@pytest.mark.parametrize("cells", HONEST.values(), ids=HONEST)
def test_what_is_not_used_is_not_found(cells):
    assert as_text(cells, "*conv*", loops=True) == ""
    if "%" not in "".join(cells):
        assert in_a_notebook(cells, "*conv*", loops=True) == ""


LOOPS = {
    "for": ("def f(x):\n    for y in x: pass", "`for` à la ligne 2 de `f` : cet exercice se fait"),
    "while": ("def f(x):\n    while x: pass", "`while` à la ligne 2"),
    "comprehension": ("def f(x): return [y for y in x]", "`for`"),
    "generator": ("def f(x): return sum(y for y in x)", "`for`"),
    "map": ("def f(x): return list(map(str, x))", "`map`"),
    "alias of map": (
        "m = map\ndef f(x): return list(m(str, x))",
        "`map` à la ligne 1 de « m = map »",
    ),
    "reduce": ("def f(x): return functools.reduce(max, x)", "`reduce`"),
    "reduce, imported": (
        "from functools import reduce as r\ndef f(x): return r(max, x)",
        "`reduce`",
    ),
    "reduce, imported under its own name": (
        "from functools import reduce\ndef f(x): return reduce(max, x)",
        "`reduce`",
    ),
    "vmap, imported under its own name": (
        "from torch import vmap\ndef f(x): return vmap(torch.sin)(x)",
        "`vmap`",
    ),
    "starmap, imported inside": (
        "def f(x):\n    from itertools import starmap\n    return list(starmap(max, x))",
        "`starmap`",
    ),
    "reduce, of a module imported inside": (
        "def f(x):\n    import functools\n    return functools.reduce(max, x)",
        "`reduce` à la ligne 3",
    ),
    "reduce, of a module of another name": (
        "import functools as ft\ndef f(x): return ft.reduce(max, x)",
        "`reduce`",
    ),
    "accumulate": (
        "def f(x):\n    import itertools as it\n    return list(it.accumulate(x, max))",
        "`accumulate`",
    ),
    "takewhile": ("import itertools\ndef f(x): return list(itertools.takewhile(str, x))", "while"),
    "vectorize": ("def f(x): return np.vectorize(str)(x)", "`vectorize`"),
    "vmap": ("def f(x): return torch.vmap(torch.sin)(x)", "`vmap`"),
    "vmap of a lambda": ("def f(x):\n    return torch.vmap(lambda i: i)(x)", "`vmap` à la ligne 2"),
    "lambda given to a function": (
        "def f(x): return torch.autograd.functional.jacobian(lambda i: i, x)",
        "une autre fonction, appelle à votre place",
    ),
    "recursion": (
        "def f(x): return x and f(x[1:])",
        "`f` à la ligne 1 de `f` : cet exercice se fait sans récursion",
    ),
    "two that call each other": ("def g(x): return f(x)\ndef f(x): return g(x)", "récursion"),
    "recursive lambda": ("f = lambda x: x and f(x[1:])", "`f` à la ligne 1"),
    "inner recursive lambda": (
        "def f(x):\n    g = lambda i: g(i - 1)\n    return g(x)",
        "`g` à la ligne 2",
    ),
    "key of an order": ("def f(x): return sorted(x, key=str)", "`key`"),
    "until an end": ("def f(x): return list(iter(x.pop, 0))", "`iter`"),
    "own iterator": ("class f:\n    def __next__(self): return 1", "`__next__`"),
    "inner recursion": (
        "def f(x):\n    def g(i): return g(i - 1)\n    return g(x)",
        "`g` à la ligne 2",
    ),
    "recursive method": ("class f:\n    def go(self): return self.go()", "`go` à la ligne 2"),
    "table of a loop": ("t = [str(i) for i in range(9)]\ndef f(x): return t[x]", "`for`"),
    "table filled in a loop": (
        "t = {}\nfor i in range(9):\n    t[i] = i\ndef f(x): return t[x]",
        "`for`",
    ),
}


@pytest.mark.parametrize(("cell", "found"), LOOPS.values(), ids=LOOPS)
def test_a_loop_is_found(cell, found):
    assert found in as_text([cell], loops=True)
    assert found in in_a_notebook([cell], loops=True)
    assert as_text([cell]) == in_a_notebook([cell]) == ""


def test_a_class_without_methods_of_its_own_is_read_with_its_base():
    cells = ["class g:\n    def go(self, x): return F.conv2d(x)\nclass f(g):\n    sign = -1"]
    assert in_a_notebook(cells) == as_text(cells) == ""
    assert "conv2d" in in_a_notebook(cells, "*conv*")
    assert "conv2d" in as_text(cells, "*conv*")


def test_an_exercise_is_known_by_its_own_name_and_not_by_an_alias():
    assert in_a_notebook(["h = 1", "def f(x): return x\nh = f"]) == ""


def test_recursion_alone_may_be_forbidden():
    assert as_text(["def f(x):\n    for y in x: pass"], recursion=True) == ""
    assert "récursion" in as_text(["def f(x): return f(x)"], recursion=True)


UNSEEN = {
    "defined by no text": "globals()['f'] = F.conv2d",
    "a module of the student's": "from my_helper import go\ndef f(x): return go(x)",
}


@pytest.mark.parametrize("cell", UNSEEN.values(), ids=UNSEEN)
def test_what_cannot_be_read_is_refused(cell):
    assert as_text([cell])


REWRITING = {
    "globals": "globals()['f'] = 1",
    "globals, updated": "globals().update(f=1)",
    "exec": "exec('def f(x): pass')",
    "code": "f.__code__ = g.__code__",
    "transformer": "get_ipython().input_transformers_post.append(print)",
    "builtins, given": "import builtins\nf(builtins)",
    "builtins, under another name": "import builtins as b\nc = b",
    "builtins, a name that is computed": "import builtins\nsetattr(builtins, 's' + 'um', f)",
    "builtins, what runs a text": "from builtins import eval as e\ne('1')",
    "builtins, all": "from builtins import *",
    "a module of a computed name": "import importlib\nimportlib.import_module('__ma' + 'in__')",
    "a module by an imported function": "from importlib import import_module as i\ni('x')",
    "importlib in a function": "def g():\n    import importlib.util\n    importlib.util.spec",
    "run": "%run helper.py",
    "objects in memory": "import gc\nfor o in gc.get_objects(): pass",
    "objects in memory, imported": "from gc import get_objects as g",
    "objects in memory, by its own name": "from gc import *\nget_objects()",
}


@pytest.mark.parametrize("cell", REWRITING.values(), ids=REWRITING)
def test_a_notebook_that_rewrites_itself_is_refused(cell):
    with pytest.raises(AssertionError, match="ne se réécrit pas"):
        forbidden.check_rewriting([cell])


def test_reading_names_is_not_rewriting():
    forbidden.check_rewriting(["if 'f' in globals(): print(globals()['f'])\nmodel.eval()"])


@pytest.mark.parametrize(
    "cell",
    [
        "import builtins\nbuiltins.print(builtins.sum([1]))",
        "import importlib, numpy\nimportlib.reload(numpy)",
        "from importlib import reload, metadata\nreload(print)\nmetadata.version('torch')",
        "import importlib.util\nif importlib.util.find_spec('einops') is None: print('absent')",
        "def builtins(importlib): return importlib",
    ],
)
def test_asking_a_module_of_pythons_is_not_rewriting(cell):
    forbidden.check_rewriting([cell])


def test_freeing_memory_is_not_rewriting():
    forbidden.check_rewriting(["import gc\ngc.collect()"])
    assert as_text(["import gc\ndef f(x):\n    gc.collect()\n    return x"]) == ""


def test_what_is_no_function_of_the_notebook_is_told():
    with pytest.raises(AssertionError, match="une fonction ou une classe"):
        checks.forbid(3)  # type: ignore[arg-type]


EARLIER = "class f:\n    def again(self): return f()\n    def g(self, x): return F.conv2d(x)"


@pytest.mark.parametrize(
    "later",
    [
        "class f:\n    '''f'''\n    def again(self): return f()\n    def g(self, x): return x",
        "class f:\n    @staticmethod\n    def of(x: int = 0): return f()\n    with_ = of",
    ],
)
def test_an_earlier_version_that_is_replaced_is_not_reached(later):
    assert in_a_notebook([EARLIER, later], "conv2d") == ""
    assert as_text([EARLIER, later], "conv2d") == ""


@pytest.mark.parametrize(
    "later",
    [
        "class f(f):\n    def again(self): return f()",
        "class f:\n    def old(): return f\n    old = old()\n    def g(self, x): self.old().g(x)",
        "class f:\n    old = f\n    def g(self, x): return f.old().g(x)",
        "def f(x, old=f): return old().g(x)",
        "def run(g): return g()\n@run\ndef f():\n    old = f\n    return lambda x: old().g(x)",
    ],
)
def test_an_earlier_version_that_is_kept_is_reached(later):
    assert "conv2d" in as_text([EARLIER, later], "conv2d")


def test_what_torch_wraps_of_its_own_is_not_replaced_and_what_a_notebook_replaces_is():
    program = """
import torch
from labo.bans.fingerprints import Replaced
replaced = Replaced(torch)
import torch._dynamo  # as torchvision does
assert torch.manual_seed is not torch.random.manual_seed
torch.relu = torch.sigmoid
found = replaced.among(["manual_seed", "sigmoid"])
assert found == ["relu"], found
optimizers = Replaced(torch.optim.SGD, torch.optim.Adam, torch.nn.Module)
torch.optim.SGD([torch.ones(1)]).step()
torch.compile(lambda x: x + 1, backend="eager")(torch.ones(1))
assert optimizers.among(["step", "zero_grad"]) == []
torch.optim.SGD.step = lambda self: None
assert optimizers.among([]) == ["step"]
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_a_new_name_that_an_exercise_writes_is_told_and_not_those_that_a_module_announces():
    program = """
import labo, torch
from labo.bans.fingerprints import Replaced
replaced = Replaced(labo, torch, torch.fft, torch.Tensor)
labo.profile, labo.device
torch.zeta = torch.Tensor.zeta = torch.fft.fft = torch.Tensor.__call__ = torch.relu
torch.seen, torch._hidden = 3, torch.relu
assert replaced.among(["profile", "device", "seen", "_hidden"]) == ["__call__", "fft"]
assert replaced.among(["zeta"]) == ["__call__", "fft", "zeta"]
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_an_inherited_method_and_a_forged_wrapper_are_replaced():
    program = """
import torch
from labo.bans.fingerprints import Replaced
replaced = Replaced(torch, torch.Tensor)
assert replaced.among(["unfold", "add", "exp"]) == []
torch.Tensor.unfold = lambda self, *args: self
original, torch.exp = torch.exp, torch._compile._disable_dynamo(lambda x: x)
torch.exp.__wrapped__ = original
found = replaced.among(["unfold", "add", "exp"])
assert found == ["exp", "unfold"], found
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
