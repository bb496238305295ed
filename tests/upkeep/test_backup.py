"""grader backup and restore: whole or not at all, while grading goes on, and equal afterwards."""

import fcntl
import io
import json
import os
import resource
import shutil
import sqlite3
import tarfile
import threading
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy.engine import make_url
from typer.testing import CliRunner

from grader.cli import app
from grader.course import Course
from grader.errors import GraderError
from grader.files import write_atomically
from grader.upkeep import archive, backup, gradebooks
from grader.upkeep.backup import archives, back_up
from grader.upkeep.restore import restore
from tests.support.course_cases import LAB
from tests.support.marking_cases import database, make_class
from tests.support.postgres import running, why_not

NOON = datetime(2026, 11, 26, 12, tzinfo=UTC)


@pytest.fixture(scope="module")
def graded(tmp_path_factory) -> Path:
    """A class that was graded, with what surrounds it."""
    course = make_class(tmp_path_factory.mktemp("graded") / "cours", {"alice": "a", "zoé": "b"})
    (course.root / "policies.csv").write_text("lab,tell\n*,points\n")
    (course.root / "feedback" / "alice" / LAB).mkdir(parents=True)
    (course.root / "feedback" / "alice" / LAB / f"{LAB}.html").write_text("<p>Bien</p>")
    (course.root / "notes" / "empty").mkdir(parents=True)
    (course.root / ".git").mkdir()
    (course.root / ".git" / "config").write_text("not of the course's state")
    return course.root


@pytest.fixture
def course(graded, tmp_path) -> Course:
    return Course(shutil.copytree(graded, tmp_path / "cours"))


@pytest.fixture
def safe(tmp_path) -> Path:
    return tmp_path / "safe"


def run(folder: Path, monkeypatch, *words: str):
    monkeypatch.chdir(folder)
    return CliRunner().invoke(app, words)


def exported(root: Path, monkeypatch) -> bytes:
    output = root.parent / f"{root.name}.csv"
    done = run(root, monkeypatch, "export", LAB, "--ungraded", "as-is", "--output", str(output))
    assert done.exit_code == 0, done.output
    return output.read_bytes()


def contents(root: Path) -> dict[str, bytes]:
    """All files but the gradebook, whose bytes SQLite may order otherwise."""
    paths = [path for path in root.rglob("*") if path.is_file() and path.suffix != ".db"]
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in paths}


def test_a_restored_course_has_the_same_files_grades_and_export(course, safe, monkeypatch):
    made = run(course.root, monkeypatch, "backup", str(safe))
    assert made.exit_code == 0, made.output
    (path,) = archives(safe, "apprentissage-profond")
    assert (path.stat().st_mode & 0o777, safe.stat().st_mode & 0o777) == (0o600, 0o700)
    elsewhere = safe.parent / "elsewhere"
    done = run(safe, monkeypatch, "restore", str(path), str(elsewhere))
    assert done.exit_code == 0, done.output
    assert exported(elsewhere, monkeypatch) == exported(course.root, monkeypatch)
    assert database(Course(elsewhere)) == database(course)
    kept = {k: v for k, v in contents(course.root).items() if not k.startswith(".git/")}
    assert contents(elsewhere) == kept
    assert {"policies.csv", f".grader/{LAB}/zoé.json"} <= kept.keys()
    assert (elsewhere / "notes" / "empty").is_dir()
    assert elsewhere.stat().st_mode & 0o777 == 0o700
    source = Path("solutions") / f"{LAB}.py"
    assert (elsewhere / source).stat().st_mtime == (course.root / source).stat().st_mtime


def test_what_is_written_meanwhile_is_whole(course, safe):
    """A writer keeps two tables and two results equal; an archive never shows them otherwise."""
    live = gradebooks.sqlite_file(course)
    with closing(sqlite3.connect(live)) as connection, connection:
        connection.executescript("CREATE TABLE a (n INTEGER); CREATE TABLE b (n INTEGER)")
        connection.executescript("INSERT INTO a VALUES (0); INSERT INTO b VALUES (0)")
    (result, *_) = course.lab(LAB).results.glob("*.json")
    before = json.loads(result.read_text())
    stop, count = threading.Event(), 0

    def write() -> None:
        nonlocal count
        with closing(sqlite3.connect(live, isolation_level=None)) as connection:
            while not stop.is_set():
                count += 1
                connection.execute("BEGIN IMMEDIATE")
                connection.execute("UPDATE a SET n = ?", (count,))
                connection.execute("UPDATE b SET n = ?", (count,))
                connection.execute("COMMIT")
                write_atomically(result, json.dumps(before | {"n": count}).encode())

    writer = threading.Thread(target=write)
    writer.start()
    try:
        made = [back_up(course, safe, 9, NOON + timedelta(minutes=n)) for n in range(3)]
    finally:
        stop.set()
        writer.join()
    assert count > 0
    for n, each in enumerate(made):
        folder = safe.parent / f"restored{n}"
        restore(each.path, folder)
        with closing(sqlite3.connect(folder / "gradebook.db")) as connection:
            assert connection.execute("SELECT a.n - b.n FROM a, b").fetchall() == [(0,)]
        again = json.loads((folder / result.relative_to(course.root)).read_text())
        assert again | {"n": 0} == before | {"n": 0}


def test_a_folder_that_is_replaced_meanwhile_is_looked_at_again(course, safe, monkeypatch):
    """As collecting does, which puts a later submission in the place of an earlier one."""
    old = course.lab(LAB).submission("alice").submitted / f"{LAB}.ipynb"
    new = old.with_name("remise.ipynb")
    original, replaced = backup._content, []

    def content(path: Path) -> bytes:
        if path == old and not replaced:
            replaced.append(old.rename(new))
        return original(path)

    monkeypatch.setattr(backup, "_content", content)
    names = back_up(course, safe, 9, NOON).manifest.digests
    stored = {Path(name).name for name in names if "submitted/alice/" in name}
    assert new.name in stored
    assert old.name not in stored


def test_the_oldest_archives_go_and_those_of_other_courses_stay(course, safe):
    safe.mkdir()
    (safe / "other-20200101T000000Z.tar.gz").touch()
    for n in range(4):
        made = back_up(course, safe, 2, NOON + timedelta(days=n))
    assert len(archives(safe, "apprentissage-profond")) == 2
    assert made.removed == ["apprentissage-profond-20261127T120000Z.tar.gz"]
    assert archives(safe, "apprentissage-profond")[-1] == made.path
    assert (safe / "other-20200101T000000Z.tar.gz").exists()


def test_what_a_killed_backup_left_is_removed_and_a_running_one_is_left(course, safe):
    safe.mkdir()
    dead = safe / ".apprentissage-profond-20261126T110000Z.tar.gz.1.partial"
    alive = dead.with_name(dead.name.replace(".1.", ".2."))
    dead.touch()
    with alive.open("wb") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        back_up(course, safe, 9, NOON)
        assert (dead.exists(), alive.exists()) == (False, True)


def test_links_are_left_out_and_told(course, safe, monkeypatch):
    (course.root / "submitted" / "secret").symlink_to("/etc/passwd")
    done = run(course.root, monkeypatch, "backup", str(safe))
    assert "submitted/secret (no plain file)" in done.output
    with tarfile.open(archives(safe, "apprentissage-profond")[0]) as tar:
        assert not [member.name for member in tar if member.issym() or "secret" in member.name]


def test_a_backup_inside_the_course_is_refused(course, monkeypatch):
    done = run(course.root, monkeypatch, "backup", "backups")
    assert done.exit_code == 1
    assert "outside it" in done.output


# ---- What cannot be written


def test_the_folder_is_named_in_which_nothing_can_be_made(course, safe):
    made = back_up(course, safe, 1, NOON).path
    with pytest.raises(GraderError, match=f"^{made} cannot be written"):
        restore(made, made / "restored")


@contextmanager
def room_for(size: int):
    """No file of this process may be larger: the system refuses as a full disk does."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)


def test_a_full_disk_leaves_no_half_archive_and_the_earlier_ones(course, safe):
    first = back_up(course, safe, 1, NOON).path
    copy = gradebooks.sqlite_file(course).stat().st_size
    (course.root / "large.bin").write_bytes(os.urandom(copy + 1_000_000))
    with room_for(copy + 500_000), pytest.raises(GraderError, match="make room"):
        back_up(course, safe, 1, NOON + timedelta(days=1))
    assert list(safe.iterdir()) == [first]


def test_a_full_disk_leaves_no_half_course(course, safe):
    made = back_up(course, safe, 1, NOON).path
    with room_for(2_000), pytest.raises(GraderError, match="make room"):
        restore(made, safe.parent / "restored")
    assert not [path for path in safe.parent.iterdir() if "restored" in path.name]


# ---- Damaged archives, folders in use


def test_a_damaged_archive_is_told_wherever_the_damage_is(course, safe, monkeypatch):
    made = back_up(course, safe, 1, NOON).path
    whole = made.read_bytes()
    assert run(safe, monkeypatch, "restore", str(made), "--verify").exit_code == 0
    for place in range(0, len(whole) - 8, len(whole) // 20):
        made.write_bytes(whole[:place] + bytes([whole[place] ^ 0xFF]) + whole[place + 1 :])
        if 0 < place < 10:  # flags and dates of gzip's own header
            continue
        done = run(safe, monkeypatch, "restore", str(made), "--verify")
        assert (done.exit_code, "damaged" in done.output) == (1, True), (place, done.output)
    made.write_bytes(whole[: len(whole) // 2])
    done = run(safe, monkeypatch, "restore", str(made), str(safe / "restored"))
    assert "is damaged" in done.output
    assert not (safe / "restored").exists()


def rewritten(path: Path, change) -> None:
    """The archive with its members changed, and its manifest left as it was."""
    found = list(archive.members(path))
    with path.open("wb") as stream, tarfile.open(fileobj=stream, mode="w:gz") as tar:
        for member in change(found):
            entry = tarfile.TarInfo(member[0])
            entry.size = len(member[1])
            tar.addfile(entry, io.BytesIO(member[1]))


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda all: [(m.name, m.content) for m in all if m.content][1:], "is damaged"),
        (lambda all: [*((m.name, m.content) for m in all if m.content), ("x", b"1")], "is damaged"),
        (lambda all: [("x", b"1")], "no archive of grader backup"),
        (lambda all: [("../x", b"1")], "no archive of grader backup"),
        (lambda all: [("/tmp/x", b"1")], "no archive of grader backup"),
        (lambda all: [(archive.MANIFEST, b'{"format": 2}')], "newer version"),
        (lambda all: [(archive.MANIFEST, b"{}")], "is damaged"),
    ],
    ids=["missing", "too many", "no manifest", "upwards", "absolute", "newer", "empty manifest"],
)
def test_what_grader_backup_did_not_write_is_refused(course, safe, change, told):
    made = back_up(course, safe, 1, NOON).path
    rewritten(made, change)
    with pytest.raises(GraderError, match=told):
        restore(made, safe / "restored")
    assert not (safe / "restored").exists()


def test_nothing_is_restored_over_a_course(course, safe, monkeypatch):
    made = back_up(course, safe, 1, NOON).path
    before = contents(course.root)
    done = run(safe, monkeypatch, "restore", str(made), str(course.root))
    assert done.exit_code == 1
    assert "is not empty, and nothing was restored" in done.output
    assert contents(course.root) == before


def test_a_damaged_gradebook_stops_the_backup_before_good_ones_are_removed(course, safe):
    first = back_up(course, safe, 1, NOON).path
    live = gradebooks.sqlite_file(course)
    content = bytearray(live.read_bytes())
    content[4096:20480] = os.urandom(16384)
    live.write_bytes(content)
    with pytest.raises(GraderError, match="is damaged"):
        back_up(course, safe, 1, NOON + timedelta(days=1))
    assert list(safe.iterdir()) == [first]


def test_a_gradebook_that_somebody_holds_is_waited_for_and_told(course, safe, monkeypatch):
    monkeypatch.setattr(gradebooks, "_PATIENCE", 0)
    live = gradebooks.sqlite_file(course)
    with closing(sqlite3.connect(live, isolation_level=None)) as holder:
        holder.execute("BEGIN EXCLUSIVE")
        with pytest.raises(GraderError, match="is held by somebody else"):
            back_up(course, safe, 1, NOON)


# ---- PostgreSQL


@pytest.mark.skipif(bool(why_not()), reason=why_not() or "never")
def test_a_gradebook_of_postgresql_comes_back_with_pg_restore(course, safe, monkeypatch):
    with running(safe.parent / "postgres") as server:
        server.sql("live", "CREATE TABLE grade (n integer); INSERT INTO grade VALUES (17)")
        with (course.root / "nbgrader_config.py").open("a") as config:
            config.write(f"c.CourseDirectory.db_url = {server.url('live')!r}\n")
        made = back_up(Course(course.root), safe, 1, NOON)
        assert made.manifest.gradebook.member == "gradebook.dump"
        assert server.PASSWORD not in made.manifest.to_json()
        words = ["restore", str(made.path), str(safe / "restored")]
        done = run(safe, monkeypatch, *words, "--database", server.url("empty"))
        assert done.exit_code == 0, done.output
        assert server.sql("empty", "SELECT n FROM grade") == "17"
        assert "still names" in done.output  # the live one, until it is set
        words[-1] += "2"
        again = run(safe, monkeypatch, *words, "--database", server.url("empty"))
        assert (again.exit_code, "already exists" in again.output) == (1, True)
        assert not (safe / "restored2").exists()
        assert server.sql("empty", "SELECT count(*) FROM grade") == "1"
        server.sql("live", "DROP TABLE grade")
        words[-1] += "3"
        done = run(safe, monkeypatch, *words, "--database", server.url("live"))
        assert (done.exit_code, "still names" in done.output) == (0, False)


def test_postgresql_that_does_not_answer_is_told_without_its_password(course, safe):
    url = make_url("postgresql://prof:hush@127.0.0.1:1/course")
    if not shutil.which("pg_dump"):
        pytest.skip("pg_dump is not installed")
    with pytest.raises(GraderError, match="pg_dump failed") as told:
        gradebooks.dump(url, safe)
    assert "hush" not in str(told.value)
