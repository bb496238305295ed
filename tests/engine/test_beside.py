"""Files beside a notebook, in the two processes that run it.

The candidate has all of them. The examiner has the author's: whatever a student hands in is neither
imported, nor opened, nor unpickled there.
"""

import pickle
from pathlib import Path

import pytest

from grader.beside import AuthorFiles
from grader.engine import Engine, EngineConfig, Job, Mode, Outcome, Status
from tests.support.engine_cases import job

ESCAPED = Path("/tmp/labo-escape")
AUTHOR = AuthorFiles(
    own={
        "utils.py": b"def twice(x):\n    return 2 * x\n",
        "package/__init__.py": b"from package.part import WORD\n",
        "package/part.py": b"WORD = 'ici'\n",
        "data/table.csv": b"1,2\n3,4\n",
    },
    theirs={"model.py": b"def answer():\n    return 0\n"},
)
READS = """
def table():
    with open("data/table.csv") as file:
        return [[int(word) for word in line.split(",")] for line in file]
"""


@pytest.fixture(scope="module")
def engines():
    config = EngineConfig(workers=1, cell_seconds=15, memory_mb=700, files=AUTHOR)
    with Engine(config) as isolated:
        with Engine(EngineConfig(**vars(config) | {"mode": Mode.SHARED})) as shared:
            yield {Mode.ISOLATED: isolated, Mode.SHARED: shared}


def graded(engine: Engine, asked: Job, files: dict[str, bytes] | None = None) -> Outcome:
    return engine.run(Job(asked.key, asked.notebook, asked.source, files or {}))


def first(outcome: Outcome):
    return outcome.report.verdicts[0]


@pytest.mark.parametrize("mode", Mode)
def test_the_notebook_and_its_tests_have_the_authors_files(engines, mode):
    test = (
        "from package import WORD\nassert WORD == 'ici'\n"
        "assert twice(2) == 4\nassert table() == [[1, 2], [3, 4]]\n"
        "assert open('data/table.csv').read() == '1,2\\n3,4\\n'"
    )
    imports = "from utils import twice"
    outcome = graded(engines[mode], job([imports, READS], test, author=imports + READS))
    assert first(outcome).status is Status.PASSED, (
        first(outcome).message,
        outcome.report.incidents,
    )


@pytest.mark.parametrize("mode", Mode)
def test_what_was_handed_in_is_beside_the_notebook(engines, mode):
    student = "notes = open('data/notes.txt').read()\nfrom mine import value"
    outcome = graded(
        engines[mode],
        job(student, "assert (notes, value) == ('bonjour', 3)"),
        {"data/notes.txt": b"bonjour", "mine.py": b"value = 3"},
    )
    assert first(outcome).status is Status.PASSED, first(outcome).message


@pytest.mark.parametrize("mode", Mode)
def test_a_module_that_students_write_is_the_students(engines, mode):
    asked = job(
        "from model import answer", "assert answer() == 42", author="from model import answer"
    )
    right = graded(engines[mode], asked, {"model.py": b"def answer():\n    return 42\n"})
    wrong = graded(engines[mode], asked, {"model.py": b"def answer():\n    return 41\n"})
    assert (first(right).status, first(wrong).status) == (Status.PASSED, Status.FAILED)


def test_a_students_file_never_stands_for_an_authors_module(engines):
    lie = {"utils.py": b"def twice(x):\n    return 42\n", "utils/__init__.py": b"twice = None"}
    asked = job(
        "from utils import twice\ndef f(): return twice(1)",
        "assert f() == twice(1) == 2",
        author="from utils import twice",
    )
    assert first(graded(engines[Mode.ISOLATED], asked, lie)).status is Status.PASSED


def test_an_authors_module_that_is_missing_is_told_and_nobodys_stands_for_it(engines):
    for imports in ("from forgotten import reference", "from forgotten import *"):
        f = "def f(): return 1"
        author = f"{imports}\n{f}"
        asked = job(f, "assert f() == reference()", "assert f() == 1", author=author)
        lie = {"forgotten.py": b"def reference():\n    return 1\n"}
        outcome = graded(engines[Mode.ISOLATED], asked, lie)
        wrong, right = outcome.report.verdicts
        assert (wrong.status, right.status) == (Status.ERROR, Status.PASSED)
        (incident,) = outcome.report.incidents
        assert f"`{imports}` failed: ModuleNotFoundError" in incident
        assert "beside the source notebook" in incident


class _Escapes:
    def __reduce__(self):
        return (open, (str(ESCAPED), "w"))


HOSTILE = {
    "torch.py": b"open('/tmp/labo-escape', 'w')",
    "labo.py": b"open('/tmp/labo-escape', 'w')",
    "statistics.py": b"mean = lambda values: 42\nopen('/tmp/labo-escape', 'w')",
    "helper.py": b"open('/tmp/labo-escape', 'w')",
    "conftest.py": b"open('/tmp/labo-escape', 'w')",
    "sitecustomize.py": b"open('/tmp/labo-escape', 'w')",
    "usercustomize.py": b"open('/tmp/labo-escape', 'w')",
    "evil.pth": b"import os; open('/tmp/labo-escape', 'w')",
    "weights.pkl": pickle.dumps(_Escapes()),
    "predictions.csv": b"1,2,3",
}


@pytest.mark.parametrize(
    "test",
    [
        "import helper",
        "import pickle\npickle.load(open('weights.pkl', 'rb'))",
        "torch.load('weights.pkl', weights_only=False)",
        "assert np.loadtxt('predictions.csv', delimiter=',').sum() == 6",
        "exec(open('helper.py').read())",
        "from pathlib import Path\nassert Path('predictions.csv').read_text() == '1,2,3'",
    ],
)
def test_what_was_handed_in_does_not_exist_for_the_examiner(engines, test):
    outcome = graded(engines[Mode.ISOLATED], job("", test), HOSTILE)
    assert first(outcome).status in (Status.FAILED, Status.ERROR)
    assert first(outcome).score == 0
    assert not ESCAPED.exists()


@pytest.mark.parametrize("mode", Mode)
def test_no_file_takes_the_place_of_an_installed_module(engines, mode):
    student = "import statistics, torch, labo\nvalue = statistics.mean([1, 3])\nok = torch.ones(2)"
    test = (
        "assert value == 2 and ok.sum() == 2\nimport statistics\nassert statistics.mean([1]) == 1"
    )
    outcome = graded(engines[mode], job(student, test), HOSTILE)
    assert first(outcome).status is Status.PASSED, first(outcome).message
    assert not ESCAPED.exists()


def test_a_ban_is_not_passed_by_a_module_that_was_handed_in(engines):
    files = {"mine.py": b"import torch\ndef f(x, k):\n    return torch.conv1d(x, k)\n"}
    student = "from mine import f as g\ndef f(x, k):\n    return g(x, k)"
    outcome = graded(engines[Mode.ISOLATED], job(student, "checks.forbid(f, '*conv*')"), files)
    assert first(outcome).status is Status.FAILED
    assert "n'existe pas à la correction" in first(outcome).message


def test_a_scratch_folder_that_is_full_costs_its_own_notebook_only(engines):
    deep = {"/".join(["d"] * 400) + f"/{n}/{m}": b"" for n in range(9) for m in range(2)}
    many = {f"{'/'.join([str(n)] * 40)}/file": b"" for n in range(150)}
    outcome = graded(engines[Mode.ISOLATED], job("x = 1", "assert x == 1"), deep | many)
    assert first(outcome).status in (Status.PASSED, Status.NOT_RUN, Status.FAILED)
    assert first(graded(engines[Mode.ISOLATED], job("x = 1", "assert x == 1"))).score == 2


def test_the_authors_files_are_the_same_for_the_next_student(engines):
    test = "try:\n    open('data/table.csv', 'a').write('5')\nexcept OSError:\n    pass"
    spoils = job("open('data/table.csv', 'w').write('')\nopen('utils.py', 'w').write('')", test)
    graded(engines[Mode.ISOLATED], spoils)
    after = job(READS, "assert table() == [[1, 2], [3, 4]]")
    assert first(graded(engines[Mode.ISOLATED], after)).status is Status.PASSED
