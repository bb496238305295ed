"""What ordinary tests do in one process: it works across the boundary, or the instructor is told.

Each test here is right of the author's own notebook. None may be `failed`: that would be points
lost in silence.
"""

import pytest

from grader.engine import Outcome, Status
from tests.support.course_cases import QUICK
from tests.support.engine_cases import job
from tests.support.lent_engine import LentEngine

POINT = """
class P:
    def __init__(self, x): self.x = x
    def __eq__(self, other): return isinstance(other, P) and self.x == other.x
    def __lt__(self, other): return self.x < other.x
    def __hash__(self): return hash(self.x)
    def __str__(self): return f"P<{self.x}>"
    __repr__ = __str__
    def __bool__(self): return True
    def __float__(self): return float(self.x)
def make(x): return P(x)
"""
HELLO = "def hello(): print('bonjour')"
ASK = "def ask(): return int(input('âge ? '))"
SQUARES = """
def square(n): return n * n
def total(n): return sum(square(i) for i in range(n))
"""
SAVE = "def save(path):\n    with open(path, 'w') as file: file.write('ok')"
LOAD = "def load(path):\n    return open(path).read()"

# name: (the notebook, a test)
WORKS = {
    "a named tuple of the test": (
        "def f(point): return point[0] + point[1]",
        "from collections import namedtuple\nP = namedtuple('P', 'x y')\nassert f(P(1, 2)) == 3",
    ),
    "a number with a name, of the test": (
        "def f(n): return n + 1",
        "import enum\nclass N(enum.IntEnum):\n    ONE = 1\nassert f(N.ONE) == 2",
    ),
    "captured with redirect_stdout": (
        HELLO,
        "import contextlib, io\nout = io.StringIO()\nwith contextlib.redirect_stdout(out):\n"
        "    print('avant')\n    hello()\n    print('après')\n"
        "assert out.getvalue() == 'avant\\nbonjour\\naprès\\n', out.getvalue()",
    ),
    "captured by hand": (
        HELLO,
        "import io, sys\nkept, sys.stdout = sys.stdout, io.StringIO()\nhello()\n"
        "out, sys.stdout = sys.stdout.getvalue(), kept\nassert out == 'bonjour\\n'",
    ),
    "captured by IPython": (
        HELLO,
        "from IPython.utils.capture import capture_output\nwith capture_output() as found:\n"
        "    hello()\nassert found.stdout == 'bonjour\\n'",
    ),
    "much is printed": (
        "def loud():\n    for i in range(900): print('ligne', i)",
        "import contextlib, io\nout = io.StringIO()\nwith contextlib.redirect_stdout(out):\n"
        "    loud()\nassert len(out.getvalue().splitlines()) == 900",
    ),
    "input, patched": (
        ASK,
        "from unittest import mock\nwith mock.patch('builtins.input', side_effect=['3', '4']) as m:"
        "\n    assert (ask(), ask()) == (3, 4)\nassert m.call_args.args == ('âge ? ',)",
    ),
    "input, replaced": (ASK, "import builtins\nbuiltins.input = lambda *_: '3'\nassert ask() == 3"),
    "input, defined": (ASK, "def input(prompt=''):\n    return '3'\nassert ask() == 3"),
    "stdin, replaced": (
        ASK,
        "import io, sys\nkept, sys.stdin = sys.stdin, io.StringIO('3\\n4\\n')\n"
        "assert (ask(), ask()) == (3, 4)\nsys.stdin = kept",
    ),
    "a tensor called input": (
        "def f(x): return x",
        "input = torch.ones(2)\nassert f(input).sum() == 2",
    ),
    "str": (POINT, "assert str(P(1)) == 'P<1>'"),
    "repr": (POINT, "assert repr(P(1)) == 'P<1>'"),
    "formatted": (POINT, "assert f'un {P(1)}, {P(2):>6}' == 'un P<1>,   P<2>'"),
    "hash": (POINT, "assert hash(P(1)) == hash(make(1)) != hash(P(2))"),
    "a list of objects, by their attributes": (
        POINT,
        "assert [p.x for p in (P(1), make(2))] == [1, 2]",
    ),
    "dates": (
        "import datetime\ndef tomorrow(day): return day + datetime.timedelta(days=1)",
        "import datetime as dt\nassert tomorrow(dt.date(2020, 2, 28)) == dt.date(2020, 2, 29)\n"
        "zone = dt.timezone(dt.timedelta(hours=-5))\n"
        "now = dt.datetime(2020, 1, 2, 3, tzinfo=zone)\n"
        "assert tomorrow(now) == now + dt.timedelta(1) and tomorrow(now).tzinfo == zone",
    ),
    "a duration": (
        "def between(a, b): return b - a",
        "import datetime as dt\nassert between(dt.date(2020, 1, 1), dt.date(2020, 1, 3)).days == 2",
    ),
    "fractions": (
        "def double(x): return 2 * x",
        "from fractions import Fraction\nassert double(Fraction(1, 3)) == Fraction(2, 3)",
    ),
    "decimal numbers": (
        "def double(x): return 2 * x",
        "from decimal import Decimal\nassert double(Decimal('0.10')) == Decimal('0.20')",
    ),
    "paths": (
        "def parent(path): return path.parent",
        "from pathlib import Path\nassert parent(Path('a') / 'b') == Path('a')",
    ),
    "unittest": (
        "def f(): return 1",
        "import unittest\nclass Tests(unittest.TestCase):\n"
        "    def test_f(self): self.assertEqual(f(), 1)\n"
        "suite = unittest.defaultTestLoader.loadTestsFromTestCase(Tests)\n"
        "assert unittest.TextTestRunner().run(suite).wasSuccessful()",
    ),
    "a temporary file of the test's own": (
        "def f(): return 'ok'",
        "import tempfile\nwith tempfile.TemporaryFile('w+') as file:\n    file.write(f())\n"
        "    file.seek(0)\n    assert file.read() == 'ok'",
    ),
    "a name that no function of the notebook reads": (
        "seed = 1\ndef f(seed): return seed",
        "seed = 3\nassert f(seed) == 3\ndel seed",
    ),
    "a class of the test's": ("def f(x): return x", "class A: pass\nassert isinstance(A(), A)"),
}

# name: (the notebook, a test, what the instructor reads)
TOLD = {
    "print, patched": (HELLO, "from unittest import mock\nwith mock.patch('builtins.print') as p:\n"
        "    hello()\nassert p.called", "replaces print of Python's"),
    "a function of the notebook, patched": (SQUARES, "from unittest import mock\n"
        "with mock.patch('__main__.square', return_value=1):\n    assert total(3) == 3",
        "__main__.square: the notebook is another process"),
    "a function of the notebook, replaced": (SQUARES, "kept = square\nsquare = lambda n: 1\n"
        "assert total(3) == 3\nsquare = kept", "the test gives square a value"),
    "deleted, to see who calls it": (SQUARES, "kept = square\ndel square\ntry:\n    total(3)\n"
        "except NameError:\n    pass\nelse:\n    raise AssertionError\nfinally:\n    square = kept",
        "square"),
    "deleted": (SQUARES, "del total", "the test deletes total"),
    "a variable that only a test defines": ("def f(): return N + 1", "N = 3\nassert f() == 4",
        "the test gives N a value"),
    "a variable that a test changes": ("N = 1\ndef f(): return N + 1", "N = 3\nassert f() == 4",
        "the test gives N a value"),
    "==": (POINT, "assert P(1) == P(1)", "== of an object of the class P"),
    "== of a result": (POINT, "assert make(1) == P(1)", "== of an object of the class P"),
    "!=": (POINT, "assert not P(1) != P(1)", "== of an object of the class P"),
    "== in lists": (POINT, "assert [P(1), P(2)] == [P(1), P(2)]", "== of an object of the class P"),
    "in": (POINT, "assert P(1) in [P(1)]", "== of an object of the class P"),
    "== of a dataclass": ("from dataclasses import dataclass\n@dataclass\nclass D:\n    a: int",
        "assert D(1) == D(1)", "== of an object of the class D"),
    "<": (POINT, "assert P(1) < P(2)", "< of an object of the class P"),
    "sorted": (POINT, "assert sorted([P(2), P(1)])[0].x == 1", "< of an object of the class P"),
    "a set": (POINT, "assert len({P(1), P(1)}) == 1", "a set of objects"),
    "truth": (POINT, "assert P(1)", "__bool__ of an object of the class P"),
    "float": (POINT, "assert float(P(1)) == 1", "__float__ of an object of the class P"),
    "with": ("class W:\n    def __enter__(self): return 1\n    def __exit__(self, *_): pass",
        "with W() as w:\n    assert w == 1", "a function of the notebook does that"),
    "derived from": (POINT, "class Q(P): pass\nassert Q(1).x == 1", "derived from in the notebook"),
    "an exception of the student's": ("class Bad(Exception): pass\ndef f(): raise Bad('non')",
        "try:\n    f()\nexcept Bad:\n    pass\nelse:\n    raise AssertionError",
        "except Bad: an exception comes as the builtin class"),
    "type": (POINT, "assert type(P(1)) is P", "write isinstance"),
    "the name of a type": (POINT, "assert type(P(1)).__name__ == 'P'", "write isinstance"),
    "globals": ("value = 3", "assert 'value' in globals()", "write the name of the notebook"),
    "what a cell wrote": ("value = 3", "assert 'value' in In[2]", "what a cell wrote or gave"),
    "its source": ("def f(): return 1", "import inspect\nassert 'return' in inspect.getsource(f)",
        "checks.forbid"),
    "a magic": ("def f(): return 1", "%time x = f()", "not Python"),
    "a file that the notebook writes": (SAVE, "save('out.txt')\n"
        "assert open('out.txt').read() == 'ok'", "out.txt is none of the author's files"),
    "whether a file is there": (SAVE, "import os\nsave('out.txt')\n"
        "assert os.path.exists('out.txt')", "out.txt is none of the author's files"),
    "whether a path is there": (SAVE, "from pathlib import Path\nsave('out.txt')\n"
        "assert Path('out.txt').is_file()", "out.txt is none of the author's files"),
    "a file that the test writes": (LOAD, "with open('in.txt', 'w') as file: file.write('ok')\n"
        "assert load('in.txt') == 'ok'", "the test writes in.txt"),
    "a temporary file for the notebook": (LOAD, "import tempfile, pathlib\n"
        "path = pathlib.Path(tempfile.mkdtemp(), 'in.txt')\npath.write_text('ok')\n"
        "assert load(str(path)) == 'ok'", "which the test has written, is not there"),
    "a text that refuses to be compared": ("def f(s): return s == 'ab'",
        "class Text(str):\n    def __eq__(self, other): raise TypeError\n"
        "assert f(Text('ab'))", "a Text of the test would be given without its __eq__"),
    "a list that refuses to be sorted": ("def f(x): return sorted(x)",
        "class Items(list):\n    def __iter__(self): raise TypeError\n"
        "assert f(Items([2, 1])) == [1, 2]", "without its __iter__"),
    "an expression of sympy": ("import sympy\ndef d(e): return sympy.diff(e)",
        "import sympy\nx = sympy.Symbol('x')\nassert d(x**2) == 2 * x", "has no form as data"),
}  # fmt: skip


@pytest.fixture(scope="module")
def outcomes() -> dict[str, Outcome]:
    cases = {name: (notebook, test) for name, (notebook, test, _) in TOLD.items()} | WORKS
    jobs = [job(n, test, key=name, author=n) for name, (n, test) in cases.items()]
    with LentEngine(QUICK) as engine:
        return {outcome.key: outcome for outcome in engine.map(jobs)}


@pytest.mark.parametrize("name", WORKS)
def test_what_works(outcomes, name):
    report = outcomes[name].report
    assert (report.verdicts[0].status, report.incidents) == (Status.PASSED, ()), report


@pytest.mark.parametrize("name", TOLD)
def test_what_is_told(outcomes, name):
    report = outcomes[name].report
    assert report.verdicts[0].status is Status.ERROR, report
    assert "l'équipe du cours est prévenue" in report.verdicts[0].message
    (incident,) = report.incidents
    assert incident.startswith("cell 3: ")
    assert TOLD[name][2] in incident
