"""The service watched: is it well, and what has it done; nothing of any student."""

from dataclasses import replace
from datetime import timedelta

import pytest
from prometheus_client.parser import text_string_to_metric_families as parsed

from grader.errors import GraderError
from grader.service.attempts import iso
from grader.service.figures import SECONDS, Figures
from grader.service.holder import alone
from grader.service.monitoring import FULL, STUCK, metrics, reasons
from grader.service.status import Status, read_status, utc_now, write_status
from tests.support.course_cases import LAB, WRONG
from tests.support.page_cases import asking
from tests.support.service_cases import served, until_idle


@pytest.fixture
def course(tmp_path):
    return served(tmp_path, tell="hints", per_day="2")


@pytest.fixture
def ask(course):
    with asking(course.course) as ask:
        yield ask


def found(course) -> list[str]:
    """What is wrong by the test's clock, with what the service last said."""
    return reasons(course.course, read_status(course.course), course.clock.now)


def values(course, now=None) -> dict[str, float]:
    """By name, with the label if there is one, what is exposed."""
    text = metrics(course.course, read_status(course.course), now or course.clock.now).decode()
    samples = (sample for family in parsed(text) for sample in family.samples)
    return {"/".join([one.name, *one.labels.values()]): one.value for one in samples}


def stepped(course, service, steps: int = 3) -> None:
    for _ in range(steps):
        service.step()
    course.clock.wait(seconds=10)
    service.step()


# ---- Is it well?


def test_a_service_that_answers_is_well(course):
    service = course.run()
    course.hand_in("alice", standardize=WRONG)
    stepped(course, service)
    assert found(course) == []
    assert values(course)["grader_healthy"] == 1


def test_one_that_never_ran_or_has_ended_is_told(course):
    assert found(course) == ["not running"]
    with alone(course.course):
        course.run()
        course.clock.wait(minutes=1)
        assert found(course) == ["stuck: it has not said anything for long"]
    holder = course.course.root / ".grader/.service/holder"
    holder.write_text(holder.read_text().replace(holder.read_text().split()[1], "4194305"))
    assert found(course) == ["not running"]
    assert values(course)["grader_serving"] == 0


def test_an_exchange_that_is_away_is_told_until_it_is_back(course):
    service = course.run()
    away = course.exchange.with_name("away")
    course.exchange.rename(away)
    stepped(course, service)
    assert "the exchange is away, or nothing can be taken from it" in found(course)
    assert "grader_free_bytes/exchange" not in values(course)
    looked = values(course)["grader_last_look_timestamp_seconds"]
    away.rename(course.exchange)
    course.clock.wait(minutes=1)
    stepped(course, service)
    assert found(course) == []
    assert values(course)["grader_last_look_timestamp_seconds"] > looked
    assert values(course)["grader_free_bytes/exchange"] > FULL


def test_disks_that_are_full_are_told(course, monkeypatch):
    service = course.run()
    monkeypatch.setattr("grader.service.server.free_bytes", lambda _: FULL - 1)
    stepped(course, service)
    assert found(course) == ["disk full: exchange"]
    monkeypatch.setattr("grader.service.monitoring.free_bytes", lambda _: 0)
    assert found(course) == ["disk full: course", "disk full: exchange"]


def test_an_exchange_that_cannot_be_written_is_told(course, monkeypatch):
    service = course.run()

    def full(*_):
        raise GraderError("No space left on device")

    monkeypatch.setattr("grader.service.exchange.write_atomically", full)
    stepped(course, service)
    assert found(course) == ["the exchange cannot be written"]


def test_hand_ins_that_do_not_come_to_an_end_are_told(course, monkeypatch):
    service = course.run()
    course.hand_in("alice")

    def held(*_):
        raise GraderError("The gradebook cannot be written: database is locked.")

    with monkeypatch.context() as patched:
        patched.setattr("grader.service.desk.record_some", held)
        stepped(course, service)
        assert found(course) == []
        course.clock.wait(seconds=STUCK.total_seconds())
        stepped(course, service)
        assert found(course) == ["stuck: hand-ins wait, and none of them is done"]
    course.clock.wait(minutes=1)
    until_idle(service)
    stepped(course, service)
    assert found(course) == []


# ---- What has it done?


def test_hand_ins_are_counted_and_a_service_that_starts_again_goes_on_counting(course):
    course.hand_in("alice", standardize=WRONG)
    course.hand_in("bruno")
    service = course.run()
    stepped(course, service)
    first = values(course)
    assert first["grader_hand_ins_taken_total"] == first["grader_hand_ins_answered_total"] == 2
    assert first["grader_answer_seconds_count"] == first["grader_answer_seconds_bucket/1"] == 2
    course.hand_in("alice")
    stepped(course, course.run())
    assert values(course)["grader_hand_ins_answered_total"] == 3


def test_what_cannot_be_graded_is_counted_apart(course, monkeypatch):
    """While others can be."""
    run = "tests.support.service_cases.Pretended.map"
    service = course.service()

    def ended(self, jobs):
        raise RuntimeError("the engine has ended")

    course.hand_in("alice")
    with monkeypatch.context() as patched:
        patched.setattr(run, ended)
        stepped(course, service)
    service._successes += 1
    monkeypatch.setattr(run, ended)
    for _ in range(6):
        course.clock.wait(minutes=1)
        service.step()
    until_idle(service)
    stepped(course, service)
    now = values(course)
    assert (now["grader_hand_ins_failed_total"], now["grader_hand_ins_answered_total"]) == (1, 0)


def test_times_fall_into_classes_which_include_those_below():
    figures = Figures()
    for seconds in (-3, 1, 1.5, 60, 4000):
        figures.answer(seconds)
    buckets = dict(figures.buckets)
    assert [buckets[str(bound)] for bound in SECONDS] == [2, 3, 3, 3, 3, 4, 4, 4, 4, 4]
    assert (buckets["+Inf"], figures.answered, figures.seconds) == (5, 5, 4062.5)


def test_a_status_of_another_version_is_none(course):
    course.run()
    path = course.course.root / ".grader/.service/status.json"
    path.write_text(path.read_text().replace('"classes"', '"kinds"'))
    assert read_status(course.course) == Status()
    assert found(course) == ["not running"]


# ---- Who may ask?


def test_everybody_may_ask_whether_it_is_well_and_hears_no_more(course, ask):
    course.hand_in("alice")
    course.run()
    now = utc_now()
    status = replace(read_status(course.course), date=iso(now), progress=iso(now))
    write_status(course.course, status)
    answer = ask("", "health")
    assert (answer.code, answer.body) == (200, b"ok\n")
    write_status(course.course, replace(status, date=iso(now - timedelta(minutes=5))))
    answer = ask("", "health")
    assert (answer.code, answer.body) == (503, b"not running\n")
    assert answer.headers["Cache-Control"] == "no-store"


def test_figures_are_for_whom_the_hub_lets_read_its_own(course, ask):
    """How long the queue is tells a student how long their notebook ran."""
    for name in ("", "alice", "root", "tara", "prof"):
        assert ask(name, "metrics").code == 403, name
    answer = ask("prometheus", "metrics")
    assert answer.code == 200
    assert answer.headers["Content-Type"].startswith("text/plain")
    assert "grader_hand_ins_waiting" in answer.body.decode()


def test_figures_name_no_student_and_no_lab(course, ask):
    course.hand_in("alice", standardize=WRONG)
    (course.inbound / "bruno+unknown+2026-11-28 10:00:00 UTC+x").mkdir()
    service = course.service()
    for _ in range(4):
        service.step()
    stepped(course, service)
    assert read_status(course.course).refused
    text = ask("prometheus", "metrics").body.decode()
    assert "grader_deposits_refused 1.0" in text
    for name in ("alice", "bruno", LAB, "unknown", "standardize"):
        assert name not in text
