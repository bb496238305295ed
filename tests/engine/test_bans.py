"""What an exercise forbids is seen across the boundary, wherever the work is done."""

import pytest

from grader.engine import Status
from tests.support.engine_cases import cell, job

RECORDED = (
    "x, k = torch.randn(1, 1, 5, 5), torch.randn(1, 1, 3, 3)\n"
    "call = checks.recorded(f, x, k)\n"
    "torch.testing.assert_close(call.value, F.conv2d(x, k))\n"
    "assert not any('conv' in name for name in call.operators), 'une convolution de PyTorch'"
)
BY_HAND = (
    "def f(x, k):\n"
    "    windows = x.unfold(2, 3, 1).unfold(3, 3, 1)\n"
    "    return torch.einsum('nchwij,ocij->nohw', windows, k)"
)


def verdict(engine, student, test):
    outcome = engine.run(job(student, test))
    assert not outcome.report.incidents
    return outcome.report.verdicts[0]


FAITHFUL = {
    "gradients": (
        "def f(x): return x.sin()",
        "x = torch.ones(3, requires_grad=True)\n"
        "call = checks.recorded(f, x)\ncall.value.sum().backward()\n"
        "assert torch.equal(x.grad, x.detach().cos()) and 'sin' in call.operators",
    ),
    "arguments changed in place": (
        "def f(x): x.add_(1)",
        "x = torch.zeros(2)\ncall = checks.recorded(f, x)\n"
        "assert call.value is None and x.tolist() == [1, 1] and 'add_' in call.operators",
    ),
    "random state": (
        "def f(): return torch.rand(3)",
        "torch.manual_seed(3)\nvalue = checks.recorded(f).value\ntorch.manual_seed(3)\n"
        "assert torch.equal(value, torch.rand(3))",
    ),
    "objects": (
        "class f:\n    def __init__(self, x): self.x = 2 * x\n    def get(self): return self.x",
        "made = checks.recorded(f, torch.ones(2))\nassert 'mul' in made.operators\n"
        "assert checks.recorded(made.value.get).value.tolist() == [2, 2]",
    ),
    "errors": (
        "def f(): raise KeyError('clé')",
        "try:\n    checks.recorded(f)\n    assert False\nexcept KeyError as error:\n"
        "    assert 'clé' in str(error)",
    ),
    "calls in turn": (
        "def f(x): return x.sin()\ndef g(x): x.add_(1); return x.exp()",
        "x, y = torch.ones(3, requires_grad=True), torch.zeros(2)\n"
        "call = checks.recorded_in_turn((f, '__call__', x), (g, '__call__', y),\n"
        "    (f, '__call__', checks.Earlier(0)))\n"
        "assert {'sin', 'add_', 'exp'} <= call.operators and y.tolist() == [1, 1]\n"
        "first, second, third = call.value\nassert torch.allclose(second, y.exp())\n"
        "third.sum().backward()\n"
        "assert torch.allclose(x.grad, x.detach().sin().cos() * x.detach().cos())",
    ),
    "an error in calls in turn": (
        "def f(x): return 1 / x",
        "try:\n    checks.recorded_in_turn((f, '__call__', 1), (f, '__call__', 0))\n"
        "    assert False\nexcept ZeroDivisionError:\n    pass",
    ),
    "deprecated": (
        "def f(x): return x * x",
        "assert 'mul' in checks.operators_used(f, torch.ones(2))",
    ),
}


@pytest.mark.parametrize(("student", "test"), FAITHFUL.values(), ids=FAITHFUL)
def test_a_recorded_call_is_a_call(engine, student, test):
    found = verdict(engine, student, test)
    assert (found.status, found.message) == (Status.PASSED, "")


def test_what_a_recorded_call_prints_is_shown(engine):
    outcome = engine.run(
        job("def f(): print('bonjour')", "checks.recorded(f)\nassert False, 'non'")
    )
    assert "bonjour" in outcome.notebook["cells"][-1]["outputs"][0]["text"]


def test_an_answer_by_hand_passes(engine):
    assert verdict(engine, BY_HAND, RECORDED).status is Status.PASSED


HIDDEN_WORK = {
    "in a thread": (
        "import threading\ndef f(x, k):\n    box = []\n"
        "    t = threading.Thread(target=lambda: box.append(F.conv2d(x, k)))\n"
        "    t.start(); t.join()\n    return box[0]",
        "une convolution de PyTorch",
    ),
    "in an executor of another cell": (
        ["from concurrent.futures import ThreadPoolExecutor\npool = ThreadPoolExecutor()\n"
         "pool.submit(int).result()",
         "def f(x, k): return pool.submit(F.conv2d, x, k).result()"],
        "une convolution de PyTorch",
    ),
    "unrecorded": (
        ["from torch.autograd import _enable_record_function as switch",
         "def f(x, k):\n    switch(False)\n    y = F.conv2d(x, k)\n    switch(True)\n    return y"],
        "arrête l'enregistrement",
    ),
    "in a process": (
        "import os, tempfile\ndef f(x, k):\n    path = tempfile.mktemp()\n"
        "    if os.fork() == 0:\n        torch.save(F.conv2d(x, k), path); os._exit(0)\n"
        "    os.wait()\n    return torch.load(path)",
        "lance un processus",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("student", "message"), HIDDEN_WORK.values(), ids=HIDDEN_WORK)
def test_hidden_work_is_seen(engine, student, message):
    found = verdict(engine, student, RECORDED)
    assert found.score == 0
    assert message in found.message


def test_one_call_is_all_there_is(engine):
    """An answer that does the work in each second call only is not believed."""
    student = (
        f"{BY_HAND}\nhonest, turn = f, 0\ndef f(x, k):\n    global turn\n    turn += 1\n"
        "    return honest(x, k) * 0 if turn % 2 else F.conv2d(x, k)"
    )
    assert verdict(engine, student, RECORDED).score == 0
    assert (
        verdict(
            engine, f"{student}\nf(torch.ones(1, 1, 3, 3), torch.ones(1, 1, 3, 3))", RECORDED
        ).score
        == 0
    )


FORBIDDEN = {
    "helper of another cell": (
        ["def h(x):\n    return F.softmax(x, 0)", "def f(x): return h(x)"],
        "`softmax` à la ligne 2 de `h` : interdit dans cet exercice",
    ),
    "bound without being written": ("globals()['f'] = F.softmax", "ne se réécrit pas"),
    "rewritten by another cell": (
        ["def f(x): return x", "get_ipython().input_transformers_post.append(lambda lines: lines)"],
        "ne se réécrit pas",
    ),
    "a function that a library calls, replaced": (
        ["def g(*given): return F.softmax(given[0], 0)\nput = setattr",
         "put(F, 'has_torch_' + 'function', g)\ndef f(x): return F.normalize(x)"],
        "`has_torch_function` d'un module est remplacé",
    ),
    "a name that a library did not have": (
        ["put = setattr\nput(torch, 'ze' + 'ta', F.softmax)", "def f(x): return torch.zeta(x, 0)"],
        "`zeta` d'un module est remplacé",
    ),
    "a property of a class": (
        ["type.__setattr__(torch.Tensor, 'm' + 'T', property(lambda x: F.softmax(x.y, 0)))",
         "def f(x):\n    x.y = x\n    return x.mT"],
        "`mT` d'un module est remplacé",
    ),
    "the class of a module": (
        ["class M(type(F)):\n    def __getattribute__(self, name): return F.softmax",
         "object.__setattr__(F, '__cla' + 'ss__', M)\ndef f(x): return F.relu(x)"],
        "`__class__` d'un module est remplacé",
    ),
    "a hook of all networks": (
        ["from torch import nn\nnn.modules.module.register_module_forward_hook(lambda m, i, o: o)",
         "def f(x): return nn.Identity()(x)"],
        "`_global_forward_hooks` d'un module est remplacé",
    ),
    "a mode in which torch calls": (
        ["M = vars(torch.overrides)['TorchFunction' + 'Mode']\n"
         "class N(M):\n    def __torch_function__(self, f, types, args=(), kwargs=None): return 3",
         "N().__enter__()\ndef f(x): return torch.maximum(x, x)"],
        "`TorchFunctionMode` d'un module est remplacé",
    ),
    "a function of Python's library": (
        ["import copy\nvars(copy)['co' + 'py'] = F.softmax", "def f(x): return copy.copy(x)"],
        "`copy` d'un module est remplacé",
    ),
    "a function replaced elsewhere than is written": (
        ["G = F\nG.relu = F.softmax", "torch.relu = torch.relu\ndef f(x): return F.relu(x, 0)"],
        "`relu` d'un module est remplacé",
    ),
    "a function replaced where a function imports": (
        ["def put():\n    from torch.nn import functional as G\n    G.relu = F.softmax\nput()",
         "def f(x): return F.relu(x, 0)"],
        "`relu` d'un module est remplacé",
    ),
    "a function replaced unseen, and in writing where nothing runs": (
        ["put = setattr\nput(F, 're' + 'lu', F.softmax)",
         "def never():\n    import torch.nn.functional as H\n    H.relu = 3",
         "def f(x): return F.relu(x, 0)"],
        "`relu` d'un module est remplacé",
    ),
    "a function replaced by a library's, then by itself": (
        ["put = setattr\nput(F, 're' + 'lu', F.softmax)\nF.relu = F.relu",
         "def f(x): return F.relu(x, 0)"],
        "`softmax`, sous un nom du notebook",
    ),
    "a function replaced by an own one, then by itself": (
        ["put = setattr\nput(F, 're' + 'lu', lambda x: F.softmax(x, 0))\nF.relu = F.relu",
         "def f(x): return F.relu(x)"],
        "`relu` d'un module est remplacé",
    ),
    "a function replaced before a function imports it": (
        ["F.zeta = lambda x: F.softmax(x, 0)",
         "def f(x):\n    from torch.nn.functional import zeta as z\n    return z(x)"],
        "`softmax` à la ligne 1",
    ),
    "a function replaced before it is imported": (
        ["F.zeta = lambda x: F.softmax(x, 0)", "from torch.nn.functional import zeta as z",
         "def f(x): return z(x)"],
        "`softmax` à la ligne 1",
    ),
    "a function replaced before all are imported": (
        ["F.relu = lambda x: F.softmax(x, 0)", "from torch.nn.functional import *",
         "def f(x): return relu(x)"],
        "`softmax` à la ligne 1",
    ),
    "the code of a function of a library": (
        ["def g(x, _s=F.softmax): return _s(x, 0)\nput = object.__setattr__",
         "code = '__co' + 'de__'\n"
         "put(F.softsign, code, (lambda x: F.softmax(x, 0)).__getattribute__(code))",
         "def f(x): return F.softsign(x)"],
        "`softsign` d'un module est remplacé",
    ),
    "a name that no cell binds": (
        ["v = vars\nv()['s' + 'um'] = F.softmax", "def f(x): return sum(x, 0)"],
        "`sum` désigne autre chose que ce que les cellules écrivent",
    ),
    "a name that the shell was given": (
        ["get_ipython().push({'su' + 'm': F.softmax})", "def f(x): return sum(x, 0)"],
        "`sum` désigne autre chose",
    ),
    "what an import has bound": (
        ["v = vars\nclass G:\n    maximum = F.softmax\nv()['tor' + 'ch'] = G",
         "def f(x): return torch.maximum(x, 0)"],
        "`torch` désigne autre chose",
    ),
    "a module among those that are imported": (
        ["import sys, types\nfake = types.ModuleType('math')\nfake.hypot = F.softmax\n"
         "sys.modules['ma' + 'th'] = fake",
         "import math\ndef f(x): return math.hypot(x, 0)"],
        "`math` désigne autre chose",
    ),
    "a name that an import of all binds": (
        ["softmax = None", "from torch.nn.functional import *", "def f(x): return softmax(x, 0)"],
        "`softmax`, sous un nom du notebook",
    ),
    "a class that an import of all binds": (
        ["Softmax = None", "from torch.nn import *", "def f(x): return Softmax(0)(x)"],
        "`Softmax`, sous un nom du notebook",
    ),
    "a name that is bound to itself": (
        ["eval = eval", "def f(x): return eval('F.softmax(x, 0)')"],
        "`eval`, sous un nom du notebook",
    ),
    "a name of Python's that is replaced": (
        ["import builtins\nbuiltins.sum = F.softmax", "def f(x): return sum(x, 0)"],
        "`softmax` à la ligne 1",
    ),
    "all of a file of the student's": (
        ["import sys, types\nm = types.ModuleType('outils')\nm.zeta = F.softmax\n"
         "sys.modules['outils'] = m",
         "from outils import *", "def f(x): return zeta(x, 0)"],
        "`zeta` désigne autre chose",
    ),
    "magic in the same cell": (
        "t = %time 3\ndef f(x): return F.softmax(x, 0)",
        "`softmax` à la ligne 1 de `f`",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("student", "message"), FORBIDDEN.values(), ids=FORBIDDEN)
def test_a_forbidden_word_is_told(engine, student, message):
    found = verdict(engine, student, "checks.forbid(f, '*softmax*')")
    assert found.score == 0
    assert message in found.message


def test_a_function_that_a_library_calls_is_replaced_in_writing_and_told(engine):
    patch = "def g(*given): return False\nF.has_torch_function = g"
    outcome = engine.run(job([patch, "def f(x): return x"], "checks.forbid(f, '*softmax*')"))
    assert outcome.report.verdicts[0].status is Status.PASSED
    (incident,) = outcome.report.incidents
    assert "library's has_torch_function: see that f" in incident


BAN = "checks.forbid(f, '*softmax*')"
HONEST = {
    "a compiled function": "torch.compile(torch.nn.Linear(2, 2), backend='eager')(torch.ones(2))",
    "an optimiser": "torch.optim.AdamW([torch.nn.Parameter(torch.ones(1))]).step()",
    "a device": "torch.set_default_device('cpu')",
    "settings": "from torch.backends import mkldnn\nprint = print\nnp = torch",
    "surgery": "from torch.nn import Linear as net\nnet = net(2, 1)\n"
    "for name in ['weight']: setattr(net, name, net.weight)",
    "an own name in a library": "F.swish = lambda x: x\ntorch.Tensor.plot = lambda x: None",
    "functions replaced in writing": "import torch.nn.functional as G, torch as t\n"
    "t.relu = lambda x: x.clamp(0)\ntorch.nn.functional.relu = lambda x: x\n"
    "nn.Linear.forward = nn.Linear.forward",
    "a library's function replaced by a function's import": "def plot():\n"
    "    import matplotlib.pyplot as plt\n    plt.shape = 3\n    F.softmax(torch.ones(2), 0)",
    "Python's names": "import builtins, importlib, labo\nbuiltins.print(1)\nimportlib.reload(labo)",
    "all of a module": "from math import *\nfrom torch.nn.functional import *",
    "a table of functions": "t = table\nt.append(F.softmax)",
}


@pytest.mark.parametrize("theirs", HONEST.values(), ids=HONEST)
def test_what_a_student_does_elsewhere_costs_nothing(engine, theirs):
    cells = ["import torch.nn as nn\nfrom torch import *\ntable = []", theirs]
    work = job([*cells, "def f(x): return torch.relu(nn.Identity()(x))"], BAN)
    report = engine.run(work).report
    assert (report.verdicts[0].message, report.incidents) == ("", ())


def test_a_patch_is_no_part_of_what_only_has_its_name(engine):
    cells = [
        "from torch import nn\nfrom torch.nn import *\nfrom math import *\nfrom math import sqrt",
        "nn.Module.predict = nn.Module.sqrt = nn.Module.sum = lambda net, x: F.softmax(net(x), 1)",
        "def predict(x): return sum([x, sqrt(4)])\ndef f(x): return predict(x)",
    ]
    report = engine.run(job(cells, BAN)).report
    assert (report.verdicts[0].message, report.verdicts[0].score) == ("", 2)


HOLDING = {
    "a table that a function fills": (
        ["table = []", "def f(x): return table[0](x)",
         "def g(x): return F.softmax(x, 0)\ndef fill(t): t.append(g)\nfill(table)"],
        "softmax",
    ),
    "a table under another name": (
        ["table = {}", "def f(x): return table[0](x, 0)", "t = table\nt[0] = F.softmax"],
        "softmax",
    ),
    "an object that is given a function": (
        ["class Box:\n    def put(self, g): self.g = g\nbox = Box()",
         "def f(x): return box.g(x)", "box.put(lambda x: F.softmax(x, 0))"],
        "softmax",
    ),
    "a hook of a network": (
        ["net = torch.nn.Identity()", "def f(x): return net(x)",
         "net.register_forward_hook(lambda m, i, o: F.softmax(o, 0))"],
        "softmax",
    ),
    "a layer of a network": (
        ["net = torch.nn.Sequential()", "def f(x): return net(x)",
         "net.add_module('0', torch.nn.Softmax(0))"],
        "Softmax",
    ),
    "what a partial, a generator and a closure hold": (
        ["import functools\ntable = []", "def f(x): return next(table[0])(x)",
         "def rest(s):\n    yield lambda x: s(x)\n"
         "table.insert(0, rest(functools.partial(F.softmax, dim=0)))",
         "t = table\ntable = None\ntable = []\nt2 = table\nt2 += t"],
        "softmax",
    ),
    "an array of objects": (
        ["import numpy as np\nt = np.array([None])", "def f(x): return t[0](x, 0)",
         "u = t\nu[0] = F.softmax"],
        "softmax",
    ),
    "an attribute of a tensor": (
        ["t = torch.ones(1)", "def f(x): return t.g(x, 0)", "u = t\nu.g = F.softmax"],
        "softmax",
    ),
    "a queue": (
        ["import queue\nt = queue.Queue()", "def f(x): return t.queue[0](x, 0)",
         "u = t\nu.put(F.softmax)"],
        "softmax",
    ),
    "a weak reference": (
        ["import weakref\ntable = []", "def f(x): return table[0]()(x, 0)",
         "t = table\nt.append(weakref.ref(F.softmax))"],
        "softmax",
    ),
    "a module of the notebook's making": (
        ["import types\nt = types.ModuleType('t')", "def f(x): return t.g(x, 0)",
         "u = t\nu.g = F.softmax"],
        "softmax",
    ),
    "a function that has names of its own": (
        ["import types\ntable = []", "def f(x): return table[0](x, 0)",
         "def g(x, d): return h(x, d)\nt = table\nask = object.__getattribute__",
         "code = ask(g, '__co' 'de__')\n"
         "t.append(types.FunctionType(code, {'h': F.softmax, '__name__': 'torch'}))"],
        "softmax",
    ),
    "what hides a name": (
        ["table = []", "def f(x): return table[0](x)",
         "t = table\nt.append(lambda x: getattr(F, 'soft' + 'max')(x, 0))"],
        "getattr",
    ),
    "a layer of a registry": (
        ["KINDS = {}\ndef register(g):\n    KINDS[g.__name__] = g\n    return g",
         "@register\ndef f(x): return x", "@register\ndef reference(x): return F.softmax(x, 0)"],
        "softmax",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("cells", "word"), HOLDING.values(), ids=HOLDING)
def test_a_forbidden_word_that_values_hold_is_told_to_the_instructor(engine, cells, word):
    """What an exercise takes of a table, nobody knows: an honest registry holds all functions."""
    report = engine.run(job(cells, BAN)).report
    assert f"holds what it must not use, {word}, which" in "".join(report.incidents)
    assert report.verdicts[0].status is Status.PASSED


BOUND_BY_MAGIC = {
    "in a block": "if True:\n    %time scale = 3",
    "captured": "%%capture scale\nprint(1)",
    "with an option": "%prun -q scale = 3",
}


@pytest.mark.parametrize("cell", BOUND_BY_MAGIC.values(), ids=BOUND_BY_MAGIC)
def test_a_name_that_a_magic_binds_costs_nothing_and_is_told(engine, cell):
    report = engine.run(job([cell, "def f(x): return x, scale"], BAN)).report
    assert report.verdicts[0].status is Status.PASSED
    assert "f reads scale, which a command of IPython binds" in report.incidents[0]


@pytest.mark.parametrize("magic", ["writefile out.py", "timeit -n1 -r1", "script echo"])
def test_what_a_cell_magic_runs_elsewhere_defines_nothing(engine, magic):
    cells = ["def f(x): return x", f"%%{magic}\ndef f(x): return F.softmax(x, 0)"]
    report = engine.run(job(cells, BAN)).report
    assert (report.verdicts[0].message, report.incidents) == ("", ())


UNREADABLE = {
    "a dead proxy": "import weakref\nnet = torch.nn.Linear(2, 2)\n"
    "other = [weakref.proxy(net)]\ndel net",
    "a name that raises": "class A:\n    __module__ = 'outils'\n    def __call__(self): pass\n"
    "    def __getattr__(self, name): raise RuntimeError(name)\nother = [A()]",
    "a module that is no text": "class A: __module__ = ['a']\nother = [A()]",
    "a metaclass that raises": "class M(type):\n    def __getattribute__(self, name):\n"
    "        raise RuntimeError(name)\nclass A(metaclass=M): pass\nother = [A]",
}


@pytest.mark.parametrize("cell", UNREADABLE.values(), ids=UNREADABLE)
def test_objects_that_cannot_be_asked_end_nothing(engine, cell):
    report = engine.run(job([cell, "def f(x): return len(other)"], BAN)).report
    assert (report.verdicts[0].message, report.incidents) == ("", ())


HELD = {
    "a registry": (
        "KINDS = {}\ndef register(g):\n    KINDS[g.__name__] = g\n    return g",
        "@register\ndef twice(x):\n    return 2 * x\n@register\ndef half(x):\n    return x / 2",
        "KINDS['twice'](x)",
    ),
    "a dataclass": (
        "from dataclasses import dataclass\n@dataclass\nclass Config:\n    rate: float = 0.1\n"
        "config = Config()",
        "config.rate = 0.2",
        "x * config.rate",
    ),
    "a network": (
        "net = torch.nn.Sequential(torch.nn.Linear(2, 2), torch.nn.ReLU())",
        "torch.optim.SGD(net.parameters(), 0.1).zero_grad()\nnet.eval()",
        "net(x)",
    ),
    "a named tuple and a star": (
        "from collections import namedtuple as n\nfrom math import *\nPoint = n('P', 'a b')",
        "origin = Point(0, pi)",
        "x + origin.a + pi",
    ),
    "what is timed": ("%time scale = 3", "%%time\nother = 4", "x * scale + other"),
    "a decorated function": (
        "from functools import lru_cache, wraps\n@lru_cache\ndef size(): return 2",
        "def noted(g):\n    @wraps(g)\n    def inner(*a): return g(*a)\n    return inner\n"
        "@noted\ndef helper(x): return x",
        "helper(x) * size()",
    ),
}


@pytest.mark.parametrize(("table", "other", "answer"), HELD.values(), ids=HELD)
def test_what_an_exercise_reads_costs_nothing_where_it_holds_nothing_forbidden(
    engine, table, other, answer
):
    cells = [table, other, f"def f(x): return {answer}"]
    report = engine.run(job(cells, "checks.forbid(f, '*softmax*', loops=True)")).report
    assert (report.verdicts[0].message, report.incidents) == ("", ())


def test_own_functions_may_have_a_forbidden_name(engine):
    cells = [
        "import functools\ndef softmax(x): return x\nclass Softmax: pass\n"
        "@torch.no_grad()\ndef log_softmax(x): return x\n"
        "@functools.lru_cache\ndef my_softmax(): return 2",
        "partial = functools.partial(softmax)",
        "def f(x):\n    Softmax(), my_softmax()\n    return log_softmax(x), partial(x)",
    ]
    report = engine.run(job(cells, BAN)).report
    assert (report.verdicts[0].message, report.incidents) == ("", ())


def test_a_loop_that_a_table_holds_is_told(engine):
    cells = ["table = []", "def f(x): return table[0](x)",
             "def g(x):\n    for _ in x: pass\n    return x\nt = table\nt.append(g)"]  # fmt: skip
    report = engine.run(job(cells, "checks.forbid(f, loops=True)")).report
    assert "holds what it must not use, for, which" in report.incidents[0]


def test_an_attribute_of_a_computed_name_is_told(engine):
    cells = ["for name in ['bench' + 'mark']: setattr(F.relu, name, True)", "def f(x): return x"]
    report = engine.run(job(cells, "checks.forbid(f, '*softmax*')")).report
    assert report.verdicts[0].status is Status.PASSED
    assert report.incidents[0].startswith("the notebook gives F, of a library, an attribute")


def test_the_author_may_write_what_students_may_not(engine):
    work = job(["def f(x): return x"], "checks.forbid(f, loops=True)")
    author = cell("exec('y = 1')\nfor i in range(3): pass")
    work.source["cells"].append(author)
    work.notebook["cells"].insert(1, dict(author))
    assert engine.run(work).report.verdicts[0].status is Status.PASSED


def test_a_ban_on_what_has_no_name_is_the_authors_mistake(engine):
    outcome = engine.run(job("class A:\n    def f(self): pass", "checks.forbid(A().f)"))
    assert outcome.report.verdicts[0].status is Status.ERROR
    assert "labo.checks.forbid knows" in outcome.report.incidents[0]
