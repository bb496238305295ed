"""Functions of a test that students' code calls from threads, for too long, or too late."""

import threading
import time
from types import SimpleNamespace

import pytest

from grader.engine import Engine, EngineConfig, Status
from grader.engine.candidate import Candidate
from tests.support.engine_cases import job

POOL = "from concurrent.futures import ThreadPoolExecutor\nimport threading, time\n"
MAPPED = POOL + (
    "def mapped(function, xs):\n"
    "    with ThreadPoolExecutor(4) as pool: return list(pool.map(function, xs))\n"
)
NEXT = "assert n == 3"


@pytest.fixture(scope="module")
def engine():
    with Engine(EngineConfig(workers=1, cell_seconds=2, notebook_seconds=60)) as engine:
        yield engine


def statuses(outcome):
    return [verdict.status for verdict in outcome.report.verdicts]


def verdicts(engine, student, *tests):
    """Of the tests, and of one more that asks for nothing."""
    outcome = engine.run(job(student + "\nn = 3", *tests, NEXT))
    print(outcome.report)  # for a failure
    return statuses(outcome)


@pytest.mark.parametrize(
    "test",
    [
        "assert mapped(lambda x: x * x, range(200)) == [x * x for x in range(200)]",
        # The function of the test calls student code, which has threads of its own.
        "rows = [[1, 2], [3, 4], [5, 6], [7, 8], [9]]\n"
        "squares = lambda row: sum(mapped(lambda x: x * x, row))\n"
        "assert mapped(squares, rows) == [sum(x * x for x in row) for row in rows]",
        "assert list(map(lambda row: mapped(abs, row), [[-1], [2, -3]])) == [[1], [2, 3]]",
    ],
)
def test_threads_call_one_after_another(engine, test):
    assert verdicts(engine, MAPPED, test) == [Status.PASSED, Status.PASSED]


def test_threads_of_a_call_within_a_call(engine):
    student = MAPPED + "def applied(function, xs): return [function(x) for x in xs]"
    test = (
        "found = applied(lambda row: mapped(lambda x: x + 1, row), [[1, 2], [3]])\n"
        "assert found == [[2, 3], [4]]"
    )
    assert verdicts(engine, student, test) == [Status.PASSED, Status.PASSED]


AHEAD = (
    POOL
    + """
import queue
def ahead(function, xs):
    box = queue.Queue(1)
    threading.Thread(target=lambda: [box.put(function(x)) for x in xs], daemon=True).start()
    for _ in xs:
        yield box.get()

class Table:
    def __init__(self, function, n):
        self.table = {}
        fill = lambda: self.table.update({k: function(k) for k in range(n)})
        self.thread = threading.Thread(target=fill)
        self.thread.start()
    def get(self, k):
        self.thread.join()
        return self.table[k]
"""
)


@pytest.mark.parametrize(
    "test",
    [
        "assert list(ahead(lambda x: x + 1, range(20))) == list(range(1, 21))",
        "table = Table(lambda k: k * k, 50)\nassert table.get(7) == 49",
    ],
)
def test_a_thread_waits_for_the_next_request(engine, test):
    assert verdicts(engine, AHEAD, test) == [Status.PASSED, Status.PASSED]


LATE = (
    POOL
    + """
def kept(function):
    def again():
        while True:
            try: function(1)
            except RuntimeError as error:
                if "plus rien" not in str(error): raise
    threading.Thread(target=again, daemon=True).start()
def used(function): time.sleep(0.05); return function(2)
"""
)


def test_a_thread_calls_no_function_of_another_test(engine):
    other = "seen = []\nassert used(lambda x: seen.append(x) or 5) == 5 and seen == [2], seen"
    for _ in range(3):
        assert verdicts(engine, LATE, "kept(lambda x: x)", other) == [Status.PASSED] * 3


ENDLESS = (
    POOL
    + """
def endless(function):
    while True: function(1)
def endless_in_threads(function):
    with ThreadPoolExecutor(3) as pool: list(pool.map(endless_in_vain, [function] * 3))
def endless_in_vain(function):
    try: endless(function)
    except RuntimeError: pass
def one_thread(function):
    thread = threading.Thread(target=function)
    thread.start()
    thread.join()
def twice(x): return 2 * x
"""
)


@pytest.mark.parametrize(
    "test",
    [
        "endless(lambda x: x)",
        "endless(lambda x: twice(x))",
        "endless(lambda x: __import__('time').sleep(0.001))",
        "endless(lambda x: sum(range(3_000)))",
        "one_thread(lambda: __import__('time').sleep(30))",
        "endless(lambda x: __import__('time').sleep(30))",
        "endless_in_threads(lambda x: x)",
    ],
)
def test_what_has_no_end_costs_its_own_test(engine, test):
    for _ in range(3):
        assert verdicts(engine, ENDLESS, test) == [Status.TIMEOUT, Status.PASSED]


def test_an_interruption_leaves_no_lock_taken(engine):
    student = """
import threading
condition = threading.Condition()
def endless():
    while True:
        with condition: pass
def is_free():
    found = []
    ask = lambda: found.append(condition.acquire(timeout=1))
    thread = threading.Thread(target=ask)
    thread.start()
    thread.join()
    return found == [True]
"""
    for _ in range(3):
        assert verdicts(engine, student, "endless()", "assert is_free()") == [
            Status.TIMEOUT,
            Status.PASSED,
            Status.PASSED,
        ]


def test_calls_within_calls_have_an_end(engine):
    student = "def down(function, k): return 0 if k == 0 else function(k - 1)"
    test = (
        "def again(k):\n    return down(again, k) + 1\n"
        "assert down(again, 45) == 45\nassert down(again, 60) == 60"
    )
    outcome = engine.run(job(student + "\nn = 3", test, NEXT))
    assert statuses(outcome) == [Status.FAILED, Status.PASSED]
    assert "s'appellent l'un l'autre" in outcome.report.verdicts[0].message


def test_another_process_calls_none(engine):
    student = """
import multiprocessing as mp, os
def in_processes(function):
    box = mp.get_context("fork").Queue()
    def work(k):
        try: box.put(function(k))
        except RuntimeError as error: box.put(str(error))
    workers = [mp.get_context("fork").Process(target=work, args=(k,)) for k in range(4)]
    for worker in workers: worker.start()
    found = [box.get() for _ in workers]
    for worker in workers: worker.join()
    return found
"""
    test = (
        "found = in_processes(lambda k: k)\n"
        "assert all('autre processus' in said for said in found), found"
    )
    assert verdicts(engine, student, test) == [Status.PASSED, Status.PASSED]


def test_a_signal_that_comes_between_is_refused(engine):
    student = """
import signal
def ticking(function):
    refused = []
    def tick(*_):
        try: function(1)
        except RuntimeError: refused.append(1)
    signal.signal(signal.SIGALRM, tick)
    signal.setitimer(signal.ITIMER_REAL, 0.005, 0.005)
    total = sum(function(2) for _ in range(500))
    signal.setitimer(signal.ITIMER_REAL, 0)
    return total
"""
    test = "assert ticking(lambda x: x) == 1000"
    assert verdicts(engine, student, test) == [Status.PASSED, Status.PASSED]


SLOW = """
import time
def bad(function): return function()
def good(k):
    total = 0
    for i in range(1_000_000): total += i
    return k * k
"""


def test_an_interruption_that_comes_late_strikes_nothing_else(engine):
    """The caller is busy with other outcomes when an examiner asks for it."""
    jobs = []
    for n in range(3):
        tests = "bad(lambda: __import__('time').sleep(30))", "assert good(3) == 9"
        jobs.append(job(SLOW, *tests, key=f"slow {n}"))
        jobs += [job("n = 3", NEXT, key=f"quick {n} {k}") for k in range(3)]
    with Engine(EngineConfig(workers=2, cell_seconds=1, notebook_seconds=60)) as busy:
        for outcome in busy.map(jobs):
            time.sleep(0.2)
            if outcome.key.startswith("slow"):
                assert statuses(outcome) == [Status.TIMEOUT, Status.PASSED]


def test_a_message_that_is_sent_when_time_is_over_is_sent_whole(engine):
    student = (
        "import numpy as np\ndef size(a):\n    time.sleep(0.003)\n    return len(a)\nimport time"
    )
    test = "a = np.zeros(200_000)\nwhile True: size(a)"
    for _ in range(4):
        assert verdicts(engine, student, "import numpy as np\n" + test) == [
            Status.TIMEOUT,
            Status.PASSED,
        ]


def test_a_thread_and_the_main_one_write_their_answers_in_turn(engine):
    student = (
        POOL
        + """
class Both:
    def __init__(self, function):
        self.parameters = [torch.nn.Parameter(torch.ones(2)) for _ in range(30)]
        threading.Thread(target=lambda: [function(k) for k in range(40)], daemon=True).start()
    def more(self, k):
        return [torch.nn.Parameter(torch.full((2,), float(k + i))) for i in range(5)]
"""
    )
    test = (
        "both = None\ndef seen(k):\n    return len(both.more(k)) if both is not None else 0\n"
        "both = Both(seen)\n"
        "for k in range(30):\n    found = both.more(k)\n    assert found[1][0] == k + 1\n"
    )
    assert verdicts(engine, "import torch\n" + student, test) == [Status.PASSED, Status.PASSED]


def test_a_recursion_without_end_that_calls_the_test_costs_its_own_test(engine):
    student = (
        "def endless(function, n): return function(n) + endless(function, n - 1)\n"
        "def good(n): return n"
    )
    outcome = engine.run(job(student + "\nn = 3", "endless(lambda n: good(n), 5)", NEXT))
    assert statuses(outcome) == [Status.FAILED, Status.PASSED]
    assert "RecursionError" in outcome.report.verdicts[0].message


def test_what_a_signal_raises_comes_after_the_answer(engine):
    student = """
import signal
def limited(function, seconds):
    def late(*_): raise TimeoutError
    signal.signal(signal.SIGALRM, late)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try: return function()
    except TimeoutError: return None
    finally: signal.setitimer(signal.ITIMER_REAL, 0)
"""
    test = (
        "import time\nassert limited(lambda: time.sleep(0.3) or 1, 0.1) is None\n"
        "assert limited(lambda: 2, 0.5) == 2"
    )
    assert verdicts(engine, student, test) == [Status.PASSED, Status.PASSED]


UNTIL = """
import signal
def until(function, seconds):
    def late(*_): raise TimeoutError
    signal.signal(signal.SIGALRM, late)
    try:
        n = 0  # CPython 3.11 catches nothing where a loop that begins its `try` jumps back
        signal.setitimer(signal.ITIMER_REAL, seconds)
        while True: function(n); n += 1
    except TimeoutError: return n
    finally: signal.setitimer(signal.ITIMER_REAL, 0)
class Monitor:
    def start(self, on_tick):
        signal.signal(signal.SIGALRM, lambda *_: on_tick())
        signal.setitimer(signal.ITIMER_REAL, 0.003, 0.003)
    def stop(self): signal.setitimer(signal.ITIMER_REAL, 0)
    def ready(self): return True
"""


@pytest.mark.parametrize(
    "test",
    [
        "for _ in range(20): assert until(lambda n: n, 0.02) >= 0",
        "ticks = []\nm = Monitor()\nm.start(lambda: ticks.append(1))\n"
        "for _ in range(200): assert m.ready()\nm.stop()\nassert ticks",
    ],
)
def test_a_signal_comes_to_student_code_only(engine, test):
    assert verdicts(engine, UNTIL, test, test) == [Status.PASSED] * 3


def test_an_alarm_that_is_forgotten_costs_what_it_comes_to(engine):
    student = """
n = 3
import signal, torch
def late(*_): raise TimeoutError
class Model:
    def __init__(self): self.weight = torch.nn.Parameter(torch.ones(3))
    def loss(self, x): return (x * self.weight).sum()
def each(function): return [function(k) for k in range(20)]
signal.signal(signal.SIGALRM, late)
signal.setitimer(signal.ITIMER_REAL, 0.002, 0.002)
"""
    test = (
        "import torch\nx = torch.ones(3, requires_grad=True)\nwhile True:\n"
        "    Model().loss(x).backward()\n    each(lambda k: k)\n"
    )
    cells = [student, *["1 + 1"] * 40]
    outcome = engine.run(job(cells, *[test] * 30, NEXT))
    assert statuses(outcome) == [Status.FAILED] * 30 + [Status.PASSED]
    assert all("TimeoutError" in verdict.message for verdict in outcome.report.verdicts[:-1])
    assert not outcome.report.incidents


@pytest.mark.parametrize(
    "beside",
    [
        "pool = ThreadPoolExecutor(1)\npool.submit(int).result()\n",
        "threading.Thread(target=lambda: time.sleep(30), daemon=True).start()\n",
        "import _thread\n_thread.start_new_thread(time.sleep, (30,))\n",
    ],
)
def test_a_signal_comes_to_student_code_only_beside_a_thread(engine, beside):
    test = "for _ in range(20): assert until(lambda n: n, 0.02) >= 0"
    assert verdicts(engine, POOL + beside + UNTIL, test, test) == [Status.PASSED] * 3


def test_an_interruption_that_a_handler_of_the_students_takes_costs_its_own_test(engine):
    student = """
import signal
def until_stopped(function):
    stop = []
    before = signal.signal(signal.SIGINT, lambda *_: stop.append(1))
    while not stop:
        try: function(1)
        except RuntimeError: pass
    signal.signal(signal.SIGINT, before)
"""
    assert verdicts(engine, student, "until_stopped(lambda x: x)") == [
        Status.TIMEOUT,
        Status.PASSED,
    ]


OWN = """
class Own(Exception): pass
def fail(text): raise Own(text)
def same(function):
    try: function("a")
    except Own as error: return error.args
"""


@pytest.mark.parametrize(
    "test",
    [
        "assert same(lambda text: fail(text)) == ('a',)",
        # Another has been met since: only the last is the student's own again.
        "def twice(text):\n    try: fail('b')\n    except Exception: fail(text)\n"
        "assert same(twice) == ('a',)",
        "def thrice(text):\n    assert same(lambda t: fail(t)) == ('a',)\n    fail(text)\n"
        "assert same(thrice) == ('a',)",
    ],
)
def test_an_exception_of_the_students_is_theirs_when_a_test_lets_it_through(engine, test):
    assert verdicts(engine, OWN, test) == [Status.PASSED, Status.PASSED]


def test_an_alarm_that_comes_to_a_call_within_a_call_is_the_students(engine):
    student = UNTIL + "def square(n):\n    for i in range(300): pass\n    return n * n"
    test = "for _ in range(20): assert until(lambda n: square(n), 0.004) >= 0"
    assert verdicts(engine, student, test, test) == [Status.PASSED] * 3


def test_an_interruption_of_the_students_own_is_theirs_to_catch(engine):
    student = """
import signal
def caught(function):
    try: signal.raise_signal(signal.SIGINT)
    except KeyboardInterrupt: return function(5)
"""
    test = "assert caught(lambda x: x) == 5"
    assert verdicts(engine, student, test, test) == [Status.PASSED] * 3


def test_an_interruption_waits_as_long_as_it_finds_other_calls_that_take_a_lock():
    waiting = SimpleNamespace(held_up=(None, 0))
    code = threading.Condition.__enter__.__code__

    def waits(frame):
        return Candidate._takes_a_lock(waiting, frame)

    assert all(waits(SimpleNamespace(f_code=code)) for _ in range(1_000))
    blocked = SimpleNamespace(f_code=code)
    assert not all(waits(blocked) for _ in range(1_000))
    assert not waits(SimpleNamespace(f_code=len))


def test_signals_that_student_code_holds_are_held(engine):
    student = """
import os, signal
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1])
def waits(function):
    os.kill(os.getpid(), signal.SIGUSR1)
    function(1)
    return function(int(signal.sigwait([signal.SIGUSR1])))
"""
    test = "assert waits(lambda x: x) == 10"
    assert verdicts(engine, student, test, test) == [Status.PASSED] * 3


def test_a_test_that_is_not_supported_says_so_whatever_it_asserts_beside(engine):
    student = """
def both(check):
    for x in [1, -1]:
        try: check(x)
        except Exception: pass
"""
    test = (
        "import torch\ndef check(x):\n    assert x > 0\n"
        "    return torch.ones(1, requires_grad=True)\nboth(check)"
    )
    assert verdicts(engine, student, test) == [Status.ERROR, Status.PASSED]


def test_an_assertion_of_the_students_is_theirs_to_catch(engine):
    student = """
def checked(x): assert x > 0
def first(check, xs):
    for x in xs:
        try: check(x); return x
        except AssertionError: pass
"""
    test = "assert first(lambda x: checked(x), [-1, 2]) == 2"
    assert verdicts(engine, student, test) == [Status.PASSED, Status.PASSED]


def test_a_finaliser_that_calls_the_test_harms_nothing(engine):
    student = """
import weakref
class Kept: pass
def made(on_end, n):
    for i in range(n):
        kept = Kept()
        kept.me = kept
        weakref.finalize(kept, on_end, i)
    return [[i, [i]] for i in range(3_000)]
"""
    test = "seen = []\nfor _ in range(5): assert len(made(seen.append, 20)) == 3000"
    assert verdicts(engine, student, test) == [Status.PASSED, Status.PASSED]


def test_what_a_stopped_call_has_changed_is_known_to_the_next_test(engine):
    student = """
import torch
from torch import nn
def make(): return nn.Linear(2, 1)
def slow(model):
    with torch.no_grad(): model.weight.fill_(7.0)
    while True: pass
"""
    tests = (
        "import torch\nmodel = make()\nweight = model.weight",
        "slow(model)",
        "assert weight[0, 0] == 7 and model.weight[0, 0] == 7",
    )
    assert verdicts(engine, student, *tests) == [
        Status.PASSED,
        Status.TIMEOUT,
        Status.PASSED,
        Status.PASSED,
    ]


def test_who_waits_for_a_lock_for_ever_is_interrupted(engine):
    student = """
import threading, time
def locked_out(function):
    condition, taken = threading.Condition(), threading.Event()
    def hold():
        with condition: taken.set(); time.sleep(100)
    threading.Thread(target=hold, daemon=True).start()
    taken.wait()
    function(1)
    with condition: pass
"""
    for _ in range(2):
        assert verdicts(engine, student, "locked_out(lambda x: x)") == [
            Status.TIMEOUT,
            Status.PASSED,
        ]


def test_what_a_function_of_the_test_asserts_is_not_told_and_not_forgotten(engine):
    student = """
said = []
def shown(check):
    try: check([1, 2])
    except BaseException as error: said.append(str(error))
    check([3, 4])
"""
    test = "def check(x): assert x == [3, 4], 'le secret est [3, 4]'\nshown(check)"
    outcome = engine.run(job(student, test, "assert 'secret' not in said[0]"))
    assert statuses(outcome) == [Status.FAILED, Status.PASSED]
    assert outcome.report.verdicts[0].message == "le secret est [3, 4]"
    caught = f"{test[: -len('shown(check)')]}try: shown(check)\nexcept AssertionError: pass"
    assert verdicts(engine, student, caught) == [Status.PASSED, Status.PASSED]


@pytest.mark.parametrize("error", ["KeyboardInterrupt", "SystemExit", "ValueError('\\ud800')"])
def test_what_a_function_of_the_test_raises_ends_no_examiner(engine, error):
    student = (
        "def called(function):\n    try: return function()\n    except RuntimeError: return 1\n"
    )
    test = f"def stop(): raise {error}\nassert called(stop) == 1"
    assert verdicts(engine, student, test) == [Status.PASSED, Status.PASSED]
    assert verdicts(engine, student, f"raise {error}") == [Status.FAILED, Status.PASSED]


def test_a_limit_of_recursion_is_the_students_to_change(engine):
    student = """
import sys, threading, time
def deep(k): return 0 if k == 0 else 1 + deep(k - 1)
def raised(function):
    other = threading.Thread(target=function, args=(1,))
    other.start()
    time.sleep(0.05)  # until its call is under way
    sys.setrecursionlimit(5_000)
    other.join()
    return deep(3_000)
"""
    test = "import time\nassert raised(lambda x: time.sleep(0.2 * x)) == 3000"
    assert verdicts(engine, student, test) == [Status.PASSED, Status.PASSED]


@pytest.mark.parametrize(
    "given",
    [
        "{1: 'a', 2: 'b'}.keys()",
        "{'a': 1, 'b': 2}.values()",
        "__import__('collections').deque([1, 2])",
        "xs={1: 'a', 2: 'b'}.keys()",
    ],
)
def test_what_is_gone_through_comes_as_a_list(engine, given):
    student = f"def total(function): return function({given})"
    assert verdicts(engine, student, "assert total(lambda xs: sum(xs)) == 3") == [
        Status.PASSED,
        Status.PASSED,
    ]


def test_a_view_within_a_list_comes_as_a_list(engine):
    student = "def total(function): return function([{1: 'a', 2: 'b'}.keys()])"
    test = "assert total(lambda xs: sum(xs[0])) == 3"
    assert verdicts(engine, student, test) == [Status.PASSED, Status.PASSED]


@pytest.mark.parametrize("given", ["lambda k: k", "__import__('itertools').count()"])
def test_what_a_function_of_the_test_cannot_take_is_said(engine, given):
    student = f"def given(function): return function({given})"
    outcome = engine.run(job(student + "\nn = 3", "given(lambda f: f)", NEXT))
    assert statuses(outcome) == [Status.FAILED, Status.PASSED]
    assert "ni vos objets, ni vos fonctions" in outcome.report.verdicts[0].message


def test_a_thread_is_not_starved_by_short_requests(engine):
    student = (
        POOL
        + """
class Behind:
    def __init__(self, function):
        self.found = []
        work = lambda: [self.found.append(function(k)) for k in range(20)]
        threading.Thread(target=work, daemon=True).start()
    def ready(self): return len(self.found) == 20
"""
    )
    test = (
        "b = Behind(lambda k: k)\nwhile not b.ready(): pass\n"
        "assert list(b.found) == list(range(20))"
    )
    for _ in range(3):
        assert verdicts(engine, student, test) == [Status.PASSED, Status.PASSED]


def test_the_state_of_a_call_within_a_call_is_its_own(engine):
    student = """
import torch
def fit(model, x, on_step):
    for _ in range(3):
        loss = model(x).sum()
        on_step(float(loss))
        loss = model(x).sum() + loss
        loss.backward()
    return torch.get_default_dtype() == torch.float32
model = torch.nn.Linear(2, 1)
def measure(x): return model(x).sum()
def get(): return model
"""
    test = (
        "def on_step(loss):\n    torch.set_default_dtype(torch.float64)\n"
        "    with torch.no_grad(): measure(torch.ones(1, 2, dtype=torch.float32)).item()\n"
        "    torch.set_default_dtype(torch.float32)\n"
        "assert fit(get(), torch.ones(1, 2), on_step)"
    )
    assert verdicts(engine, student, test) == [Status.PASSED, Status.PASSED]
