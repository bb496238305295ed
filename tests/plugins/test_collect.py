"""Collecting takes what is whole, of whom it says, when it came; the rest stays, and is told."""

import os
import shutil
import sysconfig
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from nbgrader.exchange import ExchangeError

from grader.plugins.collect import Collect
from tests.support.exchange_cases import DATE, LAB, NOTEBOOK, SECRET, World


@pytest.fixture
def world(tmp_path) -> World:
    return World(tmp_path)


def test_the_last_submission_counts_and_is_taken_whole(world):
    world.put("alice", "first", minutes=-2)
    world.collect()
    assert world.content("alice") == "first"
    (world.collected("alice") / "left over").touch()
    last = world.put("alice", "last")
    (last / "__pycache__").mkdir()
    (last / "images").mkdir()
    (last / "images/one.png").touch()
    assert "1 students handed in, 1 collected now" in world.collect()
    assert world.content("alice") == "last"
    names = {path.name for path in world.collected("alice").rglob("*")}
    assert names == {NOTEBOOK, DATE, SECRET, "images", "one.png"}
    assert "1 students handed in, 0 collected now" in world.collect()
    assert last.is_dir(), "collecting removes nothing from the exchange"


@pytest.mark.parametrize("missing", [DATE, SECRET])
def test_one_that_is_being_written_is_left_until_it_is_whole(world, missing):
    world.put("alice", "before", minutes=-2)
    place = world.put("alice", "half")
    kept = (place / missing).read_text()
    (place / missing).write_text("")
    world.put("bruno", "whole")
    told = world.collect()
    assert "not whole" in told
    assert place.name in told
    assert (world.content("alice"), world.content("bruno")) == ("before", "whole")
    (place / missing).write_text(kept)
    (place / NOTEBOOK).write_text("whole")
    assert "not whole" not in world.collect()
    assert world.content("alice") == "whole"


def test_what_was_left_is_counted(world):
    (world.put("alice", "half") / SECRET).unlink()
    world.put("bruno", "whole")
    told = world.collect()
    assert "1 students handed in, 1 collected now, 1 submissions left in the exchange" in told


def test_that_nobody_handed_in_is_not_said_of_what_was_left(world):
    for student in ("alice", "bruno"):
        (world.put(student, "half") / SECRET).unlink()
    told = world.collect()
    assert "nothing could be collected, 2 submissions left in the exchange" in told
    assert "0 students" not in told


def test_what_was_handed_in_under_no_assignment_is_named(world, monkeypatch):
    # As nbgrader_config.py does: nbgrader calls `alembic` by name.
    path = os.pathsep.join([sysconfig.get_path("scripts"), os.environ["PATH"]])
    monkeypatch.setenv("PATH", path)
    place = world.put("alice", "hers")
    copy = place.with_name(place.name.replace(LAB, f"{LAB}-Copy1"))
    place.rename(copy)
    told = world.collect()
    assert "0 students handed in" in told
    assert f"under no assignment of the course: {copy.name}" in told


def test_a_failed_attempt_is_no_longer_told_once_another_came(world):
    (world.put("alice", "half", minutes=-2) / SECRET).unlink()
    world.put("alice", "whole")
    assert "not whole" not in world.collect()


def test_what_labo_has_not_finished_is_not_seen(world):
    place = world.put("alice", "half")
    place.rename(place.with_name(f".{place.name}"))
    assert "0 students handed in" in world.collect()


def link(place: Path) -> None:
    (place / NOTEBOOK).unlink()
    (place / NOTEBOOK).symlink_to(place.parent.parent / "solution")


def hard_link(place: Path) -> None:
    (place / NOTEBOOK).unlink()
    os.link(place.parent.parent / "solution", place / NOTEBOOK)


def pipe(place: Path) -> None:
    os.mkfifo(place / "pipe")


def whole_link(place: Path) -> None:
    place.rename(place.parent / "aside")
    place.symlink_to(place.parent / "aside")


def huge(place: Path) -> None:
    with (place / "huge").open("wb") as file:
        file.truncate(90 << 20)
    with (place / "huger").open("wb") as file:
        file.truncate(90 << 20)


@pytest.mark.parametrize("harm", [link, hard_link, pipe, whole_link, huge])
def test_what_is_no_plain_file_is_left_and_stops_nobody_else(world, harm):
    (world.inbound.parent / "solution").write_text("the instructor's")
    harm(world.put("alice", "hers"))
    world.put("bruno", "his")
    assert "Left in the exchange: alice+" in world.collect()
    assert not world.collected("alice").exists()
    assert world.content("bruno") == "his"
    assert not list(world.folder.rglob("*.partial"))


def test_a_link_to_a_folder_is_not_followed(world):
    place = world.put("alice", "hers")
    (place / "sources").symlink_to(world.folder)
    assert "sources (a link to a folder)" in world.collect()
    assert world.content("alice") == "hers"
    assert not (world.collected("alice") / "sources").exists()


def test_a_file_that_is_too_large_is_left_out_and_told(world):
    place = world.put("alice", "hers")
    with (place / "huge\nCollected: bruno").open("wb") as file:
        file.truncate(101 << 20)
    told = world.collect()
    assert "huge Collected: bruno (larger than" in told
    assert world.content("alice") == "hers"


def nested(place: Path) -> None:
    for _ in range(500):
        place = place / "n"
        place.mkdir()


def crowded(place: Path) -> None:
    for number in range(10_000):
        (place / str(number)).touch()


@pytest.mark.parametrize(
    ("harm", "reason"), [(nested, "nested too deep"), (crowded, "more than 10000 files")]
)
def test_what_would_take_for_ever_is_left_and_stops_nobody_else(world, harm, reason):
    harm(world.put("alice", "hers"))
    world.put("bruno", "his")
    assert reason in world.collect()
    assert not world.collected("alice").exists()
    assert world.content("bruno") == "his"


@pytest.mark.skipif(os.geteuid() != 0, reason="giving a file to somebody else needs root")
@pytest.mark.parametrize("part", [NOTEBOOK, "images", "images/one.png"])
def test_a_part_that_is_not_the_students_is_left(world, part):
    place = world.put("alice", "hers")
    (place / "images").mkdir()
    (place / "images/one.png").touch()
    os.chown(place / part, 65534, 65534)
    assert f"{part} belongs to nobody, the rest to root" in world.collect()
    assert not world.collected("alice").exists()


def rewritten(place: Path) -> None:
    (place / NOTEBOOK).write_text("late")


def another_folder(place: Path) -> None:
    place.rename(place.parent / "aside")
    shutil.copytree(place.parent / "aside", place)


def a_link(place: Path) -> None:
    place.rename(place.parent / "aside")
    place.symlink_to(place.parent / "aside")


def a_pipe(place: Path) -> None:
    place.rename(place.parent / "aside")
    os.mkfifo(place)


@pytest.mark.parametrize("change", [rewritten, another_folder, a_link, a_pipe])
def test_a_change_after_its_date_was_taken_is_not_collected(world, monkeypatch, change):
    place = world.put("alice", "in time")
    world.put("bruno", "his")
    take = Collect._take

    def changed(self, deposit) -> bool:
        if deposit.student == "alice":
            time.sleep(0.02)  # the clock of a file system has a tick
            change(place)
        return take(self, deposit)

    monkeypatch.setattr(Collect, "_take", changed)
    assert f"Left in the exchange: {place.name}: it changed while it was read" in world.collect()
    assert not world.collected("alice").exists()
    assert world.content("bruno") == "his"


@pytest.mark.parametrize("date", ["", "yesterday", "9" * 400])
def test_a_name_without_a_date_stops_nobody(world, date):
    (world.inbound / f"mallory+laboratoire_01+{date[:150]}").mkdir()
    world.put("alice", "hers")
    assert "no date" in world.collect()
    assert world.content("alice") == "hers"


def test_a_name_that_cannot_be_shown_stays_in_the_exchange(world):
    world.put("mal\x1b[2J\u202elory", "x")
    world.put("bob\nCollected: mallory", "x")
    world.put("alice", "hers")
    told = world.collect()
    assert told.count("cannot be shown") == 2
    assert not set("\x1b\u202e") & set(told)
    assert "\nCollected: mallory" not in told
    assert world.content("alice") == "hers"


def test_who_hands_in_for_another_is_not_believed(world):
    world.put("alice", "not hers", minutes=60)
    told = world.collect(check_owner=True)
    assert "it belongs to" in told
    assert "check_owner = False" in told
    assert not world.collected("alice").exists()


def test_a_clock_that_is_off_decides_nothing(world):
    """Both dates are shown; the exchange's counts, for lateness and for the order."""
    world.put("alice", "first", minutes=90)
    told = world.collect()
    assert "by the exchange's clock, which counts" in told
    assert near(world.collected("alice"), datetime.now(UTC))
    time.sleep(0.05)
    world.put("alice", "last")  # the clock was put right
    world.collect()
    assert world.content("alice") == "last"


def test_an_earlier_date_cannot_be_written_afterwards(world):
    place = world.put("alice", "late")
    place.rename(self_dated := place.with_name(place.name.replace("20", "19", 1)))
    (self_dated / DATE).write_text("2020-01-01 00:00:00 UTC")
    world.collect()
    assert near(world.collected("alice"), datetime.now(UTC))


def test_after_a_restored_exchange_the_names_are_believed(world):
    place = world.put("alice", "in time", minutes=-600)
    told = world.collect(clock_tolerance=1e9)
    assert "clock" not in told
    assert near(world.collected("alice"), datetime.now(UTC) - timedelta(minutes=600))
    assert (world.collected("alice") / DATE).read_text() == (place / DATE).read_text()


def near(collected: Path, date: datetime) -> bool:
    written = datetime.fromisoformat((collected / DATE).read_text().replace(" UTC", "+00:00"))
    return abs(written - date) < timedelta(minutes=2)


def test_a_full_disk_is_told_and_leaves_nothing_half_collected(world, monkeypatch):
    world.put("alice", "hers")

    def full(self: Path, content: bytes) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(ExchangeError, match="Make room and collect again"):
        world.collect()
    monkeypatch.undo()
    assert not world.collected("alice").exists()
    assert not list(world.folder.rglob("*.partial"))
    world.collect()
    assert world.content("alice") == "hers"


def test_a_student_who_withdraws_it_meanwhile_stops_nobody(world, monkeypatch):
    place = world.put("alice", "hers")
    world.put("bruno", "his")
    take = Collect._take

    def withdrawn(self, deposit) -> bool:
        if deposit.student == "alice":
            shutil.rmtree(place)
        return take(self, deposit)

    monkeypatch.setattr(Collect, "_take", withdrawn)
    world.collect()
    assert world.content("bruno") == "his"
    assert not world.collected("alice").exists()
