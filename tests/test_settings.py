"""How a course wants its notebooks run, in nbgrader's words and in ours."""

import math

import pytest
from traitlets.config import Config

from grader import settings
from grader.errors import GraderError


def config(**sections) -> Config:
    return Config(sections)


def test_a_mode_is_the_assignments_or_the_courses_or_isolated():
    assert settings.mode(config(), "ps1") == "isolated"
    shared = config(Grader={"mode": "shared", "modes": {"ps2": "isolated"}})
    assert [settings.mode(shared, name) for name in ("ps1", "ps2")] == ["shared", "isolated"]
    assert settings.mode(config(Execute={"mode": "shared"}), "ps1") == "shared"
    with pytest.raises(GraderError, match=r"'docker' .* no mode"):
        settings.mode(config(Grader={"modes": {"ps1": "docker"}}), "ps1")


@pytest.mark.parametrize(
    ("timeout", "seconds"),
    [(30, 30.0), ("2", 2.0), ("None", math.inf), (None, math.inf), (-1, math.inf), (0, math.inf)],
)
def test_nbgraders_time_of_a_cell_is_kept(timeout, seconds):
    assert settings.cell_seconds(config(Execute={"timeout": timeout})) == seconds
    assert settings.cell_seconds(config(ExecutePreprocessor={"timeout": timeout})) == seconds


def test_without_one_there_is_none():
    assert settings.cell_seconds(config(Execute={"kernel_name": "x"})) is None


def test_what_has_no_effect_is_named():
    found = config(Execute={"timeout": 3, "kernel_name": "x"}, NotebookClient={"iopub_timeout": 4})
    assert settings.ignored(found) == ["c.Execute.kernel_name", "c.NotebookClient.iopub_timeout"]
    assert settings.ignored(config()) == []
