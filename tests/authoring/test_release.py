"""A gradebook that cannot be written is told in one sentence; once it can, a lab is released."""

import sqlite3

import pytest
from typer.testing import CliRunner

from grader.authoring import release
from grader.cli import app
from tests.support.course_cases import LAB, make_course


@pytest.fixture
def book(tmp_path, monkeypatch):
    course = make_course(tmp_path / "course")
    monkeypatch.chdir(course.root)
    return course.root / "gradebook.db"


@pytest.fixture
def lock(book):
    connection = sqlite3.connect(book, isolation_level=None)
    yield connection
    connection.close()


def refused(capfd) -> str:
    """The line that `grader release` says, with what nbgrader and its processes say beside it."""
    done = CliRunner().invoke(app, ["release", LAB, "--no-rehearse"])
    assert done.exit_code == 1
    assert isinstance(done.exception, SystemExit)
    said = done.stderr + "".join(capfd.readouterr())
    assert said.count("\n") == 1, said
    assert "cannot be written" in said or "cannot be read" in said
    return said


def released() -> None:
    done = CliRunner().invoke(app, ["release", LAB, "--no-rehearse"])
    assert done.exit_code == 0, done.output


@pytest.mark.parametrize("content", [b"not a database", b"something else" * 1000])
def test_a_gradebook_that_is_no_database(book, capfd, content):
    good = book.read_bytes()
    book.write_bytes(content)
    assert "not a database" in refused(capfd)
    assert book.read_bytes() == content
    book.write_bytes(good)
    released()


@pytest.mark.slow
def test_a_gradebook_that_another_program_holds(lock, capfd):
    lock.execute("BEGIN EXCLUSIVE")
    assert "locked" in refused(capfd)
    lock.execute("ROLLBACK")
    released()


@pytest.mark.slow
def test_a_gradebook_that_is_taken_midway(lock, capfd, monkeypatch):
    convert = release._convert

    def late(lab, notebook, config):
        if config.SaveCells.get("enabled", True):  # the lab enters the gradebook
            lock.execute("BEGIN EXCLUSIVE")
        return convert(lab, notebook, config)

    with monkeypatch.context() as context:
        context.setattr(release, "_convert", late)
        assert "locked" in refused(capfd)
    lock.execute("ROLLBACK")
    released()
