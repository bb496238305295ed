"""What a notebook has and grading has not does not take the rest of a cell along."""

import pytest

from grader.engine import Status
from tests.support.engine_cases import job

PASSED_OVER = {
    "a command": ("!pip install torchinfo", "« !pip install torchinfo » n'existe pas"),
    "a command's lines": ("lines = !ls", "« !ls » n'existe pas"),
    "an alias": ("%ls", "n'existe pas"),
    "the shell's method": ("get_ipython().system('ls')", "« !ls » n'existe pas"),
    "an installer": ("%pip install torchinfo", "« %pip install torchinfo » n'existe pas"),
    "another installer": ("%conda install torchinfo", "« %conda install torchinfo »"),
    "an extension": ("%load_ext tensorboard", "« %load_ext tensorboard » n'existe pas"),
    "an unknown magic": ("%tensorboard --logdir runs", "« %tensorboard --logdir runs »"),
    "another display": ("%matplotlib widget", ""),
    "the display of a window": ("%matplotlib qt", ""),
    "another service": (
        "from google.colab import drive\ndrive.mount('/content/drive')",
        "« google.colab.drive.mount() » n'existe pas",
    ),
    "a command of the module os": (
        "import os\nos.system('ls')",
        "« os.system('ls') » n'existe pas",
    ),
    "an extension of IPython's": ("%load_ext autoreload", ""),
}


@pytest.mark.parametrize("name", PASSED_OVER)
def test_the_rest_of_the_cell_runs(engine, name):
    line, said = PASSED_OVER[name]
    outcome = engine.run(job(f"{line}\nx = 1", "assert x == 1"))
    assert outcome.report.verdicts[0].status is Status.PASSED
    outputs = outcome.notebook["cells"][1]["outputs"]
    assert said in "".join(output.get("text", "") for output in outputs)
    assert not any(output["output_type"] == "error" for output in outputs)


def test_the_profile_is_the_course_s_whatever_the_notebook_sets(engine):
    cell = "import labo\n%env LABO_PROFILE=full\nx = labo.profile()"
    outcome = engine.run(job(cell, "assert x == 'tiny', x"))
    assert outcome.report.verdicts[0].status is Status.PASSED


@pytest.mark.parametrize("magic", ["%%bash", "%%script sh", "%%unknown", "%%!"])
def test_a_cell_in_another_language_is_passed_over(engine, magic):
    outcome = engine.run(job(f"{magic}\nls", "0"))
    (output,) = outcome.notebook["cells"][1]["outputs"][:1]
    assert "n'existe pas à la correction : cette cellule est passée" in output["text"]


PARALLEL = {
    "workers of a DataLoader": """
from torch.utils.data import DataLoader, TensorDataset
loader = DataLoader(TensorDataset(torch.arange(8.0)), batch_size=2, num_workers=2)
x = [batch.sum().item() for batch, in loader]""",
    "a pool of forks": """
from multiprocessing import Pool
with Pool(2) as pool:
    x = pool.map(float, [1, 5, 9, 13])""",
    "a pool of other interpreters": """
import multiprocessing
with multiprocessing.get_context("spawn").Pool(2) as pool:
    x = pool.map(float, [1, 5, 9, 13])""",
    "a pool of a server's forks": """
import multiprocessing
with multiprocessing.get_context("forkserver").Pool(2) as pool:
    x = pool.map(float, [1, 5, 9, 13])""",
    "an executor": """
from concurrent.futures import ProcessPoolExecutor
with ProcessPoolExecutor(2) as pool:
    x = list(pool.map(float, [1, 5, 9, 13]))""",
    "threads": """
from concurrent.futures import ThreadPoolExecutor
with ThreadPoolExecutor() as pool:
    x = list(pool.map(float, [1, 5, 9, 13]))""",
    "shared memory": """
from multiprocessing.shared_memory import SharedMemory
block = SharedMemory(create=True, size=8)
block.close()
block.unlink()
x = [1, 5, 9, 13]""",
}


@pytest.mark.parametrize("name", PARALLEL)
def test_what_runs_several_at_a_time_runs_here_too(engine, name):
    verdict = engine.run(job(PARALLEL[name], "assert x == [1, 5, 9, 13]")).report.verdicts[0]
    assert verdict.status is Status.PASSED, verdict.message


def test_joblib_is_told_to_run_one_call_after_the_other(engine):
    """It is no dependency: where a course installs it, its processes would be programs."""
    found = engine.run(job("import os", "assert os.environ['JOBLIB_MULTIPROCESSING'] == '0'"))
    assert found.report.verdicts[0].status is Status.PASSED


MISSING = {
    "a program": ("import subprocess\nsubprocess.run(['ls'])", "Aucun autre programme"),
    "a program's output": ("import os\nos.popen('ls')", "Aucun autre programme"),
    "the Internet": (
        "import urllib.request\nurllib.request.urlopen('http://192.0.2.1')",
        "pas d'accès à Internet",
    ),
    "a file": ("open('data/notes.csv')", "« data/notes.csv » n'accompagne pas le notebook"),
    "a package": ("import no_such_package", "« no_such_package » n'est pas installé"),
    "an answer": ("age = input('Âge ? ')", "« Âge ? » : personne ne répond"),
}


@pytest.mark.parametrize("name", MISSING)
def test_what_is_missing_is_told_in_french(engine, name):
    source, said = MISSING[name]
    outcome = engine.run(job(source, "0"))
    (output,) = outcome.notebook["cells"][1]["outputs"][-1:]
    assert said in "\n".join([*output["traceback"], output["evalue"]])


@pytest.mark.parametrize("name", MISSING)
def test_it_is_told_where_a_test_calls_the_student(engine, name):
    source, said = MISSING[name]
    body = source.replace("\n", "\n    ")
    outcome = engine.run(job(f"def f():\n    {body}", "f()"))
    assert said in outcome.report.verdicts[0].message


def test_the_cell_that_failed_is_said_to_be_the_cause(engine):
    cells = [
        "import no_such_package\nimport cmath\nscale = 2",
        "def f(x): return cmath.exp(x).real",
    ]
    outcome = engine.run(job(cells, "f(0)", "scale + 1", "assert f(1) > 2"))
    for verdict, name in zip(outcome.report.verdicts, ("cmath", "scale", "cmath"), strict=True):
        expected = f"« {name} » devait être défini par la cellule de code n° 2"
        assert verdict.message.startswith(expected)
        assert "No module named 'no_such_package'" in verdict.message
    (incident,) = outcome.report.incidents
    assert incident.startswith("cell 2 stopped, and tests lack it: ModuleNotFoundError : No module")


@pytest.mark.parametrize("wrong", ["def f(x):\n  return (x", "scale = 1 +\nf = abs"])
def test_a_cell_that_is_not_python_is_the_cause_of_what_it_does_not_define(engine, wrong):
    message = engine.run(job(wrong, "f(1)")).report.verdicts[0].message
    assert message.startswith("« f » devait être défini par la cellule de code n° 2")
    assert "SyntaxError" in message


def test_no_cell_is_blamed_once_another_one_has_defined_the_name(engine):
    cells = ["import no_such_package\nx = 1", "x = 2", "def f(): return y"]
    first, second = engine.run(job(cells, "assert x == 2", "f()")).report.verdicts
    assert first.status is Status.PASSED
    assert "devait être défini" not in second.message
