"""The gradebook holds what nbgrader's own autograding would have written, row for row."""

import errno
import os
import re
import resource
import shutil
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from nbgrader.apps.api import NbGraderAPI

from grader.course import Course
from grader.errors import GraderError
from grader.grading.record import record
from grader.grading.results import Result, read_results
from tests.support.course_cases import LAB, ROOT
from tests.support.gradebook_cases import STOCK, an_honest_class, rows
from tests.support.lent_engine import grade


@pytest.mark.slow
def test_rows_are_those_of_stock_nbgrader(tmp_path):
    ours, theirs = an_honest_class(tmp_path / "ours"), an_honest_class(tmp_path / "theirs", STOCK)
    grade(ours)
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    done = subprocess.run(
        [sys.executable, "-m", "nbgrader", "autograde", LAB],
        cwd=theirs.root,
        env=os.environ | {"PATH": path, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    expected = rows(theirs)
    assert rows(ours) == expected
    assert expected["zoé"]["notebook"][1] == 1.0
    files = {
        course: sorted(
            str(path.relative_to(course.root))
            for path in (course.root / "autograded").rglob("*")
            if path.is_file()
        )
        for course in (ours, theirs)
    }
    assert files[ours] == files[theirs]


def test_grading_again_changes_nothing(tmp_path):
    course = an_honest_class(tmp_path / "course")
    grade(course)
    first = rows(course)
    grade(course)
    assert rows(course) == first
    (course.lab(LAB).results / ".recorded").unlink()
    record(course.lab(LAB), read_results(course.lab(LAB)))
    assert rows(course) == first


def test_what_a_person_graded_stays(tmp_path):
    course = an_honest_class(tmp_path / "course")
    grade(course)
    with course.gradebook() as gradebook:
        row = gradebook.find_grade("q1", LAB, LAB, "carla")
        row.manual_score, row.needs_manual_grade = 0.5, False
        gradebook.db.commit()
    graded = rows(course)["carla"]
    grade(course)
    assert rows(course)["carla"] == graded
    grade(course, students=["carla"], force=True)
    again = {name: rest for name, *rest in rows(course)["carla"]["grades"]}
    assert again["q1"] == [None, 0.5, True]  # to be read again, as nbgrader has it


def test_formgrader_reads_the_result(tmp_path):
    course = an_honest_class(tmp_path / "course")
    grade(course)
    api = NbGraderAPI(config=course.config)
    listed = {one["student"]: one for one in api.get_submissions(LAB)}
    assert {name: one["score"] for name, one in listed.items()} == {
        "alice": 5,
        "bruno": 0,
        "carla": 3,
        "zoé": 5,  # the penalty is a number of its own
    }
    assert all(one["autograded"] for one in listed.values())
    assert {name for name, one in listed.items() if one["needs_manual_grade"]} == {
        "alice",
        "carla",
        "zoé",
    }
    assert len(api.get_notebook_submissions(LAB, LAB)) == 4
    (notebook,) = api.get_student_notebook_submissions("carla", LAB)
    assert (notebook["code_score"], notebook["max_code_score"]) == (3, 5)
    assert notebook["failed_tests"]


def test_a_disk_full_while_recording_is_told_and_nothing_is_lost(tmp_path, monkeypatch):
    course = an_honest_class(tmp_path / "course")
    put_in_place = Path.replace

    def full(partial: Path, target: Path) -> Path:
        if target.is_relative_to(course.root / "autograded" / "carla"):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return put_in_place(partial, target)

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(GraderError, match="No space left on device"):
        grade(course)
    assert not list(course.root.rglob("*.partial"))
    saved = read_results(course.lab(LAB))
    assert len(saved) == 4
    monkeypatch.undo()
    grade(course)
    assert read_results(course.lab(LAB)) == saved  # not run again
    grades = rows(course)["carla"]["grades"]
    assert sum(score or 0 for _, score, *_ in grades) == 3


@pytest.mark.parametrize("kind", ["IMMEDIATE", "EXCLUSIVE"])  # against writers, or readers too
@pytest.mark.slow
def test_a_locked_gradebook_is_told_and_nothing_is_lost(tmp_path, kind):
    course = an_honest_class(tmp_path / "course")
    lock = sqlite3.connect(course.root / "gradebook.db", isolation_level=None)

    def take_lock(graded: Result) -> None:
        if not lock.in_transaction:
            lock.execute(f"BEGIN {kind}")

    with pytest.raises(GraderError, match="locked"):
        grade(course, on_result=take_lock)
    assert len(read_results(course.lab(LAB))) == 4  # what was run stays
    lock.execute("ROLLBACK")
    lock.close()
    grade(course)
    assert set(rows(course)) == {"students", "alice", "bruno", "carla", "zoé"}


def refused(course: Course, **options) -> str:
    """What `grader autograde` says when it cannot record; a later run must record everything."""
    ended = subprocess.run(
        [sys.executable, "-m", "grader", "autograde", LAB],
        cwd=course.root,
        env=os.environ | {"PYTHONPATH": str(ROOT)} | options.pop("env", {}),
        capture_output=True,
        text=True,
        **options,
    )
    assert ended.returncode == 1
    assert re.search("cannot be (written|read)", ended.stderr)
    assert "Traceback" not in ended.stderr
    assert not list(course.root.rglob("*.partial"))
    return ended.stderr


@pytest.mark.slow
def test_a_full_disk_is_told_and_nothing_is_lost(tmp_path):
    course = an_honest_class(tmp_path / "course")

    def with_little_room() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (2_000, resource.RLIM_INFINITY))
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)

    refused(course, preexec_fn=with_little_room)
    grade(course)
    assert set(rows(course)) == {"students", "alice", "bruno", "carla", "zoé"}


NO_LOCKS = """
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <sys/syscall.h>
#include <unistd.h>
int fcntl64(int fd, int command, ...) {
    va_list rest;
    va_start(rest, command);
    void *argument = va_arg(rest, void *);
    va_end(rest);
    if (command == F_SETLK || command == F_SETLKW) { errno = ENOLCK; return -1; }
    return syscall(SYS_fcntl, fd, command, argument);
}
"""


@pytest.mark.skipif(shutil.which("cc") is None, reason="no C compiler for a file system's stand-in")
@pytest.mark.slow
def test_a_file_system_without_locks_is_told_and_nothing_is_lost(tmp_path):
    """As NFS answers when its lock daemon does not run."""
    library = tmp_path / "no_locks.so"
    command = ["cc", "-shared", "-fPIC", "-x", "c", "-", "-o", str(library)]
    subprocess.run(command, input=NO_LOCKS, text=True, check=True)
    course = an_honest_class(tmp_path / "course")
    assert "NFS" in refused(course, env={"LD_PRELOAD": str(library)})
    grade(course)
    assert set(rows(course)) == {"students", "alice", "bruno", "carla", "zoé"}


def test_a_gradebook_that_is_no_database_is_told(tmp_path):
    course = an_honest_class(tmp_path / "course")
    book = course.root / "gradebook.db"
    good = book.read_bytes()
    book.write_bytes(b"something else" * 1000)
    assert "not a database" in refused(course)
    book.write_bytes(good)
    grade(course)
    assert set(rows(course)) == {"students", "alice", "bruno", "carla", "zoé"}
