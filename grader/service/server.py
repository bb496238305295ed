"""The service: what is handed in is taken, graded, recorded and answered, one step after the other.

One thread does all that is written, gradebook and journal included; gradings run in others, which
share an engine. Each step is noted before the next begins: killed at any moment, the service goes
on from there. What cannot be done now (no room on the disk, an exchange that is away, a gradebook
that another command holds) is tried again, ever more seldom, and shown to the instructor
meanwhile.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from itertools import islice
from typing import Final

from grader.course import Course, Lab
from grader.errors import GraderError
from grader.plugins.deposits import Refused
from grader.service.answers import Results
from grader.service.attempts import Journal, State, iso, moment
from grader.service.desk import Desk, HandIn
from grader.service.exchange import Exchange, Inbound, collect, lab_of, student_of
from grader.service.policy import Counts, policy_of
from grader.service.running import Flights, Landed, Means
from grader.service.status import (
    BEAT,
    EXCHANGE,
    Status,
    Troubles,
    free_bytes,
    read_status,
    utc_now,
    write_status,
)
from grader.service.uploads import Uploads, take

_WAIT_SECONDS: Final = 0.25  # between two looks at the exchange: one `stat` while nothing comes
_BEAT_SECONDS: Final = 5.0
_UPLOADS_SECONDS: Final = 3.0
_REVIEW_SECONDS: Final = 20.0
_TRIES: Final = 3
_SHOWN: Final = 100  # deposits that were refused: anybody may put some there


@dataclass
class Service:
    """What `grader serve` is.

    Args:
        clock: the time of day, in UTC; ticks: seconds that only go forward.
    """

    course: Course
    means: Means
    say: Callable[[str], None] = print
    clock: Callable[[], datetime] = utc_now
    ticks: Callable[[], float] = time.monotonic
    waiting: dict[tuple[str, str], HandIn] = field(default_factory=dict)
    """By lab and student: taken, and not yet running."""
    flying: dict[tuple[str, str], HandIn] = field(default_factory=dict)
    graded: list[tuple[HandIn, Results]] = field(default_factory=list)
    """Run, and not yet recorded."""

    def __post_init__(self) -> None:
        self.exchange = Exchange.of(self.course)
        self.desk = Desk(self.course, self.exchange, Journal(self.course), self.clock)
        self.inbound = Inbound(self.exchange.inbound, self.ticks)
        self.uploads = Uploads(self.course)
        self._uploads_left = False
        self.flights = Flights(self.means)
        self.troubles = Troubles(self.say, self.ticks)
        self.figures = read_status(self.course).figures
        self._looked = ""
        self._progress = self.clock()
        self._last: dict[str, float] = {}
        self._failures: dict[tuple[str, str, str], tuple[int, int]] = {}
        self._successes = 0
        for hand_in in self.desk.resume():
            self.waiting[hand_in.key[:2]] = hand_in

    @property
    def is_idle(self) -> bool:
        left = self._uploads_left or not self.inbound.is_empty
        return not (left or self.waiting or self.flying or self.graded)

    def run(self, stop: Callable[[], bool], once: bool = False) -> None:
        """Serve until told to stop; `once`, until nothing is left to do."""
        try:
            while not stop():
                self.step()
                if once and self.is_idle:
                    return
        finally:
            self.flights.close()
            self._write_status()
            self.desk.close()

    def step(self) -> None:
        """Do all that can be done now, and wait a moment for a grading to end."""
        if self._is_time("beat", _BEAT_SECONDS):
            with self.troubles.trying(BEAT):
                self.exchange.beat()
            self._write_status()
        if self.troubles.may_try(EXCHANGE):
            with self.troubles.trying(EXCHANGE):
                self._look()
        if self._is_time("uploads", _UPLOADS_SECONDS) and self.troubles.may_try("uploads"):
            with self.troubles.trying("uploads"):
                self._take_uploads()
        self._start()
        for landed in self.flights.landed(_WAIT_SECONDS):
            self._take(landed)
        self._settle()
        self.flights.release()
        if self._is_time("review", _REVIEW_SECONDS) and self.troubles.may_try("answers"):
            with self.troubles.trying("answers"):
                self.desk.review()
        if not self.flights.count and self._is_time("idle", _REVIEW_SECONDS):
            self.means.when_idle()

    def _is_time(self, what: str, seconds: float) -> bool:
        due = self.ticks() - self._last.get(what, float("-inf")) >= seconds
        if due:
            self._last[what] = self.ticks()
        return due

    # ---- What comes in

    def _look(self) -> None:
        names = self.inbound.waiting()
        self._looked = iso(self.clock())
        if not names:
            return
        known = self.desk.dates().labs
        by_lab = defaultdict(list)
        for name in names:
            by_lab[lab_of(name)].append(name)
        for lab, found in by_lab.items():
            if lab in known:
                self._collect(self.course.lab(lab), found)
            else:
                for name in found:
                    self.inbound.refuse(name, f"the gradebook has no lab {lab}")

    def _collect(self, lab: Lab, names: Iterable[str]) -> None:
        """Take what is next of each student; what they hand in meanwhile waits in the exchange."""
        busy = self._busy(lab.name)
        mine: dict[str, list[str]] = defaultdict(list)
        for name in names:
            if student_of(name) not in busy:
                mine[student_of(name)].append(name)
        best = policy_of(self.course, lab.name).counts is Counts.BEST
        chosen = [name for all in mine.values() for name in (sorted(all)[:1] if best else all)]
        if not chosen:
            return
        taken, refused = collect(self.exchange, lab.name, chosen, partial(self._is_known, lab))
        for one in taken:
            try:
                self._receive(lab, one.student, one.date)
            except (
                GraderError
            ) as error:  # of this student's files: it lies there, and is tried again
                refused[one.name] = str(error)
        for name in chosen:
            if name in refused:
                self.inbound.refuse(name, refused[name])
            else:
                self.inbound.settle(name)

    def _take_uploads(self) -> None:
        self._uploads_left = False
        for upload in self.uploads.waiting():
            if upload.lab not in self.desk.dates().labs:
                self.uploads.refuse(upload.path, f"the gradebook has no lab {upload.lab}")
                continue
            lab = self.course.lab(upload.lab)
            if upload.student in self._busy(lab.name):
                self._uploads_left = True
                continue
            try:
                is_there = take(lab, upload)
                if is_there and not self._is_known(lab, upload.student, upload.date):
                    self._receive(lab, upload.student, upload.date)
            except Refused as reason:
                self.uploads.refuse(upload.path, str(reason))
            else:
                self.uploads.settle(upload.path)

    def _receive(self, lab: Lab, student: str, date: datetime) -> None:
        hand_in = self.desk.receive(lab, student, date)
        self.figures.taken += 1
        self.waiting[hand_in.key[:2]] = hand_in

    def _busy(self, lab: str) -> set[str]:
        """Students of whom something is on its way."""
        busy = {student for name, student in (*self.waiting, *self.flying) if name == lab}
        return busy | {one.student for one, _ in self.graded if one.lab.name == lab}

    def _is_known(self, lab: Lab, student: str, date: datetime) -> bool:
        try:
            return self.desk.journal.attempt(lab.name, student, iso(date)) is not None
        except GraderError:  # which taking it tells
            return False

    # ---- What runs

    def _start(self) -> None:
        by_lab: dict[str, list[HandIn]] = defaultdict(list)
        # Those of which nothing will be told can wait: who hands in all day holds nobody up.
        for hand_in in sorted(self.waiting.values(), key=lambda one: one.attempt.why is not None):
            by_lab[hand_in.lab.name].append(hand_in)
        for name, hand_ins in by_lab.items():
            if not self.troubles.may_try(name):
                continue
            while hand_ins and self.flights.has_room:
                group, hand_ins = hand_ins[: self.means.group], hand_ins[self.means.group :]
                try:
                    self.flights.start(group[0].lab, [one.student for one in group])
                except GraderError as error:  # another command grades this lab
                    self.troubles.failed(name, str(error))
                    break
                for one in group:
                    self.flying[one.key[:2]] = self.waiting.pop(one.key[:2])

    def _take(self, landed: Landed) -> None:
        """A grading that has ended, one way or the other."""
        name = landed.lab.name
        for student in landed.students:
            hand_in = self.flying.pop((name, student))
            if student in landed.results:
                self._successes += 1
                self.graded.append((hand_in, landed.results[student]))
            else:
                self._again(hand_in, landed.error)
        if landed.error is None:
            self.troubles.worked(name)
        else:
            self.troubles.failed(name, _told(landed.error))

    def _again(self, hand_in: HandIn, error: BaseException | None) -> None:
        """Try it again, last of all; not for ever, when others can be graded."""
        tries, before = self._failures.get(hand_in.key, (0, self._successes))
        self._failures[hand_in.key] = tries + 1, before
        if tries + 1 < _TRIES or self._successes == before:
            self.waiting[hand_in.key[:2]] = hand_in
            return
        with self.troubles.trying("answers"):
            self._count(self.desk.give_up(hand_in, f"it could not be graded: {_told(error)}"))

    # ---- What is told

    def _settle(self) -> None:
        by_lab: dict[str, list[tuple[HandIn, Results]]] = defaultdict(list)
        for hand_in, results in self.graded:
            by_lab[hand_in.lab.name].append((hand_in, results))
        for name, graded in by_lab.items():
            what = f"recording {name}"
            if not self.troubles.may_try(what):
                continue
            with self.troubles.trying(what):
                for done in self.desk.settle(graded[0][0].lab, graded):
                    self.graded = [each for each in self.graded if each[0].key != done.key]
                    self._count(done)

    def _count(self, done: HandIn) -> None:
        self._progress = self.clock()
        if done.attempt.state is State.TROUBLE:
            self.figures.failed += 1
        else:
            waited = self._progress - moment(done.attempt.received)
            self.figures.answer(waited.total_seconds())

    def _write_status(self) -> None:
        waiting, running = len(self.waiting), len(self.flying) + len(self.graded)
        if not waiting + running:
            self._progress = self.clock()
        refused = (self.inbound.refused | self.uploads.refused).items()
        status = Status(
            iso(self.clock()),
            waiting,
            running,
            dict(islice(refused, _SHOWN)),
            dict(self.troubles.reasons),
            self._looked,
            iso(self._progress),
            free_bytes(self.exchange.folder),
            self.figures,
        )
        with self.troubles.trying("writing in the course's folder"):
            write_status(self.course, status)


def _told(error: BaseException | None) -> str:
    return str(error) if isinstance(error, GraderError) else repr(error)
