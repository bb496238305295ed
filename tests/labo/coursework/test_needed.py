"""What must run of a notebook for its checks: the analysis keeps what they read, and no more."""

import pytest

from labo.coursework.needed import Cell, Role, Unknown, needed

IMPORTS = "import torch\nimport matplotlib.pyplot as plt\nimport labo\n"


def kept(author: str, test: str = "assert f(x)", student: str = "def f(x): return x") -> list[str]:
    """The lines that are run of a cell of the author's, before an exercise and its test."""
    cells = [
        Cell(IMPORTS, Role.FREE),
        Cell(author, Role.FREE),
        Cell(student, Role.KEPT),
        Cell(test, Role.TEST),
    ]
    run = needed(cells)
    assert run[2:] == [student, test]
    return [line for line in (run[1] or "").split("\n") if line]


@pytest.mark.parametrize(
    "line",
    [
        "plt.plot([1, 2])",
        "print(x)",
        "y = x + 1",
        "labo.plot_images(x)",
        "for i in range(3): labo.train(model, x)",
        "with labo.needs('f'): y = f(x)",
        "y = x.mean() + x.sum()",
        "def g(): return x",
        "try: y = x[3]\nexcept IndexError: pass",
        "plt.figure()\nplt.show()",
        "z = torch.zeros(2)\nz[0] = 1",
        "figure, axes = plt.subplots()\naxes.plot(x)\naxes.set_title('x')",
    ],
)
def test_a_demonstration_is_left_out(line):
    assert kept(f"x = torch.ones(3)\n{line}") == ["x = torch.ones(3)"]


@pytest.mark.parametrize(
    "line",
    [
        "x = x + 1",
        "x += 1",
        "x[0] = 2",
        "x.grad = None",
        "del x[0]",
        "x.zero_()",
        "x.fill_(2)",
        "torch.nn.init.zeros_(x)",
        "view = x[1:]; view[0] = 3",
        "view = x.view(-1); view.add_(1)",
        "def change(t): t[0] = 5\nchange(x)",
        "def change():\n    x[0] = 5\nchange()",
        "def change():\n    global x\n    x = 5\nchange()",
        "fill(x)",
        "holder = Holder(x); holder.tensor.zero_()",
        "with labo.needs('f'): x = f(x)",
        "for i in range(2): x = x * 2",
        "if True: x = 0",
        "import random as x",
        "setattr(x, 'a', 1)",
        "(x := 3)",
        "for x in range(2): pass",
        "with open('a') as x: pass",
        "match 1:\n    case x: pass",
    ],
)
def test_what_changes_a_name_that_a_test_reads_is_kept(line):
    assert kept(f"x = torch.ones(3)\n{line}")[-1] == line.split("\n")[-1]


@pytest.mark.parametrize(
    "line",
    [
        "torch.manual_seed(3)",
        "torch.set_printoptions(3)",
        "labo.ensure_torchvision()",
        "plt.style.use('ggplot')",
        "from torch import manual_seed\nmanual_seed(3)",
        "plt.rcParams['font.size'] = 8",
        "plt.rcParams.update(size=8)",
        "if labo: torch.nn.functional.relu = None",
        "def patch(): torch.relu = None\npatch()",
        "torch.save(3, 'x.pt')",
        "for name in 'ab': open(name, 'w').write(name)",
        "def write():\n    with open('a', 'w') as file: file.write('b')\nwrite()",
    ],
)
def test_what_others_see_without_its_name_is_kept(line):
    assert kept(f"x = 1\n{line}")[-1] == line.split("\n")[-1]


def test_a_setting_inside_a_demonstration_goes_with_it():
    assert kept("x = 1\nfor seed in range(3):\n    torch.manual_seed(seed)\n    f(x)") == ["x = 1"]


def test_what_a_kept_line_reads_is_kept_in_turn():
    author = (
        "n = 3\nunused = 4\ndef make():\n    return helper(n)\ndef helper(k): return k\nx = make()"
    )
    assert kept(author) == [line for line in author.split("\n") if "unused" not in line]


def test_what_an_answer_reads_when_called_is_kept_wherever_it_is_defined():
    cells = [
        Cell("def f(): return scale * offset", Role.KEPT),
        Cell("scale = 2\nother = 3", Role.FREE),
        Cell("assert f() == 2", Role.TEST),
        Cell("offset = 1", Role.FREE),
        Cell("assert f() == 2", Role.TEST),
    ]
    assert needed(cells)[1] == "scale = 2\n"
    assert needed(cells)[3] == "offset = 1"


@pytest.mark.parametrize("role", [Role.KEPT, Role.TEST])
def test_nothing_is_kept_after_what_is_verified_and_what_a_student_wrote(role):
    count = Cell("class A:\n    n = 0\n    def f(self): A.n += 1", Role.KEPT)
    demonstrations = [Cell("A().f()", Role.FREE), Cell("import labo\nlabo.profile()", Role.FREE)]
    assert needed([count, *demonstrations]) == [count.source, None, None]
    last = Cell("A().f()", role)
    assert None not in needed([count, *demonstrations, last])


def test_lines_stay_where_they_are():
    cells = [Cell("a = 1\nprint(a)\n\nb = 2  # kept", Role.FREE), Cell("b", Role.TEST)]
    assert needed(cells)[0] == "\n\n\nb = 2  # kept"


def test_a_decorator_goes_with_its_function():
    author = "def loud(g): return g\n@loud\ndef x():\n    return 1"
    assert kept(author) == author.split("\n")


def test_a_later_binding_hides_an_earlier_one():
    assert kept("x = labo.load_dataset('mnist')\nx = 2") == ["x = 2"]
    assert kept("x = 1\nif labo: x = 2") == ["x = 1", "if labo: x = 2"]


def test_names_that_a_test_binds_first_are_its_own():
    assert kept("x = labo.load_dataset('mnist')", "x = 3\nassert f(x)") == []
    assert kept("x = 1", "if f(0): x = 3\nassert f(x)") == ["x = 1"]
    assert kept("x = 1", "assert all(f(x) for x in range(3))") == []
    assert kept("x = 1", "def g(): return x\nassert g()") == ["x = 1"]


def test_a_name_of_a_test_is_one_for_later_tests_only():
    cells = [
        Cell("x = 1", Role.FREE),
        Cell("x = 2", Role.TEST),
        Cell("y = x", Role.KEPT),
        Cell("x", Role.TEST),
    ]
    assert needed(cells)[0] == "x = 1"
    assert needed([*cells[:2], cells[3]])[0] is None


def test_what_the_student_wrote_is_run_whole_with_what_it_reads():
    cells = [
        Cell("data = labo.load_dataset('mnist')\nother = 1", Role.FREE),
        Cell("print(data)\nscratch = 2", Role.KEPT),
        Cell("assert True", Role.TEST),
    ]
    assert needed(cells) == ["data = labo.load_dataset('mnist')\n", *(c.source for c in cells[1:])]


@pytest.mark.parametrize(
    "source",
    [
        "globals()['x'] = 1",
        "exec('x = 1')",
        "eval('x')",
        "from math import *",
        "%run other.ipynb",
        "files = !ls",
        "%%time\nx = 1",
        "x?",
        "get_ipython().run_line_magic('run', 'a')",
        "vars()['x']",
    ],
)
@pytest.mark.parametrize("role", [Role.FREE, Role.KEPT])
def test_what_cannot_be_known_is_said(source, role):
    with pytest.raises(Unknown):
        needed([Cell(source, role), Cell("x", Role.TEST)])


@pytest.mark.parametrize("depth", [3_000, 200_000])
def test_what_is_nested_too_deep_is_not_known(depth):
    with pytest.raises(Unknown):
        needed([Cell("x = " + "-" * depth + "1", Role.KEPT)])


def test_what_is_not_python_defines_nothing():
    cells = [Cell("def f(:\n    pass", Role.KEPT), Cell("x = 1", Role.FREE), Cell("x", Role.TEST)]
    assert needed(cells) == [cell.source for cell in cells]


@pytest.mark.parametrize("magic", ["%matplotlib inline", "!pip install torch", "%pip install x"])
def test_a_cell_with_a_quiet_magic_is_run_whole(magic):
    cells = [Cell(f"{magic}\nx = 1\ny = 2", Role.FREE), Cell("x", Role.TEST)]
    assert needed(cells)[0] == cells[0].source
