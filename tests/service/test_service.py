"""What is handed in is answered as the policy says; with a clock that tests set, and no engine."""

import io
import json
import os
import zipfile
from dataclasses import replace
from datetime import timedelta

import pytest

from grader.course import Course
from grader.grading import extending
from grader.service.attempts import State, Why
from grader.service.exchange import Inbound
from grader.service.running import Flights
from tests.support.course_cases import LAB, WRONG, answered
from tests.support.service_cases import DUE, RUN, served, until_idle

AT_ONCE = {"tell": "points", "per_day": "2"}


@pytest.fixture
def course(tmp_path):
    RUN.clear()
    return served(tmp_path, **AT_ONCE)


def told(course, student, date):
    """The points that a student finds, by exercise; None if nothing is told."""
    answer = course.answer(student, date)
    if answer["told"] == "nothing":
        return None
    return {each["exercise"]: each["score"] for each in answer["points"] if not each["waiting"]}


def test_a_hand_in_is_graded_recorded_and_answered(course):
    date = course.hand_in("alice", standardize=WRONG)
    course.run()
    assert told(course, "alice", date) == {"standardize": 0.0, "SimpleLinear": 3.0}
    assert course.score("alice") == 3
    answer = course.answer("alice", date)
    assert (answer["left_today"], answer["why"], answer["counts"]) == (1, None, True)
    assert not any(each["hint"] for each in answer["points"]), "points only"
    assert course.page("alice", date) is None
    assert (course.exchange / "apprentissage-profond/feedback/service.json").exists()


def test_hints_come_with_the_feedback_page_which_nbgrader_and_labo_find(course):
    course.policy(**AT_ONCE | {"tell": "hints"})
    date = course.hand_in("alice", standardize=WRONG)
    course.run()
    hints = [each["hint"] for each in course.answer("alice", date)["points"]]
    assert "la moyenne se prend par colonne" in hints
    page = course.page("alice", date)
    assert "la moyenne se prend par colonne" in page
    assert "à corriger" in page, "the question waits for a person"
    assert "torch.testing" not in page, "a line of a test"


def test_nothing_is_told_without_a_policy_and_all_is_recorded(tmp_path):
    course = served(tmp_path)
    date = course.hand_in("alice")
    course.run()
    assert told(course, "alice", date) is None
    assert course.answer("alice", date)["why"] == Why.POLICY
    assert course.score("alice") == 5


def test_how_long_a_hand_in_runs_is_not_told_where_nothing_is(course):
    """From the receipt on, its student sees the same: time would be an answer."""
    course.policy(**AT_ONCE | {"when": "after"})
    date = course.hand_in("alice")
    service = course.service()
    while not course.attempts("alice"):
        service.step()
    before, changed = course.answer("alice", date), _changed(course, "alice", date)
    assert before["why"] == Why.DUE_DATE
    until_idle(service)
    assert course.attempts("alice")[0].state is State.GRADED
    assert course.answer("alice", date) == before
    assert _changed(course, "alice", date) == changed


def _changed(course, student, date):
    return course._found(student, date, "json").stat().st_mtime_ns


def test_beyond_the_limit_a_hand_in_counts_and_is_answered_the_next_day(course):
    dates = []
    for answer in (WRONG, WRONG, "def standardize(x):\n    return (x - x.mean(0)) / x.std(0)\n"):
        dates.append(course.hand_in("alice", standardize=answer))
        service = course.run()
    assert [told(course, "alice", date) is None for date in dates] == [False, False, True]
    assert course.answer("alice", dates[2])["why"] == Why.LIMIT
    assert course.score("alice") == 5, "the last one counts"
    assert [attempt.counts for attempt in course.attempts("alice")] == [False, False, True]

    course.clock.wait(hours=1)
    service.step()
    assert told(course, "alice", dates[2]) is None
    course.clock.wait(days=1)
    service.step()
    assert told(course, "alice", dates[2])["standardize"] == 2
    assert course.answer("alice", dates[2])["left_today"] == 1, "the first of that day"


def test_a_day_is_one_of_the_courses_zone(course):
    """Midnight UTC is an evening in Toronto: no new answers then."""
    course.clock.now = DUE.replace(day=29, month=11, hour=23, minute=50)
    for _ in range(2):
        course.hand_in("alice")
        course.run()
    course.clock.wait(minutes=20)
    date = course.hand_in("alice")
    course.run()
    assert told(course, "alice", date) is None


def test_what_is_told_after_the_due_date_waits_for_it_and_for_an_extension(course):
    course.policy(**AT_ONCE | {"when": "after"})
    dates = {student: course.hand_in(student) for student in ("alice", "bruno")}
    service = course.run()
    assert course.answer("alice", dates["alice"])["why"] == Why.DUE_DATE
    extending.give(course.course, LAB, "bruno", "2026-12-05 12:00")

    course.clock.wait(days=3)
    service.step()
    assert told(course, "alice", dates["alice"])
    assert told(course, "bruno", dates["bruno"]) is None
    course.clock.wait(days=5)
    service.step()
    assert told(course, "bruno", dates["bruno"])


def test_an_exercise_kept_back_is_told_once_nobody_has_time_left(course):
    course.policy(**AT_ONCE | {"tell": "hints", "kept_back": "standardize"})
    date = course.hand_in("alice", standardize=WRONG)
    service = course.run()
    extending.give(course.course, LAB, "alice", "2026-12-05 12:00")
    assert told(course, "alice", date) == {"SimpleLinear": 3.0}
    assert course.answer("alice", date)["kept_back"] == ["standardize"]
    assert "la moyenne" not in str(course.answer("alice", date))
    assert course.page("alice", date) is None, "outputs could show what its tests have sent"

    course.clock.wait(days=5)
    service.step()
    assert told(course, "alice", date) == {"SimpleLinear": 3.0}, "somebody has more time"
    course.clock.wait(days=3)
    service.step()
    assert told(course, "alice", date) == {"standardize": 0.0, "SimpleLinear": 3.0}
    assert "la moyenne" in course.page("alice", date)


def test_the_best_counts_where_the_policy_says_so(course):
    course.policy(**AT_ONCE | {"counts": "best", "tell": "hints"})
    good = course.hand_in("alice")
    service = course.run()
    bad = course.hand_in("alice", standardize=WRONG)
    course.run()
    assert [attempt.counts for attempt in course.attempts("alice")] == [True, False]
    assert course.score("alice") == 5
    assert told(course, "alice", bad)["standardize"] == 0, "and it is told"
    assert "la moyenne" in course.page("alice", bad)
    assert not course.answer("alice", bad)["counts"]
    handed_in = course.course.lab(LAB).submission("alice").submitted / "timestamp.txt"
    assert good.replace("T", " ")[:19] in handed_in.read_text()
    service.step()
    assert len(course.attempts("alice")) == 2, "what is left in the exchange is not taken again"


def test_where_the_last_counts_what_was_overtaken_is_not_run(course):
    course.hand_in("alice", standardize=WRONG, end="a")
    last = course.hand_in("alice", end="b")
    course.run()
    assert [attempt.handed_in for attempt in course.attempts("alice")] == [
        last.replace("+00:00", ".000000Z")
    ]
    assert RUN.count("alice") == 1


def test_where_the_best_counts_each_is_run_in_its_turn(course):
    course.policy(**AT_ONCE | {"counts": "best"})
    course.hand_in("alice", end="a")
    course.hand_in("alice", standardize=WRONG, end="b")
    course.run()
    assert [attempt.total for attempt in course.attempts("alice")] == [5, 3]


def test_late_work_is_limited_too_after_the_one_that_counted_was_told(course):
    """Fifty hand-ins on the last day give one answer more; after it, so many a day again."""
    course.clock.now = DUE - timedelta(hours=1)
    for _ in range(4):
        last = course.hand_in("alice", standardize=WRONG)
        service = course.run()
    course.clock.wait(hours=2)
    service.step()
    assert told(course, "alice", last)
    answered = [bool(attempt.answered) for attempt in course.attempts("alice")]
    assert answered == [True, True, False, True]
    late = course.hand_in("alice")
    course.run()
    assert told(course, "alice", late) is None
    assert course.answer("alice", late)["why"] == Why.LIMIT


def test_what_was_handed_in_under_no_name_of_a_lab_is_left_and_told(course):
    (course.inbound / "alice+tp9+2026-11-28 10:00:00 UTC+x").mkdir()
    service = course.service()
    service.step()
    assert service.inbound.refused == {
        "alice+tp9+2026-11-28 10:00:00 UTC+x": "the gradebook has no lab tp9"
    }


def test_what_is_being_written_is_taken_once_it_is_whole(course):
    date = course.hand_in("alice")
    (place,) = course.inbound.iterdir()
    secret = (place / "submission_secret.txt").read_text()
    (place / "submission_secret.txt").unlink()
    service = course.run()
    assert "not whole" in next(iter(service.inbound.refused.values()))
    (place / "submission_secret.txt").write_text(secret)
    course.clock.wait(minutes=1)
    until_idle(service)
    assert told(course, "alice", date)
    assert not service.inbound.refused


def test_a_hand_in_that_cannot_be_graded_does_not_hold_up_the_others(course, monkeypatch):
    from tests.support.service_cases import Pretended

    honest = Pretended.map

    def failing(self, jobs):
        jobs = list(jobs)
        if any(job.key == "bruno" for job in jobs):
            raise RuntimeError("the engine has ended")
        return honest(self, jobs)

    monkeypatch.setattr(Pretended, "map", failing)
    bruno = course.hand_in("bruno")
    service = course.service()
    for _ in range(3):
        service.step()
        course.clock.wait(minutes=2)
    assert "the engine has ended" in str(service.troubles.reasons)
    alice = course.hand_in("alice")
    until_idle(service)
    assert told(course, "alice", alice)
    (attempt,) = course.attempts("bruno")
    assert attempt.state is State.TROUBLE
    assert course.answer("bruno", bruno)["state"] == State.TROUBLE

    monkeypatch.setattr(Pretended, "map", honest)
    course.run()
    assert told(course, "bruno", bruno), "a service that starts tries it again"


def uploaded(course, name: str, content: bytes) -> None:
    folder = course.course.root / "downloaded" / LAB / "archive"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(content)
    os.utime(folder / name, (1e9, 1e9))


def notebook_of(course, **answers: str) -> bytes:
    return json.dumps(answered(course.course, **answers)).encode()


def archived(files: dict[str, bytes]) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return stream.getvalue()


def named_for_the_mini_lab(course) -> None:
    """The course's own pattern knows the names of the series only."""
    with (course.course.root / "nbgrader_config.py").open("a") as config:
        config.write(
            "\nc.FileNameCollectorPlugin.named_regexp = r'(?P<file_id>laboratoire_mini)\\+'"
            " r'(?P<student_id>[^+]+)\\+(?P<timestamp>[0-9TZ]+).*'\n"
        )
    course.course = Course(course.course.root)


def test_uploads_are_taken_too_the_newest_of_a_student(course):
    named_for_the_mini_lab(course)
    uploaded(course, f"{LAB}+alice+20261128T100000Z.ipynb", notebook_of(course, standardize=WRONG))
    files = {f"{LAB}+bruno+20261128T100000Z.ipynb": notebook_of(course), "poids/a.bin": b"poids"}
    uploaded(course, f"{LAB}+bruno+20261128T100000Z.zip", archived(files))
    uploaded(course, "notes.zip", b"")
    service = course.run()
    assert (course.score("alice"), course.score("bruno")) == (3, 5)
    beside = course.course.lab(LAB).submission("bruno").submitted / "poids/a.bin"
    assert beside.read_bytes() == b"poids"
    assert "zip_collect" in service.uploads.refused["notes.zip"]

    uploaded(course, f"{LAB}+alice+20261129T100000Z.ipynb", notebook_of(course))
    uploaded(course, f"{LAB}+alice+20261127T100000Z.ipynb", notebook_of(course, standardize=WRONG))
    course.clock.wait(minutes=1)
    until_idle(service)
    assert course.score("alice") == 5
    assert [attempt.answered != "" for attempt in course.attempts("alice")] == [True, True]


def badly_compressed() -> bytes:
    """An archive whose one file is of no kind of block that its compression has."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("n", "x" * 5000)
    content = bytearray(file.getvalue())
    content[31:39] = b"\xff" * 8
    return bytes(content)


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"PK no archive", "no archive"),
        (archived({"../../gradebook.db": b"x"}), "leads elsewhere"),
        (archived({"/etc/passwd": b"x"}), "leads elsewhere"),
        (archived({"data": b"x", "data/table.csv": b"y"}), "cannot be written"),
        (archived({"timestamp.txt/x": b"x"}), "cannot be written"),
        (archived({"x" * 300: b"x"}), "cannot be written"),
        (archived({"é": b"x"}).replace("é".encode(), b"\xff\xfe"), "no archive"),
        (badly_compressed(), "no archive"),
    ],
)
def test_an_archive_that_is_none_or_leads_elsewhere_is_left_and_keeps_nobody_waiting(
    course, content, why
):
    named_for_the_mini_lab(course)
    uploaded(course, f"{LAB}+alice+20261128T100000Z.zip", content)
    uploaded(course, f"{LAB}+bruno+20261128T110000Z.ipynb", notebook_of(course))
    service = course.run()
    assert why in next(iter(service.uploads.refused.values()))
    assert course.course.lab(LAB).students() == ["bruno"]


def test_a_folder_that_has_not_changed_is_not_listed(course, monkeypatch):
    """And one that has is at once; what was refused long ago is tried now and then."""
    listed = []
    scandir = os.scandir
    monkeypatch.setattr(os, "scandir", lambda path: listed.append(path) or scandir(path))
    ticks = iter(range(1000))
    inbound = Inbound(course.inbound, lambda: next(ticks) / 10)
    (course.inbound / "alice+tp9+2026-11-28 10:00:00 UTC+x").mkdir()
    for _ in range(300):
        for name in inbound.waiting():
            inbound.refuse(name, "no lab")
    assert len(listed) < 250
    before = len(listed)
    for _ in range(50):
        assert inbound.waiting() == []
    assert len(listed) == before
    (course.inbound / "bruno+tp9+2026-11-28 10:00:00 UTC+x").mkdir()
    assert "bruno+tp9+2026-11-28 10:00:00 UTC+x" in inbound.waiting()


def test_what_nothing_will_be_told_of_waits_for_the_others(course):
    for _ in range(2):
        course.hand_in("alice")
        course.run()
    course.hand_in("alice", standardize=WRONG)
    course.hand_in("bruno")
    RUN.clear()
    service = course.service()
    service.means = replace(service.means, threads=1)
    service.flights = Flights(service.means)
    until_idle(service)
    assert [student for student in RUN if student] == ["bruno", "alice"]
