"""A student's object is never taken for a value, and is shown none of the test's."""

import re

import pytest

from grader.engine import Status
from tests.support.engine_cases import cell, job

# Everything that Python or a library can ask of an object, answered by an object that says yes to
# all of it, and prints whatever it is shown.
LIAR = """
SPECIAL = '''lt le gt ge eq ne add sub mul truediv floordiv mod divmod pow matmul and or xor lshift
rshift neg pos abs invert int float complex bool index round trunc floor ceil contains len iter
next str repr format bytes hash array array_ufunc array_function array_wrap array_priority
torch_function torch_dispatch dlpack dlpack_device reduce reduce_ex getstate copy deepcopy fspath
length_hint enter exit buffer sizeof dir instancecheck subclasscheck'''.split()

def answering(answer):
    def method(self, *args, **kwargs):
        print("SHOWN", args, kwargs)
        return answer(self)
    body = {f"__{prefix}{name}__": method for name in SPECIAL for prefix in ("", "r")}
    return type("Liar", (), body | {"__getattr__": spied})

def spied(self, name):
    print("ASKED", name)
    raise AttributeError(name)
"""

ANSWERS = {
    "zero": "lambda self: 0",
    "zero, as a float": "lambda self: 0.0",
    "true": "lambda self: True",
    "itself": "lambda self: self",
    "a tensor": "lambda self: torch.zeros(3)",
    "an array": "lambda self: np.zeros(3)",
    "an empty list": "lambda self: []",
    "a text": "lambda self: 'texte'",
}

COMPARISONS = """abs(r - 12345.0) < 1
abs(12345.0 - r) < 1
r == 12345.0
12345.0 == r
r != 12345
r < 12345
12345 >= r
r in (12345, 1)
bool(r)
not r
float(r) == 0
int(r) + 1
round(r, 2)
math.isclose(r, 12345)
math.floor(r) + 1
math.sqrt(r) + 1
r * 0 + 12345 == 12345
divmod(r, 12345)
r & 12345
r << 12345
-r
abs(r)
np.allclose(r, 12345)
np.asarray(r) + 12345
np.array([r, 12345])
np.abs(np.full(3, 12345.0) - r).max() < 1
np.isclose(12345, r)
np.testing.assert_allclose(r, 12345)
np.float64(12345) - r
np.add(r, 12345)
torch.as_tensor(r) + 12345
torch.allclose(r, torch.full((3,), 12345.0))
torch.testing.assert_close(r, torch.full((3,), 12345.0))
torch.equal(r, torch.full((3,), 12345.0))
torch.full((3,), 12345.0) - r
torch.full((3,), 12345.0) == r
torch.maximum(r, torch.full((3,), 12345.0))
F.mse_loss(r, torch.full((3,), 12345.0))
sum([r, 12345])
max(r, 12345)
sorted([r, 12345])
range(r)[12345]
[12345][r]
__import__('operator').index(r)
__import__('pickle').dumps(r)
__import__('json').dumps(r)
__import__('os').fspath(r)
__import__('statistics').mean([r, 12345])
__import__('fractions').Fraction(r)
__import__('decimal').Decimal(r)
__import__('struct').pack('d', r)
'%d' % r
'%.3f' % r
bytes(r)
bytearray(r)
memoryview(r)
hash(r) == 12345
isinstance(r, (int, float, torch.Tensor, np.ndarray, list))
isinstance(12345, type(r))
issubclass(int, type(r))""".splitlines()


def test_an_object_that_says_yes_to_everything_is_shown_and_earns_nothing(engine):
    tests = [f"r = f()\nr.first = 1\nassert {comparison}" for comparison in COMPARISONS]
    for name, answer in ANSWERS.items():
        student = f"{LIAR}\nLiar = answering({answer})\ndef f(): return Liar()"
        outcome = engine.run(job(student, *tests))
        outputs = [str(cell["outputs"]) for cell in outcome.notebook["cells"]][-len(tests) :]
        for comparison, verdict, output in zip(
            COMPARISONS, outcome.report.verdicts, outputs, strict=True
        ):
            context = f"{name}: {comparison}: {verdict} {output}"
            assert verdict.score == 0, context
            assert not re.search(r"SHOWN.*12345", output), context
            assert "ASKED __" not in output, context
        assert not outcome.report.incidents


def test_formatting_an_object_asks_nothing_of_it(engine):
    student = f"{LIAR}\nLiar = answering(lambda self: 'texte')\ndef f(): return Liar()"
    test = "r = f()\nassert False, f'{r} {r!r} {r:.3f} {r!s} ' + str(r) + '%s' % r"
    outcome = engine.run(job(student, test))
    assert outcome.report.verdicts[0].message.split("un objet de la classe Liar") == [
        "", " ", " ", " ", " ", "", "",
    ]  # fmt: skip
    assert "SHOWN" not in str(outcome.notebook["cells"][-1]["outputs"])


VALUE = """
class Value:
    def __init__(self, data): self.data = data
    def __add__(self, other): return Value(self.data + getattr(other, "data", other))
    __radd__ = __add__
    def __sub__(self, other): return 0.0
    def double(self): return self + self
    def __contains__(self, item): return item == self.data
def total(values):
    return sum(values[1:], values[0])
def close(step): return Value(step)
"""


@pytest.mark.parametrize(
    "test",
    [
        "a = Value(1)\nassert (a + 2 + a).data == 4 and (2 + a).data == 3",
        "a = Value(1)\nassert (a.double() + 1).data == 3",
        "assert (total([Value(1), Value(2)]) + 1).data == 4",
        "assert 1 in Value(1) and 2 not in Value(1)",
    ],
)
def test_objects_of_the_author_s_own_class_have_arithmetic(engine, test):
    (verdict,) = engine.run(job(VALUE, test, author=VALUE)).report.verdicts
    assert (verdict.status, verdict.message) == (Status.PASSED, "")


@pytest.mark.parametrize(
    ("test", "says"),
    [
        ("assert abs(Value(1) - 5) < 1", "il faut un objet de la classe Value"),
        ("assert Value(1) - 5 == 0", "il faut un objet de la classe Value"),
        ("assert abs(close(5) - 5) < 1", "il faut un nombre, et non un objet de la classe Value"),
        ("assert Value(1) + 1 == 2", "il faut un nombre, et non un objet de la classe Value"),
        ("assert Value(torch.ones(2)) + torch.ones(2) == 2", "il faut un tenseur"),
    ],
)
def test_arithmetic_gives_no_value(engine, test, says):
    author = VALUE.replace("return 0.0", "return Value(self.data - other)")
    student = VALUE.replace("class Value:", "class Value:\n    def __abs__(self): return 0.0")
    (verdict,) = engine.run(job(student, test, author=author)).report.verdicts
    assert (verdict.score, verdict.status) == (0, Status.FAILED)
    assert says in verdict.message


# name: (what a function of the student's raises, in a loop of the test)
ENDING = ("StopIteration", "StopAsyncIteration", "GeneratorExit", "IndexError", "SystemExit")


@pytest.mark.parametrize("error", ENDING)
def test_no_exception_of_a_student_ends_a_loop_of_the_test(engine, error):
    student = f"def f(x):\n    if x > 1: raise {error}\n    return x"
    test = (
        "for x, y in zip(map(f, (1, 2)), (1, 3)):\n    assert x == y, 'faux'\n"
        "list(f(x) for x in (1, 2))"
    )
    (verdict,) = engine.run(job(student, test)).report.verdicts
    assert verdict.score == 0
    assert f"Votre code a levé {error}" in verdict.message


def test_an_iterator_of_a_student_ends(engine):
    student = (
        "class Count:\n    def __init__(self): self.n = 0\n    def __iter__(self): return self\n"
        "    def __next__(self):\n        self.n += 1\n"
        "        if self.n > 3: raise StopIteration\n        return self.n"
    )
    test = "assert list(Count()) == [1, 2, 3]\nc = Count()\nassert next(c) == 1 and 3 in c"
    (verdict,) = engine.run(job(student, test)).report.verdicts
    assert (verdict.status, verdict.message) == (Status.PASSED, "")


SIZED = """
class Sized:
    def __init__(self, length, count): self.length, self.count = length, count
    def __len__(self): return self.length
    def __iter__(self): return iter([0] * self.count)
def sized(length, count): return Sized(length, count)
def generated(): return (i for i in range(3))
"""


@pytest.mark.parametrize(
    "test",
    [
        "r = sized(2, 0)\nassert len(r) == 2\nfor found, wanted in zip(r, (1, 2)): assert 0",
        "r = sized(2, 0)\nfor found in r: assert 0\nassert len(r) == 2",
        "list(sized(1, 2))",
    ],
)
def test_a_length_is_that_of_what_is_given(engine, test):
    (verdict,) = engine.run(job(SIZED, test)).report.verdicts
    assert (verdict.score, verdict.status) == (0, Status.FAILED)
    assert "un objet de la classe Sized qui en dit un autre" in verdict.message


@pytest.mark.parametrize(
    "test",
    [
        "r = sized(2, 2)\nassert len(r) == 2 and list(r) == [0, 0] and len(r) == 2",
        "r = sized(9, 9)\nassert len(r) == 9 and list(zip(r, 'ab'))",
        "r = sized(9, 9)\nassert len(r) == 9\nr.length = r.count = 1\nassert list(r) == [0]",
        "r = generated()\nassert list(r) == [0, 1, 2] and list(r) == []",
        # A class of the author's, whose objects the test makes, may count what it likes.
        "r = Sized(2, 3)\nassert len(r) == 2 and len(list(r)) == 3",
    ],
)
def test_lengths_may_change_and_loops_may_stop(engine, test):
    (verdict,) = engine.run(job(SIZED, test, author=SIZED)).report.verdicts
    assert (verdict.status, verdict.message) == (Status.PASSED, "")


DRAWS = """
import random
def f(*args): return torch.rand(300), np.random.rand(3), random.random()
def states(*args):
    return list(torch.get_rng_state()), list(np.random.get_state()[1]), list(random.getstate()[1])
def replay(*args):
    "The numbers that follow those of the test, were its generators in the states of this process."
    return f()
"""


@pytest.mark.parametrize("drawn", ["torch.rand(300)", "np.random.rand(3)", "random.random()"])
def test_what_student_code_can_see_predicts_no_draw_of_the_test(engine, drawn):
    test = (
        "import random\n"
        "torch.manual_seed(1), np.random.seed(1), random.seed(1)\n"
        f"seen = f()\nlater = {drawn}\nagain = f(torch.rand(3))\nlast = {drawn}\n"
        "for values in (*seen, *again):\n"
        "    assert np.ravel(values)[0] not in (np.ravel(later)[0], np.ravel(last)[0])\n"
        f"torch.manual_seed(1), np.random.seed(1), random.seed(1)\nfirst = {drawn}\n"
        "assert any(np.array_equal(first, value) for value in seen)\n"
        "g = torch.Generator().manual_seed(3)\n"
        "def draw(generator): return torch.rand(3, generator=generator)\n"
    )
    (verdict,) = engine.run(job(DRAWS, test)).report.verdicts
    assert (verdict.status, verdict.message) == (Status.PASSED, "")


def test_every_grading_draws_the_same_numbers(engine):
    test = "print(torch.rand(2), np.random.rand(), f()[0][:2])\nprint(f()[1])\nassert False"
    outputs = [str(engine.run(job(DRAWS, test)).notebook["cells"][-1]) for _ in range(2)]
    assert outputs[0] == outputs[1]
    other = str(engine.run(job(DRAWS, test + ", 1")).notebook["cells"][-1])
    assert other.split("assert")[1] != outputs[0].split("assert")[1]


def test_a_generator_comes_back_as_an_object(engine):
    student = (
        "def lent(g):\n    g.set_state(torch.zeros_like(g.get_state()))\n"
        "def made(): return torch.Generator().manual_seed(2)\n"
        "def draw(g): return torch.rand(3, generator=g)"
    )
    test = (
        "g = torch.Generator().manual_seed(1)\n"
        "try:\n    lent(g)\nexcept RuntimeError:\n    pass\n"
        "assert torch.rand(3, generator=g).min() > 0\n"
        "assert torch.equal(draw(made()), draw(made())) and not isinstance(made(), torch.Generator)"
    )
    (verdict,) = engine.run(job(student, test)).report.verdicts
    assert (verdict.status, verdict.message) == (Status.PASSED, "")


@pytest.mark.parametrize(
    "change",
    [
        "a.pop(0)", "a[0] = 5", "a.reverse()", "d.clear()", "d['k'] = 2", "d['l'].append(1)",
        "s.add(3)", "a[2]['x'] = 1", "del a[1:]", "d['t'][0].add_(1)",
    ],
)  # fmt: skip
def test_a_test_sees_that_an_argument_was_changed(engine, change):
    student = f"def f(a, d, s):\n    {change}"
    test = (
        "import copy\n"
        "given = [1, 2, {'x': 0}], {'k': 1, 'l': [], 't': (torch.ones(2),)}, {1, 2}\n"
        "before = str(given)\nf(*given)\nassert str(given) == before, 'a été modifié'"
    )
    (verdict,) = engine.run(job(student, test)).report.verdicts
    assert (verdict.status, verdict.message) == (Status.FAILED, "a été modifié")


# The student's half of the protocol, replaced: `lies` is what the next answer says instead.
LYING = """
import msgpack
from grader.engine import candidate, wire
true_answer, lies = candidate.Candidate._on_apply, []
def answered(self, request):
    answer = true_answer(self, request)
    return wire.encode(wire.decode(answer) | lies.pop()) if lies else answer
candidate.Candidate._on_apply = answered
def result(value, changed=('dict', [])):
    lies.append({"result": msgpack.packb(["tuple", [value, list(changed)]])})
"""


def test_what_is_read_of_an_own_object_is_shown_nothing(engine):
    student = (
        "class Value:\n"
        "    def __init__(self, data): self.data = [self]\n"
        "    def __sub__(self, other): print('SHOWN', other); return self\n"
        "    def __getitem__(self, index): return self\n"
        "    def __iter__(self): yield self\n"
        "    def __copy__(self): return self\n"
        "def close(step): return Value(step)\n"
        "alias = Value\n"
    )
    read = ("v[0]", "next(iter(v))", "v.data[0]", "__import__('copy').copy(v)", "alias(3)")
    tests = [f"alias, v = alias, Value(1)\nassert abs({r} - 12345) < 1" for r in read]
    outcome = engine.run(job(student, *tests, author=VALUE))
    assert {verdict.score for verdict in outcome.report.verdicts} == {0}
    assert "SHOWN" not in str([cell["outputs"] for cell in outcome.notebook["cells"]])


@pytest.mark.parametrize(
    "kind",
    [
        "torch.nn.utils.rnn.PackedSequence",
        "torch.nn.modules.module.OrderedDict",
        "torch.nn.parameter._ParameterMeta",
        "torch.utils.data.graph_settings.SHARDING_PRIORITIES",
    ],
)
def test_an_object_claims_no_container_number_or_class_that_torch_happens_to_hold(engine, kind):
    student = f"{LYING}\ndef f(): result(['object', 4242, ['{kind}'], False])"
    test = (
        "import torch.utils.data.graph_settings\nassert isinstance(f(), tuple | dict | type | int)"
    )
    (verdict,) = engine.run(job(student, test)).report.verdicts
    assert (verdict.status, verdict.message) == (Status.FAILED, "Le test a échoué.")


def test_an_argument_is_not_changed_by_later_calls(engine):
    student = (
        f"{LYING}\ndef f(x): result(['mirror', 777, False, ['again', 0], None, False])\n"
        "def g(): lies.append({'mirrors': {777: (torch.zeros(3), None, False)}})"
    )
    test = "x = torch.ones(3)\nassert torch.equal(f(x), x)\ng()\nassert x.all(), 'changé plus tard'"
    (verdict,) = engine.run(job(student, test)).report.verdicts
    assert (verdict.status, verdict.message) == (Status.PASSED, "")


def test_an_argument_that_grows_leaves_what_it_is_a_view_of(engine):
    changed = "['dict', [0, wire.msgpack.unpackb(wire.encode((torch.zeros(4, 3), None, False)))]]"
    student = f"{LYING}\ndef f(row): result(None, {changed})"
    test = (
        "base = torch.ones(4, 3)\nrow = base[0]\nf(row)\n"
        "assert row.shape == (4, 3) and not row.any(), 'row'\nassert base.all(), 'base'"
    )
    (verdict,) = engine.run(job(student, test)).report.verdicts
    assert (verdict.status, verdict.message) == (Status.PASSED, "")


def test_a_result_as_large_as_may_be_blames_nobody_but_the_student(engine):
    student = (
        f"{LYING}\ndef f():\n    nested = ['list', []]\n"
        "    for _ in range(63): nested = ['list', [nested]]\n    result(nested)\n"
        "def g(x): return x"
    )
    report = engine.run(job(student, "assert g(f()) == 1")).report
    assert (report.verdicts[0].status, report.incidents) == (Status.FAILED, ())
    assert "que le test puisse lire" in report.verdicts[0].message


@pytest.mark.parametrize(
    "earlier", ["[]", "[wire.encode((1, {}))]", "[7, None]", "3", "None", "['list']", "{1: 2}"]
)
def test_calls_in_turn_have_a_value_each(engine, earlier):
    student = f"{LYING}\ndef f(x): lies[:] = [{{'earlier': {earlier}}}]; return x"
    test = (
        "from labo import checks\n"
        "try:\n    for value in checks.each(f, (1,), (1,), (1,)): assert value == 1\n"
        "except Exception: pass"
    )
    (verdict,) = engine.run(job(student, test)).report.verdicts
    assert (verdict.score, verdict.status) == (0, Status.FAILED)


REACHES_ALL = """
import sys
def arguments():
    frame = sys._getframe()
    while "own" not in frame.f_locals: frame = frame.f_back
    return frame.f_locals["arguments"], frame.f_locals["own"]
"""


@pytest.mark.parametrize("rank", [0, 2])
def test_a_call_in_turn_leaves_its_mark_on_its_own_arguments(engine, rank):
    """The first one's code, or the last one's, changes what all of them were given."""
    student = (
        f"{REACHES_ALL}\ndef f(x, i):\n    if i == {rank}:\n        given, own = arguments()\n"
        "        for k, value in enumerate(given.values):\n"
        "            if value is not x:\n                value.fill_(7)\n"
        "                for indices in own: indices.add(k)\n    return 7.0"
    )
    test = (
        "from labo import checks\ngiven = [torch.full((2,), float(i)) for i in range(3)]\n"
        "for x, value in zip(given, checks.each(f, *((x, i) for i, x in enumerate(given)))):\n"
        "    assert value == 7\n    print([x.tolist()[0] for x in given])\n"
        "assert [x.tolist()[0] for x in given[:1]] == [0.0]"
    )
    outcome = engine.run(job(student, test))
    (verdict,) = outcome.report.verdicts
    assert (verdict.status, verdict.message) == (Status.PASSED, "")
    first = outcome.notebook["cells"][-1]["outputs"][0]["text"].splitlines()[0]
    assert first == "[0.0, 1.0, 2.0]", "arguments of calls that were still to come"


@pytest.mark.parametrize("method", ["detach", "requires_grad_", "numpy"])
def test_a_recording_sees_what_is_computed_as_arguments_and_values_are_made(engine, method):
    """A method of torch that is replaced computes before the exercise is called, or after it."""
    student = (
        f"method, done = torch.Tensor.{method}, []\n"
        "def computed(self, *args, **kwargs):\n"
        "    if not done: done.append(0); torch.nn.functional.softmax(torch.ones(3), 0)\n"
        "    return method(self, *args, **kwargs)\n"
        f"def ready(): torch.Tensor.{method} = computed; done.clear()\n"
        "def f(x): return x"
    )
    test = (
        "from labo import checks\nx = torch.ones(3, requires_grad=True) * 2\nready()\n"
        "assert not any('softmax' in name for name in checks.recorded(f, x).operators), 'vu'"
    )
    (verdict,) = engine.run(job(student, test)).report.verdicts
    assert (verdict.status, verdict.message) == (Status.FAILED, "vu")


@pytest.mark.parametrize("kind", ["list", "tuple"])
def test_many_objects_cross_and_are_the_same_objects(engine, kind):
    student = (
        "class Node:\n    def __init__(self, n): self.n = n\n"
        f"def nodes(n): return {kind}(Node(i) for i in range(n))\n"
        "def back(nodes): found = list(nodes); nodes.reverse(); return found\n"
        "def numbers(nodes): return [node.n for node in nodes]"
    )
    test = (
        f"given = nodes(40)\nassert type(given) is {kind} and len(given) == 40\n"
        "there = list(given) + [given[3]]\nfound = back(there)\n"
        "assert all(a is b for a, b in zip(found, given)) and found[40] is given[3]\n"
        "assert there[0] is given[3] and there[1] is given[39]\n"
        "assert numbers(given) == list(range(40)) and given[7].n == 7\n"
        "assert numbers([*given[:20], *given[:20]]) == 2 * list(range(20))"
    )
    (verdict,) = engine.run(job(student, test)).report.verdicts
    assert (verdict.status, verdict.message) == (Status.PASSED, "")


def test_a_process_that_refuses_to_forget_does_not_end_the_examiner(engine):
    student = (
        f"{LYING}\ncandidate.Candidate._on_forget = lambda *_: wire.encode({{'refused': 'non'}})\n"
        "def f(): return 1"
    )
    report = engine.run(job(student, "assert f() == 1", "assert f() == 1")).report
    assert [verdict.score for verdict in report.verdicts] == [2, 0]


@pytest.mark.parametrize(
    ("author", "test"),
    [
        ("def pow(a, b): return a ** b", "assert pow(2, 3) == 8"),
        ("from math import gcd\ndef gcd(a, b): return 1", "assert gcd(4, 6) == 2"),
    ],
)
def test_an_exercise_is_examined_under_the_name_of_something_else(engine, author, test):
    (verdict,) = engine.run(job("", test, author=author)).report.verdicts
    assert (verdict.score, verdict.status) == (0, Status.FAILED)
    (verdict,) = engine.run(
        job(author, test.replace("2, 3", "3, 2"), author=author)
    ).report.verdicts
    assert verdict.status is Status.FAILED


def test_the_draws_of_a_test_that_is_all_visible_are_not_known(engine):
    test = "secret = torch.rand(3)\nassert any(torch.equal(secret, guess) for guess in f())"
    student = (
        "import hashlib\ndef seed(key, i):\n"
        "    digest = hashlib.sha256(key + i.to_bytes(8, 'big')).digest()\n"
        "    return int.from_bytes(digest[:7], 'big')\n"
        "def f():\n"
        f"    keys = [hashlib.sha256(t.encode()).digest() for t in ({test!r}, '\\0' + {test!r})]\n"
        "    seeds = [seed(key, i) for key in keys for i in range(1, 20)]\n"
        "    return [torch.rand(3, generator=torch.Generator().manual_seed(s)) for s in seeds]\n"
    )
    guessed = job(student, test)
    assert engine.run(guessed).report.verdicts[0].score == 2  # of a lab without a secret
    guessed.source["cells"].append(cell("assert f() == 7.0625", "hidden"))
    assert engine.run(guessed).report.verdicts[0].score == 0


@pytest.mark.parametrize(
    "close",
    [
        "torch.allclose(f(x), x)", "torch.allclose(other=x, input=f(x))", "x.allclose(f(x))",
        "np.allclose(f(x).numpy(), x.numpy())", "np.allclose(3.0, f(x).tolist())",
    ],
)  # fmt: skip
def test_an_empty_result_is_close_to_nothing_else(engine, close):
    student = "def f(x): return torch.empty(0, *x.shape)\ndef g(x): return torch.empty(0)"
    tests = f"x = torch.ones(4)\nassert {close}", "assert torch.allclose(g(1), torch.empty(0))"
    report = engine.run(job(student, *tests)).report
    assert [verdict.score for verdict in report.verdicts] == [0, 2]
