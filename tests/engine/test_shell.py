"""A student's cells run as they do in Jupyter, and their outputs are nbformat's."""

import nbformat
import pytest
from IPython.core.inputtransformer2 import TransformerManager

from grader.engine import Engine, EngineConfig
from grader.engine.shell import _Transformers
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


SYNTAX = {
    "Python": "def f(x):\n    return x % 2\n",
    "a string that looks like a magic": 'TEXT = """\n%time f()\n!ls\n"""',
    "a remainder at the start of a line": "x = (7\n%3)",
    "a magic": "%time f()",
    "one below Python": "x = 1\n%time f()",
    "one that assigns": "x = %time f()",
    "a command": "files = !ls\n!rm x",
    "help": "print?\nprint??",
    "an automatic call": "/f 1\n,f a b\n;f a b",
    "a cell magic": "%%time\nf()",
    "a prompt": ">>> f()\n... \n",
    "IPython's prompt": "In [1]: f()",
    "an indented cell": "    x = 1\n    y = 2",
    "empty lines above": "\n\n  \nx = 1",
    "no Python": "x = = 1",
    "a line that a form feed ends": "# one\x0c%time f()\n",
    "a byte 0": "x = 1\x00",
    "brackets deeper than Python goes": "(" * 400 + ")" * 400,
}


@pytest.mark.parametrize("name", SYNTAX)
def test_python_is_left_to_python_and_the_rest_becomes_what_ipython_makes_of_it(name):
    assert _Transformers().transform_cell(SYNTAX[name]) == TransformerManager().transform_cell(
        SYNTAX[name]
    )


def test_plain_python_is_not_cut_into_tokens(monkeypatch):
    def refuse(lines: list[str]) -> None:
        raise AssertionError(lines)

    monkeypatch.setattr("IPython.core.inputtransformer2.make_tokens_by_line", refuse)
    assert _Transformers().transform_cell("x = 1\ny = 7 % 3") == "x = 1\ny = 7 % 3\n"
    with pytest.raises(AssertionError):
        _Transformers().transform_cell("%time f()")


def test_what_a_notebook_adds_to_ipythons_syntax_counts(run):
    own = (
        "from IPython.core.inputtransformer2 import TokenTransformBase\n"
        "class Own(TokenTransformBase):\n"
        "    @classmethod\n"
        "    def find(cls, lines):\n"
        "        found = [t for line in lines for t in line if t.string == 'unless']\n"
        "        return cls(found[0].start) if found else None\n"
        "    def transform(self, lines):\n"
        "        return [line.replace('unless', 'other') for line in lines]\n"
        "get_ipython().input_transformer_manager.token_transformers.append(Own)"
    )
    (output,) = run(own, "other = 3\nprint(unless)")
    assert output["text"] == "3\n"


def test_a_warning_of_the_syntax_comes_once(run):
    (output,) = run("x = 1 is 1")
    assert output["text"].count("SyntaxWarning") == 1


WAITS = "import asyncio\nasync def g():\n    await asyncio.sleep(0)\n    print('waited')"
AWAITED_UNDER_ANOTHER_NAME = {
    "a macro": ("from IPython.core.macro import Macro\nm = Macro('await g()\\n')", "m"),
    "what a notebook adds": (
        "def swap(lines):\n    return [line.replace('PLEASE', 'await') for line in lines]\n"
        "get_ipython().input_transformers_post.append(swap)",
        "PLEASE g()",
    ),
}


@pytest.mark.parametrize("name", AWAITED_UNDER_ANOTHER_NAME)
def test_a_cell_that_awaits_once_it_is_transformed(run, name):
    (output,) = run(WAITS, *AWAITED_UNDER_ANOTHER_NAME[name])
    assert output["text"] == "waited\n"


def test_a_notebook_may_have_a_transformer_of_its_own(run):
    assert "_Transformers" in run("print(type(get_ipython().input_transformer_manager))")[0]["text"]
    own = (
        "from IPython.core.inputtransformer2 import TransformerManager\n"
        "get_ipython().input_transformer_manager = TransformerManager()"
    )
    assert run(own, "%time print(3)")[0]["text"].startswith("3\n")


def test_what_a_notebook_makes_of_the_parser_hinders_no_cell(run):
    (output,) = run("import ast, warnings\nast.parse = warnings.catch_warnings = None", "print(3)")
    assert output["text"] == "3\n"
