"""The choices that the command line offers are those that the engine has."""

import pytest
from typer.testing import CliRunner

from grader.cli import app
from grader.engine import Level
from grader.grading.commands import Isolation


def test_each_level_has_its_name_in_lower_case():
    assert {name.name: name.value for name in Isolation} == {
        level.name: level.name.lower() for level in Level
    }


@pytest.mark.parametrize(
    "options",
    [
        ["autograde", "laboratoire_01", "--isolation", "prayer"],
        ["autograde", "laboratoire_01", "--isolation", "SECCOMP"],
        ["autograde", "laboratoire_01", "--cluster", "cloud"],
        ["autograde", "laboratoire_01", "--cluster", "dask"],
        ["autograde", "laboratoire_01", "--jobs", "2"],
        ["regrade", "laboratoire_01", "--isolation", "prayer"],
    ],
)
def test_other_choices_are_wrong_usage(options):
    assert CliRunner().invoke(app, options).exit_code == 2
