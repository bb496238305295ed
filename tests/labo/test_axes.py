"""In a notebook, the axes of every figure write their numbers with a comma."""

import pytest
from nbclient import NotebookClient
from nbformat.v4 import new_code_cell, new_notebook

PLOT = """
figure, (line, bars) = plt.subplots(1, 2)
line.plot([0, 1], [0, 2.5e-7])
bars.bar(["a.", "b."], [0, 1.5])
figure.canvas.draw()
for labels in (line.get_xticklabels(), bars.get_xticklabels(), bars.get_yticklabels()):
    print([label.get_text() for label in labels])
print(line.yaxis.get_offset_text().get_text())
"""


def printed(*cells: str) -> str:
    """What the last cell of a notebook prints."""
    notebook = new_notebook(cells=[new_code_cell(cell) for cell in cells])
    NotebookClient(notebook, kernel_name="python3").execute()
    return "".join(output.get("text", "") for output in notebook.cells[-1].outputs)


@pytest.mark.parametrize(
    "imports",
    [
        ["import matplotlib.pyplot as plt\nimport labo"],
        ["import labo", "import matplotlib.pyplot as plt"],
    ],
)
def test_axes_have_commas_whatever_is_imported_first(imports):
    numbers, names, heights, factor = printed(*imports, PLOT).splitlines()
    assert "'0,50'" in numbers
    assert "'1,0'" in heights
    assert "." not in numbers + heights
    assert names == "['a.', 'b.']"
    assert factor == "1e−7"


def test_a_notebook_without_matplotlib_does_not_load_it():
    assert printed("import labo", "import sys\nprint('matplotlib' in sys.modules)") == "False\n"
