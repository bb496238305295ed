"""Answer keys: executed with the solutions, with figures, and a failure says where."""

import re
import shutil
from pathlib import Path

import pytest
import torch
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


def test_an_answer_or_a_test_that_fails_is_told_with_its_line(lab):
    key = (
        '# %%\nimport labo\n\n# %% exercice="f"\n### BEGIN SOLUTION\nf = 2\n### END SOLUTION\n\n'
        '# %% test="f" points=1\nassert f\n\nassert f == 3, "trois"\n'
    )
    lab.source.write_text(key)
    result = CliRunner().invoke(app, ["answers"])
    assert result.exit_code == 1
    assert result.output.strip() == "solutions/laboratoire_99.py:12: AssertionError: trois"
    lab.source.write_text(key.replace("f = 2", "f = undefined"))
    result = CliRunner().invoke(app, ["answers"])
    assert result.output.startswith("solutions/laboratoire_99.py:6: NameError: name 'undefined'")


def test_a_kernel_that_dies_is_told_with_the_cell_that_killed_it(lab):
    lab.source.write_text("# %%\nx = 1\n\n# %%\nimport os\nos._exit(1)\n")
    result = CliRunner().invoke(app, ["answers"])
    assert result.exit_code == 1
    assert result.output.startswith("solutions/laboratoire_99.py:5: DeadKernelError")


# -- Claims ----------------------------------------------------------------------------------------

CLAIMS = """\
# %%
import torch

torch.manual_seed(0)
losses = torch.tensor([0.5, 0.25], requires_grad=True)
plain, better = [0.7, 0.71, 0.72], [0.8, 0.81, 0.79]

# %% affirmation="pertes" profils="tiny, small"
torch.manual_seed(1)
torch.rand(3)
claim.finite("les pertes restent finies", losses)
claim.between("l'exactitude est au-dessus de 0,6", plain, 0.6, 1)
claim.less("la perte diminue", losses[1], losses[0])
claim.effect("le dropout aide", plain, better)
claim.holds("deux pertes", len(losses) == 2, len(losses))

# %% affirmation="plus_long" profils="small, full"
1 / 0

# %%
print("tirage", torch.rand(1).item(), "claim" in globals())
"""


def answers(lab, text: str, profile: str = "tiny"):
    lab.source.write_text(text)
    return CliRunner(env={"COLUMNS": "200"}).invoke(app, ["answers", "--profile", profile])


def test_claims_are_measured_and_those_of_another_profile_are_told(lab):
    result = answers(lab, CLAIMS)
    assert result.exit_code == 0, result.output
    rows = [re.split(r"\s*│\s*", line)[1:-1] for line in result.output.splitlines() if "│" in line]
    assert rows == [
        ["11", "pertes", "les pertes restent finies", "0.25..0.5", "all finite", "yes"],
        ["12", "pertes", "l'exactitude est au-dessus de 0,6", "0.7..0.72", "0.6 to 1", "yes"],
        ["13", "pertes", "la perte diminue", "0.25 and 0.5", "the first less", "yes"],
        [
            *("14", "pertes", "le dropout aide", "0.09: from 0.7..0.72 to 0.79..0.81"),
            *("more than 0.02, the spread", "yes"),
        ],
        ["15", "pertes", "deux pertes", "2", "true", "yes"],
        [
            *("17", "plus_long", "not checked: only in the profile small or full"),
            *("", "", "not checked"),
        ],
    ]


def test_claims_leave_no_trace_in_the_page_nor_in_what_is_drawn_after_them(lab):
    torch.manual_seed(0)
    drawn = torch.rand(1).item()
    answers(lab, CLAIMS)
    page = (lab.course.root / "answers" / "laboratoire_99.html").read_text()
    assert f"tirage {drawn} False" in page
    assert "affirmation" not in page
    assert "restent finies" not in page
    assert "_claims" not in page


NAN = "float('nan')"
FALSE = [
    ("finite", f"claim.finite('a', [1, {NAN}, float('inf')])", "measured 2 of 3 are not"),
    ("below", "claim.between('a', 0.5, 0.6, 1)", "measured 0.5, wanted 0.6 to 1"),
    ("one above", "claim.between('a', [0.7, 1.5], 0.6, 1)", "measured 0.7..1.5"),
    ("between NaN", f"claim.between('a', {NAN}, -9, 9)", "measured nan"),
    ("equal", "claim.less('a', 1, 1)", "measured 1 and 1"),
    ("less than NaN", f"claim.less('a', 0, {NAN})", "measured 0 and nan"),
    ("NaN is less", f"claim.less('a', [0, {NAN}], 1)", "measured nan and 1"),
    ("no effect", "claim.effect('a', [1, 2, 3], [2, 3, 4])", "measured 1: from 1..3 to 2..4"),
    ("spread of the second", "claim.effect('a', [1, 1, 1], [0, 3, 6])", "more than 6, the spread"),
    ("effect of NaN", f"claim.effect('a', [1, 1, 1], [9, 9, {NAN}])", "measured nan"),
    ("effect without bound", "claim.effect('a', [1, 1, 1], [float('inf')] * 3)", "does not hold"),
    ("condition", "claim.holds('a', torch.tensor(False), 'les deux')", "measured les deux"),
    ("condition on NaN", f"claim.holds('a', True, [1, {NAN}])", "measured 1, nan"),
    ("too few seeds", "claim.effect('a', [1, 1], [9, 9])", "ValueError: an effect is claimed"),
    ("no value", "claim.finite('a', [])", "ValueError: a claim about no number at all"),
    ("not a number", "claim.finite('a', [None])", "TypeError: a claim compares numbers"),
    ("not a condition", f"claim.holds('a', {NAN}, 1)", "TypeError: a condition is true or false"),
    ("empty range", "claim.between('a', 1, 2, 0)", "ValueError: between 2 and 0"),
    ("no text", "claim.finite(1, 2)", "TypeError: a claim begins with its text"),
    ("other error", "zero = 0\n1 / zero", "ZeroDivisionError: division by zero"),
    ("syntax of the moment", "await missing()", "NameError: name 'missing' is not defined"),
    ("nothing", "x = 1", "this cell claims nothing"),
]


def test_each_claim_that_does_not_hold_is_told_with_its_line_and_hides_no_other(lab):
    text = "# %%\nimport torch\n\n"
    lines = []
    for number, (_, code, _) in enumerate(FALSE):
        text += f'# %% affirmation="c{number}" profils="tiny"\n{code}\n\n'
        lines.append(text.count("\n") - 1)
    result = answers(lab, text)
    assert result.exit_code == 1
    told = result.output.splitlines()[-len(FALSE) :]
    for (case, code, words), line, sentence in zip(FALSE, lines, told, strict=True):
        place = line if code != "x = 1" else line - 1
        assert sentence.startswith(f"solutions/laboratoire_99.py:{place}: the claim 'c"), case
        assert words in sentence, case
    assert (lab.course.root / "answers" / "laboratoire_99.html").exists()


def test_a_claim_about_real_data_is_checked_where_they_are(lab, tmp_path, monkeypatch):
    text = '# %%\nx = 1\n\n# %% affirmation="a" donnees="mnist"\nclaim.finite("fini", x)\n'
    missing = answers(lab, text, "small")
    assert missing.exit_code == 0
    assert "not checked: MNIST is not on this machine (LABO_DATA_DIR)" in missing.output
    monkeypatch.setattr("grader.authoring.checked_claims.find", lambda _: {"a": Path("a")})
    found = answers(lab, text, "small")
    assert "all finite" in found.output
    assert "not checked" not in found.output


def test_a_failing_cell_after_claims_is_told_with_its_own_line(lab):
    result = answers(lab, CLAIMS + "\n# %%\nx = 1\n1 / 0\n")
    assert result.output.strip() == (
        "solutions/laboratoire_99.py:25: ZeroDivisionError: division by zero"
    )
