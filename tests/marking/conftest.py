"""A class whose answers wait, for each test anew."""

import shutil
from pathlib import Path

import pytest

from grader.course import Course
from tests.support.marking_cases import TEXTS, make_class


@pytest.fixture(scope="session")
def made(tmp_path_factory):
    return make_class(tmp_path_factory.mktemp("mark") / "course", TEXTS)


@pytest.fixture
def course(made, tmp_path):
    """A class of four, one of whom has not answered; each test has its own copy."""
    return Course(Path(shutil.copytree(made.root, tmp_path / "course")))
