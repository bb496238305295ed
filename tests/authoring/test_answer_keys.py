"""Answer keys: executed with the solutions, with figures, and a failure says where."""

import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from grader.cli import app
from grader.course import Course, Lab

ROOT = Path(__file__).parents[2]

FIGURE = """\
# %%
import os

from matplotlib.figure import Figure

figure = Figure()
figure.subplots().plot([1, 2])
figure

# %%
print("profil", os.environ["LABO_PROFILE"], "dans", os.listdir())

# %% [markdown] reponse="q1" points=1
# La bonne réponse.
"""
FAILURE = """\
# %%
def f(x):
    return 1 / x


# %% [markdown]
# Du texte.

# %%

y = 2
f(0)
"""


@pytest.fixture
def lab(tmp_path, monkeypatch) -> Lab:
    shutil.copy(ROOT / "nbgrader_config.py", tmp_path)
    (tmp_path / "solutions").mkdir()
    monkeypatch.chdir(tmp_path)
    return Course(tmp_path).lab("laboratoire_99")


def test_the_key_has_figures_the_answers_and_the_profile_asked_for(lab):
    lab.source.write_text(FIGURE)
    result = CliRunner().invoke(app, ["answers", "--profile", "tiny"])
    assert result.exit_code == 0, result.output
    assert result.output.startswith("answers/laboratoire_99.html  ")
    page = (lab.course.root / "answers" / "laboratoire_99.html").read_text()
    assert "data:image/png;base64," in page
    assert "profil tiny dans []" in page
    assert "La bonne réponse." in page


def test_a_failing_cell_is_told_with_its_line_in_the_source(lab):
    lab.source.write_text(FAILURE)
    result = CliRunner().invoke(app, ["answers", "laboratoire_99"])
    assert result.exit_code == 1
    message = "solutions/laboratoire_99.py:3: ZeroDivisionError: division by zero"
    assert result.output.strip() == f"{message} (called from line 12)"
    assert not (lab.course.root / "answers").exists()


def test_a_kernel_that_dies_is_told_with_the_cell_that_killed_it(lab):
    lab.source.write_text("# %%\nx = 1\n\n# %%\nimport os\nos._exit(1)\n")
    result = CliRunner().invoke(app, ["answers"])
    assert result.exit_code == 1
    assert result.output.startswith("solutions/laboratoire_99.py:5: DeadKernelError")
