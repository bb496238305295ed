"""Many notebooks at a time: budgets hold, results come in any order, no process stays behind."""

import os
import signal
import subprocess
import sys
import time

import psutil
import pytest

from grader.engine import Engine, EngineConfig, Status
from grader.errors import GraderError
from tests.support.engine_cases import job
from tests.support.lent_engine import LentEngine

BUDGETS = EngineConfig(workers=2, cell_seconds=2, notebook_seconds=20, memory_mb=700)


@pytest.fixture(scope="module")
def engine():
    with Engine(BUDGETS) as engine:
        yield engine


def statuses(outcome):
    return [verdict.status for verdict in outcome.report.verdicts]


def test_each_notebook_has_its_own_outcome(engine):
    jobs = [job(f"n = {i}", "assert n % 2 == 0", key=str(i)) for i in range(8)]
    outcomes = {outcome.key: outcome for outcome in engine.map(jobs)}
    assert sorted(outcomes) == sorted(map(str, range(8)))
    for key, outcome in outcomes.items():
        assert statuses(outcome) == [Status.FAILED if int(key) % 2 else Status.PASSED]


def test_the_same_notebook_gives_the_same_outcome(engine):
    student = "import random\nprint(torch.rand(2), np.random.rand(), random.random(), hash('a'))"
    first, second = engine.map([job(student, "torch.rand(1).item()") for _ in range(2)])
    assert first.notebook == second.notebook
    assert first.report.verdicts[0].score == second.report.verdicts[0].score


def test_a_late_call_costs_its_own_test(engine):
    student = "import time\ndef slow(): time.sleep(60)\ndef f(): return 1"
    outcome = engine.run(job(student, "slow()", "assert f() == 1"))
    assert statuses(outcome) == [Status.TIMEOUT, Status.PASSED]
    assert "2 s" in outcome.report.verdicts[0].message


def test_a_late_call_is_late_even_for_a_test_that_catches_everything(engine):
    student = "import time\ndef slow(): time.sleep(60)"
    test = "try:\n    slow()\nexcept Exception:\n    pass"
    assert statuses(engine.run(job(student, test))) == [Status.TIMEOUT]


def test_a_test_that_a_result_sends_round_and_round_is_late(engine):
    outcome = engine.run(job("n = 10**12", "for _ in range(n): pass", "assert n > 0"))
    assert statuses(outcome) == [Status.TIMEOUT, Status.PASSED]


def test_a_late_call_that_has_called_the_test_back_is_late_too(engine):
    student = (
        "def double(x): return 2 * x\ndef endless(function):\n    function(1)\n    while True: pass"
    )
    outcome = engine.run(job(student, "endless(lambda x: double(x))", "assert double(1) == 2"))
    assert statuses(outcome) == [Status.TIMEOUT, Status.PASSED]
    assert not any("did not stop" in incident for incident in outcome.report.incidents)


def test_a_function_of_the_test_may_be_called_from_several_threads(engine):
    student = (
        "from concurrent.futures import ThreadPoolExecutor\n"
        "def mapped(function, xs):\n"
        "    with ThreadPoolExecutor(4) as pool: return list(pool.map(function, xs))"
    )
    test = "assert mapped(lambda x: x * x, range(200)) == [x * x for x in range(200)]"
    assert statuses(engine.run(job(student, test))) == [Status.PASSED]


def test_tensors_of_no_data_and_mapped_functions_are_for_students_and_tests(engine):
    student = (
        "def size():\n    return torch.nn.Linear(2, 3, device='meta').weight.shape\n"
        "def rows(x):\n    return torch.func.vmap(torch.sum)(x)"
    )
    test = (
        "assert tuple(size()) == torch.nn.Linear(2, 3, device='meta').weight.shape\n"
        "x = torch.rand(3, 2)\nfound = torch.func.vmap(torch.sum)(x)\n"
        "assert torch.allclose(rows(x), x.sum(1)) and torch.allclose(found, x.sum(1))"
    )
    assert statuses(engine.run(job(student, test))) == [Status.PASSED]


def test_what_does_not_stop_ends_the_notebook_and_says_so(engine):
    student = (
        "import signal\ndef stubborn():\n"
        "    signal.signal(signal.SIGINT, signal.SIG_IGN)\n    while True: pass"
    )
    outcome = engine.run(job(student, "stubborn()", "assert True"))
    assert statuses(outcome) == [Status.TIMEOUT, Status.NOT_RUN]
    assert any("did not stop" in incident for incident in outcome.report.incidents)


def test_results_cannot_fill_the_examiner(engine):
    student = "def flood():\n    while True: yield torch.zeros(16 << 20)"
    outcome = engine.run(job(student, "list(flood())", "assert torch.ones(1) == 1"))
    assert statuses(outcome)[0] in (Status.FAILED, Status.TIMEOUT)
    assert "the examiner ended" not in str(outcome.report.incidents)


LIES = "from grader.engine import candidate as _c\n"


def test_what_an_exception_says_is_bounded(engine):
    student = LIES + (
        "_c._described = lambda _: {'kinds': ['ValueError'] * 9, 'name': 'N' * 1000,"
        " 'message': 'M' * 20_000_000, 'frames': 'F' * 20_000_000}\n"
        "def f(): raise ValueError"
    )
    outcome = engine.run(job(student, "f()"))
    assert statuses(outcome) == [Status.FAILED]
    message = outcome.report.verdicts[0].message
    assert message == f"Votre code a levé {'N' * 100} : {'M' * 4_000}\n{'F' * 4_000}"


def test_a_message_made_of_what_student_code_returns_is_bounded(engine):
    outcome = engine.run(job("def f(): return 'é' * 10**7", "assert not f(), f()"))
    assert len(outcome.to_json()) < 100_000
    assert "tronqué" in outcome.report.verdicts[0].message


def test_the_outputs_of_a_notebook_have_one_budget(engine):
    cells = ["print('a' * 900_000)"] * 14 + ["print('short')", "1 / 0"]
    outcome = engine.run(job(cells, "assert True"))
    assert statuses(outcome) == [Status.PASSED]
    assert len(outcome.to_json()) < 10.1e6
    assert sum("outputs left out" in incident for incident in outcome.report.incidents) == 1
    *_, large, short, error, _ = [cell["outputs"] for cell in outcome.notebook["cells"]]
    assert [output["text"] for output in large] == ["(sorties trop volumineuses, non conservées)"]
    assert short[0]["text"] == "short\n"
    assert error[-1]["ename"] == "ZeroDivisionError"


def test_outputs_that_our_shell_does_not_keep_end_the_candidate(engine):
    lie = LIES + (
        "_c.Candidate._on_run = lambda self, request: _c.wire.encode("
        "{'outputs': [{'output_type': 'stream', 'name': 'stdout', 'text': 'a'}] * 2_000})"
    )
    outcome = engine.run(job([lie, "x = 1"], "assert x == 1"))
    assert statuses(outcome) == [Status.NOT_RUN]
    assert "too long" in str(outcome.report.incidents)


def test_an_outcome_has_a_bound(engine):
    """Of a test that takes the examiner over, as no student code can."""
    test = (
        "import struct\nfrom grader.engine import service\n"
        "service.send = lambda sock, kind, text='': sock.sendall(struct.pack('>cI', kind.value,"
        " 2**32 - 1) + b' ' * 100)"
    )
    outcome = engine.run(job("x = 1", test))
    assert statuses(outcome) == [Status.NOT_RUN]
    assert outcome.report.incidents == ("the outcome is too large",)


def test_an_examiner_that_ends_costs_its_own_notebook(engine):
    """By a test that breaks Python itself, as no student code can."""
    crash = "import ctypes\nctypes.string_at(0)"
    jobs = [job("x = 1", crash, key="crash"), job("x = 1", "assert x == 1", key="other")]
    outcomes = {outcome.key: outcome for outcome in engine.map(jobs)}
    assert statuses(outcomes["other"]) == [Status.PASSED]
    assert statuses(outcomes["crash"]) == [Status.NOT_RUN]
    (output,) = outcomes["crash"].notebook["cells"][-1]["outputs"]
    assert output["output_type"] == "error"
    assert outcomes["crash"].report.incidents


def test_without_a_candidate_nobody_is_given_a_zero():
    with Engine(BUDGETS) as engine:
        engine.candidates.wait_ready()
        os.kill(engine.candidates.pid, signal.SIGKILL)
        with pytest.raises((GraderError, OSError)):
            engine.run(job("x = 1", "assert x == 1"))


def test_the_next_notebook_runs_while_an_outcome_is_dealt_with():
    started = []

    def jobs():
        for key in "abc":
            started.append(key)
            yield job("x = 1", "assert x == 1", key=key)

    with LentEngine(EngineConfig(workers=1)) as engine:
        outcomes = engine.map(jobs())
        assert next(outcomes).key == "a"
        assert started == ["a", "b"]
        outcomes.close()


def test_leaving_early_leaves_no_process(engine):
    engine.examiners.wait_ready()
    before = set(psutil.Process().children(recursive=True))
    outcomes = engine.map(job("x = 1", "assert x == 1", key=str(i)) for i in range(10))
    next(outcomes)
    outcomes.close()
    assert set(psutil.Process().children(recursive=True)) == before


GRADER = """
from grader.engine import Engine, EngineConfig
from tests.support.engine_cases import job
with Engine(EngineConfig(workers=2)) as engine:
    for i in range(2):
        print("ready", flush=True) if i else None
    list(engine.map(job({cell!r}, {test!r}, key=str(i)) for i in range(4)))
"""
UNSTOPPABLE = "while True:\n    try: pass\n    except BaseException: pass"


@pytest.mark.parametrize(("cell", "test"), [("while True: pass", "1"), ("1", UNSTOPPABLE)])
@pytest.mark.slow
def test_a_killed_grader_leaves_no_process(cell, test):
    program = [sys.executable, "-c", GRADER.format(cell=cell, test=test)]
    grader = subprocess.Popen(program, stdout=subprocess.PIPE, text=True)
    assert grader.stdout.readline() == "ready\n"
    grader.stdout.close()
    below = _wait_for(lambda: _at_work(grader.pid))
    os.kill(grader.pid, signal.SIGKILL)
    grader.wait()
    _, alive = psutil.wait_procs(below, timeout=60)
    assert not alive


def _at_work(pid: int) -> list[psutil.Process]:
    """The grader's processes, once its candidates and examiners run."""
    below = psutil.Process(pid).children(recursive=True)
    return below if len(below) >= 8 else []


def _wait_for(condition):
    end = time.monotonic() + 60
    while time.monotonic() < end:
        if found := condition():
            return found
        time.sleep(0.05)
    raise AssertionError("not within a minute")


@pytest.mark.slow
def test_what_has_not_ended_once_is_not_awaited_for_as_long_again():
    cells = ["def f():\n    while True: pass", "def g(): return 1"]
    with LentEngine(EngineConfig(workers=1, cell_seconds=5)) as engine:
        report = engine.run(job(cells, "f()", "f()", "assert g() == 1")).report
    statuses = [verdict.status for verdict in report.verdicts]
    assert statuses == [Status.TIMEOUT, Status.TIMEOUT, Status.PASSED]
    assert [i.partition(": ")[2] for i in report.incidents] == [
        "stopped after 5 s",
        "stopped after 0.5 s",
    ]


@pytest.mark.parametrize("workers", [1, 2])
def test_each_notebook_has_a_core_unless_some_core_would_have_none(monkeypatch, workers):
    """Candidate and examiner take turns: on one core, one wakes the other at less cost."""
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) < 2:
        pytest.skip("a single core")
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(cores[:2]))
    student = "import os\ndef where(): return sorted(os.sched_getaffinity(0))"
    test = (
        "import os, time\ntime.sleep(0.5)\nassert where() == sorted(os.sched_getaffinity(0))\n"
        "print(where())"
    )
    with LentEngine(EngineConfig(workers=workers)) as engine:
        outcomes = list(engine.map([job(student, test) for _ in range(2)]))
    assert [statuses(outcome) for outcome in outcomes] == [[Status.PASSED]] * 2
    printed = {outcome.notebook["cells"][-1]["outputs"][0]["text"].strip() for outcome in outcomes}
    own = {f"[{core}]" for core in cores[:2]}
    assert printed == (own if workers == 2 else {str(cores)})
