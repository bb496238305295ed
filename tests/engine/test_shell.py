"""A student's cells run as they do in Jupyter, and their outputs are nbformat's."""

import nbformat
import pytest

from grader.engine import Engine, EngineConfig
from tests.support.engine_cases import cell, job


@pytest.fixture(scope="module")
def engine():
    with Engine(EngineConfig(workers=1, cell_seconds=20, output_kb=100)) as engine:
        yield engine


@pytest.fixture
def run(engine):
    def run(*sources: str) -> list[dict]:
        """The outputs of the last of these cells."""
        outcome = engine.run(job(list(sources), "0"))
        nbformat.validate(nbformat.from_dict(outcome.notebook))
        return outcome.notebook["cells"][len(sources)]["outputs"]

    return run


TEXT = {
    "print": ("print('é', end='')", "é"),
    "top-level await": (
        "import asyncio\nprint(await asyncio.sleep(0, result=3))",
        "3\n",
    ),
    "a cell magic": ("%%capture kept\nprint('gardé')\n", None),
    "a magic that assigns": ("x = %pwd\nprint(type(x).__name__)", "str\n"),
    "workers of a DataLoader": (
        "from torch.utils.data import DataLoader, TensorDataset\n"
        "data = TensorDataset(torch.arange(8.0))\n"
        "print([b.sum().item() for b, in DataLoader(data, 4, num_workers=2, timeout=5)])",
        "[6.0, 22.0]\n",
    ),
    "torch.compile": ("print(torch.compile(lambda x: 2 * x)(torch.ones(1)).item())", "2.0\n"),
    "a file of one's own": ("open('a', 'w').write('b'); print(open('a').read())", "b\n"),
    "a thread": (
        "import threading\nt = threading.Thread(target=print, args=(1,))\nt.start()\nt.join()",
        "1\n",
    ),
    "half a surrogate pair": ("print('\\ud800')", "?\n"),
}


@pytest.mark.parametrize("name", TEXT)
def test_text(run, name):
    source, text = TEXT[name]
    expected = [{"output_type": "stream", "name": "stdout", "text": text}] if text else []
    assert run(source) == expected


def test_results_are_numbered_and_kept(run):
    first, second = "1 + 1", "_ + Out[2]"
    (output,) = run(first, second)
    assert output["data"] == {"text/plain": "4"}
    assert output["execution_count"] == 3


def test_a_progress_bar_is_one_output(run):
    (output,) = run(
        "from IPython.display import display\nbar = display('0', display_id=True)\n"
        "for i in range(5000): bar.update(f'{i:200}')"
    )
    assert output["data"]["text/plain"].split() == ["'", "4999'"]


def test_figures_and_rich_results(run):
    shown, result = run(
        "import matplotlib.pyplot as plt\nplt.plot([1])\nplt.show()\n"
        "from IPython.display import HTML\nHTML('<b>x</b>')"
    )
    assert "image/png" in shown["data"]
    assert result["data"]["text/html"] == "<b>x</b>"


def test_tracebacks_are_of_the_cell(run):
    (output,) = run("def f():\n    return 1 / 0\nf()")
    assert (output["ename"], output["evalue"]) == ("ZeroDivisionError", "division by zero")
    assert any("in f()" in line for line in output["traceback"])


def test_outputs_are_bounded(run):
    outputs = run("for i in range(10**5): print('x' * 100)")
    assert sum(len(output["text"]) for output in outputs) < 101_000
    assert "tronquée" in outputs[-1]["text"]


def test_a_message_of_many_lines_does_not_end_the_notebook(engine):
    source = job(["raise ValueError('\\n' * 100_000)", "x = 1"], "assert x == 1")
    assert engine.run(source).report.verdicts[0].score == 2


def test_cells_that_are_not_code_are_left_alone(engine):
    notebook = job("x = 1", "x")
    notebook.notebook["cells"].insert(1, {"cell_type": "markdown", "metadata": {}, "source": "# x"})
    notebook.notebook["cells"].append(cell(""))
    cells = engine.run(notebook).notebook["cells"]
    assert cells[1] == {"cell_type": "markdown", "metadata": {}, "source": "# x"}
    assert cells[-1]["outputs"] == []
